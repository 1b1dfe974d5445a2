"""One thing is counted in the singular, wherever networks, graphs and data say their size."""

from __future__ import annotations

import numpy as np
import pytest

from analytic import ExactNetwork
from numeric import BilinearNetwork, Digits, LayeredNetwork, rewrite, trace
from numeric.wording import described


def test_one_thing_is_counted_in_the_singular() -> None:
    network = BilinearNetwork(1, 1, depth=1, hidden=1)
    layered, graph = LayeredNetwork(network.layers()), trace(network, "canonical")
    one = np.ones((1, 1), np.float32), np.zeros(1, np.int64)
    assert network.extra_repr() == "1 input, a layer of 1 neuron, 1 output"
    assert layered.extra_repr() == "1 input, a layer of 1 neuron, 1 output"
    assert rewrite(graph).extra_repr().startswith("1 input, a layer of ")
    assert rewrite(graph).extra_repr().endswith(", 1 output")
    assert repr(Digits(*one, *one)) == "Digits(1 to train on, 1 to test on, 1 input, 1 class)"
    assert repr(ExactNetwork(network.layers())).startswith("ExactNetwork(1 input, 1 output, degr")
    assert "; 1 input;" in repr(graph)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([2], "a layer of 2 squares"),
        ([1], "a layer of 1 square"),
        ([2, 1], "layers of 2, 1 squares"),
    ],
)
def test_one_layer_is_no_layers(layers: list[int], said: str) -> None:
    assert described(3, layers, 2, noun="square") == f"3 inputs, {said}, 2 outputs"
