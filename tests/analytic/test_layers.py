"""Layers in the normal form, read in exact integers."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError
from analytic.dyadic import Dyadic
from analytic.layers import ExactLayer, affine, exact_layers, exact_sum
from numeric import Layer
from tests import oracles
from tests.strategies import stacks, tame, wild

NAMES = ("left", "right", "down", "linear")
MAXIMUM, SUBNORMAL = np.finfo(np.float64).max, np.finfo(np.float64).smallest_subnormal

integers = st.integers(-(2**80), 2**80)


def ones(neurons: int = 2, inputs: int = 3, outputs: int = 1) -> Layer:
    """Return a layer with no entry but 1."""
    reading = np.ones((neurons, inputs + 1))
    return Layer(
        reading, reading, np.ones((outputs + 1, neurons)), np.ones((outputs + 1, inputs + 1))
    )


def exact(layer: Any) -> ExactLayer:
    return exact_layers([layer])[0]


# Reading


def test_every_matrix_is_read_as_it_is() -> None:
    matrices = [array * scale for array, scale in zip(ones(), (3.0, 0.5, -7.0, 0.1), strict=True)]
    layer = exact(matrices)
    for name, array in zip(NAMES, matrices, strict=True):
        assert getattr(layer, name).fractions().tolist() == oracles.matrix(array)


def test_several_arrays_stand_for_their_exact_sum() -> None:
    parts = (np.full((2, 4), MAXIMUM), np.full((2, 4), SUBNORMAL), np.full((2, 4), -MAXIMUM / 2))
    layer = exact((parts, parts[:2], *ones()[2:]))
    assert layer.left.fractions()[1, 2] == Fraction(MAXIMUM) / 2 + Fraction(SUBNORMAL)
    assert layer.right.fractions()[1, 2] == Fraction(MAXIMUM) + Fraction(SUBNORMAL)


def test_a_sum_may_exceed_every_float() -> None:
    layer = exact((*ones()[:3], (np.full((2, 4), MAXIMUM),) * 2))
    assert layer.linear.fractions()[0, 0] == 2 * Fraction(MAXIMUM)


def test_the_parts_of_a_sum_may_differ_in_dtype() -> None:
    parts = (np.full((2, 4), 0.1, np.float32), np.full((2, 4), 0.1), np.ones((2, 4), np.float16))
    layer = exact((parts, *ones()[1:]))
    assert layer.left.fractions().tolist() == oracles.matrix(parts)


def test_layers_may_come_from_a_generator() -> None:
    assert len(exact_layers(iter([iter(ones()), iter(ones(inputs=1))]))) == 2


def test_a_layer_without_neurons_is_linear() -> None:
    layer = exact(ones(neurons=0))
    assert layer.neurons == 0
    assert layer.sizes(np.array([1, 2, 3, 4], dtype=object), 0).tolist() == [10, 10]


# What is refused


def with_shape(name: str, shape: tuple[int, ...], **sizes: int) -> Layer:
    return ones(**sizes)._replace(**{name: np.ones(shape)})


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "expected layers to hold at least one layer, got none"),
        (None, "expected layers to be a sequence, got a NoneType: .*not iterable"),
        (5, "expected layers to be a sequence, got a int: .*not iterable"),
        (np.array(1.0), "expected layers to be a sequence, got a ndarray: .*0-d"),
        ([None], "expected layer 1 to be a sequence, got a NoneType"),
        ([ones(outputs=3), 5.0], "expected layer 2 to be a sequence, got a float"),
        (np.ones(4), "expected layer 1 to be a sequence, got a float64"),
        ("four", r"expected layer 1 to be \(left, right, down, linear\), got 1 items"),
        ([ones()[:3]], r"expected layer 1 to be \(left, right, down, linear\), got 3 items"),
        ([ones(), (*ones(), 1)], r"expected layer 2 to be \(left, right, .*, got 5 items"),
        (["four"], "expected left of layer 1 to hold floats, got dtype <U1"),
        ([(None,) * 4], "expected left of layer 1 to hold floats, got dtype object"),
        ([(1.0,) * 4], r"expected left of layer 1 to have two axes, got shape \(\)"),
    ],
)
def test_what_are_no_layers_is_refused(layers: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        exact_layers(layers)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(), (4,), (1, 2, 4)])
def test_a_matrix_has_two_axes(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(AnalyticError, match=f"expected {name} of layer 1 to have two axes, got "):
        exact(with_shape(name, shape))


@pytest.mark.parametrize("name", NAMES)
def test_a_matrix_holds_finite_floats(name: str) -> None:
    good = ones()
    bad = getattr(good, name).copy()
    bad[1, 0] = -np.inf
    message = rf"expected {name} of layer 2 to be finite, got -inf at position \(1, 0\)"
    with pytest.raises(AnalyticError, match=message):
        exact_layers([ones(outputs=3), good._replace(**{name: bad})])
    message = f"expected {name} of layer 2 to hold floats, got dtype int64"
    with pytest.raises(AnalyticError, match=message):
        exact_layers([ones(outputs=3), good._replace(**{name: good[0].astype(np.int64)})])
    with pytest.raises(AnalyticError, match=f"expected {name} of layer 1 to be a float array"):
        exact(good._replace(**{name: [[1.0], [1.0, 2.0]]}))


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        ("left", (2, 3), (2, 4)),
        ("right", (2, 3), (2, 4)),
        ("right", (3, 4), (2, 4)),
        ("right", (4, 2), (2, 4)),
        ("down", (2, 3), (2, 2)),
        ("down", (3, 2), (2, 2)),
    ],
)
def test_shapes_fit_within_a_layer(
    name: str, shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    with pytest.raises(AnalyticError) as caught:
        exact(with_shape(name, shape))
    assert str(caught.value) == f"expected {name} of layer 1 to have shape {expected}, got {shape}"


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [("left", (2, 4), (2, 3)), ("right", (2, 4), (2, 3)), ("linear", (2, 4), (2, 3))],
)
def test_a_layer_reads_what_the_layer_before_it_writes(
    name: str, shape: tuple[int, int], expected: tuple[int, int]
) -> None:
    with pytest.raises(AnalyticError) as caught:
        exact_layers([ones(outputs=2), with_shape(name, shape, inputs=2)])
    assert str(caught.value) == f"expected {name} of layer 2 to have shape {expected}, got {shape}"


def test_a_wrong_shape_is_named_in_a_large_network() -> None:
    layers = [ones(256, 784, 64), with_shape("right", (256, 64), neurons=256, inputs=64)]
    message = r"expected right of layer 2 to have shape \(256, 65\), got \(256, 64\)"
    with pytest.raises(AnalyticError, match=message):
        exact_layers(layers)


@pytest.mark.parametrize("sizes", [{"inputs": 0}, {"outputs": 0}, {"outputs": -1}])
def test_a_layer_has_an_input_and_an_output(sizes: dict[str, int]) -> None:
    message = "expected layer 1 to have an input and an output beside the constant, got linear of"
    with pytest.raises(AnalyticError, match=message):
        exact(ones(**sizes))


@pytest.mark.parametrize("parts", [(np.ones((2, 4)), np.ones((2, 1))), (np.ones((2, 4)), 0.0), ()])
def test_the_parts_of_a_sum_have_one_shape(parts: Any) -> None:
    message = "expected the parts of left of layer 1 to have one shape, got "
    with pytest.raises(AnalyticError, match=message):
        exact((parts, *ones()[1:]))


# The constant


@pytest.mark.parametrize("scale", [1.0, 2.0**-1074, 2.0**70])
def test_a_constant_that_the_linear_part_hands_on_passes(scale: float) -> None:
    linear = np.array([[1.0, 0.0], [scale, scale]])
    layer = exact((*ones(1, 1)[:2], np.array([[0.0], [1.0]]), linear))
    assert layer.passes_constant


@pytest.mark.parametrize(
    ("row", "weight"),
    [
        ([2.0, 0.0], 0.0),
        ([0.5, 0.0], 0.0),
        ([-1.0, 0.0], 0.0),
        ([0.0, 0.0], 0.0),
        ([0.0, 1.0], 0.0),
        ([1.0, SUBNORMAL], 0.0),
        ([1.0, 0.0], SUBNORMAL),
        ([2.0**70, 0.0], 0.0),
    ],
)
def test_a_constant_that_changes_does_not_pass(row: list[float], weight: float) -> None:
    linear = np.array([row, [2.0**70, 2.0**70]])
    layer = exact((*ones(1, 1)[:2], np.array([[weight], [1.0]]), linear))
    assert not layer.passes_constant


# Scales and sizes


def numerators(layer: Layer, state: list[Any], exponent: int) -> list[Fraction]:
    """Return a layer's outputs over its scale, for inputs over ``2**exponent``."""
    scale = Fraction(2) ** exact(layer).scales(exponent)[0]
    inputs = [entry * Fraction(2) ** exponent for entry in state]
    return [output / scale for output in oracles.layer_value(layer, inputs)]


