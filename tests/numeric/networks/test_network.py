"""Networks: their weights, their normal form, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from numeric import BilinearNetwork, Layer, NumericError
from numeric.networks.configuration import Configuration
from tests.strategies import networks, networks_with_points, wild

SHAPES = [
    dict(zip(("depth", "bias", "residual", "embedding"), values, strict=True))
    for values in product((1, 2, 3), *[(False, True)] * 3)
]
SMALL: dict[str, Any] = {"width": 4, "hidden": 6}

Wrong = Any
"""What no caller should hand over."""


def evaluated(layers: Sequence[Layer], x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    state = np.concatenate([np.ones((len(x), 1)), x], axis=1)
    for left, right, down, linear in layers:
        state = ((state @ left.T) * (state @ right.T)) @ down.T + state @ linear.T
    return state[:, 1:]


def test_a_network_says_how_large_it_is_above_its_modules() -> None:
    first = repr(BilinearNetwork(5, 3, depth=2, **SMALL)).splitlines()[1].strip()
    assert first == "5 inputs, layers of 6, 6 neurons, hidden states of 4, 3 outputs"
    shallow = repr(BilinearNetwork(5, 3, depth=1, **SMALL)).splitlines()[1].strip()
    assert shallow == "5 inputs, a layer of 6 neurons, 3 outputs"
    embedded = repr(BilinearNetwork(5, 3, depth=1, embedding=True, **SMALL))
    assert "a layer of 6 neurons, hidden states of 4, 3 outputs" in embedded


def bytes_of(network: BilinearNetwork) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in network.arrays().items()}


# The normal form


@pytest.mark.props
@given(networks_with_points())
def test_the_normal_form_computes_what_the_module_computes(
    drawn: tuple[BilinearNetwork, npt.NDArray[Any]],
) -> None:
    network, x = drawn[0].double(), drawn[1].astype(np.float64)
    with torch.no_grad():
        outputs = network(torch.from_numpy(x)).numpy()
    sizes = evaluated([Layer(*map(abs, layer)) for layer in network.layers()], abs(x))
    assert (abs(evaluated(network.layers(), x) - outputs) <= 1e-12 * sizes).all()


@pytest.mark.props
@given(networks(elements=wild))
def test_the_normal_form_holds_exactly_the_floats_of_the_parameters(
    network: BilinearNetwork,
) -> None:
    weights, shape = network.arrays(), network.configuration
    layers = network.layers()
    if shape.embedding:
        layer = layers.pop(0)
        assert layer.left.shape == layer.right.shape == (0, shape.inputs + 1)
        assert layer.down.shape == (shape.width + 1, 0)
        assert_holds(layer.linear, weights, "embedding", shape)
    for number, layer in enumerate(layers):
        block = f"blocks.{number}"
        for name in ("left", "right"):
            rows = np.concatenate([layer.linear[:1], getattr(layer, name)])
            assert_holds(rows, weights, f"{block}.{name}", shape)
        # The bias of ``down`` is the first column of the linear part, a residual the rest of it.
        down = np.concatenate([layer.linear[:, :1], layer.down], axis=1)
        assert not down[0, 1:].any()
        assert_holds(down, weights, f"{block}.down", shape)
        skip = np.zeros_like(layer.linear[1:, 1:])
        if shape.residual:
            skip = weights.get(f"{block}.skip.weight", np.eye(*skip.shape, dtype=skip.dtype))
        assert layer.linear[1:, 1:].tobytes() == skip.tobytes()
        assert not layer.linear[0, 1:].any()
        assert {array.dtype for array in layer} == {down.dtype}


def assert_holds(
    rows: npt.NDArray[Any], weights: dict[str, npt.NDArray[Any]], name: str, shape: Configuration
) -> None:
    weight = weights[f"{name}.weight"]
    bias = weights[f"{name}.bias"] if shape.bias else np.zeros(len(weight), weight.dtype)
    assert rows.dtype == weight.dtype
    assert rows[0, 0] == 1
    assert rows[1:, 0].tobytes() == bias.tobytes()
    assert rows[1:, 1:].tobytes() == weight.tobytes()


def test_the_normal_form_is_a_copy() -> None:
    network = BilinearNetwork(3, 2, depth=1, hidden=4, residual=True, embedding=True, width=3)
    before = bytes_of(network)
    for layer in network.layers():
        for array in layer:
            array[:] = 7
    assert bytes_of(network) == before


# Initial weights


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    shape: dict[str, Any],
) -> None:
    one, same, other = (
        bytes_of(BilinearNetwork(3, 2, **shape, **SMALL, seed=seed)) for seed in (7, 7, 8)
    )
    assert one == same
    assert all(one[name] != other[name] for name in one)


def test_a_network_is_drawn_without_touching_the_random_state_of_torch() -> None:
    before = torch.get_rng_state()
    BilinearNetwork(3, 2, residual=True, embedding=True, **SMALL)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_of_the_same_configuration_has_the_same_weights() -> None:
    network = BilinearNetwork(3, 2, residual=True, **SMALL, seed=5)
    again = BilinearNetwork.from_configuration(network.configuration, seed=5)
    assert again.configuration == network.configuration
    assert bytes_of(again) == bytes_of(network)


# Refusals


@pytest.mark.parametrize("seed", [-1, 0.5, "0", None, True, 2**63])
def test_a_seed_is_an_integer_of_at_least_0(seed: Wrong) -> None:
    with pytest.raises(NumericError, match="expected seed to be"):
        BilinearNetwork(3, 2, seed=seed)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_of_half_precision_are_refused_by_name(dtype: torch.dtype) -> None:
    network = BilinearNetwork(3, 2, **SMALL).to(dtype)
    with pytest.raises(NumericError, match=f"blocks.0.left.weight in float32 .* got {dtype}"):
        network.layers()


def test_weights_of_mixed_precision_are_refused_by_name() -> None:
    network = BilinearNetwork(3, 2, residual=True, **SMALL)
    network.blocks[1].skip.double()
    with pytest.raises(
        NumericError, match=r"blocks.1.skip.weight in torch.float32 as the rest, got torch.float64"
    ):
        network.layers()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["embedding.bias", "blocks.0.left.weight", "blocks.1.down.bias"])
def test_a_weight_that_is_not_finite_is_refused_by_name(name: str, value: float) -> None:
    network = BilinearNetwork(3, 2, embedding=True, **SMALL)
    with torch.no_grad():
        network.get_parameter(name)[-1] = value
    for read in (network.arrays, network.layers):
        with pytest.raises(NumericError, match=f"expected {name} to be finite, got {value} at"):
            read()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (torch.zeros(5, 4), r"inputs of shape \(\.\.\., 3\), got \(5, 4\)"),
        (torch.zeros(()), r"inputs of shape \(\.\.\., 3\), got \(\)"),
        (torch.zeros(5, 3).double(), "inputs of dtype torch.float32 .* got torch.float64"),
        (torch.zeros(5, 3).int(), "inputs of dtype torch.float32 .* got torch.int32"),
        (np.zeros((5, 3), np.float32), "inputs to be a torch tensor, got ndarray"),
        ([0.0, 0.0, 0.0], "inputs to be a torch tensor, got list"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x: Wrong, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        BilinearNetwork(3, 2, **SMALL)(x)


@given(st.lists(st.integers(0, 3), max_size=3).map(tuple))
def test_inputs_may_come_in_any_number_of_axes(axes: tuple[int, ...]) -> None:
    network = BilinearNetwork(3, 2, embedding=True, residual=True, **SMALL)
    assert network(torch.zeros(*axes, 3)).shape == (*axes, 2)
