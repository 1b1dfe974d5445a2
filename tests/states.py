"""States that a caller may have put torch into, and in which nothing may come out differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Let torch make tensors of a dtype where it is told none."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


STATES: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "another default device": lambda: torch.device("meta"),
    "another default dtype": lambda: default_dtype(torch.float64),
    "a half default dtype": lambda: default_dtype(torch.bfloat16),
}
"""By name, what enters the state and leaves it."""


def described() -> tuple[object, ...]:
    """Return what torch does with a tensor of which nothing is said."""
    weight = torch.ones(1, 1).requires_grad_()
    product = weight @ weight
    return product.dtype, product.device.type, product.requires_grad, product.is_inference()
