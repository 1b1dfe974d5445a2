"""Float arrays read as integers times one power of two."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analytic import AnalyticError
from analytic.dyadic import Dyadic, compact, exact, magnitude, widen
from tests.modes import flushing
from tests.strategies import subnormal, wild

FLOATS = (np.float16, np.float32, np.float64)


def wild_arrays(min_dims: int = 1) -> st.SearchStrategy[npt.NDArray[Any]]:
    shapes = hnp.array_shapes(min_dims=min_dims, max_dims=3, min_side=0, max_side=3)
    return st.sampled_from(FLOATS).flatmap(
        lambda dtype: hnp.arrays(dtype, shapes, elements=wild(dtype))
    )


def in_fractions(array: npt.NDArray[Any]) -> list[Fraction]:
    return [Fraction(float(entry)) for entry in array.ravel()]


def test_the_exponent_is_the_largest_possible() -> None:
    read = Dyadic.from_floats(np.array([12.0, 0.0, -40.0]), "weights")
    assert read.exponent == 2
    assert read.numerators.tolist() == [3, 0, -10]


@pytest.mark.parametrize("zeros", [np.zeros(3), -np.zeros(3), np.zeros((2, 0))])
def test_zeros_have_exponent_0(zeros: npt.NDArray[Any]) -> None:
    read = Dyadic.from_floats(zeros, "weights")
    assert (read.exponent, read.numerators.tolist()) == (0, np.zeros(zeros.shape, int).tolist())


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_ends_of_a_dtype_are_read_exactly(dtype: type) -> None:
    information = np.finfo(dtype)
    ends = [information.smallest_subnormal, information.tiny, information.eps, information.max]
    array = np.array([*ends, *(-end for end in ends), 0], dtype)
    assert Dyadic.from_floats(array, "weights").fractions().tolist() == in_fractions(array)


def test_entries_stay_in_a_word_below_62_bits() -> None:
    assert Dyadic.from_floats(np.array([1.0, 2.0**60]), "weights").numerators.dtype == np.int64
    assert Dyadic.from_floats(np.array([1.0, 2.0**62]), "weights").numerators.dtype == object


def test_a_lower_exponent_makes_larger_numerators() -> None:
    read = Dyadic.from_floats(np.array([3.0, -0.5]), "weights")
    assert read.at(read.exponent).tolist() == [6, -1]
    assert read.at(-3).tolist() == [24, -4]
    assert read.at(-100).tolist() == [3 << 100, -(1 << 99)]
    assert read.at(-100).dtype == object


def test_a_sum_that_outgrows_a_word_is_exact() -> None:
    large = Dyadic(np.array([2**62 - 1]), 0)
    assert (large + large).numerators.tolist() == [2**63 - 2]


def test_a_sum_that_cancels_fits_a_word_again() -> None:
    first = Dyadic(np.array([1 << 200, 5], dtype=object), 0)
    second = Dyadic(np.array([-(1 << 200), 0], dtype=object), 0)
    total = first + second
    assert total.numerators.dtype == np.int64
    assert total.numerators.tolist() == [0, 5]


def test_integers_are_compact_up_to_62_bits() -> None:
    for size, dtype in ((2**62 - 1, np.int64), (2**62, object)):
        for sign in (1, -1):
            assert compact(np.array([0, sign * size], dtype=object)).dtype == dtype
    assert compact(np.array([], dtype=object)).dtype == np.int64


def test_wide_integers_do_not_overflow() -> None:
    wide = widen(np.array([2**61]))
    assert (wide * wide).tolist() == [2**122]
    assert widen(wide) is wide


def test_the_magnitude_is_the_largest_absolute_value() -> None:
    assert magnitude(np.array([[3, -7], [5, 0]])) == 7
    assert magnitude(np.array([-(1 << 90)], dtype=object)) == 1 << 90
    assert magnitude(np.zeros((2, 0), dtype=np.int64)) == 0


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (
            np.array([[0.0, 1.0], [np.nan, np.inf]]),
            r"expected w to be finite, got nan at position \(1, 0\)",
        ),
        (np.array([1.0, -np.inf]), r"expected w to be finite, got -inf at position \(1,\)"),
        (np.array(np.nan), r"expected w to be finite, got nan at position \(\)"),
        (np.array([1, 2]), "expected w to hold floats, got dtype int64"),
        (np.array([True]), "expected w to hold floats, got dtype bool"),
        (np.array([1j]), "expected w to hold floats, got dtype complex128"),
        (np.array([1.0], np.longdouble), "expected w to hold floats, got dtype float128"),
        ("text", "expected w to hold floats, got dtype <U4"),
        (None, "expected w to hold floats, got dtype object"),
        ([Fraction(1, 3)], "expected w to hold floats, got dtype object"),
        ([[1.0, 2.0], [3.0]], "expected w to be a float array, got a list: .*inhomogeneous"),
    ],
)
def test_what_is_no_finite_float_array_is_refused(array: object, message: str) -> None:
    with pytest.raises(AnalyticError, match=message):
        Dyadic.from_floats(array, "w")


def test_an_object_that_cannot_become_an_array_is_refused() -> None:
    class Unwilling:
        def __array__(self, *_: object, **__: object) -> None:
            raise RuntimeError("call detach first")

    message = "expected w to be a float array, got a Unwilling: call detach first"
    with pytest.raises(AnalyticError, match=message):
        Dyadic.from_floats(Unwilling(), "w")


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_subnormal_number_is_no_zero_where_the_processor_takes_it_for_one(dtype: type) -> None:
    array = np.array([np.finfo(dtype).smallest_subnormal, 0], dtype)
    with flushing():
        read, seen = Dyadic.from_floats(array, "weights"), exact(array[0])
        taken_for_zero = not (array.astype(np.float64) != 0).any()
    assert read.fractions().tolist() == in_fractions(array)
    assert seen == Fraction(float(array[0]))
    assert taken_for_zero or dtype is np.float16


def test_the_ends_of_an_array_do_not_matter_to_its_bits() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    for view in (array.T, array[::2, ::-1], array[1, 2]):
        read = Dyadic.from_floats(view, "weights").fractions()
        assert read.shape == view.shape
        assert read.ravel().tolist() == in_fractions(view)


@pytest.mark.props
@given(wild_arrays(min_dims=0))
def test_every_float_is_read_as_the_fraction_that_it_is(array: npt.NDArray[Any]) -> None:
    read = Dyadic.from_floats(array, "weights").fractions()
    assert read.shape == array.shape
    assert read.ravel().tolist() == in_fractions(array)


@pytest.mark.props
@given(st.data())
def test_every_float_is_read_whatever_the_processor_takes_for_zero(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(FLOATS))
    array = data.draw(hnp.arrays(dtype, (2, 3), elements=subnormal(dtype)))
    with flushing():
        read = Dyadic.from_floats(array, "weights").fractions()
    assert read.ravel().tolist() == in_fractions(array)


@pytest.mark.props
@given(wild_arrays())
def test_no_larger_exponent_would_do(array: npt.NDArray[Any]) -> None:
    read = Dyadic.from_floats(array, "weights")
    odd = any(int(numerator) % 2 for numerator in read.numerators.ravel())
    assert odd if array.any() else read.exponent == 0


@pytest.mark.props
@given(wild_arrays(), st.integers(0, 200))
def test_another_exponent_leaves_the_numbers_as_they_are(
    array: npt.NDArray[Any], shift: int
) -> None:
    read = Dyadic.from_floats(array, "weights")
    shifted = Dyadic(read.at(read.exponent - shift), read.exponent - shift)
    assert shifted.fractions().tolist() == read.fractions().tolist()


@pytest.mark.props
@given(st.data())
def test_a_sum_is_the_sum_of_the_fractions(data: st.DataObject) -> None:
    dtypes = data.draw(st.tuples(st.sampled_from(FLOATS), st.sampled_from(FLOATS)))
    first, second = (data.draw(hnp.arrays(dtype, (2, 2), elements=wild(dtype))) for dtype in dtypes)
    total = Dyadic.from_floats(first, "first") + Dyadic.from_floats(second, "second")
    pairs = zip(in_fractions(first), in_fractions(second), strict=True)
    assert total.fractions().ravel().tolist() == [one + other for one, other in pairs]
