"""What values a node takes on the test digits: by class, how often, and on which digits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]

_MOST = 5
"""Test digits that excite a node most."""

_QUANTILES = (0.95, 0.75, 0.5, 0.25, 0.05)
"""Where in the order of all values the other examples stand."""

_BINS = 24
"""Of a histogram, from the least value to the largest."""

_DIGITS = 6
"""Significant digits of numbers that are shown and not computed with."""


def profile(values: Doubles, labels: npt.NDArray[np.int64], classes: int) -> dict[str, Any]:
    """Return what is said of a node's values on all test digits, as JSON.

    Args:
        values: shape (images,).
        labels: of the same images, shape (images,).
        classes: how many there are.

    Returns:
        ``range``, the least and the largest value; ``means`` by class, None of a class without
        images; ``bins``, how many values fall into each of equally wide parts of the range;
        ``most``, images with the largest values, the outermost first, as index and value;
        ``quantiles``, images by which part of all values are no larger, as part, index and value.

    Examples:
        >>> found = profile(np.array([0.0, 4.0, 1.0, 3.0]), np.array([0, 1, 0, 1]), 3)
        >>> found["means"], found["most"][0], found["bins"][0], found["quantiles"][2]
        ([0.5, 3.5, None], [1, 4.0], 1, [0.5, 3, 3.0])
    """
    order = np.argsort(values, kind="stable")
    counts, _ = np.histogram(_ranks(values), _BINS, (0.0, 1.0))
    sums = np.bincount(labels, values, classes)
    sizes = np.bincount(labels, minlength=classes)
    places = [(part, order[int(part * (len(order) - 1) + 0.5)]) for part in _QUANTILES]
    return {
        "range": [rounded(values.min()), rounded(values.max())],
        "means": [
            rounded(total / size) if size else None
            for total, size in zip(sums.tolist(), sizes.tolist(), strict=True)
        ],
        "bins": counts.tolist(),
        "most": [[int(digit), rounded(values[digit])] for digit in order[::-1][:_MOST]],
        "quantiles": [[part, int(digit), rounded(values[digit])] for part, digit in places],
    }


def rounded(value: float) -> float:
    """Return a number with few digits, for what is shown and not computed with."""
    return float(f"{value:.{_DIGITS}g}")


def _ranks(values: Doubles) -> Doubles:
    """Return where values stand from the least, 0, to the largest, 1; equal ones all at 0."""
    # Halves do not overflow where the range does.
    low, span = values.min() / 2, values.max() / 2 - values.min() / 2
    return np.asarray((values / 2 - low) / (span or 1.0))
