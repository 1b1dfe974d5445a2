from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from numeric import BilinearNetwork, trace
from numeric.features import sharing
from proofs import check
from tests.digits import small_digits

README = Path(__file__).parent.parent / "README.md"


def test_the_example_of_the_readme_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its own digits, few of them, and a search for shared features that need not be good ones.
    monkeypatch.setattr("numeric.load_mnist", lambda: small_digits(784, 10, pictures=10))
    monkeypatch.setattr(sharing, "_STEPS", 9)
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    exec(compile(example, str(README), "exec"), {"__name__": "example"})  # noqa: S102 -- our own
    said = capsys.readouterr().out
    assert "degree 2, up to 308,505 monomials" in said
    assert "[exact, holds] The polarized graph and the network are the same polynomial" in said
    assert (tmp_path / "report" / "report.html").is_file()
    assert len(check(tmp_path / "report" / "certificate.json")) > 4


def test_the_feature_that_the_readme_cuts_is_one_of_the_graph_that_it_names() -> None:
    text = README.read_text("utf-8")
    (traced,) = re.findall(r"`(eigen = trace\(.+?\))`", text)
    (cut,) = re.findall(r"`(eigen\.remove_node\(.+?\))`", text)
    names: dict[str, Any] = {"trace": trace}
    names["model"] = BilinearNetwork(4, 10, depth=2, width=64, hidden=256)
    exec(traced, names)  # noqa: S102 -- the project's own text
    features = {node for node in names["eigen"] if node[0] == "feature"}
    assert names["eigen"].graph["method"] == "eigen"
    exec(cut, names)  # noqa: S102
    assert features - set(names["eigen"]) == {("feature", 2, 195)}


def test_every_tox_environment_that_the_readme_names_exists() -> None:
    environments = set(re.findall(r"^\[testenv:(.+)\]$", _tox(), re.MULTILINE))
    named = set(re.findall(r"tox -e ([a-z-]+)", README.read_text("utf-8")))
    assert named <= environments


def test_every_tox_environment_says_what_it_is_for() -> None:
    sections = re.split(r"^\[testenv:", _tox(), flags=re.MULTILINE)[1:]
    assert all("\ndescription = " in section for section in sections)


def test_every_picture_of_the_readme_is_there() -> None:
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", README.read_text("utf-8"))
    assert pictures
    assert all((README.parent / picture).is_file() for picture in pictures)


def _tox() -> str:
    return (README.parent / "tox.ini").read_text("utf-8")
