"""Features that fire together: how they are drawn, and how pairs are judged."""

from __future__ import annotations

import numpy as np
import pytest

from numeric.studies.merging import (
    FIRES,
    _activations,
    _directions,
    _pairs,
    fired,
    merging_rows,
    weight_rows,
)


@pytest.mark.parametrize("together", [0.0, 0.5, 0.9])
def test_how_often_features_fire_does_not_hang_on_how_often_together(together: float) -> None:
    codes = fired(40_000, together, 4, np.random.default_rng(0))
    fires = codes > 0
    assert fires.mean(axis=0) == pytest.approx(FIRES, abs=0.01)
    other = (fires[:, 0] & fires[:, 1]).sum() / fires[:, 0].sum()
    rest = FIRES * (1 - together) / (1 - FIRES * together)
    wanted = together + (1 - together) * rest
    assert other == pytest.approx(wanted, abs=0.03)
    # Of those of different pairs, and of magnitudes, nothing is in common.
    assert (fires[:, 0] & fires[:, 2]).sum() / fires[:, 0].sum() == pytest.approx(FIRES, abs=0.02)
    both = codes[fires[:, 0] & fires[:, 1]]
    assert abs(np.corrcoef(both[:, 0], both[:, 1])[0, 1]) < 0.1


def test_a_pair_is_apart_or_merged_or_neither() -> None:
    mixing = np.eye(6)
    apart, merged = np.eye(6)[:2], np.array([[0, 0, 1, 1, 0, 0]]) / np.sqrt(2)
    lone = np.eye(6)[4:5]
    table = _directions(np.concatenate([apart, merged, lone]), mixing)
    assert _pairs(*table, 0.95) == (1 / 3, 1 / 3)


def test_latents_are_judged_by_what_they_do_too() -> None:
    codes = fired(2000, 0.0, 4, np.random.default_rng(0))
    latents = np.stack([codes[:, 0], 2 * codes[:, 1], codes[:, 2] + codes[:, 3]], axis=1)
    assert _pairs(*_activations(latents, codes), 0.9) == (0.5, 0.5)


def test_what_fires_together_is_merged_by_autoencoders_and_not_by_weights() -> None:
    settings = {"seeds": 1, "steps": 300, "samples": 4000, "latents": 32, "penalties": []}
    alone, together = (
        merging_rows(share, active=2, **settings)["merging"][0]  # type: ignore[arg-type]
        for share in (0.0, 0.95)
    )
    assert alone["apart by direction"] > 0.8
    assert alone["merged by direction"] < 0.1
    assert together["merged by direction"] > 0.5
    assert all(row["recall"] == 1 for row in weight_rows(0)["weights"])


def test_every_penalty_is_told_and_larger_ones_leave_fewer_active() -> None:
    settings = {"seeds": 1, "steps": 150, "samples": 2000, "latents": 20, "active": None}
    low, high = merging_rows(0.0, penalties=[0.001, 0.5], **settings)["merging"]  # type: ignore[arg-type]
    assert (low["method"], low["penalty"], high["penalty"]) == ("L1", 0.001, 0.5)
    assert low["active"] > high["active"]
    assert low["true active"] == pytest.approx(16 * FIRES, abs=0.2)
