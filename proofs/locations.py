"""Where a graph leaves its network: node, layer and coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer

Doubles = npt.NDArray[np.float64]

_ROUNDING = 1e-11
"""Coefficients of a decomposition in float64 differ by less, relative to the largest."""


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
    network, graph, by = (_decimal(value) for value in (*values, difference))
    return (
        f"At node {node}, in layer {layer}, the coefficient of {product} is {network} in the "
        f"network and {graph} in the graph, a difference of {by}."
    )


def worst_coefficient(layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> str:
    """Say where the coefficients of a graph's layers lie furthest from the network's.

    Far is meant relative to the largest coefficient of the same output. The place is looked for in
    float64; the values there are exact.
    """
    worst, place = -1.0, (0, 0, 0, 0)
    for number, (layer, square) in enumerate(zip(layers, squares, strict=True)):
        # Component 0 of the last layer is no output.
        for output in range(1 if number + 1 == len(layers) else 0, len(layer.down)):
            wanted = _coefficients(*layer, output)
            found = _coefficients(square.readings, square.readings, *square[2:], output)
            with np.errstate(over="ignore", invalid="ignore"):
                difference = np.nan_to_num(abs(found - wanted), nan=np.inf)
                relative = float(difference.max() / max(abs(wanted).max(), np.finfo(float).tiny))
            if relative > worst:
                row, column = np.unravel_index(difference.argmax(), difference.shape)
                worst, place = relative, (number, output, int(row), int(column))
    number, output, *monomial = place
    values = (
        _exact_coefficient(arrays, output, monomial)
        for arrays in (layers[number], squares[number].in_normal_form())
    )
    found_there = located(number + 1, output, monomial, (*values,), len(layers))
    return found_there


def _coefficients(
    left: Doubles, right: Doubles, down: Doubles, linear: Doubles, output: int
) -> Doubles:
    """Return an output's coefficients in float64, those of products on and above the diagonal."""
    used = down[output] != 0
    left, right, weights = (
        array.astype(np.float64) for array in (left[used], right[used], down[output, used])
    )
    with np.errstate(over="ignore", invalid="ignore"):
        matrix = (left * weights[:, np.newaxis]).T @ right
        # The constant is 1, so the linear part joins the products with it.
        matrix[0] += linear[output]
        return np.triu(matrix) + np.tril(matrix, -1).T


def _component(layer: int, index: int) -> str:
    """Name a component of what a layer reads."""
    if index == 0:
        return "1"
    return f"input {index - 1}" if layer == 1 else str(("form", layer - 1, index))


def _decimal(value: Fraction | float) -> str:
    exact = Fraction(value)
    try:
        return f"{float(exact):.17g}"
    except OverflowError:
        return f"about 2^{exact.numerator.bit_length() - exact.denominator.bit_length()}"
