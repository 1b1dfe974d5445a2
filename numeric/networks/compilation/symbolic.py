"""Tensors without numbers, whose operations are written down as they are carried out.

What a tensor without numbers shows are entries of a memory, which its views share: what is written
into one of them is there in all. A tensor of numbers into which such values are written has a
memory from then on, too.

Source:
    "Extending torch with a Tensor wrapper type", in the notes of torch's documentation on extending
    torch, for ``__torch_dispatch__``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch._decomp import decomposition_table
from torch.utils._python_dispatch import TorchDispatchMode

from numeric.networks.compilation.algebra import numbered, places_in
from numeric.networks.compilation.circuit import Value
from numeric.networks.compilation.operations import (
    MADE_LIKE,
    Reader,
    Tokens,
    leaves,
    replaced,
)
from numeric.networks.compilation.rules import Unreadable

FLOATS = torch.float32, torch.float64


class Memory:
    """What several tensors show entries of.

    Args:
        entries: of any shape.
        reader: writes operations on them down.
    """

    def __init__(self, entries: Value | Tokens, reader: Reader) -> None:
        self.shape, self.reader = (math.prod(entries.shape),), reader
        self.entries = entries
        self.numbers = numbered(self.shape)

    def shown(self, numbers: Tensor, dtype: torch.dtype) -> Symbolic:
        """Return a tensor of some entries: a view of their numbers."""
        made = Symbolic._make_wrapper_subclass(  # noqa: SLF001 -- no other door
            Symbolic,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=dtype,
        )
        made.memory, made.numbers = self, numbers
        found: Symbolic = made
        return found

    def write(self, numbers: Tensor, value: Value) -> None:
        """Put a value in the place of some entries."""
        if isinstance(self.entries, Tokens):
            raise Unreadable("writes over tokens")
        if len(np.unique(numbers.numpy())) < numbers.numel():
            raise Unreadable("writes several values into the same entry")
        places = torch.from_numpy(places_in(numbers.reshape(-1)))

        def written(parts: list[Tensor]) -> Tensor:
            before, new = (part.reshape(-1) for part in parts)
            return before.index_copy(0, places, new)

        self.entries = self.reader.algebra.chosen([self.entries, value], written)


class Symbolic(Tensor):
    """A tensor without numbers.

    Attributes:
        memory: what it shows entries of.
        numbers: which ones, counted from 1 on.
    """

    memory: Memory
    numbers: Tensor

    @property
    def value(self) -> Value | Tokens:
        """What its entries are."""
        return self.memory.entries.at(places_in(self.numbers))

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
        if func.namespace != "aten":  # another library's may have a name of torch's
            name = f"{func.namespace}::{name}"
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
    memory = Memory(value, reader)
    return memory.shown(memory.numbers.view(value.shape), dtype)


class Followed(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch's is not annotated
    """While it lasts, values may be written into tensors of numbers, which then show them.

    Args:
        reader: writes operations down.

    Examples:
        >>> from numeric.networks.compilation.circuit import Circuit
        >>> reader = Reader(Circuit())
        >>> x = symbolic(reader.inputs((1, 2), tokens=False), reader, torch.float64)
        >>> y = torch.ones(1, 3, dtype=torch.float64)
        >>> with Followed(reader) as followed:
        ...     y[:, 1:] = x
        ...     followed.shown(y[:, ::2])
        Symbolic(shape=(1, 2))
    """

    def __init__(self, reader: Reader) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self._reader = reader
        self._memories: dict[int, tuple[Memory, torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        func: torch._ops.OpOverload[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> object:
        """Carry out an operation on what tensors show, if they show values."""
        del types
        given, named = replaced((args, kwargs or {}), self.shown)
        if not any(isinstance(leaf, Symbolic) for leaf in leaves((given, named))):
            return func(*args, **(kwargs or {}))
        if not func.__name__.split(".")[0].endswith("_"):
            return func(*given, **named)
        target = given[0]
        if isinstance(target, Tensor) and target.dtype in FLOATS:
            self._remember(target)
            given = [self.shown(target), *given[1:]]
        func(*given, **named)
        return args[0]

    def shown(self, leaf: Any) -> Any:  # noqa: ANN401 -- what is no tensor, too
        """Return what a tensor shows, if values have been written into its memory."""
        if not isinstance(leaf, Tensor) or isinstance(leaf, Symbolic):
            return leaf
        memory, _ = self._memories.get(leaf.untyped_storage()._cdata, (None, None))  # noqa: SLF001 -- its only name
        if memory is None:
            return leaf
        places = leaf.shape, leaf.stride(), leaf.storage_offset()
        return memory.shown(memory.numbers.as_strided(*places), torch.float64)

    def _remember(self, tensor: Tensor) -> None:
        if isinstance(tensor, Symbolic):
            return
        storage = tensor.untyped_storage()
        numbers = torch.empty(0, dtype=tensor.dtype).set_(storage)
        memory = Memory(self._reader.algebra.value(numbers), self._reader)
        self._memories[storage._cdata] = memory, storage  # noqa: SLF001 -- its only name


def _written(
    name: str, func: torch._ops.OpOverload[..., Any], args: Sequence[Any], settings: dict[str, Any]
) -> object:
    first = next(leaf for leaf in leaves((args, settings)) if isinstance(leaf, Symbolic))
    if name in MADE_LIKE:
        return func(*replaced(args, _blank), **settings)
    reader, dtype = first.memory.reader, settings.get("dtype") or first.dtype
    if isinstance(first.memory.entries, Value) and dtype not in FLOATS:
        raise Unreadable(f"makes {dtype} of values")
    if func.is_view:
        return _viewed(first, func, args, settings)
    given, named = replaced((args, settings), _value)
    if func._schema.is_mutable:  # noqa: SLF001 -- there is no public way to ask
        return _overwritten(name, reader, func, args, (given, named))
    if not reader.knows(name) and func in decomposition_table:
        return _taken_apart(name, func, args, settings)
    found = reader.apply(name, func, given, named)
    if isinstance(first.memory.entries, Tokens) and not isinstance(found, Tokens):
        dtype = torch.float64
    return replaced(
        found,
        lambda leaf: leaf if isinstance(leaf, Tensor) else symbolic(leaf, reader, dtype),
    )


def _taken_apart(
    name: str, func: torch._ops.OpOverload[..., Any], args: Sequence[Any], settings: dict[str, Any]
) -> object:
    """Carry out an operation as torch writes it in simpler ones."""
    try:
        return decomposition_table[func](*args, **settings)
    except Unreadable as error:
        error.operation = name
        raise


def _viewed(
    first: Symbolic,
    func: torch._ops.OpOverload[..., Any],
    args: Sequence[Any],
    settings: dict[str, Any],
) -> object:
    """Carry out on the numbers of entries what shows them otherwise."""
    given, named = replaced(
        (args, settings), lambda leaf: leaf.numbers if isinstance(leaf, Symbolic) else leaf
    )
    viewed = func(*given, **named)
    if any(part.dtype != first.numbers.dtype or part.is_neg() for part in leaves(viewed)):
        raise Unreadable("reads the bits of values as another type's")
    return replaced(viewed, lambda part: first.memory.shown(part, first.dtype))


def _overwritten(
    name: str,
    reader: Reader,
    func: torch._ops.OpOverload[..., Any],
    args: Sequence[Any],
    given: tuple[list[Any], dict[str, Any]],
) -> Symbolic:
    """Carry out what writes into its first argument."""
    target, (values, named) = args[0], given
    if not isinstance(target, Symbolic) or not name.endswith("_"):
        raise Unreadable("writes values into a tensor that was made before")
    if name in {"copy_", "fill_", "zero_"}:
        new = reader.algebra.spread(values[1] if values[1:] else 0.0, target.shape)
    else:
        new = reader.algebra.value(reader.apply(name[:-1], func, values, named))
    if new.shape != tuple(target.shape):
        raise Unreadable("changes the shape of a tensor in its place")
    target.memory.write(target.numbers, new)
    return target


def _value(leaf: object) -> object:
    return leaf.value if isinstance(leaf, Symbolic) else leaf


def _blank(leaf: object) -> object:
    return torch.empty(leaf.shape, dtype=leaf.dtype) if isinstance(leaf, Symbolic) else leaf
