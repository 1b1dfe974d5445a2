"""An expanded polynomial with exact rational coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import flint
import sympy

from analytic.errors import AnalyticError, check_integer


@dataclass(frozen=True)
class Polynomial:
    """A polynomial in ``x_0, x_1, …`` over the rationals.

    Attributes:
        flint: the polynomial as a :class:`flint.fmpq_mpoly`, terms in degrevlex order.

    Examples:
        >>> context = flint.fmpq_mpoly_ctx.get(["x_0", "x_1"], "degrevlex")
        >>> polynomial = Polynomial(context.from_dict({(2, 0): flint.fmpq(1, 2), (0, 1): 3}))
        >>> polynomial.to_sympy()
        x_0**2/2 + 3*x_1
        >>> polynomial.coefficient({0: 2})
        Fraction(1, 2)
    """

    flint: flint.fmpq_mpoly

    def __len__(self) -> int:
        """Return the number of terms."""
        return len(self.flint)

    @property
    def variables(self) -> int:
        """The number of variables, those that do not occur included."""
        return int(self.flint.context().nvars())

    def coefficient(self, monomial: Mapping[int, int]) -> Fraction:
        """Return the coefficient of a monomial, given as exponents by variable from 0.

        Raises:
            AnalyticError: there is no such variable, or an exponent is no integer from 0.
        """
        powers = checked_powers(monomial, self.variables)
        found = self.flint[tuple(powers.get(variable, 0) for variable in range(self.variables))]
        return Fraction(int(found.p), int(found.q))

    def to_sympy(self) -> sympy.Expr:
        """Return the same polynomial as a sympy expression in the symbols ``x_0, x_1, …``."""
        symbols = sympy.symbols(f"x_:{self.variables}")
        terms = {
            tuple(int(power) for power in powers): sympy.Rational(int(value.p), int(value.q))
            for powers, value in self.flint.to_dict().items()
        }
        return sympy.Poly.from_dict(terms, *symbols, domain=sympy.QQ).as_expr()


def checked_powers(monomial: Mapping[int, int], variables: int) -> dict[int, int]:
    """Return a monomial's exponents by variable, in order, without those that are 0.

    Raises:
        AnalyticError: there is no such variable, or an exponent is no integer from 0.

    Examples:
        >>> checked_powers({3: 1, 0: 2, 1: 0}, 4)
        {0: 2, 3: 1}
    """
    if not isinstance(monomial, Mapping):
        raise AnalyticError(f"expected monomial to map variables to exponents, got {monomial!r}")
    for variable, power in monomial.items():
        check_integer("variable of monomial", variable, 0, variables - 1)
        check_integer(f"exponent of variable {variable} in monomial", power, 0)
    return {int(variable): int(power) for variable, power in sorted(monomial.items()) if power}
