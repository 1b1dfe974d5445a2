r"""The directions of hidden states on which the margins between two classes draw.

A margin is a quadratic of the last hidden state, and it bends along few directions to speak of,
once these are measured by how far the state moves along them. Near images, at a distance
:math:`\rho`, moves have the spread

.. math::
    C_1 = \rho^2\,\overline{J_1 J_1^\top} + \tfrac{\rho^4}{10}\,G, \qquad
    G_{kl} = \langle N_k, N_l \rangle,

and so on upwards; bends count a tenth, since no move bends all forms at once. With
:math:`C^{1/2} F C^{1/2} = V f V^\top` the directions are the rows of :math:`V^\top C^{-1/2}`, those
of the largest :math:`|f|` first. Below, a state counts by how the next one reads it: by its bend
along each direction there, by its slope, and by the forms themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.networks.normal_form import Floats
from proofs.bounds.surroundings import Stack, Surroundings, eigenvalues, surroundings

Doubles = npt.NDArray[np.float64]

KEPT, KEPT_LAST, KEPT_BELOW = 14, 8, 18
"""How many directions have multipliers of their own: of the only hidden state, or of the last one
and of each below it."""

TYPICAL = 100
"""How many images are looked at."""

_NEARER = 0.75
"""How near other classes are, beside where margins would vanish if they did not bend."""

FAR = 1e6
"""The largest radius that is looked for."""

_BENDS = 1 / 10
_LEAST = 1e-6
"""The least eigenvalue of a spread, beside the largest."""

_TAIL, _TAIL_BELOW = 2.0, 0.4
"""What holds the bend along the other directions, in units of how they count; and, where a margin
draws on them through further layers, in units of the root of this and the largest."""

_UNITS = 1 / 4
"""Directions that count less are measured in larger units when moves are bounded: in those of this
power of what holds their bends."""

_STIFF = 1e6
"""How much more than usual holds bends of a layer that has none."""

MORE, _NEAR = 1 + 1e-6, 2.0**-300
"""What a bound is above what was computed."""

_FLOOR = 1e-5
"""The least that holds a bend, beside the largest and the margin itself."""


@dataclass(frozen=True, eq=False)
class HiddenDirections:
    r"""Directions of hidden states, for each pair of classes in either order.

    Attributes:
        rows: for each hidden state, those with multipliers first, shape (pairs, width, width).
        held: for each hidden state the multipliers of bends along all others, the same for all
            images up to a factor, shape (pairs, others).
        bends: more than the largest eigenvalue of :math:`\sum_i (\sum_o w_{io} N^1_o)^2` over the
            rows :math:`w_i` of the first hidden state, shape (pairs,); empty where it is the last.
    """

    rows: list[Doubles]
    held: list[Doubles]
    bends: Doubles

    @classmethod
    @np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore")
    def of(cls, stack: Stack, images: Floats, kept: int | None = None) -> HiddenDirections:
        """Find the directions of all pairs of classes.

        Args:
            stack: of layers.
            images: some that are typical, shape (images, inputs).
            kept: how many directions of each hidden state have multipliers of their own; left out,
                as many as count.
        """
        near = list(surroundings(stack, images[:TYPICAL]))
        spreads = _spreads(stack, near, _typical_radius(near))
        logits = np.array([around.logits for around in near])
        labels, found = logits.argmax(axis=1), []
        for pair in all_pairs(logits.shape[1]):
            margin = signs(logits.shape[1], *pair)
            own = [near[place] for place in np.flatnonzero(np.isin(labels, pair))]
            typical = float(np.median(abs(logits @ margin)))
            found.append(_directions(stack, own or near, margin, spreads, typical, kept))
        widths = [forms.shape[1] for forms in stack.forms]
        rows = [
            np.array([each[level] for each, _ in found]).reshape(-1, width, width)
            for level, width in enumerate(widths)
        ]
        held = [
            np.array([each[level] for _, each in found]) if found else np.zeros((0, width))
            for level, width in enumerate(widths)
        ]
        bound = rows[0] if len(rows) > 1 else ()
        bends = [eigenvalues(stack.squares(each.T @ each))[0][-1] for each in bound]
        largest = np.finfo(np.float64).max
        return cls(rows, held, np.minimum(MORE * np.array(bends) + _NEAR, largest))

    def arrays(self) -> dict[str, Doubles]:
        """Return all of them by name."""
        named = {"rows": self.rows, "held": self.held}
        found = {
            f"{name}.{number}": array
            for name, arrays in named.items()
            for number, array in enumerate(arrays, start=1)
        }
        return found | ({"bends": self.bends} if len(self.rows) > 1 else {})

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Doubles], layers: int) -> HiddenDirections:
        """Return what was named, for a network of some layers."""
        rows, held = (
            [arrays[f"{name}.{number}"] for number in range(1, layers)] for name in ("rows", "held")
        )
        return cls(rows, held, arrays.get("bends", np.zeros(0)))

    @property
    def kept(self) -> list[int]:
        """How many directions of each hidden state have multipliers."""
        pairs = zip(self.rows, self.held, strict=True)
        return [rows.shape[1] - held.shape[1] for rows, held in pairs]

    @property
    def multipliers(self) -> int:
        """How many multipliers a margin has, on a slab."""
        return 2 + 2 * sum(self.kept) + len(self.kept)

    @property
    def free(self) -> npt.NDArray[np.bool_]:
        """Which multipliers may have any sign."""
        parts = [np.repeat([True, False], [count, count + 1]) for count in self.kept]
        return np.concatenate([[False, False], *parts])


def all_pairs(classes: int) -> list[tuple[int, int]]:
    """Return all pairs of classes, the smaller one first, in the order of the larger ones."""
    return [(one, other) for other in range(classes) for one in range(other)]


def pair_place(one: int, other: int) -> int:
    """Return the place of a pair among all of them."""
    lower, upper = sorted((one, other))
    return upper * (upper - 1) // 2 + lower


def signs(classes: int, one: int, other: int) -> Doubles:
    """Return what the margin of a class over another takes of the logits."""
    identity = np.eye(classes)
    return np.asarray(identity[one] - identity[other])


def _typical_radius(near: Sequence[Surroundings]) -> float:
    """Return about how far away margins vanish."""
    distances = []
    for around in near:
        values = around.logits.max() - around.logits
        slopes = around.jacobians[0]
        for jacobian in around.jacobians[1:]:
            slopes = jacobian @ slopes
        lengths = np.linalg.norm(slopes[around.logits.argmax()] - slopes, axis=1)
        some = (values > 0) & (lengths > 0)
        if some.any():
            distances.append(float((values[some] / lengths[some]).min()))
    typical = _NEARER * float(np.median(distances)) if distances else 1.0
    return min(typical, FAR) if typical > 0 else 1.0


def _spreads(
    stack: Stack, near: Sequence[Surroundings], radius: float
) -> list[tuple[Doubles, Doubles]]:
    """Return roots of the typical spreads of all hidden states, and their inverses."""
    found: list[tuple[Doubles, Doubles]] = []
    for level in range(len(stack.forms)):
        if found:
            below = found[-1][0]
            bent = below @ stack.forms[level - 1] @ below
            gram = np.tensordot(bent, bent, ((1, 2), (1, 2)))
        else:
            below, gram = radius * np.eye(stack.basis.shape[1]), radius**4 * stack.gram
        moved = np.zeros_like(gram)
        for around in near:
            step = around.jacobians[level] @ below
            moved += step @ step.T / len(near)
        found.append(_root(moved + _BENDS * gram))
    return found


def _root(matrix: Doubles) -> tuple[Doubles, Doubles]:
    """Return the root of a positive form and the root's inverse; of zeros, the identity."""
    values, vectors = eigenvalues(matrix)
    some = values.size and values[-1] > 0
    root = np.sqrt(np.maximum(values, _LEAST * values[-1])) if some else np.ones_like(values)
    return (vectors * root) @ vectors.T, (vectors / root) @ vectors.T


