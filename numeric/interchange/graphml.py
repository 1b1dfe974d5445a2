"""A composition graph as GraphML, for viewers such as Gephi, yEd and Cytoscape.

GraphML knows text, numbers and booleans. A node's id is its name with slashes, ``feature/2/17``.

=========  =======================================================================================
node       ``label``, ``kind`` (the first word of its name), ``layer`` (the input's is 0) and
           ``index`` for viewers to name, arrange and colour by; ``direction`` and
           ``direction_low``, as a JSON list; ``attributes``, a JSON object of all beyond these
the input  ``inputs``, its size; ``graph``, a JSON object of the graph's own attributes
edge       ``weight`` and ``weight_low``; ``exact_weight`` of a weight that float32 does not hold;
           ``edge_attributes``, a JSON object of all beyond these
=========  =======================================================================================

A key's id is its name, and none but ``label`` and ``weight`` is a name that Gephi takes for itself:
it reads them by id, draws by ``size``, ``x``, ``y``, ``z``, ``r``, ``g`` and ``b``, writes these
for every node, rounds weights to float32, and drops what belongs to the whole graph. Reading takes
kind, layer and index from the node's id, and an exact weight where ``weight`` is that one rounded.
Attributes that another program has added are kept as they are, except for the size that the input
is drawn in and the ids of edges. Files in which ``size`` was the input's are read too.

Source:
    U. Brandes et al., *GraphML Progress Report*, Graph Drawing 2001; ``networkx.write_graphml``;
    ``ImporterGraphML`` and ``ExporterGraphML`` of https://github.com/gephi/gephi.
"""

from __future__ import annotations

import json
import os
import reprlib
from typing import Any

import networkx as nx
import numpy as np

from numeric.arithmetic import check_arithmetic
from numeric.errors import NumericError
from numeric.files import parse_json, replacing, user_path
from numeric.graphs.attributes import (
    direction_array,
    kept_attributes,
    named_node,
    node_name,
    weights_as_floats,
)
from numeric.graphs.composition import CompositionGraph
from numeric.graphs.schema import DIRECTIONS, INPUT, WEIGHTS, Node, validate

_SHOWN = ("kind", "layer", "index", "label")
"""What viewers see of a node's id."""


def save_graphml(graph: nx.DiGraph[Node], path: str | os.PathLike[str]) -> None:
    """Write a graph to a GraphML file, whole or not at all.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`. Attributes beyond the schema are kept
            if they are JSON.
        path: the file.

    Raises:
        NumericError: the graph breaks the schema, an attribute is not JSON, or the file cannot be
            written; or subnormal numbers are taken for zero, which then is what is written.

    Source:
        ``networkx.write_graphml_xml``.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> path = getfixture("tmp_path") / "graph.graphml"
        >>> save_graphml(trace(BilinearNetwork(3, 2, depth=1, hidden=1), "polarized"), path)
        >>> seen = nx.read_graphml(path).nodes["logit/1"]
        >>> seen["label"], seen["kind"], seen["layer"], seen["index"]
        ('logit/1', 'logit', 1, 1)
    """
    check_arithmetic()
    validate(graph)
    last = len(graph.graph["sizes"]) - 1
    plain: nx.DiGraph[str] = nx.DiGraph()
    for node, data in graph.nodes(data=True):
        plain.add_node(node_name(node), **_node_attributes(node, data, last))
    own = kept_attributes("the graph", graph.graph)
    plain.nodes[node_name(INPUT)]["graph"] = json.dumps(own, allow_nan=False)
    for source, target, data in graph.edges(data=True):
        attributes = _edge_attributes(f"edge {source} → {target}", data)
        plain.add_edge(node_name(source), node_name(target), **attributes)
    # By handle: networkx would compress what is called .gz, and the temporary name is not.
    with replacing(path) as temporary, temporary.open("wb") as file:
        nx.write_graphml_xml(plain, file, named_key_ids=True)


