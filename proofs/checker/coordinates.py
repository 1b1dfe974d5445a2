"""Coordinates of moves: of an image in what a layer reads of it, and of a state along rows."""

import numpy as np

from .balls import UP, Array, Ball, exact, joined, norm, spectral
from .layers import Layer
from .verdicts import need

Readings = tuple[Ball, Ball, Ball]


def readings(layer: Layer) -> Readings:
    """Return what the two sides and the linear part of a layer make of a move."""
    left, right = (side[:, 1:] for side in layer.sides)
    return left, right, exact(layer.linear[1:, 1:])


def coordinates(parts: Readings) -> tuple[float, Readings]:
    """Return what a layer reads of a move of an image, by the move's coordinates, and their skew.

    A move v is Bz + y with Bᵀy = 0, so that |v|² ≥ (1 - |BᵀB - 1|) |z|² + |y|². A reading l of it
    is (lB)z + (l - mBᵀ)y, for any m: close to lB, it leaves next to nothing of l. The last
    coordinate is |y|; what a reading makes of it is at most the length of what is left.
    """
    skew, whole = 0.0, joined(parts, 0)
    rows = whole.value[whole.value.any(axis=1)]
    if len(rows) < rows.shape[1]:
        scale = np.ldexp(1.0, -np.frexp(abs(rows).max(axis=1, keepdims=True))[1])
        basis = exact(np.linalg.qr((rows * scale).T)[0])
        one = exact(-np.eye(basis.value.shape[1]))
        skew = float(spectral(basis.turned @ basis + one))
        need(skew < 0.5, "no basis of what the first layer reads was found")
        inside = whole @ basis
        left_over = whole + -(exact(inside.value) @ basis.turned)
        beside = norm(left_over.most)[:, None]
        whole = joined([inside, Ball(np.zeros_like(beside), beside)], 1)
    one, other = np.cumsum([len(part.value) for part in parts[:2]])
    return skew, (whole[:one], whole[one:other], whole[other:])


def inverse(matrix: Array) -> Ball:
    """Return the inverse W⁻¹ = X(1 - R)⁻¹ of W, with R = 1 - WX: |W⁻¹ - X| ≤ |X| |R| / (1 - |R|).

    X is what LAPACK finds; rows of X times a matrix are no longer than both together.
    """
    one = np.eye(len(matrix))
    found = np.linalg.inv(matrix) if np.linalg.cond(matrix) < 2.0**52 else one
    rest = float(spectral(exact(one) + -(exact(matrix) @ exact(found))))
    need(rest < 0.5, "the directions of a hidden state are no basis")
    lengths = norm(found)[:, None] * np.ones(len(one))
    return Ball(found, UP * UP * lengths * rest / (1 - rest))
