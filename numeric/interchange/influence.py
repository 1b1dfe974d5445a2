"""What nodes and links of an attribution graph count for, as circuit-tracer has it.

What a logit counts for is shared out among the links into it by their size, and so on down to the
input.

Source:
    ``compute_node_influence`` of https://github.com/safety-research/circuit-tracer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import accumulate

import networkx as nx

from numeric.errors import NumericError
from numeric.graphs.schema import INPUT, Edge, Node


def influences(
    graph: nx.DiGraph[Node], sizes: Mapping[Edge, float], start: Mapping[Node, float]
) -> dict[Node, float]:
    """Share out what nodes count for among the links into them, down to the input.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        sizes: of each edge, at least 0 and finite.
        start: what some nodes count for by themselves, the logits by their probabilities.

    Returns:
        What each node counts for, in its own right and by those that read it.

    Source:
        As the module; for graphs without cycles in one pass.

    Examples:
        >>> graph = nx.DiGraph([(("form", 1, 0), ("logit", 0)), (("form", 1, 1), ("logit", 0))])
        >>> sizes = dict(zip(graph.edges, (1.0, 3.0)))
        >>> influences(graph, sizes, {("logit", 0): 1.0})["form", 1, 1]
        0.75
    """
    influence = dict.fromkeys(graph, 0.0) | dict(start)
    for node in reversed(list(nx.topological_sort(graph))):
        incoming = {source: sizes[source, node] for source in graph.predecessors(node)}
        largest = max(incoming.values(), default=0.0)
        # By the largest first: their sum may be beyond float64.
        shares = {source: size / largest for source, size in incoming.items() if largest}
        total = sum(shares.values())
        for source, share in shares.items():
            influence[source] += influence[node] * share / total
    return influence


def sizes_by_weights(graph: nx.DiGraph[Node]) -> dict[Edge, float]:
    """Return sizes of links without an image, which do not change with the scale of a reading.

    The size of a link from a feature is its weight times the squared length of the feature's
    reading, that of a link from the input the length of the direction, of any other its weight.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.

    Returns:
        By edge, at least 0.

    Raises:
        NumericError: one of them is beyond float64.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 1, depth=1, hidden=2), "polarized")
        >>> before = sizes_by_weights(graph)[("feature", 1, 0), ("logit", 0)]
        >>> graph.nodes["feature", 1, 0]["direction"] *= 2
        >>> graph.edges[("feature", 1, 0), ("logit", 0)]["weight"] /= 4
        >>> bool(math.isclose(sizes_by_weights(graph)[("feature", 1, 0), ("logit", 0)], before))
        True
    """
    weights = {(u, v): float(data["weight"]) for u, v, data in graph.edges(data=True)}
    lengths = {
        node: math.hypot(
            *data.get("direction", ()),
            *(weights[edge] for edge in graph.in_edges(node) if edge[0] != INPUT),
        )
        for node, data in graph.nodes(data=True)
    }
    sizes = {}
    for (source, target), weight in weights.items():
        scale = lengths[source] * lengths[source] if source[0] == "feature" else 1.0
        read = graph.nodes[target]["direction"] if source == INPUT else (weight,)
        sizes[source, target] = math.hypot(*read) * scale
    if not all(map(math.isfinite, sizes.values())):
        raise NumericError("expected readings whose squares float64 holds, got a larger one")
    return sizes


def cumulative_influence(influence: Mapping[Node, float]) -> dict[Node, float]:
    """Return the part of the whole that a node and those of more influence make up.

    Args:
        influence: by node. Logits, which influence only themselves, are left out.

    Returns:
        By node, from 0 to 1, those of the most influence first.

    Examples:
        >>> cumulative_influence({("form", 1, 0): 0.25, ("form", 1, 1): 0.75, ("logit", 0): 1.0})
        {('form', 1, 1): 0.75, ('form', 1, 0): 1.0}
    """
    ranked = sorted((n for n in influence if n[0] != "logit"), key=lambda node: -influence[node])
    totals = list(accumulate(influence[node] for node in ranked))
    return {node: total / (totals[-1] or 1.0) for node, total in zip(ranked, totals, strict=True)}
