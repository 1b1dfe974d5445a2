"""Torch's operations by name, and what each does to values of a circuit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from numeric.networks.compilation.algebra import Algebra, Operand, known, numbered, places_in
from numeric.networks.compilation.circuit import Circuit, Integers, Value

MOVES = {
    "_reshape_alias", "_to_copy", "_unsafe_view", "alias", "broadcast_to", "clone",
    "constant_pad_nd", "detach", "diagonal", "expand", "flip", "gather", "im2col", "index",
    "index_select",
    "lift_fresh", "narrow", "permute", "pixel_shuffle", "pixel_unshuffle", "reflection_pad1d",
    "reflection_pad2d", "repeat", "replication_pad1d", "replication_pad2d", "roll", "select",
    "slice", "split", "split_with_sizes", "squeeze", "t", "take", "transpose", "tril", "triu",
    "unbind", "unfold", "unsqueeze", "view",
}  # fmt: skip
"""Those that return entries of their first argument, or zeros, in some order."""

LINEAR = {
    "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "avg_pool2d", "avg_pool3d", "cumsum", "trace",
    "upsample_bilinear2d", "upsample_nearest1d", "upsample_nearest2d",
}  # fmt: skip
"""Those that are linear in their first argument, the only tensor that they take."""

MADE_LIKE = {
    "empty_like", "full_like", "new_empty", "new_full", "new_ones", "new_zeros", "ones_like",
    "zeros_like",
}  # fmt: skip
"""Those that look at nothing of their first argument but its shape and dtype."""

_REASONS = {
    "_local_scalar_dense": "decides by a value what is computed",
    "_softmax": "divides by a sum of exponentials of values",
    "is_nonzero": "decides by a value what is computed",
    "native_group_norm": "divides by a standard deviation of values",
    "native_layer_norm": "divides by a standard deviation of values",
    "reciprocal": "divides by values",
    "rsqrt": "divides by a root of values",
}

_BENT = {
    "abs", "clamp", "elu", "exp", "gelu", "gt", "hardtanh", "leaky_relu", "log", "lt",
    "max", "max_pool2d_with_indices", "maximum", "min", "relu", "sigmoid", "sign", "silu",
    "softplus", "sqrt", "tanh", "threshold",
}  # fmt: skip
"""The usual ones that no sums and products are."""

_OF_MEMORY = {"device", "dtype", "layout", "memory_format", "non_blocking", "pin_memory"}
"""Settings that change no number."""

Axes: TypeAlias = "int | Sequence[int] | None"


class Unreadable(Exception):  # noqa: N818 -- caught where its place is known, and said in words
    """An operation makes something else than sums and products of what it is given.

    Attributes:
        operation: its name.
    """

    operation = ""


@dataclass(frozen=True, eq=False)
class Tokens:
    """Integers that name letters of a vocabulary.

    Attributes:
        places: which of the inputs' positions stands where.
    """

    places: Integers

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return self.places.shape


class Reader:
    """Carries out operations of torch on values.

    Args:
        circuit: where what is computed is written down.

    Attributes:
        vocabulary: how many letters there are, once an embedding has said it.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.algebra = Algebra(circuit)
        self.vocabulary: int | None = None
        self._letters: Value | None = None

    def inputs(self, shape: tuple[int, ...], *, tokens: bool) -> Value | Tokens:
        """Return the inputs: numbers, or tokens, which an embedding makes one-hot numbers."""
        if tokens:
            return Tokens(np.arange(math.prod(shape)).reshape(shape))
        return self.algebra.circuit.inputs(shape)

    def apply(
        self, name: str, operation: Callable[..., Any], args: Sequence[Any], named: dict[str, Any]
    ) -> Any:  # noqa: ANN401 -- a value, or a list of values and tensors
        """Return what an operation makes.

        Args:
            name: the operation's, such as ``"mm"``.
            operation: computes it on tensors.
            args: its arguments, values in place of tensors without numbers.
            named: its arguments by name.

        Raises:
            Unreadable: it is no sum or product of what it is given, with the reason.
        """
        if name == "embedding":
            return self._embedded(*args)
        if name in MOVES and isinstance(args[0], Value | Tokens):
            return _moved(name, operation, args, named)
        if any(isinstance(leaf, Tokens) for leaf in leaves((args, named))):
            raise Unreadable("does something else with tokens than look them up in an embedding")
        if name in _OWN:
            return _OWN[name](self.algebra, *args, **named)
        if name in LINEAR:
            value, *others = args
            return self.algebra.mapped(value, lambda unit: operation(unit, *others, **named))
        if name in _BENT:
            raise Unreadable("is no polynomial")
        raise Unreadable(_REASONS.get(name, "is not known as a sum or product of values"))

    def _embedded(self, weight: Tensor, tokens: object, *_: object) -> Value:
        if not isinstance(tokens, Tokens):
            raise Unreadable("looks up what depends on values")
        letters = len(weight)
        if self._letters is None:
            self.vocabulary = letters
            self._letters = self.algebra.circuit.inputs((int(tokens.places.max()) + 1, letters))
        if self.vocabulary != letters:
            raise Unreadable(f"has a vocabulary of {letters} beside one of {self.vocabulary}")
        hot = tokens.places[..., np.newaxis] * letters + np.arange(letters)
        return self.algebra.matmul(self._letters.at(hot), weight)


