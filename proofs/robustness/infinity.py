r"""Lower bounds for the largest change of any pixel that changes no prediction, for one layer.

Let :math:`D \succeq 0` be diagonal with :math:`Q + D \succeq 0`. Then
:math:`\delta^\top Q\,\delta \ge -\delta^\top D\,\delta`, and within
:math:`\lVert\delta\rVert_\infty \le \varepsilon` a margin keeps

.. math::
    m_0 + g \cdot \delta + \delta^\top Q\,\delta
    \ge m_0 - \varepsilon\,\lVert g \rVert_1 - \varepsilon^2 \operatorname{tr} D .

One :math:`D` a pair of classes serves all images. That of least trace is a semidefinite program,
the dual of :math:`\min \langle Q, V V^\top \rangle` over matrices with rows of length at most 1.
Descent in one row at a time solves the latter at a low rank, and gives a :math:`D` that a small
shift makes valid. How large it has to be is seen where the rows are, since at the minimum
:math:`(Q + D)\,V = 0`; that it is enough, by a Cholesky decomposition.

Source:
    P.-W. Wang and J. Z. Kolter, *Low-rank semidefinite programming for the MAX2SAT problem* (the
    mixing method), AAAI 2019, arXiv 1812.06362; A. Raghunathan, J. Steinhardt and P. Liang,
    *Semidefinite relaxations for certifying robustness to adversarial examples*, NeurIPS 2018.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from numeric.networks.normal_form import Floats
from proofs.robustness.pairs import PairMargin, PairMargins
from proofs.robustness.trust_region import Classes, check_images, check_threshold, ordered_pairs

Doubles = npt.NDArray[np.float64]

_SWEEPS = 200
"""The most rounds over all pixels."""

_BEYOND = 0.45
"""By how much of its last move a round goes on before it starts."""

_GAIN = 1e-6
"""A round that changes the trace by a smaller share is the last of these."""

_SHARE, _MORE, _TIMES = 1e-4, 6, 4
"""By which share the valid trace may lie above the least; how many plain rounds follow if it does
not, and how often."""

_SAFETY = 1.01, 1.2
"""By which factors least eigenvalues are taken to lie below those that are found."""

_HALF = 8 * float(np.finfo(np.float32).eps)
"""What rounding makes of entries, beside what they are a difference of."""

_RANK = 16
"""The largest rank at which the least trace is sought: whatever is found is made valid."""

_BLOCKS = 14
"""In how many parts the pixels of a round change, where there are as many."""


@dataclass(frozen=True, eq=False)
class InfinityBounds:
    r"""Changes of all pixels within which no other class is reached.

    Attributes:
        predicted: the class of each image, shape (images,).
        radii: a bound :math:`\varepsilon` for each rival class, shape (images, classes); infinite
            for the class itself.
        diagonals: :math:`D` for each ordered pair of classes that was needed, each of shape
            (inputs,).
    """

    predicted: Classes
    radii: Doubles
    diagonals: dict[tuple[int, int], Doubles]

    @property
    def radius(self) -> Doubles:
        """The bound over all other classes, shape (images,)."""
        return np.asarray(self.radii.min(axis=1))


def infinity_bounds(
    margins: PairMargins, images: Floats, predicted: Classes, *, threshold: float = 0.0
) -> InfinityBounds:
    r"""Return how far all pixels of each image can change without another class being reached.

    Args:
        margins: between the classes of a network of one layer.
        images: float32 or float64, shape (images, inputs).
        predicted: their classes, shape (images,).
        threshold: the margin at which a rival counts as reached.

    Returns:
        Lower bounds in the maximum norm. Pixels may leave [0, 1].

    Raises:
        ProofError: as :func:`proofs.robustness.trust_region.nearest`.
        NumericError: as :func:`proofs.robustness.trust_region.nearest`.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(4, 3, depth=1, hidden=5)
        >>> margins = PairMargins(network.layers())
        >>> bounds = infinity_bounds(margins, np.ones((2, 4)), np.array([2, 2]))
        >>> bounds.radii.shape, sorted(bounds.diagonals)
        ((2, 3), [(2, 0), (2, 1)])
    """
    check_images(margins, images, predicted)
    radii = np.full((len(images), margins.classes), np.inf)
    diagonals = {}
    for own, rival in ordered_pairs(margins.classes):
        chosen = np.flatnonzero(predicted == own)
        if len(chosen):
            margin = margins.between(own, rival)
            diagonals[own, rival] = diagonal_certificate(margin)
            radii[chosen, rival] = infinity_radii(
                margin, images[chosen], diagonals[own, rival], threshold=threshold
            )
    return InfinityBounds(predicted, radii, diagonals)


def infinity_radii(
    margin: PairMargin, images: Floats, diagonal: Doubles, *, threshold: float = 0.0
) -> Doubles:
    r"""Return the changes of all pixels within which a margin stays above a threshold.

    .. math::
        \varepsilon = \frac{2\,(m_0 - t)}
        {\lVert g \rVert_1 + \sqrt{\lVert g \rVert_1^2 + 4\,(m_0 - t) \operatorname{tr} D}}

    Args:
        margin: of the predicted class over a rival.
        images: shape (images, inputs).
        diagonal: a certificate for the margin, shape (inputs,).
        threshold: the margin to stay above.

    Returns:
        Shape (images,); infinite where the margin is constant and above it.

    Raises:
        ProofError: the threshold is not finite, or a margin leaves the range of float64.

    Examples:
        >>> margin = PairMargin(3.0, np.array([1.0, 1.0]), -np.eye(2) / 2)
        >>> infinity_radii(margin, np.zeros((1, 2)), np.array([0.5, 0.5]))
        array([1.])
    """
    check_threshold(threshold)
    slack = np.maximum(margin.value(images) - threshold, 0)
    slope = abs(margin.gradient(images)).sum(axis=1)
    reach = slope + np.hypot(slope, 2 * np.sqrt(slack) * math.sqrt(diagonal.sum()))
    unbounded = np.where(slack > 0, np.inf, 0.0)
    return np.asarray(np.divide(2 * slack, reach, out=unbounded, where=reach > 0))


def diagonal_certificate(margin: PairMargin) -> Doubles:
    r"""Return a diagonal :math:`D \succeq 0` of small trace with :math:`Q + D \succeq 0`.

    Args:
        margin: of the predicted class over a rival.

    Returns:
        Shape (inputs,). The least eigenvalue of :math:`Q + D` lies above 0 by what a verified
        Cholesky decomposition in float64 needs.

    Examples:
        >>> margin = PairMargin(0.0, np.zeros(2), np.array([[0.0, 1.0], [1.0, 0.0]]))
        >>> diagonal_certificate(margin).round(6)
        array([1., 1.])
    """
    # A power of two rounds nothing.
    power = np.frexp(abs(margin.matrix).max())[1]
    matrix = np.ldexp(margin.matrix, -power)
    mixing = _Mixing(matrix)
    mixing.hasten()
    diagonal, least = mixing.found()
    for _ in range(_TIMES):
        if -len(matrix) * least <= _SHARE * diagonal.sum():
            break
        mixing.settle()
        diagonal, least = mixing.found()
    return np.asarray(np.ldexp(diagonal + _shift(matrix, diagonal, least), power))


def _shift(matrix: Doubles, diagonal: Doubles, least: float) -> float:
    """Return what makes a diagonal valid, by more than the rounding of a Cholesky decomposition.

    Args:
        matrix: symmetric, shape (inputs, inputs).
        diagonal: shape (inputs,).
        least: about the least eigenvalue of their sum; it is not believed.
    """
    places, weights = np.arange(len(matrix)), matrix.diagonal() + diagonal
    room = 2 * len(matrix) * np.finfo(np.float64).eps * abs(weights).sum()
    whole = matrix.copy()
    for factor in _SAFETY:
        shift = 2 * room - factor * min(0.0, least)
        whole[places, places] = weights + (shift - room)
        # Of a symmetric matrix the columns are the rows.
        _, failed = linalg.lapack.dpotrf(whole.T, clean=False)
        if not failed:
            return float(shift)
    whole[places, places] = weights
    return max(0.0, float(room - np.linalg.eigvalsh(whole)[0]))


class _Mixing:
    """The mixing method for the diagonal of least trace.

    The rows of a block, drawn and a small part of all, change at once: what they say to one another
    counts little beside the rest, and a product of matrices takes a small part of the time. They
    are numbers of half the length: whatever rows there are, their diagonal is computed in full.

    Args:
        matrix: symmetric, shape (inputs, inputs).
    """

    def __init__(self, matrix: Doubles) -> None:
        size = len(matrix)
        draw = np.random.default_rng(0)
        self._matrix, self._order = matrix, draw.permutation(size)
        others = np.take(matrix.astype(np.float32)[self._order], self._order, axis=1)
        weights = others.diagonal().copy()
        np.fill_diagonal(others, 0.0)
        starts = range(0, size, max(1, size // _BLOCKS))
        self._blocks = [slice(start, start + starts.step) for start in starts]
        self._others = [others[block] for block in self._blocks]
        # Rows whose slopes are so small that squares would vanish become next to nothing.
        least = math.sqrt(np.finfo(np.float32).tiny)
        self._weights, self._floors = weights, np.maximum(weights, np.float32(least))
        shape = size, min(_RANK, math.isqrt(2 * size) + 1)
        self._rows = draw.standard_normal(shape).astype(np.float32)
        self._rows /= np.linalg.norm(self._rows, axis=1, keepdims=True)

    def hasten(self) -> None:
        """Change all rows until the trace hardly does, each round from beyond the last one."""
        ended, trace = self._rows, math.inf
        for _ in range(_SWEEPS):
            beyond = self._rows + _BEYOND * (self._rows - ended)
            ended, before = self._rows, trace
            self._rows = beyond / np.maximum(np.linalg.norm(beyond, axis=1, keepdims=True), 1)
            trace = self._changed()
            if abs(before - trace) <= _GAIN * trace:
                break

    def settle(self) -> None:
        """Change all rows some more, from where they are."""
        for _ in range(_MORE):
            self._changed()

    def _changed(self) -> float:
        """Change all rows once, and return about the trace of their diagonal."""
        lengths = np.empty(len(self._rows), np.float32)
        for block, others in zip(self._blocks, self._others, strict=True):
            slopes = others @ self._rows
            np.sqrt(np.einsum("ij,ij->i", slopes, slopes), out=lengths[block])
            np.maximum(lengths[block], self._floors[block], out=lengths[block])
            np.divide(slopes, -lengths[block, None], out=self._rows[block])
        return float((lengths - self._weights).clip(min=0).sum())

    def found(self) -> tuple[Doubles, float]:
        """Return a diagonal, not quite valid, and about the least eigenvalue with it.

        That is sought where it is: at the minimum, the matrix with its diagonal takes rows to 0.
        """
        rows = np.empty(self._rows.shape)
        rows[self._order] = self._rows
        weights, product = self._matrix.diagonal(), self._matrix @ rows
        lengths = np.linalg.norm(product - weights[:, None] * rows, axis=1)
        # Rows are known to half the length of numbers: less than that of an entry is none.
        diagonal = lengths - weights
        diagonal[diagonal <= _HALF * (lengths + abs(weights))] = 0.0
        moved = product + diagonal[:, None] * rows
        basis = np.linalg.qr(np.hstack([rows, moved]))[0]
        within = basis.T @ (self._matrix @ basis + diagonal[:, None] * basis)
        return diagonal, float(np.linalg.eigvalsh(within)[0])
