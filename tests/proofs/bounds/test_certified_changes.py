"""No point of a certified cube has another class, in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from numeric import BilinearNetwork, Layer
from proofs.bounds import certified_changes
from proofs.bounds.certified_changes import certified_changes as changes
from proofs.bounds.certified_radii import SHORTENED
from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.surroundings import Stack
from tests.proofs.bounds.balls import Classes, Doubles, keeps, logits_at
from tests.tensors import random_stack


def drawn(seed: int, depth: int = 2) -> tuple[list[Layer], Doubles, Classes]:
    """Layers of random numbers, and two images."""
    layers = random_stack([3, *[2] * (depth - 1), 3], seed=seed)
    images = np.random.default_rng(seed).normal(size=(2, 3))
    return layers, images, np.array([logits_at(layers, image).argmax() for image in images])


def all_kept(layers: list[Layer], images: Doubles, classes: Classes, radii: Doubles) -> bool:
    """Whether all points of a grid on each cube have the class of the image, exactly."""
    for image, label, radius in zip(images, classes, radii, strict=True):
        for step in product([-1, 0, 1], repeat=len(image)):
            pairs = zip(image.tolist(), step, strict=True)
            point = [Fraction(pixel) + sign * Fraction(float(radius)) for pixel, sign in pairs]
            if not keeps(layers, point, int(label)):
                return False
    return True


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kept", [0, 2])
def test_no_point_of_a_certified_cube_has_another_class(seed: int, kept: int) -> None:
    layers, images, classes = drawn(seed)
    directions = HiddenDirections.of(Stack.of(layers), images, kept)
    found = changes(layers, images, classes, directions)
    assert (found.radii > 0).all()
    assert all_kept(layers, images, classes, found.radii)
    assert not all_kept(layers, images, classes, 8 * found.radii)


@pytest.mark.parametrize("slabs", [1, 4])
@pytest.mark.parametrize(("depth", "seed"), [(1, 0), (3, 0), (3, 1), (3, 2), (4, 0)])
def test_nor_has_one_of_other_depths_in_slabs_or_not(depth: int, seed: int, slabs: int) -> None:
    layers, images, classes = drawn(seed, depth)
    found = changes(layers, images, classes, slabs=slabs)
    assert (found.radii > 0).all()
    assert all_kept(layers, images, classes, found.radii)
    assert not all_kept(layers, images, classes, 8 * found.radii)


def test_a_share_of_what_is_true_of_a_linear_margin_is_proved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # It falls fastest along a corner, by the sum of the sizes of its slopes.
    neurons: Any = (np.zeros((0, 4)), np.zeros((0, 4)), np.zeros((4, 0)))
    first = Layer(*neurons, np.eye(4))
    weights = np.array([[1.0, 0, 0, 0], [4, 0, 0, 0], [0, 3, 2, -1]])
    last = Layer(neurons[0], neurons[1], np.zeros((3, 0)), weights)
    images, classes = np.zeros((1, 3)), np.array([0])
    exact = 4 / 6
    (found,) = changes([first, last], images, classes).radii
    assert 0.9 * exact < found < exact
    monkeypatch.setattr(certified_changes, "SHARE", 1e-9)
    (found,) = changes([first, last], images, classes).radii
    assert found == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("power", [-300, -150, 150, 300])
def test_changes_are_finite_where_numbers_leave_the_range_of_floats(power: int) -> None:
    layers, images, classes = drawn(0)
    scaled = [layer._replace(left=layer.left * 10.0**power) for layer in layers]
    found = changes(scaled, images, classes)
    assert np.isfinite(found.radii).all()
    assert (found.radii >= 0).all()
    assert all(np.isfinite(array).all() for array in found.proofs[0])


def test_a_single_class_is_kept_whatever_changes() -> None:
    layers = BilinearNetwork(3, 1, depth=2, width=2, hidden=2).double().layers()
    found = changes(layers, np.full((1, 3), 0.5), np.array([0]))
    assert found.radii == [1e6 * SHORTENED]
    assert not found.proofs[0].multipliers.any()
