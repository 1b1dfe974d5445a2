r"""Which features of one network another one has too, lacks, or has the other way round.

A feature reads the inputs by a direction :math:`v`. What a network makes of that direction is its
tensor with :math:`v` put into a leg of the input, :math:`T \cdot v`; of a network of one layer and
for one output it is the row :math:`v^\top Q_o`. How much of it another network has kept is

.. math::
    \kappa = \frac{\langle T \cdot v,\; T' \cdot v \rangle}{\lVert T \cdot v \rVert^2},

1 where both make the same of it, 0 where the other makes nothing of it or something unrelated, and
negative where it makes the opposite. For an eigenfeature of one layer without a linear part it is
:math:`v^\top Q'_o v / \lambda`. No matching decides: where eigenvalues coincide and only the
span of features is determined, or where a feature is spread over several of the other network,
:math:`\kappa` is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from numeric.comparison.differences import difference, input_environment
from numeric.comparison.matching import Features, strongest_features
from numeric.comparison.networks import Comparable, comparable
from numeric.networks.normal_form import Layer

Doubles = npt.NDArray[np.float64]

KEPT = 0.5
"""Features of which more than this share is in the other network count as kept."""


@dataclass(frozen=True, eq=False)
class KeptFeature:
    """A feature of one network, and how much of it another one has.

    Attributes:
        pattern: its reading of the inputs, the constant left out, its largest entry positive, shape
            (inputs,).
        output: which output it speaks for, from 0; ``None`` in a deeper network, where all count.
        size: how much the outputs draw from its direction, of the squared norm of all that they
            draw from the inputs and the constant, from 0 to 1.
        kept: the share of it in the other network: 1 all, 0 nothing, negative the opposite.
    """

    pattern: Doubles
    output: int | None
    size: float
    kept: float

    @property
    def is_kept(self) -> bool:
        """Whether more than half of it is in the other network."""
        return self.kept > KEPT


@dataclass(frozen=True, eq=False)
class Exchange:
    """The features of two networks, each looked for in the other.

    Attributes:
        of_first: the strongest features of the first; those that are not kept were lost.
        of_second: the strongest features of the second; those that are not kept were gained.
    """

    of_first: tuple[KeptFeature, ...]
    of_second: tuple[KeptFeature, ...]

    @property
    def kept(self) -> tuple[KeptFeature, ...]:
        """The features of the first that the second has too, the largest first."""
        return tuple(feature for feature in self.of_first if feature.is_kept)

    @property
    def lost(self) -> tuple[KeptFeature, ...]:
        """The features of the first that the second has not, the largest first."""
        return tuple(feature for feature in self.of_first if not feature.is_kept)

    @property
    def gained(self) -> tuple[KeptFeature, ...]:
        """The features of the second that the first has not, the largest first."""
        return tuple(feature for feature in self.of_second if not feature.is_kept)


def exchanged_features(first: Comparable, second: Comparable, count: int = 3) -> Exchange:
    """Return the strongest features of two networks, and how much of each the other has.

    Args:
        first: a network.
        second: a network of as many inputs and outputs, and as many layers with neurons.
        count: how many features of each output, in deeper networks of each of the strongest hidden
            forms, as :func:`numeric.comparison.matching.strongest_features` has them.

    Returns:
        Both networks' features, the largest first.

    Raises:
        NumericError: the networks do not fit together; a number is out of range.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(6, 3, depth=2, width=4, hidden=5)
        >>> found = exchanged_features(network, network, 2)
        >>> len(found.kept), len(found.lost), len(found.gained)
        (6, 0, 0)
    """
    pair = comparable(first, second)
    apart = difference(*pair)
    looked_for = (
        _looked_for(strongest_features(own, count), own, other, apart)
        for own, other in (pair, pair[::-1])
    )
    return Exchange(*looked_for)


def _looked_for(
    features: Features, own: Sequence[Layer], other: Sequence[Layer], apart: Sequence[Layer]
) -> tuple[KeptFeature, ...]:
    """Return a network's features with how much of each the other network has."""
    groups: list[tuple[int | None, Doubles]] = [(None, features.readings)]
    if len(own) == 1:
        speaks_for = abs(features.weights).argmax(axis=1)
        groups = [
            (int(output), features.readings[speaks_for == output])
            for output in np.unique(speaks_for)
        ]
    whole = float(np.trace(input_environment(own)))
    found = []
    for output, readings in groups:
        outputs = None if output is None else [output + 1]
        here, there, between = (
            _drawn(readings, input_environment(layers, outputs)) for layers in (own, other, apart)
        )
        for reading, size, remaining, moved in zip(readings, here, there, between, strict=True):
            pattern = reading[1:] * (-1 if reading[1:][abs(reading[1:]).argmax()] < 0 else 1)
            kept = (size + remaining - moved) / (2 * size) if size > 0 else 0.0
            found.append(KeptFeature(pattern, output, float(size / whole), float(kept)))
    return tuple(sorted(found, key=lambda feature: -feature.size))


def _drawn(readings: Doubles, environment: Doubles) -> Doubles:
    return np.asarray(((readings @ environment) * readings).sum(axis=1))
