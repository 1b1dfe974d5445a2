r"""Radii around images within which no class changes, and the multipliers that prove them.

For every rival class the largest radius is sought at which some multipliers leave the margin
positive, on all of a ball at once (:mod:`proofs.bounds.whole_balls`) or in slabs
(:mod:`proofs.bounds.rivals`). A radius that is proved stays proved when it gets smaller, so rivals
are taken one after the other, the nearest first, and each can only shorten it. All of this happens
in float64, and radii are shortened by more than its rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from numeric import Layer
from numeric.networks.normal_form import Floats
from proofs.bounds.hidden_directions import FAR, HiddenDirections
from proofs.bounds.lagrangian import Margin
from proofs.bounds.relaxation import bending_directions
from proofs.bounds.rivals import Rival
from proofs.bounds.slabs import MOST_SLABS, vanishing
from proofs.bounds.surroundings import Stack, Surroundings, surroundings
from proofs.bounds.whole_balls import NEAR

Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]

SHORTENED = 1 - 1e-4
"""What is left of radii: the checker's bounds on errors cost a share of the rest."""

FIRST = 0.98
"""Which part of the distance that slopes lead to is tried, where a ball may be divided: no more of
it is looked for, as the last part takes most of the time."""

_UNDIVIDED = 2
"""Up to how many layers with neurons balls are not divided."""


class Proofs(NamedTuple):
    r"""What proves radii; zeros for the class itself, and where the radius is 0.

    Attributes:
        slabs: shape (images, classes, slabs + 2): how far ahead the slope is taken, and the ends.
        multipliers: shape (images, classes, slabs, multipliers): :math:`\mu` of the ball,
            :math:`\tau` of the slab, and for each hidden state :math:`\lambda` and :math:`\nu` of
            the kept directions and the factor :math:`\varphi` of all others.
    """

    slabs: Doubles
    multipliers: Doubles

    @classmethod
    def none(cls, images: int, classes: int, slabs: int, multipliers: int) -> Proofs:
        """Return those of no radii."""
        return cls(
            np.zeros((images, classes, slabs + 2)),
            np.zeros((images, classes, slabs, multipliers)),
        )

    def at(self, place: int | npt.NDArray[np.bool_]) -> Proofs:
        """Return those of an image, or of some."""
        return Proofs(self.slabs[place], self.multipliers[place])

    def clear(self, places: npt.NDArray[np.bool_]) -> None:
        """Prove nothing of some images."""
        for array in self:
            array[places] = 0.0


@dataclass(frozen=True, eq=False)
class CertifiedRadii:
    r"""Radii within which all stacks keep an image's class, and what proves them.

    Attributes:
        radii: shape (images,), 0 where nothing is proved.
        proofs: for each stack.
    """

    radii: Doubles
    proofs: list[Proofs]


def certified_radii(
    stacks: Sequence[Sequence[Layer]],
    images: Floats,
    classes: Classes,
    directions: Sequence[HiddenDirections] | None = None,
    most: Doubles | None = None,
    slabs: int | None = None,
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
        slabs: into how many a ball may be divided; 1 where none is to be, and left out, for
            networks of at most two layers with neurons. Where it may be, no radius above 98 % of
            how far slopes lead to another class is looked for.

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
    proofs = []
    with (
        np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"),
        # The matrices are small: threads would wait for each other most of the time.
        ThreadpoolController().limit(limits=1, user_api="blas"),
    ):
        for number, layers in enumerate(stacks):
            stack = Stack.of(layers)
            hidden = directions[number] if directions else HiddenDirections.of(stack, images)
            search = Search(stack, hidden, slabs or usual_slabs(layers))
            outputs = len(layers[-1].down) - 1
            own = Proofs.none(len(images), outputs, search.slabs, hidden.multipliers)
            for place, around in enumerate(surroundings(stack, images)):
                found[place] = search.shortened(
                    around, int(classes[place]), found[place], own.at(place)
                )
            proofs.append(own)
    found *= SHORTENED
    for own in proofs:
        own.clear(found == 0)
    return CertifiedRadii(found, proofs)


def usual_slabs(layers: Sequence[Layer]) -> int:
    """Return into how many slabs balls are divided: bends of bends are bounded less sharply."""
    bending = sum(bool(len(layer.left) and layer.down.any()) for layer in layers)
    return MOST_SLABS if bending > _UNDIVIDED else 1


class Search:
    """What radii and multipliers are sought with.

    Args:
        stack: of layers.
        directions: of its hidden states.
        slabs: into how many a ball may be divided; 1, or one more than there are cuts at least.
    """

    def __init__(self, stack: Stack, directions: HiddenDirections, slabs: int = 1) -> None:
        self.directions, self.slabs = directions, slabs
        self.shared = bending_directions(stack, directions)

    def shortened(self, around: Surroundings, label: int, radius: float, into: Proofs) -> float:
        """Return a radius, not larger than a given one, that is proved for all rivals."""
        try:
            return self._shortened(around, label, radius, into)
        except np.linalg.LinAlgError:
            # Numbers left the range of floats, and what is infinite has no singular values.
            return 0.0

    def _shortened(self, around: Surroundings, label: int, radius: float, into: Proofs) -> float:
        rivals = [rival for rival in range(len(around.logits)) if rival != label]
        margins = [Margin.of(around, self.directions, label, rival) for rival in rivals]
        if not all(margin.value > 0 for margin in margins):
            return 0.0
        if self.slabs > 1:
            each = (vanishing(around, margin.weights) for margin in margins)
            far = min(each, default=np.inf)
            radius = min(radius, FIRST * far) if far > NEAR else radius
        near = np.argsort([margin.distance for margin in margins], kind="stable")
        for place in near.tolist():
            radius, found = Rival(self.shared, self.slabs, margins[place]).largest(radius)
            if not (found is not None and radius > NEAR):
                return 0.0
            into.slabs[rivals[place]] = found.flat(self.slabs)
            into.multipliers[rivals[place]] = found.factors(self.slabs)
        return radius
