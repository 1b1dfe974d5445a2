"""The two oracles agree with each other, and with what can be worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy.typing as npt
import pytest
from hypothesis import given

from numeric import Layer
from tests import oracles
from tests.strategies import stacks_with_points

Case = tuple[list[Layer], npt.NDArray[Any]]

CUBE: oracles.Polynomial = {(3, 0): Fraction(2), (1, 2): Fraction(-1), (0, 0): Fraction(7)}


def test_a_derivative_is_taken_by_hand() -> None:
    assert oracles.derivative(CUBE, 0) == {(2, 0): 6, (0, 2): -1}
    assert oracles.derivative(CUBE, 1) == {(1, 1): -2}


def test_a_composition_is_made_by_hand() -> None:
    entries = [{(1,): Fraction(1), (0,): Fraction(1)}, {(1,): Fraction(2)}]
    # 2(z + 1)³ - (z + 1)(2z)² + 7
    expected = {(3,): -2, (2,): 2, (1,): 6, (0,): 9}
    assert oracles.composition(CUBE, entries, 1) == expected


@pytest.mark.props
@given(stacks_with_points())
def test_both_oracles_agree(case: Case) -> None:
    layers, points = case
    expanded, others = oracles.expansion(layers), oracles.flint_expansion(layers)
    assert [oracles.flint_terms(other) for other in others] == expanded
    for point in points:
        values = [oracles.polynomial_value(polynomial, point) for polynomial in expanded]
        assert oracles.value(layers, point) == values
        assert oracles.flint_value(layers, point) == values
        assert [oracles.flint_at(other, point) for other in others] == values


@pytest.mark.props
@given(stacks_with_points())
def test_both_oracles_differentiate_and_compose_alike(case: Case) -> None:
    layers, points = case
    entries = oracles.affine_entries(points[0], points)
    pairs = zip(oracles.expansion(layers), oracles.flint_expansion(layers), strict=True)
    for polynomial, other in pairs:
        for variable in range(points.shape[1]):
            derived = oracles.flint_terms(other.derivative(variable))
            assert derived == oracles.derivative(polynomial, variable)
        composed = oracles.flint_composition(other, entries, len(points))
        assert composed == oracles.composition(polynomial, entries, len(points))
