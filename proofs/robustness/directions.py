r"""Adversarial directions from the weights alone, and what they do to images, for one layer.

The margin :math:`m` of a class over a rival is a quadratic in the pixels, with the matrix
:math:`Q`. Along an eigenvector :math:`v` with a negative eigenvalue :math:`\lambda` it falls on
both sides, in the end, wherever one starts: no image is needed to find such a direction, and few
serve every image of a class. What a direction does is measured without any search, since along it

.. math::
    m(x + t v) = m(x) + t\,g \cdot v + t^2\,v^\top Q\,v, \qquad g = \nabla m(x),

is a quadratic in the one number :math:`t`. With :math:`b = g \cdot v` and
:math:`c = v^\top Q\,v`, the smallest :math:`|t|` at which it is 0 is

.. math::
    \frac{2\,m(x)}{|b| + \sqrt{b^2 - 4\,c\,m(x)}},

and there is none where this is no positive number.

Source:
    M. T. Pearce et al., arXiv 2410.08417, section 4, for adversarial examples from eigenvectors of
    single classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.networks.normal_form import Floats, check_array
from numeric.scalars import check_integer
from proofs.errors import ProofError
from proofs.robustness.pairs import PairMargin, PairMargins, check_range
from proofs.robustness.trust_region import Classes, Robustness, check_images, ordered_pairs

Doubles = npt.NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)

_LARGEST = float(np.finfo(np.float64).max) / 4
"""Numbers up to this have sums and roots of sums of squares within the range of float64."""


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction along which the margin of a class over a rival falls on both sides.

    Attributes:
        predicted: the class.
        rival: the class that gains.
        eigenvalue: of the margin's quadratic form, negative.
        vector: its eigenvector, of length 1, the largest entry positive, shape (inputs,).
    """

    predicted: int
    rival: int
    eigenvalue: float
    vector: Doubles


@dataclass(frozen=True, eq=False)
class Crossings:
    """How far images go along directions until another class is reached.

    Attributes:
        lengths: the smallest number of a direction's own lengths, forwards or backwards, shape
            (images, directions); infinite where no other class is ever reached.
        classes: the class that is reached there, shape (images, directions); -1 where there is
            none.
    """

    lengths: Doubles
    classes: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reach:
    """How far images go until another class is reached.

    Attributes:
        median: over the images.
        shares: of the images that reach another class within each length of a table.
    """

    median: float
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Effect:
    """What a direction does to the images of its class.

    Attributes:
        direction: what is done to them.
        images: how many there are.
        along: the direction, forwards or backwards, whichever reaches another class first.
        random: the same with a direction drawn at random.
        nearest: the shortest way there is for each image: its exact radius.
        to_rival: the share of the images that reach the direction's own rival there, and no other
            class before.
    """

    direction: Direction
    images: int
    along: Reach
    random: Reach
    nearest: Reach
    to_rival: float


@dataclass(frozen=True)
class EffectTable:
    """What adversarial directions do.

    Attributes:
        lengths: in the Euclidean norm of the pixels, of which the effects give shares.
        effects: one for each direction.
    """

    lengths: tuple[float, ...]
    effects: tuple[Effect, ...]


def adversarial_directions(margins: PairMargins, *, count: int = 1) -> list[Direction]:
    """Return the directions along which margins fall fastest on both sides: from the weights alone.

    Args:
        margins: between the classes of a network of one layer.
        count: how many for each ordered pair of classes.

    Returns:
        For each ordered pair the eigenvectors of its most negative eigenvalues, that of the most
        negative first; fewer where fewer are negative beyond rounding. Of equal eigenvalues only
        the span of the eigenvectors is determined.

    Raises:
        ProofError: a margin leaves the range of float64.
        NumericError: the count is no integer of at least 1.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> margins = PairMargins(BilinearNetwork(4, 3, depth=1, hidden=5).layers())
        >>> found = adversarial_directions(margins)
        >>> [(direction.predicted, direction.rival) for direction in found]
        [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)]
        >>> all(direction.eigenvalue < 0 for direction in found)
        True
    """
    count = check_integer(count, "count", least=1)
    found = []
    for predicted, rival in ordered_pairs(margins.classes):
        margin = margins.between(predicted, rival)
        noise = margins.inputs * _EPSILON * abs(margin.eigenvalues).max()
        for value, vector in zip(margin.eigenvalues[:count], margin.eigenvectors.T, strict=False):
            if value < -noise:
                sign = 1.0 if vector[abs(vector).argmax()] > 0 else -1.0
                found.append(Direction(predicted, rival, float(value), sign * vector))
    return found


