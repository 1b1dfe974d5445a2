"""Moves of an image in an ellipsoid, and slabs of it: a direction, and between which two readings.

In a slab a margin is bounded around a point of its own, which is nearer to what is in it.
"""

from typing import NamedTuple

import numpy as np

from .balls import UP, Array, Ball, exact, joined
from .verdicts import need

SHARE = 0.6
"""How much of their mean is added to the slopes, where they weigh the numbers of a cube."""


class Near(NamedTuple):
    """All moves v that are looked at: Σ d v² ≤ σ, with weights d."""

    weights: Array
    square: float

    @property
    def outer(self) -> Ball:
        """The diagonal matrix T, as a row, that vvᵀ is below: a little more than σ/d."""
        return exact(UP * self.square / self.weights)


class Slab(NamedTuple):
    """All moves v near an image with low ≤ w·v ≤ high, and factors that prove a margin there.

    Products are those of the ellipsoid: w·v = Σ d w v, and along is d w. What is squared is below
    square for v less centre times w.
    """

    direction: Array
    along: Ball
    length: Ball
    low: float
    high: float
    centre: float
    square: float


Slabs = list[Slab | None]


def ball(square: float, gradient: Ball) -> Near:
    """Return the ball of all moves whose squares are no larger."""
    return Near(np.ones(gradient.value.shape[1]), square)


def around_cube(square: float, gradient: Ball) -> Near:
    """Return an ellipsoid around a cube: |v_i| ≤ ρ lies in Σ d v² ≤ ρ² Σ d.

    Any weights above 0 would do; these grow with the slope, up to a largest one above 1, so that
    nothing underflows.
    """
    weights = np.ones(gradient.value.shape[1])
    if gradient.value.any():
        sizes = abs(gradient.value[0]) / abs(gradient.value).max()
        weights = sizes + SHARE * sizes.mean()
    return Near(weights, UP * square * weights.sum())


def descent(slope: Array, weights: Array) -> Array:
    """Return the direction of steepest descent, about of length 1, in numbers of 24 bits."""
    fall = -slope / weights
    length = np.sqrt((fall * slope * -1).sum())
    return (fall / length if length > 0 else 0 * slope).astype(np.float32).astype(np.float64)


def slabs(near: Near, direction: Array, ends: Array) -> Slabs:
    """Return slabs from end to end, which leave no move out; those without a move as none.

    Any direction would do. Products of two of its numbers, and of a centre, are exact.
    """
    along = exact(near.weights[None]) * exact(direction[None])
    length = along @ exact(direction[:, None])
    longest = float(length.most[0, 0])
    reach = UP * float(np.sqrt(longest * near.square)) * UP
    need(ends[0] <= -reach and reach <= ends[-1], "slabs leave out a part of a ball")
    found: Slabs = []
    for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        centre = float(np.float32(max(low, 0.0)))
        square = UP * (near.square + centre * centre * longest) - 2 * centre * low / UP
        some = not (low > reach or square <= 0)
        slab = Slab(direction, along, length, low, high, centre, square)
        found.append(slab if some else None)
    return found


def inside(near: Near, slab: Slab, within: float, between: float) -> Ball:
    """Return multiples of two forms in (1, u) that are nowhere positive where v = u + cw may be.

    These are Σ d v² - σ, and (w·v - low) (w·v - high) in the slab.
    """
    centre, unit = exact(slab.centre), exact(np.eye(1, 1 + len(near.weights)))
    moved = joined([slab.length * centre, slab.along], 1)
    low, high = (moved + unit * exact(-end) for end in (slab.low, slab.high))
    held = low.turned @ high * exact(between / 2)
    row = slab.along * centre * exact(within)
    corner = (slab.length * centre * centre + exact(-UP * near.square)) * exact(within)
    squares = exact(np.diag(near.weights)) * exact(within)
    rows = joined([corner, row], 1), joined([row.turned, squares], 1)
    return joined(rows, 0) + (held + held.turned)
