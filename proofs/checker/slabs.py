"""Slabs of the ball of moves of an image: a direction, and between which two readings.

In a slab a margin is bounded around a point of its own, which is nearer to what is in it.
"""

from typing import NamedTuple

import numpy as np

from .balls import UP, Array, Ball, exact, joined
from .verdicts import need


class Slab(NamedTuple):
    """All moves v near an image with low ≤ w·v ≤ high.

    For v less centre times w, the square of its length is below square; length is that of w.
    """

    direction: Array
    length: Ball
    low: float
    high: float
    centre: float
    square: float


Slabs = list[Slab | None]


def descent(slope: Array) -> Array:
    """Return the direction of steepest descent, about of length 1, in numbers of 24 bits."""
    length = np.sqrt((slope * slope).sum())
    return (-slope / length if length > 0 else 0 * slope).astype(np.float32).astype(np.float64)


def slabs(square: float, direction: Array, ends: Array) -> Slabs:
    """Return slabs from end to end, which leave no move out; those without a move as none.

    Moves are no longer than the root of square. Any direction would do. Products of two of its
    numbers, and of a centre, are exact.
    """
    length = exact(direction[None]) @ exact(direction[:, None])
    longest = float(length.most[0, 0])
    reach = UP * float(np.sqrt(longest * square)) * UP
    need(ends[0] <= -reach and reach <= ends[-1], "slabs leave out a part of a ball")
    found: Slabs = []
    for low, high in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        centre = float(np.float32(max(low, 0.0)))
        nearer = UP * (square + centre * centre * longest) - 2 * centre * low / UP
        some = not (low > reach or nearer <= 0)
        slab = Slab(direction, length, low, high, centre, nearer)
        found.append(slab if some else None)
    return found


def inside(square: float, slab: Slab, within: float, between: float) -> Ball:
    """Return multiples of two forms in (1, u) that are nowhere positive where v = u + cw may be.

    These are |v|² - square, and (w·v - low) (w·v - high) in the slab.
    """
    along, size = exact(slab.direction[None]), len(slab.direction)
    centre, unit = exact(slab.centre), exact(np.eye(1, 1 + size))
    moved = joined([slab.length * centre, along], 1)
    low, high = (moved + unit * exact(-end) for end in (slab.low, slab.high))
    held = low.turned @ high * exact(between / 2)
    row = along * centre * exact(within)
    corner = (slab.length * centre * centre + exact(-UP * square)) * exact(within)
    rows = joined([corner, row], 1), joined([row.turned, exact(np.eye(size) * within)], 1)
    return joined(rows, 0) + (held + held.turned)
