"""What the pages of the documentation say of names, commands and data is so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.main import get_command

import analytic
import numeric
import proofs
from proofs.commands.main import app

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = [path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts]
OWN = [page for page in PAGES if page.parent != DOCS / "derivations"]


def documented(reference: str) -> set[str]:
    """Return the names that a page of the reference takes from docstrings."""
    return set(
        re.findall(r"^\.\. auto(?:class|data|exception|function):: (\S+)$", reference, re.MULTILINE)
    )


def cells(page: str) -> list[str]:
    """Return the code that a page executes."""
    return re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def words_after(text: str, word: str) -> set[str]:
    """Return what follows a word in code: in a cell of its own, or between backticks."""
    return set(re.findall(rf"(?:^|`|&& ){word} ([a-z][a-z-]*)", text, re.MULTILINE))


def read(pages: Iterable[Path]) -> str:
    return "\n".join(page.read_text("utf-8") for page in pages)


@pytest.mark.parametrize("package", ["analytic", "numeric", "proofs"])
def test_the_reference_has_every_public_name(package: str) -> None:
    names = {"analytic": analytic, "numeric": numeric, "proofs": proofs}[package].__all__
    found = documented((DOCS / "reference" / f"{package}.md").read_text("utf-8"))
    elsewhere = {"analytic.THEOREMS": "analytic.derivations.THEOREMS"}
    wanted = {f"{package}.{name}" for name in names}
    assert {elsewhere.get(name, name) for name in wanted} <= found


def test_a_name_that_is_only_mentioned_is_not_documented() -> None:
    reference = "numeric.train\n.. autofunction:: numeric.trace\n"
    assert documented(reference) == {"numeric.trace"}


def test_no_page_loads_mnist_or_trains_for_long() -> None:
    for page in PAGES:
        for cell in cells(page.read_text("utf-8")):
            assert "load_mnist" not in cell, page
            assert "from_folder" not in cell, page


def test_the_code_that_a_page_executes_is_found() -> None:
    page = "```python\nload_mnist()\n```\n\n```{code-cell} python\n:tags: [hide]\n\nx = 1\n```\n"
    assert cells(page) == [":tags: [hide]\n\nx = 1\n"]
    assert any(cells(page.read_text("utf-8")) for page in PAGES)


def test_every_command_that_the_pages_name_exists() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]  # a group has commands
    named = words_after(read([*OWN, ROOT / "README.md"]), "bilinear")
    assert {"train", "certify", "check"} <= named <= commands | {"command"}
    assert "teach" in words_after("`bilinear teach`", "bilinear")


def test_every_tox_environment_that_the_pages_name_exists() -> None:
    tox = (ROOT / "tox.ini").read_text("utf-8")
    environments = set(re.findall(r"^\[testenv:(.+)\]$", tox, re.MULTILINE))
    assert words_after(read(OWN), "tox -e") <= environments


def test_the_start_page_shows_the_example_of_the_readme_which_its_own_test_runs() -> None:
    start = (DOCS / "index.md").read_text("utf-8")
    assert "```{literalinclude} ../README.md" in start
    # It needs MNIST, which a page has not, and leaves a folder.
    assert not any("README.md" in cell for cell in cells(start))
