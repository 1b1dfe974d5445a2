"""What the explorer of a page computes with: a graph, test digits, and what is known of both.

The page computes by itself what the graph computes, so it carries every weight and every direction
to the last bit. Shares, and what switching features off does, it finds from those.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt

from numeric import Digits, prune
from numeric.graphs.forward_pass import ForwardPass
from numeric.graphs.quadratic_forms import QuadraticForms, Spectrum
from numeric.graphs.schema import INPUT, Edge, Node
from numeric.networks.layered import Network
from proofs.certificates.claims import Claim
from proofs.report.exhibits import Exhibits
from proofs.report.packing import packed
from proofs.report.profiles import profile, rounded

Doubles = npt.NDArray[np.float64]

_MOST_FEATURES = 250
"""That a page carries: with the directions of more it would exceed three megabytes."""

_EIGENVALUES = 24
"""Of a spectrum, the largest in size."""


def explorer_data(
    graph: nx.DiGraph[Node],
    model: Network,
    digits: Digits,
    claims: Iterable[Claim] = (),
    *,
    name: str = "shared",
) -> dict[str, Any]:
    """Return all that the explorer of a page needs, as JSON.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`. Of more than 250 features the strongest
            stay, as :func:`numeric.prune` has them, and the data says how many do not.
        model: the network that the graph was made from.
        digits: whose test images are shown.
        claims: of a certificate; those about the graph are kept.
        name: what claims call the graph.

    Returns:
        ``nodes`` in an order in which every node comes after what it reads, ``edges`` between them,
        ``directions`` by which nodes read the input, ``pictures`` of all other nodes, ``digits``
        with the network's logits and radii, and ``claims``.

    Raises:
        NumericError: the graph breaks the schema or does not fit the digits.
        ProofError: a margin of the network leaves the range of float64.
    """
    whole = _features(graph)
    if whole > _MOST_FEATURES:
        graph = prune(graph, features=_MOST_FEATURES)
    forward = ForwardPass.of(graph, digits.test_images)
    order = _order(forward)
    pictures: list[npt.NDArray[np.int8]] = []
    profiles = {
        node: profile(forward.value(node), digits.test_labels, graph.graph["sizes"][-1] - 1)
        for node in order
    }
    together = _undetermined(graph)
    nodes = [
        {"name": list(node)}
        | profiles[node]
        | _spectrum(spectrum, pictures)
        | ({"undetermined": together[node]} if node in together else {})
        for node, spectrum in _spectra(forward)
    ]
    needed = {example[-2] for node in nodes for example in node["most"] + node["quantiles"]}
    exhibits = Exhibits.of(model, digits, forward.states[-1][:, 1:], needed)
    reading = [node for node in order if graph.has_edge(INPUT, node)]
    directions = np.array([_direction(graph, node) for node in reading])
    for row, node in enumerate(reading):
        nodes[order.index(node)]["direction"] = row
    return {
        "name": name,
        "network": graph.graph.get("network"),
        "sizes": graph.graph["sizes"],
        "features": {"all": whole, "here": _features(graph)},
        "nodes": nodes,
        "edges": _edges(graph, forward, order),
        "directions": packed(directions.reshape(len(reading), graph.graph["sizes"][0])),
        "pictures": packed(np.array(pictures, np.int8).reshape(len(pictures), digits.inputs)),
        "digits": exhibits.data(model, digits),
        "claims": [
            {"level": claim.level, "statement": claim.statement, "holds": claim.holds}
            for claim in claims
            if claim.name.startswith(f"{name}: ")
        ],
    }


def _features(graph: nx.DiGraph[Node]) -> int:
    """Count the features that take part."""
    cuts = graph.nodes(data="cut", default=False)
    return sum(node[0] == "feature" and not cut for node, cut in cuts)


def _order(forward: ForwardPass) -> list[Node]:
    """Return the nodes from the input upwards: a layer's features before what reads them."""
    return sorted(
        forward.places, key=lambda node: (forward.places[node][0], node[0] != "feature", node[-1])
    )


def _direction(graph: nx.DiGraph[Node], node: Node) -> Doubles:
    attributes = graph.nodes[node]
    return np.asarray(attributes["direction"] + attributes.get("direction_low", 0.0))


def _spectra(forward: ForwardPass) -> list[tuple[Node, Spectrum | None]]:
    """Return every node with its spectrum, which features that read the input do not need."""
    forms = QuadraticForms(forward.layers)
    found: list[tuple[Node, Spectrum | None]] = []
    for node in _order(forward):
        number, row = forward.places[node]
        if node[0] == "feature":
            weights = forward.layers[number - 1].readings[row]
            found.append((node, None if number == 1 else forms.of(number - 1, weights)))
        else:
            unit = np.eye(len(forward.layers[number - 1].linear))[row]
            found.append((node, forms.of(number, unit)))
    return found


def _spectrum(spectrum: Spectrum | None, pictures: list[npt.NDArray[np.int8]]) -> dict[str, Any]:
    """Describe a quadratic form, and add its patterns to the pictures."""
    if spectrum is None:
        return {}
    patterns = []
    for sign, pattern in spectrum.patterns.items():
        patterns.append([sign, len(pictures)])
        scale = 127 / (abs(pattern).max() or 1.0)
        pictures.append(np.rint(pattern * scale).astype(np.int8))
    return {
        "spectrum": [rounded(value) for value in spectrum.eigenvalues[:_EIGENVALUES]],
        "rank": len(spectrum.eigenvalues),
        "patterns": patterns,
    }


def _undetermined(graph: nx.DiGraph[Node]) -> dict[Node, list[int]]:
    """Return the nodes of which only the span with others is determined, with those others."""
    return {
        (kind, number, member): [other for other in group if other != member]
        for kind, name in (
            ("form", "undetermined_components"),
            ("feature", "undetermined_features"),
        )
        for number, groups in enumerate(graph.graph.get(name, []), start=1)
        for group in groups
        for member in group
    }


def _edges(
    graph: nx.DiGraph[Node], forward: ForwardPass, order: Sequence[Node]
) -> dict[str, list[Any]]:
    """Return the edges between nodes in columns: source, target, weight and strength."""
    index = {node: place for place, node in enumerate(order)}
    strengths = edge_strengths(graph, forward)
    edges = sorted(strengths, key=lambda edge: (index[edge[0]], index[edge[1]]))
    return {
        "source": [index[source] for source, _ in edges],
        "target": [index[target] for _, target in edges],
        "weight": [_weight(graph, edge) for edge in edges],
        "strength": [rounded(strengths[edge]) for edge in edges],
    }


def edge_strengths(graph: nx.DiGraph[Node], forward: ForwardPass) -> dict[Edge, float]:
    r"""Return how strong every edge is beside the strongest that its target reads by.

    An edge with the weight :math:`w` from a node whose values on the images have the root mean
    square :math:`s` counts by :math:`|w|\,s`.

    Args:
        graph: in the schema of :mod:`numeric.graphs.graph`.
        forward: of the graph, on several images.

    Returns:
        By edge between nodes, from 0 to 1; all 0 where a node reads nothing but zeros.
    """
    found: dict[Edge, float] = {}
    sizes = {node: _size(forward.value(node)) for node in forward.places}
    for target in forward.places:
        sources = [source for source in graph.predecessors(target) if source in sizes]
        parts = [abs(_weight(graph, (source, target))) * sizes[source] for source in sources]
        most = max(parts, default=0.0) or 1.0
        found |= {
            (source, target): part / most for source, part in zip(sources, parts, strict=True)
        }
    return found


def _weight(graph: nx.DiGraph[Node], edge: Edge) -> float:
    data = graph.edges[edge]
    return float(data["weight"] + data.get("weight_low", 0.0))


def _size(values: Doubles) -> float:
    """Return the root mean square, also of numbers whose squares float64 does not hold."""
    largest = float(abs(values).max())
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest else 0.0
