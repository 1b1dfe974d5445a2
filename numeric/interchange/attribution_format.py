"""The JSON that viewers of attribution graphs read: what a file must hold, and reading one.

The format is that of Anthropic's attribution graphs, of ``circuit-tracer`` and of Neuronpedia.
:data:`FIELDS` demands what any of them demands. Other fields may stand beside these. What
composition graphs become in it stands in :mod:`numeric.interchange.attribution_graph`.

The page that circuit-tracer serves asks for the list of a folder's graphs, :data:`LIST`, and for
each of them under the name of its slug.

Source:
    ``frontend/graph_models.py`` of https://github.com/safety-research/circuit-tracer (``Metadata``,
    ``QParams``, ``Node``, ``Link``, ``Model``) and ``add_graph_metadata`` there;
    ``graph-schema.json`` and ``formatCLTGraphData`` of https://github.com/hijohnnylin/neuronpedia.
"""

from __future__ import annotations

import os
import re
import reprlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx

from numeric.errors import NumericError
from numeric.files import is_there, read_json

FIELDS: dict[str, dict[str, str]] = {
    "the file": {"metadata": "object", "qParams": "object", "nodes": "objects", "links": "objects"},
    "metadata": {
        "slug": "string",
        "scan": "string",
        "transcoder_list": "strings",
        "prompt_tokens": "strings",
        "prompt": "string",
        "node_threshold?": "number or null",
        "schema_version?": "integer or null",
    },
    "qParams": {
        "pinnedIds": "strings",
        "supernodes": "lists of strings",
        "linkType": "string",
        "clickedId": "string",
        "sg_pos": "string",
    },
    "nodes": {
        "node_id": "string",
        "feature": "integer",
        "layer": "string",
        "ctx_idx": "integer",
        "feature_type": "string",
        "jsNodeId": "string",
        "clerp": "string",
        "token_prob?": "number",
        "is_target_logit?": "boolean",
        "run_idx?": "integer",
        "reverse_ctx_idx?": "integer",
        "influence?": "number or null",
        "activation?": "number or null",
    },
    "links": {"source": "string", "target": "string", "weight": "number"},
}
"""The fields of each part of a file and their types; those with ``?`` may be missing."""

LIST = "graph-metadata.json"
"""The file in which circuit-tracer lists the graphs of a folder."""


def _are(kind: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(_TYPES[kind], value))


_TYPES: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "integer or null": lambda value: value is None or _TYPES["integer"](value),
    "lists of strings": _are("strings"),
    # Compared, not converted: an integer may be beyond float64, and what is no number is not <=.
    "number": lambda value: type(value) in (int, float) and abs(value) <= sys.float_info.max,
    "number or null": lambda value: value is None or _TYPES["number"](value),
    "object": lambda value: isinstance(value, dict),
    "objects": _are("object"),
    "string": lambda value: isinstance(value, str),
    "strings": _are("string"),
}


def check_attribution_graph(
    data: Any,  # noqa: ANN401 -- JSON holds anything
    name: str = "data",
) -> None:
    """Refuse data that viewers of attribution graphs would stumble over.

    Args:
        data: as JSON gives it.
        name: what to call the data in messages.

    Raises:
        NumericError: a field of :data:`FIELDS` is missing or of another type; two nodes share an
            id; a link or a pinned or clicked id leads to no node; a layer is neither ``E`` nor a
            number; a node stands at no token of the prompt; a logit's label lacks the probability
            that viewers cut out of it. The message names the place.

    Source:
        As the module.

    Examples:
        >>> check_attribution_graph({"metadata": {}, "qParams": {}, "nodes": [], "links": []})
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected slug of metadata of data to be of type string, got \
nothing
    """
    _check_fields(data, "the file", name)
    for part in ("metadata", "qParams"):
        _check_fields(data[part], part, f"{part} of {name}")
    for part in ("nodes", "links"):
        for position, entry in enumerate(data[part]):
            _check_fields(entry, part, f"{part}[{position}] of {name}")
    known: set[str] = set()
    for position, node in enumerate(data["nodes"]):
        place = f"nodes[{position}] of {name}"
        _check_node(node, place, tokens=len(data["metadata"]["prompt_tokens"]))
        if node["node_id"] in known:
            raise NumericError(f"expected every node_id once, got {node['node_id']!r} in {place}")
        known.add(node["node_id"])
    ends = [link[end] for link in data["links"] for end in ("source", "target")]
    params = data["qParams"]
    for end in [*ends, *params["pinnedIds"], *filter(None, [params["clickedId"]])]:
        if end not in known:
            raise NumericError(f"expected {name} to have a node {end!r} that it speaks of")