def crossings(
    margins: PairMargins, images: Floats, predicted: Classes, directions: Floats
) -> Crossings:
    """Return how far images go along directions until another class is reached: exactly.

    Both ways along a direction are tried against every other class, and the nearest end counts.

    Args:
        margins: between the classes of a network of one layer.
        images: float32 or float64, shape (images, inputs).
        predicted: their classes, shape (images,).
        directions: float32 or float64, shape (directions, inputs).

    Returns:
        In lengths of each direction, so that those of length 1 give the Euclidean norm of the
        pixels. Pixels may leave [0, 1]. A slope or a curvature that is zero to rounding leads
        nowhere.

    Raises:
        ProofError: the classes are no integers within range, one for each image, or margins leave
            the range of float64.
        NumericError: an array has another shape or dtype, or is not finite.

    Examples:
        >>> from numeric import Layer
        >>> down, linear = np.zeros((3, 0)), np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
        >>> margins = PairMargins([Layer(down.T, down.T, down, linear)])
        >>> crossings(margins, np.array([[4.0, 1.0]]), np.array([0]), np.eye(2)).lengths
        array([[3., 3.]])
    """
    check_images(margins, images, predicted)
    if directions.ndim != 2:
        raise ProofError(
            f"expected directions of shape (directions, {margins.inputs}), got {directions.shape}"
        )
    check_array(directions, "directions", (len(directions), margins.inputs))
    lengths = np.full((len(images), len(directions)), np.inf)
    classes = np.full(lengths.shape, -1, dtype=np.int64)
    steps = directions.astype(np.float64)
    for own, rival in ordered_pairs(margins.classes):
        chosen = np.flatnonzero(predicted == own)
        if len(chosen):
            found = _lengths(margins.between(own, rival), images[chosen], steps)
            nearer = found < lengths[chosen]
            lengths[chosen] = np.where(nearer, found, lengths[chosen])
            classes[chosen] = np.where(nearer, rival, classes[chosen])
    return Crossings(lengths, classes)


def effects(
    margins: PairMargins,
    images: Floats,
    robustness: Robustness,
    directions: Sequence[Direction],
    *,
    lengths: Sequence[float],
    generator: np.random.Generator,
) -> EffectTable:
    """Measure what directions do to the images of their classes, beside two controls.

    Args:
        margins: between the classes of a network of one layer.
        images: float32 or float64, shape (images, inputs).
        robustness: of the images, by :func:`proofs.robustness.trust_region.nearest`.
        directions: such as :func:`adversarial_directions` returns.
        lengths: within which the shares of images that reach another class are given.
        generator: draws a random direction, uniformly, for each of the directions.

    Returns:
        An effect for each direction whose class has images.

    Raises:
        ProofError: the robustness is of other images or a direction of another network, a length is
            negative or not finite, or margins leave the range of float64.
        NumericError: an array has another shape or dtype, or is not finite.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> from proofs.robustness.trust_region import nearest
        >>> margins = PairMargins(BilinearNetwork(4, 3, depth=1, hidden=5).layers())
        >>> images, draw = np.eye(4), np.random.default_rng(0)
        >>> robustness = nearest(margins, images, np.array([0, 0, 2, 2]))
        >>> found = adversarial_directions(margins)
        >>> table = effects(margins, images, robustness, found, lengths=[1.0], generator=draw)
        >>> [(effect.direction.predicted, effect.images) for effect in table.effects]
        [(0, 2), (0, 2), (2, 2), (2, 2)]
    """
    check_images(margins, images, robustness.predicted)
    _check(margins, robustness, directions, lengths)
    drawn = generator.standard_normal((len(directions), margins.inputs))
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    found = []
    for own in range(margins.classes):
        chosen = np.flatnonzero(robustness.predicted == own)
        rows = [row for row, direction in enumerate(directions) if direction.predicted == own]
        if not (len(chosen) and rows):
            continue
        vectors = np.concatenate([[directions[row].vector for row in rows], drawn[rows]])
        ends = crossings(margins, images[chosen], robustness.predicted[chosen], vectors)
        nearest = _reach(robustness.radius[chosen], lengths)
        for column, direction in enumerate(directions[row] for row in rows):
            found.append(
                Effect(
                    direction=direction,
                    images=len(chosen),
                    along=_reach(ends.lengths[:, column], lengths),
                    random=_reach(ends.lengths[:, len(rows) + column], lengths),
                    nearest=nearest,
                    to_rival=float((ends.classes[:, column] == direction.rival).mean()),
                )
            )
    return EffectTable(tuple(map(float, lengths)), tuple(found))


