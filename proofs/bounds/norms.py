r"""Norms of float64 arrays, rounded upwards.

The spectral norm of a matrix is at most any of its Schatten norms, and that of order 8 needs only
two matrix products:

.. math::
    \|M\|_2 \le \Big(\sum_i \sigma_i^8\Big)^{1/8} = \big\|(M M^\top)^2\big\|_F^{1/4}.

Even where all of :math:`n` singular values are alike it is no more than :math:`n^{1/8}` times too
large.

Source:
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., sections 3.5 and 6.2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from proofs.bounds.enclosures import FLOAT64, ROUNDED_UP, TINY

Doubles = npt.NDArray[np.float64]


def frobenius_bound(array: Doubles, axis: int | tuple[int, ...] | None = None) -> Doubles:
    """Bound the root of the sum of squares of what lies along some axes.

    Args:
        array: of any numbers.
        axis: one or several; left out, all of them.

    Returns:
        Upper bounds, infinite where an entry is not finite or where the sum is out of range.

    Examples:
        >>> bool(5 <= frobenius_bound(np.array([3.0, 4.0])) < 5 + 1e-8)
        True
    """
    sizes = abs(array)
    largest = np.max(sizes, axis=axis, keepdims=True, initial=0.0)
    powers = np.maximum(np.frexp(largest)[1], -1022)
    # Beside the largest one, which is now near 1, squares that underflow are less than rounding.
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        sums = np.square(sizes * np.ldexp(1.0, -powers)).sum(axis=axis, keepdims=True)
        norms = np.ldexp(ROUNDED_UP * np.sqrt(sums), powers) + TINY
    norms = np.where(largest == 0, 0.0, np.where(np.isfinite(largest), norms, np.inf))
    return np.asarray(np.squeeze(norms, axis=axis))


def spectral_bound(matrix: Doubles, error: float = 0.0) -> float:
    """Bound the spectral norm of every matrix close to a given one.

    Args:
        matrix: of any shape with two axes.
        error: how far from it, in the Frobenius norm.

    Returns:
        An upper bound; infinite where the matrix is not finite.

    Examples:
        >>> 2 <= spectral_bound(np.diag([2.0, 1.0])) < 2.01
        True
    """
    size = float(frobenius_bound(matrix))
    if not (np.isfinite(matrix).all() and size < np.inf):
        return np.inf
    if size == 0:
        return error
    # The Frobenius norm becomes 1 or little less, and what underflows is less than rounding.
    power = int(np.frexp(size)[1])
    scaled = np.ldexp(matrix if len(matrix) <= matrix.shape[1] else matrix.T, -power)
    square = scaled @ scaled.T
    first = FLOAT64.gamma(scaled.shape[1] + 1)
    fourth = square @ square.T
    second = FLOAT64.gamma(len(square) + 1) * float(frobenius_bound(square)) ** 2
    squared = np.sqrt(float(frobenius_bound(fourth)) + second) + first
    with np.errstate(over="ignore"):
        return float(ROUNDED_UP * (np.ldexp(ROUNDED_UP * np.sqrt(squared), power) + error) + TINY)


def schatten_norms(matrices: Doubles) -> Doubles:
    """Return the Schatten norms of order 8 of a stack of matrices, in float64.

    Args:
        matrices: shape (..., rows, columns).

    Returns:
        Shape (...,), to rounding: no bounds, but what :func:`spectral_bound` is near to.

    Examples:
        >>> float(schatten_norms(np.diag([2.0, 0.0])))
        2.0
    """
    squares = matrices @ matrices.swapaxes(-1, -2)
    fourth = squares @ squares.swapaxes(-1, -2)
    return np.asarray(np.linalg.norm(fourth, axis=(-2, -1)) ** 0.25)
