"""What an input is shown as: pictures, tables, bars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numeric import InputShape, NumericError

ROWS, COLUMNS = ("a", "b"), ("x", "y", "z")


@pytest.mark.parametrize(
    ("shape", "kind", "grid"),
    [
        (InputShape((2, 3)), "picture", (2, 3)),
        (InputShape((1, 2, 3)), "picture", (2, 3)),
        (InputShape((2, 3, 1)), "picture", (2, 3)),
        (InputShape((3, 4, 5)), "colour", (4, 15)),
        (InputShape((4, 5, 3)), "colour", (4, 15)),
        (InputShape((2, 3), (ROWS, COLUMNS)), "table", (2, 3)),
        (InputShape((2, 3), (ROWS, ())), "table", (2, 3)),
        (InputShape((6,)), "bars", (1, 6)),
        (InputShape((3,), (COLUMNS,)), "bars", (1, 3)),
        (InputShape((2, 3, 4)), "bars", (1, 24)),
        (InputShape((3, 1, 1, 2)), "bars", (1, 6)),
    ],
)
def test_axes_and_names_say_how_inputs_are_shown(
    shape: InputShape, kind: str, grid: tuple[int, int]
) -> None:
    assert shape.kind == kind
    assert shape.is_picture == (kind in ("picture", "colour"))
    shown = shape.grid(np.arange(shape.inputs))
    assert shown.shape == grid
    assert sorted(shown.ravel()) == list(range(shape.inputs))


@pytest.mark.parametrize("front", [True, False])
def test_channels_may_stand_in_front_or_behind(*, front: bool) -> None:
    picture = np.random.default_rng(0).random((4, 5, 3))
    array = np.moveaxis(picture, -1, 0) if front else picture
    shape = InputShape(array.shape)
    np.testing.assert_array_equal(shape.coloured(array.ravel()), picture)
    beside = np.concatenate([picture[:, :, channel] for channel in range(3)], axis=1)
    np.testing.assert_array_equal(shape.grid(array.ravel()), beside)


def test_inputs_are_called_by_their_names_or_their_places() -> None:
    assert InputShape((2, 3), (ROWS, COLUMNS)).name(5) == "b z"
    assert InputShape((2, 3), ((), COLUMNS)).name(3) == "1 x"
    assert InputShape((3,), (COLUMNS,)).name(1) == "y"
    assert InputShape((28, 28)).name(29) == "pixel 1, 1"
    assert InputShape((2, 2, 2)).name(7) == "input 1, 1, 1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 3),), r"the shape of an input to be positive integers, got \(0, 3\)"),
        (((2.0,),), r"positive integers, got \(2.0,\)"),
        (((2, 3), (ROWS,)), "names for each of the 2 axes of an input, got 1"),
        (((2, 3), (ROWS, ROWS)), "the names of axis 2 to be 3, one a place, got 2"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(NumericError, match=message):
        InputShape(*arguments)
