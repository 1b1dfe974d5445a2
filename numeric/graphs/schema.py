"""What a composition graph may be made of, and the error that names what breaks it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import networkx as nx
import numpy as np

from numeric.errors import NumericError

Node = tuple[Any, ...]

Edge = tuple[Node, Node]

INPUT: Node = ("input",)

DIRECTIONS = ("direction", "direction_low")
"""The attributes of nodes that are arrays."""

WEIGHTS = ("weight", "weight_low")
"""The attributes of edges that are numbers of float64."""


LENGTHS = {"input": 1, "feature": 3, "form": 3, "logit": 2, "residual": 2}
"""The kinds of nodes, by the length of their names."""


def validate(graph: nx.DiGraph[Node]) -> None:
    """Refuse a graph that breaks the schema of :mod:`numeric.graphs.graph`.

    Args:
        graph: any networkx graph.

    Raises:
        NumericError: the graph is not directed, has a cycle, a node that the schema does not know,
            a feature that reads nothing, an edge between nodes that cannot read one another, or a
            weight or direction that is missing or not finite. The message names the node or the
            edge.

    Examples:
        >>> validate(nx.DiGraph(sizes=[3, 2]))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected the graph to have the node ('input',), got none
    """
    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        raise NumericError(f"expected graph to be a networkx.DiGraph, got {type(graph).__name__}")
    sizes = _checked_sizes(graph.graph.get("sizes"))
    for node in graph:
        _check_node(node, sizes)
    if INPUT not in graph:
        raise NumericError(f"expected the graph to have the node {INPUT}, got none")
    if not _is_index(graph.nodes[INPUT].get("size"), sizes[0] - 1, sizes[0]):
        raise NumericError(
            f"expected node {INPUT} to have size {sizes[0] - 1}, got "
            f"{graph.nodes[INPUT].get('size')!r}"
        )
    _check_acyclic(graph)
    for source, target, attributes in graph.edges(data=True):
        _check_edge(source, target, attributes, len(sizes) - 1)
    for node, attributes in graph.nodes(data=True):
        if not isinstance(attributes.get("cut", False), bool | np.bool_):
            raise NumericError(
                f"expected cut of node {node} to be True or False, got {attributes['cut']!r}"
            )
        if graph.has_edge(INPUT, node) or any(name in attributes for name in DIRECTIONS):
            _check_directions(node, attributes, sizes[0])
        # A form or a logit that reads nothing is a sum of nothing, 0: a network can have such rows.
        if node[0] == "feature" and not graph.in_degree(node):
            raise NumericError(
                f"expected node {node} to read another, got no edge into it: remove it too"
            )


def _checked_sizes(sizes: object) -> list[int]:
    if (
        not isinstance(sizes, list)
        or len(sizes) < 2
        or not all(_is_index(size, 2, 1 << 62) for size in sizes)
    ):
        raise NumericError(
            "expected the graph's attribute sizes to list at least two integers of at least 2, got "
            f"{sizes!r}"
        )
    return sizes


def _check_node(node: object, sizes: list[int]) -> None:
    known = isinstance(node, tuple) and len(node) > 0 and LENGTHS.get(node[0]) == len(node)
    if known and isinstance(node, tuple):
        last = len(sizes) - 1
        if node[0] == "feature":
            known = _is_index(node[1], 1, last + 1) and _is_index(node[2], 0, 1 << 62)
        elif node[0] == "form":
            known = _is_index(node[1], 1, last) and _is_index(node[2], 0, sizes[node[1]])
        elif node[0] in ("logit", "residual"):
            known = _is_index(node[1], 0, sizes[last] - 1)
    if not known:
        raise NumericError(
            "expected every node to be ('input',), ('feature', layer, k), ('form', layer, j), "
            f"('logit', c) or ('residual', c) within the sizes {sizes}, got {node!r}"
        )


def _is_index(value: object, low: int, high: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) < high


def _check_acyclic(graph: nx.DiGraph[Node]) -> None:
    if not nx.is_directed_acyclic_graph(graph):
        cycle = " → ".join(str(source) for source, _ in nx.find_cycle(graph))
        raise NumericError(f"expected the graph to have no cycle, got {cycle}")


def _check_edge(source: Node, target: Node, attributes: Mapping[str, Any], last: int) -> None:
    if not _may_read(source, target, last):
        raise NumericError(
            f"expected an edge to lead from a layer to what reads it, got {source} → {target}"
        )
    for name in ("weight", "weight_low"):
        weight = attributes.get(name, None if name == "weight" else 0.0)
        if not _is_double(weight):
            raise NumericError(
                f"expected the edge {source} → {target} to have a finite number of float64 as its "
                f"{name}, got {weight!r}"
            )
    if "weight_low" in attributes and (source[0] != "form" or target[0] != "feature"):
        raise NumericError(
            f"expected weight_low only where a feature reads a form, got {source} → {target}"
        )
    if source[0] in ("input", "residual") and attributes["weight"] != 1:
        advice = f": change the direction of {target} in its place" if source == INPUT else ""
        raise NumericError(
            f"expected the edge {source} → {target} to have weight 1, got "
            f"{attributes['weight']}{advice}"
        )


def _is_double(value: object) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value) and float(value) == value
    except OverflowError:
        return False


def _may_read(source: Node, target: Node, last: int) -> bool:
    layer = last if target[0] == "logit" else target[1] if len(target) > 1 else 0
    if "residual" in (source[0], target[0]):
        return source[0] == "residual" and target == ("logit", source[1])
    if source[0] == "feature":
        return target[0] in ("form", "logit") and source[1] == layer
    if source[0] == "form":
        return target != INPUT and source[1] == layer - 1
    return source == INPUT and layer == 1


def _check_directions(node: Node, attributes: Mapping[str, Any], size: int) -> None:
    for name in DIRECTIONS:
        direction = attributes.get(name)
        if name == "direction_low" and name not in attributes:
            continue
        if (
            not isinstance(direction, np.ndarray)
            or direction.dtype != np.float64
            or direction.shape != (size,)
            or not np.isfinite(direction).all()
        ):
            got = (
                f"{direction.dtype} of shape {direction.shape}"
                if isinstance(direction, np.ndarray)
                else repr(direction)
            )
            raise NumericError(
                f"expected the {name} of node {node} to be a finite float64 array of shape "
                f"({size},), got {got}"
            )
        if name == "direction_low" and node[0] != "feature":
            raise NumericError(f"expected direction_low only on features, got it on node {node}")
