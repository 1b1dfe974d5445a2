"""A stack near images: margins as quadratics of a move and of what layers bend.

A move of an image has coordinates in what the first layer reads of it. Each hidden state is moved
by a slope times the move below, and by what the layer bends: of all these a margin is a quadratic.
Multipliers hold bends to what they are, and make it positive wherever the moves may be.
"""

from typing import Any, NamedTuple

import numpy as np

from .balls import UP, Array, Ball, congruent, exact, extended, joined, positive, product, spectral
from .coordinates import coordinates, inverse, readings
from .layers import Layer, Point, forward
from .slabs import Slab, Slabs, descent, inside, slabs
from .verdicts import need


class Rows(NamedTuple):
    """Directions of a hidden state, as rows, for all pairs of classes.

    Multipliers of bends along the last ones are ``held``, times a factor for each image and slab.
    """

    rows: Array
    held: Array

    @property
    def kept(self) -> int:
        """How many directions come before those."""
        return int(self.rows.shape[1] - self.held.shape[1])


def signed(multipliers: Array, hidden: list[Rows]) -> Array:
    """Return the multipliers that must not be negative: all but those of what bends are."""
    free = [np.repeat([True, False], [each.kept, each.kept + 1]) for each in hidden]
    return np.asarray(multipliers[..., ~np.concatenate([[False, False], *free])])


