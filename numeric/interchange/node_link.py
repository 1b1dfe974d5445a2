r"""A composition graph as networkx' node-link JSON.

The form is that of ``networkx.node_link_data``::

    {"directed": true, "multigraph": false,
     "graph": {"method": "eigen", "sizes": [785, 65, 11], "network": "…"},
     "nodes": [{"id": ["input"], "size": 784},
               {"id": ["feature", 1, 0], "direction": [0.5, …]},
               {"id": ["form", 1, 0]}, …],
     "edges": [{"source": ["input"], "target": ["feature", 1, 0], "weight": 1.0}, …],
     "links": […]}

The edges stand there twice, as ``networkx.node_link_graph`` looks for ``links`` before version 3.6
and for ``edges`` from then on; of data of others either will do. A node's ``id`` is its name as a
list, which ``networkx.node_link_graph`` turns back into the tuple; directions are lists of numbers.
All other attributes stand as they are.

Source:
    networkx, *Reading and writing graphs: JSON*, ``networkx.readwrite.json_graph.node_link``.
"""

from __future__ import annotations

import json
import os
import reprlib
from typing import Any

import networkx as nx

from numeric.arithmetic import check_arithmetic
from numeric.errors import NumericError
from numeric.files import read_json, write_text
from numeric.graphs.attributes import direction_array, kept_attributes, weights_as_floats
from numeric.graphs.composition import CompositionGraph
from numeric.graphs.schema import DIRECTIONS, WEIGHTS, Node, validate


def to_node_link(graph: nx.DiGraph[Node]) -> dict[str, Any]:
    """Return a graph as node-link data, which is JSON.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`. Attributes beyond the schema are kept
            if they are JSON.

    Returns:
        The dictionary that this module's documentation shows.

    Raises:
        NumericError: the graph breaks the schema, or an attribute is not JSON or is called what
            node-link data calls the nodes themselves (``id``, ``source``, ``target``).

    Source:
        ``networkx.node_link_data``.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> data = to_node_link(trace(BilinearNetwork(3, 2, depth=1, hidden=1), "polarized"))
        >>> data["nodes"][0], data["edges"][0]
        ({'size': 3, 'id': ['input']}, {'weight': 1.0, 'source': ['input'], \
'target': ['feature', 1, 0]})
    """
    validate(graph)
    nodes = [
        _entry(f"node {node}", data, DIRECTIONS, id=node) for node, data in graph.nodes(data=True)
    ]
    edges = [
        _entry(f"edge {source} → {target}", data, WEIGHTS, source=source, target=target)
        for source, target, data in graph.edges(data=True)
    ]
    return {
        "directed": True,
        "multigraph": False,
        "graph": kept_attributes("the graph", graph.graph),
        "nodes": nodes,
        "edges": edges,
        "links": edges,
    }


def from_node_link(
    data: Any,  # noqa: ANN401 -- JSON holds anything
    name: str = "data",
) -> nx.DiGraph[Node]:
    """Return the graph in node-link data: the inverse of :func:`to_node_link`.

    Args:
        data: as networkx writes it, with ``edges``, ``links`` or both.
        name: what to call the data in messages.

    Returns:
        The graph: nodes, edges and attributes, in their order.

    Raises:
        NumericError: the data are not node-link data of a directed graph, ``edges`` and ``links``
            differ, a node or an edge stands twice, an edge joins nodes that are not there, or the
            graph breaks the schema; the message names the entry.

    Source:
        ``networkx.node_link_graph``, which makes the nodes that are missing.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=1, hidden=2))
        >>> list(from_node_link(to_node_link(graph))) == list(graph)
        True
    """
    if not isinstance(data, dict) or not isinstance(data.get("graph"), dict):
        raise NumericError(
            f"expected {name} to be node-link data with the object graph, got {reprlib.repr(data)}"
        )
    for key, wanted in (("directed", True), ("multigraph", False)):
        if data.get(key) is not wanted:
            raise NumericError(f"expected {key} of {name} to be {wanted}, got {data.get(key)!r}")
    graph: nx.DiGraph[Node] = CompositionGraph()
    graph.graph.update(data["graph"])
    for position, entry in enumerate(_entries(data, "nodes", name)):
        _add_node(graph, entry, f"nodes[{position}] of {name}")
    key = "edges" if "edges" in data else "links"
    if data.get("links", data.get(key)) != data.get(key):
        raise NumericError(
            f"expected edges and links of {name} to be the same, got others: leave one of them out"
        )
    for position, entry in enumerate(_entries(data, key, name)):
        _add_edge(graph, entry, f"{key}[{position}] of {name}")
    validate(graph)
    weights_as_floats(graph)
    return graph


