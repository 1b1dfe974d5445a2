"""The main job: train, trace, rewrite, prove and report, in one folder that a second run reuses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import networkx as nx

from numeric import (
    BilinearNetwork,
    Digits,
    Fidelity,
    InputShape,
    fidelity,
    load_graph,
    prune,
    save_graph,
    save_network,
    square_layers,
    trace,
    train,
)
from numeric.files import digest, is_there, user_path
from numeric.graphs.schema import Node
from numeric.networks.network import Configuration
from numeric.networks.network_files import read_network, renewed
from numeric.networks.training import Epoch, Recipe, chance_accuracy, checked_history
from proofs.certificates.claims import Certificate
from proofs.certificates.files import save_certificate, save_checker
from proofs.certificates.prove import prove
from proofs.commands.arguments import data_of
from proofs.errors import ProofError
from proofs.report.explorer import explorer_data
from proofs.report.page import write_report
from proofs.report.pictures import all_pictures, save_pictures

METHODS = ("polarized", "eigen", "shared")
"""The rewrites of a run: one that is proved, one that keeps every form, one of few features."""

_CUTS = (2, 3, 4, 5, 6, 7)
"""How many eighths of the shared features stay where the frontier is measured."""

_ERROR = 0.05
"""What shared features may leave of each layer's forms where there are few inputs."""

Say = Callable[[str], None]


def run(
    folder: str | os.PathLike[str],
    configuration: Configuration,
    recipe: Recipe,
    *,
    data: str | os.PathLike[str] | None = None,
    say: Say = print,
) -> tuple[Certificate, str | None]:
    """Train a network on images, rewrite it as a feature graph, and prove that nothing changed.

    Args:
        folder: receives ``model.safetensors``, a ``graph-….safetensors`` for each method,
            ``certificate.json``, ``pictures/`` and ``report.html``. The network and the graphs that
            an earlier run left there are used if they fit; the proof is made anew.
        configuration: the network's shape; its inputs and outputs are those of the data.
        recipe: how it is trained; its seed draws the first weights too.
        data: what :func:`numeric.load_data` takes; left out, MNIST is found or fetched.
        say: receives a line for each step.

    Returns:
        The certificate, and what to say where the network has learned nothing.

    Raises:
        ProofError: the folder is a file or cannot be made, or it holds another network.
        NumericError: the images cannot be had, or a file is damaged or cannot be written.
    """
    target = user_path(folder, "the output folder")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProofError(
            f"expected the output folder {target} to be a folder, got: {error.strerror}"
        ) from None
    with _step(say, "MNIST" if data is None else f"images of {data}"):
        digits = data_of(data)
    configuration = replace(configuration, inputs=digits.inputs, outputs=digits.classes)
    with _step(say, f"network of depth {configuration.depth}"):
        model, history = trained(target / "model.safetensors", configuration, recipe, digits)
    nothing = learned_nothing(history, digits)
    if nothing:
        say(f"  {nothing}")
    graphs = {}
    for method in METHODS:
        with _step(say, f"{method} features"):
            count = few(configuration) if method == "shared" else None
            path = target / f"graph-{method}.safetensors"
            graphs[method] = traced(path, model, method, features=count, shape=digits.shape)
    # Made anew in every run: a claim is said where it has been proved, not where a file says so.
    with _step(say, "proof"):
        certificate = prove(model, list(graphs.values()), digits)
        save_certificate(
            certificate,
            target / "certificate.json",
            model=target / "model.safetensors",
            graphs={method: target / f"graph-{method}.safetensors" for method in METHODS},
        )
        save_checker(target / "checker.pyz")
    for claim in certificate.claims:
        say(f"  {claim}")
    with _step(say, "fidelity of few features"):
        frontier = cut_frontier(graphs["shared"], model, digits)
    with _step(say, "explorer"):
        explorer = explorer_data(graphs["shared"], model, digits, certificate.claims)
    with _step(say, "pictures and report"):
        eigen, shared = (square_layers(graphs[method]) for method in ("eigen", "shared"))
        drawn = model.layers(), eigen, shared, history, frontier, digits
        save_pictures(lambda: all_pictures(*drawn), target / "pictures")
        parts = frontier, explorer, digits.shape
        write_report(target, model, recipe, certificate, graphs, *parts)
    say(f"report: {target / 'report.html'}")
    return certificate, nothing


