"""The page about one network: what it computes, and what has been proved about it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any

import jinja2
import networkx as nx

from analytic import ExactNetwork
from numeric import BilinearNetwork
from numeric.files import write_text
from numeric.schema import Node
from numeric.training import Recipe
from proofs.claims import Certificate


def write_report(
    folder: Path,
    model: BilinearNetwork,
    recipe: Recipe,
    certificate: Certificate,
    graphs: Mapping[str, nx.DiGraph[Node]],
) -> None:
    """Write ``report.html`` from what a run left in its folder.

    The page is one file that opens offline: the pictures stand in it.

    Args:
        folder: holds ``pictures/``.
        model: the network.
        recipe: how it was trained.
        certificate: what has been proved about it.
        graphs: its graphs by method.

    Raises:
        NumericError: the page cannot be written.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("proofs"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html").render(
        configuration=asdict(model.configuration),
        recipe=asdict(recipe),
        exact=ExactNetwork(model.layers()),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        levels=[
            (level, list(claims))
            for level, claims in groupby(certificate.claims, key=lambda claim: claim.level)
        ],
        certificate=certificate,
        accuracy=_accuracy(certificate),
        graphs={name: _counts(graph) for name, graph in graphs.items()},
        pictures={
            path.stem: base64.b64encode(path.read_bytes()).decode()
            for path in sorted((folder / "pictures").glob("*.png"))
        },
    )
    write_text(folder / "report.html", page)


def _accuracy(certificate: Certificate) -> float:
    """Return the share of test images that the network labels correctly, as the certificate has it.

    The first measured claim is about the network in its own dtype.
    """
    evidence = next(
        claim.evidence for claim in certificate.claims if "right class" in claim.evidence
    )
    return float(evidence["right class"]) / float(evidence["images"])


def _counts(graph: nx.DiGraph[Node]) -> dict[str, Any]:
    """Count a graph's features by layer, its forms and its edges."""
    depth = len(graph.graph["sizes"]) - 1
    features = [0] * depth
    for node in graph:
        if node[0] == "feature":
            features[node[1] - 1] += 1
    return {
        "features": features,
        "forms": sum(node[0] == "form" for node in graph),
        "edges": graph.number_of_edges(),
    }
