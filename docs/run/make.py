"""Make this folder anew: a small network trained on MNIST, and what the pages show of it.

The pages load what lies here, so that building them needs neither MNIST nor a training:

=========================  =======================================================================
``model.safetensors``      the network, with the history of its training in the notes
``graph-….safetensors``    its polarized graph, and one of few shared features
``certificate.json``       what is proved of them and of the first test digits, with these
``digits.safetensors``     these digits: ``images`` float32 from 0 to 1, ``labels`` int64
``figures.json``           what was measured and proved on all test digits
=========================  =======================================================================

``python docs/run/make.py`` takes about a minute. A network that is there already is kept, and all
else is made anew for it; without it one is trained, on another machine perhaps another one.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from numeric import (
    BilinearNetwork,
    Digits,
    fidelity,
    load_mnist,
    prune,
    save_graph,
    save_network,
    trace,
    train,
)
from numeric.data.modular_addition import ModularAddition
from numeric.files import save_arrays, write_text
from numeric.networks.configuration import Configuration
from numeric.networks.training import Recipe
from proofs import prove, save_certificate
from proofs.commands.pipeline import trained

FOLDER = Path(__file__).parent

SHOWN = 100
"""How many test digits the pages have."""

FEATURES = 70
"""How many features the graph of few features has."""

FEWER = (40, 50, 60)
"""How many there are where it is cut further, and where a smaller graph is looked for."""


def main() -> None:
    """Train, trace, prove and measure, and write all of it."""
    digits = load_mnist()
    configuration = Configuration(784, 10, 2, 16, 32, bias=True, residual=False, embedding=False)
    path = FOLDER / "model.safetensors"
    model, history = trained(path, configuration, Recipe(), digits)

    few = trace(model, "shared", features=FEATURES, metric="neighbours")
    graphs = {"polarized": trace(model, "polarized"), "shared": few}
    files = {name: FOLDER / f"graph-{name}.safetensors" for name in graphs}
    for name, graph in graphs.items():
        save_graph(graph, files[name])

    images, labels = digits.test_images[:SHOWN], digits.test_labels[:SHOWN]
    save_arrays(
        FOLDER / "digits.safetensors",
        {"images": images, "labels": labels},
        {"digits": f"the first {SHOWN} test digits of MNIST"},
    )
    certificate = prove(model, list(graphs.values()), Digits(images, labels, images, labels))
    save_certificate(certificate, FOLDER / "certificate.json", model=path, graphs=files)

    whole = prove(model, list(graphs.values()), digits)
    cut = [prune(few, features=count) for count in FEWER]
    anew = [trace(model, "shared", features=count, metric="neighbours") for count in FEWER]
    figures = {
        "images": len(digits.test_images),
        "accuracy": history[-1].accuracy,
        "few features": asdict(fidelity(few, model, digits)),
        "cut further": [asdict(fidelity(graph, model, digits)) for graph in cut],
        "looked for anew": [asdict(fidelity(graph, model, digits)) for graph in anew],
        "claims": [
            {"level": claim.level, "statement": claim.statement, "holds": claim.holds}
            for claim in whole.claims
        ],
    }
    write_text(FOLDER / "figures.json", json.dumps(figures, indent=1, ensure_ascii=False) + "\n")


def add() -> None:
    """Train the network that adds, of the page on modular addition."""
    task = ModularAddition(59)
    model = BilinearNetwork(2 * 59, 59, depth=1, hidden=128, bias=False, seed=0)
    settings = {"epochs": 1500, "noise": 0.0, "learning_rate": 5e-3, "weight_decay": 4.0}
    train(model, task.data(), batch=task.trained, **settings)
    save_network(model, FOLDER / "modular-addition.safetensors")


if __name__ == "__main__":
    main()
    add()