def save_node_link(graph: nx.DiGraph[Node], path: str | os.PathLike[str]) -> None:
    """Write a graph to a node-link JSON file, whole or not at all.

    Args:
        graph: as for :func:`to_node_link`.
        path: the file.

    Raises:
        NumericError: as :func:`to_node_link`, or the file cannot be written; or subnormal numbers
            are taken for zero, which then is what is written.

    Source:
        ``networkx.node_link_data``.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=1, hidden=2))
        >>> path = getfixture("tmp_path") / "graph.json"
        >>> save_node_link(graph, path)
        >>> nx.node_link_graph(json.loads(path.read_text())).nodes["input",]
        {'size': 3}
    """
    check_arithmetic()
    write_text(path, json.dumps(to_node_link(graph), allow_nan=False) + "\n")


def load_node_link(path: str | os.PathLike[str]) -> nx.DiGraph[Node]:
    """Read a graph from a node-link JSON file.

    Args:
        path: the file.

    Returns:
        As :func:`from_node_link`.

    Raises:
        NumericError: there is no such file, it is not JSON, or as :func:`from_node_link`; or
            subnormal numbers are read as zero.

    Source:
        ``networkx.node_link_graph``.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=1, hidden=2))
        >>> path = getfixture("tmp_path") / "graph.json"
        >>> save_node_link(graph, path)
        >>> list(load_node_link(path).edges(data="weight")) == list(graph.edges(data="weight"))
        True
    """
    check_arithmetic()
    return from_node_link(read_json(path), str(path))


def _entry(
    owner: str, data: dict[str, Any], numbers: tuple[str, ...], **names: Node
) -> dict[str, Any]:
    entry = kept_attributes(owner, data, numbers)
    if taken := sorted(entry.keys() & names.keys()):
        raise NumericError(
            f"expected no attribute {taken[0]!r} of {owner}: node-link data call the nodes so"
        )
    for name in numbers:
        if name in data:
            entry[name] = data[name].tolist() if numbers is DIRECTIONS else float(data[name])
    for name, (kind, *places) in names.items():
        entry[name] = [kind, *map(int, places)]
    return entry


def _entries(data: dict[str, Any], key: str, name: str) -> list[dict[str, Any]]:
    entries = data.get(key)
    if not isinstance(entries, list):
        raise NumericError(f"expected {key} of {name} to be a list, got {reprlib.repr(entries)}")
    for position, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise NumericError(
                f"expected {key}[{position}] of {name} to be an object, got {reprlib.repr(entry)}"
            )
    return entries


def _node(entry: dict[str, Any], key: str, owner: str) -> Node:
    found = entry.get(key)
    if not isinstance(found, list | tuple) or any(isinstance(part, list | dict) for part in found):
        raise NumericError(
            f"expected {key} of {owner} to be a node like ['feature', 1, 0], got "
            f"{reprlib.repr(found)}"
        )
    return tuple(found)


def _add_node(graph: nx.DiGraph[Node], entry: dict[str, Any], owner: str) -> None:
    node = _node(entry, "id", owner)
    if node in graph:
        raise NumericError(f"expected every node of the graph once, got {node} again in {owner}")
    graph.add_node(node)
    for name, value in entry.items():
        if name != "id":
            graph.nodes[node][name] = (
                direction_array(value, f"node {node}") if name in DIRECTIONS else value
            )


def _add_edge(graph: nx.DiGraph[Node], entry: dict[str, Any], owner: str) -> None:
    source, target = (_node(entry, key, owner) for key in ("source", "target"))
    for node in (source, target):
        if node not in graph:
            raise NumericError(f"expected {owner} to join nodes of the graph, got {node}")
    if graph.has_edge(source, target):
        raise NumericError(f"expected every edge once, got {source} → {target} again in {owner}")
    graph.add_edge(source, target)
    graph.edges[source, target].update(
        {name: value for name, value in entry.items() if name not in ("source", "target")}
    )