def load_graphml(path: str | os.PathLike[str]) -> nx.DiGraph[Node]:
    """Read a graph from a GraphML file that :func:`save_graphml` wrote.

    Args:
        path: the file.

    Returns:
        The same graph: nodes, edges and attributes, in their order.

    Raises:
        NumericError: there is no such file, it is not GraphML, a node's name or an attribute cannot
            be read, or the graph breaks the schema; the message names the node or the edge. Or
            subnormal numbers are read as zero.

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
    check_arithmetic()
    plain = _read(path)
    graph: nx.DiGraph[Node] = CompositionGraph()
    graph.graph.update(_parsed(plain.graph, "attributes", dict, f"the graph in {path}"))
    for name, data in plain.nodes(data=True):
        node = named_node(name)
        graph.add_node(node)
        owner = f"node {node} in {path}"
        if node == INPUT:
            graph.graph.update(_parsed(data, "graph", dict, owner))
        graph.nodes[node].update(_read_node(node, data, owner))
    for source, target, data in plain.edges(data=True):
        edge = named_node(source), named_node(target)
        graph.add_edge(*edge)
        graph.edges[edge].update(_read_edge(data, f"edge {edge[0]} → {edge[1]} in {path}"))
    validate(graph)
    weights_as_floats(graph)
    return graph


def _node_attributes(node: Node, data: dict[str, Any], last: int) -> dict[str, str | int]:
    kind, *places = node
    layer, index = {0: (0, 0), 1: (last, *places)}.get(len(places), places)
    attributes: dict[str, str | int] = {"kind": kind, "layer": int(layer), "index": int(index)}
    attributes["label"] = _label(node, data)
    if node == INPUT:
        attributes["inputs"] = int(data["size"])
    for name in DIRECTIONS:
        if name in data:
            attributes[name] = json.dumps(data[name].tolist())
    known = (*DIRECTIONS, "size") if node == INPUT else DIRECTIONS
    return attributes | _extra("attributes", f"node {node}", data, known)


def _label(node: Node, data: dict[str, Any]) -> str:
    """Return what viewers write at a node: its own label where XML gives it back, or its name."""
    own = data.get("label")
    return own if isinstance(own, str) and own.isprintable() and own.strip() else node_name(node)


def _edge_attributes(owner: str, data: dict[str, Any]) -> dict[str, str | float]:
    attributes: dict[str, str | float] = {n: float(data[n]) for n in WEIGHTS if n in data}
    if _rounded(data["weight"]) != data["weight"]:
        attributes["exact_weight"] = float(data["weight"])
    return attributes | _extra("edge_attributes", owner, data, WEIGHTS)


def _rounded(weight: float) -> float:
    """Return a weight as Gephi has it, in float32."""
    with np.errstate(over="ignore"):
        return float(np.float32(weight))


def _extra(key: str, owner: str, data: dict[str, Any], known: tuple[str, ...]) -> dict[str, str]:
    extra = kept_attributes(owner, data, known)
    return {key: json.dumps(extra, allow_nan=False)} if extra else {}


def _read_node(node: Node, data: dict[str, Any], owner: str) -> dict[str, Any]:
    own: dict[str, Any] = _parsed(data, "attributes", dict, owner)
    known = ("attributes", *DIRECTIONS, *_SHOWN, *(("inputs", "graph") if node == INPUT else ()))
    attributes = {name: data[name] for name in data if name not in known} | own
    if node == INPUT and "inputs" in data:
        attributes["size"] = data["inputs"]
    if "label" in data and data["label"] != _label(node, own):
        attributes["label"] = data["label"]
    for name in DIRECTIONS:
        if name in data:
            attributes[name] = direction_array(_parsed(data, name, list, owner), owner)
    return attributes


def _read_edge(data: dict[str, Any], owner: str) -> dict[str, Any]:
    key = "edge_attributes" if "edge_attributes" in data else "attributes"
    known = (key, "exact_weight", "id")
    attributes = {name: data[name] for name in data if name not in known}
    exact = data.get("exact_weight")
    if isinstance(exact, float) and _rounded(exact) == data.get("weight"):
        attributes["weight"] = exact
    own: dict[str, Any] = _parsed(data, key, dict, owner)
    return attributes | own


def _read(path: str | os.PathLike[str]) -> nx.DiGraph[str]:
    path = user_path(path)
    try:
        with path.open("rb") as file:
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
