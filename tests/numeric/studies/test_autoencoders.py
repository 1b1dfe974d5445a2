"""Sparse autoencoders side by side: what they compute, and that they learn."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from numeric import NumericError
from numeric.studies.autoencoders import Autoencoders


def sparse(samples: int = 2000, width: int = 8, features: int = 8, seed: int = 0) -> torch.Tensor:
    """Return states that are sums of few orthogonal directions: the axes."""
    draw = torch.Generator().manual_seed(seed)
    fires = torch.rand(samples, features, generator=draw) < 0.1
    return fires * (0.5 + torch.rand(samples, width, generator=draw))


def test_one_latent_is_what_the_formula_says() -> None:
    few = Autoencoders(1, 3, 4, active=2, seed=1)
    states = torch.randn(1, 6, 3, generator=torch.Generator().manual_seed(0))
    latents = few.encode(states)
    whole = torch.relu((states[0] - few.centre[0]) @ few.encoder[0].T + few.thresholds[0])
    for row, full in zip(latents[0], whole, strict=True):
        kept = full.topk(2)
        assert torch.allclose(row.sum(), kept.values.sum())
        assert int((row > 0).sum()) <= 2
    assert torch.allclose(few.decode(latents)[0], latents[0] @ few.directions[0] + few.centre[0])


@pytest.mark.parametrize("kind", [{"active": 2}, {"penalties": [0.2, 0.2]}])
def test_they_find_directions_that_fire_by_themselves(kind: dict[str, Any]) -> None:
    states = sparse()[None].expand(2, -1, -1)
    before = Autoencoders(2, 8, 16, seed=3, **kind)
    few = Autoencoders(2, 8, 16, seed=3, **kind).fit(states, 500, learning_rate=1e-2)
    cosines, unlearned = (one.directions.amax(dim=1) for one in (few, before))
    assert (cosines > 0.95).float().mean() > 0.9
    assert (unlearned > 0.95).float().mean() < 0.3
    assert torch.allclose(few.directions.norm(dim=2), torch.ones(2, 16))
    assert not few.directions.requires_grad


def test_each_is_what_it_would_be_alone() -> None:
    states = torch.stack([sparse(seed=0), 2 * sparse(seed=1)])
    together = Autoencoders(2, 8, 6, penalties=[0.1, 0.2]).fit(states, 30)
    other = torch.stack([3 * states[0], states[1]])
    second = Autoencoders(2, 8, 6, penalties=[0.3, 0.2]).fit(other, 30)
    assert torch.allclose(together.directions[1], second.directions[1], atol=1e-5)
    assert not torch.allclose(together.directions[0], second.directions[0], atol=1e-4)


def test_a_larger_penalty_leaves_fewer_active() -> None:
    states = sparse()[None].expand(2, -1, -1)
    few = Autoencoders(2, 8, 16, penalties=[0.01, 0.5]).fit(states, 300)
    low, high = (few.encode(states) > 0).float().sum(dim=2).mean(dim=1)
    assert high < low


def test_training_is_the_same_again() -> None:
    states = sparse()[None]
    one, same, other = (
        Autoencoders(1, 8, 6, active=2).fit(states, 40, seed=seed).directions for seed in (0, 0, 1)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_dead_latents_are_drawn_anew() -> None:
    few = Autoencoders(1, 8, 6, active=2)
    few.thresholds[0, 0, 3] = -1e6
    few.fit(sparse()[None], 80)
    assert few.thresholds[0, 0, 3] > -1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected one of active and penalties, got None and None"),
        ({"active": 1, "penalties": [0.1]}, r"expected one of .*, got 1 and \[0.1\]"),
        ({"active": 5}, "expected active to be at most 4 latents, got 5"),
        ({"active": 0}, r"expected active to be .*, got 0"),
        ({"penalties": [0.1, 0.2]}, "expected penalties for 1 autoencoders, got 2 of them"),
    ],
)
def test_what_is_no_autoencoder_is_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(NumericError, match=message):
        Autoencoders(1, 3, 4, **settings)


def test_states_of_another_width_are_refused() -> None:
    with pytest.raises(NumericError, match=r"expected states of shape \(1, states, 3\), got"):
        Autoencoders(1, 3, 4, active=1).fit(torch.ones(1, 5, 2), 1)