def _moved(
    name: str,
    operation: Callable[..., Any],
    args: Sequence[Any],
    named: Mapping[str, Any],
) -> Any:  # noqa: ANN401 -- one or several
    """Carry out on the numbers of entries, from 1 on, what moves entries; 0 stands for 0."""
    given, *others = args
    if name == "constant_pad_nd" and any(others[1:]):
        raise Unreadable("pads with another number than 0")
    if any(isinstance(other, torch.dtype) for other in others):
        raise Unreadable("reads the bits of values as another type's")
    places = {key: setting for key, setting in named.items() if key not in _OF_MEMORY}
    moved = operation(numbered(given.shape), *others, **places)
    parts = [moved] if isinstance(moved, Tensor) else moved
    if isinstance(given, Tokens):
        found = [Tokens(given.places.ravel()[places_in(part)]) for part in parts]
    else:
        found = [given.at(places_in(part)) for part in parts]
    return found[0] if isinstance(moved, Tensor) else found


def _where(algebra: Algebra, condition: object, first: Operand, second: Operand) -> Value:
    if not isinstance(condition, Tensor):
        raise Unreadable("chooses by a value")
    return algebra.chosen([first, second], lambda parts: torch.where(condition, parts[0], parts[1]))


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
    count = math.prod(value.shape[axis] for axis in axes or range(len(value.shape)))
    return algebra.total(value, axes, keep=keepdim, weight=1 / count)


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


_OWN: dict[str, Callable[..., Any]] = {
    "_trilinear": _trilinear,
    "add": _added,
    "addcmul": lambda algebra, bias, *factors, value=1: algebra.sum(
        bias, algebra.times(algebra.product(*factors), value)
    ),
    "addmm": _added_matrices,
    "addmv": _added_matrices,
    "baddbmm": _added_matrices,
    "bmm": Algebra.matmul,
    "cat": lambda algebra, parts, dim=0: algebra.chosen(parts, lambda each: torch.cat(each, dim)),
    "convolution": _convolution,
    "div": _divided,
    "dot": Algebra.matmul,
    "masked_fill": lambda algebra, value, mask, filling: _where(algebra, mask, filling, value),
    "mean": _mean,
    "mm": Algebra.matmul,
    "mul": Algebra.product,
    "mv": Algebra.matmul,
    "native_batch_norm": _batch_norm,
    "neg": lambda algebra, value: algebra.times(value, -1),
    "pow": _power,
    "rsub": lambda algebra, first, second, alpha=1: _subtracted(algebra, second, first, alpha),
    "square": lambda algebra, value: algebra.product(value, value),
    "stack": lambda algebra, parts, dim=0: algebra.chosen(
        parts, lambda each: torch.stack(each, dim)
    ),
    "sub": _subtracted,
    "sum": _total,
    "where": _where,
}
"""Those that need a word of their own."""


def leaves(tree: object) -> Iterator[Any]:
    """Yield what lists, tuples and mappings hold in the end."""
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        for part in tree:
            yield from leaves(part)
    else:
        yield tree


def replaced(tree: Any, change: Callable[[Any], object]) -> Any:  # noqa: ANN401 -- of any shape
    """Return lists, tuples and mappings with another thing in place of each that they hold."""
    if isinstance(tree, Mapping):
        return {name: replaced(part, change) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [replaced(part, change) for part in tree]
    return change(tree)
