"""Networks whose weights have few bits, and what can be done to them without rounding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numeric import BilinearNetwork, Layer, square_layers, trace

Layers = Sequence[Any]
Rewrite = Callable[[Layers], Layers]
Array = npt.NDArray[np.float64]

NAMES = Layer._fields


def round_layers(**shape: Any) -> list[Layer]:
    """Return float64 layers whose weights have few bits, so that their products are floats."""
    sizes = {"depth": 2, "width": 2, "hidden": 3, "residual": True} | shape
    layers = BilinearNetwork(3, 2, **sizes).layers()
    return [Layer(*(np.round(8 * array.astype(np.float64)) / 8 for array in y)) for y in layers]


def replaced(layers: Layers, number: int, **arrays: Any) -> list[Any]:
    """Return the layers with some matrices of the one with that number replaced."""
    result = list(layers)
    result[number - 1] = result[number - 1]._replace(**arrays)
    return result


def with_entry(
    layers: Layers, number: int, name: str, index: tuple[int, ...], value: float
) -> list[Any]:
    array = getattr(layers[number - 1], name).copy()
    array[index] = value
    return replaced(layers, number, **{name: array})


# Within a layer


def polarized(layers: Layers) -> Layers:
    return [y.in_normal_form() for y in square_layers(trace(layers, "polarized"))]


def swapped(layers: Layers) -> Layers:
    return [Layer(right, left, down, linear) for left, right, down, linear in layers]


def swapped_in_one_layer(layers: Layers) -> Layers:
    return [*layers[:-1], *swapped(layers[-1:])]


def neurons_reversed(layers: Layers) -> Layers:
    return [
        Layer(left[::-1], right[::-1], down[:, ::-1], linear)
        for left, right, down, linear in layers
    ]


def rescaled(layers: Layers) -> Layers:
    return [Layer(2 * left, right, down / 2, linear) for left, right, down, linear in layers]


def with_signs_moved(layers: Layers) -> Layers:
    return [Layer(-left, right, -down, linear) for left, right, down, linear in layers]


def with_a_zero_neuron(layers: Layers) -> Layers:
    return [
        Layer(
            np.vstack([left, 0 * linear[:1]]),
            np.vstack([right, 1 + 0 * linear[:1]]),
            np.hstack([down, 1 + 0 * linear[:, :1]]),
            linear,
        )
        for left, right, down, linear in layers
    ]


def with_an_unread_neuron(layers: Layers) -> Layers:
    return [
        Layer(
            np.vstack([left, 1 + 0 * linear[:1]]),
            np.vstack([right, 1 + 0 * linear[:1]]),
            np.hstack([down, 0 * linear[:, :1]]),
            linear,
        )
        for left, right, down, linear in layers
    ]


def with_neurons_split(layers: Layers) -> Layers:
    return [
        Layer(np.vstack([left] * 2), np.vstack([right] * 2), np.hstack([down / 2] * 2), linear)
        for left, right, down, linear in layers
    ]


def with_biases_in_the_linear_part(layers: Layers) -> Layers:
    """``(b + u)(c + v) = bc + bv + cu + uv``, where the constant is 1."""
    result = []
    for left, right, down, linear in layers:
        u, v = left.copy(), right.copy()
        u[:, 0] = v[:, 0] = 0
        crossed = left[:, :1] * v + right[:, :1] * u
        crossed[:, 0] = left[:, 0] * right[:, 0]
        result.append(Layer(u, v, down, linear + down @ crossed))
    return result


def with_the_linear_part_in_neurons(layers: Layers) -> Layers:
    """Multiply every linear term by the constant, in a neuron of its own; row 0 stays linear."""
    result = []
    for left, right, down, linear in layers:
        ones = np.zeros_like(linear)
        ones[:, 0] = 1
        mixing = np.diag([0.0] + [1.0] * (len(linear) - 1))
        kept = np.zeros_like(linear)
        kept[0] = linear[0]
        result.append(
            Layer(
                np.vstack([left, linear]), np.vstack([right, ones]), np.hstack([down, mixing]), kept
            )
        )
    return result


# Between layers


def in_bases(layers: Layers, basis: Callable[[int], tuple[Array, Array]]) -> Layers:
    """Write every hidden state in another basis: ``basis`` maps its size to both directions."""
    result = list(layers)
    for number in range(1, len(layers)):
        below, above = result[number - 1], result[number]
        there, back = basis(len(below.linear))
        result[number - 1] = below._replace(down=there @ below.down, linear=there @ below.linear)
        result[number] = above._replace(
            left=above.left @ back, right=above.right @ back, linear=above.linear @ back
        )
    return result


def sheared(size: int, row: int, column: int, by: float) -> tuple[Array, Array]:
    there, back = np.eye(size), np.eye(size)
    there[row, column] += by
    back[row, column] -= by
    return there, back


def stretched(factors: Array) -> tuple[Array, Array]:
    return np.diag(factors), np.diag(1 / factors)


def with_hidden_components_reversed(layers: Layers) -> Layers:
    def basis(size: int) -> tuple[Array, Array]:
        order = np.eye(size)[[0, *range(size - 1, 0, -1)]]
        return order, order.T

    return in_bases(layers, basis)


def with_hidden_signs(layers: Layers) -> Layers:
    return in_bases(layers, lambda size: stretched(np.array([1.0] + [-1.0] * (size - 1))))


def with_hidden_scales(layers: Layers) -> Layers:
    return in_bases(layers, lambda size: stretched(2.0 ** np.arange(size)))


def with_the_constant_scaled(layers: Layers) -> Layers:
    return in_bases(layers, lambda size: stretched(np.array([-4.0] + [1.0] * (size - 1))))


def with_hidden_components_mixed(layers: Layers) -> Layers:
    return in_bases(layers, lambda size: sheared(size, 1, size - 1, 3.0 if size > 2 else 2.0))


def with_the_constant_added(layers: Layers) -> Layers:
    return in_bases(layers, lambda size: sheared(size, size - 1, 0, -5.0))


def with_a_component_in_the_constant(layers: Layers) -> Layers:
    return in_bases(layers, lambda size: sheared(size, 0, 1, 1.0))


def with_a_hidden_component_more(layers: Layers) -> Layers:
    """Add a copy of the last hidden component that nothing reads."""
    return in_bases(layers, lambda size: (np.eye(size)[[*range(size), -1]], np.eye(size, size + 1)))


def with_a_hidden_component_repeated(layers: Layers) -> Layers:
    """Read half of the last hidden component from a copy of it."""

    def basis(size: int) -> tuple[Array, Array]:
        there = np.eye(size)[[*range(size), -1]]
        return there, there.T * np.array([1.0] * (size - 1) + [0.5, 0.5])

    return in_bases(layers, basis)


def with_a_dead_hidden_component(layers: Layers) -> Layers:
    """Add a hidden component that is 0, and that everything reads."""
    return in_bases(
        layers,
        lambda size: (np.eye(size + 1, size), np.hstack([np.eye(size), np.ones((size, 1))])),
    )


WITHIN_LAYERS: list[Rewrite] = [
    list,
    polarized,
    swapped,
    swapped_in_one_layer,
    neurons_reversed,
    rescaled,
    with_signs_moved,
    with_a_zero_neuron,
    with_an_unread_neuron,
    with_neurons_split,
    with_biases_in_the_linear_part,
    with_the_linear_part_in_neurons,
]
"""The function of each layer stays; the last two need a constant."""

BETWEEN_LAYERS: list[Rewrite] = [
    with_hidden_components_reversed,
    with_hidden_signs,
    with_hidden_scales,
    with_the_constant_scaled,
    with_hidden_components_mixed,
    with_the_constant_added,
    with_a_component_in_the_constant,
    with_a_hidden_component_more,
    with_a_hidden_component_repeated,
    with_a_dead_hidden_component,
]
"""The polynomial stays, and no layer does."""
