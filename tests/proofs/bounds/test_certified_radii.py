"""No point within a certified radius has another class, in exact arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, SquareLayer, from_module, square_layers, trace
from numeric.graphs.pruning import as_layers
from numeric.networks.attacks import attack
from numeric.networks.inference import predictions
from proofs.bounds import lagrangian
from proofs.bounds.certified_radii import SHORTENED, certified_radii
from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.surroundings import Stack
from proofs.errors import ProofError
from tests.modules import Research
from tests.proofs.bounds.balls import all_kept, classified, fourth_power, logits_at
from tests.strategies import wild


@pytest.mark.props
@given(classified(), st.integers(0, 3))
def test_no_rational_point_within_a_certified_radius_has_another_class(
    given: Any, kept: int
) -> None:
    layers, images, classes = given
    directions = HiddenDirections.of(Stack.of(layers), images, kept)
    found = certified_radii([layers], images, classes, [directions])
    assert (found.radii >= 0).all()
    assert all_kept(layers, images, classes, found.radii)


@pytest.mark.props
@given(classified(elements=wild, max_size=2))
def test_whatever_the_numbers_are_radii_and_multipliers_are_finite(given: Any) -> None:
    layers, images, classes = given
    found = certified_radii([layers], images, classes)
    assert np.isfinite(found.radii).all()
    assert (found.radii >= 0).all()
    assert all(np.isfinite(array).all() for array in found.proofs[0])
    free = HiddenDirections.of(Stack.of(layers), images).free
    assert (found.proofs[0].multipliers[..., ~free] >= 0).all()


@pytest.mark.parametrize("power", range(-300, 301, 20))
@pytest.mark.parametrize("part", ["left", "linear", "down"])
def test_radii_are_finite_and_true_where_numbers_leave_the_range_of_floats(
    part: str, power: int
) -> None:
    torch.manual_seed(0)
    network = BilinearNetwork(3, 2, depth=3, width=2, hidden=2, residual=True).double()
    scaled = [_scaled(layer, part, 10.0**power) for layer in network.layers()]
    directions = HiddenDirections.of(Stack.of(scaled), np.full((2, 3), 0.5))
    assert all(np.isfinite(array).all() for array in directions.arrays().values())
    found = certified_radii([scaled], np.full((2, 3), 0.5), np.array([0, 1]), [directions])
    assert np.isfinite(found.radii).all()
    assert all(np.isfinite(array).all() for array in found.proofs[0])
    assert all_kept(scaled, np.full((2, 3), 0.5), np.array([0, 1]), found.radii)


def _scaled(layer: Layer, part: str, factor: float) -> Layer:
    """Scale all that one part of a layer takes of its inputs, or adds to its outputs."""
    array = getattr(layer, part).copy()
    array[1 if part == "linear" else 0 :, 1 if part != "down" else 0 :] *= factor
    return layer._replace(**{part: array})


def test_a_fourth_power_is_certified_up_to_where_it_is_one() -> None:
    layers, images, classes = fourth_power(), np.zeros((1, 1)), np.array([0])
    found = certified_radii([layers], images, classes)
    assert 0.97 < found.radii[0] <= 1
    assert found.proofs[0].multipliers.shape == (1, 2, 1, 5)
    assert (found.proofs[0].multipliers[0, 1, 0, [0, 3]] > 0).all()
    assert (found.proofs[0].multipliers[0, 0] == 0).all()


@pytest.mark.parametrize("image", [0.0, 0.3, 1.0])
def test_a_quadratic_is_certified_exactly(image: float) -> None:
    # The margin is 4 - x².
    layer = Layer(
        np.eye(2)[1:],
        np.eye(2)[1:],
        np.array([[0.0], [1.0], [0.0]]),
        np.array([[1.0, 0.0], [0.0, 0.0], [4.0, 0.0]]),
    )
    found = certified_radii([[layer]], np.array([[image]]), np.array([1]))
    assert (2 - image) * (0.999 if image else 0.97) < found.radii[0] <= 2 - image


def test_where_bends_do_not_count_another_class_is_within_the_radius(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    layers, images, classes = fourth_power(), np.zeros((1, 1)), np.array([0])
    original = lagrangian.spread
    monkeypatch.setattr(lagrangian, "spread", lambda *given: 0 * original(*given))
    found = certified_radii([layers], images, classes).radii
    assert not all_kept(layers, images, classes, found)


def test_far_more_inputs_than_are_read_do_not_matter() -> None:
    layers, images, classes = fourth_power(), np.zeros((1, 1)), np.array([0])
    wide = np.eye(2, 40)
    wide[1, 1:] = 1 / np.sqrt(39)
    first, last = layers
    left, right, linear = (array @ wide for array in (first.left, first.right, first.linear))
    spread = first._replace(left=left, right=right, linear=linear)
    one = certified_radii([layers], images, classes).radii
    many = certified_radii([[spread, last]], np.zeros((1, 39)), classes).radii
    np.testing.assert_allclose(many, one, rtol=1e-3)


@pytest.mark.parametrize(("depth", "share"), [(1, 0.999), (2, 0.95), (3, 0.85)])
def test_points_of_another_class_lie_not_far_beyond_a_certified_radius(
    depth: int, share: float
) -> None:
    model = BilinearNetwork(8, 4, depth=depth, width=5, hidden=9, seed=0).double()
    layers, images = model.layers(), np.random.default_rng(0).random((10, 8))
    classes = np.array([int(logits_at(layers, image).argmax()) for image in images])
    found = certified_radii([layers], images, classes).radii
    assert all_kept(layers, images, classes, found)
    generator = torch.Generator().manual_seed(0)
    distances = attack(model, images, classes, generator=generator).distances
    assert (found <= distances).all()
    assert found.mean() > share * distances.mean()


def graph_of(layers: Sequence[Layer], method: str) -> list[SquareLayer]:
    return square_layers(trace(layers, method))


def test_of_several_stacks_the_smallest_radius_counts() -> None:
    layers = BilinearNetwork(5, 3, depth=2, width=3, hidden=5, seed=0).double().layers()
    squares = as_layers(graph_of(layers, "canonical"))
    squares[1] = squares[1]._replace(down=0.5 * squares[1].down)
    images = np.random.default_rng(0).random((5, 5))
    classes = np.array([int(logits_at(layers, image).argmax()) for image in images])
    each = [certified_radii([one], images, classes).radii for one in (layers, squares)]
    both = certified_radii([layers, squares], images, classes)
    np.testing.assert_allclose(both.radii, np.minimum(*each), rtol=5e-3)
    assert all_kept(layers, images, classes, both.radii)
    assert all_kept(squares, images, classes, both.radii)
    assert [one.multipliers.shape for one in both.proofs] == [(5, 3, 1, 9)] * 2


def test_a_class_that_a_stack_does_not_give_has_no_radius() -> None:
    layers, images = fourth_power(), np.zeros((1, 1))
    found = certified_radii([layers], images, np.array([1]))
    assert found.radii.tolist() == [0.0]
    assert not found.proofs[0].multipliers.any()


def test_a_state_without_a_constant_is_refused() -> None:
    layers = fourth_power()
    moved = [layers[0]._replace(linear=np.eye(2) * 2), layers[1]]
    with pytest.raises(ProofError, match="expected component 0 of layer 1 to be the constant"):
        certified_radii([moved], np.zeros((1, 1)), np.array([0]))


def test_a_single_class_is_kept_as_far_as_is_looked() -> None:
    single = [
        layer._replace(down=layer.down[:2], linear=layer.linear[:2]) for layer in fourth_power()
    ]
    found = certified_radii([single], np.zeros((1, 1)), np.array([0]))
    assert found.radii[0] == 1e6 * SHORTENED


def test_rivals_that_are_far_away_hide_no_radius() -> None:
    torch.manual_seed(4)
    network = BilinearNetwork(12, 5, depth=3, width=40, hidden=20).double()
    images = np.random.default_rng(4).normal(size=(12, 12))
    images *= np.geomspace(3, 15, 12)[:, None]
    classes = predictions(network, images)
    radii = certified_radii([network.layers()], images, classes).radii
    distances = attack(network, images, classes, generator=torch.Generator(), restarts=0).distances
    # Where bends that are not looked at are held alike for all images, one of them has no radius.
    assert (radii >= 0.9 * distances).all()


@pytest.mark.parametrize(("depth", "least"), [(2, 0.8), (3, 0.75)])
def test_directions_along_which_next_to_nothing_bends_shorten_no_radius(
    depth: int, least: float
) -> None:
    torch.manual_seed(1)
    module = Research(depth, bias=True).double()
    network = from_module(module, torch.zeros(1, 6, dtype=torch.float64))
    images = np.random.default_rng(1).normal(size=(6, 6)) * np.geomspace(1, 30, 6)[:, None]
    classes = predictions(network, images)
    found = attack(network, images, classes, generator=torch.Generator().manual_seed(0))
    radii = certified_radii([network.layers()], images, classes).radii
    # It was a tenth where all directions had as much room as what bends least.
    assert (radii / found.distances).mean() >= least
