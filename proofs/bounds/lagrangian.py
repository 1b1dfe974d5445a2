r"""The least that a margin can be on a ball around an image, by Lagrange multipliers.

With :math:`a_l` the derivative of the margin by the hidden state :math:`l`, and :math:`g` that by
the input, the margin moves by

.. math::
    m - m_0 = g \cdot v + \sum_{l \ge 1} \delta_{l-1}^\top N^l_{a_l}\,\delta_{l-1},

exactly, in the terms of :mod:`proofs.bounds.surroundings`, and each move is :math:`\delta_l = J_l
\delta_{l-1} + q_l`. This is a quadratic in :math:`v` and the bends :math:`q_l`, which are not free.
Each is a form, which multipliers :math:`\lambda_l` of any sign hold it to. And where all
:math:`\delta_{l-1}` of the ball satisfy :math:`\delta_{l-1} \delta_{l-1}^\top \preceq T_{l-1}`, for
every :math:`P_l = \sum_i \nu_i t_i t_i^\top \succeq 0`

.. math::
    q_l^\top P_l\,q_l = \sum_i \nu_i\,(\delta_{l-1}^\top N^l_{t_i}\,\delta_{l-1})^2
    \le \delta_{l-1}^\top S_l\,\delta_{l-1}, \qquad
    S_l = \sum_{j,k} (P_l)_{jk}\,N^l_j T_{l-1} N^l_k.

So the margin is positive on the ball if for some :math:`\mu \ge 0`

.. math::
    m + \mu\,\big(|v|^2 - \rho^2\big)
    + \sum_l \lambda_l \cdot \big(\delta_{l-1}^\top N^l \delta_{l-1} - q_l\big)
    + \sum_l \big(q_l^\top P_l\,q_l - \delta_{l-1}^\top S_l\,\delta_{l-1}\big) > 0

for all :math:`v, q`: a symmetric matrix that is positive definite
(:func:`analytic.derivations.multiplier_bound`). The bends are eliminated from the last one down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import linalg, optimize

from proofs.bounds.hidden_directions import HiddenDirections, pair_place, signs
from proofs.bounds.norms import schatten_norms
from proofs.bounds.surroundings import Stack, Surroundings, eigenvalues

Doubles = npt.NDArray[np.float64]

_SHARE = 1e-3
"""How unlike the shares may be in which a sum of two moves is divided."""

_BENDS = 1 / 2
"""How much less bends count there than moves along slopes: margins draw less on them."""

_TINY = float(np.finfo(np.float64).tiny)

_EXACT = 1e-9
"""To which part of itself the multiplier of the ball is found."""

_NEARLY = 1 - 1e-9

_FAR = 1e8
"""A radius beyond which none is looked for."""

_FURTHEST = 60
"""How far multipliers are looked for below the largest one, as a logarithm."""

_WORST = 8
"""How many directions of the least eigenvalues are told."""


@dataclass(frozen=True, eq=False)
class Multipliers:
    r"""What proves a margin positive.

    Attributes:
        ball: :math:`\mu`.
        linear: for each hidden state the :math:`\lambda_l` of the kept directions.
        bends: for each hidden state the :math:`\nu` of the kept directions.
        tails: for each hidden state how many times the usual :math:`\nu` of all others are taken.
        slab: :math:`\tau` of what is divided (:mod:`proofs.bounds.slabs`).
    """

    ball: float
    linear: list[Doubles]
    bends: list[Doubles]
    tails: Doubles
    slab: float = 0.0

    def flat(self) -> Doubles:
        """Return all: of the ball, of the slab, and then all kinds for each hidden state."""
        each = zip(self.linear, self.bends, self.tails[:, None], strict=True)
        both = [self.ball, self.slab]
        return np.concatenate([both, *(part for parts in each for part in parts)])


@dataclass(frozen=True, eq=False)
class Quadratic:
    r"""A quadratic :math:`c + b \cdot v + v^\top A\,v` below a margin, near an image.

    Attributes:
        constant: :math:`c`.
        slope: :math:`b`, in coordinates.
        matrix: :math:`A`.
    """

    constant: float
    slope: Doubles
    matrix: Doubles

    def positive(self, ball: float, radius: float) -> bool:
        """Return whether a multiplier proves it positive on a ball."""
        factor, info = linalg.lapack.dpotrf(self.matrix + ball * np.eye(len(self.matrix)))
        if info:
            return False
        solved = linalg.cho_solve((factor, False), self.slope, check_finite=False)
        return bool(self.constant - ball * radius**2 - self.slope @ solved / 4 > 0)

    def radius(self) -> tuple[float, float, Doubles]:
        r"""Return the largest radius on which it is positive, its multiplier, and worst moves.

        With :math:`\kappa = 1 / \mu` and the eigenvalues :math:`a_i` of the matrix, the square of
        the radius is the largest value of a concave function,

        .. math::
            \kappa\,c - \tfrac14 \kappa^2 \sum_i \frac{b_i^2}{1 + \kappa\,a_i}.
        """
        values, vectors = eigenvalues(self.matrix)
        drawn = (vectors.T @ self.slope) ** 2 / 4
        scale = max(abs(values[0]), abs(values[-1]), float(np.sqrt(drawn.sum())))
        least = max(_EXACT * scale, self.constant / _FAR**2, np.sqrt(_TINY))
        most = float(np.log(_NEARLY / max(-values[0], least)))

        def lost(logarithm: float) -> float:
            factor = np.exp(logarithm)
            bent = (drawn / (1 + factor * values)).sum()
            return float(factor**2 * bent - factor * self.constant)

        found = optimize.minimize_scalar(
            lost, bounds=(most - _FURTHEST, most), method="bounded", options={"xatol": _EXACT}
        )
        factor = float(np.exp(found.x))
        worst = -vectors @ (vectors.T @ self.slope * factor / (1 + factor * values)) / 2
        moves = np.column_stack([worst, vectors[:, :_WORST]])
        return float(np.sqrt(max(-found.fun, 0.0))), 1 / factor, moves


@dataclass(frozen=True, eq=False)
class Margin:
    r"""A margin around an image.

    Attributes:
        around: the stack there.
        weights: of the logits, shape (classes,).
        kept: directions of each hidden state that have multipliers, as rows.
        rows: all directions of each hidden state.
        inverses: of these rows.
        usual: multipliers of the bends along those that are not kept, up to a factor.
        tails: the forms of these multipliers.
        bend: of the first hidden state, see :class:`HiddenDirections`; 0 where it is the last one.
        value: :math:`m_0`.
        gradients: by the input, in coordinates, by each hidden state, and by the logits.
        last: the form :math:`F` of what the last layer reads.
    """

    around: Surroundings
    weights: Doubles
    kept: list[Doubles]
    rows: list[Doubles]
    inverses: list[Doubles]
    usual: list[Doubles]
    tails: list[Doubles]
    bend: float
    value: float
    gradients: list[Doubles]
    last: Doubles

    @classmethod
    def of(
        cls, around: Surroundings, directions: HiddenDirections, label: int, rival: int
    ) -> Margin:
        """Return the margin of a class over a rival."""
        margin, stack = signs(len(around.logits), label, rival), around.stack
        last = np.tensordot(margin, stack.forms[-1], 1) if stack.forms else stack.form(margin)
        place = pair_place(label, rival)
        rows = [each[place] for each in directions.rows]
        kept = [each[:count] for each, count in zip(rows, directions.kept, strict=True)]
        others = [each[count:] for each, count in zip(rows, directions.kept, strict=True)]
        inverses = [np.linalg.pinv(each) for each in rows]
        usual = [held[place] for held in directions.held]
        tails = [(rest.T * held) @ rest for rest, held in zip(others, usual, strict=True)]
        bend = float(directions.bends[place]) if len(directions.bends) else 0.0
        value = float(margin @ around.logits)
        gradients = around.gradients(margin)
        sides = kept, rows, inverses, usual, tails
        return cls(around, margin, *sides, bend, value, gradients, last)

    def moved(self, around: Surroundings) -> Margin:
        """Return the margin around another point."""
        value, gradients = float(self.weights @ around.logits), around.gradients(self.weights)
        return replace(self, around=around, value=value, gradients=gradients)

    @property
    def distance(self) -> float:
        """How far away it would vanish if it did not bend."""
        slope = float(np.linalg.norm(self.gradients[0]))
        return self.value / slope if slope > 0 else np.inf

    def falls(self, radius: float) -> float:
        """Return by how much the margin falls within a radius at most, by norms alone."""
        stack, length = self.around.stack, np.float64(radius)
        fall = length * np.linalg.norm(self.gradients[0])
        for level, slope in enumerate(self.around.jacobians):
            bend = stack.sizes[level] * length**2
            fall += np.linalg.norm(self.gradients[level + 1]) * bend
            length = np.linalg.norm(slope, 2) * length + bend
        return float(fall)

    def held(self, level: int, multipliers: Multipliers) -> Doubles:
        """Return the weights :math:`P` that multipliers give the bends of a hidden state."""
        kept = self.kept[level]
        own = (kept.T * multipliers.bends[level]) @ kept
        return np.asarray(own + multipliers.tails[level] * self.tails[level])

    def below(self, multipliers: Multipliers, outer: Sequence[Doubles]) -> Quadratic | None:
        r"""Return a quadratic of the move that the margin is nowhere below on the ball.

        Args:
            multipliers: that of the ball plays no part.
            outer: what the squares of the moves are below, :func:`outer_bounds`.

        Returns:
            None where a bend is not held, or numbers leave the range of floats.
        """
        stack, slopes = self.around.stack, self.around.jacobians
        top, row, constant = self.last, np.zeros(len(self.last)), self.value
        for level in reversed(range(len(self.kept))):
            linear = multipliers.linear[level] @ self.kept[level]
            held = self.held(level, multipliers)
            found = eliminated(top, row, linear, held, slopes[level])
            if found is None:
                return None
            top, row, lost = found
            constant -= lost
            top += weighted(stack, level, self.gradients[level + 1] + linear)
            top -= spread(stack, level, held, outer[level])
        slope, matrix = self.gradients[0] + row, (top + top.T) / 2
        finite = np.isfinite(constant + slope @ slope + np.vdot(matrix, matrix))
        return Quadratic(constant, slope, matrix) if finite else None


def eliminated(
    top: Doubles, row: Doubles, linear: Doubles, held: Doubles, slope: Doubles
) -> tuple[Doubles, Doubles, float] | None:
    r"""Return the least of a quadratic of a hidden state for all bends of it.

    Args:
        top: the form.
        row: the slope.
        linear: what multipliers take of the bend.
        held: :math:`P`, what they add to its square.
        slope: by which the state follows what is below.

    Returns:
        Form and slope in what is below, and what the constant falls by; None where it has no least.
    """
    factor, info = linalg.lapack.dpotrf(top + held)
    if info:
        return None
    drawn, rest = top @ slope, row - linear
    right = np.column_stack([drawn, rest])
    solved = linalg.cho_solve((factor, False), right, check_finite=False)
    form = slope.T @ drawn - drawn.T @ solved[:, :-1]
    return form, row @ slope - drawn.T @ solved[:, -1], float(rest @ solved[:, -1]) / 4


def weighted(stack: Stack, level: int, weights: Doubles) -> Doubles:
    """Return a weighted sum of the forms that bend a hidden state, the first one at level 0."""
    return np.tensordot(weights, stack.forms[level - 1], 1) if level else stack.form(weights)


def spread(stack: Stack, level: int, weights: Doubles, outer: Doubles) -> Doubles:
    r"""Return :math:`S = \sum_{jk} P_{jk} N_j T N_k` of the forms that bend a hidden state.

    Args:
        stack: of layers.
        level: of the state, the first one at 0.
        weights: :math:`P`.
        outer: :math:`T`; below the first one a number of times the identity.
    """
    if not level:
        return np.asarray(outer * stack.squares(weights))
    forms = stack.forms[level - 1]
    return np.tensordot(forms @ outer, np.tensordot(weights, forms, 1), ((0, 2), (0, 1)))


def outer_bounds(margin: Margin, radius: float) -> list[Doubles]:
    r"""Return what the squares of moves are below on a ball, of all states but the last hidden one.

    With the rows :math:`W` of a hidden state :math:`|W q|^2 \le b`, where :math:`b` is the norm of
    what these squares are allowed, so that :math:`q q^\top \preceq b\,(W^\top W)^{-1}`.

    Args:
        margin: around an image.
        radius: of the ball.

    Returns:
        The square of the radius first, in place of so many times the identity.
    """
    around, found = margin.around, [np.asarray(radius**2)]
    for level, rows in enumerate(margin.rows[:-1]):
        slope, root = around.jacobians[level], margin.inverses[level]
        if level:
            outer = found[-1]
            allowed = spread(around.stack, level, rows.T @ rows, outer)
            bent, moved = float(schatten_norms(allowed @ outer)), slope @ outer @ slope.T
        else:
            bent, moved = radius**4 * margin.bend, radius**2 * slope @ slope.T
        size = float(np.trace(rows @ moved @ rows.T))
        share = _BENDS * float(np.sqrt(bent * len(rows) / max(size, _TINY)))
        share = min(max(share, _SHARE), 1 / _SHARE)
        found.append((1 + share) * moved + (1 + 1 / share) * bent * root @ root.T)
    return found
