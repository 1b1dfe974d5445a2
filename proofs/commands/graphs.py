"""The commands that make, cut and hand on composition graphs: trace, prune and export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import networkx as nx
import typer

from numeric import (
    fidelity,
    load_graph,
    prune,
    save_attribution_graph,
    save_graph,
    save_graphml,
    save_node_link,
    trace,
)
from numeric.explanation.interventions import takes_part
from numeric.graphs.schema import Node
from numeric.graphs.trace import METHODS
from numeric.wording import counted
from proofs.commands.arguments import Data, Graph, Model, check_other, data_of, network_of
from proofs.errors import ProofError

_SAVE: dict[str, Callable[..., None]] = {
    "node-link": save_node_link,
    "graphml": save_graphml,
    "attribution": save_attribution_graph,
}

_FORMAT_OF = {".json": "node-link", ".graphml": "graphml"}


def trace_features(
    model: Model,
    graph: Annotated[
        Path,
        typer.Argument(metavar="GRAPH", help="The file to write, such as graph.safetensors."),
    ],
    method: Annotated[
        str,
        typer.Option(
            help=f"Which features to find, {', '.join(METHODS)}: two squares for each neuron, with "
            "nothing rounded; eigenvectors of each output's matrix; the same, with each hidden "
            "state in a basis of its own; or few features, the same for all outputs of a layer."
        ),
    ] = "eigen",
    features: Annotated[
        int | None, typer.Option(help="How many shared features there shall be in all.")
    ] = None,
    error: Annotated[
        float | None,
        typer.Option(help="In place of --features: which share of each layer they may leave out."),
    ] = None,
    components: Annotated[
        int | None,
        typer.Option(
            help="For canonical and shared features: how many components of each hidden state stay."
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            help="For canonical and shared features: which inputs are alike, pixels (none more "
            "than others), neighbours (the nearer they lie, the more: fewer features are enough) "
            "or data (as in the training images, whose labels are not looked at)."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Write the graph of MODEL's features to GRAPH.

    The features come from the weights alone, unless --metric data asks for the data.
    """
    check_other(graph, "GRAPH", MODEL=model)
    if data is not None and metric != "data":
        raise ProofError(f"expected --data only with --metric data, got {metric}")
    digits = data_of(data) if metric == "data" else None
    found = trace(
        network_of(model),
        method,
        metric=metric,
        components=components,
        features=features,
        error=error,
        images=None if digits is None else digits.train_images,
    )
    save_graph(found, graph)
    features_found = counted(_features(found), "feature")
    line = f"{graph}: {features_found}, {counted(found.number_of_edges(), 'edge')}"
    if digits is not None:
        line += f"; inputs are {found.graph['metric']}, without labels"
    typer.echo(line)


def prune_features(
    graph: Graph,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write, such as few.safetensors.")
    ],
    features: Annotated[int | None, typer.Option(help="How many features stay.")] = None,
    share: Annotated[
        float | None,
        typer.Option(help="Which share of the features' squared norms stays, from 0 to 1."),
    ] = None,
    agreement: Annotated[
        float | None,
        typer.Option(
            help="On which share of the test images the class stays the same, from 0 to 1."
        ),
    ] = None,
    bound: Annotated[
        float | None, typer.Option(help="By how much a logit may move at most, within --radius.")
    ] = None,
    radius: Annotated[
        float | None,
        typer.Option(help="For --bound: the largest norm of the inputs that it holds for."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="A network that 'bilinear train' or 'bilinear import' wrote: what the smaller "
            "graph keeps of it is measured on the test images."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Cut the weakest features of GRAPH and write what stays to FILE.

    One of --features, --share, --agreement and --bound says how far. What was cut stays in the file
    as a residual of each logit, and takes no part in what the graph computes. With --agreement,
    features are chosen on the images on which --model measures: others would show a little less.
    """
    check_other(file, "FILE", GRAPH=graph, MODEL=model)
    whole = load_graph(graph)
    network = None if model is None else network_of(model)
    digits = None if network is None and agreement is None else data_of(data)
    images = None if digits is None else digits.test_images
    pruned = prune(
        whole,
        features=features,
        share=share,
        agreement=agreement,
        images=None if agreement is None else images,
        bound=bound,
        radius=radius,
    )
    count = sum(node[0] == "feature" for node in whole)
    line = f"{file}: {_features(pruned):,} of {counted(count, 'feature')} stay"
    if network is not None and digits is not None:
        kept = fidelity(pruned, network, digits)
        line += (
            f"; the class stays the network's on {kept.agreeing:,} of {kept.images:,} test "
            f"{digits.shape.noun}s, "
            f"{kept.accuracy:.2%} are labelled correctly, {_norm(kept.norm)}"
        )
    save_graph(pruned, file)
    typer.echo(line)


def _norm(share: float) -> str:
    if share >= 0:
        return f"{share:.2%} of the squared norm stays"
    return f"the difference has {1 - share:.3g} times the network's squared norm"


def export_graph(
    graph: Graph,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write, such as graph.graphml.")
    ],
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"One of {', '.join(_SAVE)}: for networkx, for Gephi and its like, for viewers of "
            "attribution graphs. Left out, a FILE that ends in .graphml is graphml and one in "
            ".json node-link.",
        ),
    ] = None,
    image: Annotated[
        int | None,
        typer.Option(
            help="In an attribution graph, show what nodes add to one another on this test image, "
            "counted from 0. Left out, links carry the graph's weights."
        ),
    ] = None,
    most: Annotated[
        int | None,
        typer.Option(
            help="In an attribution graph, keep this many features, the most influential."
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Write GRAPH to FILE for other programs.

    Node-link and graphml files hold the whole graph. An attribution graph shows what takes part,
    without features that were cut, and is entered in graph-metadata.json beside FILE.
    """
    check_other(file, "FILE", GRAPH=graph)
    chosen = _format(format_, file)
    for name, value in {"--image": image, "--most": most}.items():
        if value is not None and chosen != "attribution":
            raise ProofError(f"expected {name} only with --format attribution, got {chosen}")
    whole = load_graph(graph)
    settings: dict[str, Any] = {} if most is None else {"most": most}
    if image is not None:
        settings |= _shown(image, data)
    _SAVE[chosen](whole, file, **settings)
    count = sum(node[0] == "feature" for node in whole)
    if chosen == "attribution":
        count = min(_features(whole), count if most is None else most)
    typer.echo(f"{file}: {chosen}, {counted(count, 'feature')}")


def _features(graph: nx.DiGraph[Node]) -> int:
    """Return how many features take part."""
    return sum(node[0] == "feature" and takes_part(graph, node) for node in graph)


def _format(asked: str | None, file: Path) -> str:
    chosen = _FORMAT_OF.get(file.suffix.lower()) if asked is None else asked
    if chosen is None:
        raise ProofError(
            f"expected --format, or FILE to end in {' or '.join(_FORMAT_OF)}, got {file}"
        )
    if chosen not in _SAVE:
        raise ProofError(f"expected --format to be one of {', '.join(_SAVE)}, got {chosen!r}")
    return chosen


def _shown(number: int, data: Path | None) -> dict[str, Any]:
    """Return the settings of an attribution graph on a test image."""
    digits = data_of(data)
    if not 0 <= number < len(digits.test_images):
        raise ProofError(
            f"expected --image to lie in 0..{len(digits.test_images) - 1}, got {number}"
        )
    label = digits.called(int(digits.test_labels[number]))
    prompt = f"test {digits.shape.noun} {number}, labelled {label}"
    return {"image": digits.test_images[number], "prompt": prompt}
