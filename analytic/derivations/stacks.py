"""What a stack of bilinear layers computes."""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import (
    SymbolicLayer,
    column,
    form,
    matrix,
    vector,
    with_constant,
)


def degree_and_monomials(inputs: int = 2, layers: int = 2) -> Derivation:
    r"""Derive that a generic stack of L layers has degree 2^L, and every monomial up to it.

    A stack of :math:`L` layers on :math:`n` inputs is a polynomial with

    .. math::
        \text{degree } 2^L \text{ and } \binom{n + 2^L}{2^L} \text{ monomials}.

    Each layer at most doubles the degree, and there are no more monomials up to that degree, so
    these are the most that a stack can have. Generic weights attain both, with one neuron a layer
    already: here the stack is multiplied out, and no monomial's coefficient is the polynomial 0 in
    the weights.

    Hypotheses: none for the most, generic weights (outside the zeros of those coefficients) for
    attaining them.

    Source: classical.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> degree_and_monomials().holds
        True
    """
    check_sizes(inputs=inputs, layers=layers)
    x = vector("x", inputs)
    state = with_constant(x)
    for number in range(1, layers + 1):
        layer = SymbolicLayer.generic(len(state), 1, 1, f"_{number}")
        state = with_constant(layer.value(state))
    polynomial = sympy.Poly(state[1], *x)
    degree = 2**layers
    return Derivation(
        "degree_and_monomials",
        f"A generic stack of {layers} layers has degree {degree} and every monomial up to it, one "
        f"neuron a layer sufficing ({inputs} inputs, {layers} layers, all weights symbolic).",
        sympy.Matrix([polynomial.total_degree(), len(polynomial.monoms())]),
        sympy.Matrix([degree, sympy.binomial(inputs + degree, degree)]),
    )


def composition(inputs: int = 2, width: int = 2) -> Derivation:
    r"""Derive that two layers are one form of the fourth order.

    With :math:`\tilde y_j = \tilde x^\top B_j\,\tilde x` and
    :math:`z = \tilde y^\top C\,\tilde y`,

    .. math::
        z = \sum_{a,b,c,d} T_{abcd}\,\tilde x_a \tilde x_b \tilde x_c \tilde x_d, \qquad
        T_{abcd} = \sum_{i,j} C_{ij}\,(B_i)_{ab}\,(B_j)_{cd}.

    Hypotheses: none; a constant component of :math:`\tilde y` is the form whose matrix has a
    single 1, in the corner.

    Source: classical (a tree tensor network, contracted).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> composition().holds
        True
    """
    check_sizes(inputs=inputs, width=width)
    size = inputs + 1
    x = vector("x", size)
    lower = [matrix(f"B_{j}", size, size) for j in range(width)]
    upper = matrix("C", width, width)
    hidden = sympy.Matrix([form(part, x) for part in lower])
    indices = range(size)
    fourth_order = sympy.Add(
        *(
            upper[i, j] * lower[i][a, b] * lower[j][c, d] * x[a] * x[b] * x[c] * x[d]
            for i in range(width)
            for j in range(width)
            for a in indices
            for b in indices
            for c in indices
            for d in indices
        )
    )
    return Derivation(
        "composition",
        f"Two layers are one form of the fourth order ({inputs} inputs and the constant, {width} "
        "hidden forms, all weights symbolic).",
        sympy.Matrix([form(upper, hidden)]),
        sympy.Matrix([fourth_order]),
    )


