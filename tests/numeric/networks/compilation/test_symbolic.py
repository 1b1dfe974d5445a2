"""Tensors without numbers: what may be written into, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from numeric.networks.compilation.circuit import Circuit
from numeric.networks.compilation.operations import Reader, Unreadable
from numeric.networks.compilation.schedule import layers_of
from numeric.networks.compilation.symbolic import Symbolic, symbolic
from tests import oracles


@pytest.fixture
def x() -> Symbolic:
    reader = Reader(Circuit())
    return symbolic(reader.inputs((1, 2), tokens=False), reader, torch.float64)


def value(tensor: Symbolic) -> list[float]:
    layers = layers_of(tensor.reader.algebra.circuit, tensor.value, 10**6)
    return [float(number) for number in oracles.value(layers, [3.0, 5.0])]


def added(x: Tensor) -> Tensor:
    x = x * 1
    x += 2
    return x


def multiplied(x: Tensor) -> Tensor:
    y = x * 1
    y.mul_(x).neg_()
    return y


def copied(x: Tensor) -> Tensor:
    y = x * 1
    y.copy_(x[:, 1:])
    return y


@pytest.mark.parametrize(
    ("write", "expected"), [(added, [5, 7]), (multiplied, [-9, -25]), (copied, [5, 5])]
)
def test_what_nobody_else_shows_is_written_into(
    x: Symbolic, write: Callable[[Tensor], Symbolic], expected: list[float]
) -> None:
    assert value(write(x)) == expected
    assert value(x) == [3, 5]


@pytest.mark.parametrize("view", [lambda x: x[:, 0], lambda x: x.T, lambda x: x.split(1, 1)[0]])
def test_what_a_view_shows_is_not_written_into_on_either_side(
    x: Symbolic, view: Callable[[Tensor], Tensor]
) -> None:
    y = x * 1
    part = view(y)
    for shown in (y, part):
        with pytest.raises(Unreadable, match="that another tensor shows") as caught:
            shown.add_(1)
        assert caught.value.operation == "add_"


def test_a_tensor_without_numbers_says_its_shape(x: Symbolic) -> None:
    assert repr(x) == "Symbolic(shape=(1, 2))"
    assert (2 * x).dtype == torch.float64


def test_a_branch_on_a_value_is_no_sum_or_product(x: Symbolic) -> None:
    with pytest.raises(Unreadable, match="decides by a value what is computed"):
        bool(x.sum())
    with pytest.raises(Unreadable, match="decides by a value what is computed"):
        x.sum().item()
