"""A stack near images: margins as quadratics of a move and of what layers bend.

A move of an image has coordinates in what the first layer reads of it. Each hidden state is moved
by a slope times the move below, and by what the layer bends: of all these a margin is a quadratic.
Multipliers hold bends to what they are, and make it positive wherever the moves may be.
"""

from typing import Any, NamedTuple

import numpy as np

from .balls import UP, Array, Ball, exact, extended, joined, positive, product, spectral
from .coordinates import coordinates, inverse, readings
from .layers import Layer, forward
from .slabs import Near, Slab, Slabs, around_cube, ball, descent, inside, slabs
from .verdicts import need


class Rows(NamedTuple):
    """Directions of a hidden state, as rows, for all pairs of classes.

    The multipliers of bends along the last ones are ``held``, for all images.
    """

    rows: Array
    held: Array

    @property
    def kept(self) -> int:
        """How many directions come before those."""
        return int(self.rows.shape[1] - self.held.shape[1])


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


def signed(multipliers: Array, hidden: list[Rows]) -> Array:
    """Return the multipliers that must not be negative: all but those of what bends are."""
    free = [np.repeat([True, False], each.kept) for each in hidden]
    return np.asarray(multipliers[..., ~np.concatenate([[False, False], *free])])


def around(matrix: Ball, outer: Ball) -> Ball:
    """Return A T Aᵀ, of a T that may be a diagonal matrix, as a row."""
    diagonal = outer.value.ndim < 2
    return product(matrix * outer if diagonal else product(matrix, outer), matrix.turned)


