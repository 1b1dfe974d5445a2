"""Torch's operations by name, and what each does to values of a circuit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from numeric.networks.compilation.algebra import Algebra, numbered, places_in
from numeric.networks.compilation.circuit import Circuit, Integers, Value
from numeric.networks.compilation.rules import OWN, Unreadable

MOVES = {
    "_to_copy", "_unsafe_view", "clone", "flip", "gather", "im2col", "index",
    "index_select", "lift_fresh", "pixel_shuffle", "pixel_unshuffle", "reflection_pad1d",
    "reflection_pad2d", "repeat", "replication_pad1d", "replication_pad2d", "roll", "take", "tril",
    "triu",
}  # fmt: skip
"""Those that return entries of their first argument, or zeros, in some order, and are no views."""

CHOICES = {
    "cat": {0}, "constant_pad_nd": {0, 2}, "index_copy": {0, 3}, "index_put": {0, 2},
    "scatter": {0, 3}, "select_scatter": {0, 1}, "slice_scatter": {0, 1}, "stack": {0},
    "where": {1, 2},
}  # fmt: skip
"""Those that return entries of several arguments, at these places, in some order."""


def _padded(given: Tensor, widths: Sequence[int], filling: Tensor | float = 0) -> Tensor:
    return nn.functional.pad(given, widths, value=float(filling))


_CHOOSING: dict[str, Callable[..., Tensor]] = {"constant_pad_nd": _padded, "where": torch.where}
"""What does the same where a number that is chosen is given as a tensor."""

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
    "_native_multi_head_attention": "divides by a sum of exponentials of values",
    "_scaled_dot_product_flash_attention_for_cpu": "divides by a sum of exponentials of values",
    "_softmax": "divides by a sum of exponentials of values",
    "bernoulli": "draws random numbers",
    "is_nonzero": "decides by a value what is computed",
    "native_group_norm": "divides by a standard deviation of values",
    "linalg_vector_norm": "takes a root of values",
    "native_layer_norm": "divides by a standard deviation of values",
    "native_dropout": "draws random numbers",
    "rand_like": "draws random numbers",
    "randn_like": "draws random numbers",
    "reciprocal": "divides by values",
    "rsqrt": "divides by a root of values",
    "std": "takes a root of values",
}

_BENT = {
    "abs", "argmax", "argmin", "atan", "clamp", "cos", "elu", "eq", "erf", "exp", "exp2", "floor",
    "ge", "gelu", "gt", "hardtanh", "le", "leaky_relu", "log", "lt", "max",
    "max_pool2d_with_indices", "maximum", "median", "min", "minimum", "ne", "relu", "round",
    "sigmoid", "sign", "silu", "sin", "softplus", "sort", "sqrt", "tanh", "threshold", "topk",
}  # fmt: skip
"""The usual ones that no sums and products are."""

_OF_MEMORY = {"device", "dtype", "layout", "memory_format", "non_blocking", "pin_memory"}
"""Settings that change no number."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """Integers that name letters of a vocabulary.

    Attributes:
        places: which of the inputs' positions stands where; :math:`-1 - c` for the letter
            :math:`c`, whatever the inputs are.
    """

    places: Integers

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the tensor."""
        return self.places.shape

    def at(self, places: Integers) -> Tokens:
        """Return a tensor of those at some places; where a place is below 0, a known letter."""
        return Tokens(np.where(places < 0, places, self.places.ravel()[np.maximum(places, 0)]))

    @classmethod
    def numbered(cls, operand: object) -> Tensor:
        """Return the numbers of tokens, of which :func:`places_in` makes places."""
        if isinstance(operand, cls):
            return torch.from_numpy(operand.places + 1)
        return -torch.as_tensor(operand)


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
        self._positions = 0
        self._letters: Value | None = None

    def inputs(self, shape: tuple[int, ...], *, tokens: bool) -> Value | Tokens:
        """Return the inputs: numbers, or tokens, which an embedding makes one-hot numbers."""
        if tokens:
            self._positions = math.prod(shape)
            return Tokens(np.arange(self._positions).reshape(shape))
        return self.algebra.circuit.inputs(shape)

    def knows(self, name: str) -> bool:
        """Return whether there is a rule for an operation, or a reason why there is none."""
        known = {"embedding"}, MOVES, CHOICES, OWN, LINEAR, _BENT, _REASONS
        return any(name in names for names in known)

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
        if name == "index" and isinstance(args[0], Tensor):
            return self._embedded(args[0], *args[1])
        if name in MOVES and isinstance(args[0], Value | Tokens):
            return _moved(operation, args, named)
        if name in CHOICES:
            return self._chosen(CHOICES[name], _CHOOSING.get(name, operation), args, named)
        if any(isinstance(leaf, Tokens) for leaf in leaves((args, named))):
            raise Unreadable("does something else with tokens than look them up in an embedding")
        if name in OWN:
            return OWN[name](self.algebra, *args, **named)
        if name in LINEAR:
            value, *others = args
            return self.algebra.mapped(value, lambda unit: operation(unit, *others, **named))
        if name in _BENT:
            raise Unreadable("is no polynomial")
        raise Unreadable(_REASONS.get(name, "is not known as a sum or product of values"))

    def _chosen(
        self,
        places: set[int],
        operation: Callable[..., Any],
        args: Sequence[Any],
        named: Mapping[str, Any],
    ) -> Value | Tokens:
        """Carry out on the numbers of entries what takes them from several tensors."""
        others = [arg for place, arg in enumerate(args) if place not in places]
        if any(isinstance(leaf, Value | Tokens) for leaf in leaves((others, named))):
            raise Unreadable("chooses by a value")
        if {"accumulate", "reduce"} & named.keys() or any(other is True for other in others):
            raise Unreadable("makes of two values in one place something else than one of them")
        chosen = [arg for place, arg in enumerate(args) if place in places]

        def choose(parts: list[Tensor]) -> Tensor:
            found, rest = list(args), iter(parts)
            for place, arg in enumerate(args):
                if place not in places:
                    continue
                found[place] = [next(rest) for _ in arg] if isinstance(arg, list) else next(rest)
            return operation(*found, **named)  # type: ignore[no-any-return]  # torch's

        operands = list(leaves(chosen))
        if not any(isinstance(operand, Tokens) for operand in operands):
            return self.algebra.chosen(operands, choose)
        if any(isinstance(operand, Value) for operand in operands):
            raise Unreadable("mixes tokens with values")
        return Tokens(places_in(choose([Tokens.numbered(operand) for operand in operands])))

    def _embedded(self, weight: Tensor, tokens: object, *rest: object) -> Value:
        if not isinstance(tokens, Tokens):
            raise Unreadable("looks up what depends on values")
        if weight.ndim != 2 or any(isinstance(place, Tensor | Tokens) for place in rest):
            raise Unreadable("looks up something else with tokens than rows of a matrix")
        letters = len(weight)
        if self._letters is None:
            self.vocabulary = letters
            self._letters = self.algebra.circuit.inputs((self._positions, letters))
        if self.vocabulary != letters:
            raise Unreadable(f"has a vocabulary of {letters} beside one of {self.vocabulary}")
        places, letter = tokens.places[..., np.newaxis], np.arange(letters)
        if places.min(initial=0) < -letters:
            raise Unreadable(f"looks up {-1 - places.min()} in a vocabulary of {letters}")
        hot = self._letters.at(np.where(places < 0, -1, places * letters + letter))
        always = torch.from_numpy((places == -1 - letter).astype(np.float64))
        return self.algebra.matmul(self.algebra.sum(hot, always), weight)


def _moved(
    operation: Callable[..., Any],
    args: Sequence[Any],
    named: Mapping[str, Any],
) -> Any:  # noqa: ANN401 -- one or several
    """Carry out on the numbers of entries, from 1 on, what moves entries; 0 stands for 0."""
    given, *others = args
    if any(isinstance(other, torch.dtype) for other in others):
        raise Unreadable("reads the bits of values as another type's")
    places = {key: setting for key, setting in named.items() if key not in _OF_MEMORY}
    moved = operation(numbered(given.shape), *others, **places)
    parts = [moved] if isinstance(moved, Tensor) else moved
    found = [given.at(places_in(part)) for part in parts]
    return found[0] if isinstance(moved, Tensor) else found


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
