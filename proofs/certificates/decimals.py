"""Floats as short decimals that are rounded outwards: what a certificate says is still true."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Context

DIGITS = 3
"""How many significant digits a number in a claim has."""


def rounded_up(value: float) -> str:
    """Return a decimal that is at least a float, exactly.

    Args:
        value: finite.

    Examples:
        >>> rounded_up(1.23401e-11), rounded_up(0.5), rounded_up(1.0000000001)
        ('1.24E-11', '0.5', '1.01')
    """
    return _rounded(value, ROUND_CEILING)


def rounded_down(value: float) -> str:
    """Return a decimal that is at most a float, exactly.

    Args:
        value: finite.

    Examples:
        >>> rounded_down(1.23999), rounded_down(0.1)
        ('1.23', '0.1')
    """
    return _rounded(value, ROUND_FLOOR)


def _rounded(value: float, rounding: str) -> str:
    """Return a decimal of few digits, without zeros at its end."""
    # Every field is given: what is left out follows the contexts of whoever calls.
    own = Context(DIGITS, rounding, -9999, 9999, capitals=1, clamp=0, flags=[], traps=[])
    # Adding 0 takes the sign of -0, which is no decimal of a certificate.
    decimal = own.create_decimal_from_float(value + 0.0)
    return own.to_sci_string(own.normalize(decimal))
