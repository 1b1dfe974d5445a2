"""Inputs of any shape as pictures, and an explanation as one: the paths that carry most of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection

from numeric.data.shapes import InputShape, strongest
from numeric.errors import NumericError
from numeric.explanation.explanations import Explanation
from numeric.explanation.flow import Path
from numeric.graphs.schema import INPUT, Edge, Node, validate

Place = tuple[float, float]

_WIDTH = 6.0
"""How wide the edge with the largest share is, in points."""

_COLOURS = {True: "tab:red", False: "tab:blue"}
"""Of edges that add, and of edges that take away."""

_NAMED = 6
"""How many rows, columns or bars have names: the largest ones, of twice as many all."""

_LETTERS = 6
"""The size of a name, in points."""


def draw_input(
    axes: Axes,
    values: npt.NDArray[Any],
    shape: InputShape | None = None,
    *,
    limit: float | None = None,
    ink: bool = False,
) -> Axes:
    """Draw numbers, one an input, in the shape that inputs have.

    Pictures and tables are coloured red where a number is positive and blue where it is negative;
    of a picture in colour the channels stand beside one another. Bars go to the right in red and to
    the left in blue. The rows, columns or bars with the largest numbers are named.

    Args:
        axes: where to draw.
        values: shape (inputs,), such as a feature's direction, the shares of an explanation or an
            input itself.
        shape: of an input; left out, a square picture or bars.
        limit: the number that has the full colour; left out, the largest in size.
        ink: whether the numbers are an input's own: 0 is paper and 1 ink, and a picture in colour
            has its colours. Other inputs than pictures are drawn as all numbers are.

    Returns:
        The same axes.

    Raises:
        NumericError: there are not as many numbers as the shape has.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> shape = InputShape((2,), (("length", "width"),))
        >>> axes = draw_input(Figure().subplots(), np.array([1.0, -2.0]), shape)
        >>> [label.get_text() for label in axes.get_yticklabels()]
        ['length', 'width']
    """
    shape = InputShape.of(len(values)) if shape is None else shape
    if values.shape != (shape.inputs,):
        raise NumericError(
            f"expected values to be {shape.inputs} numbers, as inputs of the shape {shape.sizes}, "
            f"got shape {values.shape}"
        )
    largest = (float(abs(values).max()) if limit is None else limit) or 1.0
    axes.set(xticks=[], yticks=[])
    if shape.kind == "bars":
        return _draw_bars(axes, values, shape, largest)
    if ink and shape.kind == "colour":
        axes.imshow(np.clip(shape.coloured(values), 0, 1), origin="upper")
    elif ink and shape.kind == "picture":
        axes.imshow(shape.grid(values), cmap="gray_r", vmin=0, vmax=1, origin="upper")
    else:
        grid = shape.grid(values)
        picture = axes.imshow(grid, cmap="RdBu_r", vmin=-largest, vmax=largest, origin="upper")
        if not shape.is_picture:
            # Cells stay cells: between red and blue ones no purple is drawn.
            picture.set_interpolation("nearest")
            axes.set_aspect("auto")
    if shape.kind == "table":
        table = abs(shape.grid(values))
        rows, columns = shape.names
        _name_places(axes.yaxis, rows, table.max(axis=1))
        _name_places(axes.xaxis, columns, table.max(axis=0))
    return axes


def _draw_bars(axes: Axes, values: npt.NDArray[Any], shape: InputShape, largest: float) -> Axes:
    sides = np.arange(len(values))[:, None] + np.array([-0.45, -0.45, 0.45, 0.45])
    corners = np.stack([values[:, None] * np.array([0.0, 1, 1, 0]), sides], axis=2)
    # One collection: a bar by itself for each of many inputs would take seconds a figure.
    axes.add_collection(
        PolyCollection(list(corners), facecolors=[_COLOURS[bool(value > 0)] for value in values])
    )
    axes.axvline(0, color="0.5", linewidth=0.5)
    axes.set(xlim=(-largest, largest), ylim=(len(values) - 0.5, -0.5))
    names = [shape.name(place) for place in range(len(values))]
    _name_places(axes.yaxis, names, abs(values))
    return axes


def _name_places(axis: Axis, names: Sequence[str], sizes: npt.NDArray[Any]) -> None:
    """Name the places along an axis, of many those where the largest numbers are."""
    count = len(sizes)
    named = range(count) if count <= 2 * _NAMED else _apart(strongest(sizes, count), count)
    texts = [names[place] if names else str(place) for place in named]
    axis.set_ticks(list(named), labels=texts, fontsize=_LETTERS)


def _apart(places: Sequence[int], count: int) -> list[int]:
    """Return the first places that leave room for the names of one another."""
    kept: list[int] = []
    for place in places:
        if all(abs(place - other) * 2 * _NAMED >= count for other in kept):
            kept.append(place)
        if len(kept) == _NAMED:
            break
    return kept


def draw_paths(
    axes: Axes,
    graph: nx.DiGraph[Node],
    explanation: Explanation,
    count: int = 12,
    *,
    shape: InputShape | None = None,
) -> Axes:
    """Draw the paths from the input to the logit whose shares are the largest in size.

    Red edges add to what is explained and blue ones take from it. Their width is the share of the
    paths that are drawn, summed where several take the same edge. What reads the input is drawn as
    its weights, if the inputs form a square picture or a shape is given.

    Args:
        axes: where to draw.
        graph: that was explained.
        explanation: of one image, from :func:`numeric.explain`.
        count: how many paths at most.
        shape: of an input, as :func:`draw_input` takes it.

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
    return draw_explained(axes, explanation, count, shape=shape)


def draw_explained(
    axes: Axes, explanation: Explanation, count: int = 12, *, shape: InputShape | None = None
) -> Axes:
    """Draw the strongest paths of an explanation, as :func:`draw_paths` does."""
    paths = explanation.paths(count)
    flows = edge_flows(paths)
    places = _places(paths, explanation.depth)
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
        _draw_node(axes, explanation, node, place, 0.85 / columns[place[0]], shape)
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


def _draw_node(
    axes: Axes,
    explanation: Explanation,
    node: Node,
    place: Place,
    size: float,
    shape: InputShape | None,
) -> None:
    direction = explanation.direction(node)
    if direction is not None and shape is None:
        shape = InputShape.of(len(direction))
        direction = direction if shape.is_picture else None
    x, y = place
    if node[0] != "feature" or direction is None:
        box = {"boxstyle": "round", "facecolor": "0.9", "edgecolor": "0.5"}
        axes.text(x, y, node_label(node), ha="center", va="center", color="black", bbox=box)
        return
    picture = axes.inset_axes((x - size, y - size / 2, 2 * size, size), transform=axes.transData)
    draw_input(picture, direction, shape)
    picture.spines[:].set_visible(True)
    picture.set_ylabel(node_label(node), rotation=0, ha="right", va="center", fontsize=8)


def node_label(node: Node, *, whole: bool = False) -> str:
    """Return what a node is called beside others of its column, or anywhere.

    Examples:
        >>> node_label(("feature", 2, 7)), node_label(("feature", 2, 7), whole=True)
        ('7', 'feature 7 of layer 2')
    """
    if node[0] == "form" and node[-1] == 0:
        return "constant"
    if node == INPUT:
        return "input"
    if whole:
        return f"{node[0]} {node[-1]}" + (f" of layer {node[1]}" if node[0] != "logit" else "")
    short = {"feature": "", "form": "form ", "logit": "logit "}
    return f"{short[node[0]]}{node[-1]}"
