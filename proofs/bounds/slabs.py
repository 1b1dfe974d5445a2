r"""A ball around an image in slabs, in each of which a margin is bounded around a point of its own.

What a bend may be at most is the less sharp the longer moves are. With a direction :math:`w` of
length 1 and :math:`s = w \cdot v`, moves :math:`v` with :math:`\alpha \le s \le \beta` lie nearer
to :math:`\gamma w` with :math:`\gamma = \max(\alpha, 0)` than to the image:

.. math::
    |v - \gamma w|^2 = |v|^2 - 2 \gamma s + \gamma^2 \le \rho^2 - 2 \gamma \alpha + \gamma^2 .

Around the image moved by :math:`\gamma w` the margin is a quadratic of the move :math:`u = v -
\gamma w` and of other bends (:mod:`proofs.bounds.lagrangian`), and there is a multiplier
:math:`\tau \ge 0` of :math:`(s - \alpha)(s - \beta)`, which is nowhere positive in the slab. Where
:math:`s` is small, on the other hand, the margin has not fallen far yet.

The direction is that against the margin's slope, not at the image but some way ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from proofs.bounds.lagrangian import Multipliers, Quadratic
from proofs.bounds.surroundings import Surroundings

Doubles = npt.NDArray[np.float64]

CUTS = (0.3, 0.65)
"""Where a ball is divided at first, in parts of its radius."""

MOST_SLABS = 6
"""Into how many slabs a ball is divided at most."""

_AHEAD = 0.8
"""How far ahead the slope is taken, in parts of the radius."""

_TOWARDS, _STEP = 40, 0.3
"""How many steps are taken to where a margin vanishes, and which part of the way each time."""

_NEARLY = 0.02
"""Which part of itself a margin may have left."""

_TINY = float(np.finfo(np.float64).tiny)

_LEAST = 1e-4
"""The least distance that bends are bounded for, in parts of the radius."""

_OVER = 1 + 2.0**-20
"""How much wider than a ball all its slabs are together: more than rounding takes."""


@dataclass(frozen=True, eq=False)
class Slab:
    r"""The moves with :math:`\alpha \le w \cdot v \le \beta`.

    Attributes:
        direction: :math:`w`, in coordinates.
        low: :math:`\alpha`.
        high: :math:`\beta`.
    """

    direction: Doubles
    low: float
    high: float

    @property
    def centre(self) -> float:
        r"""The factor :math:`\gamma` of the direction, to a point from which they are nearer."""
        return max(self.low, 0.0)

    def halves(self) -> tuple[Slab, Slab]:
        """Return both halves; of what is behind the image, too, that is before it."""
        middle = (self.centre + self.high) / 2
        return replace(self, high=middle), replace(self, low=middle)

    def reach(self, radius: float) -> float:
        """Return how far from the centre those of a ball are at most.

        Args:
            radius: of the ball.
        """
        square = radius**2 - 2 * self.centre * self.low + self.centre**2
        return float(np.sqrt(max(square, (_LEAST * radius) ** 2)))

    def added(self, quadratic: Quadratic, multiplier: float) -> Quadratic:
        r"""Return a quadratic of the move from the image that is below another one in the slab.

        Args:
            quadratic: the other one, of the move from the centre.
            multiplier: :math:`\tau`.
        """
        drawn = quadratic.matrix @ self.direction
        bent = float(self.direction @ drawn)
        constant = quadratic.constant - self.centre * float(quadratic.slope @ self.direction)
        constant += self.centre**2 * bent + multiplier * self.low * self.high
        ends = multiplier * (self.low + self.high)
        slope = quadratic.slope - 2 * self.centre * drawn - ends * self.direction
        pair = np.outer(self.direction, self.direction)
        return Quadratic(constant, slope, quadratic.matrix + multiplier * pair)


@dataclass(frozen=True, eq=False)
class Slabs:
    """What a ball is divided into, and what proves a margin positive in each.

    Attributes:
        ahead: how far ahead the slope is taken; 0 where nothing is divided.
        ends: of the slabs, from below, with the first and the last one outside of the ball.
        multipliers: for each slab.
    """

    ahead: float
    ends: Doubles
    multipliers: list[Multipliers]

    @classmethod
    def whole(cls, radius: float, multipliers: Multipliers) -> Slabs:
        """Return a ball that is not divided."""
        return cls(0.0, np.array([-radius, radius]), [multipliers])

    def flat(self, slabs: int) -> Doubles:
        """Return how far ahead, and all ends, as for so many slabs; more of them are empty."""
        more = np.full(slabs + 1 - len(self.ends), self.ends[-1])
        return np.concatenate([[self.ahead], self.ends, more])

    def factors(self, slabs: int) -> Doubles:
        """Return the multipliers of all slabs, those of empty ones 0, shape (slabs, numbers)."""
        rows = np.array([each.flat() for each in self.multipliers])
        return np.asarray(np.pad(rows, ((0, slabs - len(rows)), (0, 0))))


def whole(around: Surroundings, radius: float) -> Slab:
    """Return all of a ball as one slab, along no direction.

    Args:
        around: the image.
        radius: of the ball.
    """
    return Slab(np.zeros(around.stack.basis.shape[1]), -radius, radius)


def divided(around: Surroundings, margin: Doubles, radius: float) -> tuple[float, list[Slab]]:
    """Return how far ahead the slope is taken, and the slabs of a ball.

    Args:
        around: the image.
        margin: the weights of the logits, shape (classes,).
        radius: of the ball.
    """
    ahead = _AHEAD * radius
    direction = _fall(around, margin, ahead * _fall(around, margin))
    ends = radius * np.array([-_OVER, *CUTS, _OVER])
    pairs = zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    return ahead, [Slab(direction, low, high) for low, high in pairs]


def vanishing(around: Surroundings, margin: Doubles) -> float:
    r"""Return about how far away a margin vanishes, where its slope always leads.

    Args:
        around: the image.
        margin: the weights of the logits, shape (classes,).

    Returns:
        The length of a move by steps to the nearest point at which the margin seems to vanish;
        infinite where it does not end near such a one.
    """
    stack, move = around.stack, np.zeros(around.stack.basis.shape[1])
    for _ in range(_TOWARDS):
        value, slope = stack.sloping(around.point + stack.basis @ move, margin)
        aimed = slope * (slope @ move - value) / max(float(slope @ slope), _TINY)
        move += _STEP * (aimed - move)
    value = stack.sloping(around.point + stack.basis @ move, margin)[0]
    near = value <= _NEARLY * float(margin @ around.logits)
    return float(np.linalg.norm(move)) if near else np.inf


def _fall(around: Surroundings, margin: Doubles, move: Doubles | float = 0.0) -> Doubles:
    """Return the direction in which a margin falls, of length 1; of no slope, zeros."""
    stack = around.stack
    moved = stack.basis @ move if isinstance(move, np.ndarray) else 0.0
    slope = stack.sloping(around.point + moved, margin)[1]
    length = float(np.linalg.norm(slope))
    return -slope / length if length > 0 else np.zeros_like(slope)
