"""Semidefinite programs whose solutions are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.bounds.semidefinite import largest_corner


@pytest.mark.props
@given(st.integers(0, 2**32 - 1))
def test_the_least_eigenvalue_is_the_largest_shift_that_leaves_a_matrix_positive(
    seed: int,
) -> None:
    # t with (M - t) positive: the corner t beside a term that takes t off the diagonal.
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(4, 4))
    matrix = matrix + matrix.T
    base = np.zeros((5, 5))
    base[1:, 1:] = matrix
    term = np.diag([1.0, -1, -1, -1, -1])
    found = largest_corner(base, term[None], np.array([False]), tolerance=1e-6)
    assert found.feasible
    assert found.value == pytest.approx(np.linalg.eigvalsh(matrix)[0], abs=1e-3)
    rest = base + found.unknowns[0] * term
    rest[0, 0] -= found.value
    assert np.linalg.eigvalsh(rest)[0] > -1e-6


@pytest.mark.parametrize(("signed", "value"), [(True, 1.0), (False, 1.25)])
def test_a_sign_is_kept_to(signed: bool, value: float) -> None:
    # 1 + y² less what the corner is allowed: the best y is -1/2, or 0 where it has a sign.
    base = np.array([[1.0, 0.0], [0.0, 1.0]])
    term = np.array([[-1.0, 1.0], [1.0, 0.0]])
    found = largest_corner(base, term[None], np.array([signed]), tolerance=1e-6)
    assert found.value == pytest.approx(value, abs=1e-3)


def test_one_stops_where_a_value_is_enough() -> None:
    base, term = np.eye(2), np.array([[1.0, 0.0], [0.0, 0.0]])
    found = largest_corner(base, term[None], np.array([True]), enough=50.0)
    assert found.feasible
    assert found.value > 50


def test_numbers_out_of_range_are_no_solution() -> None:
    base = np.full((2, 2), np.inf)
    with np.errstate(all="ignore"):
        found = largest_corner(base, np.eye(2)[None], np.array([True]))
    assert not found.feasible
