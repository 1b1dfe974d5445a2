"""The checks that several doors share."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from analytic import AnalyticError
from analytic.errors import check_integer


def test_an_error_is_a_value_error() -> None:
    assert issubclass(AnalyticError, ValueError)


@pytest.mark.parametrize(
    "value", [0, 3, 9, np.int64(3), np.uint8(0), np.array(3), torch.tensor([1, 3]).argmax()]
)
def test_an_integer_within_the_bounds_passes(value: Any) -> None:
    for found in (check_integer("output", value, 0, 9), check_integer("output", value, 0)):
        assert (type(found), found) == (int, int(value))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (10, r"expected output to lie in 0\.\.9, got 10"),
        (-1, r"expected output to lie in 0\.\.9, got -1"),
        (10**40, r"expected output to lie in 0\.\.9, got 1000"),
        (True, "expected output to be an integer, got True"),
        (np.True_, r"expected output to be an integer, got np\.True_"),
        (1.0, r"expected output to be an integer, got 1\.0"),
        (Fraction(1), r"expected output to be an integer, got Fraction\(1, 1\)"),
        ("1", "expected output to be an integer, got '1'"),
        (None, "expected output to be an integer, got None"),
        (np.array(10), r"expected output to lie in 0\.\.9, got 10"),
        (np.array([1]), r"expected output to be an integer, got array\(\[1\]\)"),
        (np.array(1.0), r"expected output to be an integer, got array\(1\.\)"),
        (torch.tensor(1.0), r"expected output to be an integer, got tensor\(1\.\)"),
        (torch.ones((), dtype=torch.bool), r"to be an integer, got tensor\(True\)"),
        (torch.ones((), device="meta"), r"to be an integer, got tensor\("),
    ],
)
def test_what_is_no_integer_within_the_bounds_is_refused(value: Any, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        check_integer("output", value, 0, 9)


def test_a_bound_may_be_missing() -> None:
    check_integer("memory", 10**40, 2)
    with pytest.raises(AnalyticError, match="expected memory to be at least 2, got 1"):
        check_integer("memory", 1, 2)
