"""Tensors without numbers, whose operations are written down as they are carried out.

Source:
    "Extending torch with a Tensor wrapper type", in the notes of torch's documentation on extending
    torch, for ``__torch_dispatch__``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from numeric.networks.compilation.circuit import Value
from numeric.networks.compilation.operations import (
    MADE_LIKE,
    Reader,
    Tokens,
    Unreadable,
    leaves,
    replaced,
)

FLOATS = torch.float32, torch.float64


class Symbolic(Tensor):
    """A tensor without numbers.

    Attributes:
        value: what its entries are.
        reader: writes its operations down.
        views: how many tensors show its entries, in a list that these share.
    """

    value: Value | Tokens
    reader: Reader
    views: list[int]

    def __repr__(self, **_: object) -> str:  # type: ignore[override]  # torch's is untyped
        """Say what it is: it has no numbers to show."""
        return f"Symbolic(shape={tuple(self.shape)})"

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch's is no class method
        cls,
        func: torch._ops.OpOverload[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Write an operation down.

        Raises:
            Unreadable: it is no sum or product of values.
        """
        del types
        name = func.__name__.split(".")[0]
        try:
            return _written(name, func, args, dict(kwargs or {}))
        except Unreadable as error:
            error.operation = error.operation or name
            raise


def symbolic(value: Value | Tokens, reader: Reader, dtype: torch.dtype) -> Symbolic:
    """Return a tensor without numbers.

    Args:
        value: what its entries are.
        reader: writes its operations down.
        dtype: what the tensor says that it has.

    Examples:
        >>> from numeric.networks.compilation.circuit import Circuit
        >>> reader = Reader(Circuit())
        >>> x = symbolic(reader.inputs((1, 3), tokens=False), reader, torch.float64)
        >>> (2 * x.T @ x).shape, reader.algebra.circuit.levels.tolist().count(1)
        (torch.Size([3, 3]), 9)
    """
    made = Symbolic._make_wrapper_subclass(Symbolic, value.shape, dtype=dtype)  # noqa: SLF001 -- no other door
    made.value, made.reader, made.views = value, reader, [1]
    found: Symbolic = made
    return found


def _written(
    name: str, func: torch._ops.OpOverload[..., Any], args: Sequence[Any], settings: dict[str, Any]
) -> object:
    first = next(leaf for leaf in leaves((args, settings)) if isinstance(leaf, Symbolic))
    if name in MADE_LIKE:
        return func(*replaced(args, _blank), **settings)
    dtype = settings.get("dtype") or first.dtype
    if isinstance(first.value, Value) and dtype not in FLOATS:
        raise Unreadable(f"makes {dtype} of values")
    given, named = replaced((args, settings), _value)
    if func._schema.is_mutable:  # noqa: SLF001 -- there is no public way to ask
        return _overwritten(name, first.reader, func, args, (given, named))
    found = first.reader.apply(name, func, given, named)
    if isinstance(first.value, Tokens) and not isinstance(found, Tokens):
        dtype = torch.float64
    made = replaced(
        found,
        lambda leaf: leaf if isinstance(leaf, Tensor) else symbolic(leaf, first.reader, dtype),
    )
    if func.is_view:
        for part in leaves(made):
            first.views[0] += 1
            part.views = first.views
    return made


def _overwritten(
    name: str,
    reader: Reader,
    func: torch._ops.OpOverload[..., Any],
    args: Sequence[Any],
    given: tuple[list[Any], dict[str, Any]],
) -> Symbolic:
    """Carry out what writes into its first argument, if nobody else sees the entries of that."""
    target = args[0]
    if not isinstance(target, Symbolic) or not name.endswith("_"):
        raise Unreadable("writes values into a tensor that was made before")
    if target.views[0] > 1:
        raise Unreadable("writes into entries that another tensor shows")
    values, named = given
    if name == "copy_":
        target.value = reader.algebra.spread(values[1], target.shape)
    else:
        target.value = reader.apply(name[:-1], func, values, named)
    return target


def _value(leaf: object) -> object:
    return leaf.value if isinstance(leaf, Symbolic) else leaf


def _blank(leaf: object) -> object:
    return torch.empty(leaf.shape, dtype=leaf.dtype) if isinstance(leaf, Symbolic) else leaf
