r"""What one bilinear layer computes.

Source of the bilinear layer and of its third-order tensor:
    M. T. Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability*,
    arXiv 2410.08417.
"""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import (
    SymbolicLayer,
    column,
    form,
    matrix,
    symmetric_part,
    vector,
    with_constant,
)


def homogenisation(inputs: int = 3, neurons: int = 2) -> Derivation:
    r"""Derive that biases are weights of a constant input.

    .. math::
        (W_1 x + b_1) \odot (W_2 x + b_2)
        = \big([b_1 \; W_1]\,\tilde x\big) \odot \big([b_2 \; W_2]\,\tilde x\big),
        \qquad \tilde x = (1, x).

    Hypotheses: none. Each neuron is one such product, so the sizes matter only to the proof.

    Source: classical (homogeneous coordinates).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> homogenisation().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons)
    x = vector("x", inputs)
    first, second = matrix("W_1", neurons, inputs), matrix("W_2", neurons, inputs)
    bias_1, bias_2 = vector("b_1", neurons), vector("b_2", neurons)
    homogeneous = with_constant(x)
    return Derivation(
        "homogenisation",
        f"A bias is a weight of the constant input 1 ({inputs} inputs, {neurons} neurons, all "
        "weights symbolic).",
        (first * x + bias_1).multiply_elementwise(second * x + bias_2),
        (bias_1.row_join(first) * homogeneous).multiply_elementwise(
            bias_2.row_join(second) * homogeneous
        ),
    )


def residual_as_neurons(inputs: int = 2, neurons: int = 2, outputs: int = 2) -> Derivation:
    r"""Derive that a linear part is as many neurons more as there are components to read.

    With :math:`\tilde x_0 = 1`, a neuron that reads a component and the constant is linear, so that

    .. math::
        M \tilde x = \sum_i M_{:,i}\,(\tilde x_i \cdot \tilde x_0), \qquad
        D[(L\tilde x) \odot (R\tilde x)] + M\tilde x
        = [D \; M] \left( \begin{bmatrix} L \\ I \end{bmatrix} \tilde x \odot
        \begin{bmatrix} R \\ \mathbf 1 e_0^\top \end{bmatrix} \tilde x \right).

    A residual is the case in which :math:`M` is an identity.

    Hypotheses: the first component of :math:`\tilde x` is the constant 1.

    Source: classical (homogeneous coordinates).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> residual_as_neurons().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, outputs=outputs)
    size = inputs + 1
    x = with_constant(vector("x", inputs))
    layer = SymbolicLayer.generic(size, neurons, outputs)
    constant = sympy.Matrix(size, size, lambda _, j: int(j == 0))
    wider = SymbolicLayer(
        layer.left.col_join(sympy.eye(size)),
        layer.right.col_join(constant),
        layer.down.row_join(layer.linear),
        sympy.zeros(outputs, size),
    )
    neurons_alone = SymbolicLayer(sympy.eye(size), constant, layer.linear, wider.linear)
    return Derivation(
        "residual_as_neurons",
        "A linear part is a neuron more for each component of the input, which reads the component "
        f"and the constant 1 ({inputs} inputs and the constant, {neurons} neurons, {outputs} "
        "outputs, all weights symbolic).",
        column(layer.linear * x, layer.value(x)),
        column(neurons_alone.products(x), wider.products(x)),
    )


def third_order_tensor(inputs: int = 2, neurons: int = 2, outputs: int = 1) -> Derivation:
    r"""Derive that a layer is its third-order tensor, whose symmetric part alone is a function.

    .. math::
        y_o = \sum_{a,b} B_{oab}\,\tilde x_a \tilde x_b, \qquad
        B_{oab} = \sum_k D_{ok} L_{ka} R_{kb}.

    With the symmetric part :math:`S_o = \tfrac12(B_o + B_o^\top)` and the antisymmetric part
    :math:`A_o = \tfrac12(B_o - B_o^\top)`,

    .. math::
        \tilde x^\top B_o\,\tilde x = \tilde x^\top S_o\,\tilde x, \qquad
        \tilde x^\top A_o\,\tilde x = 0, \qquad
        S_{oab} = \tfrac12\,\frac{\partial^2 y_o}{\partial\tilde x_a\,\partial\tilde x_b}.

    The last line reads the symmetric part off the function, so two layers are the same function
    of :math:`\tilde x` exactly if their symmetric parts agree. With :math:`\tilde x_0 = 1` nothing
    is lost: no two monomials of the second degree in :math:`\tilde x` become the same one.

    Hypotheses: none. A linear part is neurons, by :func:`residual_as_neurons`.

    Source: M. T. Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability*,
    arXiv 2410.08417.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> third_order_tensor().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, outputs=outputs)
    x = vector("x", inputs + 1)
    layer = SymbolicLayer.generic(inputs + 1, neurons, outputs)
    values, tensor = layer.products(x), layer.tensor()
    symmetric = [symmetric_part(part) for part in tensor]
    antisymmetric = [(part - part.T) / 2 for part in tensor]
    forms, symmetric_forms, antisymmetric_forms = (
        [form(part, x) for part in parts] for parts in (tensor, symmetric, antisymmetric)
    )
    hessians = (sympy.hessian(value.expand(), list(x)) / 2 for value in values)
    return Derivation(
        "third_order_tensor",
        "A layer is the form of its third-order tensor, the tensor's antisymmetric part is no "
        "function, and half the Hessian gives the symmetric part back, so that layers are the same "
        f"function exactly if their symmetric parts agree ({inputs} inputs and the constant, "
        f"{neurons} neurons, {outputs} outputs, all weights symbolic).",
        column(values, forms, antisymmetric_forms, *hessians),
        column(forms, symmetric_forms, [0] * outputs, *symmetric),
    )


def polarisation(inputs: int = 3) -> Derivation:
    r"""Derive that a product of two readings is a difference of two squares.

    .. math::
        (l \cdot \tilde x)(r \cdot \tilde x)
        = \Big(\tfrac{l + r}{2} \cdot \tilde x\Big)^2
        - \Big(\tfrac{l - r}{2} \cdot \tilde x\Big)^2.

    Hypotheses: none. Halving is exact in binary floating point, so the squares' weights are the
    network's own, bit for bit.

    Source: classical.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> polarisation().holds
        True
    """
    check_sizes(inputs=inputs)
    x, left, right = (vector(name, inputs + 1) for name in ("x", "l", "r"))
    half = sympy.Rational(1, 2)
    return Derivation(
        "polarisation",
        f"A neuron is a difference of two squares ({inputs} inputs and the constant, all weights "
        "symbolic).",
        sympy.Matrix([left.dot(x) * right.dot(x)]),
        sympy.Matrix([(half * (left + right)).dot(x) ** 2 - (half * (left - right)).dot(x) ** 2]),
    )
