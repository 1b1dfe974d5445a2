r"""What nodes of a graph are as quadratic forms: their spectra, and the patterns they look for.

A form or a logit of layer :math:`\ell` is :math:`y^\top Q\,y` with :math:`y` what the layer reads,
and what a feature of a deeper layer reads is one in what the layer below reads. The eigenvectors of
:math:`Q` are patterns: in pixels where the layer reads them, and followed down along the strongest
eigenvector where not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numeric.features.decompositions import eigenfeatures, interaction_matrix
from numeric.features.kernels import span, with_linear_neurons
from numeric.graphs.pruning import as_layers
from numeric.networks.normal_form import SquareLayer

Doubles = npt.NDArray[np.float64]

_NOTHING = 1e-12
"""What a direction of length 1 has of the pixels, if it is that of the constant, is rounding."""


class Spectrum(NamedTuple):
    """A quadratic form in its eigenvectors.

    Attributes:
        eigenvalues: the largest in size first, zeros left out.
        patterns: by sign, 1 and -1, the pixels of the strongest eigenvector of that sign which has
            any, and not the constant alone, its largest entry positive, shape (inputs,); a sign
            that has none is left out.
    """

    eigenvalues: Doubles
    patterns: dict[int, Doubles]


class QuadraticForms:
    """The quadratic forms of a graph's layers.

    Args:
        squares: the layers, from the input upwards.

    Examples:
        >>> readings, mixing = np.array([[0.0, 3.0, 4.0]]), np.array([[0.0], [2.0]])
        >>> layer = SquareLayer(readings, 0 * readings, mixing, np.eye(2, 3))
        >>> found = QuadraticForms([layer._replace(linear=np.zeros((2, 3)))]).of(1, np.eye(2)[1])
        >>> [round(value, 9) for value in found.eigenvalues.tolist()], found.patterns[1].round(9)
        ([50.0], array([0.6, 0.8]))
    """

    def __init__(self, squares: Sequence[SquareLayer]) -> None:
        self._layers = [with_linear_neurons(layer) for layer in as_layers(squares)]
        # A layer reads less than all its inputs: eigenvectors are looked for in what it reads.
        self._bases = [span(layer.left, layer.right) for layer in self._layers]
        self._reduced = [
            layer._replace(left=layer.left @ basis, right=layer.right @ basis)
            for layer, basis in zip(self._layers, self._bases, strict=True)
        ]

    def of(self, number: int, weights: Doubles) -> Spectrum:
        """Return the spectrum of a weighted sum of a layer's outputs.

        Args:
            number: the layer, from 1.
            weights: shape (outputs + 1,), over the layer's outputs.
        """
        values, vectors = self._eigenfeatures(number, weights)
        patterns = {}
        for sign in (1, -1):
            for place in np.flatnonzero(sign * values > 0):
                pixels = self._followed(number - 1, vectors[:, place])
                if abs(pixels).max(initial=0) > _NOTHING:
                    patterns[sign] = pixels
                    break
        return Spectrum(values, patterns)

    def _eigenfeatures(self, number: int, weights: Doubles) -> tuple[Doubles, Doubles]:
        values, vectors = eigenfeatures(interaction_matrix(self._reduced[number - 1], weights))
        return values, self._bases[number - 1] @ vectors

    def _followed(self, number: int, reading: Doubles) -> Doubles:
        """Return the pixels of a reading of a layer's outputs; of layer 0, the input itself."""
        for below in range(number, 0, -1):
            _, vectors = self._eigenfeatures(below, reading)
            reading = vectors[:, 0] if vectors.size else np.zeros(len(vectors))
        pixels = reading[1:]
        return np.asarray(-pixels if pixels[abs(pixels).argmax()] < 0 else pixels)
