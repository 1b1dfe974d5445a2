"""What the interchange formats need of a graph: names as text, attributes as JSON, attributions.

A node ``("feature", 2, 17)`` is called ``feature/2/17`` where a format takes only text, and a
direction is a list of numbers. Python writes the shortest decimal fraction that reads back as the
same float64, so numbers come back bit for bit.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.files import is_json
from numeric.schema import DIRECTIONS, INPUT, WEIGHTS, Edge, Node


def node_name(node: Node) -> str:
    """Return a node's name as text.

    Args:
        node: a node of a composition graph.

    Returns:
        Its parts, joined by slashes.

    Examples:
        >>> node_name(("feature", 2, 17)), node_name(("input",))
        ('feature/2/17', 'input')
    """
    kind, *places = node
    return "/".join([kind, *(str(int(place)) for place in places)])


def named_node(name: object) -> Node:
    """Return the node that a text names: the inverse of :func:`node_name`.

    Args:
        name: as in a file.

    Returns:
        The node; whether a graph may have it is for the schema to say.

    Raises:
        NumericError: the text does not name a node.

    Examples:
        >>> named_node("feature/2/17")
        ('feature', 2, 17)
        >>> named_node("feature/2/x")
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected a node's name like 'feature/2/17', got 'feature/2/x'
    """
    kind, *places = str(name).split("/")
    if not all(place.isascii() and place.isdigit() and len(place) < 19 for place in places):
        raise NumericError(f"expected a node's name like 'feature/2/17', got {reprlib.repr(name)}")
    return (kind, *map(int, places))


def kept_attributes(
    owner: str, data: Mapping[str, Any], without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the attributes that are JSON as they are.

    Args:
        owner: what has the attributes, for the message.
        data: the attributes by name.
        without: names that the format keeps in another way.

    Returns:
        The attributes under other names.

    Raises:
        NumericError: one of them is not JSON, so a file would not give it back as it was.

    Examples:
        >>> kept_attributes("node ('input',)", {"size": 3, "direction": None}, ("direction",))
        {'size': 3}
        >>> kept_attributes("the graph", {"pair": (1, 2)})
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected the attribute 'pair' of the graph to be JSON, got \
(1, 2)
    """
    kept = {name: value for name, value in data.items() if name not in without}
    for name, value in kept.items():
        if not is_json(value) or not isinstance(name, str):
            raise NumericError(
                f"expected the attribute {name!r} of {owner} to be JSON, got {reprlib.repr(value)}"
            )
    return kept


def direction_array(numbers: object, owner: str) -> npt.NDArray[np.float64]:
    """Return a direction that a file holds as a list.

    Args:
        numbers: as in the file.
        owner: what the direction belongs to, for the message.

    Returns:
        Float64, shape (numbers,); whether that many fit the graph is for the schema to say.

    Raises:
        NumericError: it is not a list of numbers that float64 holds.

    Examples:
        >>> direction_array([1, 0.5], "node ('feature', 1, 0)")
        array([1. , 0.5])
    """
    # Compared afterwards: an integer may have more digits than float64.
    if isinstance(numbers, list) and all(type(number) in (int, float) for number in numbers):
        try:
            array = np.array(numbers, dtype=np.float64)
        except OverflowError:
            pass
        else:
            if array.tolist() == numbers:
                return array
    raise NumericError(
        f"expected the direction of {owner} to be a list of numbers that float64 holds, got "
        f"{reprlib.repr(numbers)}"
    )


def weights_as_floats(graph: nx.DiGraph[Node]) -> None:
    """Turn the weights of a valid graph into floats: files also write ``1`` for ``1.0``.

    Args:
        graph: in the schema of :mod:`numeric.graph`; it is changed in place.

    Examples:
        >>> graph = nx.DiGraph([(("form", 1, 0), ("logit", 0), {"weight": 1})])
        >>> weights_as_floats(graph)
        >>> graph.edges[("form", 1, 0), ("logit", 0)]
        {'weight': 1.0}
    """
    for _, _, data in graph.edges(data=True):
        data.update({name: float(data[name]) for name in WEIGHTS if name in data})


def contributions(
    graph: nx.DiGraph[Node], point: npt.NDArray[np.float64]
) -> tuple[dict[Node, float], dict[Edge, float]]:
    r"""Return every node's value on an input, and what each in-neighbour adds to it.

    A feature with reading :math:`r \cdot y` gets :math:`r_j y_j\,(r \cdot y)` from ``j``, so what
    is added sums to its value :math:`(r \cdot y)^2`; a form or a logit gets :math:`w_j y_j`.

    Args:
        graph: in the schema of :mod:`numeric.graph`; every feature in it counts.
        point: the input, shape (inputs,).

    Returns:
        The values by node, the input itself aside, and the contributions by edge, in float64: not
        finite where a value is beyond it.

    Source:
        E. Ameisen et al., *Circuit Tracing*, 2025, for edges as direct contributions.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 1, depth=1, hidden=2))
        >>> values, added = contributions(graph, np.ones(3))
        >>> into = [added[edge] for edge in graph.in_edges(("logit", 0))]
        >>> bool(np.isclose(sum(into), values["logit", 0]))
        True
    """
    extended = np.concatenate([[1.0], point])
    values: dict[Node, float] = {}
    links: dict[Edge, float] = {}
    for node, data in ((node, graph.nodes[node]) for node in nx.topological_sort(graph)):
        parts: dict[Node, float] = {}
        for source, _, edge in graph.in_edges(node, data=True):
            if source == INPUT:
                rows = (data[name] for name in DIRECTIONS if name in data)
                with np.errstate(over="ignore", invalid="ignore"):
                    parts[source] = sum(float(row @ extended) for row in rows)
            else:
                weights = (float(edge[name]) for name in WEIGHTS if name in edge)
                parts[source] = sum(weight * values[source] for weight in weights)
        reading = sum(parts.values())
        factor = reading if node[0] == "feature" else 1.0
        links.update({(source, node): factor * part for source, part in parts.items()})
        values[node] = factor * reading
    del values[INPUT]
    return values, links


def influences(
    graph: nx.DiGraph[Node], sizes: Mapping[Edge, float], start: Mapping[Node, float]
) -> dict[Node, float]:
    """Share out what nodes count for among the links into them, down to the input.

    Args:
        graph: in the schema of :mod:`numeric.graph`.
        sizes: of each edge, at least 0 and finite.
        start: what some nodes count for by themselves, the logits by their probabilities.

    Returns:
        What each node counts for, in its own right and by those that read it.

    Source:
        ``compute_node_influence`` of https://github.com/safety-research/circuit-tracer, for graphs
        without cycles in one pass.

    Examples:
        >>> graph = nx.DiGraph([(("form", 1, 0), ("logit", 0)), (("form", 1, 1), ("logit", 0))])
        >>> sizes = dict(zip(graph.edges, (1.0, 3.0)))
        >>> influences(graph, sizes, {("logit", 0): 1.0})["form", 1, 1]
        0.75
    """
    influence = dict.fromkeys(graph, 0.0) | dict(start)
    for node in reversed(list(nx.topological_sort(graph))):
        incoming = {source: sizes[source, node] for source in graph.predecessors(node)}
        largest = max(incoming.values(), default=0.0)
        # By the largest first: their sum may be beyond float64.
        shares = {source: size / largest for source, size in incoming.items() if largest}
        for source, share in shares.items():
            influence[source] += influence[node] * share / sum(shares.values())
    return influence
