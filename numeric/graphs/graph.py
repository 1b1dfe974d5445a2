"""The composition graph: a network as nodes that read one another, in a plain networkx graph.

The value of every node follows from its in-edges. Its reading is
``Σ weight · value of the in-neighbour``; the input contributes ``direction · x̃``, where
``direction`` is the reading node's own, ``x̃ = (1, x)``, and the edge's weight is 1.

=========================  ==========================================  ===================
node                       attributes                                  value
=========================  ==========================================  ===================
``("input",)``             ``size``, the number of inputs              the input
``("feature", layer, k)``  ``direction`` where it reads the input      its reading, squared
``("form", layer, j)``     ``direction`` where it reads the input      its reading
``("logit", c)``           ``direction`` where it reads the input      its reading
``("residual", c)``        ``bound``                                   what cutting changed
=========================  ==========================================  ===================

Layers count from 1. Features read the forms of the layer below, in layer 1 the input. Forms and
logits read the features of their layer and, through the layer's linear part, what those read.
``("form", layer, 0)`` is the constant. The logits are the outputs of the last layer.

A feature that :func:`numeric.prune` has cut stays in the graph with the attribute ``cut``, and
takes no part in any value but those of the residuals: a logit with its residual is the logit of the
graph before the cut, and without it differs by at most ``bound`` times a power of the input's norm.
What the graph's method left out of its network, as shared features do, is in no node; its share of
the bound is the residual's attribute ``outside``.

A weight of a
feature's reading that one float64 cannot hold has a second part, ``weight_low`` or
``direction_low``, to be added exactly. The graph's own attributes are ``method``, ``sizes`` (the
numbers of components, constant included, of the input and of each layer's output) and, where it was
traced, ``network``, the SHA-256 of the layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.graphs.composition import CompositionGraph
from numeric.graphs.schema import INPUT, Node, validate
from numeric.networks.normal_form import SquareLayer

Doubles = npt.NDArray[np.float64]


def compose(layers: Sequence[SquareLayer], method: str) -> nx.DiGraph[Node]:
    """Build the composition graph of square layers; weights that are zero make no edge.

    Args:
        layers: from the input upwards.
        method: the name of the decomposition, kept in the graph.

    Returns:
        A graph in the schema of this module.

    Examples:
        >>> square = SquareLayer(np.ones((1, 2)), np.zeros((1, 2)), np.ones((2, 1)), np.eye(2))
        >>> list(compose([square], "by hand").edges(data="weight"))
        [(('input',), ('feature', 1, 0), 1.0), (('input',), ('logit', 0), 1.0), \
(('feature', 1, 0), ('logit', 0), 1.0)]
    """
    sizes = [layers[0].linear.shape[1], *(len(layer.linear) for layer in layers)]
    graph: nx.DiGraph[Node] = CompositionGraph(method=method, sizes=sizes)
    graph.add_node(INPUT, size=sizes[0] - 1)
    for number, layer in enumerate(layers, start=1):
        features: list[Node] = [("feature", number, k) for k in range(len(layer.readings))]
        _add_readings(graph, features, number, layer.readings, layer.low)
        first = 1 if number == len(layers) else 0
        outputs: list[Node] = [
            ("logit", row - 1) if first else ("form", number, row)
            for row in range(first, sizes[number])
        ]
        linear, mixing = layer.linear[first:], layer.mixing[first:]
        _add_readings(graph, outputs, number, linear, np.zeros_like(linear))
        for row, k in np.argwhere(mixing):
            graph.add_edge(features[k], outputs[row], weight=float(mixing[row, k]))
    return graph


def square_layers(graph: nx.DiGraph[Node], *, whole: bool = False) -> list[SquareLayer]:
    """Read the square layers out of a graph: the inverse of :func:`compose`.

    Args:
        graph: in the schema of this module; it is validated first.
        whole: whether features that were cut count as well.

    Returns:
        From the input upwards. Features stand in the order of their index; components that have no
        node are zero.

    Raises:
        NumericError: the graph breaks the schema; the message names the node or the edge.
    """
    validate(graph)
    sizes: list[int] = graph.graph["sizes"]
    places, counts = places_of(graph, whole=whole)
    layers = []
    for (below, size), count in zip(pairwise(sizes), counts, strict=True):
        readings, mixing = np.zeros((count, below)), np.zeros((size, count))
        layers.append(
            SquareLayer(readings, np.zeros_like(readings), mixing, np.zeros((size, below)))
        )
    for source, target, attributes in graph.edges(data=True):
        # Features that were cut, and residuals, have no place.
        if target not in places or (source[0] in ("feature", "residual") and source not in places):
            continue
        number, row = places[target]
        layer = layers[number - 1]
        if source[0] == "feature":
            layer.mixing[row, places[source][1]] = attributes["weight"]
            continue
        if source == INPUT:
            columns, node = slice(None), graph.nodes[target]
            high, low = node["direction"], node.get("direction_low", 0.0)
        else:
            columns = source[2]
            high, low = attributes["weight"], attributes.get("weight_low", 0.0)
        if target[0] == "feature":
            layer.readings[row, columns], layer.low[row, columns] = high, low
        else:
            layer.linear[row, columns] = high
    return layers


def _add_readings(
    graph: nx.DiGraph[Node], nodes: Sequence[Node], number: int, high: Doubles, low: Doubles
) -> None:
    """Add the nodes of a layer with the edges that they read the layer below by."""
    graph.add_nodes_from(nodes)
    for node, row, row_low in zip(nodes, high, low, strict=True):
        used = (row != 0) | (row_low != 0)
        if number == 1:
            if used.any():
                graph.nodes[node]["direction"] = row
                graph.add_edge(INPUT, node, weight=1.0)
            if row_low.any():
                graph.nodes[node]["direction_low"] = row_low
            continue
        for j in np.flatnonzero(used):
            graph.add_edge(("form", number - 1, int(j)), node, weight=float(row[j]))
        for j in np.flatnonzero(row_low):
            graph.edges[("form", number - 1, int(j)), node]["weight_low"] = float(row_low[j])


def places_of(
    graph: nx.DiGraph[Node], *, whole: bool = False
) -> tuple[dict[Node, tuple[int, int]], list[int]]:
    """Return each node's layer and row in that layer's matrices, and the features a layer has.

    Args:
        graph: in the schema of this module.
        whole: whether features that were cut count as well; where not, they have no place.
    """
    last = len(graph.graph["sizes"]) - 1
    places: dict[Node, tuple[int, int]] = {}
    indices: list[list[int]] = [[] for _ in range(last)]
    for node, cut in graph.nodes(data="cut", default=False):
        if node[0] == "feature":
            if whole or not cut:
                indices[node[1] - 1].append(node[2])
        elif node[0] == "form":
            places[node] = (node[1], node[2])
        elif node[0] == "logit":
            places[node] = (last, node[1] + 1)
    for number, found in enumerate(indices, start=1):
        for row, k in enumerate(sorted(found)):
            places["feature", number, k] = (number, row)
    return places, [len(found) for found in indices]
