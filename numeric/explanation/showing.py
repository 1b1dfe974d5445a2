"""Figures of a node, of an explanation and of paths, for a reader at a prompt or in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from numeric.data.shapes import InputShape
from numeric.errors import NumericError
from numeric.explanation.explanations import Explanation
from numeric.explanation.flow import Path
from numeric.explanation.pictures import draw_explained, draw_input, node_label
from numeric.graphs.graph import places_of, square_layers
from numeric.graphs.quadratic_forms import QuadraticForms
from numeric.graphs.schema import INPUT, Node

Doubles = npt.NDArray[np.float64]

_BARS = 8
"""Neighbours or features that have a bar, the largest in size."""

_CELL = 1.9
"""The width of a picture and the height of a row, in inches."""

_ROW = 6
"""Pictures of paths in a row."""


def show(
    subject: nx.DiGraph[Node] | Explanation | Sequence[Path],
    node: Node | None = None,
    *,
    shape: InputShape | None = None,
) -> Figure:
    """Draw a node of a graph, an explanation, or paths.

    Of a node: the pattern of inputs that it reads, or the two that add most to what it is and take
    most from it, with the weights by which it reads and is read. Of an explanation: the input, the
    share of each part of it, those of the features of the last layer, and the strongest paths. Of
    paths: where in the input each has its share from.

    Args:
        subject: a graph, an explanation, or some of its paths.
        node: of a graph, which one: a feature, a form or a logit that takes part in it.
        shape: of an input; left out, a square picture or bars.

    Returns:
        A figure; a notebook shows it, and ``figure.savefig("node.png")`` keeps it.

    Raises:
        NumericError: the graph breaks its schema or has no such node, a node is named of something
            else than a graph, or there are no paths.

    Examples:
        >>> from numeric import BilinearNetwork, explain, trace
        >>> graph = trace(BilinearNetwork(4, 2, depth=2, width=3, hidden=5))
        >>> [axes.get_title() for axes in show(graph, ("feature", 1, 0)).axes]
        ['reads', 'is read by: weights']
        >>> shares = explain(graph, np.ones(4), label=1)
        >>> len(show(shares).axes), len(show(shares.paths(3)).axes)
        (4, 3)
    """
    if isinstance(subject, nx.DiGraph):
        if node is None:
            raise NumericError("expected node to be one of the graph, got None")
        return _node(subject, node, shape)
    if node is not None:
        raise NumericError(f"expected a node of a graph alone, got {node!r} of something else")
    if isinstance(subject, Explanation):
        return _explanation(subject, shape)
    if not subject or not all(isinstance(path, Path) for path in subject):
        raise NumericError(
            "expected subject to be a graph, an explanation or its paths, at least one, got "
            f"{type(subject).__name__}"
        )
    return _paths(subject, shape)


def _node(graph: nx.DiGraph[Node], node: Node, shape: InputShape | None) -> Figure:
    squares, (places, _) = square_layers(graph), places_of(graph)
    if node not in places:
        raise NumericError(f"expected node to be a node that takes part in the graph, got {node!r}")
    number, row = places[node]
    layer = squares[number - 1]
    drawn: dict[str, Doubles] = {}
    if node[0] == "feature" and number == 1:
        drawn["reads"] = (layer.readings + layer.low)[row, 1:]
    else:
        forms = QuadraticForms(squares)
        if node[0] == "feature":
            spectrum = forms.of(number - 1, (layer.readings + layer.low)[row])
        else:
            spectrum = forms.of(number, np.eye(len(layer.linear))[row])
        words = {1: "adds most", -1: "takes most away"}
        drawn = {words[sign]: pattern for sign, pattern in spectrum.patterns.items()}
    into = {source: graph.edges[source, node]["weight"] for source in graph.predecessors(node)}
    out = {target: graph.edges[node, target]["weight"] for target in graph.successors(node)}
    weights = {
        f"{title}: weights": {other: found[other] for other in found if other in places}
        for title, found in (("reads", into), ("is read by", out))
        if places.keys() & found.keys()
    }
    count = len(drawn) + len(weights)
    figure = Figure(figsize=(_CELL * 1.3 * max(count, 1), _CELL * 1.3), layout="constrained")
    figure.suptitle(node_label(node, whole=True), fontsize=10)
    axes = iter(figure.subplots(1, max(count, 1), squeeze=False)[0])
    for title, pattern in drawn.items():
        draw_input(next(axes), pattern, shape).set_title(title, fontsize=9)
    for title, found in weights.items():
        _bars(next(axes), found).set_title(title, fontsize=9)
    return figure


def _explanation(explanation: Explanation, shape: InputShape | None) -> Figure:
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    against = "" if explanation.against is None else f" over {explanation.against}"
    title = f"logit {explanation.label}{against}: {explanation.total:.4g}"
    figure.suptitle(title, fontsize=10)
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=(1, 2))[:, 0]
    left, middle, right = above.subplots(1, 3)
    draw_input(left, explanation.image, shape, ink=True).set_title("input", fontsize=9)
    draw_input(middle, explanation.pixels, shape).set_title("its shares", fontsize=9)
    last = explanation.layer(explanation.depth)
    _bars(right, {node: share for node, share in last.items() if node != INPUT})
    right.set_title(f"shares of layer {explanation.depth}", fontsize=9)
    draw_explained(below.subplots(), explanation, shape=shape)
    return figure


def _paths(paths: Sequence[Path], shape: InputShape | None) -> Figure:
    columns = min(_ROW, len(paths))
    rows = -(-len(paths) // columns)
    figure = Figure(figsize=(_CELL * columns, _CELL * 1.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for path, axes in zip(paths, grid, strict=False):
        draw_input(axes, path.pixels, shape)
        axes.set_title(f"{path.share:+.3g}", fontsize=9)
        axes.set_xlabel(" → ".join(node_label(node) for node in path.nodes[1:]), fontsize=7)
    for axes in grid[len(paths) :]:
        axes.remove()
    return figure


def _bars(axes: Axes, amounts: dict[Node, float]) -> Axes:
    """Draw the amounts that are the largest in size as bars, with the names of their nodes."""
    chosen = sorted(amounts.items(), key=lambda item: -abs(item[1]))[:_BARS]
    sizes = np.array([amount for _, amount in chosen])
    names = tuple(node_label(node, whole=True) for node, _ in chosen)
    return draw_input(axes, sizes, InputShape((len(names),), (names,)))
