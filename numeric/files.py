"""Files that are either whole or not there."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import reprlib
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import safetensors
import safetensors.numpy

from numeric.errors import NumericError
from numeric.file_kinds import advice_on, kind_of


def user_path(path: str | os.PathLike[str], name: str = "path") -> Path:
    """Return a path that a user gave, with the home folder in the place of ``~`` or ``~user``.

    Args:
        path: the path.
        name: what an error calls it.

    Raises:
        NumericError: it is no path, or there is no such user or home folder.

    Examples:
        >>> user_path("~/runs") == Path.home() / "runs"
        True
        >>> user_path("~nobodysuch/runs")
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected path to begin with a home folder that is known, got \
~nobodysuch/runs: write it in full
    """
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or "\0" in text:
        raise NumericError(f"expected {name} to be a path, got {path!r}")
    expanded = os.path.expanduser(text)  # noqa: PTH111 -- Path would make "~" of "./~"
    if text.startswith("~") and expanded == text:
        raise NumericError(
            f"expected {name} to begin with a home folder that is known, got {text}: write it in "
            "full"
        )
    return Path(expanded)


def is_there(path: Path) -> bool:
    """Return whether something is at a path, as far as may be seen."""
    try:
        return path.exists()
    except OSError:  # a folder that may not be looked into, a name that is too long
        return False


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file under a temporary name beside ``path`` and rename it when it is whole.

    What is written over keeps its permissions, and as far as the process may, its owner. Through a
    symbolic link the file that it names is written. Other hard links to a file keep what they had.

    Args:
        path: the file to write; its folder is made if it is missing.

    Yields:
        The temporary path to write to.

    Raises:
        NumericError: the folder or the file cannot be written (a full disk, a file where a
            folder should be, no permission), or there is something that is no file: a folder, a
            device, a pipe. What was at ``path`` before is still there.

    Examples:
        >>> folder = Path(getfixture("tmp_path"))
        >>> with replacing(folder / "note.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [entry.name for entry in folder.iterdir()]
        ['note.txt']
    """
    named = user_path(path)
    temporary: Path | None = None
    try:
        target = _behind_links(named)
        before = _regular(target)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        if before is not None:
            _give(temporary, before)
        temporary.chmod(0o666 & ~_umask() if before is None else stat.S_IMODE(before.st_mode))
        temporary.replace(target)
    except OSError as error:
        raise _unwritable(named, error) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def check_place(path: str | os.PathLike[str]) -> None:
    """Refuse a place that :func:`replacing` would refuse, before there is anything to write.

    Raises:
        NumericError: something is there that is not to be written over.

    Examples:
        >>> check_place("/dev/null")
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected to write /dev/null, got: a device is there, and is \
left as it is
    """
    named = user_path(path)
    try:
        _regular(named)
    except OSError as error:
        raise _unwritable(named, error) from error


def _unwritable(named: Path, error: OSError) -> NumericError:
    return NumericError(f"expected to write {named}, got: {error.strerror or error}")


def _behind_links(named: Path) -> Path:
    """Return the place of a file to write: where symbolic links lead, or itself, in a folder."""
    if named.is_symlink():
        # What a link should lead to may be a disk that is not there: no folder is made for it.
        return Path(os.path.realpath(named))
    named.parent.mkdir(parents=True, exist_ok=True)
    return named


def _regular(target: Path) -> os.stat_result | None:
    """Return the status of the file that is to be written over, if there is one.

    Raises:
        OSError: there is something else, or a file that may not be written to.
    """
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(found.st_mode)), "no file")
        raise OSError(f"{kind} is there, and is left as it is")
    effective = os.access in os.supports_effective_ids
    if not os.access(target, os.W_OK, effective_ids=effective):
        raise PermissionError(errno.EACCES, "the file there may not be written to")
    return found


def _give(temporary: Path, before: os.stat_result) -> None:
    """Give a file the owner of another one, or at least its group, where the process may."""
    for user in (before.st_uid, -1):
        with suppress(OSError):
            os.chown(temporary, user, before.st_gid)
            return


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
)


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
    arrays, metadata = read_tensors(path, "numpy")
    try:
        description = json.loads(metadata["description"])
    except (KeyError, ValueError, RecursionError):
        raise NumericError(
            f"expected {path} to carry a JSON description in its metadata, got "
            f"{sorted(metadata) or 'none'}: {advice_on(arrays)}"
        ) from None
    if not isinstance(description, dict):
        raise NumericError(
            f"expected the description in {path} to be a JSON object, got {description!r}"
        )
    return arrays, description


def read_tensors(
    path: str | os.PathLike[str], framework: str, under: str = ""
) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the tensors of a safetensors file, and its metadata.

    Args:
        path: the file.
        framework: ``"numpy"`` for arrays, or ``"pt"`` for tensors, which may be of types that numpy
            does not have.
        under: how the names of the tensors begin that are read; the others are left in the file.

    Raises:
        NumericError: there is no such file, it may not be read, it is truncated, damaged or another
            one, or holds numbers of a type that the framework does not have.
    """
    path = user_path(path)
    tensors: dict[str, Any] = {}
    try:
        # Whatever safetensors cannot open it calls missing.
        with suppress(IsADirectoryError), path.open("rb"):
            pass
        with safetensors.safe_open(os.fspath(path), framework=framework) as file:
            for name in file.keys():  # noqa: SIM118 -- it is no dictionary
                if not name.startswith(under):
                    continue
                try:
                    tensors[name] = file.get_tensor(name)
                except (TypeError, AttributeError):
                    raise NumericError(
                        f"expected {path} to hold numbers in float32 or float64, got {name} in "
                        f"{file.get_slice(name).get_dtype()}: convert it"
                    ) from None
            return tensors, file.metadata() or {}
    except (FileNotFoundError, NotADirectoryError):
        raise NumericError(f"expected a safetensors file at {path}, got nothing there") from None
    except PermissionError as error:
        raise NumericError(f"expected to read {path}, got: {error.strerror}") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise unreadable(path, error) from None


def unreadable(path: str | os.PathLike[str], error: Exception) -> NumericError:
    """Return what to say of a file that is no safetensors file: what it is, and what helps.

    Args:
        path: the file.
        error: what came of reading it.

    Examples:
        >>> str(unreadable("note", OSError("damaged")))
        'expected note to be a whole safetensors file, got: damaged'
    """
    kind = kind_of(path)
    if kind.words:
        return NumericError(f"expected {path} to be a safetensors file, got {kind.words}")
    return NumericError(f"expected {path} to be a whole safetensors file, got: {error}")


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
    path = user_path(path)
    try:
        return parse_json(path.read_text(encoding="utf-8").removeprefix("\ufeff"))
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
