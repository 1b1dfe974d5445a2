"""Pages of nodes, what the reader keeps of them, and what changes do, held against Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from playwright.sync_api import Browser

from numeric import ablate, explain, node_values, scale
from numeric.networks.inference import logits as network_logits
from tests.proofs.report.browser import Visit
from tests.proofs.report.explorers import DIGITS, SIDE, assert_shown, key, logits, network_of

NODES = [("feature", 1, 2), ("feature", 2, 3), ("form", 1, 2), ("logit", 4)]


@pytest.mark.parametrize("node", NODES)
def test_a_node_has_its_means_its_histogram_and_its_examples(
    visit: Visit, graph: Any, node: Any
) -> None:
    visit.go(f"#node={key(node)}&digit=3")
    values = node_values(graph, DIGITS.test_images)[node]
    means = [values[DIGITS.test_labels == label].mean() for label in range(10)]
    assert visit.numbers("#panel .means") == pytest.approx(means, rel=1e-5)
    (mark,) = visit.attributes("#panel .histogram", "data-mark")
    assert float(mark) == pytest.approx((values[3] - values.min()) / np.ptp(values), abs=1e-3)
    counts, _ = np.histogram(values, 24)
    assert visit.attributes("#panel .histogram i", "title") == [f"{n} images" for n in counts]
    shown = [int(digit) for digit in visit.attributes("#panel .digits .digit", "data-digit")]
    assert values[shown[:5]] == pytest.approx(sorted(values)[::-1][:5])
    parts = np.quantile(values, [0.95, 0.75, 0.5, 0.25, 0.05], method="nearest")
    assert values[shown[5:]] == pytest.approx(parts, rel=1e-5)


def test_a_node_is_shown_where_it_reads_this_image(visit: Visit, graph: Any) -> None:
    node = ("feature", 2, 3)
    visit.go(f"#node={key(node)}&digit=6&label=2&against=7")
    exact = explain(graph, DIGITS.test_images[6], label=2, against=7).picture(node)
    script = f"""canvas => [...canvas.getContext("2d").getImageData(0, 0, {SIDE}, {SIDE}).data]"""
    colours = np.array(visit.page.eval_on_selector(".here figure + figure canvas", script))
    red, _, blue, _ = colours.reshape(-1, 4).T.astype(int)
    strong = abs(exact) > 0.3 * abs(exact).max()
    assert strong.any()
    assert np.array_equal(red[strong] > blue[strong], exact[strong] > 0)


def test_a_node_is_found_by_its_number_or_its_name(visit: Visit) -> None:
    for text, title in (
        ("4", "Feature 4 of layer 2"),
        ("feature 3 of layer 1", "Feature 3 of layer 1"),
        ("form 2", "Form 2 of hidden state 1"),
    ):
        visit.page.fill("#find", text)
        visit.page.press("#find", "Enter")
        assert visit.text("#panel h3") == title
    visit.page.fill("#find", "nothing")
    visit.page.press("#find", "Enter")
    assert visit.text("#said") == "There is no node nothing."


def saved(visit: Visit, button: str) -> str:
    with visit.page.expect_download() as download:
        visit.page.click(button)
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_names_pins_and_groups_stay_in_the_address_and_in_the_file(
    browser: Browser, visit: Visit, path: Path, graph: Any
) -> None:
    visit.go("#digit=5&carry=0.3&node=feature-1-3&against=none")
    visit.page.fill("#own-name", "upper ~loop: é")
    visit.page.press("#own-name", "Tab")
    visit.page.click("#pin")
    visit.page.fill("#group", "strokes")
    visit.page.press("#group", "Tab")
    visit.go(f"{visit.address}&x=1".replace("node=feature-1-3", "node=feature-2-1"))
    visit.page.click("#pin")
    address = visit.page.evaluate("location.hash")
    other = Visit(browser, path, address).ready()
    for page in (visit, other):
        assert page.page.locator("#nodes .node.pinned").count() == 2
        tile = page.attributes('[data-node="feature-1-3"]', "aria-label")[0]
        assert "upper loop é" in " ".join(tile.split())
        file = json.loads(saved(page, "#save-json"))
        label = file["explained"]["label"]
        exact = explain(graph, DIGITS.test_images[5], label=label)
        assert file["explained"]["total"] == pytest.approx(exact.total, rel=1e-9)
        assert {tuple(node["name"]) for node in file["nodes"] if node["pinned"]} == {
            ("feature", 1, 3),
            ("feature", 2, 1),
        }
        for node in file["nodes"]:
            assert node["share"] == pytest.approx(
                exact.nodes[tuple(node["name"])], abs=1e-9, rel=1e-9
            )
        assert file["edges"]
        for edge in file["edges"]:
            share = exact.edges[tuple(edge["source"]), tuple(edge["target"])]
            assert edge["share"] == pytest.approx(share, abs=1e-9, rel=1e-9)
        assert file["groups"] == [{"name": "strokes", "nodes": [["feature", 1, 3]]}]
        assert " ".join(file["names"][0]["text"].split()) == "upper loop é"
    assert other.complaints == []


def test_the_groups_of_a_subgraph_have_the_sum_of_their_shares(visit: Visit, graph: Any) -> None:
    visit.go("#digit=5&label=2&against=7&pinned=feature-1-3:a~feature-1-4:a~feature-2-1:")
    exact = explain(graph, DIGITS.test_images[5], label=2, against=7).nodes
    groups = visit.numbers("#panel .group")
    assert_shown(groups, [exact["feature", 1, 3] + exact["feature", 1, 4], exact["feature", 2, 1]])
    assert {"feature-1-3", "feature-1-4"} <= set(visit.attributes("#nodes .node", "data-node"))


def test_the_drawing_is_saved_as_it_is_drawn(visit: Visit) -> None:
    visit.go("#digit=5")
    root = ET.fromstring(saved(visit, "#save-svg"))  # noqa: S314
    space = "{http://www.w3.org/2000/svg}"
    drawn = visit.page.locator("#edges path").count()
    assert len(root.findall(f"{space}path")) == drawn
    pictures = visit.page.locator("#nodes .node canvas").count()
    assert len(root.findall(f"{space}image")) == pictures > 0
    assert "Logits" in "".join(root.itertext())


# Effects


@pytest.mark.parametrize("node", [("feature", 1, 2), ("feature", 2, 3), ("form", 1, 2)])
@pytest.mark.parametrize("factor", [0.5, -2, 3.7])
def test_a_node_that_is_scaled_leaves_the_logits_of_scale(
    visit: Visit, graph: Any, node: Any, factor: float
) -> None:
    visit.go(f"#digit=3&scaled={key(node)}:{factor}")
    scaled = scale(graph, node, factor)
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(scaled, 3))
    assert max(abs(logits(scaled, 3) - logits(graph, 3))) > 1e-6
    visit.go(f"#digit=3&scaled={key(node)}:{factor}&label=2&against=7&layer=1")
    exact = explain(scaled, DIGITS.test_images[3], label=2, against=7).nodes
    opened = visit.attributes("#panel .made [data-open]", "data-open")
    nodes = {key(name): share for name, share in exact.items()}
    assert_shown(visit.numbers("#panel .made [data-open]"), [nodes[name] for name in opened])


def test_the_slider_scales_while_it_is_moved(visit: Visit, graph: Any) -> None:
    visit.go("#digit=3&node=feature-2-3")
    slider = visit.page.locator("#scale")
    slider.focus()
    for _ in range(5):
        slider.press("ArrowRight")
    assert "scaled=feature-2-3:1.5" in visit.address
    assert visit.page.evaluate("document.activeElement.id") == "scale"
    found = [float(value) for value in visit.attributes(".node.logit data", "value")]
    assert_shown(found, logits(scale(graph, ("feature", 2, 3), 1.5), 3))
    assert "scale(graph, (" in visit.text("#panel")
    visit.page.click("#on")
    assert "scaled" not in visit.address


def test_the_boxes_of_the_logits_say_what_was_and_what_is(visit: Visit, graph: Any) -> None:
    visit.go("#digit=3&off=feature-2-3")
    before, after = logits(graph, 3), logits(ablate(graph, ("feature", 2, 3)), 3)
    boxes = visit.page.locator(".node.logit .number").all_inner_texts()
    for box, was, now in zip(boxes, before, after, strict=True):
        first, second = (float(text.replace("−", "-")) for text in box.split("→"))
        assert first == pytest.approx(was, rel=0.06, abs=0.006)
        assert second == pytest.approx(now, rel=0.06, abs=0.006)
    order = np.argsort(-before, kind="stable")
    lead = [values[order[0]] - values[order[1]] for values in (before, after)]
    assert_shown(visit.numbers("#effect"), lead)
    changed = int(after.argmax()) != order[0]
    words = f"says {after.argmax()} instead of {order[0]}" if changed else "still says"
    assert words in visit.text("#effect")
    visit.go("#digit=3")
    assert "→" not in visit.text(".node.logit >> nth=0")
    assert visit.page.is_hidden("#effect")


def test_what_the_graph_leaves_out_is_a_node_of_its_own(visit: Visit, graph: Any) -> None:
    visit.go("#digit=8&label=2&against=7")
    outputs = network_logits(network_of(2), DIGITS.test_images)[8].astype(float)
    left = outputs - logits(graph, 8)
    assert abs(visit.numbers("#residual")[0] - (left[2] - left[7])) < 1e-9
    visit.page.click("#residual")
    assert visit.text("#panel h3") == "What the graph leaves out"
    assert max(abs(np.array(visit.numbers("#panel .means")) - left)) < 1e-9
    assert max(abs(left)) > 0
    visit.page.keyboard.press("Escape")
    assert visit.text("#panel h3") == "Test image 8"
    visit.page.click("#blank")
    assert visit.page.locator("#residual").count() == 0


@pytest.mark.parametrize(
    "address",
    [
        "#scaled=form-1-0:2~feature-1-1:x~feature-1-2:~logit-1:3",
        "#names=x:y~~:",
        "#pinned=form-1-0:",
    ],
)
def test_what_cannot_be_scaled_named_or_pinned_is_left_as_it_is(
    visit: Visit, graph: Any, address: str
) -> None:
    visit.go(address)
    assert visit.page.is_hidden("#on")
    assert visit.page.locator(".node.pinned").count() == 0
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 0))
