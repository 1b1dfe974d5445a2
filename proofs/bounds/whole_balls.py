r"""The largest radius at which multipliers leave a margin positive, on all of a ball at once.

Multipliers are looked for in few directions of the input (:mod:`proofs.bounds.relaxation`), with
what bends are allowed on a ball of a given radius, and what they prove is found in all directions
(:mod:`proofs.bounds.lagrangian`): another radius, and where both are the same, no larger one is to
be had. A radius that is proved stays proved when it gets smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from proofs.bounds.hidden_directions import FAR
from proofs.bounds.lagrangian import Margin, Multipliers, outer_bounds
from proofs.bounds.relaxation import Relaxation, directions_at, extended_basis

Doubles = npt.NDArray[np.float64]

_TRIES, _MORE_TRIES, _BETTER = 4, 20, 1.005
"""How many radii are tried for a rival, and how many as long as they get better by this factor."""

CLOSE = 2e-3
"""How close to each other the radius of the bends and that of the proof are, as a share."""

_SLOPE = -0.06
"""By how much what is proved falls where the radius of the bends rises, until it is known."""

_SHORT = 3e-4
"""By which part one aims short, as what is proved counts up to the radius of the bends alone."""

ENOUGH = 1.04
"""How much further than needed multipliers reach, in few directions, that are good enough."""

BEYOND = 8.0
"""How much further than bends are bounded no radius is looked for: they are tried in steps."""

_ROOMS = 1e-4, 1e-2, 5e-2
"""What multipliers of bends get on top, as shares, for the directions not looked at."""

STIFFER = 1.0, 1.1, 1.25
"""Multiples of the multiplier of the ball that are tried."""

NEARLY = 0.97
"""Which part of what is proved in few directions is as good as all of it."""

_SMALLER, _LARGER, _MUCH = 0.5, 4.0, 1e-3
"""By which factors radii are changed at once, the last one at most where nothing is proved."""

NEAR = 2.0**-399
"""A radius that counts as none."""


class Whole:
    """The search for the largest radius.

    Args:
        shared: directions of the input that count for bends, orthonormal columns.
        margin: around an image.
    """

    def __init__(self, shared: Doubles, margin: Margin) -> None:
        self.margin = margin
        self.relaxed = Relaxation(margin, directions_at(margin, shared))
        self.proved: tuple[float, Multipliers | None] = (0.0, None)
        self.worst: Doubles | None = None

    def largest(self, most: float) -> tuple[float, Multipliers | None]:
        """Return the largest radius up to a given one that is proved, and multipliers."""
        own = min(self.margin.distance, FAR)
        tried = most if most < FAR else own
        known: list[tuple[float, float]] = []
        sure, before, again = 0.0, 0.0, False
        for _ in range(_MORE_TRIES):
            if not tried > NEAR:
                break
            reached = self._reached(tried, tried >= most)
            if self.proved[0] >= most:
                break
            if reached is None and own > most >= tried:
                # Nearer than where a margin vanishes, multipliers that do so by far are as good in
                # these directions, and too large in the others. What proves more proves this, too.
                tried, own = own, most
                continue
            if reached is None:
                sure = sure or self._sure()
                nearer = float(np.sqrt(tried * sure)) if tried > sure else _SMALLER * tried
                tried = max(nearer, _MUCH * tried)
                continue
            known.append((tried, reached))
            better, before = self.proved[0] > _BETTER * before, self.proved[0]
            if abs(reached - tried) < CLOSE * tried or (len(known) > _TRIES and not better):
                break
            self._look_at_the_worst()
            if reached > most > tried and not again:
                again, tried = True, most
                continue
            low = max((each for each, far in known if far >= each), default=_SMALLER**2 * tried)
            high = min((each for each, far in known if far < each), default=_LARGER * tried)
            aimed = _aimed(known)
            tried = min(aimed if low < aimed < high else float(np.sqrt(low * high)), most)
        proved, multipliers = self.proved
        return min(proved, most), multipliers

    def _sure(self) -> float:
        """Return a radius that is proved by norms alone, and far too small."""
        radius = min(self.margin.distance, FAR)
        while radius > NEAR and not self.margin.falls(radius) < self.margin.value:
            radius *= _SMALLER
        return radius

    def _reached(self, tried: float, enough: bool) -> float | None:
        """Return the radius that is proved where bends are those within another one.

        Args:
            tried: the other one.
            enough: whether no more than this is needed.
        """
        outer = outer_bounds(self.margin, tried)
        known = self.proved[1]
        for reach in (ENOUGH, BEYOND) if enough else (BEYOND,):
            # The best multipliers are smaller than those that are just good enough.
            found = self.relaxed.multipliers(outer, reach * tried)
            if found is not None:
                several = [found.with_room(room) for room in _ROOMS]
                reached = self._proved_by(several, outer, tried, enough, found.radius)
                if reached is not None:
                    return reached
        # Where a margin is far, multipliers of a smaller ball may do for a larger one.
        return None if known is None else self._proved_by([known], outer, tried, enough, tried)

    def _proved_by(
        self,
        several: Sequence[Multipliers],
        outer: Sequence[Doubles],
        tried: float,
        enough: bool,
        hoped: float,
    ) -> float | None:
        """Return the radius that some multipliers prove, the first that are as good as hoped."""
        best: float | None = None
        for multipliers in several:
            quadratic = self.margin.below(multipliers, outer)
            if quadratic is None:
                continue
            for ball in multipliers.ball * np.array(STIFFER if enough else ()):
                if quadratic.positive(float(ball), tried):
                    self.proved = tried, replace(multipliers, ball=float(ball))
                    return tried
            radius, ball, worst = quadratic.radius()
            if best is None or radius > best:
                best, self.worst = radius, worst
            if min(radius, tried) > self.proved[0]:
                self.proved = min(radius, tried), replace(multipliers, ball=ball)
            if radius > NEARLY * min(hoped, tried):
                break
        return best or None

    def _look_at_the_worst(self) -> None:
        """Look from now on at the directions, too, along which the margin is least."""
        if self.worst is not None:
            basis = extended_basis(self.relaxed.basis, self.worst)
            self.relaxed, self.worst = Relaxation(self.margin, basis), None


def _aimed(known: Sequence[tuple[float, float]]) -> float:
    """Return where the radius of the bends and that of the proof are probably the same."""
    tried, reached = known[-1]
    if not _SMALLER * tried < reached < tried / _SMALLER:
        # Far apart they are about reciprocal.
        return float(np.sqrt(tried * max(reached, NEAR)))
    slope = _SLOPE
    if len(known) > 1 and abs(tried - known[-2][0]) > CLOSE * tried:
        slope = (reached - known[-2][1]) / (tried - known[-2][0])
        slope = min(max(slope, -1.0), 0.0)
    return (reached - slope * tried) / (1 - slope) * (1 - _SHORT)
