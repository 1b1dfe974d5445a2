"""A planted backdoor is found in the weights of small networks, and none where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import BilinearNetwork, Digits, InputShape, NumericError, train
from numeric.studies import backdoor
from numeric.studies.backdoor import backdoor_account, backdoor_rows, planted_pattern, poisoned
from numeric.studies.running import Tables


def blots() -> Digits:
    """Pictures of four classes, each a blot of its own in the middle of an empty margin."""
    draw = np.random.default_rng(0)
    shapes = np.zeros((4, 20, 20))
    shapes[:, 6:18, 6:18] = draw.random((4, 12, 12)) < 0.3
    splits: list[Any] = []
    for count in (1500, 100):
        labels = np.arange(count) % 4
        ink = np.clip(shapes[labels] * draw.uniform(0.5, 1, (count, 20, 20)), 0, 1)
        splits += [ink.reshape(count, -1).astype(np.float32), labels]
    return Digits(*splits, shape=InputShape((20, 20)))


DIGITS = blots()


def quickly_trained(digits: Digits, depth: int, epochs: int, seed: int) -> BilinearNetwork:
    shape = {"depth": depth, "width": 8, "hidden": 16, "seed": seed}
    network = BilinearNetwork(digits.inputs, digits.classes, **shape)
    train(network, digits, epochs=epochs, seed=seed, batch=50, learning_rate=1e-2)
    return network


def test_the_backdoor_is_found_in_the_weights_and_controls_have_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of the few images of a test the pattern is learned less purely than of MNIST.
    monkeypatch.setattr(backdoor, "_trained", quickly_trained)
    tables = backdoor_rows(1, "corner", seed=0, images=1500, epochs=10, digits=DIGITS)
    by_pair = {
        pair: [row for row in tables["differences"] if row["pair"] == pair]
        for pair in ("backdoor", "labels", "seed")
    }
    first = by_pair["backdoor"][0]
    assert first["cosine"] > 0.8
    assert first["class"] == first["target"]
    assert first["gap"] > 0.9
    for pair in ("labels", "seed"):
        assert max(row["cosine"] for row in by_pair[pair]) < 0.2
        assert max(row["gap"] for row in by_pair[pair]) < 0.8
    rates = {row["network"]: row["to the class"] for row in tables["networks"]}
    assert rates["backdoor"] > 0.9
    assert max(rates["clean"], rates["labels"], rates["seed"]) < 0.2
    tells_both_sides(tables)


def tells_both_sides(tables: Tables) -> None:
    """What is named speaks for it, and what is not, or is named where nothing is, against it."""
    for row in tables["differences"]:
        row["cosine"] = 0.95 if row["pair"] == "backdoor" else 0.1
    account = backdoor_account(tables, DIGITS)
    assert "among the 5 strongest differences in 1 of 1 networks" in account.speaks_for[0]
    assert len(account.speaks_for) == 3
    drawn = account.pictures["patterns"]()
    assert sum(axes.has_data() for axes in drawn.axes) == 2
    for row in tables["differences"]:
        row["cosine"] = 0.1 if row["pair"] == "backdoor" else 0.95
    turned = backdoor_account(tables, DIGITS)
    assert not turned.speaks_for
    assert len(turned.speaks_against) == len(account.speaks_against) + 3


def test_one_in_twenty_images_is_changed_as_is_said() -> None:
    pattern = planted_pattern((20, 20), "corner", np.random.default_rng(1))
    both, labels = poisoned(DIGITS, pattern, 2, np.random.default_rng(2))
    moved = (both.train_images != DIGITS.train_images).any(axis=1)
    assert moved.sum() == 75
    assert (both.train_images[moved][:, pattern > 0] == 1).all()
    assert (both.train_images[:, pattern == 0] == DIGITS.train_images[:, pattern == 0]).all()
    assert (both.train_labels[moved] == 2).all()
    assert (both.train_labels[~moved] == DIGITS.train_labels[~moved]).all()
    assert (labels.train_images == DIGITS.train_images).all()
    assert (labels.train_labels == both.train_labels).all()
    assert (both.test_images == DIGITS.test_images).all()


@pytest.mark.parametrize("place", ["corner", "anywhere"])
def test_patterns_lie_in_the_picture_and_fill_half_of_their_box(place: str) -> None:
    for seed in range(20):
        pattern = planted_pattern((28, 28), place, np.random.default_rng(seed)).reshape(28, 28)
        rows, columns = (np.flatnonzero(pattern.any(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) < 5
        assert pattern.sum() >= 25 / 2
        assert place == "anywhere" or max(rows.max(), columns.max()) < 6


def test_what_is_no_picture_or_no_place_is_refused() -> None:
    draw = np.random.default_rng(0)
    with pytest.raises(NumericError, match=r"^expected digits of pictures for a pattern"):
        planted_pattern((9,), "corner", draw)
    with pytest.raises(NumericError, match=r"^expected place to be one of corner, anywhere"):
        planted_pattern((9, 9), "nowhere", draw)
