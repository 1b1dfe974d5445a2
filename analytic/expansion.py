"""The polynomial of a small stack, multiplied out."""

from __future__ import annotations

from collections.abc import Sequence

import flint

from analytic.dyadic import Integers, widen
from analytic.layers import ExactLayer
from analytic.polynomial import Polynomial


def expand(layers: Sequence[ExactLayer], output: int) -> Polynomial:
    """Multiply out one output of a stack of layers.

    Args:
        layers: the stack, as :func:`analytic.layers.exact_layers` reads it.
        output: which output, from 0.

    Returns:
        The polynomial in the inputs ``x_0, x_1, …``.
    """
    names = [f"x_{index}" for index in range(layers[0].linear.numerators.shape[1] - 1)]
    integers = flint.fmpz_mpoly_ctx.get(names, "degrevlex")
    values = [integers.constant(1), *integers.gens()]
    exponent = 0
    for position, layer in enumerate(layers, start=1):
        wanted = [output + 1] if position == len(layers) else range(len(layer.linear.numerators))
        values = _forms(layer, values, exponent, wanted)
        exponent = layer.scales(exponent)[0]
    scale = flint.fmpq(2) ** exponent
    rationals = flint.fmpq_mpoly_ctx.get(names, "degrevlex")
    return Polynomial(
        rationals.from_dict({powers: k * scale for powers, k in values[0].to_dict().items()})
    )


def _forms(
    layer: ExactLayer, values: list[flint.fmpz_mpoly], exponent: int, wanted: Sequence[int]
) -> list[flint.fmpz_mpoly]:
    """Return the wanted outputs of a layer as polynomials over the layer's common scale."""
    _, bilinear, linear = layer.scales(exponent)
    products = [
        _combined(left, values) * _combined(right, values)
        for left, right in zip(
            widen(layer.left.numerators), widen(layer.right.numerators), strict=True
        )
    ]
    return [
        _combined(widen(layer.down.numerators[row]) << bilinear, products, values[0])
        + _combined(widen(layer.linear.numerators[row]) << linear, values)
        for row in wanted
    ]


def _combined(
    weights: Integers, values: list[flint.fmpz_mpoly], like: flint.fmpz_mpoly | None = None
) -> flint.fmpz_mpoly:
    """Return the weighted sum, in the ring of ``like`` where there may be nothing to sum."""
    total = 0 * (values[0] if like is None else like)
    for weight, value in zip(weights, values, strict=True):
        if weight:
            total += int(weight) * value
    return total
