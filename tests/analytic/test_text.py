"""Numbers and polynomials as people read them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from analytic import AnalyticError
from analytic.text import approximately, latex, naming, plain, subscripted

HUGE, TINY = Fraction(2) ** 5000, Fraction(2) ** -5000
Terms = list[tuple[dict[int, int], Fraction]]


def x(variable: int) -> str:
    return f"x_{variable}"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (Fraction(0), 3, "0"),
        (Fraction(1, 3), 3, "0.333"),
        (Fraction(1, 3), 17, "0.33333333333333331"),
        (Fraction(-5), 1, "-5"),
        (Fraction(123456), 3, "1.23e+05"),
        (HUGE, 3, "about 2^5000"),
        (-HUGE, 3, "about -2^5000"),
        (-TINY, 3, "about -2^-5000"),
        (3 * HUGE, 3, "about 2^5001"),
    ],
)
def test_a_number_is_its_nearest_float_or_its_power_of_two(
    value: Fraction, digits: int, text: str
) -> None:
    assert approximately(value, digits) == text


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ([], "0"),
        ([({}, Fraction(1))], "1"),
        ([({}, Fraction(-1))], "−1"),
        ([({3: 1}, Fraction(1))], "x_3"),
        ([({3: 1}, Fraction(-1))], "−x_3"),
        ([({3: 1}, Fraction(-1, 2)), ({}, Fraction(-2))], "−0.5·x_3 − 2"),
        ([({1: 2, 3: 10}, Fraction(1)), ({1: 1}, Fraction(7, 3))], "x_1²·x_3¹⁰ + 2.33·x_1"),
        ([({1: 1}, HUGE)], "about 2^5000·x_1"),
    ],
)
def test_a_sum_has_signs_between_its_terms(terms: Terms, text: str) -> None:
    assert plain(terms, x, 3) == text


@pytest.mark.parametrize(
    ("terms", "digits", "text"),
    [
        ([], 3, "0"),
        ([({3: 1}, Fraction(-1))], 3, "-x_3"),
        ([({3: 12}, Fraction(1, 3)), ({}, Fraction(2))], 2, "0.33 x_3^{12} + 2"),
        ([({3: 1}, Fraction(1, 3)), ({}, Fraction(-2))], None, r"\frac{1}{3} x_3 - 2"),
        ([({3: 1}, Fraction(-7, 3))], None, r"-\frac{7}{3} x_3"),
        ([({3: 1}, Fraction(123456))], 3, r"1.23 \cdot 10^{5} x_3"),
        ([({3: 1}, Fraction(1, 10**7))], 3, r"1 \cdot 10^{-7} x_3"),
        ([({3: 1}, -HUGE)], 3, "-2^{5000} x_3"),
        ([({3: 1}, TINY)], 3, "2^{-5000} x_3"),
    ],
)
def test_latex_has_braces_around_all_that_is_raised(
    terms: Terms, digits: int | None, text: str
) -> None:
    assert latex(terms, x, digits) == text


def test_subscripts_are_digits_below_the_line() -> None:
    assert subscripted("x")(1234567890) == "x₁₂₃₄₅₆₇₈₉₀"


@pytest.mark.parametrize(
    "names",
    [["a", "b"], ("a", "b", "unused"), {2: "a", 7: "b", 9: "unused"}, {2: "a", 7: "b"}.get, "ab"],
)
def test_names_come_by_position_by_number_or_from_a_function(names: Any) -> None:
    name = naming(names, (2, 7), x)
    assert [name(2), name(7)] == ["a", "b"]


def test_without_names_there_is_a_default() -> None:
    assert naming(None, (2, 7), x)(7) == "x_7"


@pytest.mark.parametrize(
    ("names", "missing"), [(["a"], 7), ([], 2), ({7: "b"}, 2), ({2: "a", 8: "b"}, 7)]
)
def test_a_variable_without_a_name_is_refused(names: Any, missing: int) -> None:
    message = f"expected names for all 2 variables, got none for {missing}"
    with pytest.raises(AnalyticError, match=message):
        naming(names, (2, 7), x)


def test_a_function_that_names_is_handed_on() -> None:
    name: Callable[[int], str] = str
    assert naming(name, (2,), x) is name
