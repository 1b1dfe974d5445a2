"""Integer matrix arithmetic on float64 BLAS, one prime at a time, put together by the CRT.

A product of integers known modulo enough primes is known exactly as soon as the product of the
primes exceeds twice its size. Modulo one prime below ``2**22`` with centred residues, sums of up to
1,024 products stay at or below ``2**52`` and are therefore exact in float64.

Source:
    J. von zur Gathen and J. Gerhard, *Modern Computer Algebra*, 3rd ed., section 5.4-5.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from analytic.dyadic import Integers
from analytic.errors import AnalyticError

Residues = npt.NDArray[np.float64]
"""Centred residues, integers of at most ``2**21`` in size, held in float64 for BLAS."""

_PRIME_LIMIT = 2**22
_INNER_LIMIT = 1024
_EXACT_FLOATS = 2**53
_DIGITS_AT_ONCE = 2**20
_NEAR_HALF = 0.49


@lru_cache(maxsize=1)
def all_primes() -> npt.NDArray[np.int64]:
    """Return all primes between ``2**21`` and ``2**22``, the largest first."""
    composite = np.zeros(_PRIME_LIMIT, dtype=bool)
    composite[:2] = True
    for candidate in range(2, int(_PRIME_LIMIT**0.5) + 1):
        if not composite[candidate]:
            composite[candidate * candidate :: candidate] = True
    found = np.flatnonzero(~composite)
    return found[found > _PRIME_LIMIT // 2][::-1]


def primes_beyond(bound: int) -> list[int]:
    """Return primes whose product exceeds ``2 · bound``.

    Args:
        bound: an upper bound on the absolute value of every integer to be recovered.

    Returns:
        Distinct primes below ``2**22``, the largest first, at least one: enough that an integer of
        size at most ``bound`` is determined by its residues.

    Raises:
        AnalyticError: all primes of that size together do not suffice (some three million bits).

    Examples:
        >>> primes_beyond(10**9)
        [4194301, 4194287]
    """
    # One bit to spare for the rounding of the logarithms, one for the factor 2.
    capacity = int(np.log2(all_primes()).sum()) - 2
    if bound.bit_length() > capacity:
        raise AnalyticError(
            f"expected integers below 2^{capacity}, got a bound of 2^{bound.bit_length()}: the "
            "exponents of the weights lie too far apart"
        )
    chosen: list[int] = []
    product = 1
    for prime in all_primes():
        chosen.append(int(prime))
        product *= int(prime)
        if product > 2 * bound:
            break
    return chosen


def centred(values: npt.NDArray[np.float64], prime: int) -> Residues:
    """Reduce integers held in float64, of size ``2**52`` at most, modulo ``prime``, in place."""
    quotients = values * (1.0 / prime)
    np.rint(quotients, out=quotients)
    quotients *= prime
    values -= quotients
    return values


def residues(integers: Integers, prime: int) -> Residues:
    """Return the centred residues of int64 or Python integers."""
    return centred((integers % prime).astype(np.float64), prime)


def product(left: Residues, right: Residues, prime: int) -> Residues:
    """Return ``left @ right`` modulo ``prime``, exactly.

    Args:
        left: centred residues of shape (rows, inner).
        right: centred residues of shape (inner, columns).
        prime: the modulus, below ``2**22``.
    """
    total = centred(left[:, :_INNER_LIMIT] @ right[:_INNER_LIMIT], prime)
    for start in range(_INNER_LIMIT, left.shape[1], _INNER_LIMIT):
        part = slice(start, start + _INNER_LIMIT)
        total += centred(left[:, part] @ right[part], prime)
    return centred(total, prime) if left.shape[1] > _INNER_LIMIT else total


def recovered(
    images: Sequence[Residues],
    primes: Sequence[int],
) -> Integers:
    """Return the integers that have the given residues, by the Chinese remainder theorem.

    Args:
        images: for every prime, centred residues, all of one shape.
        primes: distinct primes whose product exceeds twice the size of every integer.

    Returns:
        Python integers in an object array.

    Examples:
        >>> primes = primes_beyond(10**12)
        >>> recovered([residues(np.array([-(10**12)]), prime) for prime in primes], primes)
        array([-1000000000000], dtype=object)
    """
    modulus = math.prod(primes)
    shape = images[0].shape
    digits = np.empty((len(primes), images[0].size))
    for row, image, prime in zip(digits, images, primes, strict=True):
        row[:] = _times(image.ravel(), pow(modulus // prime, -1, prime), prime)
    result = np.empty(images[0].size, dtype=object)
    together = max(1, _DIGITS_AT_ONCE // len(primes))
    for start in range(0, len(result), together):
        part = slice(start, start + together)
        result[part] = _combined(digits[:, part], primes, modulus)
    return result.reshape(shape)


def _times(image: Residues, factor: int, prime: int) -> Residues:
    return centred(image * (factor - prime if 2 * factor > prime else factor), prime)


def _combined(digits: Residues, primes: Sequence[int], modulus: int) -> list[int]:
    """Return the integers ``Σ digit · modulus / prime`` modulo the modulus, centred.

    The sum happens limb by limb on BLAS. How often the modulus is to be taken off follows from the
    sum of the fractions ``digit / prime``; only near one half is rounding able to mislead it.
    """
    fractions = (1.0 / np.array(primes)) @ digits
    turns = np.rint(fractions)
    width = next(w for w in (24, 16, 8) if (len(primes) + 1) << (w + 22) <= _EXACT_FLOATS)
    count = -(-modulus.bit_length() // width)
    cofactors = [modulus // prime for prime in primes]
    summed = (
        _limbs(cofactors, width, count) @ digits - _limbs([modulus], width, count) @ turns[None]
    )
    integers = _carried(summed.astype(np.int64), width)
    for index in np.flatnonzero(abs(fractions - turns) > _NEAR_HALF):
        while 2 * abs(integers[index]) > modulus:
            integers[index] -= modulus if integers[index] > 0 else -modulus
    return integers


def _limbs(integers: Sequence[int], width: int, count: int) -> npt.NDArray[np.float64]:
    """Return non-negative integers in limbs of so many bits, the lowest first, a column each."""
    size = width // 8
    raw = b"".join(integer.to_bytes(size * count, "little") for integer in integers)
    octets = np.frombuffer(raw, dtype=np.uint8).reshape(len(integers), count, size)
    return (octets @ (256.0 ** np.arange(size))).T


def _carried(limbs: npt.NDArray[np.int64], width: int) -> list[int]:
    """Return the integers whose limbs, of any size and sign, stand in the columns."""
    for index in range(len(limbs) - 1):
        limbs[index + 1] += limbs[index] >> width
        limbs[index] &= (1 << width) - 1
    sign = limbs[-1:] >> width
    limbs[-1] &= (1 << width) - 1
    octets = np.ascontiguousarray(limbs.T).astype("<i8").view(np.uint8)
    octets = octets.reshape(limbs.shape[1], len(limbs), 8)[:, :, : width // 8]
    signed = np.concatenate([octets.reshape(len(octets), -1), sign.T.astype(np.uint8)], axis=1)
    raw, size = signed.tobytes(), signed.shape[1]
    return [
        int.from_bytes(raw[start : start + size], "little", signed=True)
        for start in range(0, len(raw), size)
    ]
