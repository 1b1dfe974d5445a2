"""Tensors of values: shapes, and what costs less than it could."""

from __future__ import annotations

import pytest
import torch

from numeric.networks.compilation.algebra import Algebra
from numeric.networks.compilation.circuit import PRODUCT, Circuit


@pytest.fixture
def algebra() -> Algebra:
    return Algebra(Circuit())


@pytest.mark.parametrize(
    ("first", "second"),
    [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4))],
)
def test_matrices_have_the_shape_of_their_product(
    algebra: Algebra, first: tuple[int, ...], second: tuple[int, ...]
) -> None:
    shape = torch.matmul(torch.zeros(first), torch.zeros(second)).shape
    values = [algebra.circuit.inputs(size) for size in (first, second)]
    assert algebra.matmul(*values).shape == shape
    assert algebra.matmul(values[0], torch.zeros(second)).shape == shape
    assert algebra.matmul(torch.zeros(first), values[1]).shape == shape


def test_what_is_known_is_multiplied_without_neurons(algebra: Algebra) -> None:
    x = algebra.circuit.inputs((2, 2))
    algebra.product(x, torch.ones(2))
    algebra.product(2.0, x)
    assert PRODUCT not in algebra.circuit.kinds
    assert algebra.product(torch.tensor(2.0), torch.tensor(3.0)) == 6


def test_a_factor_of_1_changes_nothing(algebra: Algebra) -> None:
    x = algebra.circuit.inputs((2,))
    assert algebra.times(x, 1) is x
