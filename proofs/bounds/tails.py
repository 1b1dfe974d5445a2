r"""How much bends are held along the directions of hidden states that are not looked at.

Their multipliers are a factor :math:`\varphi` times those that are usual for a pair of classes.
Where it is too small a bend is not held, and nothing is proved; where it is too large, what bends
are allowed costs more than it gains. Where margins differ by orders of magnitude, so do factors.

A search in few directions of the input and of bends (:mod:`proofs.bounds.relaxation`) ends with
weights :math:`X \succeq 0`, by which the radius that is proved depends on each entry of what is to
be positive. Let :math:`A` be that form on the other bends alone, :math:`G` its rows that join these
to all that is looked at, :math:`D` the usual multipliers, and :math:`S` what they allow. Then about

.. math::
    \operatorname{tr}\big((A + \varphi D)^{-1}\,G X G^\top\big)
    + \varphi\,\langle S, X \rangle

is lost, a convex function of :math:`\varphi`. Factors are found from the last hidden state down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import linalg

from proofs.bounds.lagrangian import Margin, Multipliers, eliminated, spread, weighted
from proofs.bounds.surroundings import eigenvalues

Doubles = npt.NDArray[np.float64]

_MORE = 1.02
"""How much more than the least factor that holds a bend is taken at least."""

_LEAST, _MOST = 1e-9, 1e9
"""Between which factors one is looked for, in units of what is to be held."""

_HALVED = 60
"""How often that interval is halved, as one of logarithms."""

_TINY = float(np.finfo(np.float64).tiny)


def fitted_tails(
    margin: Margin, multipliers: Multipliers, outer: Sequence[Doubles], seen: Sequence[Doubles]
) -> Doubles | None:
    """Return factors for all hidden states, about those with which least is lost.

    Args:
        margin: around an image.
        multipliers: all others.
        outer: what the squares of the moves are below, :func:`outer_bounds`.
        seen: the weights of the squares of what the first layer reads (``Stack.ones``), and for
            each hidden state of 1 and its move.

    Returns:
        None where a bend is not held, whatever the factors are.
    """
    stack, slopes = margin.around.stack, margin.around.jacobians
    top, row = margin.last, np.zeros(len(margin.last))
    found = multipliers.tails.copy()
    for level in reversed(range(len(margin.kept))):
        if len(margin.usual[level]):
            lost, held = _others(margin, level, top, row, multipliers.bends[level], seen[level + 1])
            found[level] = _least_lost(lost, held, _allowed(margin, level, outer, seen[level]))
        if not level:
            break
        linear = multipliers.linear[level] @ margin.kept[level]
        weights = margin.held(level, replace(multipliers, tails=found))
        below = eliminated(top, row, linear, weights, slopes[level])
        if below is None:
            return None
        top, row, _ = below
        top += weighted(stack, level, margin.gradients[level + 1] + linear)
        top -= spread(stack, level, weights, outer[level])
    return found if np.isfinite(found).all() else None


def _allowed(margin: Margin, level: int, outer: Sequence[Doubles], seen: Doubles) -> float:
    """Return what the usual multipliers of a state's other bends cost."""
    stack, usual = margin.around.stack, margin.tails[level]
    if not level:
        return float(outer[0] * np.vdot(stack.products(usual), seen))
    return float(np.vdot(spread(stack, level, usual, outer[level]), seen[1:, 1:]))


def _others(
    margin: Margin, level: int, top: Doubles, row: Doubles, bends: Doubles, seen: Doubles
) -> tuple[Doubles, Doubles]:
    """Return what is lost to a state's other bends, and how much holds them, without a factor.

    Args:
        margin: around an image.
        level: of the state.
        top: the form of its move.
        row: the slope.
        bends: the multipliers of the kept directions.
        seen: the weights of the squares of 1 and its move.

    Returns:
        Along directions in which the form and the usual multipliers, which are 1 there, are
        diagonal: what is lost where they are held once, and the form.
    """
    inverse = margin.inverses[level]
    kept = inverse[:, : len(bends)]
    others = inverse[:, len(bends) :] / np.sqrt(np.maximum(margin.usual[level], _TINY))
    form, joined = others.T @ top @ others, kept.T @ top @ others
    factor, info = linalg.lapack.dpotrf(kept.T @ top @ kept + np.diag(bends))
    if len(bends) and not info:
        form = form - joined.T @ linalg.cho_solve((factor, False), joined, check_finite=False)
    values, vectors = eigenvalues((form + form.T) / 2)
    drawn = (others @ vectors).T @ np.column_stack([row / 2, top])
    return np.maximum(((drawn @ seen) * drawn).sum(axis=1), 0.0), values


def _least_lost(lost: Doubles, held: Doubles, allowed: float) -> float:
    r"""Return the factor with which :math:`\sum_i g_i / (a_i + \varphi) + \varphi s` is least.

    Args:
        lost: :math:`g`.
        held: :math:`a`, ascending.
        allowed: :math:`s`.
    """
    size = float(abs(held).max()) or 1.0
    least = max(-float(held[0]), 0.0)
    low, high = np.log(_LEAST * size), np.log(_MOST * size)
    for _ in range(_HALVED):
        middle = (low + high) / 2
        falling = (lost / (held + least + np.exp(middle)) ** 2).sum() > allowed
        low, high = (middle, high) if falling else (low, middle)
    return float(_MORE * least + np.exp(high))
