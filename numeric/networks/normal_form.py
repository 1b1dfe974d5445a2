r"""The normal form that every network is brought to, and the square form of every decomposition.

With :math:`\tilde x = (1, x)` a layer is
:math:`\tilde y = D\,[(L\tilde x) \odot (R\tilde x)] + M\tilde x`. Biases are the first columns, a
residual is an identity in ``linear``, an embedding is a layer without neurons, and the constant
passes on through the first row of ``linear``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError

Floats = npt.NDArray[np.floating[Any]]


class Layer(NamedTuple):
    """One layer in the normal form; plain arrays, nothing multiplied in.

    Attributes:
        left: shape (neurons, inputs + 1).
        right: shape (neurons, inputs + 1).
        down: shape (outputs + 1, neurons).
        linear: shape (outputs + 1, inputs + 1).
    """

    left: Floats
    right: Floats
    down: Floats
    linear: Floats


class SquareLayer(NamedTuple):
    r"""One layer in squares: :math:`\tilde y = W\,[(P\tilde x)^2] + M\tilde x`.

    Attributes:
        readings: :math:`P`, shape (features, inputs + 1), float64.
        low: what a float64 of ``readings`` cannot hold, so that ``readings + low`` is exact; zero
            nearly everywhere.
        mixing: :math:`W`, shape (outputs + 1, features), float64.
        linear: :math:`M`, shape (outputs + 1, inputs + 1), float64.
    """

    readings: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    mixing: npt.NDArray[np.float64]
    linear: npt.NDArray[np.float64]

    def in_normal_form(
        self,
    ) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats], Floats, Floats]:
        """Return ``(left, right, down, linear)``, a pair of arrays standing for its exact sum."""
        reading = (self.readings, self.low)
        return reading, reading, self.mixing, self.linear


def checked_layers(layers: Iterable[Sequence[Floats]]) -> list[Layer]:
    """Return the layers if they are finite float arrays that fit together.

    Args:
        layers: at least one ``(left, right, down, linear)``.

    Raises:
        NumericError: there is no layer, or an array has another shape, dtype or a non-finite entry.
    """
    if not isinstance(layers, Iterable):
        raise NumericError(f"expected layers to hold layers, got {type(layers).__name__}")
    result: list[Layer] = []
    for number, arrays in enumerate(layers, start=1):
        if not isinstance(arrays, Sequence) or len(arrays) != len(Layer._fields):
            got = f"{len(arrays)} items" if isinstance(arrays, Sequence) else type(arrays).__name__
            raise NumericError(
                f"expected layer {number} to be (left, right, down, linear), got {got}"
            )
        named = zip(Layer._fields, arrays, strict=True)
        layer = Layer(*(_matrix(array, f"{name} of layer {number}") for name, array in named))
        inputs = len(result[-1].linear) if result else layer.linear.shape[1]
        neurons, outputs = len(layer.left), len(layer.linear)
        if min(inputs, outputs) < 2:
            raise NumericError(
                f"expected linear of layer {number} to have a row and a column beside the "
                f"constant's, got shape {layer.linear.shape}"
            )
        shapes = ((neurons, inputs), (neurons, inputs), (outputs, neurons), (outputs, inputs))
        for name, array, shape in zip(Layer._fields, layer, shapes, strict=True):
            check_array(array, f"{name} of layer {number}", shape)
        result.append(layer)
    if not result:
        raise NumericError("expected layers to hold at least one layer, got none")
    return result


def folded(layers: Sequence[Layer]) -> list[Layer]:
    r"""Return the same polynomial without layers that have no neurons, where any has.

    They are multiplied into the next layer with neurons, at the end into the last one: of an
    embedding :math:`E`, :math:`L E, R E, M E`; of a head :math:`H`, :math:`H D, H M`. Products are
    rounded.

    Args:
        layers: at least one, that fit together.

    Returns:
        A layer for each that has neurons, float64 where something was multiplied in; one layer
        where none has.

    Raises:
        NumericError: a product of weights leaves the range of float64.

    Examples:
        >>> none, reading, constant = np.zeros((0, 2)), np.eye(1, 2, 1), np.diag([1.0, 0.0])
        >>> embedding = Layer(none, none, none.T, np.diag([1.0, 2.0]))
        >>> square = Layer(reading, reading, np.eye(2, 1, -1), constant)
        >>> [layer.left for layer in folded([embedding, square])]
        [array([[0., 2.]])]
    """
    found: list[Layer] = []
    waiting: npt.NDArray[np.float64] | None = None
    with np.errstate(over="ignore", invalid="ignore"):
        for given in layers:
            layer = given
            if waiting is not None:
                left, right, down, linear = (array.astype(np.float64) for array in given)
                layer = Layer(left @ waiting, right @ waiting, down, linear @ waiting)
                waiting = None
            if len(layer.left) or len(layers) == 1:
                found.append(layer)
            else:
                waiting = np.asarray(layer.linear, dtype=np.float64)
        if waiting is not None and found:
            left, right, down, linear = (array.astype(np.float64) for array in found[-1])
            found[-1] = Layer(left, right, waiting @ down, waiting @ linear)
        elif waiting is not None:
            none = np.zeros((0, waiting.shape[1]))
            found = [Layer(none, none, np.zeros((len(waiting), 0)), waiting)]
    for number, layer in enumerate(found, start=1):
        if not all(np.isfinite(array).all() for array in layer):
            raise NumericError(
                f"expected the weights of layer {number}, embedding and head multiplied in, within "
                "the range of float64: trace with method='polarized', which multiplies nothing"
            )
    return found


def handed_on(layers: Iterable[Layer], states: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what layers make of states, in float64.

    Args:
        layers: in the normal form.
        states: with the constant first, shape (states, inputs + 1).

    Returns:
        Shape (states, outputs + 1).

    Examples:
        >>> square = Layer(np.eye(2)[1:], np.eye(2)[1:], np.eye(2)[:, 1:], np.diag([1.0, 0.0]))
        >>> handed_on([square, square], np.array([[1.0, 3.0]]))
        array([[ 1., 81.]])
    """
    for left, right, down, linear in layers:
        states = ((states @ left.T) * (states @ right.T)) @ down.T + states @ linear.T
    return states


