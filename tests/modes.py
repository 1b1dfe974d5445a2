"""Modes of the processor's floating point, as libraries leave them behind in a process."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch

UPWARD, DOWNWARD, TO_ZERO = 0x800, 0x400, 0xC00
"""Directions of rounding, as ``fenv.h`` has them on x86."""


@contextmanager
def flushing() -> Iterator[None]:
    """Take subnormal numbers for zero in this thread, as after ``torch.set_flush_denormal``."""
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no such mode")
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@contextmanager
def rounding(direction: int) -> Iterator[None]:
    """Round in another direction in this thread."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        pytest.skip("how to set the direction is known of Linux on x86 alone")
    library = ctypes.CDLL("libm.so.6")
    before = library.fegetround()
    library.fesetround(direction)
    try:
        yield
    finally:
        library.fesetround(before)
