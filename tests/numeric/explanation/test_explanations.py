"""Explanations: every share against all paths, in rationals."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError, SquareLayer, trace
from numeric.explanation.attributions import integrated_gradients, shapley_values
from numeric.explanation.explanations import explain
from numeric.explanation.interventions import ablate
from numeric.explanation.responses import node_values
from numeric.graphs.graph import compose
from tests.graphs import (
    INPUT,
    edited_graphs,
    exact_logits,
    is_constant,
    largest,
    point_of,
    pruned_graph,
    small_graph,
    traced_graphs,
)
from tests.graphs import node_values as exact_values

BASELINE, IMAGE = np.array([0.0, 0.5, -1.0]), np.array([1.0, 0.25, 2.0])


def all_paths(
    graph: nx.DiGraph[Any], point: npt.NDArray[Any], label: int
) -> dict[tuple[Any, ...], list[Fraction]]:
    """Return the exact share of every path from the input to a logit, by component of the input."""
    values = exact_values(graph, point)
    extended = [Fraction(1), *map(Fraction, point.tolist())]
    readings = {
        node: sum(
            (
                sum(
                    (
                        Fraction(w) * e
                        for w, e in zip(graph.nodes[node]["direction"], extended, strict=True)
                    ),
                    Fraction(0),
                )
                if source == INPUT
                else Fraction(edge["weight"]) * values[source]
            )
            for source, _, edge in graph.in_edges(node, data=True)
        )
        for node in graph
    }
    shares = {}
    if ("logit", label) not in graph:
        return {}
    for path in nx.all_simple_paths(graph, INPUT, ("logit", label)):
        first, *_ = path[1:]
        factor = prod(
            (Fraction(graph.edges[edge]["weight"]) for edge in nx.utils.pairwise(path)),
            start=Fraction(1),
        )
        factor *= prod((readings[n] for n in path if n[0] == "feature"), start=Fraction(1))
        rows = zip(graph.nodes[first]["direction"], extended, strict=True)
        shares[tuple(path)] = [factor * Fraction(w) * e for w, e in rows]
    return shares


# The shares of nodes, edges, paths and pixels


@pytest.mark.props
@given(st.data())
def test_the_share_of_everything_is_that_of_the_paths_through_it(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs(methods=("eigen",), max_size=2))
    point = point_of(data, graph)
    label = data.draw(st.integers(0, graph.graph["sizes"][-1] - 2))
    found, paths = explain(graph, point, label=label), all_paths(graph, point, label)
    room = 1e-12 * largest(graph, point)
    totals = {path: float(sum(parts)) for path, parts in paths.items()}
    for node, share in found.nodes.items():
        assert abs(share - sum(t for path, t in totals.items() if node in path)) <= room
    for edge, share in found.edges.items():
        through = [t for path, t in totals.items() if edge in nx.utils.pairwise(path)]
        assert abs(share - sum(through)) <= room
    expected = np.array([[float(part) for part in parts] for parts in paths.values()])
    expected = expected.reshape(-1, len(point) + 1).sum(axis=0)
    assert abs(found.constant - expected[0]) <= room
    assert (abs(found.pixels - expected[1:]) <= room).all()
    strongest = found.paths(4)
    sizes = sorted((abs(total) for total in totals.values()), reverse=True)[: len(strongest)]
    assert abs(np.array(sizes) - [abs(path.share) for path in strongest]).sum() <= 4 * room
    for path in strongest:
        assert abs(path.share - totals[path.nodes]) <= room
        assert abs(path.pixels - np.array(paths[path.nodes][1:], float)).max() <= room


@pytest.mark.props
@given(st.data())
def test_shares_are_conserved_layer_by_layer(data: st.DataObject) -> None:
    graph = data.draw(traced_graphs())
    point, outputs = point_of(data, graph), graph.graph["sizes"][-1] - 1
    label, against = data.draw(st.permutations([*range(outputs), None]))[:2]
    if label is None:
        label, against = against, None
    found = explain(graph, point, label=label, against=against)
    logits, room = exact_logits(graph, point), 1e-12 * 2 * largest(graph, point)
    expected = logits[label] - (0 if against is None else logits[against])
    assert abs(found.total - float(expected)) <= room
    assert abs(found.pixels.sum() + found.constant - found.total) <= room
    depth = len(graph.graph["sizes"]) - 1
    for number in range(1, depth + 1):
        assert abs(sum(found.layer(number).values()) - found.total) <= room
        forms = [node for node in graph if node[:2] == ("form", number)]
        if number < depth:
            assert abs(sum(found.nodes[node] for node in forms) - found.total) <= room
            pictures = sum(found.picture(node) for node in forms)
            assert (abs(pictures - found.pixels) <= room).all()
    around = found.layer(1)
    pixels = sum(found.picture(node).sum() for node in graph if node[:2] == ("feature", 1))
    assert abs(pixels + around.get(INPUT, 0.0) - found.pixels.sum()) <= room
    assert not found.layer(depth + 1)
    for node, share in found.nodes.items():
        incoming = [found.edges[edge] for edge in graph.in_edges(node)]
        assert abs(sum(incoming) - share) <= room
        if node[0] != "logit":
            assert abs(sum(found.edges[edge] for edge in graph.out_edges(node)) - share) <= room
        edges = sum(found.picture(edge) for edge in graph.in_edges(node))
        assert (abs(edges - found.picture(node)) <= room).all()


def test_gradients_times_values_are_not_shares() -> None:
    graph = small_graph("eigen", bias=False)
    found = explain(graph, IMAGE, label=0)
    assert sum(found.layer(1).values()) == pytest.approx(found.total, rel=1e-9)
    # With the factor 2 of a square's derivative a layer of squares would give twice what it has.
    doubled = sum(2 * share for share in found.layer(1).values())
    assert doubled != pytest.approx(found.total, rel=1e-3)
    slope = integrated_gradients(graph, IMAGE, 0 * IMAGE, 0)
    np.testing.assert_allclose(found.pixels, slope, rtol=1e-9)
    np.testing.assert_raises(
        AssertionError, np.testing.assert_allclose, 4 * found.pixels, slope, rtol=1e-3
    )


def test_all_paths_are_found_in_the_order_of_their_size() -> None:
    graph = small_graph("eigen", residual=True)
    expected = all_paths(graph, IMAGE, 1)
    found = explain(graph, IMAGE, label=1).paths(10**6)
    assert {path.nodes for path in found} == {p for p, parts in expected.items() if sum(parts)}
    sizes = [abs(path.share) for path in found]
    assert sizes == sorted(sizes, reverse=True)
    total = sum(path.share for path in found)
    assert total == pytest.approx(explain(graph, IMAGE, label=1).total, rel=1e-9)
    margin = explain(graph, IMAGE, label=1, against=0)
    assert {path.nodes[-1] for path in margin.paths(10**6)} == {("logit", 0), ("logit", 1)}
    assert sum(path.share for path in margin.paths(10**6)) == pytest.approx(margin.total, rel=1e-9)


def test_the_strongest_of_very_many_paths_are_found_at_once() -> None:
    network = BilinearNetwork(10, 2, depth=4, width=8, hidden=8, seed=1)
    graph = trace(network, "eigen")
    found = explain(graph, np.ones(10), label=0).paths(20)
    assert len(found) == 20
    # Of the paths from the first feature on, no other first feature makes a stronger one.
    first, *rest = found[0].nodes[1:]
    values = node_values(graph, np.ones(10))
    for other in graph.predecessors(rest[0]):
        if other[0] == "feature":
            strength = graph.edges[other, rest[0]]["weight"] * values[other]
            assert (
                abs(strength) <= abs(graph.edges[first, rest[0]]["weight"] * values[first]) + 1e-9
            )


def test_an_explanation_does_not_follow_the_graph() -> None:
    graph = small_graph()
    found = explain(graph, IMAGE, label=0)
    before = found.paths(3), found.picture(("form", 1, 1)).tolist()
    graph.remove_node(("form", 1, 1))
    again = found.paths(3), found.picture(("form", 1, 1)).tolist()
    assert [path.share for path in before[0]] == [path.share for path in again[0]]
    assert before[1] == again[1]
    assert "_flow" not in repr(found)


def test_logits_without_a_node_have_nothing_to_share() -> None:
    graph = ablate(small_graph(), ("logit", 1))
    found = explain(graph, IMAGE, label=1)
    assert found.total == found.constant == 0
    assert not found.pixels.any()
    assert not found.paths(3)
    assert not any(found.nodes.values())


def test_features_that_were_cut_have_no_share() -> None:
    pruned, without = pruned_graph(), ablate(small_graph(), ("feature", 2, 0))
    found, expected = (explain(graph, IMAGE, label=1) for graph in (pruned, without))
    assert found.nodes.keys() == expected.nodes.keys()
    assert found.edges.keys() == expected.edges.keys()
    assert found.total == pytest.approx(expected.total)
    np.testing.assert_allclose(found.pixels, expected.pixels)
    for method in (integrated_gradients, shapley_values):
        values = (method(graph, IMAGE, BASELINE, 1) for graph in (pruned, without))
        np.testing.assert_allclose(*values)


def test_low_parts_count() -> None:
    rows, none = np.array([[0.0, 1.0]]), np.zeros((2, 2))
    square = SquareLayer(rows, rows / 2, np.array([[0.0], [1.0]]), none)
    linear = SquareLayer(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.eye(2))
    found = explain(compose([square], "by hand"), np.array([2.0]), label=0)
    assert found.total == 9
    assert found.pixels.tolist() == [9]
    assert [path.pixels.tolist() for path in found.paths(1)] == [[9]]
    above = explain(compose([linear, square], "by hand"), np.array([2.0]), label=0)
    assert above.total == above.nodes["form", 1, 1] == above.pixels[0] == 9
    for graph in (compose([square], "by hand"), compose([linear, square], "by hand")):
        for method in (integrated_gradients, shapley_values):
            assert method(graph, np.array([2.0]), np.array([0.0]), 0) == pytest.approx(9)


# Doors


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"label": 2}, "expected label to be another class of the 2, got 2"),
        ({"label": -1}, "expected label to be an integer of at least 0, got -1"),
        ({"label": 1.0}, "expected label to be an integer"),
        ({"label": True}, "expected label to be an integer"),
        ({"label": None}, "expected label to be an integer"),
        ({"label": 1, "against": 1}, "expected against to be another class of the 2, got 1"),
        ({"label": 1, "against": 7}, "expected against to be another class of the 2, got 7"),
        ({"label": 1, "against": "0"}, "expected against to be an integer"),
    ],
    ids=range(8),
)
def test_classes_that_there_are_not_are_refused(classes: Any, message: str) -> None:
    graph = small_graph()
    with pytest.raises(NumericError, match=message):
        explain(graph, IMAGE, **classes)
    for method in (integrated_gradients, shapley_values):
        with pytest.raises(NumericError, match=message):
            method(graph, IMAGE, BASELINE, **classes)


def test_classes_may_come_from_numpy() -> None:
    found = explain(small_graph(), IMAGE, label=np.argmax([0, 1]), against=np.uint8(0))
    assert found.total == explain(small_graph(), IMAGE, label=1, against=0).total


@pytest.mark.parametrize("image", [np.ones(4), np.ones((1, 3)), np.array([0, np.nan, 0]), None])
def test_images_that_do_not_fit_are_refused(image: Any) -> None:
    graph = small_graph()
    with pytest.raises(NumericError, match="expected image to "):
        explain(graph, image, label=0)
    for method in (integrated_gradients, shapley_values):
        with pytest.raises(NumericError, match="expected image to "):
            method(graph, image, BASELINE, 0)
        with pytest.raises(NumericError, match="expected baseline to "):
            method(graph, IMAGE, image, 0)


def test_what_an_explanation_does_not_know_is_refused() -> None:
    found = explain(small_graph(), IMAGE, label=0)
    for target in (("feature", 9, 9), INPUT, (("logit", 0), ("logit", 1)), None, ("residual", 0)):
        with pytest.raises(NumericError, match="expected target to be a node or an edge explained"):
            found.picture(target)
    with pytest.raises(NumericError, match="expected count to be an integer of at least 1, got 0"):
        found.paths(0)
    with pytest.raises(NumericError, match="expected number to be an integer of at least 1, got 0"):
        found.layer(0)


def test_the_constant_is_a_node_with_a_share_of_its_own() -> None:
    found = explain(small_graph(depth=3), IMAGE, label=0)
    constants = [node for node in found.nodes if is_constant(node)]
    assert sorted(constants) == [("form", 1, 0), ("form", 2, 0)]
    assert all(found.nodes[node] for node in constants)
