"""Data of your own: a file of arrays, or a folder of IDX files."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric.data.digits import Digits
from numeric.data.mnist import load_mnist
from numeric.data.shapes import InputShape
from numeric.errors import NumericError
from numeric.files import read_tensors, user_path

_CALLED = {
    "train_images": ("train_images", "train_inputs", "x_train", "train_x"),
    "train_labels": ("train_labels", "y_train", "train_y"),
    "test_images": ("test_images", "test_inputs", "x_test", "test_x"),
    "test_labels": ("test_labels", "y_test", "test_y"),
    "images": ("images", "inputs", "x"),
    "labels": ("labels", "y"),
}
"""How arrays are called in files that people have; the first name is the one that is said."""

_SPLIT = ("train_images", "train_labels", "test_images", "test_labels")

_NAMES = ("names", "row_names", "column_names", "class_names")

_GOLDEN = (5**0.5 - 1) / 2

_TESTED = 1 / 6
"""The share of rows that is kept for testing where a file has no split of its own; MNIST's."""


def load_data(path: str | os.PathLike[str]) -> Digits:
    r"""Load inputs and labels of your own, of any kind.

    A file holds either ``images`` and ``labels``, or ``train_images``, ``train_labels``,
    ``test_images`` and ``test_labels``; ``inputs`` may stand for ``images``, and Keras' ``x_train``
    and ``y_train`` for the first two. Without a split of its own a sixth of the rows is kept for
    testing, spread evenly: row :math:`i` where :math:`i\varphi \bmod 1 < 1/6` with the golden ratio
    :math:`\varphi`. Arrays that begin with ``val_`` are not looked at.

    Bytes that go beyond 1 are pixels and are divided by 255, as MNIST's are; all other numbers
    become float32 as they are. Labels are integers from 0.

    What else a file may hold, in an ``.npz`` as arrays of integers or text, in ``.safetensors`` as
    JSON in the metadata, each under its name or all together under ``description``:

    - ``shape``: of one input; left out, that of the images' own axes;
    - ``names``: one for each input; or ``row_names`` and ``column_names``, of inputs with two axes,
      of which one may be left out;
    - ``class_names``: one a class.

    Args:
        path: the file, or a folder of four IDX files as :func:`load_mnist` takes it, such as
            Fashion-MNIST.

    Returns:
        The data, with the shape of an input.

    Raises:
        NumericError: there is no such file, it is none of these, or what it holds does not fit
            together.

    Examples:
        >>> path = getfixture("tmp_path") / "own.npz"
        >>> flowers = np.random.default_rng(0).random((12, 2))
        >>> np.savez(path, images=flowers, labels=np.arange(12) % 3, names=["length", "width"])
        >>> digits = load_data(path)
        >>> digits.train_images.shape, digits.test_images.shape, digits.shape.names
        ((10, 2), (2, 2), (('length', 'width'),))
    """
    place = user_path(path)
    if place.is_dir():
        return load_mnist(place)
    if place.suffix.lower() not in _READERS:
        raise NumericError(
            f"expected data to be a folder of IDX files or a file that ends in "
            f"{' or '.join(_READERS)}, got {place}"
        )
    found, notes = _READERS[place.suffix.lower()](place)
    known = {spelled: name for name, spellings in _CALLED.items() for spelled in spellings}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for spelled, array in found.items():
        if spelled in ("shape", *_NAMES):
            notes[spelled] = array.tolist()
        elif not spelled.lower().startswith("val_"):
            name = known.get(spelled.lower())
            if name is None or name in arrays:
                raise _misfit(place, found)
            arrays[name] = array
    if set(arrays) == {"images", "labels"}:
        arrays = _in_two(arrays["images"], arrays["labels"], place)
    elif set(arrays) != set(_SPLIT):
        raise _misfit(place, found)
    return _digits(place, arrays, notes)


def _digits(
    place: Path, arrays: Mapping[str, npt.NDArray[Any]], notes: Mapping[str, Any]
) -> Digits:
    images = {name: arrays[name] for name in _SPLIT if "images" in name}
    for name, array in images.items():
        if array.ndim < 2 or array.dtype.kind not in "biuf":
            raise NumericError(
                f"expected {name} of {place} to be numbers in two or more dimensions, got "
                f"{array.dtype} of shape {array.shape}"
            )
    pixels = any(array.dtype == np.uint8 and (array > 1).any() for array in images.values())
    train, test = (_inputs(array, 255 if pixels else 1) for array in images.values())
    train_labels, test_labels = (
        _labels(place, name, arrays[name]) for name in _SPLIT if "labels" in name
    )
    try:
        shape = _shape(place, notes, images["train_images"].shape[1:])
        class_names = tuple(_texts(place, "class_names", notes.get("class_names", [])))
        return Digits(train, train_labels, test, test_labels, shape, class_names)
    except NumericError as error:
        raise NumericError(f"{error} (in {place})") from None


