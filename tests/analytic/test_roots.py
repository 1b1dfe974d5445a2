"""Real roots, held against sympy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from typing import Any

import flint
import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic import AnalyticError, Polynomial, RealRoot, real_roots
from analytic.dyadic import Dyadic
from analytic.roots import (
    integer_coefficients,
    irreducible_factors,
    roots_in_unit_interval,
    separated,
)

T = sympy.Symbol("t")

coefficients = st.one_of(st.integers(-5, 5), st.integers(-(10**30), 10**30))
factors = st.lists(coefficients, min_size=2, max_size=4).filter(any)
products = st.lists(st.tuples(factors, st.integers(1, 3)), min_size=1, max_size=3)


def polynomial(integers: Sequence[int], exponent: int = 0) -> Polynomial:
    """Return the polynomial with these coefficients, the constant first."""
    numerators = np.array([*integers, None], dtype=object)[:-1]
    return Polynomial.of((0,), np.arange(len(numerators)), Dyadic(numerators, exponent))


def product(*factors: Sequence[int]) -> list[int]:
    """Return the coefficients of a product."""

    def times(one: Sequence[int], other: Sequence[int]) -> list[int]:
        total = [0] * (len(one) + len(other) - 1)
        for i, a in enumerate(one):
            for j, b in enumerate(other):
                total[i + j] += a * b
        return total

    return reduce(times, factors, [1])


def in_sympy(integers: Sequence[int]) -> Any:
    return sympy.Poly(list(reversed(integers)), T, domain="QQ")


def rational(number: Fraction) -> Any:
    return sympy.Rational(number.numerator, number.denominator)


def count(integers: Sequence[int], lower: Fraction, upper: Fraction) -> int:
    """Return how many distinct real roots sympy finds from one number to another."""
    return int(in_sympy(integers).count_roots(rational(lower), rational(upper)))


def check_roots(integers: Sequence[int]) -> list[RealRoot]:
    """Hold all real roots of a polynomial against sympy."""
    found = real_roots(polynomial(integers))
    assert len(found) == in_sympy(integers).count_roots()
    assert all(one.upper < other.lower for one, other in pairwise(found))
    for root in found:
        check_root(root, integers)
    return found


def check_root(root: RealRoot, integers: Sequence[int]) -> None:
    assert count(integers, root.lower, root.upper) == 1
    own = in_sympy(root.coefficients)
    assert own.is_irreducible
    assert in_sympy(integers).rem(own).is_zero
    if root.lower == root.upper:
        assert own.degree() == 1
        assert own.eval(rational(root.lower)) == 0
    else:
        assert own.eval(rational(root.lower)) * own.eval(rational(root.upper)) < 0


def check_float(root: RealRoot) -> None:
    """Hold a root's float against its neighbours: no other is nearer."""
    nearest = float(root)
    ends = [
        (Fraction(nearest) + Fraction(math.nextafter(nearest, direction))) / 2
        for direction in (-math.inf, math.inf)
    ]
    assert count(root.coefficients, *ends) == 1


# Isolation


@pytest.mark.parametrize(
    ("integers", "expected"),
    [
        ([7], []),
        ([1, 0, 1], []),
        ([0, 1], [0.0]),
        ([0, 0, 0, -5], [0.0]),
        ([-1, 3], [1 / 3]),
        ([-2, 0, 1], [-math.sqrt(2), math.sqrt(2)]),
        (product([-1, 1], [-1, 1], [-1, 2]), [0.5, 1.0]),
        (product([-2, 0, 1], [-2, 0, 1], [1, 0, 1]), [-math.sqrt(2), math.sqrt(2)]),
        (product([-2, 0, 1], [-3, 0, 1]), [-math.sqrt(3), -math.sqrt(2), 2**0.5, 3**0.5]),
        (product(*([-k, 1] for k in range(1, 21))), [float(k) for k in range(1, 21)]),
    ],
)
def test_roots_come_once_and_in_order(integers: list[int], expected: list[float]) -> None:
    assert [float(root) for root in check_roots(integers)] == expected


def test_a_common_factor_or_a_power_of_two_changes_no_root() -> None:
    plain = real_roots(polynomial([-2, 0, 1]))
    assert real_roots(polynomial([-2 * 7**50, 0, 7**50])) == plain
    assert real_roots(polynomial([-2, 0, 1], exponent=-2000)) == plain
    assert real_roots(polynomial([2, 0, -1])) == plain


@pytest.mark.parametrize("digits", [31, 100])
def test_roots_closer_than_any_float_are_told_apart(digits: int) -> None:
    ten = 10**digits
    # √2, a rational number next to it, and a root of another irrational next to both
    near = math.isqrt(2 * ten**2)
    found = check_roots(product([-2, 0, 1], [-near, ten], [1 - 2 * ten, 0, ten]))
    assert len(found) == 5
    assert len({float(root) for root in found[2:]}) < 3


def test_a_close_pair_of_one_polynomial_is_told_apart() -> None:
    # Mignotte: two roots near 10⁻²⁰ at a distance of some 10⁻⁷⁰.
    a = 10**20
    found = check_roots([-2, 4 * a, -2 * a * a, 0, 0, 1])
    one, other = found[:2]
    assert 0 < other.lower - one.upper < Fraction(1, 10**40)


