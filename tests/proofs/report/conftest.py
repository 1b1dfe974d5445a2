"""A browser, and pages that tests of the explorer share: a page takes long to open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.proofs.report.browser import Visit, chromium
from tests.proofs.report.explorers import written


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, Any]]:
    """Pages and graphs by depth."""
    found = {}
    for depth in (1, 2, 3):
        folder = tmp_path_factory.mktemp("page") / str(depth)
        graph = written(folder, depth)
        found[depth] = (folder / "report.html", graph)
    return found


@pytest.fixture(scope="session")
def visits(browser: Browser, pages: dict[int, tuple[Path, Any]]) -> dict[int, Visit]:
    """Visits by depth, which tests share: a page takes long to open."""
    return {depth: Visit(browser, path).ready() for depth, (path, _) in pages.items()}


@pytest.fixture(params=[1, 2, 3])
def depth(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def deep(visits: dict[int, Visit], depth: int) -> Iterator[Visit]:
    """A page of each depth, as it is at first."""
    yield from fresh(visits[depth])


@pytest.fixture
def visit(visits: dict[int, Visit]) -> Iterator[Visit]:
    """The page of depth two, as it is at first."""
    yield from fresh(visits[2])


def fresh(found: Visit) -> Iterator[Visit]:
    yield found.go("#")
    assert found.complaints == []
    assert found.requests == []


@pytest.fixture(scope="session")
def path(pages: dict[int, tuple[Path, Any]]) -> Path:
    return pages[2][0]


@pytest.fixture(scope="session")
def graph(pages: dict[int, tuple[Path, Any]]) -> Any:
    return pages[2][1]
