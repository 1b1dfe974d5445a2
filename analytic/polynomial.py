"""An expanded polynomial with exact rational coefficients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import sympy

from analytic.dyadic import Dyadic, Integers, exact, widen
from analytic.errors import AnalyticError, check_integer
from analytic.monomials import Factors, Monomials
from analytic.text import Names, latex, naming, plain, subscripted

_SHOWN = 20

_A_LINE = 4
"""How many terms a line has in a notebook."""


class Term(NamedTuple):
    """A monomial, as exponents by variable, with its coefficient."""

    powers: dict[int, int]
    coefficient: Fraction


@dataclass(frozen=True, eq=False)
class Polynomial:
    """A polynomial whose coefficients are dyadic rationals, as the sorted list of its terms.

    Iterating gives the terms: the highest degree first, the lexicographic order within a degree.
    Two polynomials are equal if they have the same variables and the same terms.

    Attributes:
        variables: the numbers that its variables go by, those that do not occur included.
        numbers: the numbers of its monomials among :class:`analytic.monomials.Monomials`,
            ascending.
        coefficients: one for each monomial, none of them 0.

    Examples:
        >>> half = Dyadic.from_floats(np.array([-3.0, 0.5]), "coefficients")
        >>> polynomial = Polynomial.of((0, 7), np.array([2, 3]), half)
        >>> print(polynomial)
        0.5·x₀² − 3·x₇
        >>> polynomial.coefficient({0: 2})
        Fraction(1, 2)
        >>> [term.powers for term in polynomial]
        [{0: 2}, {7: 1}]
        >>> polynomial.to_sympy()
        x_0**2/2 - 3*x_7
    """

    variables: tuple[int, ...]
    numbers: npt.NDArray[np.int64]
    coefficients: Dyadic

    @classmethod
    def of(
        cls, variables: tuple[int, ...], numbers: npt.NDArray[np.int64], coefficients: Dyadic
    ) -> Polynomial:
        """Return the polynomial with these monomials, ascending, without those that vanish."""
        kept = coefficients.numerators.astype(bool)
        numerators: Integers = coefficients.numerators[kept]
        return cls(variables, numbers[kept], Dyadic(numerators, coefficients.exponent))

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same polynomial in the same variables."""
        if not isinstance(other, Polynomial):
            return NotImplemented
        exponent = min(self.coefficients.exponent, other.coefficients.exponent)
        return (
            self.variables == other.variables
            and np.array_equal(self.numbers, other.numbers)
            and bool((self.coefficients.at(exponent) == other.coefficients.at(exponent)).all())
        )

    __hash__ = None  # type: ignore[assignment]  # two equal ones may store different integers

    def __iter__(self) -> Iterator[Term]:
        """Return the terms, the highest degree first."""
        for degree in range(self.degree, -1, -1):
            first, last = self._range(degree)
            for index in range(first, last):
                yield self._term(index)

    def __str__(self) -> str:
        """Return it in a readable form with rounded coefficients."""
        return self.to_text()

    @property
    def degree(self) -> int:
        """The largest degree of a term; 0 where there is none."""
        highest = int(self.numbers[-1]) if len(self) else 0
        degree = 0
        while len(Monomials(len(self.variables), degree)) <= highest:
            degree += 1
        return degree

    def coefficient(self, monomial: Mapping[int, int]) -> Fraction:
        """Return the coefficient of a monomial, given as exponents by variable.

        Raises:
            AnalyticError: there is no such variable, or an exponent is no integer from 0.
        """
        powers = checked_powers(monomial, self.variables)
        if sum(powers.values()) > self.degree:
            return Fraction(0)
        places = [self.variables.index(variable) + 1 for variable in powers]
        row = np.repeat(places, list(powers.values())).astype(np.int32)
        number = Monomials(len(self.variables), len(row)).numbers(np.sort(row)[np.newaxis])[0]
        index = int(np.searchsorted(self.numbers, number))
        found = index < len(self) and self.numbers[index] == number
        return self._value(index) if found else Fraction(0)

    def homogeneous_part(self, degree: int) -> Polynomial:
        """Return the terms of one degree.

        Raises:
            AnalyticError: the degree is no integer from 0.
        """
        degree = check_integer("degree", degree, 0)
        part = slice(*self._range(degree))
        numerators = self.coefficients.numerators[part]
        coefficients = Dyadic(numerators, self.coefficients.exponent)
        return Polynomial(self.variables, self.numbers[part], coefficients)

    def value(self, point: Sequence[Fraction | float]) -> Fraction:
        """Return the exact value at a point, one number a variable.

        Raises:
            AnalyticError: the point has another length, or is not finite.
        """
        if len(point) != len(self.variables):
            raise AnalyticError(
                f"expected point to have {len(self.variables)} entries, got {len(point)}"
            )
        try:
            numbers = [Fraction(1), *(exact(entry) for entry in point)]
        except (TypeError, ValueError, OverflowError) as error:
            raise AnalyticError(f"expected point to hold finite numbers: {error}") from error
        if not len(self):
            return Fraction(0)
        entries = np.empty(len(numbers), dtype=object)
        entries[:] = numbers
        products = entries[self._factors].prod(axis=1) if self.degree else Fraction(1)
        total = (widen(self.coefficients.numerators) * products).sum()
        return Fraction(total) * Fraction(2) ** self.coefficients.exponent

    def to_sympy(self) -> sympy.Expr:
        """Return the same polynomial as a sympy expression in the symbols ``x_0, x_1, …``."""
        symbols = {variable: sympy.Symbol(f"x_{variable}") for variable in self.variables}
        return sympy.Add(
            *(
                sympy.Mul(
                    sympy.Rational(coefficient.numerator, coefficient.denominator),
                    *(symbols[variable] ** power for variable, power in powers.items()),
                )
                for powers, coefficient in self
            )
        )

    def to_text(self, *, names: Names | None = None, digits: int = 3, shown: int = _SHOWN) -> str:
        """Return a sum with rounded coefficients, such as ``0.31·p₁₂² − 2·p₃``.

        Args:
            names: what the variables are called: in their order, by number, or by a function of
                the number; left out, ``x₀``, ``x₁`` and so on.
            digits: how many significant digits of a coefficient are shown.
            shown: how many terms are; where there are more, these are the largest ones, and the
                text says how many are left.

        Raises:
            AnalyticError: a variable is left without a name, or a number is below 1.
        """
        digits = check_integer("digits", digits, 1)
        terms, rest = self._selected(shown)
        text = plain(terms, naming(names, self.variables, subscripted("x")), digits)
        return f"{text} + … ({rest:,} smaller terms)" if rest else text

    def to_latex(
        self, *, names: Names | None = None, digits: int | None = 3, shown: int = _SHOWN
    ) -> str:
        r"""Return a sum in LaTeX, such as ``0.31 x_{12}^{2} - 2 x_{3}``.

        Args:
            names: as for :meth:`to_text`, in LaTeX.
            digits: how many significant digits of a coefficient are shown; None for all of them,
                as fractions.
            shown: as for :meth:`to_text`; what is left is ``\dots``.

        Raises:
            AnalyticError: a variable is left without a name, or a number is below 1.
        """
        if digits is not None:
            digits = check_integer("digits", digits, 1)
        terms, rest = self._selected(shown)
        text = latex(terms, naming(names, self.variables, "x_{{{}}}".format), digits)
        return rf"{text} + \dots" if rest else text

    def _repr_latex_(self) -> str:
        """Show the largest terms in a notebook, and how many smaller ones there are."""
        terms, rest = self._selected(_SHOWN)
        lines = [
            latex(terms[first : first + _A_LINE], "x_{{{}}}".format, digits=3)
            for first in range(0, max(1, len(terms)), _A_LINE)
        ]
        if rest:
            lines.append(rf"\dots \text{{ ({rest:,} smaller terms)}}")
        # After the empty group a sign stands between two terms, as in the middle of a line.
        joined = [f"{{}} {line if line.startswith('-') else f'+ {line}'}" for line in lines[1:]]
        body = r" \\ & ".join([lines[0], *joined])
        return rf"$$\begin{{aligned}} & {body} \end{{aligned}}$$"

    def _selected(self, shown: int) -> tuple[list[Term], int]:
        """Return the terms to be shown, and how many are not."""
        shown = check_integer("shown", shown, 1)
        if len(self) <= shown:
            return list(self), 0
        order = np.argsort(-abs(self.coefficients.numerators), kind="stable")
        return [self._term(int(index)) for index in order[:shown]], len(self) - shown

    @cached_property
    def _factors(self) -> Factors:
        return Monomials(len(self.variables), self.degree).factors()[self.numbers]

    def _range(self, degree: int) -> tuple[int, int]:
        """Return where the terms of a degree begin and end."""
        count = len(self.variables)
        limits = [math.comb(count + degree - 1, degree - 1) if degree else 0]
        limits.append(math.comb(count + degree, degree))
        first, last = np.searchsorted(self.numbers, [min(limit, 2**62) for limit in limits])
        return int(first), int(last)

    def _term(self, index: int) -> Term:
        places = self._factors[index]
        powers: dict[int, int] = {}
        for place in places[places > 0].tolist():
            variable = self.variables[place - 1]
            powers[variable] = powers.get(variable, 0) + 1
        return Term(powers, self._value(index))

    def _value(self, index: int) -> Fraction:
        return int(self.coefficients.numerators[index]) * Fraction(2) ** self.coefficients.exponent


def checked_powers(monomial: Mapping[int, int], variables: Sequence[int]) -> dict[int, int]:
    """Return a monomial's exponents by variable, in order, without those that are 0.

    Raises:
        AnalyticError: there is no such variable, or an exponent is no integer from 0.

    Examples:
        >>> checked_powers({3: 1, 0: 2, 1: 0}, range(4))
        {0: 2, 3: 1}
    """
    if not isinstance(monomial, Mapping):
        raise AnalyticError(f"expected monomial to map variables to exponents, got {monomial!r}")
    for variable, power in monomial.items():
        check_variable("variable of monomial", variable, variables)
        check_integer(f"exponent of variable {variable} in monomial", power, 0)
    return {int(variable): int(power) for variable, power in sorted(monomial.items()) if power}


def check_variable(name: str, variable: object, variables: Sequence[int]) -> None:
    """Refuse what is no number of a variable.

    Raises:
        AnalyticError: with the name, what was expected and what came.
    """
    check_integer(name, variable, variables[0], variables[-1])
    if variable not in variables:
        raise AnalyticError(f"expected {name} to be among {variables}, got {variable}")
