"""Neighbourhoods of images in which no stack of layers predicts another class."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, square_layers, trace
from numeric.inference import logits
from numeric.pruning import as_layers
from proofs.bounds.neighbourhoods import radii
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest
from tests.oracles import value
from tests.strategies import networks, tame

Doubles = npt.NDArray[np.float64]


def network(depth: int = 2, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(4, 3, depth=depth, **({"width": 3, "hidden": 5} | shape)).double()


def images_and_classes(
    model: BilinearNetwork, count: int = 6
) -> tuple[Doubles, npt.NDArray[np.int64]]:
    images = np.random.default_rng(0).normal(size=(count, model.configuration.inputs))
    return images, logits(model, images).argmax(axis=1)


def around(images: Doubles, lengths: Doubles, seed: int, count: int = 50) -> Doubles:
    """Points at the given distances from the images, shape (count, images, inputs)."""
    steps = np.random.default_rng(seed).normal(size=(count, *images.shape))
    steps *= (lengths / np.linalg.norm(steps, axis=2))[..., None]
    return np.asarray(images + steps)


def classes_of(layers: list[Layer], point: Doubles) -> int:
    """The class in exact arithmetic."""
    found = value(layers, point)[-3:]
    return int(max(range(len(found)), key=found.__getitem__))


@pytest.mark.props
@given(
    networks(elements=tame, max_depth=3),
    st.integers(0, 9),
    st.floats(0.05, 1),
)
def test_no_point_within_the_radius_has_another_class(
    model: BilinearNetwork, seed: int, share: float
) -> None:
    model.double()
    assume(model.configuration.outputs > 1)
    images, classes = images_and_classes(model)
    found = radii([model.layers()], images, classes)
    points = around(images, share * found, seed)
    moved = np.stack([logits(model, each) for each in points])
    rows = np.arange(len(images))
    kept = moved[:, rows, classes]
    moved[:, rows, classes] = -np.inf
    inside = (found > 0) & np.isfinite(found)
    assert (kept >= moved.max(axis=2))[:, inside].all()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_exact_arithmetic_keeps_the_class_within_the_radius(depth: int) -> None:
    model = network(depth)
    images, classes = images_and_classes(model, 3)
    found = radii([model.layers()], images, classes)
    assert (found > 0).any()
    for each in around(images, found, 1, count=5):
        for point, label, radius in zip(each, classes, found, strict=True):
            if radius:
                assert classes_of(model.layers(), point) == label


def test_at_depth_1_a_radius_is_at_most_the_exact_distance() -> None:
    model = network(1)
    images, classes = images_and_classes(model)
    exact = nearest(PairMargins(model.layers()), images, classes).radius
    found = radii([model.layers()], images, classes)
    assert (found <= exact).all()
    assert (found > exact / 10).all()


def test_further_out_another_class_is_found() -> None:
    model = network(2)
    images, classes = images_and_classes(model)
    found = radii([model.layers()], images, classes)
    far = [logits(model, each).argmax(axis=1) for each in around(images, 300 * found, 2)]
    assert (np.stack(far) != classes).any()


def test_several_stacks_keep_the_class_within_the_smallest_radius() -> None:
    model = network(2)
    graph = as_layers(square_layers(trace(model, "shared", features=12)))
    images, classes = images_and_classes(model)
    both = radii([model.layers(), graph], images, classes)
    alone = [radii([stack], images, classes) for stack in (model.layers(), graph)]
    np.testing.assert_array_equal(both, np.minimum(*alone))


def test_a_class_that_is_not_predicted_has_no_neighbourhood() -> None:
    model = network(2)
    images, classes = images_and_classes(model)
    assert (radii([model.layers()], images, (classes + 1) % 3) == 0).all()


def test_images_count_one_by_one() -> None:
    model = network(2)
    images, classes = images_and_classes(model, 60)
    whole = radii([model.layers()], images, classes)
    parts = [radii([model.layers()], images[n : n + 1], classes[n : n + 1])[0] for n in range(60)]
    np.testing.assert_allclose(whole, parts, rtol=1e-9)
