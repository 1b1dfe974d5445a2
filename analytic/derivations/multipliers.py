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

    A layer reads few directions of the inputs. A move is :math:`\Delta = U z + s e`, with
    :math:`U^\top e = 0`, so that with orthonormal :math:`U` and :math:`\|e\| = 1` the coordinates
    :math:`v = (z, s)` are as long as it is. With a layer's symmetric forms :math:`N_o`, without the
    constant (:func:`local_bound`), its slope :math:`J` and :math:`B = (U, e)`,

    .. math::
        f(x + \Delta) = f(x) + J B\,v + q, \qquad q_o = v^\top (B^\top N_o B)\,v,

    whatever :math:`e` may be; where it is read by next to nothing, it hardly matters. No bend
    :math:`q` is free, of this layer or of any above: for every symmetric :math:`T`,

    .. math::
        (\delta^\top N \delta)^2 = \delta^\top N T N \delta
        - (N \delta)^\top (T - \delta \delta^\top)\,(N \delta),

    and where :math:`\delta \delta^\top \preceq T` the last term only lessens it: for every
    :math:`P = \sum_i \nu_i t_i t_i^\top \succeq 0` and :math:`S = \sum_{jk} P_{jk} N_j T N_k`,
    :math:`q^\top P\,q = \sum_i \nu_i\,(\delta^\top N_{t_i} \delta)^2 \le \delta^\top S\,\delta`.
    Such a :math:`T` is :math:`\rho^2 I` for :math:`v`, and it is carried upwards: a sum of two
    moves :math:`u + u'` has, for every :math:`s > 0`,

    .. math::
        s\,(w \cdot (u + u'))^2 = s\,(1 + s)\,(w \cdot u)^2 + (1 + s)\,(w \cdot u')^2
        - (s\,w \cdot u - w \cdot u')^2,

    so that matrices above the squares of both, with these shares, are above that of the sum.

    What holds bends may be the sum of a :math:`P` and of :math:`\varphi P'`, where :math:`P'
    \succeq 0` is the same for many inputs, for any factor :math:`\varphi \ge 0`: what
    :math:`\varphi P'` allows them is :math:`\varphi S'`, with :math:`S'` what :math:`P'` does.

    Let :math:`\delta = K v + q` be what a hidden state moves by, and the margin :math:`m = m_0 + g
    \cdot v + \sum_o a_o\,v^\top N_o v + \delta^\top F \delta`. For multipliers :math:`\lambda` of
    any sign and :math:`\mu \ge 0` no bracket of

    .. math::
        m &+ \mu\,\big(\|v\|^2 - \rho^2\big)
        + \sum_o \lambda_o\,\big(v^\top N_o v - q_o\big)
        + \big(q^\top P\,q - v^\top S\,v\big)
        + \varphi\,\big(q^\top P' q - v^\top S' v\big) \\
        &= \begin{pmatrix} 1 \\ v \\ q \end{pmatrix}^{\!\top}
        \begin{pmatrix}
            m_0 - \mu \rho^2 & \tfrac12 g^\top & -\tfrac12 \lambda^\top \\
            \tfrac12 g & \sum_o (a_o + \lambda_o) N_o + \mu I - S - \varphi S' + K^\top F K
            & K^\top F \\
            -\tfrac12 \lambda & F K & P + \varphi P' + F
        \end{pmatrix}
        \begin{pmatrix} 1 \\ v \\ q \end{pmatrix}

    is positive on the ball, so :math:`m > 0` there if the matrix is positive definite. Each further
    layer adds a :math:`\lambda`, a :math:`P` and its form in the same way.

    Hypotheses: the first component of what a layer reads is the constant 1, and is not moved.

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
    x, z, rest = with_constant(vector("x", inputs)), vector("z", inputs), vector("e", inputs)
    followed, length = matrix("U", inputs, inputs), sympy.Symbol("y")
    basis, inside = followed.row_join(rest), sympy.Matrix([*z, length])
    forms = [basis.T * symmetric_part(part)[1:, 1:] * basis for part in layer.tensor()]
    slope = layer.jacobian(x)[:, 1:] * basis

    single, bound = (symmetric_matrix(name, width) for name in ("N", "T"))
    state, share = vector("delta", width), sympy.Symbol("s")
    w, u, other = (vector(name, width) for name in ("w", "u", "u'"))

    return Derivation(
        "multiplier_bound",
        "A layer around a point is followed in a basis of what it reads, and in one coordinate "
        "more for what lies beside it; a form squared is a form through any matrix less what "
        "that is above the move's square; a sum of two moves is bounded by shares of both; and a "
        "margin, with multipliers of how long the move is, of what each bend is and of how far it "
        "goes, and a factor of more of these, is a quadratic form of one matrix "
        f"({inputs} inputs and the constant, {neurons} neurons a layer, {width} hidden components, "
        "all weights symbolic).",
        column(
            layer.value(x + sympy.Matrix([0, *(basis * inside)])),
            [form(single, state) ** 2, share * w.dot(u + other) ** 2],
            [held_margin(inputs, width)[0]],
        ),
        column(
            layer.value(x) + slope * inside + column([form(part, inside) for part in forms]),
            [
                form(single * bound * single, state)
                - form(bound - state * state.T, single * state),
                share * (1 + share) * w.dot(u) ** 2
                + (1 + share) * w.dot(other) ** 2
                - (share * w.dot(u) - w.dot(other)) ** 2,
                held_margin(inputs, width)[1],
            ],
        ),
    )


def held_margin(inputs: int, width: int) -> tuple[sympy.Expr, sympy.Expr]:
    """Return a margin with all that multipliers add, and the quadratic form of one matrix."""
    v, bends, slope = vector("v", inputs), vector("q", width), vector("g", inputs)
    gradient, linear = vector("a", width), vector("lambda", width)
    straight, above = matrix("K", width, inputs), symmetric_matrix("F", width)
    forms = [symmetric_matrix(f"N{output}", inputs) for output in range(width)]
    held, spread = symmetric_matrix("P", width), symmetric_matrix("S", inputs)
    usual, allowed = symmetric_matrix("P'", width), symmetric_matrix("S'", inputs)
    constant, ball, radius, factor = sympy.symbols("m_0 mu rho phi")
    bent, moved = column([form(part, v) for part in forms]), straight * v + bends
    margin = constant + slope.dot(v) + gradient.dot(bent) + form(above, moved)
    added = ball * (v.dot(v) - radius**2) + linear.dot(bent - bends)
    added += form(held, bends) - form(spread, v)
    added += factor * (form(usual, bends) - form(allowed, v))

    corner, row = sympy.Matrix([constant - ball * radius**2]), slope.T / 2
    last, mixed = -linear.T / 2, straight.T * above
    middle = ball * sympy.eye(inputs) - spread - factor * allowed + straight.T * above * straight
    for weight, part in zip(gradient + linear, forms, strict=True):
        middle += weight * part
    bent_by = held + factor * usual + above
    whole = sympy.Matrix(
        sympy.BlockMatrix([[corner, row, last], [row.T, middle, mixed], [last.T, mixed.T, bent_by]])
    )
    return margin + added, form(whole, with_constant(sympy.Matrix([*v, *bends])))


def slab_bound(inputs: int = 2) -> Derivation:
    r"""Derive that a slab of a ball lies in another ball, and that a form holds what moves in both.

    Of a ball :math:`\|v\| \le \rho` around an image a slab is cut out by a direction :math:`w`: the
    moves with :math:`\alpha \le s \le \beta`, :math:`s = w \cdot v`. Around the image moved by
    :math:`\gamma w` a move of it is :math:`u = v - \gamma w`, and

    .. math::
        \big(\rho^2 - 2 \gamma \alpha + \gamma^2 \|w\|^2\big) - \|u\|^2
        = \big(\rho^2 - \|v\|^2\big) + 2 \gamma\,(s - \alpha),

    so that for :math:`\gamma \ge 0` all of the slab lies in a ball around that point, and for
    :math:`\gamma = \alpha \ge 0` and :math:`\|w\| = 1` in a smaller one. In this ball bends are
    bounded (:func:`multiplier_bound`), while for :math:`\mu, \tau \ge 0`

    .. math::
        &\mu\,\big(\|u + \gamma w\|^2 - \rho^2\big) + \tau\,(s - \alpha)\,(s - \beta) \\
        &= \begin{pmatrix} 1 \\ u \end{pmatrix}^{\!\top}
        \begin{pmatrix}
            \mu\,(\gamma^2 \omega - \rho^2)
            + \tau\,(\gamma \omega - \alpha)(\gamma \omega - \beta) &
            \big(\mu \gamma + \tau\,(\gamma \omega - \tfrac{\alpha + \beta}{2})\big)\,w^\top \\
            \cdot & \mu I + \tau\,w w^\top
        \end{pmatrix}
        \begin{pmatrix} 1 \\ u \end{pmatrix}, \qquad \omega = \|w\|^2,

    is nowhere positive in the slab, and takes the place of :math:`\mu\,(\|v\|^2 - \rho^2)`. Slabs
    from end to end that begin below :math:`-\|w\| \rho` and end above :math:`\|w\| \rho` leave no
    move of the ball out: a margin that is positive in each is positive on all of it.

    Hypotheses: none; the identities hold for all numbers.

    Source: derived here; domains are divided in branch and bound.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> slab_bound().holds
        True
    """
    check_sizes(inputs=inputs)
    v, w, u = (vector(name, inputs) for name in ("v", "w", "u"))
    low, high, centre, radius = sympy.symbols("alpha beta gamma rho")
    ball, between = sympy.symbols("mu tau")
    inside, apart = v.dot(w), v - centre * w
    nearer = radius**2 - 2 * centre * low + centre**2 * w.dot(w)

    there, along = u + centre * w, w.dot(u + centre * w)
    held = ball * (there.dot(there) - radius**2) + between * (along - low) * (along - high)
    length = w.dot(w)
    corner = ball * (centre**2 * length - radius**2)
    corner += between * (centre * length - low) * (centre * length - high)
    row = (ball * centre + between * (centre * length - (low + high) / 2)) * w.T
    middle = ball * sympy.eye(inputs) + between * w * w.T
    whole = sympy.Matrix(sympy.BlockMatrix([[sympy.Matrix([corner]), row], [row.T, middle]]))
    return Derivation(
        "slab_bound",
        "A slab of a ball lies in a ball around a point along its direction, and what holds moves "
        "in both the large ball and the slab is a quadratic form in the move from that point "
        f"({inputs} inputs, all weights symbolic).",
        column([nearer - apart.dot(apart), held]),
        column(
            [
                radius**2 - v.dot(v) + 2 * centre * (inside - low),
                form(whole, with_constant(u)),
            ]
        ),
    )
