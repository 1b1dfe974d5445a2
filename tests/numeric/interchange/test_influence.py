"""Influence: shared out by size, and in the right proportions at every node."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import NumericError
from numeric.interchange.influence import cumulative_influence, influences, sizes_by_weights
from tests.graphs import INPUT, edited_graphs, small_graph

LEFT, RIGHT = ("form", 1, 0), ("form", 1, 1)
SIZES = st.sampled_from([0.0, 1.0, 3.0, 0.25, 1e-300, 1e308])


def test_what_a_logit_counts_for_is_shared_out_by_size() -> None:
    feature, logit = ("feature", 2, 0), ("logit", 0)
    sizes = {(LEFT, feature): 1.0, (RIGHT, feature): 3.0, (feature, logit): 2.0, (LEFT, logit): 6.0}
    graph = nx.DiGraph(list(sizes))
    counted = influences(graph, sizes, {logit: 0.5})
    assert counted[logit] == 0.5
    assert math.isclose(counted[feature], 0.5 * 2 / 8)
    assert math.isclose(counted[RIGHT], 0.5 * 2 / 8 * 3 / 4)
    assert math.isclose(counted[LEFT], 0.5 * 6 / 8 + 0.5 * 2 / 8 * 1 / 4)
    swapped = sizes | {(LEFT, feature): 3.0, (RIGHT, feature): 1.0}
    assert not math.isclose(influences(graph, swapped, {logit: 0.5})[LEFT], counted[LEFT])


def test_what_nothing_reads_or_adds_counts_for_nothing() -> None:
    graph = nx.DiGraph([(LEFT, ("logit", 0)), (RIGHT, ("logit", 1))])
    sizes = dict.fromkeys(graph.edges, 0.0) | {(RIGHT, ("logit", 1)): 1e308}
    counted = influences(graph, sizes, {("logit", 0): 0.5, ("logit", 1): 0.5})
    assert (counted[LEFT], counted[RIGHT]) == (0, 0.5)


def test_sizes_whose_sum_is_beyond_float64_are_shared_all_the_same() -> None:
    graph = nx.DiGraph([(LEFT, ("logit", 0)), (RIGHT, ("logit", 0))])
    counted = influences(graph, dict.fromkeys(graph.edges, 1.7e308), {("logit", 0): 1.0})
    assert (counted[LEFT], counted[RIGHT]) == (0.5, 0.5)


@pytest.mark.props
@given(edited_graphs(), st.data())
def test_no_influence_is_lost_or_made(graph: Any, data: st.DataObject) -> None:
    sizes = {edge: data.draw(SIZES) for edge in graph.edges}
    counted = influences(graph, sizes, {node: 0.5 for node in graph if node[0] == "logit"})
    for node in graph:
        into = {edge: sizes[edge] for edge in graph.in_edges(node)}
        if not any(into.values()):
            continue
        # Of the nodes that nothing else reads, each has what its only reader gives it.
        for source, _ in into:
            if graph.out_degree(source) == 1:
                largest = max(into.values())
                share = sizes[source, node] / largest / sum(s / largest for s in into.values())
                assert math.isclose(counted[source], counted[node] * share, abs_tol=1e-300)
    ends = [node for node in graph if not any(sizes[edge] for edge in graph.in_edges(node))]
    begun = 0.5 * sum(node[0] == "logit" for node in graph)
    assert math.isclose(sum(counted[node] for node in ends), begun)


# Sizes without an image


def test_sizes_are_those_of_the_links_by_hand() -> None:
    graph = small_graph(embedding=True)
    sizes = sizes_by_weights(graph)
    form, feature = ("form", 1, 1), ("feature", 2, 0)
    assert sizes[INPUT, form] == pytest.approx(np.linalg.norm(graph.nodes[form]["direction"]))
    assert sizes[form, feature] == abs(graph.edges[form, feature]["weight"])
    reading = np.linalg.norm([graph.edges[edge]["weight"] for edge in graph.in_edges(feature)])
    reader = next(iter(graph.successors(feature)))
    weight = abs(graph.edges[feature, reader]["weight"])
    assert sizes[feature, reader] == pytest.approx(weight * reading**2)
    assert sizes.keys() == set(graph.edges)


def test_readings_whose_squares_float64_does_not_hold_are_refused() -> None:
    graph = small_graph()
    graph.nodes["feature", 1, 0]["direction"][1] = 1e200
    with pytest.raises(NumericError, match="expected readings whose squares float64 holds"):
        sizes_by_weights(graph)


# Parts of the whole


def test_each_node_has_the_part_of_those_of_more_influence_and_its_own() -> None:
    counted = {LEFT: 1.0, INPUT: 5.0, RIGHT: 2.0, ("logit", 0): 9.0}
    assert cumulative_influence(counted) == {INPUT: 0.625, RIGHT: 0.875, LEFT: 1.0}
    assert list(cumulative_influence(counted)) == [INPUT, RIGHT, LEFT]


@pytest.mark.parametrize("counted", [{}, {("logit", 0): 1.0}, {LEFT: 0.0, RIGHT: 0.0}])
def test_where_there_is_no_influence_all_have_none(counted: Any) -> None:
    assert not any(cumulative_influence(counted).values())
