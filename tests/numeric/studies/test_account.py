"""What an account is made of: means with their intervals, and rows by what is in them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from numeric import NumericError
from numeric.studies.account import chosen, interval, said_interval, values


def test_the_interval_is_that_of_the_t_test() -> None:
    numbers = np.random.default_rng(0).normal(size=7)
    mean, low, high = interval(numbers.tolist())
    test = stats.ttest_1samp(numbers, 0.0).confidence_interval(0.95)
    assert (mean, low, high) == pytest.approx((numbers.mean(), test.low, test.high))


def test_the_interval_holds_the_mean_as_often_as_it_says() -> None:
    draw = np.random.default_rng(0)
    held = [
        low <= 0 <= high for _, low, high in (interval(draw.normal(size=5)) for _ in range(800))
    ]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


def test_a_single_number_has_no_interval() -> None:
    assert interval([2.0]) == (2.0, -np.inf, np.inf)
    assert said_interval([2.0], ".1%") == "200.0%"
    with pytest.raises(NumericError, match="expected numbers to hold at least one"):
        interval([])


def test_rows_are_chosen_by_all_that_is_asked() -> None:
    rows = [{"a": 1, "b": 2.0}, {"a": 1, "b": None}, {"a": 2}]
    assert chosen(rows, a=1) == rows[:2]
    assert chosen(rows, a=1, b=2.0) == rows[:1]
    assert values(rows, "b") == [2.0]
