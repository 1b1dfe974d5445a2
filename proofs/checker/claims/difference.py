"""No logit of a graph differs from the network's by more than a bound, over a box of inputs."""

from fractions import Fraction

import numpy as np

from ..balls import UP, exact, norm
from ..forms import enclosed, residual, stretched
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(files: Files, graph: str, low: Fraction, high: Fraction, bound: Fraction) -> None:
    """Carry boxes around the states upwards, and how far each component of the graph's is off.

    The network's state is h and the graph's A h + d, where A is the identity or a witness.
    """
    need(low <= high, "the region is empty")
    # 1. The inputs lie in a box, and there d = 0.
    centre, half = (np.full(files.inputs, float(ends / 2)) for ends in (low + high, high - low))
    width = UP * half + 2.0**-50 * abs(centre) + 2.0**-1000
    near, room, errors, below = centre, width, np.zeros(files.inputs), None
    for number, (one, other) in enumerate(files.layers(graph), start=1):
        above, (outputs, expected) = None, (len(other.linear), len(one.linear))
        if number < len(files.model) and f"{graph}.basis.{number}" in files.arrays:
            above = files.witness(f"{graph}.basis.{number}", np.float64, outputs, expected)
            need(above[0] == np.eye(1, expected), "a basis moves the constant")
        need(above is not None or outputs == expected, f"layer {number} has another size")
        length, found = norm(np.concatenate([[1.0], abs(centre) + width])), np.zeros(outputs)
        point, way = exact(np.concatenate([[1.0], near])[:, None]), UP * (2 * room + errors)
        for row in range(1, outputs):
            # 2. An output is off by hᵀEh, with the form E in which the layers differ, on h's box,
            rest, lost = residual(one, other, below, above, row)
            middle, around = enclosed(exact(rest), centre, width)
            found[row] = abs(middle) + around + UP * lost * length * length
            if errors.any():
                # 3. and by what the graph's own form S makes of d: 2 (Sk)·d + zᵀSd, with the
                # centre k of the box of A h, and z = 2 (A h - k) + d.
                form = other.form(exact(np.eye(outputs)[[row]]))
                slope = (form @ point).most[1:, 0]
                found[row] += 2 * (slope @ errors) + stretched(form[1:, 1:], way, errors)
        errors, below = UP * found[1:], above
        need(np.isfinite(errors), "numbers leave the range of floats")
        if number < len(files.model):
            # 4. What the network's layer makes of h lies in a box, and in one in the graph's basis.
            turns = [np.eye(expected)] if above is None else [np.eye(expected), above]
            boxes = [
                [enclosed(one.form(exact(row[None])), centre, width) for row in rows[1:]]
                for rows in turns
            ]
            (centre, width), (near, room) = (np.array(box).T for box in (boxes[0], boxes[-1]))
    worst = UP * errors.max()
    need(Fraction(worst) <= bound, f"a logit may differ by {worst:.6g}")


KIND = Kind(
    "difference",
    "bounded",
    "difference_bound",
    "For every input whose numbers lie from {low} to {high}, no logit of the {graph} graph differs "
    "from the network's by more than {bound}, both without rounding.",
    verify,
)
