"""Exact numbers and polynomials in a form that people read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from analytic.errors import AnalyticError

Names = Sequence[str] | Mapping[int, str] | Callable[[int], str]
"""What the variables are called: by position, by number, or by a function of the number."""

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def approximately(value: Fraction, digits: int = 17) -> str:
    """Return a number as its nearest float, or by its power of two where no float is near.

    Args:
        value: any rational number.
        digits: how many significant ones.

    Examples:
        >>> approximately(Fraction(1, 4)), approximately(-(Fraction(2) ** 5000))
        ('0.25', 'about -2^5000')
        >>> approximately(Fraction(2, 3), digits=3)
        '0.667'
    """
    try:
        rounded = float(value)
    except OverflowError:
        rounded = 0.0
    if rounded or not value:
        return f"{rounded:.{digits}g}"
    power = abs(value.numerator).bit_length() - value.denominator.bit_length()
    return f"about {'-' if value < 0 else ''}2^{power}"


def plain(
    terms: Iterable[tuple[Mapping[int, int], Fraction]], name: Callable[[int], str], digits: int
) -> str:
    """Return terms as a sum in plain text, such as ``0.31·p₁₂² − 2·p₃``.

    Args:
        terms: monomials as exponents by variable, and their coefficients.
        name: what a variable is called.
        digits: how many significant digits a coefficient shows.

    Examples:
        >>> plain([({0: 2}, Fraction(1, 3)), ({0: 1, 12: 1}, Fraction(-1))], subscripted("p"), 3)
        '0.333·p₀² − p₀·p₁₂'
    """

    def factor(variable: int, power: int) -> str:
        return name(variable) + (str(power).translate(_SUPERSCRIPTS) if power > 1 else "")

    return _sum(terms, factor, lambda value: approximately(value, digits), "·", "−")


def latex(
    terms: Iterable[tuple[Mapping[int, int], Fraction]],
    name: Callable[[int], str],
    digits: int | None,
) -> str:
    r"""Return terms as a sum in LaTeX.

    Args:
        terms: monomials as exponents by variable, and their coefficients.
        name: what a variable is called, in LaTeX.
        digits: how many significant digits a coefficient shows; None for exact fractions.

    Examples:
        >>> print(latex([({0: 2}, Fraction(-1, 3)), ({}, Fraction(2))], "x_{{{}}}".format, None))
        -\frac{1}{3} x_{0}^{2} + 2
    """

    def factor(variable: int, power: int) -> str:
        return name(variable) + (f"^{{{power}}}" if power > 1 else "")

    def number(value: Fraction) -> str:
        if digits is None:
            if value.denominator == 1:
                return str(value)
            return rf"\frac{{{value.numerator}}}{{{value.denominator}}}"
        rounded = approximately(value, digits)
        if rounded.startswith("about"):
            return rounded.replace("about 2^", "2^{") + "}"
        mantissa, _, power = rounded.partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if power else mantissa

    return _sum(terms, factor, number, " ", "-")


def subscripted(letter: str) -> Callable[[int], str]:
    """Return names made of a letter and the variable's number.

    Examples:
        >>> subscripted("p")(406)
        'p₄₀₆'
    """
    return lambda variable: f"{letter}{str(variable).translate(_SUBSCRIPTS)}"


def naming(
    names: Names | None, variables: Sequence[int], default: Callable[[int], str]
) -> Callable[[int], str]:
    """Return a function that names variables.

    Args:
        names: by position among the variables, by number, or a function.
        variables: the numbers of the variables.
        default: what names them where no names are given.

    Raises:
        AnalyticError: a variable is left without a name.
    """
    if names is None or callable(names):
        return names or default
    by_number = (
        dict(names) if isinstance(names, Mapping) else dict(zip(variables, names, strict=False))
    )
    missing = [variable for variable in variables if variable not in by_number]
    if missing:
        raise AnalyticError(
            f"expected names for all {len(variables)} variables, got none for {missing[0]}"
        )
    return by_number.__getitem__


def _sum(
    terms: Iterable[tuple[Mapping[int, int], Fraction]],
    factor: Callable[[int, int], str],
    number: Callable[[Fraction], str],
    times: str,
    minus: str,
) -> str:
    parts: list[str] = []
    for powers, coefficient in terms:
        factors = [factor(variable, power) for variable, power in powers.items()]
        if abs(coefficient) != 1 or not factors:
            factors.insert(0, number(abs(coefficient)))
        sign = minus if coefficient < 0 else "+"
        if parts:
            parts.append(f" {sign} ")
        elif coefficient < 0:
            parts.append(sign)
        parts.append(times.join(factors))
    return "".join(parts) or "0"
