r"""Semidefinite programs with few unknowns, by an interior point.

Sought is the largest :math:`t` for which

.. math::
    Z = M_0 + \sum_i \theta_i M_i - t\,e_0 e_0^\top \succeq 0,

some of the :math:`\theta_i` not negative. With a positive matrix :math:`X` beside :math:`Z`, and
numbers beside those :math:`\theta_i`, steps of Newton's towards :math:`X Z = \sigma I` are taken
for ever smaller :math:`\sigma`, first a prediction with :math:`\sigma = 0` and then a correction of
what it leaves. What is found is to be checked by who asks: nothing here is a proof.

Source:
    The direction is that of C. Helmberg et al., *SIAM J. Optimization* 6 (1996), with the
    predictor and corrector of S. Mehrotra, *SIAM J. Optimization* 2 (1992).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

Doubles = npt.NDArray[np.float64]

_STEPS = 40
_FEASIBLE, _NEARLY_FEASIBLE, _DUAL_FEASIBLE = 1e-9, 1e-7, 1e-6
"""How far a point may be from the equations, as shares."""

_REGULAR = 1e-14
_SMALLEST = 1e-300
_INSIDE, _FURTHER, _PREDICTED = 0.9, 0.95, 0.98
"""Which part of the way to the boundary is gone, and of the longer way where all of it is free."""


@dataclass(frozen=True, eq=False)
class Solution:
    r"""What was found.

    Attributes:
        value: :math:`t`, the largest or one that is enough.
        unknowns: the :math:`\theta_i`.
        feasible: whether the equation of :math:`Z` holds.
        weights: :math:`X`, about by how much the value changes for what is added to each entry.
    """

    value: float
    unknowns: Doubles
    feasible: bool
    weights: Doubles


class _Point:
    """A pair of positive matrices, with the numbers beside them."""

    def __init__(self, base: Doubles, terms: Doubles, signed: npt.NDArray[np.bool_]) -> None:
        size = len(base)
        last = np.zeros((1, size, size))
        last[0, 0, 0] = 1.0
        matrices = np.concatenate([-terms, last])
        self.signs = np.flatnonzero(signed)
        lengths = np.sqrt((matrices**2).sum(axis=(1, 2)))
        lengths[self.signs] = np.hypot(lengths[self.signs], 1.0)
        self.lengths = np.maximum(lengths, _SMALLEST)
        self.base, self.matrices = base, matrices / self.lengths[:, None, None]
        self.rows = self.matrices.reshape(len(matrices), -1)
        self.beside = -1 / self.lengths[self.signs]
        self.wanted = np.zeros(len(matrices))
        self.wanted[-1] = 1 / self.lengths[-1]
        self.size = size + len(self.signs)
        first = max(1.0, float(np.linalg.norm(base)) / np.sqrt(size))
        self.primal, self.dual = np.sqrt(size) * np.eye(size), first * np.eye(size)
        self.primals = np.full(len(self.signs), np.sqrt(size))
        self.duals = np.full(len(self.signs), first)
        self.unknowns = np.zeros(len(matrices))

    def look(self) -> tuple[float, float]:
        """Find what is missing in the equations; return the gap, and the miss of Z."""
        self.missing = self.wanted - self.rows @ self.primal.ravel()
        self.missing[self.signs] -= self.beside * self.primals
        self.rest = self.base - self.dual - self.combined(self.unknowns)
        self.rests = -self.duals - self.beside * self.unknowns[self.signs]
        product = float((self.primal * self.dual).sum() + self.primals @ self.duals)
        self.gap = product / self.size
        scale = 1 + float(np.linalg.norm(self.base))
        return product, float(np.linalg.norm(self.rest)) / scale

    def combined(self, unknowns: Doubles) -> Doubles:
        return np.asarray((unknowns @ self.rows).reshape(self.base.shape))

    def step(self) -> bool:
        """Go a step; return whether there was one."""
        factors = _factor(self.primal), _factor(self.dual)
        if factors[0] is None or factors[1] is None:
            return False
        self.inverse = linalg.cho_solve(
            (factors[1], True), np.eye(len(self.base)), check_finite=False
        )
        turned = (self.primal @ self.matrices @ self.inverse).swapaxes(1, 2)
        system = self.rows @ turned.reshape(self.rows.shape).T
        system = (system + system.T) / 2
        ratio = self.primals / self.duals
        system[self.signs, self.signs] += self.beside**2 * ratio
        self.scale = 1 / np.sqrt(np.maximum(system.diagonal(), _SMALLEST))
        system *= self.scale[:, None] * self.scale
        room = _REGULAR
        while (solver := _factor(system + room * np.eye(len(system)))) is None:
            room *= 100
            if not room < 1:
                return False
        self.solver = solver
        self.carried = self.primal @ self.rest @ self.inverse
        moves = self._direction(0.0, None)
        primal, dual = (min(1.0, _PREDICTED * most) for most in self._lengths(factors, moves))
        product = ((self.primal + primal * moves[0]) * (self.dual + dual * moves[3])).sum()
        product += (self.primals + primal * moves[1]) @ (self.duals + dual * moves[4])
        share = max(float(product) / self.size / self.gap, 1e-6)
        moves = self._direction(min(1.0, share**2), moves)
        lengths = self._lengths(factors, moves)
        part = _FURTHER if min(lengths) > 1 else _INSIDE
        primal, dual = (min(1.0, part * most) for most in lengths)
        self.primal = self.primal + primal * moves[0]
        self.primals = self.primals + primal * moves[1]
        self.unknowns = self.unknowns + dual * moves[2]
        self.dual = self.dual + dual * moves[3]
        self.dual = (self.dual + self.dual.T) / 2
        self.duals = self.duals + dual * moves[4]
        return True

    def _direction(
        self, share: float, predicted: tuple[Doubles, ...] | None
    ) -> tuple[Doubles, Doubles, Doubles, Doubles, Doubles]:
        """Return how both matrices, both kinds of numbers and the unknowns are to change."""
        aim, ratio = share * self.gap, self.primals / self.duals
        primal, primals = aim * self.inverse - self.primal, aim / self.duals - self.primals
        if predicted is not None:
            primal = primal - predicted[0] @ predicted[3] @ self.inverse
            primals = primals - predicted[1] * predicted[4] / self.duals
        whole = primal - self.carried
        right = self.missing - self.rows @ ((whole + whole.T) / 2).ravel()
        right[self.signs] -= self.beside * (primals - ratio * self.rests)
        solved = linalg.cho_solve((self.solver, True), self.scale * right, check_finite=False)
        unknowns = self.scale * solved
        dual = self.rest - self.combined(unknowns)
        duals = self.rests - self.beside * unknowns[self.signs]
        primal = primal - self.primal @ dual @ self.inverse
        return (primal + primal.T) / 2, primals - ratio * duals, unknowns, dual, duals

    def _lengths(
        self, factors: tuple[Doubles | None, Doubles | None], moves: tuple[Doubles, ...]
    ) -> tuple[float, float]:
        """Return how far both matrices and all numbers stay positive along a move."""
        primal = min(_longest(factors[0], moves[0]), _longest_of(self.primals, moves[1]))
        return primal, min(_longest(factors[1], moves[3]), _longest_of(self.duals, moves[4]))


def largest_corner(
    base: Doubles,
    terms: Doubles,
    signed: npt.NDArray[np.bool_],
    *,
    tolerance: float = 1e-3,
    enough: float = np.inf,
) -> Solution:
    r"""Find the largest :math:`t` that leaves a matrix positive.

    Args:
        base: :math:`M_0`, symmetric, shape (size, size).
        terms: the :math:`M_i`, shape (unknowns, size, size).
        signed: which unknowns may not be negative.
        tolerance: of the value, as a share.
        enough: a value with which one stops.

    Examples:
        >>> terms = np.array([[[0.0, 0.5], [0.5, 0.0]]])
        >>> round(largest_corner(np.diag([2.0, 1.0]), terms, np.array([False])).value, 2)
        2.0
    """
    point = _Point(base, terms, signed)
    feasible = False
    for _ in range(_STEPS):
        product, rest = point.look()
        value = float(point.wanted @ point.unknowns)
        feasible = rest < _DUAL_FEASIBLE
        if rest < _FEASIBLE and value > enough:
            break
        if rest < _NEARLY_FEASIBLE and product < tolerance * (1e-3 + abs(value)):
            break
        if not np.isfinite(product) or not point.step():
            break
    unknowns = point.unknowns / point.lengths
    return Solution(float(unknowns[-1]), unknowns[:-1], feasible, point.primal)


def _factor(matrix: Doubles) -> Doubles | None:
    """Return the lower Cholesky factor, if there is one."""
    factor, info = linalg.lapack.dpotrf(matrix, lower=1, clean=1)
    return None if info else np.asarray(factor)


def _longest(factor: Doubles | None, move: Doubles) -> float:
    """Return how far a positive matrix stays so along a move."""
    half = linalg.solve_triangular(factor, move, lower=True, check_finite=False)
    whole = linalg.solve_triangular(factor, half.T, lower=True, check_finite=False)
    if not np.isfinite(whole).all():
        return 0.0
    least = linalg.eigvalsh((whole + whole.T) / 2, subset_by_index=[0, 0])[0]
    return np.inf if least >= 0 else float(-1 / least)


def _longest_of(numbers: Doubles, moves: Doubles) -> float:
    """Return how far positive numbers stay so along their moves."""
    falling = moves < 0
    return float(np.min(-numbers[falling] / moves[falling], initial=np.inf))
