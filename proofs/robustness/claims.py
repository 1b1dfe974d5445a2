r"""The radii of images as a claim, with the witnesses that prove it.

A radius and, for each rival class, a multiplier prove that no input within the radius gets another
class (:func:`analytic.derivations.s_lemma`). Where the radius is the largest change of a pixel, a
diagonal for each pair of classes does (:func:`analytic.derivations.diagonal_bound`). What rounding
takes from a proof is given away beforehand: radii are smaller than those found by a part in 10⁷.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.networks.normal_form import Floats
from proofs.robustness.infinity import InfinityBounds, infinity_radii
from proofs.robustness.pairs import PairMargin, PairMargins
from proofs.robustness.trust_region import Robustness, displacements, ordered_pairs

Doubles = npt.NDArray[np.float64]

SHRINKING = 1e-7
"""The part of a radius that is given away."""

_ROOM, _FLOOR = 1e-7, 1e-9
"""What diagonals get on top: shares of their matrix's diagonal, and of the largest entry there."""

_LEAST = 2.0**-200
"""No entry of a diagonal is smaller: a margin that bends nowhere has a positive matrix too."""

_DOUBLINGS = 100
_HARD = 1e-6

FIXED = -1
"""The target of an image whose class no input leaves."""

FACTOR = "1.000001"
"""Further than its radius by this factor, an image has a neighbour of another class."""


