"""All that is shown of one network, in one folder: graphs, certificate, pictures and a page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx as nx

from numeric import (
    Digits,
    Fidelity,
    InputShape,
    Layer,
    fidelity,
    load_graph,
    load_network,
    prune,
    save_graph,
    save_network,
    square_layers,
    trace,
)
from numeric.data.modular_addition import ModularAddition
from numeric.files import digest, is_there, user_path
from numeric.graphs.schema import Node
from numeric.networks.layered import Network, Readable
from numeric.networks.network_files import renewed
from numeric.networks.training import Epoch, Recipe
from proofs.certificates.claims import Certificate
from proofs.certificates.files import save_certificate, save_checker
from proofs.certificates.prove import prove, read_network
from proofs.errors import ProofError
from proofs.report.explorer import explorer_data
from proofs.report.page import write_page
from proofs.report.pictures import all_pictures, save_pictures

METHODS = ("polarized", "eigen", "shared")
"""The rewrites of a report: one that is proved, one that keeps every form, one of few features."""

_CUTS = (2, 3, 4, 5, 6, 7)
"""How many eighths of the shared features stay where the frontier is measured."""

_OF_TASK = 60
"""How many shared features are enough to add modulo a number without a mistake."""

_ERROR = 0.05
"""What shared features may leave of each layer's forms where there are few inputs."""

Say = Callable[[str], None]


def write_report(
    network: Readable,
    digits: Digits,
    folder: str | os.PathLike[str],
    *,
    training: tuple[Recipe, Sequence[Epoch]] | None = None,
    task: ModularAddition | None = None,
    name: str | None = None,
    graph: nx.DiGraph[Node] | None = None,
    say: Say | None = None,
) -> Certificate:
    """Trace a network, prove what its graphs keep, and show it all on a page.

    Args:
        network: any network, or its layers in the normal form.
        digits: whose test images it is measured on and shown with.
        folder: receives ``model.safetensors``, a ``graph-….safetensors`` for each method,
            ``certificate.json``, ``checker.pyz``, ``pictures/`` and ``report.html``. Graphs of this
            network that are there are used; the proof is made anew.
        training: how the network was trained and how that went, if the page should say so.
        task: that the network does, all of whose inputs are looked at.
        name: of the network, for the title; left out, it is called by its hash.
        graph: a shared one of the network, such as one of other settings or a pruned one, that
            takes the place of the one that would be looked for, or that is there.
        say: receives a line for each step; left out, nothing is said.

    Returns:
        The certificate.

    Raises:
        ProofError: the folder is a file or cannot be made, or holds another network; the network is
            none, or does not fit the images; the graph is of another network or method.
        NumericError: a weight is not finite, the graph breaks its schema, or a file is damaged or
            cannot be written.

    Examples:
        >>> import numpy as np
        >>> from numeric import BilinearNetwork
        >>> images, labels = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
        >>> folder = getfixture("tmp_path")
        >>> digits = Digits(images, labels, images, labels)
        >>> certificate = write_report(BilinearNetwork(4, 2, hidden=3), digits, folder)
        >>> certificate.holds, (folder / "report.html").exists()
        (True, True)
    """
    tell: Say = say or (lambda _: None)
    target, (model, layers) = made(folder), read_network(network)
    if digits.inputs != layers[0].linear.shape[1] - 1:
        raise ProofError(
            f"expected digits of {layers[0].linear.shape[1] - 1} inputs like the network, got "
            f"{digits.inputs}"
        )
    path = target / "model.safetensors"
    if graph is not None:
        _check_graph(graph, layers)
    _keep(path, model, layers)
    if graph is not None:
        save_graph(graph, target / "graph-shared.safetensors")
    graphs, files = {}, {}
    for method in METHODS:
        with step(tell, f"{method} features"):
            files[method] = target / f"graph-{method}.safetensors"
            features = few(layers, task) if method == "shared" else None
            graphs[method] = traced(
                files[method], layers, method, features=features, shape=digits.shape
            )
    # Made anew each time: a claim is said where it has been proved, not where a file says so.
    with step(tell, "proof"):
        certificate = prove(model, list(graphs.values()), digits, task=task)
        save_certificate(certificate, target / "certificate.json", model=path, graphs=files)
        save_checker(target / "checker.pyz")
    for claim in certificate.claims:
        tell(f"  {claim}")
    with step(tell, "fidelity of few features"):
        frontier = cut_frontier(graphs["shared"], model, digits)
    with step(tell, "explorer"):
        explorer = explorer_data(graphs["shared"], model, digits, certificate.claims)
    with step(tell, "pictures and report"):
        eigen, shared = (square_layers(graphs[method]) for method in ("eigen", "shared"))
        history = () if training is None else training[1]
        drawn = layers, eigen, shared, history, frontier, digits, task
        save_pictures(lambda: all_pictures(*drawn), target / "pictures")
        recipe = None if training is None else training[0]
        parts = frontier, explorer, digits.shape, name
        write_page(target, model, recipe, certificate, graphs, *parts)
    tell(f"report: {target / 'report.html'}")
    return certificate


