"""Explanations of one image: exact shares of a logit, of the graph's nodes and of the pixels.

:func:`explain` goes down the graph: every node gives what it has to its in-neighbours, in the
proportions in which they add to its value (:mod:`numeric.explanation.flow`), so the shares of every
layer sum to the logit. What a difference to a baseline is due to,
:mod:`numeric.explanation.attributions` shares out among the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.explanation.flow import Flow, Path
from numeric.explanation.interventions import is_edge
from numeric.graphs.forward_pass import check_held
from numeric.graphs.schema import INPUT, Edge, Node
from numeric.scalars import check_integer, plain

Doubles = npt.NDArray[np.float64]


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
    _flow: Flow = field(repr=False)
    _amounts: dict[Node, float] = field(repr=False)

    @property
    def image(self) -> Doubles:
        """The image that is explained, shape (inputs,)."""
        return self._flow.extended[1:]

    @property
    def depth(self) -> int:
        """The number of layers."""
        return max(self._flow.layers.values())

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
        number = check_integer(number, "number", least=1)
        shares = {
            node: share for node, share in self.nodes.items() if node[:2] == ("feature", number)
        }
        for (source, target), share in self.edges.items():
            if "feature" in (source[0], target[0]) or self._flow.layers[target] != number:
                continue
            parts = {source: share}
            if source == INPUT:
                ray = self._flow.ray(target, self._amounts.get(target, 0.0))
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
        if not is_edge(target):
            return self._flow.down({target: self._amounts.get(target, 0.0)})[1][1:]
        source, reader = target
        amount = self._amounts.get(reader, 0.0)
        if source == INPUT:
            return self._flow.ray(reader, amount)[1:]
        return self._flow.down({source: amount * self._flow.steps[reader][source]})[1][1:]

    def paths(self, count: int) -> list[Path]:
        """Return the paths from the input to the logit whose shares are the largest in size.

        The largest share that any path down from a node has is known, so the search always goes on
        where the best path lies, and looks at few others.

        Args:
            count: how many at most; paths that have no share are left out.

        Raises:
            NumericError: the count is not a positive integer.
        """
        count = check_integer(count, "count", least=1)
        logits = {node: sign for node, sign in self._amounts.items() if node[0] == "logit"}
        return self._flow.paths(logits, count)

    def direction(self, node: Node) -> Doubles | None:
        """Return by which weights a node reads the inputs, shape (inputs,); None if it does not."""
        found = self._flow.directions.get(node)
        return None if found is None else found[1:]


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
        graph: in the schema of :mod:`numeric.graphs.graph`.
        image: shape (inputs,).
        label: the class whose logit is explained.
        against: the class whose logit is taken off it.

    Returns:
        The shares, in float64. They are kept as they are when the graph changes.

    Raises:
        NumericError: the graph breaks the schema, the image does not fit it, there is no such
            class, or a value or a share is beyond float64.

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
    flow = Flow.of(graph, image)
    signs = class_signs(graph, label, against)[1:]
    label, against = plain(label), plain(against)
    seeds = {node: float(signs[node[1]]) for node in flow.values if node[0] == "logit"}
    seeds = {node: sign for node, sign in seeds.items() if sign}
    amounts, spread = flow.down(seeds)
    nodes = {node: amounts.get(node, 0.0) * value for node, value in flow.values.items()}
    edges = {edge: amounts.get(edge[1], 0.0) * part for edge, part in flow.contributions().items()}
    check_held([*nodes.values(), *edges.values()], "shares on the image")
    total = sum(sign * flow.values[node] for node, sign in seeds.items())
    pixels, constant = spread[1:], float(spread[0])
    return Explanation(label, against, total, nodes, edges, pixels, constant, flow, amounts)


def class_signs(graph: nx.DiGraph[Node], label: int, against: int | None) -> Doubles:
    """Return 1 for a class and -1 for the other, over the outputs and the constant before them."""
    signs = np.zeros(graph.graph["sizes"][-1])
    named = {"label": label} if against is None else {"label": label, "against": against}
    for (name, value), sign in zip(named.items(), (1.0, -1.0), strict=False):
        index = check_integer(value, name, least=0)
        if index >= len(signs) - 1 or signs[index + 1]:
            raise NumericError(
                f"expected {name} to be another class of the {len(signs) - 1}, got {index}"
            )
        signs[index + 1] = sign
    return signs
