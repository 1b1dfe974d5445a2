"""Stability as ``SPEC.md`` says it: what can become of the states around an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from tests.proofs.checker.second.rationals import (
    Layer,
    Matrix,
    Rational,
    Vector,
    combined,
    diagonal,
    norm,
    part,
    positive,
    root,
    rows_of,
    states,
    unit,
)
from tests.proofs.checker.second.reading import need


class Surroundings:
    """How states move, and what bends, in the coordinates (u, v', w₁, w₂, …) of all columns."""

    def __init__(
        self,
        stack: Sequence[Layer],
        basis: Matrix,
        roots: Sequence[Matrix],
        pixels: npt.NDArray[Any],
        radius: Rational,
    ) -> None:
        (inputs, followed), height = (basis.nrows(), basis.ncols()), stack[0].linear.nrows() - 1
        skew = norm(basis.transpose() * basis - unit(followed))
        need(skew < 1, "basis")
        self.ball = radius * radius / (1 - skew)
        self.widths = [followed + height, *(each.nrows() for each in roots)]
        whole = unit(sum(self.widths))

        def coordinates(start: int, width: int) -> Matrix:
            return part(whole, range(start, start + width), range(whole.ncols()))

        at, rest = states(stack, pixels), unit(inputs) - basis * basis.transpose()
        slope, forms = self._inside(stack[0], at[0])
        crossed = rows_of([(rest * form).entries() for form in forms])
        crossing = root(norm(crossed * crossed.transpose()))
        beside = norm(slope * rest) + 2 * radius * crossing
        below, outer = coordinates(0, followed), self.ball * unit(followed)
        moved = slope * basis * below + beside * coordinates(followed, height)
        shaped = slope * basis * basis.transpose() * slope.transpose()
        shaped = self.ball * (shaped + beside * beside * unit(height))
        self.levels = [(below, [basis.transpose() * form * basis for form in forms])]
        self.first, self.bends, self.slopes = moved, [], [unit(height)]
        for number, square_root in enumerate(roots, 1):
            below, forms = self.levels[-1]
            forms = [combined(forms, row) for row in square_root.inv().table()]
            bend = sum((form * outer * form for form in forms), 0 * outer)
            self.bends.append(below.transpose() * bend * below)
            added = norm(bend * outer) * square_root * square_root.transpose()
            share, size = (sum(m[i, i] for i in range(m.nrows())) for m in (added, shaped))
            outer = shaped + added
            if share and size:
                share = root(share / size)
                outer += share * shaped + added / share
            start = sum(self.widths[:number])
            below = moved + square_root * coordinates(start, square_root.nrows())
            slope, forms = self._inside(stack[number], at[number])
            self.levels.append((below, forms))
            moved, shaped = slope * below, slope * outer * slope.transpose()
            self.slopes = [*(slope * each for each in self.slopes), unit(slope.nrows())]
        self.logits = at[-1].entries()[1:]

    @staticmethod
    def _inside(layer: Layer, state: Matrix) -> tuple[Matrix, list[Matrix]]:
        inside, outputs = range(1, state.nrows()), range(1, layer.linear.nrows())
        forms = [part(layer.output(output), inside, inside) for output in outputs]
        return part(layer.derivative(state), outputs, inside), forms

    def holds(self, own: int, other: int, factors: Vector) -> bool:
        """Decide whether multipliers prove the margin positive."""
        form = diagonal(
            [f for f, width in zip(factors, self.widths, strict=True) for _ in range(width)]
        )
        for factor, bend in zip(factors[1:], self.bends, strict=True):
            form -= factor * bend
        rows = [
            [a - b for a, b in zip(by[own], by[other], strict=True)]
            for by in map(Matrix.table, self.slopes)
        ]
        for (below, forms), row in zip(self.levels, rows, strict=True):
            form += below.transpose() * combined(forms, row) * below
        slope = (rows_of(rows[:1]) * self.first * Rational(1, 2)).entries()
        constant = self.logits[own] - self.logits[other] - factors[0] * self.ball
        below = [[at, *row] for at, row in zip(slope, form.table(), strict=True)]
        return positive(rows_of([[constant, *slope], *below]))
