"""Inner products of layers, from their weights alone."""

from __future__ import annotations

import math

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import (
    SymbolicLayer,
    form,
    inner_product,
    symmetric_matrix,
    symmetric_part,
    vector,
)


def gaussian_inner_product(inputs: int = 3) -> Derivation:
    r"""Derive that the mean product of two outputs over normal inputs is one of traces.

    For :math:`f = x^\top Q x + l \cdot x + k` and :math:`g = x^\top R x + m \cdot x + n`,

    .. math::
        \mathbb E_{x \sim N(0, I)}[f g] = 2\operatorname{tr}(QR)
        + \operatorname{tr}Q \operatorname{tr}R + l \cdot m
        + n \operatorname{tr}Q + k \operatorname{tr}R + kn.

    Every pair of outputs of two layers is such a pair: :math:`k`, :math:`l/2` and :math:`Q` are the
    blocks of the symmetric matrix of :math:`f` over :math:`\tilde x = (1, x)`. On the left the
    product is multiplied out, and each monomial :math:`x^\alpha` replaced by its mean
    :math:`\prod_i (\alpha_i - 1)!!`, or 0 where some :math:`\alpha_i` is odd.

    Hypotheses: symmetric :math:`Q` and :math:`R`.

    Source: L. Isserlis, *On a formula for the product-moment coefficient of any order of a normal
    frequency distribution in any number of variables*, Biometrika 12, 1918.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> gaussian_inner_product().holds
        True
    """
    check_sizes(inputs=inputs)
    x, first, second = (vector(name, inputs) for name in ("x", "l", "m"))
    matrix_1, matrix_2 = symmetric_matrix("Q", inputs), symmetric_matrix("R", inputs)
    constant_1, constant_2 = sympy.symbols("k n")
    f = form(matrix_1, x) + first.dot(x) + constant_1
    g = form(matrix_2, x) + second.dot(x) + constant_2
    trace_1, trace_2 = matrix_1.trace(), matrix_2.trace()
    closed_form = (
        2 * (matrix_1 * matrix_2).trace()
        + trace_1 * trace_2
        + first.dot(second)
        + constant_2 * trace_1
        + constant_1 * trace_2
        + constant_1 * constant_2
    )
    return Derivation(
        "gaussian_inner_product",
        "The mean product of two outputs over standard normal inputs follows from their matrices, "
        f"linear parts and constants ({inputs} inputs, all weights symbolic).",
        sympy.Matrix([_gaussian_mean(f * g, x)]),
        sympy.Matrix([closed_form]),
    )


def tensor_inner_product(inputs: int = 2, neurons: int = 2, outputs: int = 2) -> Derivation:
    r"""Derive that an inner product of two layers needs the weights' products alone.

    For the symmetric parts of :math:`B_{oab} = \sum_r D_{or} L_{ra} R_{rb}` and of :math:`B'`, with
    :math:`D_r` the columns of :math:`D` and :math:`L_r, R_r` the rows of :math:`L, R`,

    .. math::
        \langle B, B' \rangle = \tfrac12 \sum_{r,s} (D_r \cdot D'_s)
        \big[(L_r \cdot L'_s)(R_r \cdot R'_s) + (L_r \cdot R'_s)(R_r \cdot L'_s)\big].

    Hypotheses: none. The layers may have different numbers of neurons: here the second has one
    more.

    Source: classical for sums of tensors of rank one (T. G. Kolda, B. W. Bader, *Tensor
    decompositions and applications*, SIAM Review 51, 2009).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> tensor_inner_product().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, outputs=outputs)
    first = SymbolicLayer.generic(inputs + 1, neurons, outputs, "_1")
    second = SymbolicLayer.generic(inputs + 1, neurons + 1, outputs, "_2")
    entrywise = sum(
        inner_product(symmetric_part(slice_1), symmetric_part(slice_2))
        for slice_1, slice_2 in zip(first.tensor(), second.tensor(), strict=True)
    )
    straight = (first.left * second.left.T).multiply_elementwise(first.right * second.right.T)
    crossed = (first.left * second.right.T).multiply_elementwise(first.right * second.left.T)
    return Derivation(
        "tensor_inner_product",
        "The inner product of two layers' symmetric tensors follows from the products of their "
        f"weights ({inputs} inputs and the constant, {neurons} and {neurons + 1} neurons, "
        f"{outputs} outputs, all weights symbolic).",
        sympy.Matrix([entrywise]),
        sympy.Matrix([inner_product(first.down.T * second.down, straight + crossed) / 2]),
    )


def _gaussian_mean(polynomial: sympy.Expr, x: sympy.Matrix) -> sympy.Expr:
    """Return the mean of a polynomial over independent standard normal variables."""
    return sum(
        coefficient * math.prod(_gaussian_moment(power) for power in powers)
        for powers, coefficient in sympy.Poly(polynomial, *x).terms()
    )


def _gaussian_moment(power: int) -> int:
    return 0 if power % 2 else int(sympy.factorial2(power - 1))
