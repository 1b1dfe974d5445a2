"""Norms are rounded upwards, and not by much."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from proofs.bounds.norms import frobenius_bound, spectral_bound
from tests.strategies import tame, wild

MATRICES = hnp.array_shapes(min_dims=2, max_dims=2, max_side=4).flatmap(
    lambda shape: st.sampled_from([tame, wild]).flatmap(
        lambda kind: hnp.arrays(np.float64, shape, elements=kind())
    )
)


def squares(numbers: Any) -> Fraction:
    return sum((Fraction(float(number)) ** 2 for number in np.ravel(numbers)), Fraction(0))


@pytest.mark.props
@given(MATRICES)
def test_the_frobenius_norm_is_rounded_upwards_a_little(matrix: Any) -> None:
    for found, numbers in [
        (frobenius_bound(matrix), matrix),
        *zip(frobenius_bound(matrix, axis=1), matrix, strict=True),
    ]:
        if found == np.inf:
            assert squares(numbers) > Fraction(2) ** 2047
        else:
            bound = Fraction(float(found)) ** 2
            assert squares(numbers) <= bound
            assert bound <= squares(numbers) * (1 + Fraction(1, 10**8)) + Fraction(2) ** -2140


@pytest.mark.props
@given(MATRICES, st.data())
def test_no_vector_is_stretched_by_more_than_the_spectral_bound(
    matrix: Any, data: st.DataObject
) -> None:
    vector = data.draw(hnp.arrays(np.float64, matrix.shape[1], elements=tame()))
    bound = spectral_bound(matrix)
    if bound < np.inf:
        rows = [[Fraction(entry) for entry in row] for row in matrix.tolist()]
        images = [
            sum((a * Fraction(b) for a, b in zip(row, vector.tolist(), strict=True)), Fraction(0))
            for row in rows
        ]
        assert sum(image**2 for image in images) <= Fraction(bound) ** 2 * squares(vector)


@pytest.mark.props
@given(MATRICES)
def test_the_spectral_bound_is_near_the_norm(matrix: Any) -> None:
    size = abs(matrix).max()
    if 1e-140 < size < 1e140:
        norm = np.linalg.norm(matrix, 2)
        assert spectral_bound(matrix) <= norm * min(matrix.shape) ** 0.125 * (1 + 1e-7)


def test_rank_one_is_bounded_sharply_in_either_shape() -> None:
    column, row = np.array([[3.0], [4.0]]), np.array([[1.0, 2.0, 2.0]])
    for matrix in (column @ row, (column @ row).T):
        assert 15 <= spectral_bound(matrix) < 15 * (1 + 1e-7)


def test_what_the_matrix_lacks_is_added() -> None:
    matrix, rest = np.diag([2.0, 1.0]), np.diag([0.25, 0.0])
    assert spectral_bound(matrix, 0.25) >= np.linalg.norm(matrix + rest, 2)
    assert spectral_bound(matrix) < np.linalg.norm(matrix + rest, 2)


def test_zeros_have_no_norm_and_infinities_an_infinite_one() -> None:
    assert spectral_bound(np.zeros((2, 2))) == 0
    assert spectral_bound(np.zeros((0, 3)), 0.5) == 0.5
    assert frobenius_bound(np.zeros((0, 3))) == 0
    assert spectral_bound(np.array([[np.inf]])) == np.inf
    assert spectral_bound(np.array([[np.nan]])) == np.inf
    np.testing.assert_array_equal(frobenius_bound(np.array([[np.inf], [0.0]]), axis=1), [np.inf, 0])
    np.testing.assert_array_equal(frobenius_bound(np.array([[np.nan], [0.0]]), axis=1), [np.inf, 0])


@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-200, 1e200, 1e308])
def test_sizes_at_the_ends_of_the_range_keep_their_digits(size: float) -> None:
    matrix = size * np.eye(2)
    assert size <= spectral_bound(matrix) <= size * (1 + 1e-7) * 2**0.125 + 1e-322
