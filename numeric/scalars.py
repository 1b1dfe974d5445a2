"""Numbers as numpy and torch make them: scalars, and arrays and tensors without axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from numeric.errors import NumericError


def plain(value: object) -> Any:  # noqa: ANN401 -- whatever the value is
    """Return the Python number that a scalar holds, and anything else as it is.

    Args:
        value: such as a scalar of numpy, or an array or a tensor without axes.

    Examples:
        >>> plain(np.float32(0.5)), plain(np.bool_(True)), plain(np.array(3))
        (0.5, True, 3)
        >>> plain("three"), plain([np.int64(3)])
        ('three', [np.int64(3)])
    """
    if isinstance(value, np.generic | np.ndarray | Tensor) and value.ndim == 0:
        try:
            return value.item()
        except RuntimeError:  # a tensor of torch that holds nothing, on the device "meta"
            return value
    return value


def check_integer(value: object, name: str, *, least: int) -> int:
    """Return an integer within torch's range, that of a scalar of numpy or torch too.

    Raises:
        NumericError: it is another thing, too small or too large, with the name of the argument.

    Examples:
        >>> check_integer(np.array([3, 1]).max(), "depth", least=1)
        3
        >>> check_integer(0, "depth", least=1)
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected depth to be an integer of at least 1, got 0
    """
    number = plain(value)
    if not isinstance(number, int) or isinstance(number, bool) or number < least:
        raise NumericError(f"expected {name} to be an integer of at least {least}, got {value!r}")
    if number >= 1 << 63:
        raise NumericError(f"expected {name} to be below 2^63, got {number}")
    return number