def gauge_freedom(inputs: int = 1, neurons: int = 1, width: int = 2) -> Derivation:
    r"""Derive that a hidden state may be given in any basis.

    For every invertible :math:`G`, replacing the hidden state :math:`\tilde y` by
    :math:`G\tilde y`,

    .. math::
        [D_1, M_1] \to [G D_1, G M_1], \qquad
        [L_2, R_2, M_2] \to [L_2 G^{-1}, R_2 G^{-1}, M_2 G^{-1}],

    leaves the polynomial of the two layers alone. So a hidden component has no meaning of its own,
    and a basis may be chosen by what it shows.

    Hypotheses: :math:`\det G \ne 0`; the inverse is the adjugate divided by the determinant. A
    first row :math:`e_0^\top` of :math:`G` keeps the constant where it is.

    Source: classical in tensor networks (R. Orús, *A practical introduction to tensor networks*,
    arXiv 1306.2164).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> gauge_freedom().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, width=width)
    x = vector("x", inputs + 1)
    first = SymbolicLayer.generic(inputs + 1, neurons, width, "_1")
    second = SymbolicLayer.generic(width, neurons, 1, "_2")
    gauge = matrix("G", width, width)
    inverse = gauge.adjugate() / gauge.det()
    turned_first = SymbolicLayer(first.left, first.right, gauge * first.down, gauge * first.linear)
    turned_second = SymbolicLayer(
        second.left * inverse, second.right * inverse, second.down, second.linear * inverse
    )
    return Derivation(
        "gauge_freedom",
        "An invertible matrix on a hidden state, undone by the next layer, changes nothing "
        f"({inputs} inputs and the constant, {neurons} neurons a layer, {width} hidden components, "
        "all weights symbolic).",
        turned_second.value(turned_first.value(x)),
        second.value(first.value(x)),
    )


def stack_difference(inputs: int = 1, neurons: int = 1, outputs: int = 1) -> Derivation:
    r"""Derive that the sum and the difference of two layers are one layer of sum and difference.

    Two layers of the same readings :math:`L, R`, with weights :math:`D, M` and :math:`D', M'`, get
    states :math:`\tilde y` and :math:`\tilde y'`. With :math:`\Sigma = \tilde y + \tilde y'` and
    :math:`\Delta = \tilde y - \tilde y'`,

    .. math::
        \Delta_+ = \tfrac{D - D'}{4}\,[L\Sigma \odot R\Sigma + L\Delta \odot R\Delta]
            + \tfrac{D + D'}{4}\,[L\Sigma \odot R\Delta + L\Delta \odot R\Sigma]
            + \tfrac{M - M'}{2}\,\Sigma + \tfrac{M + M'}{2}\,\Delta,

    and :math:`\Sigma_+` is the same with :math:`D'` and :math:`M'` of the other sign, so that the
    difference of two stacks that share their readings is the output of one stack, in whose weights
    what they share has cancelled.

    Hypotheses: none. Layers of other readings have those of both, each with weights of 0.

    Source: derived here.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> stack_difference().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, outputs=outputs)
    one = SymbolicLayer.generic(inputs + 1, neurons, outputs)
    other = SymbolicLayer(
        one.left, one.right, matrix("E", outputs, neurons), matrix("N", outputs, inputs + 1)
    )
    first, second = vector("y", inputs + 1), vector("z", inputs + 1)
    total, change = first + second, first - second
    lefts, rights = ([side * total, side * change] for side in (one.left, one.right))
    even = sum(
        (a.multiply_elementwise(b) for a, b in zip(lefts, rights, strict=True)),
        start=sympy.zeros(neurons, 1),
    )
    odd = lefts[0].multiply_elementwise(rights[1]) + lefts[1].multiply_elementwise(rights[0])
    values = one.value(first), other.value(second)
    sides = []
    for sign in (1, -1):
        plus, minus = one.down + sign * other.down, one.down - sign * other.down
        straight, crossed = one.linear + sign * other.linear, one.linear - sign * other.linear
        sides.append((plus * even + minus * odd) / 4 + (straight * total + crossed * change) / 2)
    return Derivation(
        "stack_difference",
        "The sum and the difference of what two layers of the same readings return are one layer "
        "of the sum and the difference of what they get: what the two share is cancelled in its "
        f"weights ({inputs} inputs and the constant, {neurons} neurons, {outputs} outputs, all "
        "weights symbolic).",
        column(values[0] + values[1], values[0] - values[1]),
        column(*sides),
    )