def made(folder: str | os.PathLike[str]) -> Path:
    """Return the folder that a report goes to, made if it is not there.

    Raises:
        ProofError: it is a file or cannot be made.
    """
    target = user_path(folder, "the output folder")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProofError(
            f"expected the output folder {target} to be a folder, got: {error.strerror}"
        ) from None
    return target


def _check_graph(graph: nx.DiGraph[Node], layers: Sequence[Layer]) -> None:
    if graph.graph.get("method") != "shared":
        raise ProofError(
            f"expected graph to be a shared one, got one of the method {graph.graph.get('method')}"
        )
    if graph.graph.get("network") != _digest(layers):
        raise ProofError("expected graph to be one of the network, got one of another")


def called(path: Path) -> str:
    """Return what a network is called by its file, or by the folder of a file of the usual name.

    Examples:
        >>> called(Path("nets/wide.safetensors")), called(Path("runs/mnist/model.safetensors"))
        ('wide', 'mnist')
    """
    whole = path.resolve()
    return whole.parent.name if whole.stem == "model" and whole.parent.name else whole.stem


def _keep(path: Path, network: Network, layers: Sequence[Layer]) -> None:
    """Write a network where none is; what is there stays if it is the same one."""
    if not is_there(path):
        save_network(network, path)
        return
    # A certificate names this file, and the checker reads today's format.
    renewed(path)
    if _digest(load_network(path).layers()) != _digest(layers):
        raise ProofError(
            f"expected {path} to hold the network that the report is about, got another one: name "
            "another folder"
        )


def _digest(layers: Sequence[Layer]) -> str:
    return digest(array for layer in layers for array in layer)


def few(layers: Sequence[Layer], task: ModularAddition | None = None) -> int:
    """Return how many shared features a report looks for: enough for 99 % of the predictions or so.

    Never more than the polarized graph has: those are shared by all outputs too, and lose nothing.
    """
    neurons = [len(layer.left) for layer in layers if len(layer.left)]
    enough = 30 + 50 * max(len(neurons), 1)
    enough = enough if task is None else min(enough, _OF_TASK)
    return max(1, min(enough, 2 * sum(neurons)))


def traced(
    path: Path,
    layers: Sequence[Layer],
    method: str,
    *,
    features: int | None = None,
    shape: InputShape | None = None,
) -> nx.DiGraph[Node]:
    """Return a network's graph, from the file if it is of this network and method."""
    network = _digest(layers)
    if is_there(path):
        graph = load_graph(path)
        if graph.graph.get("network") == network and graph.graph.get("method") == method:
            return graph
    # Pixels are alike where they are near; other inputs are not.
    shape = InputShape.of(layers[0].linear.shape[1] - 1) if shape is None else shape
    square = shape.kind == "picture" and len({*shape.sizes} - {1}) < 2
    settings: dict[str, Any] = {}
    if features is not None:
        settings["metric"] = "neighbours" if square else "pixels"
        # So few inputs may not have as many features: then as many as come close.
        enough = features <= shape.inputs
        settings |= {"features": features} if enough else {"error": _ERROR}
    graph = trace(layers, method, **settings)
    save_graph(graph, path)
    return graph


def cut_frontier(graph: nx.DiGraph[Node], model: Network, digits: Digits) -> list[Fidelity]:
    """Measure a graph after cutting many of its features, fewer and fewer, and at last none."""
    whole = fidelity(graph, model, digits)
    counts = sorted({max(1, whole.features * eighths // 8) for eighths in _CUTS})
    cut = [prune(graph, features=count) for count in counts if count < whole.features]
    return [*(fidelity(pruned, model, digits) for pruned in cut), whole]


@contextmanager
def step(say: Say, name: str) -> Iterator[None]:
    """Say how long something took."""
    start = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - start:.1f} s")
