r"""Radii around images within which no class changes, and the multipliers that prove them.

For every rival class the largest radius at which some multipliers leave the margin positive is
sought (:mod:`proofs.bounds.margin_floors`), radius and multipliers in turns. A radius that is
proved stays proved when it gets smaller, so rivals are taken one after the other, the nearest
first, and each can only shorten it. All of this happens in float64, and radii are shortened by more
than its rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from numeric import Layer
from numeric.networks.normal_form import Floats
from proofs.bounds.margin_floors import Floor, Margin, Reach, margins
from proofs.bounds.surroundings import Compressed, Surroundings, pixel_basis, surroundings

Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

_STEPS = 30
_TRIES = 10
"""How many radii are tried for a rival, and how often multipliers are improved for each."""

_CLOSE = 1e-4
_GAIN = 1e-4
"""As shares: how close to the largest radius is enough, and which gain in a margin is too small."""

_FLAT = 1e-3
"""A slope that counts as none."""

_SHORTENED = 1 - 1e-6

_NEAR, _FAR = 2.0**-400, 1e6
"""A radius that counts as none, and the largest that is looked for."""


@dataclass(frozen=True, eq=False)
class CertifiedRadii:
    r"""Radii within which all stacks keep an image's class, and what proves them.

    Attributes:
        radii: shape (images,), 0 where nothing is proved.
        multipliers: for each stack, shape (images, classes, layers): :math:`\mu` and all
            :math:`\nu_l`; zeros for the class itself, and where the radius is 0.
    """

    radii: Doubles
    multipliers: list[Doubles]


def certified_radii(
    stacks: Sequence[Sequence[Layer]],
    images: Floats,
    classes: Classes,
    bases: Sequence[Doubles] | None = None,
) -> CertifiedRadii:
    """Find distances within which every stack of layers keeps the class of each image.

    Args:
        stacks: each a network in the normal form, all of the same inputs and outputs.
        images: shape (images, inputs).
        classes: that are to be kept, shape (images,).
        bases: for each stack the directions of the pixels that are followed exactly
            (:func:`proofs.bounds.surroundings.pixel_basis`); left out, those of the images.

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
    if bases is None:
        bases = [pixel_basis(layers, images) for layers in stacks]
    found = np.full(len(images), _FAR)
    multipliers = []
    with (
        np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"),
        # The matrices are small: threads would wait for each other most of the time.
        ThreadpoolController().limit(limits=1, user_api="blas"),
    ):
        for layers, basis in zip(stacks, bases, strict=True):
            stack = Compressed.of(layers, basis)
            outputs = len(stack.layers[-1].down) - 1
            proofs = np.zeros((len(images), outputs, len(stack.layers)))
            for place, around in enumerate(surroundings(stack, images)):
                found[place] = _shortened(around, int(classes[place]), found[place], proofs[place])
            multipliers.append(proofs)
    found *= _SHORTENED
    for proofs in multipliers:
        proofs[found == 0] = 0.0
    return CertifiedRadii(found, multipliers)


def _shortened(around: Surroundings, label: int, radius: float, proofs: Doubles) -> float:
    """Return a radius, not larger than a given one, that the stack proves for all rivals."""
    known: Doubles | None = None
    for rival, margin in margins(around, label):
        if not margin.value > 0:
            return 0.0
        slope = float(np.linalg.norm(margin.gradient @ margin.straight))
        guess = min(radius, margin.value / max(slope, _FLAT))
        if not guess > _NEAR:
            return 0.0
        start = np.ones(proofs.shape[-1]) if known is None else known.copy()
        start[0] = 0.6 * slope / guess + _FLAT
        if radius < _FAR:
            floor = _improved(margin, Reach.of(around, radius), start, enough=0.0)
            if floor is not None and floor.value > 0:
                proofs[rival] = floor.multipliers
                continue
        radius, proofs[rival] = _largest(around, margin, radius, guess, start)
        if not radius > _NEAR:
            return 0.0
        known = proofs[rival]
    return radius


def _improved(margin: Margin, reach: Reach, multipliers: Doubles, enough: float) -> Floor | None:
    """Improve what multipliers prove, until it is enough or hardly improves."""
    best, share = margin.floor(reach, multipliers), 1.0
    for _ in range(_TRIES):
        if best is None or best.value > enough:
            break
        step = (best.better / best.multipliers) ** share
        floor = margin.floor(reach, best.multipliers * step)
        if floor is None or floor.value < best.value:
            share /= 2
            continue
        gain, best, share = floor.value - best.value, floor, min(2 * share, 1.0)
        if gain < _GAIN * margin.value:
            break
    return best


def _largest(
    around: Surroundings, margin: Margin, most: float, radius: float, multipliers: Doubles
) -> tuple[float, Doubles]:
    """Return the largest radius that is found to be proved, and the multipliers."""
    low, high, proof = 0.0, np.inf, np.zeros_like(multipliers)
    for _ in range(_STEPS):
        floor = _improved(margin, Reach.of(around, radius), multipliers, np.inf)
        if floor is None:
            high, radius = radius, (low + radius) / 2
            continue
        multipliers = floor.better
        if floor.value > 0:
            low, proof = radius, floor.multipliers
        else:
            high = radius
        # A step of Newton's, aimed a little short of where nothing is left to spare.
        aimed = radius + (floor.value - _CLOSE * margin.value) / max(-floor.slope, _FLAT)
        if low >= most or high - low < _CLOSE * high or 0 <= aimed - low < _CLOSE * low:
            break
        middle = (low + high) / 2 if high < np.inf else 2 * low
        radius = min(aimed, most) if low < aimed < min(high, 2 * radius) else min(middle, most)
    return low, proof
