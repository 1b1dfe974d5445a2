"""The normal form, and what is refused as one."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from hypothesis import given

from numeric import BilinearNetwork, Layer, NumericError, SquareLayer
from numeric.networks.normal_form import check_array, checked_layers, handed_on
from tests.strategies import networks, networks_with_points, wild

Wrong = Any
"""What no caller should hand over."""


def a_layer(inputs: int = 2, outputs: int = 2, neurons: int = 3) -> Layer:
    rows = np.ones((neurons, inputs + 1))
    return Layer(rows, rows, np.ones((outputs + 1, neurons)), np.ones((outputs + 1, inputs + 1)))


@pytest.mark.props
@given(networks(elements=wild))
def test_the_layers_of_a_network_are_in_the_normal_form(network: BilinearNetwork) -> None:
    layers = network.layers()
    for layer, checked in zip(layers, checked_layers(layers), strict=True):
        assert all(one is other for one, other in zip(layer, checked, strict=True))


@pytest.mark.props
@given(networks_with_points(dtypes=(np.float64,)))
def test_layers_hand_on_what_the_network_says(given: Any) -> None:
    network, points = given
    states = handed_on(network.layers(), np.insert(points, 0, 1.0, axis=1))
    with torch.no_grad():
        wanted = network(torch.from_numpy(points)).numpy()
    np.testing.assert_allclose(states[:, 1:], wanted, rtol=1e-9, atol=1e-9)


def test_any_sequences_of_four_matrices_are_layers() -> None:
    lists = [[array.tolist() for array in a_layer()], tuple(a_layer())]
    layers = checked_layers(iter(lists))
    assert [type(layer) for layer in layers] == [Layer, Layer]
    np.testing.assert_array_equal(layers[0].down, a_layer().down)


def test_a_layer_needs_no_neurons_and_float32_will_do() -> None:
    (layer,) = checked_layers([[array.astype(np.float32) for array in a_layer(neurons=0)]])
    assert layer.left.shape == (0, 3)
    assert layer.left.dtype == np.float32


def test_a_square_layer_reads_the_exact_sum_of_its_two_parts_on_both_sides() -> None:
    square = SquareLayer(*(np.full((2, 2), value) for value in (1.0, 2.0, 3.0, 4.0)))
    left, right, down, linear = square.in_normal_form()
    assert left is right
    assert left == (square.readings, square.low)
    assert down is square.mixing
    assert linear is square.linear


class Unreadable:
    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise RuntimeError("no array")


LAYER: Any = a_layer()
NAN = np.full((3, 3), np.nan)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (None, "expected layers to hold layers, got NoneType"),
        (3.0, "expected layers to hold layers, got float"),
        ([], "at least one layer, got none"),
        ([None], "layer 1 to be (left, right, down, linear), got NoneType"),
        ([LAYER, 5], "layer 2 to be (left, right, down, linear), got int"),
        ([LAYER[:3]], "layer 1 to be (left, right, down, linear), got 3 items"),
        (LAYER, "layer 1 to be (left, right, down, linear), got ndarray"),
        ("text", "layer 1 to be (left, right, down, linear), got 1 items"),
        (["text"], "left of layer 1 to have 2 axes, got shape ()"),
        ([LAYER._replace(left=2.0)], "left of layer 1 to have 2 axes, got shape ()"),
        ([LAYER._replace(linear=None)], "linear of layer 1 to have 2 axes, got shape ()"),
        ([LAYER._replace(linear=np.ones(3))], "linear of layer 1 to have 2 axes, got shape (3,)"),
        ([LAYER._replace(right=[[1.0], [1.0, 2.0]])], "right of layer 1 to be a numpy array"),
        ([LAYER._replace(right=Unreadable())], "right of layer 1 to be a numpy array"),
        (
            [LAYER._replace(right=torch.ones(3, 3, requires_grad=True))],
            "right of layer 1 to be a numpy array, got Tensor",
        ),
        ([LAYER._replace(down=np.ones((3, 3), int))], "down of layer 1 to be float32 or float64"),
        ([LAYER._replace(down=np.ones((3, 3), "f2"))], "float32 or float64, got float16"),
        ([LAYER._replace(down=np.ones((3, 3), object))], "float32 or float64, got object"),
        ([LAYER._replace(down=NAN)], "down of layer 1 to be finite, got nan at position (0, 0)"),
        ([LAYER._replace(linear=-np.inf * LAYER.linear)], "linear of layer 1 to be finite, got -i"),
        ([LAYER._replace(right=LAYER.right[:2])], "right of layer 1 to have shape (3, 3), got (2,"),
        ([LAYER._replace(down=LAYER.down[:2])], "down of layer 1 to have shape (3, 3), got (2, 3)"),
        ([LAYER, a_layer(inputs=3)], "left of layer 2 to have shape (3, 3), got (3, 4)"),
        ([a_layer(inputs=0)], "linear of layer 1 to have a row and a column beside the constant's"),
        ([a_layer(outputs=0)], "beside the constant's, got shape (1, 3)"),
        ([LAYER._replace(linear=np.zeros((0, 0)))], "beside the constant's, got shape (0, 0)"),
    ],
    ids=range(26),
)
def test_what_is_no_normal_form_is_refused_by_name(layers: Wrong, message: str) -> None:
    with pytest.raises(NumericError) as caught:
        checked_layers(layers)
    assert message in str(caught.value)


def test_an_array_of_the_wrong_shape_is_refused() -> None:
    check_array(np.ones(2, np.float32), "down", (2,))
    with pytest.raises(NumericError, match=r"expected down to have shape \(3,\), got \(2,\)"):
        check_array(np.ones(2), "down", (3,))


def test_an_array_of_swapped_bytes_is_refused() -> None:
    with pytest.raises(NumericError, match="expected down to be float32 or float64, got >f8"):
        check_array(np.ones(2, ">f8"), "down", (2,))
