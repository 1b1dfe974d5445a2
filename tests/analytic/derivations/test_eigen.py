"""What a cut of the eigen expansion cannot do without."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy

from analytic.derivations import eigen_cut
from analytic.derivations.symbols import inner_product, matrix, vector
from analytic.errors import AnalyticError

FORM, PARSEVAL, NORM = 0, -3, -1


def line(row: int, left: sympy.Expr, right: sympy.Expr) -> bool:
    """Whether a line of the theorem holds with these sides in place of its own."""
    theorem = eigen_cut(1, 1)
    left, right = (
        side[row] if new is None else new
        for side, new in ((theorem.left, left), (theorem.right, right))
    )
    return replace(theorem, left=sympy.Matrix([left]), right=sympy.Matrix([right])).holds


def test_the_features_left_out_are_the_last() -> None:
    first, second = vector("lambda", 2)
    assert line(NORM, None, second**2)
    assert not line(NORM, None, first**2)
    assert not line(NORM, None, second)
    assert not line(NORM, None, first**2 + second**2)


def test_the_remainder_needs_no_orthonormal_features_but_its_norm_does() -> None:
    vectors, second = matrix("v", 2, 2), vector("lambda", 2)[1]
    left_out = second * vectors[:, 1] * vectors[:, 1].T
    x = vector("x", 2)
    assert line(FORM, None, (x.T * left_out * x)[0])
    assert not line(NORM, inner_product(left_out, left_out), None)


def test_the_bound_needs_the_norm_of_the_whole_input() -> None:
    bound, x = sympy.Symbol("mu"), vector("x", 2)
    left = eigen_cut(1, 1).left[PARSEVAL]
    assert line(PARSEVAL, left, None)
    assert not line(PARSEVAL, left - bound * x[0] ** 2, None)
    assert not line(PARSEVAL, -left, None)


def test_both_signs_of_the_remainder_are_bounded() -> None:
    theorem = eigen_cut(2, 1)
    (bound,) = (symbol for symbol in theorem.left.free_symbols if str(symbol) == "mu")
    above, below = (theorem.right[row].subs(bound, 0) for row in (PARSEVAL, PARSEVAL + 1))
    assert sympy.cancel(above + below) == 0
    assert sympy.cancel(above) != 0


@pytest.mark.parametrize(("inputs", "kept"), [(1, 2), (2, 3), (3, 7)])
def test_something_must_be_left_out(inputs: int, kept: int) -> None:
    with pytest.raises(
        AnalyticError, match=rf"^expected kept to lie in 1\.\.{inputs}, got {kept}$"
    ):
        eigen_cut(inputs, kept)
