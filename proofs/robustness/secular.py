r"""The trust-region problem in the eigenbasis, for many images at once.

The smallest :math:`\lVert\delta\rVert` with :math:`g \cdot \delta + \sum_i \lambda_i \delta_i^2
\le -s` for a slack :math:`s > 0` is not a convex problem, and still equal to its dual,

.. math::
    \rho^2 = \max_{\mu \ge 0,\; 1 + \mu\lambda_i \ge 0}\;
    \mu s - \sum_i \frac{(\mu g_i)^2}{4\,(1 + \mu\lambda_i)}.

The dual is stationary where :math:`\delta_i = -\tfrac12 g_i / (\nu + \lambda_i)`, with
:math:`\nu = 1/\mu`, uses up the slack (the secular equation):

.. math::
    h(\nu) = \sum_i \tfrac14 g_i^2
    \Big(\frac{1}{\nu + \lambda_i} + \frac{\nu}{(\nu + \lambda_i)^2}\Big) = s.

In the *hard case* :math:`h` stays below :math:`s` down to :math:`\nu = -\lambda_{\min}`, because
:math:`g` has no part in the eigenspace of the least eigenvalue. A step within this eigenspace then
uses up the rest.

The unknown here is :math:`\sigma = \nu - \max(0, -\lambda_{\min})`: differences of eigenvalues are
accurate, so nothing cancels near the hard case. Lengths are measured in units in which the slack
and the largest :math:`|g_i|` are 1, so that no square leaves the range of float64.

Source:
    J. J. Moré and D. C. Sorensen, *Computing a trust region step*, SIAM J. Sci. Stat. Comput. 4
    (1983), for the safeguarded Newton iteration on the inverse of a norm, here
    :math:`h^{-1/2}`; I. Pólik and T. Terlaky, *A survey of the S-lemma*, SIAM Review 49 (2007), for
    the dual.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_EPSILON = float(np.finfo(np.float64).eps)

_TOLERANCE = 8 * _EPSILON
"""How closely the slack is used up: as closely as the sums of the equation are known."""

_NEGLIGIBLE = 1e-140
"""A part of the gradient that is smaller than this, in the units of the problem, counts as none."""


@dataclass(frozen=True, eq=False)
class Steps:
    r"""The smallest steps that use up the slack of each problem.

    Attributes:
        lengths: :math:`\rho`, shape (problems,): 0 where there is no slack, infinite where no step
            uses it up.
        multipliers: :math:`\mu`, shape (problems,): 0 where there is no slack, infinite where no
            step uses it up, or where one just does, at the minimum.
        steps: :math:`\delta`, shape (problems, inputs); not finite where there is none.
    """

    lengths: Doubles
    multipliers: Doubles
    steps: Doubles


def smallest_steps(slacks: Doubles, gradients: Doubles, eigenvalues: Doubles) -> Steps:
    r"""Solve one trust-region problem for each row of gradients.

    Args:
        slacks: :math:`s`, shape (problems,).
        gradients: :math:`g`, shape (problems, inputs).
        eigenvalues: :math:`\lambda`, the same for all problems, shape (inputs,), or of each, shape
            (problems, inputs).

    Examples:
        >>> found = smallest_steps(np.array([3.0]), np.array([[0.0, 4.0]]), np.array([-8.0, 0.0]))
        >>> found.multipliers, found.lengths**2
        (array([0.125]), array([0.3125]))
        >>> found.steps
        array([[ 0.5 , -0.25]])
    """
    found = Steps(np.zeros(len(slacks)), np.zeros(len(slacks)), np.zeros(gradients.shape))
    positive = np.flatnonzero(slacks > 0)
    eigenvalues = eigenvalues if eigenvalues.ndim == 1 else eigenvalues[positive]
    # What leaves the range becomes what it stands for: a part that vanishes, or an infinite length.
    with np.errstate(all="ignore"):
        solved = _solved(slacks[positive], gradients[positive], eigenvalues)
    found.lengths[positive] = solved.lengths
    found.multipliers[positive] = solved.multipliers
    found.steps[positive] = solved.steps
    return found


def _solved(slacks: Doubles, gradients: Doubles, eigenvalues: Doubles) -> Steps:
    """Solve problems that have slack."""
    least = abs(np.minimum(eigenvalues.min(axis=-1), 0.0))
    sizes = abs(gradients).max(axis=1)
    units = slacks / sizes
    flat = ~(units * (least / sizes) < _NEGLIGIBLE**-2)
    sizes[flat] = units[flat] = np.sqrt(slacks[flat])
    scaled = np.where(flat[:, None], 0.0, gradients / sizes[:, None])
    gaps = units[:, None] * ((eigenvalues + least[..., None]) / sizes[:, None])
    floors = units * (least / sizes)
    lowest = np.broadcast_to(eigenvalues == -least[..., None], scaled.shape)
    scaled[lowest & (abs(scaled) < _NEGLIGIBLE)] = 0.0
    rest = _rest(scaled, gaps, floors, lowest)
    hard = rest >= 0
    sigma = np.zeros(len(slacks))
    sigma[~hard] = _roots(scaled[~hard], gaps[~hard], floors[~hard], lowest[~hard])
    steps = -_quotients(scaled, sigma[:, None] + gaps) / 2
    # Without negative eigenvalues there is no step within the lowest eigenspace: 1 / 0 is infinite.
    first = np.broadcast_to(eigenvalues.argmin(axis=-1), hard.shape)
    steps[hard, first[hard]] += np.sqrt(_quotients(rest[hard], floors[hard]))
    return Steps(
        units * np.linalg.norm(steps, axis=1),
        units / sizes / (sigma + floors),
        units[:, None] * steps,
    )


def _rest(scaled: Doubles, gaps: Doubles, floors: Doubles, lowest: Flags) -> Doubles:
    r"""Return what is left of the slack at :math:`\sigma = 0`; not positive if a root is above."""
    quotients = _quotients(scaled, np.where(lowest, np.inf, gaps))
    used = (quotients * (scaled + floors[:, None] * quotients)).sum(axis=1) / 4
    rest = 1 - used
    # A minimum that just reaches is reached, whichever way its sums are rounded.
    rest[(floors == 0) & (abs(rest) <= lowest.shape[1] * _TOLERANCE)] = 0
    return np.where((lowest & (scaled != 0)).any(axis=1), -np.inf, rest)


def _roots(scaled: Doubles, gaps: Doubles, floors: Doubles, lowest: Flags) -> Doubles:
    r"""Return :math:`\sigma` where the slack is used up, by Newton's method within a bracket."""
    lower = _single_root((np.where(lowest, scaled, 0.0) ** 2).sum(axis=1), floors)
    upper = _single_root((scaled**2).sum(axis=1), floors)
    sigma = np.where(lower > 0, np.sqrt(lower) * np.sqrt(upper), upper / 2)
    active = np.arange(len(sigma))
    while len(active):
        at = sigma[active]
        used, slope = _secular(scaled, gaps, floors, at)
        lower[active] = np.where(used > 1, at, lower[active])
        upper[active] = np.where(used > 1, upper[active], at)
        low, high = lower[active], upper[active]
        # Newton's step for the inverse root of what is used up, which is nearly linear.
        step = at + 2 * (used - used**1.5) / slope
        middle = np.where(low > 0, np.sqrt(low) * np.sqrt(high), high / 2)
        sigma[active] = np.where((low < step) & (step < high), step, middle)
        done = abs(used - 1) <= _TOLERANCE
        sigma[active[done]] = at[done]
        open_ones = ~done & (high - low > 2 * _EPSILON * high)
        if not open_ones.all():
            active = active[open_ones]
            scaled, gaps, floors = scaled[open_ones], gaps[open_ones], floors[open_ones]
    return sigma


def _secular(
    scaled: Doubles, gaps: Doubles, floors: Doubles, sigma: Doubles
) -> tuple[Doubles, Doubles]:
    r"""Return :math:`h` and its derivative at :math:`\sigma`."""
    inverses = 1 / (sigma[:, None] + gaps)
    quotients = scaled * inverses
    squares = quotients * quotients
    nu = sigma + floors
    used = np.einsum("ij,ij->i", quotients, scaled) + nu * squares.sum(axis=1)
    slope = np.einsum("ij,ij->i", squares, inverses)
    return used / 4, -nu * slope / 2


def _single_root(square: Doubles, floors: Doubles) -> Doubles:
    r"""Return :math:`\sigma` where a gradient within the lowest eigenspace uses up the slack."""
    return np.asarray((square / 2 + np.sqrt(square**2 / 4 + square * floors)) / 2)


def _quotients(numerators: Doubles, denominators: Doubles) -> Doubles:
    """Divide; nothing by nothing is nothing."""
    return np.where(numerators == 0, 0.0, numerators / denominators)
