"""Which test digits a page shows, and what is known of each: a page cannot carry ten thousand."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import Digits, InputShape
from numeric.arithmetic import check_arithmetic
from numeric.networks.inference import logits, settled_copy
from numeric.networks.layered import Network
from numeric.networks.normal_form import degree_two
from proofs.bounds.certified_radii import certified_radii
from proofs.certificates.counts import clear_classes
from proofs.report.neighbours import neighbours
from proofs.report.packing import packed
from proofs.robustness.few_images import nearest_class
from proofs.robustness.pairs import PairMargins

Indices = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_FIRST = 500
"""Test digits that are shown whatever the network makes of them."""

_TELLING = 300
"""Test digits that the network labels wrongly, and as many on which the graph differs, at most."""

_CERTIFIED = 25
"""Of the test digits that are shown, those with a radius where that takes long."""

_NEIGHBOURS = 75
"""Test digits that the network labels wrongly for which a near input of another class is shown."""

_DECIMALS = 4
"""Of a radius, rounded down."""


@dataclass(frozen=True)
class Exhibits:
    """The test digits that a page shows.

    Attributes:
        indices: in the test set, ascending.
        outputs: the network's logits on all test images, in its own dtype.
        mistakes: the test images that the network labels wrongly.
        differing: those that the graph gives another class than the network.
    """

    indices: Indices
    outputs: npt.NDArray[Any]
    mistakes: Indices
    differing: Indices

    @classmethod
    def of(
        cls,
        model: Network,
        digits: Digits,
        found: Doubles,
        needed: Iterable[int],
    ) -> Exhibits:
        """Choose the first digits, those that tell the most, and all that are needed.

        Args:
            model: the network.
            digits: whose test images are chosen from.
            found: the logits of the graph on all test images, shape (images, classes).
            needed: indices of test images that the page speaks of.
        """
        outputs = logits(model, digits.test_images)
        predicted = outputs.argmax(axis=1)
        mistakes = np.flatnonzero(predicted != digits.test_labels)
        differing = np.flatnonzero(predicted != found.argmax(axis=1))
        telling = np.concatenate([mistakes[:_TELLING], differing[:_TELLING]])
        first = range(min(_FIRST, len(outputs)))
        indices = np.array(sorted({*first, *telling.tolist(), *needed}))
        return cls(indices, outputs, mistakes, differing)

    def data(self, model: Network, digits: Digits) -> dict[str, Any]:
        """Return the digits as JSON, with what the network makes of them."""
        images = digits.test_images[self.indices]
        return {
            "total": len(digits.test_images),
            "mistakes": len(self.mistakes),
            "differing": len(self.differing),
            "indices": self.indices.tolist(),
            "labels": digits.test_labels[self.indices].tolist(),
            "shape": drawn_shape(digits.shape),
            "classes": list(digits.class_names),
            "pixels": packed(_as_bytes(images)),
            "outputs": packed(self.outputs[self.indices].astype(np.float32)),
            "radii": certified(model, images),
            "neighbours": neighbours(model, images, _classes(model, images), self._asked()),
        }

    def _asked(self) -> Indices:
        """Return the places of the digits that shall have a near input of another class."""
        wrong = np.flatnonzero(np.isin(self.indices, self.mistakes[:_NEIGHBOURS]))
        return np.union1d(np.arange(min(_CERTIFIED, len(self.indices))), wrong)


def drawn_shape(shape: InputShape) -> dict[str, Any]:
    """Return how the page shows inputs, as JSON.

    Args:
        shape: of an input.

    Returns:
        ``rows`` and ``columns`` of a grid; ``order``, which input stands at each place of it, row
        by row, where that is not their own order; ``names`` of the inputs that are no pixels.

    Examples:
        >>> drawn_shape(InputShape((1, 2, 1, 3)))["order"] is None
        True
        >>> drawn_shape(InputShape((2, 2, 3)))["order"]
        [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]
    """
    grid = shape.grid(np.arange(shape.inputs))
    order = grid.ravel().tolist()
    return {
        "kind": shape.kind,
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "order": None if order == sorted(order) else order,
        "names": None if shape.is_picture else [shape.name(k) for k in range(shape.inputs)],
        "noun": shape.noun,
        "part": shape.part,
    }


def certified(model: Network, images: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Return how far images can be moved before the network may predict another class.

    Args:
        model: of one layer, whose distances are exact, or of several, with a distance that is
            proved and not sharp.
        images: shape (images, inputs).

    Returns:
        ``values`` are rounded down, in the Euclidean norm of the pixels: 0 where the class leaves a
        doubt, None where no other class is ever reached. With several layers the first 25 images
        have one.

    Raises:
        NumericError: floating point is not what bounds take it for.
    """
    check_arithmetic()
    layers = model.layers()
    exact = degree_two(layers)
    images = images if exact else images[:_CERTIFIED]
    classes = _classes(model, images)
    asked = np.maximum(classes, 0)
    if len(layers[-1].linear) == 2:
        found = np.full(len(images), np.inf)  # there is no other class
    elif exact:
        found = nearest_class(PairMargins(layers), images, asked).radius
    else:
        found = certified_radii([layers], images, asked).radii
    scale = 10.0**_DECIMALS
    values = np.where(classes < 0, 0.0, np.floor(found * scale) / scale)
    listed = [value if math.isfinite(value) else None for value in values.tolist()]
    return {"exact": exact, "values": listed}


def _classes(model: Network, images: npt.NDArray[np.float32]) -> Indices:
    """Return the network's classes, -1 where a lead is small."""
    return clear_classes(logits(settled_copy(model).double(), images))


def _as_bytes(images: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return images as their bytes where every pixel is a byte over 255 in float32."""
    found = np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
    same = np.array_equal(np.divide(found, 255, dtype=np.float32), images)
    return found if same else images
