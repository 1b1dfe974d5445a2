"""Matched features: copies are found, strangers are not, and no matching is better."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, NumericError, SquareLayer, square_layers, trace
from numeric.comparison.hidden_states import canonical_first
from numeric.comparison.matching import (
    QUANTILES,
    Features,
    features_of,
    match,
    matched_across,
    redrawn,
    strongest_features,
)

Doubles = npt.NDArray[np.float64]


def network(seed: int = 0, **shape: Any) -> BilinearNetwork:
    shape = {"depth": 1, "width": 4, "hidden": 7, **shape}
    return BilinearNetwork(5, 3, seed=seed, **shape).double()


def drawn(seed: int, count: int, inputs: int = 5, outputs: int = 3) -> Features:
    generator = np.random.default_rng(seed)
    readings = generator.normal(size=(count, inputs + 1))
    weights = generator.normal(size=(count, outputs))
    return Features(
        readings / np.linalg.norm(readings, axis=1, keepdims=True),
        weights / np.linalg.norm(weights, axis=1, keepdims=True),
    )


def similarities(first: Features, second: Features) -> Doubles:
    table = np.zeros((len(first.readings), len(second.readings)))
    for i, j in np.ndindex(table.shape):
        reading = abs(float(first.readings[i] @ second.readings[j]))
        table[i, j] = reading * float(first.weights[i] @ second.weights[j])
    return table


def best_total(table: Doubles) -> float:
    if table.shape[0] > table.shape[1]:
        table = table.T
    rows = range(table.shape[0])
    return max(
        sum(table[row, column] for row, column in zip(rows, order, strict=True))
        for order in permutations(range(table.shape[1]), table.shape[0])
    )


# Matchings


@pytest.mark.props
@given(st.integers(0, 999), st.integers(1, 6), st.integers(1, 6))
def test_no_matching_is_better(seed: int, here: int, there: int) -> None:
    first, second = drawn(seed, here), drawn(seed + 1000, there)
    table = similarities(first, second)
    found = match(first, second)
    assert len(found.pairs) == min(here, there)
    assert len({i for i, _ in found.pairs}) == len({j for _, j in found.pairs}) == len(found.pairs)
    np.testing.assert_allclose(found.similarities, [table[pair] for pair in found.pairs])
    assert sum(found.similarities) == pytest.approx(best_total(table))
    assert list(found.similarities) == sorted(found.similarities, reverse=True)
    back = match(second, first)
    assert sum(back.similarities) == pytest.approx(sum(found.similarities))


def test_the_closest_pair_is_given_up_where_all_together_are_closer() -> None:
    first, second = (
        Features(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.ones((2, 1)))
        for angles in np.radians([[0, -40], [10, 35]])
    )
    assert similarities(first, second).argmax() == 0
    assert match(first, second).pairs == ((0, 1), (1, 0))


@pytest.mark.parametrize("seed", range(3))
def test_a_shuffled_copy_with_other_signs_is_matched_perfectly(seed: int) -> None:
    features = drawn(seed, 30)
    generator = np.random.default_rng(seed)
    order, signs = generator.permutation(30), generator.choice([-1.0, 1.0], size=(30, 1))
    copy = Features(signs * features.readings[order], features.weights[order])
    found = match(features, copy)
    assert all(order[j] == i for i, j in found.pairs)
    np.testing.assert_allclose(found.similarities, 1)
    opposite = match(features, Features(copy.readings, -copy.weights))
    assert max(opposite.similarities) < 0.99


def test_unrelated_features_are_not_alike() -> None:
    found = match(drawn(0, 20, inputs=300), drawn(1, 20, inputs=300))
    assert found.quantiles[1.0] < 0.2


def test_quantiles_are_those_of_the_similarities() -> None:
    found = match(drawn(0, 9), drawn(1, 9))
    assert tuple(found.quantiles) == QUANTILES
    ascending = found.similarities[::-1]
    assert found.quantiles[0.0] == ascending[0]
    assert found.quantiles[0.5] == ascending[4]
    assert found.quantiles[0.25] == pytest.approx(ascending[2])
    assert found.quantiles[1.0] == ascending[-1]
    with pytest.raises(TypeError):
        found.quantiles[0.5] = 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            drawn(0, 2),
            drawn(0, 2, inputs=4),
            "expected readings of second to have 6 columns like first, got 5",
        ),
        (
            drawn(0, 2),
            drawn(0, 2, outputs=1),
            "expected weights of second to have 3 columns like first, got 1",
        ),
        (drawn(0, 0), drawn(0, 2), "expected both networks to have a feature, got none"),
        (drawn(0, 2), drawn(0, 0), "expected both networks to have a feature, got none"),
    ],
)
def test_features_that_do_not_fit_are_refused(
    first: Features, second: Features, message: str
) -> None:
    with pytest.raises(NumericError, match=f"^{message}$"):
        match(first, second)


# Features


def eigenfeatures(layer: Layer, output: int, count: int) -> list[tuple[float, Doubles]]:
    whole = (layer.left * layer.down[output][:, None]).T @ layer.right
    values, vectors = np.linalg.eigh((whole + whole.T) / 2)
    order = np.argsort(-abs(values))[:count]
    return [(float(values[i]), vectors[:, i]) for i in order]


@pytest.mark.parametrize("count", [1, 3, 99])
def test_of_one_layer_the_strongest_eigenfeatures_of_each_output_are_taken(count: int) -> None:
    (layer,) = network().layers()
    found = strongest_features(network(), count)
    expected = [(o, *pair) for o in range(3) for pair in eigenfeatures(layer, o + 1, count)]
    assert len(found.readings) == len(found.weights) == len(expected) == 3 * min(count, 6)
    for (output, strength, vector), reading, weights in zip(
        expected, found.readings, found.weights, strict=True
    ):
        assert abs(vector @ reading) == pytest.approx(1)
        np.testing.assert_allclose(weights, np.sign(strength) * np.eye(3)[output])


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize("embedding", [True, False])
def test_of_deeper_networks_those_of_the_strongest_forms_are_taken(
    depth: int, *, embedding: bool
) -> None:
    model = network(depth=depth, embedding=embedding)
    found = strongest_features(model, 2, forms=4)
    assert found.weights.tolist() == [[1.0]] * 8
    for forms, given_forms in ((3, None), (1, 1), (2, 2)):
        fewer = strongest_features(model, 2, forms=given_forms)
        np.testing.assert_allclose(fewer.readings, found.readings[: 2 * forms])
    if not embedding:
        layer = canonical_first(model.layers())
        expected = [pair for form in range(1, 5) for pair in eigenfeatures(layer, form, 2)]
        for (_, vector), reading in zip(expected, found.readings, strict=True):
            assert abs(vector @ reading) == pytest.approx(1)


def test_the_basis_of_the_hidden_state_does_not_matter() -> None:
    first, second = network(depth=2).layers()
    change = np.eye(5)
    change[1:, 1:] = np.random.default_rng(0).normal(size=(4, 4))
    inverse = np.linalg.inv(change)
    inverse[0] = change[0]
    changed = [
        first._replace(down=change @ first.down, linear=change @ first.linear),
        Layer(second.left @ inverse, second.right @ inverse, second.down, second.linear @ inverse),
    ]
    found = matched_across([[first, second], changed], 3)
    assert found.quantiles[0.0] == pytest.approx(1)


def test_fewer_forms_than_outputs_are_all_taken() -> None:
    assert len(strongest_features(network(depth=2, width=2), 1).readings) == 2


def test_a_graphs_features_are_those_of_its_network() -> None:
    model = network()
    graph = trace(model)
    every = features_of(square_layers(graph)[0])
    found = match(every, strongest_features(graph, 99))
    assert len(found.pairs) == 18
    np.testing.assert_allclose(found.similarities, 1)
    np.testing.assert_allclose(
        match(strongest_features(model, 2), strongest_features(graph, 2)).similarities, 1
    )


def test_features_that_read_or_say_nothing_are_left_out() -> None:
    readings = np.array([[0.0, 0.0], [0.0, 3.0], [1e-200, 0.0], [5.0, 0.0]])
    mixing = np.array([[7.0, 7.0, 7.0, 7.0], [1.0, -2.0, 1e-200, 0.0], [1.0, 0.0, 0.0, 0.0]])
    found = features_of(SquareLayer(readings, 0 * readings, mixing, np.zeros((3, 2))))
    np.testing.assert_array_equal(found.readings, [[0, 1], [1, 0]])
    np.testing.assert_array_equal(found.weights, [[-1, 0], [1, 0]])


@pytest.mark.parametrize(
    ("shape", "numbers", "message"),
    [
        ({}, {"count": 0}, "expected count to be an integer of at least 1, got 0"),
        ({}, {"count": 1, "forms": 1}, "expected forms for deeper networks alone, got 1"),
        (
            {"depth": 2},
            {"count": 1, "forms": 0},
            "expected forms to be an integer of at least 1, got 0",
        ),
        (
            {"depth": 2},
            {"count": 1, "forms": 5},
            "expected forms to be at most 4, all of network, got 5",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(
    shape: dict[str, Any], numbers: dict[str, int], message: str
) -> None:
    with pytest.raises(NumericError, match=f"^{message}$"):
        strongest_features(network(**shape), **numbers)


# Across networks


@pytest.mark.parametrize("depth", [1, 2])
def test_each_network_is_matched_with_each_other(depth: int) -> None:
    models = [network(0, depth=depth), network(1, depth=depth), network(0, depth=depth)]
    found = matched_across(iter(models), 2)
    assert sorted(found.matchings) == [(0, 1), (0, 2), (1, 2)]
    assert found.matchings[0, 2].quantiles[0.0] == pytest.approx(1)
    assert found.matchings[0, 1].quantiles[0.5] < 0.99
    every = sorted(value for one in found.matchings.values() for value in one.similarities)
    assert len(every) == 18
    assert found.quantiles[0.0] == every[0]
    assert found.quantiles[0.5] == pytest.approx((every[8] + every[9]) / 2)


def test_widths_may_differ() -> None:
    found = matched_across([network(hidden=3), network(1, hidden=9)], 2)
    assert len(found.matchings[0, 1].pairs) == 6


def test_noise_around_one_network_is_told_from_networks_drawn_anew() -> None:
    shared = [BilinearNetwork(40, 3, depth=1, hidden=30, seed=0) for _ in range(3)]
    for model, seed in zip(shared, range(3), strict=True):
        noise = redrawn(model, seed + 10)
        for parameter, other in zip(model.parameters(), noise.parameters(), strict=True):
            parameter.data += 0.05 * other.data
    controls = [redrawn(model, seed) for seed, model in enumerate(shared)]
    near, far = matched_across(shared, 3), matched_across(controls, 3)
    assert near.quantiles[0.25] > 0.8
    assert far.quantiles[1.0] < 0.6


def test_a_control_has_the_shape_and_dtype_but_no_weight_of_the_network() -> None:
    model = network(3, depth=2, residual=True, embedding=True)
    control = redrawn(model, 4)
    assert control.configuration == model.configuration
    for one, other in zip(model.parameters(), control.parameters(), strict=True):
        assert one.dtype == other.dtype
        assert not (one == other).any()
    again = redrawn(model, 4)
    for one, other in zip(again.parameters(), control.parameters(), strict=True):
        assert (one == other).all()


def test_one_network_is_refused() -> None:
    with pytest.raises(NumericError, match=r"^expected networks to hold at least 2, got 1$"):
        matched_across([network()], 1)
    with pytest.raises(NumericError, match=r"^expected weights of second to have 3 columns"):
        matched_across([network(), network(depth=2)], 1)
