r"""Each decomposition against the polynomial, coefficient by coefficient, layer by layer.

A decomposition that rounds nothing has to have the network's coefficients, all of them, which is
proved in integers. For one that rounds, the largest difference of a coefficient is bounded: it is
computed in float64, and the error of that computation is bounded by the usual
:math:`\gamma_n = n u / (1 - n u)` of an inner product of :math:`n` terms, which holds for every
order of summation.

Source:
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., section 3.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from analytic import ExactNetwork, layers_difference
from analytic.text import approximately
from numeric import Layer, SquareLayer
from numeric.networks.normal_form import Floats
from proofs.certificates.claims import Claim, Level, json_number

Doubles = npt.NDArray[np.float64]

_ROUNDING = Fraction(1, 10**11)
_UNIT = 2.0**-53
_SPARE = 10
"""Roundings beside those of the inner product: of its factors, low parts, sums and bounds."""

_ROUNDED_UP = 1 + 1e-9
"""More than the roundings in the bound itself, sums of less than a million terms."""

_TINY = float(np.finfo(np.float64).tiny)

_NOTHING = -10_000
"""The power of two of a zero, below that of any product of floats."""


@dataclass(frozen=True)
class CoefficientDistance:
    """How far the coefficients of a graph's layers lie from the network's.

    Attributes:
        bound: no coefficient differs by more than this share of the size of its output: what its
            largest coefficient could be if nothing in it cancelled.
        there: the place of the coefficient that was seen to differ most, in words.
        rounding: whether it differs by no more than rounding does.
    """

    bound: float
    there: str
    rounding: bool

    @property
    def failure(self) -> str:
        """What to say of a graph that does not do what its network does."""
        if not self.rounding:
            return self.there
        return (
            "No coefficient was found to differ beyond rounding: the difference arises in "
            f"floating point. {self.there}"
        )


def coefficient_claim(
    name: str,
    method: str,
    layers: Sequence[Layer],
    squares: Sequence[SquareLayer],
    tolerance: float,
) -> Claim:
    """State how the coefficients of a graph compare with those of its network.

    Args:
        name: what the graph is called.
        method: the decomposition that it was traced with.
        layers: of the network.
        squares: of the graph, with the same shapes.
        tolerance: how far coefficients may lie from the network's where the method rounds.

    Returns:
        An exact claim for a decomposition that rounds nothing, a bounded one for all others.
    """
    if method == "polarized":
        return _exact_claim(name, layers, squares)
    return _bounded_claim(name, layers, squares, tolerance)


def _exact_claim(name: str, layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> Claim:
    network = ExactNetwork(layers)
    rewritten = ExactNetwork([layer.in_normal_form() for layer in squares])
    difference = layers_difference(network, rewritten)
    return Claim(
        name=f"{name}: same polynomial",
        level=Level.EXACT,
        statement=(
            f"The {name} graph and the network are the same polynomial, coefficient by "
            "coefficient in every layer: they agree for every real input."
        ),
        holds=difference is None,
        theorem="polarisation",
        evidence={
            "degree": network.degree,
            "inputs": network.inputs,
            "monomials of an output, at most": str(network.monomials),
            "squares in each layer": [len(layer.readings) for layer in squares],
        },
        failure=None
        if difference is None
        else located(
            difference.layer,
            difference.output,
            difference.monomial,
            (difference.first, difference.second),
            len(squares),
        ),
        kind="same polynomial" if difference is None else None,
        numbers={"graph": name},
    )


def _bounded_claim(
    name: str, layers: Sequence[Layer], squares: Sequence[SquareLayer], tolerance: float
) -> Claim:
    distance = coefficient_distance(layers, squares)
    holds = distance.bound <= tolerance
    return Claim(
        name=f"{name}: same coefficients",
        level=Level.BOUNDED,
        statement=(
            f"In every layer, no coefficient of the {name} graph differs from the network's by "
            f"more than {distance.bound:.1e} (allowed: {tolerance:g}) of what the largest "
            "coefficient of the same form or logit could be if no two neurons cancelled; rounding "
            "in this comparison is included."
        ),
        holds=holds,
        theorem="eigen_expansion",
        evidence={
            "largest relative difference, at most": json_number(distance.bound),
            "tolerance": tolerance,
        },
        failure=None if holds else distance.failure,
    )


def coefficient_distance(
    layers: Sequence[Layer], squares: Sequence[SquareLayer]
) -> CoefficientDistance:
    """Bound how far the coefficients of a graph's layers lie from the network's.

    The place is the one where they lie furthest relative to the output's largest coefficient. It
    is looked for in float64; the values there are exact.
    """
    bound, worst, place, largest = 0.0, (-1.0, -1.0), (0, 0, 0, 0), Fraction(0)
    for number, (layer, square) in enumerate(zip(layers, squares, strict=True)):
        reading = square.readings
        # Component 0 of the last layer is no output.
        for output in range(1 if number + 1 == len(layers) else 0, len(layer.down)):
            wanted = _Coefficients.of(*layer, output)
            found = _Coefficients.of(reading, reading, square.mixing, square.linear, output)
            power = max(wanted.power, found.power)
            wanted, found = wanted.over(power), found.over(power)
            difference = abs(found.matrix - wanted.matrix)
            scale = max(abs(wanted.matrix).max(), abs(found.matrix).max())
            # Where all is rounding, what cancels is no larger than that.
            error = wanted.error + found.error
            beyond = np.array([max(difference.max() - error, 0.0), difference.max()])
            relative = tuple((beyond / (scale or 1.0)).tolist())
            if scale or wanted.size:
                furthest = difference.max() + error
                share = furthest / wanted.size if wanted.size else np.inf
                bound = max(bound, share * _ROUNDED_UP)
            if relative > worst:
                row, column = np.unravel_index(difference.argmax(), difference.shape)
                worst, place = relative, (number, output, int(row), int(column))
                largest = Fraction(float(scale)) * Fraction(2) ** power
    number, output, *monomial = place
    values = (
        _exact_coefficient(layers[number], output, monomial),
        _exact_coefficient(squares[number].in_normal_form(), output, monomial),
    )
    return CoefficientDistance(
        bound=float(bound),
        there=located(number + 1, output, monomial, values, len(layers)),
        rounding=abs(values[1] - values[0]) <= _ROUNDING * max(*map(abs, values), largest),
    )


def located(
    layer: int,
    output: int,
    monomial: Sequence[int],
    values: tuple[Fraction | float, Fraction | float],
    depth: int,
) -> str:
    """Say at which node, layer and coefficient a graph leaves its network.

    Args:
        layer: from 1.
        output: the component of the layer's output, 0 being the constant.
        monomial: components of what the layer reads, 0 being the constant.
        values: the coefficient in the network and in the graph.
        depth: the number of layers.

    Examples:
        >>> located(2, 4, (0, 7), (0.5, 0.25), depth=2)
        "At node ('logit', 3), in layer 2, the coefficient of 1 · ('form', 1, 7) is 0.5 in the \
network and 0.25 in the graph, a difference of -0.25."
    """
    node = ("logit", output - 1) if layer == depth else ("form", layer, output)
    product = " · ".join(_component(layer, index) for index in monomial)
    difference = Fraction(values[1]) - Fraction(values[0])
    network, graph, by = (approximately(Fraction(value)) for value in (*values, difference))
    return (
        f"At node {node}, in layer {layer}, the coefficient of {product} is {network} in the "
        f"network and {graph} in the graph, a difference of {by}."
    )


@dataclass(frozen=True)
class _Coefficients:
    """An output's coefficients, those of products on and above the diagonal, over a power of two.

    Attributes:
        matrix: in float64.
        power: of two, such that no product leaves the range of float64.
        error: no entry of the matrix is further from the exact one.
        size: what every neuron and the linear part could add to one entry at most, summed up.
    """

    matrix: Doubles
    power: int
    error: float
    size: float

    @classmethod
    def of(
        cls, left: Floats, right: Floats, down: Floats, linear: Floats, output: int
    ) -> _Coefficients:
        used = down[output] != 0
        left, left_powers = _scaled_to_one(left[used])
        right, right_powers = _scaled_to_one(right[used])
        weights, powers = np.frexp(down[output, used].astype(np.float64))
        (added,), (linear_power,) = _scaled_to_one(linear[[output]])
        powers = powers + left_powers + right_powers
        power = int(powers.max(initial=linear_power))
        weights = np.ldexp(weights, powers - power)
        matrix = (left * weights[:, np.newaxis]).T @ right
        # The constant is 1, so the linear part joins the products with it.
        matrix[0] += np.ldexp(added, linear_power - power)
        terms = len(weights) + _SPARE
        # Off the diagonal two products of a neuron are added.
        peaks = abs(left).max(axis=1) * abs(right).max(axis=1)
        size = 2 * abs(weights) @ peaks + abs(np.ldexp(added, linear_power - power)).max()
        error = _ROUNDED_UP * terms * _UNIT / (1 - terms * _UNIT) * size + terms * _TINY * bool(
            size
        )
        return cls(np.triu(matrix) + np.tril(matrix, -1).T, power, float(error), float(size))

    def over(self, power: int) -> _Coefficients:
        """Return the same coefficients over a larger power of two."""
        shift = self.power - power
        error = float(np.ldexp(self.error, shift)) + _TINY * bool(self.error)
        size = float(np.ldexp(self.size, shift))
        return _Coefficients(np.ldexp(self.matrix, shift), power, error, size)


def _scaled_to_one(rows: Floats) -> tuple[Doubles, npt.NDArray[np.int32]]:
    """Return rows over powers of two that bring their largest entries near 1, and the powers."""
    doubles = rows.astype(np.float64)
    largest = abs(doubles).max(axis=1, initial=0)
    powers = np.where(largest > 0, np.frexp(largest)[1], _NOTHING)
    return np.ldexp(doubles, -powers[:, np.newaxis]), powers


def _exact_coefficient(
    arrays: Sequence[Floats | tuple[Floats, ...]], output: int, monomial: Sequence[int]
) -> Fraction:
    """Return one coefficient of a layer in the normal form, a pair standing for its exact sum."""
    left, right, down, linear = (
        array if isinstance(array, tuple) else (array,) for array in arrays
    )
    i, j = monomial
    total = sum((Fraction(float(part[output, j])) for part in linear if i == 0), Fraction(0))
    for k in np.flatnonzero(down[0][output]):
        (a, b), (c, d) = (
            [sum(Fraction(float(part[k, at])) for part in matrix) for at in (i, j)]
            for matrix in (left, right)
        )
        total += Fraction(float(down[0][output, k])) * (a * d + (b * c if i != j else 0))
    return total


def _component(layer: int, index: int) -> str:
    """Name a component of what a layer reads."""
    if index == 0:
        return "1"
    return f"input {index - 1}" if layer == 1 else str(("form", layer - 1, index))
