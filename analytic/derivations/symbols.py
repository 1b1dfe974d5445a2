"""Symbols for weights and inputs: one of its own for each entry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy


def vector(name: str, size: int) -> sympy.Matrix:
    """Return a column of symbols.

    Examples:
        >>> list(vector("x", 2))
        [x_0, x_1]
    """
    return sympy.Matrix(sympy.symbols(f"{name}_:{size}"))


def with_constant(x: sympy.Matrix) -> sympy.Matrix:
    r"""Return :math:`\tilde x = (1, x)`.

    Examples:
        >>> list(with_constant(vector("x", 2)))
        [1, x_0, x_1]
    """
    return sympy.Matrix([1, *x])


def matrix(name: str, rows: int, columns: int) -> sympy.Matrix:
    """Return a matrix of symbols.

    Examples:
        >>> list(matrix("L", 1, 2))
        [L_0_0, L_0_1]
    """
    return sympy.Matrix(rows, columns, lambda i, j: sympy.Symbol(f"{name}_{i}_{j}"))


def symmetric_matrix(name: str, size: int) -> sympy.Matrix:
    """Return a symmetric matrix of symbols, one for each pair of equal entries.

    Examples:
        >>> list(symmetric_matrix("Q", 2))
        [Q_0_0, Q_0_1, Q_0_1, Q_1_1]
    """
    return sympy.Matrix(size, size, lambda i, j: sympy.Symbol(f"{name}_{min(i, j)}_{max(i, j)}"))


def symmetric_part(square: sympy.Matrix) -> sympy.Matrix:
    """Return half the sum of a square matrix and its transpose."""
    return (square + square.T) / 2


def form(square: sympy.Matrix, x: sympy.Matrix) -> sympy.Expr:
    """Return the value of a quadratic form."""
    return (x.T * square * x)[0]


def inner_product(first: sympy.Matrix, second: sympy.Matrix) -> sympy.Expr:
    """Return the sum of the products of two matrices' entries."""
    return sympy.Add(*first.multiply_elementwise(second))


def column(*parts: Iterable[sympy.Expr]) -> sympy.Matrix:
    """Return the entries of vectors and matrices below each other, row by row.

    Examples:
        >>> list(column(matrix("M", 1, 2), [0]))
        [M_0_0, M_0_1, 0]
    """
    return sympy.Matrix([entry for part in parts for entry in part])


@dataclass(frozen=True)
class SymbolicLayer:
    r"""A layer in the normal form :math:`\tilde y = D[(L\tilde x)\odot(R\tilde x)] + M\tilde x`.

    Attributes:
        left: :math:`L`, of shape (neurons, inputs).
        right: :math:`R`, of shape (neurons, inputs).
        down: :math:`D`, of shape (outputs, neurons).
        linear: :math:`M`, of shape (outputs, inputs).
    """

    left: sympy.Matrix
    right: sympy.Matrix
    down: sympy.Matrix
    linear: sympy.Matrix

    @classmethod
    def generic(cls, inputs: int, neurons: int, outputs: int, mark: str = "") -> SymbolicLayer:
        """Return the layer whose every weight is a symbol of its own.

        Args:
            inputs: how many components the layer reads, the constant among them.
            neurons: how many products it forms.
            outputs: how many components it returns.
            mark: what the names of its symbols carry, to tell layers apart.
        """
        return cls(
            matrix(f"L{mark}", neurons, inputs),
            matrix(f"R{mark}", neurons, inputs),
            matrix(f"D{mark}", outputs, neurons),
            matrix(f"M{mark}", outputs, inputs),
        )

    def products(self, x: sympy.Matrix) -> sympy.Matrix:
        r"""Return the bilinear part, :math:`D[(L\tilde x)\odot(R\tilde x)]`."""
        return self.down * (self.left * x).multiply_elementwise(self.right * x)

    def value(self, x: sympy.Matrix) -> sympy.Matrix:
        r"""Return the bilinear and the linear part's sum."""
        return self.products(x) + self.linear * x

    def tensor(self) -> list[sympy.Matrix]:
        r"""Return :math:`B_{oab} = \sum_k D_{ok} L_{ka} R_{kb}`, a matrix for each output."""
        neurons = range(self.down.cols)
        return [
            sum(
                (self.down[o, k] * self.left[k, :].T * self.right[k, :] for k in neurons),
                start=sympy.zeros(self.left.cols),
            )
            for o in range(self.down.rows)
        ]

    def jacobian(self, x: sympy.Matrix) -> sympy.Matrix:
        r"""Return :math:`D(\operatorname{diag}(Lx)R + \operatorname{diag}(Rx)L) + M`."""
        left, right = (sympy.diag(*(weights * x)) for weights in (self.left, self.right))
        return self.down * (left * self.right + right * self.left) + self.linear
