"""Training pictures that are moved, turned or blurred, each by an amount of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from numeric.data.digits import Digits
from numeric.errors import NumericError


@dataclass(frozen=True)
class Augmentation:
    """How much a picture is changed at most, drawn for each picture.

    Attributes:
        pixels: by which it is moved, in each direction.
        degrees: by which it is turned.
        blur: the width of the Gaussian that it is blurred by, in pixels.
    """

    pixels: float = 0.0
    degrees: float = 0.0
    blur: float = 0.0


AUGMENTATIONS = {
    "moved": Augmentation(pixels=3.0),
    "turned": Augmentation(degrees=25.0),
    "blurred": Augmentation(blur=1.5),
}
"""By name."""

COPIES = 2
"""How often each picture is there, each time changed anew."""

_CHUNK = 5_000


def augmented(digits: Digits, name: str, generator: np.random.Generator) -> Digits:
    """Return digits with changed training pictures in the place of each, several of each.

    Args:
        digits: pictures without colours.
        name: of :data:`AUGMENTATIONS`.
        generator: draws the changes.

    Returns:
        As many copies of the training pictures as :data:`COPIES` says, changed each by itself; the
        test pictures as they were.

    Raises:
        NumericError: inputs are no pictures, or there is no such augmentation.
    """
    if digits.shape.kind != "picture":
        raise NumericError(f"expected pictures to change, got {digits.shape.kind}")
    if name not in AUGMENTATIONS:
        raise NumericError(f"expected an augmentation of {', '.join(AUGMENTATIONS)}, got {name!r}")
    rows, columns = digits.shape.grid(digits.train_images[0]).shape
    changed = [
        _changed(images.reshape(-1, 1, rows, columns), AUGMENTATIONS[name], generator)
        for _ in range(COPIES)
        for images in np.array_split(
            digits.train_images, math.ceil(len(digits.train_images) / _CHUNK)
        )
    ]
    images = np.concatenate(changed).reshape(-1, rows * columns)
    labels = np.tile(digits.train_labels, COPIES)
    return replace(digits, train_images=images, train_labels=labels)


def _changed(
    pictures: npt.NDArray[np.float32], by: Augmentation, generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Change every picture by amounts of its own, of shape (pictures, 1, rows, columns)."""
    *_, rows, columns = pictures.shape
    count, seen = len(pictures), torch.from_numpy(pictures)
    angles = np.radians(generator.uniform(-by.degrees, by.degrees, count))
    moves = generator.uniform(-by.pixels, by.pixels, (count, 2)) * 2 / (columns, rows)
    turn = np.stack([np.cos(angles), -np.sin(angles), np.sin(angles), np.cos(angles)], axis=1)
    affine = np.concatenate([turn.reshape(-1, 2, 2), moves[:, :, None]], axis=2)
    if by.pixels or by.degrees:
        grid = nn.functional.affine_grid(
            torch.from_numpy(affine.astype(np.float32)), list(seen.shape), align_corners=False
        )
        seen = nn.functional.grid_sample(seen, grid, align_corners=False)
    if by.blur:
        seen = _blurred(seen, torch.from_numpy(generator.uniform(0.1, by.blur, count)))
    return np.asarray(np.clip(seen.numpy(), 0, 1), dtype=np.float32)


def _blurred(pictures: Tensor, widths: Tensor) -> Tensor:
    """Blur every picture by a Gaussian of its own, rows and columns one after the other."""
    reach = torch.arange(-4, 5, dtype=torch.float32)
    kernels = torch.exp(-(reach**2) / (2 * widths.float()[:, None] ** 2))
    kernels = kernels / kernels.sum(dim=1, keepdim=True)
    seen = pictures.transpose(0, 1)
    for shape, padding in (((-1, 1, 9, 1), (4, 0)), ((-1, 1, 1, 9), (0, 4))):
        seen = nn.functional.conv2d(
            seen, kernels.reshape(shape), padding=padding, groups=len(kernels)
        )
    return seen.transpose(0, 1)
