"""What other code hands over beside weights: examples of what its network computes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric.errors import NumericError
from numeric.networks.agreement import Agreement, agreement, outputs_of, probes
from numeric.networks.importing.state_files import load_state
from numeric.networks.inference import as_tensor
from numeric.networks.normal_form import Layer, check_array

Examples: TypeAlias = "tuple[Any, Any]"
"""Inputs and outputs of a network: arrays or tensors of floats, an example a row."""

_UNSAID = (
    "a gate, a norm, a scale, a residual or another order of axes does not stand in a state dict"
)


def load_examples(path: str | os.PathLike[str]) -> Examples:
    """Read examples from a file with the arrays ``inputs`` and ``outputs``.

    Args:
        path: the file, as ``safetensors.torch.save_file({"inputs": x, "outputs": model(x)}, path)``
            writes it, ``torch.save`` of such a dictionary, or ``numpy.savez(path, inputs=x,
            outputs=y)``.

    Raises:
        NumericError: there is no such file, it is damaged, or holds something else.

    Examples:
        >>> from safetensors.torch import save_file
        >>> path = getfixture("tmp_path") / "examples.safetensors"
        >>> save_file({"inputs": torch.ones(5, 3), "outputs": torch.ones(5, 2)}, path)
        >>> [tuple(tensor.shape) for tensor in load_examples(path)]
        [(5, 3), (5, 2)]
    """
    found = load_state(path).content
    if not isinstance(found, Mapping) or found.keys() != {"inputs", "outputs"}:
        got = listed(found) if isinstance(found, Mapping) else type(found).__name__
        raise NumericError(
            f"expected {path} to hold the tensors inputs and outputs, got {got or 'none'}"
        )
    return found["inputs"], found["outputs"]


def check_examples(layers: Sequence[Layer], examples: object) -> None:
    """Refuse layers that compute something else than examples say.

    Args:
        layers: what was read.
        examples: inputs of shape (examples, inputs), further axes being flattened, and outputs of
            shape (examples, outputs) in the dtype that they were computed in.

    Raises:
        NumericError: they differ by more than rounding explains, and by how much, on which example;
            the examples are none, do not fit, or are too coarse to tell.

    Examples:
        >>> half = Layer(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.diag([1, 0.5]))
        >>> check_examples([half], ([[1.0], [2.0]], [[0.5], [1.0]]))
        >>> check_examples([half], ([[1.0], [2.0]], [[0.5], [1.5]]))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected the network that was read to give 1.5 as output 0 of \
example 1, got 1, a difference of 0.5 where rounding explains 9e-16: a gate, a norm, a scale, a \
residual or another order of axes does not stand in a state dict
    """
    if not isinstance(examples, tuple | list) or len(examples) != 2:
        raise NumericError(
            f"expected examples to be a pair of inputs and outputs, got {type(examples).__name__}"
        )
    inputs, outputs = (
        float_array(given, f"the {name} of examples")
        for given, name in zip(examples, ("inputs", "outputs"), strict=True)
    )
    if inputs.ndim > 2 and inputs.size:
        inputs = inputs.reshape(len(inputs), -1)  # pictures
    count = max(len(array) if array.ndim else 1 for array in (inputs, outputs))
    sizes = layers[0].linear.shape[1] - 1, len(layers[-1].linear) - 1
    check_array(inputs, "the inputs of examples", (max(count, 1), sizes[0]))
    check_array(outputs, "the outputs of examples", (max(count, 1), sizes[1]))
    dtype = examples[1].dtype if isinstance(examples[1], Tensor) else as_tensor(outputs).dtype
    found = agreement(layers, inputs.astype(np.float64), outputs.astype(np.float64), dtype)
    _judge(found, outputs, "example")
    if not found.tells:
        raise NumericError(
            f"expected examples that tell this network from others, got differences of up to "
            f"{np.nanmax(found.differences):.2g} where rounding in {dtype} may come to as much: "
            "compute them in float64, with module.double()"
        )


def check_read(layers: Sequence[Layer], module: object) -> None:
    """Refuse layers that compute something else than the module whose state dict they are.

    Args:
        layers: what was read.
        module: maps (examples, inputs) to (examples, outputs); a copy is run as
            :func:`numeric.networks.agreement.outputs_of` says.

    Raises:
        NumericError: as :func:`check_examples`, or the module does not run.

    Examples:
        >>> half = Layer(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), np.diag([1, 0.5]))
        >>> check_read([half], nn.Identity())
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected the network that was read to give 0.125 as output 0 \
of input 2, got 0.0625, a difference of 0.062 where rounding explains 6e-17: a gate, a norm, a \
scale, a residual or another order of axes does not stand in a state dict
    """
    if not isinstance(module, nn.Module):
        raise NumericError(f"expected module to be a torch module, got {type(module).__name__}")
    inputs = probes(layers[0].linear.shape[1] - 1)
    outputs, dtype = outputs_of(module, inputs, len(layers[-1].linear) - 1)
    found = agreement(layers, inputs, outputs, dtype)
    _judge(found, outputs, "input")
    if not found.tells:
        raise NumericError(
            "expected a module whose outputs tell it from others, got some that rounding in "
            f"{dtype} or its range may explain: pass examples in its place"
        )


def float_array(value: object, name: str) -> npt.NDArray[Any]:
    """Return what other code holds as an array; half precision is widened, exactly.

    Raises:
        NumericError: it cannot be one; its dtype is not looked at.

    Examples:
        >>> float_array(torch.ones(2, dtype=torch.bfloat16), "embed.weight")
        array([1., 1.], dtype=float32)
    """
    try:
        if isinstance(value, Tensor):
            value = value.detach().cpu()
            # Float32 holds every number of the shorter types.
            half = value.dtype in (torch.bfloat16, torch.float16)
            value = (value.float() if half else value).numpy()
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise NumericError(f"expected {name} to be an array of floats, got: {error}") from None
    return array.astype(np.float32) if array.dtype == np.float16 else array


def listed(names: Iterable[object]) -> str:
    """Return names in order, not more than eight of them.

    Examples:
        >>> listed("hgfedcbaij")
        'a, b, c, d, e, f, g, h and 2 more'
    """
    shown = sorted(map(str, names))
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def _judge(found: Agreement, outputs: npt.NDArray[Any], what: str) -> None:
    if found.worst is None:
        return
    row, column = found.worst
    raise NumericError(
        f"expected the network that was read to give {outputs[row, column]:.6g} as output {column} "
        f"of {what} {row}, got {found.computed[row, column]:.6g}, a difference of "
        f"{found.differences[row, column]:.2g} where rounding explains "
        f"{found.bounds[row, column]:.1g}: {_UNSAID}"
    )
