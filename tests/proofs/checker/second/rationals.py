"""Rational numbers, matrices and layers of them; roots are Arb's, rounded upwards."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import flint
import numpy.typing as npt

Rational = flint.fmpq
Matrix = flint.fmpq_mat
Vector = list[Rational]
Rows = list[Vector]

ZERO, ONE = Rational(0), Rational(1)


def rational(number: float | str) -> Rational:
    """Return a float or a decimal as the rational that it is."""
    return Rational(*(Decimal(number) if isinstance(number, str) else number).as_integer_ratio())


def matrix(array: npt.NDArray[Any]) -> Matrix:
    return Matrix(*array.shape, [rational(entry) for entry in array.ravel().tolist()])


def rows_of(rows: Sequence[Sequence[Rational]]) -> Matrix:
    return Matrix(len(rows), len(rows[0]) if rows else 0, [entry for row in rows for entry in row])


def column(entries: Sequence[Rational]) -> Matrix:
    return Matrix(len(entries), 1, list(entries))


def diagonal(entries: Sequence[Rational]) -> Matrix:
    found = Matrix(len(entries), len(entries))
    for place, entry in enumerate(entries):
        found[place, place] = entry
    return found


def unit(size: int) -> Matrix:
    return diagonal([ONE] * size)


def part(entries: Matrix, rows: Sequence[int], columns: Sequence[int]) -> Matrix:
    return Matrix(len(rows), len(columns), [entries[i, j] for i in rows for j in columns])


def beside(left: Matrix, right: Matrix) -> Matrix:
    return rows_of([a + b for a, b in zip(left.table(), right.table(), strict=True)])


def sizes_of(entries: Matrix) -> Matrix:
    """Return the absolute values."""
    return Matrix(entries.nrows(), entries.ncols(), [abs(entry) for entry in entries.entries()])


def dot(one: Sequence[Rational], other: Sequence[Rational]) -> Rational:
    return sum(times_each(one, other), ZERO)


def times_each(one: Sequence[Rational], other: Sequence[Rational]) -> Vector:
    return [a * b for a, b in zip(one, other, strict=True)]


def times(entries: Matrix, vector: Sequence[Rational]) -> Vector:
    return list((entries * column(vector)).entries())


def plus(*vectors: Sequence[Rational]) -> Vector:
    return [sum(entries, ZERO) for entries in zip(*vectors, strict=True)]


def squares(entries: Sequence[Rational]) -> Rational:
    """Return the sum of squares."""
    return dot(entries, entries)


def combined(forms: Sequence[Matrix], weights: Sequence[Rational]) -> Matrix:
    return sum((w * form for w, form in zip(weights, forms, strict=True)), 0 * forms[0])


def root(number: Rational, degree: int = 2) -> Rational:
    """Return hardly more than a root; of degree 1, than the number, in fewer digits."""
    if number == 0:
        return ZERO
    with flint.ctx.workprec(200):
        mantissa, exponent = flint.arb(number).root(degree).upper().man_exp()
    return Rational(mantissa) * Rational(2) ** int(exponent)


def norm(entries: Matrix) -> Rational:
    """Bound the norm of a matrix: |A|⁴ = |(AAᵀ)²|, at most the root of its sum of squares."""
    square = entries * entries.transpose()
    return root(squares((square * square).entries()), 8)


def positive(entries: Matrix) -> bool:
    """Decide whether a symmetric matrix is positive definite, by the signs of its pivots."""
    rows = entries.table()
    while rows:
        (pivot, *first), *rest = rows
        if pivot <= 0:
            return False
        rows = [
            [own - row[0] * top / pivot for own, top in zip(row[1:], first, strict=True)]
            for row in rest
        ]
    return True


def beta(form: Matrix, one: Vector, other: Vector) -> Rational:
    """Bound |vᵀMu| where |v| ≤ a and |u| ≤ b, number by number: β(M; a, b)."""
    scaled = diagonal(one) * form * diagonal(other)
    sides = []
    for rows in (scaled.table(), scaled.transpose().table()):
        roots = [root(root(squares(row))) for row in rows]
        sides.append((root(squares(roots)), diagonal([1 / r if r else ONE for r in roots])))
    (first, left), (second, right) = sides
    return first * second * norm(left * scaled * right)


def box(form: Matrix, centre: Vector, width: Vector) -> tuple[Rational, Rational]:
    """Return around what, and how far at most, the values of a form in a box lie."""
    at, inside = [ONE, *centre], range(1, form.nrows())
    slope = times(form, at)
    reach = 2 * dot([abs(entry) for entry in slope[1:]], width)
    return dot(slope, at), reach + beta(part(form, inside, inside), width, width)


class Layer(NamedTuple):
    """One layer: x̃ becomes down [(left x̃) ⊙ (right x̃)] + linear x̃."""

    left: Matrix
    right: Matrix
    down: Matrix
    linear: Matrix

    def value(self, state: Matrix) -> Matrix:
        products = times_each((self.left * state).entries(), (self.right * state).entries())
        return self.down * column(products) + self.linear * state

    def derivative(self, state: Matrix) -> Matrix:
        """Return the derivatives of all outputs by all inputs, constants among both."""
        left, right = (diagonal((side * state).entries()) for side in (self.left, self.right))
        return self.down * (left * self.right + right * self.left) + self.linear

    def form(self, weights: Sequence[Rational]) -> Matrix:
        """Return the symmetric matrix of a combination of outputs."""
        row = Matrix(1, len(weights), list(weights))
        half = self.left.transpose() * diagonal((row * self.down).entries()) * self.right
        half += column([ONE] + [ZERO] * (half.nrows() - 1)) * (row * self.linear)
        return (half + half.transpose()) * Rational(1, 2)

    def output(self, number: int) -> Matrix:
        return self.form(unit(self.linear.nrows()).table()[number])


def states(stack: Sequence[Layer], pixels: npt.NDArray[Any]) -> list[Matrix]:
    """Return an image and what each layer makes of it, all with their constants."""
    found = [column([ONE, *map(rational, pixels.tolist())])]
    for layer in stack:
        found.append(layer.value(found[-1]))
    return found
