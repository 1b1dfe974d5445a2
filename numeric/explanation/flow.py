r"""What flows along the edges of a composition graph on one image.

A form or a logit has :math:`w\,v` from an in-neighbour of the value :math:`v`, and a feature, the
square :math:`(r \cdot y)^2 = \sum_j r_j y_j\,(r \cdot y)`, has :math:`r_j y_j\,(r \cdot y)` from
component :math:`j`. So what a node has from its in-neighbours sums to its value, and shares that
are given down the graph in these proportions are conserved. Features that were cut, and residuals,
take no part: a graph that :func:`numeric.prune` made flows as its rewrite computes.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count as counter
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.graphs.forward_pass import ForwardPass, check_held
from numeric.graphs.schema import INPUT, Edge, Node

Doubles = npt.NDArray[np.float64]


class Path(NamedTuple):
    """A way from the input to a logit.

    Attributes:
        nodes: from the input upwards.
        share: what the logit has through it.
        pixels: of that share by pixel, shape (inputs,); the rest is the constant's.
    """

    nodes: tuple[Node, ...]
    share: float
    pixels: Doubles


@dataclass(frozen=True)
class Flow:
    """The values of a graph's nodes on an image, and how they come about.

    Attributes:
        values: of every node that takes part but the input, in float64.
        layers: of the same nodes, counted from 1.
        steps: by node, from the logits downwards, what it gives each source per unit of its own
            value and of the source's; the input counts by ``own``.
        own: what nodes read of the input.
        directions: by which they read it, shape (inputs + 1,).
        extended: the image with its constant, shape (inputs + 1,).

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 1, depth=1, hidden=2))
        >>> flow = Flow.of(graph, np.ones(3))
        >>> added = flow.contributions()
        >>> into = [added[edge] for edge in graph.in_edges(("logit", 0))]
        >>> bool(np.isclose(sum(into), flow.values["logit", 0]))
        True
    """

    values: dict[Node, float]
    layers: dict[Node, int]
    steps: dict[Node, dict[Node, float]]
    own: dict[Node, float]
    directions: dict[Node, Doubles]
    extended: Doubles

    @classmethod
    def of(cls, graph: nx.DiGraph[Node], image: npt.ArrayLike) -> Flow:
        """Return the flow on an image.

        Args:
            graph: in the schema of :mod:`numeric.graphs.graph`.
            image: shape (inputs,).

        Raises:
            NumericError: the graph breaks the schema, the image does not fit it, or a value is
                beyond float64.
        """
        forward = ForwardPass.of(graph, image, "image", axes=(1,))
        extended = forward.states[0]
        values: dict[Node, float] = {}
        layers: dict[Node, int] = {}
        steps: dict[Node, dict[Node, float]] = {}
        directions: dict[Node, Doubles] = {}
        for node in reversed(list(nx.topological_sort(graph))):
            if node not in forward.places:
                continue
            values[node], layers[node] = float(forward.value(node)), forward.places[node][0]
            unit = float(forward.reading(node)) if node[0] == "feature" else 1.0
            steps[node] = {
                source: unit * float(edge["weight"] + edge.get("weight_low", 0.0))
                for source, _, edge in graph.in_edges(node, data=True)
                if source == INPUT or source in forward.places
            }
            if INPUT in steps[node]:
                attributes = graph.nodes[node]
                directions[node] = attributes["direction"] + attributes.get("direction_low", 0.0)
        own = {node: float(row @ extended) for node, row in directions.items()}
        return cls(values, layers, steps, own, directions, extended)

    def contributions(self) -> dict[Edge, float]:
        r"""Return what every in-neighbour adds to a node's value, by edge.

        They are :math:`w\,v` into a form or a logit and :math:`r_j y_j\,(r \cdot y)` into a
        feature; those into a node sum to its value.

        Raises:
            NumericError: one of them is beyond float64.

        Source:
            E. Ameisen et al., *Circuit Tracing*, 2025, for edges as direct contributions.
        """
        added = {
            (source, target): step * (self.own[target] if source == INPUT else self.values[source])
            for target, steps in self.steps.items()
            for source, step in steps.items()
        }
        check_held([*added.values()], "contributions on the image")
        return added

    def down(self, seeds: Mapping[Node, float]) -> tuple[dict[Node, float], Doubles]:
        """Give shares down the graph.

        Args:
            seeds: what some nodes are given to begin with, per unit of their value.

        Returns:
            What arrives at every node, per unit of its value, and at the components of the input
            with its constant, shape (inputs + 1,).

        Raises:
            NumericError: what arrives is beyond float64.
        """
        amounts, spread = dict(seeds), np.zeros_like(self.extended)
        with np.errstate(over="ignore", invalid="ignore"):
            for node, steps in self.steps.items():
                amount = amounts.get(node, 0.0)
                if not amount:
                    continue
                for source, step in steps.items():
                    if source == INPUT:
                        spread += amount * step * self.directions[node]
                    else:
                        amounts[source] = amounts.get(source, 0.0) + amount * step
            arrived = spread * self.extended
        check_held([*amounts.values(), *arrived], "shares on the image")
        return amounts, arrived

    def ray(self, node: Node, amount: float) -> Doubles:
        """Return what the input's components get from a node that reads them.

        Args:
            node: which.
            amount: what the node gives, per unit of its value.

        Returns:
            Shape (inputs + 1,), the constant first.
        """
        return np.asarray(amount * self.steps[node][INPUT] * self.directions[node] * self.extended)

    def paths(self, seeds: Mapping[Node, float], count: int) -> list[Path]:
        """Return the strongest paths, by a search for the best first with an exact outlook.

        Args:
            seeds: where paths end, and with which factor.
            count: how many at most; paths that have no share are left out.
        """
        best: dict[Node, float] = {INPUT: 1.0}
        lengths = {
            node: {n: s * self.own[node] if n == INPUT else s for n, s in steps.items()}
            for node, steps in self.steps.items()
        }
        for node in reversed(lengths):
            outlooks = (abs(step) * best[source] for source, step in lengths[node].items())
            best[node] = max(outlooks, default=0.0)
        order = counter()
        heap: list[tuple[float, int, float, tuple[Node, ...]]] = [
            (-best[node], next(order), seed, (node,)) for node, seed in seeds.items()
        ]
        heapq.heapify(heap)
        found: list[Path] = []
        while heap and len(found) < count:
            _, _, share, nodes = heapq.heappop(heap)
            if nodes[0] == INPUT:
                first = nodes[1]
                pixels = share * self.directions[first] * self.extended / self.own[first]
                found.append(Path(nodes, share, pixels[1:]))
                continue
            for source, step in lengths[nodes[0]].items():
                if outlook := abs(share * step) * best[source]:
                    entry = (-outlook, next(order), share * step, (source, *nodes))
                    heapq.heappush(heap, entry)
        return found
