r"""Explanations of one image: exact shares of a logit, of the graph's nodes and of the pixels.

:func:`explain` goes down the graph: a form or a logit gives each in-edge its :math:`w\,v`, and a
feature, the square :math:`(r \cdot y)^2 = \sum_j r_j y_j\,(r \cdot y)`, gives component :math:`j`
the part :math:`r_j y_j\,(r \cdot y)`. What a node gives sums to what it has, so the shares of every
layer sum to the logit. What a difference to a baseline is due to,
:mod:`numeric.explanation.attributions` shares out among the pixels.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count as counter
from typing import NamedTuple

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.explanation.interventions import is_edge
from numeric.explanation.responses import checked_images, node_readings
from numeric.network import check_integer
from numeric.schema import INPUT, Edge, Node, validate

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
class Explanation:
    """The shares of a logit, or of the margin between two, on one image.

    Attributes:
        label: the class whose logit is explained.
        against: the class whose logit is taken off, if any.
        total: the logit or the margin.
        nodes: the share of every feature, form and logit. The forms of a layer, the constant among
            them, sum to the total.
        edges: the share of every edge; those into a node sum to the node's.
        pixels: the share of every pixel, shape (inputs,).
        constant: the share of the input's constant; with the pixels it sums to the total.
    """

    label: int
    against: int | None
    total: float
    nodes: dict[Node, float] = field(repr=False)
    edges: dict[Edge, float] = field(repr=False)
    pixels: Doubles = field(repr=False)
    constant: float
    _flow: _Flow = field(repr=False)

    def layer(self, number: int) -> dict[Node, float]:
        """Return what the total has from a layer's features, and from below around them.

        Args:
            number: the layer, counted from 1.

        Returns:
            By node; all sum to the total. What goes around the features, through the layer's linear
            part, stands at what it comes from: the forms below, in layer 1 the input. The constant
            below is ``("form", number - 1, 0)``, in layer 1 too, where it is no node of the graph.

        Raises:
            NumericError: the number is not a positive integer. A layer that is not there is empty.
        """
        check_integer(number, "number", least=1)
        shares = {
            node: share for node, share in self.nodes.items() if node[:2] == ("feature", number)
        }
        for (source, target), share in self.edges.items():
            if "feature" in (source[0], target[0]) or self._flow.layers[target] != number:
                continue
            parts = {source: share}
            if source == INPUT:
                ray = self._flow.ray(target)
                parts = {INPUT: float(ray[1:].sum()), ("form", 0, 0): float(ray[0])}
            for node, part in parts.items():
                shares[node] = shares.get(node, 0.0) + part
        return shares

    def picture(self, target: Node | Edge) -> Doubles:
        """Return where in the image the share of a node or an edge comes from.

        Args:
            target: a feature, a form, a logit or an edge.

        Returns:
            Shape (inputs,); with the part of the constant it sums to the target's share.

        Raises:
            NumericError: the explanation has no such node or edge.
        """
        if target not in self.nodes and target not in self.edges:
            raise NumericError(f"expected target to be a node or an edge explained, got {target!r}")
        flow = self._flow
        if not is_edge(target):
            return flow.down({target: flow.amounts.get(target, 0.0)})[1][1:]
        source, reader = target
        if source == INPUT:
            return flow.ray(reader)[1:]
        amount = flow.amounts.get(reader, 0.0) * flow.steps[reader][source]
        return flow.down({source: amount})[1][1:]

    def paths(self, count: int) -> list[Path]:
        """Return the paths from the input to the logit whose shares are the largest in size.

        The largest share that any path down from a node has is known, so the search always goes on
        where the best path lies, and looks at few others.

        Args:
            count: how many at most; paths that have no share are left out.

        Raises:
            NumericError: the count is not a positive integer.
        """
        check_integer(count, "count", least=1)
        return self._flow.paths(count)


def explain(
    graph: nx.DiGraph[Node], image: npt.ArrayLike, *, label: int, against: int | None = None
) -> Explanation:
    r"""Share out a logit, or the margin between two, among all that it is computed from.

    With :math:`s(n)` the share of a node and :math:`v(n)` its value, an edge with the weight
    :math:`w` from :math:`n` to :math:`m` has

    .. math::
        \frac{s(m)}{v(m)}\,w\,v(n) \text{ into a form or a logit, } \qquad
        \frac{s(m)}{v(m)}\,(r \cdot y)\,w\,v(n) \text{ into a feature } v(m) = (r \cdot y)^2,

    and a node the sum of its out-edges.

    Args:
        graph: in the schema of :mod:`numeric.graph`.
        image: shape (inputs,).
        label: the class whose logit is explained.
        against: the class whose logit is taken off it.

    Returns:
        The shares, in float64. They are kept as they are when the graph changes.

    Raises:
        NumericError: the graph breaks the schema, the image does not fit it, or there is no such
            class.

    Source:
        For sums S. Bach et al., PLOS ONE 10(7) (2015), layer-wise relevance propagation without a
        stabiliser. The two factors of a square are equal, and share alike.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> shares = explain(graph, np.ones(3), label=1, against=0)
        >>> bool(np.isclose(shares.pixels.sum() + shares.constant, shares.total))
        True
        >>> bool(np.isclose(sum(shares.layer(2).values()), shares.total))
        True
        >>> len(shares.paths(5)), shares.picture(("form", 1, 2)).shape
        (5, (3,))
    """
    validate(graph)
    extended = np.concatenate([[1.0], checked_images(graph, image, "image", axes=(1,))])
    readings = node_readings(graph, extended[1:])
    signs = class_signs(graph, label, against)
    seeds = {("logit", c): float(sign) for c, sign in enumerate(signs[1:]) if sign}
    flow = _Flow.of(graph, readings, extended, {n: s for n, s in seeds.items() if n in graph})
    values = {n: float(r) ** 2 if n[0] == "feature" else float(r) for n, r in readings.items()}
    spread = flow.down(flow.seeds)[1]
    edges = {}
    for target, steps in flow.steps.items():
        for source, step in steps.items():
            value = flow.own[target] if source == INPUT else values[source]
            edges[source, target] = flow.amounts.get(target, 0.0) * step * value
    return Explanation(
        label,
        against,
        sum(sign * values[node] for node, sign in flow.seeds.items()),
        {node: flow.amounts.get(node, 0.0) * value for node, value in values.items()},
        edges,
        spread[1:],
        float(spread[0]),
        flow,
    )


@dataclass(frozen=True)
class _Flow:
    """How shares go down: per unit of value, a node gives ``steps[node][source]`` to each source.

    A source that is the input is given this per unit of ``own``, what the node reads of the input.
    ``amounts`` is what arrives at each node from the ``seeds``, per unit of its value.
    """

    layers: dict[Node, int]
    steps: dict[Node, dict[Node, float]]
    own: dict[Node, float]
    directions: dict[Node, Doubles]
    extended: Doubles
    seeds: dict[Node, float]
    amounts: dict[Node, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        graph: nx.DiGraph[Node],
        readings: dict[Node, Doubles],
        extended: Doubles,
        seeds: dict[Node, float],
    ) -> _Flow:
        last = len(graph.graph["sizes"]) - 1
        layers: dict[Node, int] = {}
        steps: dict[Node, dict[Node, float]] = {}
        directions: dict[Node, Doubles] = {}
        for node in reversed(list(nx.topological_sort(graph))):
            if node not in readings:
                continue
            layers[node] = last if node[0] == "logit" else node[1]
            unit = float(readings[node]) if node[0] == "feature" else 1.0
            steps[node] = {
                source: unit * float(edge["weight"] + edge.get("weight_low", 0.0))
                for source, _, edge in graph.in_edges(node, data=True)
                if source == INPUT or source in readings
            }
            if INPUT in steps[node]:
                attributes = graph.nodes[node]
                directions[node] = attributes["direction"] + attributes.get("direction_low", 0.0)
        own = {node: float(row @ extended) for node, row in directions.items()}
        flow = cls(layers, steps, own, directions, extended, seeds)
        flow.amounts.update(flow.down(seeds)[0])
        return flow

    def down(self, seeds: dict[Node, float]) -> tuple[dict[Node, float], Doubles]:
        """Return what arrives at every node per unit of its value, and at the components of x̃."""
        amounts, spread = dict(seeds), np.zeros_like(self.extended)
        for node, steps in self.steps.items():
            amount = amounts.get(node, 0.0)
            if not amount:
                continue
            for source, step in steps.items():
                if source == INPUT:
                    spread += amount * step * self.directions[node]
                else:
                    amounts[source] = amounts.get(source, 0.0) + amount * step
        return amounts, spread * self.extended

    def ray(self, node: Node) -> Doubles:
        """Return the share of the edge from the input to a node, by the input's components."""
        amount = self.amounts.get(node, 0.0) * self.steps[node][INPUT]
        return np.asarray(amount * self.directions[node] * self.extended)

    def paths(self, count: int) -> list[Path]:
        """Return the strongest paths, by a search for the best first with an exact outlook."""
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
            (-best[node], next(order), seed, (node,)) for node, seed in self.seeds.items()
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


def class_signs(graph: nx.DiGraph[Node], label: int, against: int | None) -> Doubles:
    """Return 1 for a class and -1 for the other, over the outputs and the constant before them."""
    signs = np.zeros(graph.graph["sizes"][-1])
    named = {"label": label} if against is None else {"label": label, "against": against}
    for (name, value), sign in zip(named.items(), (1.0, -1.0), strict=False):
        index = int(value) if isinstance(value, np.integer) else value
        check_integer(index, name, least=0)
        if index >= len(signs) - 1 or signs[index + 1]:
            raise NumericError(
                f"expected {name} to be another class of the {len(signs) - 1}, got {index}"
            )
        signs[index + 1] = sign
    return signs