@pytest.mark.parametrize("bits", [500, 2000])
def test_a_close_pair_beside_a_far_root_is_told_apart(bits: int) -> None:
    # t³ = 2ᵏ (t - 1)²: two roots within 2^(1 - k/2) around 1, and one near 2ᵏ
    *pair, far = check_roots([-(2**bits), 2 ** (bits + 1), -(2**bits), 1])
    assert [float(root) for root in pair] == [1.0, 1.0]
    assert far.lower > 2 ** (bits - 3)


def test_roots_of_huge_and_tiny_coefficients_are_found() -> None:
    found = check_roots([-(10**400), 0, 1])
    assert [root.upper for root in found] == [-(10**200), 10**200]
    found = check_roots(product([-1, 10**300], [3, 0, -(10**500)]))
    assert [float(root) for root in found] == pytest.approx(
        [-math.sqrt(3) * 1e-250, 1e-300, math.sqrt(3) * 1e-250], rel=1e-15
    )


@pytest.mark.props
@given(products)
def test_roots_of_any_product_are_those_of_sympy(powers: list[tuple[list[int], int]]) -> None:
    integers = product(*(factor for factor, power in powers for _ in range(power)))
    for root in check_roots(integers):
        check_float(root)


# One root


def test_a_rational_number_is_a_root() -> None:
    root = RealRoot.rational(Fraction(-3, 8))
    assert root == RealRoot((3, 8), Fraction(-3, 8), Fraction(-3, 8))
    assert float(root) == -0.375
    assert root.narrowed(Fraction(1, 10**9)) == root


def test_a_float_is_the_nearest_one() -> None:
    for root in check_roots(product([-2, 0, 1], [-1, 3], [-1, -1, 0, 5])):
        check_float(root)
    assert float(RealRoot((-2, 0, 1), Fraction(1), Fraction(2))) == math.sqrt(2)
    tiny = real_roots(polynomial([-2, 0, 10**800]))
    assert [float(root) for root in tiny] == [0.0, 0.0]


def test_a_root_has_a_float_however_wide_the_interval_that_was_found() -> None:
    # Near -10**590 and 10**10.
    beyond, held = real_roots(polynomial([-(10**600), 10**590, 1]))
    assert float(held) == 1e10
    with pytest.raises(AnalyticError, match="expected a root within the range of float64"):
        float(beyond)
    largest = Fraction(np.finfo(np.float64).max)
    assert float(RealRoot.rational(-largest)) == -largest
    with pytest.raises(AnalyticError, match="expected a root within the range of float64"):
        float(RealRoot.rational(-2 * largest))


def test_a_narrow_interval_holds_the_same_root() -> None:
    for root in real_roots(polynomial([-1, -3, 0, 1])):
        for width in (Fraction(1, 3), Fraction(1, 10**50)):
            narrow = root.narrowed(width)
            assert narrow.coefficients == root.coefficients
            assert root.lower <= narrow.lower < narrow.upper <= root.upper
            assert narrow.upper - narrow.lower <= width
            check_root(narrow, [-1, -3, 0, 1])


@pytest.mark.parametrize("width", [Fraction(0), Fraction(-1, 2)])
def test_no_interval_around_an_irrational_root_is_without_width(width: Fraction) -> None:
    root = RealRoot((-2, 0, 1), Fraction(1), Fraction(2))
    with pytest.raises(AnalyticError, match=f"expected width to be positive, got {width}"):
        root.narrowed(width)


# What is isolated


def test_every_irreducible_factor_comes_once() -> None:
    one, other = (flint.fmpz_poly(product([-2, 0, 1], [k, 3])) for k in (1, 2))
    expected = {(-2, 0, 1), (1, 3), (2, 3)}
    assert irreducible_factors([one, other, one**2, -one, flint.fmpz_poly([7])]) == expected


def test_intervals_of_different_polynomials_do_not_meet() -> None:
    near = (-1, 0, 2), (-7, 10), (-707106781186547, 10**15), (-3, 0, 7), (-1, 0, 0, 3)
    found = separated(root for factor in near for root in roots_in_unit_interval(factor))
    assert len(found) == 5
    assert all(one.upper < other.lower for one, other in pairwise(found))


@pytest.mark.parametrize("factor", [(0, 1), (-1, 1), (1, 1), (1, 0, 1), (-2, 0, 1), (-3, 2)])
def test_roots_at_the_ends_and_outside_are_not_in_the_unit_interval(factor: tuple[int]) -> None:
    assert roots_in_unit_interval(factor) == []


def test_intervals_that_touch_are_parted() -> None:
    ends = [RealRoot.rational(Fraction(end)) for end in (1, 2)]
    between = RealRoot((-2, 0, 1), ends[0].lower, ends[1].upper)
    one, root, other = separated([*ends, between])
    assert [one, other] == ends
    assert one.upper < root.lower < root.upper < other.lower


def test_numerators_stand_by_degree() -> None:
    found = integer_coefficients(polynomial([5, 0, -3], exponent=-9))
    assert [int(entry) for entry in found.coeffs()] == [5, 0, -3]


def test_the_polynomial_has_one_variable_and_is_not_0() -> None:
    plane = Polynomial((0, 1), np.array([1]), Dyadic(np.array([1]), 0))
    with pytest.raises(AnalyticError, match="expected polynomial to have one variable, got 2"):
        real_roots(plane)
    with pytest.raises(AnalyticError, match="expected polynomial to be another than 0"):
        real_roots(polynomial([0, 0]))
