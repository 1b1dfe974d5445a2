"""Where a graph leaves its network: node, layer and coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from numeric import Layer, SquareLayer
from numeric.decompositions import interaction_matrix

Doubles = npt.NDArray[np.float64]


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
    """Say where the coefficients of a graph's layers lie furthest from the network's, in float64.

    Far is meant relative to the largest coefficient of the same output.
    """
    worst = (-1.0, "")
    for number, (layer, square) in enumerate(zip(layers, squares, strict=True), start=1):
        # Component 0 of the last layer is no output.
        for output in range(1 if number == len(layers) else 0, len(layer.down)):
            wanted = _coefficients(layer, output)
            found = _coefficients(
                Layer(square.readings, square.readings, square.mixing, square.linear), output
            )
            difference = abs(found - wanted)
            relative = float(difference.max() / max(abs(wanted).max(), np.finfo(float).tiny))
            if relative > worst[0]:
                place = np.unravel_index(difference.argmax(), difference.shape)
                monomial = tuple(int(index) for index in place)
                values = float(wanted[monomial]), float(found[monomial])
                worst = (relative, located(number, output, monomial, values, len(layers)))
    return worst[1]


def _coefficients(layer: Layer, output: int) -> Doubles:
    """Return an output's coefficients, those of products above and on the diagonal."""
    unit = np.zeros(len(layer.down))
    unit[output] = 1.0
    matrix = interaction_matrix(layer, unit)
    # The constant is 1, so the linear part joins the products with it.
    matrix[0] += layer.linear[output] / 2
    matrix[:, 0] += layer.linear[output] / 2
    return np.asarray(np.triu(matrix) + np.triu(matrix, 1))


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
