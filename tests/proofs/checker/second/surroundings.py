"""Stability as ``SPEC.md`` says it: what can become of the states around an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from tests.proofs.checker.second.rationals import (
    ONE,
    ZERO,
    Layer,
    Matrix,
    Rational,
    Rows,
    Vector,
    column,
    combined,
    diagonal,
    dot,
    norm,
    part,
    plus,
    positive,
    rational,
    root,
    rows_of,
    times,
    times_each,
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


def eighth(entries: Matrix) -> Rational:
    """Bound the largest of eigenvalues that are not negative: the trace of their eighth powers."""
    fourth = (entries * entries) * (entries * entries)
    return root(trace(fourth * fourth), 8)


class Point(NamedTuple):
    """A point near an image: its logits, and the slopes of all layers."""

    logits: Vector
    slopes: list[Matrix]

    def gradients(self, own: int, other: int) -> list[Vector]:
        """Return the derivatives of a margin by all states, the image first."""
        found = [[ZERO] * len(self.logits)]
        found[0][own], found[0][other] = ONE, -ONE
        for slope in reversed(self.slopes):
            found.insert(0, times(slope.transpose(), found[0]))
        return found


class Slab(NamedTuple):
    """A direction w, between which readings of it moves lie, and the centre's factor of it."""

    direction: Vector
    low: Rational
    high: Rational
    centre: Rational


