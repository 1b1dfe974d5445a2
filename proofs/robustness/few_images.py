r"""The distance of few images to the nearest other class, for one layer, without decompositions.

The shortest step with :math:`m + g \cdot \delta + \delta^\top A\,\delta \le 0` is sought in the
Krylov space of :math:`A` and :math:`g`, where the trust-region problem has a dozen unknowns. What
is found is proved outside of that space (the end of :func:`analytic.derivations.s_lemma`, here with
:math:`\nu = 1/\mu`): let :math:`A + \beta` have no negative eigenvalue, :math:`\beta < \nu`. Then
for any :math:`z`, every such step has

.. math::
    \lVert\delta\rVert^2 \ge \lVert z\rVert^2
    + \frac1\nu \Big(m + g \cdot z + z^\top A\,z
    - \frac{\lVert g + 2\,(\nu + A)\,z\rVert^2}{4\,(\nu - \beta)}\Big) .

If :math:`z` is such a step itself, and the fraction is next to nothing, none is shorter. What
cannot be settled so (a multiplier next to a least eigenvalue, a margin that never falls) is left to
the eigendecomposition of its pair of classes.

With :math:`z = 0` and the best :math:`\nu` no step is shorter than where
:math:`m - \lVert g\rVert\,\rho - \beta\,\rho^2` is 0: most rivals are farther than a step that is
known, and are not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from numeric.networks.normal_form import Floats
from proofs.robustness.forms import Forms
from proofs.robustness.krylov import Krylov, eigenvalue_bounds
from proofs.robustness.pairs import PairMargins
from proofs.robustness.secular import smallest_steps
from proofs.robustness.trust_region import (
    Classes,
    check_images,
    check_threshold,
    distances,
    nearest,
)

Doubles = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_TOGETHER = 32
"""How many images are worked on at once."""

_SIZES = 8, 14, 22, 32, 48
"""How large the spaces are in which steps are sought, one after the other."""

_OPEN = 1e-12
"""Which share of a distance may stay open."""

_APART = 1.02
"""By which factor multipliers are to lie above what bounds the eigenvalues."""

_NEAR, _FAR = 1e-30, 1e30
"""Numbers beyond these are left to decompositions, which know what rounding does to them."""

_SET_UP, _SOLVED = 5.0, 5.0
"""What is done once, and for each image, in units of the cubes and products below: as measured."""


@dataclass(frozen=True, eq=False)
class NearestClass:
    r"""How far images lie from the nearest other class.

    Attributes:
        radius: the distance :math:`\rho`, shape (images,): 0 where another class is reached
            already, infinite where none ever is.
        rivals: the class that is reached first, shape (images,).
    """

    radius: Doubles
    rivals: Indices


def nearest_class(
    margins: PairMargins, images: Floats, predicted: Classes, *, threshold: float = 0.0
) -> NearestClass:
    """Return the exact distance from each image to where another class is reached.

    Args:
        margins: between the classes of a network of one layer.
        images: float32 or float64, shape (images, inputs).
        predicted: their classes, shape (images,).
        threshold: the margin at which a rival counts as reached.

    Returns:
        What :func:`proofs.robustness.trust_region.nearest` finds of the nearest class. Many images
        are handed to it: then all pairs of classes are decomposed.

    Raises:
        ProofError: as :func:`proofs.robustness.trust_region.nearest`.
        NumericError: as :func:`proofs.robustness.trust_region.nearest`.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(40, 3, depth=1, hidden=5)
        >>> found = nearest_class(PairMargins(network.layers()), np.ones((1, 40)), np.array([0]))
        >>> found.radius.shape, found.rivals.shape
        ((1,), (1,))
    """
    check_images(margins, images, predicted)
    check_threshold(threshold)
    numbers = (*margins.layer, images, np.array([threshold]))
    if _are_few(margins, len(images)) and all(map(_is_usual, numbers)):
        # Nothing by nothing is no number, and what is no number is not sure. Of such small products
        # threads would wait for one another.
        with (
            np.errstate(divide="ignore", invalid="ignore"),
            ThreadpoolController().limit(limits=1, user_api="blas"),
        ):
            return _Search(margins, threshold).nearest(images.astype(np.float64), predicted)
    found = nearest(margins, images, predicted, threshold=threshold)
    return NearestClass(found.radius, found.rivals)


def _are_few(margins: PairMargins, images: int) -> bool:
    """Return whether single steps are found in less time than all pairs are decomposed."""
    neurons, classes = len(margins.layer.left), margins.classes
    pairs = classes * (classes - 1) / 2
    each = _SOLVED * images * neurons * margins.inputs
    return bool(classes * (_SET_UP * neurons**3 + each) < pairs * margins.inputs**3)


def _is_usual(numbers: Floats) -> bool:
    """Return whether products of such numbers stay far within the range of float64."""
    largest = abs(numbers).max(initial=0)
    return bool(largest == 0 or _NEAR < largest < _FAR)


@dataclass(frozen=True, eq=False)
class _Problems:
    """Steps to rivals, one a row.

    Attributes:
        own: classes that are left, shape (problems,).
        rivals: classes to reach, shape (problems,).
        slacks: margins above the threshold, positive, shape (problems,).
        slopes: their gradients, shape (problems, inputs).
        known: longer steps do not count, shape (problems,).
    """

    own: Indices
    rivals: Indices
    slacks: Doubles
    slopes: Doubles
    known: Doubles

    def of(self, rows: npt.NDArray[Any]) -> _Problems:
        """Return some of the problems."""
        return _Problems(*(array[rows] for array in vars(self).values()))


@dataclass(frozen=True, eq=False)
class _Steps:
    """Steps, and what is proved by them.

    Attributes:
        lengths: shape (problems,).
        least: no step to the rival is shorter, shape (problems,).
        reach: whether they reach the rival, to rounding, shape (problems,).
        multipliers: that would be best, shape (problems,).
        lowest: the least eigenvalue that was met, shape (problems,).
    """

    lengths: Doubles
    least: Doubles
    reach: npt.NDArray[np.bool_]
    multipliers: Doubles
    lowest: Doubles


class _Search:
    """The search for nearest classes by the margins of one network."""

    def __init__(self, margins: PairMargins, threshold: float) -> None:
        self._margins, self._threshold = margins, threshold
        self._left, self._right, down, linear = (a.astype(np.float64) for a in margins.layer)
        self._down, self._linear = down[1:], linear[1:]
        self._forms = Forms(self._left[:, 1:], self._right[:, 1:])
        # All margins lie between two ends of each class, beside a common one.
        apart = self._down - self._down.mean(axis=0)
        below, above = eigenvalue_bounds(self._forms, apart)
        rounding = 8 * np.finfo(np.float64).eps * self._forms.sizes(abs(self._down).max(axis=0))
        self._bounds = below[:, None] + above + rounding
        self._refused: dict[tuple[int, int], float] = {}

    def nearest(self, images: Doubles, predicted: Classes) -> NearestClass:
        """Return the nearest class of each image."""
        found = np.zeros((len(images), self._margins.classes))
        for start in range(0, len(images), _TOGETHER):
            some = slice(start, start + _TOGETHER)
            found[some] = self._distances(images[some], predicted[some])
        rows = np.arange(len(images))
        radius = found.min(axis=1)
        found = np.minimum(found, np.finfo(np.float64).max)
        found[rows, predicted] = np.inf
        return NearestClass(radius, found.argmin(axis=1))

    def _distances(self, images: Doubles, predicted: Classes) -> Doubles:
        """Return the distances to nearest classes, and infinite ones to those that are farther."""
        rows = np.arange(len(images))
        slacks, slopes = self._derivatives(images, predicted)
        others = np.ones(slacks.shape, dtype=bool)
        others[rows, predicted] = False
        found = np.where(others & (slacks <= 0), 0.0, np.inf)
        lengths, bounds = np.linalg.norm(slopes, axis=2), self._bounds[predicted]
        lows = 2 * slacks / (lengths + np.sqrt(lengths**2 + 4 * bounds * np.maximum(slacks, 0)))
        # Without a slope there is no Krylov space: such a margin is always decomposed.
        lows[lengths == 0] = 0.0
        lows[found == 0] = 0.0
        lows[~others] = np.inf
        first = np.zeros_like(others)
        first[rows, lows.argmin(axis=1)] = True
        for chosen in (first, ~first):
            known = found.min(axis=1)
            places, rivals = np.nonzero(chosen & (lows < known[:, None]))
            if len(places):
                problems = _Problems(
                    own=predicted[places].astype(np.int64),
                    rivals=rivals,
                    slacks=slacks[places, rivals],
                    slopes=slopes[places, rivals],
                    known=known[places],
                )
                solved = self._solved(problems)
                self._decompose(problems, images[places], solved)
                found[places, rivals] = solved
        return found

    def _derivatives(self, images: Doubles, predicted: Classes) -> tuple[Doubles, Doubles]:
        """Return margins above the threshold and their gradients, over all classes.

        Returns:
            Shapes (images, classes) and (images, classes, inputs).
        """
        points = np.column_stack([np.ones(len(images)), images])
        left, right = points @ self._left.T, points @ self._right.T
        weights = self._down[predicted][:, None] - self._down
        linear = self._linear[predicted][:, None] - self._linear
        products = (left * right)[:, :, None]
        slacks = (weights @ products + linear @ points[:, :, None])[:, :, 0] - self._threshold
        count, classes, neurons = weights.shape
        read = np.repeat(np.hstack([left, right]), classes, axis=0)
        bent = self._forms.slopes(weights.reshape(count * classes, neurons), read)
        return slacks, linear[:, :, 1:] + bent.reshape(count, classes, self._forms.inputs)

    def _solved(self, problems: _Problems) -> Doubles:
        """Return the lengths of shortest steps, infinite where longer than known ones.

        Returns:
            Shape (problems,); no number where neither is sure.
        """
        result = np.full(len(problems.slacks), np.nan)
        todo = np.flatnonzero(problems.slopes.any(axis=1))
        problems = problems.of(todo)
        space = Krylov(self._forms, self._weights(problems), problems.slopes)
        for size in _SIZES:
            if not len(todo):
                break
            space.extend(size)
            steps = self._steps(problems, space)
            exact = steps.reach & (steps.least >= (1 - _OPEN) * steps.lengths)
            result[todo[exact]] = steps.lengths[exact]
            far = steps.least >= problems.known
            result[todo[far]] = np.inf
            left = np.flatnonzero(~(exact | far))
            self._sharpen(problems.of(left), steps.multipliers[left], steps.lowest[left])
            todo, problems, space = todo[left], problems.of(left), space.of(left)
        return result

    def _weights(self, problems: _Problems) -> Doubles:
        return np.asarray(self._down[problems.own] - self._down[problems.rivals])

    def _steps(self, problems: _Problems, space: Krylov) -> _Steps:
        """Return the best steps within Krylov spaces, and what they prove."""
        values, vectors = space.decomposed()
        drawn = np.linalg.norm(problems.slopes, axis=1)[:, None] * vectors[:, 0]
        best = 1 / smallest_steps(problems.slacks, drawn, values).multipliers
        bounds = self._bounds[problems.own, problems.rivals]
        multipliers = np.maximum(best, _APART * bounds)
        inner = -drawn / (multipliers[:, None] + values) / 2
        moves = ((vectors @ inner[:, :, None]).swapaxes(1, 2) @ space.basis)[:, 0]
        bent = self._forms.times(self._weights(problems), moves)
        margins = problems.slacks + ((problems.slopes + bent) * moves).sum(axis=1)
        squares = (moves * moves).sum(axis=1)
        rest = problems.slopes + 2 * (multipliers[:, None] * moves + bent)
        lost = (rest * rest).sum(axis=1) / (4 * (multipliers - bounds))
        return _Steps(
            lengths=np.sqrt(squares),
            least=np.sqrt(squares + (margins - lost) / multipliers),
            reach=abs(margins) <= _OPEN * multipliers * squares,
            multipliers=best,
            lowest=values[:, 0],
        )

    def _sharpen(self, problems: _Problems, multipliers: Doubles, lowest: Doubles) -> None:
        """Prove sharper bounds of eigenvalues where multipliers do not lie above what is proved."""
        bounds = self._bounds[problems.own, problems.rivals]
        tight = np.flatnonzero(multipliers < _APART * bounds)
        pairs = np.column_stack([problems.own, problems.rivals])[tight]
        for own, rival in np.unique(pairs, axis=0).tolist():
            these = tight[(pairs == [own, rival]).all(axis=1)]
            wanted = float(max(0.0, -lowest[these].min()) + multipliers[these].min()) / 2
            if wanted <= self._refused.get((own, rival), 0.0):
                continue
            if self._forms.factored(self._down[own] - self._down[rival]).at_least(wanted):
                self._bounds[own, rival] = wanted
            else:
                self._refused[own, rival] = wanted

    def _decompose(self, problems: _Problems, images: Doubles, solved: Doubles) -> None:
        """Find what is not sure by eigendecompositions."""
        unsure = np.isnan(solved)
        pairs = np.column_stack([problems.own, problems.rivals])
        for own, rival in np.unique(pairs[unsure], axis=0).tolist():
            these = unsure & (pairs == [own, rival]).all(axis=1)
            margin = self._margins.between(own, rival)
            solved[these] = distances(margin, images[these], threshold=self._threshold).radii
