"""How much of what was planted in a network a method finds, whatever the basis of hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from numeric.errors import NumericError
from numeric.features.kernels import products, with_linear_neurons
from numeric.graphs.pruning import as_layers
from numeric.networks.normal_form import SquareLayer
from numeric.studies.planted import Planted

Doubles = npt.NDArray[np.float64]

FOUND = 0.99
"""The cosine from which a planted feature counts as found."""

_NOTHING = 1e-7
"""A feature of a graph that weighs less than this share of the heaviest is none."""


@dataclass(frozen=True)
class Score:
    """What a method finds of what was planted in one layer.

    Attributes:
        features: how many the method gives that weigh anything.
        mean: of the cosines of planted features with those of the method, matched one to one.
        recall: the share of all planted features whose cosine is at least 0.99.
        least: the least cosine of a feature that is determined; None where none is.
        precision: the share of the method's features that are a planted one, or lie in the span of
            a group of which only that is determined, with such a cosine.
        span: the least cosine of a feature of such a group with the span of what the method finds
            there; None where there is no such group.
    """

    features: int
    mean: float
    recall: float
    least: float | None
    precision: float
    span: float | None


def scores(network: Planted, squares: Sequence[SquareLayer]) -> list[Score]:
    """Return what the squares of a graph have of what was planted, layer by layer.

    Args:
        network: planted.
        squares: of a graph of it, as :func:`numeric.square_layers` reads them.

    Raises:
        NumericError: the graph has another number of layers.

    Examples:
        >>> from numeric.studies.planted import planted
        >>> network = planted("shared", 2, seed=0)
        >>> [score.recall for score in scores(network, network.open_layers)]
        [1.0, 1.0]
    """
    if len(squares) != len(network.layers):
        raise NumericError(
            f"expected squares of {len(network.layers)} layers, got those of {len(squares)}"
        )
    stacks = [
        [with_linear_neurons(layer) for layer in as_layers(found)]
        for found in (network.open_layers, squares)
    ]
    identity = np.eye(network.layers[0].linear.shape[1])
    below, found_below, cross = identity, identity, identity
    result = []
    for number, groups in enumerate(network.groups):
        own, readings = network.open_layers[number].readings, _weighed(squares, number, found_below)
        grams = own @ below @ own.T, readings @ found_below @ readings.T
        sizes = [np.sqrt(np.diagonal(gram)) for gram in grams]
        among = [gram / np.outer(size, size) for gram, size in zip(grams, sizes, strict=True)]
        cosines = own @ cross @ readings.T / np.outer(*sizes)
        result.append(_score(cosines, among[0], among[1], groups))
        one, other = (stack[number] for stack in stacks)
        below, found_below, cross = (
            products(one, one, below),
            products(other, other, found_below),
            products(one, other, cross),
        )
    return result


def _weighed(squares: Sequence[SquareLayer], number: int, gram: Doubles) -> Doubles:
    """Return the readings of the features of a layer that weigh anything in what reads them."""
    square = squares[number]
    last = number + 1 == len(squares)
    seen = square.mixing[1:] if last else squares[number + 1].readings[:, 1:] @ square.mixing[1:]
    sizes = np.einsum("ki,ij,kj->k", square.readings, gram, square.readings)
    weight = np.linalg.norm(seen, axis=0) * sizes
    return np.asarray(square.readings[weight > _NOTHING * weight.max(initial=0.0)])


def _score(
    cosines: Doubles, own: Doubles, found: Doubles, groups: tuple[tuple[int, ...], ...]
) -> Score:
    """Score cosines of planted features (rows) with those found, with the cosines among each."""
    sizes = abs(cosines)
    rows, columns = linear_sum_assignment(sizes, maximize=True)
    matched = np.zeros(len(sizes))
    matched[rows] = sizes[rows, columns]
    alone = [group[0] for group in groups if len(group) == 1]
    right = (sizes[alone] >= FOUND).any(axis=0) if groups else (sizes >= FOUND).any(axis=0)
    spans = []
    for group in groups:
        if len(group) > 1:
            places = np.array(group)
            inside = _share_inside(cosines[places], own[np.ix_(places, places)]) >= FOUND
            right |= inside
            chosen = np.flatnonzero(inside)
            within = _share_inside(cosines[np.ix_(places, chosen)].T, found[np.ix_(chosen, chosen)])
            spans.append(float(within.min()))
    return Score(
        features=sizes.shape[1],
        mean=float(matched.mean()),
        recall=float((matched >= FOUND).mean()),
        least=float(matched[alone].min()) if alone else None,
        precision=float(right.mean()),
        span=min(spans) if spans else None,
    )


def _share_inside(cosines: Doubles, gram: Doubles) -> Doubles:
    """Return the cosine of vectors (columns) with the span of others (rows), given the cosines."""
    if not len(gram):
        return np.zeros(cosines.shape[1])
    squared = np.einsum("ak,ab,bk->k", cosines, np.linalg.pinv(gram, 1e-9, hermitian=True), cosines)
    return np.asarray(np.sqrt(np.clip(squared, 0.0, 1.0)))