class Surroundings:
    """What does not depend on the image.

    Moves are those within a radius, or all whose numbers are no larger than one: those of a cube.
    """

    def __init__(
        self, stack: list[Layer], hidden: list[Rows], bends: Array, *, cubes: bool = False
    ) -> None:
        self.stack, self.hidden, self.bound, self.cubes = stack, hidden, bends, cubes
        self.skew, first = (0.0, readings(stack[0])) if cubes else coordinates(stack[0])
        self.readings = [first, *map(readings, stack[1:])]
        self.roots: dict[int, list[Ball]] = {}
        self.plain: Ball | None = None

    def overlaps(self, level: int, outer: Ball) -> Ball:
        """Return b_sᵀ T b_t for all that the neurons of a layer read, in the order of others."""
        left, right, _ = self.readings[level]
        others = joined([right, left], 0)
        if outer.value.ndim > 1 or outer.error.any() or np.ptp(outer.value) > 0:
            return around(others, outer)
        # T is a number times the identity: of the first layer, and of balls in place of cubes.
        if self.plain is None:
            self.plain = product(others, others.turned)
        return self.plain * outer[:1]

    def bent(self, level: int, weights: Ball, held: Ball, overlaps: Ball) -> Ball:
        """Return Σ w_k N_k - Σ P_jk N_j T N_k of the forms by which a layer bends what it gives.

        These are N_k = ½ Σ d_ks a_s b_sᵀ, with the neurons s once in either order: it is
        Σ M_st a_s a_tᵀ with -¼ (dᵀPd)_st (b_sᵀ T b_t) in M, and ½ (wᵀd)_s where t is the neuron s
        in the other order.
        """
        left, right, _ = self.readings[level]
        down, ones = exact(self.stack[level].down[1:]), joined([left, right], 0)
        inner = down.turned @ (held * exact(-0.25)) @ down
        middle = joined([joined([inner] * 2, 0)] * 2, 1) * overlaps
        straight, once = (weights @ down)[0] * exact(0.5), np.arange(len(inner.value))
        for place in ((once, once + len(once)), (once + len(once), once)):
            _add(middle, place, straight)
        # Norms alone would be ten times as wide here.
        return product(ones.turned, middle @ ones)

    def spread(self, level: int, rows: Ball, outer: Ball) -> Ball:
        """Return -Σ P_jk N_j T N_k, for the weights P = WᵀW of rows W."""
        none = exact(np.zeros((1, rows.value.shape[1])))
        return self.bent(level, none, rows.turned @ rows, self.overlaps(level, outer))

    def root(self, pair: int) -> list[Ball]:
        """Return the inverses of the rows of all states but the last; prove the bound of bends."""
        if pair not in self.roots:
            found = [inverse(each.rows[pair]) for each in self.hidden[:-1]]
            if found:
                left = self.spread(0, exact(self.hidden[0].rows[pair]), exact(np.ones(1)))
                _add(left, np.diag_indices(len(left.value)), exact(self.bound[pair]))
                need(positive(left[None]), "bends may be larger than is said")
            self.roots[pair] = found
        return self.roots[pair]

    def outer(self, pair: int, slopes: list[Ball], near: Near) -> list[Ball]:
        """Return what the squares of moves are below: of the image, and of states but the last."""
        found = [near.outer]
        for level, root in enumerate(self.root(pair)):
            rows = exact(self.hidden[level].rows[pair])
            if level:
                allowed = self.spread(level, rows, found[-1])
                bent = UP * float(spectral(allowed @ found[-1]))
            else:
                # The last term is more than what underflows.
                bent = UP * near.square * near.square * float(self.bound[pair]) + 2.0**-1000
            moved = around(slopes[level], found[-1])
            size = float(np.trace((rows @ moved @ rows.turned).value))
            ratio = np.sqrt(bent * len(rows.value) / max(size, 2.0**-500))
            share = min(max(float(ratio) / 2, 1e-3), 1e3)
            beside = root @ root.turned * exact(UP * (1 + 1 / share) * bent)
            found.append(moved * exact(UP * (1 + share)) + beside)
        return found

    def kept(self, image: Array, label: int, radius: float, ends: Array, factors: Array) -> bool:
        """Return whether multipliers prove that an image keeps its class within a radius."""
        at, one = self.point(image, None), np.eye(len(factors))
        for other in set(range(len(factors))) - {label}:
            lower, upper = sorted((label, other))
            pair, signs = upper * (upper - 1) // 2 + lower, exact((one[label] - one[other])[None])
            slope = at.gradients(signs)[0]
            square = UP * radius * radius / (1 - self.skew)
            near = around_cube(square, slope) if self.cubes else ball(square, slope)
            parts = self.slabs(image, signs, near, slope.value[0], ends[other])
            for slab, given in zip(parts, factors[other], strict=True):
                if slab is None:
                    continue
                there = self.point(image, slab.centre * slab.direction) if slab.centre else at
                if not self.positive(pair, signs, near, there, slab, given):
                    return False
        return True

    def point(self, image: Array, move: Array | None) -> Point:
        """Return what is at an image, or at one that is moved by some coordinates."""
        first, state = self.stack[0], extended(image[None])
        lefts, rights = (state @ side.turned for side in first.sides)
        straight = state @ exact(first.linear.T)
        if move is not None:
            step, (left, right, linear) = exact(move[None]), self.readings[0]
            lefts, rights = lefts + step @ left.turned, rights + step @ right.turned
            straight += joined([exact(np.zeros((1, 1))), step @ linear.turned], 1)
        states = forward(self.stack[1:], straight + (lefts * rights) @ exact(first.down.T))
        slopes = [self.slope(0, lefts, rights)]
        for level, (layer, there) in enumerate(zip(self.stack[1:], states, strict=False), start=1):
            slopes.append(self.slope(level, *(there @ side.turned for side in layer.sides)))
        return Point(states[-1][:, 1:], slopes)

    def slope(self, level: int, lefts: Ball, rights: Ball) -> Ball:
        """Return the derivatives of a layer's outputs by its readings, the first in coordinates."""
        left, right, linear = self.readings[level]
        down = exact(self.stack[level].down[1:])
        return linear + (product(down * lefts, right) + product(down * rights, left))

    def slabs(self, image: Array, signs: Ball, near: Near, slope: Array, ends: Array) -> Slabs:
        """Return slabs that have in common all moves that are looked at."""
        direction = np.zeros(len(near.weights))
        if ends[0] > 0:
            ahead = self.point(image, ends[0] * descent(slope, near.weights))
            direction = descent(ahead.gradients(signs)[0].value[0], near.weights)
        return slabs(near, direction, ends[1:])

    def positive(
        self, pair: int, signs: Ball, near: Near, at: Point, slab: Slab, factors: Array
    ) -> bool:
        """Return whether multipliers prove that a margin is positive in a slab, at its centre."""
        gradients, slopes = at.gradients(signs), at.slopes
        outer = self.outer(pair, slopes, near._replace(square=slab.square))
        none, row = exact(np.zeros((signs.value.size,) * 2)), exact(np.zeros((1, 0)))
        total = self.bent(len(self.hidden), signs, none, exact(0.0))
        ends = 2 + np.cumsum([0, *(2 * each.kept for each in self.hidden)])
        for level in reversed(range(len(self.hidden))):
            rows, size = self.hidden[level].rows[pair], self.hidden[level].kept
            linear, bends = np.split(factors[ends[level] : ends[level + 1]], 2)
            held = np.concatenate([bends, self.hidden[level].held[pair]])
            weights = exact(rows.T) @ (exact(held[:, None]) * exact(rows))
            pulled = exact(linear[None]) @ exact(rows[:size])
            total = _stretched(total, slopes[level])
            drawn = gradients[level + 1] + pulled
            form = self.bent(level, drawn, weights, self.overlaps(level, outer[level]))
            inner = len(form.value)
            outside = slice(inner, inner + len(rows))
            _add(total, (slice(inner), slice(inner)), form)
            _add(total, (outside, outside), weights)
            row = joined([-pulled, row], 1)
        row = joined([gradients[0], row], 1) * exact(0.5)
        top, rest = joined([signs @ at.logits.turned, row], 1), joined([row.turned, total], 1)
        whole, size = joined([top, rest], 0), 1 + len(near.weights)
        _add(whole, (slice(size), slice(size)), inside(near, slab, *factors[:2].tolist()))
        return positive(whole[None])


def _stretched(form: Ball, slope: Ball) -> Ball:
    """Return a form of the sum of a slope times what is below, and of what is bent."""
    size = len(form.value)
    room = ((0, size - len(slope.value)), (0, 0))
    below = Ball(np.pad(slope.value, room), np.pad(slope.error, room))
    moved = joined([below, exact(np.eye(size))], 1)
    return product(moved.turned, product(form, moved))


def _add(whole: Ball, place: Any, part: Ball) -> None:  # noqa: ANN401 -- as numpy has it
    """Add to a part of a matrix, in place."""
    total = whole[place] + part
    whole.value[place], whole.error[place] = total.value, total.error
