r"""The least that a margin can be on a ball around an image, by Lagrange multipliers.

With :math:`a_l` the derivative of the margin by the hidden state :math:`l`, the margin moves by

.. math::
    m - m_0 = a_1 \cdot (J_1 U z + p) + z^\top C_{a_1} z
    + \sum_{l \ge 2} \delta_{l-1}^\top N^l_{a_l}\,\delta_{l-1},

exactly, in the terms of :mod:`proofs.bounds.surroundings`. This is a quadratic in :math:`z`,
:math:`p` and the bends :math:`q_l`, which are not free. Where all :math:`\delta_{l-1}` of the ball
satisfy :math:`\delta_{l-1} \delta_{l-1}^\top \preceq T_{l-1}`, for every vector :math:`w`

.. math::
    (w \cdot q_l)^2 = (\delta_{l-1}^\top N^l_w\,\delta_{l-1})^2
    \le \delta_{l-1}^\top N^l_w T_{l-1} N^l_w\,\delta_{l-1},

so the rows :math:`w` of any matrix :math:`W_l` give :math:`|W_l q_l|^2 \le \delta_{l-1}^\top
S_l\,\delta_{l-1}` with :math:`S_l = \sum_w N^l_w T_{l-1} N^l_w`. A multiplier :math:`\mu \ge 0` for
the ball and :math:`\nu_l \ge 0` for each of these prove that the margin stays positive if

.. math::
    m + \mu\,\big(|z|^2 + |p|^2 / \kappa^2 - \rho^2\big)
    + \sum_l \nu_l\,\big(|W_l q_l|^2 - \delta_{l-1}^\top S_l\,\delta_{l-1}\big) > 0

for all :math:`z, p, q`: a symmetric matrix that is positive definite. As :math:`\delta_l = J_l
\delta_{l-1} + q_l`, each bend and then :math:`p` are eliminated by a Schur complement.

Source:
    The S-procedure: S. Boyd and L. Vandenberghe, *Convex Optimization*, appendix B.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from proofs.bounds.norms import schatten_norms
from proofs.bounds.surroundings import Surroundings

Doubles = npt.NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)

_SHARE = 1e-3
"""How unlike the shares may be in which a sum of two moves is divided."""

_SPARED = 1e-6
"""The share of a margin that counts as nothing."""

_GROWTHS = 60
_GROWTH = 1.5
"""By how much, and how often, a multiplier grows that leaves the matrix indefinite."""


@dataclass(frozen=True, eq=False)
class Reach:
    r"""What a ball around an image reaches.

    Attributes:
        radius: :math:`\rho`.
        missing: :math:`\kappa`.
        slope: its derivative by the radius.
        spreads: the matrices :math:`S_l`, the first one for :math:`z`.
    """

    radius: float
    missing: float
    slope: float
    spreads: list[Doubles]

    @classmethod
    def of(cls, around: Surroundings, radius: float) -> Reach:
        """Return what a ball around an image reaches."""
        stack = around.stack
        missing = around.missing + 2 * radius * stack.furthest
        spreads = [radius**2 * stack.spread] * bool(stack.roots)
        product = around.straight @ around.straight.T + missing * missing * np.eye(
            len(around.straight)
        )
        product, bend = radius**2 * product, radius**4 * stack.bend
        for level, forms in enumerate(stack.turned[1:]):
            bent = bend * stack.roots[level] @ stack.roots[level].T
            share = np.sqrt(np.trace(bent) / max(np.trace(product), _TINY))
            share = min(max(share, _SHARE), 1 / _SHARE)
            product = (1 + share) * product + (1 + 1 / share) * bent
            spreads.append(np.tensordot(forms @ product, forms, ((0, 2), (0, 1))))
            bend = float(schatten_norms(spreads[-1] @ product))
            product = around.jacobians[level] @ product @ around.jacobians[level].T
        return cls(radius, missing, 2 * stack.furthest, spreads)


@dataclass(frozen=True, eq=False)
class Floor:
    """What multipliers prove, and how to improve on them.

    Attributes:
        value: the margin is nowhere smaller.
        slope: an estimate of its derivative by the radius.
        multipliers: that have proved it.
        better: multipliers that probably prove more.
    """

    value: float
    slope: float
    multipliers: Doubles
    better: Doubles


@dataclass(frozen=True, eq=False)
class Margin:
    r"""A margin around an image.

    Attributes:
        value: :math:`m_0`.
        gradient: :math:`a_1`, shape (components of the first state,).
        straight: :math:`J_1 U`, shape (components of the first state, directions).
        bend: :math:`C_{a_1}`, shape (directions, directions).
        jacobians: :math:`J_l` from the second layer to the last but one.
        forms: :math:`N^l_{a_l}` from the second layer on.
        roots: :math:`R_l = W_l^{-1}` for every hidden state.
    """

    value: float
    gradient: Doubles
    straight: Doubles
    bend: Doubles
    jacobians: list[Doubles]
    forms: list[Doubles]
    roots: list[Doubles]

    def floor(self, reach: Reach, multipliers: Doubles) -> Floor | None:
        r"""Return what multipliers prove; where they are too small, larger ones.

        Args:
            reach: of the ball.
            multipliers: :math:`\mu` and all :math:`\nu_l`, above 0.

        Returns:
            None if no larger ones were found that make the matrix positive definite.
        """
        tried = multipliers.copy()
        for _ in range(_GROWTHS):
            try:
                return self._floor(reach, tried)
            except _IndefiniteError as error:
                tried[error.args[0]] *= _GROWTH
        return None

    def _floor(self, reach: Reach, multipliers: Doubles) -> Floor:
        mu, nu = float(multipliers[0]), multipliers[1:]
        steps, top = [], np.zeros((len(self.gradient),) * 2)
        for level in range(len(nu) - 1, -1, -1):
            top = self.forms[level] if level + 1 == len(nu) else top
            root = self.roots[level]
            drawn = root.T @ top
            factor = _factor(drawn @ root, nu[level], level + 1)
            bent = _solved(factor, drawn)
            steps.append(bent)
            top = top - drawn.T @ bent
            if level:
                jacobian = self.jacobians[level - 1]
                top = self.forms[level - 1] + jacobian.T @ top @ jacobian
                top -= nu[level] * reach.spreads[level]
        # What is left to choose is p, in units of kappa, and z.
        scaled, kappa = reach.missing * top, reach.missing
        factor = _factor(kappa * scaled, mu, 0)
        pulled = _solved(factor, np.column_stack([scaled, kappa * self.gradient / 2]))
        top = top - scaled.T @ pulled[:, :-1]
        slope = self.gradient / 2 - scaled.T @ pulled[:, -1]
        matrix = self.bend + self.straight.T @ top @ self.straight
        if len(nu):
            matrix = matrix - nu[0] * reach.spreads[0]
        drop = self.straight.T @ slope
        whole = _factor(matrix, mu, 0)
        z = -_solved(whole, drop)
        value = self.value - mu * reach.radius**2 + float(drop @ z)
        value -= kappa * float(self.gradient @ pulled[:, -1]) / 2
        p = -pulled[:, :-1] @ (self.straight @ z) - pulled[:, -1]
        return self._improved(reach, multipliers, steps[::-1], value, (z, p), (whole, factor))

    def _improved(
        self,
        reach: Reach,
        multipliers: Doubles,
        steps: list[Doubles],
        value: float,
        moves: tuple[Doubles, Doubles],
        factors: tuple[tuple[Doubles, bool], tuple[Doubles, bool]],
    ) -> Floor:
        """Read better multipliers off the worst move: constraints that it breaks count more."""
        better, squares = multipliers.copy(), float(sum(move @ move for move in moves))
        turned = sum(
            float(move @ _solved(factor, move)) for move, factor in zip(moves, factors, strict=True)
        )
        excess = np.sqrt(squares) / reach.radius - 1
        stiffness = squares / turned if turned > 0 else multipliers[0]
        better[0] = max(multipliers[0] + excess * stiffness, multipliers[0] / 4)
        kappa, (z, p) = reach.missing, moves
        slope = -2 * multipliers[0] * reach.radius
        slope += reach.slope * float(self.gradient @ p)
        moved = self.straight @ z + kappa * p
        below = z
        for level, step in enumerate(steps):
            bend = -step @ moved
            allowed = float(below @ reach.spreads[level] @ below)
            spent = float(bend @ bend)
            ratio = np.sqrt(spent / max(allowed, _TINY))
            # Where a bend costs next to nothing, there is no need to forbid it.
            most = 4.0 if multipliers[level + 1] * spent > _SPARED * self.value else 1.0
            better[level + 1] *= np.clip(ratio, 0.25, most)
            slope -= multipliers[level + 1] * allowed * (2 if level == 0 else 3) / reach.radius
            below = moved + self.roots[level] @ bend
            if level + 1 < len(steps):
                moved = self.jacobians[level] @ below
        return Floor(value, slope, multipliers, better)


def margins(around: Surroundings, label: int) -> Iterator[tuple[int, Margin]]:
    """Yield the margin over every rival, that which seems to vanish nearest first.

    Args:
        around: a stack at an image.
        label: the class that is to be kept.
    """
    stack, classes = around.stack, len(around.logits)
    gradients = np.eye(classes)[label] - np.eye(classes)
    values, forms = gradients @ around.logits, []
    for matrices, jacobian in zip(stack.forms[::-1], around.jacobians[::-1], strict=True):
        forms.append(np.tensordot(gradients, matrices, 1))
        gradients = gradients @ jacobian
    bends = np.tensordot(gradients, stack.bends, 1)
    slopes = np.linalg.norm(gradients @ around.straight, axis=1)
    distances = np.divide(values, slopes, out=np.full(classes, np.inf), where=slopes > 0)
    for rival in np.argsort(distances, kind="stable").tolist():
        if rival != label:
            yield (
                rival,
                Margin(
                    float(values[rival]),
                    gradients[rival],
                    around.straight,
                    bends[rival],
                    around.jacobians,
                    [form[rival] for form in reversed(forms)],
                    stack.roots,
                ),
            )


class _IndefiniteError(ValueError):
    """A multiplier, by its place, that is too small for a positive definite matrix."""


def _factor(matrix: Doubles, added: float, place: int) -> tuple[Doubles, bool]:
    """Return the Cholesky factor of a matrix with a multiplier on its diagonal."""
    total = matrix.copy()
    total[np.diag_indices_from(total)] += added
    factor, info = linalg.lapack.dpotrf(total)
    if info:
        raise _IndefiniteError(place)
    return factor, False


def _solved(factor: tuple[Doubles, bool], right: Doubles) -> Doubles:
    """Solve a system by a Cholesky factor; what is not finite stays so."""
    return np.asarray(linalg.cho_solve(factor, right, check_finite=False))
