"""Points within balls around images, and whether they keep the image's class exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from numeric import Layer
from tests.oracles import value
from tests.strategies import networks, points

Doubles = npt.NDArray[np.float64]
Classes = npt.NDArray[np.int64]


@st.composite
def classified(draw: st.DrawFn, **shape: Any) -> tuple[list[Layer], Doubles, Classes]:
    """A network of several classes, points, and the classes that it gives them exactly."""
    drawn = networks(**{"max_size": 3} | shape)
    network = draw(drawn.filter(lambda found: found.configuration.outputs > 1))
    layers = network.layers()
    images = draw(points(network.configuration.inputs, count=2))
    exact = [value(layers, image) for image in images]
    return layers, images, np.array([max(range(len(row)), key=row.__getitem__) for row in exact])


def inside(image: Doubles, direction: Doubles, radius: float) -> list[Fraction]:
    """A rational point within a radius of an image, as far out as its floats allow."""
    length = float(np.linalg.norm(direction)) or 1.0
    share = Fraction(radius) / Fraction(length * (1 + 1e-12))
    step = [Fraction(entry) * share for entry in direction.tolist()]
    assert sum(entry**2 for entry in step) <= Fraction(radius) ** 2
    return [Fraction(entry) + move for entry, move in zip(image.tolist(), step, strict=True)]


def keeps(layers: Sequence[Any], point: list[Fraction], label: int) -> bool:
    logits = value(layers, point)
    return all(logits[label] > logit for other, logit in enumerate(logits) if other != label)


def directions(layers: Sequence[Layer], image: Doubles, label: int, seed: int) -> list[Doubles]:
    """Random directions, and those in which the margins fall fastest, by differences."""
    draw = np.random.default_rng(seed)
    steps = np.eye(len(image)) * 1e-6
    base, *moved = (logits_at(layers, image + step) for step in [0 * image, *steps])
    slopes = (np.array(moved) - base).T
    found = [
        *draw.normal(size=(4, len(image))),
        *(slopes - slopes[label]),
        *(slopes[label] - slopes),
    ]
    return [direction for direction in found if np.linalg.norm(direction) > 1e-300]


def logits_at(layers: Sequence[Layer], point: Doubles) -> Doubles:
    state = np.concatenate([[1.0], point])
    for left, right, down, linear in layers:
        state = down @ ((left @ state) * (right @ state)) + linear @ state
    return np.asarray(state[1:], dtype=np.float64)


def all_kept(layers: Sequence[Layer], images: Doubles, classes: Classes, found: Doubles) -> bool:
    for seed, (image, label, radius) in enumerate(zip(images, classes, found, strict=True)):
        if radius > 0:
            for direction in directions(layers, image, int(label), seed):
                for share in (1.0, 0.7):
                    if not keeps(layers, inside(image, direction, share * radius), int(label)):
                        return False
    return True


def fourth_power() -> list[Layer]:
    """Two layers whose second logit is the fourth power of the pixel; the first one is 1."""
    square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(2)[:, 1:], np.diag([1.0, 0.0]))
    last = Layer(
        np.eye(2)[1:],
        np.eye(2)[1:],
        np.array([[0.0], [0.0], [1.0]]),
        np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]),
    )
    return [square, last]