def descent(slope: Vector, weights: Vector) -> Vector:
    """Return about the direction of steepest descent of length 1, where pixels have weights."""
    fall = [-entry / weight for entry, weight in zip(slope, weights, strict=True)]
    length = root(-dot(fall, slope))
    if not length:
        return fall
    shares = [entry / length for entry in fall]
    return [rational(int(share.p) / int(share.q)) for share in shares]


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
        self.stack, self.pixels = stack, list(map(rational, pixels.tolist()))
        self.ball, self.cubes = radius * radius, cubes
        self.forms = []
        for layer in stack:
            outputs, inside = range(1, layer.linear.nrows()), range(1, layer.linear.ncols())
            self.forms.append([part(layer.output(o), inside, inside) for o in outputs])
        self.image = self.point([ZERO] * len(self.pixels))

    def point(self, move: Vector) -> Point:
        """Return what is at the image when it is moved."""
        state, slopes = column([ONE, *plus(self.pixels, move)]), []
        for layer in self.stack:
            outputs, inside = range(1, layer.linear.nrows()), range(1, state.nrows())
            slopes.append(part(layer.derivative(state), outputs, inside))
            state = layer.value(state)
        return Point(state.entries()[1:], slopes)

    def weights(self, gradient: Vector) -> Vector:
        """Return what pixels weigh in the ellipsoid around a cube, or in a ball."""
        sizes = [abs(entry) for entry in gradient]
        mean = sum(sizes, ZERO) / len(sizes)
        if not (self.cubes and mean):
            return [ONE] * len(sizes)
        return [(size + mean * 4 / 5) / max(sizes) for size in sizes]

    def outer(
        self, hidden: Hidden, bend: Rational, square: Rational, first: Matrix, slopes: list[Matrix]
    ) -> list[Matrix]:
        """Return what the squares of moves are below, of all states but the last hidden one."""
        inputs = slopes[0].ncols()
        found = [first]
        for level, (rows, _) in enumerate(hidden[:-1]):
            metric = rows.transpose() * rows
            need(metric.det() != 0, "rows")
            if level or self.cubes:
                allowed = spread(self.forms[level], metric, found[-1]) * found[-1]
                most = norm(allowed) if level else eighth(allowed)
            else:
                allowed = spread(self.forms[0], metric, unit(inputs))
                need(positive(bend * unit(inputs) - allowed), "bends")
                most = bend * square * square
            moved = slopes[level] * found[-1] * slopes[level].transpose()
            bent, size = most * metric.inv(), trace(rows * moved * rows.transpose())
            share = max(root(most * rows.nrows() / size) / 2, ONE / 1000) if size else ONE
            found.append((1 + share) * moved + (1 + 1 / share) * bent)
        return found

    def holds(
        self,
        classes: tuple[int, int],
        hidden: Hidden,
        bend: Rational,
        ends: Vector,
        factors: Rows,
    ) -> bool:
        """Decide whether multipliers prove the margin positive, slab by slab."""
        slope = self.image.gradients(*classes)[0]
        weights = self.weights(slope)
        square = self.ball * (sum(weights, ZERO) if self.cubes else ONE)
        direction = [ZERO] * len(weights)
        if ends[0] > 0:
            move = [ends[0] * entry for entry in descent(slope, weights)]
            direction = descent(self.point(move).gradients(*classes)[0], weights)
        length = dot(times_each(weights, direction), direction)
        need(
            all(end * end >= length * square for end in (ends[1], ends[-1]))
            and ends[1] <= 0 <= ends[-1],
            "slabs",
        )
        for low, high, given in zip(ends[1:-1], ends[2:], factors, strict=True):
            slab = Slab(direction, low, high, max(low, ZERO))
            nearer = square - 2 * slab.centre * low + slab.centre * slab.centre * length
            if low > 0 and (nearer <= 0 or low * low > length * square):
                continue
            if not self._in(classes, hidden, bend, weights, (square, nearer), slab, given):
                return False
        return True

    def _in(
        self,
        classes: tuple[int, int],
        hidden: Hidden,
        bend: Rational,
        weights: Vector,
        squares: tuple[Rational, Rational],
        slab: Slab,
        factors: Vector,
    ) -> bool:
        """Decide whether multipliers prove the margin positive in a slab."""
        (square, nearer), inputs = squares, len(weights)
        centre = [slab.centre * entry for entry in slab.direction]
        at = self.point(centre)
        gradients, own, other = at.gradients(*classes), *classes
        first = nearer * diagonal([1 / weight for weight in weights])
        outer = self.outer(hidden, bend, nearer, first, at.slopes)
        widths = [inputs, *(rows.nrows() for rows, _ in hidden)]
        whole, start = unit(sum(widths)), inputs
        moved = part(whole, range(inputs), range(whole.ncols()))
        along = times_each(weights, slab.direction)
        ball, between = factors[:2]
        form = ball * diagonal(weights) + between * column(along) * column(along).transpose()
        total = moved.transpose() * form * moved
        low, high = (dot(along, centre) - end for end in (slab.low, slab.high))
        constant = at.logits[own] - at.logits[other] + between * low * high
        constant += ball * (dot(times_each(weights, centre), centre) - square)
        slopes, rest = list(gradients[0]), list(factors[2:])
        for place, (weight, entry, reading) in enumerate(zip(weights, centre, along, strict=True)):
            slopes[place] += 2 * ball * weight * entry + between * (low + high) * reading
        for level, (rows, held) in enumerate(hidden):
            kept = rows.nrows() - len(held)
            linear, bends, factor = rest[:kept], rest[kept : 2 * kept], rest[2 * kept]
            rest, others = rest[2 * kept + 1 :], [factor * each for each in held]
            pulled = times(rows.transpose(), [*linear, *[ZERO] * len(held)])
            held_by = rows.transpose() * diagonal([*bends, *others]) * rows
            added = [a + b for a, b in zip(gradients[level + 1], pulled, strict=True)]
            form = combined(self.forms[level], added)
            form -= spread(self.forms[level], held_by, outer[level])
            bent = part(whole, range(start, start + rows.nrows()), range(whole.ncols()))
            total += moved.transpose() * form * moved + bent.transpose() * held_by * bent
            moved, start = at.slopes[level] * moved + bent, start + rows.nrows()
            slopes += [-entry for entry in pulled]
        last = combined(self.forms[-1], gradients[-1])
        total += moved.transpose() * last * moved
        halves = [entry / 2 for entry in slopes]
        below = [[half, *row] for half, row in zip(halves, total.table(), strict=True)]
        return positive(rows_of([[constant, *halves], *below]))
