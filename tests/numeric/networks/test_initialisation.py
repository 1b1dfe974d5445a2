"""Initial weights: states keep the size of the inputs, whatever the shape of the network."""

from __future__ import annotations

import math
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from numeric import BilinearNetwork, train
from numeric.networks.initialisation import INPUT_SIZE
from numeric.networks.training import chance_accuracy
from tests.digits import like_mnist
from tests.weights import within_one_over_the_root

SWITCHES = [
    dict(zip(("bias", "residual", "embedding"), values, strict=True))
    for values in product((False, True), repeat=3)
]
NEITHER = {"bias": False, "residual": False}


def of_size(size: float, count: int = 1000, inputs: int = 784) -> Tensor:
    """Draw inputs with a root mean square of ``size`` each."""
    x = torch.from_numpy(np.random.default_rng(7).normal(size=(count, inputs))).float()
    return size * x / x.square().mean(dim=1, keepdim=True).sqrt()


def states(network: BilinearNetwork, x: Tensor) -> list[Tensor]:
    """Return the hidden states and the outputs."""
    modules = [*network.blocks]
    if network.embedding is not None:
        modules.insert(0, network.embedding)
    found = []
    with torch.no_grad():
        for module in modules:
            x = module(x)
            found.append(x)
    return found


def sizes(network: BilinearNetwork) -> list[float]:
    """Return the median over inputs of the root mean square of each state."""
    found = states(network, of_size(INPUT_SIZE))
    return [float(state.square().mean(dim=1).sqrt().median()) for state in found]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_states_and_logits_start_at_a_size_of_1(switches: dict[str, bool], depth: int) -> None:
    network = BilinearNetwork(784, 10, depth=depth, **switches)
    found = sizes(network)
    assert len(found) == depth + switches["embedding"]
    assert 0.4 < min(found) <= max(found) < 2.5
    assert min(sizes(within_one_over_the_root(network))) < 1 / 3


@pytest.mark.parametrize("width", [16, 256])
def test_the_size_of_states_does_not_depend_on_that_of_the_network(width: int) -> None:
    for switches in SWITCHES:
        network = BilinearNetwork(100, 5, depth=3, width=width, hidden=4 * width, **switches)
        found = [
            float(state.square().mean(dim=1).sqrt().median())
            for state in states(network, of_size(INPUT_SIZE, inputs=100))
        ]
        assert 1 / 3 < min(found) <= max(found) < 3


@pytest.mark.parametrize("size", [0.25, 1.0, 4.0])
def test_a_layer_with_biases_changes_the_mean_square_by_the_formula(size: float) -> None:
    layer = BilinearNetwork(784, 200, depth=1, hidden=400)
    x, share = of_size(INPUT_SIZE * math.sqrt(size)), 1 / 2
    [outputs] = states(layer, x)
    expected = size * (1 + share * size) / (1 + share)
    assert float(outputs.square().mean()) == pytest.approx(expected, rel=0.15)
    with torch.no_grad():
        layer.blocks[0].left.bias -= 1
    [outputs] = states(layer, x)
    squared = share * size**2 / (1 + share)
    assert float(outputs.square().mean()) == pytest.approx(squared, rel=0.15)


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_without_biases_and_residual_the_constant_is_squared_and_never_negative(
    depth: int,
) -> None:
    network = BilinearNetwork(784, 10, depth=depth, **NEITHER)
    first, *above = states(network, of_size(INPUT_SIZE))[:-1]
    assert (first[:, 0] > 0).all()
    assert float(first[:, 0].mean()) == pytest.approx(1, rel=0.15)
    assert (first[:, 1:].mean(dim=0) < 0).any()
    for one, following in pairwise([first, *above]):
        assert torch.equal(following[:, 0], one[:, 0] ** 2)


def test_no_two_neurons_of_the_first_layer_and_no_two_sides_are_the_same() -> None:
    for switches in SWITCHES:
        block = BilinearNetwork(9, 3, depth=2, width=4, hidden=6, **switches).blocks[0]
        rows = torch.cat([block.left.weight, block.right.weight])
        assert len(torch.unique(rows, dim=0)) == 12


@pytest.mark.parametrize(("width", "hidden"), [(1, 1), (1, 3), (4, 1), (2, 2)])
def test_the_smallest_networks_start_with_outputs_that_depend_on_the_input(
    width: int, hidden: int
) -> None:
    for depth, switches in product((1, 2, 4), SWITCHES):
        network = BilinearNetwork(5, 3, depth=depth, width=width, hidden=hidden, **switches)
        outputs = states(network, of_size(INPUT_SIZE, inputs=5))[-1]
        assert (outputs.std(dim=0) > 0).all()


@pytest.mark.parametrize("embedding", [False, True])
def test_deep_networks_without_biases_learn(embedding: bool) -> None:
    digits = like_mnist()
    shape: dict[str, Any] = {"depth": 5, "width": 32, "hidden": 64, "embedding": embedding}
    found = []
    for start in (lambda network: network, within_one_over_the_root):
        network = start(BilinearNetwork(784, 10, **shape, **NEITHER))
        found.append(train(network, digits, epochs=10, batch=16)[-1].accuracy)
    chance = chance_accuracy(digits.test_labels)
    assert found[0] > 0.9 > chance >= found[1]
