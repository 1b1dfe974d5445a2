"""Krylov spaces: orthonormal, and forms within them are those outside."""

from __future__ import annotations

import numpy as np
import pytest

from proofs.robustness.forms import Forms
from proofs.robustness.krylov import Krylov, eigenvalue_bounds
from tests.proofs.robustness.test_forms import drawn, written_out


def test_within_a_space_a_form_is_what_it_is_outside() -> None:
    left, right, _ = drawn(10, 30)
    weights, starts = np.random.default_rng(2).normal(size=(3, 10)), np.ones((3, 30))
    space = Krylov(Forms(left, right), weights, starts)
    space.extend(4)
    space.extend(9)
    values, vectors = space.decomposed()
    for basis, own, value, vector in zip(space.basis, weights, values, vectors, strict=True):
        np.testing.assert_allclose(basis @ basis.T, np.eye(9), atol=1e-14)
        within = basis @ written_out(left, right, own) @ basis.T
        np.testing.assert_allclose((vector * value) @ vector.T, within, atol=1e-12)
    np.testing.assert_allclose(space.basis[:, 0], starts / np.sqrt(30))
    some = space.of(np.array([2]))
    some.extend(12)
    np.testing.assert_array_equal(some.basis[0, :9], space.basis[2])


def test_behind_an_invariant_space_there_is_nothing() -> None:
    space = Krylov(Forms(np.eye(4), np.eye(4)), np.array([[1.0, 2, 2, 5]]), np.ones((1, 4)))
    space.extend(6)
    assert np.linalg.norm(space.basis[0], axis=1).round(9).tolist() == [1, 1, 1, 0, 0, 0]
    np.testing.assert_allclose(space.decomposed()[0][0], [0, 0, 0, 1, 2, 5], atol=1e-12)


@pytest.mark.parametrize(("neurons", "inputs"), [(3, 8), (8, 3), (1, 1), (0, 3), (30, 80)])
def test_bounds_hold_and_are_next_to_the_outer_eigenvalues(neurons: int, inputs: int) -> None:
    left, right, _ = drawn(neurons, inputs)
    weights = np.random.default_rng(1).normal(size=(6, neurons))
    found = eigenvalue_bounds(Forms(left, right), weights)
    for own, *bounds in zip(weights, *found, strict=True):
        values = np.linalg.eigvalsh(written_out(left, right, own))
        for end, bound in zip((-values[0], values[-1]), bounds, strict=True):
            assert end - 1e-12 <= bound
            assert bound <= 1.3 * end + 1e-12 or end < 1e-12
