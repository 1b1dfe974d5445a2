"""Whole polynomials of networks, where they fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given

from analytic import AnalyticError, ExactNetwork
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.strategies import any_stacks


def network(**shape: Any) -> ExactNetwork:
    sizes = {"depth": 2, "width": 2, "hidden": 3, "residual": True} | shape
    return ExactNetwork(BilinearNetwork(3, 2, **sizes).layers())


@pytest.mark.props
@given(any_stacks(max_size=3))
def test_polynomials_are_those_of_both_oracles(layers: list[Layer]) -> None:
    exact = ExactNetwork(layers)
    found = exact.polynomials()
    assert found == [exact.polynomial(output=output) for output in range(exact.outputs)]
    assert [oracles.terms(one) for one in found] == oracles.expansion(layers)
    others = [oracles.flint_terms(other) for other in oracles.flint_expansion(layers)]
    assert [oracles.terms(one) for one in found] == others


def test_every_variable_of_the_network_is_one_of_the_polynomial() -> None:
    none = np.zeros((0, 4))
    linear = np.zeros((2, 4))
    exact = ExactNetwork([(none, none, np.zeros((2, 0)), linear)])
    assert exact.polynomial(output=0).variables == (0, 1, 2)
    assert len(exact.polynomial(output=0)) == 0


def test_the_cost_is_that_of_all_outputs() -> None:
    cost = network().cost()
    assert cost.monomials == network().monomials == 35
    assert cost.pairs == (16, 100)
    assert network(depth=3).cost().memory > cost.memory


def test_an_expansion_beyond_the_memory_is_refused_with_its_size() -> None:
    message = (
        r"expected an expansion within 999 bytes \(memory\), got up to 35 monomials in 3 variables "
        r"for each of {} outputs, some [\d,]+ bytes: ask for single coefficients, restrict"
    )
    with pytest.raises(AnalyticError, match=message.format(1)):
        network().polynomial(output=0, memory=999)
    with pytest.raises(AnalyticError, match=message.format(2)):
        network().polynomials(memory=999)
    assert len(network().polynomials(memory=network().cost().memory)) == 2
    with pytest.raises(AnalyticError, match="got up to 35 monomials"):
        network().polynomials(memory=network().cost().memory - 1)


def test_an_expansion_of_mnist_size_is_refused_by_default() -> None:
    digits = ExactNetwork(BilinearNetwork(784, 10, depth=2, width=8, hidden=8).layers())
    message = "got up to 15,943,435,565 monomials in 784 variables for each of 1 outputs"
    with pytest.raises(AnalyticError, match=message):
        digits.polynomial(output=0)


@pytest.mark.parametrize(
    ("memory", "message"),
    [
        (None, "expected memory to be an integer, got None"),
        (1e6, r"expected memory to be an integer, got 1000000\.0"),
        (True, "expected memory to be an integer, got True"),
        (-1, "expected memory to be at least 0, got -1"),
    ],
)
def test_what_is_no_number_of_bytes_is_refused(memory: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        network().polynomial(output=0, memory=memory)
    with pytest.raises(AnalyticError, match=message):
        network().polynomials(memory=memory)
