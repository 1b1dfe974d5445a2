r"""A stack of layers around images: what its hidden states do when an image moves a little.

With :math:`N^l_o` the symmetric matrix of the bilinear part of an output of layer :math:`l`, the
constant left out, and :math:`J_l` the layer's derivative at the image, the moves :math:`\delta_l`
of the hidden states follow exactly

.. math::
    \delta_0 = v, \qquad \delta_l = J_l\,\delta_{l-1} + q_l, \qquad
    q_{l,o} = \delta_{l-1}^\top N^l_o\,\delta_{l-1}.

An image has many pixels, and the first layer reads few directions of them: only those that its rows
span, and of a move of the image only its coordinates in a basis of that span are followed. It is no
shorter than they are.

No form of the first layer is written out but in weighted sums. With the neurons once in either
order, :math:`a` above :math:`b` and :math:`b` above :math:`a`, and :math:`d_k` the weights of an
output twice over, :math:`N_k = \tfrac12 \sum_s d_{ks}\,a_s b_s^\top` is symmetric, so that

.. math::
    \sum_{k,l} P_{kl}\,N_k N_l
    = \tfrac14 \sum_{s,t} (d^\top P\,d)_{st}\,(b_s \cdot b_t)\;a_s a_t^\top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from numeric import Layer
from numeric.networks.normal_form import Floats, checked_layers
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_BATCH = 100
"""How many images' derivatives are held at once."""


@dataclass(frozen=True, eq=False)
class Stack:
    r"""A stack of layers, the first one in a basis of what it reads.

    Attributes:
        layers: in the normal form, in float64.
        basis: orthonormal columns that span what the first layer reads, shape (inputs,
            coordinates).
        ones: readings of the first layer in the basis, left above right, shape (2 neurons,
            coordinates).
        others: the same, right above left.
        down: what the first layer's outputs take of them, shape (outputs, 2 neurons).
        forms: the matrices :math:`N^l_o` of the layers above the first, each of shape
            (outputs, inputs, inputs).
    """

    layers: list[Layer]
    basis: Doubles
    ones: Doubles
    others: Doubles
    down: Doubles
    forms: list[Doubles]

    @classmethod
    @np.errstate(over="ignore", invalid="ignore")
    def of(cls, layers: Sequence[Layer]) -> Stack:
        """Write the first of some layers in a basis.

        Args:
            layers: in the normal form, every hidden state with the constant first.

        Raises:
            ProofError: a hidden state has no constant.
            NumericError: a layer is none.

        Examples:
            >>> from numeric import BilinearNetwork
            >>> stack = Stack.of(BilinearNetwork(9, 2, depth=2, width=3, hidden=2).layers())
            >>> stack.basis.shape
            (9, 4)
        """
        stack = with_constants(layers)
        first = stack[0]
        left, right, linear = (rows[:, 1:] for rows in (first.left, first.right, first.linear[1:]))
        basis = _basis(np.concatenate([left, right, linear]))
        ones, others = np.concatenate([left, right]), np.concatenate([right, left])
        down = np.asarray(np.tile(first.down[1:], 2), dtype=np.float64)
        forms = [_forms(layer) for layer in stack[1:]]
        return cls(stack, basis, ones @ basis, others @ basis, down, forms)

    @cached_property
    def overlaps(self) -> Doubles:
        """The inner products of ``others``."""
        return np.asarray(self.others @ self.others.T)

    @cached_property
    def gram(self) -> Doubles:
        """The inner products of the forms of the first layer, shape (outputs, outputs)."""
        products = (self.ones @ self.ones.T) * self.overlaps
        return np.asarray(self.down @ products @ self.down.T / 4)

    @cached_property
    def sizes(self) -> list[float]:
        """How much each layer bends a move of length 1, at most: roots of sums of squares."""
        first = float(np.sqrt(np.trace(self.gram)))
        return [first, *(float(np.linalg.norm(forms)) for forms in self.forms)]

    def sloping(self, point: Doubles, weights: Doubles) -> tuple[float, Doubles]:
        """Return a weighted sum of the logits at a point, and its slope there in coordinates.

        Args:
            point: shape (inputs,).
            weights: shape (classes,).
        """
        states, sides = [np.concatenate([[1.0], point])], []
        for left, right, down, linear in self.layers:
            sides.append((left @ states[-1], right @ states[-1]))
            states.append(down @ (sides[-1][0] * sides[-1][1]) + linear @ states[-1])
        slope = np.concatenate([[0.0], weights])
        value = float(slope @ states[-1])
        for (left, right, down, linear), (lefts, rights) in zip(
            self.layers[::-1], sides[::-1], strict=True
        ):
            drawn = slope @ down
            slope = (drawn * rights) @ left + (drawn * lefts) @ right + slope @ linear
        return value, np.asarray(slope[1:] @ self.basis)

    def form(self, weights: Doubles) -> Doubles:
        """Return a weighted sum of the first layer's forms.

        Args:
            weights: of the outputs, shape (outputs,).
        """
        half = self.ones.T @ ((weights @ self.down)[:, None] * self.others) / 2
        return np.asarray((half + half.T) / 2)

    def forms_within(self, weights: Doubles, basis: Doubles) -> Doubles:
        """Return weighted sums of the first layer's forms on a part of the coordinates.

        Args:
            weights: shape (sums, outputs).
            basis: shape (coordinates, directions).

        Returns:
            Shape (sums, directions, directions).
        """
        ones, others = self.ones @ basis, self.others @ basis
        half = ones.T @ ((weights @ self.down)[:, :, None] * others) / 2
        return np.asarray((half + half.swapaxes(1, 2)) / 2)

    def squares(self, weights: Doubles) -> Doubles:
        """Return the weighted sum of all products of two of the first layer's forms.

        Args:
            weights: symmetric, shape (outputs, outputs).
        """
        return np.asarray(self.ones.T @ (self.products(weights) @ self.ones))

    def products(self, weights: Doubles) -> Doubles:
        """Return the same as a form of the readings ``ones``, shape (2 neurons, 2 neurons)."""
        return np.asarray((self.down.T @ weights @ self.down) * self.overlaps / 4)


