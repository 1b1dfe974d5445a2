"""What weights do not say is refused by name; what they say in another way is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from numeric import (
    BilinearLayer,
    BilinearNetwork,
    NumericError,
    load_network,
    rewrite,
    save_network,
    trace,
)

Network = Any
"""A network whose submodules are altered."""


class Doubled(BilinearLayer):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def hooked(network: Network) -> None:
    network.blocks[0].down.register_forward_hook(lambda *given: 2 * given[-1])


def hooked_before(network: Network) -> None:
    network.blocks[1].register_forward_pre_hook(lambda *given: (2 * given[-1][0],))


def low_rank(network: Network) -> None:
    network.blocks[0].left = nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 5))


def with_bias(network: Network) -> None:
    network.blocks[0].skip = nn.Linear(6, 6)


def replaced(network: Network) -> None:
    network.blocks[0].forward = lambda x: x


def spectral(network: Network) -> None:
    parametrizations.spectral_norm(network.blocks[0].left)


def emptied(network: Network) -> None:
    network.blocks = nn.ModuleList()


def insert(module: nn.Module) -> Callable[[Network], None]:
    return lambda network: network.blocks.insert(1, module)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (insert(nn.LayerNorm(6)), "blocks.1 to be a BilinearLayer, got a LayerNorm"),
        (insert(nn.ReLU()), "blocks.1 to be a BilinearLayer, got a ReLU"),
        (insert(nn.Linear(6, 6)), "blocks.1 to be a BilinearLayer, got a Linear"),
        (insert(Doubled(6, 6, 5)), "blocks.1 to compute what a BilinearLayer does, got a Doubled"),
        (hooked, "blocks.0.down to have no forward hook"),
        (hooked_before, "blocks.1 to have no forward hook"),
        (low_rank, "blocks.0.left to be a Linear, got a Sequential"),
        (with_bias, "blocks.0.skip to have no bias"),
        (replaced, "blocks.0 to have the forward of its class"),
        (spectral, "parametrization of blocks.0.left.weight to give the same"),
        (emptied, "blocks to hold a bilinear layer"),
        (lambda n: setattr(n, "scale", nn.Parameter(torch.ones(1))), "not use, got also scale"),
        (lambda n: n.blocks.register_buffer("mean", torch.ones(1)), "not use, got also mean"),
    ],
)
def test_what_the_weights_do_not_say_is_refused_by_name(
    change: Callable[[Network], None], message: str, tmp_path: Path
) -> None:
    network = BilinearNetwork(6, 3, depth=2, width=6, hidden=5)
    change(network)
    for verb in (network.layers, lambda: save_network(network, tmp_path / "file")):
        with pytest.raises(NumericError, match=message):
            verb()
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda n: torch.compile(n, backend="eager")])
def test_of_a_wrapper_the_network_in_it_is_asked_for(wrap: Any, tmp_path: Path) -> None:
    wrapped = wrap(BilinearNetwork(3, 2, hidden=4))
    for verb in (lambda: trace(wrapped), lambda: save_network(wrapped, tmp_path / "file")):
        with pytest.raises(NumericError, match="pass the BilinearNetwork in it, its attribute"):
            verb()


def tied(network: Network) -> None:
    network.blocks[0].right = network.blocks[0].left


def shared(network: Network) -> None:
    network.blocks[1] = network.blocks[0]


def pruned(network: Network) -> None:
    prune.l1_unstructured(network.blocks[0].left, "weight", amount=0.5)
    prune.random_unstructured(network.blocks[0].down, "bias", amount=1)
    with torch.no_grad():  # as a step of training: the plain weight is stale until the next pass
        network.blocks[0].left.weight_orig.mul_(2)


def normed(network: Network) -> None:
    parametrizations.weight_norm(network.blocks[0].left)


@pytest.mark.parametrize("change", [tied, shared, pruned, normed])
def test_weights_that_are_given_in_another_way_are_read_written_and_computed_with(
    change: Callable[[Network], None], tmp_path: Path
) -> None:
    network = BilinearNetwork(6, 3, depth=3, width=6, hidden=5).double()
    change(network)
    x = torch.rand(20, 6, dtype=torch.float64)
    save_network(network, tmp_path / "file")
    graph = rewrite(trace(network, "polarized"))
    with torch.no_grad():
        expected = network(x)
        torch.testing.assert_close(graph(x), expected, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(load_network(tmp_path / "file")(x), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: setattr(n.blocks[0].left, "bias", None), "with one at blocks.0.left.bias"),
        (lambda n: n.blocks.__delitem__(2), "with one at blocks.2.down.bias"),
        (lambda n: setattr(n.blocks[0], "skip", nn.Identity()), "residual=False.*skip=Identity"),
    ],
)
def test_a_network_that_is_not_of_its_configuration_is_not_written(
    change: Callable[[Network], object], message: str, tmp_path: Path
) -> None:
    network = BilinearNetwork(6, 3, depth=3, width=6, hidden=5)
    change(network)
    network.layers()
    with pytest.raises(NumericError, match=message):
        save_network(network, tmp_path / "file")
    assert not (tmp_path / "file").exists()
