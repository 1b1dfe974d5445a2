"""Factors of what holds bends that are not looked at, held against all others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from numeric import BilinearNetwork
from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.lagrangian import Margin, Multipliers, outer_bounds
from proofs.bounds.relaxation import Found, Relaxation
from proofs.bounds.surroundings import Stack, surroundings

SCALES = np.geomspace(1e-3, 1e3, 25)


def found(depth: int, seed: int, unusual: float) -> tuple[Margin, Found, list[np.ndarray]]:
    """Multipliers of a margin, where what is usual was made for others."""
    network = BilinearNetwork(8, 3, depth=depth, width=12, hidden=9, seed=seed).double()
    stack = Stack.of(network.layers())
    images = np.random.default_rng(seed).normal(size=(4, 8))
    directions = HiddenDirections.of(stack, images, 4)
    directions = replace(directions, held=[unusual * each for each in directions.held])
    around = next(surroundings(stack, images))
    label = int(around.logits.argmax())
    margin = Margin.of(around, directions, label, (label + 1) % 3)
    outer = outer_bounds(margin, 0.8 * margin.distance)
    multipliers = Relaxation(margin, np.eye(8)).multipliers(outer, 8 * margin.distance)
    assert multipliers is not None
    return margin, multipliers, outer


def proved(margin: Margin, multipliers: Multipliers, outer: list[np.ndarray]) -> float:
    below = margin.below(multipliers, outer)
    return 0.0 if below is None else below.radius()[0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("unusual", [1e-6, 1.0, 1e6])
def test_no_other_factors_prove_much_more(depth: int, seed: int, unusual: float) -> None:
    margin, best, outer = found(depth, seed, unusual)
    multipliers = best.with_room(1e-3)
    radius = proved(margin, multipliers, outer)
    scaled = np.array(np.meshgrid(*[SCALES] * (depth - 1))).reshape(depth - 1, -1).T
    others = [replace(multipliers, tails=multipliers.tails * each) for each in scaled]
    most = max(proved(margin, each, outer) for each in others)
    # Through three layers the factors of both states are found one after the other.
    assert radius >= {2: 0.99, 3: 0.93}[depth] * most > 0
    # Far off nothing is proved, or next to nothing.
    for far in (1e-8, 1e8):
        off = replace(multipliers, tails=multipliers.tails * far)
        assert proved(margin, off, outer) < 0.9 * radius


@pytest.mark.parametrize("depth", [2, 3])
def test_factors_take_back_what_was_unusual(depth: int) -> None:
    factors = [found(depth, 0, unusual)[1].multipliers.tails for unusual in (1.0, 1e6)]
    np.testing.assert_allclose(factors[0], 1e6 * factors[1], rtol=1e-6)


def test_the_usual_multipliers_alone_prove_nothing_where_they_were_made_for_others() -> None:
    margin, best, outer = found(3, 0, 1e-6)
    multipliers = replace(best.with_room(1e-3), tails=np.ones(2))
    assert proved(margin, multipliers, outer) == 0