def _check(
    margins: PairMargins,
    robustness: Robustness,
    directions: Sequence[Direction],
    lengths: Sequence[float],
) -> None:
    """Refuse what belongs to other images or to another network, and lengths that are none."""
    wanted = (len(robustness.predicted), margins.classes)
    if robustness.radii.shape != wanted:
        raise ProofError(
            f"expected radii of robustness to have shape {wanted}, got {robustness.radii.shape}"
        )
    for direction in directions:
        if direction.vector.shape != (margins.inputs,):
            raise ProofError(
                f"expected directions of shape ({margins.inputs},), got {direction.vector.shape}"
            )
        if not {direction.predicted, direction.rival} <= {*range(margins.classes)}:
            raise ProofError(
                f"expected directions between classes from 0 to {margins.classes - 1}, got one "
                f"from {direction.predicted} to {direction.rival}"
            )
    for length in lengths:
        if not (math.isfinite(length) and length >= 0):
            raise ProofError(f"expected lengths to be finite and not negative, got {length}")


def _lengths(margin: PairMargin, images: Floats, directions: Doubles) -> Doubles:
    """Return how far images go along directions until a margin is 0."""
    slacks = margin.value(images)[:, None]
    linear, largest = abs(margin.linear).max(), abs(margin.eigenvalues).max()
    with np.errstate(over="ignore", invalid="ignore"):
        points, sizes = images.astype(np.float64), abs(directions)
        bent = directions @ margin.matrix
        curvatures = (bent * directions).sum(axis=1)
        slopes = directions @ margin.linear + 2 * points @ bent.T
        # What these sums may have been rounded by.
        rounding = margin.linear.size * _EPSILON * sizes.sum(axis=1)
        curved = rounding * largest * sizes.max(axis=1)
        sloping = rounding * (linear + 2 * largest * abs(points).max(axis=1)[:, None])
    for values in (curved, sloping, curvatures, slopes):
        check_range(values)
    return _smallest_roots(
        slacks,
        np.where(abs(slopes) <= sloping, 0.0, slopes),
        np.where(abs(curvatures) <= curved, 0.0, curvatures),
    )


def _smallest_roots(slacks: Doubles, slopes: Doubles, curvatures: Doubles) -> Doubles:
    """Return the smallest |t| at which slack + slope t + curvature t² is not positive."""
    with np.errstate(all="ignore"):
        half = np.minimum(abs(slopes) / slacks / 2, _LARGEST)
        # The root of a quotient as a quotient of roots: no square leaves the range of float64.
        bend = np.minimum(np.sqrt(abs(curvatures)) / np.sqrt(slacks), _LARGEST)
        rising = np.sqrt(np.maximum(half - bend, 0)) * np.sqrt(half + bend)
        lengths = 1 / (half + np.where(curvatures > 0, rising, np.hypot(half, bend)))
    never = (curvatures > 0) & (half < bend)
    return np.where(slacks <= 0, 0.0, np.where(never, np.inf, lengths))


def _reach(found: Doubles, lengths: Sequence[float]) -> Reach:
    shares = tuple(float((found <= length).mean()) for length in lengths)
    return Reach(float(np.median(found)), shares)
