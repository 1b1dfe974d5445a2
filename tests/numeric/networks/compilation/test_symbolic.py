"""Tensors without numbers: what may be written into, and what they say of themselves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from numeric.networks.compilation.circuit import Circuit
from numeric.networks.compilation.operations import Reader
from numeric.networks.compilation.rules import Unreadable
from numeric.networks.compilation.schedule import layers_of
from numeric.networks.compilation.symbolic import Followed, Symbolic, symbolic
from tests import oracles

ONE = torch.tensor([[0]])


@pytest.fixture
def x() -> Symbolic:
    reader = Reader(Circuit())
    return symbolic(reader.inputs((1, 2), tokens=False), reader, torch.float64)


def value(tensor: Symbolic) -> list[float]:
    layers = layers_of(tensor.memory.reader.algebra.circuit, tensor.value, 10**6)
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


def through_a_view(x: Tensor) -> Tensor:
    y = x * 1
    y.T[0] += 1
    return y


def under_a_view(x: Tensor) -> Tensor:
    y = x * 1
    shown = y.flip(-1), y.view(2)
    y[0, 1] = x[0, 0] * x[0, 0]
    return shown[1] + 10 * shown[0]


def of_a_copy(x: Tensor) -> Tensor:
    y = torch.cat([x, x])
    y.T.contiguous().mul_(0)
    y.T.reshape(4).fill_(7.0)
    return y[0]


def filled(x: Tensor) -> Tensor:
    y = x * 1
    y[:, 1].fill_(2.5)
    y[:, :1].zero_()
    return y


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (added, [5, 7]),
        (multiplied, [-9, -25]),
        (copied, [5, 5]),
        (through_a_view, [4, 5]),
        (under_a_view, [53, 39]),
        (of_a_copy, [3, 5]),
        (filled, [0, 2.5]),
    ],
)
def test_what_is_written_is_there_in_all_views_and_nowhere_else(
    x: Symbolic, write: Callable[[Tensor], Symbolic], expected: list[float]
) -> None:
    assert value(write(x)) == expected
    assert value(x) == [3, 5]
    assert write(torch.tensor([[3.0, 5.0]])).ravel().tolist() == expected


def in_place_of_numbers(x: Tensor) -> Tensor:
    y = torch.ones(2, 3, dtype=torch.float64)
    y[:, 1] = x[0]
    y[1:] *= y[1, 1].clone()
    return y.T[1:, 1:].ravel()


def through_another_name(x: Tensor) -> Tensor:
    y = torch.zeros(4, dtype=torch.float64)
    other = y.view(2, 2)[1]
    other.add_(x[0])
    y[0] = 4.0
    return y[::3]


def in_a_loop(x: Tensor) -> Tensor:
    y = x.new_zeros(2)
    for place in range(2):
        y[place] = x[0, place] + y.sum()
    return y


@pytest.mark.parametrize("write", [in_place_of_numbers, through_another_name, in_a_loop])
def test_values_may_be_written_over_numbers(x: Symbolic, write: Callable[[Tensor], Tensor]) -> None:
    with Followed(x.memory.reader) as followed:
        found = followed.shown(write(x))
    expected = write(torch.tensor([[3.0, 5.0]], dtype=torch.float64))
    assert value(found) == expected.tolist()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda x: x.expand(3, 2).mul_(2), "writes several values into the same entry"),
        (lambda x: x.unsqueeze_(0), "not known as a sum or product"),
        (lambda x: x.where(x, x), "chooses by a value"),
        (lambda x: x.scatter(1, ONE, x, reduce="multiply"), "makes of two values in one place"),
        (lambda x: x.index_put((ONE[0], ONE[0]), x[0], accumulate=True), "makes of two values in"),
        (lambda x: torch.mul(x, x, out=torch.zeros(1, 2).double()), "tensor that was made before"),
        (lambda x: x.view(torch.int64), "reads the bits of values as another type's"),
    ],
)
def test_what_is_written_otherwise_is_refused(
    x: Symbolic, write: Callable[[Tensor], Tensor], message: str
) -> None:
    with pytest.raises(Unreadable, match=message):
        write(x)


def test_a_tensor_without_numbers_says_its_shape(x: Symbolic) -> None:
    assert repr(x) == "Symbolic(shape=(1, 2))"
    assert (2 * x).dtype == torch.float64


def test_a_branch_on_a_value_is_no_sum_or_product(x: Symbolic) -> None:
    with pytest.raises(Unreadable, match="decides by a value what is computed"):
        bool(x.sum())
    with pytest.raises(Unreadable, match="decides by a value what is computed"):
        x.sum().item()
