"""The composition graph as it shows itself in a notebook and at a prompt."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Any

import networkx as nx

from numeric.graphs.schema import INPUT, LENGTHS, Node
from numeric.wording import counted

if TYPE_CHECKING:
    _Base = nx.DiGraph[Node]
else:
    _Base = nx.DiGraph  # networkx's classes take no parameters outside stubs


class CompositionGraph(_Base):
    """A ``networkx.DiGraph`` that says what it is, in a notebook as a table; nothing else.

    Every function takes any ``networkx.DiGraph`` in the schema of :mod:`numeric.graphs.graph`;
    copies, subgraphs and what is read from files are of this class.

    Examples:
        >>> from numeric import BilinearNetwork, trace
        >>> graph = trace(BilinearNetwork(3, 2, depth=2, width=4, hidden=5), "polarized")
        >>> print(graph)
        CompositionGraph with 28 nodes and 127 edges
        >>> repr(graph).split("; ")[:2]
        ['<Composition graph, polarized: 28 nodes, 127 edges', '3 inputs']
        >>> "<td>10</td>" in graph._repr_html_()
        True
    """

    def __repr__(self) -> str:
        """Say what it is a graph of, also where it breaks the schema."""
        return f"<{_caption(self, [node for node in self if _is_known(node)])}>"

    def _repr_html_(self) -> str:
        """Count what every layer has, also of a graph that breaks the schema."""
        return _table(self)


def _table(graph: nx.DiGraph[Node]) -> str:
    """Return the table as HTML, everything in it escaped."""
    known = [node for node in graph if _is_known(node)]
    sizes = graph.graph.get("sizes")
    depth = len(sizes) - 1 if isinstance(sizes, list) else 0
    kinds = Counter(_place(node, depth) for node in known)
    cut = Counter(_place(node, depth) for node in known if graph.nodes[node].get("cut") is True)
    edges = Counter(
        _place(target, depth)
        for _, target in graph.edges
        if _is_known(target) and target[0] == "feature"
    )
    rows = [
        (
            number,
            f"{kinds['feature', number] - cut['feature', number]:,}",
            f"{cut['feature', number]:,}",
            f"{edges['feature', number]:,}",
            _outputs(kinds, number),
        )
        for number in range(1, depth + 1)
    ]
    head = ("layer", "features", "cut", "edges into features", "what they add up to")
    body = "".join(_row("td", cells) for cells in rows)
    return (
        f"<table><caption>{escape(_caption(graph, known))}</caption>"
        f"<thead>{_row('th', head)}</thead><tbody>{body}</tbody></table>"
    )


def _caption(graph: nx.DiGraph[Node], known: list[Node]) -> str:
    """Say what the graph is a graph of."""
    method, network = graph.graph.get("method", "unnamed"), graph.graph.get("network")
    nodes, edges = counted(len(graph), "node"), counted(graph.number_of_edges(), "edge")
    said = [f"Composition graph, {method}: {nodes}, {edges}"]
    if INPUT in graph:
        size = graph.nodes[INPUT].get("size")
        said.append(counted(size, "input") if isinstance(size, int) else f"{size} inputs")
    residuals = sum(node[0] == "residual" for node in known)
    if residuals:
        said.append(f"residuals of {counted(residuals, 'logit')}, which say what is left out")
    if len(known) < len(graph):
        said.append(f"nodes that the schema does not know: {len(graph) - len(known):,}")
    if isinstance(network, str):
        said.append(f"network {network[:12]}…")
    return "; ".join(said)


def _is_known(node: Any) -> bool:  # noqa: ANN401 -- a graph may have been given anything
    return isinstance(node, tuple) and bool(node) and LENGTHS.get(node[0]) == len(node)


def _place(node: Node, depth: int) -> tuple[str, int]:
    """Return a node's kind and its layer; logits belong to the last one."""
    return node[0], depth if node[0] == "logit" else node[1] if len(node) == 3 else 0


def _outputs(kinds: Counter[tuple[str, int]], number: int) -> str:
    """Say what the features of a layer are read by."""
    counts = {"forms": kinds["form", number], "logits": kinds["logit", number]}
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def _row(cell: str, texts: tuple[object, ...]) -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(str(text))}</{cell}>' for text in texts)}</tr>"
