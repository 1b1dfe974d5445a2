"""How networks and graphs are stored: their layers, from the arrays of their files."""

from itertools import pairwise
from typing import Any

import numpy as np

from .balls import Array
from .layers import Layer
from .verdicts import need

PARTS = ("direction", "direction_low", "weight", "weight_low")
INPUT, FEATURE, _, LOGIT, RESIDUAL = range(5)


def network(arrays: dict[str, Array], note: Any) -> tuple[list[Layer], bool]:  # noqa: ANN401 -- JSON
    """Return the layers of a model file, and whether its weights are float32."""
    shape, unread = note["configuration"], set(arrays)
    stack: list[Layer] = []
    sizes = [shape[name] for name in ("inputs", "outputs", "depth", "width", "hidden")]
    flags = [shape[name] for name in ("bias", "residual", "embedding")]
    known = [type(value) for value in sizes + flags] == [int] * 5 + [bool] * 3
    need(known and min(sizes) > 0 and len(shape) == 8, f"the shape is {shape}")
    dtype = arrays["blocks.0.left.weight"].dtype

    def weights(name: str, *size: int) -> Array:
        array = arrays[name]
        fits = array.shape == size and array.dtype == dtype and dtype.kind == "f"
        need(fits, f"{name} is {array.dtype} of shape {array.shape}")
        unread.remove(name)
        return array.astype(np.float64)

    def affine(name: str, inputs: int, outputs: int) -> Array:
        bias = weights(f"{name}.bias", outputs) if shape["bias"] else np.zeros(outputs)
        rows = np.column_stack([bias, weights(f"{name}.weight", outputs, inputs)])
        return np.concatenate([np.eye(1, 1 + inputs), rows])

    size, hidden = shape["inputs"], shape["hidden"]
    if shape["embedding"]:
        linear, none = affine("embedding", size, shape["width"]), np.zeros((0, 1 + size))
        stack.append(Layer(none, none, none, np.zeros((len(linear), 0)), linear))
        size = shape["width"]
    for number in range(shape["depth"]):
        above = shape["outputs"] if number + 1 == shape["depth"] else shape["width"]
        left = affine(f"blocks.{number}.left", size, hidden)[1:]
        right = affine(f"blocks.{number}.right", size, hidden)[1:]
        down = affine(f"blocks.{number}.down", hidden, above)
        linear = np.zeros((1 + above, 1 + size))
        linear[:, 0] = down[:, 0]
        if shape["residual"]:
            name, learned = f"blocks.{number}.skip.weight", size != above
            linear[1:, 1:] = weights(name, above, size) if learned else np.eye(size)
        stack.append(Layer(left, right, np.zeros_like(left), down[:, 1:], linear))
        size = above
    need(not unread, f"the model also holds {', '.join(sorted(unread))}")
    return stack, dtype == np.float32


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
    for layer in stack[:-1]:
        constant = np.array_equal(layer.linear[0], np.eye(layer.linear.shape[1])[0])
        need(constant and not layer.down[0].any(), "what stands for the constant does not")
    return stack


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
