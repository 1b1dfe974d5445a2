"""The main job: train, trace, rewrite, prove and report, in one folder that a second run reuses."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import networkx as nx

from numeric import (
    BilinearNetwork,
    Digits,
    load_graph,
    load_mnist,
    save_graph,
    save_network,
    square_layers,
    trace,
    train,
)
from numeric.features.patterns import Patterns
from numeric.files import digest, replacing
from numeric.network import Configuration
from numeric.network_files import read_network
from numeric.schema import Node
from numeric.training import Epoch, Recipe
from proofs.claims import Certificate
from proofs.errors import ProofError
from proofs.pictures import all_pictures
from proofs.prove import prove
from proofs.report import write_report

METHODS = ("polarized", "eigen")
"""The rewrites of a run: one that is proved, one that is looked at."""

Say = Callable[[str], None]


def run(
    folder: str | os.PathLike[str],
    configuration: Configuration,
    recipe: Recipe,
    *,
    data: str | os.PathLike[str] | None = None,
    say: Say = print,
) -> Certificate:
    """Train a network on MNIST, rewrite it as a feature graph, and prove that nothing changed.

    Args:
        folder: receives ``model.safetensors``, a ``graph-….safetensors`` for each method,
            ``certificate.json``, ``pictures/`` and ``report.html``. The network and the graphs that
            an earlier run left there are used if they fit; the proof is made anew.
        configuration: the network's shape.
        recipe: how it is trained; its seed draws the first weights too.
        data: a folder with MNIST, if it should not come from the cache or the network.
        say: receives a line for each step.

    Returns:
        The certificate.

    Raises:
        ProofError: the folder is a file or cannot be made, or it holds another network.
        NumericError: MNIST cannot be had, or a file is damaged or cannot be written.
    """
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProofError(
            f"expected the output folder {target} to be a folder, got: {error.strerror}"
        ) from None
    with _step(say, "MNIST"):
        digits = load_mnist(data)
    with _step(say, f"network of depth {configuration.depth}"):
        model, history = trained(target / "model.safetensors", configuration, recipe, digits)
    graphs = {}
    for method in METHODS:
        with _step(say, f"{method} features"):
            graphs[method] = traced(target / f"graph-{method}.safetensors", model, method)
    # Made anew in every run: a claim is said where it has been proved, not where a file says so.
    with _step(say, "proof"):
        certificate = prove(model, list(graphs.values()), digits)
        certificate.save(target / "certificate.json")
    for claim in certificate.claims:
        say(f"  {claim}")
    with _step(say, "pictures and report"):
        layers, squares = model.layers(), square_layers(graphs["eigen"])
        patterns = Patterns(layers, squares)
        figures = all_pictures(patterns, [len(layer.linear) for layer in layers], history)
        for name, figure in figures.items():
            with replacing(target / "pictures" / f"{name}.png") as temporary:
                figure.savefig(temporary, format="png", dpi=110)
        write_report(target, model, recipe, certificate, graphs)
    say(f"report: {target / 'report.html'}")
    return certificate


def trained(
    path: Path, configuration: Configuration, recipe: Recipe, digits: Digits
) -> tuple[BilinearNetwork, list[Epoch]]:
    """Return the network of a folder, trained now or, from its last epoch on, before.

    Raises:
        ProofError: the file holds a network of another shape or recipe, or no history.
    """
    asked = {"configuration": asdict(configuration), "recipe": asdict(recipe)}
    if path.exists():
        model, notes = read_network(path)
        found = {"configuration": asdict(model.configuration), "recipe": notes.get("recipe")}
        if found != asked:
            raise ProofError(
                f"expected {path} to hold the network asked for, got {_differences(asked, found)}: "
                "name another folder, or the same settings"
            )
        return model, _history(notes.get("history"), path)
    model = BilinearNetwork.from_configuration(configuration, seed=recipe.seed)
    checkpoint = path.with_name(f"{path.stem}-checkpoint.safetensors")
    history = train(model, digits, **asdict(recipe), checkpoint=checkpoint)
    notes = {"recipe": asdict(recipe), "history": [asdict(epoch) for epoch in history]}
    save_network(model, path, notes=notes)
    checkpoint.unlink(missing_ok=True)
    return model, history


def traced(path: Path, model: BilinearNetwork, method: str) -> nx.DiGraph[Node]:
    """Return a network's graph, from the file if it is of this network and method."""
    network = digest(array for layer in model.layers() for array in layer)
    if path.exists():
        graph = load_graph(path)
        if graph.graph.get("network") == network and graph.graph.get("method") == method:
            return graph
    graph = trace(model, method)
    save_graph(graph, path)
    return graph


def _history(epochs: object, path: Path) -> list[Epoch]:
    """Return the epochs in a network's notes."""
    with suppress(TypeError):
        history = [Epoch(**epoch) for epoch in epochs]  # type: ignore[attr-defined]  # refused below
        if all(isinstance(x, float) for epoch in history for x in (epoch.loss, epoch.accuracy)):
            return history
    raise ProofError(f"expected {path} to hold the history of its training, got {epochs!r}")


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
