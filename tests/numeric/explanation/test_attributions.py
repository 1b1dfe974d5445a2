"""Differences to a baseline: integrals against exact ones, pixels against all coalitions."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, NumericError, square_layers, trace
from numeric.explanation.attributions import integrated_gradients, shapley_values
from tests.graphs import INPUT, edited_graphs, exact_logits, largest, small_graph, traced_graphs
from tests.oracles import composition, derivative, expansion
from tests.strategies import points

BASELINE, IMAGE = np.array([0.0, 0.5, -1.0]), np.array([1.0, 0.25, 2.0])


# Integrated gradients


@pytest.mark.props
@given(st.data())
def test_integrated_gradients_are_the_exact_integrals(data: st.DataObject) -> None:
    graph = data.draw(traced_graphs(max_depth=2))
    image, baseline = data.draw(points(graph.nodes[INPUT]["size"], count=2))
    label = data.draw(st.integers(0, graph.graph["sizes"][-1] - 2))
    found = integrated_gradients(graph, image, baseline, label)
    layers = [layer.in_normal_form() for layer in square_layers(graph)]
    polynomial = expansion(layers)[label]
    start, step = (list(map(Fraction, v.tolist())) for v in (baseline, image - baseline))
    line = [
        {power: part for power, part in (((0,), a), ((1,), d)) if part}
        for a, d in zip(start, step, strict=True)
    ]
    room = 1e-11 * largest(graph, image, baseline, baseline)
    for i, value in enumerate(found):
        slope = composition(derivative(polynomial, i), line, 1)
        integral = sum((c / (power + 1) for (power,), c in slope.items()), Fraction(0))
        assert abs(value - float(step[i] * integral)) <= room


@pytest.mark.props
@given(st.data())
def test_integrated_gradients_sum_to_the_difference(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs(max_size=2))
    image, baseline = data.draw(points(graph.nodes[INPUT]["size"], count=2))
    found = integrated_gradients(graph, image, baseline, 0).sum()
    after, before = (exact_logits(graph, point)[0] for point in (image, baseline))
    room = 1e-11 * largest(graph, image, baseline, baseline)
    assert abs(found - float(after - before)) <= room


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_one_node_fewer_is_not_enough(depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small_graph(depth=depth, seed=2)
    after, before = (float(exact_logits(graph, point)[0]) for point in (8 * IMAGE, BASELINE))
    found = integrated_gradients(graph, 8 * IMAGE, BASELINE, 0).sum()
    assert found == pytest.approx(after - before, rel=1e-10)
    rule, counts = np.polynomial.legendre.leggauss, []

    def fewer(count: int) -> Any:
        counts.append(count)
        return rule(count - 1)

    monkeypatch.setattr(np.polynomial.legendre, "leggauss", fewer)
    found = integrated_gradients(graph, 8 * IMAGE, BASELINE, 0).sum()
    assert found != pytest.approx(after - before, rel=1e-7)
    assert counts == [2 ** (depth - 1)]


# Shapley values


def brute_force(
    graph: nx.DiGraph[Any], image: npt.NDArray[Any], baseline: npt.NDArray[Any], label: int
) -> list[Fraction]:
    """Return the Shapley values by their definition, over all coalitions."""
    players = range(len(image))
    worth = {
        coalition: exact_logits(graph, np.where(np.isin(players, coalition), image, baseline))[
            label
        ]
        for size in range(len(image) + 1)
        for coalition in combinations(players, size)
    }
    values = []
    for player in players:
        total = Fraction(0)
        for coalition, before in worth.items():
            if player not in coalition:
                weight = factorial(len(coalition)) * factorial(len(image) - len(coalition) - 1)
                joined = tuple(sorted((*coalition, player)))
                total += weight * (worth[joined] - before)
        values.append(total / factorial(len(image)))
    return values


@pytest.mark.props
@given(st.data())
def test_shapley_values_are_those_of_all_coalitions(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs(max_depth=2, max_size=3))
    image, baseline = data.draw(points(graph.nodes[INPUT]["size"], count=2))
    label = data.draw(st.integers(0, graph.graph["sizes"][-1] - 2))
    found = shapley_values(graph, image, baseline, label)
    room = 1e-11 * largest(graph, image, baseline, baseline)
    for one, other in zip(found, brute_force(graph, image, baseline, label), strict=True):
        assert abs(one - float(other)) <= room
    after, before = (exact_logits(graph, point)[label] for point in (image, baseline))
    assert abs(found.sum() - float(after - before)) <= room
    assert not found[image == baseline].any()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("method", ["polarized", "eigen"])
@pytest.mark.parametrize("count", [4, 6])
def test_more_pixels_than_a_monomial_has_share_as_all_coalitions_do(
    count: int, method: str, *, residual: bool
) -> None:
    network = BilinearNetwork(count, 2, depth=2, width=2, hidden=2, residual=residual, seed=3)
    graph, random = trace(network, method), np.random.default_rng(count)
    image, baseline = 3 * random.normal(size=(2, count))
    found = shapley_values(graph, image, baseline, 1)
    expected = np.array(brute_force(graph, image, baseline, 1), float)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    # The straight path is another rule, though it sums to the same.
    other = integrated_gradients(graph, image, baseline, 1)
    assert other.sum() == pytest.approx(found.sum(), rel=1e-9)
    assert abs(other / found - 1).max() > 1e-3
    margin = shapley_values(graph, image, baseline, 1, against=0)
    np.testing.assert_allclose(margin, found - shapley_values(graph, image, baseline, 0))


def test_at_one_layer_both_rules_agree() -> None:
    graph = small_graph(depth=1, residual=True)
    np.testing.assert_allclose(
        shapley_values(graph, IMAGE, BASELINE, 0), integrated_gradients(graph, IMAGE, BASELINE, 0)
    )


def test_pixels_that_are_read_alike_have_equal_values_and_unread_ones_none() -> None:
    graph = small_graph("eigen", depth=2)
    for node in graph:
        if "direction" in graph.nodes[node]:
            graph.nodes[node]["direction"][2] = graph.nodes[node]["direction"][1]
            graph.nodes[node]["direction"][3] = 0
    values = shapley_values(graph, np.array([2.0, 2.0, 5.0]), np.array([-1.0, -1.0, 0.0]), 0)
    assert values[0] == pytest.approx(values[1], rel=1e-9)
    assert values[0] != pytest.approx(0)
    assert values[2] == 0


def test_values_follow_the_pixels_when_they_are_reordered() -> None:
    network = BilinearNetwork(3, 2, depth=2, width=2, hidden=3)
    expected = shapley_values(trace(network), IMAGE, BASELINE, 0)
    for order in map(list, permutations(range(3))):
        graph = trace(network)
        for node in graph:
            if "direction" in graph.nodes[node]:
                graph.nodes[node]["direction"][1:] = graph.nodes[node]["direction"][1:][order]
        found = shapley_values(graph, IMAGE[order], BASELINE[order], 0)
        np.testing.assert_allclose(found, expected[order])


def test_layers_that_square_nothing_do_not_count_as_layers() -> None:
    network = BilinearNetwork(3, 2, depth=2, width=2, hidden=3, embedding=True)
    none = np.zeros((0, 3))
    head = (none, none, np.zeros((3, 0)), np.array([[1.0, 0, 0], [0.5, 2, 0], [0, 1, -1]]))
    graph = trace([*network.layers(), head, head])
    found = shapley_values(graph, IMAGE, BASELINE, 1)
    np.testing.assert_allclose(found, np.array(brute_force(graph, IMAGE, BASELINE, 1), float))
    slopes = integrated_gradients(graph, IMAGE, BASELINE, 1).sum()
    assert slopes == pytest.approx(found.sum())
    straight = trace([head, head])
    steps = np.array([1.0, 2.0])
    for method in (integrated_gradients, shapley_values):
        np.testing.assert_allclose(method(straight, steps, 0 * steps, 1), [1, 2])
        np.testing.assert_allclose(method(straight, steps, 0 * steps, 0), [4, 0])


def test_deeper_graphs_have_no_shapley_values_here() -> None:
    with pytest.raises(
        NumericError, match=r"expected graph to have at most two .* got 3: of deeper"
    ):
        shapley_values(small_graph(depth=3), IMAGE, BASELINE, 0)
