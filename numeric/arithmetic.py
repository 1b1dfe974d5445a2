"""Floating point as IEEE 754 has it: what a sum loses, and whether it rounds to the nearest here.

A processor can be told to take subnormal numbers for zero, or to round another way. Such a mode
belongs to a thread: ``torch.set_flush_denormal`` sets it, and loading a library that was built with
``-ffast-math`` may. A thread starts with the mode of the one that starts it, so that those that
multiply matrices may keep one that the calling thread has left. What a bound rests on is computed
in the calling thread and in those, by numpy and by scipy, which have threads of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

from numeric.errors import NumericError

Doubles = npt.NDArray[np.float64]

_ROWS, _INNER, _COLUMNS = 128 * (os.cpu_count() or 1), 64, 64
"""So many that a product is worth a thread of every processor."""

_SUMS = {
    (0x1, 0x1, 0x2): "subnormal numbers taken for zero",
    (0x18 << 48, 0x8010 << 48, 0x8 << 48): "results below the normal numbers made zero",
    (0x3FF0 << 48, 0x3CA0 << 48, 0x3FF0 << 48): "sums not rounded to the nearest",
    ((0x3FF0 << 48) + 1, 0x3CA0 << 48, (0x3FF0 << 48) + 2): "sums not rounded to the nearest",
}
"""The bits of two floats and of their sum, and what is the matter where it is another one."""

_PLACES: dict[str, Callable[[Doubles, Doubles], Doubles]] = {
    "this thread": lambda rows, _: rows[:, -2:-1] + rows[:, -1:],
    "the threads of numpy's matrix products": np.matmul,
    "the threads of scipy's matrix products": lambda *factors: np.asarray(blas.dgemm(1, *factors)),
}


def check_arithmetic() -> None:
    """Refuse to go on where floating point is not what bounds take it for.

    Exact arithmetic is on integers, and needs no such check.

    Raises:
        NumericError: subnormal numbers are taken for zero or sums are not rounded to the nearest,
            in this thread or in those that multiply matrices; the message says how to change it.

    Examples:
        >>> check_arithmetic()
    """
    sums = np.array(list(_SUMS), dtype=np.uint64)
    rows, columns = np.zeros((_ROWS, _INNER)), np.ones((_INNER, _COLUMNS))
    # At the end: adding zeros to subnormal numbers is slow.
    rows[:, -2:] = np.tile(sums[:, :2].view(np.float64), (_ROWS // len(sums), 1))
    for place, product in _PLACES.items():
        with np.errstate(all="ignore"):
            found = np.ascontiguousarray(product(rows, columns)).view(np.uint64)
        wrong = (found.reshape(-1, len(sums), found.shape[1]) != sums[:, 2:]).any(axis=(0, 2))
        if wrong.any():
            raise NumericError(
                "expected floating point that keeps subnormal numbers and rounds to the nearest, "
                f"got {list(_SUMS.values())[int(wrong.argmax())]} in {place}: call "
                "torch.set_flush_denormal(False); where that does not help, a library has set the "
                "mode, or threads were started in it: leave it out, or start another process"
            )


def exact_sum(first: Doubles, second: Doubles) -> tuple[Doubles, Doubles]:
    """Return rounded sums and what they lack, which is a float too where nothing overflows.

    Source:
        D. E. Knuth, *The Art of Computer Programming*, volume 2, third edition, 4.2.2, theorem B.

    Examples:
        >>> exact_sum(np.array([1.0]), np.array([2.0**-60]))[1].tolist() == [2.0**-60]
        True
    """
    total = first + second
    part = total - first
    return total, (first - (total - part)) + (second - part)
