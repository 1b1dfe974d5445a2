"""Second derivatives of networks."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from analytic import ExactNetwork
from analytic.algebras import Tangents
from analytic.curvature import curvature
from analytic.layers import exact_layers
from analytic.residues import all_primes
from analytic.stack import ScaledStack
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.analytic.rewrites import swapped_in_one_layer
from tests.strategies import costly, networks_with_points, stacks_with_points, wild

Array = npt.NDArray[Any]


def check_hessian(layers: list[Layer], point: Array) -> None:
    exact, swapped = ExactNetwork(layers), ExactNetwork(swapped_in_one_layer(layers))
    variables = range(len(point))
    for output, other in enumerate(oracles.flint_expansion(layers)):
        found = exact.hessian(output=output, point=point).tolist()
        assert found == oracles.hessian(layers, output, point)
        assert found == [
            [oracles.flint_at(other.derivative(i).derivative(j), point) for j in variables]
            for i in variables
        ]
        assert swapped.hessian(output=output, point=point).tolist() == found


def test_a_single_layer_has_its_interaction_matrix_twice() -> None:
    layers = BilinearNetwork(3, 2, depth=1, hidden=4).layers()
    left, right, down, _ = (oracles.matrix(array) for array in layers[0])
    expected = [
        [
            sum(
                down[2][k] * (left[k][i] * right[k][j] + left[k][j] * right[k][i]) for k in range(4)
            )
            for j in range(1, 4)
        ]
        for i in range(1, 4)
    ]
    for point in (np.zeros(3), np.array([1e300, 0.1, -1e-300])):
        found = ExactNetwork(layers).hessian(output=1, point=point)
        assert found.tolist() == expected


def test_a_quartic_bends_with_its_place() -> None:
    # y = x², z = y²
    reading, down = np.array([[0.0, 1.0]]), np.array([[0.0], [1.0]])
    square = reading, reading, down, np.diag([1.0, 0.0])
    exact = ExactNetwork([square, square])
    for place in (0.0, 0.1, -(2.0**100), 2.0**-100):
        expected = [[12 * Fraction(place) ** 2]]
        assert exact.hessian(output=0, point=np.array([place])).tolist() == expected


def test_a_linear_network_does_not_bend() -> None:
    none, linear = np.zeros((0, 3)), np.array([[1.0, 0.0, 0.0], [5.0, 2.0, -0.1]])
    exact = ExactNetwork([(none, none, np.zeros((2, 0)), linear)])
    assert exact.hessian(output=0, point=np.ones(2)).tolist() == [[0, 0], [0, 0]]


def test_a_second_derivative_may_be_twice_as_large_as_its_coefficient() -> None:
    one, other, *_ = (int(prime) for prime in all_primes())
    # The largest coefficient for which two primes are enough: its double needs a third.
    coefficient = (one * other - 1) // 2
    reading, passing = np.array([[0.0, 1.0]]), np.diag([1.0, 0.0])
    down = np.array([[0.0], [float(coefficient)]])
    exact = ExactNetwork([(reading, reading, down, passing)])
    found = exact.hessian(output=0, point=np.zeros(1)).tolist()
    assert found == [[2 * coefficient]] == [[one * other - 1]]


def test_columns_are_a_point_and_any_directions() -> None:
    layers = BilinearNetwork(2, 1, depth=2, width=2, hidden=2).layers()
    columns = np.array([[1, 0, 0], [3, 2, 1], [-1, 5, 0]])
    stack = ScaledStack.reading(
        [*exact_layers(layers)[:-1], exact_layers(layers)[-1].writing_only([1])],
        Tangents().sizes(np.abs(columns).astype(object)),
    )
    found = curvature(stack, columns).fractions().tolist()
    whole = oracles.hessian(layers, 0, [3.0, -1.0])
    directions = columns[1:, 1:].T.tolist()
    assert found == [
        [sum(a[i] * whole[i][j] * b[j] for i in range(2) for j in range(2)) for b in directions]
        for a in directions
    ]


@pytest.mark.props
@given(stacks_with_points(count=1, max_size=3))
def test_a_hessian_is_the_one_of_both_oracles(case: tuple[list[Layer], Array]) -> None:
    layers, points = case
    check_hessian(layers, points[0])


@pytest.mark.props
@costly
@given(networks_with_points(elements=wild, max_depth=2))
def test_a_hessian_of_wild_weights_is_the_one_of_both_oracles(
    case: tuple[BilinearNetwork, Array],
) -> None:
    network, points = case
    check_hessian(network.layers(), points[0])
