"""How networks and graphs are stored: their layers, from the arrays of their files."""

from itertools import pairwise
from typing import Any

import numpy as np

from .balls import Array
from .layers import Layer
from .verdicts import need

PARTS = ("direction", "direction_low", "weight", "weight_low")
INPUT, FEATURE, _, LOGIT, RESIDUAL = range(5)


def network(arrays: dict[str, Array]) -> tuple[list[Layer], bool]:
    """Return the layers of a network file, and whether its weights are float32."""
    sides = ("left", "right", "down", "linear")
    depth = len(arrays) // len(sides)
    names = {f"{number}.{side}" for number in range(1, depth + 1) for side in sides}
    need(depth > 0 and arrays.keys() == names, f"the network has {', '.join(sorted(arrays))}")
    dtypes = {array.dtype for array in arrays.values()}
    single = dtypes == {np.dtype(np.float32)}
    known = single or dtypes == {np.dtype(np.float64)}
    need(known, "the weights of the network are not float32 or float64 alone")
    need({array.ndim for array in arrays.values()} == {2}, "a layer of the network is no matrices")
    stack: list[Layer] = []
    for number in range(1, depth + 1):
        parts = (arrays[f"{number}.{side}"].astype(np.float64) for side in sides)
        left, right, down, linear = parts
        (above, below), neurons = linear.shape, len(left)
        fits = left.shape == right.shape == (neurons, below) and down.shape == (above, neurons)
        fits = fits and min(above, below) > 1 and (not stack or below == len(stack[-1].linear))
        need(fits, f"layer {number} of the network does not fit")
        stack.append(Layer(left, right, np.zeros_like(left), down, linear))
    _need_constant(stack)
    return stack, single


def graph_layers(arrays: dict[str, Array], note: Any) -> list[Layer]:  # noqa: ANN401 -- JSON
    """Return the layers of a graph file, features that were cut left out."""
    nodes, edges, sizes = arrays["nodes"], arrays["edges"], note["graph"]["sizes"]
    known = type(sizes) is list and all(type(size) is int and size > 1 for size in sizes)
    need(known and len(sizes) > 1, f"the sizes are {sizes}")
    for items, width, said in ((nodes, 3, note["nodes"]), (edges, 2, note["edges"])):
        right = items.dtype == np.int64 and items.shape[1:] == (width,) and np.all(items >= 0)
        need(right and len(np.unique(items, axis=0)) == len(items), "a node or an edge is none")
        places = [str(place) for place in range(len(items))]
        need(said.keys() <= set(places), "what is no node or edge is described")
        named = any(set(PARTS) & entry.keys() for entry in said.values())
        need(not named, "a weight stands among the words")
    parts = _parts(arrays, sizes[0], len(nodes), len(edges))
    (kind, first, second), last, cut = nodes.T, len(sizes) - 1, np.zeros(len(nodes), dtype=bool)
    alone, inside = second == 0, (first > 0) & (first < last)
    right = np.choose(kind, [alone & (first == 0), inside | (first == last), inside, alone, alone])
    need(right, "a node is in no layer")
    for place, entry in note["nodes"].items():
        cut[int(place)] = given = entry.get("cut", False)
        need(type(given) is bool, f"node {place} is cut by {given!r}")
    # The layer of every node, -1 for residuals and what was cut, and its row there.
    layers = np.choose(kind, [0, np.where(cut, -1, first), first, last, -1])
    rows = np.choose(kind, [0, 0, second, first + 1, 0])
    stack = []
    for number, (below, above) in enumerate(pairwise(sizes), start=1):
        features = np.flatnonzero((kind == FEATURE) & (layers == number))
        rows[features[np.argsort(second[features])]] = np.arange(len(features))
        reading, low = np.zeros((2, len(features), below))
        down, linear = np.zeros((above, len(features))), np.zeros((above, below))
        stack.append(Layer(reading, reading, low, down, linear))
    for edge, (source, target) in enumerate(edges.tolist()):
        weight, low = parts["weight"][edge], parts["weight_low"].get(edge, 0.0)
        need(weight == 1 or kind[source] not in (INPUT, RESIDUAL), f"edge {edge} has a weight")
        mixes, reads, column = kind[source] == FEATURE, kind[target] == FEATURE, rows[source]
        if kind[source] == INPUT:
            weight, low = parts["direction"][target], parts["direction_low"].get(target, 0.0)
            column = slice(None)
        if layers[source] < 0 or layers[target] < 0:
            continue
        right = layers[source] == layers[target] - (not mixes) and kind[source] != LOGIT
        need(right and not (mixes and reads), f"edge {edge} joins nodes of other layers")
        need((reads and not mixes) or not np.any(low), f"edge {edge} has a low part")
        layer = stack[layers[target] - 1]
        into = layer.down if mixes else layer.left if reads else layer.linear
        into[rows[target], column] = weight
        if np.any(low):
            layer.low[rows[target], column] = low
    _need_constant(stack)
    return stack


def _need_constant(stack: list[Layer]) -> None:
    """Demand that each layer but the last passes the constant on."""
    for layer in stack[:-1]:
        constant = np.array_equal(layer.linear[0], np.eye(layer.linear.shape[1])[0])
        need(constant and not layer.down[0].any(), "what stands for the constant does not")


def _parts(
    arrays: dict[str, Array], inputs: int, nodes: int, edges: int
) -> dict[str, dict[int, Any]]:
    """Return weights by their edges, and directions by their nodes."""
    parts: dict[str, dict[int, Any]] = {}
    for name in PARTS:
        owners, given = arrays[f"{name}.rows"], arrays[name]
        axes, most = ((inputs,), nodes) if "direction" in name else ((), edges)
        right = given.dtype == np.float64 and given.shape == (len(owners), *axes)
        right = right and owners.dtype == np.int64 and np.all((owners >= 0) & (owners < most))
        need(right and len(np.unique(owners)) == len(owners), f"a {name} belongs to nothing")
        parts[name] = dict(zip(owners.tolist(), given, strict=True))
    return parts
