"""What the numbers of an input are: a picture, a table of tokens, or named measurements."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError

Kind = Literal["picture", "colour", "table", "bars"]

_CHANNELS = 3


@dataclass(frozen=True)
class InputShape:
    """The axes of an input, and what stands along each: how readers are shown it.

    The numbers are one row in C order, as ``array.reshape(-1)`` gives them. An input is

    - a picture, of two axes without names: rows and columns;
    - a picture in colour, of three axes, of which the first or the last is 3 long;
    - a table, of two axes with names, such as tokens and positions;
    - bars, one an input, where it has one axis, or axes that are none of these.

    An axis of length 1 in front of or behind a picture's two does nothing.

    Args:
        sizes: the length of each axis; left out, what holds the shape finds one by the number of
            inputs (:meth:`of`).
        names: for each axis the names along it, or none for an axis that is counted.

    Raises:
        NumericError: a size is no positive integer, or there are not as many names as places.

    Examples:
        >>> InputShape((28, 28)).kind, InputShape((3, 32, 32)).kind, InputShape((4,)).kind
        ('picture', 'colour', 'bars')
        >>> pairs = InputShape((2, 3), (("first", "second"), ("x", "y", "z")))
        >>> pairs.kind, pairs.name(4)
        ('table', 'second y')
        >>> InputShape((2,), (("height",),))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected the names of axis 1 to be 2, one a place, got 1
    """

    sizes: tuple[int, ...] = ()
    names: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        """Check both, so that whoever draws need not."""
        if not all(isinstance(size, int) and size > 0 for size in self.sizes):
            raise NumericError(
                f"expected the shape of an input to be positive integers, got {self.sizes}"
            )
        if self.names and len(self.names) != len(self.sizes):
            raise NumericError(
                f"expected names for each of the {len(self.sizes)} axes of an input, got "
                f"{len(self.names)}"
            )
        for axis, (size, names) in enumerate(zip(self.sizes, self.names, strict=False), start=1):
            if names and len(names) != size:
                raise NumericError(
                    f"expected the names of axis {axis} to be {size}, one a place, got {len(names)}"
                )

    @classmethod
    def of(cls, inputs: int) -> InputShape:
        """Return the shape of inputs of which nothing is known: a square picture, else bars.

        Examples:
            >>> InputShape.of(784).sizes, InputShape.of(10).sizes
            ((28, 28), (10,))
        """
        side = math.isqrt(inputs)
        return cls((side, side) if side * side == inputs else (inputs,))

    @property
    def inputs(self) -> int:
        """The number of inputs."""
        return math.prod(self.sizes)

    @property
    def kind(self) -> Kind:
        """How such inputs are shown."""
        if any(self.names):
            return "table" if len(self.sizes) == 2 else "bars"
        axes = self._axes()
        if len(axes) == 2:
            return "picture"
        return "colour" if len(axes) == 3 and _CHANNELS in (axes[0], axes[-1]) else "bars"

    @property
    def is_picture(self) -> bool:
        """Whether an input is a picture, in colour or without."""
        return self.kind in ("picture", "colour")

    @property
    def noun(self) -> str:
        """What a reader calls one: an image, or an input."""
        return "image" if self.is_picture else "input"

    @property
    def part(self) -> str:
        """What a reader calls one of its numbers: a pixel, or an input."""
        return "pixel" if self.is_picture else "input"

    def name(self, index: int) -> str:
        """Return what a reader is told an input is.

        Args:
            index: of the input, counted from 0.

        Examples:
            >>> InputShape((2, 2)).name(3), InputShape((3,)).name(0)
            ('pixel 1, 1', 'input 0')
        """
        places = [int(place) for place in np.unravel_index(index, self.sizes)]
        if not any(self.names):
            return f"{self.part} {', '.join(map(str, places))}"
        pairs = zip(places, self.names, strict=True)
        return " ".join(names[place] if names else str(place) for place, names in pairs)

    def grid(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return numbers, one an input, in rows and columns.

        Args:
            values: shape (inputs,).

        Returns:
            Shape (rows, columns): of a picture in colour its channels beside one another, of bars
            one row.

        Examples:
            >>> InputShape((3, 1, 2)).grid(np.arange(6))
            array([[0, 1, 2, 3, 4, 5]])
        """
        if self.kind == "colour":
            channels = np.moveaxis(self.coloured(values), -1, 0)
            return np.concatenate(list(channels), axis=1)
        if self.kind == "bars":
            return values.reshape(1, -1)
        return values.reshape(self.sizes if self.names else self._axes())

    def coloured(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the numbers of a picture in colour, shape (rows, columns, 3).

        Examples:
            >>> InputShape((3, 1, 2)).coloured(np.arange(6)).tolist()
            [[[0, 2, 4], [1, 3, 5]]]
        """
        pixels = values.reshape(self._axes())
        # torch has the channels in front; where both ends are 3 long, its order is meant.
        return np.moveaxis(pixels, 0, -1) if pixels.shape[0] == _CHANNELS else pixels

    def _axes(self) -> tuple[int, ...]:
        """Return the sizes without a single channel."""
        sizes = self.sizes
        if len(sizes) != 3 or 1 not in (sizes[0], sizes[-1]):
            return sizes
        return sizes[1:] if sizes[0] == 1 else sizes[:-1]


UNKNOWN = InputShape()
"""Of inputs of which nothing is said."""


def strongest(values: npt.NDArray[Any], count: int) -> list[int]:
    """Return which numbers are the largest in size, the largest first; zeros are left out.

    Examples:
        >>> strongest(np.array([0.0, 1.0, -2.0]), 5)
        [2, 1]
    """
    ordered = np.argsort(-abs(values), kind="stable")[:count]
    return [int(place) for place in ordered if values[place]]
