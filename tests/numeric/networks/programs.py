"""Modules that are grown operation by operation, and what they compute in fractions."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import hypothesis.strategies as st
import numpy as np
import torch
from hypothesis.extra import numpy as hnp
from torch import Tensor, nn

from tests.strategies import tame

Step = tuple[str, list[int], Any]

SHAPE = 2, 3
"""Of every value on the way: an input has as many numbers."""


def _both(operation: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    return operation, operation


def _weighed(x: Any, weights: Any) -> Any:
    return x @ weights


def _written(x: Any, y: Any, _: Any) -> Any:
    """Write into a copy, also through a view of it."""
    found = x + 0 * x
    found[..., 0, 1:] = y[..., 1, :2]
    shown = found.swapaxes(-1, -2)
    shown[..., 2, :] = shown[..., 1, :] * y[..., 0]
    found[..., 1, 0] = 0
    return found


OPERATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "add": _both(lambda x, y, _: x + y),
    "subtract": _both(lambda x, y, _: x - y),
    "multiply": _both(lambda x, y, _: x * y),
    "square": _both(lambda x, _: x**2),
    "cube": _both(lambda x, _: x**3),
    "scale": _both(lambda x, weights: x * weights[0, 0]),
    "weigh": _both(lambda x, weights: x * weights[0]),
    "map": (
        lambda x, weights: nn.functional.linear(x, weights[:3, :3].T),
        lambda x, weights: x @ weights[:3, :3],
    ),
    "shift": _both(lambda x, weights: x + weights[0]),
    "mix rows": (
        lambda x, weights: torch.einsum("ij,bjk->bik", weights[:2, :2], x),
        lambda x, weights: weights[:2, :2] @ x,
    ),
    "products of rows": (
        lambda x, y, _: torch.bmm(torch.bmm(x, y.mT), x),
        lambda x, y, _: x @ y.T @ x,
    ),
    "turn": (lambda x, _: x.flip(-1), lambda x, _: x[:, ::-1]),
    "read in another order": (
        lambda x, _: x.mT.reshape(x.shape),
        lambda x, _: x.T.reshape(x.shape),
    ),
    "sum rows": (
        lambda x, _: x.sum(dim=1, keepdim=True).expand(x.shape),
        lambda x, _: np.broadcast_to(x.sum(axis=0, keepdims=True), x.shape),
    ),
    "exchange": (
        lambda x, y, _: torch.cat([x[:, :1], y[:, 1:]], dim=1),
        lambda x, y, _: np.concatenate([x[:1], y[1:]]),
    ),
    "write": (_written, _written),
    "choose": (
        lambda x, y, weights: torch.where(weights[:2, :3] > 0, x, y),
        lambda x, y, weights: np.where(weights[:2, :3] > 0, x, y),
    ),
}
"""Each in torch, with a first axis of examples, and on one example in fractions."""

TWO = {"add", "subtract", "multiply", "products of rows", "exchange", "choose", "write"}
"""Those of two values."""


class Grown(nn.Module):
    """A module that carries out steps, each on what is there, and returns the last."""

    def __init__(self, steps: list[Step]) -> None:
        super().__init__()
        self.steps = [(name, places) for name, places, _ in steps]
        self.weights = nn.ParameterList(
            nn.Parameter(torch.from_numpy(weights), requires_grad=False) for _, _, weights in steps
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the last value, and the first one so that something depends on the input."""
        values = [x]
        for (name, places), weights in zip(self.steps, self.weights, strict=True):
            values.append(OPERATIONS[name][0](*(values[place] for place in places), weights))
        return torch.cat([values[-1], x], dim=1)

    def in_fractions(self, x: Any) -> list[Fraction]:
        """Return what an input, an array of fractions of shape (2, 3), becomes."""
        values = [x]
        for (name, places), weights in zip(self.steps, self.weights, strict=True):
            exact = np.vectorize(Fraction, otypes=[object])(weights.double().numpy())
            values.append(OPERATIONS[name][1](*(values[place] for place in places), exact))
        return [Fraction(entry) for entry in np.concatenate([values[-1], x]).ravel()]


@st.composite
def grown(draw: st.DrawFn, *, elements: Any = tame, most: int = 6) -> Grown:
    """Modules of a few operations, which read one another's values in any way."""
    steps: list[Step] = []
    for number in range(draw(st.integers(1, most))):
        name = draw(st.sampled_from(sorted(OPERATIONS)))
        two = name in {
            "add",
            "subtract",
            "multiply",
            "products of rows",
            "exchange",
            "choose",
            "write",
        }
        places = [draw(st.integers(0, number)) for _ in range(1 + two)]
        dtype = draw(st.sampled_from([np.float32, np.float64]))
        steps.append((name, places, draw(hnp.arrays(dtype, (3, 3), elements=elements(dtype)))))
    return Grown(steps)
