"""Two networks, made ready to be compared: plain layers, of which every one has neurons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import networkx as nx
import numpy as np
from torch import nn

from numeric.errors import NumericError
from numeric.graphs.graph import square_layers
from numeric.graphs.schema import Node
from numeric.networks.layered import Readable, read_layers
from numeric.networks.normal_form import Floats, Layer, SquareLayer, checked_layers, folded

Comparable: TypeAlias = "Readable | nx.DiGraph[Node] | Iterable[SquareLayer]"
"""A network, its composition graph, or its layers: in the normal form or in squares."""


def comparable(first: Comparable, second: Comparable) -> tuple[list[Layer], list[Layer]]:
    """Return the layers of two networks that read and give equally many numbers.

    Args:
        first: a network.
        second: a network.

    Returns:
        Of each what :func:`plain_layers` returns.

    Raises:
        NumericError: as :func:`plain_layers`, or the networks differ in inputs or outputs.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> comparable(BilinearNetwork(3, 2), BilinearNetwork(4, 2))
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected second to have 3 inputs like first, got 4
    """
    one, other = plain_layers(first, "first"), plain_layers(second, "second")
    for what, here, there in (
        ("inputs", one[0].linear.shape[1], other[0].linear.shape[1]),
        ("outputs", len(one[-1].linear), len(other[-1].linear)),
    ):
        if here != there:
            raise NumericError(
                f"expected second to have {here - 1} {what} like first, got {there - 1}"
            )
    return one, other


def plain_layers(network: Comparable, name: str = "network") -> list[Layer]:
    r"""Return a network's layers in float64, each with neurons, where there are any.

    A layer without neurons is multiplied into its neighbour: an embedding :math:`E` into the next
    one, :math:`L E, R E, M E`, a head :math:`H` into the last, :math:`H D, H M`. A network without
    any neurons becomes one layer.

    Args:
        network: a network, its graph, or its layers.
        name: the argument's, for errors.

    Returns:
        At least one layer; the first output of each is the constant.

    Raises:
        NumericError: the network is damaged, or a hidden layer's first output is not the constant.

    Examples:
        >>> from numeric import BilinearNetwork
        >>> network = BilinearNetwork(7, 2, depth=2, width=3, hidden=5, embedding=True)
        >>> [layer.left.shape for layer in plain_layers(network)]
        [(5, 8), (5, 4)]
    """
    try:
        layers = checked_layers(_layers(network))
    except NumericError as error:
        raise NumericError(f"{error}, in {name}") from None
    for number, layer in enumerate(layers[:-1], start=1):
        passing = np.eye(1, layer.linear.shape[1])[0]
        if layer.down[0].any() or (layer.linear[0] != passing).any():
            raise NumericError(
                f"expected the first output of layer {number} to be the constant alone, got more, "
                f"in {name}"
            )
    layers = [Layer(*(array.astype(np.float64) for array in layer)) for layer in layers]
    # The first output of the last layer counts for nothing: let it be the constant like the others.
    layers[-1].down[0], layers[-1].linear[0] = 0, np.eye(1, layers[-1].linear.shape[1])
    return folded(layers)


def _layers(network: Comparable) -> Iterable[Sequence[Floats]]:
    layers = square_layers(network) if isinstance(network, nx.DiGraph) else network
    if isinstance(layers, nn.Module) or not isinstance(layers, Iterable):
        return read_layers(layers)
    # What a float64 of the readings cannot hold is below all rounding to come.
    return [
        Layer(layer.readings, layer.readings, layer.mixing, layer.linear)
        if isinstance(layer, SquareLayer)
        else layer
        for layer in layers
    ]
