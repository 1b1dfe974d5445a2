"""Modes of the processor's floating point, as libraries leave them behind in a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch


@contextmanager
def flushing() -> Iterator[None]:
    """Take subnormal numbers for zero in this thread, as after ``torch.set_flush_denormal``."""
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor has no such mode")
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
