"""Scalars of numpy and torch are the Python numbers that they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from numeric import BilinearNetwork, NumericError, explain, prune, scale, trace
from numeric.networks.configuration import Configuration
from numeric.networks.training import Recipe
from numeric.scalars import check_integer, plain
from tests.graphs import small_graph

THREES = [np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor(3, dtype=torch.int8)]
HALVES = [np.float32(0.5), np.array(0.5), torch.tensor(0.5, requires_grad=True)]
HALVES += [torch.tensor(0.5, dtype=torch.bfloat16)]


@pytest.mark.parametrize("value", THREES, ids=repr)
def test_an_integer_is_the_one_that_a_scalar_holds(value: Any) -> None:
    assert type(plain(value)) is int
    assert check_integer(value, "depth", least=3) == 3
    with pytest.raises(NumericError, match="expected depth to be an integer of at least 4, got"):
        check_integer(value, "depth", least=4)


@pytest.mark.parametrize("value", HALVES, ids=repr)
def test_a_float_is_no_integer(value: Any) -> None:
    assert (type(plain(value)), plain(value)) == (float, 0.5)
    with pytest.raises(NumericError, match="expected depth to be an integer"):
        check_integer(value, "depth", least=0)


@pytest.mark.parametrize(
    "value", [np.bool_(1), torch.ones(()).bool(), [3], np.array([3]), torch.tensor([3]), "3", None]
)
def test_what_is_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(NumericError, match="expected depth to be an integer"):
        check_integer(value, "depth", least=0)


def test_a_tensor_that_holds_nothing_is_left_as_it_is() -> None:
    empty = torch.zeros((), device="meta")
    assert plain(empty) is empty


def test_sizes_and_settings_are_kept_as_python_s_numbers() -> None:
    shape = Configuration(np.int64(4), torch.tensor(2), hidden=np.uint8(3), bias=np.bool_(0))
    assert shape == Configuration(4, 2, hidden=3, bias=False)
    assert {type(value) for value in vars(shape).values()} == {int, bool}
    recipe = Recipe(epochs=np.int32(2), noise=np.float32(0.5), seed=np.array(7))
    assert recipe == Recipe(epochs=2, noise=0.5, seed=7)
    assert {type(value) for value in vars(recipe).values()} == {int, float}
    labels, depth = np.arange(3), torch.tensor(1)
    one = BilinearNetwork(np.int64(4), labels.max() + 1, depth=depth, seed=THREES[0])
    two = BilinearNetwork(4, 3, depth=1, seed=3)
    assert one.configuration == two.configuration
    for first, second in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(first, second)


def test_shares_errors_and_factors_may_be_scalars() -> None:
    network = BilinearNetwork(4, 3, depth=1, hidden=4)
    graph, wanted = (trace(network, "shared", error=half) for half in (HALVES[0], 0.5))
    assert list(graph.edges(data="weight")) == list(wanted.edges(data="weight"))
    for half in HALVES:
        assert list(prune(graph, share=half)) == list(prune(graph, share=0.5))
        scaled, expected = (scale(graph, ("logit", 0), factor) for factor in (half, 0.5))
        assert list(scaled.edges(data="weight")) == list(expected.edges(data="weight"))


@pytest.mark.parametrize("three", THREES, ids=repr)
def test_counts_may_be_scalars(three: Any) -> None:
    graph = small_graph()
    assert list(prune(graph, features=three).nodes("cut")) == list(
        prune(graph, features=3).nodes("cut")
    )
    network = BilinearNetwork(4, 3, depth=1, hidden=4)
    for features in (three, [three]):
        found = trace(network, "shared", features=features)
        assert sum(node[0] == "feature" for node in found) == 3


def test_an_explanation_keeps_its_classes_as_integers() -> None:
    graph, image = small_graph(), np.ones(3)
    found = explain(graph, image, label=torch.tensor(1), against=np.array(0))
    assert (type(found.label), found.label, found.against) == (int, 1, 0)
    assert found.total == explain(graph, image, label=1, against=0).total
