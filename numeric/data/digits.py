"""Inputs with the class of each, as arrays: the form in which every verb takes data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from numeric.data.shapes import UNKNOWN, InputShape
from numeric.errors import NumericError
from numeric.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Digits:
    """Inputs with the class of each, in a split to train on and a split to test on.

    MNIST has this form, and so has any dataset of your own: pictures, in colour too, sequences of
    one-hot tokens, tables of measurements.

    Args:
        train_images: shape (pictures, inputs), float32, finite; for MNIST the ink of each pixel,
            from 0 (none) to 1 (full). Inputs with axes of their own, such as (pictures, 28, 28),
            are read row by row.
        train_labels: shape (pictures,), int64, the class of each picture, 0 or above.
        test_images: shape (pictures, inputs), as ``train_images``.
        test_labels: shape (pictures,), as ``train_labels``.
        shape: of one input, with names where it is no picture. Left out, it is that of the axes of
            ``train_images``, and where these are two, a square picture or bars.
        class_names: one a class; left out, classes are called by their number.

    Raises:
        NumericError: an array has another form, a split is empty or the two differ in width, the
            shape is one of another width, or a label has no name.

    Examples:
        >>> images, labels = np.eye(3, dtype=np.float32), np.arange(3)
        >>> digits = Digits(images, labels, images[:1], labels[:1])
        >>> digits.inputs, digits.classes, digits.shape.kind
        (3, 3, 'bars')
        >>> digits
        Digits(3 to train on, 1 to test on, 3 inputs, 3 classes)
        >>> Digits(images, labels, images[:, :2], labels)
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected test_images to be 3 wide as train_images, got 2
    """

    train_images: NDArray[np.float32]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.float32]
    test_labels: NDArray[np.int64]
    shape: InputShape = UNKNOWN
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the arrays, so that whoever is handed the digits need not."""
        for name in ("train_images", "test_images"):
            images = getattr(self, name)
            if isinstance(images, np.ndarray) and images.ndim > 2 and images.size:
                if not self.shape.sizes:
                    object.__setattr__(self, "shape", InputShape(images.shape[1:]))
                object.__setattr__(self, name, images.reshape(len(images), -1))
        _check_split("train", self.train_images, self.train_labels)
        _check_split("test", self.test_images, self.test_labels)
        if self.test_images.shape[1] != self.inputs:
            raise NumericError(
                f"expected test_images to be {self.inputs} wide as train_images, "
                f"got {self.test_images.shape[1]}"
            )
        if not self.shape.sizes:
            object.__setattr__(self, "shape", InputShape.of(self.inputs))
        if self.shape.inputs != self.inputs:
            raise NumericError(
                f"expected the shape of an input to hold {self.inputs} numbers, got "
                f"{self.shape.sizes}"
            )
        largest = max(self.train_labels.max(), self.test_labels.max())
        if self.class_names and largest >= len(self.class_names):
            raise NumericError(
                f"expected class_names to name every class up to {largest}, got "
                f"{len(self.class_names)}"
            )

    def __repr__(self) -> str:
        """Say how large it is."""
        return (
            f"Digits({len(self.train_images):,} to train on, {len(self.test_images):,} to test on, "
            f"{counted(self.inputs, 'input')}, {counted(self.classes, 'class', 'classes')})"
        )

    @property
    def inputs(self) -> int:
        """The width of a picture, in pixels."""
        return int(self.train_images.shape[1])

    @property
    def classes(self) -> int:
        """The number of classes: of names, or one more than the largest label of both splits."""
        largest = int(max(self.train_labels.max(), self.test_labels.max()))
        return len(self.class_names) or largest + 1

    def called(self, label: int) -> str:
        """Return the name of a class, or its number.

        Args:
            label: of the class.
        """
        return self.class_names[label] if self.class_names else str(label)

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What a network is trained and tested on: images and labels of both splits."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels


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
