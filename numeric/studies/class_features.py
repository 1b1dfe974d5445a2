r"""Eigenfeatures of each class of a network of one layer, and what can be said of them in numbers.

The logit of a class is a quadratic form of the constant and the inputs, and its eigenvectors are
its features. A spectrum of few large eigenvalues has a small rank, and a feature that is a picture
varies little between neighbouring pixels and has nothing where no image has ink.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numeric.data.shapes import InputShape
from numeric.features.canonical import canonical
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

NEVER = 1e-3
"""Pixels whose mean ink is less are blank."""


class ClassFeatures(NamedTuple):
    """The eigenfeatures of a class, the largest eigenvalue by size first.

    Attributes:
        values: the eigenvalues.
        readings: of the constant and the inputs, orthonormal, shape (features, inputs + 1).
    """

    values: Doubles
    readings: Doubles

    def supporting(self, count: int) -> Doubles:
        """Return what the features of the largest eigenvalues read of the inputs.

        Args:
            count: how many; fewer where there are fewer.
        """
        return self.readings[np.argsort(-self.values, kind="stable")[:count], 1:]


def class_features(layers: Sequence[Layer]) -> list[ClassFeatures]:
    """Return the eigenfeatures of every class, the linear part and the constant among them.

    Args:
        layers: of a network of one layer.

    Examples:
        >>> layer = Layer(np.eye(2), np.eye(2), np.array([[0.0, 0.0], [1.0, -2.0]]), np.eye(2))
        >>> class_features([layer._replace(linear=np.eye(1, 2).repeat(2, axis=0) * [[1], [0]])])
        [ClassFeatures(values=array([-2.,  1.]), readings=array([[0., 1.],
               [1., 0.]]))]
    """
    (square,) = canonical(layers).squares
    found = []
    for weights in square.mixing[1:]:
        used = np.flatnonzero(weights)
        order = used[np.argsort(-abs(weights[used]), kind="stable")]
        found.append(ClassFeatures(weights[order], square.readings[order]))
    return found


def effective_rank(values: Doubles) -> float:
    r"""Return :math:`e^{H}` of a spectrum, :math:`H` the entropy of its shares.

    Source:
        O. Roy and M. Vetterli, *The effective rank*, EUSIPCO 2007.

    Examples:
        >>> round(effective_rank(np.array([1.0, -1.0, 1.0, 0.0])), 6)
        3.0
    """
    shares = abs(values[values != 0]) / abs(values).sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def roughness(feature: Doubles, shape: InputShape) -> float:
    """Return how much neighbouring pixels differ: 1 for white noise, near 0 for a smooth picture.

    Args:
        feature: a number a pixel.
        shape: of a picture.

    Examples:
        >>> roughness(np.ones(9), InputShape((3, 3)))
        0.0
        >>> roughness(np.tile([1.0, -1.0], 8)[:16], InputShape((4, 4)))
        1.0
    """
    grid = shape.grid(feature)
    steps = np.concatenate([np.diff(grid, axis=axis).ravel() for axis in (0, 1)])
    return float((steps**2).mean() / (2 * (grid**2).mean()))


def blank_share(feature: Doubles, images: npt.NDArray[np.float32]) -> float:
    """Return which share of a feature's squared length lies where images have no ink.

    Args:
        feature: a number a pixel.
        images: shape (images, pixels).

    Examples:
        >>> blank_share(np.array([3.0, 4.0]), np.eye(1, 2, dtype=np.float32))
        0.64
    """
    blank = images.mean(axis=0) < NEVER
    return float((feature[blank] ** 2).sum() / (feature**2).sum())
