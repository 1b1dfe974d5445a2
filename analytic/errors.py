"""The error that every door of this package raises."""

from __future__ import annotations


class AnalyticError(ValueError):
    """An argument that exact mathematics cannot work with.

    The message names the argument, what was expected and what came.

    Examples:
        >>> raise AnalyticError("expected output to lie in 0..9, got 10")
        Traceback (most recent call last):
        ...
        analytic.errors.AnalyticError: expected output to lie in 0..9, got 10
    """
