"""Why multipliers prove how far an image may move: all pixels at once, or through layers."""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import (
    SymbolicLayer,
    column,
    form,
    matrix,
    symmetric_matrix,
    symmetric_part,
    vector,
    with_constant,
)


def diagonal_bound(inputs: int = 2) -> Derivation:
    r"""Derive that a diagonal proves by how much every pixel can change.

    Around an image the margin of a layer is :math:`m(\delta) = m_0 + g \cdot \delta + \delta^\top
    Q\,\delta`. For every diagonal :math:`D`, every :math:`\varepsilon` and signs
    :math:`\sigma_i`,

    .. math::
        m(\delta) - \Big(m_0 - \varepsilon \sum_i \sigma_i g_i - \varepsilon^2 \sum_i D_i\Big)
        = \sum_i g_i\,(\sigma_i\,\varepsilon + \delta_i) + \sum_i D_i\,(\varepsilon^2 - \delta_i^2)
        + \delta^\top (Q + D)\,\delta .

    With :math:`\sigma_i g_i = |g_i|`, :math:`D \ge 0` and :math:`Q + D \succeq 0` nothing on the
    right is negative for :math:`|\delta_i| \le \varepsilon`, so that the margin there is at least
    :math:`m_0 - \varepsilon \|g\|_1 - \varepsilon^2 \operatorname{tr} D`.

    Hypotheses: symmetric :math:`Q`; the identity needs no more.

    Source: A. Raghunathan, J. Steinhardt and P. Liang, *Semidefinite relaxations for certifying
    robustness to adversarial examples*, NeurIPS 2018, for diagonals as dual variables.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> diagonal_bound().holds
        True
    """
    check_sizes(inputs=inputs)
    constant, reach = sympy.symbols("m_0 epsilon")
    slope, step, signs = (vector(name, inputs) for name in ("g", "delta", "sigma"))
    curvature, diagonal = symmetric_matrix("Q", inputs), vector("D", inputs)
    margin = constant + slope.dot(step) + form(curvature, step)
    floor = constant - reach * signs.dot(slope) - reach**2 * sum(diagonal)
    rest = form(curvature + sympy.diag(*diagonal), step)
    for g, d, sign, change in zip(slope, diagonal, signs, step, strict=True):
        rest += g * (sign * reach + change) + d * (reach**2 - change**2)
    return Derivation(
        "diagonal_bound",
        "A quadratic margin exceeds its bound on a cube by products that are not negative there, "
        f"and a form that a diagonal makes positive ({inputs} inputs, all weights symbolic).",
        column([margin - floor]),
        column([rest]),
    )


