"""Where a graph leaves its network: node, layer and coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from analytic.equality import approximately
from numeric import Layer, SquareLayer
from numeric.normal_form import Floats

Doubles = npt.NDArray[np.float64]

_ROUNDING = Fraction(1, 10**11)
"""Coefficients of a decomposition in float64 differ by less, relative to the largest."""

_NOTHING = -10_000
"""The power of two of a zero, below that of any product of floats."""


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


def worst_coefficient(layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> str:
    """Say where the coefficients of a graph's layers lie furthest from the network's.

    Far is meant relative to the largest coefficient of the same output. The place is looked for in
    float64; the values there are exact.
    """
    worst, place, largest = -1.0, (0, 0, 0, 0), Fraction(0)
    for number, (layer, square) in enumerate(zip(layers, squares, strict=True)):
        reading = square.readings
        # Component 0 of the last layer is no output.
        for output in range(1 if number + 1 == len(layers) else 0, len(layer.down)):
            wanted, first = _coefficients(*layer, output)
            found, second = _coefficients(reading, reading, square.mixing, square.linear, output)
            power = max(first, second)
            wanted, found = np.ldexp(wanted, first - power), np.ldexp(found, second - power)
            difference = abs(found - wanted)
            scale = abs(wanted).max()
            relative = difference.max() / (max(scale, abs(found).max()) or 1.0)
            if relative > worst:
                row, column = np.unravel_index(difference.argmax(), difference.shape)
                worst, place = relative, (number, output, int(row), int(column))
                largest = Fraction(float(scale)) * Fraction(2) ** power
    number, output, *monomial = place
    values = (
        _exact_coefficient(layers[number], output, monomial),
        _exact_coefficient(squares[number].in_normal_form(), output, monomial),
    )
    there = located(number + 1, output, monomial, values, len(layers))
    if abs(values[1] - values[0]) > _ROUNDING * max(*map(abs, values), largest):
        return there
    return (
        "No coefficient was found to differ beyond rounding: the difference arises in floating "
        f"point. {there}"
    )


def _coefficients(
    left: Floats, right: Floats, down: Floats, linear: Floats, output: int
) -> tuple[Doubles, int]:
    """Return an output's coefficients, those of products on and above the diagonal.

    They come over a power of two that keeps every product within the range of float64.
    """
    used = down[output] != 0
    left, left_powers = _scaled_to_one(left[used])
    right, right_powers = _scaled_to_one(right[used])
    weights, powers = np.frexp(down[output, used].astype(np.float64))
    (added,), (linear_power,) = _scaled_to_one(linear[[output]])
    powers = powers + left_powers + right_powers
    power = int(powers.max(initial=linear_power))
    matrix = (left * np.ldexp(weights, powers - power)[:, np.newaxis]).T @ right
    # The constant is 1, so the linear part joins the products with it.
    matrix[0] += np.ldexp(added, linear_power - power)
    return np.triu(matrix) + np.tril(matrix, -1).T, power


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
