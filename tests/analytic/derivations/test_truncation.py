"""The truncation bound, its factor, and cuts of stacks of numbers."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations import truncation_bound, truncation_counterexample
from analytic.derivations.symbols import SymbolicLayer
from analytic.derivations.truncation import truncate
from analytic.errors import AnalyticError

SIZES = [(2, 1, 1), (3, 1, 1), (3, 2, 1), (2, 1, 2)]


def coefficients(polynomial: sympy.Expr) -> list[sympy.Expr]:
    """Return the coefficients of a sum of weighted squares of symbols."""
    terms = sympy.Poly(polynomial).terms()
    assert all(sorted(powers) == [0] * (len(powers) - 1) + [2] for powers, _ in terms)
    return [coefficient for _, coefficient in terms]


@pytest.mark.parametrize("sizes", SIZES)
def test_with_the_occurrences_the_rest_is_a_sum_of_squares_and_with_one_less_it_is_none(
    sizes: tuple[int, int, int],
) -> None:
    theorem = truncation_bound(*sizes)
    rest, tail = theorem.left[0].expand(), theorem.right[1]
    assert all(coefficient > 0 for coefficient in coefficients(rest))
    with_one_less = (rest - tail).expand()
    assert any(coefficient < 0 for coefficient in coefficients(with_one_less))
    broken = theorem.left.copy()
    broken[0] = with_one_less
    assert not replace(theorem, left=broken).holds


@pytest.mark.parametrize("sizes", SIZES)
def test_every_slot_has_one_tail(sizes: tuple[int, int, int]) -> None:
    theorem = truncation_bound(*sizes)
    slots = 2 ** sizes[2]
    assert theorem.left.rows == slots + 1
    assert list(theorem.left[1:slots, :]) == [theorem.right[1]] * (slots - 1)


def test_the_tensor_of_a_deeper_stack_is_no_more_symmetric_than_its_tree() -> None:
    entries = truncation_bound(2, 1, 2, 1).left[0].free_symbols
    names = {str(entry) for entry in entries}
    # two of four components cut: in one branch, or one in each
    assert {"t_0_0_0_1_1", "t_0_0_1_0_1"} <= names
    assert not names & {"t_0_1_0_0_1", "t_0_1_1_0_0", "t_0_0_0_0_0"}


def test_lagranges_identity_needs_its_cross_terms() -> None:
    theorem = truncation_bound(2, 1, 1, 1)
    last = theorem.right.rows - 1
    first, second, y = sympy.symbols("S_0_0 S_0_1 y_0")
    other = sympy.Symbol("y_1")
    assert theorem.right[last].has((first * y * other - second * y**2) ** 2)
    for wrong in (first * y * other + second * y**2, sympy.Integer(0)):
        broken = theorem.right.copy()
        broken[last] = broken[last].subs((first * y * other - second * y**2) ** 2, wrong**2)
        assert not replace(theorem, right=broken).holds


@pytest.mark.parametrize(("bond", "kept"), [(2, 2), (3, 3), (3, 4)])
def test_something_must_be_cut(bond: int, kept: int) -> None:
    with pytest.raises(
        AnalyticError, match=rf"^expected kept to lie in 1\.\.{bond - 1}, got {kept}$"
    ):
        truncation_bound(bond, kept)


def test_a_bond_of_one_component_has_nothing_to_cut() -> None:
    with pytest.raises(AnalyticError, match=r"^expected bond to be at least 2, got 1$"):
        truncation_bound(1)


# Stacks of numbers


def test_the_counterexample_breaks_the_bound_without_the_occurrences_and_keeps_it_with_them() -> (
    None
):
    cut = truncation_counterexample()
    assert cut.error > cut.tail
    assert cut.error <= cut.occurrences * cut.tail
    # the factor is the least possible
    assert cut.error > (cut.occurrences - sympy.Rational(1, 10**9)) * cut.tail


def test_the_counterexample_is_its_stack_in_integers() -> None:
    # z = x_0² x_1², as four slots: half of aabb and half of bbaa
    tensor = np.zeros((2, 2, 2, 2), dtype=int)
    tensor[0, 0, 1, 1] = tensor[1, 1, 0, 0] = 1
    cut = truncation_counterexample()
    assert cut.error == sympy.Rational(int((tensor**2).sum()), 4)
    assert cut.tail == sympy.Rational(int((tensor[1, 1] ** 2).sum()), 4)


def stack(couplings: list[list[list[int]]]) -> tuple[SymbolicLayer, SymbolicLayer]:
    """Return orthonormal forms of three inputs below the outputs with these matrices."""
    one = sympy.eye(3)
    rotation = sympy.Matrix([[3, 4, 0], [-4, 3, 0], [0, 0, 5]]) / 5
    lower = SymbolicLayer(one, one, rotation, sympy.zeros(3))
    left = sympy.Matrix.vstack(*[one] * len(couplings))
    right = sympy.Matrix.vstack(*(sympy.Matrix(coupling) for coupling in couplings))
    down = sympy.kronecker_product(sympy.eye(len(couplings)), sympy.ones(1, 3))
    return lower, SymbolicLayer(left, right, down, sympy.zeros(len(couplings), 3))


@pytest.mark.props
@given(seed=st.integers(0, 2**32 - 1), kept=st.integers(1, 2), outputs=st.integers(1, 2))
def test_cuts_of_stacks_of_numbers_keep_the_bound(seed: int, kept: int, outputs: int) -> None:
    couplings = np.random.default_rng(seed).integers(-3, 4, (outputs, 3, 3))
    cut = truncate(*stack(couplings.tolist()), kept)
    symmetric = couplings + couplings.swapaxes(1, 2)
    moved = symmetric.copy()
    moved[:, :kept, :kept] = 0
    assert cut.error == Fraction(int((moved**2).sum()), 4)
    assert cut.tail == Fraction(int((symmetric[:, kept:] ** 2).sum()), 4)
    assert cut.error <= cut.occurrences * cut.tail


def test_a_cut_refuses_what_its_bound_does_not_cover() -> None:
    lower, upper = stack([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]])
    cases = [
        (replace(lower, down=2 * lower.down), upper, 1, "lower to have orthonormal forms"),
        (replace(lower, linear=sympy.ones(3)), upper, 1, "lower to have no linear part"),
        (lower, replace(upper, linear=sympy.ones(1, 3)), 1, "upper to have no linear part"),
        (lower, upper, 0, r"kept to lie in 1\.\.2, got 0"),
        (lower, upper, 3, r"kept to lie in 1\.\.2, got 3"),
    ]
    for below, above, kept, message in cases:
        with pytest.raises(AnalyticError, match=f"^expected {message}"):
            truncate(below, above, kept)
