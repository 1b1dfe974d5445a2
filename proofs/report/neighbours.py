"""Inputs of another class that lie near test digits: the nearest that an attack finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from numeric.networks.attacks import attack
from numeric.networks.inference import logits
from numeric.networks.layered import Network
from proofs.report.packing import packed

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_BEYOND = 1.01
"""How much further a step goes than to where two logits are equal."""


def neighbours(
    model: Network, images: Floats, classes: npt.NDArray[np.int64], places: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Return inputs near images that the network gives another class.

    They lie just beyond the nearest that an attack finds.

    Args:
        model: the network.
        images: shape (images, inputs).
        classes: that the network gives them, -1 where that leaves a doubt.
        places: of the images that shall have a neighbour, ascending.

    Returns:
        ``places`` of those that have one; ``steps`` to them in bytes from -127 to 127, times
        ``scales``, so that a neighbour is the float32 of an image and its step; the network's
        ``outputs`` at them.
    """
    count = len(model.layers()[-1].linear) - 1
    asked = places[(classes[places] >= 0) & (count > 1)]
    starts, draw = images[asked], torch.Generator().manual_seed(0)
    steps = np.zeros(starts.shape)
    if len(asked):
        steps += attack(model, starts, classes[asked], generator=draw, restarts=0).points - starts
    scales = _BEYOND * abs(steps).max(axis=1, initial=0.0) / 127
    found = np.isfinite(scales) & (scales > 0)
    asked, starts, scales = asked[found], starts[found], scales[found]
    whole = np.rint(_BEYOND * steps[found] / scales[:, None]).astype(np.int8)
    outputs = np.zeros((0, count))
    if len(asked):
        outputs = logits(model, neighbours_of(starts, whole, scales))
    # What rounding brings back, or the network in its own dtype sees otherwise, is none.
    other = outputs.argmax(axis=1) != classes[asked]
    return {
        "places": asked[other].tolist(),
        "scales": scales[other].tolist(),
        "steps": packed(whole[other]),
        "outputs": packed(outputs[other].astype(np.float32)),
    }


def neighbours_of(images: Floats, steps: npt.NDArray[np.int8], scales: Doubles) -> Floats:
    """Return the inputs that steps lead to.

    Args:
        images: shape (images, inputs).
        steps: shape (images, inputs).
        scales: shape (images,).

    Examples:
        >>> steps = np.array([[127, 0, -127]], np.int8)
        >>> neighbours_of(np.ones((1, 3), np.float32), steps, np.array([1 / 127]))
        array([[2., 1., 0.]], dtype=float32)
    """
    return (images + scales[:, None] * steps).astype(np.float32)
