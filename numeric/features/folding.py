r"""Layers without neurons multiplied into their neighbours: what they compute stays, to rounding.

Embeddings and heads are linear maps, and a network of products between them has one layer for each
product and no more. Where features are rounded anyway, they are read from that network:

.. math::
    L\,(M\tilde x) = (L M)\,\tilde x, \qquad M\,(D\,[\cdot]) = (M D)\,[\cdot].

A graph has as many layers as its network, so that what is proved of one can be proved of the other.
Where an embedding stood, it stands again, read by :math:`q` with :math:`q M = p`, where nothing was
left out; else what the squares read, which may be much less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from numeric.features.canonical import Decomposition
from numeric.networks.normal_form import Layer, SquareLayer, read_backwards

Doubles = npt.NDArray[np.float64]

_Item = TypeVar("_Item")


def unfolded(found: Decomposition, layers: Sequence[Layer]) -> Decomposition:
    """Return the decomposition of a folded network with layers where the network has them.

    Args:
        found: a layer for each of :func:`numeric.networks.normal_form.folded`.
        layers: of the network.

    Returns:
        As many layers as the network has. Where nothing is left out, first ones without squares
        are the network's own, if all that is read of them can be told from what they return; else
        they return what the first squares read, their readings and rows of their linear part. Any
        other hands on what it gets. Hidden states that are no bond of the folded network have none.
    """
    if len(found.squares) == len(layers):
        return found
    waiting = list(found.squares)
    first = next(number for number, layer in enumerate(layers) if len(layer.left))
    embedding = [np.asarray(layer.linear, dtype=np.float64) for layer in layers[:first]]
    if first:
        own = np.asarray(layers[first].linear, dtype=np.float64)
        below = None if found.incomplete else _above(waiting[0], embedding, own)
        if below is None:
            through, waiting[0] = _read_through(waiting[0])
            embedding = [through, *([np.eye(len(through))] * (first - 1))]
        else:
            waiting[0] = below
    squares = [_linear(linear) for linear in embedding]
    numbers = [0] * first
    for layer in layers[first:]:
        squares.append(
            waiting.pop(0) if len(layer.left) else _linear(np.eye(len(squares[-1].linear)))
        )
        numbers.append(len(found.squares) - len(waiting))
    bonds = [None, *found.bonds, None]
    whose = [bool(len(layer.left)) for layer in layers]
    return replace(
        found,
        squares=squares,
        bonds=[bonds[number] for number in numbers[:-1]] if found.bonds else [],
        groups=_placed(found.groups, whose, []),
        errors=_placed(found.errors, whose, 0.0),
    )


def _placed(items: Sequence[_Item], places: Sequence[bool], other: _Item) -> list[_Item]:
    """Return items in their places, and another one in the rest."""
    left = iter(items)
    return [next(left) if place else other for place in places] if items else []


def _above(square: SquareLayer, embedding: Sequence[Doubles], own: Doubles) -> SquareLayer | None:
    """Return squares that read an embedding's outputs, if these tell all that they read.

    Their linear part is the network's own where that is what was folded.
    """
    whole = embedding[0]
    for above in embedding[1:]:
        whole = above @ whole
    if not read_backwards(whole):
        return None
    readings = np.linalg.lstsq(whole.T, square.readings.T, rcond=None)[0].T
    if not np.array_equal(own @ whole, square.linear):
        own = np.array(np.linalg.lstsq(whole.T, square.linear.T, rcond=None)[0].T, dtype=np.float64)
        constant = ~square.linear[:, 1:].any(axis=1)
        own[constant] = square.linear[constant, :1] * np.eye(1, own.shape[1])
    rows, linear = (np.array(array, dtype=np.float64, order="C") for array in (readings, own))
    return SquareLayer(rows, np.zeros_like(rows), square.mixing, linear)


def _read_through(square: SquareLayer) -> tuple[Doubles, SquareLayer]:
    """Return the rows that squares read, and the squares that read what these return."""
    readings, low, mixing, linear = square
    through = np.flatnonzero(linear[:, 1:].any(axis=1))
    through = through[through > 0]
    forms = np.concatenate([np.eye(1, linear.shape[1]), readings + low, linear[through]])
    if len(forms) == 1:
        # Where nothing is read, a hidden state still has a component.
        forms = np.concatenate([forms, np.zeros_like(forms)])
    count = len(readings)
    above = np.zeros((len(linear), len(forms)))
    above[:, 0] = np.where(np.isin(np.arange(len(linear)), through), 0.0, linear[:, 0])
    above[through, 1 + count + np.arange(len(through))] = 1.0
    each = np.eye(count, len(forms), k=1)
    return forms, SquareLayer(each, np.zeros_like(each), mixing, above)


def _linear(linear: Doubles) -> SquareLayer:
    """Return a layer without squares."""
    none = np.zeros((0, linear.shape[1]))
    return SquareLayer(none, none, np.zeros((len(linear), 0)), linear)
