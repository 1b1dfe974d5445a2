"""The distance of each image to the nearest input of another class, in a network of degree two."""

from fractions import Fraction
from typing import Any

import numpy as np

from ..balls import UP, exact, norm, positive
from ..layers import margin
from ..read import Files
from ..verdicts import need
from .kind import Kind
from .radii import QUARTILES, decomposed, pairs, radii, valued


def verify(files: Files, factor: Fraction, fixed: int, **said: Any) -> None:  # noqa: ANN401 -- of radii
    """Prove each radius by a multiplier, and its sharpness by a point beyond."""
    radius, certain = radii(files, "robustness", **said)
    shape = len(radius), files.outputs
    multipliers = files.witness("robustness.multipliers", np.float64, *shape)
    targets = files.witness("robustness.targets", np.int64, len(radius))
    added = files.witness("robustness.added", np.float64, len(radius))
    reached = radius == 0
    for label, other, places in pairs(files.outputs, radius > 0, certain):
        # 1. The margin over the other class is m + 2 gᵀv + vᵀAv at x + v. With V, λ, skew and rest
        #    of balls.diagonalised(A), every v is some Vw, |v|² ≥ (1 - skew) |w|², and for f ≥ 0 the
        #    sum of f times the margin and |v|² is at least
        #    f m + 2 (f Vᵀg)ᵀw + Σ (1 - skew + f (λ - rest)) w².
        form, values, vectors, skew, rest = decomposed(files, label, other)
        factors = multipliers[places, other][:, None]
        margins, slopes = valued(form, files.images[places])
        gains, drawn = exact(factors) * margins, exact(factors) * (slopes @ exact(vectors))
        # 2. Where all brackets are above 0, that is at least f m - Σ (f Vᵀg)² / bracket. 2⁻⁵⁰ pays
        #    for at most four roundings, 2⁻¹⁰⁰⁰ for squares that underflow.
        floors = values - rest - 2.0**-50 * (abs(values) + rest)
        stretch = 1 - skew + factors * floors - 2.0**-50 * (1 + abs(factors * floors))
        need(stretch > 0, f"{label} against {other}: a multiplier is too large")
        spent = UP * ((drawn.most**2 + 2.0**-1000) / stretch).sum(axis=1, keepdims=True)
        proven = (gains + -exact(spent)).least[:, 0]
        # 3. Where the margin is not positive, |v|² alone is at least that, and so at least ρ². (A
        #    condition is turned round whole, so that what is no number is wrong.)
        wrong = places[~((factors[:, 0] >= 0) & (proven >= UP * radius[places] ** 2))]
        need(not wrong.size, f"image {wrong[:1]} may become {other} within its radius")
        # 4. A point not further than ρ times the factor (UP pays for the rounding of these two
        #    too) whose margin is negative, errors included. Any will do, wherever it comes from.
        near = targets[places] == other
        steps, targeted = (-drawn.value / (1 + factors * values))[near], places[near]
        steps[:, values.argmin()] += added[targeted]
        lengths = radius[targeted] * (0.1 + 0.9 * float(factor)) / np.linalg.norm(steps, axis=1)
        starts = files.images[targeted]
        ends = starts + (steps * lengths[:, None]) @ vectors.T
        apart = norm((exact(ends) + exact(-starts)).most)
        beyond = (-valued(form, ends)[0]).least[:, 0]
        within = np.isfinite(apart) & (apart <= radius[targeted] * float(factor))
        wrong = targeted[~((beyond > 0) & within)]
        need(not wrong.size, f"image {wrong[:1]} need not become {other} further away")
        reached[targeted] = True
    need(reached, f"image {np.flatnonzero(~reached)[:1]} has no nearest class")
    # 5. No input leaves a class whose margins are positive forms of (1, x), which is never 0. Of a
    #    single layer, neurons that both classes weigh the same do not count, nor inputs that no
    #    other reads.
    alone, layer = (targets < 0) & (radius == 0) & (certain >= 0), files.model[-1]
    need(fixed <= alone.sum(), f"of {alone.sum()} images the class is said to be fixed")
    for label, other, _ in pairs(files.outputs, alone, certain):
        form = margin(files.model, label, other)
        if len(files.model) == 1:
            (down, against), (linear, rival) = (a[[label + 1, other + 1]] for a in layer[3:])
            read = layer.used(down != against)
            rows = [*read.left, *read.right, *read.low, linear != rival, np.eye(len(linear))[0]]
            seen = np.any(rows, axis=0)
            form = margin([read], label, other)[np.ix_(seen, seen)]
        need(positive(form[None]), f"{label} may become {other}")


KIND = Kind(
    "robustness",
    "bounded",
    "s_lemma",
    "For {count} of the {images} images (data {data}) no input nearer than a radius gets another "
    "class from the network than the image, and one that is further by the factor {factor} does; "
    f"{QUARTILES}. For {{fixed}} more no input at all gets another class.",
    verify,
)
