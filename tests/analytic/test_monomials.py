"""Monomials and their numbers."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytic import monomials as module
from analytic.monomials import Monomials

small = st.builds(Monomials, st.integers(0, 4), st.integers(0, 5))


def rows(monomials: Monomials) -> list[list[int]]:
    """Return the sorted rows of factors, written out in their order."""
    chosen = combinations_with_replacement(range(monomials.variables + 1), monomials.degree)
    return [list(row) for row in chosen]


def powers(monomials: Monomials, row: list[int]) -> tuple[int, ...]:
    return tuple(row.count(factor) for factor in range(1, monomials.variables + 1))


def test_the_constant_comes_first_and_products_last() -> None:
    assert Monomials(2, 2).factors().tolist() == [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]


@pytest.mark.parametrize("monomials", [Monomials(3, 0), Monomials(0, 2), Monomials(0, 0)])
def test_without_variables_or_degree_there_is_the_constant_alone(monomials: Monomials) -> None:
    assert len(monomials) == 1
    assert monomials.factors().shape == (1, monomials.degree)
    assert monomials.number((0,) * monomials.variables) == 0


@pytest.mark.parametrize(("variables", "degree"), [(784, 4), (784, 7), (3, 1000), (60, 12)])
def test_the_first_and_the_last_of_many_are_numbered(variables: int, degree: int) -> None:
    monomials = Monomials(variables, degree)
    ends = np.array([[0] * degree, [0] * (degree - 1) + [1], [variables] * degree], dtype=np.int32)
    count = math.comb(variables + degree, degree)
    assert len(monomials) == count
    assert monomials.numbers(ends).tolist() == [0, 1, count - 1]


def test_a_variable_is_numbered_by_its_position() -> None:
    monomials = Monomials(784, 4)
    unit = [0] * 784
    unit[406] = 1
    assert monomials.number(unit) == 407


@pytest.mark.props
@given(small)
def test_all_monomials_are_listed_in_order(monomials: Monomials) -> None:
    assert monomials.factors().tolist() == rows(monomials)
    assert len(monomials) == len(rows(monomials))


@pytest.mark.props
@given(small)
def test_a_number_is_a_place_in_the_list(monomials: Monomials) -> None:
    assert monomials.numbers(monomials.factors()).tolist() == list(range(len(monomials)))
    found = [monomials.number(powers(monomials, row)) for row in rows(monomials)]
    assert found == list(range(len(monomials)))


@pytest.mark.props
@given(small, st.integers(0, 3))
def test_a_higher_degree_leaves_the_numbers_as_they_are(monomials: Monomials, more: int) -> None:
    higher = Monomials(monomials.variables, monomials.degree + more)
    for number, row in enumerate(rows(monomials)):
        assert higher.number(powers(monomials, row)) == number


def test_many_products_are_numbered_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = Monomials(3, 2).products().tolist()
    for factors in (1, 41, 100):
        monkeypatch.setattr(module, "_FACTORS_AT_ONCE", factors)
        assert Monomials(3, 2).products().tolist() == at_once


@pytest.mark.props
@given(st.builds(Monomials, st.integers(0, 3), st.integers(1, 3)))
def test_the_product_of_two_is_the_monomial_of_both_factors(monomials: Monomials) -> None:
    squared = rows(monomials.squared())
    for row, line in zip(rows(monomials), monomials.products(), strict=True):
        for other, number in zip(rows(monomials), line, strict=True):
            assert squared[number] == sorted(row + other)
