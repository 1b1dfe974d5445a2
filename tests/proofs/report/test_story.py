"""The story of a digit and images that the reader draws, held against Python."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser

from numeric import explain, node_values
from proofs.report.neighbours import neighbours_of
from proofs.report.packing import unpacked
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
)


def paths_of(graph: Any, digit: int, label: int, against: int | None) -> dict[str, float]:
    """Return the shares of all paths up to their last feature, of two logits together."""
    found: dict[str, float] = defaultdict(float)
    exact = explain(graph, DIGITS.test_images[digit], label=label, against=against)
    for path in exact.paths(6 if against is None else 10_000):
        found[" ".join(map(key, path.nodes[1:-1]))] += path.share
    return found


def runner_up(graph: Any, digit: int) -> tuple[int, int]:
    order = np.argsort(-logits(graph, digit), kind="stable")
    return int(order[0]), int(order[1])


def test_the_story_tells_the_strongest_paths_of_explain(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int
) -> None:
    graph = pages[depth][1]
    first, second = runner_up(graph, 8)
    # At depth 3 there are too many paths to add those of two logits here.
    for against in (None, second) if depth < 3 else (None,):
        deep.go("#digit=8" + ("&against=none" if against is None else ""))
        wanted = paths_of(graph, 8, first, against)
        told = deep.attributes("#panel .paths [data-path]", "data-path")
        strongest = sorted(wanted, key=lambda path: -abs(wanted[path]))[:6]
        assert told == strongest
        shares = deep.numbers("#panel .paths [data-path]")
        assert_shown(shares, [wanted[path] for path in strongest])


def test_the_shares_of_the_story_sum_to_what_is_explained(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int
) -> None:
    graph = pages[depth][1]
    for digit in range(0, 40, 4):
        deep.go(f"#digit={digit}")
        values = logits(graph, digit)
        first, second = runner_up(graph, digit)
        shares = deep.numbers("#panel .paths")
        lead = values[first] - values[second]
        assert abs(sum(shares) - lead) <= 1e-9 * max(map(abs, shares))
        assert f"ahead of {second}" in deep.text("#answer")
    deep.page.click("#panel .paths .link")
    assert abs(sum(deep.numbers("#panel .paths")) - lead) <= 1e-9 * max(map(abs, shares))
    assert len(deep.numbers("#panel .paths")) > 7


def test_a_path_is_shown_where_it_reads_the_image(visit: Visit, graph: Any) -> None:
    visit.go("#digit=2&against=none")
    paths = explain(graph, DIGITS.test_images[2], label=runner_up(graph, 2)[0]).paths(6)
    place, path = next((n, path) for n, path in enumerate(paths) if path.pixels.any())
    data = f"getImageData(0, 0, {SIDE}, {SIDE}).data"
    script = f"""(found, place) => [...found[place].getContext("2d").{data}]"""
    colours = np.array(
        visit.page.eval_on_selector_all(".paths [data-path] > canvas", script, place)
    )
    red, _, blue, _ = colours.reshape(-1, 4).T.astype(int)
    strong = abs(path.pixels) > 0.3 * abs(path.pixels).max()
    assert strong.any()
    assert np.array_equal(red[strong] > blue[strong], path.pixels[strong] > 0)
    assert abs(red - blue)[path.pixels == 0].max() < 8


def test_a_path_is_lit_in_the_graph_while_it_is_pointed_at(visit: Visit) -> None:
    visit.go("#carry=1")
    nodes = visit.attributes("#panel .paths [data-path]", "data-path")[0].split()
    visit.page.hover("#panel .paths [data-path] >> nth=0")
    lit = visit.attributes("#edges .edge.lit", "data-edge")
    assert {f"{source} {target}" for source, target in pairwise(nodes)} < {*lit}
    assert len(lit) == len(nodes)


def test_the_answer_says_what_the_graph_takes_a_digit_for(visit: Visit, graph: Any) -> None:
    kinds = set()
    for digit in range(12):
        visit.go(f"#digit={digit}")
        said, label = runner_up(graph, digit)[0], int(DIGITS.test_labels[digit])
        kinds.add(said == label)
        assert f"reads test image {digit} as {said}" in visit.text("#answer")
        assert (f"it is labelled {label}" in visit.text("#answer")) == (said != label)
    assert False in kinds


def test_the_answer_says_what_the_network_says_where_that_is_something_else(
    visit: Visit, graph: Any
) -> None:
    """This graph says what the network says until something is switched off."""
    seen = set()
    for digit in range(8):
        for off in ("", "&off=feature-2-0", "&off=feature-2-3,feature-2-5"):
            visit.go(f"#digit={digit}{off}")
            said, network = visit.text("#answer b"), runner_up(graph, digit)[0]
            differs = said != str(network)
            assert (f"the network says {network}" in visit.text("#answer")) == differs
            seen.add(differs)
    assert seen == {False, True}


def test_the_answer_names_the_largest_shares_and_two_that_nearly_cancel(
    visit: Visit, graph: Any
) -> None:
    cancelling = set()
    for digit, label in product(range(5), range(8)):
        visit.go(f"#digit={digit}&label={label}&against=9")
        exact = explain(graph, DIGITS.test_images[digit], label=label, against=9)
        shares = sorted(
            (share for node, share in exact.nodes.items() if node[:2] == ("feature", 2)),
            key=lambda share: -abs(share),
        )
        pair = [share for share in shares[1:4] if abs(share + shares[0]) <= 0.15 * abs(shares[0])]
        wanted = shares[:3]
        if pair:
            wanted = [shares[0], pair[0], *(s for s in shares if s not in (shares[0], pair[0]))][:4]
        assert_shown(visit.numbers("#answer"), wanted)
        assert ("nearly cancel" in visit.text("#answer")) == bool(pair)
        cancelling.add(bool(pair))
    assert cancelling == {False, True}


def test_a_feature_says_on_which_classes_it_is_largest(visit: Visit, graph: Any) -> None:
    visit.go("#digit=3")
    names = visit.attributes("#panel .made [data-open]", "data-open")
    values = {key(node): found for node, found in node_values(graph, DIGITS.test_images).items()}
    for name, said in zip(names, visit.page.locator(".made .note").all_inner_texts(), strict=True):
        means = np.array([values[name][DIGITS.test_labels == label].mean() for label in range(10)])
        order = [label for label in np.argsort(-means) if means[label] >= 0.7 * means.max()]
        assert said == f"most on {', '.join(map(str, order[:3]))}"


def changes_in(visit: Visit, graph: Any, name: str, image: Any) -> None:
    """Hold a list of changes between digit 4 and an image against two explanations."""
    first, second = runner_up(graph, 4)
    here, there = (
        explain(graph, shown, label=first, against=second)
        for shown in (DIGITS.test_images[4], image)
    )
    changed = visit.attributes(f"#panel .{name} [data-open]", "data-open")
    nodes = {key(node): node for node in here.nodes}
    wanted = [there.nodes[nodes[node]] - here.nodes[nodes[node]] for node in changed]
    assert_shown(visit.numbers(f"#panel .{name} [data-open]"), wanted)


def test_the_nearest_image_with_another_label_and_what_changes(visit: Visit, graph: Any) -> None:
    visit.go("#digit=4")
    images, labels = DIGITS.test_images.astype(float), DIGITS.test_labels
    far = np.where(labels == labels[4], np.inf, np.linalg.norm(images - images[4], axis=1))
    nearest = int(far.argmin())
    assert f"test image {nearest}, labelled {labels[nearest]}" in visit.text("#panel")
    changes_in(visit, graph, "changes", DIGITS.test_images[nearest])


def test_the_nearest_input_of_another_class_and_what_changes(
    visit: Visit, graph: Any, path: Path
) -> None:
    visit.go("#digit=4")
    data = data_in(path)["digits"]
    near = data["neighbours"]
    row = near["places"].index(data["indices"].index(4))
    step, scale = unpacked(near["steps"])[[row]], np.array(near["scales"])[[row]]
    (point,) = neighbours_of(DIGITS.test_images[[4]], step, scale)
    reached = unpacked(near["outputs"])[row].argmax()
    assert f"the network says {reached} instead of" in visit.text("#panel")
    changes_in(visit, graph, "steps", point)
    visit.go(f"#digit=4&label={reached}")
    visit.page.click(f"#panel .link:has-text('over {reached}')")
    assert f"against={reached}" in visit.address
    visit.go("#digit=39")
    assert visit.page.locator("#panel .steps").count() == (39 in near["places"])
    visit.page.click("#blank")
    assert visit.page.locator("#panel .steps").count() == 0


# Images of the reader's own


def draw_line(visit: Visit, start: tuple[float, float], end: tuple[float, float]) -> None:
    visit.page.locator("#sheet").scroll_into_view_if_needed()
    box = visit.page.locator("#sheet").bounding_box()
    assert box is not None
    mouse = visit.page.mouse
    for place, (x, y) in enumerate((start, end)):
        mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        if place == 0:
            mouse.down()
    mouse.up()


def test_a_drawn_digit_has_the_logits_of_python(
    deep: Visit, pages: dict[int, tuple[Path, Any]], depth: int
) -> None:
    graph = pages[depth][1]
    deep.page.click("#blank")
    assert not inked(deep).any()
    assert_logits_of(deep, graph, inked(deep))
    draw_line(deep, (0.2, 0.2), (0.8, 0.3))
    first = inked(deep)
    assert first.max() == 255
    assert first.reshape(SIDE, SIDE)[9:].max() == 0
    assert_logits_of(deep, graph, first)
    draw_line(deep, (0.8, 0.3), (0.4, 0.9))
    second = inked(deep)
    assert (second >= first).all()
    assert second.reshape(SIDE, SIDE)[10:].max() == 255
    assert_logits_of(deep, graph, second)
    assert deep.text("#panel h3") == "Your image"
    assert "network" not in deep.text("#panel .logits")
    assert abs(sum(deep.numbers("#panel .paths")) - deep.numbers("#panel .total")[0]) < 1e-9


def test_an_image_is_edited_erased_and_brought_back(visit: Visit, graph: Any) -> None:
    visit.go("#digit=9")
    visit.page.click("#edit")
    given = inked(visit)
    assert np.array_equal(given, np.rint(DIGITS.test_images[9] * 255))
    assert_logits_of(visit, graph, given)
    visit.page.check("#eraser")
    draw_line(visit, (0.1, 0.5), (0.9, 0.5))
    visit.page.uncheck("#eraser")
    assert inked(visit).sum() < given.sum()
    assert inked(visit).reshape(SIDE, SIDE)[6:8, 2:12].sum() == 0
    assert_logits_of(visit, graph, inked(visit))
    assert max(abs(np.array(visit.numbers("#panel td[data-logit]")) - logits(graph, 9))) > 1e-6
    visit.page.click("#edit")
    assert visit.text("#panel h3") == "Test image 9"
    assert "ink=" not in visit.address
    assert_shown(visit.numbers("#panel td[data-logit]"), logits(graph, 9))


def test_the_keyboard_draws_too(visit: Visit, graph: Any) -> None:
    visit.page.click("#blank")
    visit.page.focus("#sheet")
    for name in ("Space", "ArrowRight", "Space", "ArrowUp", "ArrowUp"):
        visit.page.keyboard.press(name)
    ink = inked(visit).reshape(SIDE, SIDE)
    assert ink[7, 7] == ink[7, 8] == 255
    assert ink[5].max() == 0
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Delete")
    assert inked(visit).reshape(SIDE, SIDE)[7, 8] == 0
    assert_logits_of(visit, graph, inked(visit))


def test_a_drawn_image_is_there_again_from_its_address(
    browser: Browser, visit: Visit, path: Path
) -> None:
    visit.page.click("#blank")
    draw_line(visit, (0.3, 0.3), (0.7, 0.7))
    other = Visit(browser, path, visit.address).ready()
    assert other.numbers("#panel td[data-logit]") == visit.numbers("#panel td[data-logit]")
    assert other.go("#ink=AAAA").text("#panel h3") == "Test image 0"
    assert other.go("#ink=%F0").text("#panel h3") == "Test image 0"
    assert other.complaints == []
