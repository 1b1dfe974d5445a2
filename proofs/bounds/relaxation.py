r"""The search for multipliers: a semidefinite program in few directions of the input.

With the multiplier of the ball as the unit, and in units of the radius and of the margin, what is
to be positive for :math:`|v| \le \rho` (:mod:`proofs.bounds.lagrangian`) is

.. math::
    \kappa\,m + |v|^2 - t + \sum_l \lambda_l \cdot \big(\delta_{l-1}^\top N^l \delta_{l-1}
    - q_l\big) + \sum_l \big(q_l^\top P_l\,q_l - \delta_{l-1}^\top S_l\,\delta_{l-1}\big),

and the largest :math:`t` is linear in all multipliers, for a given :math:`S_l`. It is looked for in
few directions of the input and in the kept directions of all bends; what is found is multipliers
alone, and what they prove is then found in all directions. A direction that bends by less than a
part of the largest is charged as if it bent by that part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import linalg

from proofs.bounds.hidden_directions import HiddenDirections
from proofs.bounds.lagrangian import Margin, Multipliers
from proofs.bounds.semidefinite import largest_corner
from proofs.bounds.slabs import Slab
from proofs.bounds.surroundings import Stack, eigenvalues
from proofs.bounds.tails import fitted_tails

Doubles = npt.NDArray[np.float64]

SHARED, OWN = 30, 30
"""How many directions of the input count most for bends, and for the slopes at an image."""

_LEAST = 1e-1
"""The least unit that bends are measured in, beside the largest."""

_PRICE = 1e-5
"""What a multiplier of bends costs at least, as a share: what costs nothing grows without end."""

_ROOM = 1e-3
"""The room of multipliers of bends where those of all others are fitted to them."""

_NONE = 1e-12
"""A length that counts as none, beside that of a whole direction."""


@dataclass(frozen=True, eq=False)
class Found:
    """Multipliers, and the radius that they prove in the directions looked at.

    Attributes:
        multipliers: the best ones, or some that are good enough.
        radius: that they prove.
        units: for each hidden state how large bends along the kept directions may be.
    """

    multipliers: Multipliers
    radius: float
    units: list[Doubles]

    def with_room(self, room: float) -> Multipliers:
        """Return multipliers of bends that are a little larger, for directions not looked at.

        Args:
            room: as a share of their own, and ten times as large as that of the largest one.
        """
        bends = []
        for each, unit in zip(self.multipliers.bends, self.units, strict=True):
            sizes = np.maximum(each, 0.0) * unit**2
            bends.append((sizes * (1 + room) + room / 10 * sizes.max(initial=0.0)) / unit**2)
        return replace(self.multipliers, bends=bends)


def bending_directions(stack: Stack, directions: HiddenDirections) -> Doubles:
    """Return the directions of the input that bend the first hidden state most.

    Args:
        stack: of layers.
        directions: of the hidden states.
    """
    if not directions.rows:
        return np.zeros((stack.basis.shape[1], 0))
    rows = directions.rows[0][:, : directions.kept[0]]
    rows = rows.reshape(-1, rows.shape[-1])
    vectors = eigenvalues(stack.squares(rows.T @ rows))[1]
    return np.ascontiguousarray(vectors[:, ::-1][:, :SHARED])


def directions_at(margin: Margin, shared: Doubles) -> Doubles:
    """Return the directions of the input that are looked at around an image.

    Args:
        margin: around it.
        shared: orthonormal, by all images.

    Returns:
        Orthonormal columns: also those of the steepest slopes there, and those along which the
        margin and the kept directions of hidden states fall.
    """
    slopes = margin.around.jacobians
    own = np.linalg.svd(slopes[0], full_matrices=False)[2][:OWN]
    read = [margin.gradients[0][None], own]
    for level, kept in enumerate(margin.kept):
        rows = kept
        for slope in reversed(slopes[: level + 1]):
            rows = rows @ slope
        read.append(rows)
    return extended_basis(shared, np.concatenate(read).T)


def extended_basis(basis: Doubles, more: Doubles) -> Doubles:
    """Return orthonormal columns that span those of a basis and some more."""
    lengths = np.linalg.norm(more, axis=0)
    more = more[:, lengths > 0] / lengths[lengths > 0]
    rest = more - basis @ (basis.T @ more)
    rest = rest - basis @ (basis.T @ rest)
    vectors, sizes, _ = np.linalg.svd(rest, full_matrices=False)
    return np.concatenate([basis, vectors[:, sizes > _NONE]], axis=1)


class Relaxation:
    """A margin in few directions of the input, around an image or in a slab of a ball around it.

    Args:
        margin: around the image, or around the slab's centre.
        basis: of the directions, orthonormal columns, that of the slab among them.
        slab: left out, the margin is looked at in all of the ball.
        unit: of margins; left out, what it is.
    """

    def __init__(
        self, margin: Margin, basis: Doubles, slab: Slab | None = None, unit: float | None = None
    ) -> None:
        self.margin, self.basis, self.slab = margin, basis, slab
        self.unit = margin.value if unit is None else unit
        sizes = [basis.shape[1], *(len(kept) for kept in margin.kept)]
        places = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
        self.size, self.places = sum(sizes), places
        stack = margin.around.stack
        weights = np.concatenate([margin.gradients[1][None], *margin.kept[:1]])
        self.first = stack.forms_within(weights, basis)

    def multipliers(
        self,
        outer: Sequence[Doubles],
        enough: float,
    ) -> Found | None:
        """Return the best multipliers in these directions, or some that are good enough.

        Args:
            outer: what the squares of the moves are below on a ball.
            enough: a radius with which one stops.
        """
        square = float(outer[0])
        terms, signed, units, moves = self._terms(outer)
        base, held = self._ball(square)
        terms, signed = np.concatenate([terms, held]), np.append(signed, [True] * len(held))
        found = largest_corner(base, terms, signed, enough=enough**2 / square)
        factor, value = float(found.unknowns[0]), self.unit
        if not (found.feasible and factor > 0 and np.isfinite(found.unknowns).all()):
            return None
        parts, start = found.unknowns[1:] * (value / factor), 0
        linear, bends = [], []
        for unit in units:
            middle = start + len(unit)
            linear.append(parts[start:middle] / unit)
            start = middle + len(unit)
            bends.append(parts[middle:start] / unit**2)
        radius = float(np.sqrt(max(found.value, 0.0) * square))
        slab = float(sum(parts[start:])) / square
        plain = np.ones(len(self.margin.kept))
        multipliers = Multipliers(value / factor / square, linear, bends, plain, slab)
        best = Found(multipliers, radius, units)
        seen = self._seen(found.weights, moves)
        tails = fitted_tails(self.margin, best.with_room(_ROOM), outer, seen)
        return (
            None if tails is None else replace(best, multipliers=replace(multipliers, tails=tails))
        )

    def _seen(self, weights: Doubles, moves: Sequence[Doubles]) -> list[Doubles]:
        """Return what is weighed in the first layer's readings, and in 1 and moves of all states.

        Args:
            weights: of 1 and all that is looked at.
            moves: of the input and of all hidden states.
        """
        first, *states = moves
        read = self.margin.around.stack.ones @ first
        found = [read @ weights[1:, 1:] @ read.T]
        for move in states:
            whole = linalg.block_diag(1.0, move)
            found.append(whole @ weights @ whole.T)
        return found

    def _ball(self, square: float) -> tuple[Doubles, Doubles]:
        """Return the square of a move from the image, and what holds it in the slab, if there is.

        Both are in units of the square of the largest distance from the centre.
        """
        base, inner = np.zeros((self.size + 1,) * 2), 1 + self.places[0]
        base[inner, inner] = 1.0
        if self.slab is None or not self.slab.direction.any():
            return base, np.zeros((0, *base.shape))
        centre = self.slab.centre / np.sqrt(square)
        along = np.zeros(len(base))
        along[inner] = self.slab.direction @ self.basis
        base[0] += centre * along
        base[:, 0] += centre * along
        base[0, 0] = centre**2
        ends = [end / np.sqrt(square) for end in (self.slab.low, self.slab.high)]
        low, high = (along + (centre - end) * _unit(len(base), 0) for end in ends)
        held = np.outer(low, high)
        return base, (held + held.T)[None] / 2

    def _terms(
        self, outer: Sequence[Doubles]
    ) -> tuple[Doubles, npt.NDArray[np.bool_], list[Doubles], list[Doubles]]:
        """Return the margin and what each multiplier adds, as matrices, and which have a sign.

        Bends along each direction are measured in units of how large they may be. These come third,
        and then moves of the input and of all hidden states by all that is looked at.
        """
        margin, radius = self.margin, float(np.sqrt(outer[0]))
        slopes = margin.around.jacobians
        read = radius * self.basis
        moves = np.zeros((len(read), self.size))
        moves[:, self.places[0]] = read
        moved = [moves]
        whole = np.zeros((self.size + 1,) * 2)
        whole[0, 0] = margin.value
        row = radius * (margin.gradients[0] @ self.basis)
        whole[0, 1 + self.places[0]] = whole[1 + self.places[0], 0] = row / 2
        terms, signed, units = [whole], [True], []
        inner = self.places[0]
        for level, kept in enumerate(margin.kept):
            forms = self._forms(level, radius, moves)
            whole[1:, 1:] += forms[0]
            spreads = self._spreads(level, kept, outer[level], moves, forms[1:])
            own, sizes = self.places[level + 1], np.linalg.norm(forms[1:], axis=(1, 2))
            largest = sizes.max(initial=0.0)
            unit = np.maximum(sizes, _LEAST * largest) if largest > 0 else np.ones_like(sizes)
            for place, form, size in zip(own, forms[1:], unit, strict=True):
                terms.append(_bordered(form / size, -_unit(self.size, place)))
                signed.append(False)
            prices = np.maximum(_PRICE, (1 - (sizes / unit) ** 2) / len(inner))
            for place, allowed, size, price in zip(own, spreads, unit, prices, strict=True):
                held = -allowed / size**2
                held[place, place] += 1.0
                held[inner, inner] -= price
                terms.append(_bordered(held, np.zeros(self.size)))
                signed.append(True)
            moves = slopes[level] @ moves
            moves[:, own] += margin.inverses[level][:, : len(kept)] * unit
            units.append(unit)
            moved.append(moves)
        if margin.kept:
            whole[1:, 1:] += moves.T @ margin.last @ moves
        else:
            whole[1:, 1:] += radius**2 * self.first[0]
        whole /= self.unit
        return np.array(terms), np.array(signed), units, moved

    def _forms(self, level: int, radius: float, moves: Doubles) -> Doubles:
        """Return the forms that the margin and the kept directions take of what is below."""
        if level:
            weights = np.concatenate(
                [self.margin.gradients[level + 1][None], self.margin.kept[level]]
            )
            forms = self.margin.around.stack.forms[level - 1]
            return np.asarray(moves.T @ np.tensordot(weights, forms, 1) @ moves)
        inner = self.places[0]
        found = np.zeros((len(self.first), self.size, self.size))
        found[:, inner[:, None], inner] = radius**2 * self.first
        return found

    def _spreads(
        self, level: int, kept: Doubles, outer: Doubles, moves: Doubles, forms: Doubles
    ) -> Doubles:
        """Return what the squares of bends along kept directions are allowed."""
        if not level:
            return np.asarray(forms @ forms)
        drawn = np.tensordot(kept, self.margin.around.stack.forms[level - 1], 1) @ moves
        return np.asarray(drawn.swapaxes(1, 2) @ outer @ drawn)


def _unit(size: int, place: int) -> Doubles:
    return np.asarray(np.eye(1, size, place)[0])


def _bordered(form: Doubles, row: Doubles) -> Doubles:
    """Return the matrix of a quadratic with a linear part."""
    whole = np.zeros((len(form) + 1,) * 2)
    whole[1:, 1:] = form
    whole[0, 1:] = whole[1:, 0] = row / 2
    return whole
