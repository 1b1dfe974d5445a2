"""Layers in the normal form, and what of them is computed in balls."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .balls import Array, Ball, exact, extended, joined
from .verdicts import need

CHUNK = 500


class Layer(NamedTuple):
    """A layer ``down [(left x) (right x)] + linear x`` of x = (1, inputs).

    What float64 readings lack of the true ones stands in ``low``, the same for both sides.
    """

    left: Array
    right: Array
    low: Array
    down: Array
    linear: Array

    @property
    def sides(self) -> tuple[Ball, Ball]:
        """The readings; what they lack is an error."""
        return Ball(self.left, abs(self.low)), Ball(self.right, abs(self.low))

    def used(self, neurons: Array) -> "Layer":
        """Return the layer without all other neurons."""
        left, right, low = (array[neurons] for array in (self.left, self.right, self.low))
        return Layer(left, right, low, self.down[:, neurons], self.linear)

    def form(self, weights: Ball) -> Ball:
        """Return the symmetric matrix F of a sum of outputs with weights in a row, that is xᵀFx.

        Half of Σ s d (l rᵀ + r lᵀ), with the linear part as a product with the constant.
        """
        layer = self.used(np.any(self.down[weights.most[0] > 0] != 0, axis=0))
        left, right = layer.sides
        half = left.turned @ ((weights @ exact(layer.down)).turned * right)
        half += exact(np.eye(self.linear.shape[1], 1)) @ (weights @ exact(self.linear))
        return (half + half.turned) * exact(0.5)


class Point(NamedTuple):
    """An image, or a point near it: its logits, and the slopes of all layers."""

    logits: Ball
    slopes: list[Ball]

    def gradients(self, signs: Ball) -> list[Ball]:
        """Return the derivatives of a weighted sum of the logits by all states, the image first."""
        found = [signs]
        for slope in reversed(self.slopes):
            found.insert(0, found[0] @ slope)
        return found


def margin(stack: Sequence[Layer], one: int, other: int) -> Ball:
    """Return the symmetric matrix of the margin of a class over another, if no degree is above 2.

    Of the layers at most one has neurons. Those above take the weights of its outputs, those below
    its inputs: with x = Ey it is yᵀ(EᵀFE)y.
    """
    places = [place for place, layer in enumerate(stack) if len(layer.left)]
    need(len(places) < 2, "the network has several layers of neurons")
    place, outputs = (places or [0])[0], np.arange(len(stack[-1].linear))
    weights = exact(((outputs == one + 1) * 1.0 - (outputs == other + 1))[None])
    for layer in reversed(stack[place + 1 :]):
        weights = weights @ exact(layer.linear)
    form = stack[place].form(weights)
    for layer in reversed(stack[:place]):
        form = exact(layer.linear).turned @ form @ exact(layer.linear)
        form = (form + form.turned) * exact(0.5)
    return form


def forward(stack: Sequence[Layer], state: Ball) -> list[Ball]:
    """Return all hidden states and the logits, each with its constant first."""
    states = [state]
    for layer in stack:
        left, right = layer.sides
        reading = states[-1] @ left.turned
        again = reading if layer.right is layer.left else states[-1] @ right.turned
        # In one sum, as any order is allowed in which products and linear part are added.
        weights = exact(np.concatenate([layer.down, layer.linear], axis=1).T)
        states.append(joined([reading * again, states[-1]], 1) @ weights)
    return states


def classes(stack: Sequence[Layer], images: Array) -> Array:
    """Return the class of the largest logit of each image; -1 where errors leave it open."""
    parts = np.array_split(images, 1 + len(images) // CHUNK)
    return np.concatenate([_decided(forward(stack, extended(part))[-1][:, 1:]) for part in parts])


def _decided(logits: Ball) -> Array:
    """Return which logit is the largest: its least value exceeds the most of all others."""
    found = logits.value.argmax(axis=1)[:, None]
    rivals = -(-logits).least
    np.put_along_axis(rivals, found, -np.inf, axis=1)
    clear = np.take_along_axis(logits.least, found, axis=1)[:, 0] > rivals.max(axis=1)
    return np.where(clear, found[:, 0], -1)
