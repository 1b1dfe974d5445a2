"""Layers that a circuit is arranged in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from numeric import NumericError
from numeric.networks.compilation.circuit import Circuit, Value
from numeric.networks.compilation.schedule import layers_of
from numeric.networks.normal_form import checked_layers
from tests import oracles


def test_what_is_needed_later_is_carried_on() -> None:
    circuit = Circuit()
    x = circuit.inputs((2,))
    fourth = circuit.product(*[circuit.product(x, x)] * 2)
    layers = checked_layers(layers_of(circuit, circuit.sum(fourth, x), memory=10**6))
    assert [layer.left.shape for layer in layers] == [(2, 3), (2, 5)]
    assert oracles.value(layers, [2.0, 3.0]) == [18, 84]


def test_inputs_that_nothing_reads_are_inputs_still() -> None:
    circuit = Circuit()
    x = circuit.inputs((3,))
    (layer,) = layers_of(circuit, x.at(np.array([1])), memory=10**6)
    assert layer.left.shape == (0, 4)
    assert layer.linear.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


def test_products_that_nothing_reads_are_no_neurons() -> None:
    circuit = Circuit()
    x = circuit.inputs((3,))
    square = circuit.product(x, x)
    (layer,) = layers_of(circuit, square.at(np.array([2])), memory=10**6)
    assert layer.left.tolist() == [[0, 0, 0, 1]]


def test_outputs_that_are_the_same_for_all_inputs_have_a_layer() -> None:
    circuit = Circuit()
    circuit.inputs((1,))
    (layer,) = layers_of(circuit, circuit.constant([3.0]), memory=10**6)
    assert layer.linear.tolist() == [[1, 0], [3, 0]]


def test_a_sum_of_products_is_weighed_in_their_own_layer_and_is_narrower() -> None:
    circuit = Circuit()
    x = circuit.inputs((4,))
    total = circuit.map(sparse.csr_array(np.ones((1, 4))), circuit.product(x, x), (1,))
    layers = layers_of(circuit, circuit.product(total, total), memory=10**6)
    assert [layer.linear.shape for layer in layers] == [(2, 5), (2, 2)]


def test_a_sum_that_was_kept_and_is_returned_takes_no_layer_more() -> None:
    circuit = Circuit()
    kept = circuit.kept(circuit.inputs((2,)))
    assert len(layers_of(circuit, kept, memory=10**6)) == 1


@pytest.mark.parametrize(("memory", "fits"), [(8 * 41, True), (8 * 41 - 1, False)])
def test_what_the_layers_take_is_known_beforehand(memory: int, fits: bool) -> None:
    circuit = Circuit()
    x = circuit.inputs((4,))
    square: Value = circuit.product(x, x).at(np.array([0, 1]))
    if fits:
        (layer,) = layers_of(circuit, square, memory)
        assert sum(array.size for array in layer) == 41
    else:
        with pytest.raises(NumericError, match=r"expected layers of at most .* GB \(memory\)"):
            layers_of(circuit, square, memory)
