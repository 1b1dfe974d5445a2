r"""The exact distance to the nearest image that is classified differently, for one layer.

Around an image the margin over a rival is :math:`m_0 + g \cdot \delta + \delta^\top Q\,\delta`. The
smallest :math:`\rho = \lVert\delta\rVert` at which it falls to a threshold :math:`t < m_0` is a
trust-region problem. In the eigenbasis of :math:`Q` it is one equation in one unknown, which
:mod:`proofs.robustness.secular` solves, and the solution :math:`\mu` of its dual certifies the
distance (the S-lemma): no step shorter than :math:`\rho` reaches the threshold, since

.. math::
    \begin{pmatrix} \mu\,(m_0 - t) - \rho^2 & \mu\,g^\top / 2 \\ \mu\,g / 2 & I + \mu Q
    \end{pmatrix} \succeq 0
    \quad\text{says}\quad
    \lVert\delta\rVert^2 - \rho^2 + \mu\,(m_0 + g \cdot \delta + \delta^\top Q\,\delta - t) \ge 0 .

Source:
    I. Pólik and T. Terlaky, *A survey of the S-lemma*, SIAM Review 49 (2007).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.networks.normal_form import Floats, check_array
from proofs.errors import ProofError
from proofs.robustness.pairs import PairMargin, PairMargins, check_range
from proofs.robustness.secular import Steps, smallest_steps

Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.integer[Any]]

_ENTRIES = 1 << 18
"""How many numbers an array of one step holds: what a processor's cache does."""

_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Distances:
    r"""How far images lie from where a rival reaches the predicted class.

    Attributes:
        radii: :math:`\rho`, shape (images,); infinite where the margin never falls that far.
        multipliers: :math:`\mu`, shape (images,): 0 where the margin is there already, infinite
            where it never falls that far, or just so far at its minimum.
    """

    radii: Doubles
    multipliers: Doubles


@dataclass(frozen=True, eq=False)
class Robustness:
    r"""How far images lie from where another class is predicted.

    Attributes:
        predicted: the class of each image, shape (images,).
        radii: the distance :math:`\rho` to where each class reaches the predicted one, shape
            (images, classes); infinite for the class itself.
        multipliers: :math:`\mu` of the certificates, shape (images, classes); NaN for the class
            itself.
    """

    predicted: Classes
    radii: Doubles
    multipliers: Doubles

    @property
    def rivals(self) -> npt.NDArray[np.int64]:
        """The class that is reached first, shape (images,)."""
        finite = np.minimum(self.radii, np.finfo(np.float64).max)
        return np.asarray(np.where(np.isnan(self.multipliers), np.inf, finite).argmin(axis=1))

    @property
    def radius(self) -> Doubles:
        """The distance to the nearest other class, shape (images,)."""
        return np.asarray(self.radii.min(axis=1))


def nearest(
    margins: PairMargins, images: Floats, predicted: Classes, *, threshold: float = 0.0
) -> Robustness:
    r"""Return the exact distance from each image to where each other class is reached.

    Args:
        margins: between the classes of a network of one layer.
        images: float32 or float64, shape (images, inputs).
        predicted: their classes, shape (images,).
        threshold: the margin :math:`t` at which a rival counts as reached. 0 is where the logits
            are equal; above it, where the class leads by less than that.

    Returns:
        Distances in the Euclidean norm of the pixels. Pixels may leave [0, 1].

    Raises:
        ProofError: the classes are no integers within range, one for each image, the threshold is
            not finite, or margins leave the range of float64.
        NumericError: the images have another shape or dtype, or are not finite.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(4, 3, depth=1, hidden=5)
        >>> robustness = nearest(PairMargins(network.layers()), np.ones((1, 4)), np.array([2]))
        >>> robustness.radii.shape, bool(robustness.radii[0, 2] == np.inf)
        ((1, 3), True)
    """
    check_images(margins, images, predicted)
    radii = np.full((len(images), margins.classes), np.inf)
    multipliers = np.full_like(radii, np.nan)
    for own, rival in ordered_pairs(margins.classes):
        chosen = np.flatnonzero(predicted == own)
        if len(chosen):
            found = distances(margins.between(own, rival), images[chosen], threshold=threshold)
            radii[chosen, rival], multipliers[chosen, rival] = found.radii, found.multipliers
    return Robustness(predicted, radii, multipliers)


def nearest_points(
    margins: PairMargins,
    images: Floats,
    predicted: Classes,
    rivals: Classes,
    *,
    threshold: float = 0.0,
) -> Doubles:
    """Return the points nearest to images at which a rival reaches the predicted class.

    Args:
        margins: between the classes of a network of one layer.
        images: float32 or float64, shape (images, inputs).
        predicted: their classes, shape (images,).
        rivals: the classes to reach, shape (images,), as in :attr:`Robustness.rivals`.
        threshold: as for :func:`nearest`.

    Returns:
        Shape (images, inputs). Where several points are as near, it is one of them.

    Raises:
        ProofError: as :func:`nearest`, or a rival cannot be reached, or is the class itself.
        NumericError: as :func:`nearest`.

    Examples:
        >>> from numeric import Layer
        >>> down, linear = np.zeros((3, 0)), np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> margins = PairMargins([Layer(down.T, down.T, down, linear)])
        >>> nearest_points(margins, np.array([[4.0, 0.0]]), np.array([0]), np.array([1]))
        array([[2., 2.]])
    """
    check_images(margins, images, predicted)
    _check_classes(rivals, "rivals", len(images), margins.classes)
    if (rivals == predicted).any():
        raise ProofError("expected rivals to be other classes than predicted, got an equal one")
    points = images.astype(np.float64)
    for own, rival in ordered_pairs(margins.classes):
        chosen = np.flatnonzero((predicted == own) & (rivals == rival))
        if len(chosen):
            points[chosen] += displacements(
                margins.between(own, rival), images[chosen], threshold=threshold
            )
    return points


