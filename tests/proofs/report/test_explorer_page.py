"""The explorer in headless Chromium, held against Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser

from numeric import Digits, InputShape, ablate, explain, prune, rewrite
from numeric.data.shapes import strongest
from proofs.report import explorer
from tests.digits import like_mnist
from tests.proofs.report.browser import Visit
from tests.proofs.report.explorers import (
    DIGITS,
    SIDE,
    assert_logits_of,
    assert_shown,
    data_in,
    inked,
    key,
    logits,
    network_of,
    written,
)

# The file


def test_the_page_loads_without_a_complaint_and_asks_for_nothing(deep: Visit) -> None:
    assert deep.page.is_visible("#graph")
    assert deep.page.is_hidden("#unexplored")
    assert (deep.complaints, deep.requests) == ([], [])


def test_the_page_could_not_ask_for_anything(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path).ready()
    visit.page.evaluate("new Image().src = 'http://127.0.0.1:9/picture.png'")
    fetched = visit.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'yes', () => 'no')")
    assert fetched == "no"
    assert len([line for line in visit.complaints if "Content Security Policy" in line]) >= 2


def test_another_program_than_the_pages_own_does_not_run(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    text = path.read_text(encoding="utf-8")
    (tmp_path / "report.html").write_text(text.replace('"use strict";', '"use strict"; ;', 1))
    visit = Visit(browser, tmp_path / "report.html")
    assert visit.page.is_hidden("#explorer")
    assert "Content Security Policy" in visit.complaints[0]


def test_without_scripts_the_answer_is_there_and_the_page_says_what_is_missing(
    browser: Browser, path: Path
) -> None:
    visit = Visit(browser, path, java_script_enabled=False)
    assert "The explorer of the graph needs JavaScript" in visit.text("body")
    assert "A stack of 2 bilinear layers" in visit.text("body")
    assert visit.page.is_hidden("#explorer")


def test_a_payload_that_cannot_be_read_is_said_and_leaves_the_rest(
    browser: Browser, path: Path, tmp_path: Path
) -> None:
    text = path.read_text(encoding="utf-8")
    (tmp_path / "report.html").write_text(text.replace('"bytes":"H4sI', '"bytes":"AAAA', 1))
    visit = Visit(browser, tmp_path / "report.html")
    visit.page.wait_for_selector("#unexplored")
    assert visit.page.is_hidden("#explorer")
    assert visit.page.is_visible("#claims")


# What is shown


def wanted_at(data: Any, threshold: float) -> tuple[set[str], set[str]]:
    """What is shown at a threshold, by the rule as the page states it."""
    names = [key(node["name"]) for node in data["nodes"]]
    edges = list(
        zip(*(data["edges"][name] for name in ("source", "target", "strength")), strict=True)
    )
    nodes = {
        name
        for place, name in enumerate(names)
        if not name.startswith("feature")
        or threshold == 0
        or any(source == place and strength >= threshold for source, _, strength in edges)
    }
    return nodes, {
        f"{names[source]} {names[target]}"
        for source, target, strength in edges
        if strength >= threshold and {names[source], names[target]} <= nodes
    }


def test_the_nodes_and_edges_at_a_threshold_are_those_of_the_json(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int
) -> None:
    path, graph = pages[depth]
    data, visit = data_in(path), deep
    seen = set()
    features = sum(node[0] == "feature" for node in graph)
    for threshold in (0, 0.1, 0.3, 0.5, 0.9, 1):
        visit.go(f"#edges=weights&threshold={threshold}")
        nodes, edges = wanted_at(data, threshold)
        assert sorted(visit.attributes("#nodes .node", "data-node")) == sorted(nodes)
        assert sorted(visit.attributes("#edges .edge", "data-edge")) == sorted(edges)
        count = sum(name.startswith("feature") for name in nodes)
        said = visit.text("#shown")
        total = len(data["edges"]["source"])
        assert f"{count} of {features} features" in said
        assert f"{len(edges)} of {total} edge" in said
        assert ("all there are" in said) == (threshold == 0)
        if threshold:
            hidden = features - count
            assert (
                f"not shown are {hidden} feature{'s' * (hidden != 1)} and {total - len(edges)} edge"
                in said
            )
        seen.add(len(nodes))
    assert len(seen) > 2


def test_the_slider_shows_all_at_its_left_end_and_ever_less_to_the_right(visit: Visit) -> None:
    visit.go("#edges=weights")
    slider = visit.page.locator("#threshold")
    slider.focus()
    slider.press("Home")
    counts = [len(visit.attributes("#edges .edge", "class"))]
    assert "all there are" in visit.text("#shown")
    for _ in range(3):
        for _ in range(5):
            slider.press("ArrowRight")
        counts.append(len(visit.attributes("#edges .edge", "class")))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] > 0
    assert "threshold=" in visit.address
    assert slider.get_attribute("aria-valuetext") == visit.text("#least")


def test_signs_are_told_by_more_than_colour(visit: Visit, path: Path) -> None:
    visit.go("#edges=weights&threshold=0")
    data = data_in(path)
    names = [key(node["name"]) for node in data["nodes"]]
    signs = {
        f"{names[source]} {names[target]}": weight < 0
        for source, target, weight in zip(
            *(data["edges"][name] for name in ("source", "target", "weight")), strict=True
        )
    }
    script = "found => found.map(one => [one.dataset.edge, getComputedStyle(one).strokeDasharray])"
    dashes = visit.page.eval_on_selector_all("#edges .edge", script)
    assert {edge: dash != "none" for edge, dash in dashes} == signs
    assert len(set(signs.values())) == 2


# What it computes


@pytest.mark.parametrize("digit", [0, 17, 39])
def test_the_logits_are_those_of_the_rewrite(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int, digit: int
) -> None:
    deep.go(f"#digit={digit}")
    assert_shown(deep.numbers("#panel td[data-logit]"), logits(pages[depth][1], digit))


CUTS: list[list[Any]] = [
    [("feature", 1, 0)],
    [("feature", 2, 1)],
    [("form", 1, 1)],
    [("feature", 1, 3), ("feature", 1, 4), ("feature", 2, 0), ("form", 1, 2)],
]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("digit", [3, 26])
def test_what_is_switched_off_leaves_the_logits_of_ablate(
    visit: Visit, graph: Any, cut: list[Any], digit: int
) -> None:
    visit.go(f"#digit={digit}&off={','.join(map(key, cut))}")
    wanted = logits(ablate(graph, *cut), digit)
    assert_shown(visit.numbers("#panel td[data-logit]"), wanted)
    assert max(abs(wanted - logits(graph, digit))) > 1e-6 * max(abs(wanted))
    changes = visit.numbers("#panel td[data-logit] + td")
    before = logits(graph, digit)
    assert max(abs(np.array(changes) - (wanted - before))) <= 1e-9 * max(abs(before))


def test_with_all_features_off_the_logits_are_those_of_ablate(visit: Visit, graph: Any) -> None:
    cut = [node for node in graph if node[0] == "feature"]
    visit.go(f"#off={','.join(map(key, cut))}")
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(ablate(graph, *cut), 0))


def test_a_page_with_one_weight_changed_has_other_logits(
    browser: Browser, path: Path, graph: Any, tmp_path: Path
) -> None:
    data = data_in(path)
    weight = data["edges"]["weight"][0]
    text = path.read_text(encoding="utf-8")
    old = f'"weight":[{weight!r},'
    assert old in text
    (tmp_path / "report.html").write_text(text.replace(old, f'"weight":[{weight * 1.001!r},'))
    visit = Visit(browser, tmp_path / "report.html").ready()
    found, wanted = visit.numbers("#panel td[data-logit]"), logits(graph, 0)
    with pytest.raises(AssertionError):
        assert_shown(found, wanted)


@pytest.mark.parametrize(("label", "against"), [(4, None), (0, 7)])
def test_the_shares_are_those_of_explain(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int, label: int, against: int | None
) -> None:
    graph, visit = pages[depth][1], deep
    other = "none" if against is None else against
    visit.go(f"#digit=11&label={label}&against={other}&layer=1")
    wanted = explain(graph, DIGITS.test_images[11], label=label, against=against)
    if visit.page.locator("#panel .made .link").count():
        visit.page.click("#panel .made .link")
    opened = visit.attributes("#panel .made [data-open]", "data-open")
    shares = {
        key(node): share for node, share in wanted.nodes.items() if node[:2] == ("feature", 1)
    }
    assert sorted(opened) == sorted(shares)
    found = dict(zip(opened, visit.numbers("#panel .made"), strict=True))
    assert_shown([found[name] for name in opened], [shares[name] for name in opened])
    sizes = [abs(found[name]) for name in opened]
    assert sizes == sorted(sizes, reverse=True)
    (total,) = visit.numbers("#panel p.total")
    assert abs(total - wanted.total) <= 1e-9 * max(sizes)
    assert_painted(visit, wanted.pixels)


def assert_painted(visit: Visit, shares: Any) -> None:
    """Assert that the picture is red where pixels add and blue where they take away."""
    script = f"""canvas => [...canvas.getContext("2d").getImageData(0, 0, {SIDE}, {SIDE}).data]"""
    colours = np.array(visit.page.eval_on_selector("#panel figure + figure canvas", script))
    red, _, blue, _ = colours.reshape(-1, 4).T.astype(int)
    strong = abs(shares) > 0.05 * abs(shares).max()
    assert np.array_equal(red[strong] > blue[strong], shares[strong] > 0)
    assert abs(red - blue)[shares == 0].max(initial=0) < 8


@pytest.mark.parametrize("layer", [1, 2])
def test_shares_with_features_off_are_those_of_the_graph_without_them(
    visit: Visit, graph: Any, layer: int
) -> None:
    """What is off gives nothing on to what it read."""
    cut = [("feature", 2, 1), ("form", 1, 1), ("feature", 1, 0)]
    visit.go(f"#label=3&against=none&layer={layer}&off={','.join(map(key, cut))}")
    if visit.page.locator("#panel .made .link").count():
        visit.page.click("#panel .made .link")
    wanted = explain(ablate(graph, *cut), DIGITS.test_images[0], label=3)
    opened = visit.attributes("#panel .made [data-open]", "data-open")
    shares = {key(node): share for node, share in wanted.nodes.items()}
    found = visit.numbers("#panel .made [data-open]")
    assert_shown(found, [shares.get(name, 0.0) for name in opened])
    assert_painted(visit, wanted.pixels)


# The page of a node


@pytest.mark.parametrize(
    "node", [("feature", 1, 2), ("feature", 2, 3), ("form", 1, 2), ("logit", 4)]
)
def test_a_node_has_its_page(visit: Visit, graph: Any, node: Any) -> None:
    visit.go("#edges=weights&threshold=0")
    visit.page.click(f'[data-node="{key(node)}"]')
    page = visit.text("#panel")
    assert f"node={key(node)}" in visit.address
    sources = [source for source in graph.predecessors(node) if source[0] in ("feature", "form")]
    assert (f"Reads {len(sources)} node" in page) == (len(sources) > 0)
    assert ("Spectrum" in page) == (node[:2] != ("feature", 1))
    assert (f"Is read by {graph.out_degree(node)} node" in page) == (node[0] != "logit")
    assert ("Switch off" in page) == (node[0] != "logit")
    assert "value = " in page
    assert visit.page.locator("#panel .digits .digit").count() == 10
    assert "No claim is about this node alone" in page
    assert visit.page.locator("#panel canvas").count() > 10


def test_the_edges_of_a_node_add_up_to_its_value(visit: Visit, graph: Any) -> None:
    visit.go("#node=logit-2&digit=5")
    edges = {
        key(source): data["weight"] * explain(graph, DIGITS.test_images[5], label=2).nodes[source]
        for source, _, data in graph.in_edges(("logit", 2), data=True)
        if source[0] != "residual"
    }
    if visit.page.locator("#panel .list .link").count():
        visit.page.click("#panel .list .link")
    opened = visit.attributes("#panel .list [data-open]", "data-open")
    assert sorted(opened) == sorted(edges)
    value = logits(graph, 5)[2]
    assert abs(sum(visit.numbers("#panel .list")) - value) < 1e-9 * max(1, abs(value))


def test_claims_about_the_graph_stand_on_every_nodes_page_and_no_others(visit: Visit) -> None:
    visit.go("#node=feature-1-0")
    assert visit.page.locator("#panel .claims li").all_inner_texts() == [
        "measured Most stays <b>as it is</b>.",
        "bounded Not far. This fails.",
    ]


# Inputs of other shapes


def own(shape: InputShape) -> Digits:
    classes = tuple(f"kind {letter}" for letter in "abcdefghij")
    return replace(like_mnist(shape.inputs), shape=shape, class_names=classes)


TABLE = InputShape((2, 5), (("first", "second"), ("v", "w", "x", "y", "z")))


@pytest.mark.parametrize("shape", [TABLE, InputShape((7,), (tuple("tuvwxyz"),))])
def test_inputs_that_are_no_pictures_are_named_with_their_classes(
    browser: Browser, tmp_path: Path, shape: InputShape
) -> None:
    digits = own(shape)
    graph = written(tmp_path, 1, digits)
    visit = Visit(browser, tmp_path / "report.html").ready()
    assert visit.text("#panel h3") == "Test input 0"
    assert "says which class an input has" in visit.text(".lead")
    assert f"labelled {digits.called(int(digits.test_labels[0]))}" in visit.text("#panel figure")
    looks = "#panel .looks:not(.near)"
    said = visit.page.locator(f"{looks} figure:first-child .what").all_inner_texts()
    wanted = strongest(digits.test_images[0], 8)
    assert said == [shape.name(place) for place in wanted]
    assert visit.numbers(f"{looks} figure:first-child .named") == pytest.approx(
        digits.test_images[0][wanted]
    )
    visit.go("#against=none")
    label = int(logits(graph, 0, digits).argmax())
    shares = explain(graph, digits.test_images[0], label=label).pixels
    assert f"inputs, for {digits.called(label)}" in visit.text("#panel figure + figure")
    found = visit.numbers(f"{looks} figure + figure .named")
    assert_shown(found, shares[strongest(shares, 8)])
    visit.go("#node=logit-4")
    assert visit.text("#panel h3") == "Logit of kind e"
    visit.go("#node=feature-1-0&edges=weights&threshold=0")
    direction = graph.nodes["feature", 1, 0]["direction"][1:]
    assert_shown(visit.numbers("#panel .looks .named"), direction[strongest(direction, 8)])
    assert "Red and blue inputs are read" in visit.text("#panel .looks")
    assert (visit.complaints, visit.requests) == ([], [])


def painted(visit: Visit, selector: str) -> Any:
    script = """canvas => [canvas.height, canvas.width, ...canvas.getContext("2d")
        .getImageData(0, 0, canvas.width, canvas.height).data]"""
    height, width, *colours = visit.page.eval_on_selector(selector, script)
    return np.array(colours).reshape(height, width, 4)


def test_a_table_is_painted_in_rows_and_columns_and_bars_up_and_down(
    browser: Browser, tmp_path: Path
) -> None:
    for name, shape in (("table", TABLE), ("bars", InputShape((10,)))):
        written(tmp_path / name, 1, own(shape))
        visit = Visit(browser, tmp_path / name / "report.html").ready()
        image = like_mnist(10).test_images[0]
        colours = painted(visit, "#panel figure:first-child canvas").astype(int)
        red = colours[..., 0] - colours[..., 2]
        if name == "table":
            assert colours.shape == (2, 5, 4)
            assert np.array_equal(red.ravel() > 50, image > 0.5 * image.max())
        else:
            assert colours.shape == (33, 10, 4)
            inked = (red > 50).sum(axis=0)
            np.testing.assert_allclose(
                inked[image > 0], 16 * image[image > 0] / image.max() + 1, atol=1
            )
            assert not red[17:].any()


def test_a_picture_in_colour_is_painted_in_its_colours_and_its_shares_by_channel(
    browser: Browser, tmp_path: Path
) -> None:
    digits = own(InputShape((3, 4, 5)))
    graph = written(tmp_path, 1, digits)
    visit = Visit(browser, tmp_path / "report.html").ready()
    image = digits.test_images[0].reshape(3, 4, 5)
    colours = painted(visit, "#panel figure:first-child canvas")
    np.testing.assert_allclose(colours[..., :3], 255 * np.moveaxis(image, 0, -1), atol=1)
    assert painted(visit, "#panel figure + figure canvas").shape == (4, 15, 4)
    assert visit.text("#panel h3") == "Test image 0"
    assert visit.page.locator(".named").count() == 0
    visit.page.click("#blank")
    visit.page.fill("#brush", "#ff8000")
    visit.page.focus("#sheet")
    visit.page.keyboard.press("Space")
    ink = inked(visit)
    assert ink.reshape(3, 4, 5)[:, 2, 2].tolist() == [255, 128, 0]
    assert painted(visit, "#sheet")[0, 0].tolist() == [0, 0, 0, 255]
    assert_logits_of(visit, graph, ink)


# Picking, the address, the keyboard


def test_a_digit_is_picked_with_the_mouse(visit: Visit, graph: Any) -> None:
    visit.page.click('#thumbs [data-digit="6"]')
    assert visit.text("#panel h3") == "Test image 6"
    assert "digit=6" in visit.address
    assert visit.attributes("#thumbs [aria-pressed=true]", "data-digit") == ["6"]
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 6))


def test_digits_are_turned_over_a_page_at_a_time_and_filtered(browser: Browser, path: Path) -> None:
    visit = Visit(browser, path).ready()
    shown = visit.attributes("#thumbs .digit", "data-digit")
    assert shown == [str(place) for place in range(len(shown))]
    visit.page.click("#later")
    assert visit.attributes("#thumbs .digit", "data-digit")[0] == str(len(shown))
    visit.page.click("#earlier")
    assert visit.attributes("#thumbs .digit", "data-digit") == shown
    visit.page.select_option("#which", label="labelled 4")
    labels = [
        DIGITS.test_labels[int(place)] for place in visit.attributes("#thumbs .digit", "data-digit")
    ]
    assert set(labels) == {4}
    assert "This page has 40 of the 40 test images" in visit.text("#held")


def test_a_graph_of_too_many_features_is_pruned_and_the_page_says_so(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explorer, "_MOST_FEATURES", 3)
    graph = prune(written(tmp_path / "pruned", 1), features=3)
    visit = Visit(browser, tmp_path / "pruned" / "report.html").ready()
    assert "The weakest 13 features of the graph are not in this page" in visit.text("#shown")
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 0))
    images = torch.from_numpy(DIGITS.test_images)
    first, second = (module(images).argmax(1).numpy() for module in (network_of(1), rewrite(graph)))
    differing = np.flatnonzero(first != second)
    assert 0 < len(differing) < 40
    visit.page.select_option("#which", label="on which graph and network differ")
    shown = visit.attributes("#thumbs .digit", "data-digit")
    assert shown == [str(place) for place in differing[: len(shown)]]
    assert f"all {len(differing)} on which graph and network differ" in visit.text("#held")


def test_a_node_too_weak_to_be_shown_says_so_and_can_be_shown(visit: Visit, path: Path) -> None:
    strong, _ = wanted_at(data_in(path), 1)
    names = [key(node["name"]) for node in data_in(path)["nodes"]]
    weak = next(name for name in names if name not in strong)
    visit.go(f"#edges=weights&threshold=1&node={weak}")
    assert weak not in visit.attributes("#nodes .node", "data-node")
    assert "too weak to be among what the graph shows" in visit.text("#panel")
    visit.page.click("#panel .link >> nth=0")
    assert weak in visit.attributes("#nodes .node", "data-node")
    assert "too weak" not in visit.text("#panel")
    assert visit.attributes(".node.open", "data-node") == [weak]


def test_digits_are_picked_with_the_arrows(visit: Visit) -> None:
    visit.page.click('#thumbs [data-digit="2"]')
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("ArrowRight")
    visit.page.keyboard.press("ArrowLeft")
    assert visit.text("#panel h3") == "Test image 3"
    focused = visit.page.evaluate("document.activeElement.dataset.digit")
    assert focused == "3"


def test_the_choices_stay_in_the_address(browser: Browser, visit: Visit, path: Path) -> None:
    visit.page.click('#thumbs [data-digit="4"]')
    visit.page.check("input[value=weights]")
    visit.page.locator("#threshold").press("ArrowRight")
    visit.page.select_option("#label", "2")
    visit.page.select_option("#against", "8")
    visit.page.click('[data-node="feature-1-1"]')
    visit.page.click("#panel .switch")
    address = visit.address
    for said in ("digit=4", "edges=weights", "threshold=0.01", "label=2", "against=8"):
        assert said in address
    assert "node=feature-1-1" in address
    assert "off=feature-1-1" in address
    before = seen(visit)
    visit.page.reload()
    visit.ready()
    assert visit.address == address
    assert visit.page.locator(".node.off").count() == 1
    assert visit.page.inner_text("#panel h3") == "Feature 1 of layer 1"
    other = Visit(browser, path, address).ready()
    assert seen(other) == seen(visit) == before
    assert seen(other.go("#")) != before


def seen(visit: Visit) -> Any:
    """What the explorer shows, but for what was said last."""
    kinds = visit.attributes("#nodes .node", "aria-label")
    lines = visit.attributes("#edges .edge", "d")
    return kinds, lines, *(visit.text(part) for part in ("#panel", ".controls", "#shown"))


@pytest.mark.parametrize(
    "address",
    [
        "#digit=-1&node=form-9-9&threshold=2",
        "#off=form-1-0,logit-1,x&against=3&label=3",
        "#%",
        "#=&&",
    ],
)
def test_an_address_that_says_nothing_sensible_is_as_none(
    browser: Browser, path: Path, address: str
) -> None:
    visit = Visit(browser, path, address).ready()
    assert visit.text("#panel h3") == "Test image 0"
    assert visit.page.locator(".node.off").count() == 0
    assert visit.complaints == []


def test_the_keyboard_moves_opens_switches_off_and_closes(visit: Visit, graph: Any) -> None:
    visit.go("#edges=weights&threshold=0")
    keys = visit.page.keyboard
    visit.page.focus("#nodes .node[tabindex='0']")

    def at() -> Any:
        return visit.page.evaluate("document.activeElement.dataset.node")

    first = at()
    seen = [first]
    for _ in range(40):
        keys.press("ArrowRight")
        seen.append(at())
    assert seen[-1].startswith("logit")
    keys.press("ArrowDown")
    assert at() != seen[-1]
    for _ in range(40):
        keys.press("ArrowLeft")
    assert at().startswith("feature-1")
    name = at()
    keys.press("Enter")
    node = tuple(int(part) if part.isdigit() else part for part in name.split("-"))
    assert visit.text("#panel h3") == f"Feature {node[2]} of layer 1"
    keys.press("Escape")
    assert visit.text("#panel h3") == "Test image 0"
    assert at() == name
    keys.press("Space")
    assert visit.text("#said") == f"Feature {node[2]} of layer 1 is off."
    assert at() == name
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(ablate(graph, node), 0))
    keys.press("Space")
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 0))
    assert visit.page.locator("#nodes .node[tabindex='0']").count() == 1


def test_constants_and_logits_cannot_be_switched_off(visit: Visit, graph: Any) -> None:
    for name in ("logit-3", "form-1-0"):
        visit.page.focus(f'[data-node="{name}"]')
        visit.page.keyboard.press("Space")
        assert "cannot be switched off" in visit.text("#said")
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 0))


def test_all_is_switched_on_again(visit: Visit, graph: Any) -> None:
    visit.go("#off=feature-1-0,feature-2-0")
    assert visit.text("#on") == "Switch all on (2 off)"
    visit.page.click("#on")
    assert visit.page.is_hidden("#on")
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 0))


def test_pointing_at_a_node_tells_its_neighbours_and_its_name(visit: Visit, graph: Any) -> None:
    visit.go("#edges=weights&threshold=0")
    visit.page.hover('[data-node="form-1-1"]')
    neighbours = {*graph.predecessors(("form", 1, 1)), *graph.successors(("form", 1, 1))}
    near = visit.attributes(".node.near", "data-node")
    wanted = [key(node) for node in neighbours if node != ("input",)]
    assert sorted(near) == sorted([*wanted, "form-1-1"])
    assert "Form 1 of hidden state 1" in visit.text("#preview")


def test_every_node_has_a_name_and_a_visible_focus(visit: Visit) -> None:
    visit.go("#edges=weights&threshold=0")
    assert all(visit.attributes("#nodes .node", "aria-label"))
    visit.page.focus("#nodes .node[tabindex='0']")
    visit.page.keyboard.press("ArrowRight")
    style = visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style != "none"


# Phones, the dark, paper


def test_nothing_sticks_out_of_a_phone(browser: Browser, path: Path) -> None:
    phone = Visit(browser, path, viewport={"width": 360, "height": 740}).ready()
    for address in ("#", "#edges=weights&threshold=0", "#node=form-1-1", "#off=feature-1-0"):
        phone.go(address)
        assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert phone.complaints == []


def test_in_the_dark_the_page_is_dark_and_so_are_its_pictures(browser: Browser, path: Path) -> None:
    script = """() => {
        const colour = getComputedStyle(document.body).backgroundColor;
        const [r, g, b] = colour.match(/\\d+/g).map(Number);
        const canvas = document.querySelector("#panel figure + figure canvas");
        const corner = canvas.getContext("2d").getImageData(0, 0, 1, 1).data;
        return [r + g + b, corner[0] + corner[1] + corner[2]];
    }"""
    visit = Visit(browser, path, color_scheme="dark").ready()
    assert max(visit.page.evaluate(script)) < 150
    visit.page.emulate_media(color_scheme="light")
    # The page hears of it when it next draws, and paints its pictures anew.
    visit.page.wait_for_function(f"() => Math.min(...({script})()) > 600", timeout=30_000)


def test_on_paper_there_are_the_summary_and_the_graph_without_the_controls(
    browser: Browser, path: Path
) -> None:
    visit = Visit(browser, path).ready()
    edges = visit.page.locator("#edges .edge").count()
    visit.page.emulate_media(media="print")
    for part in ("h1", "#claims", "#answer", "#graph", "#shown", "#panel h3"):
        assert visit.page.is_visible(part)
    for part in ("#thumbs", ".controls", "#label", "#edit", ".contents"):
        assert visit.page.is_hidden(part)
    assert visit.page.locator("#edges .edge").count() == edges > 0
    visit.page.set_viewport_size({"width": 720, "height": 1000})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 720