def degree_two(layers: Sequence[Layer]) -> bool:
    """Return whether at most one layer has neurons, so that outputs are quadratic in the inputs."""
    return sum(len(layer.left) > 0 for layer in layers) <= 1


_LOST = 1e-3
"""A map that loses a direction to this share is not read backwards: rounding grows by the square of
what it loses."""


def read_backwards(linear: Floats) -> bool:
    """Return whether what a map reads through can be told from what it returns, every direction.

    Args:
        linear: shape (outputs + 1, inputs + 1).
    """
    most = np.linalg.norm(linear, 2)
    return bool(np.linalg.matrix_rank(linear, tol=_LOST * most) == len(linear))


def same_states(layers: Sequence[Layer], squares: Sequence[SquareLayer]) -> bool:
    """Return whether squares have the hidden states of a network, whose linear maps are theirs.

    Of an embedding that loses a direction nothing is known there: a layer above it may be another.

    Args:
        layers: of the network.
        squares: of a graph.
    """
    whole = np.eye(layers[0].linear.shape[1])
    for layer in layers:
        if len(layer.left):
            break
        whole = layer.linear @ whole
    if len(layers) != len(squares) or not read_backwards(whole):
        return False
    return all(
        layer.linear.shape == square.linear.shape
        and (len(layer.left) > 0 or np.array_equal(layer.linear, square.linear))
        for layer, square in zip(layers, squares, strict=True)
    )


def _matrix(array: object, name: str) -> npt.NDArray[Any]:
    try:
        matrix = np.asarray(array)
    except (TypeError, ValueError, RuntimeError):
        raise NumericError(
            f"expected {name} to be a numpy array, got {type(array).__name__}"
        ) from None
    if matrix.ndim != 2:
        raise NumericError(f"expected {name} to have 2 axes, got shape {matrix.shape}")
    return matrix


def check_array(array: npt.NDArray[Any], name: str, shape: tuple[int, ...]) -> None:
    """Refuse an array that is not float32 or float64, of the given shape and finite.

    Raises:
        NumericError: with the array's name, what was expected and what came.

    Examples:
        >>> check_array(np.array([np.nan]), "down of layer 1", (1,))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected down of layer 1 to be finite, got nan at position (0,)
    """
    if array.dtype not in (np.float32, np.float64):
        raise NumericError(f"expected {name} to be float32 or float64, got {array.dtype}")
    if array.shape != shape:
        raise NumericError(f"expected {name} to have shape {shape}, got {array.shape}")
    if not np.isfinite(array).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(array))[0])
        raise NumericError(f"expected {name} to be finite, got {array[where]} at position {where}")
