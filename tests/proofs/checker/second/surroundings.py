"""Stability as ``SPEC.md`` says it: what can become of the states around an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from tests.proofs.checker.second.rationals import (
    ONE,
    ZERO,
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
    times,
    unit,
)
from tests.proofs.checker.second.reading import need

Hidden = Sequence[tuple[Matrix, Vector]]
"""For each hidden state the rows of a pair of classes, and what holds the bends along the last."""


def spread(forms: Sequence[Matrix], weights: Matrix, outer: Matrix) -> Matrix:
    """Return the sum of all P_jk N_j T N_k."""
    found = 0 * outer
    for form, row in zip(forms, weights.table(), strict=True):
        found += form * outer * combined(forms, row)
    return found


def trace(entries: Matrix) -> Rational:
    return sum((entries[place, place] for place in range(entries.nrows())), ZERO)


class Surroundings:
    """How states move, and what bends, in the coordinates (v, q₁, q₂, …) of all columns."""

    def __init__(
        self,
        stack: Sequence[Layer],
        pixels: npt.NDArray[Any],
        radius: Rational,
        *,
        cubes: bool = False,
    ) -> None:
        at, self.square, self.cubes = states(stack, pixels), radius * radius, cubes
        self.logits = at[-1].entries()[1:]
        self.slopes, self.forms = [], []
        for layer, state in zip(stack, at, strict=False):
            inside, outputs = range(1, state.nrows()), range(1, layer.linear.nrows())
            self.slopes.append(part(layer.derivative(state), outputs, inside))
            self.forms.append([part(layer.output(o), inside, inside) for o in outputs])

    def weights(self, gradient: Vector) -> Vector:
        """Return what pixels weigh in the ellipsoid around a cube, or in a ball."""
        sizes = [abs(entry) for entry in gradient]
        mean = sum(sizes, ZERO) / len(sizes)
        if not (self.cubes and mean):
            return [ONE] * len(sizes)
        return [(size + mean * 3 / 5) / max(sizes) for size in sizes]

    def outer(self, hidden: Hidden, bend: Rational, first: Matrix) -> list[Matrix]:
        """Return what the squares of moves are below, of all states but the last hidden one."""
        inputs = self.slopes[0].ncols()
        found = [first]
        for level, (rows, _) in enumerate(hidden[:-1]):
            metric = rows.transpose() * rows
            need(metric.det() != 0, "rows")
            if level:
                most = norm(spread(self.forms[level], metric, found[-1]) * found[-1])
            else:
                allowed = spread(self.forms[0], metric, unit(inputs))
                need(positive(bend * unit(inputs) - allowed), "bends")
                most = bend * self.square * self.square
            moved = self.slopes[level] * found[-1] * self.slopes[level].transpose()
            bent, size = most * metric.inv(), trace(rows * moved * rows.transpose())
            share = root(most * rows.nrows() / size) / 2 if most and size else ONE
            found.append((1 + share) * moved + (1 + 1 / share) * bent)
        return found

    def holds(self, own: int, other: int, hidden: Hidden, bend: Rational, factors: Vector) -> bool:
        """Decide whether multipliers prove the margin positive."""
        gradients = [[ZERO] * len(self.logits)]
        gradients[0][own], gradients[0][other] = ONE, -ONE
        for slope in reversed(self.slopes):
            gradients.insert(0, times(slope.transpose(), gradients[0]))
        inputs, weights = self.slopes[0].ncols(), self.weights(gradients[0])
        square = self.square * (sum(weights, ZERO) if self.cubes else ONE)
        outer = self.outer(hidden, bend, square * diagonal([1 / weight for weight in weights]))
        widths = [inputs, *(rows.nrows() for rows, _ in hidden)]
        whole, start = unit(sum(widths)), inputs
        moved = part(whole, range(inputs), range(whole.ncols()))
        total = factors[0] * moved.transpose() * diagonal(weights) * moved
        slopes, rest = list(gradients[0]), list(factors[1:])
        for level, (rows, held) in enumerate(hidden):
            kept = rows.nrows() - len(held)
            linear, bends, rest = rest[:kept], rest[kept : 2 * kept], rest[2 * kept :]
            pulled = times(rows.transpose(), [*linear, *[ZERO] * len(held)])
            held_by = rows.transpose() * diagonal([*bends, *held]) * rows
            added = [a + b for a, b in zip(gradients[level + 1], pulled, strict=True)]
            form = combined(self.forms[level], added)
            form -= spread(self.forms[level], held_by, outer[level])
            bent = part(whole, range(start, start + rows.nrows()), range(whole.ncols()))
            total += moved.transpose() * form * moved + bent.transpose() * held_by * bent
            moved, start = self.slopes[level] * moved + bent, start + rows.nrows()
            slopes += [-entry for entry in pulled]
        last = combined(self.forms[-1], gradients[-1])
        total += moved.transpose() * last * moved
        constant = self.logits[own] - self.logits[other] - factors[0] * square
        halves = [entry / 2 for entry in slopes]
        below = [[at, *row] for at, row in zip(halves, total.table(), strict=True)]
        return positive(rows_of([[constant, *halves], *below]))