def distances(margin: PairMargin, images: Floats, *, threshold: float = 0.0) -> Distances:
    """Return how far a margin is from falling to a threshold, for each image.

    Args:
        margin: of the predicted class over a rival.
        images: shape (images, inputs).
        threshold: the margin to reach.

    Raises:
        ProofError: the threshold is not finite, or a margin leaves the range of float64.

    Examples:
        >>> margin = PairMargin(3.0, np.array([4.0, 0.0]), np.zeros((2, 2)))
        >>> distances(margin, np.zeros((1, 2))).radii
        array([0.75])
    """
    parts = list(_solved(margin, images, threshold))
    if not parts:
        return Distances(np.zeros(0), np.zeros(0))
    return Distances(
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.multipliers for part in parts]),
    )


def displacements(margin: PairMargin, images: Floats, *, threshold: float = 0.0) -> Doubles:
    """Return the smallest steps that bring a margin down to a threshold.

    Args:
        margin: of the predicted class over a rival.
        images: shape (images, inputs).
        threshold: the margin to reach.

    Returns:
        Shape (images, inputs).

    Raises:
        ProofError: the threshold is not finite, the margin never falls to it, or it leaves the
            range of float64.
    """
    parts = list(_solved(margin, images, threshold))
    if any(np.isinf(part.lengths).any() for part in parts):
        raise ProofError(
            f"expected images from which the margin falls to {threshold:g}, got one from which it "
            "never does"
        )
    steps = [part.steps @ margin.eigenvectors.T for part in parts]
    return np.concatenate([np.zeros((0, len(margin.linear))), *steps])


def _solved(margin: PairMargin, images: Floats, threshold: float) -> Iterator[Steps]:
    """Yield the solutions, some images at a time."""
    check_threshold(threshold)
    eigenvalues, linear = _without_noise(margin)
    step = max(1, _ENTRIES // len(linear))
    for start in range(0, len(images), step):
        with np.errstate(over="ignore", invalid="ignore"):
            points = images[start : start + step].astype(np.float64) @ margin.eigenvectors
            bent = points * eigenvalues
            slacks = margin.constant - threshold + ((linear + bent) * points).sum(axis=1)
            gradients = linear + 2 * bent
        check_range(slacks)
        check_range(gradients)
        yield smallest_steps(slacks, gradients, eigenvalues)


def _without_noise(margin: PairMargin) -> tuple[Doubles, Doubles]:
    """Return eigenvalues and linear part in the eigenbasis, zero where they are so to rounding.

    Else a margin that is flat along some direction would fall along it, very slowly. What counts is
    the rounding of that direction: beside much larger eigenvalues a small one may be exact.
    """
    noise = len(margin.linear) * _EPSILON
    sizes = abs(margin.eigenvalues)
    flat = sizes <= noise * sizes.max()
    doubts = margin.doubts(flat)
    sure = sizes[flat] <= doubts
    flat[flat], doubts = sure, doubts[sure]
    linear = margin.linear @ margin.eigenvectors
    # A flat eigenvector leans towards another one by its doubt over the gap between the two.
    leaning = doubts * (abs(linear[~flat]) / sizes[~flat]).sum()
    rounding = noise * (abs(margin.linear) @ abs(margin.eigenvectors[:, flat]))
    linear[flat] = np.where(abs(linear[flat]) <= rounding + leaning, 0.0, linear[flat])
    return np.where(flat, 0.0, margin.eigenvalues), linear


def ordered_pairs(classes: int) -> Iterator[tuple[int, int]]:
    """Yield every ordered pair of classes, both orders of a pair in turn."""
    for first in range(classes):
        for second in range(first + 1, classes):
            yield first, second
            yield second, first


def check_images(margins: PairMargins, images: Floats, predicted: Classes) -> None:
    """Refuse images that a network does not read, and classes that it does not have.

    Raises:
        ProofError: the classes are no integers within range, one for each image.
        NumericError: the images have another shape or dtype, or are not finite.
    """
    check_array(images, "images", (len(images), margins.inputs))
    _check_classes(predicted, "predicted", len(images), margins.classes)


def check_threshold(threshold: float) -> None:
    """Refuse a margin that is no finite number.

    Raises:
        ProofError: with the number.
    """
    if not math.isfinite(threshold):
        raise ProofError(f"expected threshold to be a finite number, got {threshold}")


def _check_classes(given: Classes, name: str, images: int, classes: int) -> None:
    if not np.issubdtype(given.dtype, np.integer) or given.shape != (images,):
        raise ProofError(
            f"expected {name} to be {images} integers, got {given.dtype} of shape {given.shape}"
        )
    outside = (given < 0) | (given >= classes)
    if outside.any():
        raise ProofError(
            f"expected {name} to be classes from 0 to {classes - 1}, got {given[outside][0]}"
        )
