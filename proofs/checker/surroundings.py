"""A stack near images: margins as quadratics of a move and of what layers bend.

A move of an image has coordinates in a basis, and lies beside it. The first hidden state is moved
by both, and each by what its layer bends: a root times coordinates. Of all these coordinates a
margin is a quadratic; multipliers make it positive wherever the coordinates may be.
"""

import numpy as np

from .balls import UP, Array, Ball, exact, extended, joined, positive, spectral
from .layers import Layer, forward
from .verdicts import need


def mixed(weights: Ball, forms: Ball) -> Ball:
    """Return weighted sums of matrices."""
    count, *shape = forms.value.shape
    return (weights @ forms.shaped(count, -1)).shaped(-1, *shape)


def between(forms: Ball, middle: Ball) -> Ball:
    """Return the sum of all N M N of symmetric matrices N and a matrix M."""
    size = len(middle.value)
    return (forms @ middle).turned.shaped(-1, size).turned @ forms.shaped(-1, size)


class Surroundings:
    """What does not depend on the image."""

    def __init__(self, stack: list[Layer], basis: Array, roots: list[Array]) -> None:
        (pixels, size), count = basis.shape, len(stack[0].linear) - 1
        self.stack, self.roots = stack, [exact(root) for root in roots]
        self.basis = np.concatenate([basis, np.zeros((pixels, count))], axis=1)
        self.beside = np.eye(count, size + count, size)
        self.skew = float(spectral(exact(basis.T) @ exact(basis) + exact(-np.eye(size))))
        need(self.skew < 1, "the basis of the pixels is none")
        bases = [self.basis, *(np.eye(len(root)) for root in roots)]
        self.bends = [layer.bends(inner) for layer, inner in zip(stack, bases, strict=True)]
        self.turned, self.losses = [], []
        for root, bends in zip(self.roots, self.bends, strict=False):
            inverse = exact(np.linalg.inv(root.value))
            loss = spectral(inverse @ root + exact(-np.eye(len(root.value))))
            need(loss < 0.5, "the basis of a hidden state is none")
            self.turned.append(mixed(inverse, bends))
            self.losses.append(UP / (1 - float(loss)) ** 2)
        self.spread = [between(each, exact(np.eye(size + count))) for each in self.turned[:1]]
        # What the first layer makes of a move beside the basis together with any other.
        left, right = (side[:, 1:] for side in stack[0].sides)
        ones, others = joined([left, right], 0), joined([right, left], 0)
        others += -(others @ exact(basis) @ exact(basis.T))
        down = exact(np.tile(stack[0].down[1:], 2))
        gram = down @ ((ones @ ones.turned) * (others @ others.turned)) @ down.turned
        self.crossed = float(UP * np.sqrt(spectral(gram)) / 2)

    def kept(self, image: Array, label: int, radius: float, factors: Array) -> bool:
        """Return whether multipliers prove that an image keeps its class within a radius."""
        states = forward(self.stack, extended(image[None]))
        slopes = [layer.slope(state) for layer, state in zip(self.stack, states, strict=False)]
        straight, square = slopes[0] @ exact(self.basis), UP * radius * radius / (1 - self.skew)
        missing = float(spectral(slopes[0] + -(straight @ exact(self.basis.T))))
        slopes[0] = straight + exact(UP * (missing + 2 * radius * self.crossed) * self.beside)
        sizes = [1, self.basis.shape[1], *(len(root.value) for root in self.roots)]
        unit, inner, *places = np.split(np.eye(sum(sizes)), np.cumsum(sizes)[:-1])
        # Moves of the states, as maps; what the square of each is below, and that of its bend.
        moves, product, spreads = [exact(inner)], exact(square * np.eye(sizes[1])), []
        for level, root in enumerate(self.roots):
            spread = self.spread[0] * exact(square)
            if level:
                spread = between(self.turned[level], product)
            bend = UP * float(spectral(spread @ product)) * self.losses[level]
            spreads.append(spread * exact(self.losses[level]))
            moves.append(slopes[level] @ moves[-1] + root @ exact(places[level]))
            bent = root @ root.turned * exact(bend)
            product = slopes[level] @ product @ slopes[level].turned
            ratio = np.trace(bent.value) / max(np.trace(product.value), 2.0**-500)
            share = min(max(float(np.sqrt(ratio)), 1e-3), 1e3)
            product = product * exact(UP * (1 + share)) + bent * exact(UP * (1 + 1 / share))
        signs = np.eye(len(factors))[label] - np.eye(len(factors))
        signs, factors = (np.delete(rows, label, axis=0) for rows in (signs, factors))
        diagonals = [-UP * square * factors[:, :1], np.repeat(factors, sizes[1:], axis=1)]
        total = exact(np.concatenate(diagonals, axis=1)[:, :, None] * np.eye(sum(sizes)))
        gradients = exact(signs)
        row = gradients @ states[-1][:, 1:].turned @ exact(unit)
        for level in reversed(range(len(slopes))):
            forms = mixed(gradients, self.bends[level])
            if level < len(spreads):
                forms += -(exact(factors[:, level + 1, None, None]) * spreads[level])
            if level:
                total += moves[level].turned @ forms @ moves[level]
            else:
                room = ((0, 0), *[(1, sum(sizes[2:]))] * 2)
                total += Ball(np.pad(forms.value, room), np.pad(forms.error, room))
            gradients = gradients @ slopes[level]
        half = exact(unit.T) @ ((row + gradients @ moves[0]) * exact(0.5))[:, None]
        return positive(total + (half + half.turned))
