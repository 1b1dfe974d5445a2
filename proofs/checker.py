"""A checker that trusts nobody: every claim of a certificate, verified from the files alone.

It shares no code with what makes certificates. Witnesses may be anything: no number of theirs
counts before it has been held against the model. Each method of :class:`Checker` proves a kind of
claim; why what it computes is a proof stands in the documentation, page "Certificates".

All arithmetic is float64, rounded to nearest, with bounds on its errors for sums in any order
(N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, sections 2.2 and 3.1). Run as
``python checker.py certificate.json``, it exits with 0 only if every claim holds.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
FORMAT = "bilinear-features certificate 2"
STATEMENTS = """
same polynomial (exact, polarisation): The {graph} graph and the network are the same polynomial,
  coefficient by coefficient in every layer: they agree for every real input.
difference (bounded, difference_bound): For every input whose numbers lie from {low} to {high}, no
  logit of the {graph} graph differs from the network's by more than {bound}, both without rounding.
rounding (bounded): On the {images} images no logit that is computed in {dtype}, in whatever
  order sums are taken, differs from the network's exact one by more than {bound}.
signature (bounded): The interaction matrices of the logits, with {size} eigenvalues each,
  have at least this many positive ones: {positive}; negative ones: {negative}; zeros: {zero}.
accuracy (measured): On the {images} images the network's largest exact logit is the label's
  at least {right} times.
agreement (measured): On the {images} images the {graph} graph's largest exact logit is of the
  same class as the network's at least {same} times.
robustness (bounded, s_lemma): For {count} of the {images} images no input nearer than a radius, in
  the mean {mean}, gets another class from the network than the image, and one that is further by
  the factor {factor} does.
pixel robustness (bounded, diagonal_bound): For {count} of the {images} images no input that differs
  from the image by less than a radius in every pixel, in the mean {mean}, gets another class.
stability (bounded, multiplier_bound): For {count} of the {images} images every input nearer than a
  radius, in the mean {mean}, gets the class that the network gives the image, from {models}.
"""
CLAIMS: dict[str, dict[str, Any]] = {
    kind: {"level": level, "theorem": theorem or None, "statement": " ".join(words.split())}
    for kind, level, theorem, words in re.findall(
        r"^(\w.*) \((\w+)(?:, )?(\w*)\): (.*(?:\n  .*)*)", STATEMENTS, re.MULTILINE
    )
}
UP = 1 + 2.0**-30  # more than rounding takes from a sum of a million sizes
LONGEST = 2**18  # no axis of a layer is longer, so that no sum has a million terms
# By arithmetic: the unit roundoff, what an operation loses near zero, and what nothing may exceed.
UNITS = {"float64": (2.0**-53, 2.0**-1020, 2.0**1000), "float32": (2.0**-24, 2.0**-125, 2.0**126)}
TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "|u1"}
PARTS = ("direction", "direction_low", "weight", "weight_low")
INPUT, FEATURE, _, LOGIT, RESIDUAL = range(5)


class Rejected(ValueError):  # noqa: N818 -- a verdict
    """What is wrong with a certificate, at the first place where something is."""


def need(holds: Any, otherwise: str) -> None:  # noqa: ANN401 -- a truth, or an array of them
    """Reject unless all of it holds; comparisons with what is no number do not."""
    if not np.all(holds):
        raise Rejected(otherwise)


@dataclass(frozen=True)
class Ball:
    """Floats, and how far from them the exact numbers lie at most.

    So near to the exact numbers lie also those that the arithmetic of the unit gives, with sums in
    any order, and with results near zero flushed to it.
    """

    value: Array
    error: Array
    unit: tuple[float, float, float] = UNITS["float64"]

    def __matmul__(self, other: "Ball") -> "Ball":
        """Multiply matrices."""
        unit, tiny, limit = self.unit
        count = self.value.shape[-1] + 4
        sizes = self.reach @ other.reach
        need(sizes < limit, "numbers leave the range of floats")
        error = count * unit / (1 - count * unit) * sizes
        if self.error.any():
            error += self.error @ other.reach
        if other.error.any():
            error += self.reach @ other.error
        return Ball(self.value @ other.value, UP * error + count * tiny, self.unit)

    def __mul__(self, other: "Ball") -> "Ball":
        """Multiply number by number."""
        unit, tiny, limit = self.unit
        sizes = self.reach * other.reach
        need(sizes < limit, "numbers leave the range of floats")
        error = unit * sizes + self.error * other.reach + self.reach * other.error
        return Ball(self.value * other.value, UP * error + tiny, self.unit)

    def __add__(self, other: "Ball") -> "Ball":
        """Add number to number."""
        unit, tiny, limit = self.unit
        total, error = self.value + other.value, self.error + other.error
        need(abs(total) + error < limit, "numbers leave the range of floats")
        return Ball(total, UP * (error + unit * (abs(total) + 2 * error)) + tiny, self.unit)

    def __neg__(self) -> "Ball":
        """Turn the sign."""
        return replace(self, value=-self.value)

    def __getitem__(self, place: Any) -> "Ball":  # noqa: ANN401 -- as numpy has it
        """Take a part."""
        return replace(self, value=self.value[place], error=self.error[place])

    @property
    def turned(self) -> "Ball":
        """The last two axes exchanged."""
        return replace(self, value=self.value.swapaxes(-1, -2), error=self.error.swapaxes(-1, -2))

    def shaped(self, *shape: int) -> "Ball":
        """Give the same numbers another shape."""
        return replace(self, value=self.value.reshape(shape), error=self.error.reshape(shape))

    @property
    def reach(self) -> Array:
        """Bounds on the sizes of exact numbers and those of the unit's arithmetic, but for UP."""
        return np.asarray(abs(self.value) + 2 * self.error)

    @property
    def most(self) -> Array:
        """Bounds on the sizes of the exact numbers."""
        return np.asarray(UP * (abs(self.value) + self.error))

    @property
    def least(self) -> Array:
        """Bounds on the exact numbers from below."""
        return np.asarray(self.value - UP * (self.error + 2.0**-52 * abs(self.value)))


