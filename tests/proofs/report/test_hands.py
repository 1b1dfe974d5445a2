"""The page under the hands of its readers: Back, keys, forced colours, what assistants read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.proofs.report.browser import Visit


def serious(visit: Visit) -> list[str]:
    """Return what axe finds that is serious or worse."""
    found = Axe().run(visit.page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("width", [390, 1440])
def test_axe_finds_nothing_serious(browser: Browser, path: Path, width: int) -> None:
    visit = Visit(browser, path, viewport={"width": width, "height": 900}).ready()
    for address in ("#", "#node=feature-2-1&pinned=feature-2-1:a&scaled=feature-2-2:2"):
        assert serious(visit.go(address)) == []
    # Without its label the slider has no name, and axe says so.
    visit.page.evaluate(
        "(slider => slider.parentElement.replaceWith(slider))(document.getElementById('carry'))"
    )
    assert serious(visit) != []


def test_back_undoes_picking_opening_and_switching(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path).ready()
    seen = [visit.text("#panel h3")]
    for step in ('#thumbs [data-digit="3"]', '[data-node="form-1-1"]', "#panel .switch"):
        visit.page.click(step)
        seen.append(visit.text("#panel h3"))
    assert seen == ["Test image 0", "Test image 3", *["Form 1 of hidden state 1"] * 2]
    assert visit.page.locator(".node.off").count() == 1
    visit.page.go_back()
    visit.page.wait_for_function("document.querySelectorAll('.node.off').length === 0")
    for wanted in ("Test image 3", "Test image 0"):
        visit.page.go_back()
        visit.page.wait_for_function(
            "wanted => document.querySelector('#panel h3').innerText === wanted", arg=wanted
        )
    assert visit.attributes("#thumbs [aria-pressed=true]", "data-digit") == ["0"]
    visit.page.go_forward()
    visit.page.wait_for_function("document.querySelector('#panel h3').innerText === 'Test image 3'")
    assert visit.complaints == []


def test_the_slider_leaves_no_trace_in_the_history(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path).ready()
    before = visit.page.evaluate("history.length")
    for _ in range(3):
        visit.page.locator("#carry").press("ArrowRight")
    assert visit.page.evaluate("history.length") == before
    visit.page.click('#thumbs [data-digit="3"]')
    assert visit.page.evaluate("history.length") == before + 1


def test_the_digits_are_one_stop_of_the_tab_key(visit: Visit) -> None:
    visit.go("#digit=5")
    stops = visit.attributes("#thumbs .digit[tabindex='0']", "data-digit")
    assert stops == ["5"]
    visit.page.focus("#thumbs [data-digit='5']")
    visit.page.keyboard.press("ArrowRight")
    assert visit.attributes("#thumbs .digit[tabindex='0']", "data-digit") == ["6"]
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.closest('#thumbs')") is None


def test_forced_colours_leave_bars_edges_and_marks(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path, "#off=feature-2-1", forced_colors="active").ready()
    script = "(found, name) => found.map(one => getComputedStyle(one)[name])"

    def styles(selector: str, name: str) -> list[str]:
        return list(visit.page.eval_on_selector_all(selector, script, name))

    ground = styles("body", "backgroundColor")[0]
    bars = styles("#panel .made .bar i", "backgroundColor")
    assert bars
    assert ground not in bars
    assert len(set(styles(".bar i.positive, .bar i.negative", "backgroundColor"))) == 2
    strokes = styles("#edges .edge", "stroke")
    assert len(set(strokes)) == 2
    assert ground not in strokes
    assert styles("#thumbs [aria-pressed=true]", "outlineStyle") == ["solid"]


BEHIND = """() => {
    const boxes = [...document.querySelectorAll("#nodes .node")].map((one) => {
        const { left, right, top, bottom } = one.getBoundingClientRect();
        return { key: one.dataset.node, left, right, top, bottom };
    });
    const found = [];
    for (const line of document.querySelectorAll("#edges .edge")) {
        const ends = line.dataset.edge.split(" ");
        const from = line.ownerSVGElement.getBoundingClientRect();
        const length = line.getTotalLength();
        for (let at = 0; at <= length; at += 3) {
            const { x, y } = line.getPointAtLength(at);
            const [left, top] = [x + from.left, y + from.top];
            const hit = boxes.find((box) => !ends.includes(box.key)
                && left > box.left + 1 && left < box.right - 1
                && top > box.top + 1 && top < box.bottom - 1);
            if (hit) { found.push(`${line.dataset.edge} behind ${hit.key}`); break; }
        }
    }
    return found;
}"""


def test_no_edge_runs_behind_another_node(deep: Visit) -> None:
    for address in ("#", "#carry=0.95&digit=3"):
        deep.go(address)
        assert deep.page.evaluate(BEHIND) == []
    across = "M0 {0}H2000"
    heights = deep.page.evaluate("[...document.querySelectorAll('.node')].map(n => n.offsetTop)")
    script = "d => document.querySelectorAll('#edges .edge')[0].setAttribute('d', d)"
    deep.page.evaluate(script, across.format(heights[0]))
    assert deep.page.evaluate(BEHIND) != []
    deep.page.reload()
    deep.ready()


def test_the_graph_and_the_answer_are_above_the_fold(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path, viewport={"width": 1440, "height": 900}).ready()
    tops = {
        part: visit.page.locator(part).bounding_box()["y"]  # type: ignore[index]
        for part in ("#answer", "#graph", "#panel")
    }
    assert tops["#answer"] < tops["#graph"] == tops["#panel"] < 450


def test_an_address_with_choices_goes_to_the_explorer_and_a_place_keeps_them(
    browser: Browser, path: Path
) -> None:
    visit = Visit(browser, path, "#digit=3", viewport={"width": 700, "height": 300}).ready()
    top = "document.getElementById('explorer').getBoundingClientRect().top"
    assert abs(visit.page.evaluate(top)) < 40
    visit.page.click(".contents a[href='#claims']")
    visit.page.wait_for_function(
        "document.getElementById('claims').getBoundingClientRect().top < 300"
    )
    assert visit.text("#panel h3") == "Test image 3"
    links: list[Any] = visit.attributes(".contents a", "href")
    assert len(links) >= 6
    assert all(visit.page.locator(link).count() == 1 for link in links)
