"""Where searches for shared features start."""

from __future__ import annotations

import numpy as np
import pytest

from numeric.features.starts import common_directions, starts
from tests.tensors import of_squares


def test_outputs_that_share_their_strongest_feature_do_not_start_from_copies_of_it() -> None:
    readings = np.eye(5)[:3]
    weights = np.array([[0.0, 0, 0], [9, 1, 0], [9, 0, 1], [9, 1, 1]])
    layer = of_squares(readings, weights)
    _, start, common = starts(layer, np.eye(5)[0], 3)
    np.testing.assert_allclose(abs(start) / np.linalg.norm(start, axis=1)[:, None], readings)
    np.testing.assert_allclose(sorted(abs(common).tolist(), reverse=True), readings, atol=1e-9)


@pytest.mark.parametrize("kind", ["features", "features and the constant", "one more feature"])
def test_independent_features_are_the_common_directions_of_the_forms(kind: str) -> None:
    draw = np.random.default_rng(0)
    readings = draw.normal(size=(4, 6)) + 3 * draw.normal(size=6)
    readings /= np.linalg.norm(readings, axis=1)[:, None]
    weights = np.concatenate([np.zeros((1, 4)), draw.normal(size=(3, 4))])
    rows, columns = readings, weights
    if kind != "features":
        row = np.eye(6)[0] if kind == "features and the constant" else draw.normal(size=6)
        rows = np.concatenate([readings, row[None]])
        columns = np.concatenate([weights, draw.normal(size=(4, 1))], axis=1)
    layer = of_squares(rows, columns)
    directions = common_directions(layer, np.eye(6)[0], 4)
    alike = abs(readings @ directions.T).max(axis=1)
    if kind == "one more feature":
        # One is left out, whichever is most like the constant: the others are there all the same.
        assert (alike > 1 - 1e-9).sum() >= 3
        assert not len(common_directions(layer, np.eye(6)[0], 3))
    else:
        np.testing.assert_allclose(alike, 1, atol=1e-9)
