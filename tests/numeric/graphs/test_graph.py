"""The composition graph: its nodes, what they compute, and the layers that it is made of."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic.network import ExactNetwork
from numeric import BilinearNetwork, NumericError, SquareLayer, square_layers, trace, validate
from numeric.features.decompositions import DECOMPOSITIONS, polarized
from numeric.graphs.graph import compose
from tests.graphs import assert_same_graph, edited_graphs, exact_logits, node_values
from tests.strategies import networks, points, wild

POINT = np.array([0.5, -1.25, 2.0])


def a_graph(method: str = "polarized") -> nx.DiGraph[Any]:
    return trace(BilinearNetwork(3, 2, depth=2, width=2, hidden=3), method)


def polynomial(graph: nx.DiGraph[Any]) -> ExactNetwork:
    return ExactNetwork([layer.in_normal_form() for layer in square_layers(graph)])


def logits(graph: nx.DiGraph[Any]) -> list[Fraction]:
    return list(polynomial(graph).evaluate(POINT[np.newaxis])[0])


# Graphs and square layers


@pytest.mark.props
@given(networks(elements=wild, dtypes=(np.float32,)))
def test_square_layers_come_back_from_the_graph_composed_of_them(
    network: BilinearNetwork,
) -> None:
    layers = [polarized(layer, 1) for layer in network.layers()]
    got = square_layers(compose(layers, "polarized"))
    # The first component of the last layer is no output, so the graph leaves it out.
    layers[-1].mixing[0], layers[-1].linear[0] = 0, 0
    for one, other in zip(layers, got, strict=True):
        for expected, array in zip(one, other, strict=True):
            assert array.dtype == np.float64
            np.testing.assert_array_equal(array, expected)


@pytest.mark.props
@given(networks(), st.sampled_from(list(DECOMPOSITIONS)))
def test_a_traced_graph_comes_back_from_its_square_layers(
    network: BilinearNetwork, method: str
) -> None:
    graph = trace(network, method)
    del graph.graph["network"]
    assert_same_graph(compose(square_layers(graph), method), graph)


@pytest.mark.props
@given(st.data())
def test_square_layers_compute_what_the_graph_says_node_by_node(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs())
    (point,) = data.draw(points(graph.nodes["input",]["size"], count=1))
    expected = exact_logits(graph, point)
    assert list(polynomial(graph).evaluate(point[np.newaxis])[0]) == expected


def test_a_graph_has_the_nodes_of_its_schema() -> None:
    graph = a_graph()
    assert list(graph) == [
        ("input",),
        *(("feature", 1, k) for k in range(6)),
        *(("form", 1, j) for j in range(3)),
        *(("feature", 2, k) for k in range(6)),
        *(("logit", c) for c in range(2)),
    ]
    assert (graph.graph["method"], graph.graph["sizes"]) == ("polarized", [4, 3, 3])
    assert graph.nodes["input",] == {"size": 3}
    assert sorted(graph.predecessors(("form", 1, 0))) == [("input",)]
    assert graph.nodes["form", 1, 0]["direction"].tolist() == [1, 0, 0, 0]


def test_weights_that_are_zero_make_no_edge() -> None:
    square = SquareLayer(np.eye(2), np.zeros((2, 2)), np.eye(2), np.zeros((2, 2)))
    graph = compose([square, square], "by hand")
    assert list(graph.edges) == [
        (("input",), ("feature", 1, 0)),
        (("input",), ("feature", 1, 1)),
        (("feature", 1, 0), ("form", 1, 0)),
        (("feature", 1, 1), ("form", 1, 1)),
        (("form", 1, 0), ("feature", 2, 0)),
        (("form", 1, 1), ("feature", 2, 1)),
        (("feature", 2, 1), ("logit", 0)),
    ]


@pytest.mark.parametrize("number", [1, 2])
def test_a_low_part_alone_is_read_too(number: int) -> None:
    plain = SquareLayer(np.eye(2), np.zeros((2, 2)), np.eye(2), np.eye(2))
    low = plain._replace(readings=np.zeros((2, 2)), low=np.eye(2) / 2**60)
    layers = [low if number == place else plain for place in (1, 2)]
    graph = compose(layers, "by hand")
    validate(graph)
    for one, other in zip(
        layers[number - 1][:2], square_layers(graph)[number - 1][:2], strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_layers_read_from_a_graph_are_copies() -> None:
    graph = a_graph()
    for layer in square_layers(graph):
        for array in layer:
            array[:] = 7
    assert_same_graph(graph, a_graph())


def test_a_graph_that_breaks_the_schema_has_no_square_layers() -> None:
    graph = a_graph()
    graph.remove_node(("input",))
    with pytest.raises(NumericError, match=r"to have the node \('input',\), got none"):
        square_layers(graph)


# Graphs changed by hand


@pytest.mark.parametrize("method", ["polarized", "eigen"])
@pytest.mark.parametrize("index", [0, 3])
def test_a_removed_feature_takes_its_term_from_the_logits(method: str, index: int) -> None:
    graph, feature = a_graph(method), ("feature", 2, index)
    square, before = node_values(graph, POINT)[feature], logits(graph)
    weights = [
        Fraction(graph.edges.get((feature, ("logit", c)), {"weight": 0})["weight"])
        for c in range(2)
    ]
    graph.remove_node(feature)
    assert any(weights)
    assert logits(graph) == [
        value - weight * square for value, weight in zip(before, weights, strict=True)
    ]


def test_a_scaled_edge_scales_its_term() -> None:
    graph, edge = a_graph(), (("feature", 2, 1), ("logit", 0))
    square, before = node_values(graph, POINT)[edge[0]], logits(graph)
    weight = graph.edges[edge]["weight"]
    graph.edges[edge]["weight"] *= -2
    assert logits(graph) == [before[0] - 3 * Fraction(weight) * square, before[1]]


def test_an_added_feature_adds_its_square() -> None:
    graph, feature = a_graph(), ("feature", 2, 1000)
    before, values = logits(graph), node_values(graph, POINT)
    graph.add_edge(("form", 1, 0), feature, weight=0.5)
    graph.add_edge(("form", 1, 2), feature, weight=1, weight_low=2.0**-70)
    graph.add_edge(feature, ("logit", 1), weight=-3)
    reading = values["form", 1, 0] / 2 + (1 + Fraction(2) ** -70) * values["form", 1, 2]
    assert logits(graph) == [before[0], before[1] - 3 * reading**2]


def test_a_feature_of_the_inputs_adds_its_square_to_its_form() -> None:
    graph, feature = trace(BilinearNetwork(3, 2, depth=1, hidden=3)), ("feature", 1, 99)
    before = logits(graph)
    graph.add_node(feature, direction=np.array([1.0, 0.0, 2.0, 0.0]))
    graph.add_edge(("input",), feature, weight=1)
    graph.add_edge(feature, ("logit", 1), weight=0.25)
    assert logits(graph) == [before[0], before[1] + Fraction(1, 4) * Fraction(-3, 2) ** 2]


def test_without_the_constant_form_nothing_above_reads_a_bias() -> None:
    graph = a_graph()
    layers = square_layers(graph)
    for array in (layers[1].readings, layers[1].low, layers[1].linear):
        array[:, 0] = 0
    graph.remove_node(("form", 1, 0))
    expected = ExactNetwork([layer.in_normal_form() for layer in layers])
    assert logits(graph) == list(expected.evaluate(POINT[np.newaxis])[0])
    assert square_layers(graph)[0].linear[0].tolist() == [0, 0, 0, 0]


def test_a_removed_logit_is_zero() -> None:
    graph = a_graph()
    before = logits(graph)
    graph.remove_node(("logit", 0))
    assert logits(graph) == [0, before[1]]


def test_features_stand_in_the_order_of_their_index_whatever_is_missing() -> None:
    graph, whole = a_graph(), square_layers(a_graph())[0]
    for index in (0, 3):
        graph.remove_node(("feature", 1, index))
    graph = nx.relabel_nodes(graph, {("feature", 1, 1): ("feature", 1, 2**40)})
    order = [2, 4, 5, 1]
    layer = square_layers(graph)[0]
    np.testing.assert_array_equal(layer.readings, whole.readings[order])
    np.testing.assert_array_equal(layer.low, whole.low[order])
    np.testing.assert_array_equal(layer.mixing, whole.mixing[:, order])
