"""Real roots of polynomials in one variable, isolated exactly."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

import flint

from analytic.errors import AnalyticError
from analytic.polynomial import Polynomial


@dataclass(frozen=True)
class RealRoot:
    """A real algebraic number: the only root of an irreducible polynomial in an interval.

    Attributes:
        coefficients: of the polynomial, integers, the constant first.
        lower: a rational number not above the root.
        upper: a rational number not below it. The two are equal where the root is rational; where
            it is not, the polynomial has opposite signs at them.

    Examples:
        >>> root = RealRoot((-2, 0, 1), Fraction(1), Fraction(2))
        >>> float(root), root.narrowed(Fraction(1, 8)).lower
        (1.4142135623730951, Fraction(11, 8))
    """

    coefficients: tuple[int, ...]
    lower: Fraction
    upper: Fraction

    @classmethod
    def rational(cls, value: Fraction) -> RealRoot:
        """Return a rational number as the root that it is."""
        return cls((-value.numerator, value.denominator), value, value)

    def __float__(self) -> float:
        """Return the float next to the root.

        Raises:
            AnalyticError: the root is beyond float64.
        """
        root, width = self, Fraction(1)
        while _nearest(root.lower) != (near := _nearest(root.upper)):
            width /= 2**16
            root = root.narrowed(width)
        if math.isinf(near):
            raise AnalyticError(
                "expected a root within the range of float64, got one beyond it: its lower and "
                "upper are fractions"
            )
        return near

    def narrowed(self, width: Fraction) -> RealRoot:
        """Return the same root in an interval at most so wide, by bisection.

        Raises:
            AnalyticError: the width is not positive, so that no interval around an irrational root
                is as narrow.
        """
        lower, upper = self.lower, self.upper
        if not (width > 0 or lower == upper):
            raise AnalyticError(f"expected width to be positive, got {width}")
        positive_above = self._value(upper) > 0
        while upper - lower > width:
            middle = (lower + upper) / 2
            if (self._value(middle) > 0) == positive_above:
                upper = middle
            else:
                lower = middle
        return replace(self, lower=lower, upper=upper)

    def _value(self, point: Fraction) -> Fraction:
        total = Fraction(0)
        for coefficient in reversed(self.coefficients):
            total = total * point + coefficient
        return total


def real_roots(polynomial: Polynomial) -> list[RealRoot]:
    """Return all distinct real roots of a polynomial in one variable, ascending, none in common.

    The polynomial is factored over the integers, Descartes' rule of signs isolates the roots of
    each factor, and bisection makes their intervals disjoint.

    Raises:
        AnalyticError: the polynomial has another number of variables, or is 0.

    Examples:
        >>> from analytic import ExactNetwork
        >>> import numpy as np
        >>> reading, down = np.array([[0.0, 1.0]]), np.array([[0.0], [1.0]])
        >>> parabola = reading, reading, down, np.array([[1.0, 0.0], [-2.0, 0.0]])
        >>> [float(root) for root in real_roots(ExactNetwork([parabola]).polynomial(output=0))]
        [-1.4142135623730951, 1.4142135623730951]
    """
    if not isinstance(polynomial, Polynomial):
        raise AnalyticError(
            f"expected polynomial to be a Polynomial, got a {type(polynomial).__name__}"
        )
    coefficients = integer_coefficients(polynomial)
    if not coefficients.degree() >= 0:
        raise AnalyticError("expected polynomial to be another than 0: every number is a root")
    factors = irreducible_factors([coefficients])
    return separated(root for factor in factors for root in _all_roots(factor))


def integer_coefficients(polynomial: Polynomial) -> flint.fmpz_poly:
    """Return the numerators of a polynomial in one variable.

    Raises:
        AnalyticError: there are more variables.
    """
    if len(polynomial.variables) != 1:
        raise AnalyticError(
            f"expected polynomial to have one variable, got {len(polynomial.variables)}"
        )
    coefficients = [0] * (polynomial.degree + 1)
    # In one variable, a monomial's number is its degree.
    for degree, numerator in zip(
        polynomial.numbers, polynomial.coefficients.numerators, strict=True
    ):
        coefficients[degree] = int(numerator)
    return flint.fmpz_poly(coefficients)


def irreducible_factors(polynomials: Iterable[flint.fmpz_poly]) -> set[tuple[int, ...]]:
    """Return the coefficients of all distinct irreducible factors, the constant first."""
    return {
        tuple(int(coefficient) for coefficient in factor.coeffs())
        for polynomial in polynomials
        for factor, _ in polynomial.factor()[1]
    }


def separated(roots: Iterable[RealRoot]) -> list[RealRoot]:
    """Return roots of distinct irreducible polynomials in disjoint intervals, ascending.

    Distinct irreducible polynomials have no root in common, so narrowing parts any two intervals.
    """
    parted = list(roots)
    while True:
        parted.sort(key=lambda root: root.lower)
        close = {
            index
            for index in range(1, len(parted))
            if parted[index - 1].upper >= parted[index].lower
        }
        if not close:
            return parted
        for index in close | {index - 1 for index in close}:
            root = parted[index]
            parted[index] = root.narrowed((root.upper - root.lower) / 4)


def roots_in_unit_interval(factor: tuple[int, ...]) -> list[RealRoot]:
    """Return the roots of an irreducible polynomial that lie between 0 and 1, without the ends.

    Descartes' rule counts the positive roots of ``(1 + t)^n p(1 / (1 + t))`` by the changes of sign
    among its coefficients: exactly, where there is none or one. Elsewhere the interval is halved.

    Args:
        factor: its coefficients, integers, the constant first.

    Source:
        G. E. Collins and A. G. Akritas, *Polynomial real root isolation using Descartes' rule of
        signs*, SYMSAC 1976.

    Examples:
        >>> [float(root) for root in roots_in_unit_interval((-1, 0, 2))]
        [0.7071067811865476]
    """
    if len(factor) == 2:
        root = RealRoot.rational(Fraction(-factor[0], factor[1]))
        return [root] if 0 < root.lower < 1 else []
    found, shift = [], flint.fmpz_poly([1, 1])
    # The polynomial is brought to the interval, which begins at left / 2**halvings.
    waiting = [(flint.fmpz_poly(list(factor)), 0, 0)]
    while waiting:
        polynomial, left, halvings = waiting.pop()
        changes = _sign_changes(flint.fmpz_poly(polynomial.coeffs()[::-1])(shift))
        if changes == 1:
            ends = (Fraction(end, 1 << halvings) for end in (left, left + 1))
            found.append(RealRoot(factor, *ends))
        elif changes:
            degree = polynomial.degree()
            halved = flint.fmpz_poly(
                [value << (degree - power) for power, value in _numbered(polynomial)]
            )
            waiting.append((halved(shift), 2 * left + 1, halvings + 1))
            waiting.append((halved, 2 * left, halvings + 1))
    return found


def _nearest(value: Fraction) -> float:
    """Return the float next to a number, infinite beyond float64: ends may be where no root is."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _all_roots(factor: tuple[int, ...]) -> list[RealRoot]:
    """Return the real roots of an irreducible polynomial, brought to the unit interval."""
    if len(factor) == 2:
        return [RealRoot.rational(Fraction(-factor[0], factor[1]))]
    # By Cauchy's bound no root exceeds 1 + the largest ratio of a coefficient to the leading one.
    bits = 1 + max(0, max(map(abs, factor)).bit_length() - abs(factor[-1]).bit_length() + 1)
    found = []
    for sign in (1, -1):
        scaled = [value * sign**power << (bits * power) for power, value in enumerate(factor)]
        for root in roots_in_unit_interval(tuple(scaled)):
            ends = sorted(sign * end * 2**bits for end in (root.lower, root.upper))
            found.append(RealRoot(factor, *ends))
    return found


def _sign_changes(polynomial: flint.fmpz_poly) -> int:
    signs = [value > 0 for value in polynomial.coeffs() if value]
    return sum(one != other for one, other in itertools.pairwise(signs))


def _numbered(polynomial: flint.fmpz_poly) -> Iterable[tuple[int, int]]:
    return ((power, int(value)) for power, value in enumerate(polynomial.coeffs()))