def learned_nothing(history: Sequence[Epoch], digits: Digits) -> str | None:
    """Return what to say of a training that ended no better than guessing, or None."""
    accuracy, chance = history[-1].accuracy, chance_accuracy(digits.test_labels)
    if accuracy > chance:
        return None
    return (
        f"the network has learned nothing: it labels {accuracy:.2%} of the test images correctly, "
        f"where guessing reaches up to {chance:.2%}; train it longer, or with other settings"
    )


def trained(
    path: Path, configuration: Configuration, recipe: Recipe, digits: Digits
) -> tuple[BilinearNetwork, list[Epoch]]:
    """Return the network of a folder, trained now or, from its last epoch on, before.

    Raises:
        ProofError: the file holds a network of another shape or recipe, or of other images.
        NumericError: it does not hold the history of such a training.
    """
    path, data = user_path(path), digest(digits.arrays)
    asked = {"configuration": asdict(configuration), "recipe": asdict(recipe)}
    if is_there(path):
        # One of an earlier format goes on in today's: what is proved names this file.
        renewed(path)
        model, notes = read_network(path)
        if not isinstance(model, BilinearNetwork):
            raise ProofError(
                f"expected {path} to hold a network of a configuration, got {model}: name another "
                "folder"
            )
        found = {"configuration": asdict(model.configuration), "recipe": notes.get("recipe")}
        if found != asked:
            raise ProofError(
                f"expected {path} to hold the network asked for, got {_differences(asked, found)}: "
                "name another folder, or the same settings"
            )
        # A network that does not say what it was trained on is taken for one of these images.
        if notes.get("SHA-256 of the data", data) != data:
            raise ProofError(
                f"expected {path} to hold a network of the images asked for, got one that was "
                "trained on others: name another folder, or the same data"
            )
        epochs = recipe.epochs
        return model, checked_history(notes.get("history"), path, least=epochs, most=epochs)
    model = BilinearNetwork.from_configuration(configuration, seed=recipe.seed)
    checkpoint = path.with_name(f"{path.stem}-checkpoint.safetensors")
    history = train(model, digits, **asdict(recipe), checkpoint=checkpoint)
    notes = {
        "recipe": asdict(recipe),
        "SHA-256 of the data": data,
        "history": [asdict(epoch) for epoch in history],
    }
    save_network(model, path, notes=notes)
    checkpoint.unlink(missing_ok=True)
    return model, history


def few(configuration: Configuration) -> int:
    """Return how many shared features a run looks for: enough for 99 % of the predictions or so.

    Never more than the polarized graph has: those are shared by all outputs too, and lose nothing.
    """
    depth = configuration.depth
    enough = 90 if depth == 1 else 100 + 50 * depth
    return min(enough, 2 * configuration.hidden * depth)


def traced(
    path: Path,
    model: BilinearNetwork,
    method: str,
    *,
    features: int | None = None,
    shape: InputShape | None = None,
) -> nx.DiGraph[Node]:
    """Return a network's graph, from the file if it is of this network and method."""
    network = digest(array for layer in model.layers() for array in layer)
    if is_there(path):
        graph = load_graph(path)
        if graph.graph.get("network") == network and graph.graph.get("method") == method:
            return graph
    # Pixels are alike where they are near; other inputs are not.
    shape = InputShape.of(model.configuration.inputs) if shape is None else shape
    square = shape.kind == "picture" and len({*shape.sizes} - {1}) < 2
    settings: dict[str, Any] = {}
    if features is not None:
        settings["metric"] = "neighbours" if square else "pixels"
        # So few inputs may not have as many features: then as many as come close.
        enough = features <= shape.inputs
        settings |= {"features": features} if enough else {"error": _ERROR}
    graph = trace(model, method, **settings)
    save_graph(graph, path)
    return graph


def cut_frontier(graph: nx.DiGraph[Node], model: BilinearNetwork, digits: Digits) -> list[Fidelity]:
    """Measure a graph after cutting many of its features, fewer and fewer, and at last none."""
    whole = fidelity(graph, model, digits)
    counts = sorted({max(1, whole.features * eighths // 8) for eighths in _CUTS})
    cut = [prune(graph, features=count) for count in counts if count < whole.features]
    return [*(fidelity(pruned, model, digits) for pruned in cut), whole]


def _differences(asked: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Say which settings differ, each as found and as asked for."""
    lines = []
    for group, settings in asked.items():
        there = found[group] if isinstance(found[group], Mapping) else {}
        lines += [
            f"{name} {there.get(name)} where {value} was asked for"
            for name, value in settings.items()
            if there.get(name) != value
        ]
    return ", ".join(lines)


@contextmanager
def _step(say: Say, name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - start:.1f} s")
