"""Examples of what a network computes: files of them, and what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from numeric import BilinearNetwork, NumericError
from numeric.networks.importing.examples import check_examples, check_read, load_examples
from numeric.networks.normal_form import Layer

MODULE = BilinearNetwork(6, 3, depth=2, width=4, hidden=5)
X = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 6)))
Y = MODULE.double()(X).detach()
LAYERS = MODULE.layers()


def linear() -> Layer:
    """Return a layer that halves three numbers."""
    none, halved = np.zeros((0, 4)), np.diag([1, 0.5, 0.5, 0.5])
    return Layer(none, none, np.zeros((4, 0)), halved)


@pytest.mark.parametrize(
    "examples",
    [
        (X, Y),
        [X.numpy(), Y.numpy()],
        (X.tolist(), Y.tolist()),
        (X.reshape(5, 1, 2, 3), Y.requires_grad_()),
        (X.float(), MODULE.float()(X.float())),
        (X[:1], Y[:1]),
    ],
    ids=["tensors", "arrays", "lists", "pictures", "float32", "one"],
)
def test_the_outputs_of_the_network_itself_agree(examples: Any) -> None:
    check_examples(LAYERS, examples)
    inputs, outputs = examples
    wrong = torch.as_tensor(outputs).detach().clone()
    wrong[-1, 2] *= 1.001
    with pytest.raises(NumericError, match=f"as output 2 of example {len(wrong) - 1}, got"):
        check_examples(LAYERS, (inputs, wrong))


def test_outputs_of_half_precision_tell_nothing_unless_they_are_exact() -> None:
    module = BilinearNetwork(400, 3, depth=1, hidden=5)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 400))).bfloat16()
    layers = module.bfloat16().float().layers()
    with pytest.raises(NumericError, match=r"that tell .* in torch.bfloat16 .* module.double\(\)"):
        check_examples(layers, (x, module.bfloat16()(x)))
    check_examples([linear()], (torch.eye(3).bfloat16(), torch.eye(3).bfloat16() / 2))


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        (X, "examples to be a pair of inputs and outputs, got Tensor"),
        ((X, Y, Y), "examples to be a pair of inputs and outputs, got tuple"),
        ((X[:, 1:], Y), r"the inputs of examples to have shape \(5, 6\), got \(5, 5\)"),
        ((X[1:], Y), r"the inputs of examples to have shape \(5, 6\), got \(4, 6\)"),
        ((X, Y[:, 1:]), r"the outputs of examples to have shape \(5, 3\), got \(5, 2\)"),
        ((X, Y[1:]), r"the outputs of examples to have shape \(5, 3\), got \(4, 3\)"),
        ((X[0], Y[0]), r"the inputs of examples to have shape \(6, 6\), got \(6,\)"),
        ((X[:0], Y[:0]), r"the inputs of examples to have shape \(1, 6\), got \(0, 6\)"),
        ((X.long(), Y), "the inputs of examples to be float32 or float64, got int64"),
        ((X, Y.argmax(1)), "the outputs of examples to be float32 or float64, got int64"),
        ((X / 0, Y), "the inputs of examples to be finite, got"),
        ((X, Y.detach() / 0), "the outputs of examples to be finite, got"),
        (("text", Y), "the inputs of examples to be float32 or float64, got <U4"),
        ((X, [[1.0], [1.0, 2.0]]), "the outputs of examples to be an array of floats"),
    ],
    ids=range(14),
)
def test_examples_that_do_not_fit_are_refused(examples: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        check_examples(LAYERS, examples)


def test_a_module_that_is_none_is_refused() -> None:
    with pytest.raises(NumericError, match="expected module to be a torch module, got function"):
        check_read(LAYERS, lambda x: x)


class Huge(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.inf


def test_a_module_whose_outputs_leave_the_range_of_floats_tells_nothing() -> None:
    huge = np.diag([1, 1e300])
    layer = Layer(huge[1:], huge[1:], np.array([[0.0], [1.0]]), np.diag([1.0, 0.0]))
    with pytest.raises(NumericError, match="module whose outputs tell it from others"):
        check_read([layer], Huge())


def test_a_file_of_examples_is_read_as_it_was_written(tmp_path: Path) -> None:
    save_file({"inputs": X, "outputs": Y.detach().bfloat16()}, tmp_path / "file")
    inputs, outputs = load_examples(tmp_path / "file")
    assert torch.equal(inputs, X)
    assert outputs.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"inputs": X}, "file to hold the tensors inputs and outputs, got inputs$"),
        ({"inputs": X, "outputs": X, "labels": X}, "got inputs, labels, outputs$"),
        ({}, "got none$"),
    ],
)
def test_a_file_of_something_else_is_refused(
    tensors: dict[str, torch.Tensor], message: str, tmp_path: Path
) -> None:
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, tmp_path / "file")
    with pytest.raises(NumericError, match=message):
        load_examples(tmp_path / "file")
