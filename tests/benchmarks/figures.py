"""What a benchmark yields, and what several of them need."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numeric import BilinearNetwork, Digits, train


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, what it should be, and whether it is."""

    name: str
    measured: str
    target: str
    reached: bool

    @classmethod
    def time(cls, name: str, seconds: float, most: float) -> Figure:
        """A duration and the longest that it may be."""
        return cls(name, f"{seconds:.3g} s", f"at most {most:g} s", seconds <= most)


def trained(digits: Digits, **shape: Any) -> BilinearNetwork:
    """Train for one epoch: enough for weights that are no longer the drawn ones."""
    model = BilinearNetwork(digits.inputs, digits.classes, **shape)
    train(model, digits, epochs=1)
    return model


_TRAINED: dict[int, tuple[BilinearNetwork, float]] = {}


def fully_trained(digits: Digits, depth: int) -> tuple[BilinearNetwork, float]:
    """Train at the defaults, once a depth; return the network and its test accuracy."""
    if depth not in _TRAINED:
        model = BilinearNetwork(digits.inputs, digits.classes, depth=depth)
        _TRAINED[depth] = model, train(model, digits)[-1].accuracy
    return _TRAINED[depth]


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Return the seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - start, result
