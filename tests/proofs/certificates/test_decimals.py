"""Decimals that are rounded outwards."""

from __future__ import annotations

import decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.certificates.decimals import rounded_down, rounded_up

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE)
def test_a_float_lies_between_its_decimals_which_lie_close(value: float) -> None:
    low, high = Fraction(rounded_down(value)), Fraction(rounded_up(value))
    assert low <= Fraction(value) <= high
    assert high - low <= abs(Fraction(value)) / 100


@pytest.mark.parametrize("value", [0.5, 1.25, -3.0, 0.0, 100.0])
def test_a_float_of_few_digits_is_itself(value: float) -> None:
    assert Fraction(rounded_down(value)) == Fraction(rounded_up(value)) == Fraction(value)


def test_decimals_have_three_digits() -> None:
    assert (rounded_down(0.1), rounded_up(0.1)) == ("0.1", "0.101")
    assert (rounded_down(2 / 3), rounded_up(2 / 3)) == ("0.666", "0.667")


@pytest.mark.parametrize("rounding", [decimal.ROUND_UP, decimal.ROUND_DOWN])
@pytest.mark.parametrize("value", [1.23401e-11, 0.1, 1e300, -5e-324, 0.0])
def test_the_decimal_context_of_the_caller_changes_nothing(value: float, rounding: str) -> None:
    expected = rounded_down(value), rounded_up(value)
    traps = list(decimal.getcontext().traps)
    theirs = decimal.Context(1, rounding, -3, 3, capitals=0, clamp=1, flags=[], traps=traps)
    with decimal.localcontext(theirs):
        assert (rounded_down(value), rounded_up(value)) == expected
