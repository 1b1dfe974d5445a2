"""One layer in the normal form, in exact integers.

A layer maps ``x̃ = (1, x)`` to ``ỹ = down · [(left · x̃) ⊙ (right · x̃)] + linear · x̃``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytic.dyadic import Dyadic, Integers, compact, widen
from analytic.errors import AnalyticError
from analytic.residues import Residues, centred, product, residues

Floats = npt.NDArray[np.floating[Any]]
Matrix = Floats | tuple[Floats, ...]
"""A float matrix, or several whose exact sum is meant: a number that one float cannot hold."""

_NAMES = ("left", "right", "down", "linear")


@dataclass(frozen=True)
class ExactLayer:
    """A layer whose four matrices are dyadic rationals.

    Attributes:
        left: shape (neurons, inputs + 1).
        right: shape (neurons, inputs + 1).
        down: shape (outputs + 1, neurons).
        linear: shape (outputs + 1, inputs + 1).
    """

    left: Dyadic
    right: Dyadic
    down: Dyadic
    linear: Dyadic

    @property
    def neurons(self) -> int:
        """The number of products; 0 for an embedding or a head."""
        return int(self.left.numerators.shape[0])

    @property
    def inputs(self) -> int:
        """The number of components that it reads, the constant included."""
        return int(self.linear.numerators.shape[1])

    @property
    def outputs(self) -> int:
        """The number of components that it writes, the constant included."""
        return int(self.linear.numerators.shape[0])

    @property
    def passes_constant(self) -> bool:
        """Whether the first output is the first input: a 1 that goes in comes out."""
        row = self.linear.at(min(self.linear.exponent, 0))[0]
        one = 1 << max(-self.linear.exponent, 0)
        return bool(row[0] == one and not row[1:].any() and not self.down.numerators[0].any())

    def reading_only(self, used: npt.NDArray[np.bool_]) -> ExactLayer:
        """Return the layer where all other inputs are known to be 0."""
        left, right, linear = (
            Dyadic(matrix.numerators[:, used], matrix.exponent)
            for matrix in (self.left, self.right, self.linear)
        )
        return ExactLayer(left, right, self.down, linear)

    def writing_only(self, rows: Sequence[int]) -> ExactLayer:
        """Return the layer with some of its outputs alone, in the given order."""
        down, linear = (
            Dyadic(matrix.numerators[list(rows)], matrix.exponent)
            for matrix in (self.down, self.linear)
        )
        return ExactLayer(self.left, self.right, down, linear)

    def scales(self, exponent: int) -> tuple[int, int, int]:
        """Return how inputs over ``2**exponent`` come out.

        Returns:
            The exponent of the outputs, and the powers of two that bring the bilinear part and the
            linear part to it.
        """
        bilinear = self.left.exponent + self.right.exponent + self.down.exponent + 2 * exponent
        linear = self.linear.exponent + exponent
        if not self.down.numerators.any():
            bilinear = linear
        elif not self.linear.numerators.any():
            linear = bilinear
        common = min(bilinear, linear)
        return common, bilinear - common, linear - common

    def sizes(self, inputs: Integers, exponent: int) -> Integers:
        """Bound the outputs where each input numerator over ``2**exponent`` is bounded."""
        _, bilinear, linear = self.scales(exponent)
        left, right, down, passed = (
            np.abs(widen(matrix.numerators))
            for matrix in (self.left, self.right, self.down, self.linear)
        )
        products = (left @ inputs) * (right @ inputs) if self.neurons else 0
        total = (passed @ inputs) * (1 << linear)
        return np.asarray(total + (down @ products) * (1 << bilinear) if self.neurons else total)

    def modulo(self, exponent: int, prime: int) -> ResidueLayer:
        """Return the layer's action on numerators over ``2**exponent`` modulo ``prime``."""
        _, bilinear, linear = self.scales(exponent)
        return ResidueLayer(
            neurons=self.neurons,
            readings=residues(np.concatenate([self.left.numerators, self.right.numerators]), prime),
            down=_scaled(self.down.numerators, bilinear, prime),
            linear=_scaled(self.linear.numerators, linear, prime),
            prime=prime,
        )


@dataclass(frozen=True)
class ResidueLayer:
    """A layer modulo one prime, its outputs brought to one scale."""

    neurons: int
    readings: Residues
    down: Residues
    linear: Residues
    prime: int

    def read(self, inputs: Residues) -> tuple[Residues, Residues]:
        """Return what the left and the right rows read from each column of ``inputs``."""
        both = product(self.readings, inputs, self.prime)
        return both[: self.neurons], both[self.neurons :]

    def mix(self, products: Residues, inputs: Residues) -> Residues:
        """Return the outputs made of the neurons' products and the linear part."""
        total = product(self.linear, inputs, self.prime)
        if self.neurons:
            total += product(self.down, products, self.prime)
        return centred(total, self.prime)


