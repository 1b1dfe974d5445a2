"""Files of weights that other code wrote: safetensors, torch's, numpy's, and folders of the hub."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from numeric.errors import NumericError
from numeric.file_kinds import described, kind_of
from numeric.files import read_json, read_tensors, user_path

_WHOLE = "model.safetensors", "pytorch_model.bin"
"""What a folder of the hub keeps its weights in, and with ``.index.json`` the list of its parts."""

_CONTENT = "a file of safetensors, torch.save or numpy.savez, or a folder of the hub"


@dataclass(frozen=True)
class StateFile:
    """What a file or a folder holds.

    Attributes:
        content: names and arrays, or of a file of torch whatever it holds.
        hints: what stands in ``config.json`` beside the weights of a folder.
    """

    content: Any
    hints: Mapping[str, Any] = field(default_factory=dict)


def load_state(path: str | os.PathLike[str], part: str | None = None) -> StateFile:
    """Read the weights that other code wrote; nothing in the file is executed.

    Args:
        path: a safetensors file, a file of ``torch.save``, of which weights are read and nothing
            else, an archive of ``numpy.savez``, or a folder as the hub's: ``model.safetensors`` or
            ``pytorch_model.bin``, whole or in the parts that their index names.
        part: a submodule: what is not of it may be left out, and is where the format allows it.

    Raises:
        NumericError: there is nothing, it is damaged, or something else; the message says what, and
            where it can be seen which command reads it.

    Source:
        https://github.com/huggingface/safetensors for the format and the index of parts.

    Examples:
        >>> path = getfixture("tmp_path") / "weights.npz"
        >>> np.savez(path, **{"left.weight": np.ones((2, 3))})
        >>> load_state(path).content["left.weight"].shape
        (2, 3)
    """
    path = user_path(path)
    kind = kind_of(path)
    if kind.name == "folder":
        return _folder(path, part)
    if kind.name == "nothing":
        raise NumericError(f"expected {_CONTENT} at {path}, got nothing there")
    if kind.name == "other" and kind.words:
        raise NumericError(f"expected {path} to be {_CONTENT}, got {kind.words}")
    readers: dict[str, _Reader] = {"torch": _torch, "numpy": _numpy}
    read: _Reader = readers.get(kind.name, _safetensors)
    return StateFile(read(path, part))


_Reader: TypeAlias = Callable[[Path, "str | None"], Any]


def _safetensors(path: Path, part: str | None) -> dict[str, Any]:
    # By torch: numpy has no bfloat16.
    tensors, metadata = read_tensors(path, "pt", "" if part is None else f"{part}.")
    try:
        description = json.loads(metadata["description"])
    except (KeyError, ValueError, RecursionError):
        return tensors
    if isinstance(description, dict) and (known := described(description)):
        raise NumericError(f"expected {path} to hold arrays that other code wrote, got {known}")
    return tensors


def _torch(path: Path, _: str | None) -> Any:  # noqa: ANN401 -- a checkpoint holds anything
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise NumericError(f"expected to read {path}, got: {error.strerror}") from None
    except Exception as error:  # noqa: BLE001 -- the unpickler fails as the bytes have it
        reason = _reason(error)
        if isinstance(error, pickle.UnpicklingError) and "GLOBAL" in reason:
            raise NumericError(
                f"expected {path} to hold tensors, dictionaries, lists and numbers, got something "
                f"that only code can make ({reason}): save the state_dict() of the module"
            ) from None
        raise NumericError(
            f"expected {path} to be a whole file of torch.save, got: {reason}"
        ) from None


def _reason(error: Exception) -> str:
    """Return what torch met; the rest of its message is advice on switching its safety off."""
    told = str(error).rpartition("WeightsUnpickler error:")[2].strip() or type(error).__name__
    return told.splitlines()[0].partition(" was not an allowed")[0].partition(". ")[0]


def _numpy(path: Path, _: str | None) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except PermissionError as error:
        raise NumericError(f"expected to read {path}, got: {error.strerror}") from None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise NumericError(
            f"expected {path} to be a whole archive of numpy's arrays of numbers, got: {error}"
        ) from None


def _folder(path: Path, part: str | None) -> StateFile:
    config = path / "config.json"
    hints = read_json(config) if config.is_file() else {}
    readers: tuple[_Reader, ...] = (_safetensors, _torch)
    for name, read in zip(_WHOLE, readers, strict=True):
        content: Any = None
        if (path / name).is_file():
            content = read(path / name, part)
        elif (index := path / f"{name}.index.json").is_file():
            content = _parts(index, read, part)
        if content is not None:
            return StateFile(content, hints if isinstance(hints, dict) else {})
    others = sorted(entry.name for entry in path.iterdir())[:8]
    raise NumericError(
        f"expected the folder {path} to hold {' or '.join(_WHOLE)} or the index of its parts, got "
        f"{', '.join(others) or 'nothing'}: give one file"
    )


def _parts(index: Path, read: _Reader, part: str | None) -> dict[str, Any]:
    """Read the files that an index names, if they hold what it says and nothing else."""
    said = read_json(index)
    places = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(places, dict) or not all(isinstance(at, str) for at in places.values()):
        raise NumericError(f"expected {index} to hold a weight_map of names and files, got none")
    under = "" if part is None else f"{part}."
    wanted = {name: at for name, at in places.items() if name.startswith(under)}
    found: dict[str, Any] = {}
    for file in sorted(set(wanted.values())):
        if Path(file).name != file:
            raise NumericError(f"expected {index} to name files beside it, got {file}")
        tensors = read(index.parent / file, part)
        if not isinstance(tensors, Mapping):
            raise NumericError(
                f"expected {file} to hold tensors by name, got {type(tensors).__name__}"
            )
        tensors = {str(n): value for n, value in tensors.items() if str(n).startswith(under)}
        expected = {name for name, at in wanted.items() if at == file}
        if missing := sorted(expected - tensors.keys()):
            raise NumericError(
                f"expected {file} to hold {missing[0]}, as {index.name} says, got none"
            )
        if surplus := sorted(tensors.keys() - expected):
            raise NumericError(
                f"expected {file} to hold what {index.name} says, got also {surplus[0]}"
            )
        found |= tensors
    return found
