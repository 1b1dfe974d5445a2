r"""The theorems that the rewrite rests on, each derived for generic symbolic weights.

A derivation writes the two sides of an identity in sympy, with a symbol for every weight and every
input, and expands their difference. Sizes are arguments: an identity is proved for all weights of
the given size, and the size of a proof is stated in it.

Source of the bilinear layer and of its eigen expansion:
    M. T. Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability*,
    arXiv 2410.08417. Polarisation and homogenisation are classical.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy


@dataclass(frozen=True)
class Derivation:
    """An identity between two vectors of polynomials, and its proof.

    Attributes:
        name: the theorem's name in :data:`THEOREMS`.
        statement: what is proved, in words.
        left: the left side, a column of expressions.
        right: the right side, a column of expressions.
    """

    name: str
    statement: str
    left: sympy.Matrix
    right: sympy.Matrix

    @property
    def holds(self) -> bool:
        """Whether both sides are the same polynomials in all symbols."""
        return self.left.shape == self.right.shape and bool(
            (self.left - self.right).applyfunc(sympy.expand).is_zero_matrix
        )


def homogenisation(inputs: int = 3, neurons: int = 2) -> Derivation:
    r"""Derive that biases are weights of a constant input.

    .. math::
        (W_1 x + b_1) \odot (W_2 x + b_2)
        = \big([b_1 \; W_1]\,\tilde x\big) \odot \big([b_2 \; W_2]\,\tilde x\big),
        \qquad \tilde x = (1, x).

    Hypotheses: none. Each neuron is one such product, so the sizes matter only to the proof.

    Examples:
        >>> homogenisation().holds
        True
    """
    x = _vector("x", inputs)
    first, second = _matrix("W_1", neurons, inputs), _matrix("W_2", neurons, inputs)
    bias_1, bias_2 = _vector("b_1", neurons), _vector("b_2", neurons)
    homogeneous = sympy.Matrix([1, *x])
    return Derivation(
        "homogenisation",
        f"A bias is a weight of the constant input 1 ({inputs} inputs, {neurons} neurons, all "
        "weights symbolic).",
        (first * x + bias_1).multiply_elementwise(second * x + bias_2),
        (bias_1.row_join(first) * homogeneous).multiply_elementwise(
            bias_2.row_join(second) * homogeneous
        ),
    )


def polarisation(inputs: int = 3) -> Derivation:
    r"""Derive that a product of two readings is a difference of two squares.

    .. math::
        (l \cdot \tilde x)(r \cdot \tilde x)
        = \Big(\tfrac{l + r}{2} \cdot \tilde x\Big)^2
        - \Big(\tfrac{l - r}{2} \cdot \tilde x\Big)^2.

    Hypotheses: none. Halving is exact in binary floating point, so the squares' weights are the
    network's own, bit for bit.

    Examples:
        >>> polarisation().holds
        True
    """
    x, left, right = (_vector(name, inputs + 1) for name in ("x", "l", "r"))
    half = sympy.Rational(1, 2)
    return Derivation(
        "polarisation",
        f"A neuron is a difference of two squares ({inputs} inputs and the constant, all weights "
        "symbolic).",
        sympy.Matrix([left.dot(x) * right.dot(x)]),
        sympy.Matrix([(half * (left + right)).dot(x) ** 2 - (half * (left - right)).dot(x) ** 2]),
    )


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

    Examples:
        >>> eigen_expansion().holds
        True
    """
    size = inputs + 1
    x = _vector("x", size)
    left, right = _matrix("l", neurons, size), _matrix("r", neurons, size)
    down, eigenvalues = _vector("d", neurons), _vector("lambda", size)
    vectors = _matrix("v", size, size)
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
                (x.T * vectors * sympy.diag(*eigenvalues) * vectors.T * x)[0],
            ]
        ),
        sympy.Matrix(
            [(x.T * interaction * x)[0], eigenvalues.dot(readings.multiply_elementwise(readings))]
        ),
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

    Examples:
        >>> composition().holds
        True
    """
    size = inputs + 1
    x = _vector("x", size)
    lower = [_matrix(f"B_{j}", size, size) for j in range(width)]
    upper = _matrix("C", width, width)
    hidden = sympy.Matrix([(x.T * form * x)[0] for form in lower])
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
        sympy.Matrix([(hidden.T * upper * hidden)[0]]),
        sympy.Matrix([fourth_order]),
    )


THEOREMS: dict[str, Callable[[], Derivation]] = {
    "homogenisation": homogenisation,
    "polarisation": polarisation,
    "eigen_expansion": eigen_expansion,
    "composition": composition,
}
"""Every theorem by name: the one list that tests, docs and certificates refer to."""


def _vector(name: str, size: int) -> sympy.Matrix:
    return sympy.Matrix(sympy.symbols(f"{name}_:{size}"))


def _matrix(name: str, rows: int, columns: int) -> sympy.Matrix:
    return sympy.Matrix(rows, columns, lambda i, j: sympy.Symbol(f"{name}_{i}_{j}"))
