"""What one network reads and another does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from numeric import Layer, NumericError
from numeric.comparison.differences import difference, differences, input_environment
from tests.tensors import random_stack, stack_tensor, stack_values

Doubles = npt.NDArray[np.float64]
STACKS = [(4, 3), (3, 2, 3), (2, 2, 3, 2)]


def with_neuron(layers: list[Layer], reading: Any, output: int, weight: float) -> list[Layer]:
    """The network with one more feature in its first layer, of a single one."""
    (layer,) = layers
    row = np.concatenate([[0.0], reading])[None]
    column = weight * np.eye(len(layer.down))[:, [output + 1]]
    return [
        layer._replace(
            left=np.concatenate([layer.left, row]),
            right=np.concatenate([layer.right, row]),
            down=np.concatenate([layer.down, column], axis=1),
        )
    ]


@pytest.mark.parametrize("sizes", STACKS)
def test_the_difference_is_the_network_of_the_differences(sizes: tuple[int, ...]) -> None:
    first, second = random_stack(sizes), random_stack(sizes, 1, neurons=4)
    points = np.random.default_rng(2).normal(size=(9, sizes[0]))
    wanted = stack_values(second, points) - stack_values(first, points)
    np.testing.assert_allclose(stack_values(difference(first, second), points), wanted)
    size = abs(stack_values(first, points)).max()
    assert abs(stack_values(difference(first, first), points)).max() < 1e-12 * size


def test_networks_of_other_widths_are_subtracted() -> None:
    first, second = random_stack((3, 2, 2)), random_stack((3, 4, 2), 1)
    points = np.random.default_rng(2).normal(size=(9, 3))
    wanted = stack_values(second, points) - stack_values(first, points)
    np.testing.assert_allclose(stack_values(difference(first, second), points), wanted)


@pytest.mark.parametrize("sizes", [(4, 3), (2, 2, 3), (1, 1, 2, 2)])
def test_what_is_drawn_from_an_input_is_what_the_unfolded_tensor_says(
    sizes: tuple[int, ...],
) -> None:
    layers, size = random_stack(sizes, neurons=3), sizes[0] + 1
    for outputs in (None, [1], [2]):
        chosen = stack_tensor(layers)[slice(1, None) if outputs is None else outputs]
        unfolded = chosen.reshape(len(chosen), size, -1)
        wanted = np.einsum("oij,okj->ik", unfolded, unfolded)
        np.testing.assert_allclose(input_environment(layers, outputs), wanted)


@pytest.mark.parametrize("sizes", STACKS[:2])
def test_strengths_shares_and_cosines_are_those_of_the_unfolded_tensors(
    sizes: tuple[int, ...],
) -> None:
    first, second = random_stack(sizes), random_stack(sizes, 1)
    one, other = (
        stack_tensor(layers)[1:].reshape(sizes[-1], sizes[0] + 1, -1) for layers in (first, second)
    )
    found = differences(first, second, sizes[0])
    assert len(found) == sizes[0]
    moved = ((other - one)[:, 1:] ** 2).sum()
    for entry in found:
        here, there = (np.einsum("i,oij->oj", entry.pattern, part[:, 1:]) for part in (one, other))
        parts = ((there - here) ** 2).sum(axis=1)
        np.testing.assert_allclose(entry.share, parts.sum() / moved)
        np.testing.assert_allclose(entry.outputs, parts / parts.sum())
        np.testing.assert_allclose(entry.first, np.linalg.norm(here))
        np.testing.assert_allclose(entry.second, np.linalg.norm(there))
        cosine = (here * there).sum() / np.linalg.norm(here) / np.linalg.norm(there)
        np.testing.assert_allclose(entry.cosine, cosine, atol=1e-12)
    shares = [entry.share for entry in found]
    assert shares == sorted(shares, reverse=True)
    np.testing.assert_allclose(sum(shares), 1)


def test_a_feature_that_was_added_is_found_gained_and_one_that_was_taken_away_lost() -> None:
    reading = np.array([0.6, 0.0, -0.8, 0.0])
    # The first hardly reads anything, so that what is added is more than twice as much.
    (layer,) = random_stack((4, 3))
    first = [layer._replace(down=1e-3 * layer.down, linear=np.eye(4, 5, k=9))]
    first[0].linear[0, 0] = 1.0
    second = with_neuron(first, reading, output=1, weight=5.0)
    (found,) = differences(first, second)
    np.testing.assert_allclose(found.pattern, [-0.6, 0, 0.8, 0], atol=1e-12)
    np.testing.assert_allclose(found.outputs, [0, 1, 0], atol=1e-12)
    assert (found.kind, differences(second, first)[0].kind) == ("gained", "lost")
    assert found.share == pytest.approx(1)
    (turned,) = differences(second, with_neuron(first, reading, output=1, weight=-5.0))
    assert turned.kind == "changed"
    assert turned.cosine == pytest.approx(-1, abs=1e-4)


def test_the_same_polynomial_in_another_basis_has_no_difference_beyond_rounding() -> None:
    first = random_stack((3, 2, 3))
    change = np.array([[1.0, 0, 0], [0.5, 2, 1], [0, -1, 1]])
    back = np.linalg.inv(change)
    below, above = first
    second = [
        below._replace(down=change @ below.down, linear=change @ below.linear),
        Layer(above.left @ back, above.right @ back, above.down, above.linear @ back),
    ]
    size = np.trace(input_environment(first))
    for entry in differences(first, second):
        assert abs(entry.second - entry.first) < 1e-7 * np.sqrt(size)
        assert entry.cosine > 1 - 1e-12
    moved = first[1].down.copy()
    moved[1, 0] += 1e-3
    assert differences(first, [first[0], first[1]._replace(down=moved)])[0].outputs[0] > 0.999


def test_networks_of_other_depths_have_no_difference() -> None:
    with pytest.raises(NumericError, match=r"^expected second to have 1 layers .+ got 2$"):
        differences(random_stack((3, 2)), random_stack((3, 2, 2)))
    with pytest.raises(NumericError, match=r"^expected count to be an integer of at least 1, got"):
        differences(random_stack((3, 2)), random_stack((3, 2)), 0)


def test_what_float64_cannot_hold_is_refused() -> None:
    (layer,) = random_stack((3, 2))
    with pytest.raises(NumericError, match="got an overflow"):
        differences([layer._replace(down=1e200 * layer.down)], [layer])
