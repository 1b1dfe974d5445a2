"""Integer matrix arithmetic on float64 BLAS, one prime at a time, put together by the CRT.

A product of integers known modulo enough primes is known exactly as soon as the product of the
primes exceeds twice its size. Modulo one prime below ``2**22`` with centred residues, sums of up to
1,024 products stay at or below ``2**52`` and are therefore exact in float64.

Source:
    J. von zur Gathen and J. Gerhard, *Modern Computer Algebra*, 3rd ed., section 5.4-5.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


@lru_cache(maxsize=1)
def _all_primes() -> npt.NDArray[np.int64]:
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
    chosen: list[int] = []
    product = 1
    for prime in _all_primes():
        if chosen and product > 2 * bound:
            return chosen
        chosen.append(int(prime))
        product *= int(prime)
    raise AnalyticError(
        f"expected integers below 2^{product.bit_length() - 2}, got a bound of "
        f"2^{bound.bit_length()}: the exponents of the weights lie too far apart"
    )


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
    images: Sequence[npt.NDArray[np.float64]] | Iterator[npt.NDArray[np.float64]],
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
    modulus = 1
    for prime in primes:
        modulus *= prime
    total: Integers | int = 0
    for image, prime in zip(images, primes, strict=True):
        cofactor = modulus // prime
        inverse = pow(cofactor, -1, prime)
        digits = (image.astype(np.int64) * inverse) % prime
        total = total + digits.astype(object) * cofactor
    reduced = np.asarray(total, dtype=object) % modulus
    return np.where(reduced > modulus // 2, reduced - modulus, reduced)
