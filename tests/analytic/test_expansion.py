"""Networks multiplied out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic import ExactNetwork, Polynomial
from analytic.expansion import expand
from analytic.layers import exact_layers
from numeric import BilinearNetwork
from tests import oracles
from tests.strategies import few, networks_with_points, stacks, tame, wild

Case = tuple[BilinearNetwork, npt.NDArray[Any]]


def coefficients(polynomial: Polynomial) -> oracles.Polynomial:
    return {
        tuple(int(power) for power in powers): Fraction(int(value.p), int(value.q))
        for powers, value in polynomial.flint.to_dict().items()
    }


def expansions(layers: list[Any]) -> list[oracles.Polynomial]:
    read = exact_layers(layers)
    outputs = range(len(read[-1].linear.numerators) - 1)
    return [coefficients(expand(read, output)) for output in outputs]


def value(polynomial: Polynomial, point: npt.NDArray[Any]) -> Fraction:
    entries = [Fraction(float(entry)) for entry in point]
    found = polynomial.flint(*(flint.fmpq(e.numerator, e.denominator) for e in entries))
    return Fraction(int(found.p), int(found.q))


def test_two_layers_are_multiplied_out() -> None:
    # y = (1 + x)², z = y² + x̃'s constant
    square = np.array([[1.0, 1.0]])
    first = square, square, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    reading = np.array([[0.0, 1.0]])
    second = reading, reading, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.5, 0.0]])
    (found,) = expansions([first, second])
    expected = {(0,): Fraction(3, 2), (1,): 4, (2,): 6, (3,): 4, (4,): 1}
    assert found == expected


def test_a_network_of_zeros_expands_to_0() -> None:
    layer = np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((2, 1)), np.zeros((2, 3))
    assert expansions([layer]) == [{}]


def test_layers_without_neurons_expand_to_a_linear_polynomial() -> None:
    none, linear = np.zeros((0, 3)), np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.5, 0.0, -1.0]])
    layer = none, none, np.zeros((3, 0)), linear
    assert expansions([layer]) == [{(1, 0): 2}, {(0, 0): Fraction(1, 2), (0, 1): -1}]


@pytest.mark.props
@given(networks_with_points(elements=wild))
def test_an_expansion_has_the_coefficients_of_the_oracle(case: Case) -> None:
    network, _ = case
    assert expansions(network.layers()) == oracles.expansion(network.layers())


@pytest.mark.props
@given(st.sampled_from([few, tame, wild]).flatmap(lambda elements: stacks(elements=elements)))
def test_an_expansion_is_right_where_the_constant_does_not_pass(layers: list[Any]) -> None:
    assert expansions(layers) == oracles.expansion(layers)


@pytest.mark.props
@given(networks_with_points(elements=wild))
def test_an_expansion_has_the_values_of_the_network(case: Case) -> None:
    network, inputs = case
    exact = ExactNetwork(network.layers())
    for output in range(exact.outputs):
        polynomial = exact.polynomial(output=output)
        found = [value(polynomial, point) for point in inputs]
        assert found == exact.evaluate(inputs)[:, output].tolist()


def test_the_oracle_agrees_with_itself() -> None:
    layers = BilinearNetwork(2, 2, depth=2, width=2, hidden=2, residual=True).layers()
    point = np.array([0.1, -0.7])
    expanded = [oracles.polynomial_value(p, list(point)) for p in oracles.expansion(layers)]
    assert expanded == oracles.value(layers, point)
