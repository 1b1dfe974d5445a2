"""How networks and their features are judged, and masks that are made of these."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from numeric import InputShape
from numeric.studies.class_features import class_features, effective_rank, roughness
from numeric.studies.masks import MASK, class_masks, mask_rows, told_masks
from numeric.studies.regularisation import (
    BOTH,
    NONE,
    REGULARISATIONS,
    regularisation_rows,
    told_regularisation,
)
from numeric.studies.trained import Trained
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=36)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    path = tmp_path_factory.mktemp("kept") / "network.safetensors"
    return Trained(str(path), 1, 1, 24, 120, noise=0.1)


def test_a_mask_is_read_by_its_class_and_by_no_other(network: Trained) -> None:
    layers = network.layers(DIGITS)
    first = np.concatenate([each.supporting(1) for each in class_features(layers)])
    masks = class_masks(layers)
    assert np.allclose(np.linalg.norm(masks, axis=1), 1)
    read = first @ masks.T
    assert np.allclose(read - np.diag(np.diag(read)), 0, atol=1e-9)
    assert (abs(np.diag(read)) > 0.05).all()


def test_masks_take_more_images_than_random_ones(network: Trained) -> None:
    rows = [
        row | {"regularisation": NONE, "seed": 0}
        for row in mask_rows(network.layers(DIGITS), DIGITS, seed=0)
    ]
    by = {(row["kind"], row["length"]): row["taken"] for row in rows}
    assert all(by[MASK, 6.0] > taken for (kind, _), taken in by.items() if kind != MASK)
    assert rows[0]["masks"]
    # Of one network no interval is known, so that nothing is said to be shown.
    assert not told_masks(rows).speaks_for
    twice = [row | {"seed": seed} for row in rows for seed in (0, 1)]
    assert told_masks(twice).speaks_for
    turned = [row | {"taken": 1 - row["taken"]} for row in twice]
    assert not told_masks(turned).speaks_for


def test_what_a_regularisation_does_is_told_by_paired_differences(network: Trained) -> None:
    tables = regularisation_rows(NONE, network, DIGITS)
    (row,) = tables["regularisation"]
    assert tables["masks"]
    assert "masks" not in regularisation_rows("decay 1", network, DIGITS)
    assert 0 <= row["blank"] <= 1
    assert len(row["features"]) == 3

    def rows(change: float) -> list[dict[str, object]]:
        return [
            row | {"regularisation": name, "seed": seed, "rank": 20 + 5 * seed + more}
            for name, more in ((NONE, 0.0), (BOTH, change))
            for seed in range(3)
        ]

    (said,) = told_regularisation(rows(-2.0)).speaks_for
    assert said == f"{BOTH}: effective rank 25.0 to 23.0 (-2.0 to -2.0)."
    (said,) = told_regularisation(rows(1.0)).speaks_against
    assert said.endswith("25.0 to 26.0 (+1.0 to +1.0).")
    same = told_regularisation(rows(0.0))
    assert not same.speaks_for
    assert not same.speaks_against


def test_each_regularisation_is_another() -> None:
    assert len(set(REGULARISATIONS.values())) == len(REGULARISATIONS)
    assert set(REGULARISATIONS) > {NONE, BOTH}


def test_noise_is_rough_and_a_stroke_is_not() -> None:
    draw = np.random.default_rng(0)
    assert 0.9 < roughness(draw.standard_normal(784), InputShape((28, 28))) < 1.1
    stroke = np.exp(-((np.indices((28, 28)) - 14.0) ** 2) / 30).prod(axis=0).ravel()
    assert roughness(stroke, InputShape((28, 28))) < 0.05


def test_the_effective_rank_does_not_depend_on_sizes_or_signs() -> None:
    values = np.array([4.0, -2.0, 1.0])
    assert effective_rank(values) == pytest.approx(effective_rank(-7 * values))
    assert 1 < effective_rank(values) < 3


def test_a_network_of_a_folder_is_read_again(network: Trained) -> None:
    assert Path(network.path).exists()
    assert regularisation_rows(NONE, network, DIGITS) == regularisation_rows(NONE, network, DIGITS)
