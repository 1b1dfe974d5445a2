"""What multipliers prove of a margin holds on the whole ball."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from numeric import Layer
from proofs.bounds.margin_floors import Floor, Margin, Reach, margins
from proofs.bounds.surroundings import Compressed, surroundings
from tests.proofs.bounds.balls import logits_at
from tests.tensors import random_stack

Doubles = npt.NDArray[np.float64]


@pytest.mark.parametrize("bends", [True, False])
def test_moves_within_a_ball_bend_no_more_than_is_allowed(bends: bool) -> None:
    layers = random_stack([3, 3, 3, 3, 2], seed=1)
    # A state that first bends alone: where bends do not count, it seems not to move.
    layers[0].linear[1:, 1:] = 0
    for side in (layers[0].left, layers[0].right):
        side[:, 0] = 0
    stack = Compressed.of(layers, np.eye(3))
    if not bends:
        stack = replace(stack, bend=0.0)
    image = np.zeros(3)
    around = next(surroundings(stack, image[None]))
    spreads = Reach.of(around, 0.5).spreads
    draw, broken = np.random.default_rng(0), [False] * 3
    for direction in draw.normal(size=(200, 3)):
        moves = _moves(layers, image, 0.5 * direction / np.linalg.norm(direction))
        for level, (below, bend) in enumerate(moves[:3]):
            turned = np.linalg.solve(stack.roots[level], bend)
            broken[level] |= bool(turned @ turned > below @ spreads[level] @ below * (1 + 1e-9))
    assert broken == ([False] * 3 if bends else [False, True, True])


def _moves(layers: Sequence[Layer], image: Doubles, step: Doubles) -> list[tuple[Doubles, Doubles]]:
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


def test_a_floor_is_below_the_margin_on_the_whole_ball() -> None:
    layers = random_stack([4, 3, 3], seed=2)
    stack, image = Compressed.of(layers, np.eye(4)), np.full(4, 0.1)
    around = next(surroundings(stack, image[None]))
    label = int(logits_at(layers, image).argmax())
    draw = np.random.default_rng(0)
    steps = draw.normal(size=(500, 4))
    steps *= 0.2 * draw.random((500, 1)) / np.linalg.norm(steps, axis=1, keepdims=True)
    for rival, margin in margins(around, label):
        logits = np.array([logits_at(layers, image + step) for step in steps])
        least = (logits[:, label] - logits[:, rival]).min()
        floor = _settled(margin, Reach.of(around, 0.2))
        assert floor.value <= least
        assert floor.value > least - 2 * (margin.value - least) - 1e-9


def _settled(margin: Margin, reach: Reach) -> Floor:
    floor = margin.floor(reach, np.ones(2))
    assert floor is not None
    values = [floor.value]
    for _ in range(20):
        floor = margin.floor(reach, np.sqrt(floor.multipliers * floor.better))
        assert floor is not None
        values.append(floor.value)
    assert max(values) >= values[0]
    return floor
