"""A composition graph as GraphML, for viewers such as Gephi, yEd and Cytoscape.

GraphML knows text, numbers and booleans. A node's id is its name with slashes, ``feature/2/17``.

=============  ===================================================================================
node           ``kind`` (the first word of its name), ``layer`` (the input's is 0) and ``index``
               for viewers to arrange and colour by; ``size`` of the input; ``direction`` and
               ``direction_low``, as a JSON list
edge           ``weight`` and ``weight_low``
all of them    ``attributes``: a JSON object of every attribute beyond these; the graph's own stand
and the graph  in it too
=============  ===================================================================================

Reading takes kind, layer and index from the node's id. Attributes that another program has added
are kept as they are.

Source:
    U. Brandes et al., *GraphML Progress Report*, Graph Drawing 2001; ``networkx.write_graphml``.
"""

from __future__ import annotations

import json
import os
import reprlib
from pathlib import Path
from typing import Any

import networkx as nx

from numeric.composition import CompositionGraph
from numeric.errors import NumericError
from numeric.files import parse_json, replacing
from numeric.interchange.attributes import (
    direction_array,
    kept_attributes,
    named_node,
    node_name,
    weights_as_floats,
)
from numeric.schema import DIRECTIONS, INPUT, WEIGHTS, Node, validate

_SHOWN = ("kind", "layer", "index")
"""What viewers see of a node's id."""


def save_graphml(graph: nx.DiGraph[Node], path: str | os.PathLike[str]) -> None:
    """Write a graph to a GraphML file, whole or not at all.

    Args:
        graph: in the schema of :mod:`numeric.graph`. Attributes beyond the schema are kept if they
            are JSON.
        path: the file.

    Raises:
        NumericError: the graph breaks the schema, an attribute is not JSON, or the file cannot be
            written.

    Source:
        ``networkx.write_graphml_xml``.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> path = getfixture("tmp_path") / "graph.graphml"
        >>> save_graphml(trace(BilinearNetwork(3, 2, depth=1, hidden=1), "polarized"), path)
        >>> nx.read_graphml(path).nodes["input"]
        {'kind': 'input', 'layer': 0, 'index': 0, 'size': 3}
    """
    validate(graph)
    last = len(graph.graph["sizes"]) - 1
    plain: nx.DiGraph[str] = nx.DiGraph()
    plain.graph.update(_extra("the graph", graph.graph, ()))
    for node, data in graph.nodes(data=True):
        plain.add_node(node_name(node), **_node_attributes(node, data, last))
    for source, target, data in graph.edges(data=True):
        weights = {name: float(data[name]) for name in WEIGHTS if name in data}
        extra = _extra(f"edge {source} → {target}", data, WEIGHTS)
        plain.add_edge(node_name(source), node_name(target), **weights, **extra)
    # By handle: networkx would compress what is called .gz, and the temporary name is not.
    with replacing(path) as temporary, temporary.open("wb") as file:
        nx.write_graphml_xml(plain, file)


def load_graphml(path: str | os.PathLike[str]) -> nx.DiGraph[Node]:
    """Read a graph from a GraphML file that :func:`save_graphml` wrote.

    Args:
        path: the file.

    Returns:
        The same graph: nodes, edges and attributes, in their order.

    Raises:
        NumericError: there is no such file, it is not GraphML, a node's name or an attribute cannot
            be read, or the graph breaks the schema; the message names the node or the edge.

    Source:
        ``networkx.read_graphml``.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=1, hidden=2))
        >>> path = getfixture("tmp_path") / "graph.graphml"
        >>> save_graphml(graph, path)
        >>> list(load_graphml(path).edges(data="weight")) == list(graph.edges(data="weight"))
        True
    """
    plain = _read(path)
    graph: nx.DiGraph[Node] = CompositionGraph()
    graph.graph.update(_parsed(plain.graph, "attributes", dict, f"the graph in {path}"))
    for name, data in plain.nodes(data=True):
        node = named_node(name)
        owner = f"node {node} in {path}"
        graph.add_node(node)
        graph.nodes[node].update(_attributes(data, owner, (*DIRECTIONS, *_SHOWN)))
        for key in DIRECTIONS:
            if key in data:
                numbers = _parsed(data, key, list, owner)
                graph.nodes[node][key] = direction_array(numbers, owner)
    for source, target, data in plain.edges(data=True):
        edge = named_node(source), named_node(target)
        graph.add_edge(*edge)
        graph.edges[edge].update(_attributes(data, f"edge {edge[0]} → {edge[1]} in {path}", ()))
    validate(graph)
    weights_as_floats(graph)
    return graph


def _node_attributes(node: Node, data: dict[str, Any], last: int) -> dict[str, str | int]:
    kind, *places = node
    layer, index = {0: (0, 0), 1: (last, *places)}.get(len(places), places)
    attributes: dict[str, str | int] = {"kind": kind, "layer": int(layer), "index": int(index)}
    if node == INPUT:
        attributes["size"] = int(data["size"])
    for name in DIRECTIONS:
        if name in data:
            attributes[name] = json.dumps(data[name].tolist())
    known = (*DIRECTIONS, "size") if node == INPUT else DIRECTIONS
    return attributes | _extra(f"node {node}", data, known)


def _extra(owner: str, data: dict[str, Any], known: tuple[str, ...]) -> dict[str, str]:
    extra = kept_attributes(owner, data, known)
    return {"attributes": json.dumps(extra, allow_nan=False)} if extra else {}


def _read(path: str | os.PathLike[str]) -> nx.DiGraph[str]:
    try:
        with Path(path).open("rb") as file:
            graph = nx.read_graphml(file)
    except FileNotFoundError:
        raise NumericError(f"expected a GraphML file at {path}, got nothing there") from None
    except OSError as error:
        raise NumericError(f"expected to read {path}, got: {error.strerror}") from None
    # A SyntaxError is what the XML parser raises, the others come from networkx' reading of it.
    except (
        SyntaxError,
        nx.NetworkXError,
        LookupError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise NumericError(f"expected {path} to be GraphML, got: {error}") from None
    if not isinstance(graph, nx.DiGraph) or graph.is_multigraph():
        raise NumericError(
            f"expected the graph in {path} to be directed and to have every edge once, got a "
            f"{type(graph).__name__}"
        )
    return graph


def _attributes(data: dict[str, Any], owner: str, without: tuple[str, ...]) -> dict[str, Any]:
    """Return attributes as they stand in the file, and those in the JSON object."""
    plain = {name: data[name] for name in data if name not in ("attributes", *without)}
    return {**plain, **_parsed(data, "attributes", dict, owner)}


def _parsed(data: dict[str, Any], key: str, kind: type, owner: str) -> Any:  # noqa: ANN401 -- JSON
    text = data.get(key, "{}")
    try:
        value = parse_json(text)
    except (TypeError, ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise NumericError(
            f"expected {key} of {owner} to be a JSON {'object' if kind is dict else 'list'}, got "
            f"{reprlib.repr(text)}"
        )
    return value
