"""What weights do not say is refused by name; what they say in another way is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

from numeric import (
    BilinearLayer,
    BilinearNetwork,
    Digits,
    NumericError,
    fidelity,
    frontier,
    load_network,
    matched_across,
    redrawn,
    rewrite,
    save_network,
    similarity,
    trace,
    train,
)
from numeric.networks.inference import settled_copy
from proofs import certify, prove

Network = Any
"""A network whose submodules are altered."""


class Doubled(BilinearLayer):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


def small() -> BilinearNetwork:
    return BilinearNetwork(3, 2, width=3, hidden=4)


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


def digits() -> Digits:
    images, labels = np.eye(3, dtype=np.float32), np.array([0, 1, 0])
    return Digits(images, labels, images, labels)


WRAPS = [nn.DataParallel, lambda n: torch.compile(n, backend="eager")]


@pytest.mark.parametrize("wrap", WRAPS)
def test_where_a_module_is_run_it_is_the_one_in_a_wrapper(wrap: Any) -> None:
    assert type(settled_copy(wrap(nn.DataParallel(small())))) is BilinearNetwork


@pytest.mark.parametrize(
    "verb",
    [
        trace,
        lambda wrapped: save_network(wrapped, "file"),
        lambda wrapped: fidelity(trace(small()), wrapped, digits()),
        lambda wrapped: frontier(wrapped, digits()),
        lambda wrapped: train(wrapped, digits(), epochs=1),
        lambda wrapped: similarity(wrapped, wrapped),
        lambda wrapped: matched_across([wrapped, wrapped], 1),
        lambda wrapped: redrawn(wrapped, 1),
        lambda wrapped: prove(wrapped, trace(small()), digits()),
        lambda wrapped: certify(wrapped, trace(small()), digits()),
    ],
    ids=[
        *("trace", "save_network", "fidelity", "frontier", "train", "similarity", "matched_across"),
        *("redrawn", "prove", "certify"),
    ],
)
@pytest.mark.parametrize("wrap", WRAPS)
def test_of_a_wrapper_every_verb_asks_for_the_network_in_it(
    wrap: Any, verb: Callable[[Network], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="pass the BilinearNetwork in it, its attribute"):
        verb(wrap(small()))
    assert not list(tmp_path.iterdir())


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
    images, labels = x.float().numpy(), np.arange(len(x)) % 3
    kept = fidelity(trace(network), network, Digits(images, labels, images, labels))
    assert kept.largest < 1e-10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: n.blocks.__delitem__(2), "that of its layers, .* of 5, 5 neurons, 6 outputs"),
        (lambda n: setattr(n.blocks[0], "skip", nn.Identity()), "of its layers, .*residual=False"),
    ],
)
def test_a_network_that_is_not_of_its_configuration_is_not_written(
    change: Callable[[BilinearNetwork], object], message: str, tmp_path: Path
) -> None:
    network = BilinearNetwork(6, 3, depth=3, width=6, hidden=5)
    change(network)
    network.layers()
    with pytest.raises(NumericError, match=message):
        save_network(network, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_of_a_bias_that_is_not_there_zeros_are_written(tmp_path: Path) -> None:
    network = BilinearNetwork(6, 3, depth=1, hidden=5)
    network.blocks[0].left.register_parameter("bias", None)
    save_network(network, tmp_path / "file")
    loaded, x = load_network(tmp_path / "file"), torch.ones(2, 6)
    assert torch.equal(loaded(x), network(x))
    assert not loaded.get_parameter("blocks.0.left.bias").any()
