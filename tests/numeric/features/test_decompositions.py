"""Layers as squares: polarized exactly, eigen to rounding or not at all."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given

from analytic.equality import same_polynomial
from analytic.network import ExactNetwork
from numeric import BilinearNetwork, Layer, NumericError, SquareLayer, square_layers, trace
from numeric.features.decompositions import eigen, interaction_matrix, polarized
from tests.strategies import networks, wild

MAX, TINY, SMALLEST = np.finfo(float).max, np.finfo(float).tiny, 5e-324


def exact(layers: list[SquareLayer]) -> ExactNetwork:
    return ExactNetwork([layer.in_normal_form() for layer in layers])


def proved_same(network: BilinearNetwork, layers: list[SquareLayer]) -> bool:
    return same_polynomial(ExactNetwork(network.layers()), exact(layers)).same


def neurons(left: Any, right: Any, down: Any) -> Layer:
    """A layer of two outputs beside the constant, or of as many as ``down`` has rows."""
    left, right, down = (np.array(rows, dtype=float) for rows in (left, right, down))
    down = np.concatenate([np.zeros((1, len(left))), down])
    return Layer(left, right, down, np.eye(len(down), left.shape[1]))


def random_layer(inputs: int, outputs: int, hidden: int) -> Layer:
    draw = np.random.default_rng([inputs, outputs, hidden]).normal
    shapes = ((hidden, inputs), (hidden, inputs), (outputs, hidden))
    return neurons(*(draw(size=shape) for shape in shapes))


# Polarized


@pytest.mark.parametrize("power", [0, 1, 4, 33, 60, -33, 400])
def test_polarized_squares_do_not_cancel_where_left_and_right_differ_in_size(power: int) -> None:
    layer = random_layer(5, 2, 6)
    unlike = layer._replace(left=np.ldexp(layer.left, power), right=np.ldexp(layer.right, -power))
    one, other = polarized(layer, 1), polarized(unlike, 1)
    point = np.random.default_rng(0).random(5)
    values = [squares.mixing @ (squares.readings @ point) ** 2 for squares in (one, other)]
    np.testing.assert_allclose(values[1], values[0], rtol=1e-13)


@pytest.mark.parametrize(("left", "right"), [(1e300, SMALLEST), (MAX, 1e-300), (1.0, 1.5e-323)])
def test_rows_that_a_power_of_two_would_round_are_left_as_they_are(
    left: float, right: float
) -> None:
    layer = neurons([[0.0, left, 1e-10]], [[1.0, right, 0.0]], [[1.0], [0.0]])
    try:
        squares = polarized(layer, 1)
    except NumericError:
        return
    assert same_polynomial(ExactNetwork([tuple(layer)]), exact([squares])).same


@pytest.mark.props
@given(networks(elements=wild, dtypes=(np.float32,)))
def test_polarized_squares_are_exactly_any_float32_network(network: BilinearNetwork) -> None:
    assert proved_same(network, square_layers(trace(network, "polarized")))


@pytest.mark.props
@given(networks(elements=wild, dtypes=(np.float64,)))
def test_polarized_squares_are_exactly_a_float64_network_or_an_error(
    network: BilinearNetwork,
) -> None:
    try:
        layers = square_layers(trace(network, "polarized"))
    except NumericError as error:
        assert "to leave float64 room for a factor of 4" in str(error)  # noqa: PT017 -- or not raised
    else:
        assert proved_same(network, layers)


@pytest.mark.props
@given(networks(dtypes=(np.float64,)))
def test_polarized_squares_are_exactly_any_float64_network_of_ordinary_size(
    network: BilinearNetwork,
) -> None:
    assert proved_same(network, square_layers(trace(network, "polarized")))


def moved_by_an_ulp(layer: SquareLayer) -> SquareLayer:
    readings = layer.readings.copy()
    readings[2, 1] = np.nextafter(readings[2, 1], np.inf)
    return layer._replace(readings=readings)


def with_a_sign_swapped(layer: SquareLayer) -> SquareLayer:
    mixing = layer.mixing.copy()
    mixing[1, 3] *= -1
    return layer._replace(mixing=mixing)


def without_low_parts(layer: SquareLayer) -> SquareLayer:
    assert layer.low.any()
    return layer._replace(low=np.zeros_like(layer.low))


def not_halved(layer: SquareLayer) -> SquareLayer:
    return layer._replace(readings=2 * layer.readings, low=2 * layer.low)


def without_a_feature(layer: SquareLayer) -> SquareLayer:
    return SquareLayer(layer.readings[1:], layer.low[1:], layer.mixing[:, 1:], layer.linear)


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(
    "damage",
    [moved_by_an_ulp, with_a_sign_swapped, without_low_parts, not_halved, without_a_feature],
)
def test_the_smallest_damage_to_polarized_squares_is_found(
    damage: Callable[[SquareLayer], SquareLayer], number: int
) -> None:
    network = BilinearNetwork(3, 2, width=3, hidden=4).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, generator=generator)
    layers = square_layers(trace(network, "polarized"))
    assert proved_same(network, layers)
    layers[number] = damage(layers[number])
    assert not proved_same(network, layers)


def test_a_neuron_becomes_the_sum_before_the_difference() -> None:
    layer = polarized(neurons([[0, 4], [2, 2]], [[2, 0], [6, 4]], [[3, 5]]), 1)
    np.testing.assert_array_equal(layer.readings, [[1, 2], [-1, 2], [4, 3], [-2, -1]])
    np.testing.assert_array_equal(layer.mixing, [[0, 0, 0, 0], [3, -3, 5, -5]])
    assert not layer.low.any()


def test_squares_that_are_zero_are_left_out() -> None:
    square, opposite, unused, silent = [1, 2], [3, 4], [5, 6], [0, 0]
    left = [square, opposite, unused, silent]
    right = [square, np.negative(opposite), silent, silent]
    layer = polarized(neurons(left, right, [[1, 1, 0, 1]]), 1)
    np.testing.assert_array_equal(layer.readings, [square, opposite])
    np.testing.assert_array_equal(layer.mixing, [[0, 0], [1, -1]])


def test_what_a_sum_of_floats_lacks_is_its_low_part() -> None:
    layer = polarized(neurons([[2, 0]], [[2**-60, 1]], [[1]]), 1)
    np.testing.assert_array_equal(layer.readings[:, 0], [1, 1])
    np.testing.assert_array_equal(layer.low[:, 0], [2**-61, -(2**-61)])


@pytest.mark.parametrize(
    ("left", "right", "weight"),
    [(SMALLEST, 1.0, SMALLEST), (SMALLEST, 1.0, 3 * TINY / 2**51), (MAX, MAX, 1.0)],
)
def test_weights_at_the_ends_of_the_range_are_exact_or_refused(
    left: float, right: float, weight: float
) -> None:
    layer = neurons([[left, SMALLEST]], [[right, SMALLEST]], [[weight]])
    with pytest.raises(NumericError, match="neuron 0 in layer 3 to leave float64 room"):
        polarized(layer, 3)


def test_a_weight_too_small_to_halve_has_its_square_quartered() -> None:
    layer = neurons([[1, SMALLEST]], [[1, 3.0]], [[8.0]])
    squares = polarized(layer, 1)
    assert set(squares.mixing[1]) == {2.0, -2.0}
    assert same_polynomial(ExactNetwork([layer]), exact([squares])).same


# Eigen


def interaction(layer: Layer, output: int) -> list[list[Fraction]]:
    """The interaction matrix of an output, by explicit loops in rationals."""
    size = layer.linear.shape[1]
    matrix = [[Fraction(0)] * size for _ in range(size)]
    for left, right, weight in zip(layer.left, layer.right, layer.down[output], strict=True):
        for i in range(size):
            for j in range(size):
                crossed = fraction(left[i]) * fraction(right[j])
                crossed += fraction(left[j]) * fraction(right[i])
                matrix[i][j] += fraction(weight) * crossed / 2
    return matrix


def terms(layer: Layer, output: int) -> Fraction:
    """The size of the terms that an interaction matrix sums: what its rounding is relative to."""
    total = Fraction(0)
    for left, right, weight in zip(layer.left, layer.right, layer.down[output], strict=True):
        read, other = (sum(abs(fraction(entry)) for entry in row) for row in (left, right))
        total += abs(fraction(weight)) * read * other
    return total


def fraction(value: Any) -> Fraction:
    return Fraction(float(value))


def of_output(squares: SquareLayer, output: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    used = np.flatnonzero(squares.mixing[output])
    return squares.mixing[output, used], squares.readings[used]


def check_eigenfeatures(layer: Layer) -> None:
    squares = eigen(layer, 1)
    np.testing.assert_array_equal(squares.linear, layer.linear)
    assert not squares.low.any()
    assert ((squares.mixing != 0).sum(axis=0) == 1).all()
    leading = abs(squares.readings).argmax(axis=1)
    assert (squares.readings[np.arange(len(leading)), leading] > 0).all()
    for output in range(len(layer.down)):
        values, readings = of_output(squares, output)
        matrix = np.array(interaction(layer, output), dtype=float)
        size = float(terms(layer, output))
        assert abs(readings @ readings.T - np.eye(len(values))).max(initial=0) < 1e-12
        assert (np.diff(abs(values)) <= 0).all()
        assert abs((readings.T * values) @ readings - matrix).max() <= 1e-12 * size
        padded = np.sort(np.append(values, np.zeros(len(matrix) - len(values))))
        assert abs(padded - np.linalg.eigvalsh(matrix)).max() <= 1e-12 * size


@pytest.mark.props
@given(networks(max_depth=1, max_size=5))
def test_eigenfeatures_are_orthonormal_ordered_signed_and_sum_to_the_interaction_matrix(
    network: BilinearNetwork,
) -> None:
    for layer in network.layers():
        check_eigenfeatures(layer)


@pytest.mark.parametrize(
    ("inputs", "outputs", "hidden"), [(30, 3, 4), (5, 3, 40), (8, 1, 8), (2, 2, 1)]
)
def test_a_layer_may_have_more_neurons_than_inputs_or_fewer(
    inputs: int, outputs: int, hidden: int
) -> None:
    layer = random_layer(inputs, outputs, hidden)
    check_eigenfeatures(layer)
    squares = eigen(layer, 1)
    assert len(squares.readings) == outputs * min(inputs, 2 * hidden)


def test_eigenvalues_that_are_zero_make_no_features() -> None:
    rows = random_layer(6, 1, 2)
    doubled = neurons(*(np.repeat(array, 2, axis=0) for array in rows[:2]), [[1, 1, 1, 1]])
    assert len(eigen(doubled, 1).readings) == 4
    squares = neurons(rows.left, rows.left, [[1, 1]])
    assert len(eigen(squares, 1).readings) == 2
    nothing = neurons(rows.left, rows.right, [[0, 0]])
    assert eigen(nothing, 1).readings.shape == (0, 6)
    cancelled = neurons(rows.left[[0, 0]], rows.right[[0, 0]], [[1, -1]])
    assert eigen(cancelled, 1).mixing.shape == (2, 0)
    unread = neurons(np.zeros((2, 6)), rows.right, [[1, 1]])
    assert eigen(unread, 1).mixing.shape == (2, 0)


def test_where_eigenvalues_coincide_the_span_is_right() -> None:
    frame = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 3)))[0].T
    values, readings = of_output(eigen(neurons(frame, frame, [[2, 2, 2]]), 1), 1)
    np.testing.assert_allclose(values, [2, 2, 2], rtol=1e-12)
    np.testing.assert_allclose(readings.T @ readings, frame.T @ frame, atol=1e-12)


def test_a_layer_without_neurons_has_no_features_by_either_method() -> None:
    layer = neurons(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((2, 0)))
    for decompose in (polarized, eigen):
        squares = decompose(layer, 1)
        assert [array.shape for array in squares] == [(0, 3), (0, 3), (3, 0), (3, 3)]


# Every finite float


def check_right_or_refused(layer: Layer) -> None:
    try:
        squares = eigen(layer, 2)
    except NumericError as error:
        assert "layer 2 within the range of float64" in str(error)  # noqa: PT017 -- or not raised
        return
    size = layer.linear.shape[1]
    for output in range(len(layer.down)):
        bound = terms(layer, output) / 10**12
        matrix = interaction(layer, output)
        values, readings = of_output(squares, output)
        for i in range(size):
            for j in range(size):
                sum_ = sum(
                    (
                        fraction(value) * fraction(row[i]) * fraction(row[j])
                        for value, row in zip(values, readings, strict=True)
                    ),
                    Fraction(0),
                )
                assert abs(sum_ - matrix[i][j]) <= bound


@pytest.mark.props
@given(networks(elements=wild, max_depth=1))
def test_huge_and_tiny_weights_give_the_right_eigenfeatures_or_an_error(
    network: BilinearNetwork,
) -> None:
    for layer in network.layers():
        check_right_or_refused(layer)


@pytest.mark.parametrize(
    "layer",
    [
        neurons([[1e200, 1e200], [0, 1e-200]], [[1e-200, 0], [1e-200, 0]], [[1, 0], [0, 1e200]]),
        neurons([[1e300, 0], [0, 1e-300]], [[1e-300, 0], [0, 1e300]], [[1, 1]]),
        neurons([[0, 0], [0, 1e-300]], [[1e300, 0], [0, 1]], [[1e300, 1]]),
        neurons([[1e-150, 0]], [[1e-150, 0]], [[1e300]]),
        neurons([[SMALLEST, 0]], [[1e300, 0]], [[1e20]]),
    ],
    ids=range(5),
)
def test_neurons_of_very_different_size_keep_their_eigenfeatures(layer: Layer) -> None:
    check_right_or_refused(layer)
    squares = eigen(layer, 2)
    assert (squares.mixing[1:] != 0).any(axis=1).all()


@pytest.mark.parametrize(("size", "weight"), [(1e200, 1.0), (1e-200, 1.0), (1.0, SMALLEST)])
def test_an_interaction_matrix_beyond_the_range_is_refused_by_name(
    size: float, weight: float
) -> None:
    layer = neurons([[size, 0]], [[size, 0]], [[0], [weight]])
    with pytest.raises(NumericError, match="output component 2 of layer 7 within the range"):
        eigen(layer, 7)


# The interaction matrix


@pytest.mark.props
@given(networks(max_depth=1, max_size=4))
def test_the_interaction_matrix_is_the_sum_over_neurons(network: BilinearNetwork) -> None:
    layer = network.layers()[-1]
    for output, weights in enumerate(np.eye(len(layer.down))):
        expected = np.array(interaction(layer, output), dtype=float)
        got = interaction_matrix(layer, weights)
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, got.T)
        assert abs(got - expected).max() <= 1e-12 * float(terms(layer, output))


def test_the_interaction_matrix_of_a_weighted_sum_is_the_weighted_sum() -> None:
    layer, weights = random_layer(4, 3, 5), np.array([0.0, 1.0, -2.0, 0.5])
    parts = [
        weight * interaction_matrix(layer, one)
        for weight, one in zip(weights, np.eye(4), strict=True)
    ]
    np.testing.assert_allclose(interaction_matrix(layer, weights), sum(parts), atol=1e-12)
