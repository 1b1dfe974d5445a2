"""Expanded polynomials."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import given

from analytic import ExactNetwork, Polynomial
from analytic.polynomial import checked_powers
from numeric import BilinearNetwork
from tests import oracles
from tests.strategies import networks, networks_with_points, wild

Case = tuple[BilinearNetwork, npt.NDArray[Any]]


def polynomial(terms: dict[tuple[int, ...], Any], variables: int = 3) -> Polynomial:
    names = [f"x_{index}" for index in range(variables)]
    return Polynomial(flint.fmpq_mpoly_ctx.get(names, "degrevlex").from_dict(terms))


THREE_TERMS = polynomial({(2, 0, 1): flint.fmpq(-1, 3), (0, 1, 0): 4, (0, 0, 0): flint.fmpq(1, 2)})


def test_the_length_is_the_number_of_terms() -> None:
    assert len(THREE_TERMS) == 3
    assert len(polynomial({})) == 0


def test_variables_count_though_they_do_not_occur() -> None:
    assert THREE_TERMS.variables == 3
    assert polynomial({}, variables=12).variables == 12


@pytest.mark.parametrize(
    ("monomial", "expected"),
    [
        ({0: 2, 2: 1}, Fraction(-1, 3)),
        ({2: 1, 0: 2, 1: 0}, Fraction(-1, 3)),
        ({1: 1}, 4),
        ({}, Fraction(1, 2)),
        ({0: 2}, 0),
        ({0: 10**30}, 0),
        ({np.int64(1): np.int64(1)}, 4),
    ],
)
def test_a_coefficient_is_found_by_its_exponents(
    monomial: dict[int, int], expected: Fraction
) -> None:
    found = THREE_TERMS.coefficient(monomial)
    assert isinstance(found, Fraction)
    assert found == expected


def test_powers_are_sorted_and_free_of_zeros() -> None:
    assert list(checked_powers({5: 1, np.int64(2): np.int64(7), 3: 0}, 6).items()) == [
        (2, 7),
        (5, 1),
    ]


def test_sympy_gets_the_same_terms() -> None:
    x = sympy.symbols("x_0 x_1 x_2")
    expected = -(x[0] ** 2) * x[2] / 3 + 4 * x[1] + sympy.Rational(1, 2)
    assert THREE_TERMS.to_sympy() == expected


def test_sympy_gets_0_for_no_terms() -> None:
    assert polynomial({}).to_sympy() == 0


def test_a_single_variable_has_a_number_too() -> None:
    assert polynomial({(1,): 1}, variables=1).to_sympy() == sympy.Symbol("x_0")


@pytest.mark.props
@given(networks_with_points(elements=wild, max_depth=2))
def test_sympy_finds_the_values_of_the_network(case: Case) -> None:
    network, inputs = case
    exact = ExactNetwork(network.layers())
    symbols = sympy.symbols(f"x_:{exact.inputs}")
    point = [Fraction(float(entry)) for entry in inputs[0]]
    substitution = {
        symbol: sympy.Rational(entry.numerator, entry.denominator)
        for symbol, entry in zip(symbols, point, strict=True)
    }
    for output, expected in enumerate(exact.evaluate(inputs[:1])[0]):
        found = exact.polynomial(output=output).to_sympy().subs(substitution)
        assert Fraction(int(found.p), int(found.q)) == expected


@pytest.mark.props
@given(networks(elements=wild, max_depth=2))
def test_every_coefficient_is_the_one_of_the_oracle(network: BilinearNetwork) -> None:
    exact = ExactNetwork(network.layers())
    for output, expected in enumerate(oracles.expansion(network.layers())):
        found = exact.polynomial(output=output)
        assert len(found) == len(expected)
        for monomial in oracles.monomials(exact.inputs, exact.degree + 1):
            powers = oracles.exponents(monomial, exact.inputs)
            assert found.coefficient(monomial) == expected.get(powers, 0)
