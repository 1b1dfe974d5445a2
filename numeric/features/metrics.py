r"""How inputs are alike: the metrics in which features are orthonormal and their sizes are counted.

A metric is a Gram matrix of the constant and the inputs. In place of one, a name may stand: of two
that need no data, or ``"data"`` for the second moment of images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError

Doubles = npt.NDArray[np.float64]

REACH = 2.0
"""The distance, in pixels, over which neighbouring ones are alike."""

_SQUARE = 1 / 3
"""The mean square of a pixel that is somewhere between 0 and 1."""

_SMALLEST = 8
"""Fewer rows than this make no picture that weights could speak for."""

_ALIKE = 0.25
"""By how much the weights of neighbours are more alike than others where there are neighbours."""

METRICS = {"pixels": "pixels alike", "neighbours": "neighbouring pixels alike"}
"""The metrics that need no data, and what a graph says of them."""

_DRAWN = 0.01
"""By this share of their mean, second moments of inputs are larger than those of the images."""


def metric_root(
    metric: Any,  # noqa: ANN401 -- refused by name
    inputs: int,
    images: Doubles | None = None,
) -> tuple[Doubles, str]:
    """Return a triangular factor of a metric, and the metric in words.

    Args:
        metric: ``"pixels"``, ``"neighbours"`` (:func:`neighbouring_pixels`), ``"data"``
            (:func:`second_moment`), or a Gram matrix of the constant and the inputs: symmetric and
            positive definite, with 1 in the corner.
        inputs: how many there are.
        images: for ``"data"`` and no other, shape (images, inputs).

    Returns:
        A lower triangular matrix of shape (inputs + 1, inputs + 1), and words.

    Raises:
        NumericError: the metric is none of these, neighbours are asked for where the inputs are no
            square image, or images are given for another metric than theirs.

    Examples:
        >>> metric_root("pixels", 1)
        (array([[1., 0.],
               [0., 1.]]), 'pixels alike')
    """
    _check_images(metric, inputs, images)
    if images is not None:
        return _root(second_moment(images)), f"alike as in {len(images):,} images"
    if isinstance(metric, str):
        if metric not in METRICS:
            raise NumericError(
                f"expected metric to be one of {', '.join(METRICS)}, data, or a matrix, got "
                f"{metric!r}"
            )
        whole = np.eye(inputs + 1) if metric == "pixels" else neighbouring_pixels(inputs)
        return _root(whole), METRICS[metric]
    return _root(_checked(metric, inputs + 1)), "given"


def second_moment(images: Doubles) -> Doubles:
    r"""Return the metric in which inputs are alike as they are in images.

    .. math::
        G = \frac1N \sum_n \tilde x_n \tilde x_n^\top
        + \varepsilon \operatorname{diag}(0, 1, \dots, 1)

    with a hundredth of the mean second moment of an input as :math:`\varepsilon`, so that
    directions that no image has count for little and not for nothing.

    Args:
        images: finite, shape (images, inputs).

    Returns:
        Shape (inputs + 1, inputs + 1).

    Raises:
        NumericError: squares of the images are beyond float64.

    Examples:
        >>> second_moment(np.array([[2.0, 0.0], [0.0, 0.0]])).round(2)
        array([[1.  , 1.  , 0.  ],
               [1.  , 2.01, 0.  ],
               [0.  , 0.  , 0.01]])
    """
    count, inputs = images.shape
    moment = np.empty((inputs + 1, inputs + 1))
    moment[0, 0] = 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        moment[0, 1:] = moment[1:, 0] = images.mean(axis=0)
        moment[1:, 1:] = images.T @ images / count
    if not np.isfinite(moment).all():
        raise NumericError("expected images whose squares float64 holds, got larger ones")
    squares = np.diagonal(moment)[1:]
    moment[1:, 1:] += np.eye(inputs) * (_DRAWN * squares.mean() or 1.0)
    return moment


def neighbouring_pixels(shape: int | Sequence[int]) -> Doubles:
    r"""Return the metric in which pixels are the more alike the nearer they lie.

    .. math::
        G_{ij} = \tfrac13\,e^{-d_{ij} / 2}

    with the distance :math:`d_{ij}` in pixels; a third is the mean square of what lies anywhere
    between 0 and 1, and weighs pixels against the constant. Patterns that change their sign from
    one pixel to the next count for less than smooth ones, as in any picture of something. Colours
    of one place lie a pixel apart.

    Args:
        shape: of a picture: (rows, columns), or (colours, rows, columns) as torch flattens it; or
            the number of pixels of a square one.

    Returns:
        Shape (inputs + 1, inputs + 1); the constant is like no pixel.

    Raises:
        NumericError: the number is no square, or the shape is none.

    Source:
        The exponential covariance function: C. E. Rasmussen and C. K. I. Williams, *Gaussian
        Processes for Machine Learning* (2006), section 4.2.1.

    Examples:
        >>> neighbouring_pixels(4)[1].round(3)
        array([0.   , 0.333, 0.202, 0.202, 0.164])
        >>> neighbouring_pixels((3, 1, 2))[1].round(3)
        array([0.   , 0.333, 0.202, 0.202, 0.164, 0.202, 0.164])
    """
    if isinstance(shape, int):
        side = math.isqrt(shape)
        if side * side != shape:
            raise NumericError(f"expected a square image for neighbours, got {shape} inputs")
        shape = (side, side)
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise NumericError(
            f"expected the shape of a picture, (rows, columns) or (colours, rows, columns), got "
            f"{tuple(shape)}"
        )
    colours, rows, columns = (
        axis.ravel() for axis in np.indices((1, *shape) if len(shape) == 2 else tuple(shape))
    )
    squares = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
    distances = np.sqrt(squares + (colours[:, None] != colours))
    metric = np.eye(len(rows) + 1)
    metric[1:, 1:] = _SQUARE * np.exp(-distances / REACH)
    return metric


def usual_metric(readings: Doubles) -> str:
    """Return the metric that what a network reads speaks for, where none is named.

    Weights of neighbouring pixels are alike in a network of pictures, and no data has to be looked
    at to see it: the mean cosine of those of two that lie side by side is compared with that of any
    two.

    Args:
        readings: rows that read the constant and the inputs.

    Returns:
        ``"neighbours"`` where the inputs can be a square picture of at least 8 rows and the cosine
        is larger by a quarter, else ``"pixels"``.

    Examples:
        >>> usual_metric(np.eye(65))
        'pixels'
    """
    inputs = readings.shape[1] - 1
    side = math.isqrt(inputs)
    if side < _SMALLEST or side * side != inputs:
        return "pixels"
    norms = np.linalg.norm(readings[:, 1:], axis=0)
    columns = readings[:, 1:] / np.where(norms > 0, norms, 1.0)
    grid = columns.reshape(len(columns), side, side)
    beside = [
        (grid[:, 1:] * grid[:, :-1]).sum(axis=0),
        (grid[..., 1:] * grid[..., :-1]).sum(axis=0),
    ]
    cosine = float(np.mean([part.mean() for part in beside]))
    whole = float((columns.sum(axis=1) ** 2).sum() - np.count_nonzero(norms)) / (inputs**2 - inputs)
    return "neighbours" if cosine - whole > _ALIKE else "pixels"


def _root(metric: Doubles) -> Doubles:
    return np.asarray(np.linalg.cholesky(metric), dtype=np.float64)


def _check_images(metric: object, inputs: int, images: Doubles | None) -> None:
    """Refuse images for another metric than theirs, and theirs without images."""
    asked = isinstance(metric, str) and metric == "data"
    if asked != (images is not None):
        name = repr(metric) if isinstance(metric, str) else "a matrix"
        raise NumericError(
            "expected images with metric='data', got None"
            if asked
            else f"expected no images with another metric than 'data', got some with {name}"
        )
    if images is not None and (images.ndim != 2 or images.shape[1] != inputs or not len(images)):
        raise NumericError(
            f"expected images to have shape (images, {inputs}), at least one, got {images.shape}"
        )


def _checked(metric: npt.ArrayLike, size: int) -> Doubles:
    """Return a metric that was given, if it is one."""
    try:
        given = np.asarray(metric)
    except ValueError:
        raise NumericError("expected metric to be an array, got rows of unequal length") from None
    if given.shape != (size, size) or given.dtype.kind != "f" or not np.isfinite(given).all():
        raise NumericError(
            f"expected metric to be a finite float array of shape ({size}, {size}), got "
            f"{given.dtype} of shape {given.shape}"
        )
    if not np.array_equal(given, given.T) or given[0, 0] != 1:
        raise NumericError("expected metric to be symmetric, with 1 in the corner")
    try:
        np.linalg.cholesky(given.astype(np.float64))
    except np.linalg.LinAlgError:
        raise NumericError(
            "expected metric to be positive definite: where an input never varies, add a small "
            "number to its place on the diagonal"
        ) from None
    return given.astype(np.float64)