@dataclass(frozen=True, eq=False)
class Surroundings:
    r"""A stack at an image: what depends neither on the rival class nor on the radius.

    Attributes:
        stack: with the weights.
        point: the image, shape (inputs,).
        logits: shape (classes,).
        jacobians: :math:`J_l` of all layers, that of the first one in coordinates.
    """

    stack: Stack
    point: Doubles
    logits: Doubles
    jacobians: list[Doubles]

    def moved(self, move: Doubles) -> Surroundings:
        """Return the stack at another point.

        Args:
            move: to it, in coordinates.
        """
        return next(surroundings(self.stack, (self.point + self.stack.basis @ move)[None]))

    def gradients(self, margin: Doubles) -> list[Doubles]:
        """Return the derivatives of a weighted sum of the logits by all states, the input first.

        Args:
            margin: the weights, shape (classes,), or several of them, shape (sums, classes).
        """
        found = [margin]
        for jacobian in reversed(self.jacobians):
            found.append(found[-1] @ jacobian)
        return found[::-1]


def surroundings(stack: Stack, images: Floats) -> Iterator[Surroundings]:
    """Yield the stack at each image.

    Args:
        stack: of layers.
        images: shape (images, inputs).
    """
    for start in range(0, len(images), _BATCH):
        points = images[start : start + _BATCH].astype(np.float64)
        state = np.concatenate([np.ones((len(points), 1)), points], axis=1)
        slopes = []
        for number, (left, right, down, linear) in enumerate(stack.layers):
            lefts, rights = state @ left.T, state @ right.T
            sides = (side[:, 1:] for side in (right, left, linear[1:]))
            if not number:
                sides = (side @ stack.basis for side in sides)
            rights_read, lefts_read, straight = sides
            slope = (down[1:] * lefts[:, None]) @ rights_read + straight
            slopes.append(slope + (down[1:] * rights[:, None]) @ lefts_read)
            state = (lefts * rights) @ down.T + state @ linear.T
        for place, logits in enumerate(state[:, 1:]):
            found = [slope[place] for slope in slopes]
            yield Surroundings(stack, points[place], logits, found)


def with_constants(layers: Sequence[Layer]) -> list[Layer]:
    """Return the layers in float64, if every hidden state has the constant as component 0.

    Raises:
        ProofError: one has not.
        NumericError: a layer is none.
    """
    stack = checked_layers(layers)
    for number, layer in enumerate(stack[:-1], start=1):
        constant = np.eye(1, layer.linear.shape[1])[0]
        if layer.down[0].any() or not np.array_equal(layer.linear[0], constant):
            raise ProofError(
                f"expected component 0 of layer {number} to be the constant, handed on by the "
                "linear part alone"
            )
    return [Layer(*(array.astype(np.float64) for array in layer)) for layer in stack]


def eigenvalues(matrix: Doubles) -> tuple[Doubles, Doubles]:
    """Return eigenvalues and eigenvectors; of zeros where numbers left the range of float64."""
    finite = bool(np.isfinite(matrix).all())
    values, vectors = np.linalg.eigh(matrix if finite else np.zeros_like(matrix))
    return values, vectors


def _basis(rows: Doubles) -> Doubles:
    """Return orthonormal columns that span rows: all directions where the rows are as many."""
    rows = rows[rows.any(axis=1)]
    inputs = rows.shape[1]
    if len(rows) >= inputs or not len(rows):
        return np.eye(inputs)
    # In units of their largest entries no square of a row leaves the range of floats.
    return np.asarray(np.linalg.qr((rows / abs(rows).max(axis=1, keepdims=True)).T)[0])


def _forms(layer: Layer) -> Doubles:
    """Return the symmetric matrices of the outputs' bilinear parts."""
    forms = layer.left[:, 1:].T @ (layer.down[1:, :, None] * layer.right[:, 1:])
    return np.asarray((forms + forms.swapaxes(1, 2)) / 2)
