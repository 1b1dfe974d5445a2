"""Layers against the module that they were read from: what is noticed, and what is let be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import prune

from numeric import BilinearLayer, BilinearNetwork, NumericError
from numeric.networks.agreement import agreement, outputs_of, probes
from numeric.networks.normal_form import Layer
from tests.oracles import value
from tests.strategies import networks, tame, wild

Doubles = npt.NDArray[np.float64]


def network(depth: int = 2, **shape: Any) -> BilinearNetwork:
    return BilinearNetwork(6, 3, depth=depth, width=6, hidden=5, **shape)


# What is noticed: a class whose forward was replaced is the class that the weights are read by


def patched(change: Callable[[BilinearLayer, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return a forward of a layer that changes what the layer returns."""
    plain = BilinearLayer.forward

    def forward(self: BilinearLayer, x: Tensor) -> Tensor:
        return change(self, x, plain(self, x))

    return forward


@pytest.mark.parametrize("depth", [1, 3, 6])
@pytest.mark.parametrize(
    "change",
    [
        lambda layer, x, y: y if layer.skip is None else y - layer.skip(x),
        lambda _, __, y: y * (1 + 1e-6),
        lambda _, __, y: y.relu(),
        lambda _, __, y: nn.functional.layer_norm(y, y.shape[-1:]),
        lambda _, __, y: y.clamp(max=50),
        lambda _, __, y: y.log(),
    ],
    ids=["no residual", "scale", "relu", "norm", "clamp", "nan"],
)
def test_a_forward_that_is_not_what_the_weights_say_is_noticed(
    change: Any, depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = network(depth, residual=True)
    model.layers()
    monkeypatch.setattr(BilinearLayer, "forward", patched(change))
    with pytest.raises(NumericError, match="expected the network to compute what its weights say"):
        model.layers()


def test_a_hook_on_all_modules_is_noticed_though_no_module_has_it() -> None:
    model = network(2)
    hook = nn.modules.module.register_module_forward_hook(lambda *given: 2 * given[-1])
    try:
        with pytest.raises(NumericError, match="to compute what its weights say"):
            model.layers()
    finally:
        hook.remove()
    model.layers()


def test_every_weight_that_is_read_wrongly_is_noticed() -> None:
    model = network(2, residual=True, embedding=True)
    layers, inputs = model.layers(), probes(6)
    outputs, dtype = outputs_of(model, inputs, 3)
    assert agreement(layers, inputs, outputs, dtype).worst is None
    for number, layer in enumerate(layers):
        for name, array in layer._asdict().items():
            for position in zip(*np.nonzero(array), strict=True):
                if position[0] == 0 and name in ("linear", "down"):
                    continue  # the constant
                wrong = array.copy()
                wrong[position] *= 1 + 2**-20
                altered = [*layers]
                altered[number] = layer._replace(**{name: wrong})
                assert agreement(altered, inputs, outputs, dtype).worst is not None


# What is let be: whatever floats do


@pytest.mark.props
@given(
    st.one_of(networks(elements=tame), networks(elements=wild)),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_no_network_is_refused_whatever_its_weights_and_precision(
    model: BilinearNetwork, dtype: torch.dtype
) -> None:
    model = model.to(dtype)
    if not all(parameter.isfinite().all() for parameter in model.parameters()):
        return
    layers, inputs = model.layers(), probes(model.configuration.inputs)
    with torch.no_grad():
        found = model(torch.from_numpy(inputs).to(dtype)).double().numpy()
    assert agreement(layers, inputs, found, dtype).worst is None


@pytest.mark.props
@given(networks(elements=tame))
def test_the_bounds_hold_for_what_is_computed_exactly(model: BilinearNetwork) -> None:
    layers, inputs = model.layers(), probes(model.configuration.inputs)[:1]
    exact = np.array([[float(entry) for entry in value(layers, inputs[0])]])
    assert agreement(layers, inputs, exact, torch.float64).worst is None


@pytest.mark.parametrize("size", [1e-45, 1e-38, 1e-20, 1e20, 3e38])
@pytest.mark.parametrize("residual", [False, True])
def test_weights_of_any_size_are_read(size: float, residual: bool) -> None:
    model = network(3, residual=residual)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(size)
    model.layers()


def test_what_leaves_the_range_of_the_floats_is_held_against_nothing() -> None:
    huge = [np.full((2, 2), 1e200), np.full((2, 2), 1e200), np.eye(2), np.eye(1, 2)]
    layer = Layer(huge[0], huge[1], np.diag([0.0, 1.0]), np.eye(2))
    found = agreement([layer], np.ones((1, 1)), np.array([[np.inf]]), torch.float64)
    assert found.worst is None
    assert not found.tells
    tame_one = agreement([layer], np.zeros((1, 1)), np.array([[np.inf]]), torch.float64)
    assert tame_one.worst is None


def test_denormals_may_be_flushed_to_zero() -> None:
    model = network(2)
    with torch.no_grad():
        model.blocks[0].left.weight[:, ::2] = 1e-40
        model.blocks[0].left.bias[:] = 1e-40
    torch.set_flush_denormal(True)
    try:
        model.layers()
    finally:
        torch.set_flush_denormal(False)


# The state of torch and of the module


SURROUNDINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "device": lambda: torch.device("meta"),
}


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_layers_are_the_same_in_every_state_of_torch(name: str) -> None:
    model = network(2, residual=True)
    expected = model.layers()
    with SURROUNDINGS[name]():
        found = model.layers()
    for one, other in zip(expected, found, strict=True):
        for first, second in zip(one, other, strict=True):
            np.testing.assert_array_equal(first, second)


class Noisy(nn.Module):
    """A module of other code that must not be run as it stands: it is in training."""

    def __init__(self) -> None:
        super().__init__()
        self.affine, self.dropout, self.norm = nn.Linear(6, 3), nn.Dropout(), nn.BatchNorm1d(3)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.dropout(self.affine(x)))
        return y + 0 * torch.rand(())