@pytest.mark.props
@given(st.data(), st.sampled_from([tame, wild]), st.integers(-100, 0))
def test_outputs_are_integers_over_their_scale_and_within_their_sizes(
    data: st.DataObject,
    elements: Callable[..., st.SearchStrategy[float]],
    exponent: int,
) -> None:
    layer = data.draw(stacks(elements=elements, max_depth=1, max_size=3, max_neurons=3))[0]
    columns = layer.linear.shape[1]
    state = data.draw(st.lists(integers, min_size=columns, max_size=columns))
    sizes = exact(layer).sizes(np.array([abs(entry) for entry in state], dtype=object), exponent)
    for output, size in zip(numerators(layer, state, exponent), sizes, strict=True):
        assert output.denominator == 1
        assert abs(output) <= size


def test_sizes_are_reached_where_nothing_cancels() -> None:
    layer = ones()._replace(linear=np.full((2, 4), 0.25))
    sizes = exact(layer).sizes(np.array([1, 2, 3, 4], dtype=object), -1)
    assert sizes.tolist() == numerators(layer, [1, 2, 3, 4], -1)


@pytest.mark.parametrize(
    ("down", "linear", "exponents"),
    [(3.0, 0.5, (-2, 0, 0)), (1.0, 2.0, (-2, 0, 2)), (0.0, 4.0, (1, 0, 0)), (4.0, 0.0, (0, 0, 0))],
)
def test_a_part_that_is_zero_does_not_lower_the_scale(
    down: float, linear: float, exponents: tuple[int, int, int]
) -> None:
    layer = exact((*ones()[:2], np.full((2, 2), down), np.full((2, 4), linear)))
    assert layer.scales(-1) == exponents