def exact(floats: Any, unit: tuple[float, float, float] = UNITS["float64"]) -> Ball:  # noqa: ANN401
    """Return floats as balls without error."""
    array = np.asarray(floats, dtype=np.float64)
    return Ball(array, np.zeros_like(array), unit)


def joined(parts: Sequence[Ball], axis: int) -> Ball:
    """Return balls side by side."""
    value = np.concatenate([part.value for part in parts], axis)
    return Ball(value, np.concatenate([part.error for part in parts], axis), parts[0].unit)


def extended(images: Array, unit: str = "float64") -> Ball:
    """Return images with the constant before them."""
    return exact(np.column_stack([np.ones(len(images)), images]), UNITS[unit])


def norm(sizes: Array, axes: int = 1) -> Array:
    """Bound the root of the sum of squares along the last axes, one after the other."""
    total = sizes * sizes
    for _ in range(axes):
        total = total.sum(axis=-1)
    return np.asarray(UP * np.sqrt(total) + 2.0**-500)


def spectral(matrix: Ball) -> Array:
    """Bound the spectral norm: its fourth power is at most the norm of (A Aᵀ)²."""
    square = matrix @ matrix.turned
    return np.asarray(UP * np.sqrt(np.sqrt(norm((square @ square).most, 2))))


def positive(matrices: Ball) -> bool:
    """Return whether symmetric matrices have Cholesky factors, with room for all rounding.

    Then they are positive definite: S. M. Rump, *Verification of positive definiteness*, 2006.
    """
    value, one = (matrices.value + matrices.turned.value) / 2, np.eye(matrices.value.shape[-1])
    # A congruence by powers of two makes all diagonals about 1.
    powers = np.frexp((value * one).sum(axis=2))[1] // 2
    scale = np.ldexp(1.0, -(powers[:, :, None] + powers[:, None]))
    value, error = value * scale, matrices.error * scale
    traces = (abs(value) * one).sum(axis=(1, 2), keepdims=True)
    room = UP * (2.0**-52 * (len(one) + 8) * traces + norm(error, 2)[:, None, None]) + 2.0**-500
    try:
        factors = np.linalg.cholesky(value - room * one)
    except np.linalg.LinAlgError:
        return False
    return bool(np.isfinite(factors).all())


def diagonalised(matrix: Ball) -> tuple[Array, Array, float, float]:
    """Return values λ and vectors V, and bounds on |VᵀV - 1|, below 1, and on |VᵀMV - λ|."""
    values, vectors = np.linalg.eigh((matrix.value + matrix.value.T) / 2)
    size, ones = abs(vectors), np.ones(len(values))
    gamma = UP * (len(values) + 4) * 2.0**-53
    product, around = vectors.T @ matrix.value, size @ ones
    skew = abs(vectors.T @ vectors - np.diag(ones)) @ ones + gamma * (size.T @ around)
    rest = abs(product @ vectors - np.diag(values)) @ ones + gamma * abs(values)
    rest += gamma * (abs(product) @ around)
    rest += size.T @ (gamma * (abs(matrix.value) @ around) + matrix.error @ around)
    # The norm of a symmetric matrix is at most its largest row sum of sizes.
    skewest, most = (float(UP * sums.max() + 2.0**-500) for sums in (skew, rest))
    need(skewest < 1, "no basis of eigenvectors was found")
    return values, vectors, skewest, most


