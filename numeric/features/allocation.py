r"""How many shared features each layer gets, and how many components of each hidden state stay.

A layer's features leave a share :math:`e_\ell(k)` of its forms, which falls with their number
:math:`k`, and the network's polynomial moves by about

.. math::
    \|T - T'\|^2 \approx \sum_\ell a_\ell\,e_\ell(k_\ell)^2 .

The shares are those of short searches for a few numbers, and :math:`a_\ell` is what the polynomial
moves by where layer :math:`\ell` alone is replaced. Where images are given, what outputs on them
move by is measured in place of each product. The sum is least where no feature would do more in
another layer. Components of a hidden state stay until those left out move the polynomial by little
beside what the features do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.features.kernels import stack_products
from numeric.features.sharing import SharedFeatures, Step, most_features, roughly_shared
from numeric.networks.normal_form import Layer, handed_on

Doubles = npt.NDArray[np.float64]

_SHARES = (0.1, 0.2, 0.35, 0.55, 0.8)
"""For which shares of all features each layer is searched."""

_BESIDE = 0.01
"""Components left out may add this share to the squared distance."""


@dataclass(frozen=True)
class Allocation:
    r"""Numbers of features for each layer, and by how much the polynomial moves.

    Attributes:
        counts: of features, from the input upwards.
        squared: what :math:`\|T - T'\|^2` is expected to be.
        factors: :math:`a_\ell`, for each layer.
    """

    counts: list[int]
    squared: float
    factors: list[float]

    def components(self, number: int, singular_values: Doubles) -> int:
        """Return how many components of a hidden state stay.

        Args:
            number: of the layer that makes it, from 0.
            singular_values: of its components, descending.
        """
        drawn = np.asarray(singular_values, dtype=np.float64) ** 2
        if not drawn.sum() > 0:
            return 1
        left_out = (drawn.sum() - np.cumsum(drawn)) / drawn.sum()
        most = _BESIDE * self.squared
        enough = np.flatnonzero(self.factors[number] * left_out <= most)
        return int(enough[0]) + 1 if len(enough) else len(drawn)


def allocated(
    layers: Sequence[Layer],
    importances: Sequence[Doubles],
    features: int | Sequence[int],
    step: Step,
    inputs: Doubles | None = None,
) -> Allocation:
    """Return how many features each layer gets.

    Args:
        layers: without linear parts but the constant, in bases of hidden states that are
            orthonormal.
        importances: how much an error in each output of each layer counts.
        features: how many in all, at least one a layer; or for each layer.
        step: called at every step of the searches.
        inputs: of the first layer, on images, by which the moves are measured if they are given.
    """
    total = sum(features) if isinstance(features, Sequence) else features
    if len(layers) == 1:
        return Allocation([total], 0.0, [0.0])
    curves, factors = [], []
    for number, (layer, importance) in enumerate(zip(layers, importances, strict=True)):
        most = min(total, most_features(layer))
        if isinstance(features, Sequence):
            numbers = [min(features[number], most)]
        else:
            numbers = sorted({max(1, min(most, round(share * total))) for share in _SHARES})
        found = roughly_shared(layer, importance, numbers, step)
        errors = [item.error**2 for item in found]
        middle = len(found) // 2
        if inputs is None:
            factors.append(_factor(layers, number, found[middle]))
            moves = factors[-1] * _curve(numbers, errors, most)
        else:
            seen = [_seen(layers, number, item, inputs) for item in found]
            factors.append(seen[middle] / errors[middle] if errors[middle] > 0 else 1.0)
            moves = _curve(numbers, seen, most)
        curves.append(moves)
    counts = list(features) if isinstance(features, Sequence) else _split(curves, total)
    squared = sum(
        curve[min(count, len(curve)) - 1] for curve, count in zip(curves, counts, strict=True)
    )
    return Allocation(counts, float(squared), factors)


def _curve(numbers: Sequence[int], errors: Sequence[float], most: int) -> Doubles:
    """Return squared errors for 1 to the most features, from those for a few numbers."""
    known = [0, *numbers]
    logarithms = np.log(np.maximum([1.0, *errors], 1e-20))
    places = np.arange(1, most + 1)
    inside = np.interp(places, known, np.minimum.accumulate(logarithms))
    return np.asarray(np.exp(inside))


def _split(curves: Sequence[Doubles], total: int) -> list[int]:
    """Return the numbers of features, at least one each, for which the sum of curves is least.

    Features are taken from the steepest chords of the curves' lower convex hulls on.
    """
    steps: list[tuple[float, int, int]] = []
    for layer, curve in enumerate(curves):
        place = 0
        while place < len(curve) - 1:
            slopes = (curve[place + 1 :] - curve[place]) / np.arange(1, len(curve) - place)
            step = int(len(slopes) - slopes[::-1].argmin())
            steps.append((float(slopes.min()), layer, step))
            place += step
    counts = [1] * len(curves)
    left = total - len(curves)
    for _, layer, step in sorted(steps, key=lambda item: item[0]):
        taken = min(step, left)
        counts[layer] += taken
        left -= taken
    # More than all layers can have: refused by whoever asked.
    counts[0] += left
    return counts


def _factor(layers: Sequence[Layer], number: int, found: SharedFeatures) -> float:
    """Return the squared distance to which the error of one layer moves the polynomial."""
    if not found.error > 0:
        return 1.0
    whole = [_homogeneous(item) for item in layers]
    replaced = _homogeneous(_replaced(layers[number], found))
    other = [*whole[:number], replaced, *whole[number + 1 :]]
    norms = (
        float(np.trace(stack_products(one, two)[1:, 1:]))
        for one, two in ((whole, whole), (whole, other), (other, other))
    )
    size, crossed, changed = norms
    moved = size - 2 * crossed + changed
    # Where all is rounding, a layer counts as what it is.
    return moved / size / found.error**2 if min(size, moved) > 0 else 1.0


def _seen(layers: Sequence[Layer], number: int, found: SharedFeatures, inputs: Doubles) -> float:
    """Return the share of their variance by which the error of one layer moves outputs."""
    below = handed_on(layers[:number], inputs)
    wanted = handed_on(layers[number:], below)[:, 1:]
    changed = [_replaced(layers[number], found), *layers[number + 1 :]]
    moved = handed_on(changed, below)[:, 1:] - wanted
    varied = wanted - wanted.mean(axis=0)
    return float((moved**2).sum() / (varied**2).sum()) if varied.any() else 0.0


def _replaced(layer: Layer, found: SharedFeatures) -> Layer:
    """Return the features in place of a layer, and their constants as neurons."""
    rows = np.concatenate([found.readings, np.eye(1, layer.left.shape[1])])
    down = np.concatenate([found.weights, found.constants[:, None]], axis=1)
    return Layer(rows, rows, down, layer.linear)


def _homogeneous(layer: Layer) -> Layer:
    """Return a layer whose constant is a neuron too."""
    row = np.eye(1, layer.left.shape[1])
    return layer._replace(
        left=np.concatenate([layer.left, row]),
        right=np.concatenate([layer.right, row]),
        down=np.concatenate([layer.down, layer.linear[:, :1]], axis=1),
    )
