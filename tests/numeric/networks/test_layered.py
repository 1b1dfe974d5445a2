"""Layers as a network, and the layers of whatever is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from numeric import BilinearNetwork, Layer, NumericError, similarity, trace
from numeric.networks.layered import LayeredNetwork, read_layers


def network(**shape: Any) -> BilinearNetwork:
    return BilinearNetwork(6, 3, width=4, hidden=5, **shape)


def layered() -> LayeredNetwork:
    return LayeredNetwork(network(embedding=True).layers())


def test_it_has_every_float_and_no_parameter() -> None:
    layers = network(embedding=True).layers()
    module = LayeredNetwork(layers)
    assert not list(module.parameters())
    for given, found in zip(layers, module.layers(), strict=True):
        for name in Layer._fields:
            array = getattr(found, name)
            assert array.dtype == np.float64
            np.testing.assert_array_equal(array, getattr(given, name))


def test_it_takes_any_floats_and_any_shape() -> None:
    module = layered()
    x = torch.arange(12, dtype=torch.float32).reshape(2, 1, 6) / 8
    assert module(x).shape == (2, 1, 3)
    assert torch.equal(module(x), module(x.double()))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones(6), "to be a torch tensor, got ndarray"),
        (torch.ones(5, dtype=torch.float64), r"of shape \(..., 6\), got \(5,\)"),
        (torch.ones(6, dtype=torch.int64), "of dtype torch.float64 .*, got torch.int64"),
    ],
    ids=["array", "size", "integers"],
)
def test_it_refuses_other_inputs(inputs: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        layered()(inputs)


def test_it_refuses_layers_that_do_not_fit() -> None:
    layers = network(depth=3).layers()
    with pytest.raises(NumericError, match="left of layer 2 to have shape"):
        LayeredNetwork([layers[0], layers[0]])


def test_it_says_how_large_it_is() -> None:
    assert repr(layered()) == "LayeredNetwork(6 inputs, layers of 0, 5, 5 neurons, 3 outputs)"


def test_it_goes_where_its_layers_go() -> None:
    module = layered()
    for given in (module, module.layers()):
        graph = trace(given, "polarized")
        assert graph.graph["network"] == trace(module, "polarized").graph["network"]
        assert similarity(given, network(embedding=True)).value == pytest.approx(1)


class Doubled(LayeredNetwork):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def test_what_computes_something_else_than_its_layers_is_refused() -> None:
    hooked = layered()
    hooked.register_forward_hook(lambda *_: None)
    for module, message in (
        (Doubled(layered().layers()), "with a forward of its own"),
        (hooked, "to have no forward hook"),
        (
            nn.DataParallel(layered()),
            "expected network to be a BilinearNetwork, got a DataParallel",
        ),
    ):
        with pytest.raises(NumericError, match=message):
            read_layers(module)
