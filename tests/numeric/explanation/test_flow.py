"""Flows: what nodes add to one another sums to their values, and shares reach the input whole."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import NumericError, prune, rewrite
from numeric.explanation.flow import Flow
from numeric.explanation.interventions import ablate
from tests.graphs import INPUT, edited_graphs, node_values, point_of, pruned_graph, small_graph

IMAGE = np.array([1.0, 0.25, 2.0])


# What nodes add


@pytest.mark.props
@given(st.data())
def test_contributions_sum_to_the_values_and_the_values_are_the_graph_s(
    data: st.DataObject,
) -> None:
    graph = data.draw(edited_graphs())
    point = point_of(data, graph)
    flow = Flow.of(graph, point)
    added = flow.contributions()
    exact, bounds = (node_values(graph, point, sizes=sizes) for sizes in (False, True))
    assert flow.values.keys() == set(graph) - {INPUT}
    assert added.keys() == set(graph.edges)
    for node, found in flow.values.items():
        slack = 1e-12 * float(bounds[node]) + 1e-300
        assert abs(found - float(exact[node])) <= slack
        assert abs(sum(added[edge] for edge in graph.in_edges(node)) - found) <= slack


def test_contributions_of_a_graph_by_hand() -> None:
    graph: nx.DiGraph[Any] = nx.DiGraph(sizes=[3, 2, 2])
    graph.add_node(INPUT, size=2)
    graph.add_node(("feature", 1, 0), direction=np.array([1.0, 2.0, 0.0]))
    graph.add_node(("form", 1, 0), direction=np.array([1.0, 0.0, 0.0]))
    graph.add_edge(INPUT, ("feature", 1, 0), weight=1.0)
    graph.add_edge(INPUT, ("form", 1, 0), weight=1.0)
    graph.add_edge(("feature", 1, 0), ("form", 1, 1), weight=0.5)
    graph.add_edge(("form", 1, 0), ("feature", 2, 0), weight=3.0)
    graph.add_edge(("form", 1, 1), ("feature", 2, 0), weight=-2.0, weight_low=0.25)
    graph.add_edge(("feature", 2, 0), ("logit", 0), weight=-1.0)
    flow = Flow.of(graph, np.array([1.0, 7.0]))
    added = flow.contributions()
    # The feature reads 1 + 2 = 3; the forms are 1 and 4.5; the second feature reads 3 - 7.875.
    assert flow.values["feature", 1, 0] == added[INPUT, ("feature", 1, 0)] == 9
    assert (flow.values["form", 1, 0], flow.values["form", 1, 1]) == (1, 4.5)
    assert added[("form", 1, 0), ("feature", 2, 0)] == 3 * -4.875
    assert added[("form", 1, 1), ("feature", 2, 0)] == -7.875 * -4.875
    assert flow.values["logit", 0] == added[("feature", 2, 0), ("logit", 0)] == -(4.875**2)
    assert flow.layers["form", 1, 1] == 1
    assert flow.layers["logit", 0] == 2


def test_features_that_were_cut_and_residuals_add_nothing() -> None:
    pruned, without = pruned_graph(), ablate(small_graph(), ("feature", 2, 0))
    found, expected = (Flow.of(graph, IMAGE) for graph in (pruned, without))
    assert found.values.keys() == set(without) - {INPUT}
    assert found.values == pytest.approx(expected.values)
    assert found.contributions().keys() == set(without.edges)
    assert found.contributions() == pytest.approx(expected.contributions())


def test_the_logits_of_a_pruned_graph_are_those_of_its_rewrite() -> None:
    graph = prune(small_graph("eigen"), features=4)
    values = Flow.of(graph, IMAGE).values
    found = [values["logit", c] for c in (0, 1)]
    point = torch.from_numpy(IMAGE)
    assert found == pytest.approx(rewrite(graph)(point).tolist(), rel=1e-12)
    assert found != pytest.approx(rewrite(graph, residuals=True)(point).tolist(), rel=1e-3)


# Down the graph


@pytest.mark.props
@given(st.data())
def test_what_is_given_to_a_node_arrives_at_the_input(data: st.DataObject) -> None:
    graph = data.draw(edited_graphs(max_size=2))
    point = point_of(data, graph)
    flow, sizes = Flow.of(graph, point), node_values(graph, point, sizes=True)
    for node, value in flow.values.items():
        amounts, arrived = flow.down({node: 2.0})
        room = 2e-12 * float(sizes[node]) + 1e-300
        assert abs(arrived.sum() - 2 * value) <= room
        assert amounts[node] == 2
        assert {other for other in amounts if amounts[other]} <= nx.ancestors(graph, node) | {node}
        rays = [
            flow.ray(other, amounts[other])
            for other in flow.directions
            if amounts.get(other) and INPUT in flow.steps[other]
        ]
        assert (abs(sum(rays, np.zeros_like(arrived)) - arrived) <= room).all()


def test_seeds_add_up() -> None:
    flow = Flow.of(small_graph("eigen"), IMAGE)
    one, other = ("logit", 0), ("form", 1, 1)
    together = flow.down({one: 1.0, other: -3.0})[1]
    np.testing.assert_allclose(
        together, flow.down({one: 1.0})[1] - 3 * flow.down({other: 1.0})[1], rtol=1e-12
    )
    assert not flow.down({})[1].any()


def test_paths_end_where_they_are_seeded() -> None:
    flow = Flow.of(small_graph(), IMAGE)
    paths = flow.paths({("form", 1, 1): 1.0}, 10**6)
    assert {path.nodes[-1] for path in paths} == {("form", 1, 1)}
    assert sum(path.share for path in paths) == pytest.approx(flow.values["form", 1, 1])
    doubled = flow.paths({("form", 1, 1): -2.0}, 10**6)
    assert [path.share for path in doubled] == [-2 * path.share for path in paths]
    assert flow.paths({}, 3) == []


# What float64 does not hold


def test_contributions_beyond_float64_are_refused() -> None:
    graph = small_graph(depth=1)
    # Two that cancel in the logit.
    for node, sign in ((("feature", 1, 0), 1), (("feature", 1, 1), -1)):
        graph.nodes[node]["direction"] = np.array([0.0, 1e150, 0.0, 0.0])
        graph.edges[node, ("logit", 0)]["weight"] = sign * 1e100
    with pytest.raises(NumericError, match="that float64 holds, got a larger one"):
        Flow.of(graph, np.ones(3)).contributions()


def test_shares_beyond_float64_are_refused() -> None:
    flow = Flow.of(small_graph(), 1e3 * IMAGE)
    assert np.isfinite(flow.down({("logit", 0): 1e200})[1]).all()
    with pytest.raises(NumericError, match="expected shares on the image that float64 holds"):
        flow.down({("logit", 0): 1e308})
