"""What the theorems about stacks cannot do without."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy

from analytic.derivations import degree_and_monomials, gauge_freedom, stack_difference
from analytic.derivations.symbols import SymbolicLayer, matrix, vector


@pytest.mark.parametrize(
    ("inputs", "layers", "degree", "monomials"),
    [(1, 1, 2, 3), (2, 1, 2, 6), (3, 1, 2, 10), (1, 2, 4, 5), (2, 2, 4, 15), (1, 3, 8, 9)],
)
def test_a_stack_has_as_many_monomials_as_counted_by_hand(
    inputs: int, layers: int, degree: int, monomials: int
) -> None:
    theorem = degree_and_monomials(inputs, layers)
    assert list(theorem.left) == list(theorem.right) == [degree, monomials]


def test_the_degree_doubles_and_does_not_grow_by_two() -> None:
    theorem = degree_and_monomials(1, 3)
    summed = sympy.Matrix([2 * 3, sympy.binomial(1 + 2 * 3, 2 * 3)])
    assert not replace(theorem, right=summed).holds


def turned(lower: sympy.Matrix, upper: sympy.Matrix) -> sympy.Matrix:
    """Return the two layers with matrices on either side of the hidden state."""
    first = SymbolicLayer.generic(2, 1, 2, "_1")
    second = SymbolicLayer.generic(2, 1, 1, "_2")
    first = replace(first, down=lower * first.down, linear=lower * first.linear)
    left, right, linear = (part * upper for part in (second.left, second.right, second.linear))
    second = replace(second, left=left, right=right, linear=linear)
    return second.value(first.value(vector("x", 2)))


def test_a_gauge_must_be_undone_by_its_inverse() -> None:
    theorem = gauge_freedom(1, 1, 2)
    gauge = matrix("G", 2, 2)
    inverse, one = gauge.adjugate() / gauge.det(), sympy.eye(2)
    sides = [
        (gauge, inverse, True),
        (inverse, gauge, True),
        (one, one, True),
        (gauge, gauge, False),
        (gauge, gauge.T, False),
        (gauge, gauge.adjugate(), False),
        (gauge, one, False),
        (one, inverse, False),
    ]
    for lower, upper, holds in sides:
        assert replace(theorem, left=turned(lower, upper)).holds is holds


@pytest.mark.parametrize("forgotten", ["left", "right", "linear"])
def test_a_gauge_turns_all_that_reads_the_hidden_state(forgotten: str) -> None:
    theorem = gauge_freedom(1, 1, 2)
    x = vector("x", 2)
    first = SymbolicLayer.generic(2, 1, 2, "_1")
    second = SymbolicLayer.generic(2, 1, 1, "_2")
    gauge = matrix("G", 2, 2)
    inverse = gauge.adjugate() / gauge.det()
    read = {name: getattr(second, name) * inverse for name in ("left", "right", "linear")}
    state = gauge * first.value(x)
    assert replace(theorem, left=replace(second, **read).value(state)).holds
    del read[forgotten]
    assert not replace(theorem, left=replace(second, **read).value(state)).holds


@pytest.mark.parametrize("row", [0, 1])
def test_the_difference_of_stacks_needs_its_quarters_and_its_crossed_products(row: int) -> None:
    theorem = stack_difference()
    left, right, weight, other = sympy.symbols("L_0_0 R_0_0 D_0_0 E_0_0")
    for lost in (weight * left * right / 4, other * sympy.Symbol("y_0") * left * right):
        broken = theorem.right.copy()
        broken[row] += lost
        assert not replace(theorem, right=broken).holds
    exchanged = sympy.Matrix(theorem.right[::-1])
    assert not replace(theorem, right=exchanged).holds
