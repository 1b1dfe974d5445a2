"""Tensors of a circuit's values: their entries moved, weighed, added and multiplied."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from numeric.networks.compilation.circuit import Circuit, Integers, Value

Operand: TypeAlias = "Value | Tensor | float"
"""What is computed with: values, and numbers that are known."""


class Algebra:
    """What torch's operations come down to.

    Args:
        circuit: where all that is computed is written down.

    Examples:
        >>> algebra = Algebra(Circuit())
        >>> x = algebra.circuit.inputs((2, 3))
        >>> algebra.product(x, algebra.moved(x, lambda places: places[:, :1])).shape
        (2, 3)
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit

    def value(self, given: Operand) -> Value:
        """Return numbers that are known as a value, and a value as it is."""
        if isinstance(given, Value):
            return given
        return self.circuit.constant(known(given).numpy())

    def moved(self, value: Value, move: Callable[[Tensor], Tensor]) -> Value:
        """Return entries of a value.

        Args:
            value: whose entries they are.
            move: does to the number of each entry, counted from 1, what is done to the entry. Where
                it leaves a 0, there stands 0.
        """
        return self.chosen([value], lambda tensors: move(tensors[0]))

    def chosen(
        self, operands: Sequence[Operand], choose: Callable[[list[Tensor]], Tensor]
    ) -> Value:
        """Return entries of several tensors, as ``choose`` takes their numbers (:meth:`moved`)."""
        values = [self.value(operand) for operand in operands]
        stacked = sparse.vstack([self.circuit.wide(value.weights) for value in values])
        numbers, start = [], 1
        for value in values:
            numbers.append(numbered(value.shape, start))
            start += math.prod(value.shape)
        return Value((start - 1,), sparse.csr_array(stacked)).at(places_in(choose(numbers)))

    def spread(self, operand: Operand, shape: Sequence[int]) -> Value:
        """Repeat a value along new axes and along those of size 1."""
        value = self.value(operand)
        if value.shape == tuple(shape):
            return value
        self.circuit.check_size(math.prod(shape))
        return self.moved(value, lambda numbers: numbers.broadcast_to(tuple(shape)))

    def alike(self, *operands: Operand) -> list[Value]:
        """Bring tensors to the shape that an operation entry by entry has."""
        shape = np.broadcast_shapes(*(getattr(operand, "shape", ()) for operand in operands))
        return [self.spread(operand, shape) for operand in operands]

    def sum(self, first: Operand, second: Operand) -> Value:
        """Add entry by entry."""
        return self.circuit.sum(*self.alike(first, second))

    def times(self, operand: Operand, factor: Tensor | float) -> Operand:
        """Multiply by what is known."""
        if not isinstance(operand, Value):
            return operand * factor
        if not isinstance(factor, Tensor) and factor == 1:
            return operand
        value, _ = self.alike(operand, factor)
        numbers = known(factor).broadcast_to(value.shape)
        weights = sparse.csr_array(sparse.diags_array(numbers.reshape(-1).numpy()))
        weights.eliminate_zeros()
        return self.circuit.map(weights, value, value.shape)

    def product(self, first: Operand, second: Operand) -> Operand:
        """Multiply entry by entry."""
        if not isinstance(first, Value):
            return self.times(second, first)
        if not isinstance(second, Value):
            return self.times(first, second)
        return self.circuit.product(*self.alike(first, second))

    def total(
        self, value: Value, axes: Sequence[int], *, keep: bool = False, weight: float = 1.0
    ) -> Value:
        """Add along axes, and weigh the sums; all axes if none is named."""
        rank = len(value.shape)
        gone = {axis % rank for axis in axes} if axes else set(range(rank))
        sizes = [1 if axis in gone else size for axis, size in enumerate(value.shape)]
        count, size = math.prod(sizes), math.prod(value.shape)
        rows = np.broadcast_to(np.arange(count).reshape(sizes), value.shape).ravel()
        entries = np.full(size, weight), (rows, np.arange(size))
        shape = [n for axis, n in enumerate(sizes) if keep or axis not in gone]
        matrix = sparse.csr_array(entries, shape=(count, size))
        return self.circuit.map(matrix, value, tuple(shape))

    def mapped(self, value: Value, linear: Callable[[Tensor], Tensor]) -> Value:
        """Apply a linear map of tensors, which is asked about one unit vector after another."""
        count, columns, shape = math.prod(value.shape), [], torch.Size()
        for place in range(count):
            unit = torch.zeros(count, dtype=torch.float64)
            unit[place] = 1
            found = linear(unit.reshape(value.shape))
            shape = found.shape
            columns.append(sparse.csr_array(found.reshape(1, -1).numpy()))
        return self.circuit.map(sparse.csr_array(sparse.vstack(columns).T), value, tuple(shape))

    def matmul(self, first: Operand, second: Operand) -> Value:
        """Multiply matrices, vectors, or stacks of matrices, as ``torch.matmul`` does."""
        if isinstance(first, Value) and isinstance(second, Value):
            return self._contracted(first, second)
        if isinstance(first, Value) and isinstance(second, Tensor):
            return self._weighed(first, known(second))
        if isinstance(first, Tensor) and isinstance(second, Value):
            matrix = known(first)
            return self.mapped(second, lambda unit: torch.matmul(matrix, unit))
        raise TypeError(f"no matrices: {first!r}, {second!r}")  # torch has refused them before

    def _weighed(self, value: Value, weights: Tensor) -> Value:
        if weights.ndim != 2:
            return self.mapped(value, lambda unit: torch.matmul(unit, weights))
        *rows, _ = value.shape
        each = sparse.csr_array(weights.numpy().T)
        matrix = sparse.csr_array(sparse.kron(sparse.eye_array(math.prod(rows)), each))
        return self.circuit.map(matrix, value, (*rows, weights.shape[1]))

    def _contracted(self, first: Value, second: Value) -> Value:
        rows = first if len(first.shape) > 1 else self.unsqueezed(first, 0)
        columns = second if len(second.shape) > 1 else self.unsqueezed(second, 1)
        terms = self.alike(self.unsqueezed(rows, -1), self.unsqueezed(columns, -3))
        found = self.total(self.circuit.product(*terms), [-2])
        shape = list(found.shape)
        if len(second.shape) == 1:
            del shape[-1]
        if len(first.shape) == 1:
            del shape[-2 if len(second.shape) > 1 else -1]
        return Value(tuple(shape), found.weights)

    def unsqueezed(self, value: Value, axis: int) -> Value:
        """Put in an axis of size 1."""
        return self.moved(value, lambda numbers: numbers.unsqueeze(axis))


def known(given: Tensor | float) -> Tensor:
    """Return what is known in float64; a number of Python's is one already."""
    return torch.as_tensor(given, dtype=torch.float64).detach()


def numbered(shape: Sequence[int], start: int = 1) -> Tensor:
    """Return the numbers of a tensor's entries, as floats, which all of torch's moves take."""
    return torch.arange(start, start + math.prod(shape), dtype=torch.float64).reshape(tuple(shape))


def places_in(moved: Tensor) -> Integers:
    """Return places from 0 on of numbers from 1 on, and -1 for 0."""
    return moved.numpy().astype(np.int64) - 1
