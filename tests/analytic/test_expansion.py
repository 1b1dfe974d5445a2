"""Stacks multiplied out in two independent ways."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError, expansion
from analytic.dyadic import Dyadic
from analytic.expansion import Cost, by_flint, by_residues, expand, scaled
from analytic.layers import exact_layers
from analytic.polynomial import Polynomial
from analytic.stack import ScaledStack
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.strategies import any_stacks, networks, wild

BOTH = (by_residues, by_flint)


def stack_of(layers: list[Any]) -> ScaledStack:
    return scaled(exact_layers(layers), range(len(oracles.matrix(layers[-1][3])) - 1))


def multiplied_out(layers: list[Any], way: Any) -> list[oracles.Polynomial]:
    """Return all outputs, multiplied out in one of the two ways."""
    stack = stack_of(layers)
    coefficients = way(stack)
    numbers, variables = np.arange(coefficients.shape[1]), tuple(range(stack.inputs))
    return [
        oracles.terms(Polynomial.of(variables, numbers, Dyadic(row, stack.exponent)))
        for row in coefficients
    ]


def check_both(layers: list[Any]) -> None:
    expected = oracles.expansion(layers)
    assert expected == [oracles.flint_terms(other) for other in oracles.flint_expansion(layers)]
    for way in BOTH:
        assert multiplied_out(layers, way) == expected


# Both ways


@pytest.mark.parametrize("way", BOTH)
def test_two_layers_are_multiplied_out(way: Any) -> None:
    # y = (1 + x)², z = y² + x̃'s constant
    square = np.array([[1.0, 1.0]])
    first = square, square, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    reading = np.array([[0.0, 1.0]])
    second = reading, reading, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0], [0.5, 0.0]])
    expected = {(0,): Fraction(3, 2), (1,): 4, (2,): 6, (3,): 4, (4,): 1}
    assert multiplied_out([first, second], way) == [expected]


@pytest.mark.parametrize("way", BOTH)
def test_a_network_of_zeros_expands_to_0(way: Any) -> None:
    layer = np.zeros((1, 3)), np.zeros((1, 3)), np.zeros((2, 1)), np.zeros((2, 3))
    assert multiplied_out([layer], way) == [{}]


@pytest.mark.parametrize("way", BOTH)
def test_layers_without_neurons_expand_to_a_linear_polynomial(way: Any) -> None:
    none, linear = np.zeros((0, 3)), np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.5, 0.0, -1.0]])
    layer = none, none, np.zeros((3, 0)), linear
    assert multiplied_out([layer], way) == [{(1, 0): 2}, {(0, 0): Fraction(1, 2), (0, 1): -1}]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_both_ways_give_the_same_integers(depth: int) -> None:
    network = BilinearNetwork(3, 2, depth=depth, width=2, hidden=3, residual=True)
    stack = stack_of(network.layers())
    assert by_residues(stack).tolist() == by_flint(stack).tolist()


@pytest.mark.parametrize("together", [1, 100, 10**6])
def test_any_number_of_outputs_at_once_gives_the_same_integers(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = stack_of(BilinearNetwork(2, 5, depth=2, width=3, hidden=2).layers())
    monkeypatch.setattr(expansion, "_PAIRS_AT_ONCE", together)
    assert by_residues(stack).tolist() == by_flint(stack).tolist()


@pytest.mark.props
@given(networks(elements=wild))
def test_wild_networks_have_the_coefficients_of_both_oracles(network: BilinearNetwork) -> None:
    check_both(network.layers())


@pytest.mark.props
@given(any_stacks(max_size=3))
def test_stacks_have_the_coefficients_of_both_oracles(layers: list[Layer]) -> None:
    check_both(layers)


@pytest.mark.props
@given(any_stacks(), st.data())
def test_outputs_may_be_chosen(layers: list[Layer], data: st.DataObject) -> None:
    expected = oracles.expansion(layers)
    output = data.draw(st.integers(0, len(expected) - 1))
    stack = scaled(exact_layers(layers), [output])
    for variables in (tuple(range(stack.inputs)), tuple(range(7, 7 + stack.inputs))):
        (found,) = expand(stack, variables, 10**9)
        assert found.variables == variables
        assert oracles.terms(found) == expected[output]


@pytest.mark.parametrize(("pairs", "other"), [(10**9, "by_residues"), (0, "by_flint")])
def test_the_way_follows_from_the_size(
    pairs: int, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expansion, "_FEW_PAIRS", pairs)
    monkeypatch.setattr(expansion, other, None)
    layers = BilinearNetwork(2, 1, depth=2, width=2, hidden=2).layers()
    (found,) = expand(stack_of(layers), (0, 1), 10**9)
    assert oracles.terms(found) == oracles.expansion(layers)[0]


# What it takes


def test_the_cost_is_known_in_advance() -> None:
    layers = BilinearNetwork(3, 2, depth=2, width=4, hidden=5, embedding=True).layers()
    cost = Cost.of(stack_of(layers))
    # An embedding, then 5 neurons on 4 monomials of degree 1, then on 10 of degree 2.
    assert cost.pairs == (0, 16, 100)
    assert cost.monomials == 35
    assert cost.multiplications == 5 * 5 * 16 + 2 * 5 * 100
    assert cost.primes == len(stack_of(layers).primes)
    assert cost.memory > 35 * 2 * 8


def test_a_linear_stack_multiplies_nothing() -> None:
    none = np.zeros((0, 3))
    cost = Cost.of(stack_of([(none, none, np.zeros((2, 0)), np.ones((2, 3)))]))
    assert (cost.monomials, cost.pairs, cost.multiplications) == (3, (0,), 0)


def test_an_expansion_takes_as_much_memory_as_allowed_and_no_more() -> None:
    stack = stack_of(BilinearNetwork(3, 2, depth=2, width=2, hidden=3).layers())
    memory = Cost.of(stack).memory
    assert len(expand(stack, (0, 1, 2), memory)) == 2
    message = (
        rf"expected an expansion within {memory - 1:,} bytes \(memory\), got up to 35 monomials in "
        rf"3 variables for each of 2 outputs, some {memory:,} bytes: ask for single coefficients, "
        "restrict the network to fewer variables, or allow more"
    )
    with pytest.raises(AnalyticError, match=message):
        expand(stack, (0, 1, 2), memory - 1)


def test_the_memory_of_an_expansion_is_about_the_one_predicted() -> None:
    stack = stack_of(BilinearNetwork(20, 2, depth=2, width=4, hidden=8).layers())
    predicted = Cost.of(stack).memory
    tracemalloc.start()
    by_residues(stack)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # What is multiplied at once fits a cache, and is not counted.
    assert predicted / 2 < peak < predicted + 2**24
