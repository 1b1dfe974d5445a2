"""An output as the sum of its eigenfeatures' squares, and what a cut of that sum leaves out."""

from __future__ import annotations

import sympy

from analytic.derivations.derivation import Derivation, check_sizes
from analytic.derivations.symbols import column, form, inner_product, matrix, vector
from analytic.errors import check_integer


def eigen_expansion(inputs: int = 2, neurons: int = 2) -> Derivation:
    r"""Derive that an output is a weighted sum of squares of its eigenfeatures.

    Let :math:`Q = \sum_k d_k\,\tfrac12(l_k r_k^\top + r_k l_k^\top)` be the output's interaction
    matrix and :math:`Q = V \Lambda V^\top`. Then

    .. math::
        \sum_k d_k (l_k \cdot \tilde x)(r_k \cdot \tilde x)
        = \tilde x^\top Q\,\tilde x, \qquad
        \tilde x^\top V \Lambda V^\top \tilde x = \sum_i \lambda_i (v_i \cdot \tilde x)^2.

    Hypotheses: none for either identity; that a symmetric :math:`Q` has such a :math:`V` with
    orthonormal columns is the spectral theorem.

    Source: M. T. Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability*,
    arXiv 2410.08417.

    Raises:
        AnalyticError: a size is below 1.

    Examples:
        >>> eigen_expansion().holds
        True
    """
    check_sizes(inputs=inputs, neurons=neurons)
    size = inputs + 1
    x = vector("x", size)
    left, right = matrix("l", neurons, size), matrix("r", neurons, size)
    down, eigenvalues = vector("d", neurons), vector("lambda", size)
    vectors = matrix("v", size, size)
    interaction = sympy.zeros(size, size)
    for k in range(neurons):
        outer = left[k, :].T * right[k, :]
        interaction += down[k] * (outer + outer.T) / 2
    readings = vectors.T * x
    return Derivation(
        "eigen_expansion",
        "An output is the quadratic form of its interaction matrix, and a quadratic form is the "
        f"sum of its eigenfeatures' squares ({inputs} inputs and the constant, {neurons} neurons, "
        "all weights symbolic).",
        sympy.Matrix(
            [
                down.dot((left * x).multiply_elementwise(right * x)),
                form(vectors * sympy.diag(*eigenvalues) * vectors.T, x),
            ]
        ),
        sympy.Matrix(
            [form(interaction, x), eigenvalues.dot(readings.multiply_elementwise(readings))]
        ),
    )


def eigen_cut(inputs: int = 2, kept: int = 1) -> Derivation:
    r"""Derive that a cut of the eigen expansion leaves out the other features' squares.

    With :math:`Q = V \Lambda V^\top` and :math:`Q_k = \sum_{i \le k} \lambda_i v_i v_i^\top`, the
    remainder is

    .. math::
        \rho(x) = \tilde x^\top Q\,\tilde x - \sum_{i \le k} \lambda_i (v_i \cdot \tilde x)^2
        = \sum_{i > k} \lambda_i (v_i \cdot \tilde x)^2

    for every :math:`V`. For orthonormal columns, :math:`V^\top V = I`,

    .. math::
        \mu\,\|\tilde x\|^2 \mp \rho(x)
        = \sum_{i \le k} \mu\,(v_i \cdot \tilde x)^2
        + \sum_{i > k} (\mu \mp \lambda_i)(v_i \cdot \tilde x)^2, \qquad
        \|Q - Q_k\|_F^2 = \sum_{i > k} \lambda_i^2.

    For :math:`\mu = \max_{i > k} |\lambda_i|` no coefficient of a square on the right is negative,
    so :math:`|\rho(x)| \le \mu\,\|\tilde x\|^2`.

    Hypotheses: orthonormal columns are Cayley's :math:`V = (I - A)(I + A)^{-1}` with a generic
    antisymmetric :math:`A`. That is every :math:`V` up to the signs of its columns, which change no
    :math:`v_i v_i^\top`: the mean of :math:`\det(I + VS)` over all diagonal signs :math:`S` is 1,
    so some :math:`VS` has no eigenvalue :math:`-1`, and such a matrix is a Cayley transform.

    Source: classical (A. Cayley; C. Eckart, G. Young, *The approximation of one matrix by another
    of lower rank*, Psychometrika 1, 1936).

    Raises:
        AnalyticError: there is no input, or not at least one feature kept and one left out.

    Examples:
        >>> eigen_cut().holds
        True
    """
    check_sizes(inputs=inputs)
    kept = check_integer("kept", kept, 1, inputs)
    size = inputs + 1
    x, eigenvalues, bound = vector("x", size), vector("lambda", size), sympy.Symbol("mu")
    generic, orthonormal = matrix("v", size, size), _orthonormal_matrix(size)
    first, rest = eigenvalues[:kept], eigenvalues[kept:]
    none_kept, none_left = [0] * kept, [0] * len(rest)
    bounds = [bound] * size
    left_out = _with_eigenvalues(orthonormal, eigenvalues) - _with_eigenvalues(
        orthonormal, [*first, *none_left]
    )
    remainder = _squares(orthonormal, [*none_kept, *rest], x)
    return Derivation(
        "eigen_cut",
        "A cut of the eigen expansion leaves out the other features' squares, weighted; for "
        "orthonormal features their sum is at most the largest absolute eigenvalue left out times "
        "the input's squared norm, and the matrix left out has the sum of those eigenvalues' "
        f"squares as its squared norm ({inputs} inputs and the constant, {kept} eigenfeatures "
        "kept, all weights symbolic).",
        column(
            [
                form(_with_eigenvalues(generic, eigenvalues), x)
                - _squares(generic, [*first, *none_left], x)
            ],
            orthonormal.T * orthonormal,
            [bound * x.dot(x) - remainder, bound * x.dot(x) + remainder],
            [inner_product(left_out, left_out)],
        ),
        column(
            [_squares(generic, [*none_kept, *rest], x)],
            sympy.eye(size),
            [
                _squares(orthonormal, [*bounds[:kept], *(bound - sign * e for e in rest)], x)
                for sign in (1, -1)
            ],
            [sum(eigenvalue**2 for eigenvalue in rest)],
        ),
    )


def _with_eigenvalues(
    vectors: sympy.Matrix, weights: sympy.Matrix | list[sympy.Expr]
) -> sympy.Matrix:
    return vectors * sympy.diag(*weights) * vectors.T


def _squares(vectors: sympy.Matrix, weights: list[sympy.Expr], x: sympy.Matrix) -> sympy.Expr:
    """Return the weighted sum of the squares of the vectors' readings."""
    readings = vectors.T * x
    return sum(weight * reading**2 for weight, reading in zip(weights, readings, strict=True))


def _orthonormal_matrix(size: int) -> sympy.Matrix:
    """Return Cayley's transform of a generic antisymmetric matrix."""
    symbols = matrix("a", size, size)
    antisymmetric = sympy.Matrix(
        size, size, lambda i, j: int(i != j) * (symbols[i, j] if i < j else -symbols[j, i])
    )
    plus, minus = sympy.eye(size) + antisymmetric, sympy.eye(size) - antisymmetric
    numerators = (minus * plus.adjugate()).applyfunc(sympy.expand)
    return numerators / sympy.expand(plus.det())
