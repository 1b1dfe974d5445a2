"""Why the numbers that a certificate holds prove radii, differences and margins nearby."""

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


def s_lemma(inputs: int = 2) -> Derivation:
    r"""Derive that a multiplier proves how far the zeros of a quadratic margin are.

    Around an image the margin of a layer is :math:`m(\delta) = m_0 + 2\,s \cdot \delta +
    \delta^\top Q\,\delta`. In an orthonormal eigenbasis, :math:`\delta = V y`, with :math:`t =
    V^\top s`, and for every multiplier :math:`\mu`,

    .. math::
        \|y\|^2 + \mu\, m(y) - q(\mu) = \sum_i d_i \Big(y_i + \frac{\mu\, t_i}{d_i}\Big)^2, \qquad
        d_i = 1 + \mu \lambda_i, \qquad
        q(\mu) = \mu\, m_0 - \sum_i \frac{\mu^2 t_i^2}{d_i}.

    If :math:`\mu \ge 0` and all :math:`d_i > 0`, the right side is not negative, so
    :math:`m(\delta) \le 0` only where :math:`\|\delta\|^2 \ge q(\mu)`: a radius :math:`\rho` with
    :math:`\rho^2 \le q(\mu)` is proved.

    Computed eigenvectors are only nearly orthonormal. For every :math:`V`, :math:`\lambda`,
    :math:`\eta` and :math:`\varepsilon`, now with
    :math:`d_i = (1 - \eta) + \mu\,(\lambda_i - \varepsilon)` in the sum and in :math:`q`,

    .. math::
        \|V y\|^2 + \mu\, m(V y) - q(\mu)
        = \sum_i d_i \Big(y_i + \frac{\mu\, t_i}{d_i}\Big)^2
        + \big(\|V y\|^2 - (1 - \eta)\,\|y\|^2\big)
        + \mu\,\big(y^\top (V^\top Q V - \Lambda)\,y + \varepsilon\,\|y\|^2\big).

    With :math:`\|V^\top V - I\| \le \eta < 1` and :math:`\|V^\top Q V - \Lambda\| \le \varepsilon`
    neither bracket is negative, and :math:`V` is invertible, so that every :math:`\delta` is some
    :math:`V y`: the conclusion is the same.

    The best multiplier's radius is the distance itself. At
    :math:`y^*_i = -\mu\, t_i / d_i`, with the first :math:`d_i`,

    .. math::
        m(y^*) = q'(\mu), \qquad \|y^*\|^2 = q(\mu) - \mu\,q'(\mu).

    Where :math:`q'(\mu) = 0` the margin is 0 at :math:`y^*`, and :math:`\|y^*\|^2 = q(\mu)`.

    Without eigenvectors, for every step :math:`z` and :math:`w = y - z`,

    .. math::
        \|y\|^2 + \mu\, m(y) = \|z\|^2 + \mu\, m(z)
        + 2\,\big(z + \mu\,(s + Q z)\big) \cdot w + \|w\|^2 + \mu\, w^\top Q\,w .

    If :math:`1 + \mu Q` has no eigenvalue below :math:`\kappa > 0`, the last three terms are at
    least :math:`-\|z + \mu\,(s + Q z)\|^2 / \kappa`: a step at which the margin is 0 and the
    bracket next to 0 is next to the shortest.

    Hypotheses: symmetric :math:`Q`; the identities need no more than :math:`d_i \ne 0`. The maximum
    of :math:`q` may lie where some :math:`d_i = 0` (the hard case): the bounds below it hold, and
    the last two lines do not say that it is attained.

    Source: V. A. Yakubovich, *S-procedure in nonlinear control theory*, 1971; S. Boyd, L.
    Vandenberghe, *Convex Optimization*, 2004, appendix B; for the nearest point, J. J. Moré, D. C.
    Sorensen, *Computing a trust region step*, SIAM J. Sci. Stat. Comput. 4, 1983.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> s_lemma().holds
        True
    """
    check_sizes(inputs=inputs)
    y, eigenvalues, slope = (vector(name, inputs) for name in ("y", "lambda", "s"))
    vectors, curvature = matrix("V", inputs, inputs), symmetric_matrix("Q", inputs)
    constant, factor, skew, rest = sympy.symbols("m_0 mu eta epsilon")
    one, diagonal = sympy.eye(inputs), sympy.diag(*eigenvalues)

    stretch = [1 + factor * value for value in eigenvalues]
    proved = _dual(factor, constant, slope, stretch)
    nearest = sympy.Matrix([-factor * s / d for s, d in zip(slope, stretch, strict=True)])

    tried = vector("z", inputs)
    further = y - tried
    pulled = tried + factor * (slope + curvature * tried)

    tolerant = [(1 - skew) + factor * (value - rest) for value in eigenvalues]
    turned, step = vectors.T * slope, vectors * y
    return Derivation(
        "s_lemma",
        "A multiplier of at least 0 proves how near a quadratic margin can be 0: the squared "
        "length of a step and the multiplier times the margin there, less what is proved, are a "
        "sum of squares, whose weights, 1 plus the multiplier times an eigenvalue, must be "
        "positive; for computed eigenvectors V the weights are lessened by eta and the multiplier "
        "times epsilon, and two forms are added, which are not negative if |VᵀV - I| <= eta < 1 "
        "and |VᵀQV - Λ| <= epsilon; and a step makes the margin 0 at just the proved length, where "
        "what is proved does not vary with the multiplier; and around any step z the first sum is "
        "what it is there, a slope times the rest w of a step, and the form of 1 plus the "
        "multiplier times Q at w "
        f"({inputs} inputs, all weights symbolic).",
        sympy.Matrix(
            [
                y.dot(y) + factor * _quadratic(constant, slope, diagonal, y) - proved,
                step.dot(step)
                + factor * _quadratic(constant, slope, curvature, step)
                - _dual(factor, constant, turned, tolerant),
                _quadratic(constant, slope, diagonal, nearest),
                nearest.dot(nearest),
                y.dot(y) + factor * _quadratic(constant, slope, curvature, y),
            ]
        ),
        sympy.Matrix(
            [
                _squares(factor, slope, stretch, y),
                _squares(factor, turned, tolerant, y)
                + form(vectors.T * vectors - (1 - skew) * one, y)
                + factor * form(vectors.T * curvature * vectors - diagonal + rest * one, y),
                proved.diff(factor),
                proved - factor * proved.diff(factor),
                tried.dot(tried)
                + factor * _quadratic(constant, slope, curvature, tried)
                + 2 * pulled.dot(further)
                + form(one + factor * curvature, further),
            ]
        ),
    )


