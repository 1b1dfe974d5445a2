"""Networks made ready to be compared: what is multiplied in, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from numeric import BilinearNetwork, Layer, NumericError, square_layers, trace
from numeric.comparison.networks import comparable, plain_layers
from tests.oracles import value
from tests.strategies import networks_with_points


def network(**shape: Any) -> BilinearNetwork:
    return BilinearNetwork(4, 3, **{"depth": 2, "width": 3, "hidden": 5, **shape}).double()


def outputs(layers: list[Layer], point: Any) -> list[float]:
    return [float(entry) for entry in value(layers, point)]


@pytest.mark.props
@given(networks_with_points())
def test_no_function_is_changed(case: tuple[BilinearNetwork, Any]) -> None:
    model, points = case
    found = plain_layers(model)
    assert len(found) == model.configuration.depth
    assert all(array.dtype == np.float64 for layer in found for array in layer)
    sizes = [[abs(array) for array in layer] for layer in model.layers()]
    for point in points:
        scale = max(outputs(sizes, abs(point)))
        expected = outputs(model.layers(), point)
        np.testing.assert_allclose(outputs(found, point), expected, rtol=1e-9, atol=1e-12 * scale)


def test_layers_without_neurons_are_multiplied_in_wherever_they_stand() -> None:
    drawn = np.random.default_rng(0)

    def affine(above: int, below: int) -> Layer:
        none = np.zeros((0, below))
        linear = np.eye(1, below).repeat(above, axis=0)
        linear[1:] = drawn.normal(size=(above - 1, below))
        return Layer(none, none, np.zeros((above, 0)), linear)

    first, second = network().layers()
    layers = [affine(3, 4), affine(5, 3), first, affine(4, 4), affine(4, 4), second]
    layers += [affine(3, 4), affine(2, 3)]
    found = plain_layers(layers)
    assert [layer.linear.shape for layer in found] == [(4, 4), (2, 4)]
    point = drawn.normal(size=3)
    np.testing.assert_allclose(outputs(found, point), outputs(layers, point), rtol=1e-9)
    (alone,) = plain_layers([affine(3, 4), affine(2, 3)])
    assert alone.linear.shape == (2, 4)
    assert len(alone.left) == 0


def test_graphs_and_squares_are_networks_too() -> None:
    model = network(residual=True)
    graph = trace(model)
    point = [0.3, -1.0, 2.0, 0.5]
    for same in (graph, square_layers(graph), iter(square_layers(graph))):
        np.testing.assert_allclose(
            outputs(plain_layers(same), point), outputs(model.layers(), point), rtol=1e-9
        )


def test_nothing_is_written_to_the_network_given() -> None:
    layers = network().layers()
    layers[-1].linear[0] = 7
    before = [array.copy() for layer in layers for array in layer]
    found = plain_layers(layers)
    assert found[-1].linear[0].tolist() == [1, 0, 0, 0]
    after = [array for layer in layers for array in layer]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (network().layers()[1:], "expected second to have 4 inputs like first, got 3"),
        (BilinearNetwork(4, 5), "expected second to have 3 outputs like first, got 5"),
        ([], "expected layers to hold at least one layer, got none, in second"),
        (
            3,
            (
                "expected network to be a BilinearNetwork, a LayeredNetwork or layers in the "
                "normal form, got int, in second"
            ),
        ),
        (
            [(1, 2)],
            "expected layer 1 to be (left, right, down, linear), got 2 items, in second",
        ),
    ],
)
def test_what_does_not_fit_is_refused(other: Any, message: str) -> None:
    with pytest.raises(NumericError, match=f"^{re.escape(message)}$"):
        comparable(network(), other)


@pytest.mark.parametrize("array", ["down", "linear"])
def test_a_hidden_layer_has_to_pass_the_constant_on(array: str) -> None:
    layers = network(depth=3).layers()
    getattr(layers[1], array)[0, 1] = 1e-3
    message = "expected the first output of layer 2 to be the constant alone, got more, in first"
    with pytest.raises(NumericError, match=f"^{message}$"):
        comparable(layers, network())
