"""Single coefficients of networks, without an expansion."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from analytic import AnalyticError, ExactNetwork
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.strategies import any_stacks, costly, networks, wild


def silent(inputs: int = 2, outputs: int = 3) -> ExactNetwork:
    """Return a network whose weights are all 0."""
    shapes = ((1, inputs + 1), (1, inputs + 1), (outputs + 1, 1), (outputs + 1, inputs + 1))
    return ExactNetwork([tuple(np.zeros(shape) for shape in shapes)])


def test_a_coefficient_beyond_the_degree_is_0(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    assert exact.coefficient(output=0, monomial={0: 4}) != 0
    assert exact.coefficient(output=0, monomial={0: 5}) == 0
    assert exact.coefficient(output=0, monomial={0: 4, 2: 1}) == 0
    assert exact.coefficient(output=0, monomial={0: 10**30}) == 0


def test_an_exponent_of_0_changes_nothing(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    plain = exact.coefficient(output=1, monomial={1: 2})
    assert exact.coefficient(output=1, monomial={2: 0, 1: 2, 0: 0}) == plain


def test_the_order_of_the_variables_does_not_matter(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    forwards = exact.coefficient(output=1, monomial={0: 1, 1: 2})
    assert exact.coefficient(output=1, monomial={1: 2, 0: 1}) == forwards
    assert exact.coefficient(output=1, monomial={1: 1, 0: 2}) != forwards


def test_numpy_integers_are_integers(small: BilinearNetwork) -> None:
    exact = ExactNetwork(small.layers())
    found = exact.coefficient(output=np.int64(1), monomial={np.int32(2): np.uint8(3)})
    assert found == exact.coefficient(output=1, monomial={2: 3})


def test_a_network_of_zeros_has_coefficients_0() -> None:
    for monomial in ({}, {0: 1}, {0: 1, 1: 1}):
        assert silent().coefficient(output=2, monomial=monomial) == 0


def test_the_constant_coefficient_is_the_value_at_0(digits: BilinearNetwork) -> None:
    exact = ExactNetwork(digits.layers())
    at_0 = exact.evaluate(np.zeros((1, 784)))[0]
    assert [exact.coefficient(output=o, monomial={}) for o in range(10)] == at_0.tolist()


def test_the_coefficient_of_two_pixels_is_the_sum_over_neurons(digits: BilinearNetwork) -> None:
    left, right, down, _ = (oracles.matrix(array) for array in digits.layers()[0])
    expected = sum(
        down[8][k] * (left[k][407] * right[k][301] + left[k][301] * right[k][407])
        for k in range(16)
    )
    found = ExactNetwork(digits.layers()).coefficient(output=7, monomial={406: 1, 300: 1})
    assert found == expected


def test_a_coefficient_of_a_large_network_follows_from_its_values() -> None:
    network = BilinearNetwork(784, 10, depth=2, width=64, hidden=256)
    exact = ExactNetwork(network.layers())
    line = np.zeros((5, 784))
    line[:, 406] = np.arange(5)
    values = exact.evaluate(line)[:, 3]
    # The fourth difference of a polynomial of degree 4 is 4! times its leading coefficient.
    fourth = sum(weight * entry for weight, entry in zip((1, -4, 6, -4, 1), values, strict=True))
    assert exact.coefficient(output=3, monomial={406: 4}) == fourth / 24


def check_coefficients(layers: list[Any], degree: int) -> None:
    exact = ExactNetwork(layers)
    expanded = oracles.expansion(layers)
    others = [oracles.flint_terms(other) for other in oracles.flint_expansion(layers)]
    for output, monomial in product(
        range(exact.outputs), oracles.monomials(exact.inputs, degree + 1)
    ):
        powers = oracles.exponents(monomial, exact.inputs)
        found = exact.coefficient(output=output, monomial=monomial)
        assert found == expanded[output].get(powers, 0) == others[output].get(powers, 0)


def test_every_coefficient_of_a_deep_network_is_the_one_of_the_expansion() -> None:
    network = BilinearNetwork(2, 1, depth=3, width=2, hidden=2, residual=True)
    check_coefficients(network.layers(), 8)


@pytest.mark.props
@given(networks(max_depth=2, max_size=2))
def test_a_coefficient_is_the_one_of_the_expansion(network: BilinearNetwork) -> None:
    check_coefficients(network.layers(), 2**network.configuration.depth)


@pytest.mark.props
@costly
@given(networks(elements=wild, max_depth=1, max_size=3))
def test_a_coefficient_of_wild_weights_is_the_one_of_the_expansion(
    network: BilinearNetwork,
) -> None:
    check_coefficients(network.layers(), 2)


@pytest.mark.props
@given(any_stacks())
def test_a_coefficient_is_right_whatever_becomes_of_the_constant(layers: list[Layer]) -> None:
    check_coefficients(layers, 4)


# Arguments


def refusals(**arguments: Any) -> Iterator[str]:
    """Return what every question about an output of a network is answered with."""
    point = np.zeros(2)
    for ask in (
        lambda: silent().polynomial(**arguments),
        lambda: silent().coefficient(**arguments, monomial={}),
        lambda: silent().hessian(**arguments, point=point),
    ):
        with pytest.raises(AnalyticError) as caught:
            ask()
        yield str(caught.value)


@pytest.mark.parametrize("output", [-1, 3, 10**30])
def test_an_output_out_of_range_is_refused(output: int) -> None:
    expected = f"expected output to lie in 0..2, got {output}"
    assert list(refusals(output=output)) == [expected] * 3


@pytest.mark.parametrize("output", [True, np.True_, 0.0, None, "0", np.array([0]), Fraction(0)])
def test_an_output_that_is_no_integer_is_refused(output: Any) -> None:
    expected = f"expected output to be an integer, got {output!r}"
    assert list(refusals(output=output)) == [expected] * 3


@pytest.mark.parametrize(
    ("monomial", "message"),
    [
        ({2: 1}, r"expected variable of monomial to lie in 0\.\.1, got 2"),
        ({-1: 0}, r"expected variable of monomial to lie in 0\.\.1, got -1"),
        ({"x_0": 1}, "expected variable of monomial to be an integer, got 'x_0'"),
        ({0: -1}, "expected exponent of variable 0 in monomial to be at least 0, got -1"),
        (None, "expected monomial to map variables to exponents, got None"),
    ],
)
def test_what_is_no_monomial_is_refused(monomial: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        silent().coefficient(output=0, monomial=monomial)


@pytest.mark.parametrize(("depth", "variables"), [(5, 32), (7, 70)])
def test_a_coefficient_says_beforehand_what_memory_it_would_take(
    depth: int, variables: int
) -> None:
    network = BilinearNetwork(100, 1, depth=depth, width=2, hidden=2)
    exact = ExactNetwork(network.layers())
    with pytest.raises(AnalyticError, match=f"got {2**variables:,} of them, which take about"):
        exact.coefficient(output=0, monomial=dict.fromkeys(range(variables), 1))


def test_a_coefficient_takes_the_memory_that_it_is_allowed() -> None:
    exact = ExactNetwork(BilinearNetwork(3, 1, depth=1, hidden=2).layers())
    wanted = exact.coefficient(output=0, monomial={0: 1, 1: 1})
    with pytest.raises(AnalyticError, match=r"memory=639 bytes, got 4 of them, .* 640 bytes"):
        exact.coefficient(output=0, monomial={0: 1, 1: 1}, memory=639)
    assert exact.coefficient(output=0, monomial={0: 1, 1: 1}, memory=640) == wanted
