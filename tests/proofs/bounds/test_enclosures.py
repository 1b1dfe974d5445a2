"""Enclosures against fractions: what is exact, and what any order of sums computes, is inside."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from proofs.bounds.enclosures import (
    ARITHMETICS,
    FLOAT32,
    FLOAT64,
    Arithmetic,
    Enclosure,
    concatenated,
)
from proofs.errors import ProofError
from tests.strategies import tame, wild

Floats = npt.NDArray[Any]

THETAS = st.sampled_from([Fraction(-1), Fraction(0), Fraction(1, 3), Fraction(1)])


def exactly(array: Floats) -> npt.NDArray[np.object_]:
    """Floats as fractions."""
    found = np.empty(array.shape, dtype=object)
    for place, value in np.ndenumerate(array):
        found[place] = Fraction(float(value))
    return found


def contains(enclosure: Enclosure, exact: npt.NDArray[np.object_], computed: Floats) -> bool:
    """Whether exact and computed numbers lie within the radii, and the midpoints do."""
    for place, value in np.ndenumerate(exact):
        radius = enclosure.radius[place]
        if radius == np.inf:
            continue
        for float_value in (enclosure.midpoint[place], computed[place]):
            if not np.isfinite(float_value):
                return False
            if abs(Fraction(float(float_value)) - value) > Fraction(float(radius)):
                return False
    return True


def in_order(first: Floats, second: Floats, order: npt.ArrayLike) -> Floats:
    """A matrix product whose sums are taken one by one in a given order, in the factors' dtype."""
    with np.errstate(all="ignore"):
        total = np.zeros((len(first), second.shape[1]), dtype=first.dtype)
        for place in np.asarray(order, dtype=np.int64):
            total = total + first[:, place, None] * second[None, place]
    return total


@st.composite
def factors(draw: st.DrawFn) -> tuple[Arithmetic, Floats, Floats, list[int]]:
    """Two matrices of an arithmetic and an order of their products' sums."""
    name = draw(st.sampled_from(sorted(ARITHMETICS)))
    dtype = np.dtype(name).type
    elements = draw(st.sampled_from([tame, wild]))(dtype)
    inner = draw(st.integers(0, 4))
    first = draw(hnp.arrays(dtype, (draw(st.integers(1, 2)), inner), elements=elements))
    second = draw(hnp.arrays(dtype, (inner, draw(st.integers(1, 2))), elements=elements))
    return ARITHMETICS[name], first, second, draw(st.permutations(range(inner)))


@st.composite
def enclosures(draw: st.DrawFn, shape: tuple[int, int]) -> tuple[Enclosure, Any, Floats]:
    """Numbers that are known to within a radius, exact ones inside, and computed ones."""
    midpoint = draw(hnp.arrays(np.float64, shape, elements=tame()))
    radius = draw(hnp.arrays(np.float64, shape, elements=st.sampled_from([0.0, 2.0**-40, 0.25])))
    exact, computed = exactly(midpoint), midpoint.copy()
    for place in np.ndindex(shape):
        exact[place] += draw(THETAS) * Fraction(float(radius[place])) / 2
        computed[place] += float(draw(THETAS)) * radius[place] / 2
    return Enclosure(midpoint, radius), exact, computed


@pytest.mark.props
@given(factors())
def test_a_matrix_product_holds_what_is_exact_and_what_any_order_computes(given: Any) -> None:
    arithmetic, first, second, order = given
    found = Enclosure.exact(first, arithmetic) @ Enclosure.exact(second, arithmetic)
    exact = exactly(first) @ exactly(second) if first.shape[1] else exactly(found.midpoint)
    assert contains(found, exact, in_order(first, second, order))


@pytest.mark.props
@given(factors())
def test_products_and_sums_hold_what_is_exact_and_what_is_computed(given: Any) -> None:
    arithmetic, first, second, _ = given
    for one, other in np.nditer([first[:, :, None], second[None]]) if first.size else ():
        numbers = [Enclosure.exact(item[None, None], arithmetic) for item in (one, other)]
        exact = [exactly(item[None, None]) for item in (one, other)]
        with np.errstate(all="ignore"):
            product, total = (np.asarray(each)[None, None] for each in (one * other, one + other))
        assert contains(numbers[0] * numbers[1], exact[0] * exact[1], product)
        assert contains(numbers[0] + numbers[1], exact[0] + exact[1], total)


