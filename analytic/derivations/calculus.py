"""Derivatives of layers and stacks, and attributions by integrals of them."""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import (
    SymbolicLayer,
    column,
    inner_product,
    matrix,
    vector,
    with_constant,
)


def gradient_and_hessian(inputs: int = 2, neurons: int = 1, width: int = 1) -> Derivation:
    r"""Derive that gradients and Hessians follow from the weights, layer by layer.

    For one layer, with :math:`l_k, r_k` the rows of :math:`L, R`,

    .. math::
        \frac{\partial y}{\partial\tilde x}
        = D\big(\operatorname{diag}(L\tilde x) R + \operatorname{diag}(R\tilde x) L\big) + M,
        \qquad
        \nabla^2 y_o = \sum_k D_{ok}\,(l_k r_k^\top + r_k l_k^\top),

    and :math:`\partial\tilde x/\partial x = [0; I]`, as :math:`\tilde x_0 = 1` does not vary. In a
    stack, gradients are multiplied layer by layer, and the Hessian of an output is

    .. math::
        \sum_{\text{layers}} J^\top \Big[\sum_k a_k\,(l_k r_k^\top + r_k l_k^\top)\Big] J,
        \qquad a = D^\top \lambda,

    with :math:`J` the derivative by :math:`x` of what the layer reads, the constant's row being 0,
    and the adjoint :math:`\lambda` the gradient of the output by what the layer returns.

    Hypotheses: the first component of what a layer reads is the constant 1.

    Source: classical (A. Griewank, A. Walther, *Evaluating Derivatives*, SIAM, 2008).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> gradient_and_hessian().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, width=width)
    variables = vector("x", inputs)
    x = with_constant(variables)
    first = SymbolicLayer.generic(inputs + 1, neurons, width, "_1")
    second = SymbolicLayer.generic(width + 1, neurons, 1, "_2")
    hidden = first.value(x)
    output = second.value(with_constant(hidden))[0]

    below_first = _below(sympy.eye(inputs))
    gradient_first = first.jacobian(x) * below_first
    below_second = _below(gradient_first)
    by_hidden = second.jacobian(with_constant(hidden))
    units = [sympy.eye(width)[o, :] for o in range(width)]
    return Derivation(
        "gradient_and_hessian",
        "A layer's gradient and Hessian follow from its weights, and those of two layers by the "
        f"chain rule, layer by layer ({inputs} inputs and the constant, {neurons} neurons a layer, "
        f"{width} hidden components and the constant, all weights symbolic).",
        column(*(_derivatives(value.expand(), variables) for value in [*hidden, output])),
        column(
            *(
                column(gradient_first[o, :], _curvature(first, units[o], below_first))
                for o in range(width)
            ),
            by_hidden * below_second,
            _curvature(first, by_hidden[:, 1:], below_first)
            + _curvature(second, sympy.eye(1), below_second),
        ),
    )


def squares_gradient(
    inputs: int = 2, features: int = 1, width: int = 1, outputs: int = 2
) -> Derivation:
    r"""Derive that one pass up and one down give the gradient by all weights of squares.

    For :math:`y_\ell = W_\ell\,r_\ell^2 + c_\ell` with
    :math:`r_\ell = P_\ell\,\tilde y_{\ell-1}`, :math:`\tilde y = (1, y)`, and the squared
    difference :math:`E = \|y_L - t\|^2`,

    .. math::
        \frac{\partial E}{\partial W_\ell} = \lambda_\ell\,(r_\ell^2)^\top, \qquad
        \frac{\partial E}{\partial P_\ell} = \rho_\ell\,\tilde y_{\ell-1}^\top, \qquad
        \frac{\partial E}{\partial c_\ell} = \lambda_\ell, \qquad
        \rho_\ell = 2\,r_\ell \circ W_\ell^\top \lambda_\ell,

    where :math:`\lambda_L = 2(y_L - t)` and :math:`\lambda_{\ell-1}` is
    :math:`P_\ell^\top \rho_\ell` without its first entry, as the constant does not vary. Of a mean
    over inputs the gradient is the mean of these.

    Hypotheses: none. Here there are two layers.

    Source: classical (A. Griewank, A. Walther, *Evaluating Derivatives*, SIAM, 2008).

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> squares_gradient().holds
        True
    """
    check_sizes(inputs=inputs, features=features, width=width, outputs=outputs)
    wanted = vector("t", outputs)
    state, states, readings, layers = with_constant(vector("x", inputs)), [], [], []
    for number, size in enumerate((width, outputs), start=1):
        layer = (
            matrix(f"P_{number}", features, len(state)),
            matrix(f"W_{number}", size, features),
            vector(f"c_{number}", size),
        )
        layers.append(layer)
        states.append(state)
        readings.append(layer[0] * state)
        returned = layer[1] * _squared(readings[-1]) + layer[2]
        state = with_constant(returned)
    left = returned - wanted
    weights = column(*(array for layer in layers for array in layer))
    adjoint, found = 2 * left, []
    for layer, state, reading in zip(layers[::-1], states[::-1], readings[::-1], strict=True):
        by_reading = 2 * reading.multiply_elementwise(layer[1].T * adjoint)
        found.append(column(by_reading * state.T, adjoint * _squared(reading).T, adjoint))
        adjoint = (layer[0].T * by_reading)[1:, :]
    return Derivation(
        "squares_gradient",
        "The gradient of a squared difference of outputs by every weight of two layers of squares "
        f"follows from one pass upwards and one downwards ({inputs} inputs and the constant, "
        f"{features} features a layer, {width} hidden components and the constant, {outputs} "
        "outputs, all weights symbolic).",
        sympy.Matrix([inner_product(left, left)]).jacobian(weights).T,
        column(*found[::-1]),
    )


def _squared(vector_of: sympy.Matrix) -> sympy.Matrix:
    """Return the squares of a vector's entries."""
    return vector_of.multiply_elementwise(vector_of)


