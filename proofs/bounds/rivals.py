r"""The largest radius at which multipliers leave a margin positive, slab by slab.

All of a ball is tried at first, and a ball that is not proved at once is divided
(:mod:`proofs.bounds.slabs`). A slab in which multipliers do not reach as far as is looked for is
halved, and where there are as many as there may be, the radius gets smaller. What is proved of
other slabs stays proved. Between that radius and the one looked for the ball is divided anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from proofs.bounds.hidden_directions import FAR
from proofs.bounds.lagrangian import Margin, Multipliers, outer_bounds
from proofs.bounds.relaxation import Found, Relaxation, directions_at, extended_basis
from proofs.bounds.slabs import CUTS, Slab, Slabs, divided, whole
from proofs.bounds.whole_balls import (
    BEYOND,
    CLOSE,
    ENOUGH,
    NEAR,
    NEARLY,
    STIFFER,
    Whole,
)

Doubles = npt.NDArray[np.float64]

_ROOMS = 1e-2, 1e-4, 5e-2
"""What multipliers of bends get on top, as shares, for the directions not looked at."""

_DIVIDED, _NEAR_ENOUGH, _SLABS_SLOPE, _HOPED = 4, 1.005, -0.6, 0.985
"""How many radii are tried in a slab, which are near enough to each other, by how much what is
proved falls where the radius of the bends rises, and which part of what few directions allow is
aimed for."""

_AGAIN, _FAR_ENOUGH = 2, 1.01
"""How often a ball is divided anew, between radii that are further apart than this."""

_BEYOND_ALL = 1 + 1e-6
"""From where on a slab is empty, in parts of the radius: after more than rounding."""


class Rival:
    """The search for the largest radius that keeps a margin positive.

    Args:
        shared: directions of the input that count for bends, orthonormal columns.
        slabs: into how many a ball may be divided; 1, or one more than there are cuts at least.
        margin: around an image.
    """

    def __init__(self, shared: Doubles, slabs: int, margin: Margin) -> None:
        self.shared, self.slabs, self.margin = shared, slabs, margin
        self.proved: tuple[float, Slabs | None] = (0.0, None)

    def largest(self, most: float) -> tuple[float, Slabs | None]:
        """Return the largest radius up to a given one that is proved, and what proves it."""
        if self.slabs > len(CUTS) and NEAR < most < FAR and not self._at_once(most):
            self._divide(most)
            self._divide_again(most)
        if self.proved[0] < most / 2:
            radius, multipliers = Whole(self.shared, self.margin).largest(most)
            if multipliers is not None and radius > self.proved[0]:
                self.proved = radius, Slabs.whole(radius, multipliers)
        return self.proved

    def _at_once(self, goal: float) -> bool:
        """Look for the largest radius up to a goal in one slab; return whether that is enough."""
        reached, multipliers, _ = self._part(whole(self.margin.around, goal)).reached(goal)
        if multipliers is not None:
            self.proved = reached, Slabs.whole(reached, multipliers)
        return reached >= goal

    def _divide_again(self, most: float) -> None:
        """Look between what slabs proved and what they did not: they are shorter there."""
        for _ in range(_AGAIN):
            goal = (self.proved[0] + most) / 2
            if not _FAR_ENOUGH * self.proved[0] < goal:
                break
            self._divide(goal)
            if self.proved[0] < goal:
                most = goal

    def _divide(self, goal: float) -> None:
        """Look for the largest radius up to a goal in slabs, beyond what is proved."""
        ahead, slabs = divided(self.margin.around, self.margin.weights, goal)
        proofs: list[Multipliers | None] = [None] * len(slabs)
        while None in proofs:
            # Those in the middle are the hardest ones.
            open_places = [place for place, proof in enumerate(proofs) if proof is None]
            place = open_places[len(open_places) // 2]
            part = self._part(slabs[place])
            reached, multipliers, hoped = part.reached(goal)
            if reached < goal and len(slabs) < self.slabs:
                slabs[place : place + 1] = slabs[place].halves()
                proofs[place : place + 1] = [None, None]
                continue
            if reached < goal:
                goal, multipliers = part.nearest(goal, reached, multipliers, hoped)
                if multipliers is None or goal <= self.proved[0]:
                    return
            proofs[place] = multipliers
            while slabs[-1].low > _BEYOND_ALL * goal:
                # There are none of these moves any longer.
                slabs, proofs = slabs[:-1], proofs[:-1]
        ends = np.array([slabs[0].low, *(slab.high for slab in slabs)])
        self.proved = goal, Slabs(ahead, ends, [proof for proof in proofs if proof is not None])

    def _part(self, slab: Slab) -> Part:
        return Part(self.shared, self.margin, slab)


class Part:
    """A margin in a slab of a ball around an image."""

    def __init__(self, shared: Doubles, margin: Margin, slab: Slab) -> None:
        self.slab, self.unit, around = slab, margin.value, margin.around
        if slab.centre:
            around = around.moved(slab.centre * slab.direction)
        self.margin = margin.moved(around)
        basis = extended_basis(directions_at(self.margin, shared), slab.direction[:, None])
        self.relaxed = Relaxation(self.margin, basis, slab, self.unit)

    def reached(self, tried: float) -> tuple[float, Multipliers | None, float]:
        """Return the radius up to a given one that is proved, multipliers, and what was hoped for.

        Args:
            tried: the radius of the ball on which bends are bounded.
        """
        outer = outer_bounds(self.margin, self.slab.reach(tried))
        best: tuple[float, Multipliers | None, float] = 0.0, None, 0.0
        # Where a margin is far, those that are just good enough may be none in all directions.
        for enough in (ENOUGH * tried, BEYOND * tried):
            found = self.relaxed.multipliers(outer, enough)
            if found is None:
                continue
            reached, multipliers = self._proved_by(found, outer, tried, found.radius < enough)
            if reached > best[0]:
                best = reached, multipliers, found.radius
            if reached >= tried or found.radius < enough:
                break
        return best

    def _proved_by(
        self, found: Found, outer: Sequence[Doubles], tried: float, best: bool
    ) -> tuple[float, Multipliers | None]:
        """Return the radius up to a given one that some multipliers prove, with more or less room.

        Args:
            found: the multipliers.
            outer: what the squares of the moves are below.
            tried: the given radius.
            best: whether these are the best ones, or only good enough.
        """
        reached: tuple[float, Multipliers | None] = 0.0, None
        for room in _ROOMS:
            multipliers = found.with_room(room)
            below = self.margin.below(multipliers, outer)
            if below is None:
                continue
            quadratic = self.slab.added(below, multipliers.slab)
            for ball in multipliers.ball * np.array(STIFFER if found.radius > tried else ()):
                if quadratic.positive(float(ball), tried):
                    return tried, replace(multipliers, ball=float(ball))
            if not best:
                continue
            radius, ball, _ = quadratic.radius()
            if min(radius, tried) > reached[0]:
                reached = min(radius, tried), replace(multipliers, ball=ball)
            if radius > NEARLY * min(found.radius, tried):
                break
        return reached

    def nearest(
        self, tried: float, reached: float, multipliers: Multipliers | None, hoped: float
    ) -> tuple[float, Multipliers | None]:
        """Return the largest radius that is proved, below one that is not."""
        best = reached, multipliers
        for _ in range(_DIVIDED):
            aimed = (_HOPED * hoped - _SLABS_SLOPE * tried) / (1 - _SLABS_SLOPE)
            tried = min(aimed, tried * (1 - CLOSE))
            if tried < _NEAR_ENOUGH * best[0] or not tried > NEAR:
                break
            reached, multipliers, hoped = self.reached(tried)
            if reached > best[0]:
                best = reached, multipliers
            if reached >= tried:
                break
        return best
