"""The registry of theorems as a table: theorem, function, tests, and the claims that use it.

A page states a theorem in a ``{prf:theorem}`` whose label is its name in
:data:`analytic.THEOREMS`, and executes it by ``proved(name(...))``. Everything else that says where
a theorem is used is read from the sources, so a name that no longer exists fails the build.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import analytic.derivations
import numeric
import proofs
from analytic import THEOREMS
from proofs.checker import CLAIMS
from proofs.checker.claims.kind import Kind

PAGES = Path(__file__).parent / "derivations"
TESTS = Path(__file__).parent.parent / "tests"
SOURCES = tuple(Path(package.__path__[0]) for package in (numeric, proofs))

_STATED = re.compile(r"^```+\{prf:theorem\} (?P<title>.+)\n:label: (?P<name>\S+)$", re.MULTILINE)
_DIRECTIVE = re.compile(r"^```+\{prf:theorem\}", re.MULTILINE)
_EXECUTED = re.compile(r"^proved\((\w+)\(", re.MULTILINE)
_CITED = re.compile(r"analytic\.derivations\.(\w+)")


class RegistryError(ValueError):
    """What does not fit together: pages, tests and claims with the registry of theorems."""


@dataclass(frozen=True)
class Entry:
    """A theorem and where it is stated, tested and used.

    Attributes:
        name: in :data:`analytic.THEOREMS`.
        title: what its page calls it.
        page: the name of the page.
        tests: the modules that import its function, from the folder of the tests.
        claims: what rests on it, in words.
        modules: of the packages, those whose documentation cites it.
    """

    name: str
    title: str
    page: str
    tests: tuple[str, ...]
    claims: tuple[str, ...]
    modules: tuple[str, ...]


def entries(
    pages: Path = PAGES,
    tests: Path = TESTS,
    sources: Iterable[Path] = SOURCES,
    claims: Mapping[str, Kind] = CLAIMS,
) -> list[Entry]:
    """Return the theorems in the order in which they build on each other.

    Args:
        pages: the folder of the derivation pages.
        tests: the folder of the tests.
        sources: the folders of the packages, whose claims and docstrings name theorems.
        claims: the kinds of claims that the checker verifies.

    Raises:
        RegistryError: a theorem has no page, several ones or no test; a page states one that it
            does not execute; or a page, a test, a claim or a docstring names one that does not
            exist.
    """
    stated = _stated(pages)
    tested = _tested(tests)
    modules = [(package, path) for package in sources for path in sorted(package.rglob("*.py"))]
    used, cited = _used(modules, claims), _cited(modules)
    for name in THEOREMS:
        if name not in stated:
            raise RegistryError(f"expected a page in {pages} to state the theorem {name}, got none")
        if name not in tested:
            raise RegistryError(f"expected a test in {tests} to import {name}, got none")
    return [
        Entry(
            name,
            *stated[name],
            tuple(tested[name]),
            tuple(used.get(name, ())),
            tuple(cited.get(name, ())),
        )
        for name in THEOREMS
    ]


def table(found: Iterable[Entry]) -> str:
    """Return the theorems as a table in MyST, with references to pages and functions."""
    rows = ["| theorem | function | tests | claims that use it, modules that cite it |"]
    rows.append("|---|---|---|---|")
    for entry in found:
        tests = ", ".join(_breakable(path.removesuffix(".py")) for path in entry.tests)
        uses = [f"*{claim}*" for claim in entry.claims]
        uses += [_breakable(module) for module in entry.modules]
        rows.append(
            f"| {{prf:ref}}`{entry.title} <{entry.name}>` "
            f"| {{py:func}}`~analytic.derivations.{entry.name}` "
            f"| {tests} | {', '.join(uses) or '–'} |"
        )
    return "\n".join(rows)


def _breakable(path: str) -> str:
    """Return a path or a module's name in MyST, with places at which a narrow column breaks it."""
    return re.sub(r"[/.]", lambda sign: f"{sign.group()}\u200b", path).replace("_", r"\_")


def _stated(pages: Path) -> dict[str, tuple[str, str]]:
    """Return the title and the page of every theorem that a page states and executes."""
    found: dict[str, tuple[str, str]] = {}
    for page in sorted(pages.glob("*.md")):
        text = page.read_text("utf-8")
        statements = list(_STATED.finditer(text))
        executed = _EXECUTED.findall(text)
        if len(statements) != len(_DIRECTIVE.findall(text)):
            raise RegistryError(f"expected every theorem of {page} to have a title and a label")
        for name in executed:
            _check_name(name, f"what {page} executes")
        for statement in statements:
            name = statement["name"]
            _check_name(name, f"the label of a theorem in {page}")
            if name in found:
                raise RegistryError(f"expected one page to state {name}, got also {page}")
            if name not in executed:
                raise RegistryError(f"expected {page} to execute {name}, which it states")
            found[name] = statement["title"], page.stem
    return found


def _tested(tests: Path) -> dict[str, list[str]]:
    """Return the modules that import each theorem's function."""
    found: dict[str, list[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "analytic.derivations":
                for alias in node.names:
                    if not hasattr(analytic.derivations, alias.name):
                        raise RegistryError(
                            f"expected what {path} imports to exist in analytic.derivations, got "
                            f"{alias.name}"
                        )
                    found.setdefault(alias.name, []).append(path.relative_to(tests).as_posix())
    return found


def _cited(modules: Iterable[tuple[Path, Path]]) -> dict[str, list[str]]:
    """Return the modules that cite each theorem."""
    found: dict[str, list[str]] = {}
    for package, path in modules:
        module = ".".join((package.name, *path.relative_to(package).with_suffix("").parts))
        for name in dict.fromkeys(_CITED.findall(path.read_text("utf-8"))):
            _check_name(name, f"what {path} cites")
            found.setdefault(name, []).append(module.removesuffix(".__init__"))
    return found


def _used(modules: Iterable[tuple[Path, Path]], claims: Mapping[str, Kind]) -> dict[str, list[str]]:
    """Return the claims that rest on each theorem: kinds of the checker's, and remarks."""
    found: dict[str, list[str]] = {}
    kinds = ((kind, claim.level, claim.theorem) for kind, claim in claims.items())
    for kind, level, name in (*kinds, *_remarks(modules)):
        if name is not None:
            _check_name(name, f"the theorem of the claim {kind!r}")
            known = found.setdefault(name, [])
            if f"{kind} ({level})" not in known:
                known.append(f"{kind} ({level})")
    return found


def _remarks(modules: Iterable[tuple[Path, Path]]) -> Iterator[tuple[str, str, str]]:
    """Yield name, level and theorem of the claims that modules write out themselves."""
    for _, path in modules:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            theorem, level, name = (given.get(key) for key in ("theorem", "level", "name"))
            if isinstance(theorem, ast.Constant) and isinstance(theorem.value, str):
                words = level.attr.lower() if isinstance(level, ast.Attribute) else "unknown"
                yield _words(name) or path.stem, words, theorem.value


def _words(name: ast.expr | None) -> str:
    """Return what stands in a claim's name beside the graph's."""
    parts = name.values if isinstance(name, ast.JoinedStr) else [name]
    constants = (str(part.value) for part in parts if isinstance(part, ast.Constant))
    return "".join(constants).strip(" :")


def _check_name(name: str, what: str) -> None:
    """Refuse what is no theorem of the registry."""
    if name not in THEOREMS:
        raise RegistryError(
            f"expected {what} to be one of {', '.join(THEOREMS)} (analytic.THEOREMS), got {name}"
        )