class Layer(NamedTuple):
    """Left and right readings, what they lack, weights of the products, and the linear part."""

    left: Array
    right: Array
    low: Array
    down: Array
    linear: Array

    @property
    def sides(self) -> tuple[Ball, Ball]:
        """The readings; what they lack is an error."""
        return Ball(self.left, abs(self.low)), Ball(self.right, abs(self.low))

    def form(self, signs: Array) -> Ball:
        """Return the symmetric matrix of a sum of outputs, linear parts beside the constant."""
        (left, right), weights = self.sides, exact(signs[None] / 2)
        half = left.turned @ ((weights @ exact(self.down)).turned * right)
        half += exact(np.eye(self.linear.shape[1], 1)) @ (weights @ exact(self.linear))
        return half + half.turned

    def margin(self, one: int, other: int) -> Ball:
        """Return the symmetric matrix of the margin of a class over another."""
        outputs = np.arange(len(self.down))
        return self.form((outputs == one + 1) * 1.0 - (outputs == other + 1))

    def slope(self, state: Ball) -> Ball:
        """Return the derivatives of the outputs at a state, without the constants."""
        left, right = self.sides
        lefts, rights = state @ left.turned, state @ right.turned
        down, linear = exact(self.down[1:]), exact(self.linear[1:, 1:])
        return linear + ((down * lefts) @ right[:, 1:] + (down * rights) @ left[:, 1:])

    def bends(self, basis: Array) -> Ball:
        """Return the symmetric matrices of the outputs' bilinear parts, in a basis."""
        left, right = (side[:, 1:] @ exact(basis) for side in self.sides)
        forms = left.turned @ (exact(self.down[1:, :, None]) * right)
        return (forms + forms.turned) * exact(0.5)

    def gram(self) -> Ball:
        """Return the inner products of the outputs' bilinear parts."""
        left, right = self.sides
        products = (left @ left.turned) * (right @ right.turned)
        products += (left @ right.turned) * (right @ left.turned)
        return exact(self.down) @ (products * exact(0.5)) @ exact(self.down.T)


def read(folder: Path, item: dict[str, str], content: str) -> tuple[dict[str, Array], Any]:
    """Return the arrays of a safetensors file and its description, if it is the right one."""
    raw, file = (folder / item["name"]).read_bytes(), item["name"]
    right = hashlib.sha256(raw).hexdigest() == item["sha256"]
    need(right, f"{file} is another file than was certified")
    start = end = 8 + int.from_bytes(raw[:8], "little")
    header, arrays = json.loads(raw[8:start]), {}
    note = json.loads(header.pop("__metadata__")["description"])
    need(note["format"] == f"bilinear-features {content} 1", f"{file} holds no {content}")
    for name, tensor in sorted(header.items(), key=lambda entry: entry[1]["data_offsets"]):
        array = np.ndarray(tensor["shape"], TYPES[tensor["dtype"]], raw, end)
        offsets = [end - start, end - start + array.nbytes]
        need(tensor["data_offsets"] == offsets, f"{name} does not stand in its place in {file}")
        need(np.isfinite(array), f"{name} in {file} is not finite")
        arrays[name], end = array, end + array.nbytes
    need(end == len(raw), f"{file} goes on after its arrays")
    return arrays, note


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
    need(not unread, f"the model also holds {', '.join(unread)}")
    return stack, dtype == np.float32


def graph_layers(arrays: dict[str, Array], note: Any) -> list[Layer]:  # noqa: ANN401 -- JSON
    """Return the layers of a graph file, features that were cut left out."""
    nodes, edges, sizes = arrays["nodes"], arrays["edges"], note["graph"]["sizes"]
    need([type(size) is int and size > 1 for size in sizes], f"the sizes are {sizes}")
    for items, width, said in ((nodes, 3, note["nodes"]), (edges, 2, note["edges"])):
        right = items.dtype == np.int64 and items.shape[1:] == (width,) and np.all(items >= 0)
        need(right and len(np.unique(items, axis=0)) == len(items), "a node or an edge is none")
        named = any(set(PARTS) & entry.keys() for entry in said.values())
        need(not named, "a weight stands among the words")
    parts: dict[str, dict[int, Any]] = {}
    for name in PARTS:
        owners, given = arrays[f"{name}.rows"], arrays[name]
        axes, most = ((sizes[0],), len(nodes)) if "direction" in name else ((), len(edges))
        right = given.dtype == np.float64 and given.shape == (len(owners), *axes)
        right = right and owners.dtype == np.int64 and np.all((owners >= 0) & (owners < most))
        need(right and len(np.unique(owners)) == len(owners), f"a {name} belongs to nothing")
        parts[name] = dict(zip(owners.tolist(), given, strict=True))
    (kind, first, second), last, cut = nodes.T, len(sizes) - 1, np.zeros(len(nodes), dtype=bool)
    alone, inside = second == 0, (first > 0) & (first < last)
    right = np.choose(kind, [alone & (first == 0), inside | (first == last), inside, alone, alone])
    need(right, "a node is in no layer")
    for place, entry in note["nodes"].items():
        cut[int(place)] = entry.get("cut", cut[int(place)])
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
        if reads:
            layer.low[rows[target], column] = low
    for layer in stack[:-1]:
        constant = np.array_equal(layer.linear[0], np.eye(layer.linear.shape[1])[0])
        need(constant and not layer.down[0].any(), "what stands for the constant does not")
    return stack


