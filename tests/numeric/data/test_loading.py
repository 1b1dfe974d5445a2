"""Data of one's own from files: what is read, how it is understood, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from numeric import InputShape, NumericError, load_data
from numeric.files import save_arrays

DRAW = np.random.default_rng(0)
IMAGES = DRAW.random((30, 2, 3), dtype=np.float32)
LABELS = np.arange(30) % 4
SPLIT = {
    "train_images": IMAGES[:20],
    "train_labels": LABELS[:20],
    "test_images": IMAGES[20:],
    "test_labels": LABELS[20:],
}
TEXTS = {"row_names": ["a", "b"], "column_names": ["x", "y", "z"], "class_names": [*"nesw"]}


def archive(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "own.npz", **arrays)
    return folder / "own.npz"


def written(folder: Path, form: str, texts: dict[str, Any]) -> Path:
    if form == "npz":
        return archive(folder, **SPLIT, **texts)
    path = folder / "own.safetensors"
    if form == "metadata":
        save_file(SPLIT, path, {name: json.dumps(text) for name, text in texts.items()})
    else:
        save_arrays(path, dict(SPLIT), {"kind": "mine", **texts})
    return path


@pytest.mark.parametrize("form", ["npz", "metadata", "description"])
def test_arrays_and_names_are_read_from_every_kind_of_file(tmp_path: Path, form: str) -> None:
    digits = load_data(written(tmp_path, form, TEXTS))
    for found, wanted in zip(digits.arrays, SPLIT.values(), strict=True):
        np.testing.assert_array_equal(found, wanted.reshape(found.shape))
    assert digits.shape == InputShape((2, 3), (("a", "b"), ("x", "y", "z")))
    assert digits.class_names == ("n", "e", "s", "w")


@pytest.mark.parametrize("form", ["npz", "metadata", "description"])
def test_the_shape_may_be_said(tmp_path: Path, form: str) -> None:
    digits = load_data(written(tmp_path, form, {"shape": [3, 1, 2]}))
    assert digits.shape == InputShape((3, 1, 2))
    assert digits.shape.kind == "colour"


def test_the_axes_of_the_images_are_the_shape_where_none_is_said(tmp_path: Path) -> None:
    assert load_data(archive(tmp_path, **SPLIT)).shape == InputShape((2, 3))
    rows = {
        name: array.reshape(len(array), -1) if array.ndim > 2 else array
        for name, array in SPLIT.items()
    }
    assert load_data(archive(tmp_path, **rows)).shape.kind == "bars"


def test_names_of_inputs_make_bars(tmp_path: Path) -> None:
    shape = load_data(archive(tmp_path, **SPLIT, names=[*"abcdef"])).shape
    assert shape == InputShape((6,), (("a", "b", "c", "d", "e", "f"),))


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("train_inputs", "train_labels", "test_inputs", "test_labels"),
    ],
)
def test_arrays_may_have_the_names_that_others_give_them(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    digits = load_data(archive(tmp_path, **dict(zip(names, SPLIT.values(), strict=True))))
    np.testing.assert_array_equal(digits.test_labels, SPLIT["test_labels"])


def test_a_split_to_validate_on_is_not_looked_at_and_labels_may_be_a_column(tmp_path: Path) -> None:
    columns = {name: a[:, None] if "labels" in name else a for name, a in SPLIT.items()}
    digits = load_data(archive(tmp_path, **columns, val_images=IMAGES, val_labels=LABELS))
    np.testing.assert_array_equal(digits.train_labels, SPLIT["train_labels"])


@pytest.mark.parametrize("period", [2, 3, 5, 6, 10])
def test_without_a_split_a_sixth_is_kept_for_testing_whatever_the_order(
    tmp_path: Path, period: int
) -> None:
    labels = np.arange(600) % period
    images = np.arange(1200, dtype=np.float32).reshape(600, 2)
    digits = load_data(archive(tmp_path, images=images, labels=labels))
    assert len(digits.test_images) == 100
    rows = np.concatenate([digits.train_images, digits.test_images])
    np.testing.assert_array_equal(np.sort(rows[:, 0]), images[:, 0])
    counts = np.bincount(digits.test_labels, minlength=period)
    assert counts.min() >= 0.7 * 100 / period
    np.testing.assert_array_equal(
        labels[(digits.test_images[:, 0] / 2).astype(int)], digits.test_labels
    )


def test_bytes_beyond_one_are_pixels_and_all_other_numbers_stay_as_they_are(tmp_path: Path) -> None:
    def read(images: Any) -> Any:
        digits = load_data(archive(tmp_path, **{**SPLIT, "train_images": images}))
        assert digits.train_images.dtype == np.float32
        return digits.train_images

    ink = DRAW.integers(0, 256, (20, 6)).astype(np.uint8)
    np.testing.assert_array_equal(read(ink), np.divide(ink, 255, dtype=np.float32))
    for dtype in (np.uint8, np.bool_, np.int64, np.float64):
        hot = (ink > 100).astype(dtype)
        np.testing.assert_array_equal(read(hot), hot)
    np.testing.assert_array_equal(read(ink.astype(np.int32)), ink)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"class_name": ["a"]}, "at most shape, names, .* got .*class_name"),
        ({"test_labels": None}, "to hold images and labels, or train_images"),
        ({"images": IMAGES}, "to hold images and labels, or train_images"),
        ({"x_train": IMAGES}, "to hold images and labels, or train_images"),
        ({"train_labels": LABELS[:20] + 0.5}, "train_labels of .* to be integers in one dimension"),
        ({"train_labels": LABELS}, "expected train_labels to be 20 long"),
        ({"train_images": IMAGES[:20, 0, 0]}, "train_images of .* in two or more dimensions"),
        ({"train_images": np.full((20, 6), "a")}, "to be numbers in two or more dimensions"),
        ({"train_images": np.full((20, 6), 1e60)}, "train_images to be finite"),
        ({"shape": [4, 4]}, r"to hold 6 numbers, got \(4, 4\) \(in "),
        ({"shape": [1.5, 4]}, "shape to be a list of integers"),
        ({"names": ["a"]}, r"shape of an input to hold 6 numbers, got \(1,\)"),
        ({"names": [1, 2, 3, 4, 5, 6]}, "names of .* to be a list of texts"),
        ({"names": [*"abcdef"], "row_names": ["a", "b"]}, "row_names and column_names, got both"),
        ({"row_names": ["a"]}, "the names of axis 1 to be 2, one a place, got 1"),
        ({"shape": [6], "row_names": ["a"]}, r"with inputs of two axes, got shape \[6\]"),
        ({"class_names": ["a", "b"]}, "class_names to name every class up to 3, got 2"),
        ({"train_images": np.array([{}] * 20)}, "an archive of numpy with plain arrays"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    arrays = {name: array for name, array in (SPLIT | changes).items() if array is not None}
    with pytest.raises(NumericError, match=message):
        load_data(archive(tmp_path, **arrays))


@pytest.mark.parametrize("name", ["own.npz", "own.safetensors"])
def test_files_that_are_not_there_or_damaged_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(NumericError, match="got nothing there"):
        load_data(tmp_path / name)
    (tmp_path / name).write_bytes(b"damaged")
    with pytest.raises(NumericError, match=name):
        load_data(tmp_path / name)


def test_other_files_are_refused_by_their_ending(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match=r"ends in \.npz or \.safetensors, got .*own\.csv"):
        load_data(tmp_path / "own.csv")


def test_a_name_that_is_no_json_is_refused(tmp_path: Path) -> None:
    save_file(SPLIT, tmp_path / "own.safetensors", {"shape": "2 x 3"})
    with pytest.raises(NumericError, match=r"expected shape of .* to be JSON"):
        load_data(tmp_path / "own.safetensors")
    save_file(SPLIT, tmp_path / "own.safetensors", {"description": "any text"})
    assert load_data(tmp_path / "own.safetensors").shape == InputShape((2, 3))


def test_a_folder_is_read_as_idx_files(tmp_path: Path) -> None:
    with pytest.raises(NumericError, match="to hold train-images-idx3-ubyte"):
        load_data(tmp_path)
