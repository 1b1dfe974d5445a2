"""Floats with bounds on their errors, and what is proved of matrices of them.

The arithmetic is float64, rounded to nearest (:func:`arithmetic` looks), with bounds for sums in
any order: N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, sections 2.2 and 3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .verdicts import need

Array = np.ndarray[Any, Any]

UP = 1 + 2.0**-30
"""More than rounding takes from sums, within sums, of up to 2²⁰ sizes along three axes."""

UNITS = {"float64": (2.0**-53, 2.0**-1021, 2.0**1000), "float32": (2.0**-24, 2.0**-125, 2.0**126)}
"""The unit roundoff u, twice the smallest normal number, and what no size reaches."""

LONGEST = 2**20
_TINY = 2.0**-1020  # more than what underflows in a sum of so many products
_LEAST = 2.0**-500  # more than what underflow takes from a root of a sum of squares


def arithmetic() -> None:
    """Hold the arithmetic against what all bounds rest on: denormals are kept, ties go to even.

    A product of matrices is looked at too, in which every thread meets denormal numbers.
    """
    least, ulp = np.array([2.0**-1074]), np.array([2.0**-52])
    kept = least * 2.0**1000 == 2.0**-74, least + least == 2 * least, 2.0**-1022 * ulp > 0
    even = 1 + ulp / 2 == 1, (1 + ulp) + ulp / 2 == 1 + 2 * ulp, -1 - ulp / 2 == -1
    multiplied = np.full((600, 600), 2.0**-1060) @ (np.eye(600) * 2.0**30) == 2.0**-1030
    need(all(map(np.all, (*kept, multiplied))), "denormal numbers are flushed to zero here")
    need(all(map(np.all, even)), "numbers are not rounded to the nearest here")


def gamma(terms: int) -> float:
    """Bound γ = nu / (1 - nu): a sum of n products loses γ Σ|v||w| by rounding, in any order.

    No sum has more than 2²⁰ terms. It is held here, also by who asks for nothing else.
    """
    need(terms <= LONGEST, f"a sum has {terms} terms")
    return UP * terms * 2.0**-53


@dataclass(frozen=True)
class Ball:
    """Floats v, and bounds e on how far they lie from the exact numbers x: |x - v| ≤ e."""

    value: Array
    error: Array

    def __matmul__(self, other: "Ball") -> "Ball":
        """Multiply matrices: |Σxy - Σvw| ≤ Σ(e|w| + (|v| + e)e'), and γ Σ|v||w| for rounding."""
        lost = gamma(self.value.shape[-1])
        error = lost * ((abs(self.value) + self.error / lost) @ abs(other.value))
        if other.error.any():
            error += (abs(self.value) + self.error) @ other.error
        return rounded(self.value @ other.value, error)

    def __mul__(self, other: "Ball") -> "Ball":
        """Multiply number by number: the same of a single term."""
        error = self.error * abs(other.value) + (abs(self.value) + self.error) * other.error
        value = self.value * other.value
        return rounded(value, error + 2.0**-53 * abs(value))

    def __add__(self, other: "Ball") -> "Ball":
        """Add number to number: errors add up, and the sum loses u times what is computed of it."""
        value = self.value + other.value
        return rounded(value, self.error + other.error + 2.0**-53 * abs(value))

    def __neg__(self) -> "Ball":
        """Turn the sign."""
        return Ball(-self.value, self.error)

    def __getitem__(self, place: Any) -> "Ball":  # noqa: ANN401 -- as numpy has it
        """Take a part."""
        return Ball(self.value[place], self.error[place])

    @property
    def turned(self) -> "Ball":
        """The last two axes exchanged."""
        return Ball(self.value.swapaxes(-1, -2), self.error.swapaxes(-1, -2))

    @property
    def most(self) -> Array:
        """Bounds on the sizes of the exact numbers."""
        return np.asarray(UP * (abs(self.value) + self.error))

    @property
    def least(self) -> Array:
        """Bounds on the exact numbers from below; 2⁻⁵² |v| pays for the rounding of the bound."""
        return np.asarray(self.value - UP * (self.error + 2.0**-52 * abs(self.value)))


def rounded(value: Array, error: Array) -> Ball:
    """Return what was computed, if nothing overflowed: what has would be infinite, or no number.

    Nor would a sum with it be a number that is finite.
    """
    error = UP * error + _TINY
    need(np.isfinite(value.sum() + error.sum()), "numbers leave the range of floats")
    return Ball(value, error)


def exact(floats: Any) -> Ball:  # noqa: ANN401 -- what numpy takes
    """Return floats as balls without error; what is not finite is refused by what comes next."""
    array = np.asarray(floats, dtype=np.float64)
    return Ball(array, np.zeros_like(array))


def joined(parts: Sequence[Ball], axis: int) -> Ball:
    """Return balls side by side."""
    values, errors = zip(*((part.value, part.error) for part in parts), strict=True)
    return Ball(np.concatenate(values, axis), np.concatenate(errors, axis))


def extended(images: Array) -> Ball:
    """Return images with the constant before them."""
    return exact(np.column_stack([np.ones(len(images)), images]))


def product(left: Ball, right: Ball) -> Ball:
    """Multiply matrices, with bounds that are found faster and are wider.

    For a row v and a column w, Σ|v||w| ≤ |v| |w|, and so it is where errors are one of both.
    """
    rows, columns = norm(left.most), norm(right.turned.most)
    lost = gamma(left.value.shape[-1]) * rows + norm(left.error)
    sizes = np.stack([columns, norm(right.turned.error)], axis=-2)
    return rounded(left.value @ right.value, np.stack([lost, rows], axis=-1) @ sizes)


def congruent(matrix: Ball, outer: Ball) -> Ball:
    """Return A T Aᵀ, of a T that may be a number times the identity."""
    number = outer.value.ndim < 2
    return product(matrix * outer if number else product(matrix, outer), matrix.turned)


def norm(sizes: Array, axes: int = 1) -> Array:
    """Bound the root of the sum of squares along the last axes; of infinity it is infinite."""
    gamma(max(sizes.shape[-axes:]))
    total = np.einsum("...i,...i->...", sizes, sizes)
    for _ in range(axes - 1):
        total = total.sum(axis=-1)
    return np.asarray(UP * np.sqrt(total) + _LEAST)


def summed(sizes: Array, weights: Array, dtype: str) -> Array:
    """Bound what sums of numbers of some sizes, times weights, lose in whatever order.

    A product with 0 is 0, and to add 0 is exact, so that of n other terms γ = nu / (1 - nu) times
    their sizes is lost by rounding. What is near zero may be flushed: an operand of a product loses
    the other factor times the smallest normal number η, and each term 4η (a product, a sum, two
    operands of the sum). Twice and four times this is charged, as nu ≤ 1/16 enlarges both.
    """
    unit, tiny, limit = UNITS[dtype]
    counts = [np.count_nonzero(array, axis=1) for array in (sizes, weights)]
    terms = np.minimum(counts[0][:, None], counts[1])
    gamma(terms.max(initial=0))
    total = UP * (sizes @ abs(weights).T)
    flushed = UP * (sizes.sum(axis=1)[:, None] + abs(weights).sum(axis=1)) + 8 * len(weights.T)
    lost = UP * (terms * unit / (1 - terms * unit) * total) + tiny * flushed
    need(total + lost < limit, "numbers leave the range of floats")
    return np.asarray(lost)


def spectral(matrix: Ball) -> Array:
    """Bound the spectral norm: |A|⁴ = |(A Aᵀ)²|, at most the root of its sum of squares.

    Rounding moves a product of X with Xᵀ by a matrix whose norm is at most γ |X|², with the root of
    the sum of squares for |X|; errors of the ball add up to no more than that root of theirs.
    """
    value, lost = matrix.value, gamma(max(matrix.value.shape[-2:]))
    square = value @ value.swapaxes(-1, -2)
    fourth = norm(square @ square.swapaxes(-1, -2), 2) + lost * norm(square, 2) ** 2
    squared = UP * np.sqrt(fourth) + 2 * lost * norm(value, 2) ** 2
    return np.asarray(UP * (np.sqrt(squared) + norm(matrix.error, 2)))


def positive(matrices: Ball) -> bool:
    """Return whether matrices A, which are exactly symmetric, are proved to be positive definite.

    For any L and ρ > 0, the least eigenvalue of A = L Lᵀ + (A - L Lᵀ) is at least that of the
    bracket, and so at least ρ - |A - L Lᵀ - ρ|. That norm is at most the root of the sum of squares
    of what is computed for it, and of the errors: γ |L|² for the product, the error of the ball,
    and the rounding of three sums, to u times A, the diagonal A - ρ and what is left, which passes
    only below ρ. LAPACK finds L, and is not believed; any ρ will do, and this one lets it succeed.
    """
    size = matrices.value.shape[-1]
    value, place = (matrices.value + matrices.turned.value) / 2, np.arange(size)
    # A congruence by powers of two makes all diagonals about 1. It rounds nothing but what
    # underflows, less than _LEAST in all; what overflows fails in the last comparison.
    powers = np.ldexp(1.0, -(np.frexp(value[:, place, place])[1] // 2))
    scale = powers[:, :, None] * powers[:, None]
    value, error = value * scale, norm(matrices.error * scale, 2)
    sizes, traces = norm(value, 2), abs(value[:, place, place]).sum(axis=1)
    room = UP * (4 * gamma(size + 8) * traces + error) + 2 * _LEAST
    value[:, place, place] -= room[:, None]
    try:
        factors = np.linalg.cholesky(value)
    except np.linalg.LinAlgError:
        return False
    rest = norm(value - factors @ factors.swapaxes(1, 2), 2)
    lost = gamma(size) * norm(factors, 2) ** 2 + 2.0**-51 * (sizes + room) + _LEAST
    return bool(np.all(UP * (rest + lost + error) < room))


def diagonalised(matrix: Ball) -> tuple[Array, Array, float, float]:
    """Return values λ, vectors V, and bounds: skew of |VᵀV - 1|, rest of |VᵀMV - λ|.

    Skew is below 1, so that V is invertible.
    M is exactly symmetric, and so are both, so that their norms are at most their largest row sums
    of sizes. Errors are carried along as row sums: of γ |Vᵀ||V|, of γ |Vᵀ||M||V| and γ |VᵀM||V|, of
    γ |λ|, and of |Vᵀ| e |V|. λ and V may be anything. An infinite rest is refused where it is used.
    """
    values, vectors = np.linalg.eigh((matrix.value + matrix.value.T) / 2)
    size, ones, lost = abs(vectors), np.ones(len(values)), gamma(len(values) + 4)
    product, around = vectors.T @ matrix.value, size @ ones
    skew = abs(vectors.T @ vectors - np.diag(ones)) @ ones + lost * (size.T @ around)
    rest = abs(product @ vectors - np.diag(values)) @ ones + lost * abs(values)
    rest += lost * (abs(product) @ around)
    rest += size.T @ (lost * (abs(matrix.value) @ around) + matrix.error @ around)
    skewest, most = (float(UP * sums.max() + _LEAST) for sums in (skew, rest))
    need(skewest < 1, "no basis of eigenvectors was found")
    return values, vectors, skewest, most
