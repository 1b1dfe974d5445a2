"""Radii of images, as the claims on robustness state them."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..balls import Array, Ball, diagonalised, exact, extended
from ..layers import classes, margin
from ..read import Files
from ..verdicts import need

LEAST = 2.0**-400  # its square is far above what underflow takes from anything

QUARTILES = (
    "a quarter of these radii are at least {upper}, half at least {median}, three quarters at "
    "least {lower}"
)


def radii(
    files: Files, name: str, images: int, data: str, count: int, **quartiles: Fraction
) -> tuple[Array, Array]:
    """Return radii, held against the numbers of a claim, and the certain classes of the images."""
    files.counted(images, data)
    found = files.witness(f"{name}.radius", np.float64, len(files.images))
    need((found == 0) | (found > LEAST), "there is a radius below 0, or next to it")
    given = sorted(map(Fraction, found[found > 0].tolist()))
    need(len(given) == count, f"{len(given)} radii are above 0")
    for part, quartile in enumerate(("lower", "median", "upper"), start=1):
        # The rest of the quarters, and whatever is left of one, are no smaller than this radius.
        reached = given[part * count // 4] if count else Fraction(0)
        least = quartiles[quartile] <= reached
        need(least, f"{4 - part} quarters of the radii are at least {float(reached)}")
    certain = classes(files.model, files.images)
    need(certain[found > 0] >= 0, "an image has no certain class")
    return found, certain


def pairs(outputs: int, chosen: Array, certain: Array) -> Iterator[tuple[int, int, Array]]:
    """Yield all ordered pairs of classes, with the places of chosen images of the first class."""
    for label, other in np.argwhere(~np.eye(outputs, dtype=bool)).tolist():
        places = np.flatnonzero((certain == label) & chosen)
        if places.size:
            yield label, other, places


def valued(form: Ball, images: Array) -> tuple[Ball, Ball]:
    """Return m and g of a symmetric form F at images x: at x + v it is m + 2 gᵀv + vᵀAv.

    A is F without the row and the column of the constant.
    """
    points = extended(images)
    slopes = points @ form
    return (slopes * points) @ exact(np.ones((len(form.value), 1))), slopes[:, 1:]


def decomposed(files: Files, one: int, other: int) -> tuple[Ball, Array, Array, float, float]:
    """Return a margin's form, and of its part A without the constant what balls.diagonalised says.

    It is found once for both orders of the classes.
    """
    if one > other:
        form, values, vectors, skew, rest = decomposed(files, other, one)
        return -form, -values, vectors, skew, rest
    if (one, other) not in files.found:
        form = margin(files.model, one, other)
        files.found[one, other] = form, *diagonalised(form[1:, 1:])
    found: tuple[Ball, Array, Array, float, float] = files.found[one, other]
    return found
