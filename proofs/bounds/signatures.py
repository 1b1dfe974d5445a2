r"""How many eigenvalues of each logit's interaction matrix are positive, negative and zero.

By Sylvester's law of inertia the congruence :math:`V^\top M V` has as many positive and negative
eigenvalues as :math:`M`, for any invertible :math:`V`. With the eigenvectors that floating point
finds it is diagonal but for a rest, :math:`\Lambda + R`, and no eigenvalue lies further than
:math:`\|R\|` from a diagonal entry: one that is larger has the sign that it shows. :math:`V` is
invertible if :math:`\|V^\top V - I\| < 1`. Zeros are certain where there are more inputs than
different readings: a matrix that is made of :math:`k` rows has rank :math:`k` at most.

Source:
    R. A. Horn and C. R. Johnson, *Matrix Analysis*, 2nd ed., theorems 4.5.8 and 4.3.1 (Weyl).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric import Layer
from numeric.networks.normal_form import checked_layers
from proofs.bounds.enclosures import ROUNDED_UP, Enclosure
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_SPARE = 2.0
"""An eigenvalue counts if it is larger than the rest by this factor, whoever bounds the rest."""


@dataclass(frozen=True)
class Signatures:
    """Certified counts of the eigenvalues of the logits' interaction matrices.

    Attributes:
        size: how many eigenvalues each matrix has.
        positive: for each logit, at least so many are positive.
        negative: at least so many are negative.
        zero: at least so many are zero.
    """

    size: int
    positive: list[int]
    negative: list[int]
    zero: list[int]

    @property
    def exact(self) -> list[bool]:
        """Whether the counts of a logit are all there is: they add up to the size."""
        counts = zip(self.positive, self.negative, self.zero, strict=True)
        return [sum(each) == self.size for each in counts]


def signatures(layers: Sequence[Layer]) -> Signatures:
    r"""Count the eigenvalues of the interaction matrix of every logit, in the last layer.

    .. math::
        M_c = \sum_k D_{ck}\,\tfrac12 (l_k r_k^\top + r_k l_k^\top),

    over what the layer reads, the constant included.

    Args:
        layers: of a network, in the normal form.

    Returns:
        Lower bounds, exact where they add up to the size.

    Raises:
        ProofError: an entry of a matrix leaves the range of float64.
        NumericError: a layer is none.

    Examples:
        >>> rows = np.eye(3)[1:]
        >>> layer = Layer(rows, rows, np.array([[0.0, 0.0], [1.0, -2.0]]), np.zeros((2, 3)))
        >>> signatures([layer])
        Signatures(size=3, positive=[1], negative=[1], zero=[1])
    """
    last = checked_layers(layers)[-1]
    size, counts = last.linear.shape[1], []
    for label, weights in enumerate(last.down[1:]):
        used = weights != 0
        left, right = last.left[used], last.right[used]
        positive, negative = signs(_matrix(left, right, weights[used], label))
        rows = np.unique(np.concatenate([left, right]), axis=0)
        counts.append((positive, negative, max(size - len(rows), 0)))
    return Signatures(size, *(list(column) for column in zip(*counts, strict=True)))


def signs(matrix: Enclosure) -> tuple[int, int]:
    """Return how many eigenvalues of a symmetric matrix are certainly positive and negative.

    Args:
        matrix: of shape (size, size), and the exact one symmetric.

    Returns:
        Lower bounds; zeros where the eigenvectors found are too far from orthonormal.

    Examples:
        >>> signs(Enclosure.exact(np.array([[0.0, 1.0], [1.0, 0.0]])))
        (1, 1)
    """
    middle = matrix.midpoint
    values, floats = np.linalg.eigh((middle + middle.T) / 2)
    vectors = Enclosure.exact(floats)
    skew = vectors.T @ vectors + Enclosure.exact(-np.eye(len(middle)))
    rest = vectors.T @ matrix @ vectors + Enclosure.exact(-np.diag(values))
    if not _row_sums(skew) < 1:
        return 0, 0
    certain = _SPARE * _row_sums(rest)
    return int((values > certain).sum()), int((values < -certain).sum())


def _row_sums(matrix: Enclosure) -> float:
    """Bound the spectral norm of a symmetric matrix by its rows' sums of sizes."""
    return float(ROUNDED_UP * matrix.size.sum(axis=1).max(initial=0.0))


def _matrix(left: Doubles, right: Doubles, weights: Doubles, label: int) -> Enclosure:
    """Return the interaction matrix that weighted products of readings make."""
    first, second, row = (
        Enclosure.exact(np.asarray(array, dtype=np.float64))
        for array in (left, right, weights[:, None])
    )
    half = first.T @ (row * second)
    whole = (half + half.T) * Enclosure.exact(np.full((1, 1), 0.5))
    if not np.isfinite(whole.radius).all():
        raise ProofError(
            f"expected the interaction matrix of logit {label} within the range of float64, got "
            "larger numbers"
        )
    return whole
