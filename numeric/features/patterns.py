r"""Which features matter most, and what they look like in pixels: from the weights alone.

The size of a layer's outputs is measured by the Gram matrix of their third-order tensors,

.. math::
    G' = D\,\tfrac12\big[(L G L^\top) \circ (R G R^\top)
    + (L G R^\top) \circ (R G L^\top)\big] D^\top,

with :math:`G` the Gram matrix of what the layer reads, the identity for pixels. The linear part
counts as neurons that read the constant on one side. This orders features for a reader; no claim
rests on it.

Source:
    M. T. Pearce et al., arXiv 2410.08417, for eigenvectors as pictures; the Gram matrix is the
    inner product of symmetric tensors, written out in the factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.features.decompositions import eigenfeatures, interaction_matrix
from numeric.features.kernels import products, span, with_linear_neurons
from numeric.networks.normal_form import Layer, SquareLayer, same_states

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pattern:
    """A feature as it looks to the inputs.

    Attributes:
        index: the feature's or the form's index in its layer.
        weight: the signed weight of its square in the output looked at, or 1 for a form.
        strength: how much of the output it carries, for ordering.
        direction: the reading of the inputs that carries most of it, shape (inputs,); the
            constant's part is left out.
        sign: whether that reading's square adds to (1) or takes from (-1) what the feature reads;
            1 for a feature that reads the inputs itself.
    """

    index: int
    weight: float
    strength: float
    direction: Doubles
    sign: int


class Patterns:
    """The strongest features of a network, as pictures.

    Args:
        layers: the network in the normal form.
        squares: its eigenfeatures, layer by layer. Where they have other hidden states than the
            network, as of one with an embedding or a head they may, they stand for it.
    """

    def __init__(self, layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> None:
        if not same_states(layers, squares):
            rounded = [square.readings + square.low for square in squares]
            layers = [
                Layer(readings, readings, square.mixing, square.linear)
                for readings, square in zip(rounded, squares, strict=True)
            ]
        self._layers = [with_linear_neurons(layer) for layer in layers]
        self._squares = squares
        self._metrics = [np.eye(layers[0].linear.shape[1])]
        for layer in self._layers:
            self._metrics.append(products(layer, layer, self._metrics[-1]))
        # A layer reads less than all its inputs: eigenvectors are looked for in what it reads.
        rows = ((y.left, y.right, y.linear, np.eye(1, y.linear.shape[1])) for y in layers)
        self._bases = [span(*parts) for parts in rows]
        self._reduced = [
            layer._replace(left=layer.left @ basis, right=layer.right @ basis)
            for layer, basis in zip(self._layers, self._bases, strict=True)
        ]

    @property
    def last(self) -> int:
        """The last layer that has features, from 1; 0 where none has: a head has none."""
        numbered = enumerate(self._squares, start=1)
        return max((number for number, square in numbered if len(square.readings)), default=0)

    def of_logit(self, label: int, count: int) -> tuple[list[Pattern], list[Pattern]]:
        """Return a logit's strongest positive and its strongest negative features."""
        if not self.last:
            return [], []
        row = np.eye(len(self._squares[-1].linear))[label + 1]
        for head in reversed(self._squares[self.last :]):
            row = row @ head.linear
        return self._of_output(self.last, row, count)

    def of_form(self, number: int, form: int, count: int) -> tuple[list[Pattern], list[Pattern]]:
        """Return a hidden form's strongest positive and its strongest negative features."""
        row = np.eye(len(self._squares[number - 1].linear))[form]
        return self._of_output(number, row, count)

    def strongest_forms(self, number: int, count: int) -> list[int]:
        """Return the forms of a hidden layer of which the layers above draw most.

        A form counts by its size and by the weights of all that reads it, up to the logits.
        """
        drawn = np.ones(len(self._squares[-1].linear))
        for layer in reversed(self._squares[number:]):
            weights = abs(layer.mixing).T @ drawn
            drawn = (layer.readings**2).T @ weights + (layer.linear**2).T @ drawn
        strengths = drawn * np.diag(self._metrics[number])
        strengths[0] = -1.0
        return [int(form) for form in np.argsort(-strengths, kind="stable")[:count]]

    def _of_output(
        self, number: int, row: Doubles, count: int
    ) -> tuple[list[Pattern], list[Pattern]]:
        """Return the strongest features of a weighted sum of a layer's outputs."""
        square, metric = self._squares[number - 1], self._metrics[number - 1]
        weights = row @ square.mixing
        used = np.flatnonzero(weights)
        readings = square.readings[used]
        strengths = abs(weights[used]) * ((readings @ metric) * readings).sum(axis=1)
        ordered = used[np.argsort(-strengths, kind="stable")]
        found = dict(zip(used.tolist(), strengths.tolist(), strict=True))
        chosen = ([int(k) for k in ordered if sign * weights[k] > 0][:count] for sign in (1, -1))
        positive, negative = (
            [self._pattern(number, k, float(weights[k]), found[k]) for k in side] for side in chosen
        )
        return positive, negative

    def _pattern(self, number: int, feature: int, weight: float, strength: float) -> Pattern:
        """Follow a feature down to the inputs, at each layer along its strongest eigenvector."""
        reading = self._squares[number - 1].readings[feature]
        sign = 0
        for below in reversed(range(number - 1)):
            basis, metric = self._bases[below], self._metrics[below]
            values, vectors = eigenfeatures(interaction_matrix(self._reduced[below], reading))
            vectors = basis @ vectors
            sizes = abs(values) * (vectors * (metric @ vectors)).sum(axis=0)
            if not sizes.size:
                reading = np.zeros(len(basis))
                continue
            strongest = int(sizes.argmax())
            # Further down the squares in between hide the sign.
            sign = sign or (1 if values[strongest] > 0 else -1)
            reading = vectors[:, strongest]
        direction = reading[1:]
        leading = direction[abs(direction).argmax()]
        facing = -1 if leading < 0 else 1
        return Pattern(feature, weight, strength, direction * facing, sign or 1)
