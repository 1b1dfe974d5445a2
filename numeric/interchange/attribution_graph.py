"""A composition graph in the JSON that viewers of attribution graphs read.

What a file must hold stands in :mod:`numeric.interchange.attribution_format`. A composition graph
becomes

==================  ========================  ========  ==========================================
node                ``feature_type``          layer     notes
==================  ========================  ========  ==========================================
``("input",)``      embedding                 E         the image is the first token of the prompt
feature of layer l  cross layer transcoder    2l - 1    the viewers' type for features
form of layer l     cross layer transcoder    2l
logit               logit                     2 · last  ``token_prob`` is the softmax; without an
                                                        image, one over the number of logits
features left out   mlp reconstruction error  2l - 1    on an image: one node a layer, linked to
                                                        what the features left out there add to
==================  ========================  ========  ==========================================

All nodes but the input stand at a second token, :data:`SECOND`. Viewers take features for noise
and drop them where they occur in more than two thirds of the prompt's tokens; of a single token,
each node is on all.

On an image a node's ``activation`` is its value and a link's ``weight`` what the source adds to the
target's value: the links into a node sum to it. For a feature with reading ``r · y`` they are
``r_j y_j (r · y)``. Without an image, links carry the graph's own weights and no node is active.

An attribution graph shows what takes part. Features that :func:`numeric.prune` has cut are left out
with the residuals that stand for them, so the logits are those of the graph rewritten without
residuals; ``features_cut`` in the metadata says how many they are.

``influence`` is circuit-tracer's: what a logit counts for is shared out among the links into it by
their size, and so on down; each node has the part of the whole that it and those of more influence
make up. Without an image, the size of a link from a feature is its weight times the squared length
of the feature's reading. ``node_threshold`` is 1, so viewers hide none.

Fields of our own are a node's ``node``, its name as a list (``["rest", l]`` for features left out),
and ``picture``, the direction that it reads the input by as a PNG in a data URI, red where
positive; and in the metadata ``links`` (contributions or weights), ``features_left_out`` and
``features_cut``.

Source:
    E. Ameisen et al., *Circuit Tracing*, https://transformer-circuits.pub/2025/attribution-graphs.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Collection, Mapping
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from matplotlib.image import imsave

from numeric.data.shapes import InputShape
from numeric.errors import NumericError
from numeric.explanation.flow import Flow
from numeric.explanation.interventions import takes_part
from numeric.files import user_path, write_text
from numeric.graphs.attributes import node_name
from numeric.graphs.forward_pass import checked_pixels
from numeric.graphs.schema import INPUT, Edge, Node, validate
from numeric.interchange.attribution_format import LIST, check_attribution_graph, with_graph
from numeric.interchange.influence import cumulative_influence, influences, sizes_by_weights
from numeric.scalars import check_integer

SECOND = "features"
"""The token of the prompt at which viewers draw what is made of the input."""


def to_attribution_graph(
    graph: nx.DiGraph[Node],
    slug: str,
    *,
    image: npt.ArrayLike | None = None,
    most: int | None = None,
    pictures: bool = True,
    prompt: str = "image",
    scan: str = "bilinear-features",
) -> dict[str, Any]:
    """Return a composition graph as data for viewers of attribution graphs.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        slug: the name that viewers list the graph by.
        image: an input of as many numbers as the graph has inputs, in any shape; without one, links
            carry the graph's weights.
        most: keep so many features, those of most influence; the metadata count the others.
        pictures: whether nodes that read the input carry the direction as a picture, square where
            the number of inputs is, else a row.
        prompt: what viewers call the input.
        scan: what viewers call the model.

    Returns:
        The data of this module's documentation, which is JSON.

    Raises:
        NumericError: the graph breaks the schema, an argument is not what it should be, or a value
            is beyond float64.

    Source:
        As the module.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(4, 2, depth=1, hidden=3), "polarized")
        >>> data = to_attribution_graph(graph, "example", image=np.ones(4), most=5)
        >>> data["metadata"]["features_left_out"], data["links"][0]["source"]
        (1, 'E_0_0')
        >>> data["nodes"][-1]["feature_type"]
        'mlp reconstruction error'
    """
    validate(graph)
    if most is not None:
        most = check_integer(most, "most", least=0)
    whole, graph = graph, graph.copy()
    graph.remove_nodes_from([node for node in whole if not takes_part(whole, node)])
    values, links, probabilities = _weighed(graph, image)
    sizes = {edge: abs(weight) for edge, weight in links.items()}
    if image is None:
        sizes = sizes_by_weights(graph)
    counted = influences(graph, sizes, probabilities)
    features = sorted((node for node in graph if node[0] == "feature"), key=lambda n: -counted[n])
    left_out = [] if most is None else features[most:]
    counted, links = _without(left_out, counted, links, rest=image is not None)
    nodes = {node: _entry(node, len(graph.graph["sizes"]) - 1) for node in counted}
    shares = cumulative_influence(counted)
    for node, entry in nodes.items():
        entry |= {"influence": shares.get(node), "activation": values.get(node)}
        if pictures and "direction" in graph.nodes.get(node, {}):
            entry["picture"] = _picture(graph.nodes[node]["direction"][1:])
    _describe_logits(nodes, probabilities, known=image is not None)
    metadata = {
        "slug": slug,
        "scan": scan,
        "transcoder_list": [],
        "prompt_tokens": [prompt, SECOND],
        "prompt": prompt,
        "node_threshold": 1.0,
        "schema_version": 1,
        "links": "weights" if image is None else "contributions",
        "features_left_out": len(left_out),
        "features_cut": sum(node[0] == "feature" and node not in graph for node in whole),
    }
    state = {"pinnedIds": [], "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": ""}
    ids = {node: entry["node_id"] for node, entry in nodes.items()}
    weighted = [{"source": ids[u], "target": ids[v], "weight": w} for (u, v), w in links.items()]
    data = {"metadata": metadata, "qParams": state, "nodes": [*nodes.values()], "links": weighted}
    check_attribution_graph(data, "the attribution graph")
    return data


def save_attribution_graph(
    graph: nx.DiGraph[Node],
    path: str | os.PathLike[str],
    slug: str | None = None,
    **settings: Any,  # noqa: ANN401 -- as to_attribution_graph has them
) -> None:
    """Write a composition graph for viewers of attribution graphs, whole or not at all.

    A file that is called after its slug is entered in ``graph-metadata.json`` beside it, from which
    circuit-tracer's server takes what there is to show. It finds no other.

    Args:
        graph: as for :func:`to_attribution_graph`.
        path: the JSON file.
        slug: the name that viewers list the graph by; the file's, if none is given.
        settings: as for :func:`to_attribution_graph`.

    Raises:
        NumericError: as :func:`to_attribution_graph`, a file cannot be written, or what is called
            ``graph-metadata.json`` there lists no graphs.

    Source:
        As the module.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> path = getfixture("tmp_path") / "example.json"
        >>> graph = trace(BilinearNetwork(4, 2, depth=1, hidden=3))
        >>> save_attribution_graph(graph, path, image=np.ones(4))
        >>> json.loads(path.read_text())["metadata"]["slug"]
        'example'
        >>> [listed["slug"] for listed in json.loads((path.parent / LIST).read_text())["graphs"]]
        ['example']
    """
    target = user_path(path)
    data = to_attribution_graph(graph, target.stem if slug is None else slug, **settings)
    if target.name == LIST:
        raise NumericError(f"expected a name other than {LIST}, which lists the graphs of a folder")
    metadata = data["metadata"]
    served = target.name == f"{metadata['slug']}.json"
    listed = with_graph(metadata, target.parent) if served else None
    write_text(target, json.dumps(data, allow_nan=False) + "\n")
    if listed is not None:
        write_text(target.with_name(LIST), json.dumps(listed, allow_nan=False, indent=2) + "\n")


def _weighed(
    graph: nx.DiGraph[Node], image: npt.ArrayLike | None
) -> tuple[dict[Node, float], dict[Edge, float], dict[Node, float]]:
    """Return values of nodes, weights of links, and what each logit counts for."""
    logits = [node for node in graph if node[0] == "logit"]
    classes = graph.graph["sizes"][-1] - 1
    if image is None:
        weights = {(u, v): float(data["weight"]) for u, v, data in graph.edges(data=True)}
        return {}, weights, dict.fromkeys(logits, 1 / classes)
    flow = Flow.of(graph, _point(image, graph.graph["sizes"][0] - 1))
    contributions = flow.contributions()
    outputs = np.zeros(classes)
    outputs[[c for _, c in logits]] = [flow.values[node] for node in logits]
    with np.errstate(over="ignore"):
        powers = np.exp(outputs - outputs.max())
    probabilities = {node: float(powers[node[1]] / powers.sum()) for node in logits}
    return flow.values, {edge: contributions[edge] for edge in graph.edges}, probabilities


def _point(image: npt.ArrayLike, inputs: int) -> npt.NDArray[np.float64]:
    point = checked_pixels(image, "image").ravel()
    if len(point) != inputs:
        raise NumericError(f"expected image to hold {inputs} numbers, got {len(point)}")
    return point


def _without(
    left_out: Collection[Node],
    counted: Mapping[Node, float],
    links: Mapping[Edge, float],
    *,
    rest: bool,
) -> tuple[dict[Node, float], dict[Edge, float]]:
    """Take features out; with ``rest``, one node a layer stands for them and adds what they add."""
    gone = frozenset(left_out)
    kept = {node: count for node, count in counted.items() if node not in gone}
    for node in left_out if rest else ():
        kept["rest", node[1]] = kept.get(("rest", node[1]), 0.0) + counted[node]
    joined: dict[Edge, float] = {}
    for (source, target), weight in links.items():
        if target not in gone and (rest or source not in gone):
            edge = ("rest", source[1]) if source in gone else source, target
            joined[edge] = joined.get(edge, 0.0) + weight
    return kept, joined


def _entry(node: Node, last: int) -> dict[str, Any]:
    """Return the fields that follow from a node's name alone, as circuit-tracer forms them."""
    if node == INPUT:
        layer, index, kind, feature = "E", "0", "embedding", 0
    elif node[0] == "rest":
        layer, index, kind, feature = f"{2 * node[1] - 1}", "-1", "mlp reconstruction error", -1
    elif node[0] == "logit":
        layer, index, kind, feature = f"{2 * last}", f"{node[1]}", "logit", int(node[1])
    else:
        row, k = 2 * int(node[1]) - (node[0] == "feature"), int(node[2])
        feature = (row + k) * (row + k + 1) // 2 + k  # Cantor's pairing, which viewers undo
        layer, index, kind = f"{row}", f"{k}", "cross layer transcoder"
    token = int(node != INPUT)
    return {
        "node_id": f"{layer}_{index}_{token}",
        "feature": feature,
        "layer": layer,
        "ctx_idx": token,
        "feature_type": kind,
        "token_prob": 0.0,
        "is_target_logit": False,
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": f"{'L' if kind == 'logit' else layer}_{index}-{token}",
        "clerp": node_name(node),
        "node": [node[0], *map(int, node[1:])],
    }


def _describe_logits(
    nodes: Mapping[Node, dict[str, Any]], probabilities: Mapping[Node, float], *, known: bool
) -> None:
    """Label logits as viewers take the labels apart, and mark the most probable one."""
    for node, probability in probabilities.items():
        said = f"{probability:.3f}" if known else "unknown"
        nodes[node]["clerp"] = f'Output "{node[1]}" (p={said})'
        nodes[node]["token_prob"] = probability
    if probabilities:
        nodes[max(probabilities, key=probabilities.__getitem__)]["is_target_logit"] = True


def _picture(direction: npt.NDArray[np.float64]) -> str:
    pixels = InputShape.of(len(direction)).grid(direction) / (abs(direction).max() or 1.0)
    # Without the name of the software: the same direction gives the same bytes.
    plain: dict[str, Any] = {"format": "png", "metadata": {"Software": None}, "origin": "upper"}
    file = io.BytesIO()
    imsave(file, pixels, cmap="RdBu_r", vmin=-1.0, vmax=1.0, **plain)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
