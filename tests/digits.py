"""Small pictures that stand in for MNIST."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Digits

Bytes = npt.NDArray[np.uint8]


def small_digits(inputs: int = 9, classes: int = 3, pictures: int = 12) -> Digits:
    """Return noise with labels in turn, the same pictures to train and to test on."""
    images = np.random.default_rng(0).random((pictures, inputs), dtype=np.float32)
    labels = np.arange(pictures) % classes
    return Digits(images, labels, images, labels)


def ink_like_mnist(
    train: int = 200, test: int = 40, inputs: int = 784
) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """Return blots of bytes that ten classes can be told by, each with its labels."""
    draw = np.random.default_rng(0)
    blots = draw.random((10, inputs)) < 0.2
    arrays: list[Any] = []
    for count in (train, test):
        labels = np.arange(count, dtype=np.uint8) % 10
        ink = blots[labels] * draw.integers(99, 256, (count, inputs))
        arrays += [ink.astype(np.uint8), labels]
    return tuple(arrays)


def like_mnist(inputs: int = 784) -> Digits:
    """Return the blots as digits; fewer pixels are as good where nothing reads MNIST's files."""
    train, train_labels, test, test_labels = ink_like_mnist(inputs=inputs)
    return Digits(
        np.divide(train, 255, dtype=np.float32),
        train_labels.astype(np.int64),
        np.divide(test, 255, dtype=np.float32),
        test_labels.astype(np.int64),
    )
