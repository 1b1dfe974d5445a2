"""The error that every door of this package raises, and the checks that several doors share."""

from __future__ import annotations

import numpy as np


class AnalyticError(ValueError):
    """An argument that exact mathematics cannot work with.

    The message names the argument, what was expected and what came.

    Examples:
        >>> raise AnalyticError("expected output to lie in 0..9, got 10")
        Traceback (most recent call last):
        ...
        analytic.errors.AnalyticError: expected output to lie in 0..9, got 10
    """


def check_integer(name: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse what is no integer from ``least`` to ``most``; a truth value is none.

    Raises:
        AnalyticError: with the name, what was expected and what came.

    Examples:
        >>> check_integer("output", True, 0, 9)
        Traceback (most recent call last):
        ...
        analytic.errors.AnalyticError: expected output to be an integer, got True
    """
    if not isinstance(value, int | np.integer) or isinstance(value, bool):
        raise AnalyticError(f"expected {name} to be an integer, got {value!r}")
    if most is None and value < least:
        raise AnalyticError(f"expected {name} to be at least {least}, got {value}")
    if most is not None and not least <= value <= most:
        raise AnalyticError(f"expected {name} to lie in {least}..{most}, got {value}")
