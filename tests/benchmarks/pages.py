"""Figures of the page about a network, in headless Chromium."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numeric import Digits, load_graph
from proofs import write_report
from tests.benchmarks.figures import Figure, fully_trained
from tests.proofs.report.browser import Visit, chromium
from tests.proofs.report.test_drawn_shares import carried, drawn, question, said, shares_by_step

PICKS = 30
"""How many digits are picked."""

EXPLAINED = 200
"""On how many digits the drawn edges are held against exact shares."""

_PICK = """async place => {
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  await painted();
  const digits = document.querySelectorAll("#thumbs .digit");
  const began = performance.now();
  digits[place % digits.length].click();
  await painted();
  return (performance.now() - began) / 1000;
}"""
"""Picks a digit and returns the seconds until the next frame is there."""


def page(digits: Digits) -> Iterator[Figure]:
    """The page of a network of the default depth: its size, and how long a pick takes."""
    model, _ = fully_trained(digits, 2)
    with TemporaryDirectory() as folder, chromium() as browser:
        write_report(model, digits, folder)
        path = Path(folder) / "report.html"
        size = path.stat().st_size / 1e6
        yield Figure("page, size", f"{size:.2f} MB", "under 3.5 MB", size < 3.5)
        visit = Visit(browser, path, viewport={"width": 1440, "height": 900}).ready()
        for name, address in (
            ("what carries 80 %", "#"),
            ("all edges by share", "#carry=1"),
            ("threshold 0", "#edges=weights&threshold=0"),
        ):
            visit.go(address)
            took = [visit.page.evaluate(_PICK, place + 1) for place in range(PICKS)]
            yield Figure.time(
                f"a pick until it is painted, {name}, median", statistics.median(took), 0.1
            )
        graph = load_graph(Path(folder) / "graph-shared.safetensors")
        yield _drawn_shares(visit, graph, digits)


def _drawn_shares(visit: Visit, graph: Any, digits: Digits) -> Figure:
    """Say how much less than the page says its edges carry at most, by Python's exact shares."""
    short = -1.0
    for digit in range(EXPLAINED):
        visit.go(f"#digit={digit}")
        shares = shares_by_step(graph, digit, *question(graph, digit, digits), digits)
        short = max(short, said(visit) - carried(shares, drawn(visit)))
    measured = f"{max(short, 0.0):.1e} less than stated"
    return Figure(f"edges drawn, {EXPLAINED} digits", measured, "none less", short <= 1e-9)
