"""A composition graph compiled once, and what its nodes read and are on images, in float64."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
from torch import Tensor

from numeric.errors import NumericError
from numeric.graphs.graph import places_of, square_layers
from numeric.graphs.schema import Node
from numeric.networks.normal_form import SquareLayer

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ForwardPass:
    """The layers of a graph, and all that they compute on some images or on one.

    Features that were cut, and residuals, have no place and no value.

    Attributes:
        layers: the square layers that take part, from the input upwards.
        places: each node's layer, counted from 1, and its row in that layer's matrices.
        states: the input with its constant, and what each layer puts out, shape
            (images, components), or (components,) for one image.
        readings: what the features of each layer read, shape (images, features) or (features,).

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> forward = ForwardPass.of(graph, np.ones((6, 3)))
        >>> forward.value(("form", 1, 0))
        array([1., 1., 1., 1., 1., 1.])
    """

    layers: list[SquareLayer]
    places: dict[Node, tuple[int, int]]
    states: list[Doubles]
    readings: list[Doubles]

    @classmethod
    def of(
        cls,
        graph: nx.DiGraph[Node],
        images: npt.ArrayLike,
        name: str = "images",
        axes: tuple[int, ...] = (1, 2),
    ) -> ForwardPass:
        """Compile a graph and compute it on images.

        Args:
            graph: in the schema of :mod:`numeric.graphs.graph`.
            images: shape (images, inputs), or (inputs,) for one.
            name: what to call the images in messages.
            axes: how many axes they may have.

        Raises:
            NumericError: the graph breaks the schema, images do not fit it, or a value is beyond
                float64.
        """
        layers = square_layers(graph)
        array = checked_images(graph, images, name, axes)
        states = [np.concatenate([np.ones((*array.shape[:-1], 1)), array], axis=-1)]
        readings: list[Doubles] = []
        with np.errstate(over="ignore", invalid="ignore"):
            for layer in layers:
                below = states[-1]
                reading = below @ layer.readings.T + below @ layer.low.T
                squares = reading**2
                states.append(squares @ layer.mixing.T + below @ layer.linear.T)
                readings.append(reading)
                for values in (squares, states[-1]):
                    check_held(values, f"values on the {name}")
        return cls(layers, places_of(graph)[0], states, readings)

    @property
    def images(self) -> Doubles:
        """The images, without the constant."""
        return self.states[0][..., 1:]

    def reading(self, node: Node) -> Doubles:
        """Return what a node reads: shape (images,), or () for one image."""
        number, row = self.places[node]
        within = self.readings[number - 1] if node[0] == "feature" else self.states[number]
        return within[..., row]

    def value(self, node: Node) -> Doubles:
        """Return a node's value: of a feature its reading squared, else its reading."""
        reading = self.reading(node)
        return reading**2 if node[0] == "feature" else reading


def checked_images(
    graph: nx.DiGraph[Node],
    images: npt.ArrayLike,
    name: str = "images",
    axes: tuple[int, ...] = (1, 2),
) -> Doubles:
    """Return images in float64 if they are finite numbers of the graph's size.

    Pictures may have axes of their own, such as rows and columns: they are read row by row.
    """
    array, inputs = checked_pixels(images, name), graph.graph["sizes"][0] - 1
    if 2 in axes and array.ndim > 2 and math.prod(array.shape[1:]) == inputs:
        array = array.reshape(len(array), inputs)
    if 1 in axes and array.ndim > 1 and array.size == inputs != array.shape[-1]:
        array = array.ravel()
    if array.ndim not in axes or array.shape[-1] != inputs:
        expected = " or ".join(("", f"({inputs},)", f"(images, {inputs})")[n] for n in axes)
        raise NumericError(f"expected {name} to have shape {expected}, got {array.shape}")
    return array


def checked_pixels(images: npt.ArrayLike | Tensor, name: str) -> Doubles:
    """Return pixels in float64 if they are finite numbers; those of a binary picture are 0 and 1.

    Raises:
        NumericError: also where they are bytes. Networks are trained on parts of full ink, and
            nothing would say that 255 is not that.
    """
    array = _array(images)
    if array.dtype == np.uint8:
        raise NumericError(
            f"expected {name} as floats in the units of the training, for MNIST from 0 to 1, got "
            "uint8: divide by 255"
        )
    return checked_numbers(array.astype(np.float64) if array.dtype == np.bool_ else images, name)


def checked_numbers(values: npt.ArrayLike | Tensor, name: str) -> Doubles:
    """Return an array in float64 if it holds finite real numbers."""
    array = _array(values)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise NumericError(f"expected {name} to hold finite numbers, got {reprlib.repr(values)}")
    return array.astype(np.float64)


def _array(values: npt.ArrayLike | Tensor) -> npt.NDArray[Any]:
    """Return an array of what may be a tensor of any floats, on any device, with a gradient."""
    try:
        if isinstance(values, Tensor):
            tensor = values.detach().cpu()
            return np.asarray(tensor.double() if tensor.is_floating_point() else tensor)
        return np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        return np.array(None)


def check_held(computed: npt.ArrayLike, what: str) -> None:
    """Refuse what was computed from finite numbers and is beyond float64."""
    if not np.isfinite(computed).all():
        raise NumericError(f"expected {what} that float64 holds, got a larger one")
