"""What those of torch's operations that need a word of their own do to values of a circuit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from numeric.networks.compilation.algebra import Algebra, Operand, known
from numeric.networks.compilation.circuit import Value

Axes: TypeAlias = "int | Sequence[int] | None"


class Unreadable(Exception):  # noqa: N818 -- caught where its place is known, and said in words
    """An operation makes something else than sums and products of what it is given.

    Attributes:
        operation: its name.
    """

    operation = ""


def _filled(algebra: Algebra, value: Operand, mask: object, filling: Operand) -> Value:
    if not isinstance(mask, Tensor):
        raise Unreadable("chooses by a value")
    return algebra.chosen([filling, value], lambda parts: torch.where(mask, parts[0], parts[1]))


def _added_at(name: str) -> Callable[..., Value]:
    """Return what adds to entries that are named by their places."""

    def added(
        algebra: Algebra, value: Operand, dim: int, places: object, more: Operand, alpha: float = 1
    ) -> Value:
        if not isinstance(places, Tensor):
            raise Unreadable("chooses by a value")
        known_places, shape = places, algebra.value(value).shape
        placed = algebra.mapped(
            algebra.value(more),
            lambda unit: getattr(torch, name)(unit.new_zeros(shape), dim, known_places, unit),
        )
        return algebra.sum(value, algebra.times(placed, alpha))

    return added


def _convolution(
    algebra: Algebra, image: Operand, kernel: Operand, bias: Tensor | None, *rest: object
) -> Value:
    if not isinstance(image, Value) or not isinstance(kernel, Tensor):
        raise Unreadable("has a kernel that depends on values")
    convolve, weights = torch.ops.aten.convolution.default, known(kernel)
    found = algebra.mapped(image, lambda unit: convolve(unit, weights, None, *rest))
    return found if bias is None else algebra.sum(found, _of_channels(bias, found))


def _batch_norm(
    algebra: Algebra,
    value: Value,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    _: float,
    eps: float,
) -> list[Operand]:
    if training or mean is None or variance is None:
        raise Unreadable("divides by a standard deviation of values")
    scale = torch.rsqrt(variance + eps) * (1 if weight is None else weight)
    centred = algebra.sum(value, -_of_channels(mean, value))
    found = algebra.times(centred, _of_channels(scale, value))
    if bias is not None:
        found = algebra.sum(found, _of_channels(bias, value))
    return [found, torch.zeros(0), torch.zeros(0)]


def _of_channels(numbers: Tensor, value: Value) -> Tensor:
    return numbers.reshape(1, -1, *(1 for _ in value.shape[2:]))


def _added(algebra: Algebra, first: Operand, second: Operand, alpha: float = 1) -> Value:
    return algebra.sum(first, algebra.times(second, alpha))


def _subtracted(algebra: Algebra, first: Operand, second: Operand, alpha: float = 1) -> Value:
    return algebra.sum(first, algebra.times(second, -alpha))


def _added_matrices(
    algebra: Algebra,
    bias: Operand,
    first: Operand,
    second: Operand,
    beta: float = 1,
    alpha: float = 1,
) -> Value:
    product = algebra.times(algebra.matmul(first, second), alpha)
    return algebra.sum(algebra.times(bias, beta), product)


def _divided(
    algebra: Algebra, first: Operand, second: Operand, rounding_mode: str | None = None
) -> Operand:
    if isinstance(second, Value):
        raise Unreadable("divides by values")
    if rounding_mode is not None:
        raise Unreadable("rounds values")
    return algebra.times(first, 1 / known(second))


def _power(algebra: Algebra, value: Operand, exponent: object) -> Operand:
    whole = isinstance(exponent, int | float) and exponent == int(exponent) and exponent >= 0
    if not whole or not isinstance(value, Value):
        raise Unreadable("has an exponent that is no integer of at least 0")
    count = int(exponent)  # type: ignore[call-overload]
    if count < 2:
        return value if count else algebra.value(torch.ones(value.shape))
    half = _power(algebra, value, count // 2)
    square = algebra.product(half, half)
    return algebra.product(square, value) if count % 2 else square


def _total(
    algebra: Algebra,
    value: Value,
    dim: Axes = None,
    keepdim: bool = False,
    **_: object,
) -> Value:
    return algebra.total(value, _axes(dim), keep=keepdim)


def _mean(
    algebra: Algebra,
    value: Value,
    dim: Axes = None,
    keepdim: bool = False,
    **_: object,
) -> Value:
    axes = _axes(dim)
    return algebra.total(value, axes, keep=keepdim, weight=1 / _count(value, axes))


def _multiplied(
    algebra: Algebra, value: Value, dim: int | None = None, keepdim: bool = False, **_: object
) -> Operand:
    rest = value.shape if dim is not None else (math.prod(value.shape),)
    axis = dim % len(rest) if dim is not None else 0
    shaped = Value(rest, value.weights)
    factors = _parts(algebra, shaped, axis)
    while len(factors) > 1:  # in pairs: the fewest layers
        pairs = [algebra.product(*factors[at : at + 2]) for at in range(0, len(factors) - 1, 2)]
        factors = pairs + factors[2 * len(pairs) :]
    found = factors[0] if factors else algebra.value(torch.ones(value.shape).prod(axis))
    return algebra.unsqueezed(algebra.value(found), axis) if keepdim else found


def _parts(algebra: Algebra, value: Value, axis: int) -> list[Operand]:
    """Return what lies at each place of an axis."""
    return [
        algebra.moved(value, partial(torch.select, dim=axis, index=place))
        for place in range(value.shape[axis])
    ]


def _running_product(algebra: Algebra, value: Value, dim: int, **_: object) -> Value:
    def running(parts: list[Operand]) -> list[Operand]:  # in halves: the fewest layers
        if len(parts) < 2:
            return parts
        first, second = running(parts[: len(parts) // 2]), running(parts[len(parts) // 2 :])
        return first + [algebra.product(first[-1], part) for part in second]

    found = running(_parts(algebra, value, dim))
    return algebra.chosen(found, partial(torch.stack, dim=dim)) if found else value


def _variance(
    algebra: Algebra,
    value: Value,
    dim: Axes = None,
    correction: float | None = None,
    keepdim: bool = False,
) -> Value:
    axes = _axes(dim)
    count = _count(value, axes)
    apart = _subtracted(algebra, value, algebra.total(value, axes, keep=True, weight=1 / count))
    weight = 1 / (count - (1 if correction is None else correction))
    squares = algebra.circuit.product(apart, apart)
    return algebra.total(squares, axes, keep=keepdim, weight=weight)


def _count(value: Value, axes: Sequence[int]) -> int:
    return math.prod(value.shape[axis] for axis in axes or range(len(value.shape)))


def _axes(dim: Axes) -> Sequence[int]:
    return [dim] if isinstance(dim, int) else dim or []


def _trilinear(
    algebra: Algebra, first: Operand, second: Operand, third: Operand, *axes: Sequence[int]
) -> Value:
    """Multiply three tensors, each with axes of size 1 put in, and add along some axes."""
    values: list[Operand] = []
    weights: list[Operand] = []
    for operand, put_in in zip((first, second, third), axes[:3], strict=True):
        shaped = operand
        for axis in put_in:
            if isinstance(shaped, Value):
                shaped = algebra.unsqueezed(shaped, axis)
            elif isinstance(shaped, Tensor):
                shaped = shaped.unsqueeze(axis)
        (values if isinstance(shaped, Value) else weights).append(shaped)
    found, *others = values + weights  # what is known last: it is not repeated before it must be
    for other in others:
        found = algebra.product(found, other)
    return algebra.total(algebra.value(found), axes[3])


def _crossed(algebra: Algebra, first: Operand, second: Operand, *, dim: int = -1) -> Value:
    def turned(operand: Operand, by: int) -> Value:
        value = algebra.value(operand)
        return algebra.moved(value, partial(torch.roll, shifts=by, dims=dim))

    one, other = (algebra.product(turned(first, by), turned(second, -by)) for by in (-1, 1))
    return _subtracted(algebra, one, other)


OWN: dict[str, Callable[..., Any]] = {
    "_trilinear": _trilinear,
    "add": _added,
    "addcmul": lambda algebra, bias, *factors, value=1: algebra.sum(
        bias, algebra.times(algebra.product(*factors), value)
    ),
    "addmm": _added_matrices,
    "addmv": _added_matrices,
    "baddbmm": _added_matrices,
    "bmm": Algebra.matmul,
    "convolution": _convolution,
    "cumprod": _running_product,
    "div": _divided,
    "dot": Algebra.matmul,
    "index_add": _added_at("index_add"),
    "lerp": lambda algebra, first, second, share: algebra.sum(
        first, algebra.product(_subtracted(algebra, second, first), share)
    ),
    "linalg_cross": _crossed,
    "masked_fill": _filled,
    "mean": _mean,
    "mm": Algebra.matmul,
    "mul": Algebra.product,
    "mv": Algebra.matmul,
    "native_batch_norm": _batch_norm,
    "neg": lambda algebra, value: algebra.times(value, -1),
    "pow": _power,
    "prod": _multiplied,
    "rsub": lambda algebra, first, second, alpha=1: _subtracted(algebra, second, first, alpha),
    "scatter_add": _added_at("scatter_add"),
    "square": lambda algebra, value: algebra.product(value, value),
    "sub": _subtracted,
    "sum": _total,
    "var": _variance,
}
"""Those that need a word of their own."""
