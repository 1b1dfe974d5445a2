r"""Norms of tensors, and of differences of two, rounded outwards.

By the norm of a tensor every value is bounded, :math:`|f_c(x)| \le \|T_c\|\,\|\tilde x\|^{2^L}`, so
one that is computed too small would be a false bound. Rounding is bounded from the sizes of what is
summed (N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, section 3.1), and weights
are brought near 1 by powers of two first, so that none is lost at the ends of float64's range.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

from numeric.features.kernels import products, roundings, with_linear_neurons
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

_UNIT = 2.0**-53
"""By which share an operation rounds at most."""

_SHARE = 2.0**-24
"""By which share all operations together round at most, or nothing is said."""

_FLOOR = 2.0**-900
"""Of numbers of size 1, more than underflow takes from any sum of their products."""


def distances(first: Sequence[Layer], second: Sequence[Layer]) -> Doubles:
    r"""Return, for every output, a bound on the norm of the difference of two stacks' tensors.

    The difference :math:`T_c - T'_c` is the tensor of a stack of its own. Where hidden states have
    the same sizes, it carries their sum and their difference upwards, so that what the stacks
    share cancels in their weights, and the norm is right to half of its own digits. Where they do
    not, it carries both, and less than about ``1e-6`` of their norms cannot be told from 0.

    Args:
        first: layers in the normal form.
        second: as many layers, that read and write as many components at both ends.

    Returns:
        Shape (outputs,), float64, each at least the norm; infinite where it is beyond float64 or
        where component 0 of a hidden state is not the constant, and 0 only where both stacks have
        the same weights.

    Source:
        The identity is :func:`analytic.derivations.stack_difference`.

    Examples:
        >>> rows, linear = np.array([[0.0, 1.0]]), np.eye(2)
        >>> one = Layer(rows, rows, np.array([[0.0], [3.0]]), linear)
        >>> distances([one], [one._replace(down=np.array([[0.0], [2.0]]))]).round(9)
        array([1.])
    """
    if not all(map(_passes_constant, (*first[:-1], *second[:-1]))):
        return np.full(len(first[-1].linear) - 1, np.inf)
    stack, power = difference_stack(first, second)
    return norm_bounds(stack, power)[1:]


def norm_bounds(stack: Sequence[Layer], power: int = 0) -> Doubles:
    """Return, for every component that a stack returns, a bound on the norm of its tensor.

    Args:
        stack: layers without linear part.
        power: of the two that all values are to be multiplied by.

    Returns:
        Shape (outputs + 1,), float64: at least the norm, rounding included; infinite where it is
        beyond float64, and 0 only where no weight leads to the component.
    """
    if not all(np.isfinite(layer.down).all() for layer in stack):
        return np.full(len(stack[-1].down), np.inf)
    metric: Doubles | None = None
    most: Doubles | None = None
    squares = terms = np.zeros(0)
    zero = np.zeros(stack[0].left.shape[1], dtype=bool)
    count = exponent = 0
    for whole in stack:
        layer, own, zero = _scaled(whole, zero)
        metric = products(layer, layer, metric)
        # In sums of sizes rounding and underflow can be bounded.
        sizes = Layer(*map(abs, layer))
        most = products(sizes, sizes, most) + _FLOOR
        half = int(np.frexp(most.max())[1]) // 2
        metric, most = np.ldexp(metric, -2 * half), np.ldexp(most, -2 * half)
        squares, terms = np.diagonal(metric), np.diagonal(most)
        count, exponent = 2 * count + roundings(layer), 2 * exponent + own + half
    share = count * _UNIT
    if share > _SHARE:
        return np.where(zero, 0.0, np.inf)
    error = (1 + 4 * _SHARE) * share * terms
    bounds = (1 + 2.0**-40) * np.sqrt(np.maximum(squares, 0) + error)
    with np.errstate(over="ignore"):
        shift = min(max(exponent + power, -9999), 9999)
        bounds = np.nextafter(np.ldexp(bounds, shift), np.inf)
    return np.where(zero, 0.0, bounds)


def difference_stack(first: Sequence[Layer], second: Sequence[Layer]) -> tuple[list[Layer], int]:
    """Return a stack without linear parts for the differences of two stacks' outputs.

    Args:
        first: layers in the normal form.
        second: as many layers, that read and write as many components at both ends.

    Returns:
        The stack, and the power of two that its outputs are to be multiplied by.
    """
    pairs = [
        (with_linear_neurons(one), with_linear_neurons(other))
        for one, other in zip(first, second, strict=True)
    ]
    alike = all(one.linear.shape == other.linear.shape for one, other in pairs)
    joined = _sum_and_difference if alike else _side_by_side
    stack = [joined(*pair, bottom=not number) for number, pair in enumerate(pairs)]
    upper, lower = np.split(stack[-1].down, 2)
    stack[-1] = stack[-1]._replace(down=lower if alike else upper - lower)
    # Each layer but the first has a factor of a quarter, which the next one squares.
    return stack, 2 - 2 ** len(stack) if alike else 0


def _passes_constant(layer: Layer) -> bool:
    """Return whether a layer hands on the constant, which linear parts as neurons read."""
    constant = np.eye(1, layer.linear.shape[1])[0]
    return bool((layer.linear[0] == constant).all() and not layer.down[0].any())


def _sum_and_difference(one: Layer, other: Layer, *, bottom: bool) -> Layer:
    """Return a layer from the sum and the difference of two states to those of what they become.

    At the bottom both states are the input. Elsewhere what is returned is four times too large.
    """
    left, right = one.left, one.right
    downs = one.down, other.down
    if not (np.array_equal(left, other.left) and np.array_equal(right, other.right)):
        left, right = (np.concatenate(rows) for rows in zip(one[:2], other[:2], strict=True))
        counts = len(one.left), len(other.left)
        padding = ((0, 0), (0, counts[1])), ((0, 0), (counts[0], 0))
        downs = np.pad(one.down, padding[0]), np.pad(other.down, padding[1])
    with np.errstate(over="ignore"):
        parts = downs[0] + downs[1], downs[0] - downs[1]
    even, odd = np.concatenate(parts), np.concatenate(parts[::-1])
    if bottom:
        return Layer(left, right, even, np.zeros((len(even), left.shape[1])))
    none = np.zeros_like(left)
    lefts = np.block([[left, none], [none, left], [left, none], [none, left]])
    rights = np.block([[right, none], [none, right], [none, right], [right, none]])
    down = np.concatenate([even, even, odd, odd], axis=1)
    return Layer(lefts, rights, down, np.zeros((len(down), lefts.shape[1])))


def _side_by_side(one: Layer, other: Layer, *, bottom: bool) -> Layer:
    """Return a layer from two states side by side to what they become, at the bottom from one."""
    left, right = (
        np.concatenate(rows) if bottom else block_diag(*rows)
        for rows in zip(one[:2], other[:2], strict=True)
    )
    down = block_diag(one.down, other.down)
    return Layer(left, right, down, np.zeros((len(down), left.shape[1])))


def _scaled(layer: Layer, zero: npt.NDArray[np.bool_]) -> tuple[Layer, int, npt.NDArray[np.bool_]]:
    """Return a layer with weights of at most 1, over a power of two, and which outputs are zero.

    Nothing is rounded, but for weights so small beside the largest that they are nothing.

    Args:
        layer: without linear part.
        zero: which of the components that it reads are zero.
    """
    left, right = (np.where(zero, 0.0, rows) for rows in layer[:2])
    powers = [np.frexp(abs(rows).max(axis=1, initial=0))[1] for rows in (left, right)]
    alive = left.any(axis=1) & right.any(axis=1) & layer.down.any(axis=0)
    left, right = (
        np.ldexp(rows, -power[:, None])[alive]
        for rows, power in zip((left, right), powers, strict=True)
    )
    down, shifts = layer.down[:, alive], (powers[0] + powers[1])[alive]
    power = int((np.frexp(abs(down).max(axis=0, initial=0))[1] + shifts).max(initial=-9999))
    scaled = Layer(left, right, np.ldexp(down, shifts - power), layer.linear)
    return scaled, power, np.logical_not(down.any(axis=1))
