"""A network as one safetensors file in the normal form, whatever it is made of.

The arrays are ``1.left``, ``1.right``, ``1.down``, ``1.linear``, ``2.left`` and so on, from the
input upwards, all in one dtype. The description in the metadata has a ``format``, ``notes``, and of
a :class:`BilinearNetwork` the ``configuration``, with which it can be trained further.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from numeric.errors import NumericError
from numeric.file_kinds import check_format
from numeric.files import load_arrays, save_arrays
from numeric.networks.configuration import Configuration
from numeric.networks.inference import usual_torch
from numeric.networks.layered import LayeredNetwork, Network, Readable, as_network
from numeric.networks.network import BilinearNetwork
from numeric.networks.normal_form import Layer, check_array, checked_layers

FORMAT = "bilinear-features network 2"

_BY_NAME = "bilinear-features network 1"
"""The format of files that hold the weights of a BilinearNetwork by their names."""

Arrays = dict[str, npt.NDArray[Any]]


def save_network(
    network: Readable,
    path: str | os.PathLike[str],
    *,
    notes: dict[str, Any] | None = None,
) -> None:
    """Write a network to a safetensors file in the normal form, whole or not at all.

    Args:
        network: any network, or its layers, with finite weights.
        path: the file.
        notes: anything that is JSON and should stand with the network, such as how it was trained.

    Weights that layers share are written for each; of pruned and parametrized ones, what they
    give.

    Raises:
        NumericError: the network is not of its configuration, or none that its weights describe
            (as :func:`numeric.networks.layered.read_layers`), the notes are not JSON, or the file
            cannot be written.

    Examples:
        >>> path = getfixture("tmp_path") / "network.safetensors"
        >>> twice = np.diag([1.0, 2.0])
        >>> save_network([(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((2, 0)), twice)], path)
        >>> load_network(path)
        LayeredNetwork(1 input, a layer of 0 neurons, 1 output)
    """
    whole = as_network(network)
    layers = whole.layers()
    description = {"format": FORMAT, "notes": _checked_notes({} if notes is None else notes)}
    if isinstance(whole, BilinearNetwork):
        _configured(layers, whole.configuration, "of the network")
        description["configuration"] = asdict(whole.configuration)
    arrays = {
        f"{number}.{name}": array
        for number, layer in enumerate(layers, start=1)
        for name, array in layer._asdict().items()
    }
    save_arrays(path, arrays, description)


def load_network(path: str | os.PathLike[str]) -> Network:
    """Read a network from a file that :func:`save_network` wrote.

    Args:
        path: the file.

    Returns:
        The network, its weights and their dtype as they were.

    Raises:
        NumericError: the file is missing or damaged, its configuration is not one or not that of
            its layers, or a tensor is missing, surplus, wrongly shaped, not finite or of mixed
            dtype; each by name.

    Examples:
        >>> path = getfixture("tmp_path") / "network.safetensors"
        >>> save_network(BilinearNetwork(3, 2, depth=1, hidden=4), path)
        >>> load_network(path).configuration.hidden
        4
    """
    return read_network(path)[0]


def read_network(
    path: str | os.PathLike[str],
) -> tuple[Network, dict[str, Any]]:
    """Read a network and the notes that were written with it.

    Raises:
        NumericError: as :func:`load_network`.
    """
    arrays, description = _described(path)
    notes = _checked_notes(description.get("notes"), f"the notes in {path}")
    dtypes = sorted({str(array.dtype) for array in arrays.values()})
    if len(dtypes) > 1:
        raise NumericError(f"expected the tensors in {path} to share a dtype, got {dtypes}")
    if description["format"] == _BY_NAME:
        return _by_name(arrays, _configuration(description, path), path), notes
    layers = _layers(arrays, path)
    if "configuration" not in description:
        return LayeredNetwork(layers), notes
    return _configured(layers, _configuration(description, path), f"in {path}"), notes


def renewed(path: str | os.PathLike[str]) -> bool:
    """Write a file of an earlier format anew in the normal form, and return whether it was one.

    Raises:
        NumericError: as :func:`load_network` and :func:`save_network`.
    """
    if _described(path)[1]["format"] == FORMAT:
        return False
    network, notes = read_network(path)
    save_network(network, path, notes=notes)
    return True


def _described(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, Any]]:
    """Return the arrays and the description of a network's file."""
    arrays, description = load_arrays(path)
    check_format(description, [FORMAT, _BY_NAME], path)
    return arrays, description


