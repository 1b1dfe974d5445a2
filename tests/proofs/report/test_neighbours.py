"""Near inputs of another class: the network says so itself, and none is much nearer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import BilinearNetwork
from numeric.networks.inference import logits
from proofs.report.neighbours import neighbours, neighbours_of
from proofs.report.packing import unpacked
from proofs.robustness.pairs import PairMargins
from proofs.robustness.trust_region import nearest
from tests.digits import small_digits

IMAGES = small_digits(pictures=8).test_images


def network(depth: int) -> BilinearNetwork:
    return BilinearNetwork(9, 3, depth=depth, width=4, hidden=5)


def found(model: BilinearNetwork, places: Any) -> tuple[Any, Any, Any]:
    """Return the places with a neighbour, the neighbours and what is said of them."""
    classes = logits(model, IMAGES).argmax(axis=1)
    data = neighbours(model, IMAGES, classes, np.array(places))
    at, scales = data["places"], np.array(data["scales"])
    return at, neighbours_of(IMAGES[at], unpacked(data["steps"]), scales), data["outputs"]


@pytest.mark.parametrize("depth", [1, 2])
def test_the_network_gives_a_neighbour_another_class(depth: int) -> None:
    model = network(depth)
    places, points, outputs = found(model, [1, 4, 6])
    assert places
    assert set(places) <= {1, 4, 6}
    said = logits(model, points)
    assert np.array_equal(unpacked(outputs), said.astype(np.float32))
    assert (said.argmax(axis=1) != logits(model, IMAGES[places]).argmax(axis=1)).all()


def test_none_lies_much_nearer() -> None:
    model = network(1)
    places, points, _ = found(model, range(8))
    asked = logits(model, IMAGES[places]).argmax(axis=1)
    radii = nearest(PairMargins(model.layers()), IMAGES[places], asked).radius
    far = np.linalg.norm(points.astype(float) - IMAGES[places], axis=1)
    assert (far > radii).all()
    assert (far < 1.05 * radii).all()


def test_a_network_of_one_class_everywhere_and_a_doubtful_image_have_none() -> None:
    model = network(1)
    for parameter in model.parameters():
        parameter.data.zero_()
    model.blocks[-1].down.bias.data[0] = 1.0
    assert found(model, range(8))[0] == []
    doubtful = np.full(8, -1)
    assert neighbours(network(2), IMAGES, doubtful, np.arange(8))["places"] == []
