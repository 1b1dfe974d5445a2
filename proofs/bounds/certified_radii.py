r"""Radii around images within which no class changes, and the multipliers that prove them.

For every rival class the largest radius is sought at which some multipliers leave the margin
positive. They are looked for in few directions of the input (:mod:`proofs.bounds.relaxation`), with
what bends are allowed on a ball of a given radius, and what they prove is found in all directions
(:mod:`proofs.bounds.lagrangian`): another radius, and where both are the same, no larger one is to
be had. A radius that is proved stays proved when it gets smaller, so rivals are taken one after the
other, the nearest first, and each can only shorten it. All of this happens in float64, and radii
are shortened by more than its rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from numeric import Layer
from numeric.networks.normal_form import Floats
from proofs.bounds.hidden_directions import FAR, HiddenDirections
from proofs.bounds.lagrangian import Margin, Multipliers, outer_bounds
from proofs.bounds.relaxation import (
    Relaxation,
    bending_directions,
    directions_at,
    extended_basis,
)
from proofs.bounds.surroundings import Stack, Surroundings, surroundings

Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

_TRIES, _MORE_TRIES, _BETTER = 4, 20, 1.005
"""How many radii are tried for a rival, and how many as long as they get better by this factor."""

_CLOSE = 2e-3
"""How close to each other the radius of the bends and that of the proof are, as a share."""

_SLOPE = -0.06
"""By how much what is proved falls where the radius of the bends rises, until it is known."""

_SHORT = 3e-4
"""By which part one aims short, as what is proved counts up to the radius of the bends alone."""

_ENOUGH = 1.04
"""How much further than needed multipliers reach, in few directions, that are good enough."""

_BEYOND = 8.0
"""How much further than bends are bounded no radius is looked for: they are tried in steps."""

_ROOMS = 1e-4, 1e-2, 5e-2
"""What multipliers of bends get on top, as shares, for the directions not looked at."""

_STIFFER = 1.0, 1.1, 1.25
"""Multiples of the multiplier of the ball that are tried."""

_NEARLY = 0.97
"""Which part of what is proved in few directions is as good as all of it."""

SHORTENED = 1 - 1e-4
"""What is left of radii: the checker's bounds on errors cost a share of the rest."""

_SMALLER, _LARGER, _MUCH = 0.5, 4.0, 1e-3
"""By which factors radii are changed at once, the last one at most where nothing is proved."""

NEAR = 2.0**-399
"""A radius that counts as none."""


@dataclass(frozen=True, eq=False)
class CertifiedRadii:
    r"""Radii within which all stacks keep an image's class, and what proves them.

    Attributes:
        radii: shape (images,), 0 where nothing is proved.
        multipliers: for each stack, shape (images, classes, multipliers): that of the ball,
            :math:`\mu`, and for each hidden state :math:`\lambda` and :math:`\nu` of the kept
            directions; zeros for the class itself, and where the radius is 0.
    """

    radii: Doubles
    multipliers: list[Doubles]


def certified_radii(
    stacks: Sequence[Sequence[Layer]],
    images: Floats,
    classes: Classes,
    directions: Sequence[HiddenDirections] | None = None,
    most: Doubles | None = None,
) -> CertifiedRadii:
    """Find distances within which every stack of layers keeps the class of each image.

    Args:
        stacks: each a network in the normal form, all of the same inputs and outputs.
        images: shape (images, inputs).
        classes: that are to be kept, shape (images,).
        directions: for each stack those of its hidden states that have multipliers; left out, they
            are found near the images.
        most: for each image a radius that is large enough, shape (images,); where it is proved at
            once, a fraction of the time is needed.

    Returns:
        Radii in the Euclidean norm of the pixels, at most a million, and multipliers.

    Raises:
        ProofError: a hidden state has no constant.
        NumericError: a layer is none.

    Examples:
        >>> square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(3)[:, 1:2], np.eye(3)[:, :2] * 0)
        >>> layer = square._replace(linear=np.array([[1.0, 0.0], [0.0, 0.0], [4.0, 0.0]]))
        >>> found = certified_radii([[layer]], np.ones((1, 1)), np.array([1]))
        >>> found.radii.round(3)  # until the pixel is 2, and its square 4
        array([1.])
    """
    found = np.full(len(images), FAR) if most is None else np.minimum(most, FAR)
    multipliers = []
    with (
        np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"),
        # The matrices are small: threads would wait for each other most of the time.
        ThreadpoolController().limit(limits=1, user_api="blas"),
    ):
        for number, layers in enumerate(stacks):
            stack = Stack.of(layers)
            hidden = directions[number] if directions else HiddenDirections.of(stack, images)
            search = Search(stack, hidden)
            proofs = np.zeros((len(images), len(layers[-1].down) - 1, hidden.multipliers))
            for place, around in enumerate(surroundings(stack, images)):
                found[place] = search.shortened(
                    around, int(classes[place]), found[place], proofs[place]
                )
            multipliers.append(proofs)
    found *= SHORTENED
    for proofs in multipliers:
        proofs[found == 0] = 0.0
    return CertifiedRadii(found, multipliers)


