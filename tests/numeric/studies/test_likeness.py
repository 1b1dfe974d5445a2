"""Likeness of networks: a network is like itself, and of two with nothing in common nothing is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from numeric.studies.class_features import ClassFeatures, class_features
from numeric.studies.likeness import (
    MATCHED,
    POLYNOMIALS,
    RANKED,
    SHUFFLED,
    STATES,
    TRAINED,
    UNTRAINED,
    likeness_picture,
    likeness_rows,
    told_likeness,
)
from numeric.studies.trained import Trained
from tests.digits import like_mnist

DIGITS = like_mnist(inputs=36)


def kept(folder: Path, depth: int, name: str, **settings: int) -> Trained:
    return Trained(str(folder / f"{name}-{depth}.safetensors"), depth, 10, 12, 8, **settings)


def test_a_network_beside_itself_is_alike_and_controls_are_less(tmp_path: Path) -> None:
    for depth in (1, 2):
        same = [kept(tmp_path, depth, "same") for _ in range(2)]
        wrong = [
            replace(kept(tmp_path, depth, f"wrong {seed}", seed=seed), shuffled=True)
            for seed in (1, 2)
        ]
        rows = likeness_rows(same, wrong, DIGITS)["likeness"]
        found = {(row["kind"], row["measure"], row.get("rank")): row["likeness"] for row in rows}
        measures = [(POLYNOMIALS, None), (MATCHED, None)]
        measures += [(RANKED, 1)] if depth == 1 else [(STATES, None)]
        for measure, rank in measures:
            assert found[TRAINED, measure, rank] > 1 - 1e-6
            assert found[SHUFFLED, measure, rank] < 0.9
        told = told_likeness(rows)
        # Untrained controls of one seed are one network.
        assert found[UNTRAINED, MATCHED, None] > 1 - 1e-6
        for likeness, speaks in ((0.5, "for"), (1.01, "against")):
            moved = [
                row | {"likeness": likeness} if row["kind"] == UNTRAINED else row for row in rows
            ]
            other = told_likeness(moved)
            assert bool(other.speaks_for) == (speaks == "for")
            assert bool(other.speaks_against) == (speaks == "against")
        assert len(told.section.rows[0]) == len(told.section.columns)
        if depth == 1:
            assert likeness_picture(rows).axes[0].lines


def test_features_that_support_a_class_are_those_of_the_largest_eigenvalues() -> None:
    readings = np.eye(4)
    features = ClassFeatures(np.array([-5.0, 3.0, 1.0, -0.5]), readings)
    assert (features.supporting(3) == readings[[1, 2, 3], 1:]).all()


def test_eigenfeatures_of_classes_make_the_logits(tmp_path: Path) -> None:
    network = kept(tmp_path, 1, "made")
    layers = network.layers(DIGITS)
    wide = np.insert(DIGITS.test_images[:5].astype(np.float64), 0, 1.0, axis=1)
    (layer,) = layers
    logits = ((wide @ layer.left.T) * (wide @ layer.right.T)) @ layer.down.T + wide @ layer.linear.T
    for label, (values, readings) in enumerate(class_features(layers)):
        assert np.allclose((wide @ readings.T) ** 2 @ values, logits[:, label + 1])