def multiplier_bound(inputs: int = 1, neurons: int = 1, width: int = 2) -> Derivation:
    r"""Derive that multipliers prove a margin on a ball, where a matrix is positive definite.

    A layer's symmetric forms :math:`N_o`, without the constant, bend what moves
    (:func:`local_bound`). Of a move :math:`\Delta = U z + y` of the inputs the coordinates
    :math:`z` in a basis :math:`U` are followed, and :math:`y` makes

    .. math::
        f(x + \Delta) = f(x) + J U z + q + p, \qquad
        q_o = z^\top U^\top N_o\,U z, \qquad
        p_o = (J y)_o + (2 U z + y)^\top N_o\,y.

    Where :math:`U^\top y = 0` and :math:`\|\Delta\| \le \rho`, with :math:`\Pi = I - U U^\top`,

    .. math::
        \|p\| \le \kappa\,\|y\|, \qquad
        \kappa = \|J \Pi\| + 2 \rho\,\max_{\|w\| = 1} \Big\|\sum_o w_o N_o \Pi\Big\|.

    So :math:`v = (z, p / \kappa)` has :math:`\|v\| \le \rho`, and the hidden state moves by
    :math:`\delta = K v + B r`, with :math:`K = (J U, \kappa I)` and :math:`q = B r`. Neither
    :math:`r` nor the bend of any layer above is free: for every symmetric :math:`T`,

    .. math::
        (\delta^\top N \delta)^2 = \delta^\top N T N \delta
        - (N \delta)^\top (T - \delta \delta^\top)\,(N \delta),

    and where :math:`\delta \delta^\top \preceq T` the last term only lessens it: with :math:`w_i`
    the rows of :math:`B^{-1}` and :math:`S = \sum_i N_{w_i} T N_{w_i}`, :math:`\|r\|^2 \le
    \delta^\top S\,\delta`. Such a :math:`T` is :math:`\rho^2 I` for :math:`v`, and it is carried
    upwards: a sum of two moves :math:`u + u'` has, for every :math:`s > 0`,

    .. math::
        s\,(w \cdot (u + u'))^2 = s\,(1 + s)\,(w \cdot u)^2 + (1 + s)\,(w \cdot u')^2
        - (s\,w \cdot u - w \cdot u')^2,

    so that matrices above the squares of both, with these shares, are above that of the sum.

    Let the margin be :math:`m = m_0 + a \cdot K v + v^\top C v + \delta^\top F \delta`. For
    multipliers :math:`\mu, \nu \ge 0` neither bracket of

    .. math::
        m + \mu\,\big(\|v\|^2 - \rho^2\big) + \nu\,\big(\|r\|^2 - v^\top S v\big)
        = \begin{pmatrix} 1 \\ v \\ r \end{pmatrix}^{\!\top}
        \begin{pmatrix}
            m_0 - \mu \rho^2 & \tfrac12 a^\top K & 0 \\
            \tfrac12 K^\top a & C + \mu I - \nu S + K^\top F K & K^\top F B \\
            0 & B^\top F K & \nu I + B^\top F B
        \end{pmatrix}
        \begin{pmatrix} 1 \\ v \\ r \end{pmatrix}

    is positive on the ball, so :math:`m > 0` there if the matrix is positive definite. Each further
    layer adds a :math:`\nu`, a :math:`\delta` and its form in the same way.

    Hypotheses: the first component of what a layer reads is the constant 1, and is not moved;
    :math:`B` is invertible.

    Source: the S-procedure, V. A. Yakubovich, 1971; S. Boyd, L. Vandenberghe, *Convex
    Optimization*, 2004, appendix B. The bound on bends is derived here.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> multiplier_bound().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, width=width)
    layer = SymbolicLayer.generic(inputs + 1, neurons, width)
    x, z, y = with_constant(vector("x", inputs)), vector("z", inputs), vector("y", inputs)
    basis, slope = matrix("U", inputs, inputs), layer.jacobian(x)[:, 1:]
    forms = [symmetric_part(part)[1:, 1:] for part in layer.tensor()]
    inside = basis * z
    followed = column([form(part, inside) for part in forms])
    beside = column([((2 * inside + y).T * part * y)[0] for part in forms])

    single, bound = (symmetric_matrix(name, width) for name in ("N", "T"))
    state, share = vector("delta", width), sympy.Symbol("s")
    w, u, other = (vector(name, width) for name in ("w", "u", "u'"))

    v, r, gradient = vector("v", inputs), vector("r", width), vector("a", width)
    straight, root = matrix("K", width, inputs), matrix("B", width, width)
    bend, above = symmetric_matrix("C", inputs), symmetric_matrix("F", width)
    spread = symmetric_matrix("S", inputs)
    constant, ball, factor, radius = sympy.symbols("m_0 mu nu rho")
    moved = straight * v + root * r
    margin = constant + gradient.dot(straight * v) + form(bend, v) + form(above, moved)
    row, corner = gradient.T * straight / 2, sympy.Matrix([constant - ball * radius**2])
    middle = bend + ball * sympy.eye(inputs) - factor * spread + straight.T * above * straight
    mixed, none = straight.T * above * root, sympy.zeros(1, width)
    last = factor * sympy.eye(width) + root.T * above * root
    whole = sympy.Matrix(
        sympy.BlockMatrix([[corner, row, none], [row.T, middle, mixed], [none.T, mixed.T, last]])
    )
    return Derivation(
        "multiplier_bound",
        "A layer around a point is followed in a basis of the inputs, and what lies beside the "
        "basis adds its slope and its form with the rest of the move; a form squared is a form "
        "through any matrix less what that is above the move's square; a sum of two moves is "
        "bounded by shares of both; and a margin, with multipliers of how long the move is and of "
        "how far it bends, is a quadratic form of one matrix "
        f"({inputs} inputs and the constant, {neurons} neurons a layer, {width} hidden components, "
        "all weights symbolic).",
        column(
            layer.value(x + sympy.Matrix([0, *(inside + y)])),
            [form(single, state) ** 2, share * w.dot(u + other) ** 2],
            [margin + ball * (v.dot(v) - radius**2) + factor * (r.dot(r) - form(spread, v))],
        ),
        column(
            layer.value(x) + slope * (inside + y) + followed + beside,
            [
                form(single * bound * single, state)
                - form(bound - state * state.T, single * state),
                share * (1 + share) * w.dot(u) ** 2
                + (1 + share) * w.dot(other) ** 2
                - (share * w.dot(u) - w.dot(other)) ** 2,
                form(whole, with_constant(sympy.Matrix([*v, *r]))),
            ],
        ),
    )
