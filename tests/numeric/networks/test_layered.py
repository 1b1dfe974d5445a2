"""Layers as a network, and the layers of whatever is one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from numeric import BilinearNetwork, Layer, NumericError, similarity, trace
from numeric.networks.layered import LayeredNetwork, as_network, read_layers


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
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, getattr(given, name))


def test_it_is_in_float64_unless_every_array_is_in_float32() -> None:
    mixed = [layer._asdict() for layer in network().layers()]
    mixed[1]["down"] = mixed[1]["down"].astype(np.float64)
    module = LayeredNetwork(Layer(**layer) for layer in mixed)
    assert {array.dtype for layer in module.layers() for array in layer} == {np.dtype(np.float64)}


def test_it_takes_any_shape_and_computes_as_precisely_as_weights_or_inputs_are() -> None:
    single, double = layered(), layered().double()
    x = torch.arange(12, dtype=torch.float32).reshape(2, 1, 6) / 8
    assert single(x).shape == (2, 1, 3)
    assert single(x).dtype == torch.float32
    assert torch.equal(single(x.half()), single(x))
    for module, given in ((single, x.double()), (double, x), (double, x.half())):
        assert torch.equal(module(given), double(x.double()))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.ones(6), "to be a torch tensor, got ndarray"),
        (torch.ones(5, dtype=torch.float64), r"of shape \(..., 6\), got \(5,\)"),
        (torch.ones(6, dtype=torch.int64), "of dtype torch.float32 .*, got torch.int64"),
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


def test_weights_that_were_changed_are_checked_where_they_are_used() -> None:
    module = layered()
    module.get_buffer("down_2")[1, 2] = np.inf
    with pytest.raises(NumericError, match=r"down of layer 2 to be finite, got inf at .*\(1, 2\)"):
        read_layers(module)


def test_arrays_that_are_read_backwards_are_weights_too() -> None:
    layers = network(depth=1).layers()
    turned = [layers[0]._replace(left=layers[0].left[:, ::-1])]
    assert np.array_equal(LayeredNetwork(turned).layers()[0].left, turned[0].left)
    assert read_layers(turned)[0].left is turned[0].left


class Foreign:
    """What has layers is a network, whatever else it is."""

    def layers(self) -> list[Layer]:
        return network().layers()


def test_whatever_has_layers_is_a_network() -> None:
    found = as_network(Foreign())
    assert isinstance(found, LayeredNetwork)
    assert trace(found, "eigen").graph == trace(network(), "eigen").graph


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
            "to be a LayeredNetwork, got a DataParallel: pass the LayeredNetwork in it",
        ),
        (
            nn.DataParallel(network()),
            "to be a BilinearNetwork, got a DataParallel: pass the BilinearNetwork in it",
        ),
        (nn.Linear(6, 3), "in the normal form, got Linear: from_module brings modules"),
        (nn.Linear(6, 3).state_dict(), "got OrderedDict: from_state_dict reads state dicts"),
        ("network.safetensors", "got str: load_network reads files"),
        (3, "expected network to be a BilinearNetwork, .*, got int"),
    ):
        with pytest.raises(NumericError, match=message):
            read_layers(module)
