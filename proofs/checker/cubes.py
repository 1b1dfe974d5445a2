"""Cubes around images: each lies in an ellipsoid, which is a ball in numbers of other sizes."""

import numpy as np

from .balls import UP, Array, extended
from .layers import Layer, forward
from .surroundings import Rows, Surroundings

SHARE = 0.8
"""How much of their mean is added to the slopes, where they weigh the numbers of a cube."""


class Cubes:
    """A stack near images of which all numbers change by no more than a radius."""

    def __init__(self, stack: list[Layer], hidden: list[Rows]) -> None:
        self.stack, self.hidden = stack, hidden

    def kept(self, image: Array, label: int, radius: float, ends: Array, factors: Array) -> bool:
        """Return whether multipliers prove that an image keeps its class within a cube."""
        for other in set(range(len(factors))) - {label}:
            near, total = self.around(image, label, other)
            given = UP * radius * radius * total, ends[other], factors[other]
            if not near.apart(image, near.point(image, None), (label, other), *given):
                return False
        return True

    def around(self, image: Array, label: int, other: int) -> tuple[Surroundings, float]:
        """Return the stack near an image in other numbers, and Σ 1/s² of their scales s.

        Where v = s u, a cube |v_i| ≤ ρ lies in the ball |u|² ≤ ρ² Σ 1/s².
        """
        scale = 1 / np.sqrt(_weights(self._slope(image, label, other)))
        total = UP * float((1 / (scale * scale)).sum())
        return Surroundings(self.stack, self.hidden, scale=scale), total

    def _slope(self, image: Array, label: int, other: int) -> Array:
        """Return about what a margin's derivatives by the image are."""
        states = forward(self.stack[:-1], extended(image[None]))
        slope = np.eye(len(self.stack[-1].linear))
        slope = slope[label + 1] - slope[other + 1]
        for layer, state in zip(self.stack[::-1], states[::-1], strict=True):
            drawn, at = slope @ layer.down, state.value[0]
            read = (drawn * (layer.right @ at)) @ layer.left
            slope = read + (drawn * (layer.left @ at)) @ layer.right + slope @ layer.linear
        return np.asarray(slope[1:])


def _weights(slope: Array) -> Array:
    """Return weights of the numbers of a cube, from the slope of a margin.

    Any above 0 would do; these grow with the slope, up to a largest one above 1, so that nothing
    underflows.
    """
    if not slope.any():
        return np.ones(len(slope))
    sizes = abs(slope) / abs(slope).max()
    return np.asarray(sizes + SHARE * sizes.mean())
