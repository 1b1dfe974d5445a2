"""A network as one safetensors file: its weights, and its configuration in the metadata."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import torch

from numeric.errors import NumericError
from numeric.files import load_arrays, save_arrays
from numeric.network import BilinearNetwork, Configuration
from numeric.normal_form import check_array

FORMAT = "bilinear-features network 1"


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

    Raises:
        NumericError: a weight is not finite, or the file cannot be written.
    """
    description = {
        "format": FORMAT,
        "configuration": asdict(network.configuration),
        "notes": notes or {},
    }
    save_arrays(path, network.arrays(), description)


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


def read_network(path: str | os.PathLike[str]) -> tuple[BilinearNetwork, dict[str, Any]]:
    """Read a network and the notes that were written with it.

    Raises:
        NumericError: as :func:`load_network`.
    """
    arrays, description = load_arrays(path)
    if description.get("format") != FORMAT:
        raise NumericError(
            f"expected the format of {path} to be {FORMAT!r}, got {description.get('format')!r}"
        )
    try:
        configuration = Configuration(**description["configuration"])
    except (KeyError, TypeError) as error:
        raise NumericError(f"expected {path} to hold a configuration, got: {error}") from None
    network = BilinearNetwork.from_configuration(configuration)
    expected = {name: tuple(value.shape) for name, value in network.named_parameters()}
    for problem, names in (
        ("missing", expected.keys() - arrays.keys()),
        ("surplus", arrays.keys() - expected.keys()),
    ):
        if names:
            raise NumericError(
                f"expected {path} to hold the tensors of its configuration, got {problem}: "
                f"{', '.join(sorted(names))}"
            )
    for name, shape in expected.items():
        check_array(arrays[name], f"{name} in {path}", shape)
    dtypes = {str(array.dtype) for array in arrays.values()}
    if len(dtypes) != 1:
        raise NumericError(f"expected the tensors in {path} to share a dtype, got {sorted(dtypes)}")
    state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    network.to(next(iter(state.values())).dtype).load_state_dict(state)
    return network, dict(description.get("notes", {}))
