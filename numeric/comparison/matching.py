r"""Features matched between networks: which of them come back from another seed or width.

The features compared are those of the first layer, which read the inputs. In a network of one layer
they are the eigenfeatures of its outputs, with the signed weights by which they speak for them. The
forms of a hidden layer have no basis of their own, so deeper networks are taken to the canonical
basis of their first hidden state, and what its strongest forms read is compared, their weights left
out. The hidden states as wholes are compared by
:func:`numeric.comparison.hidden_states.bond_cosines`.

Whether a similarity is large shows in controls alone: networks that were never trained
(:func:`redrawn`), networks trained on shuffled labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from numeric.comparison.hidden_states import canonical_first, check_forms
from numeric.comparison.networks import Comparable, plain_layers
from numeric.errors import NumericError
from numeric.features.decompositions import eigen
from numeric.networks.network import BilinearNetwork, check_network
from numeric.networks.normal_form import Layer, SquareLayer
from numeric.scalars import check_integer

Doubles = npt.NDArray[np.float64]

QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)


@dataclass(frozen=True)
class Features:
    """Features of one network, to be matched.

    Attributes:
        readings: of the constant and the inputs, shape (features, inputs + 1), each of length 1.
        weights: how each speaks for the outputs, shape (features, outputs), each row of length 1;
            a single column of ones where outputs are not compared.
    """

    readings: Doubles
    weights: Doubles


@dataclass(frozen=True)
class Matching:
    """Features of two networks, matched one to one.

    Attributes:
        pairs: of each pair the index in the first and in the second network, the most alike first.
        similarities: of the pairs, between -1 and 1, descending.
        quantiles: of the similarities, by probability.
    """

    pairs: tuple[tuple[int, int], ...]
    similarities: tuple[float, ...]
    quantiles: Mapping[float, float]


@dataclass(frozen=True)
class Recurrence:
    """How the features of several networks come back in one another.

    Attributes:
        matchings: by the positions of the two networks, the earlier first.
        quantiles: of the similarities of all matched features, by probability.
    """

    matchings: Mapping[tuple[int, int], Matching]
    quantiles: Mapping[float, float]


def features_of(layer: SquareLayer) -> Features:
    """Return all features of a layer that reads the inputs and gives the outputs.

    Args:
        layer: in square form, as :func:`numeric.square_layers` reads it from a graph.

    Returns:
        Those that read something and speak for an output, in the layer's order.

    Examples:
        >>> reading, mixing = np.array([[0.0, 2.0]]), np.array([[0.0], [3.0]])
        >>> features_of(SquareLayer(reading, 0 * reading, mixing, np.eye(2)))
        Features(readings=array([[0., 1.]]), weights=array([[1.]]))
    """
    weights = layer.mixing[1:].T
    used = layer.readings.any(axis=1) & weights.any(axis=1)
    return Features(_of_length_one(layer.readings[used]), _of_length_one(weights[used]))


def strongest_features(network: Comparable, count: int, *, forms: int | None = None) -> Features:
    """Return the strongest first-layer features of a network.

    Args:
        network: a network, its graph, or its layers; layers without neurons are multiplied in.
        count: how many eigenfeatures of each output, in a deeper network of each form, those of the
            largest eigenvalues by size; fewer where an output has fewer.
        forms: how many hidden forms of a deeper network, in the order of the canonical basis of the
            first hidden state (:func:`numeric.features.bonds.canonical_bonds`); as many as it has
            outputs, or all if these are fewer, where left out.

    Returns:
        The features, output by output.

    Raises:
        NumericError: the network is damaged; a number is out of range; ``forms`` is given for a
            network of one layer, whose outputs are compared.

    Source:
        M. T. Pearce et al., arXiv 2410.08417, section 4, for eigenfeatures across seeds and sizes.

    Examples:
        >>> network = BilinearNetwork(6, 3, depth=1, hidden=5)
        >>> strongest_features(network, 2).weights.shape
        (6, 3)
        >>> strongest_features(BilinearNetwork(6, 3, depth=2, hidden=5), 2).weights.shape
        (6, 1)
    """
    count = check_integer(count, "count", least=1)
    layers = plain_layers(network)
    if len(layers) == 1:
        if forms is not None:
            raise NumericError(f"expected forms for deeper networks alone, got {forms}")
        return features_of(_strongest(layers[0], count, len(layers[0].linear) - 1))
    if forms is None:
        forms = min(len(layers[0].linear), len(layers[-1].linear)) - 1
    forms = check_forms(forms, "forms", layers)
    found = _strongest(canonical_first(layers), count, forms)
    readings = features_of(found).readings
    return Features(readings, np.ones((len(readings), 1)))


def match(first: Features, second: Features) -> Matching:
    r"""Match features one to one so that their similarities sum to the most.

    .. math::
        s_{ij} = \lvert \cos(v_i, v'_j) \rvert \cos(w_i, w'_j)

    for readings :math:`v`, whose sign a square hides, and weights :math:`w`, whose sign tells what
    a feature speaks for.

    Args:
        first: features.
        second: features of networks with as many inputs and outputs.

    Returns:
        As many pairs as the smaller side has features. It takes time cubic in their number: a
        second for 100 features.

    Raises:
        NumericError: one side has no features, or they do not fit together.

    Source:
        D. F. Crouse, *On implementing 2D rectangular assignment algorithms*, IEEE Transactions on
        Aerospace and Electronic Systems 52 (2016), as in scipy.

    Examples:
        >>> one = Features(np.eye(2), np.ones((2, 1)))
        >>> match(one, Features(-np.eye(2)[::-1], np.ones((2, 1)))).pairs
        ((0, 1), (1, 0))
    """
    for name in ("readings", "weights"):
        here, there = getattr(first, name), getattr(second, name)
        if here.shape[1] != there.shape[1]:
            raise NumericError(
                f"expected {name} of second to have {here.shape[1]} columns like first, got "
                f"{there.shape[1]}"
            )
    if not min(len(first.readings), len(second.readings)):
        raise NumericError("expected both networks to have a feature, got none")
    table = abs(first.readings @ second.readings.T) * (first.weights @ second.weights.T)
    table = np.clip(table, -1, 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    matched = zip(rows.tolist(), columns.tolist(), strict=True)
    pairs = sorted(matched, key=lambda pair: (-table[pair], pair))
    similarities = tuple(float(table[pair]) for pair in pairs)
    return Matching(tuple(pairs), similarities, _quantiles(similarities))


def matched_across(
    networks: Iterable[Comparable], count: int, *, forms: int | None = None
) -> Recurrence:
    """Match the strongest features of several networks, each with each.

    Args:
        networks: at least two, of one depth in what matters: all of one layer, or all deeper.
        count: as for :func:`strongest_features`.
        forms: as for :func:`strongest_features`.

    Returns:
        The matching of each two, and the distribution of all similarities.

    Raises:
        NumericError: there are fewer than two networks, or they do not fit together; as
            :func:`strongest_features`.

    Examples:
        >>> seeds = [BilinearNetwork(6, 3, depth=1, hidden=5, seed=seed) for seed in range(3)]
        >>> sorted(matched_across(seeds, 2).matchings)
        [(0, 1), (0, 2), (1, 2)]
    """
    features = [strongest_features(network, count, forms=forms) for network in networks]
    if len(features) < 2:
        raise NumericError(f"expected networks to hold at least 2, got {len(features)}")
    matchings = {
        (one, other): match(features[one], features[other])
        for one, other in combinations(range(len(features)), 2)
    }
    every = [value for matching in matchings.values() for value in matching.similarities]
    return Recurrence(MappingProxyType(matchings), _quantiles(every))


def redrawn(network: BilinearNetwork, seed: int) -> BilinearNetwork:
    """Return a control: a network of the same shape and dtype with weights drawn anew.

    Args:
        network: gives the shape.
        seed: draws the weights; another one than the network started from, whose weights its
            training may have kept much of.

    Raises:
        NumericError: the network is none, or is wrapped; the seed is not an integer of at least 0.

    Examples:
        >>> redrawn(BilinearNetwork(6, 3, depth=1, hidden=5), seed=7).configuration.hidden
        5
    """
    check_network(network)
    control = BilinearNetwork.from_configuration(network.configuration, seed)
    return control.to(next(network.parameters()).dtype)


def _strongest(layer: Layer, count: int, outputs: int) -> SquareLayer:
    """Return the first eigenfeatures of the first outputs after the constant."""
    chosen = slice(1, outputs + 1)
    cut = layer._replace(
        down=np.concatenate([np.zeros_like(layer.down[:1]), layer.down[chosen]]),
        linear=np.concatenate([layer.linear[:1], layer.linear[chosen]]),
    )
    square = eigen(cut, 1)
    # The features of an output stand together, the largest first.
    spoken_for = square.mixing != 0
    kept = (spoken_for & (spoken_for.cumsum(axis=1) <= count)).any(axis=0)
    return square._replace(
        readings=square.readings[kept], low=square.low[kept], mixing=square.mixing[:, kept]
    )


def _of_length_one(rows: Doubles) -> Doubles:
    # By the largest entry first: squares of small entries would vanish.
    scaled = rows / abs(rows).max(axis=1, keepdims=True, initial=0)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


def _quantiles(values: Iterable[float]) -> Mapping[float, float]:
    found = np.quantile([*values], QUANTILES)
    return MappingProxyType(dict(zip(QUANTILES, found.tolist(), strict=True)))