def modular_forms(layer: Layer, prime: int) -> Iterator[Array]:
    """Yield the doubled symmetric matrix of every output but the constant, modulo a prime."""

    def residues(array: Array) -> Array:
        # Floats are integers of 53 bits times powers of two.
        mantissas, exponents = np.frexp(array)
        powers, places = np.unique(exponents - 53, return_inverse=True)
        table = np.array([pow(2, int(power), prime) for power in powers], dtype=np.int64)
        whole = (mantissas * 2.0**53).astype(np.int64) % prime
        return np.asarray(whole * table[places].reshape(array.shape) % prime, dtype=np.float64)

    left, right, low, down, linear = map(residues, layer)
    lefts = np.concatenate([left + low, np.eye(1, linear.shape[1])])
    for weights, added in zip(down[1:], linear[1:], strict=True):
        rights = np.concatenate([(right + low) * weights[:, None] % prime, added[None]])
        total = np.zeros((linear.shape[1],) * 2)
        # A sum of 512 products of residues below 2²¹, one of them twice as large, is exact.
        for start in range(0, len(lefts), 512):
            total += lefts[start : start + 512].T @ rights[start : start + 512] % prime
        yield (total + total.T) % prime


def primes(bits: int) -> Iterator[int]:
    """Yield primes between 2²⁰ and 2²¹ whose product has more bits."""
    numbers = range(2**21 - 1, 2**20, -2)
    found = (n for n in numbers if all(n % divisor for divisor in range(3, 1449, 2)))
    for _ in range(bits // 20 + 1):
        yield next(found)


def bits(layers: Sequence[Layer]) -> int:
    """Bound the bits of any difference of coefficients, over the power of two that all share."""
    arrays = [array for layer in layers for array in layer]
    mantissas, exponents = np.frexp(np.concatenate([array[array != 0] for array in arrays]))
    whole = (mantissas * 2.0**53).astype(np.int64)
    lowest = exponents - 54 + np.frexp((whole & -whole).astype(np.float64))[1]
    span = int(exponents.max(initial=0)) - int(lowest.min(initial=0))
    return 3 * span + 6 + max(len(layer.left) for layer in layers).bit_length()


def forward(stack: list[Layer], state: Ball) -> list[Ball]:
    """Return all hidden states and the logits, each with its constant first."""
    states = [state]
    for layer in stack:
        left, right = layer.sides
        reading = states[-1] @ left.turned
        again = reading if layer.right is layer.left else states[-1] @ right.turned
        # In one sum, as any order is allowed in which products and linear part are added.
        weights = exact(np.concatenate([layer.down, layer.linear], axis=1).T)
        states.append(joined([reading * again, states[-1]], 1) @ weights)
    return states


def decided(logits: Ball) -> Array:
    """Return the class of the largest logit of each image; -1 where the errors leave it open."""
    found = logits.value.argmax(axis=1)[:, None]
    rivals = -(-logits).least
    np.put_along_axis(rivals, found, -np.inf, axis=1)
    clear = np.take_along_axis(logits.least, found, axis=1)[:, 0] > rivals.max(axis=1)
    return np.where(clear, found[:, 0], -1)


def residual(one: Layer, other: Layer, below: Array | None, above: Array | None, row: int) -> float:
    """Bound the norm of the form by which a graph's output differs from the network's.

    The form is a product of two matrices, whose leading bits are multiplied without error.
    """
    weights, linear = exact(one.down[[row]]), exact(one.linear[[row]])
    if above is not None:
        weights, linear = (exact(above[[row]]) @ exact(array) for array in (one.down, one.linear))
    mixing, added = other.down[row], exact(other.linear[[row]])
    mine, (left, right) = weights.most[0] > 0, one.sides
    reading = other.sides[0][mixing != 0]
    if below is not None:
        reading, added = reading @ exact(below), added @ exact(below)
    x = joined([reading, left[mine], exact(np.eye(1, one.linear.shape[1]))], 0)
    mixed = exact(mixing[mixing != 0][:, None]) * reading
    weighed = weights[:, mine].turned * right[mine]
    y = joined([mixed, -weighed, added + -linear], 0)
    digits = (52 - len(x.value).bit_length()) // 2
    steps = [2.0 ** (np.frexp(abs(factor.value).max())[1] - digits) for factor in (x, y)]
    high_x, high_y = (np.rint(a.value / step) * step for a, step in zip((x, y), steps, strict=True))
    low_x, low_y = x.value - high_x, y.value - high_y
    total = high_x.T @ high_y + (high_x.T @ low_y + low_x.T @ y.value)
    gamma = (len(x.value) + 8) * 2.0**-53
    error = gamma * (norm(high_x, 2) * norm(low_y, 2) + norm(low_x, 2) * norm(y.value, 2))
    error = error + norm(x.error, 2) * norm(y.most, 2) + norm(x.value, 2) * norm(y.error, 2)
    error = error + 2.0**-50 * norm(total, 2)
    return float(UP * (spectral(exact((total + total.T) / 2)) + error))


def mixed(weights: Ball, forms: Ball) -> Ball:
    """Return weighted sums of matrices."""
    count, *shape = forms.value.shape
    return (weights @ forms.shaped(count, -1)).shaped(-1, *shape)


def between(forms: Ball, middle: Ball) -> Ball:
    """Return the sum of all N M N of symmetric matrices N and a matrix M."""
    size = len(middle.value)
    return (forms @ middle).turned.shaped(-1, size).turned @ forms.shaped(-1, size)


class Surroundings:
    """A stack near images: a move of an image has coordinates in a basis, and lies beside it.

    The first hidden state is moved by both, and each by what its layer bends: a root times
    coordinates. Of all these coordinates a margin is a quadratic.
    """

    def __init__(self, stack: list[Layer], basis: Array, roots: list[Array]) -> None:
        (pixels, size), count = basis.shape, len(stack[0].linear) - 1
        self.stack, self.roots = stack, [exact(root) for root in roots]
        self.basis = np.concatenate([basis, np.zeros((pixels, count))], axis=1)
        self.beside = np.eye(count, size + count, size)
        self.skew = float(spectral(exact(basis.T) @ exact(basis) + exact(-np.eye(size))))
        need(self.skew < 1, "the basis of the pixels is none")
        bases = [self.basis, *(np.eye(len(root)) for root in roots)]
        self.bends = [layer.bends(inner) for layer, inner in zip(stack, bases, strict=True)]
        self.turned, self.losses = [], []
        for root, bends in zip(self.roots, self.bends, strict=False):
            inverse = exact(np.linalg.inv(root.value))
            loss = spectral(inverse @ root + exact(-np.eye(len(root.value))))
            need(loss < 0.5, "the basis of a hidden state is none")
            self.turned.append(mixed(inverse, bends))
            self.losses.append(UP / (1 - float(loss)) ** 2)
        self.spread = [between(each, exact(np.eye(size + count))) for each in self.turned[:1]]
        # What the first layer makes of a move beside the basis together with any other.
        left, right = (side[:, 1:] for side in stack[0].sides)
        ones, others = joined([left, right], 0), joined([right, left], 0)
        others += -(others @ exact(basis) @ exact(basis.T))
        down = exact(np.tile(stack[0].down[1:], 2))
        gram = down @ ((ones @ ones.turned) * (others @ others.turned)) @ down.turned
        self.crossed = float(UP * np.sqrt(spectral(gram)) / 2)

    def kept(self, image: Array, label: int, radius: float, factors: Array) -> bool:
        """Return whether multipliers prove that an image keeps its class within a radius."""
        states = forward(self.stack, extended(image[None]))
        slopes = [layer.slope(state) for layer, state in zip(self.stack, states, strict=False)]
        straight, square = slopes[0] @ exact(self.basis), UP * radius * radius / (1 - self.skew)
        missing = float(spectral(slopes[0] + -(straight @ exact(self.basis.T))))
        slopes[0] = straight + exact(UP * (missing + 2 * radius * self.crossed) * self.beside)
        sizes = [1, self.basis.shape[1], *(len(root.value) for root in self.roots)]
        unit, inner, *places = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1])
        # Moves of the states, as maps; what the square of each is below, and that of its bend.
        moves, product, spreads = [exact(inner)], exact(square * np.eye(sizes[1])), []
        for level, root in enumerate(self.roots):
            spread = self.spread[0] * exact(square)
            if level:
                spread = between(self.turned[level], product)
            bend = UP * float(spectral(spread @ product)) * self.losses[level]
            spreads.append(spread * exact(self.losses[level]))
            moves.append(slopes[level] @ moves[-1] + root @ exact(places[level]))
            bent = root @ root.turned * exact(bend)
            product = slopes[level] @ product @ slopes[level].turned
            ratio = np.trace(bent.value) / max(np.trace(product.value), 2.0**-500)
            share = min(max(float(np.sqrt(ratio)), 1e-3), 1e3)
            product = product * exact(UP * (1 + share)) + bent * exact(UP * (1 + 1 / share))
        signs = np.eye(len(factors))[label] - np.eye(len(factors))
        signs, factors = (np.delete(rows, label, axis=0) for rows in (signs, factors))
        diagonals = [-UP * square * factors[:, :1], np.repeat(factors, sizes[1:], axis=1)]
        total = exact(np.concatenate(diagonals, axis=1)[:, :, None] * np.eye(sum(sizes)))
        gradients = exact(signs)
        row = gradients @ states[-1][:, 1:].turned @ exact(unit)
        for level in reversed(range(len(slopes))):
            forms = mixed(gradients, self.bends[level])
            if level < len(spreads):
                forms += -(exact(factors[:, level + 1, None, None]) * spreads[level])
            if level:
                total += moves[level].turned @ forms @ moves[level]
            else:
                room = ((0, 0), *[(1, sum(sizes[2:]))] * 2)
                total += Ball(np.pad(forms.value, room), np.pad(forms.error, room))
            gradients = gradients @ slopes[level]
        half = exact(unit.T) @ ((row + gradients @ moves[0]) * exact(0.5))[:, None]
        return positive(total + (half + half.turned))


