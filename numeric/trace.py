"""Features from the weights alone, through every layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx

from numeric.decompositions import DECOMPOSITIONS
from numeric.errors import NumericError
from numeric.files import digest
from numeric.graph import compose
from numeric.network import BilinearNetwork
from numeric.normal_form import Floats, checked_layers
from numeric.schema import Node


def trace(
    network: BilinearNetwork | Iterable[Sequence[Floats]], method: str = "eigen"
) -> nx.DiGraph[Node]:
    """Find the features that a network computes with, and how they compose.

    No data is looked at: every feature comes from the weights.

    Args:
        network: a network, or its layers in the normal form.
        method: ``"polarized"`` (two signed squares a neuron, nothing rounded) or ``"eigen"`` (the
            eigenvectors of each output's interaction matrix).

    Returns:
        The composition graph, in the schema of :mod:`numeric.graph`. All features of the method are
        in it, so the graph computes what the network computes. Its attribute ``network`` is the
        SHA-256 of the layers that it was read from.

    Raises:
        NumericError: there is no such method; a weight is not finite, or so large that the method
            cannot hold its result in float64.

    Examples:
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> graph.nodes["input",]
        {'size': 3}
        >>> sorted(graph.predecessors(("logit", 1)))[:2]
        [('feature', 2, 5), ('feature', 2, 6)]
    """
    if method not in tuple(DECOMPOSITIONS):
        raise NumericError(
            f"expected method to be one of {', '.join(DECOMPOSITIONS)}, got {method!r}"
        )
    decompose = DECOMPOSITIONS[method]
    layers = checked_layers(network.layers() if isinstance(network, BilinearNetwork) else network)
    graph = compose([decompose(layer, number) for number, layer in enumerate(layers, 1)], method)
    graph.graph["network"] = digest(array for layer in layers for array in layer)
    return graph
