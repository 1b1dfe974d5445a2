"""Quadratic forms on boxes, and the form by which a graph's layer differs from the network's."""

import numpy as np

from .balls import UP, Array, Ball, exact, gamma, joined, norm, spectral
from .layers import Layer


def stretched(matrix: Ball, rows: Array, columns: Array) -> float:
    """Bound |vᵀMu| for all |v| ≤ rows and |u| ≤ columns, component by component.

    For all positive p and q, with N = rows M columns / (p q) entry by entry, it is the product with
    N of two vectors, p v / rows and q u / columns. They are not longer than p and q, so that it is
    at most |p| |q| |N|. Roots of the norms of rows and columns serve well as p and q. Of rows M and
    of what errors make of columns 2⁻¹⁰⁷⁵ may underflow, for each entry and before it is stretched.
    """
    scaled = rows[:, None] * matrix.value * columns
    p, q = (np.sqrt(norm(array)) for array in (scaled, scaled.T))
    shared = scaled / p[:, None] / q
    size = norm(p) * norm(q) * spectral(Ball(shared, 2.0**-50 * abs(shared)))
    flushed = 2.0**-1000 * (1 + rows.sum() + columns.sum())
    return float(UP * (UP * size + rows @ (matrix.error @ columns) + flushed))


def enclosed(form: Ball, centre: Array, width: Array) -> tuple[float, float]:
    """Return middle and half length of an interval of x̃ᵀSx̃, x̃ = (1, x), for |x - centre| ≤ width.

    With c̃ = (1, centre) and v = x̃ - c̃ it is c̃ᵀSc̃ + 2 (Sc̃)·v + vᵀSv.
    """
    point = exact(np.concatenate([[1.0], centre])[:, None])
    slope = form @ point
    middle = (slope.turned @ point)[0, 0]
    half = 2 * (slope.most[1:, 0] @ width) + stretched(form[1:, 1:], width, width)
    return float(middle.value), float(UP * (half + middle.error))


def product(first: Array, second: Array) -> tuple[Array, Array]:
    """Return products of floats, and what rounding took from them (T. J. Dekker, 1971).

    Both are cut into halves of 26 bits, whose products are exact; next to 0 they may lose 2⁻¹⁰⁷⁰.
    """
    a, c = ((2.0**27 + 1) * x - ((2.0**27 + 1) * x - x) for x in (first, second))
    b, d, value = first - a, second - c, first * second
    return value, ((a * c - value) + a * d + b * c) + b * d


def residual(
    one: Layer, other: Layer, below: Array | None, above: Array | None, row: int
) -> tuple[Array, float]:
    """Return the form E by which a graph's output differs from the network's, and its error.

    With a row x of X for each reading and y of Y for what it is multiplied with, E is the symmetric
    part of XᵀY. The error is in the root of the sum of its squares: γ |X| |Y| for what is not
    multiplied exactly, and |dX| |Y| + |X| |dY| for what X and Y themselves lack.
    """
    if above is None:
        weights, linear = exact(one.down[[row]]), exact(one.linear[[row]])
    else:
        # The graph may have more components than the network.
        weights, linear = (exact(above[[row]]) @ exact(array) for array in (one.down, one.linear))
    mine = weights.most[0] > 0
    (left, right), other = one.used(mine).sides, other.used(other.down[row] != 0)
    (reading, _), mixing, added = other.sides, other.down[[row]], exact(other.linear[[row]])
    if below is not None:
        reading, added = reading @ exact(below), added @ exact(below)
    x = joined([reading, left, exact(np.eye(1, one.linear.shape[1]))], 0)
    scales = joined([exact(mixing), -weights[:, mine], exact([[1.0]])], 1).turned
    rows = joined([reading, right, added + -linear], 0)
    y, lacking = product(scales.value, rows.value)
    around = abs(scales.value) * rows.error + scales.error * rows.most + 2.0**-1000
    # Sums of so many products of so many leading bits of each column are exact.
    digits, highs = (52 - len(y).bit_length()) // 2, []
    for factor in (x.value, y):
        powers = np.maximum(np.frexp(abs(factor).max(axis=0))[1] - digits, -1074)
        highs.append(np.ldexp(np.rint(np.ldexp(factor, -powers)), powers))
    (high_x, high_y), lost = highs, gamma(len(y) + 8)
    low_x, low_y = x.value - high_x, (y - high_y) + lacking
    total = high_x.T @ high_y + (high_x.T @ low_y + low_x.T @ y)
    error = lost * (norm(high_x, 2) * norm(low_y, 2) + norm(low_x, 2) * norm(y, 2))
    error = error + norm(x.error, 2) * norm(abs(y) + around, 2) + norm(x.value, 2) * norm(around, 2)
    return (total + total.T) / 2, float(UP * (error + 2.0**-50 * norm(total, 2)))
