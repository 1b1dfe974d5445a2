"""What Digits hold, what they know of it, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from numeric import Digits, InputShape, NumericError


def arrays() -> dict[str, Any]:
    return {
        "train_images": np.array([[0, 0.5], [1, 0], [1, 1]], np.float32),
        "train_labels": np.array([0, 1, 0], np.int64),
        "test_images": np.array([[0.5, 0.5]], np.float32),
        "test_labels": np.array([2], np.int64),
    }


def test_digits_know_their_width_and_the_classes_of_both_splits() -> None:
    digits = Digits(**arrays())
    assert (digits.inputs, digits.classes) == (2, 3)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        (
            "images",
            lambda array: array.astype(np.float64),
            r"to be a 2-dimensional numpy array of float32, not empty, got float64 of shape \(",
        ),
        ("images", lambda array: array[0], r"2-dimensional .* got float32 of shape \(2,\)"),
        ("images", lambda array: array[:0], r"not empty, got float32 of shape \(0, 2\)"),
        ("images", lambda array: array.tolist(), "2-dimensional numpy array .* got list"),
        ("images", lambda array: array * np.float32("nan"), "finite, got NaN or infinity"),
        ("images", lambda array: array + np.float32("inf"), "finite, got NaN or infinity"),
        (
            "labels",
            lambda array: array.astype(np.uint8),
            r"to be a 1-dimensional numpy array of int64, not empty, got uint8 of shape \(",
        ),
        ("labels", lambda array: array[:, None], "1-dimensional .* got int64 of shape"),
        ("labels", lambda array: array - 3, "to be 0 or above, got -"),
        ("labels", lambda array: np.append(array, 0), r"to be \d long as \w+_images, got \d"),
    ],
)
def test_digits_refuse_an_array_of_another_form(
    split: str, part: str, change: Callable[[Any], Any], message: str
) -> None:
    name = f"{split}_{part}"
    with pytest.raises(NumericError, match=f"^expected {name} .*{message}"):
        Digits(**{**arrays(), name: change(arrays()[name])})


def test_pictures_of_digits_are_read_row_by_row() -> None:
    images = np.random.default_rng(0).random((4, 1, 3, 2), dtype=np.float32)
    labels = np.arange(4)
    digits = Digits(images, labels, images[:2, 0], labels[:2])
    np.testing.assert_array_equal(digits.train_images, images.reshape(4, 6))
    np.testing.assert_array_equal(digits.test_images, images[:2].reshape(2, 6))


def test_digits_refuse_splits_of_different_widths() -> None:
    wider = np.zeros((1, 3), np.float32)
    with pytest.raises(NumericError, match="test_images to be 2 wide as train_images, got 3"):
        Digits(**{**arrays(), "test_images": wider})


def test_the_shape_of_an_input_is_that_of_its_axes_unless_another_is_given() -> None:
    images, labels = np.zeros((4, 3, 2), np.float32), np.arange(4)
    assert Digits(images, labels, images, labels).shape == InputShape((3, 2))
    table = InputShape((2, 3), ((), ("x", "y", "z")))
    assert Digits(images, labels, images, labels, table).shape == table
    rows = images.reshape(4, 6)
    assert Digits(rows, labels, rows, labels).shape == InputShape((6,))
    assert Digits(rows[:, :4], labels, rows[:, :4], labels).shape == InputShape((2, 2))


def test_classes_are_as_many_as_their_names() -> None:
    digits = Digits(**arrays(), class_names=("a", "b", "c", "d"))
    assert (digits.classes, digits.called(2)) == (4, "c")
    assert Digits(**arrays()).called(2) == "2"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"shape": InputShape((3,))}, r"the shape of an input to hold 2 numbers, got \(3,\)"),
        ({"class_names": ("a", "b")}, "class_names to name every class up to 2, got 2"),
    ],
)
def test_a_shape_or_names_that_do_not_fit_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(NumericError, match=message):
        Digits(**arrays(), **settings)
