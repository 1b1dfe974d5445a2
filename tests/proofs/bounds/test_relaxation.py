"""Multipliers that are found in few directions of the input, and what they prove in all."""

from __future__ import annotations

import numpy as np
import pytest

from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.lagrangian import Margin, Multipliers, outer_bounds
from proofs.bounds.relaxation import (
    Found,
    Relaxation,
    bending_directions,
    directions_at,
    extended_basis,
)
from proofs.bounds.surroundings import Stack, surroundings
from tests.tensors import random_stack


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_in_all_directions_multipliers_prove_what_is_found(depth: int) -> None:
    stack = Stack.of(random_stack([4, *[3] * (depth - 1), 3], seed=3))
    images = np.full((1, 4), 0.2)
    around = next(surroundings(stack, images))
    directions, label = HiddenDirections.of(stack, images), int(around.logits.argmax())
    for rival in {0, 1, 2} - {label}:
        margin = Margin.of(around, directions, label, rival)
        outer = outer_bounds(margin, 0.3 * margin.distance)
        found = Relaxation(margin, np.eye(4)).multipliers(outer, 4 * margin.distance)
        assert found is not None
        below = margin.below(found.multipliers, outer)
        assert below is not None
        # What the tails cost is not looked at there, and all directions are kept here.
        assert below.radius()[0] == pytest.approx(found.radius, rel=5e-3)
        assert all((bends >= 0).all() for bends in found.multipliers.bends)


def test_the_directions_looked_at_hold_the_slopes_and_are_orthonormal() -> None:
    stack = Stack.of(random_stack([60, 3, 3], seed=0))
    images = np.random.default_rng(0).normal(size=(2, 60))
    around = next(surroundings(stack, images))
    directions = HiddenDirections.of(stack, images)
    margin = Margin.of(around, directions, 0, 1)
    basis = directions_at(margin, bending_directions(stack, directions))
    np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-9)
    for read in (margin.gradients[0], *(margin.kept[0] @ around.jacobians[0])):
        np.testing.assert_allclose(basis @ (basis.T @ read), read, atol=1e-9)


def test_a_basis_is_extended_by_what_it_does_not_hold_alone() -> None:
    basis = np.eye(4)[:, :2]
    more = np.array([[1.0, 0, 0, 0], [1, 1, 2, 0], [0, 0, 0, 0]]).T
    extended = extended_basis(basis, more)
    assert extended.shape == (4, 3)
    np.testing.assert_allclose(abs(extended[:, 2]), [0, 0, 1, 0], atol=1e-12)


def test_room_is_in_units_of_how_large_bends_may_be() -> None:
    multipliers = Multipliers(1.0, [np.zeros(2)], [np.array([3.0, -1e-9])], np.ones(1))
    found = Found(multipliers, 1.0, [np.array([1.0, 1e-2])])
    np.testing.assert_allclose(found.with_room(0.1).bends[0], [3.33, 0.03 * 1e4])
    np.testing.assert_array_equal(found.with_room(0.0).bends[0], [3.0, 0.0])
    assert found.with_room(0.1).linear is multipliers.linear
