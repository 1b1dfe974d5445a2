"""What a proof by multipliers cannot do without, and its inequalities in numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from analytic.derivations import Derivation, diagonal_bound, multiplier_bound, slab_bound
from analytic.derivations.symbols import (
    SymbolicLayer,
    form,
    symmetric_matrix,
    symmetric_part,
    vector,
    with_constant,
)

Array = npt.NDArray[np.float64]
LAYER, BEND, SHARES, MARGIN = range(-4, 0)
THEOREM = multiplier_bound(1, 1, 1)
PARTS = "slope", "mu", "spread", "free", "linear", "held", "cross", "usual", "allowed"
"""What the matrix of a margin with multipliers is made of."""

MU, RHO, SHARE, LENGTH = sympy.symbols("mu rho s y")


def holds(theorem: Derivation, row: int, right: sympy.Expr) -> bool:
    """Whether a line of a theorem holds with another right side."""
    left = sympy.Matrix([theorem.left[row]])
    return replace(theorem, left=left, right=sympy.Matrix([right])).holds


def test_a_followed_layer_needs_every_part_of_it() -> None:
    layer = SymbolicLayer.generic(2, 1, 1)
    x, (z,), (e,), y = with_constant(vector("x", 1)), vector("z", 1), vector("e", 1), LENGTH
    value, slope = layer.value(x)[0], layer.jacobian(x)[0, 1]
    curved = symmetric_part(layer.tensor()[0])[1, 1]
    inside, beside = sympy.Symbol("U_0_0") * z, e * y
    straight = value + slope * (inside + beside)
    crossed, squares = 2 * inside * beside * curved, (inside**2 + beside**2) * curved
    assert holds(THEOREM, LAYER, straight + crossed + squares)
    for wrong in (
        straight + squares,
        straight + crossed,
        straight + crossed / 2 + squares,
        straight + crossed + inside**2 * curved,
        value + slope * inside + crossed + squares,
        straight - crossed + squares,
    ):
        assert not holds(THEOREM, LAYER, wrong)


def test_a_bend_squared_is_no_other_form() -> None:
    theorem = multiplier_bound(1, 1, 2)
    n, t, state = symmetric_matrix("N", 2), symmetric_matrix("T", 2), vector("delta", 2)
    over = form(t - state * state.T, n * state)
    assert holds(theorem, BEND, form(n * t * n, state) - over)
    for wrong in (
        form(n * t * n, state) + over,
        form(n * t * n, state),
        form(t * n * t, state) - over,
        form(n * t * n, state) - form(t - state * state.T, state),
        form(n * t * n, state) - form(t - state * state.T / 2, n * state),
    ):
        assert not holds(theorem, BEND, wrong)


def test_a_sum_of_two_moves_needs_both_shares() -> None:
    w, u, other = (sympy.Symbol(name) for name in ("w_0", "u_0", "u'_0"))
    first, second, rest = (w * u) ** 2, (w * other) ** 2, (SHARE * w * u - w * other) ** 2
    more = 1 + SHARE
    assert holds(THEOREM, SHARES, SHARE * more * first + more * second - rest)
    for wrong in (
        SHARE * (first + second) - rest,
        SHARE * more * (first + second) - rest,
        SHARE * more * first + more * second,
        SHARE * more * first + more * second + rest,
        more * first + SHARE * more * second - rest,
    ):
        assert not holds(THEOREM, SHARES, wrong)


def block_matrix(**changes: sympy.Expr) -> sympy.Expr:
    """The quadratic form of the last line, with some of its parts changed."""
    one = sympy.Integer(1)
    parts = dict.fromkeys(PARTS, one)
    parts |= changes
    names = "m_0 g_0 K_0_0 N0_0_0 F_0_0 S_0_0 P_0_0 a_0 lambda_0 phi P'_0_0 S'_0_0"
    m, g, k, n, f, s, p, a, free, factor, usual, allowed = sympy.symbols(names)
    less = parts["spread"] * s + parts["allowed"] * factor * allowed
    more = parts["held"] * p + parts["usual"] * factor * usual
    row, last = parts["slope"] * g / 2, -parts["linear"] * free / 2
    bend, cross = (a + parts["free"] * free) * n, parts["cross"] * k * f
    entries = sympy.Matrix(
        [
            [m - parts["mu"] * MU * RHO**2, row, last],
            [row, bend + MU - less + k * f * k, cross],
            [last, cross, more + f],
        ]
    )
    return form(entries, sympy.Matrix([1, *vector("v", 1), *vector("q", 1)]))


@pytest.mark.parametrize("part", PARTS)
def test_a_margin_with_multipliers_is_the_form_of_one_matrix(part: str) -> None:
    assert holds(THEOREM, MARGIN, block_matrix())
    for factor in (0, -1, 2, sympy.Rational(1, 2)):
        assert not holds(THEOREM, MARGIN, block_matrix(**{part: sympy.sympify(factor)}))


def drawn(seed: int, size: int = 3) -> tuple[Array, Array, Array]:
    """Symmetric forms, a move, and a matrix above its square."""
    draw = np.random.default_rng(seed)
    forms = draw.normal(size=(4, size, size))
    move, rest = draw.normal(size=size), draw.normal(size=(size, 1)) * draw.choice([0.0, 1.0])
    return forms + forms.swapaxes(1, 2), move, np.outer(move, move) + rest @ rest.T


def allowed(forms: Array, weights: Array, above: Array) -> Array:
    """What the weighted squares of bends may be, as a form of the move."""
    return np.einsum("jk,jab,bc,kcd->ad", weights, forms, above, forms)


@pytest.mark.props
@given(st.integers(0, 2**32 - 1))
def test_bends_are_no_longer_than_their_matrix_allows(seed: int) -> None:
    forms, move, above = drawn(seed)
    rows = np.random.default_rng(seed).normal(size=(2, 4))
    bends, weights = np.einsum("oij,i,j->o", forms, move, move), rows.T @ rows
    assert bends @ weights @ bends <= move @ allowed(forms, weights, above) @ move * (1 + 1e-9)


def test_a_matrix_that_is_not_above_the_square_allows_too_little() -> None:
    forms, move, _ = drawn(0)
    bends = np.einsum("oij,i,j->o", forms, move, move)
    too_small = np.outer(move, move) / 2
    assert bends @ bends > move @ allowed(forms, np.eye(4), too_small) @ move


def test_weights_that_are_not_positive_allow_too_little() -> None:
    forms, move, above = np.ones((2, 1, 1)), np.ones(1), 2 * np.eye(1)
    bends, weights = np.einsum("oij,i,j->o", forms, move, move), -np.eye(2)
    assert bends @ weights @ bends > move @ allowed(forms, weights, above) @ move


@pytest.mark.props
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_shares_of_two_moves_are_above_the_square_of_their_sum(seed: int, share: float) -> None:
    one, other = np.random.default_rng(seed).normal(size=(2, 4))
    whole = np.outer(one + other, one + other)
    above = (1 + share) * np.outer(one, one) + (1 + 1 / share) * np.outer(other, other)
    assert np.linalg.eigvalsh(above - whole)[0] > -1e-9 * (1 + np.trace(above))
    assert np.linalg.eigvalsh(np.outer(one, one) + np.outer(other, other) - whole)[0] < -1e-9


# A diagonal for all pixels


def cube_margin(slope: sympy.Expr, spent: sympy.Expr) -> sympy.Expr:
    m, q, d, g, reach, sign = sympy.symbols("m_0 Q_0_0 delta_0 g_0 epsilon sigma_0")
    return m + g * d + q * d**2 - (m - slope * reach * sign * g - spent * reach**2)


def test_a_diagonal_takes_its_trace_and_the_slope_its_sizes() -> None:
    theorem, trace = diagonal_bound(1), sympy.Symbol("D_0")
    (right,) = theorem.right
    for slope, spent, expected in (
        (1, trace, True),
        (2, trace, False),
        (0, trace, False),
        (1, 0, False),
        (1, -trace, False),
        (1, trace / 2, False),
    ):
        left = sympy.Matrix([cube_margin(sympy.sympify(slope), sympy.sympify(spent))])
        assert replace(theorem, left=left, right=sympy.Matrix([right])).holds is expected


NEARER, HELD = 0, 1
SLAB = slab_bound(1)


def test_a_slab_lies_in_a_ball_around_another_point_by_both_its_ends_and_the_ball() -> None:
    v, w, low, centre = sympy.symbols("v_0 w_0 alpha gamma")
    ball, above = RHO**2 - v**2, v * w - low
    assert holds(SLAB, NEARER, ball + 2 * centre * above)
    for wrong in (
        ball,
        ball + centre * above,
        ball - 2 * centre * above,
        ball + 2 * centre * v * w,
        ball + 2 * centre * (v * w - low) * w,
        2 * ball + 2 * centre * above,
    ):
        assert not holds(SLAB, NEARER, wrong)


def test_what_holds_moves_in_a_slab_is_a_form_of_the_move_from_its_centre() -> None:
    u, w, low, high, centre, tau = sympy.symbols("u_0 w_0 alpha beta gamma tau")
    there = u + centre * w
    right = MU * (there**2 - RHO**2) + tau * (w * there - low) * (w * there - high)
    assert holds(SLAB, HELD, right)
    for wrong in (
        right.subs(centre, 0),
        right.subs(tau, -tau),
        right.subs(low, -low),
        MU * (u**2 - RHO**2) + tau * (w * there - low) * (w * there - high),
        MU * (there**2 - RHO**2) + tau * (w * u - low) * (w * u - high),
        right + MU * centre,
    ):
        assert not holds(SLAB, HELD, wrong)


@pytest.mark.props
@given(st.integers(0, 2**32 - 1))
def test_a_move_in_a_slab_is_as_near_to_its_centre_as_is_said(seed: int) -> None:
    draw = np.random.default_rng(seed)
    move, direction = draw.normal(size=(2, 3))
    radius, along = float(np.linalg.norm(move)) * draw.uniform(1, 2), float(direction @ move)
    low, centre = along - draw.exponential(), draw.exponential()
    square = radius**2 - 2 * centre * low + centre**2 * direction @ direction
    apart = move - centre * direction
    assert apart @ apart <= square * (1 + 1e-9)


def test_a_move_below_a_slab_may_be_further_from_its_centre() -> None:
    move, direction, low = np.array([-1.0]), np.ones(1), 0.5
    apart = move - low * direction
    assert apart @ apart > 1 - 2 * low * low + low**2
