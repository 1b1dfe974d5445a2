"""The inputs on which two networks differ most, and what a pattern laid over them does to each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.networks.inference import logits
from numeric.networks.layered import Network

Images = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Where two networks say something else about inputs.

    Attributes:
        order: the inputs, those first on which the networks are furthest apart.
        distances: between their logits, each less the mean of its logits, in the order of inputs.
        first: the class that the first network names, in the order of inputs.
        second: the class that the second one names.
    """

    order: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]

    @property
    def disagreeing(self) -> int:
        """On how many inputs they name different classes."""
        return int((self.first != self.second).sum())


@dataclass(frozen=True)
class Flip:
    """What a pattern laid over inputs does to two networks.

    Attributes:
        output: the class to which the two networks go most unequally.
        sign: by which the pattern was taken, 1 or -1.
        first: the share of inputs, of those that were not of this class before, that the pattern
            brings there by the first network's account.
        second: the same by the second one's.
    """

    output: int
    sign: int
    first: float
    second: float

    @property
    def gap(self) -> float:
        """By how much the shares differ, from 0 to 1."""
        return abs(self.second - self.first)


def disagreement(first: Network, second: Network, images: Images) -> Disagreement:
    r"""Return on which inputs two networks differ most.

    Logits of which all are larger by a constant say the same, so the distance is

    .. math::
        \lVert (z' - \bar z') - (z - \bar z) \rVert.

    Args:
        first: a network.
        second: a network of as many inputs and outputs.
        images: float array of shape (images, inputs).

    Returns:
        The inputs by their distance, and the class that each network names.

    Raises:
        NumericError: the networks differ in outputs.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> one, other = (BilinearNetwork(3, 2, seed=seed) for seed in (0, 1))
        >>> disagreement(one, other, np.eye(3)).order.shape
        (3,)
    """
    one, other = (np.asarray(logits(net, images), dtype=np.float64) for net in (first, second))
    if one.shape != other.shape:
        raise NumericError(
            f"expected second to have {one.shape[1]} outputs like first, got {other.shape[1]}"
        )
    moved = other - one
    distances = np.linalg.norm(moved - moved.mean(axis=1, keepdims=True), axis=1)
    order = np.argsort(-distances, kind="stable")
    return Disagreement(order, distances, one.argmax(axis=1), other.argmax(axis=1))


def flip(first: Network, second: Network, images: Images, pattern: Images) -> Flip:
    """Lay a pattern over inputs and count how many change their class in each of two networks.

    The pattern is scaled so that its largest entry is the range of all inputs, added with either
    sign, and what leaves the range is cut: full ink is no fuller.

    Args:
        first: a network.
        second: a network of as many inputs and outputs.
        images: float array of shape (images, inputs).
        pattern: shape (inputs,), not zero, such as that of a
            :class:`numeric.comparison.differences.Difference`.

    Returns:
        The class and the sign by which the two networks differ most.

    Raises:
        NumericError: the pattern has another shape, is zero or is not finite.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(3, 2)
        >>> flip(network, network, np.eye(3), np.ones(3)).gap
        0.0
    """
    if pattern.shape != images.shape[1:] or not np.isfinite(pattern).all() or not pattern.any():
        raise NumericError(
            f"expected pattern to be {images.shape[1]} finite numbers, not all of them 0, got "
            f"shape {pattern.shape}"
        )
    least, most = float(images.min()), float(images.max())
    # Constant inputs have no range: then the pattern is added as large as 1.
    size = (most - least or 1.0) / abs(pattern).max()
    pair = first, second
    before = [logits(network, images).argmax(axis=1) for network in pair]
    classes = logits(first, images[:1]).shape[1]
    found = []
    for sign in (1, -1):
        laid_over = images + sign * size * pattern
        if most > least:
            laid_over = np.clip(laid_over, least, most)
        after = [logits(network, laid_over).argmax(axis=1) for network in pair]
        for output in range(classes):
            one, other = (
                _share(now == output, was != output) for was, now in zip(before, after, strict=True)
            )
            found.append(Flip(output, sign, one, other))
    return max(found, key=lambda entry: entry.gap)


def _share(holds: npt.NDArray[np.bool_], counted: npt.NDArray[np.bool_]) -> float:
    return float(holds[counted].mean()) if counted.any() else 0.0