def witnesses(
    margins: PairMargins, images: Floats, found: Robustness
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that prove the radii of images.

    Args:
        margins: between the classes of a network of one layer.
        images: shape (images, inputs).
        found: their distances to the other classes.

    Returns:
        ``radius``, 0 where nothing is claimed, such as where a margin only touches 0 and does not
        fall below it; ``multipliers`` for each class; ``targets``, the nearest class, or
        :data:`FIXED` where no input at all gets another one; and ``added``, a step along the
        eigenvector of the least eigenvalue, where the nearest point needs one (the hard case of
        the trust-region problem).
    """
    radius = np.where(np.isfinite(found.radius), found.radius * (1 - SHRINKING), 0.0)
    finite = np.isfinite(found.multipliers)
    multipliers = np.where(finite, found.multipliers * (1 - SHRINKING / 100), 0.0)
    added = np.zeros(len(images))
    for own, rival in ordered_pairs(margins.classes):
        chosen = np.flatnonzero((found.predicted == own) & (radius > 0))
        if not chosen.size:
            continue
        margin = margins.between(own, rival)
        radius[chosen[_unsure(margin, images[chosen])]] = 0.0
        never = chosen[np.isinf(found.multipliers[chosen, rival])]
        if never.size:
            multipliers[never, rival] = _large_enough(margin, images[never], radius[never])
        near = chosen[found.rivals[chosen] == rival]
        if near.size:
            steps = displacements(margin, images[near])
            added[near] = _along_the_least(margin, images[near], multipliers[near, rival], steps)
            radius[near[~_crossed(margin, images[near], steps, radius[near])]] = 0.0
    targets = np.asarray(found.rivals, dtype=np.int64)
    for own in np.unique(found.predicted[np.isinf(found.radius)]).tolist():
        rivals = (rival for rival in range(margins.classes) if rival != own)
        if all(_always_positive(margins.between(own, rival)) for rival in rivals):
            targets[(found.predicted == own) & (radius == 0)] = FIXED
    return {"radius": radius, "multipliers": multipliers, "targets": targets, "added": added}


def pixel_witnesses(
    margins: PairMargins, images: Floats, found: InfinityBounds
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays that prove by how much all pixels of images can change.

    Args:
        margins: between the classes of a network of one layer.
        images: shape (images, inputs).
        found: their bounds in the largest change of a pixel.

    Returns:
        ``radius``, 0 where nothing is claimed, and ``diagonals``, shape (classes, classes, inputs),
        zeros for pairs that no image needs.
    """
    radius = np.full(len(images), np.inf)
    diagonals = np.zeros((margins.classes, margins.classes, images.shape[1]))
    for (own, rival), diagonal in found.diagonals.items():
        chosen = np.flatnonzero(found.predicted == own)
        margin, given = margins.between(own, rival), images[chosen]
        diagonals[own, rival] = _with_room(margin, diagonal)
        proven = infinity_radii(margin, given, diagonals[own, rival]) * (1 - SHRINKING)
        proven[_unsure(margin, given)] = 0.0
        radius[chosen] = np.minimum(radius[chosen], proven)
    return {"radius": np.where(np.isfinite(radius), radius, 0.0), "diagonals": diagonals}


def _always_positive(margin: PairMargin) -> bool:
    """Return whether a margin is positive by more than rounding at every input, however far.

    What it does not depend on counts for nothing; in the rest it has to be a positive form.
    """
    seen = (margin.linear != 0) | margin.matrix.any(axis=0)
    half, matrix = margin.linear[seen] / 2, margin.matrix[np.ix_(seen, seen)]
    form = np.block([[np.array([[margin.constant]]), half[None]], [half[:, None], matrix]])
    # In units of its diagonal: positive forms stay positive.
    scale = np.sqrt(np.maximum(form.diagonal(), np.finfo(np.float64).tiny))
    scaled = form / scale[:, None] / scale
    return bool(np.isfinite(scaled).all() and np.linalg.eigvalsh(scaled)[0] > _ROOM)


def _with_room(margin: PairMargin, diagonal: Doubles) -> Doubles:
    """Return a diagonal that makes its matrix positive by more than the rounding of a proof."""
    sizes = abs(margin.matrix.diagonal()) + abs(diagonal)
    return np.asarray(np.maximum(diagonal + _ROOM * sizes + _FLOOR * sizes.max(), _LEAST))


def _unsure(margin: PairMargin, images: Floats) -> npt.NDArray[np.bool_]:
    """Return which margins are so small that rounding takes more from them than is given away."""
    return np.asarray(_rounding(margin, images) > SHRINKING * margin.value(images))


def _rounding(margin: PairMargin, images: Floats) -> Doubles:
    """Return how much rounding may take from margins, with what a proof loses on the way."""
    sizes = abs(images.astype(np.float64))
    terms = sizes * (abs(margin.linear) + sizes @ abs(margin.matrix))
    share = 8 * (1 + images.shape[1]) * np.finfo(np.float64).eps
    return np.asarray(share * (abs(margin.constant) + terms.sum(axis=1)))


def _crossed(
    margin: PairMargin, images: Floats, steps: Doubles, radii: Doubles
) -> npt.NDArray[np.bool_]:
    """Return whether margins are negative, rounding included, a little further than the radii."""
    lengths = np.maximum(np.linalg.norm(steps, axis=1), np.finfo(np.float64).tiny)
    ends = images + steps * (radii * (0.1 + 0.9 * float(FACTOR)) / lengths)[:, None]
    return np.asarray(margin.value(ends) < -_rounding(margin, ends))


def _large_enough(margin: PairMargin, images: Floats, radii: Doubles) -> Doubles:
    """Return multipliers that prove radii where the margin never falls to zero."""
    drawn = margin.gradient(images) / 2 @ margin.eigenvectors
    values = np.maximum(margin.eigenvalues, 0.0)
    slacks, multipliers = margin.value(images), np.ones(len(images))
    for _ in range(_DOUBLINGS):
        column = multipliers[:, None]
        proven = multipliers * slacks - ((column * drawn) ** 2 / (1 + column * values)).sum(axis=1)
        multipliers = np.where(proven < 2 * radii**2, 2 * multipliers, multipliers)
    return multipliers


def _along_the_least(
    margin: PairMargin, images: Floats, multipliers: Doubles, displaced: Doubles
) -> Doubles:
    """Return what the nearest points have along the least eigenvector beyond the usual step."""
    steps = displaced @ margin.eigenvectors
    least = margin.eigenvalues == margin.eigenvalues[0]
    drawn = margin.gradient(images) / 2 @ margin.eigenvectors
    usual = -multipliers[:, None] * drawn / (1 + multipliers[:, None] * margin.eigenvalues)
    missing = np.linalg.norm((steps - usual)[:, least], axis=1)
    return np.where(missing > _HARD * np.linalg.norm(steps, axis=1), missing, 0.0)
