"""Floats modulo primes: exact, as products of residues and sums of them stay below 2⁵²."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from .balls import Array


def residues(array: Array, prime: int) -> Array:
    """Return floats, integers of 53 bits times powers of two, modulo an odd prime below 2²²."""
    mantissas, exponents = np.frexp(array)
    powers, places = np.unique(exponents - 53, return_inverse=True)
    table = np.array([pow(2, int(power), prime) for power in powers], dtype=np.int64)
    whole = (mantissas * 2.0**53).astype(np.int64) % prime
    return reduced((whole * table[places].reshape(array.shape)).astype(np.float64), prime)


def reduced(integers: Array, prime: int) -> Array:
    """Return integers up to 2⁵² modulo a prime, to about half of it: only the quotient rounds."""
    quotients = integers / prime
    np.rint(quotients, out=quotients)
    quotients *= prime
    return np.asarray(integers - quotients)


def primes(least: int) -> Iterator[int]:
    """Return primes between 2²¹ and 2²² whose product has more bits than the least."""
    odd = range(3, 2**11, 2)
    found = (number for number in range(2**22 - 1, 2**21, -2) if all(number % n for n in odd))
    return islice(found, least // 21 + 1)
