r"""Forms that mix the neurons of one layer: multiplied and bounded without being written out.

With the readings :math:`l_k, r_k` of neurons and weights :math:`w` a form is

.. math::
    A = \sum_k \tfrac12 w_k\,(l_k r_k^\top + r_k l_k^\top) = P^\top P - N^\top N, \qquad
    P_k, N_k = \tfrac12 \sqrt{|w_k|}\,(l_k \pm \operatorname{sgn}(w_k)\,r_k).

So :math:`\beta + A` is positive if and only if the Schur complement

.. math::
    \beta - N N^\top + N P^\top (\beta + P P^\top)^{-1} P N^\top

is, and that needs the Gram matrices of the readings alone: two Cholesky decompositions as large as
there are neurons, however many inputs there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

Doubles = npt.NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)


class Forms:
    """Forms over the inputs of a layer, each given by a weight for every neuron.

    Args:
        left: what neurons read, without the constant, shape (neurons, inputs).
        right: their other readings, of the same shape.

    Attributes:
        inputs: how many there are.

    Examples:
        >>> forms = Forms(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]))
        >>> forms.times(np.array([[-2.0]]), np.array([[3.0, 4.0]]))
        array([[-6.,  0.]])
        >>> found = forms.factored(np.array([-2.0]))
        >>> found.at_least(1.9), found.at_least(2.1), found.reversed().at_least(0.1)
        (False, True, True)
    """

    def __init__(self, left: Doubles, right: Doubles) -> None:
        self.inputs = left.shape[1]
        self._readings = np.concatenate([left, right])
        self._left, self._crossed = left @ left.T, left @ right.T
        self._right = right @ right.T
        self._noise = 16 * sum(self._readings.shape) * _EPSILON

    def times(self, weights: Doubles, vectors: Doubles) -> Doubles:
        """Multiply each vector by a form of its own.

        Args:
            weights: shape (vectors, neurons).
            vectors: shape (vectors, inputs).

        Returns:
            Of the shape of the vectors.
        """
        return self.slopes(weights / 2, vectors @ self._readings.T)

    def slopes(self, weights: Doubles, read: Doubles) -> Doubles:
        r"""Return the slopes :math:`\sum_k w_k\,(a_k r_k + b_k l_k)` of weighted neurons.

        Args:
            weights: shape (vectors, neurons).
            read: what left and right read, :math:`(a, b)`, shape (vectors, 2 neurons).

        Returns:
            Shape (vectors, inputs).
        """
        left, right = np.split(read, 2, axis=1)
        return np.asarray(np.hstack([weights * right, weights * left]) @ self._readings)

    def norms(self, weights: Doubles) -> Doubles:
        """Bound the roots of the sums of squares of forms, rounding included.

        Args:
            weights: shape (forms, neurons).

        Returns:
            Shape (forms,).
        """
        products = self._left * self._right + self._crossed * self._crossed.T
        squares = np.einsum("fi,fi->f", weights @ products, weights) / 2
        rounding = self._noise * self.sizes(weights) ** 2
        return np.asarray(np.sqrt(np.maximum(squares, 0) + rounding))

    def sizes(self, weights: Doubles) -> Doubles:
        """Return the sums of the norms of each neuron's own form.

        Args:
            weights: shape (..., neurons).

        Returns:
            Shape (...).
        """
        lengths = np.sqrt(self._left.diagonal()) * np.sqrt(self._right.diagonal())
        return np.asarray(abs(weights) @ lengths)

    def factored(self, weights: Doubles) -> Factored:
        """Return what bounds of the eigenvalues of a form are proved by.

        Args:
            weights: shape (neurons,).
        """
        root = np.sqrt(abs(weights)) / 2
        turned = np.copysign(root, weights)
        left, right = (root[:, None] * root) * self._left, (turned[:, None] * turned) * self._right
        crossed = (root[:, None] * turned) * self._crossed
        even, odd = left + right, crossed + crossed.T
        between = left - right + crossed.T - crossed
        return Factored(even + odd, even - odd, between, self._noise)


@dataclass(frozen=True, eq=False)
class Factored:
    r"""A form in two parts, :math:`P^\top P - N^\top N`.

    Attributes:
        positive: :math:`P P^\top`, shape (neurons, neurons).
        negative: :math:`N N^\top`, of the same shape.
        between: :math:`P N^\top`, of the same shape.
        noise: what rounding makes of them, beside their traces.
    """

    positive: Doubles
    negative: Doubles
    between: Doubles
    noise: float

    def at_least(self, bound: float) -> bool:
        r"""Return whether the form is proved to have no eigenvalue below minus a bound.

        Args:
            bound: :math:`\beta`.
        """
        size = float(self.positive.trace() + self.negative.trace())
        # What rounding may take, by how large the inverse is beside what is inverted.
        room = self.noise * size * (1 + size / bound) if bound > 0 else np.inf
        if not (room < bound / 2 and self.positive.size):
            return bool(bound > 0 and not self.positive.size)
        factor, failed = linalg.lapack.dpotrf(_raised(self.positive, bound - room), lower=True)
        if failed:
            return False
        inner = linalg.blas.dtrsm(1.0, factor, self.between, lower=True)
        rest = _raised(-self.negative, bound - room)
        rest = linalg.blas.dsyrk(1.0, inner, 1.0, rest, trans=True, lower=True, overwrite_c=True)
        return not linalg.lapack.dpotrf(rest, lower=True, clean=False, overwrite_a=True)[1]

    def reversed(self) -> Factored:
        """Return the same of the form with the other sign."""
        return Factored(self.negative, self.positive, self.between.T, self.noise)


def _raised(matrix: Doubles, shift: float) -> Doubles:
    """Return a symmetric matrix with a shift of its diagonal, in columns as LAPACK reads it."""
    raised, places = matrix.T.copy(order="F"), np.arange(len(matrix))
    raised[places, places] += shift
    return raised
