"""An explanation as a picture: the paths through the composition graph that carry most of it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import networkx as nx
from matplotlib.axes import Axes

from numeric.explanation.explanations import Explanation
from numeric.explanation.flow import Path
from numeric.graphs.schema import Edge, Node, validate

Place = tuple[float, float]

_WIDTH = 6.0
"""How wide the edge with the largest share is, in points."""

_COLOURS = {True: "tab:red", False: "tab:blue"}
"""Of edges that add, and of edges that take away."""


def draw_paths(
    axes: Axes, graph: nx.DiGraph[Node], explanation: Explanation, count: int = 12
) -> Axes:
    """Draw the paths from the input to the logit whose shares are the largest in size.

    Red edges add to what is explained and blue ones take from it. Their width is the share of the
    paths that are drawn, summed where several take the same edge. What reads the input is drawn as
    its weights, if the inputs form a square picture.

    Args:
        axes: where to draw.
        graph: that was explained.
        explanation: of one image, from :func:`numeric.explain`.
        count: how many paths at most.

    Returns:
        The same axes.

    Raises:
        NumericError: the graph breaks its schema, or the count is not a positive integer.

    Examples:
        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from numeric import BilinearNetwork, explain, trace
        >>> graph = trace(BilinearNetwork(4, 2, depth=2, width=3, hidden=5))
        >>> shares = explain(graph, np.ones(4), label=1)
        >>> axes = draw_paths(Figure().subplots(), graph, shares, count=3)
        >>> axes.texts[-1].get_text()
        'logit 1'
    """
    validate(graph)
    paths = explanation.paths(count)
    flows = edge_flows(paths)
    places = _places(paths, len(graph.graph["sizes"]) - 1)
    heads = {x: f"{node[0]}s of layer {node[1]}" for node, (x, _) in places.items()}
    axes.set_axis_off()
    axes.set(xlim=(-0.4, max(heads, default=0) + 0.4), ylim=(0, 1.05))
    for x in sorted(heads)[:-1]:
        axes.text(x, 1.02, heads[x], ha="center", va="bottom")
    largest = max(map(abs, flows.values()), default=1.0)
    for (source, target), flow in flows.items():
        (start, low), (end, high) = places[source], places[target]
        width = 0.5 + _WIDTH * abs(flow) / largest
        axes.plot((start, end), (low, high), color=_COLOURS[flow > 0], linewidth=width, alpha=0.7)
    columns = Counter(x for x, _ in places.values())
    for node, place in sorted(places.items(), key=lambda item: item[1]):
        _draw_node(axes, graph, node, place, 0.85 / columns[place[0]])
    return axes


def edge_flows(paths: Sequence[Path]) -> dict[Edge, float]:
    """Return the summed shares of the paths that take each edge above the input.

    Examples:
        >>> import numpy as np
        >>> nodes = ("input",), ("feature", 1, 0), ("logit", 1)
        >>> path = Path(nodes, 0.5, np.zeros(2))
        >>> edge_flows([path, path])
        {(('feature', 1, 0), ('logit', 1)): 1.0}
    """
    flows: dict[Edge, float] = {}
    for path in paths:
        for edge in pairwise(path.nodes[1:]):
            flows[edge] = flows.get(edge, 0.0) + path.share
    return flows


def _places(paths: Sequence[Path], depth: int) -> dict[Node, Place]:
    """Put the nodes in columns, each in the order in which the strongest paths meet them."""
    columns: dict[int, list[Node]] = {}
    for node in dict.fromkeys(node for path in paths for node in path.nodes[1:]):
        columns.setdefault(_column(node, depth), []).append(node)
    return {
        node: (x, 1 - (rank + 0.5) / len(members))
        for x, (_, members) in enumerate(sorted(columns.items()))
        for rank, node in enumerate(members)
    }


def _column(node: Node, depth: int) -> int:
    """Return how many kinds of nodes lie before a node's: features and forms take turns."""
    layer: int = depth if node[0] == "logit" else node[1]
    return 2 * layer - int(node[0] == "feature")


def _draw_node(axes: Axes, graph: nx.DiGraph[Node], node: Node, place: Place, size: float) -> None:
    direction = graph.nodes[node].get("direction") if node in graph else None
    side = 0 if direction is None else math.isqrt(len(direction) - 1)
    x, y = place
    if node[0] != "feature" or direction is None or side * side != len(direction) - 1:
        box = {"boxstyle": "round", "facecolor": "0.9", "edgecolor": "0.5"}
        axes.text(x, y, _label(node), ha="center", va="center", color="black", bbox=box)
        return
    picture = axes.inset_axes((x - size, y - size / 2, 2 * size, size), transform=axes.transData)
    limit = float(abs(direction[1:]).max()) or 1.0
    pixels = direction[1:].reshape(side, side)
    picture.imshow(pixels, cmap="RdBu_r", vmin=-limit, vmax=limit, origin="upper")
    picture.set(xticks=[], yticks=[])
    picture.spines[:].set_visible(True)
    picture.set_ylabel(_label(node), rotation=0, ha="right", va="center", fontsize=8)


def _label(node: Node) -> str:
    if node[0] == "form" and node[-1] == 0:
        return "constant"
    short = {"feature": "", "form": "form ", "logit": "logit "}
    return f"{short[node[0]]}{node[-1]}"
