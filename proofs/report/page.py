"""The page about one network: what it computes, and what has been proved about it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from markupsafe import Markup

from analytic import ExactNetwork
from numeric import BilinearNetwork, Fidelity, InputShape, Layer
from numeric.features.bonds import canonical_bonds
from numeric.features.kernels import stack_products, with_linear_neurons
from numeric.files import digest, write_text
from numeric.graphs.schema import Node
from numeric.networks.layered import Network
from numeric.networks.training import Recipe
from proofs.certificates.claims import Certificate
from proofs.report import assets
from proofs.report.templating import template

_ROUNDING = 1e-9
"""Totals that are equal in exact arithmetic may differ by this share in floating point."""


def write_page(
    folder: Path,
    model: Network,
    recipe: Recipe | None,
    certificate: Certificate,
    graphs: Mapping[str, nx.DiGraph[Node]],
    frontier: Sequence[Fidelity] = (),
    explorer: Mapping[str, Any] | None = None,
    shape: InputShape | None = None,
    name: str | None = None,
) -> None:
    """Write ``report.html`` from what a run left in its folder.

    The page is one file that opens offline and requests nothing: the pictures stand in it, and so
    does the explorer, with its program and all that it computes with.

    Args:
        folder: holds ``pictures/``.
        model: the network.
        recipe: how it was trained, if that is known.
        certificate: what has been proved about it.
        graphs: its graphs by method, one of them ``"eigen"``.
        frontier: what the graph ``"shared"`` keeps with ever more of its features, at last with all
            of them; without it the page has no section on few features.
        explorer: what :func:`proofs.report.explorer.explorer_data` says of a graph; without it the
            page has none.
        shape: of an input; left out, a square picture or bars.
        name: of the network; left out, it is called by its hash.

    Raises:
        NumericError: the page cannot be written.
    """
    style = assets.style(explorer=explorer is not None)
    script = None if explorer is None else assets.script()
    layers = model.layers()
    exact = ExactNetwork(layers)
    shape = InputShape.of(exact.inputs) if shape is None else shape
    mark = digest(array for layer in layers for array in layer)
    page = template("report.html").render(
        mark=mark,
        name=name or mark[:8],
        percent=_percent,
        depth=sum(len(layer.left) > 0 for layer in layers),
        settings=_settings(model, layers) | ({} if recipe is None else asdict(recipe)),
        trained=recipe is not None,
        shape=shape,
        exact=exact,
        parameters=_parameters(model, layers),
        levels=[
            (level, list(claims))
            for level, claims in groupby(certificate.claims, key=lambda claim: claim.level)
        ],
        failing=[claim for claim in certificate.claims if not claim.holds],
        checked=sum(claim.kind is not None for claim in certificate.claims),
        certificate=certificate,
        accuracy=_accuracy(certificate),
        graphs={name: _counts(graph) for name, graph in graphs.items()},
        few=_few(graphs["shared"], layers) if frontier else None,
        frontier=frontier,
        # These are the page's own; what a graph or a claim says is escaped, also within JSON.
        style=Markup(style),  # noqa: S704
        policy=assets.policy(style, script),
        explorer=(
            None if explorer is None or script is None else _explorer(explorer, script, shape)
        ),
        pictures={
            path.stem: base64.b64encode(path.read_bytes()).decode()
            for path in sorted((folder / "pictures").glob("*.png"))
        },
    )
    write_text(folder / "report.html", page)


def _explorer(data: Mapping[str, Any], script: str, shape: InputShape) -> dict[str, Any]:
    """Return what the page has of the explorer."""
    return {
        "name": data["name"],
        "noun": shape.noun,
        "part": shape.part,
        "deep": len(data["sizes"]) > 2,
        "data": Markup(assets.json_text(data)),  # noqa: S704
        "script": Markup(script),  # noqa: S704
    }


def _settings(model: Network, layers: Sequence[Layer]) -> dict[str, Any]:
    """Return what is said of a network's shape."""
    if isinstance(model, BilinearNetwork):
        return asdict(model.configuration)
    return {
        "inputs": layers[0].linear.shape[1] - 1,
        "outputs": len(layers[-1].linear) - 1,
        "neurons of each layer": ", ".join(str(len(layer.left)) for layer in layers),
    }


def _parameters(model: Network, layers: Sequence[Layer]) -> int:
    """Count a network's weights: of one that is layers alone, the numbers that are not 0."""
    if isinstance(model, BilinearNetwork):
        return sum(parameter.numel() for parameter in model.parameters())
    return sum(int(np.count_nonzero(array)) for layer in layers for array in layer)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _accuracy(certificate: Certificate) -> float:
    """Return the share of test images that the network labels correctly, as the certificate has it.

    The first measured claim is about the network in its own dtype.
    """
    evidence = next(
        claim.evidence for claim in certificate.claims if "right class" in claim.evidence
    )
    return float(evidence["right class"]) / float(evidence["images"])


def _counts(graph: nx.DiGraph[Node]) -> dict[str, Any]:
    """Count a graph's features by layer, its forms and its edges; residuals are none of them."""
    depth = len(graph.graph["sizes"]) - 1
    features = [0] * depth
    for node in graph:
        if node[0] == "feature":
            features[node[1] - 1] += 1
    residuals = [node for node in graph if node[0] == "residual"]
    return {
        "features": features,
        "last": max((number for number, count in enumerate(features, 1) if count), default=0),
        "forms": sum(node[0] == "form" for node in graph),
        "edges": graph.number_of_edges() - len(graph.out_edges(residuals)),
    }


def _few(graph: nx.DiGraph[Node], layers: Sequence[Layer]) -> dict[str, Any]:
    """Return what is to be said of shared features, but for how much they keep."""
    notes = graph.graph
    kept = [size - 1 for size in notes["sizes"][1:-1]]
    values = notes.get("singular_values", [])
    return {
        "metric": notes.get("metric", "not known"),
        "errors": notes.get("errors", []),
        "hidden": [
            (count, len(found)) for count, found in zip(kept, values, strict=False) if found
        ],
        "undetermined": [
            *_groups("component", "hidden state", notes.get("undetermined_components", []), kept),
            *_groups("feature", "layer", notes.get("undetermined_features", [])),
        ],
        "spread": _spread(layers),
        "rounding": _ROUNDING,
    }


def _groups(
    member: str,
    place: str,
    groups: Sequence[Sequence[Sequence[int]]],
    kept: Sequence[int] | None = None,
) -> list[str]:
    """Say which members only their span determines, of those of which some are kept."""
    return [
        f"{member}s {', '.join(map(str, group))} of {place} {number}"
        for number, found in enumerate(groups, start=1)
        for group in found
        if kept is None or min(group) <= kept[number - 1]
    ]


def _spread(layers: Sequence[Layer]) -> float:
    """Return by which share the totals that the logits draw from each hidden state differ.

    They are equal in exact arithmetic, and equal to the squared norm of the logits' tensors; that
    one is summed from the input upwards, the others from the logits downwards.
    """
    metric = np.eye(layers[0].linear.shape[1])
    whole = [with_linear_neurons(layer) for layer in layers]
    norm = float(np.trace(stack_products(whole, whole)[1:, 1:]))
    totals = np.array([norm, *(bond.total for bond in canonical_bonds(layers, metric))])
    return float(np.ptp(totals) / totals.max()) if totals.any() else 0.0
