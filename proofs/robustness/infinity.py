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
shift makes valid.

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

from numeric.networks.normal_form import Floats
from proofs.robustness.pairs import PairMargin, PairMargins
from proofs.robustness.trust_region import Classes, check_images, check_threshold, ordered_pairs

Doubles = npt.NDArray[np.float64]

_SWEEPS = 200
"""The most rounds over all pixels."""

_GAIN = 3e-6
"""A round that changes the trace by a smaller share is the last."""

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
    diagonal = _mixed(matrix)
    shifted = matrix + np.diag(diagonal)
    room = 2 * len(matrix) * np.finfo(np.float64).eps * abs(shifted.diagonal()).sum()
    least = np.linalg.eigvalsh(shifted)[0]
    return np.asarray(np.ldexp(diagonal + max(0.0, room - least), power))


def _mixed(matrix: Doubles) -> Doubles:
    """Return the diagonal of least trace, not quite valid, by the mixing method.

    The rows of a block, drawn and a small part of all, change at once: what they say to one another
    counts little beside the rest, and a product of matrices takes a small part of the time.
    """
    size = len(matrix)
    draw = np.random.default_rng(0)
    order = draw.permutation(size)
    others = matrix[np.ix_(order, order)]
    weights = others.diagonal().copy()
    np.fill_diagonal(others, 0.0)
    rows = draw.standard_normal((size, min(_RANK, math.isqrt(2 * size) + 1)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    step = max(1, size // _BLOCKS)
    blocks = [slice(start, start + step) for start in range(0, size, step)]
    trace = math.inf
    for _ in range(_SWEEPS):
        before, trace = trace, 0.0
        for block in blocks:
            slopes = others[block] @ rows
            lengths = np.linalg.norm(slopes, axis=1)
            trace += np.maximum(lengths - weights[block], 0).sum()
            sizes = np.maximum(lengths, weights[block])[:, None]
            rows[block] = np.divide(-slopes, sizes, out=np.zeros_like(slopes), where=sizes > 0)
        if abs(before - trace) <= _GAIN * trace:
            break
    diagonal = np.empty(size)
    diagonal[order] = np.maximum(np.linalg.norm(others @ rows, axis=1) - weights, 0)
    return diagonal