@pytest.mark.props
@given(st.data())
def test_inputs_that_are_zero_need_not_be_read(data: st.DataObject) -> None:
    layer = data.draw(stacks(max_depth=1, max_size=4))[0]
    columns = layer.linear.shape[1]
    used = np.array(data.draw(st.lists(st.booleans(), min_size=columns, max_size=columns)))
    state = np.where(used, [Fraction(entry) for entry in range(1, columns + 1)], 0)
    reading = exact(layer).reading_only(used)
    arrays: list[npt.NDArray[Any]] = [
        getattr(reading, name).fractions().astype(np.float64) for name in NAMES
    ]
    assert oracles.layer_value(arrays, list(state[used])) == oracles.layer_value(layer, list(state))
    assert isinstance(reading.down, Dyadic)


def test_outputs_are_written_in_the_order_asked_for() -> None:
    layer = exact(ones(outputs=3)._replace(linear=np.arange(16.0).reshape(4, 4)))
    writing = layer.writing_only([3, 1])
    assert (writing.outputs, writing.inputs, writing.neurons) == (2, 4, 2)
    assert writing.linear.fractions().tolist() == [[12, 13, 14, 15], [4, 5, 6, 7]]
    assert writing.down.fractions().tolist() == [[1, 1], [1, 1]]


# Affine maps


@pytest.mark.props
@given(st.data(), st.sampled_from([tame, wild]), st.integers(1, 3), st.integers(1, 3))
def test_an_affine_layer_maps_coordinates_to_a_point(
    data: st.DataObject, elements: Any, coordinates: int, outputs: int
) -> None:
    numbers = st.lists(elements(), min_size=outputs, max_size=outputs)
    origin = data.draw(numbers)
    directions = [data.draw(numbers) for _ in range(coordinates)]
    layer = affine(
        Dyadic.from_floats(np.array(origin), "origin"),
        Dyadic.from_floats(np.array(directions), "directions"),
    )
    assert layer.passes_constant
    assert layer.neurons == 0
    columns = zip(origin, *directions, strict=True)
    expected = [[1] + [0] * coordinates, *([Fraction(entry) for entry in row] for row in columns)]
    assert layer.linear.fractions().tolist() == expected


def test_a_sum_of_vectors_has_their_shape() -> None:
    parts = np.array([1.0, 2.0**-1074]), np.array([2.0**1000, 0.0], np.float64)
    total = exact_sum(parts, "origin").fractions().tolist()
    assert total == [1 + Fraction(2) ** 1000, Fraction(2) ** -1074]
    assert exact_sum(parts[0], "origin").fractions().tolist() == [1, Fraction(2) ** -1074]
