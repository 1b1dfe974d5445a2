"""Decimals that are rounded outwards."""

from __future__ import annotations

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
