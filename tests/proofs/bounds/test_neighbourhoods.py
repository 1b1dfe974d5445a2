"""No point within a radius has another class, in exact arithmetic; and the checker agrees."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from numeric import BilinearNetwork
from numeric.pruning import as_layers
from proofs import checker
from proofs.bounds import neighbourhoods as module
from proofs.bounds.neighbourhoods import radii
from tests.proofs.bounds.balls import all_kept, classified, fourth_power, logits_at
from tests.tensors import random_stack


@pytest.mark.props
@given(classified())
def test_no_rational_point_within_a_radius_has_another_class(given: Any) -> None:
    layers, images, classes = given
    found = radii([layers], images, classes)
    assert (found >= 0).all()
    assert all_kept(layers, images, classes, found)


@pytest.mark.props
@given(classified())
def test_the_checker_finds_all_margins_positive(given: Any) -> None:
    layers, images, classes = given
    found = radii([layers], images, classes)
    stack = []
    for layer in layers:
        left, right, down, linear = (array.astype(np.float64) for array in layer)
        stack.append(checker.Layer(left, right, np.zeros_like(left), down, linear))
    # So small a radius is lost in the bounds on rounding.
    kept = found > 1e-6
    near = stack, checker.margin_norms(stack[-1]), images[kept].astype(np.float64), classes[kept]
    assert (checker.margins_near(*near, found[kept]) > 0).all()
    assert not (checker.margins_near(*near, 1.001 * found[kept] + 1e-9) > 0).any()


def test_a_fourth_power_is_certified_up_to_where_it_is_one() -> None:
    found = radii([fourth_power()], np.zeros((1, 1)), np.array([0]))
    assert 1 - 1e-5 < found[0] < 1


@pytest.mark.parametrize("part", ["_gram", "_pair_norms"])
def test_without_either_curvature_another_class_is_within_the_radius(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers, images, classes = fourth_power(), np.full((1, 1), 0.1), np.array([0])
    assert all_kept(layers, images, classes, radii([layers], images, classes))
    original = getattr(module, part)
    monkeypatch.setattr(module, part, lambda layer: 0 * original(layer))
    assert not all_kept(layers, images, classes, radii([layers], images, classes))


def test_a_linear_network_keeps_its_class_up_to_the_boundary() -> None:
    layers = [layer._replace(down=0 * layer.down) for layer in random_stack([4, 3])]
    images = np.random.default_rng(0).random((5, 4))
    classes = np.array([int(logits_at(layers, image).argmax()) for image in images])
    found = radii(layers_of(layers), images, classes)
    for image, label, radius in zip(images, classes, found, strict=True):
        margins = logits_at(layers, image)[label] - logits_at(layers, image)
        weights = layers[0].linear[1:, 1:]
        slopes = np.linalg.norm(weights[label] - weights, axis=1)
        rivals = np.arange(3) != label
        assert radius == pytest.approx((margins[rivals] / slopes[rivals]).min(), rel=1e-5)


def layers_of(layers: Any) -> Any:
    return [layers]


def test_of_several_stacks_the_smallest_radius_counts() -> None:
    layers = BilinearNetwork(5, 3, depth=2, width=3, hidden=5, seed=0).double().layers()
    other = [layers[0], layers[1]._replace(down=0.5 * layers[1].down)]
    images = np.random.default_rng(0).random((5, 5))
    classes = np.array([int(logits_at(layers, image).argmax()) for image in images])
    each = [radii([stack], images, classes) for stack in (layers, other)]
    np.testing.assert_array_equal(radii([layers, other], images, classes), np.minimum(*each))


def test_a_class_that_a_stack_does_not_give_has_no_radius() -> None:
    assert radii([fourth_power()], np.zeros((1, 1)), np.array([1])).tolist() == [0.0]


def test_batches_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = random_stack([4, 3, 3])
    images = np.random.default_rng(0).random((7, 4))
    classes = np.array([int(logits_at(layers, image).argmax()) for image in images])
    whole = radii([layers], images, classes)
    monkeypatch.setattr(module, "_BATCH", 3)
    np.testing.assert_allclose(radii([layers], images, classes), whole, rtol=1e-12)
