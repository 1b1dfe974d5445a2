"""Whether two layers are the same function, decided in integers.

The difference of two layers is a layer, and a layer vanishes exactly if the coefficients of all its
outputs do. Terms that occur on both sides cancel first, whatever products they are written as; only
what is left is multiplied out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analytic.dyadic import Dyadic, Integers, compact, magnitude, widen
from analytic.errors import AnalyticError
from analytic.layers import ExactLayer
from analytic.network import ExactNetwork
from analytic.residues import centred, primes_beyond, product, residues
from analytic.text import approximately


@dataclass(frozen=True)
class CoefficientDifference:
    """One coefficient in which two layers differ.

    Attributes:
        layer: the layer, from 1.
        output: the component of the layer's output, 0 being the constant.
        monomial: two components of its input, 0 being the constant, so that (0, 3) is the linear
            term of component 3; a single one for a linear term where component 0 is not constant.
        first: the coefficient in the first network.
        second: the coefficient in the second network.
    """

    layer: int
    output: int
    monomial: tuple[int, ...]
    first: Fraction
    second: Fraction

    def __str__(self) -> str:
        """Say where and by how much."""
        monomial = " times ".join(f"component {index}" for index in self.monomial)
        return (
            f"coefficient of {monomial} in output component {self.output} "
            f"of layer {self.layer}: {approximately(self.first)} against "
            f"{approximately(self.second)}, a difference of "
            f"{approximately(self.second - self.first)}"
        )


def layers_difference(first: ExactNetwork, second: ExactNetwork) -> CoefficientDifference | None:
    """Return the first coefficient in which corresponding layers differ.

    Where the constant passes through both networks up to a layer, that layer's component 0 is 1, so
    that a linear term and a product with the constant are the same monomial.

    Args:
        first: a network.
        second: a network with as many layers, of the same sizes.

    Returns:
        The difference, or None: then every layer of the two is the same function, and so are they.

    Raises:
        AnalyticError: the hidden sizes differ, so that layers do not correspond.
    """
    shapes, others = first.shapes, second.shapes
    if shapes != others:
        raise AnalyticError(
            f"expected second to have layers of shapes {shapes} like first, got {others}"
        )
    constant = True
    for number, (one, other) in enumerate(zip(first.layers, second.layers, strict=True), start=1):
        last = number == len(first.layers)
        found = layer_difference(one, other, number, constant=constant, last=last)
        if found is not None:
            return found
        constant = constant and one.passes_constant and other.passes_constant
    return None


def layer_difference(
    first: ExactLayer, second: ExactLayer, number: int, *, constant: bool, last: bool
) -> CoefficientDifference | None:
    """Return the first coefficient in which two layers of one shape differ, None if in none.

    Args:
        first: a layer.
        second: a layer that reads and writes as many components.
        number: the layers' position from 1, for the answer.
        constant: whether component 0 of what they read is 1.
        last: whether component 0 of what they write does not matter.
    """
    remainder = _Remainder.between(first, second)
    # Component 0 of the last layer is no output.
    for output in range(1 if last else 0, len(remainder.linear.numerators)):
        monomial = remainder.nonzero_monomial(output, constant=constant)
        if monomial is not None:
            values = (
                _coefficient(layer, output, monomial, constant=constant)
                for layer in (first, second)
            )
            return CoefficientDifference(number, output, monomial, *values)
    return None


def _shift(left: Integers, right: Integers) -> int:
    """Return by which even power of two the first is multiplied, or if below 0 the second."""
    sizes = [max((abs(entry) for entry in row), default=0).bit_length() for row in (left, right)]
    return 2 * int((sizes[1] - sizes[0]) / 2) if all(sizes) else 0


@dataclass(frozen=True)
class _Remainder:
    """What is left of the difference of two layers when equal squares have cancelled.

    Attributes:
        readings: Python integers of shape (squares, inputs + 1), no two of them proportional.
        weights: over the readings, shape (outputs + 1, squares).
        linear: the difference of the linear parts.
    """

    readings: Dyadic
    weights: Dyadic
    linear: Dyadic

    @classmethod
    def between(cls, first: ExactLayer, second: ExactLayer) -> _Remainder:
        """Write ``second - first`` in squares, and let those of equal readings cancel.

        ``4 l r = (l + r)² - (l - r)²``, and a reading's content moves into its weight, so that a
        square has one way to be written. Of unlike sizes, l and r are brought near each other by a
        power of two, as who writes neurons in squares does, since else no two would be equal.
        """
        read = min(m.exponent for y in (first, second) for m in (y.left, y.right))
        mixed = min(first.down.exponent, second.down.exponent)
        squares: dict[tuple[int, ...], Integers] = {}
        rows = [[widen(m.at(read)) for m in (y.left, y.right)] for y in (first, second)]
        shifts = [[_shift(*pair) for pair in zip(*sides, strict=True)] for sides in rows]
        most = max((abs(shift) for some in shifts for shift in some), default=0)
        for layer, (left, right), some, sign in zip(
            (first, second), rows, shifts, (-1, 1), strict=True
        ):
            columns = widen(layer.down.at(mixed)).T
            for near, far, shift, drawn in zip(left, right, some, columns, strict=True):
                one, other = near << max(shift, 0), far << max(-shift, 0)
                column = drawn << (most - abs(shift))
                for reading, weight in ((one + other, sign), (one - other, -sign)):
                    content = math.gcd(*reading)
                    if content:
                        leading = next(entry for entry in reading if entry)
                        content = content if leading > 0 else -content
                        key = tuple(reading // content)
                        squares[key] = squares.get(key, 0) + column * (weight * content**2)
        left_over = {key: column for key, column in squares.items() if column.any()}
        inputs, outputs = first.linear.numerators.shape[1], len(first.linear.numerators)
        readings = np.array(list(left_over), dtype=object).reshape(-1, inputs)
        weights = np.array(list(left_over.values()), dtype=object).reshape(-1, outputs).T
        return cls(
            Dyadic(readings, read),
            Dyadic(weights, mixed - 2 - most),
            second.linear + Dyadic(-first.linear.numerators, first.linear.exponent),
        )

    def nonzero_monomial(self, output: int, *, constant: bool) -> tuple[int, ...] | None:
        """Return a monomial of an output whose coefficient is not zero, None if there is none.

        A coefficient that is not zero modulo a prime is not zero; one that is zero modulo primes
        whose product exceeds its bound is zero.
        """
        weights, linear = self.weights.numerators[output], self.linear.numerators[output]
        used = weights.astype(bool)
        if not used.any() or not constant:
            found = np.flatnonzero(linear)
            if found.size:
                return (0, int(found[0])) if constant else (int(found[0]),)
            if not used.any():
                return None
        readings, weights = self.readings.numerators[used], weights[used]
        squared = 2 * self.readings.exponent + self.weights.exponent
        common = min(squared, self.linear.exponent)
        weights = weights << (squared - common)
        # The linear part joins the products with the constant; without a constant it stands alone.
        joined = widen(linear if constant else 0 * linear) << (self.linear.exponent - common)
        bound = int(np.abs(weights) @ np.abs(readings).max(axis=1) ** 2) * 2 + magnitude(joined)
        for prime in primes_beyond(bound):
            rows = residues(compact(readings), prime)
            scaled = centred(rows * residues(weights, prime)[:, np.newaxis], prime)
            matrix = product(rows.T, scaled, prime)
            coefficients = matrix + np.triu(matrix, 1)
            coefficients[0] += residues(joined, prime)
            pairs = np.argwhere(np.triu(coefficients % prime))
            if pairs.size:
                return tuple(int(index) for index in pairs[0])
        return None


def _coefficient(
    layer: ExactLayer, output: int, monomial: tuple[int, ...], *, constant: bool
) -> Fraction:
    """Return one coefficient of one layer."""
    i, j = (0, *monomial)[-2:]
    total = Fraction(0)
    if len(monomial) > 1:
        left, right = widen(layer.left.numerators), widen(layer.right.numerators)
        pairs = left[:, i] * right[:, j] + (left[:, j] * right[:, i] if i != j else 0)
        exponent = layer.left.exponent + layer.right.exponent + layer.down.exponent
        total = int(widen(layer.down.numerators[output]) @ pairs) * Fraction(2) ** exponent
    if i == 0 and (constant or len(monomial) == 1):
        total += int(layer.linear.numerators[output, j]) * Fraction(2) ** layer.linear.exponent
    return total
