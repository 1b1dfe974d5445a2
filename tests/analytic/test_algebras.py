"""Points, truncated polynomials and tangents, modulo a prime."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from analytic.algebras import Algebra, Pointwise, Tangents, Truncated
from analytic.residues import residues

PRIME = 4_194_301
HALF = PRIME // 2

grids = st.lists(st.integers(1, 4), max_size=3).map(tuple)


def truncated_product(
    left: npt.NDArray[Any], right: npt.NDArray[Any], grid: tuple[int, ...]
) -> list[int]:
    total = dict.fromkeys(itertools.product(*map(range, grid)), 0)
    for one, other in itertools.product(list(total), repeat=2):
        powers = tuple(a + b for a, b in zip(one, other, strict=True))
        if powers in total:
            total[powers] += int(left.reshape(grid)[one]) * int(right.reshape(grid)[other])
    return list(total.values())


def test_points_multiply_one_by_one() -> None:
    left, right = np.array([[3.0, HALF]]), np.array([[-5.0, -HALF]])
    expected = residues(np.array([[-15, -(HALF**2)]]), PRIME)
    assert Pointwise().multiply(left, right, PRIME).tolist() == expected.tolist()


def test_the_size_of_values_is_the_largest() -> None:
    assert Pointwise().sizes(np.array([[1, 7, 3], [0, 0, 0]])).tolist() == [7, 0]
    assert Pointwise().sizes(np.zeros((2, 0), dtype=object)).tolist() == [0, 0]


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1025])
def test_points_are_cut_into_parts_that_make_the_whole(count: int) -> None:
    columns = np.arange(2 * count).reshape(2, count)
    parts = list(Pointwise().chunks(columns))
    assert np.concatenate(parts, axis=1).tolist() == columns.tolist()
    assert all(part.shape[1] <= 512 for part in parts)


def test_powers_that_are_not_kept_fall_away() -> None:
    one_plus_x = np.array([[1.0, 1.0, 0.0]])
    square = Truncated((3,)).multiply(one_plus_x, one_plus_x, PRIME)
    assert square.tolist() == [[1, 2, 1]]
    assert Truncated((3,)).multiply(square, square, PRIME).tolist() == [[1, 4, 6]]


def test_polynomials_in_no_variable_are_numbers() -> None:
    factors = np.array([[3.0], [5.0]]), np.array([[-7.0], [0.5e6]])
    assert Truncated(()).multiply(*factors, PRIME).tolist() == [[-21], [2.5e6 - PRIME]]


def test_the_size_of_a_polynomial_is_the_sum_of_its_coefficients() -> None:
    assert Truncated((3,)).sizes(np.array([[1, 7, 3], [0, 0, 0]])).tolist() == [11, 0]


def test_a_polynomial_is_not_cut() -> None:
    columns = np.zeros((2, 1000))
    (part,) = Truncated((10, 100)).chunks(columns)
    assert part is columns


@pytest.mark.parametrize("grid", [(511,), (512,), (513,), (1030,), (8, 8, 9), (1, 600, 1)])
def test_no_power_is_too_high_for_the_largest_residues(grid: tuple[int, ...]) -> None:
    left = np.full((1, math.prod(grid)), float(HALF))
    found = Truncated(grid).multiply(left, -left, PRIME)
    # Each coefficient sums as many products as there are smaller powers.
    counts = [math.prod(power + 1 for power in powers) for powers in np.ndindex(grid)]
    assert (
        found.tolist()
        == residues(
            np.array([[-count * HALF**2 for count in counts]], dtype=object), PRIME
        ).tolist()
    )
    assert (left == HALF).all()


def test_a_product_is_differentiated_by_the_product_rule() -> None:
    left, right = np.array([[3.0, 1.0, 0.0]]), np.array([[5.0, -2.0, 7.0]])
    assert Tangents().multiply(left, right, PRIME).tolist() == [[15, -1, 21]]
    assert Tangents().multiply(right, left, PRIME).tolist() == [[15, -1, 21]]


def test_tangents_of_the_largest_residues_do_not_overflow() -> None:
    left = np.full((1, 2), float(HALF))
    expected = residues(np.array([[-(HALF**2), -2 * HALF**2]]), PRIME)
    assert Tangents().multiply(left, -left, PRIME).tolist() == expected.tolist()
    assert (left == HALF).all()


def test_the_size_of_tangents_is_their_value_and_their_largest_derivative() -> None:
    assert Tangents().sizes(np.array([[2, 7, 3], [5, 0, 0]])).tolist() == [9, 5]
    assert Tangents().sizes(np.array([[2]], dtype=object)).tolist() == [2]


def test_tangents_are_not_cut() -> None:
    columns = np.zeros((2, 1000))
    (part,) = Tangents().chunks(columns)
    assert part is columns


@pytest.mark.props
@given(hnp.arrays(np.int64, (2, 4), elements=st.integers(-HALF, HALF)))
def test_tangents_multiply_like_polynomials_of_degree_1(rows: npt.NDArray[np.int64]) -> None:
    found = Tangents().multiply(*rows[:, np.newaxis].astype(np.float64), PRIME)
    for direction in range(1, 4):
        line = [row[[0, direction]][np.newaxis].astype(np.float64) for row in rows]
        expected = Truncated((2,)).multiply(*line, PRIME)
        assert found[0, [0, direction]].tolist() == expected[0].tolist()


@pytest.mark.props
@given(st.data(), grids)
def test_a_product_of_polynomials_is_the_product_of_their_terms(
    data: st.DataObject, grid: tuple[int, ...]
) -> None:
    shape = (2, math.prod(grid))
    left, right = (
        data.draw(hnp.arrays(np.int64, shape, elements=st.integers(-HALF, HALF))) for _ in "lr"
    )
    found = Truncated(grid).multiply(left.astype(np.float64), right.astype(np.float64), PRIME)
    for row in range(2):
        expected = np.array(truncated_product(left[row], right[row], grid), dtype=object)
        assert found[row].tolist() == residues(expected, PRIME).tolist()


@pytest.mark.props
@given(st.data(), st.one_of(st.just(Pointwise()), st.just(Tangents()), grids.map(Truncated)))
def test_sizes_bound_every_coordinate_of_sums_and_products(
    data: st.DataObject, algebra: Algebra
) -> None:
    columns = math.prod(algebra.grid) if isinstance(algebra, Truncated) else 3
    left, right = (
        data.draw(hnp.arrays(np.int64, (2, columns), elements=st.integers(-100, 100))) for _ in "lr"
    )
    first, second = algebra.sizes(np.abs(left)), algebra.sizes(np.abs(right))
    multiplied = algebra.multiply(left.astype(np.float64), right.astype(np.float64), PRIME)
    for bound, combined in ((first + second, left + right), (first * second, multiplied)):
        assert (np.abs(combined) <= bound[:, np.newaxis]).all()
        assert (algebra.sizes(np.abs(combined)) <= bound).all()
