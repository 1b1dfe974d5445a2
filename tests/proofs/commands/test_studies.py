"""The command that makes studies, on small ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from numeric import NumericError
from numeric.studies import gate_study, recovery
from numeric.studies.planted import KINDS
from proofs.commands import studies
from proofs.commands.studies import STUDIES, fashion_of
from tests.commands import bilinear, one_line, said
from tests.digits import like_mnist
from tests.numeric.studies.test_gates import TINY


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(recovery, "KINDS", {"sum": KINDS["sum"]})


def test_the_help_names_every_study() -> None:
    text = said(bilinear("study", "--help"))
    assert all(name in text for name in STUDIES)


def test_a_study_says_what_it_found_and_goes_on_where_it_was() -> None:
    result = bilinear("study", "planted", "--quick")
    assert result.exit_code == 0
    *lines, last = result.stdout.splitlines()
    assert last == "page: runs/study-planted/study.html"
    assert {line.split(":")[0] for line in lines} == {"for", "against"}
    results = json.loads(Path("runs/study-planted/results.json").read_text())
    assert len(results["tables"]["recovery"]) == 2 * (len(recovery.METHODS) - 1)
    (part,) = Path("runs/study-planted/parts").iterdir()
    before = part.stat().st_mtime_ns
    assert bilinear("study", "planted", "--quick").stdout == result.stdout
    assert part.stat().st_mtime_ns == before


def test_fashion_is_what_a_folder_holds_or_a_sentence(tmp_path: Path) -> None:
    said_so = fashion_of(tmp_path / "none")
    assert isinstance(said_so, str)
    assert str(tmp_path / "none") in said_so
    with pytest.raises(NumericError, match="which is empty"):
        fashion_of(tmp_path)


def test_a_study_of_images_takes_data_and_says_where_fashion_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate_study, "QUICK", TINY)
    monkeypatch.setattr(studies, "data_of", lambda _: like_mnist(inputs=36))
    result = bilinear("study", "gates", "found", "--quick", "--fashion", tmp_path / "none")
    assert result.exit_code == 0
    assert "nothing is at" in Path("found/study.html").read_text()
    assert Path("found/gates.csv").read_text().startswith("data,depth,seed,epochs,kind,")


def test_a_study_that_is_none_is_named() -> None:
    result = bilinear("study", "weather")
    assert result.exit_code == 2
    assert one_line(result.stderr).startswith("expected NAME to be one of planted")
    assert not list(Path().iterdir())