class Search:
    """What radii and multipliers are sought with."""

    def __init__(self, stack: Stack, directions: HiddenDirections) -> None:
        self.directions = directions
        self.shared = bending_directions(stack, directions)

    def shortened(self, around: Surroundings, label: int, radius: float, proofs: Doubles) -> float:
        """Return a radius, not larger than a given one, that is proved for all rivals."""
        try:
            return self._shortened(around, label, radius, proofs)
        except np.linalg.LinAlgError:
            # Numbers left the range of floats, and what is infinite has no singular values.
            return 0.0

    def _shortened(self, around: Surroundings, label: int, radius: float, proofs: Doubles) -> float:
        rivals = [rival for rival in range(len(around.logits)) if rival != label]
        margins = [Margin.of(around, self.directions, label, rival) for rival in rivals]
        if not all(margin.value > 0 for margin in margins):
            return 0.0
        near = np.argsort([margin.distance for margin in margins], kind="stable")
        for place in near.tolist():
            radius, found = Rival(self, margins[place]).largest(radius)
            if not (found is not None and radius > NEAR):
                return 0.0
            proofs[rivals[place]] = found.flat()
        return radius


class Rival:
    """The search for the largest radius that keeps a margin positive."""

    def __init__(self, search: Search, margin: Margin) -> None:
        self.margin = margin
        self.relaxed = Relaxation(margin, directions_at(margin, search.shared))
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
            if abs(reached - tried) < _CLOSE * tried or (len(known) > _TRIES and not better):
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
        for reach in (_ENOUGH, _BEYOND) if enough else (_BEYOND,):
            # The best multipliers are smaller than those that are just good enough.
            found = self.relaxed.multipliers(outer, reach * tried)
            if found is not None:
                several = [_with_room(found.multipliers, room) for room in _ROOMS]
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
            for ball in multipliers.ball * np.array(_STIFFER if enough else ()):
                if quadratic.positive(float(ball), tried):
                    self.proved = tried, replace(multipliers, ball=float(ball))
                    return tried
            radius, ball, worst = quadratic.radius()
            if best is None or radius > best:
                best, self.worst = radius, worst
            if min(radius, tried) > self.proved[0]:
                self.proved = min(radius, tried), replace(multipliers, ball=ball)
            if radius > _NEARLY * min(hoped, tried):
                break
        return best or None

    def _look_at_the_worst(self) -> None:
        """Look from now on at the directions, too, along which the margin is least."""
        if self.worst is not None:
            basis = extended_basis(self.relaxed.basis, self.worst)
            self.relaxed, self.worst = Relaxation(self.margin, basis), None


def _with_room(multipliers: Multipliers, room: float) -> Multipliers:
    """Return multipliers of bends that are a little larger."""
    return replace(
        multipliers,
        bends=[
            np.maximum(bends, 0.0) * (1 + room) + room / 10 * bends.max(initial=0.0)
            for bends in multipliers.bends
        ],
    )


def _aimed(known: Sequence[tuple[float, float]]) -> float:
    """Return where the radius of the bends and that of the proof are probably the same."""
    tried, reached = known[-1]
    if not _SMALLER * tried < reached < tried / _SMALLER:
        # Far apart they are about reciprocal.
        return float(np.sqrt(tried * max(reached, NEAR)))
    slope = _SLOPE
    if len(known) > 1 and abs(tried - known[-2][0]) > _CLOSE * tried:
        slope = (reached - known[-2][1]) / (tried - known[-2][0])
        slope = min(max(slope, -1.0), 0.0)
    return (reached - slope * tried) / (1 - slope) * (1 - _SHORT)
