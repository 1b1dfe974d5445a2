"""Stacks on one scale each, and what runs through them."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic.algebras import Pointwise, Truncated
from analytic.layers import exact_layers
from analytic.residues import residues
from analytic.stack import ScaledStack, run, through
from numeric import BilinearNetwork, Layer
from tests import oracles
from tests.strategies import any_stacks

PRIME = 4_194_301

integers = st.integers(-(2**70), 2**70)


def outputs(layers: list[Layer], state: list[Fraction]) -> list[Fraction]:
    """Return all components, the constant's included."""
    for layer in layers:
        state = oracles.layer_value(layer, state)
    return state


@st.composite
def states(draw: st.DrawFn) -> tuple[list[Layer], list[int], int]:
    """A stack, integers for all components that it reads, and the exponent of both."""
    layers = draw(any_stacks())
    size = layers[0].linear.shape[1]
    return layers, draw(st.lists(integers, min_size=size, max_size=size)), draw(st.integers(-80, 5))


def reading(layers: list[Layer], state: list[int], exponent: int) -> ScaledStack:
    sizes = np.array([abs(entry) for entry in state], dtype=object)
    return ScaledStack.reading(exact_layers(layers), sizes, exponent)


def test_a_stack_knows_its_shape() -> None:
    layers = BilinearNetwork(3, 2, depth=2, width=4, hidden=5, embedding=True).layers()
    stack = ScaledStack.reading(exact_layers(layers), np.ones(4, dtype=object))
    assert (stack.inputs, stack.degree) == (3, 4)
    assert len(stack.scales) == len(layers) + 1
    assert stack.scales[0] == 0
    assert stack.exponent == stack.scales[-1]


def test_every_output_has_its_own_size() -> None:
    none = np.zeros((0, 2))
    layer = Layer(none, none, np.zeros((3, 0)), np.array([[1.0, 0.0], [0.0, 5.0], [3.0, 7.0]]))
    stack = ScaledStack.reading(exact_layers([layer]), np.array([1, 100], dtype=object))
    assert stack.sizes.tolist() == [1, 500, 703]


@pytest.mark.parametrize("columns", [0, 1, 513])
def test_no_column_is_lost(columns: int) -> None:
    layers = exact_layers(BilinearNetwork(2, 1, depth=1, hidden=1).layers())
    state = np.ones((3, columns), dtype=np.int64)
    assert run(layers, state, 0, Pointwise()).numerators.shape == (2, columns)


def test_polynomials_run_through_as_points_do() -> None:
    layers = exact_layers(BilinearNetwork(1, 1, depth=2, width=2, hidden=2).layers())
    line = run(layers, np.array([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]), 0, Truncated((5,)))
    points = run(layers, np.array([[1, 1, 1], [0, 1, -2]]), 0, Pointwise())
    coefficients, values = line.fractions()[1], points.fractions()[1]
    assert values[0] == coefficients[0]
    assert values[1] == sum(coefficients)
    assert values[2] == sum(c * (-2) ** power for power, c in enumerate(coefficients))


@pytest.mark.props
@given(states())
def test_outputs_are_integers_over_the_last_scale_and_within_their_sizes(
    case: tuple[list[Layer], list[int], int],
) -> None:
    layers, state, exponent = case
    stack = reading(*case)
    found = outputs(layers, [entry * Fraction(2) ** exponent for entry in state])
    for output, size in zip(found, stack.sizes, strict=True):
        numerator = output / Fraction(2) ** stack.exponent
        assert numerator.denominator == 1
        assert abs(numerator) <= size
    assert math.prod(stack.primes) > 2 * max(stack.sizes)


@pytest.mark.props
@given(states())
def test_a_run_is_exact(case: tuple[list[Layer], list[int], int]) -> None:
    layers, state, exponent = case
    columns: Any = np.array([[entry, 2 * entry] for entry in state], dtype=object)
    found = run(exact_layers(layers), columns, exponent, Pointwise()).fractions()
    for factor, column in zip((1, 2), found.T, strict=True):
        scaled = [factor * entry * Fraction(2) ** exponent for entry in state]
        assert column.tolist() == outputs(layers, scaled)


@pytest.mark.props
@given(states())
def test_residues_are_those_of_the_exact_outputs(case: tuple[list[Layer], list[int], int]) -> None:
    layers, state, exponent = case
    stack = reading(*case)
    column = residues(np.array(state, dtype=object)[:, np.newaxis], PRIME)
    found = through(stack.modulo(PRIME), column, Pointwise())[:, 0]
    exact = outputs(layers, [entry * Fraction(2) ** exponent for entry in state])
    for output, residue in zip(exact, found.tolist(), strict=True):
        assert (int(output / Fraction(2) ** stack.exponent) - int(residue)) % PRIME == 0
