"""The error that every door of this package raises, and the checks that several doors share."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


class AnalyticError(ValueError):
    """An argument that exact mathematics cannot work with.

    The message names the argument, what was expected and what came.

    Examples:
        >>> raise AnalyticError("expected output to lie in 0..9, got 10")
        Traceback (most recent call last):
        ...
        analytic.errors.AnalyticError: expected output to lie in 0..9, got 10
    """


def check_integer(name: str, value: object, least: int, most: int | None = None) -> int:
    """Return an integer from ``least`` to ``most``; a truth value is none.

    One in an array or a tensor without axes will do, such as that of ``argmax``.

    Raises:
        AnalyticError: it is another thing, with the name, what was expected and what came.

    Examples:
        >>> import numpy as np
        >>> check_integer("output", np.array(3), 0, 9)
        3
        >>> check_integer("output", True, 0, 9)
        Traceback (most recent call last):
        ...
        analytic.errors.AnalyticError: expected output to be an integer, got True
    """
    number: Any = value
    if getattr(number, "ndim", None) == 0:  # of numpy or torch, which is not known here
        with suppress(RuntimeError, AttributeError):
            number = number.item()
    if not isinstance(number, int) or isinstance(number, bool):
        raise AnalyticError(f"expected {name} to be an integer, got {value!r}")
    if most is None and number < least:
        raise AnalyticError(f"expected {name} to be at least {least}, got {number}")
    if most is not None and not least <= number <= most:
        raise AnalyticError(f"expected {name} to lie in {least}..{most}, got {number}")
    return number