class Checker:
    """The files that a certificate names, and a method for each kind of claim."""

    def __init__(self, folder: Path, files: dict[str, Any]) -> None:
        model, single = network(*read(folder, files["model"], "network"))
        graphs = {
            name: graph_layers(*read(folder, item, "graph"))
            for name, item in files["graphs"].items()
        }
        self.hold(model, graphs, read(folder, files["witnesses"], "witnesses")[0], single=single)

    def hold(
        self,
        model: list[Layer],
        graphs: dict[str, list[Layer]],
        arrays: dict[str, Array],
        *,
        single: bool,
    ) -> None:
        """Take what claims are about, and their witnesses."""
        self.model, self.graphs, self.arrays = model, graphs, arrays
        for name in graphs:
            need(re.fullmatch(r"[\w.-]+( \(\d+\))?", name, re.ASCII), f"a graph is called {name}")
        for stack in (self.model, *self.graphs.values()):
            axes = [axis for layer in stack for array in layer for axis in array.shape]
            need(max(axes) <= LONGEST, f"a layer has {max(axes)} rows or columns")
        pixels = self.arrays["images"]
        if pixels.dtype == np.uint8:
            # Bytes stand for the float32 nearest to their 255th part, as torch sees them.
            pixels = pixels.astype(np.float32) / np.float32(255)
        need(pixels.dtype.kind == "f" and pixels.ndim == 2 and len(pixels) > 0, "no images")
        self.single = single and np.array_equal(pixels, pixels.astype(np.float32))
        self.images: Array = pixels.astype(np.float64)
        self.pairs: dict[tuple[int, int], tuple[Ball, Array, Array, float, float]] = {}

    def witness(self, name: str, dtype: type, *shape: int) -> Array:
        """Return a witness, if it is of a type and a shape."""
        found = self.arrays[name]
        right = found.dtype == dtype and found.shape == shape
        need(right, f"{name} is {found.dtype} of shape {found.shape}")
        return found

    def layers(self, graph: str) -> list[tuple[Layer, Layer]]:
        """Return the layers of the network with those of a graph."""
        return list(zip(self.model, self.graphs[graph], strict=True))

    def classes(self, stack: list[Layer], images: int) -> Array:
        """Return the certain class of every image, -1 where there is none."""
        need(images == len(self.images), f"there are {len(self.images)} images")
        chunks = np.array_split(self.images, 1 + images // 500)
        logits = (forward(stack, extended(chunk))[-1] for chunk in chunks)
        return np.concatenate([decided(each[:, 1:]) for each in logits])

    def same_polynomial(self, graph: str) -> None:
        """Compare all coefficients modulo primes whose product exceeds any difference."""
        for number, pair in enumerate(self.layers(graph), start=1):
            need(pair[0].linear.shape == pair[1].linear.shape, f"layer {number} has another size")
            for prime in primes(bits(pair)):
                forms = zip(*(modular_forms(layer, prime) for layer in pair), strict=True)
                for output, (mine, its) in enumerate(forms, start=1):
                    where = np.argwhere(mine != its)[:1].tolist()
                    need(not where, f"layer {number}, output {output}: coefficient {where} differs")

    def difference(self, graph: str, low: Fraction, high: Fraction, bound: Fraction) -> None:
        """Carry the difference upwards, from the forms by which each layer differs."""
        need(low <= high, "the region is empty")
        most = UP * float(max(abs(low), abs(high)))
        size = float(norm(np.array([1.0, most * np.sqrt(self.images.shape[1])])))
        below, errors, error, basis = None, np.zeros(1), 0.0, 1.0
        for number, (one, other) in enumerate(self.layers(graph), start=1):
            above, (outputs, expected) = None, (len(other.linear), len(one.linear))
            if number < len(self.model) and f"{graph}.basis.{number}" in self.arrays:
                above = self.witness(f"{graph}.basis.{number}", np.float64, outputs, expected)
                need(above[0] == np.eye(1, expected), "a basis moves the constant")
            need(above is not None or outputs == expected, f"layer {number} has another size")
            rests = np.array([residual(one, other, below, above, o) for o in range(1, outputs)])
            errors, carried = UP * rests * size * size, UP * norm(rests) * size * size
            if error:
                gram, reach = other.gram(), UP * (2 * basis * size + error) * error
                errors += UP * (np.sqrt(np.diagonal(gram.most)[1:]) * reach)
                errors += UP * (norm(other.linear[1:, 1:]) * error)
                carried += UP * (np.sqrt(spectral(gram)) * reach)
                carried += UP * (spectral(exact(other.linear[1:, 1:])) * error)
            straight = norm(one.linear[:, 0]) + spectral(exact(one.linear[:, 1:])) * size
            size = float(UP * (np.sqrt(spectral(one.gram())) * size * size + straight))
            below, error = above, float(UP * carried)
            basis = 1.0 if above is None else float(spectral(exact(above)))
        worst = UP * errors.max()
        need(Fraction(worst) <= bound, f"a logit may differ by {worst:.6g}")

    def rounding(self, images: int, dtype: str, bound: Fraction) -> None:
        """Bound the rounding of a forward pass."""
        need(images == len(self.images), f"there are {len(self.images)} images")
        need(dtype == "float64" or self.single, "network and images are not in float32")
        worst = forward(self.model, extended(self.images, dtype))[-1].error[:, 1:].max()
        need(Fraction(worst) <= bound, f"a logit may differ by {worst:.6g}")

    def signature(
        self, size: int, positive: list[int], negative: list[int], zero: list[int]
    ) -> None:
        """Count eigenvalues of a nearly diagonal matrix: congruence keeps their signs."""
        last = self.model[-1]
        need(size == last.linear.shape[1], f"the forms are of {last.linear.shape[1]} numbers")
        claimed = list(zip(positive, negative, zero, strict=True))
        need(len(claimed) == len(last.down) - 1, f"there are {len(last.down) - 1} logits")
        for output, counts in enumerate(claimed, start=1):
            bare = last._replace(linear=np.zeros_like(last.linear))
            values, _, _, rest = diagonalised(bare.form(np.eye(len(last.down))[output]))
            used = last.down[output] != 0
            rows = np.unique(np.concatenate([last.left[used], last.right[used]]), axis=0)
            rank = min(len(rows), int(np.count_nonzero(rows.any(axis=0))))
            found = [int((values > rest).sum()), int((values < -rest).sum()), size - rank]
            need(np.array(counts) <= found, f"logit {output - 1} has {found}, not {counts}")

    def accuracy(self, images: int, right: int) -> None:
        """Count the images of the label's class."""
        classes, labels = self.classes(self.model, images), self.witness("labels", np.int64, images)
        found = int(((classes == labels) & (classes >= 0)).sum())
        need(right <= found, f"{found} are right")

    def agreement(self, graph: str, images: int, same: int) -> None:
        """Count the images of one class."""
        one, other = (self.classes(stack, images) for stack in (self.model, self.graphs[graph]))
        found = int(((one == other) & (one >= 0)).sum())
        need(same <= found, f"{found} are the same")

    def radii(self, name: str, images: int, count: int, mean: Fraction) -> tuple[Array, Array]:
        """Return radii, held against the numbers of a claim, and the classes of the images."""
        radii, classes = self.witness(name, np.float64, images), self.classes(self.model, images)
        need((radii == 0) | (radii > 2.0**-400), "there is a radius below 0, or next to it")
        need((radii > 0).sum() == count, f"{(radii > 0).sum()} radii are above 0")
        found = sum(map(Fraction, radii.tolist()), Fraction(0)) / max(count, 1)
        # The mean is rounded down to three digits.
        need(mean <= found <= mean * Fraction(101, 100), f"the mean is {float(found)}")
        need(classes[radii > 0] >= 0, "an image has no certain class")
        return radii, classes

    def pair(self, one: int, other: int) -> tuple[Ball, Array, Array, float, float]:
        """Return a margin's form and its eigendecomposition, certified once for both orders."""
        if one > other:
            form, values, vectors, skew, rest = self.pair(other, one)
            return -form, -values, vectors, skew, rest
        if (one, other) not in self.pairs:
            form = self.model[0].margin(one, other)
            self.pairs[one, other] = form, *diagonalised(form[1:, 1:])
        return self.pairs[one, other]

    def robustness(self, images: int, count: int, mean: Fraction, factor: Fraction) -> None:
        """Prove each radius by a multiplier, and its sharpness by a point beyond."""
        radii, classes = self.radii("robustness.radius", images, count, mean)
        outputs = len(self.model[-1].down) - 1
        multipliers = self.witness("robustness.multipliers", np.float64, images, outputs)
        targets = self.witness("robustness.targets", np.int64, images)
        added = self.witness("robustness.added", np.float64, images)
        need(len(self.model) == 1, "the network has several layers")
        reached = radii == 0
        for label, other in np.argwhere(~np.eye(outputs, dtype=bool)).tolist():
            places = np.flatnonzero((classes == label) & (radii > 0))
            if not places.size:
                continue
            form, values, vectors, skew, rest = self.pair(label, other)
            ones, points = exact(np.ones((len(form.value), 1))), extended(self.images[places])
            slopes, factors = points @ form, multipliers[places, other][:, None]
            gains = exact(factors) * ((slopes * points) @ ones)
            drawn = exact(factors) * (slopes[:, 1:] @ exact(vectors))
            floors = values - rest - 2.0**-50 * (abs(values) + rest)
            stretch = 1 - skew + factors * floors - 2.0**-50 * (1 + abs(factors * floors))
            need(stretch > 0, f"{label} against {other}: a multiplier is too large")
            spent = UP * ((drawn.most**2 + 2.0**-1000) / stretch).sum(axis=1, keepdims=True)
            proven = (gains + -exact(spent)).least[:, 0]
            wrong = places[~((factors[:, 0] >= 0) & (proven >= UP * radii[places] ** 2))]
            need(not wrong.size, f"image {wrong[:1]} may become {other} within its radius")
            near = targets[places] == other
            starts, steps = self.images[places[near]], -drawn.value / (1 + factors * values)
            steps = steps[near]
            steps[:, values.argmin()] += added[places[near]]
            # Within the factor, and so far beyond that rounding leaves no doubt.
            lengths = radii[places[near]] * (0.1 + 0.9 * float(factor))
            ends = starts + (steps * (lengths / np.linalg.norm(steps, axis=1))[:, None]) @ vectors.T
            beyond = (extended(ends) @ form * extended(ends)) @ ones
            apart = norm((exact(ends) + exact(-starts)).most)
            right = ((-beyond).least[:, 0] > 0) & (apart <= radii[places[near]] * float(factor))
            wrong = places[near][~right]
            need(not wrong.size, f"image {wrong[:1]} need not become {other} further away")
            reached[places[near]] = True
        need(reached, f"image {np.flatnonzero(~reached)[:1]} has no nearest class")

    def pixel_robustness(self, images: int, count: int, mean: Fraction) -> None:
        """Prove each radius by diagonals that make the forms of margins positive."""
        radii, classes = self.radii("pixel robustness.radius", images, count, mean)
        last, inputs = self.model[-1], self.images.shape[1]
        outputs = len(last.down) - 1
        need(len(self.model) == 1, "the network has several layers")
        shape = outputs, outputs, inputs
        diagonals = self.witness("pixel robustness.diagonals", np.float64, *shape)
        for label, other in np.argwhere(~np.eye(outputs, dtype=bool)).tolist():
            places = np.flatnonzero((classes == label) & (radii > 0))
            if not places.size:
                continue
            form, diagonal = last.margin(label, other), diagonals[label, other]
            proves = np.all(diagonal >= 0) and positive(
                (form[1:, 1:] + exact(np.diag(diagonal)))[None]
            )
            need(proves, f"{label} against {other}: the diagonal is too small")
            points, reach = extended(self.images[places]), radii[places]
            slopes = points @ form
            margins = ((slopes * points) @ exact(np.ones((1 + inputs, 1)))).least[:, 0]
            lost = (2 * slopes.most[:, 1:].sum(axis=1) + UP * diagonal.sum() * reach) * reach
            wrong = places[~(margins > UP * lost)]
            need(not wrong.size, f"image {wrong[:1]} may become {other} within its radius")

    def stability(self, models: str, images: int, count: int, mean: Fraction) -> None:
        """Bound margins on balls around the images by multipliers."""
        name = f"stability.{models}"
        radii, classes = self.radii(f"{name}.radius", images, count, mean)
        stacks = {"the network": [self.model]}
        for graph, stack in self.graphs.items():
            stacks[f"the network and the {graph} graph"] = [self.model, stack]
        for mark, stack in zip((f"{name}.network", f"{name}.graph"), stacks[models], strict=False):
            *sizes, outputs = (len(layer.linear) - 1 for layer in stack)
            shape = images, outputs, len(stack)
            multipliers = self.witness(f"{mark}.multipliers", np.float64, *shape)
            need(multipliers >= 0, "a multiplier is below 0")
            rank = self.arrays[f"{mark}.basis"].shape[1:]
            basis = self.witness(f"{mark}.basis", np.float64, self.images.shape[1], *rank)
            roots = [
                self.witness(f"{mark}.root.{number}", np.float64, size, size)
                for number, size in enumerate(sizes, start=1)
            ]
            near = Surroundings(stack, basis, roots)
            for place in np.flatnonzero(radii > 0):
                given = int(classes[place]), float(radii[place]), multipliers[place]
                right = near.kept(self.images[place], *given)
                need(right, f"image {place} may get another class within its radius")


def digest(said: dict[str, Any]) -> str:
    """Return the SHA-256 of what a certificate says."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def number(kind: Any, given: Any) -> Any:  # noqa: ANN401 -- JSON, as a parameter wants it
    """Return what a claim gives for a parameter: a count, a decimal, a text, or counts."""
    if kind == list[int]:
        need(type(given) is list, f"{given!r} is no list")
        return [number(int, item) for item in given]
    right = type(given) is (int if kind is int else str)
    if right and kind is not str:
        right = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", str(given)) is not None
    need(right and (kind is not int or given >= 0), f"{given!r} is no {kind.__name__}")
    return kind(given)


def check(path: Path) -> list[str]:
    """Verify a certificate; return its claims in words, or raise Rejected."""
    about, sentences = "", []
    try:
        text = path.read_text(encoding="utf-8")
        said = json.loads(text)
        # No name stands twice, and no number in another form: what is read is what is written.
        laid_out = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
        need(laid_out == text, "the text is laid out otherwise")
        need(said["format"] == FORMAT, "the certificate has another format")
        need(said.pop("sha256") == digest(said), "the text is another than was written")
        with np.errstate(all="ignore"):
            checker = Checker(path.parent, said["files"])
            for claim in said["claims"]:
                kind, numbers = CLAIMS[claim["kind"]], claim["numbers"]
                words = kind["statement"].format(**numbers)
                about = f"{words} This does not hold: "
                expected = {"kind": claim["kind"], "numbers": numbers, **kind, "statement": words}
                need(claim == expected, f"the claim says {claim}")
                method = getattr(checker, claim["kind"].replace(" ", "_"))
                kinds = method.__annotations__
                method(**{name: number(kinds[name], given) for name, given in numbers.items()})
                sentences.append(f"[{kind['level']}] {words}")
        need(len(sentences) > 0, "nothing is claimed")
    except Exception as error:
        wrong = str(error) if isinstance(error, Rejected) else repr(error)
        raise Rejected(about + wrong) from error
    return sentences


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python checker.py CERTIFICATE")
    try:
        verified = check(Path(sys.argv[1]))
    except Rejected as error:
        sys.exit(f"rejected: {error}")
    sys.stdout.write("\n".join([*verified, "All of this has been checked.\n"]))