def _layers(arrays: Mapping[str, npt.NDArray[Any]], path: str | os.PathLike[str]) -> list[Layer]:
    """Return the layers of a file, if it has nothing else and they fit together."""
    layers: list[Layer] = []
    names = {f"1.{name}" for name in Layer._fields}
    while names & arrays.keys():
        number = len(layers) + 1
        for name in Layer._fields:
            if f"{number}.{name}" not in arrays:
                raise NumericError(f"expected {path} to hold the tensor {number}.{name}, got none")
        layers.append(Layer(*(arrays[f"{number}.{name}"] for name in Layer._fields)))
        names = {f"{number + 1}.{name}" for name in Layer._fields}
    known = {f"{number}.{name}" for number in range(1, len(layers) + 1) for name in Layer._fields}
    _check_surplus(arrays.keys() - known, path)
    try:
        return checked_layers(layers)
    except NumericError as error:
        raise NumericError(f"{error}, in {path}") from None


def _configuration(description: Mapping[str, Any], path: str | os.PathLike[str]) -> Configuration:
    shape, names = description.get("configuration"), [field.name for field in fields(Configuration)]
    if not isinstance(shape, dict) or shape.keys() != set(names):
        raise NumericError(
            f"expected the configuration in {path} to have {', '.join(names)}, got {shape!r}"
        )
    return Configuration(**shape)


def _by_name(
    arrays: Arrays, configuration: Configuration, path: str | os.PathLike[str]
) -> BilinearNetwork:
    """Return the network of a file that has its weights by name."""
    # Before the network is built: a damaged configuration may ask for more than the memory.
    for name, shape in configuration.shapes():
        if name not in arrays:
            raise NumericError(f"expected {path} to hold the tensor {name}, got none")
        check_array(arrays[name], f"{name} in {path}", shape)
    _check_surplus(arrays.keys() - {name for name, _ in configuration.shapes()}, path)
    return _built(configuration, arrays)


def _configured(
    layers: Sequence[Layer], configuration: Configuration, whose: str
) -> BilinearNetwork:
    """Return layers as the network of a configuration, if they are the layers of one."""
    mismatch = NumericError(
        f"expected the configuration {whose} to be that of its layers, got {configuration} for "
        f"{LayeredNetwork(layers)}"
    )
    # Before anything is built: a damaged configuration may ask for more than the memory.
    if len(layers) != configuration.depth + configuration.embedding:
        raise mismatch
    weights = _weights(layers, configuration)
    if {name: array.shape for name, array in weights.items()} != dict(configuration.shapes()):
        raise mismatch
    found = _built(configuration, weights)
    for there, wanted in zip(layers, found.layers(), strict=True):
        if not all(map(np.array_equal, there, wanted)):
            raise mismatch
    return found


def _weights(layers: Sequence[Layer], configuration: Configuration) -> Arrays:
    """Return the weights that layers have by the names of a network of the given configuration."""
    found: Arrays = {}

    def affine(name: str, rows: npt.NDArray[Any]) -> None:
        found[f"{name}.weight"] = rows[:, 1:]
        if configuration.bias:
            found[f"{name}.bias"] = rows[:, 0]

    learned = {name for name, _ in configuration.shapes() if name.endswith(".skip.weight")}
    stack = list(layers)
    if configuration.embedding:
        affine("embedding", stack.pop(0).linear[1:])
    for number, layer in enumerate(stack):
        block = f"blocks.{number}"
        affine(f"{block}.left", layer.left)
        affine(f"{block}.right", layer.right)
        affine(f"{block}.down", np.concatenate([layer.linear[1:, :1], layer.down[1:]], axis=1))
        if f"{block}.skip.weight" in learned:
            found[f"{block}.skip.weight"] = layer.linear[1:, 1:]
    return found


@usual_torch(gradients=True)
def _built(configuration: Configuration, weights: Arrays) -> BilinearNetwork:
    state = {name: torch.tensor(array) for name, array in weights.items()}
    dtype = next(iter(state.values())).dtype
    network = BilinearNetwork.from_configuration(configuration).to(dtype)
    network.load_state_dict(state)
    return network


def _check_surplus(surplus: Collection[str], path: str | os.PathLike[str]) -> None:
    if surplus:
        raise NumericError(
            f"expected {path} to hold only the tensors of its layers, got also "
            f"{', '.join(sorted(surplus))}"
        )


def _checked_notes(notes: object, name: str = "notes") -> dict[str, Any]:
    if not isinstance(notes, dict):
        raise NumericError(f"expected {name} to be a dictionary, got {notes!r}")
    return notes
