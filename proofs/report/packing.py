"""Arrays as text that a page carries and unpacks to the last bit."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import numpy as np
import numpy.typing as npt


def packed(array: npt.NDArray[Any]) -> dict[str, Any]:
    """Return an array as JSON: its shape, its dtype and its bytes.

    The first bytes of all numbers stand together, then the second ones, and so on: signs and
    exponents are alike, so they compress well beside one another.

    Args:
        array: of any shape, whose dtype numpy knows a name and a size in bytes for.

    Returns:
        ``bytes`` are in little-endian order, gzipped, in base64.

    Examples:
        >>> found = packed(np.zeros((2, 3)))
        >>> found["dtype"], found["shape"]
        ('float64', [2, 3])
        >>> unpacked(found)
        array([[0., 0., 0.],
               [0., 0., 0.]])
    """
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    planes = np.frombuffer(little.tobytes(), np.uint8).reshape(-1, array.dtype.itemsize).T
    # Without a time in it, the same array is always the same text.
    compressed = gzip.compress(planes.tobytes(), 9, mtime=0)
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "bytes": base64.b64encode(compressed).decode(),
    }


def unpacked(found: dict[str, Any]) -> npt.NDArray[Any]:
    """Return the array that :func:`packed` was given."""
    dtype = np.dtype(found["dtype"]).newbyteorder("<")
    planes = np.frombuffer(gzip.decompress(base64.b64decode(found["bytes"])), np.uint8)
    whole = np.ascontiguousarray(planes.reshape(dtype.itemsize, -1).T)
    numbers = whole.reshape(-1).view(dtype).astype(found["dtype"])
    return np.asarray(numbers.reshape(found["shape"]))
