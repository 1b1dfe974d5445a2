"""Composition graphs that a hand has been at, and what they compute, node by node in rationals."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import networkx as nx
import numpy.typing as npt
from hypothesis import strategies as st

from numeric import trace
from tests.strategies import networks


def exact_logits(
    graph: nx.DiGraph[Any], point: npt.NDArray[Any], *, sizes: bool = False
) -> list[Fraction]:
    """Return the exact logits at one point, by the table in the documentation of the graph.

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
    last = graph.graph["sizes"][-1] - 1
    return [values.get(("logit", c), Fraction(0)) for c in range(last)]


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
