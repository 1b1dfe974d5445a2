"""No logit of a graph differs from the network's by more than a bound, over a box of inputs."""

from fractions import Fraction

import numpy as np

from ..balls import UP, Array, exact, joined, norm, spectral
from ..layers import Layer
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(files: Files, graph: str, low: Fraction, high: Fraction, bound: Fraction) -> None:
    """Carry the difference upwards, from the forms by which each layer differs."""
    need(low <= high, "the region is empty")
    most = UP * float(max(abs(low), abs(high)))
    size = float(norm(np.array([1.0, most * np.sqrt(files.inputs)])))
    below, errors, error, basis = None, np.zeros(1), 0.0, 1.0
    for number, (one, other) in enumerate(files.layers(graph), start=1):
        above, (outputs, expected) = None, (len(other.linear), len(one.linear))
        if number < len(files.model) and f"{graph}.basis.{number}" in files.arrays:
            above = files.witness(f"{graph}.basis.{number}", np.float64, outputs, expected)
            need(above[0] == np.eye(1, expected), "a basis moves the constant")
        need(above is not None or outputs == expected, f"layer {number} has another size")
        rests = np.array([residual(one, other, below, above, o) for o in range(1, outputs)])
        errors, carried = UP * rests * size * size, UP * norm(rests) * size * size
        if error:
            gram, reach = other.gram(), UP * (2 * basis * size + error) * error
            errors += UP * (np.sqrt(np.diagonal(gram.most)[1:]) * reach)
            errors += UP * (norm(other.linear[1:, 1:]) * error)
            carried += UP * (np.sqrt(spectral(gram)) * reach)
            carried += UP * (spectral(exact(other.linear[1:, 1:])) * error)
        straight = norm(one.linear[:, 0]) + spectral(exact(one.linear[:, 1:])) * size
        size = float(UP * (np.sqrt(spectral(one.gram())) * size * size + straight))
        below, error = above, float(UP * carried)
        basis = 1.0 if above is None else float(spectral(exact(above)))
    worst = UP * errors.max()
    need(Fraction(worst) <= bound, f"a logit may differ by {worst:.6g}")


def residual(one: Layer, other: Layer, below: Array | None, above: Array | None, row: int) -> float:
    """Bound the norm of the form by which a graph's output differs from the network's.

    The form is a product of two matrices, whose leading bits are multiplied without error.
    """
    weights, linear = exact(one.down[[row]]), exact(one.linear[[row]])
    if above is not None:
        weights, linear = (exact(above[[row]]) @ exact(array) for array in (one.down, one.linear))
    mixing, added = other.down[row], exact(other.linear[[row]])
    mine, (left, right) = weights.most[0] > 0, one.sides
    reading = other.sides[0][mixing != 0]
    if below is not None:
        reading, added = reading @ exact(below), added @ exact(below)
    x = joined([reading, left[mine], exact(np.eye(1, one.linear.shape[1]))], 0)
    mixed = exact(mixing[mixing != 0][:, None]) * reading
    weighed = weights[:, mine].turned * right[mine]
    y = joined([mixed, -weighed, added + -linear], 0)
    digits = (52 - len(x.value).bit_length()) // 2
    steps = [2.0 ** (np.frexp(abs(factor.value).max())[1] - digits) for factor in (x, y)]
    high_x, high_y = (np.rint(a.value / step) * step for a, step in zip((x, y), steps, strict=True))
    low_x, low_y = x.value - high_x, y.value - high_y
    total = high_x.T @ high_y + (high_x.T @ low_y + low_x.T @ y.value)
    gamma = (len(x.value) + 8) * 2.0**-53
    error = gamma * (norm(high_x, 2) * norm(low_y, 2) + norm(low_x, 2) * norm(y.value, 2))
    error = error + norm(x.error, 2) * norm(y.most, 2) + norm(x.value, 2) * norm(y.error, 2)
    error = error + 2.0**-50 * norm(total, 2)
    return float(UP * (spectral(exact((total + total.T) / 2)) + error))


KIND = Kind(
    "difference",
    "bounded",
    "difference_bound",
    "For every input whose numbers lie from {low} to {high}, no logit of the {graph} graph differs "
    "from the network's by more than {bound}, both without rounding.",
    verify,
)
