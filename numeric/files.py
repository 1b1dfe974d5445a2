"""Files that are either whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import reprlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import safetensors
import safetensors.numpy

from numeric.errors import NumericError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file under a temporary name beside ``path`` and rename it when it is whole.

    Args:
        path: the file to write; its folder is made if it is missing.

    Yields:
        The temporary path to write to.

    Raises:
        NumericError: the folder or the file cannot be written (a full disk, a file where a
            folder should be, no permission). What was at ``path`` before is still there.

    Examples:
        >>> folder = Path(getfixture("tmp_path"))
        >>> with replacing(folder / "note.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [entry.name for entry in folder.iterdir()]
        ['note.txt']
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise NumericError(f"expected to write {target}, got: {reason}") from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def _umask() -> int:
    # The process's mask can be read only by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` to ``path`` in UTF-8, whole or not at all.

    Raises:
        NumericError: the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def save_arrays(
    path: str | os.PathLike[str],
    arrays: dict[str, np.ndarray[Any, Any]],
    description: dict[str, Any],
) -> None:
    """Write named arrays and a JSON description to one safetensors file, whole or not at all.

    Args:
        path: the file to write.
        arrays: the tensors by name.
        description: what the tensors are; it stands in the file's metadata as JSON.

    Raises:
        NumericError: the file cannot be written, or the description is not JSON.
    """
    for name, value in description.items():
        if not is_json(value):
            raise NumericError(f"expected {name} of {path} to be JSON, got {reprlib.repr(value)}")
    # One metadata entry alone: several would be written in an order that changes from run to run,
    # and the same content must give the same bytes.
    metadata = {"description": json.dumps(description, sort_keys=True)}
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    with replacing(path) as temporary:
        temporary.write_bytes(safetensors.numpy.save(contiguous, metadata))


def is_json(value: object) -> bool:
    """Return whether JSON gives a value back unchanged.

    Examples:
        >>> is_json({"a": [1, 0.5, None]})
        True
        >>> is_json((1, 2)), is_json({1: 2}), is_json(float("nan"))
        (False, False, False)
    """
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value)
    except (TypeError, ValueError, RecursionError):
        return False


def load_arrays(
    path: str | os.PathLike[str],
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, Any]]:
    """Read what :func:`save_arrays` wrote.

    Args:
        path: a safetensors file.

    Returns:
        The tensors by name, and the description.

    Raises:
        NumericError: there is no such file, it is truncated or damaged, or it has no description.

    Examples:
        >>> path = getfixture("tmp_path") / "ones.safetensors"
        >>> save_arrays(path, {"ones": np.ones(2)}, {"kind": "example"})
        >>> load_arrays(path)
        ({'ones': array([1., 1.])}, {'kind': 'example'})
    """
    try:
        with safetensors.safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            names = file.keys()
            arrays = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise NumericError(f"expected a safetensors file at {path}, got nothing there") from None
    except (OSError, safetensors.SafetensorError, TypeError, AttributeError) as error:
        # The last two: the file holds numbers of a type that numpy does not have.
        raise NumericError(
            f"expected {path} to be a whole safetensors file, got: {error}"
        ) from None
    try:
        description = json.loads(metadata["description"])
    except (KeyError, ValueError, RecursionError):
        raise NumericError(
            f"expected {path} to carry a JSON description in its metadata, got "
            f"{sorted(metadata) or 'none'}"
        ) from None
    if not isinstance(description, dict):
        raise NumericError(
            f"expected the description in {path} to be a JSON object, got {description!r}"
        )
    return arrays, description


def digest(arrays: Iterable[np.ndarray[Any, Any]]) -> str:
    """Return the SHA-256 of arrays: their dtypes, shapes and bytes, in order.

    Examples:
        >>> digest([np.zeros(2)]) == digest([np.zeros(1), np.zeros(1)])
        False
    """
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def read_json(path: str | os.PathLike[str]) -> Any:  # noqa: ANN401 -- JSON holds anything
    """Read a JSON file in UTF-8, with the mark in front that other programs write or without it.

    Args:
        path: the file.

    Returns:
        What it holds.

    Raises:
        NumericError: there is no such file, or it is not JSON; ``NaN`` and ``Infinity`` are not.

    Examples:
        >>> path = Path(getfixture("tmp_path")) / "note.json"
        >>> _ = path.write_text('{"a": [1, 2]}')
        >>> read_json(path)
        {'a': [1, 2]}
    """
    try:
        return parse_json(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise NumericError(f"expected a JSON file at {path}, got nothing there") from None
    except OSError as error:
        raise NumericError(f"expected to read {path}, got: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise NumericError(f"expected {path} to be JSON, got: {error}") from None


def parse_json(text: str) -> Any:  # noqa: ANN401 -- JSON holds anything
    """Return what a JSON text holds.

    Args:
        text: the text.

    Returns:
        Dictionaries, lists, strings, numbers, booleans and None.

    Raises:
        ValueError: it is not JSON, or holds ``NaN`` or ``Infinity``, which Python would read.
        RecursionError: it is nested deeper than Python can follow.

    Examples:
        >>> parse_json("[1, 0.5]")
        [1, 0.5]
    """
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"the constant {constant}")