def difference_bound(inputs: int = 1, neurons: int = 1, outputs: int = 2) -> Derivation:
    r"""Derive that a layer carries the difference of a network and its graph on, within boxes.

    Let a network's layer :math:`F` read :math:`h`, and a graph's layer :math:`G` read
    :math:`A h + \delta`, its hidden state in another basis and off by :math:`\delta`. With the
    constant as a component, both layers are homogeneous, :math:`F_p(h) = h^\top S^F_p h` and
    :math:`G_o(g) = g^\top S^G_o g` with symmetric matrices. What the graph returns is off by
    :math:`\delta'` in the basis :math:`A'`:

    .. math::
        \delta' = G(A h + \delta) - A' F(h)
        = \big[G(A h) - A' F(h)\big] + 2\,B_G(A h, \delta) + B_G(\delta, \delta), \qquad
        B_G(g, g')_o = g^\top S^G_o g',

    .. math::
        \big[G(A h) - A' F(h)\big]_o = h^\top E_o\,h, \qquad
        E_o = A^\top S^G_o A - \sum_p A'_{op} S^F_p.

    Around any :math:`c`, and any :math:`k` for the graph's state, with the constant 1 in both,

    .. math::
        h^\top E_o\,h = c^\top E_o\,c + 2\,(E_o c) \cdot v + v^\top E_o\,v, \qquad v = h - c,

    .. math::
        2\,B_G(A h, \delta)_o + B_G(\delta, \delta)_o
        = 2\,(S^G_o k) \cdot \delta + z^\top S^G_o\,\delta, \qquad z = 2\,(A h - k) + \delta .

    Where :math:`|v_i| \le w_i`, :math:`|z_i| \le z^*_i` and :math:`|\delta_i| \le d_i`,

    .. math::
        |\delta'_o| \le \big|c^\top E_o\,c\big| + 2\,|E_o c| \cdot w + \beta(E_o; w, w)
        + 2\,|S^G_o k| \cdot d + \beta(S^G_o; z^*, d)

    with any :math:`\beta(M; w, d) \ge |v^\top M\,\delta|`: for positive :math:`p` and :math:`q`,
    with :math:`v_i = w_i s_i`, :math:`\delta_j = d_j t_j` and :math:`|s_i|, |t_j| \le 1`,

    .. math::
        v^\top M\,\delta = (p \odot s)^\top N\,(q \odot t), \qquad
        N_{ij} = \frac{w_i M_{ij} d_j}{p_i q_j}, \qquad \beta(M; w, d) = \|p\|\,\|q\|\,\|N\| .

    The network's own states lie in boxes by the same bound on :math:`h^\top S^F_p h`, and
    :math:`A' F` is a layer like another.

    A bound for one layer's inputs gives one for its outputs, so bounds are carried from the inputs,
    where :math:`\delta = 0`, to the logits, where :math:`A'` is the identity.

    Hypotheses: the component of :math:`h`, and of :math:`A h + \delta`, that stands for the
    constant is 1; then the homogeneous forms are the layers. :math:`A` need not be invertible, and
    rows of zeros make a basis of fewer components.

    Source: derived here, as forward error analysis (N. J. Higham, *Accuracy and Stability of
    Numerical Algorithms*, 2002, chapters 1 and 3).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> difference_bound().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, outputs=outputs)
    size = inputs + 1
    h, error = vector("h", size), vector("delta", size)
    network, graph = (SymbolicLayer.generic(size, neurons, outputs, mark) for mark in ("_F", "_G"))
    below, above = matrix("A", size, size), matrix("A'", outputs, outputs)
    state, expected = below * h, above * _homogeneous_value(network, h)
    without_error = _homogeneous_value(graph, state) - expected
    with_error = _homogeneous_value(graph, state + error) - expected
    forms = _homogeneous_forms(graph)
    turned = _weighted(above, _homogeneous_forms(network))
    middle, near = vector("c", size), vector("k", size)
    rests = [below.T * part * below - other for part, other in zip(forms, turned, strict=True)]
    step, moved = h - middle, 2 * (state - near) + error
    return Derivation(
        "difference_bound",
        "What a graph's layer returns differs from what the network's layer returns, in another "
        "basis, by the form in which the layers differ, and by what the graph's layer makes of the "
        "difference before it: twice its derivative at a centre, and its form with twice the way "
        "from there and the difference; the first form is its value at a centre, twice its "
        "derivative there times the way from it, and its value at the way "
        f"({inputs} inputs and the constant, {neurons} neurons a layer, {outputs} outputs, all "
        "weights symbolic).",
        column(with_error, without_error),
        column(
            [
                value + 2 * (near.T * part * error)[0] + (moved.T * part * error)[0]
                for value, part in zip(without_error, forms, strict=True)
            ],
            [
                form(rest, middle) + 2 * (middle.T * rest * step)[0] + form(rest, step)
                for rest in rests
            ],
        ),
    )


def local_bound(inputs: int = 1, neurons: int = 1, width: int = 2) -> Derivation:
    r"""Derive that a margin near an image is its tangent there and remainders, which norms bound.

    A layer around what it reads, the constant's row of :math:`\Delta` being 0, is

    .. math::
        f(h + \Delta) = f(h) + J(h)\,\Delta + B(\Delta, \Delta), \qquad
        B(\Delta, \Delta) = D\,[(L\Delta) \odot (R\Delta)],

    with :math:`J` the derivative by what is read. So a state that is moved by
    :math:`\Delta = K\delta + r` is after the layer moved by :math:`\Delta' = JK\,\delta + r'` with
    :math:`r' = J r + B(\Delta, \Delta)`: the gradient, and a remainder of the second order.
    A margin is a last layer with one output. Where one layer is below it,

    .. math::
        m(x + \delta) = m(x) + g \cdot \delta + a \cdot r + B_m(\Delta, \Delta), \qquad
        r = B(\delta, \delta), \quad \Delta = J\delta + r, \quad g = J^\top a,

    with :math:`a` the gradient of the margin by the state. For :math:`\|\delta\| \le \rho`, with
    :math:`\Gamma` the Gram matrix of the symmetric parts of the layer's outputs and :math:`S` the
    symmetric matrix of :math:`B_m`, both without the constant,

    .. math::
        m(x + \delta) \ge m(x) - \|g\|\,\rho - \|a\|\,\|r\| - \|S\|\,\|\Delta\|^2, \quad
        \|r\| \le \sqrt{\lambda_{\max}(\Gamma)}\,\rho^2, \quad
        \|\Delta\| \le \|J\|\,\rho + \|r\|.

    The second inequality is Lagrange's identity (:func:`truncation_bound`) for the sum of the
    outputs, weighted by a unit vector; :math:`\Gamma` needs the weights' products alone
    (:func:`tensor_inner_product`).

    Hypotheses: the first component of what a layer reads is the constant 1, and is not moved.

    Source: Taylor's theorem, which is exact here as the third derivatives of a layer are 0; carried
    through layers as in forward error analysis (N. J. Higham, *Accuracy and Stability of Numerical
    Algorithms*, 2002, chapter 3).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> local_bound().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, width=width)
    x, move = with_constant(vector("x", inputs)), sympy.Matrix([0, *vector("delta", inputs)])
    layer = SymbolicLayer.generic(inputs + 1, neurons, width, "_1")
    margin = SymbolicLayer.generic(width + 1, neurons, 1, "_2")
    state, moved = layer.value(x), layer.value(x + move)
    straight, rest = layer.jacobian(x) * move, layer.products(move)
    gradient = margin.jacobian(with_constant(state))[:, 1:]
    return Derivation(
        "local_bound",
        "A layer around a point is its value, its derivative times the move and its bilinear part "
        "of the move; a margin two layers above an image is its value, its gradient times the "
        "move, its gradient by the state between times the remainder there, and its bilinear part "
        f"of how the state moves ({inputs} inputs and the constant, {neurons} neurons a layer, "
        f"{width} hidden components and the constant, all weights symbolic).",
        column(moved, margin.value(with_constant(moved))),
        column(
            state + straight + rest,
            margin.value(with_constant(state))
            + gradient * straight
            + gradient * rest
            + margin.products(sympy.Matrix([0, *(straight + rest)])),
        ),
    )


