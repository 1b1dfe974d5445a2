"""The distance of each image to the nearest input of another class, in a network of one layer."""

from fractions import Fraction

import numpy as np

from ..balls import UP, Array, Ball, diagonalised, exact, extended, norm, positive
from ..layers import Layer
from ..read import Files
from ..verdicts import need
from .kind import Kind
from .radii import QUARTILES, pairs, radii


def verify(
    files: Files,
    images: int,
    data: str,
    count: int,
    lower: Fraction,
    median: Fraction,
    upper: Fraction,
    factor: Fraction,
    fixed: int,
) -> None:
    """Prove each radius by a multiplier, and its sharpness by a point beyond."""
    files.counted(images, data)
    need(len(files.model) == 1, "the network has several layers")
    radius, certain = radii(files, "robustness", count, lower, median, upper)
    multipliers = files.witness("robustness.multipliers", np.float64, images, files.outputs)
    targets = files.witness("robustness.targets", np.int64, images)
    added = files.witness("robustness.added", np.float64, images)
    reached = radius == 0
    for label, other, places in pairs(files.outputs, radius > 0, certain):
        # 1. The margin m is mₓ + 2 gᵀv + vᵀAv at x + v. With an eigenbasis V, f ≥ 0 and all
        #    1 + f λ > 0, f m(x + v) + |v|² ≥ f mₓ - Σ (f Vᵀg)² / (1 + f λ), for every v.
        form, values, vectors, skew, rest = margin(files, label, other)
        ones, points = exact(np.ones((len(form.value), 1))), extended(files.images[places])
        slopes, factors = points @ form, multipliers[places, other][:, None]
        gains = exact(factors) * ((slopes * points) @ ones)
        drawn = exact(factors) * (slopes[:, 1:] @ exact(vectors))
        # 2. V is orthonormal but for the skew, and A diagonal in it but for the rest.
        floors = values - rest - 2.0**-50 * (abs(values) + rest)
        stretch = 1 - skew + factors * floors - 2.0**-50 * (1 + abs(factors * floors))
        need(stretch > 0, f"{label} against {other}: a multiplier is too large")
        spent = UP * ((drawn.most**2 + 2.0**-1000) / stretch).sum(axis=1, keepdims=True)
        proven = (gains + -exact(spent)).least[:, 0]
        # 3. Where the margin is not positive, |v|² is at least that.
        wrong = places[~((factors[:, 0] >= 0) & (proven >= UP * radius[places] ** 2))]
        need(not wrong.size, f"image {wrong[:1]} may become {other} within its radius")
        # 4. A point further by less than the factor, whose margin is negative, errors included.
        near = targets[places] == other
        starts, steps = files.images[places[near]], -drawn.value / (1 + factors * values)
        steps = steps[near]
        steps[:, values.argmin()] += added[places[near]]
        lengths = radius[places[near]] * (0.1 + 0.9 * float(factor))
        ends = starts + (steps * (lengths / np.linalg.norm(steps, axis=1))[:, None]) @ vectors.T
        beyond = (extended(ends) @ form * extended(ends)) @ ones
        apart = norm((exact(ends) + exact(-starts)).most)
        right = ((-beyond).least[:, 0] > 0) & (apart <= radius[places[near]] * float(factor))
        wrong = places[near][~right]
        need(not wrong.size, f"image {wrong[:1]} need not become {other} further away")
        reached[places[near]] = True
    need(reached, f"image {np.flatnonzero(~reached)[:1]} has no nearest class")
    # 5. No input leaves a class whose margins are positive forms of (1, x), whatever x is.
    alone = (targets < 0) & (radius == 0) & (certain >= 0)
    need(fixed <= alone.sum(), f"of {alone.sum()} images the class is said to be fixed")
    for label, other, _ in pairs(files.outputs, alone, certain):
        form = read_parts(files.model[0], label, other).margin(label, other)
        need(positive(Ball(form.value[None], form.error[None])), f"{label} may become {other}")


def margin(files: Files, one: int, other: int) -> tuple[Ball, Array, Array, float, float]:
    """Return a margin's form and its eigendecomposition, certified once for both orders."""
    if one > other:
        form, values, vectors, skew, rest = margin(files, other, one)
        return -form, -values, vectors, skew, rest
    if (one, other) not in files.found:
        form = files.model[0].margin(one, other)
        files.found[one, other] = form, *diagonalised(form[1:, 1:])
    found: tuple[Ball, Array, Array, float, float] = files.found[one, other]
    return found


def read_parts(layer: Layer, one: int, other: int) -> Layer:
    """Return a layer without the neurons and the inputs that a margin does not depend on."""
    used = layer.down[one + 1] != layer.down[other + 1]
    left, right, low = (side[used] for side in (layer.left, layer.right, layer.low))
    seen = (layer.linear[one + 1] != layer.linear[other + 1]) | np.any(
        [*left, *right, *low], axis=0
    )
    seen[0] = True
    rows = left[:, seen], right[:, seen], low[:, seen]
    return Layer(*rows, layer.down[:, used], layer.linear[:, seen])


KIND = Kind(
    "robustness",
    "bounded",
    "s_lemma",
    "For {count} of the {images} images (data {data}) no input nearer than a radius gets another "
    "class from the network than the image, and one that is further by the factor {factor} does; "
    f"{QUARTILES}. For {{fixed}} more no input at all gets another class.",
    verify,
)