class Surroundings:
    """What does not depend on the image.

    Numbers of a move are multiples of a scale, and moves are as long as these are. Of what bends
    the first state bounds may be given.
    """

    def __init__(
        self,
        stack: list[Layer],
        hidden: list[Rows],
        bends: Array | None = None,
        scale: Array | None = None,
    ) -> None:
        self.stack, self.hidden, self.bends = stack, hidden, bends
        left, right, linear = readings(stack[0])
        if scale is not None:
            times = exact(scale)
            left, right, linear = left * times, right * times, linear * times
        self.skew, first = coordinates((left, right, linear))
        self.readings = [first, *map(readings, stack[1:])]
        self.roots: dict[int, tuple[list[Ball], float]] = {}
        self.plain: Ball | None = None

    def overlaps(self, level: int, outer: Ball) -> Ball:
        """Return b_sᵀ T b_t for all that the neurons of a layer read, in the order of others."""
        left, right, _ = self.readings[level]
        others = joined([right, left], 0)
        if outer.value.ndim > 1:
            return congruent(others, outer)
        # T is a number times the identity: of the first layer alone.
        if self.plain is None:
            self.plain = product(others, others.turned)
        return self.plain * outer

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

    def root(self, pair: int) -> tuple[list[Ball], float]:
        """Return the inverses of the rows of all states but the last, and the bound of bends.

        What bends the first state is no more than this times the square of the square of the
        distance, along those rows.
        """
        if pair not in self.roots:
            found = [inverse(each.rows[pair]) for each in self.hidden[:-1]]
            self.roots[pair] = found, self.bound(pair) if found else 0.0
        return self.roots[pair]

    def bound(self, pair: int) -> float:
        """Return the bound that is given, if it is proved; if none is, one that is a little larger.

        A norm is found faster than it takes to prove a bound, where that serves one image alone.
        """
        left = self.spread(0, exact(self.hidden[0].rows[pair]), exact(1.0))
        if self.bends is None:
            return float(spectral(left))
        _add(left, np.diag_indices(len(left.value)), exact(self.bends[pair]))
        need(positive(left[None]), "bends may be larger than is said")
        return float(self.bends[pair])

    def outer(self, pair: int, slopes: list[Ball], square: float) -> list[Ball]:
        """Return what the squares of moves are below: of the image, and of states but the last."""
        (roots, bound), found = self.root(pair), [exact(square)]
        for level, root in enumerate(roots):
            rows = exact(self.hidden[level].rows[pair])
            if level:
                allowed = self.spread(level, rows, found[-1])
                bent = UP * float(spectral(allowed @ found[-1]))
            else:
                # The last term is more than what underflows.
                bent = UP * square * square * bound + 2.0**-1000
            moved = congruent(slopes[level], found[-1])
            size = float(np.trace((rows @ moved @ rows.turned).value))
            ratio = np.sqrt(bent * len(rows.value) / max(size, 2.0**-500))
            share = min(max(float(ratio) / 2, 1e-3), 1e3)
            beside = root @ root.turned * exact(UP * (1 + 1 / share) * bent)
            found.append(moved * exact(UP * (1 + share)) + beside)
        return found

    def kept(self, image: Array, label: int, radius: float, ends: Array, factors: Array) -> bool:
        """Return whether multipliers prove that an image keeps its class within a radius."""
        at, square = self.point(image, None), UP * radius * radius
        return all(
            self.apart(image, at, (label, other), square, ends[other], factors[other])
            for other in set(range(len(factors))) - {label}
        )

    def apart(
        self,
        image: Array,
        at: Point,
        classes: tuple[int, int],
        square: float,
        ends: Array,
        factors: Array,
    ) -> bool:
        """Return whether multipliers prove that a class stays ahead of another one.

        Moves are those whose squares are no larger than is said.
        """
        (lower, upper), one = sorted(classes), np.eye(len(self.stack[-1].linear) - 1)
        pair = upper * (upper - 1) // 2 + lower
        signs = exact((one[classes[0]] - one[classes[1]])[None])
        square = UP * square / (1 - self.skew)
        for slab, given in zip(self.slabs(image, signs, square, at, ends), factors, strict=True):
            if slab is None:
                continue
            there = self.point(image, slab.centre * slab.direction) if slab.centre else at
            if not self.positive(pair, signs, square, there, slab, given):
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

    def slabs(self, image: Array, signs: Ball, square: float, at: Point, ends: Array) -> Slabs:
        """Return slabs that have in common all moves that are looked at."""
        slope = at.gradients(signs)[0].value[0]
        direction = 0 * slope
        if ends[0] > 0:
            ahead = self.point(image, ends[0] * descent(slope))
            direction = descent(ahead.gradients(signs)[0].value[0])
        return slabs(square, direction, ends[1:])

    def positive(
        self, pair: int, signs: Ball, square: float, at: Point, slab: Slab, factors: Array
    ) -> bool:
        """Return whether multipliers prove that a margin is positive in a slab, at its centre."""
        gradients, slopes = at.gradients(signs), at.slopes
        outer = self.outer(pair, slopes, slab.square)
        none, row = exact(np.zeros((signs.value.size,) * 2)), exact(np.zeros((1, 0)))
        total = self.bent(len(self.hidden), signs, none, exact(0.0))
        ends = 2 + np.cumsum([0, *(2 * each.kept + 1 for each in self.hidden)])
        for level in reversed(range(len(self.hidden))):
            rows, size = self.hidden[level].rows[pair], self.hidden[level].kept
            linear, bends, factor = np.split(factors[ends[level] : ends[level + 1]], [size, -1])
            # Whatever rounding makes of these products, none is below 0.
            held = np.concatenate([bends, factor * self.hidden[level].held[pair]])
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
        whole, size = joined([top, rest], 0), 1 + len(slab.direction)
        _add(whole, (slice(size), slice(size)), inside(square, slab, *factors[:2].tolist()))
        return positive(whole[None])


def _stretched(form: Ball, slope: Ball) -> Ball:
    """Return a form of the sum of a slope times what is below, and of what is bent."""
    size = len(form.value)
    room = ((0, size - len(slope.value)), (0, 0))
    below = Ball(np.pad(slope.value, room), np.pad(slope.error, room))
    moved = joined([below, exact(np.eye(size))], 1)
    return moved.turned @ (form @ moved)


def _add(whole: Ball, place: Any, part: Ball) -> None:  # noqa: ANN401 -- as numpy has it
    """Add to a part of a matrix, in place."""
    total = whole[place] + part
    whole.value[place], whole.error[place] = total.value, total.error
