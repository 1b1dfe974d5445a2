"""Slabs leave no move of a ball out, and hold those that are in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork
from proofs.bounds.lagrangian import Multipliers, Quadratic
from proofs.bounds.slabs import Slab, Slabs, divided, vanishing, whole
from proofs.bounds.surroundings import Stack, Surroundings, surroundings
from tests.proofs.bounds.balls import fourth_power

Doubles = npt.NDArray[np.float64]


def around(seed: int = 0) -> tuple[Surroundings, Doubles]:
    """A network of three layers at an image, and the margin of its class over another one."""
    stack = Stack.of(BilinearNetwork(6, 3, depth=3, width=4, hidden=5, seed=seed).double().layers())
    image = np.random.default_rng(seed).random((1, 6))
    found = next(surroundings(stack, image))
    order = np.argsort(found.logits)
    return found, np.eye(3)[order[-1]] - np.eye(3)[order[-2]]


def test_slabs_are_next_to_each_other_and_reach_beyond_the_ball() -> None:
    ahead, slabs = divided(*around(), 0.5)
    assert 0 < ahead < 0.5
    assert slabs[0].low < -0.5
    assert slabs[-1].high > 0.5
    for below, above in pairwise(slabs):
        assert below.high == above.low
        assert below.direction is above.direction
    assert np.linalg.norm(slabs[0].direction) == pytest.approx(1)


def test_halves_are_a_slab_and_meet_before_the_image() -> None:
    for low, high in ((-1.0, 0.4), (0.4, 1.0)):
        lower, upper = Slab(np.ones(1), low, high).halves()
        assert (lower.low, upper.high) == (low, high)
        assert low < lower.high == upper.low < high
        assert lower.high > 0


@pytest.mark.props
@given(st.integers(0, 2**32 - 1), st.floats(-1, 0.99))
def test_moves_in_a_slab_are_within_reach_of_its_centre(seed: int, low: float) -> None:
    draw = np.random.default_rng(seed)
    move, other = (vector / np.linalg.norm(vector) for vector in draw.normal(size=(2, 4)))
    direction = other if other @ move >= low else move
    slab = Slab(direction, low, 1.0)
    assert np.linalg.norm(move - slab.centre * direction) <= slab.reach(1.0) * (1 + 1e-9)


@pytest.mark.props
@given(st.integers(0, 2**32 - 1))
def test_what_is_added_is_a_quadratic_of_the_move_from_the_image(seed: int) -> None:
    draw = np.random.default_rng(seed)
    form, slope, direction, move = draw.normal(size=(4, 4)), *draw.normal(size=(3, 4))
    given = Quadratic(float(draw.normal()), slope, form + form.T)
    low, high = np.sort(draw.normal(size=2)).tolist()
    slab, multiplier = Slab(direction, low, high), float(draw.exponential())
    found, along = slab.added(given, multiplier), float(direction @ move)
    held = multiplier * (along - low) * (along - high)
    wanted = value(given, move - slab.centre * direction) + held
    assert value(found, move) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def value(quadratic: Quadratic, move: Doubles) -> float:
    straight = quadratic.constant + quadratic.slope @ move
    return float(straight + move @ quadratic.matrix @ move)


def test_all_of_a_ball_has_no_direction() -> None:
    slab = whole(around()[0], 2.0)
    assert not slab.direction.any()
    assert slab.centre == 0
    assert slab.reach(2.0) == 2


def test_a_ball_that_is_not_divided_has_empty_slabs_beside_it() -> None:
    multipliers = Multipliers(2.0, [np.ones(1)], [np.full(1, 3.0)], np.ones(1))
    found = Slabs.whole(0.5, multipliers)
    assert found.flat(3).tolist() == [0, -0.5, 0.5, 0.5, 0.5]
    assert found.factors(2).tolist() == [[2, 0, 1, 3, 1], [0] * 5]


def test_where_a_margin_vanishes_it_does() -> None:
    stack = Stack.of(fourth_power())
    at = next(surroundings(stack, np.full((1, 1), 0.25)))
    assert vanishing(at, np.array([1.0, -1.0])) == pytest.approx(0.75, rel=0.05)


def test_a_margin_without_a_slope_vanishes_nowhere() -> None:
    at = next(surroundings(Stack.of(fourth_power()), np.zeros((1, 1))))
    assert vanishing(at, np.array([1.0, -1.0])) == np.inf
    assert not divided(at, np.array([1.0, -1.0]), 1.0)[1][0].direction.any()
