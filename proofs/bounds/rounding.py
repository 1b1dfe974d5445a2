r"""How far computed logits can be from the exact ones, in whatever order sums are taken.

Each layer reads, in sums that may be taken in any order, multiplies, and adds up products, biases
and what a residual passes on, again in any order. Torch on any machine is one of the possible
orders, as long as it rounds every operation to the dtype, without TF32 or lower precision inside a
product, whether or not it flushes operands and results near zero. What a layer loses reaches the
logits by the signed derivative of the layers above it, and by the products of two errors of a
state (:func:`analytic.derivations.rounding_bound`). States and derivatives are enclosed in float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from numeric import Layer
from numeric.networks.normal_form import Floats, check_array, checked_layers
from proofs.bounds.enclosures import ARITHMETICS, ROUNDED_UP, Arithmetic, Enclosure, concatenated
from proofs.errors import ProofError

Doubles = npt.NDArray[np.float64]

_BATCH = 250
"""How many images are computed at once."""

_LOST = 2.0**-1000
"""More than what underflows in the bound itself."""


def rounding_bounds(
    layers: Sequence[Layer], images: Floats, dtypes: Iterable[str]
) -> dict[str, Doubles]:
    """Bound, for every image, how far a computed logit can be from the exact one.

    Args:
        layers: of a network, in the normal form.
        images: shape (images, inputs).
        dtypes: in which the network is computed, ``"float32"`` or ``"float64"``. All weights and
            images are numbers of each.

    Returns:
        By dtype, shape (images,): the largest of the image's logits; infinite where they may
        overflow.

    Raises:
        ProofError: there is no such dtype, or a weight or a pixel is no number of it.
        NumericError: a layer or the images have another shape, or are not finite.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> layers = BilinearNetwork(4, 2, depth=2, width=3, hidden=5).layers()
        >>> images = np.full((3, 4), 0.5, dtype=np.float32)
        >>> bool(rounding_bounds(layers, images, ["float32"])["float32"].max() < 1e-5)
        True
    """
    stack, names = checked_layers(layers), list(dtypes)
    check_array(images, "images", (len(images), stack[0].linear.shape[1] - 1))
    for name in names:
        if name not in ARITHMETICS:
            raise ProofError(f"expected dtype to be one of {', '.join(ARITHMETICS)}, got {name!r}")
        for array in (images, *(array for layer in stack for array in layer)):
            Enclosure.exact(array, ARITHMETICS[name])
    found: dict[str, list[Doubles]] = {name: [] for name in names}
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        for start in range(0, max(len(images), 1), _BATCH):
            exact = _exact(stack, images[start : start + _BATCH])
            for name, bounds in found.items():
                bounds.append(_errors(exact, ARITHMETICS[name]))
    return {name: np.concatenate(bounds) for name, bounds in found.items()}


class _Exact(NamedTuple):
    """What a layer computes without rounding, for some images, and how the logits depend on it.

    Attributes:
        layer: in the normal form.
        state: enclosures of what it reads.
        left: enclosures of its readings.
        right: the same.
        slope: bounds on the derivatives of the logits by what it writes.
        weighed: the same, by its products.
    """

    layer: Layer
    state: Enclosure
    left: Enclosure
    right: Enclosure
    slope: Doubles
    weighed: Doubles


def _exact(stack: list[Layer], images: Floats) -> list[_Exact]:
    """Return what all layers compute of some images, from the first one."""
    state = Enclosure.exact(np.concatenate([np.ones((len(images), 1)), images], axis=1))
    passed, outputs = [], len(stack[-1].linear)
    for layer in stack:
        left, right = (state @ Enclosure.exact(rows).T for rows in (layer.left, layer.right))
        passed.append((layer, state, left, right))
        weights = Enclosure.exact(np.concatenate([layer.down, layer.linear], axis=1))
        state = concatenated([left * right, state], axis=1) @ weights.T
    slope = Enclosure.exact(np.broadcast_to(np.eye(outputs), (len(images), outputs, outputs)))
    found: list[_Exact] = []
    for layer, state, left, right in reversed(passed):
        weighed = slope @ Enclosure.exact(layer.down)
        found.insert(0, _Exact(layer, state, left, right, _most(slope), weighed.size))
        if layer is not stack[0]:
            above = slope @ Enclosure.exact(layer.linear)
            above = above + (weighed * left[:, None]) @ Enclosure.exact(layer.right)
            slope = above + (weighed * right[:, None]) @ Enclosure.exact(layer.left)
    return found


def _errors(exact: list[_Exact], arithmetic: Arithmetic) -> Doubles:
    """Return the bounds of some images."""
    errors = np.zeros(exact[0].state.midpoint.shape)
    total = np.zeros((len(errors), exact[-1].slope.shape[1]))
    for layer in exact:
        products, sums, errors = _through(layer, errors, arithmetic)
        total += (layer.weighed @ products[:, :, None])[:, :, 0]
        total += (layer.slope @ sums[:, :, None])[:, :, 0]
    bounds = ROUNDED_UP * total[:, 1:].max(axis=1) + _LOST
    return np.where(np.isfinite(bounds), bounds, np.inf)


def _through(
    exact: _Exact, errors: Doubles, arithmetic: Arithmetic
) -> tuple[Doubles, Doubles, Doubles]:
    """Return bounds on what a layer's products and sums lose, and on the errors of what it writes.

    Args:
        exact: the layer, and what it computes without rounding.
        errors: how far what is read lies from the exact numbers.
        arithmetic: that of the network.
    """
    layer = exact.layer
    sizes = ROUNDED_UP * (_most(exact.state) + errors)
    readings = []
    for rows, reading in ((layer.left, exact.left), (layer.right, exact.right)):
        moved = np.zeros(reading.midpoint.shape)
        if errors.any():
            moved = ROUNDED_UP * (errors @ abs(rows.T)) + _LOST
        readings.append((reading, moved, _lost(sizes, rows, arithmetic)))
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
    return np.where(known, beyond, np.inf), sums, total


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
