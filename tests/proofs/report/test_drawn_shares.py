"""Which edges the explorer draws on a digit, held against the exact shares of Python."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser

from numeric import Digits, explain
from tests.proofs.report.browser import Visit
from tests.proofs.report.explorers import DIGITS, data_in, key, logits

Shares = dict[str, dict[str, float]]


def shares_by_step(
    graph: Any, digit: int, label: int, against: int | None, digits: Digits = DIGITS
) -> Shares:
    """Return the shares of edges by step: with two logits, of what they have by the first one."""
    found: Shares = defaultdict(lambda: defaultdict(float))
    exact = explain(graph, digits.test_images[digit], label=label, against=against)
    for (source, target), share in exact.edges.items():
        if source[0] in ("feature", "form"):
            last = target[0] == "logit"
            reader = ("logit", label) if last else target
            step = "logits" if last else f"{target[0]} {target[1]}"
            found[step][f"{key(source)} {key(reader)}"] += share
    return found


def carried(shares: Shares, drawn: list[str]) -> float:
    """Return what edges carry of the step of which they carry least."""
    parts = []
    for step in shares.values():
        total = sum(map(abs, step.values()))
        parts.append(sum(abs(step.get(edge, 0.0)) for edge in drawn) / total)
    return min(parts)


def drawn(visit: Visit) -> list[str]:
    return visit.attributes("#edges .edge", "data-edge")


def said(visit: Visit) -> float:
    (part,) = re.findall(r"^(\d+) %$", visit.text("#carried"))
    return int(part) / 100


def question(graph: Any, digit: int, digits: Digits = DIGITS) -> tuple[int, int]:
    """Return the classes of the largest and of the next logit."""
    order = np.argsort(-logits(graph, digit, digits), kind="stable")
    return int(order[0]), int(order[1])


def test_the_drawn_edges_carry_what_the_page_says(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int
) -> None:
    graph, numbers = pages[depth][1], []
    for digit in range(12):
        margin, part = digit % 2 == 0, (0.8, 0.8, 0.5, 0.95)[digit % 4]
        deep.go(f"#digit={digit}&carry={part}" + ("" if margin else "&against=none"))
        first, second = question(graph, digit)
        shares = shares_by_step(graph, digit, first, second if margin else None)
        edges = drawn(deep)
        assert carried(shares, edges) >= said(deep) - 1e-9
        assert said(deep) >= part
        numbers.append(len(edges))
    assert min(numbers) < max(numbers)


def test_no_drawn_edge_can_be_left_out_and_each_leads_from_the_input_to_the_logit(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int
) -> None:
    graph = pages[depth][1]
    for digit in (1, 5):
        deep.go(f"#digit={digit}&carry=0.8")
        first, second = question(graph, digit)
        shares = shares_by_step(graph, digit, first, second)
        edges = drawn(deep)
        assert edges
        sources, targets = ({edge.split()[end] for edge in edges} for end in (0, 1))
        assert sources - targets <= beginnings(graph)
        assert targets - sources == {f"logit-{first}"}
        for edge in edges[::5]:
            assert carried(shares, without(graph, edges, edge)) < 0.8


def beginnings(graph: Any) -> set[str]:
    """Return the nodes that read the input, some of them its constant alone, and the constants."""
    constants = {node for node in graph if node[0] == "form" and node[-1] == 0}
    return {key(node) for node in constants | {*graph.successors(("input",))}}


def without(graph: Any, edges: list[str], removed: str) -> list[str]:
    """Return the edges that still lead from the input to the logit without one of them."""
    left, begins = [edge for edge in edges if edge != removed], beginnings(graph)
    while True:
        sources, targets = ({edge.split()[end] for edge in left} for end in (0, 1))
        kept = [
            edge
            for edge in left
            if edge.split()[0] in targets | begins
            and (edge.split()[1] in sources or " logit-" in edge)
        ]
        if kept == left:
            return kept
        left = kept


def test_edges_by_weight_carry_less_than_edges_by_share(visit: Visit, graph: Any) -> None:
    """What the check is for: on some digits the strongest weights say little."""
    least = []
    for digit in range(12):
        visit.go(f"#digit={digit}")
        shares = shares_by_step(graph, digit, *question(graph, digit))
        count = len(drawn(visit))
        visit.go(f"#digit={digit}&edges=weights&threshold=0.5")
        least.append(carried(shares, drawn(visit)[:count]))
    assert min(least) < 0.5


def test_all_edges_are_drawn_where_all_shall_be_carried(visit: Visit, path: Path) -> None:
    visit.go("#carry=1")
    assert "all there are" in visit.text("#shown")
    assert visit.text("#carried") == "100 %"
    assert len(drawn(visit)) == len(data_in(path)["edges"]["source"])


def test_an_edge_is_as_wide_as_its_share_of_the_largest(visit: Visit, graph: Any) -> None:
    visit.go("#digit=7&carry=0.99")
    shares = shares_by_step(graph, 7, *question(graph, 7))
    sizes = {edge: abs(share) for step in shares.values() for edge, share in step.items()}
    script = (
        "found => found.map(one => [one.dataset.edge, Number(one.getAttribute('stroke-width'))])"
    )
    widths = dict(visit.page.eval_on_selector_all("#edges .edge", script))
    largest = max(sizes.values())
    for edge, width in widths.items():
        assert width == pytest.approx(0.7 + 6 * sizes[edge] / largest, abs=0.006)
    assert len(set(widths.values())) > 10


def test_the_slider_of_what_carries_is_kept_in_the_address(visit: Visit) -> None:
    before = len(drawn(visit))
    visit.page.locator("#carry").press("ArrowRight")
    assert "carry=0.85" in visit.address
    assert visit.text("#part") == "85 %"
    assert len(drawn(visit)) >= before
    visit.page.check("input[value=weights]")
    assert visit.page.is_hidden("#carry")
    assert visit.page.is_visible("#threshold")


def test_a_page_that_says_more_than_it_draws_is_noticed(
    browser: Browser, path: Path, graph: Any, tmp_path: Path
) -> None:
    """A weight changed by a factor draws other edges than Python's shares ask for."""
    data = data_in(path)
    largest = max(
        range(len(data["edges"]["weight"])), key=lambda n: abs(data["edges"]["weight"][n])
    )
    weights = list(data["edges"]["weight"])
    weights[largest] *= 100
    text = path.read_text(encoding="utf-8")
    old, new = (
        json.dumps(found, separators=(",", ":")) for found in (data["edges"]["weight"], weights)
    )
    assert old in text
    (tmp_path / "report.html").write_text(text.replace(old, new))
    visit = Visit(browser, tmp_path / "report.html").ready()
    worst = []
    for digit in range(10):
        visit.go(f"#digit={digit}")
        label, against = question(graph, digit)
        shares = shares_by_step(graph, digit, label, against)
        worst.append(carried(shares, drawn(visit)) - said(visit))
    assert min(worst) < -1e-9
