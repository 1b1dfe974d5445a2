"""The error that every door of this package raises."""

from __future__ import annotations


class NumericError(ValueError):
    """An argument or a file that this package cannot work with.

    The message names the argument, what was expected and what came.

    Examples:
        >>> raise NumericError("expected depth to be at least 1, got 0")
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected depth to be at least 1, got 0
    """
