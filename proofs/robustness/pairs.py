r"""The margins between two classes of a network of degree two: quadratics in the pixels.

With :math:`Q` the interaction matrix of the difference of two logits, split along
:math:`\tilde x = (1, x)`, the margin of the predicted class :math:`c` over a rival :math:`j` is

.. math::
    m(x) = y_c - y_j = k + l \cdot x + x^\top Q\,x, \qquad Q = V \Lambda V^\top.

The margin of the rival over the class is its negative, so one eigendecomposition serves both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.features.decompositions import interaction_matrix
from numeric.networks.normal_form import Floats, Layer, checked_layers, degree_two, folded
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairMargin:
    r"""How far the logit of one class lies above that of another, as a function of the pixels.

    Attributes:
        constant: :math:`k`.
        linear: :math:`l`, shape (inputs,).
        matrix: :math:`Q`, symmetric, shape (inputs, inputs).
        eigenvalues: of :math:`Q`, ascending, shape (inputs,).
        eigenvectors: of :math:`Q`, orthonormal, in columns, shape (inputs, inputs).
        doubts: how far each eigenvalue may lie from one of :math:`Q`, to first order in rounding,
            shape (inputs,).
    """

    constant: float
    linear: Doubles
    matrix: Doubles
    eigenvalues: Doubles
    eigenvectors: Doubles
    doubts: Doubles

    @classmethod
    def of(cls, constant: float, linear: Doubles, matrix: Doubles) -> PairMargin:
        """Decompose a quadratic.

        Args:
            constant: finite.
            linear: finite, shape (inputs,).
            matrix: finite and symmetric, shape (inputs, inputs).

        Examples:
            >>> PairMargin.of(1.0, np.zeros(2), np.diag([3.0, -1.0])).eigenvalues
            array([-1.,  3.])
        """
        values, vectors = np.linalg.eigh(matrix)
        # An eigenvalue lies within the norm of its residual, and that is at most a sum of sizes.
        noise = len(values) * np.finfo(np.float64).eps
        residuals = abs(matrix @ vectors - values * vectors)
        doubts = (residuals + noise * (abs(matrix) @ abs(vectors))).sum(axis=0)
        return cls(constant, linear, matrix, values, vectors, doubts)

    def reversed(self) -> PairMargin:
        """Return the margin of the rival over the class.

        Examples:
            >>> margin = PairMargin.of(1.0, np.ones(2), np.diag([3.0, -1.0]))
            >>> margin.reversed().eigenvalues, margin.reversed().value(np.ones((1, 2)))
            (array([-3.,  1.]), array([-5.]))
        """
        return PairMargin(
            -self.constant,
            -self.linear,
            -self.matrix,
            -self.eigenvalues[::-1],
            self.eigenvectors[:, ::-1],
            self.doubts[::-1],
        )

    def value(self, images: Floats) -> Doubles:
        """Return the margin at each image.

        Args:
            images: shape (images, inputs).

        Returns:
            Shape (images,).

        Raises:
            ProofError: a margin leaves the range of float64.
        """
        points = images.astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            terms = points * (self.linear + points @ self.matrix)
            values = self.constant + terms.sum(axis=1)
        check_range(values)
        return np.asarray(values)

    def gradient(self, images: Floats) -> Doubles:
        """Return the gradient of the margin at each image.

        Args:
            images: shape (images, inputs).

        Returns:
            Of the shape of the images.

        Raises:
            ProofError: a gradient leaves the range of float64.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            slopes = self.linear + 2 * (images.astype(np.float64) @ self.matrix)
        check_range(slopes)
        return np.asarray(slopes)


def check_range(values: Doubles) -> None:
    """Refuse margins or gradients that are not finite.

    Raises:
        ProofError: one is not.
    """
    if not np.isfinite(values).all():
        raise ProofError(
            "expected images at which margins stay within the range of float64, got larger margins"
        )


class PairMargins:
    """The margins between all pairs of classes, each decomposed when it is first asked for.

    Args:
        layers: of a network of degree two: at most one of them has neurons. Embedding and head are
            multiplied in, which rounds: who proves something of margins takes them as they are.

    Raises:
        ProofError: several layers have neurons, or there is only one class.
        NumericError: an array has another shape or dtype, or an entry that is not finite; or what
            is multiplied in leaves the range of float64.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> margins = PairMargins(BilinearNetwork(4, 3, depth=1, hidden=5).layers())
        >>> margins.classes, margins.inputs, margins.between(0, 2).matrix.shape
        (3, 4, (4, 4))
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        found = checked_layers(layers)
        if not degree_two(found):
            raise ProofError(
                f"expected layers of which at most one has neurons, got "
                f"{sum(len(layer.left) > 0 for layer in found)} that have some"
            )
        (self._layer,) = folded(found)
        self.classes, self.inputs = (size - 1 for size in self._layer.linear.shape)
        if self.classes < 2:
            raise ProofError(f"expected layers with at least 2 classes, got {self.classes}")
        self._margins: dict[tuple[int, int], PairMargin] = {}

    def between(self, predicted: int, rival: int) -> PairMargin:
        """Return the margin of one class over another.

        Args:
            predicted: the class whose logit counts positive, from 0.
            rival: another class.

        Raises:
            ProofError: the classes are equal or out of range, or their margin leaves the range of
                float64.
        """
        for name, value in (("predicted", predicted), ("rival", rival)):
            if not 0 <= value < self.classes:
                raise ProofError(
                    f"expected {name} to be a class from 0 to {self.classes - 1}, got {value}"
                )
        if predicted == rival:
            raise ProofError(f"expected rival to be another class than predicted, got {rival}")
        pair = min(predicted, rival), max(predicted, rival)
        if pair not in self._margins:
            self._margins[pair] = self._decomposed(*pair)
        margin = self._margins[pair]
        return margin if predicted < rival else margin.reversed()

    def _decomposed(self, first: int, second: int) -> PairMargin:
        weights = np.zeros(self.classes + 1)
        weights[first + 1], weights[second + 1] = 1, -1
        with np.errstate(over="ignore", invalid="ignore"):
            whole = interaction_matrix(self._layer, weights)
            whole[0] += weights @ self._layer.linear
            whole[0, 1:] += whole[1:, 0]
        # Sums of entries are taken on the way to eigenvalues: they need room as well.
        if not (abs(whole) < np.finfo(np.float64).max / (4 * len(whole) ** 2)).all():
            raise ProofError(
                f"expected the margin between classes {first} and {second} well within the range "
                f"of float64, got an entry of {abs(whole).max():.3g}"
            )
        return PairMargin.of(float(whole[0, 0]), whole[0, 1:].copy(), whole[1:, 1:].copy())
