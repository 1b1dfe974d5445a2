"""A composition graph as one safetensors file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.file_kinds import check_format
from numeric.files import load_arrays, save_arrays
from numeric.graphs.attributes import kept_attributes
from numeric.graphs.composition import CompositionGraph
from numeric.graphs.schema import DIRECTIONS, LENGTHS, WEIGHTS, Node, validate

FORMAT = "bilinear-features graph 1"

_Item = TypeVar("_Item")

_KINDS = tuple(LENGTHS)


def save_graph(graph: nx.DiGraph[Node], path: str | os.PathLike[str]) -> None:
    """Write a graph to a safetensors file, whole or not at all.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`. Attributes beyond the schema are kept
            if they are JSON.
        path: the file.

    Raises:
        NumericError: the graph breaks the schema, an attribute is not JSON, or the file cannot be
            written.
    """
    validate(graph)
    nodes = list(graph)
    index = {node: position for position, node in enumerate(nodes)}
    edges = list(graph.edges(data=True))
    arrays: dict[str, npt.NDArray[Any]] = {
        "nodes": np.array([_node_row(node) for node in nodes], dtype=np.int64),
        "edges": np.array(
            [(index[source], index[target]) for source, target, _ in edges], dtype=np.int64
        ).reshape(-1, 2),
    }
    for name in DIRECTIONS:
        rows = [position for position, node in enumerate(nodes) if name in graph.nodes[node]]
        arrays[f"{name}.rows"] = np.array(rows, dtype=np.int64)
        arrays[name] = np.array(
            [graph.nodes[nodes[row]][name] for row in rows], dtype=np.float64
        ).reshape(-1, graph.graph["sizes"][0])
    for name in WEIGHTS:
        rows = [position for position, (*_, data) in enumerate(edges) if name in data]
        arrays[f"{name}.rows"] = np.array(rows, dtype=np.int64)
        arrays[name] = np.array([edges[row][2][name] for row in rows], dtype=np.float64)
    description = {
        "format": FORMAT,
        "graph": kept_attributes("the graph", graph.graph),
        "nodes": {
            str(index[node]): kept_attributes(f"node {node}", data, without=DIRECTIONS)
            for node, data in graph.nodes(data=True)
            if data.keys() - set(DIRECTIONS)
        },
        "edges": {
            str(position): kept_attributes(f"edge {source} → {target}", data, without=WEIGHTS)
            for position, (source, target, data) in enumerate(edges)
            if data.keys() - set(WEIGHTS)
        },
    }
    save_arrays(path, arrays, description)


def load_graph(path: str | os.PathLike[str]) -> nx.DiGraph[Node]:
    """Read a graph from a file that :func:`save_graph` wrote.

    Args:
        path: the file.

    Returns:
        The same graph: nodes, edges and attributes, in their order.

    Raises:
        NumericError: the file is missing or damaged, or what it holds breaks the schema.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=1, hidden=2))
        >>> path = getfixture("tmp_path") / "graph.safetensors"
        >>> save_graph(graph, path)
        >>> list(load_graph(path).edges(data="weight")) == list(graph.edges(data="weight"))
        True
    """
    arrays, description = load_arrays(path)
    check_format(description, [FORMAT], path)
    try:
        graph = _graph(arrays, description)
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
        raise NumericError(f"expected {path} to hold a whole graph, got: {error!r}") from None
    validate(graph)
    return graph


def _graph(
    arrays: Mapping[str, npt.NDArray[Any]], description: Mapping[str, Any]
) -> nx.DiGraph[Node]:
    graph: nx.DiGraph[Node] = CompositionGraph()
    graph.graph.update(description["graph"])
    nodes = [_node(*row) for row in arrays["nodes"].tolist()]
    graph.add_nodes_from(nodes)
    edges = [(_at(nodes, row), _at(nodes, other)) for row, other in arrays["edges"].tolist()]
    graph.add_edges_from(edges)
    if len(graph) < len(nodes) or graph.number_of_edges() < len(edges):
        raise ValueError("a node or an edge twice")
    for position, data in description["nodes"].items():
        graph.nodes[_at(nodes, int(position))].update(data)
    for position, data in description["edges"].items():
        graph.edges[_at(edges, int(position))].update(data)
    for name in DIRECTIONS:
        for row, direction in zip(arrays[f"{name}.rows"].tolist(), arrays[name], strict=True):
            graph.nodes[_at(nodes, row)][name] = direction
    for name in WEIGHTS:
        rows, weights = arrays[f"{name}.rows"].tolist(), arrays[name].tolist()
        for row, weight in zip(rows, weights, strict=True):
            graph.edges[_at(edges, row)][name] = weight
    return graph


def _at(items: Sequence[_Item], index: int) -> _Item:
    if index < 0:
        raise IndexError(f"index {index} below 0")
    return items[index]


def _node(kind: int, first: int, second: int) -> Node:
    name = _at(_KINDS, kind)
    return (name, first, second)[: LENGTHS[name]]


def _node_row(node: Node) -> tuple[int, int, int]:
    kind, first, second = (*node, 0, 0)[:3]
    return _KINDS.index(kind), first, second