@pytest.mark.props
@given(data=st.data())
def test_radii_are_carried_through_products_and_sums(data: st.DataObject) -> None:
    (a, exact_a, computed_a), (b, exact_b, computed_b), (c, exact_c, computed_c) = (
        data.draw(enclosures(shape)) for shape in ((2, 3), (3, 2), (2, 2))
    )
    found = (a @ b) * c + -c.T
    exact = (exact_a @ exact_b) * exact_c - exact_c.T
    assert contains(found, exact, (computed_a @ computed_b) * computed_c - computed_c.T)
    for place in np.ndindex(2, 2):
        assert Fraction(float(found.lower[place])) <= exact[place]
        assert exact[place] <= Fraction(float(found.upper[place]))
        assert abs(exact[place]) <= Fraction(float(found.size[place]))


def test_a_large_product_holds_the_one_of_rationals() -> None:
    draw = np.random.default_rng(0)
    first, second = (draw.normal(size=(40, 40)) * 10.0 ** draw.integers(-9, 9, 40) for _ in "ab")
    exact = _rational(first) * _rational(second)
    found = Enclosure.exact(first) @ Enclosure.exact(second)
    off = exact - _rational(found.midpoint)
    worst = max(
        abs(Fraction(int(off[place].p), int(off[place].q))) / Fraction(float(found.radius[place]))
        for place in np.ndindex(40, 40)
    )
    assert 1e-6 < worst <= 1


def _rational(array: Floats) -> Any:
    rows = np.atleast_2d(array).tolist()
    return flint.fmpq_mat(
        [[flint.fmpq(*entry.as_integer_ratio()) for entry in row] for row in rows]
    )


@pytest.mark.parametrize("arithmetic", [FLOAT32, FLOAT64], ids=str)
def test_with_half_the_unit_an_order_of_the_sum_falls_outside(arithmetic: Arithmetic) -> None:
    dtype = np.dtype(arithmetic.name).type
    row = np.full((1, 200), arithmetic.unit, dtype=dtype)
    row[0, 0] = 1
    ones = np.ones((200, 1), dtype=dtype)
    computed, exact = in_order(row, ones, range(200)), exactly(row) @ exactly(ones)
    assert computed == 1
    halved = replace(arithmetic, unit=arithmetic.unit / 2)
    held = [
        contains(
            Enclosure(row, 0.0 * row, item) @ Enclosure(ones, 0.0 * ones, item), exact, computed
        )
        for item in (arithmetic, halved)
    ]
    assert held == [True, False]


def test_without_what_underflows_a_product_falls_outside() -> None:
    row, exact, flushed = np.array([[2.0**-515]]), Fraction(2) ** -1030, np.zeros((1, 1))
    held = []
    for arithmetic in (FLOAT64, replace(FLOAT64, tiny=0.0)):
        factor = Enclosure.exact(row, arithmetic)
        held.append(contains(factor @ factor, np.array([[exact]]), flushed))
        held.append(contains(factor * factor, np.array([[exact]]), flushed))
    assert held == [True, True, False, False]


def test_what_may_overflow_has_an_infinite_radius() -> None:
    large = Enclosure.exact(np.array([[2.0**100]]), FLOAT32)
    assert (large @ large).radius == np.inf
    assert (large * large).radius == np.inf
    assert ((large @ large) + large).radius == np.inf
    huge = Enclosure.exact(np.array([[1e308, 1e308]]))
    assert (huge + huge).radius.max() == np.inf
    # Added from left to right the sum is 1e308, in another order it overflows.
    assert (huge @ Enclosure.exact(np.array([[1.0], [-1.0]]))).radius == np.inf
    later = (huge @ huge.T) @ Enclosure.exact(np.zeros((1, 1)))
    assert later.radius == np.inf
    assert not np.isnan(later.midpoint).any()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, 0.1, 2.0**-160])
def test_numbers_that_an_arithmetic_does_not_have_are_refused(value: float) -> None:
    with pytest.raises(ProofError, match="expected numbers of float32, got"):
        Enclosure.exact(np.array([1.0, value]), FLOAT32)


def test_sums_of_more_than_a_million_products_are_refused() -> None:
    with pytest.raises(ProofError, match="at most 1048576 products, got 1048577"):
        FLOAT64.gamma(2**20 + 1)


def test_parts_and_rows_are_those_of_the_arrays() -> None:
    one = Enclosure(np.arange(4.0).reshape(2, 2), np.full((2, 2), 0.5))
    both = concatenated([one, -one], axis=0)
    np.testing.assert_array_equal(both.midpoint, [[0, 1], [2, 3], [0, -1], [-2, -3]])
    np.testing.assert_array_equal(both[1:3].T.midpoint, [[2, 0], [3, -1]])
    assert (both.radius == 0.5).all()