def _inputs(array: npt.NDArray[Any], largest: int) -> npt.NDArray[np.float32]:
    with np.errstate(over="ignore"):  # what float32 does not hold is refused as infinite
        numbers = array.astype(np.float32)
    return np.divide(numbers, largest, dtype=np.float32)


def _labels(place: Path, name: str, array: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if array.ndim == 2 and array.shape[1] == 1:  # as MedMNIST has them
        array = array[:, 0]
    if array.dtype.kind not in "biu" or array.ndim != 1:
        raise NumericError(
            f"expected {name} of {place} to be integers in one dimension, got {array.dtype} of "
            f"shape {array.shape}"
        )
    return array.astype(np.int64)


def _shape(place: Path, notes: Mapping[str, Any], axes: tuple[int, ...]) -> InputShape:
    """Return the shape of an input, with the names that a file has for it."""
    said = notes.get("shape", list(axes))
    if not isinstance(said, list) or not all(type(size) is int for size in said):
        raise NumericError(f"expected shape to be a list of integers, got {said!r}")
    given = {name: tuple(_texts(place, name, notes[name])) for name in _NAMES[:3] if name in notes}
    if "names" in given and len(said) != 1:
        said = [len(given["names"])]
    if not given:
        # Rows of numbers without a word may well be pictures.
        return InputShape(tuple(said)) if len(said) > 1 or "shape" in notes else InputShape()
    if "names" in given:
        if len(given) > 1:
            raise NumericError("expected names, or row_names and column_names, got both")
        return InputShape(tuple(said), (given["names"],))
    if len(said) != 2:
        raise NumericError(
            f"expected row_names and column_names with inputs of two axes, got shape {said}"
        )
    return InputShape(tuple(said), (given.get("row_names", ()), given.get("column_names", ())))


def _texts(place: Path, name: str, value: object) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise NumericError(f"expected {name} of {place} to be a list of texts, got {value!r}")
    return value


def _in_two(
    images: npt.NDArray[Any], labels: npt.NDArray[Any], place: Path
) -> dict[str, npt.NDArray[Any]]:
    if not images.ndim or not labels.ndim or len(images) != len(labels):
        raise NumericError(
            f"expected a label for each image of {place}, got shapes {images.shape} and "
            f"{labels.shape}"
        )
    # No rule that counts to six: labels may come in turn.
    test = np.arange(len(images)) * _GOLDEN % 1 < _TESTED
    return dict(
        zip(_SPLIT, (images[~test], labels[~test], images[test], labels[test]), strict=True)
    )


def _misfit(place: Path, found: Mapping[str, object]) -> NumericError:
    return NumericError(
        f"expected {place} to hold images and labels, or {', '.join(_SPLIT)}, and beside them at "
        f"most shape, {', '.join(_NAMES)}, got {', '.join(found) or 'nothing'}"
    )


def _archive(place: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    try:
        with np.load(place, allow_pickle=False) as archive:
            return dict(archive), {}
    except FileNotFoundError:
        raise NumericError(f"expected data at {place}, got nothing there") from None
    except (OSError, ValueError, EOFError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise NumericError(
            f"expected {place} to be an archive of numpy with plain arrays, got: {error}"
        ) from None


def _tensors(place: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    arrays, metadata = read_tensors(place, "numpy")
    notes: dict[str, Any] = {}
    with suppress(ValueError, RecursionError):  # a description may be any text
        said = json.loads(metadata.get("description", ""))
        notes = dict(said) if isinstance(said, dict) else {}
    for name in metadata.keys() & {"shape", *_NAMES}:
        try:
            notes[name] = json.loads(metadata[name])
        except (ValueError, RecursionError) as error:
            raise NumericError(f"expected {name} of {place} to be JSON, got: {error}") from None
    return arrays, {name: notes[name] for name in ("shape", *_NAMES) if name in notes}


_READERS = {".npz": _archive, ".safetensors": _tensors}
