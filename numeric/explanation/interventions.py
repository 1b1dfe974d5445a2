"""Interventions: a composition graph with a node or an edge cut, scaled or held at a value.

Every verb returns a new graph in the schema of :mod:`numeric.graphs.graph` and leaves the given one
as it is; arrays that do not change are shared. A target is a node (a feature, a form or a logit) or
an edge ``(source, target)``. The constant ``("form", layer, 0)`` is no target, and neither is an
edge into it: a graph without it could not hold anything at a value. Edges out of it, the biases,
are. Features that :func:`numeric.prune` has cut are no targets either. The residuals are left out
of the new graph, because their bounds speak of the given one.
"""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Real
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.graphs.schema import DIRECTIONS, INPUT, WEIGHTS, Edge, Node, validate
from numeric.scalars import plain

Doubles = npt.NDArray[np.float64]


def ablate(graph: nx.DiGraph[Node], *targets: Node | Edge) -> nx.DiGraph[Node]:
    """Cut nodes and edges out of a graph: what read them reads 0 in their place.

    Nothing is rounded. Features that are left with nothing to read are 0, and are cut too.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        targets: nodes and edges of the graph, in any order.

    Returns:
        A new graph.

    Raises:
        NumericError: the graph breaks the schema, or a target is not in it or is the constant.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> cut = ablate(graph, ("feature", 2, 0), (("form", 1, 1), ("feature", 2, 1)))
        >>> len(graph) - len(cut), len(graph.in_edges(("feature", 2, 1)))
        (1, 5)
        >>> len(cut.in_edges(("feature", 2, 1)))
        4
    """
    validate(graph)
    for target in targets:
        check_target(graph, target)
    changed = _copy(graph)
    for target in targets:
        if is_edge(target):
            _cut(changed, target)
        elif target in changed:
            changed.remove_node(target)
    changed.remove_nodes_from(
        [node for node in changed if node[0] == "feature" and not changed.in_degree(node)]
    )
    return changed


def scale(graph: nx.DiGraph[Node], target: Node | Edge, factor: float) -> nx.DiGraph[Node]:
    r"""Multiply what a node or an edge contributes.

    All weights :math:`w` out of a feature or a form become :math:`\alpha w`; a logit, which nothing
    reads, has those into it multiplied. For an edge from the input it is the direction of what
    reads it. Each product is rounded to float64, high and low parts by themselves; a power of two
    rounds nothing as long as nothing becomes subnormal.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        target: a node or an edge of the graph.
        factor: :math:`\alpha`, finite. 1 changes nothing, and 0 computes what :func:`ablate` does.

    Returns:
        A new graph with the same nodes and edges.

    Raises:
        NumericError: the graph breaks the schema, the target is not in it or is the constant, the
            factor is not a finite number, or a product leaves the range of float64.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5), "polarized")
        >>> edge = ("feature", 2, 0), ("logit", 1)
        >>> scale(graph, edge, 0.5).edges[edge]["weight"] / graph.edges[edge]["weight"]
        0.5
    """
    validate(graph)
    check_target(graph, target)
    number = checked_number(factor, "factor")
    changed = _copy(graph)
    if is_edge(target):
        edges = [(target[0], target[1])]
    else:
        edges = list((changed.in_edges if target[0] == "logit" else changed.out_edges)(target))
    for source, reader in edges:
        if source == INPUT:
            _multiply(changed.nodes[reader], DIRECTIONS, number, f"direction of {reader}")
        else:
            attributes = changed.edges[source, reader]
            _multiply(attributes, WEIGHTS, number, f"weight of {source} → {reader}")
    return changed


def set_value(graph: nx.DiGraph[Node], node: Node, value: float) -> nx.DiGraph[Node]:
    r"""Hold a node at a value, whatever the input is.

    A form or a logit reads nothing but the constant from then on, with the value as its weight:
    nothing is rounded. A feature, whose value may be none that a square has, is cut, and what it
    gave its readers is added to what they read from the constant,
    :math:`b \leftarrow b + w\,v`, each sum rounded once. The constant is ``direction[0]`` in
    layer 1 and the edge from ``("form", layer - 1, 0)`` above, which is added where the graph has
    none.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        node: a feature, a form or a logit.
        value: :math:`v`, finite; it may be negative, also for a feature.

    Returns:
        A new graph.

    Raises:
        NumericError: the graph breaks the schema, the node is not in it or is the constant, the
            value is not a finite number, a sum leaves the range of float64, or what stands in the
            constant's place is not 1 for every input.

    Examples:
        >>> import torch
        >>> from numeric import BilinearNetwork, rewrite, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5))
        >>> rewrite(set_value(graph, ("logit", 1), 7.0))(torch.ones(1, 3))[0, 1].item()
        7.0
    """
    validate(graph)
    check_node(graph, node)
    amount = Fraction(checked_number(value, "value"))
    changed = _copy(graph)
    if node[0] == "feature":
        for _, reader, attributes in graph.out_edges(node, data=True):
            _add_constant(changed, reader, Fraction(float(attributes["weight"])) * amount)
        changed.remove_node(node)
    else:
        for edge in list(changed.in_edges(node)):
            _cut(changed, edge)
        _add_constant(changed, node, amount)
    return changed


