"""The registry's table says where each theorem is, and a name that is wrong anywhere is refused."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from analytic import THEOREMS
from proofs.checker import CLAIMS

DOCS = Path(__file__).parent.parent.parent / "docs"


def _loaded(name: str) -> ModuleType:
    """Import a module of the documentation, which is no package."""
    specification = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


theorems = _loaded("theorems")
FEW = {"tests": theorems.TESTS / "analytic" / "derivations", "sources": ()}


@pytest.fixture(scope="module")
def registry() -> list[Any]:
    """Return the entries as they stand in the documentation."""
    return list(theorems.entries())


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Return a copy of the derivation pages, to be altered."""
    return Path(shutil.copytree(DOCS / "derivations", tmp_path / "derivations"))


def _alter(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_every_theorem_stands_in_the_table_once_with_its_page_and_a_test(
    registry: list[Any],
) -> None:
    assert [entry.name for entry in registry] == list(THEOREMS)
    for entry in registry:
        assert (DOCS / "derivations" / f"{entry.page}.md").is_file()
        assert entry.tests
        assert all((theorems.TESTS / path).is_file() for path in entry.tests)


def test_the_contents_list_every_page(registry: list[Any]) -> None:
    contents = (DOCS / "derivations" / "index.md").read_text("utf-8")
    (listed,) = re.findall(r"```\{toctree\}\n:[^\n]+\n\n(.*?)```", contents, re.DOTALL)
    pages = {page.stem for page in (DOCS / "derivations").glob("*.md")} - {"index"}
    assert len(listed.split()) == len(pages) == 14
    assert set(listed.split()) == pages
    assert {entry.page for entry in registry} < pages


def test_every_claim_of_the_checker_that_rests_on_a_theorem_stands_beside_it(
    registry: list[Any],
) -> None:
    found = {entry.name: entry.claims for entry in registry}
    for kind, claim in CLAIMS.items():
        if claim.theorem:
            assert f"{kind} ({claim.level})" in found[claim.theorem]
    assert found["eigen_expansion"] == ("same coefficients (bounded)",)
    assert not found["homogenisation"]


def test_a_row_links_to_the_page_and_the_function() -> None:
    entry = theorems.Entry(
        "polarisation", "Squares", "page", ("a_b/test_c.py",), ("same (exact)",), ("proofs.x",)
    )
    row = theorems.table([entry]).splitlines()[-1].replace("\\", "").replace("\u200b", "")
    assert row == (
        "| {prf:ref}`Squares <polarisation>` | {py:func}`~analytic.derivations.polarisation` "
        "| a_b/test_c | *same (exact)*, proofs.x |"
    )


def _relabelled(pages: Path) -> None:
    _alter(pages / "polarisation.md", ":label: polarisation", ":label: polarization")


def _unlabelled(pages: Path) -> None:
    _alter(pages / "polarisation.md", ":label: polarisation\n", "")


def _not_executed(pages: Path) -> None:
    _alter(pages / "polarisation.md", "proved(polarisation(inputs=1))", "polarisation(inputs=1)")


def _executed_by_another_name(pages: Path) -> None:
    _alter(pages / "tensor.md", "proved(third_order_tensor(", "proved(third_tensor(")


def _stated_twice(pages: Path) -> None:
    shutil.copy(pages / "polarisation.md", pages / "again.md")


def _without_page(pages: Path) -> None:
    (pages / "polarisation.md").unlink()


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (_relabelled, "label of a theorem in .*polarisation.md to be one of .*got polarization"),
        (_unlabelled, "every theorem of .*polarisation.md to have a title and a label"),
        (_not_executed, "polarisation.md to execute polarisation"),
        (_executed_by_another_name, "tensor.md executes to be one of .*got third_tensor"),
        (_stated_twice, "one page to state polarisation, got also"),
        (_without_page, "to state the theorem polarisation, got none"),
    ],
)
def test_a_page_that_does_not_fit_the_registry_is_refused(
    pages: Path, alter: Callable[[Path], None], said: str
) -> None:
    assert theorems.entries(pages=pages, **FEW)
    alter(pages)
    with pytest.raises(theorems.RegistryError, match=said):
        theorems.entries(pages=pages, **FEW)


def test_a_theorem_that_the_registry_lost_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {name: derive for name, derive in THEOREMS.items() if name != "s_lemma"}
    monkeypatch.setattr(theorems, "THEOREMS", kept)
    with pytest.raises(theorems.RegistryError, match="got s_lemma"):
        theorems.entries(**FEW)


def test_a_theorem_that_is_new_needs_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    more = THEOREMS | {"novelty": THEOREMS["polarisation"]}
    monkeypatch.setattr(theorems, "THEOREMS", more)
    with pytest.raises(theorems.RegistryError, match="state the theorem novelty, got none"):
        theorems.entries(**FEW)


def test_a_theorem_needs_a_test(tmp_path: Path) -> None:
    with pytest.raises(theorems.RegistryError, match=r"a test in .* to import homogenisation"):
        theorems.entries(tests=tmp_path, sources=())


def test_a_test_may_import_only_what_there_is(tmp_path: Path) -> None:
    lines = "from analytic.derivations import polarisation, polarization\n"
    (tmp_path / "test_squares.py").write_text(lines, "utf-8")
    with pytest.raises(theorems.RegistryError, match=r"test_squares.py imports .*got polarization"):
        theorems.entries(tests=tmp_path, sources=())


def test_a_kind_of_claim_may_name_only_what_there_is() -> None:
    claims = CLAIMS | {"robustness": CLAIMS["robustness"]._replace(theorem="t_lemma")}
    with pytest.raises(theorems.RegistryError, match=r"claim 'robustness' to be .*got t_lemma"):
        theorems.entries(claims=claims, **FEW)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('claim = Claim(name="alike", level=Level.EXACT, theorem="likeness")\n', "claim 'alike'"),
        ('"""As :func:`analytic.derivations.likeness` says."""\n', r"module.py cites"),
    ],
)
def test_a_module_may_name_only_what_there_is(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "module.py").write_text(line, "utf-8")
    with pytest.raises(theorems.RegistryError, match=f"{said}.*got likeness"):
        theorems.entries(tests=FEW["tests"], sources=[tmp_path])


def test_a_claim_that_a_module_writes_out_stands_beside_its_theorem(tmp_path: Path) -> None:
    line = 'claim = Claim(name=f"{graph}: alike", level=Level.EXACT, theorem="composition")\n'
    (tmp_path / "module.py").write_text(line, "utf-8")
    found = theorems.entries(tests=FEW["tests"], sources=[tmp_path])
    assert {entry.claims for entry in found if entry.name == "composition"} == {("alike (exact)",)}
