r"""Whether two networks are the same up to a change of basis in each hidden state.

A hidden state is read by the next layer alone, which can undo any linear map of it. Bottom up, both
hidden states are expressed in common coordinates :math:`u`, some components of the first one:
:math:`q\,y = K u` and :math:`q\,y' = G u` with integer matrices. Values at random points suggest
the matrices, and integer identities of layers prove them, so that nothing rests on the points.
"""

from __future__ import annotations

from dataclasses import dataclass

import flint
import numpy as np

from analytic.algebras import Pointwise
from analytic.dyadic import Dyadic, Integers, compact, widen
from analytic.layer_equality import layer_difference
from analytic.layers import ExactLayer
from analytic.network import ExactNetwork
from analytic.stack import run

_PRIME = 2**61 - 1
_SPARE_POINTS = 2
"""Points beyond those that determine the matrices: they refuse nearly all states that differ."""


@dataclass(frozen=True)
class _Coordinates:
    """Two hidden states in common coordinates.

    Attributes:
        scale: what both states are multiplied by.
        first: :math:`K`, shape (components of the first state, coordinates).
        second: :math:`G`, shape (components of the second state, coordinates).
    """

    scale: int
    first: Integers
    second: Integers


def same_up_to_gauge(first: ExactNetwork, second: ExactNetwork) -> bool:
    """Return whether a change of basis in each hidden state makes all layers the same.

    Args:
        first: a network.
        second: a network with as many inputs and outputs; hidden states may have other sizes.

    Returns:
        True proves that both are the same polynomial; False says nothing.
    """
    if len(first.layers) != len(second.layers):
        return False
    layers, constant = (first.layers[0], second.layers[0]), True
    for below, *above in zip(first.layers, first.layers[1:], second.layers[1:], strict=False):
        state = _coordinates(*layers, constant=constant)
        if state is None:
            return False
        layers = (
            _read_in(above[0], state.first, state.scale),
            _read_in(above[1], state.second, state.scale),
        )
        # Component 0 is then 1 and so comes first among the coordinates.
        constant = constant and below.passes_constant
    return layer_difference(*layers, len(first.layers), constant=constant, last=True) is None


def _coordinates(first: ExactLayer, second: ExactLayer, *, constant: bool) -> _Coordinates | None:
    """Express what two layers write in some components of the first, if that can be done."""
    shape = first.inputs, first.outputs + _SPARE_POINTS
    points = np.random.default_rng(0).integers(-9, 10, shape)
    if constant:
        points[0] = 1
    values = [run([layer], points, 0, Pointwise()) for layer in (first, second)]
    exponent = min(value.exponent for value in values)
    one, other = (widen(value.at(exponent)) for value in values)
    chosen = _independent(one)
    if not chosen:
        return None
    basis = one[chosen]
    both, square = np.concatenate([one, other]), _independent(basis.T)
    solved = _rational(basis[:, square].T).solve(_rational(both[:, square].T))
    numerators, scale = solved.transpose().numer_denom()
    matrix = np.array([[int(entry) for entry in row] for row in numerators.table()], dtype=object)
    if (matrix @ basis != int(scale) * both).any():
        return None
    state = _Coordinates(
        int(scale),
        matrix[: first.outputs],
        matrix[first.outputs :],
    )
    selected = first.writing_only(chosen)
    for layer, combination in ((first, state.first), (second, state.second)):
        wanted = _mixed(layer, int(scale) * np.eye(layer.outputs, dtype=object))
        found = _mixed(selected, combination)
        if layer_difference(wanted, found, 0, constant=constant, last=False) is not None:
            return None
    return state


def _independent(rows: Integers) -> list[int]:
    """Return the first rows that are independent modulo a large prime, and so over the integers."""
    columns = rows.T % _PRIME
    entries: list[int] = columns.ravel().tolist()
    echelon, rank = flint.nmod_mat(len(columns), len(rows), entries, _PRIME).rref()
    return [next(i for i, entry in enumerate(row) if entry) for row in echelon.table()[:rank]]


def _rational(rows: Integers) -> flint.fmpq_mat:
    return flint.fmpq_mat(flint.fmpz_mat(rows.tolist()))


def _read_in(layer: ExactLayer, matrix: Integers, scale: int) -> ExactLayer:
    """Return ``scale²`` times a layer that reads ``matrix u / scale``, as a function of ``u``.

    Its linear part has one factor of the coordinates only, so it takes the other ``scale`` itself.
    """
    left, right, linear = (
        Dyadic(compact(widen(part.numerators) @ matrix), part.exponent)
        for part in (layer.left, layer.right, layer.linear)
    )
    passed = Dyadic(compact(widen(linear.numerators) * scale), linear.exponent)
    return ExactLayer(left, right, layer.down, passed)


def _mixed(layer: ExactLayer, matrix: Integers) -> ExactLayer:
    """Return the layer whose outputs are combinations of a layer's."""
    down, linear = (
        Dyadic(compact(matrix @ widen(part.numerators)), part.exponent)
        for part in (layer.down, layer.linear)
    )
    return ExactLayer(layer.left, layer.right, down, linear)
