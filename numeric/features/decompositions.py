r"""Decompositions of one layer into squares of readings, from its weights alone.

Both write the bilinear part of a layer as :math:`W\,(P\tilde x)^2`; the linear part stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from numeric.arithmetic import exact_sum
from numeric.errors import NumericError
from numeric.networks.normal_form import Layer, SquareLayer

Doubles = npt.NDArray[np.float64]


def polarized(layer: Layer, number: int) -> SquareLayer:
    r"""Write every neuron as a difference of two squares, without rounding anything.

    .. math::
        (l \cdot \tilde x)(r \cdot \tilde x)
        = \Big(\tfrac{l + r}{2} \cdot \tilde x\Big)^2
        - \Big(\tfrac{l - r}{2} \cdot \tilde x\Big)^2.

    Halving is exact in binary, so the squares' weights are the layer's own ``down`` entries. Where
    :math:`l` and :math:`r` differ in size, the two squares would be large and nearly cancel; they
    are brought to one size by a power of two and its inverse first, which is exact too. A sum of
    two floats that one float cannot hold is kept as a high and a low part.

    Args:
        layer: in the normal form.
        number: the layer's position from 1, for errors.

    Returns:
        Two features a neuron, the sum before the difference, without those that are zero.

    Raises:
        NumericError: a neuron's weights span more than float64 does, from subnormal readings to
            subnormal or overflowing weights.

    Source:
        The polarisation identity; the error-free sum is D. E. Knuth's, *The Art of Computer
        Programming*, vol. 2, section 4.2.2, theorem B.

    Examples:
        >>> rows = np.array([[0.0, 3.0]]), np.array([[0.0, 1.0]])
        >>> layer = Layer(*rows, np.array([[0.0], [5.0]]), np.eye(2))
        >>> polarized(layer, 1).readings
        array([[0., 2.],
               [0., 1.]])
        >>> polarized(layer, 1).mixing
        array([[ 0., -0.],
               [ 5., -5.]])
    """
    left, right, down, linear = (array.astype(np.float64) for array in layer)
    left, right = _balanced(left, right)
    halves = np.concatenate([left, right], axis=1) / 2
    whole = (2 * halves == np.concatenate([left, right], axis=1)).all(axis=1)
    # A subnormal weight cannot be halved; there the square's weight is quartered in its place.
    left, right = (np.where(whole[:, None], array / 2, array) for array in (left, right))
    weights = np.where(whole, down, down / 4)
    with np.errstate(over="ignore", invalid="ignore"):
        sums, differences = exact_sum(left, right), exact_sum(left, -right)
        lost = ~np.isfinite(sums[1] + differences[1]).all(axis=1)
        lost |= ~whole & (4 * weights != down).any(axis=0)
    if lost.any():
        raise NumericError(
            f"expected the weights of neuron {int(np.flatnonzero(lost)[0])} in layer {number} to "
            "leave float64 room for a factor of 4, got both ends of its range"
        )
    readings, low = (
        np.stack(parts, axis=1).reshape(-1, left.shape[1])
        for parts in zip(sums, differences, strict=True)
    )
    mixing = np.stack([weights, -weights], axis=2).reshape(len(weights), len(readings))
    used = readings.any(axis=1) & mixing.any(axis=0)
    return SquareLayer(readings[used], low[used], mixing[:, used], linear)


def eigen(layer: Layer, number: int) -> SquareLayer:
    r"""Write every output in the eigenvectors of its interaction matrix.

    .. math::
        Q_o = \sum_k D_{ok}\,\tfrac12 (l_k r_k^\top + r_k l_k^\top) = V \Lambda V^\top, \qquad
        \tilde x^\top Q_o\,\tilde x = \sum_i \lambda_i (v_i \cdot \tilde x)^2.

    The rows of ``left`` and ``right`` span the range of every :math:`Q_o`, so the
    eigendecomposition happens in a basis of that span.

    Args:
        layer: in the normal form.
        number: the layer's position from 1, for errors.

    Returns:
        For each output its eigenfeatures: orthonormal readings, the largest entry of each positive,
        weighted by their eigenvalues, the largest in size first. Eigenvalues that are zero to
        rounding are left out. Where eigenvalues coincide, only the span of their features is
        determined.

    Raises:
        NumericError: an interaction matrix leaves the range of float64.

    Source:
        M. T. Pearce et al., arXiv 2410.08417, section 3.2.

    Examples:
        >>> rows = np.array([[0.0, 3.0]]), np.array([[0.0, 1.0]])
        >>> layer = Layer(*rows, np.array([[0.0], [5.0]]), np.eye(2))
        >>> eigen(layer, 1).readings, eigen(layer, 1).mixing
        (array([[0., 1.]]), array([[ 0.],
               [15.]]))
    """
    left, right, down, linear = (array.astype(np.float64) for array in layer)
    (left, left_powers), (right, right_powers) = _scaled_to_one(left), _scaled_to_one(right)
    alive = left.any(axis=1) & right.any(axis=1)
    basis = _span(np.concatenate([left, right]))
    left, right = left @ basis, right @ basis
    readings, columns = [np.zeros((0, linear.shape[1]))], [np.zeros((len(down), 0))]
    for output, weights in enumerate(down):
        used = alive & (weights != 0)
        if not used.any():
            continue
        row, powers = np.frexp(weights[used])
        powers = powers + left_powers[used] + right_powers[used]
        power = powers.max()
        row = np.ldexp(row, powers - power)
        sizes = np.linalg.norm(left[used], axis=1) * np.linalg.norm(right[used], axis=1)
        values, vectors = eigenfeatures(
            (left[used] * row[:, None]).T @ right[used], terms=float(abs(row) @ sizes)
        )
        with np.errstate(over="ignore"):
            values = np.ldexp(values, power)
        if values.size and not np.finfo(np.float64).tiny <= abs(values[0]) < np.inf:
            raise NumericError(
                f"expected the interaction matrix of output component {output} of layer {number} "
                f"within the range of float64, got a largest eigenvalue of {values[0]}: trace with "
                "method='polarized', which multiplies nothing"
            )
        rows = vectors.T @ basis.T
        leading = np.take_along_axis(rows, abs(rows).argmax(axis=1)[:, None], axis=1)
        readings.append(np.where(leading < 0, -1.0, 1.0) * rows)
        column = np.zeros((len(down), len(values)))
        column[output] = values
        columns.append(column)
    stacked = np.concatenate(readings)
    return SquareLayer(stacked, np.zeros_like(stacked), np.concatenate(columns, axis=1), linear)


DECOMPOSITIONS: dict[str, Callable[[Layer, int], SquareLayer]] = {
    "polarized": polarized,
    "eigen": eigen,
}
"""The decompositions by the name that :func:`numeric.trace` knows them by."""


def interaction_matrix(layer: Layer, weights: Doubles) -> Doubles:
    r"""Return the interaction matrix of a weighted sum of a layer's outputs, in float64.

    Args:
        layer: in the normal form.
        weights: shape (outputs + 1,), over the layer's outputs.

    Returns:
        The symmetric matrix of shape (inputs + 1, inputs + 1)
        :math:`\sum_k (w^\top D)_k\,\tfrac12(l_k r_k^\top + r_k l_k^\top)`. The linear part is not
        in it.
    """
    left, right, down, _ = (array.astype(np.float64) for array in layer)
    product = (left * (weights @ down)[:, None]).T @ right
    return np.asarray((product + product.T) / 2)


def _balanced(left: Doubles, right: Doubles) -> tuple[Doubles, Doubles]:
    """Return rows with the same products, of about one size where powers of two can do it."""
    powers = [np.frexp(abs(rows).max(axis=1, initial=0))[1] for rows in (left, right)]
    shift = np.trunc((powers[1] - powers[0]) / 2).astype(np.int64)[:, None]
    with np.errstate(over="ignore", under="ignore"):
        moved = np.ldexp(left, shift), np.ldexp(right, -shift)
        back = np.ldexp(moved[0], -shift), np.ldexp(moved[1], shift)
    same = ((back[0] == left) & (back[1] == right)).all(axis=1, keepdims=True)
    same &= left.any(axis=1, keepdims=True) & right.any(axis=1, keepdims=True)
    return np.where(same, moved[0], left), np.where(same, moved[1], right)


def _scaled_to_one(rows: Doubles) -> tuple[Doubles, npt.NDArray[np.int32]]:
    """Return rows over powers of two that bring their largest entries near 1, and the powers."""
    powers = np.frexp(abs(rows).max(axis=1, initial=0))[1]
    return np.ldexp(rows, -powers[:, None]), powers


def _span(rows: Doubles) -> Doubles:
    """Return an orthonormal basis, in columns, of a space that holds all rows."""
    different = np.unique(rows, axis=0)
    if len(different) >= rows.shape[1]:
        return np.eye(rows.shape[1])
    return np.asarray(np.linalg.qr(different.T)[0])


def eigenfeatures(matrix: Doubles, *, terms: float = 0.0) -> tuple[Doubles, Doubles]:
    """Return eigenvalues by size and eigenvectors of the symmetric part, zeros left out.

    Args:
        matrix: square.
        terms: the size of what was summed to the matrix, to whose rounding a zero is relative.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    order = np.argsort(-abs(values), kind="stable")
    values, vectors = values[order], vectors[:, order]
    noise = np.finfo(np.float64).eps * (len(values) * abs(values).max(initial=0) + terms)
    kept = abs(values) > noise
    return values[kept], vectors[:, kept]
