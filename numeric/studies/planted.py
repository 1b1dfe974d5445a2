r"""Planted truth: networks built by hand of known features, and which of them every method finds.

A layer of a planted network is :math:`\tilde y = B\,(P\tilde x)^2` with readings :math:`P` that are
drawn, in neurons that hide them: with a random :math:`z = TP\tilde x` every square is a sum of
products :math:`z_i z_j`, and these are the neurons. What a method finds is compared with what was
planted whatever the basis of a hidden state: readings of a layer are polynomials of the input, and
their cosine is that of their tensors.

Not every feature can be found, by any method. What a network says of a feature is in the weights
with which the next layer's readings, or the outputs, take its square: where those of two features
are proportional, :math:`p_1^2 + p_2^2` is the same function for each turn of the two, and only
their span is determined, unless one asks for orthogonal ones of different weights. Where features
are more than their inputs, a network may not determine them at all. Both are counted apart, and so
are methods that need not find what is determined: eigenvectors are orthogonal, and planted readings
need not be.

Source:
    That independent readings with no two proportional columns of weights are determined is
    R. A. Harshman, *Determination and proof of minimum uniqueness conditions for PARAFAC1* (1972).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.features.kernels import stack_products, with_linear_neurons
from numeric.graphs.pruning import as_layers
from numeric.networks.normal_form import Layer, SquareLayer
from numeric.scalars import check_integer

Doubles = npt.NDArray[np.float64]

_PROPORTIONAL = 1 - 1e-9
"""Columns of weights of this cosine are proportional."""

_DEPENDENT = 1e-10
"""Of forms that vary by less than this share of the most, as squares, nothing is read."""


@dataclass(frozen=True)
class Kind:
    """How features are planted.

    Attributes:
        words: what is planted.
        readings: ``"orthonormal"`` as polynomials of the inputs, or ``"overlapping"``.
        columns: of the weights: ``"full"``, ``"own"`` (each output has a feature of its own) or
            ``"equal"`` (the first two features have equal ones).
        above: what the second layer reads: ``"drawn"`` sums, ``"products"`` of two features, or the
            ``"sums"`` of pairs of features alone.
        features: how many in the first layer.
        outputs: of the last layer.
        depths: of the networks that are made.
        inputs: of the network.
        hidden: the width of hidden states; left out, that of the features in them.
    """

    words: str
    readings: str = "orthonormal"
    columns: str = "full"
    above: str = "drawn"
    features: int = 8
    outputs: int = 6
    depths: tuple[int, ...] = (1, 2, 3)
    inputs: int = 12
    hidden: int | None = None


KINDS = {
    "distinct": Kind("each output has a feature of its own", columns="own", outputs=8),
    "shared": Kind("every output has all features"),
    "overlapping": Kind("readings overlap, and read the constant", readings="overlapping"),
    "product": Kind(
        "the next layer multiplies features, two by two", above="products", depths=(2,)
    ),
    "sum": Kind("the next layer reads pairs of features as a sum", above="sums", depths=(2,)),
    "equal columns": Kind("two features weigh alike for all that reads them", columns="equal"),
    "too many": Kind(
        "more unknowns than equations",
        readings="overlapping",
        features=16,
        outputs=2,
        depths=(1,),
    ),
}
"""What is planted, by name."""

PAIRS = "pairs"
"""The name of a network whose features fire in pairs, though it keeps them apart."""

_OF_PAIRS = Kind("features may fire together", features=16, outputs=8, inputs=20, hidden=20)


@dataclass(frozen=True)
class Planted:
    """A network with known features.

    Attributes:
        layers: in the normal form, the features hidden in the neurons.
        open_layers: the same, its squares in the open.
        groups: for each layer, the features in groups: alone where each is determined, together
            where only the span of several is; none where nothing is.
    """

    layers: tuple[Layer, ...]
    open_layers: tuple[SquareLayer, ...]
    groups: tuple[tuple[tuple[int, ...], ...], ...]


def planted(kind: str, depth: int, seed: int) -> Planted:
    """Build a network of known features.

    Args:
        kind: one of :data:`KINDS`, or :data:`PAIRS`.
        depth: the number of layers.
        seed: draws readings, weights and what hides them.

    Raises:
        NumericError: there is no such kind, or a number is out of range.

    Examples:
        >>> network = planted("equal columns", 1, seed=0)
        >>> network.groups[0][:2], network.layers[0].left.shape
        (((0, 1), (2,)), (36, 13))
    """
    if kind not in KINDS and kind != PAIRS:
        raise NumericError(f"expected kind to be one of {', '.join(KINDS)}, got {kind!r}")
    how, generator = (
        KINDS.get(kind, _OF_PAIRS),
        np.random.default_rng(check_integer(seed, "seed", least=0)),
    )
    if depth not in how.depths:
        raise NumericError(f"expected depth of {kind!r} to be one of {how.depths}, got {depth!r}")
    squares: list[SquareLayer] = []
    for number in range(1, depth + 1):
        readings = _readings(how, squares, generator)
        # No more forms than there are to be told apart.
        hidden = how.hidden or len(readings) - (how.columns == "equal")
        outputs = how.outputs if number == depth else hidden
        multiplied = number > 1 and how.above == "products"
        columns = _columns(how, len(readings), outputs, generator, multiplied=multiplied)
        squares.append(_of_size_one(squares, readings, columns))
    layers = tuple(_hidden(square, generator) for square in squares)
    return Planted(layers, tuple(squares), tuple(_determined(squares)))


def _readings(how: Kind, below: Sequence[SquareLayer], generator: np.random.Generator) -> Doubles:
    """Draw readings of the inputs, or of the forms of the layers below."""
    if below and how.above != "drawn":
        # What gives the squares below back, in pairs.
        back = np.linalg.pinv(below[-1].mixing[1:])
        first, second = back[0::2], back[1::2]
        pairs = [first + second] if how.above == "sums" else [first + second, first - second]
        rows = np.concatenate(pairs)
        return np.concatenate([np.zeros((len(rows), 1)), rows], axis=1)
    basis = _orthonormal(below) if below else np.eye(how.inputs + 1)
    size = len(basis) - 1
    if how.readings == "orthonormal":
        rows = np.linalg.qr(generator.normal(size=(size, size)))[0][: how.features]
        constant = np.zeros((len(rows), 1))
    else:
        # Pairs of directions that overlap by 0.8, and a part of the constant.
        rows = generator.normal(size=(how.features, size)) / np.sqrt(size)
        rows[1::2] = 0.8 * rows[0::2] + 0.6 * rows[1::2]
        constant = 0.3 * generator.normal(size=(len(rows), 1))
    return np.asarray(np.concatenate([constant, rows], axis=1) @ basis)


def _orthonormal(below: Sequence[SquareLayer]) -> Doubles:
    """Return a basis of what is read that is orthonormal as polynomials, the constant first."""
    whole = [with_linear_neurons(layer) for layer in as_layers(below)]
    gram = stack_products(whole, whole)
    shares = gram[1:, 0] / gram[0, 0]
    values, vectors = np.linalg.eigh(gram[1:, 1:] - np.outer(shares, gram[0, 1:]))
    # Of more forms than features some say nothing of their own.
    kept = values > _DEPENDENT * values.max()
    basis = np.eye(1 + int(kept.sum()), len(gram))
    basis[1:, 1:] = (vectors[:, kept] / np.sqrt(values[kept])).T
    basis[1:, 0] = -basis[1:, 1:] @ shares
    return basis


def _columns(
    how: Kind,
    count: int,
    outputs: int,
    generator: np.random.Generator,
    *,
    multiplied: bool,
) -> Doubles:
    """Draw with which weight each output takes the square of each reading.

    A product of two is the square of their sum without that of their difference.
    """
    drawn = generator.normal(size=(outputs, count))
    columns = np.sign(drawn) * (0.4 + abs(drawn))
    if how.columns == "own":
        columns *= np.arange(outputs)[:, None] == np.arange(count) % outputs
    if how.columns == "equal":
        columns[:, 1] = columns[:, 0]
    if multiplied:
        columns[:, count // 2 :] = -columns[:, : count // 2]
    return np.asarray(columns)


def _of_size_one(below: Sequence[SquareLayer], readings: Doubles, columns: Doubles) -> SquareLayer:
    """Return a layer whose forms have the norm 1, so that numbers stay moderate at any depth."""
    outputs, size = len(columns), readings.shape[1]
    linear = np.eye(outputs + 1, size) * (np.arange(outputs + 1) == 0)[:, None]
    mixing = np.concatenate([np.zeros((1, len(readings))), columns])
    layer = SquareLayer(readings, np.zeros_like(readings), mixing, linear)
    whole = [with_linear_neurons(one) for one in as_layers([*below, layer])]
    norms = np.sqrt(np.diagonal(stack_products(whole, whole)))
    mixing[1:] /= norms[1:, None]
    return layer


def _hidden(square: SquareLayer, generator: np.random.Generator) -> Layer:
    """Return a layer as neurons in which no planted feature is to be seen."""
    count = len(square.readings)
    turn = np.linalg.qr(generator.normal(size=(count, count)))[0] * generator.uniform(
        0.5, 2.0, size=count
    )
    back = np.linalg.inv(turn)
    mixed = turn @ square.readings
    first, second = np.triu_indices(count)
    # The square of a reading in products of mixed ones: those of two different ones come twice.
    weights = back[:, first] * back[:, second] * np.where(first == second, 1.0, 2.0)
    return Layer(mixed[first], mixed[second], square.mixing @ weights, square.linear)


def _determined(squares: Sequence[SquareLayer]) -> list[tuple[tuple[int, ...], ...]]:
    """Return which features a network determines, from what is read of them."""
    found: list[tuple[tuple[int, ...], ...]] = []
    for number, square in enumerate(squares):
        above = squares[number + 1].readings if number + 1 < len(squares) else None
        seen = square.mixing[1:] if above is None else above[:, 1:] @ square.mixing[1:]
        if np.linalg.matrix_rank(square.readings) < len(square.readings):
            found.append(())
            continue
        norms = np.linalg.norm(seen, axis=0)
        alike = abs(seen.T @ seen) >= _PROPORTIONAL * np.outer(norms, norms)
        groups = {tuple(np.flatnonzero(row).tolist()) for row in alike}
        found.append(tuple(sorted(groups)))
    return found