def _directions(
    stack: Stack,
    near: Sequence[Surroundings],
    margin: Doubles,
    spreads: Sequence[tuple[Doubles, Doubles]],
    typical: float,
    kept: int | None,
) -> tuple[list[Doubles], list[Doubles]]:
    """Return the directions of one pair, found from the last hidden state down."""
    rows: list[Doubles] = []
    held: list[Doubles] = []
    above = counts = np.zeros(0)
    for level in reversed(range(len(spreads))):
        root, inverse = spreads[level]
        if rows:
            bend = _drawn(stack, near, margin, level, (above, counts), root)
        else:
            bend = root @ np.tensordot(margin, stack.forms[level], 1) @ root
        values, vectors = eigenvalues(bend)
        order = np.argsort(-abs(values), kind="stable")
        sizes = abs(values)[order]
        total = _TAIL * sizes + _FLOOR * (sizes[:1] + typical)
        if rows:
            total += _TAIL_BELOW * np.sqrt(sizes * sizes[:1])
        usual = KEPT_BELOW if rows else KEPT_LAST if len(spreads) > 1 else KEPT
        count = usual if kept is None else kept
        if not (stack.layers[level].down.any() and len(stack.layers[level].left)):
            count, total = 0, _STIFF * total
        counts, units = sizes[:count], (total / total[:1]) ** _UNITS
        above = vectors[:, order].T @ inverse
        row, hold = _in_range(above * units[:, None], (total / units**2)[count:])
        rows.insert(0, row)
        held.insert(0, hold)
    return rows, held


def _in_range(rows: Doubles, held: Doubles) -> tuple[Doubles, Doubles]:
    """Return directions and what holds the others; any where numbers left the range of floats."""
    if np.isfinite(rows).all() and np.isfinite(held).all():
        return rows, held
    return np.eye(len(rows)), np.ones_like(held)


def _drawn(
    stack: Stack,
    near: Sequence[Surroundings],
    margin: Doubles,
    level: int,
    above: tuple[Doubles, Doubles],
    root: Doubles,
) -> Doubles:
    """Return how much a margin draws on the directions of a state below the last one."""
    rows, counts = above
    gradients = [
        np.sign(margin @ around.logits) * around.gradients(margin)[level + 2] for around in near
    ]
    forms, slopes = stack.forms[level], [around.jacobians[level + 1] for around in near]
    total = _size(root @ np.tensordot(np.mean(gradients, axis=0), forms, 1) @ root)
    slope = np.mean(slopes, axis=0)
    for row, count in zip(rows, counts, strict=False):
        read = root @ (row @ slope)
        bend = root @ np.tensordot(row, forms, 1) @ root
        total = total + count * (_size(bend) + np.outer(read, read))
    return np.asarray(total)


def _size(matrix: Doubles) -> Doubles:
    """Return the symmetric matrix with the sizes of another one's eigenvalues."""
    values, vectors = eigenvalues(matrix)
    return np.asarray((vectors * abs(values)) @ vectors.T)
