"""Composition graphs that a hand has been at, and what they compute, node by node in rationals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from numeric import BilinearNetwork, trace
from tests.strategies import networks, points

INPUT = ("input",)
FACTORS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, 1 / 3, -0.7])
VALUES = st.sampled_from([0.0, 1.0, -1.0, 1 / 3, 2.5, 1e-30, -40.0])


def node_values(
    graph: nx.DiGraph[Any],
    point: npt.NDArray[Any],
    *,
    held: Mapping[Any, Any] | None = None,
    factors: Mapping[Any, Any] | None = None,
    sizes: bool = False,
) -> dict[Any, Fraction]:
    """Return every node's exact value at a point, by the table in the documentation of the graph.

    Nodes that are held have the value that is given for them, and what other nodes and edges
    contribute is multiplied by their factors. With ``sizes``, every number counts by its size: what
    rounding errors are relative to.
    """

    def number(value: Any) -> Fraction:
        return abs(Fraction(value)) if sizes else Fraction(value)

    extended = [Fraction(1), *(number(float(entry)) for entry in point)]
    scaled = {target: number(factor) for target, factor in (factors or {}).items()}
    values: dict[Any, Fraction] = {}
    for node in nx.topological_sort(graph):
        reading = Fraction(0)
        for source, _, edge in graph.in_edges(node, data=True):
            part = Fraction(0)
            if source == INPUT:
                for name in ("direction", "direction_low"):
                    row = graph.nodes[node].get(name, [0.0] * len(extended))
                    for weight, entry in zip(row, extended, strict=True):
                        part += number(float(weight)) * entry
            else:
                for name in ("weight", "weight_low"):
                    part += number(edge.get(name, 0.0)) * values[source] * scaled.get(source, 1)
            reading += part * scaled.get((source, node), 1)
        values[node] = reading**2 if node[0] == "feature" else reading
        if node[0] == "logit":
            values[node] *= scaled.get(node, 1)
        if held and node in held:
            values[node] = number(held[node])
    return values


def exact_logits(graph: nx.DiGraph[Any], point: npt.NDArray[Any], **change: Any) -> list[Fraction]:
    """Return the logits among the values of the nodes; one that has no node is 0."""
    values = node_values(graph, point, **change)
    return [values.get(("logit", c), Fraction(0)) for c in range(graph.graph["sizes"][-1] - 1)]


def largest(graph: nx.DiGraph[Any], *images: npt.NDArray[Any]) -> float:
    """Return the size of the logits' terms: what rounding is relative to."""
    return float(max(exact_logits(graph, sum(abs(image) for image in images), sizes=True)))


def small_graph(method: str = "polarized", **shape: Any) -> nx.DiGraph[Any]:
    """Return the graph of a small network with three inputs and two logits."""
    return trace(BilinearNetwork(3, 2, **{"depth": 2, "width": 2, "hidden": 3, **shape}), method)


def pruned_graph() -> nx.DiGraph[Any]:
    """Return a small graph with a feature cut and a residual."""
    graph = small_graph()
    graph.nodes["feature", 2, 0]["cut"] = True
    graph.add_node(("residual", 1), bound=0.5)
    graph.add_edge(("residual", 1), ("logit", 1), weight=1.0)
    return graph


def nodes_of(graph: nx.DiGraph[Any]) -> list[Any]:
    """Return the nodes that interventions can be made at."""
    return [node for node in graph if node != INPUT and not is_constant(node)]


def edges_of(graph: nx.DiGraph[Any]) -> list[Any]:
    """Return the edges that interventions can be made at."""
    return [edge for edge in graph.edges if not is_constant(edge[1])]


def is_constant(node: Any) -> bool:
    """Return whether a node is the constant of a hidden state."""
    return bool(node[0] == "form" and node[2] == 0)


def point_of(data: st.DataObject, graph: nx.DiGraph[Any]) -> npt.NDArray[Any]:
    """Draw an input of a graph."""
    point: npt.NDArray[Any] = data.draw(points(graph.nodes[INPUT]["size"], count=1))[0]
    return point


@st.composite
def traced_graphs(draw: st.DrawFn, **shape: Any) -> nx.DiGraph[Any]:
    """Graphs as they are traced, in which the constant is where it belongs."""
    network = draw(networks(**{"max_depth": 3, "max_size": 2, **shape}))
    return trace(network, draw(st.sampled_from(["polarized", "eigen"])))


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
    edges = [edge for edge in graph.edges if edge[0] != INPUT]
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
