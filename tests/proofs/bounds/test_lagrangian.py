"""What multipliers prove of a margin holds on the whole ball."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import Layer
from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.lagrangian import Margin, Multipliers, Quadratic, outer_bounds
from proofs.bounds.surroundings import Stack, surroundings
from tests.proofs.bounds.balls import logits_at
from tests.tensors import random_stack

Doubles = npt.NDArray[np.float64]


def margins(layers: Sequence[Layer], image: Doubles, kept: int | None = None) -> list[Margin]:
    """The margins of an image's class, over all others."""
    stack = Stack.of(layers)
    around = next(surroundings(stack, image[None]))
    directions = HiddenDirections.of(stack, image[None], kept)
    label = int(around.logits.argmax())
    others = (rival for rival in range(len(around.logits)) if rival != label)
    return [Margin.of(around, directions, label, rival) for rival in others]


def drawn_multipliers(margin: Margin, draw: np.random.Generator) -> Multipliers:
    """Some that leave bends held more often than not."""
    linear = [draw.normal(size=len(kept)) for kept in margin.kept]
    bends = [draw.exponential(10, size=len(each)) for each in linear]
    return Multipliers(1.0, linear, bends, draw.exponential(5, size=len(linear)))


def moves(layers: Sequence[Layer], image: Doubles, step: Doubles) -> list[tuple[Doubles, Doubles]]:
    """Each state's move and how the layer above it bends, by their definitions."""
    found = []
    state, moved = np.concatenate([[1.0], image]), np.concatenate([[1.0], image + step])
    for left, right, down, linear in layers:
        below = moved - state
        bend = down @ ((left @ below) * (right @ below))
        found.append((below[1:], bend[1:]))
        state, moved = (
            down @ ((left @ each) * (right @ each)) + linear @ each for each in (state, moved)
        )
    return found


@pytest.mark.parametrize("bends", [True, False])
def test_squares_of_moves_within_a_ball_are_below_their_bounds(bends: bool) -> None:
    layers = random_stack([3, 3, 3, 3, 2], seed=1)
    # A state that first bends alone: where bends do not count, it seems not to move.
    layers[0].linear[1:, 1:] = 0
    for side in (layers[0].left, layers[0].right):
        side[:, 0] = 0
    image = np.zeros(3)
    (margin,) = margins(layers, image)
    outer = outer_bounds(margin if bends else replace(margin, bend=0.0), 0.5)
    assert len(outer) == 3
    draw, broken = np.random.default_rng(0), [False] * 2
    for direction in draw.normal(size=(200, 3)):
        found = moves(layers, image, 0.5 * direction / np.linalg.norm(direction))
        for level, (below, _) in enumerate(found[1:3]):
            rest = outer[level + 1] - np.outer(below, below)
            broken[level] |= bool(np.linalg.eigvalsh(rest)[0] < -1e-9)
    assert broken == ([False] * 2 if bends else [True] * 2)


@pytest.mark.props
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.booleans())
def test_a_quadratic_is_below_the_margin_on_the_whole_ball(
    seed: int, depth: int, fewer: bool
) -> None:
    draw, radius = np.random.default_rng(seed), 0.2
    layers = random_stack([4, *[3] * (depth - 1), 3], seed=seed)
    image = draw.normal(size=4)
    for margin in margins(layers, image, 1 if fewer else None):
        below = margin.below(drawn_multipliers(margin, draw), outer_bounds(margin, radius))
        if below is None:
            continue
        logits = margin.gradients[-1]
        for _ in range(5):
            step = draw.normal(size=4)
            step *= radius * draw.random() / np.linalg.norm(step)
            least = below.constant + below.slope @ step + step @ below.matrix @ step
            true = logits @ logits_at(layers, image + step)
            assert least <= true + 1e-9 * (1 + abs(below.matrix).sum() + abs(true))


def test_where_nothing_is_allowed_for_bends_a_quadratic_is_above_some_margin() -> None:
    layers = random_stack([4, 3, 4], seed=0)
    draw, image, above = np.random.default_rng(0), np.full(4, 0.3), False
    for margin in 20 * margins(layers, image):
        below = margin.below(drawn_multipliers(margin, draw), [np.zeros(())])
        if below is None:
            continue
        for step in 0.3 * draw.normal(size=(50, 4)):
            least = below.constant + below.slope @ step + step @ below.matrix @ step
            above |= bool(least > margin.gradients[-1] @ logits_at(layers, image + step))
    assert above


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_margin_falls_no_more_than_norms_say(depth: int) -> None:
    layers, image = random_stack([4, *[3] * (depth - 1), 3], seed=1), np.full(4, 0.3)
    draw = np.random.default_rng(0)
    for margin in margins(layers, image):
        for step in draw.normal(size=(30, 4)):
            fallen = margin.value - margin.gradients[-1] @ logits_at(layers, image + step)
            assert fallen <= margin.falls(float(np.linalg.norm(step))) * (1 + 1e-9)


@pytest.mark.props
@given(st.integers(0, 2**32 - 1))
def test_the_largest_radius_is_proved_by_its_multiplier_and_no_larger_one_by_any(
    seed: int,
) -> None:
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(3, 3))
    quadratic = Quadratic(1.0, draw.normal(size=3), matrix + matrix.T - np.eye(3))
    radius, ball, _ = quadratic.radius()
    assert quadratic.positive(ball, radius * (1 - 1e-6))
    for other in ball * np.geomspace(0.1, 10, 50):
        assert not quadratic.positive(other, radius * (1 + 1e-5))
    steps = draw.normal(size=(200, 3))
    steps *= radius * (1 - 1e-6) / np.linalg.norm(steps, axis=1, keepdims=True)
    values = 1 + steps @ quadratic.slope + ((steps @ quadratic.matrix) * steps).sum(axis=1)
    assert (values > 0).all()


@pytest.mark.parametrize("constant", [-1.0, 0.0, 1e-300, 1.0, 1e300])
def test_a_radius_is_finite_where_nothing_slopes_or_bends(constant: float) -> None:
    radius, ball, moves = Quadratic(constant, np.zeros(2), np.zeros((2, 2))).radius()
    assert np.isfinite([radius, ball]).all()
    assert np.isfinite(moves).all()
    assert radius > 0 if constant > 0 else radius == 0
