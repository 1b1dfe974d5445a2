r"""Arrays of numbers that are known to within a radius, rounding accounted for.

A floating-point number system rounds by
:math:`\mathrm{fl}(a \circ b) = (a \circ b)(1 + \delta) + \eta` with :math:`|\delta| \le u`;
:math:`\eta` is what a result near zero loses, whether it is rounded to a subnormal number or
flushed to zero; operands near zero may be flushed too. For a sum of :math:`n` products, in whatever
order it is taken and with or without fused operations, that makes

.. math::
    |\mathrm{fl}(x \cdot y) - x \cdot y| \le \gamma_n\,|x| \cdot |y|
    + \eta'\,(|x| \cdot 1 + 1 \cdot |y| + n), \qquad
    \gamma_n = \frac{n u}{1 - n u},

with :math:`\eta'` a few times the smallest normal number. Midpoints and radii are float64 arrays,
so that products of them run at the speed of a matrix product; what rounding does to the radii
themselves is paid for by a factor.

Source:
    N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed., sections 2.2 and 3.1;
    S. M. Rump, *Fast and parallel interval arithmetic*, BIT 39 (1999), for midpoint and radius.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

ROUNDED_UP = 1 + 2.0**-30
"""More than rounding takes from a sum of a million numbers that are not negative."""

TINY = 2.0**-1074
"""The smallest positive float64."""

_SMALL = 2.0**-1000
"""More than underflows in a bound, and far from subnormal numbers, which processors are slow at."""

_MOST_TERMS = 2**20

_SPARE_TERMS = 4
"""Beside those of a sum: roundings of its factors in the bounds themselves."""


@dataclass(frozen=True)
class Arithmetic:
    """A binary floating-point arithmetic that rounds to nearest, and may flush to zero.

    Attributes:
        name: that of its dtype.
        unit: half the distance from 1 to the next number.
        tiny: more than twice what an operation with a result near zero loses.
        largest: the largest number.
    """

    name: str
    unit: float
    tiny: float
    largest: float

    def gamma(self, terms: int) -> float:
        r"""Return a bound on the relative rounding of a sum of so many products.

        .. math::
            \gamma_n = \frac{n u}{1 - n u}.

        Raises:
            ProofError: they are more than a million, for which rounding is not accounted for.

        Examples:
            >>> 4 < FLOAT64.gamma(4) / 2.0**-53 < 4 + 1e-8
            True
        """
        if terms > _MOST_TERMS:
            raise ProofError(f"expected sums of at most {_MOST_TERMS} products, got {terms}")
        return ROUNDED_UP * terms * self.unit / (1 - terms * self.unit)


FLOAT64 = Arithmetic("float64", 2.0**-53, 2.0**-1018, float(np.finfo(np.float64).max))
FLOAT32 = Arithmetic("float32", 2.0**-24, 2.0**-122, float(np.finfo(np.float32).max))
ARITHMETICS = {item.name: item for item in (FLOAT64, FLOAT32)}
"""The arithmetics by the name of their dtype."""


@dataclass(frozen=True, eq=False)
class Enclosure:
    r"""Numbers :math:`t`, each with a midpoint :math:`m` and a radius :math:`r`.

    Both the midpoint and what the arithmetic makes of the number, :math:`c`, lie within the radius:
    :math:`|m - t| \le r` and :math:`|c - t| \le r`. A radius is infinite where the arithmetic may
    overflow.

    Attributes:
        midpoint: float64, of any shape.
        radius: float64, of the same shape, not negative.
        arithmetic: in which the numbers are computed.

    Examples:
        >>> row = Enclosure.exact(np.array([[0.1, 0.2]]))
        >>> square = row @ row.T
        >>> bool(square.radius[0, 0] < 1e-16)
        True
    """

    midpoint: Doubles
    radius: Doubles
    arithmetic: Arithmetic = FLOAT64

    @classmethod
    def exact(cls, array: npt.ArrayLike, arithmetic: Arithmetic = FLOAT64) -> Enclosure:
        """Return floats as themselves.

        Args:
            array: float32 or float64.
            arithmetic: one that has these numbers.

        Raises:
            ProofError: a number is not finite, or none of the arithmetic.

        Examples:
            >>> Enclosure.exact(np.array([0.1]), FLOAT32)
            Traceback (most recent call last):
            ...
            proofs.errors.ProofError: expected numbers of float32, got 0.1
        """
        numbers = np.asarray(array, dtype=np.float64)
        with np.errstate(over="ignore"):
            strange = numbers[numbers.astype(arithmetic.name) != numbers]
        if strange.size or not np.isfinite(numbers).all():
            found = strange[0] if strange.size else numbers[~np.isfinite(numbers)][0]
            raise ProofError(f"expected numbers of {arithmetic.name}, got {found}")
        return cls(numbers, np.zeros_like(numbers), arithmetic)

    @property
    def size(self) -> Doubles:
        """Bounds on the sizes: none of the three numbers is larger."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(ROUNDED_UP * (abs(self.midpoint) + 2 * self.radius))

    @property
    def lower(self) -> Doubles:
        """Bounds from below on the exact numbers."""
        return np.asarray(np.nextafter(self.midpoint - self.radius, -np.inf))

    @property
    def upper(self) -> Doubles:
        """Bounds from above on the exact numbers."""
        return np.asarray(np.nextafter(self.midpoint + self.radius, np.inf))

    @property
    def T(self) -> Enclosure:  # noqa: N802 -- as numpy has it
        """The same numbers with the last two axes exchanged."""
        return Enclosure(
            self.midpoint.swapaxes(-1, -2), self.radius.swapaxes(-1, -2), self.arithmetic
        )

    def __getitem__(self, place: Any) -> Enclosure:  # noqa: ANN401 -- as numpy has it
        """Return some of the numbers."""
        return Enclosure(self.midpoint[place], self.radius[place], self.arithmetic)

    def __neg__(self) -> Enclosure:
        """Return the negative numbers."""
        return Enclosure(-self.midpoint, self.radius, self.arithmetic)

    def __add__(self, other: Enclosure) -> Enclosure:
        r"""Return the sums: :math:`r = r_1 + r_2 + u\,(|m_1 + m_2| + 2 r_1 + 2 r_2)`."""
        with np.errstate(over="ignore", invalid="ignore"):
            total, spread = self.midpoint + other.midpoint, self.radius + other.radius
            rounding = self.arithmetic.unit * (abs(total) + 2 * spread)
            return self._rounded(total, spread + rounding, terms=1)

    def __mul__(self, other: Enclosure) -> Enclosure:
        r"""Return the products, entry by entry, as :meth:`__matmul__` with one term."""
        first, second, gamma = self.size, other.size, self.arithmetic.gamma(1)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            radius = first * (gamma * second + other.radius + _SMALL) + self.radius * second
            radius += self.arithmetic.tiny * (first + second)
            return self._rounded(self.midpoint * other.midpoint, radius, terms=1)

    def __matmul__(self, other: Enclosure) -> Enclosure:
        r"""Return the matrix product, for sums in any order.

        .. math::
            r = \gamma_n\,s_1 s_2 + s_1 r_2 + r_1 s_2 + \eta'\,(s_1 1 + 1 s_2 + n),

        with :math:`s` the bounds on the sizes. An operand near zero that is flushed takes no more
        than the smallest normal number times the other one.
        """
        first, second = self.size, other.size
        terms = self.midpoint.shape[-1] + _SPARE_TERMS
        gamma = self.arithmetic.gamma(terms)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            if other.radius.any():
                radius = first @ (gamma * second + other.radius + _SMALL)
                if self.radius.any():
                    radius += self.radius @ second
            else:
                radius = (gamma * first + self.radius + _SMALL) @ second
            flushed = first.sum(axis=-1, keepdims=True) + second.sum(axis=-2, keepdims=True)
            radius += self.arithmetic.tiny * flushed
            return self._rounded(self.midpoint @ other.midpoint, radius, terms=terms)

    def _rounded(self, midpoint: Doubles, radius: Doubles, *, terms: int) -> Enclosure:
        """Make up for the rounding of a radius, and for overflow and underflow in the arithmetic.

        A radius is at least gamma times the sum of the terms' sizes, so one far below gamma times
        the largest number says that no partial sum was out of range.
        """
        lost = terms * (self.arithmetic.tiny + 4 * TINY)
        total = np.asarray(ROUNDED_UP * radius + lost)
        limit = self.arithmetic.gamma(terms) * self.arithmetic.largest / 4
        known = np.isfinite(midpoint) & (total < limit)
        return Enclosure(
            np.where(known, midpoint, 0.0), np.where(known, total, np.inf), self.arithmetic
        )


def concatenated(parts: list[Enclosure], axis: int) -> Enclosure:
    """Return enclosures of one arithmetic one after the other along an axis.

    Examples:
        >>> one = Enclosure.exact(np.ones((1, 2)))
        >>> concatenated([one, one], axis=0).midpoint.shape
        (2, 2)
    """
    midpoints, radii = (
        np.concatenate([getattr(part, name) for part in parts], axis=axis)
        for name in ("midpoint", "radius")
    )
    return Enclosure(midpoints, radii, parts[0].arithmetic)
