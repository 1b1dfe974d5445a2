r"""The radii of images as a claim, with the witnesses that prove it.

A radius and, for each rival class, a multiplier prove that no input within the radius gets another
class (:func:`analytic.derivations.s_lemma`). What rounding takes from the proof is given away
beforehand: radii are smaller than the exact ones by a part in 10⁷.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.normal_form import Floats
from proofs.robustness.pairs import PairMargin, PairMargins
from proofs.robustness.trust_region import Robustness, displacements, ordered_pairs

Doubles = npt.NDArray[np.float64]

SHRINKING = 1e-7
"""The part of a radius that is given away."""

_DOUBLINGS = 100
_HARD = 1e-6

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
        ``radius``, 0 where nothing is claimed; ``multipliers`` for each class; ``targets``, the
        nearest class; and ``added``, a step along the eigenvector of the least eigenvalue, where
        the nearest point needs one (the hard case of the trust-region problem).
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
            added[near] = _along_the_least(margin, images[near], multipliers[near, rival])
    return {
        "radius": radius,
        "multipliers": multipliers,
        "targets": np.asarray(found.rivals, dtype=np.int64),
        "added": added,
    }


def _unsure(margin: PairMargin, images: Floats) -> npt.NDArray[np.bool_]:
    """Return which margins are so small that rounding takes more from them than is given away."""
    sizes = abs(images.astype(np.float64))
    terms = sizes * (abs(margin.linear) + sizes @ abs(margin.matrix))
    rounding = 8 * (1 + images.shape[1]) * np.finfo(np.float64).eps
    reach = abs(margin.constant) + terms.sum(axis=1)
    return np.asarray(rounding * reach > SHRINKING * margin.value(images))


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


def _along_the_least(margin: PairMargin, images: Floats, multipliers: Doubles) -> Doubles:
    """Return what the nearest points have along the least eigenvector beyond the usual step."""
    steps = displacements(margin, images) @ margin.eigenvectors
    least = margin.eigenvalues == margin.eigenvalues[0]
    drawn = margin.gradient(images) / 2 @ margin.eigenvectors
    usual = -multipliers[:, None] * drawn / (1 + multipliers[:, None] * margin.eigenvalues)
    missing = np.linalg.norm((steps - usual)[:, least], axis=1)
    return np.where(missing > _HARD * np.linalg.norm(steps, axis=1), missing, 0.0)
