"""First derivatives of networks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from analytic import ExactNetwork
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.analytic.rewrites import swapped_in_one_layer
from tests.strategies import networks_with_points, stacks_with_points, wild

Array = npt.NDArray[Any]


def check_gradient(layers: list[Layer], point: Array) -> None:
    found = ExactNetwork(layers).gradient(point)
    assert found.shape == (len(layers[-1].linear) - 1, len(point))
    assert found.tolist() == oracles.gradient(layers, point)
    others = oracles.flint_expansion(layers)
    variables = range(len(point))
    derived = [
        [oracles.flint_at(other.derivative(i), point) for i in variables] for other in others
    ]
    assert found.tolist() == derived
    swapped = ExactNetwork(swapped_in_one_layer(layers))
    assert swapped.gradient(point).tolist() == found.tolist()


def test_a_parabola_has_its_slope() -> None:
    # y = (1 + 2x)(1 - x) = 1 + x - 2x²
    left, right = np.array([[1.0, 2.0]]), np.array([[1.0, -1.0]])
    down, linear = np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    exact = ExactNetwork([(left, right, down, linear)])
    for place in (0.0, 0.25, -3.0, 2.0**-1000, 2.0**500):
        assert exact.gradient(np.array([place])).tolist() == [[1 - 4 * Fraction(place)]]


def test_a_slope_is_a_fraction_in_any_dtype() -> None:
    layers = BilinearNetwork(3, 2, depth=2, width=2, hidden=3).layers()
    for dtype in (np.float16, np.float32, np.float64):
        point = np.array([0.1, -3.0, 1e-6], dtype)
        found = ExactNetwork(layers).gradient(point)
        assert all(type(entry) is Fraction for entry in found.ravel())
        assert found.tolist() == oracles.gradient(layers, point)


def test_a_linear_network_has_the_same_gradient_everywhere() -> None:
    none, linear = np.zeros((0, 3)), np.array([[1.0, 0.0, 0.0], [5.0, 2.0, -0.1]])
    exact = ExactNetwork([(none, none, np.zeros((2, 0)), linear)])
    for point in (np.zeros(2), np.array([1e300, -1e-300])):
        assert exact.gradient(point).tolist() == [[2, Fraction(-0.1)]]


def test_a_restricted_network_has_some_of_the_derivatives() -> None:
    exact = ExactNetwork(BilinearNetwork(4, 2, depth=2, width=3, hidden=3).layers())
    point = np.array([0.5, -1.5, 2.0, 0.125])
    restricted = exact.restricted([0, 3], at=point)
    found = restricted.gradient(point[[0, 3]])
    assert found.tolist() == exact.gradient(point)[:, [0, 3]].tolist()


@pytest.mark.props
@given(stacks_with_points(count=1, max_size=3))
def test_a_gradient_is_the_one_of_both_oracles(case: tuple[list[Layer], Array]) -> None:
    layers, points = case
    check_gradient(layers, points[0])


@pytest.mark.props
@given(networks_with_points(elements=wild, max_depth=2))
def test_a_gradient_of_wild_weights_is_the_one_of_both_oracles(
    case: tuple[BilinearNetwork, Array],
) -> None:
    network, points = case
    check_gradient(network.layers(), points[0])
