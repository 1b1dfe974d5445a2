"""The derivation pages: what each has, and that a wrong derivation fails the build."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(set((DOCS / "derivations").glob("*.md")) - {DOCS / "derivations" / "index.md"})
LEVELS = ("symbolic", "exact", "bounded", "measured", "in prose", "not bounded", "rounded")


def _cells(page: Path) -> list[str]:
    """Return the code of a page's cells."""
    text = page.read_text("utf-8")
    cell = re.compile(
        r"^```\{code-cell\} python\n(?::[^\n]+\n)?(.*?)^```$", re.DOTALL | re.MULTILINE
    )
    cells = cell.findall(text)
    assert len(cells) == text.count("```{code-cell}")
    return cells


def _identifier(page: Path) -> str:
    return page.stem


@pytest.mark.parametrize("page", PAGES, ids=_identifier)
def test_a_page_states_proves_executes_and_says_at_which_level(page: Path) -> None:
    text = page.read_text("utf-8")
    statements = re.findall(r"^```\{prf:(?:theorem|proposition)\}", text, re.MULTILINE)
    assert statements
    assert text.count("```{prf:proof}") == len(statements)
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [name for name in sections if name != "What expansion costs"] == [
        "On a small network",
        "On a trained network" if page.stem == "modular_addition" else "On MNIST",
        "What was proved",
    ]
    for row in text.split("|---|---|\n")[-1].strip().splitlines():
        assert any(level in row.split("|")[-2] for level in LEVELS), row


@pytest.mark.parametrize("page", PAGES, ids=_identifier)
def test_a_page_refers_to_every_statement_in_what_was_proved(page: Path) -> None:
    text = page.read_text("utf-8")
    labels = re.findall(r"^:label: (\S+)$", text, re.MULTILINE)
    summary = text.split("## What was proved")[1]
    # The one statement that nothing rests on is proved in a book.
    assert {label for label in labels if f"`{label}`" not in summary} <= {"two-sum"}


@pytest.mark.parametrize("page", PAGES, ids=_identifier)
def test_a_page_shows_no_figure_but_what_it_draws_and_trains_nothing(page: Path) -> None:
    text = page.read_text("utf-8")
    assert not re.search(r"!\[|\{image\}|\{figure\}|<img", text)
    names = {
        node.id if isinstance(node, ast.Name) else node.attr
        for cell in _cells(page)
        for node in ast.walk(ast.parse(cell))
        if isinstance(node, ast.Name | ast.Attribute)
    }
    assert not names & {"train", "load_mnist"}


@pytest.mark.parametrize("page", PAGES, ids=_identifier)
def test_the_code_of_a_page_fits_its_column(page: Path) -> None:
    assert max(len(line) for cell in _cells(page) for line in cell.splitlines()) <= 84


def test_a_wrong_derivation_fails_the_build(tmp_path: Path) -> None:
    right = _build(tmp_path / "right", {})
    assert right.returncode == 0, right.stdout + right.stderr
    swapped = "dot(x) ** 2 - (half", "dot(x) ** 2 + (half"
    wrong = _build(tmp_path / "wrong", {"analytic/derivations/layers.py": swapped})
    assert wrong.returncode != 0
    assert "the derivation of polarisation fails" in wrong.stdout + wrong.stderr


def test_a_page_that_states_what_no_one_knows_fails_the_build(tmp_path: Path) -> None:
    label = ":label: polarisation", ":label: polarization"
    wrong = _build(tmp_path, {"docs/derivations/polarisation.md": label}, page="index")
    assert wrong.returncode != 0
    assert "got polarization" in wrong.stdout + wrong.stderr


def _build(
    folder: Path, changes: dict[str, tuple[str, str]], page: str = "polarisation"
) -> subprocess.CompletedProcess[str]:
    """Build one page of a copy of the project in which something was changed."""
    for name in ("sphinx", "myst_nb", "sphinx_proof", "furo"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed: tox -e docs runs this")
    for name in ("analytic", "numeric", "proofs", "docs", "tests"):
        ignored = shutil.ignore_patterns("_build", "__pycache__", "benchmarks")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    for path, (old, new) in changes.items():
        text = (folder / path).read_text("utf-8")
        assert text.count(old) == 1
        (folder / path).write_text(text.replace(old, new), "utf-8")
    kept = {folder / "docs" / "derivations" / f"{name}.md" for name in (page, "index")}
    if page == "index":  # the table is all that is executed of it
        kept = {folder / "docs" / "derivations" / "index.md"}
    settings = folder / "docs" / "conf.py"
    others = [path for path in (folder / "docs").rglob("*.md") if path not in kept]
    excluded = [path.relative_to(folder / "docs").as_posix() for path in others]
    if page != "index":
        excluded.append("derivations/index.md")
    only = f"root_doc = 'derivations/{page}'\nexclude_patterns = {excluded!r}\n"
    # One page alone refers to pages that are not there.
    quiet = "suppress_warnings = ['ref', 'toc', 'myst']\n"
    settings.write_text(settings.read_text("utf-8") + only + quiet, "utf-8")
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "sphinx", "-T", "-b", "html", "docs", "html"]
    return subprocess.run(  # noqa: S603 -- the build, by this Python
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
