r"""How inputs are alike: the metrics in which features are orthonormal and their sizes are counted.

A metric is a Gram matrix of the constant and the inputs. In place of one, a name may stand that
needs no data.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError

Doubles = npt.NDArray[np.float64]

REACH = 2.0
"""The distance, in pixels, over which neighbouring ones are alike."""

METRICS = {"pixels": "pixels alike", "neighbours": "neighbouring pixels alike"}
"""The metrics that need no data, and what a graph says of them."""


def metric_root(metric: Any, inputs: int) -> tuple[Doubles, str]:  # noqa: ANN401 -- refused by name
    """Return a triangular factor of a metric, and the metric in words.

    Args:
        metric: ``"pixels"``, ``"neighbours"`` (:func:`neighbouring_pixels`), or a Gram matrix of
            the constant and the inputs: symmetric and positive definite, with 1 in the corner.
        inputs: how many there are.

    Returns:
        A lower triangular matrix of shape (inputs + 1, inputs + 1), and words.

    Raises:
        NumericError: the metric is none of these, or neighbours are asked for where the inputs are
            no square image.

    Examples:
        >>> metric_root("pixels", 1)
        (array([[1., 0.],
               [0., 1.]]), 'pixels alike')
    """
    if isinstance(metric, str):
        if metric not in METRICS:
            raise NumericError(
                f"expected metric to be one of {', '.join(METRICS)}, or a matrix, got {metric!r}"
            )
        whole = np.eye(inputs + 1) if metric == "pixels" else neighbouring_pixels(inputs)
        return _root(whole), METRICS[metric]
    return _root(_checked(metric, inputs + 1)), "given"


def neighbouring_pixels(inputs: int) -> Doubles:
    r"""Return the metric in which pixels are the more alike the nearer they lie.

    .. math::
        G_{ij} = e^{-d_{ij} / 2}

    with the distance :math:`d_{ij}` in pixels. Patterns that change their sign from one pixel to
    the next count for less than smooth ones, as in any picture of something.

    Args:
        inputs: the number of pixels of a square image.

    Returns:
        Shape (inputs + 1, inputs + 1); the constant is like no pixel.

    Raises:
        NumericError: the number is no square.

    Source:
        The exponential covariance function: C. E. Rasmussen and C. K. I. Williams, *Gaussian
        Processes for Machine Learning* (2006), section 4.2.1.

    Examples:
        >>> neighbouring_pixels(4)[1].round(3)
        array([0.   , 1.   , 0.607, 0.607, 0.493])
    """
    side = math.isqrt(inputs)
    if side * side != inputs:
        raise NumericError(f"expected a square image for neighbours, got {inputs} inputs")
    rows, columns = np.divmod(np.arange(inputs), side)
    distances = np.hypot(rows[:, None] - rows, columns[:, None] - columns)
    metric = np.eye(inputs + 1)
    metric[1:, 1:] = np.exp(-distances / REACH)
    return metric


def _root(metric: Doubles) -> Doubles:
    return np.asarray(np.linalg.cholesky(metric), dtype=np.float64)


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