def test_a_module_is_left_as_it_was() -> None:
    module = Noisy().train()
    module.affine.weight.grad = torch.ones(3, 6)
    module.affine.register_forward_hook(lambda *given: given[-1])
    module.dropout.eval()
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    random = torch.get_rng_state()
    first, _ = outputs_of(module, probes(6), 3)
    again, _ = outputs_of(module, probes(6), 3)
    np.testing.assert_array_equal(first, again)
    assert torch.equal(torch.get_rng_state(), random)
    assert [part.training for part in module.modules()] == [True, True, False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())
    assert all(p.requires_grad and p.dtype == torch.float32 for p in module.parameters())
    assert torch.equal(module.affine.weight.grad, torch.ones(3, 6))
    assert len(module.affine._forward_hooks) == 1


def test_a_pruned_module_is_copied_though_torch_copies_no_computed_tensor() -> None:
    module = nn.Sequential(nn.Linear(6, 3))
    prune.l1_unstructured(module[0], "weight", amount=0.5)
    expected = module(torch.from_numpy(probes(6)).float()).detach().double().numpy()
    np.testing.assert_allclose(outputs_of(module, probes(6), 3)[0], expected, rtol=1e-4)
    assert module[0].weight.dtype == torch.float32


# Modules of other code: in which precision they compute, and which do not run


class Casting(nn.Linear):
    """Computes in float32, whatever the weights are."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x.float(), self.weight.float()).to(x.dtype)


class Insisting(nn.Linear):
    """Runs in float32 alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.float())


@pytest.mark.parametrize(
    ("module", "dtype"),
    [
        (nn.Linear(6, 3), torch.float64),
        (nn.Linear(6, 3).bfloat16(), torch.float64),
        (Casting(6, 3), torch.float32),
        (Insisting(6, 3), torch.float32),
    ],
    ids=["plain", "bfloat16", "casting", "insisting"],
)
def test_the_precision_of_a_module_is_that_of_its_least_precise_step(
    module: nn.Module, dtype: torch.dtype
) -> None:
    assert outputs_of(module, probes(6), 3)[1] == dtype


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            nn.Embedding(6, 3),
            r"to run on float inputs of shape \(5, 6\), got RuntimeError: Expected",
        ),
        (nn.Linear(5, 3), r"to run on float inputs of shape \(5, 6\), got RuntimeError: .*mat1"),
        (nn.Linear(6, 2), r"to return a tensor of shape \(5, 3\) for .* got \(5, 2\)"),
        (nn.LSTM(6, 3), r"to return a tensor of shape \(5, 3\) for .* got tuple"),
    ],
    ids=["tokens", "inputs", "outputs", "tuple"],
)
def test_a_module_that_does_not_fit_is_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        outputs_of(module, probes(6), 3)


# What a comparison tells


def linear(size: int) -> Layer:
    none = np.zeros((0, size + 1))
    affine = np.eye(size + 1)
    affine[1:, 1:] = np.random.default_rng(1).normal(size=(size, size))
    return Layer(none, none, np.zeros((size + 1, 0)), affine)


@pytest.mark.parametrize(
    ("dtype", "least"), [(torch.float64, 2e-8), (torch.float32, 3e-4), (torch.bfloat16, 2e-3)]
)
def test_outputs_tell_where_they_agree_to_half_their_digits(
    dtype: torch.dtype, least: float
) -> None:
    layers, inputs = [linear(300)] * 3, probes(300)
    right = inputs
    for layer in layers:
        right = right @ layer.linear[1:, 1:].T
    assert agreement(layers, inputs, right, dtype).tells
    assert agreement(layers, inputs, right * (1 + least / 4), dtype).tells
    assert not agreement(layers, inputs, right * (1 + least), dtype).tells
    # In bfloat16 sums of 300 have no bound.
    wrong = agreement(layers, inputs, right * 1.5, dtype)
    assert (wrong.worst is None) == (dtype == torch.bfloat16)


def test_a_gate_that_hides_within_wide_bounds_does_not_tell() -> None:
    torch.manual_seed(0)
    model = BilinearNetwork(200, 3, depth=4, width=200, hidden=200, residual=True, bias=False)
    layers, x = model.layers(), torch.rand(8, 200)
    with torch.no_grad():
        right = model(x).double().numpy()
        for block in model.blocks:
            block.left.register_forward_hook(lambda *given: given[-1].relu())
        gated = model(x).double().numpy()
    inputs = x.double().numpy()
    assert agreement(layers, inputs, right, torch.float32).tells
    wrong = agreement(layers, inputs, gated, torch.float32)
    assert wrong.worst is None
    assert not wrong.tells


def test_of_several_wrong_outputs_the_least_explained_is_named() -> None:
    layers, inputs = [linear(3)], probes(3)
    right = inputs @ layers[0].linear[1:, 1:].T
    wrong = right.copy()
    wrong[1, 2] += 1
    wrong[2, 0] += 2
    assert agreement(layers, inputs, wrong, torch.float64).worst == (2, 0)
    wrong[0, 1] = np.nan
    assert agreement(layers, inputs, wrong, torch.float64).worst == (0, 1)
