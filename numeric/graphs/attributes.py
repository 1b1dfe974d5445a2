"""What the interchange formats need of a graph: names as text, attributes as JSON.

A node ``("feature", 2, 17)`` is called ``feature/2/17`` where a format takes only text, and a
direction is a list of numbers. Python writes the shortest decimal fraction that reads back as the
same float64, so numbers come back bit for bit.
"""

from __future__ import annotations

import json
import reprlib
from collections.abc import Mapping
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric.errors import NumericError
from numeric.graphs.schema import WEIGHTS, Node
from numeric.scalars import plain


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
    """Return the attributes as JSON gives them back.

    Args:
        owner: what has the attributes, for the message.
        data: the attributes by name.
        without: names that the format keeps in another way.

    Returns:
        The attributes under other names; scalars of numpy and torch are Python's numbers.

    Raises:
        NumericError: one of them is not JSON, so a file would not give it back as it was.

    Examples:
        >>> data = {"size": 3, "score": np.float32(0.5), "direction": None}
        >>> kept_attributes("node ('input',)", data, ("direction",))
        {'size': 3, 'score': 0.5}
        >>> kept_attributes("the graph", {"pair": (1, 2)})
        Traceback (most recent call last):
        ...
        numeric.errors.NumericError: expected the attribute 'pair' of the graph to be JSON, got \
(1, 2)
    """
    kept = {}
    for name in [name for name in data if name not in without]:
        try:
            kept[name] = json.loads(json.dumps(data[name], allow_nan=False, default=plain))
            same = isinstance(name, str) and bool(kept[name] == data[name])
        except (TypeError, ValueError, RuntimeError, RecursionError):
            same = False
        if not same:
            raise NumericError(
                f"expected the attribute {name!r} of {owner} to be JSON, got "
                f"{reprlib.repr(data[name])}"
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
        graph: in the schema of :mod:`numeric.graphs.graph`; it is changed in place.

    Examples:
        >>> graph = nx.DiGraph([(("form", 1, 0), ("logit", 0), {"weight": 1})])
        >>> weights_as_floats(graph)
        >>> graph.edges[("form", 1, 0), ("logit", 0)]
        {'weight': 1.0}
    """
    for _, _, data in graph.edges(data=True):
        data.update({name: float(data[name]) for name in WEIGHTS if name in data})