def _scaled(integers: Integers, power: int, prime: int) -> Residues:
    reduced = residues(integers, prime)
    reduced *= pow(2, power, prime)
    return centred(reduced, prime)


def exact_layers(layers: Iterable[Sequence[Matrix]]) -> tuple[ExactLayer, ...]:
    """Read float layers exactly, and check that they fit together.

    Args:
        layers: at least one ``(left, right, down, linear)`` of float arrays with shapes
            (h, m), (h, m), (n, h), (n, m), where each layer's m is the n of the layer before it.
            In place of an array, a tuple of arrays stands for their exact sum.

    Returns:
        The same layers in integers.

    Raises:
        AnalyticError: there is no layer, a shape does not fit, or an entry is not finite.
    """
    result: list[ExactLayer] = []
    for number, items in enumerate(listed(layers, "layers"), start=1):
        arrays = listed(items, f"layer {number}")
        if len(arrays) != len(_NAMES):
            raise AnalyticError(
                f"expected layer {number} to be (left, right, down, linear), got "
                f"{len(arrays)} items"
            )
        matrices = [
            _matrix(array, f"{name} of layer {number}")
            for name, array in zip(_NAMES, arrays, strict=True)
        ]
        layer = ExactLayer(*matrices)
        expected_inputs = (
            result[-1].linear.numerators.shape[0] if result else layer.linear.numerators.shape[1]
        )
        _check_shapes(layer, number, expected_inputs)
        result.append(layer)
    if not result:
        raise AnalyticError("expected layers to hold at least one layer, got none")
    return tuple(result)


def listed(items: Iterable[Any], name: str) -> list[Any]:
    """Return the items as a list.

    Raises:
        AnalyticError: there is nothing to iterate over.
    """
    try:
        return list(items)
    except TypeError as error:
        raise AnalyticError(
            f"expected {name} to be a sequence, got a {type(items).__name__}: {error}"
        ) from error


def _matrix(array: Matrix, name: str) -> Dyadic:
    total = exact_sum(array, name)
    if total.numerators.ndim != 2:
        raise AnalyticError(f"expected {name} to have two axes, got shape {total.numerators.shape}")
    return total


def exact_sum(array: Matrix, name: str) -> Dyadic:
    """Read a float array exactly, a tuple of arrays as their sum.

    Raises:
        AnalyticError: the parts have different shapes, or are not finite floats.
    """
    parts = [
        Dyadic.from_floats(part, name) for part in (array if isinstance(array, tuple) else (array,))
    ]
    shapes = {part.numerators.shape for part in parts}
    if len(shapes) != 1:
        raise AnalyticError(f"expected the parts of {name} to have one shape, got {sorted(shapes)}")
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def affine(origin: Dyadic, directions: Dyadic) -> ExactLayer:
    """Return the layer without neurons that maps coordinates to a point.

    Args:
        origin: where all coordinates are 0, shape (outputs,).
        directions: one row for each coordinate, shape (coordinates, outputs).
    """
    exponent = min(origin.exponent, directions.exponent, 0)
    point = np.concatenate([[1 << -exponent], widen(origin.at(exponent))])
    span = np.insert(widen(directions.at(exponent)), 0, 0, axis=1)
    linear = compact(np.vstack([point, span]).T)
    none = np.zeros((0, linear.shape[1]), dtype=np.int64)
    down = Dyadic(np.zeros((len(linear), 0), dtype=np.int64), 0)
    return ExactLayer(Dyadic(none, 0), Dyadic(none, 0), down, Dyadic(linear, exponent))


def _check_shapes(layer: ExactLayer, number: int, inputs: int) -> None:
    outputs, neurons = layer.linear.numerators.shape[0], layer.neurons
    expected = ((neurons, inputs), (neurons, inputs), (outputs, neurons), (outputs, inputs))
    matrices = (layer.left, layer.right, layer.down, layer.linear)
    for name, matrix, shape in zip(_NAMES, matrices, expected, strict=True):
        if matrix.numerators.shape != shape:
            raise AnalyticError(
                f"expected {name} of layer {number} to have shape {shape}, "
                f"got {matrix.numerators.shape}"
            )
    if outputs < 2 or inputs < 2:
        raise AnalyticError(
            f"expected layer {number} to have an input and an output beside the constant, got "
            f"linear of shape {layer.linear.numerators.shape}"
        )
