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
from functools import cached_property

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
        matrix: :math:`Q`, finite and symmetric, shape (inputs, inputs).

    Examples:
        >>> PairMargin(1.0, np.zeros(2), np.diag([3.0, -1.0])).eigenvalues
        array([-1.,  3.])
    """

    constant: float
    linear: Doubles
    matrix: Doubles
    _negative: PairMargin | None = None

    @cached_property
    def _spectrum(self) -> tuple[Doubles, Doubles]:
        """The decomposition, made when it is first asked for: not all that is asked needs it."""
        if self._negative is not None:
            values, vectors = self._negative._spectrum  # noqa: SLF001 -- its own kind
            return -values[::-1], vectors[:, ::-1]
        values, vectors = np.linalg.eigh(self.matrix)
        return values, vectors

    @property
    def eigenvalues(self) -> Doubles:
        """Of :math:`Q`, ascending, shape (inputs,)."""
        return self._spectrum[0]

    @property
    def eigenvectors(self) -> Doubles:
        """Of :math:`Q`, orthonormal, in columns, shape (inputs, inputs)."""
        return self._spectrum[1]

    def doubts(self, chosen: npt.NDArray[np.bool_]) -> Doubles:
        """Return how far eigenvalues may lie from those of :math:`Q`, to first order in rounding.

        Args:
            chosen: of which eigenvalues, shape (inputs,).

        Returns:
            Shape (how many are chosen,).
        """
        values, vectors = self.eigenvalues[chosen], self.eigenvectors[:, chosen]
        # An eigenvalue lies within the norm of its residual, and that is at most a sum of sizes.
        noise = len(chosen) * np.finfo(np.float64).eps
        residuals = abs(self.matrix @ vectors - values * vectors)
        return np.asarray((residuals + noise * (abs(self.matrix) @ abs(vectors))).sum(axis=0))

    def reversed(self) -> PairMargin:
        """Return the margin of the rival over the class, which is decomposed with this one.

        Examples:
            >>> margin = PairMargin(1.0, np.ones(2), np.diag([3.0, -1.0]))
            >>> margin.reversed().eigenvalues, margin.reversed().value(np.ones((1, 2)))
            (array([-3.,  1.]), array([-5.]))
        """
        return PairMargin(-self.constant, -self.linear, -self.matrix, self)

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
    """The margins between all pairs of classes, each made when it is first asked for.

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
        (self.layer,) = folded(found)
        self.classes, self.inputs = (size - 1 for size in self.layer.linear.shape)
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
            self._margins[pair] = self._made(*pair)
        margin = self._margins[pair]
        return margin if predicted < rival else margin.reversed()

    def _made(self, first: int, second: int) -> PairMargin:
        weights = np.zeros(self.classes + 1)
        weights[first + 1], weights[second + 1] = 1, -1
        with np.errstate(over="ignore", invalid="ignore"):
            whole = interaction_matrix(self.layer, weights)
            whole[0] += weights @ self.layer.linear
            whole[0, 1:] += whole[1:, 0]
        # Sums of entries are taken on the way to eigenvalues: they need room as well.
        if not (abs(whole) < np.finfo(np.float64).max / (4 * len(whole) ** 2)).all():
            raise ProofError(
                f"expected the margin between classes {first} and {second} well within the range "
                f"of float64, got an entry of {abs(whole).max():.3g}"
            )
        return PairMargin(float(whole[0, 0]), whole[0, 1:].copy(), whole[1:, 1:].copy())
