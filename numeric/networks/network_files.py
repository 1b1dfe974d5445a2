"""A network as one safetensors file: its weights, and its configuration in the metadata."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import asdict, fields
from typing import Any

import numpy.typing as npt
import torch
from torch import nn

from numeric.errors import NumericError
from numeric.files import UndescribedError, load_arrays, save_arrays
from numeric.networks.inference import usual_torch
from numeric.networks.network import BilinearNetwork, Configuration, check_network
from numeric.networks.normal_form import check_array
from numeric.networks.readable_modules import affine_map

FORMAT = "bilinear-features network 1"

STATE_DICT_ADVICE = (
    "the state dict of a BilinearNetwork does not say its configuration; load it into a "
    "BilinearNetwork of that with load_state_dict, and write the network with save_network"
)
"""What to do with a file of ``network.state_dict()``."""


def save_network(
    network: BilinearNetwork,
    path: str | os.PathLike[str],
    *,
    notes: dict[str, Any] | None = None,
) -> None:
    """Write a network to a safetensors file, whole or not at all.

    Args:
        network: any network with finite weights.
        path: the file.
        notes: anything that is JSON and should stand with the network, such as how it was trained.

    Weights that layers share are written for each; of pruned and parametrized ones, what they
    give.

    Raises:
        NumericError: the network is not of its configuration, or none that its weights describe
            (as :meth:`BilinearNetwork.layers`), the notes are not JSON, or the file cannot be
            written.
    """
    check_network(network)
    description = {
        "format": FORMAT,
        "configuration": asdict(network.configuration),
        "notes": _checked_notes({} if notes is None else notes, "notes"),
    }
    save_arrays(path, _arrays(network), description)


def load_network(path: str | os.PathLike[str]) -> BilinearNetwork:
    """Read a network from a file that :func:`save_network` wrote.

    Args:
        path: the file.

    Returns:
        The network, its weights and their dtype as they were.

    Raises:
        NumericError: the file is missing or damaged, its configuration is not one, or a tensor is
            missing, surplus, wrongly shaped, not finite or of mixed dtype; each by name.

    Examples:
        >>> path = getfixture("tmp_path") / "network.safetensors"
        >>> save_network(BilinearNetwork(3, 2, depth=1, hidden=4), path)
        >>> load_network(path).configuration.hidden
        4
    """
    return read_network(path)[0]


@usual_torch(gradients=True)
def read_network(path: str | os.PathLike[str]) -> tuple[BilinearNetwork, dict[str, Any]]:
    """Read a network and the notes that were written with it.

    Raises:
        NumericError: as :func:`load_network`.
    """
    try:
        arrays, description = load_arrays(path)
    except UndescribedError as error:
        raise NumericError(f"{error}: {_advice(error.names)}") from None
    if description.get("format") != FORMAT:
        raise NumericError(
            f"expected the format of {path} to be {FORMAT!r}, got {description.get('format')!r}"
        )
    shape, names = description.get("configuration"), [field.name for field in fields(Configuration)]
    if not isinstance(shape, dict) or shape.keys() != set(names):
        raise NumericError(
            f"expected the configuration in {path} to have {', '.join(names)}, got {shape!r}"
        )
    configuration = Configuration(**shape)
    state: dict[str, torch.Tensor] = {}
    # Before the network is built: a damaged configuration may ask for more than the memory.
    for name, shape in configuration.shapes():
        if name not in arrays:
            raise NumericError(f"expected {path} to hold the tensor {name}, got none")
        check_array(arrays[name], f"{name} in {path}", shape)
        state[name] = torch.from_numpy(arrays.pop(name))
    if arrays:
        raise NumericError(
            f"expected {path} to hold only the tensors of its configuration, got also "
            f"{', '.join(sorted(arrays))}"
        )
    dtypes = {value.dtype for value in state.values()}
    if len(dtypes) != 1:
        raise NumericError(
            f"expected the tensors in {path} to share a dtype, got {sorted(map(str, dtypes))}"
        )
    network = BilinearNetwork.from_configuration(configuration).to(dtypes.pop())
    network.load_state_dict(state)
    return network, _checked_notes(description.get("notes"), f"the notes in {path}")


def _advice(names: Collection[str]) -> str:
    """Return what to do with a file of tensors that :func:`save_network` did not write."""
    if "blocks.0.down.weight" in names:
        return STATE_DICT_ADVICE
    return (
        "load_foreign reads networks of other code, and 'bilinear trace --foreign' traces them; "
        "what is proved, certified or measured of a network needs one that save_network wrote"
    )


def _arrays(network: BilinearNetwork) -> dict[str, npt.NDArray[Any]]:
    """Return the weights that a network of the same configuration computes the same with."""
    network.layers()  # refuses what the weights do not say
    found: dict[str, npt.NDArray[Any]] = {}
    for path, module in network.named_modules(remove_duplicate=False):
        if isinstance(module, nn.Linear):
            for name, value in zip(("weight", "bias"), affine_map(module, path), strict=True):
                if value is not None:
                    found[f"{path}.{name}"] = value.cpu().numpy()
    expected = dict(network.configuration.shapes())
    for name in sorted(expected.keys() ^ found.keys()):
        there, wanted = ("none", "one") if name in expected else ("one", "none")
        raise NumericError(
            f"expected the network to be as its configuration says, with {wanted} at {name}, got "
            f"{there}: change the configuration with the network"
        )
    for name, shape in expected.items():
        check_array(found[name], name, shape)
    for number, block in enumerate(network.blocks):
        if (block.skip is not None) != network.configuration.residual:
            raise NumericError(
                f"expected blocks.{number} to add its input as the configuration says (residual="
                f"{network.configuration.residual}), got skip={block.skip}"
            )
    return {name: found[name] for name in expected}


def _checked_notes(notes: object, name: str) -> dict[str, Any]:
    if not isinstance(notes, dict):
        raise NumericError(f"expected {name} to be a dictionary, got {notes!r}")
    return notes