def load_attribution_graph(path: str | os.PathLike[str]) -> nx.DiGraph[str]:
    """Read an attribution graph, from this package or another.

    Args:
        path: a JSON file.

    Returns:
        A graph whose nodes are the file's ``node_id`` with all other fields as attributes, whose
        edges are the links with ``weight``, and whose own attributes are ``metadata`` and
        ``qParams``. It is no composition graph: those have files of their own.

    Raises:
        NumericError: there is no such file, it is not JSON, a link stands twice, or as
            :func:`check_attribution_graph`.

    Source:
        As the module.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> from numeric.interchange.attribution_graph import save_attribution_graph
        >>> path = getfixture("tmp_path") / "example.json"
        >>> save_attribution_graph(trace(BilinearNetwork(4, 2, depth=1, hidden=3)), path)
        >>> load_attribution_graph(path).nodes["2_1_1"]["clerp"]
        'Output "1" (p=unknown)'
    """
    data = read_json(path)
    check_attribution_graph(data, str(path))
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.graph.update({"metadata": data["metadata"], "qParams": data["qParams"]})
    for node in data["nodes"]:
        graph.add_node(node["node_id"])
        graph.nodes[node["node_id"]].update({k: v for k, v in node.items() if k != "node_id"})
    for link in data["links"]:
        ends = (link["source"], link["target"])
        if graph.has_edge(*ends):
            raise NumericError(f"expected every link of {path} once, got {' → '.join(ends)} again")
        graph.add_edge(*ends)
        graph.edges[ends].update({k: v for k, v in link.items() if k not in ("source", "target")})
    return graph


def with_graph(metadata: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the list of a folder's graphs with one more, or with that one in place of its like.

    Args:
        metadata: of the graph, as its file has them.
        folder: whose :data:`LIST` is read where there is one.

    Returns:
        What the list shall hold, which is JSON.

    Raises:
        NumericError: the list that is there is none.

    Source:
        As the module.

    Examples:
        >>> with_graph({"slug": "three"}, getfixture("tmp_path"))
        {'graphs': [{'slug': 'three'}]}
    """
    path = folder / LIST
    listed: dict[str, Any] = read_json(path) if is_there(path) else {"graphs": []}
    graphs: Any = listed.get("graphs") if isinstance(listed, dict) else None
    if not _TYPES["objects"](graphs):
        raise NumericError(
            f"expected {path} to list graphs as circuit-tracer does, got {reprlib.repr(listed)}"
        )
    others = [graph for graph in graphs if graph.get("slug") != metadata["slug"]]
    return listed | {"graphs": [*others, metadata]}


def _check_fields(data: Any, part: str, name: str) -> None:  # noqa: ANN401 -- JSON holds anything
    if not isinstance(data, dict):
        raise NumericError(f"expected {name} to be an object, got {reprlib.repr(data)}")
    for field, kind in FIELDS[part].items():
        key = field.removesuffix("?")
        if key not in data and field != key:
            continue
        if key not in data or not _TYPES[kind](data[key]):
            got = reprlib.repr(data[key]) if key in data else "nothing"
            raise NumericError(f"expected {key} of {name} to be of type {kind}, got {got}")


def _check_node(node: dict[str, Any], place: str, *, tokens: int) -> None:
    # Viewers turn the layer into a number; Python's digits are more than those of JavaScript.
    if not re.fullmatch(r"E|\d+", node["layer"], re.ASCII):
        raise NumericError(
            f"expected layer of {place} to be 'E' or a number, got {node['layer']!r}"
        )
    if not 0 <= node["ctx_idx"] < tokens:
        raise NumericError(
            f"expected ctx_idx of {place} to count one of the {tokens} prompt_tokens, got "
            f"{node['ctx_idx']}"
        )
    if node["feature_type"] == "logit" and node["clerp"] and "(p=" not in node["clerp"]:
        raise NumericError(
            f"expected clerp of {place}, a logit, to give its probability as (p=0.5), got "
            f"{reprlib.repr(node['clerp'])}"
        )
