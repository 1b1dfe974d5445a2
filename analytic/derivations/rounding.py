"""How what every operation of a forward pass loses reaches the logits."""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import SymbolicLayer, column, vector, with_constant


def rounding_bound(inputs: int = 1, neurons: int = 1, width: int = 1) -> Derivation:
    r"""Derive that rounding errors reach the logits by derivatives, and by their own products.

    A layer that should read :math:`h` reads :math:`h + \varepsilon`. Its readings are computed as
    :math:`L(h + \varepsilon) + \lambda` and :math:`R(h + \varepsilon) + \rho`, their products with
    a further error :math:`\pi`, and the sum of products and linear part with one of :math:`\sigma`.
    Then what is computed is

    .. math::
        f(h) + J(h)\,\varepsilon + D\big[(L\varepsilon) \odot (R\varepsilon) + \mu\big] + \sigma,
        \qquad \mu = \lambda \odot R(h + \varepsilon) + \rho \odot L(h + \varepsilon)
        + \lambda \odot \rho + \pi,

    with :math:`J` the derivative by what is read. Inputs have no error, so what a first layer
    writes is off by :math:`\varepsilon = D_1 \mu_1 + \sigma_1`, and a layer above it by

    .. math::
        (J D_1)\,\mu_1 + J \sigma_1
        + D_2\big[(L_2\,\varepsilon) \odot (R_2\,\varepsilon) + \mu_2\big] + \sigma_2 .

    Of each error only a bound on its size is known, so :math:`|J D_1|` and :math:`|J|` multiply
    these: the signs of the weights along all ways to a logit count, and only the product of two
    errors is bounded by sizes alone. Each further layer multiplies by its derivative.

    In an arithmetic with unit roundoff :math:`u` that may flush what is smaller than its smallest
    normal number :math:`\tau`, operands as well as results,

    .. math::
        \mathrm{fl}(a \circ b) = \big((a + \alpha) \circ (b + \beta)\big)(1 + \delta) + \eta, \qquad
        |\delta| \le u, \quad |\alpha|, |\beta|, |\eta| \le \tau,

    sums of :math:`K` products, of which :math:`n` are not 0, are off by at most

    .. math::
        \gamma_n \sum_i |w_i x_i| + 2 \tau \Big(\sum_i |w_i| + \sum_i |x_i| + 8 K\Big), \qquad
        \gamma_n = \frac{n u}{1 - n u} \le 1,

    in whatever order they are taken: a product with 0 and a sum with 0 are not rounded.

    Hypotheses: the first component of what a layer reads is the constant 1, and has no error;
    nothing overflows.

    Source: N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2002, sections 2.2, 3.1
    and 3.3; the flushed operands and the derivation are done here.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> rounding_bound().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, width=width)
    below = SymbolicLayer.generic(inputs + 1, neurons, width, "_1")
    above = SymbolicLayer.generic(width + 1, neurons, 1, "_2")
    x, none = with_constant(vector("x", inputs)), sympy.zeros(inputs + 1, 1)
    computed, made, lost = _computed(below, x, none, "_1")
    state, error = with_constant(below.value(x)), sympy.Matrix([0, *(below.down * made + lost)])
    logit, last, rest = _computed(above, state, error, "_2")
    slope, bent = above.jacobian(state)[:, 1:], _bent(above, error)
    read, moved = with_constant(vector("h", width)), sympy.Matrix([0, *vector("epsilon", width)])
    single, own, around = _computed(above, read, moved, "_2")
    return Derivation(
        "rounding_bound",
        "What a layer computes from a state that is off is its value, its derivative times the "
        "error of the state, the products of that error's readings, and what it loses itself: in "
        "readings, each times the other reading, in products and in sums; through two layers the "
        "derivative of the upper one multiplies all that the lower one loses "
        f"({inputs} inputs and the constant, {neurons} neurons a layer, {width} hidden components "
        "and the constant, all errors and all weights symbolic).",
        column(single, computed, logit),
        column(
            above.value(read)
            + above.jacobian(read) * moved
            + above.down * (_bent(above, moved) + own)
            + around,
            below.value(x) + error[1:, :],
            above.value(state)
            + (slope * below.down) * made
            + slope * lost
            + above.down * (bent + last)
            + rest,
        ),
    )


def _computed(
    layer: SymbolicLayer, state: sympy.Matrix, error: sympy.Matrix, mark: str
) -> tuple[sympy.Matrix, sympy.Matrix, sympy.Matrix]:
    """Return what a layer computes, and what it loses in its products and in its sums."""
    neurons = layer.down.cols
    lefts, rights, products = (vector(f"{name}{mark}", neurons) for name in ("lambda", "rho", "pi"))
    sums = vector(f"sigma{mark}", layer.down.rows)
    left, right = layer.left * (state + error), layer.right * (state + error)
    made = (left + lefts).multiply_elementwise(right + rights) + products
    lost = (
        lefts.multiply_elementwise(right)
        + rights.multiply_elementwise(left)
        + lefts.multiply_elementwise(rights)
        + products
    )
    return layer.down * made + layer.linear * (state + error) + sums, lost, sums


def _bent(layer: SymbolicLayer, error: sympy.Matrix) -> sympy.Matrix:
    """Return the products of an error's readings."""
    return (layer.left * error).multiply_elementwise(layer.right * error)
