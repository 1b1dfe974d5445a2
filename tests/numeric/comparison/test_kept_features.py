"""Features of one network looked for in another."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import Layer
from numeric.comparison.kept_features import exchanged_features
from tests.tensors import interaction, random_stack


def diagonal(*values: float) -> list[Layer]:
    """A network of one layer and one output whose eigenfeatures are the inputs themselves."""
    rows = np.eye(len(values), len(values) + 1, k=1)
    down = np.array([np.zeros(len(values)), values])
    return [Layer(rows, rows, down, np.eye(2, len(values) + 1, k=0) * [[1], [0]])]


def test_features_are_kept_lost_and_gained() -> None:
    found = exchanged_features(diagonal(5, 4, 3, 0), diagonal(5, 4, 0, 2), count=3)
    assert [feature.pattern.argmax() for feature in found.kept] == [0, 1]
    assert [feature.pattern.argmax() for feature in found.lost] == [2]
    assert [feature.pattern.argmax() for feature in found.gained] == [3]
    assert [feature.kept for feature in found.of_first] == pytest.approx([1, 1, 0])
    assert [feature.size for feature in found.of_first] == pytest.approx([0.5, 0.32, 0.18])
    assert {feature.output for feature in found.of_second} == {0}


def test_a_feature_that_speaks_the_other_way_is_not_kept() -> None:
    (feature,) = exchanged_features(diagonal(3.0), diagonal(-3.0)).of_first
    assert feature.kept == pytest.approx(-1)
    assert not feature.is_kept


def test_at_one_layer_what_is_kept_is_the_weight_in_the_other_over_its_own() -> None:
    first, second = (
        [layer._replace(linear=np.eye(4, 6, k=0) * np.eye(4)[0][:, None])]
        for seed in (0, 1)
        for layer in random_stack((5, 3), seed)
    )
    for feature in exchanged_features(first, second, 2).of_first:
        assert feature.output is not None
        weights = np.eye(4)[feature.output + 1]
        values, vectors = np.linalg.eigh(interaction(first[0], weights))
        signed = abs(vectors[1:].T @ feature.pattern) / np.linalg.norm(vectors[1:], axis=0)
        k = signed.argmax()
        other = vectors[:, k] @ interaction(second[0], weights) @ vectors[:, k]
        assert feature.kept == pytest.approx(other / values[k])


def test_where_only_a_span_is_determined_all_of_it_is_kept() -> None:
    # Equal eigenvalues: no feature of either network is one of the other.
    first = diagonal(2.0, 2.0)
    turn = np.array([[1, 0, 0], [0, 0.8, 0.6], [0, -0.6, 0.8]])
    (layer,) = first
    second = [layer._replace(left=layer.left @ turn, right=layer.right @ turn)]
    assert [feature.kept for feature in exchanged_features(first, second).of_first] == (
        pytest.approx([1, 1])
    )


def test_deep_networks_are_compared_through_all_outputs() -> None:
    first, second = random_stack((4, 3, 2)), random_stack((4, 3, 2), 1)
    same = exchanged_features(first, first)
    assert [feature.kept for feature in same.of_first] == pytest.approx([1] * len(same.of_first))
    assert {feature.output for feature in same.of_first} == {None}
    other = exchanged_features(first, second)
    assert max(feature.kept for feature in other.of_first) < 0.9
    assert other.lost
    assert other.gained
