r"""How far computed logits can be from the exact ones, in whatever order sums are taken.

Each layer reads, in sums that may be taken in any order, multiplies, and adds up products, biases
and what a residual passes on, again in any order. Torch on any machine is one of the possible
orders, as long as it rounds every operation to the dtype, without TF32 or lower precision inside a
product, whether or not it flushes operands and results near zero. What a layer loses reaches the
logits by the signed derivative of the layers above it, and by the products of two errors of a
state (:func:`analytic.derivations.rounding_bound`). States and derivatives are enclosed in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numeric import Layer
from numeric.normal_form import Floats, check_array, checked_layers
from proofs.bounds.enclosures import ARITHMETICS, ROUNDED_UP, Arithmetic, Enclosure, concatenated
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_BATCH = 250
"""How many images are computed at once."""

_LOST = 2.0**-1000
"""More than what underflows in the bound itself."""


def rounding_bounds(layers: Sequence[Layer], images: Floats, dtype: str) -> Doubles:
    """Bound, for every image, how far a computed logit can be from the exact one.

    Args:
        layers: of a network, in the normal form.
        images: shape (images, inputs).
        dtype: in which the network is computed, ``"float32"`` or ``"float64"``. All weights and
            images are numbers of it.

    Returns:
        Shape (images,): the largest of the image's logits; infinite where they may overflow.

    Raises:
        ProofError: there is no such dtype, or a weight or a pixel is no number of it.
        NumericError: a layer or the images have another shape, or are not finite.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> layers = BilinearNetwork(4, 2, depth=2, width=3, hidden=5).layers()
        >>> images = np.ones((3, 4), dtype=np.float32)
        >>> bool(rounding_bounds(layers, images, "float32").max() < 1e-5)
        True
    """
    stack = checked_layers(layers)
    check_array(images, "images", (len(images), stack[0].linear.shape[1] - 1))
    if dtype not in ARITHMETICS:
        raise ProofError(f"expected dtype to be one of {', '.join(ARITHMETICS)}, got {dtype!r}")
    arithmetic = ARITHMETICS[dtype]
    for array in (images, *(array for layer in stack for array in layer)):
        Enclosure.exact(array, arithmetic)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        batches = (
            _errors(stack, images[start : start + _BATCH], arithmetic)
            for start in range(0, max(len(images), 1), _BATCH)
        )
        return np.asarray(np.concatenate(list(batches)))


class _Passed(NamedTuple):
    """What happens in a layer.

    Attributes:
        left: enclosures of what it reads.
        right: the same.
        products: bounds on the errors of its products but for the derivative's part.
        sums: bounds on the errors of its sums.
    """

    left: Enclosure
    right: Enclosure
    products: Doubles
    sums: Doubles


def _errors(stack: list[Layer], images: Floats, arithmetic: Arithmetic) -> Doubles:
    """Return the bounds of some images."""
    constant = np.ones((len(images), 1))
    state = Enclosure.exact(np.concatenate([constant, images], axis=1))
    errors, passed = np.zeros(state.midpoint.shape), []
    for layer in stack:
        found, moved = _through(layer, state, errors, arithmetic)
        passed.append(found)
        weights = Enclosure.exact(np.concatenate([layer.down, layer.linear], axis=1))
        state = concatenated([found.left * found.right, state], axis=1) @ weights.T
        errors = moved
    outputs = len(stack[-1].linear)
    shape = len(images), outputs, outputs
    slope = Enclosure.exact(np.broadcast_to(np.eye(outputs), shape))
    total = np.zeros((len(images), outputs))
    for layer, found in zip(stack[::-1], passed[::-1], strict=True):
        weights = slope @ Enclosure.exact(layer.down)
        total += (weights.size @ found.products[:, :, None])[:, :, 0]
        total += (_most(slope) @ found.sums[:, :, None])[:, :, 0]
        if layer is not stack[0]:
            left, right = (Enclosure.exact(rows) for rows in (layer.left, layer.right))
            slope = slope @ Enclosure.exact(layer.linear)
            slope = slope + (weights * found.left[:, None]) @ right
            slope = slope + (weights * found.right[:, None]) @ left
    bounds = ROUNDED_UP * total[:, 1:].max(axis=1) + _LOST
    return np.where(np.isfinite(bounds), bounds, np.inf)


def _through(
    layer: Layer, state: Enclosure, errors: Doubles, arithmetic: Arithmetic
) -> tuple[_Passed, Doubles]:
    """Return what a layer loses, and bounds on the errors of what it writes.

    Args:
        layer: in the normal form.
        state: the exact numbers that it reads.
        errors: how far what is computed lies from them.
        arithmetic: that of the network.
    """
    sizes = ROUNDED_UP * (_most(state) + errors)
    readings = []
    for rows in (layer.left, layer.right):
        exact = state @ Enclosure.exact(rows).T
        moved = np.zeros(exact.midpoint.shape)
        if errors.any():
            moved = ROUNDED_UP * (errors @ abs(rows.T)) + _LOST
        readings.append((exact, moved, _lost(sizes, rows, arithmetic)))
    (left, left_moved, left_lost), (right, right_moved, right_lost) = readings
    lefts, rights = _most(left) + left_moved, _most(right) + right_moved
    products = ROUNDED_UP * (lefts + left_lost) * (rights + right_lost)
    flushed = lefts + left_lost + rights + right_lost + 2
    own = arithmetic.unit * products + arithmetic.tiny * flushed
    lost = left_lost * rights + right_lost * lefts + left_lost * right_lost + own
    beyond = ROUNDED_UP * (left_moved * right_moved + lost)
    straight = _most(left) * right_moved + _most(right) * left_moved
    weights = np.concatenate([layer.down, layer.linear], axis=1)
    summed = np.concatenate([ROUNDED_UP * (products + own), sizes], axis=1)
    sums = _lost(summed, weights, arithmetic)
    moved = np.concatenate([ROUNDED_UP * (straight + beyond), errors], axis=1) @ abs(weights.T)
    total = ROUNDED_UP * (moved + sums) + _LOST
    if np.array_equal(weights[0], np.eye(1, weights.shape[1], layer.down.shape[1])[0]):
        # The constant is handed on as it is.
        sums[:, 0] = total[:, 0] = 0.0
    known = products < arithmetic.largest / 4
    return _Passed(left, right, np.where(known, beyond, np.inf), sums), total


def _lost(sizes: Doubles, weights: Floats, arithmetic: Arithmetic) -> Doubles:
    """Bound what sums lose in any order: terms that are 0 are not rounded, but may be flushed.

    Args:
        sizes: bounds on the numbers that are summed, shape (images, terms).
        weights: of the sums, shape (sums, terms).
        arithmetic: in which the sums are taken.

    Returns:
        Shape (images, sums), infinite where a sum may overflow.
    """
    rows = abs(np.asarray(weights, dtype=np.float64))
    terms = np.minimum(np.count_nonzero(sizes, axis=1)[:, None], np.count_nonzero(rows, axis=1))
    arithmetic.gamma(rows.shape[1])  # Refuses sums that are too long.
    gamma = terms * arithmetic.unit / (1 - terms * arithmetic.unit)
    total = ROUNDED_UP * (sizes @ rows.T)
    flushed = ROUNDED_UP * (sizes.sum(axis=1)[:, None] + rows.sum(axis=1)) + 8 * rows.shape[1]
    lost = ROUNDED_UP * gamma * total + arithmetic.tiny * flushed
    return np.where(total + lost < arithmetic.largest / 4, lost, np.inf)


def _most(numbers: Enclosure) -> Doubles:
    """Return bounds on the sizes of exact numbers: 0 of a 0."""
    return np.asarray(ROUNDED_UP * (abs(numbers.midpoint) + numbers.radius))