# Doors


def is_edge(target: Node | Edge) -> bool:
    """Return whether a target is an edge: a pair of nodes, which are tuples themselves."""
    return len(target) == 2 and isinstance(target[0], tuple)


def takes_part(graph: nx.DiGraph[Node], node: Node) -> bool:
    """Return whether the logits read a node: features that were cut, and residuals, they do not."""
    return node[0] != "residual" and not graph.nodes[node].get("cut", False)


def check_target(graph: nx.DiGraph[Node], target: object, name: str = "target") -> None:
    """Refuse what is neither a node nor an edge that an intervention can be made at."""
    ends: tuple[Node, ...] = ()
    if isinstance(target, tuple):
        ends = target if is_edge(target) else (target,)
    known = all(node in graph and takes_part(graph, node) for node in ends)
    if not ends or not known or ends == (INPUT,) or (len(ends) == 2 and not graph.has_edge(*ends)):
        raise NumericError(
            f"expected {name} to be a feature, a form, a logit or an edge (source, target) that "
            f"takes part in the graph, got {target!r}"
        )
    last = ends[-1]
    if last[0] == "form" and last[2] == 0:
        raise NumericError(
            f"expected {name} not to be the constant or lead into it, got {target}: cut or scale "
            "the edges out of it"
        )


def check_node(graph: nx.DiGraph[Node], node: object) -> None:
    """Refuse what is not a feature, a form or a logit of the graph, or is the constant."""
    if isinstance(node, tuple) and is_edge(node):
        raise NumericError(f"expected node to be a feature, a form or a logit, got the edge {node}")
    check_target(graph, node, "node")


def checked_number(value: object, name: str) -> float:
    """Return a finite number as a float."""
    held = plain(value)
    if isinstance(held, Real) and not isinstance(held, bool):
        try:
            number = float(held)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise NumericError(f"expected {name} to be a finite number, got {value!r}")


# Surgery, on graphs that are the caller's own


def _copy(graph: nx.DiGraph[Node]) -> nx.DiGraph[Node]:
    copy = graph.copy()
    copy.remove_nodes_from([node for node in graph if node[0] == "residual"])
    return copy


def _cut(graph: nx.DiGraph[Node], edge: Node | Edge) -> None:
    """Remove an edge where it still is, and with the input's the reader's direction."""
    source, reader = edge
    if not graph.has_edge(source, reader):
        return
    graph.remove_edge(source, reader)
    if source == INPUT:
        for name in DIRECTIONS:
            graph.nodes[reader].pop(name, None)


def _multiply(
    attributes: dict[str, Any], names: tuple[str, str], factor: float, where: str
) -> None:
    """Put products in the place of the high and the low part of a weight or a direction."""
    for name in names:
        if name in attributes:
            with np.errstate(over="ignore"):
                product = attributes[name] * factor
            if not np.isfinite(product).all():
                raise NumericError(
                    f"expected the {where} times {factor} to stay within the range of float64"
                )
            attributes[name] = product


def _add_constant(graph: nx.DiGraph[Node], reader: Node, amount: Fraction) -> None:
    """Add to what a form or a logit reads from the constant; no edge is made for 0."""
    if not amount:
        return
    layer = reader[1] if reader[0] == "form" else len(graph.graph["sizes"]) - 1
    if layer == 1:
        old = graph.nodes[reader].get("direction", np.zeros(graph.graph["sizes"][0]))
        direction = old.copy()
        direction[0] = _rounded_sum(old[0], amount, reader)
        graph.nodes[reader]["direction"] = direction
        graph.add_edge(INPUT, reader, weight=1.0)
        return
    constant = _constant(graph, layer - 1)
    weight: float = graph.get_edge_data(constant, reader, {"weight": 0.0})["weight"]
    graph.add_edge(constant, reader, weight=_rounded_sum(weight, amount, reader))


def _constant(graph: nx.DiGraph[Node], layer: int) -> Node:
    """Return the constant among the forms of a layer, put in where the graph has none."""
    node: Node = ("form", layer, 0)
    if node not in graph:
        graph.add_node(node)
        _add_constant(graph, node, Fraction(1))
        return node
    reads = [
        edge for edge in graph.in_edges(node) if edge[0] == INPUT or graph.edges[edge]["weight"]
    ]
    if layer == 1 and reads == [(INPUT, node)]:
        direction = graph.nodes[node]["direction"]
        holds = direction[0] == 1 and not direction[1:].any()
    else:
        below = ("form", layer - 1, 0)
        holds = reads == [(below, node)] and graph.edges[below, node]["weight"] == 1
        holds = holds and _constant(graph, layer - 1) == below
    if not holds:
        raise NumericError(
            f"expected {node} to be the constant 1, which values are held by: to read nothing but "
            "the constant below, with weight 1"
        )
    return node


def _rounded_sum(old: float, amount: Fraction, reader: Node) -> float:
    try:
        return float(Fraction(float(old)) + amount)
    except OverflowError:
        raise NumericError(
            f"expected what {reader} reads from the constant to stay within the range of float64"
        ) from None
