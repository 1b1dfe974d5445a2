"""How much of what was planted is found: held against graphs whose score is known."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import NumericError, SquareLayer
from numeric.studies.planted import planted
from numeric.studies.scoring import Score, scores


def turned(layer: SquareLayer, first: int, second: int, angle: float) -> SquareLayer:
    """Return a layer in which two readings are turned into each other."""
    readings = layer.readings.copy()
    cosine, sine = np.cos(angle), np.sin(angle)
    readings[first] = cosine * layer.readings[first] + sine * layer.readings[second]
    readings[second] = cosine * layer.readings[second] - sine * layer.readings[first]
    return layer._replace(readings=readings)


def in_another_basis(below: SquareLayer, above: SquareLayer) -> list[SquareLayer]:
    """Return two layers with the hidden state between them in another basis."""
    size = len(below.mixing)
    basis = np.random.default_rng(0).normal(size=(size, size))
    basis[0] = np.eye(1, size)
    inverse = np.linalg.inv(basis)
    return [
        below._replace(mixing=basis @ below.mixing, linear=basis @ below.linear),
        above._replace(readings=above.readings @ inverse, linear=above.linear @ inverse),
    ]


def test_what_was_planted_is_found_in_itself() -> None:
    network = planted("overlapping", 3, seed=0)
    for score in scores(network, network.open_layers):
        assert (score.features, score.recall, score.precision, score.span) == (8, 1.0, 1.0, None)
        assert score.mean == pytest.approx(1)
        assert score.least == pytest.approx(1)


def test_the_basis_of_a_hidden_state_does_not_matter() -> None:
    network = planted("overlapping", 2, seed=0)
    found = scores(network, in_another_basis(*network.open_layers))
    assert [score.recall for score in found] == [1.0, 1.0]
    assert found[1].least == pytest.approx(1)


def test_a_turned_reading_is_not_found() -> None:
    network = planted("shared", 1, seed=0)
    (score,) = scores(network, [turned(network.open_layers[0], 0, 1, 0.3)])
    assert score.recall == score.precision == 6 / 8
    assert score.least == pytest.approx(np.cos(0.3))


def test_within_a_span_any_turn_is_right_and_out_of_it_none() -> None:
    network = planted("equal columns", 1, seed=0)
    (inside,) = scores(network, [turned(network.open_layers[0], 0, 1, 0.7)])
    assert (inside.recall, inside.precision) == (6 / 8, 1.0)
    assert inside.span == pytest.approx(1)
    (outside,) = scores(network, [turned(network.open_layers[0], 0, 2, 0.7)])
    assert outside.span is not None
    assert outside.span < 0.9
    assert outside.precision < 1


def test_a_feature_that_nothing_reads_is_none() -> None:
    network = planted("shared", 1, seed=0)
    (layer,) = network.open_layers
    silent = layer._replace(
        readings=np.concatenate([layer.readings, np.ones((1, layer.readings.shape[1]))]),
        low=np.zeros((9, layer.readings.shape[1])),
        mixing=np.concatenate([layer.mixing, np.zeros((len(layer.mixing), 1))], axis=1),
    )
    assert scores(network, [silent])[0].features == 8


def test_missing_features_lower_the_mean_and_the_recall() -> None:
    network = planted("shared", 1, seed=0)
    (layer,) = network.open_layers
    few = layer._replace(readings=layer.readings[:4], low=layer.low[:4], mixing=layer.mixing[:, :4])
    assert scores(network, [few]) == [
        Score(4, pytest.approx(0.5), 0.5, 0.0, 1.0, None)  # type: ignore[arg-type]
    ]


def test_squares_of_another_depth_are_refused() -> None:
    network = planted("shared", 2, seed=0)
    with pytest.raises(NumericError, match="expected squares of 2 layers, got those of 1"):
        scores(network, network.open_layers[:1])
