"""An expanded polynomial with exact rational coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import flint
import sympy

from analytic.errors import AnalyticError


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
            AnalyticError: there is no such variable.
        """
        powers = [0] * self.variables
        for variable, power in monomial.items():
            if not 0 <= variable < self.variables:
                raise AnalyticError(
                    f"expected variable of monomial to lie in 0..{self.variables - 1}, "
                    f"got {variable}"
                )
            powers[variable] = power
        found = self.flint[tuple(powers)]
        return Fraction(int(found.p), int(found.q))

    def to_sympy(self) -> sympy.Expr:
        """Return the same polynomial as a sympy expression in the symbols ``x_0, x_1, …``."""
        symbols = sympy.symbols(f"x_:{self.variables}")
        terms = {
            tuple(int(power) for power in powers): sympy.Rational(int(value.p), int(value.q))
            for powers, value in self.flint.to_dict().items()
        }
        return sympy.Poly.from_dict(terms, *symbols, domain=sympy.QQ).as_expr()
