"""Numbers as numpy and torch make them: scalars, and arrays and tensors without axes."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor


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
