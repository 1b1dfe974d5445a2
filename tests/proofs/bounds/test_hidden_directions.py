"""Directions of hidden states: of all pairs of classes, in an order, and as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from numeric import BilinearNetwork
from proofs.bounds.hidden_directions import HiddenDirections, all_pairs, pair_place
from proofs.bounds.surroundings import Stack
from tests.tensors import random_stack

IMAGES = np.random.default_rng(0).random((6, 5))


def test_pairs_stand_in_the_order_of_the_larger_class() -> None:
    pairs = all_pairs(4)
    assert pairs == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert [pair_place(*pair) for pair in pairs] == list(range(6))
    assert [pair_place(*pair[::-1]) for pair in pairs] == list(range(6))


@pytest.mark.parametrize("kept", [None, 0, 1])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_they_are_read_back_from_arrays(depth: int, kept: int | None) -> None:
    stack = Stack.of(random_stack([5, *[3] * (depth - 1), 4], seed=0))
    made = HiddenDirections.of(stack, IMAGES, kept)
    read = HiddenDirections.of_arrays(made.arrays(), depth)
    assert read.kept == made.kept == [3 if kept is None else kept] * (depth - 1)
    assert read.multipliers == len(read.free) == 2 + sum(2 * count + 1 for count in read.kept)
    for one, other in zip(made.rows + made.held, read.rows + read.held, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(made.bends, read.bends)
    assert len(made.bends) == (6 if depth > 2 else 0)


def test_the_bound_of_bends_is_above_the_largest_eigenvalue_and_next_to_it() -> None:
    stack = Stack.of(random_stack([5, 3, 3, 4], seed=0))
    found = HiddenDirections.of(stack, IMAGES)
    for rows, bend in zip(found.rows[0], found.bends, strict=True):
        largest = np.linalg.eigvalsh(stack.squares(rows.T @ rows))[-1]
        assert largest < bend < largest * 1.001


def test_the_last_form_is_diagonal_in_them_and_falls() -> None:
    layers = random_stack([5, 4, 3], seed=2)
    stack = Stack.of(layers)
    found = HiddenDirections.of(stack, IMAGES)
    for (one, other), rows in zip(all_pairs(3), found.rows[0], strict=True):
        inverse = np.linalg.inv(rows)
        form = inverse.T @ (stack.forms[0][one] - stack.forms[0][other]) @ inverse
        np.testing.assert_allclose(form, np.diag(form.diagonal()), atol=1e-9 * abs(form).max())


def test_an_embedding_bends_nothing_and_has_no_multipliers() -> None:
    network = BilinearNetwork(5, 3, depth=2, width=2, hidden=3, embedding=True).double()
    found = HiddenDirections.of(Stack.of(network.layers()), IMAGES)
    assert found.kept == [0, 2]


def test_a_single_class_has_no_pairs() -> None:
    stack = Stack.of(random_stack([5, 3, 1], seed=0))
    found = HiddenDirections.of(stack, IMAGES)
    assert found.rows[0].shape == (0, 3, 3)
    assert found.kept == [0]
