"""Float arrays as what they are: integers times one power of two.

Every finite float is ``k · 2^e`` with integers ``k`` and ``e``, so a finite float array is exactly
an integer array with one scale. All exact arithmetic of this package happens on those integers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from analytic.errors import AnalyticError

Integers = npt.NDArray[Any]
"""An integer array: int64 where the entries fit, Python integers (dtype object) where not."""

_WORD_BITS = 62
"""Entries below ``2**62`` in size stay int64: a sum or a difference of two of them still fits."""


_DIGITS = {2: 10, 4: 23, 8: 52}
"""How many binary digits a float of so many bytes keeps."""


@dataclass(frozen=True)
class Dyadic:
    """An array of dyadic rationals: ``numerators · 2**exponent``.

    Attributes:
        numerators: integers, int64 or (where they are too large for that) Python integers.
        exponent: the one power of two that scales them all.

    Examples:
        >>> Dyadic.from_floats(np.array([0.75, -2.0]), "weights")
        Dyadic(numerators=array([ 3, -8]), exponent=-2)
    """

    numerators: Integers
    exponent: int

    @classmethod
    def from_floats(cls, array: npt.ArrayLike, name: str) -> Dyadic:
        """Read a float array exactly.

        Args:
            array: float16, float32 or float64 of any shape, finite.
            name: what the array is called in an error.

        Returns:
            The same numbers, with the largest possible exponent.

        Raises:
            AnalyticError: this is no array, not floating point, or has a NaN or an infinity.
        """
        try:
            floats = np.asarray(array)
        except (TypeError, ValueError, RuntimeError) as error:
            raise AnalyticError(
                f"expected {name} to be a float array, got a {type(array).__name__}: {error}"
            ) from error
        if floats.dtype not in (np.float16, np.float32, np.float64):
            raise AnalyticError(f"expected {name} to hold floats, got dtype {floats.dtype}")
        odd, powers, finite = _decoded(floats)
        if not finite.all():
            where = tuple(int(i) for i in np.argwhere(~finite)[0])
            raise AnalyticError(
                f"expected {name} to be finite, got {floats[where]} at position {where}"
            )
        # The lowest set bit of a two's complement integer is k & -k; a zero has none.
        trailing = np.where(odd == 0, 0, np.frexp((odd & -odd).astype(np.float64))[1] - 1)
        odd >>= trailing
        powers += trailing
        nonzero = odd != 0
        if not nonzero.any():
            return cls(np.zeros(floats.shape, dtype=np.int64), 0)
        lowest = int(powers[nonzero].min())
        return cls(_shifted(odd, np.where(nonzero, powers - lowest, 0)), lowest)

    def __add__(self, other: Dyadic) -> Dyadic:
        """Return the exact elementwise sum."""
        exponent = min(self.exponent, other.exponent)
        return Dyadic(compact(widen(self.at(exponent)) + widen(other.at(exponent))), exponent)

    def at(self, exponent: int) -> Integers:
        """Return the numerators over ``2**exponent``, which must not exceed the own exponent."""
        shift = self.exponent - exponent
        return _shifted(self.numerators, np.full(self.numerators.shape, shift, dtype=np.int64))

    def fractions(self) -> npt.NDArray[np.object_]:
        """Return the numbers as an object array of :class:`fractions.Fraction`.

        Examples:
            >>> Dyadic.from_floats(np.array([0.75]), "weights").fractions()
            array([Fraction(3, 4)], dtype=object)
        """
        scale = Fraction(2) ** self.exponent
        flat = [int(k) * scale for k in self.numerators.ravel()]
        result = np.empty(len(flat), dtype=object)
        result[:] = flat
        return result.reshape(self.numerators.shape)


def exact(number: Fraction | float) -> Fraction:
    """Return a number as the fraction that it is.

    Raises:
        TypeError: it is no rational number.
        ValueError: it is not a number at all.
        OverflowError: it is infinite.

    Examples:
        >>> exact(0.75), exact(Fraction(1, 3)), exact(2)
        (Fraction(3, 4), Fraction(1, 3), Fraction(2, 1))
    """
    if isinstance(number, float | np.floating) and math.isfinite(number):
        read = Dyadic.from_floats(number, "number")
        return int(read.numerators) * Fraction(2) ** read.exponent
    return Fraction(number)


def _decoded(
    floats: npt.NDArray[np.floating[Any]],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return integers, powers of two that scale them, and which of the floats are finite.

    The bits are read, and no float is computed with or compared: where the processor was told to
    take subnormal numbers for zero, each of them would be one.
    """
    bits, digits = 8 * floats.itemsize, _DIGITS[floats.itemsize]
    words = floats.ravel().view(f"u{floats.itemsize}").astype(np.uint64)
    biased = (words >> digits & _ones(bits - 1 - digits)).astype(np.int64)
    # Before the digits that are kept there is a 1, but in zeros and subnormal numbers.
    integers = (words & _ones(digits)).astype(np.int64) | (biased > 0).astype(np.int64) << digits
    integers = np.where(words >> (bits - 1), -integers, integers)
    bias = _ones(bits - 2 - digits)
    powers = np.maximum(biased, 1) - (bias + digits)
    shape = floats.shape
    return integers.reshape(shape), powers.reshape(shape), (biased <= 2 * bias).reshape(shape)


def _ones(bits: int) -> int:
    return (1 << bits) - 1


def widen(integers: Integers) -> Integers:
    """Return Python integers, on which no operation overflows."""
    return integers if integers.dtype == object else integers.astype(object)


def compact(integers: Integers) -> Integers:
    """Return int64 where every entry fits with a bit to spare, the Python integers where not."""
    if integers.dtype != object or magnitude(integers) >> _WORD_BITS:
        return integers
    return integers.astype(np.int64)


def magnitude(integers: Integers) -> int:
    """Return the largest absolute value, 0 for an empty array."""
    return int(np.abs(integers).max()) if integers.size else 0


def _shifted(integers: Integers, shifts: npt.NDArray[np.int64]) -> Integers:
    if integers.size == 0:
        return integers
    bits = magnitude(integers).bit_length() + int(shifts.max())
    if integers.dtype != object and bits <= _WORD_BITS:
        return integers << shifts
    return compact(widen(integers) << shifts.astype(object))
