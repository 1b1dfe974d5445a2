"""Features that all outputs share, held against the forms' tensor and slow least squares."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numeric import Layer, NumericError
from numeric.features.kernels import with_linear_neurons
from numeric.features.sharing import SharedFeatures, shared_features
from tests.strategies import stacks
from tests.tensors import layer_tensor, of_squares

Doubles = npt.NDArray[np.float64]


def random_layer(inputs: int = 3, outputs: int = 3, seed: int = 0, hidden: int = 8) -> Layer:
    draw = np.random.default_rng([seed, inputs, outputs]).normal
    shapes = ((hidden, inputs + 1),) * 2 + ((outputs + 1, hidden), (outputs + 1, inputs + 1))
    return with_linear_neurons(Layer(*(draw(size=shape) for shape in shapes)))


def falling(layer: Layer) -> Doubles:
    """An importance that falls from output to output; component 0 has none."""
    return np.array([0.0, *np.linspace(1, 0.3, len(layer.down) - 1)])


def rest(layer: Layer, importance: Doubles, readings: Doubles, weights: Doubles) -> float:
    """The weighted norm of what features leave of the forms, from tensors that are written out.

    A constant is free: it is added to each form so that nothing of its own is left.
    """
    left = layer_tensor(layer) - np.einsum("ok,ki,kj->oij", weights, readings, readings)
    left[:, 0, 0] = 0
    return float(np.linalg.norm(importance[:, None, None] * left))


def norm(layer: Layer, importance: Doubles) -> float:
    return rest(
        layer, importance, np.zeros((0, layer.left.shape[1])), np.zeros((len(layer.down), 0))
    )


def best_rest(layer: Layer, importance: Doubles, readings: Doubles) -> float:
    """The least that any weights leave: least squares over the entries of the tensor."""
    squares = np.stack([np.outer(reading, reading).ravel()[1:] for reading in readings], axis=1)
    wanted = (importance[:, None, None] * layer_tensor(layer)).reshape(len(layer.down), -1).T[1:]
    weights = np.linalg.lstsq(squares, wanted, rcond=None)[0]
    return float(np.linalg.norm(wanted - squares @ weights))


def check_fit(layer: Layer, importance: Doubles, found: SharedFeatures) -> None:
    whole = norm(layer, importance)
    error = rest(layer, importance, found.readings, found.weights)
    # The error is a root of a difference: to rounding, and that of weights that cancel.
    noise = 1e-12 * (whole**2 + np.linalg.norm(importance[:, None] * found.weights) ** 2)
    assert abs((found.error * whole) ** 2 - error**2) <= noise
    assert error <= whole + np.sqrt(noise)
    assert not found.weights[importance == 0].any()
    whole = np.einsum("ok,k->o", found.weights, found.readings[:, 0] ** 2) + found.constants
    own = layer_tensor(layer)[:, 0, 0]
    np.testing.assert_allclose(whole[importance > 0], own[importance > 0], atol=np.sqrt(noise))
    lengths = np.linalg.norm(found.readings, axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-12)


@pytest.mark.props
@given(stacks(max_depth=1, max_size=3, max_neurons=3), st.integers(1, 6), st.integers(0, 9))
def test_the_error_is_the_weighted_norm_of_what_the_features_leave_of_the_forms(
    layers: list[Layer], count: int, seed: int
) -> None:
    layer = with_linear_neurons(layers[0])
    importance = np.random.default_rng(seed).uniform(0, 2, len(layer.down))
    importance[0] = 0
    found = shared_features(layer, importance, count)
    assert found.readings.shape == (count, layer.left.shape[1])
    assert found.weights.shape == (len(layer.down), count)
    check_fit(layer, importance, found)


@pytest.mark.parametrize("count", [1, 3, 5, 8, 30])
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 3), (6, 1), (1, 6)])
def test_the_error_is_right_for_few_features_and_for_many(
    inputs: int, outputs: int, count: int
) -> None:
    layer = random_layer(inputs, outputs)
    check_fit(layer, falling(layer), shared_features(layer, falling(layer), count))


# The weights


@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_the_weights_are_the_best_for_the_readings(count: int) -> None:
    layer = random_layer()
    importance = falling(layer)
    found = shared_features(layer, importance, count)
    best = best_rest(layer, importance, found.readings)
    error = rest(layer, importance, found.readings, found.weights)
    # A ridge keeps weights of readings that nearly coincide from growing without limit.
    ridge = 1e-9 * np.linalg.norm(importance[:, None] * found.weights) ** 2
    assert best**2 * (1 - 1e-9) <= error**2 <= best**2 + ridge


@pytest.mark.parametrize("seed", range(3))
def test_no_weights_nearby_leave_less(seed: int) -> None:
    layer = random_layer(seed=seed)
    importance, draw = falling(layer), np.random.default_rng(seed)
    found = shared_features(layer, importance, 3)
    error = rest(layer, importance, found.readings, found.weights)
    for _ in range(20):
        step = 0.01 * draw.normal(size=found.weights.shape)
        assert rest(layer, importance, found.readings, found.weights + step) > error


@pytest.mark.parametrize("seed", range(3))
def test_no_readings_nearby_leave_less(seed: int) -> None:
    layer = random_layer(seed=seed)
    importance, draw = falling(layer), np.random.default_rng(seed)
    found = shared_features(layer, importance, 3)
    error = rest(layer, importance, found.readings, found.weights)
    for _ in range(20):
        readings = found.readings + 0.01 * draw.normal(size=found.readings.shape)
        assert best_rest(layer, importance, readings) > error * (1 - 1e-6)


# How many


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("inputs", "outputs"), [(3, 3), (4, 2)])
def test_more_features_leave_less_down_to_nothing(inputs: int, outputs: int, seed: int) -> None:
    layer = random_layer(inputs, outputs, seed)
    errors = [shared_features(layer, falling(layer), count).error for count in range(1, 11)]
    for fewer, more in pairwise(errors):
        assert more <= 1.01 * fewer + 1e-3
    # Five features have as many numbers as the forms; a search from the eigenfeatures needs more.
    assert errors[0] > 0.4
    assert errors[4] < 0.2
    assert errors[6] < 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_features_that_are_there_are_found(seed: int) -> None:
    draw = np.random.default_rng(seed)
    readings = np.linalg.qr(draw.normal(size=(6, 4)))[0].T
    weights = np.concatenate([np.zeros((1, 4)), draw.uniform(0.5, 2, size=(5, 4))])
    layer = of_squares(readings, weights)
    found = shared_features(layer, falling(layer), 4)
    assert found.error < 1e-4
    alike = abs(found.readings @ readings.T)
    places = alike.argmax(axis=1)
    assert sorted(places) == [0, 1, 2, 3]
    np.testing.assert_allclose(alike[range(4), places], 1, atol=1e-4)
    np.testing.assert_allclose(found.weights, weights[:, places], atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_features_that_lie_close_to_each_other_are_found(seed: int) -> None:
    draw = np.random.default_rng(seed)
    readings = draw.normal(size=(8, 13)) + 2 * draw.normal(size=13)
    readings /= np.linalg.norm(readings, axis=1)[:, None]
    weights = draw.normal(size=(7, 8))
    weights = np.sign(weights) * (0.4 + abs(weights))
    weights[0] = 0
    layer = of_squares(readings, weights)
    found = shared_features(layer, falling(layer), 8)
    np.testing.assert_allclose(abs(found.readings @ readings.T).max(axis=0), 1, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_one_feature_of_one_output_is_its_strongest_eigenfeature(seed: int) -> None:
    layer = random_layer(4, 1, seed)
    for rows in (layer.left, layer.right):
        rows[:, 0] = 0  # a constant is free
    values, vectors = np.linalg.eigh(layer_tensor(layer)[1])
    strongest = abs(values).argmax()
    found = shared_features(layer, np.array([0.0, 0.7]), 1)
    assert found.error == pytest.approx(
        np.sqrt(1 - values[strongest] ** 2 / (values**2).sum()), rel=1e-6
    )
    np.testing.assert_allclose(abs(found.readings[0]), abs(vectors[:, strongest]), atol=1e-4)
    assert found.weights[1, 0] == pytest.approx(values[strongest], rel=1e-6)


def test_more_features_than_eigenfeatures_may_be_asked_for() -> None:
    reading = np.array([[0.6, 0.8, 0.0]])
    layer = of_squares(reading, np.array([[0.0], [2.0]]))
    found = shared_features(layer, np.array([0.0, 1.0]), 7)
    assert found.readings.shape == (7, 3)
    assert found.error < 1e-6
    check_fit(layer, np.array([0.0, 1.0]), found)


def test_the_forms_of_nothing_are_nothing() -> None:
    layer = of_squares(np.zeros((2, 3)), np.ones((3, 2)))
    found = shared_features(layer, np.array([0.0, 1.0, 1.0]), 4)
    assert (found.error, abs(found.weights).max()) == (0.0, 0.0)
    assert np.isfinite(found.readings).all()
    np.testing.assert_allclose(np.linalg.norm(found.readings, axis=1), 1)


# What counts


def test_an_output_without_importance_is_not_fitted_and_moves_no_reading() -> None:
    layer = random_layer()
    without = layer._replace(down=layer.down[[0, 1, 3]])
    found = shared_features(layer, np.array([0.0, 1.0, 0.0, 0.5]), 3)
    expected = shared_features(without, np.array([0.0, 1.0, 0.5]), 3)
    assert not found.weights[[0, 2]].any()
    np.testing.assert_allclose(found.readings, expected.readings, atol=1e-3)
    assert found.error == pytest.approx(expected.error, rel=1e-6)


def test_an_output_of_more_importance_is_fitted_better() -> None:
    layer = random_layer(outputs=2)

    def left_of(output: int, importance: list[float]) -> float:
        found = shared_features(layer, np.array(importance), 2)
        return rest(layer, np.eye(3)[output], found.readings, found.weights)

    assert left_of(1, [0, 9, 1]) < left_of(1, [0, 1, 1]) < left_of(1, [0, 1, 9])
    assert left_of(2, [0, 9, 1]) > left_of(2, [0, 1, 1]) > left_of(2, [0, 1, 9])


def test_only_the_proportions_of_importance_matter() -> None:
    layer = random_layer()
    small, large = (shared_features(layer, scale * falling(layer), 3) for scale in (1, 1024))
    np.testing.assert_allclose(large.readings, small.readings, atol=1e-3)
    assert large.error == pytest.approx(small.error, rel=1e-6)


def test_readings_stay_within_what_the_layer_reads() -> None:
    wide = random_layer(inputs=20, outputs=2, hidden=3)
    layer = Layer(wide.left[:3], wide.right[:3], wide.down[:, :3], wide.linear)
    rows = np.concatenate([layer.left, layer.right])
    found = shared_features(layer, falling(layer), 8)
    inside = np.linalg.qr(rows.T)[0]
    np.testing.assert_allclose(found.readings @ inside @ inside.T, found.readings, atol=1e-12)


def test_the_same_layer_has_the_same_features_bit_for_bit() -> None:
    for count in (2, 40):
        first, second = (
            shared_features(random_layer(), falling(random_layer()), count) for _ in range(2)
        )
        assert first.readings.tobytes() == second.readings.tobytes()
        assert first.weights.tobytes() == second.weights.tobytes()
        assert first.error == second.error


def test_the_layer_is_left_as_it_is() -> None:
    layer, expected = random_layer(), random_layer()
    shared_features(layer, falling(layer), 3)
    for array, kept in zip(layer, expected, strict=True):
        np.testing.assert_array_equal(array, kept)


def test_forms_beyond_the_range_of_floats_are_refused() -> None:
    layer = of_squares(np.full((1, 2), 1e60), np.full((2, 1), 1e60))
    with pytest.raises(NumericError, match="forms of a layer, squared and summed, within the ran"):
        shared_features(layer, np.array([0.0, 1.0]), 1)


def test_a_search_that_steps_to_no_number_keeps_the_best_that_it_saw() -> None:
    left, right = (np.array([[0.0, 1.22e-77], [1.0, 0.0], [last, 0.0]]) for last in (1.0, 0.0))
    layer = Layer(left, right, np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]), np.eye(2))
    found = shared_features(layer, np.array([0.0, 1.0]), 2)
    assert np.isfinite(found.readings).all()
    assert np.isfinite(found.weights).all()
