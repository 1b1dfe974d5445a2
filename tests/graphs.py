"""Composition graphs that a hand has been at, and what they compute, node by node in rationals."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from numeric import BilinearNetwork, trace
from tests.strategies import networks


def node_values(
    graph: nx.DiGraph[Any], point: npt.NDArray[Any], *, sizes: bool = False
) -> dict[Any, Fraction]:
    """Return every node's exact value at a point, by the table in the documentation of the graph.

    With ``sizes``, every number counts by its size: what rounding errors are relative to.
    """

    def number(value: float) -> Fraction:
        return abs(Fraction(value)) if sizes else Fraction(value)

    extended = [Fraction(1), *(number(float(entry)) for entry in point)]
    values: dict[Any, Fraction] = {}
    for node in nx.topological_sort(graph):
        reading = Fraction(0)
        for source, _, edge in graph.in_edges(node, data=True):
            if source == ("input",):
                for name in ("direction", "direction_low"):
                    row = graph.nodes[node].get(name, [0.0] * len(extended))
                    for weight, entry in zip(row, extended, strict=True):
                        reading += number(float(weight)) * entry
            else:
                for name in ("weight", "weight_low"):
                    reading += number(edge.get(name, 0.0)) * values[source]
        values[node] = reading**2 if node[0] == "feature" else reading
    return values


def exact_logits(
    graph: nx.DiGraph[Any], point: npt.NDArray[Any], *, sizes: bool = False
) -> list[Fraction]:
    """Return the logits among the values of the nodes; one that has no node is 0."""
    values = node_values(graph, point, sizes=sizes)
    return [values.get(("logit", c), Fraction(0)) for c in range(graph.graph["sizes"][-1] - 1)]


@st.composite
def edited_graphs(
    draw: st.DrawFn,
    *,
    methods: tuple[str, ...] = ("polarized", "eigen"),
    max_depth: int = 3,
    max_size: int = 3,
) -> nx.DiGraph[Any]:
    """Graphs of tame networks after a hand has been at them: cut nodes, cut and changed edges."""
    network = draw(networks(max_depth=max_depth, max_size=max_size))
    graph = trace(network, draw(st.sampled_from(methods)))
    for node in draw(st.lists(st.sampled_from(list(graph)[1:]), max_size=3, unique=True)):
        if node[0] != "logit":
            graph.remove_node(node)
    edges = [edge for edge in graph.edges if edge[0] != ("input",)]
    for edge in draw(st.lists(st.sampled_from(edges), max_size=3, unique=True)) if edges else []:
        factor = draw(st.sampled_from([None, 0.0, -1.0, 0.5, 1 / 3]))
        if factor is None:
            graph.remove_edge(*edge)
        else:
            graph.edges[edge]["weight"] *= factor
    graph.remove_nodes_from(
        [node for node in graph if node[0] == "feature" and not graph.in_degree(node)]
    )
    return graph


def assert_same_graph(first: nx.DiGraph[Any], second: nx.DiGraph[Any]) -> None:
    """Assert that nodes and edges are the same in their order, and attributes with their types."""
    assert_same_attributes(first.graph, second.graph)
    assert list(first) == list(second)
    assert list(first.edges) == list(second.edges)
    for node in first:
        assert_same_attributes(first.nodes[node], second.nodes[node])
    for edge in first.edges:
        assert_same_attributes(first.edges[edge], second.edges[edge])


def assert_same_attributes(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Assert that two dictionaries hold the same, floats and arrays bit for bit."""
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert type(second[name]) is type(value)
        if isinstance(value, np.ndarray):
            assert second[name].dtype == value.dtype
            assert second[name].tobytes() == value.tobytes()
        else:
            assert json.dumps(second[name], sort_keys=True) == json.dumps(value, sort_keys=True)


def annotated_graph(inputs: int) -> nx.DiGraph[Any]:
    """Return a graph with low parts, and with attributes that the schema does not know."""
    network = BilinearNetwork(inputs, 2, depth=2, width=2, hidden=3)
    for parameter in network.double().parameters():
        parameter.data /= 3  # so that there are low parts
    graph = trace(network, "polarized")
    graph.graph["title"] = "a graph"
    graph.nodes["feature", 1, 2]["colour"] = ["red", {"é": None}]
    graph.edges[("feature", 2, 1), ("logit", 0)]["style"] = 0.5
    return graph