def _quadratic(
    constant: sympy.Expr, slope: sympy.Matrix, curvature: sympy.Matrix, step: sympy.Matrix
) -> sympy.Expr:
    """Return a margin after a step; the slope is half the gradient."""
    return constant + 2 * slope.dot(step) + form(curvature, step)


def _dual(
    factor: sympy.Expr, constant: sympy.Expr, slope: sympy.Matrix, stretch: list[sympy.Expr]
) -> sympy.Expr:
    """Return the squared radius that a multiplier proves."""
    spent = (factor**2 * s**2 / d for s, d in zip(slope, stretch, strict=True))
    return factor * constant - sympy.Add(*spent)


def _squares(
    factor: sympy.Expr, slope: sympy.Matrix, stretch: list[sympy.Expr], y: sympy.Matrix
) -> sympy.Expr:
    """Return the completed squares, weighted, each over one denominator."""
    terms = zip(y, slope, stretch, strict=True)
    return sympy.Add(*((d * entry + factor * s) ** 2 / d for entry, s, d in terms))


def _homogeneous_value(layer: SymbolicLayer, x: sympy.Matrix) -> sympy.Matrix:
    """Return a layer's outputs as forms of the second degree, the first component the constant."""
    return layer.products(x) + x[0] * layer.linear * x


def _homogeneous_forms(layer: SymbolicLayer) -> list[sympy.Matrix]:
    """Return the symmetric matrices of the outputs, linear parts beside the constant."""
    constant = sympy.eye(layer.linear.cols)[0, :]
    return [
        symmetric_part(part + layer.linear[o, :].T * constant)
        for o, part in enumerate(layer.tensor())
    ]


def _weighted(weights: sympy.Matrix, forms: list[sympy.Matrix]) -> list[sympy.Matrix]:
    """Return the forms of another basis of the outputs."""
    zero = sympy.zeros(*forms[0].shape)
    return [
        sum((weights[o, p] * part for p, part in enumerate(forms)), start=zero)
        for o in range(weights.rows)
    ]
