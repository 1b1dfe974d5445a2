"""Monomials by number: every product of a few variables has a place in one sorted list.

A monomial of degree at most ``d`` in ``n`` variables is ``d`` factors among the constant 1 (factor
0) and the variables (factors 1 to ``n``), sorted. The list is in the lexicographic order of those
rows: the constant, then the variables, then the products of two, and so on. So a monomial has the
same number for every ``d`` that it fits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

_FACTORS_AT_ONCE = 2**20

Factors = npt.NDArray[np.int32]
"""Monomials as sorted rows of factors, 0 being the constant."""


@dataclass(frozen=True)
class Monomials:
    """All monomials up to a degree.

    Attributes:
        variables: how many variables there are.
        degree: the largest degree, which is the length of a row of factors.

    Examples:
        >>> Monomials(variables=2, degree=2).factors().tolist()
        [[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 2]]
    """

    variables: int
    degree: int

    def __len__(self) -> int:
        """Return their number, ``binomial(variables + degree, degree)``."""
        return math.comb(self.variables + self.degree, self.degree)

    def factors(self) -> Factors:
        """Return all of them, shape (number, degree)."""
        rows = np.zeros((1, 0), dtype=np.int32)
        last = np.zeros(1, dtype=np.int64)
        for _ in range(self.degree):
            followers = self.variables + 1 - last
            ends = np.cumsum(followers)
            added = np.arange(ends[-1]) - np.repeat(ends - followers - last, followers)
            rows = np.column_stack([np.repeat(rows, followers, axis=0), added.astype(np.int32)])
            last = added
        return rows

    def numbers(self, factors: Factors) -> npt.NDArray[np.int64]:
        r"""Return the places of sorted rows of factors in the list, from 0.

        With :math:`e_i` the distance of a row's :math:`i`-th largest factor from :math:`n`, the
        place from the end is the number :math:`\sum_i \binom{e_i + i - 1}{i}` of the combinatorial
        number system.

        Source:
            D. E. Knuth, *The Art of Computer Programming*, vol. 4A, section 7.2.1.3.

        Examples:
            >>> Monomials(2, 2).numbers(np.array([[0, 2], [1, 1]], dtype=np.int32))
            array([2, 3])
        """
        places = np.full(len(factors), len(self) - 1, dtype=np.int64)
        for position in range(1, self.degree + 1):
            places -= self._steps[position - 1][factors[:, self.degree - position]]
        return places

    @cached_property
    def _steps(self) -> list[npt.NDArray[np.int64]]:
        return [
            np.array(
                [
                    math.comb(self.variables - factor + position - 1, position)
                    for factor in range(self.variables + 1)
                ],
                dtype=np.int64,
            )
            for position in range(1, self.degree + 1)
        ]

    def number(self, powers: Sequence[int]) -> int:
        """Return the place of a monomial, given by the exponents of all variables.

        Examples:
            >>> Monomials(2, 2).number((1, 1))
            4
        """
        factors = np.repeat(np.arange(1, len(powers) + 1), powers)
        row = np.concatenate([np.zeros(self.degree - len(factors), dtype=np.int64), factors])
        return int(self.numbers(row[np.newaxis].astype(np.int32))[0])

    def squared(self) -> Monomials:
        """Return the monomials that products of two of these are."""
        return Monomials(self.variables, 2 * self.degree)

    def products(self) -> npt.NDArray[np.int64]:
        """Return the number of every product of two of these, shape (number, number)."""
        factors, product = self.factors(), self.squared()
        table = np.empty((len(self), len(self)), dtype=np.int64)
        rows = max(1, _FACTORS_AT_ONCE // (2 * factors.size or 1))
        for start in range(0, len(factors), rows):
            some = factors[start : start + rows]
            pairs = np.concatenate(
                [np.repeat(some, len(factors), axis=0), np.tile(factors, (len(some), 1))], axis=1
            )
            pairs.sort(axis=1)
            table[start : start + rows] = product.numbers(pairs).reshape(len(some), -1)
        return table