def path_attribution(inputs: int = 2, neurons: int = 1, layers: int = 1) -> Derivation:
    r"""Derive that the attributions along a straight path sum to the difference of the outputs.

    With a baseline :math:`a`,

    .. math::
        f(x) - f(a) = \sum_i A_i, \qquad
        A_i = (x_i - a_i) \int_0^1 \partial_i f\big(a + t(x - a)\big)\,dt,

    and for a homogeneous :math:`f` of degree :math:`d` and the baseline 0

    .. math::
        A_i = \frac{x_i\,\partial_i f(x)}{d}.

    Hypotheses: none for the sum; for the closed form, no biases and no linear part, so that every
    monomial of a stack of :math:`L` layers has the degree :math:`d = 2^L`. Hidden states have one
    component beside the constant.

    Source: M. Sundararajan, A. Taly, Q. Yan, *Axiomatic Attribution for Deep Networks*,
    arXiv 1703.01365. The closed form is Euler's theorem on homogeneous functions.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> path_attribution().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons, layers=layers)
    x, baseline = vector("x", inputs), vector("a", inputs)
    network = _stack(x, neurons, layers, homogeneous=False)
    homogeneous = _stack(x, neurons, layers, homogeneous=True)
    at_baseline = network.xreplace(dict(zip(x, baseline, strict=True)))
    return Derivation(
        "path_attribution",
        "The attributions along a straight path sum to the difference of the outputs, and without "
        "biases and linear parts those from 0 are each input times its derivative, divided by the "
        "degree "
        f"({inputs} inputs, {neurons} neurons a layer, {layers} layers, all weights symbolic).",
        column([network - at_baseline], _attributions(homogeneous, x, 0 * baseline)),
        column(
            [sum(_attributions(network, x, baseline))],
            [entry * homogeneous.diff(entry) / 2**layers for entry in x],
        ),
    )


def _below(jacobian: sympy.Matrix) -> sympy.Matrix:
    """Return the derivative of what a layer reads: the constant before it does not vary."""
    return sympy.zeros(1, jacobian.cols).col_join(jacobian)


def _derivatives(polynomial: sympy.Expr, variables: sympy.Matrix) -> sympy.Matrix:
    """Return the gradient and the Hessian, differentiated monomial by monomial."""
    gradient = sympy.Matrix([polynomial]).jacobian(variables)
    return column(gradient, gradient.jacobian(variables))


def _curvature(layer: SymbolicLayer, adjoint: sympy.Matrix, below: sympy.Matrix) -> sympy.Matrix:
    """Return what a layer adds to the Hessian of the output with this gradient by its values."""
    weights = sympy.diag(*(adjoint * layer.down))
    outer = layer.left.T * weights * layer.right
    return below.T * (outer + outer.T) * below


def _stack(x: sympy.Matrix, neurons: int, layers: int, *, homogeneous: bool) -> sympy.Expr:
    """Return the one output of generic layers with one hidden component."""
    constant = [] if homogeneous else [1]
    state = sympy.Matrix([*constant, *x])
    for number in range(1, layers + 1):
        layer = SymbolicLayer.generic(len(state), neurons, 1, f"_{number}")
        value = layer.products(state) if homogeneous else layer.value(state)
        state = sympy.Matrix([*constant, *value])
    return state[-1]


def _attributions(output: sympy.Expr, x: sympy.Matrix, baseline: sympy.Matrix) -> list[sympy.Expr]:
    """Return each input's integral along the straight path from the baseline."""
    t = sympy.Symbol("t")
    path = dict(zip(x, baseline + t * (x - baseline), strict=True))
    return [
        (entry - start) * sympy.Poly(output.diff(entry).xreplace(path), t).integrate(t).eval(1)
        for entry, start in zip(x, baseline, strict=True)
    ]
