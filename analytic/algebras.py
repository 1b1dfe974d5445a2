"""What the columns of a residue matrix stand for, and so how two of them multiply.

A network is run in the same way on points and on polynomials: only the product of two readings, the
bound on their size and what may be cut into chunks differ.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from analytic.dyadic import Integers
from analytic.residues import Residues, centred

_CHUNK = 512
"""Points run at once: few enough that what a layer makes of them stays in the cache."""

_SUMMANDS = 512
"""Products of two residues added before a reduction: their sum stays below ``2**51``."""


class Algebra(Protocol):
    """A commutative algebra, its elements given by a row of coordinates."""

    def multiply(self, left: Residues, right: Residues, prime: int) -> Residues:
        """Return the products row by row, reduced."""
        ...

    def sizes(self, absolute: Integers) -> Integers:
        """Return a norm of each row that sums and products respect and no coordinate exceeds."""
        ...

    def chunks(self, columns: Integers) -> Iterator[Integers]:
        """Cut the columns into parts that never meet."""
        ...


@dataclass(frozen=True)
class Pointwise:
    """Values at points: every column is a point of its own."""

    def multiply(self, left: Residues, right: Residues, prime: int) -> Residues:
        """Return the products point by point."""
        return centred(left * right, prime)

    def sizes(self, absolute: Integers) -> Integers:
        """Return each row's largest value."""
        return np.asarray(absolute.max(axis=1, initial=0))

    def chunks(self, columns: Integers) -> Iterator[Integers]:
        """Cut between any two points; no points are one empty part."""
        for start in range(0, max(columns.shape[1], 1), _CHUNK):
            yield columns[:, start : start + _CHUNK]


@dataclass(frozen=True)
class Truncated:
    """Polynomials in a few variables, up to a given power of each: a column is a coefficient.

    Attributes:
        grid: for every variable, the number of powers that are kept, from the power 0.
    """

    grid: tuple[int, ...]

    def multiply(self, left: Residues, right: Residues, prime: int) -> Residues:
        """Return the products without the powers that are not kept."""
        shape = (len(left), *self.grid)
        first, second = left.reshape(shape), right.reshape(shape)
        total = np.zeros(shape)
        for count, powers in enumerate(itertools.product(*map(range, self.grid)), start=1):
            kept = (slice(None), *(slice(power, None) for power in powers))
            rest = (slice(None), *(slice(None, -power or None) for power in powers))
            coefficient = first[(slice(None), *(slice(power, power + 1) for power in powers))]
            total[kept] += coefficient * second[rest]
            if count % _SUMMANDS == 0:
                centred(total, prime)
        return centred(total.reshape(len(left), math.prod(self.grid)), prime)

    def sizes(self, absolute: Integers) -> Integers:
        """Return the sum of each polynomial's coefficients."""
        return np.asarray(absolute.sum(axis=1))

    def chunks(self, columns: Integers) -> Iterator[Integers]:
        """Keep the coefficients of a polynomial together."""
        yield columns


@dataclass(frozen=True)
class Tangents:
    """Values at one point with their derivatives: column 0 the value, each other a direction."""

    def multiply(self, left: Residues, right: Residues, prime: int) -> Residues:
        """Return the products, differentiated by the product rule."""
        total = left[:, :1] * right
        total[:, 1:] += left[:, 1:] * right[:, :1]
        return centred(total, prime)

    def sizes(self, absolute: Integers) -> Integers:
        """Return the size of each row's value plus that of its largest derivative."""
        return np.asarray(absolute[:, 0] + absolute[:, 1:].max(axis=1, initial=0))

    def chunks(self, columns: Integers) -> Iterator[Integers]:
        """Keep the derivatives with their value."""
        yield columns
