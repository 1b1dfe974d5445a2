"""The commands that train a network, or do all that follows with one: train, run and report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from numeric import load_graph
from numeric.data.modular_addition import NAME
from numeric.networks.configuration import Configuration
from numeric.networks.training import Recipe
from proofs.commands.arguments import (
    Bias,
    Data,
    Depth,
    Embedding,
    Epochs,
    Hidden,
    Model,
    Modulus,
    Noise,
    Residual,
    Seed,
    Task,
    Width,
    data_of,
    network_of,
    task_of,
)
from proofs.commands.certificates import conclude
from proofs.commands.endings import Status
from proofs.commands.pipeline import learned_nothing, noted_training, trained
from proofs.commands.pipeline import run as run_all
from proofs.report.folder import called, write_report

_DEFAULTS = Recipe()

_TASK_RECIPE = Recipe(epochs=1500, noise=0.0, learning_rate=5e-3, weight_decay=4.0)
"""How a network learns to add: in steps that see all that it is trained on."""


def train(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="The file to write, such as model.safetensors."),
    ],
    depth: Depth = 2,
    width: Width = 64,
    hidden: Hidden = 256,
    bias: Bias = True,
    residual: Residual = False,
    embedding: Embedding = False,
    epochs: Epochs = _DEFAULTS.epochs,
    noise: Noise = _DEFAULTS.noise,
    seed: Seed = _DEFAULTS.seed,
    data: Data = None,
) -> None:
    """Train a network on MNIST, or --data, and write it to MODEL.

    An interrupted training goes on from its last epoch when the same command is given again. A
    MODEL that was trained with the same settings is left as it is.
    """
    digits, recipe = data_of(data), Recipe(epochs=epochs, noise=noise, seed=seed)
    sizes = digits.inputs, digits.classes, depth, width, hidden
    configuration = Configuration(*sizes, bias, residual, embedding)
    _, history = trained(model, configuration, recipe, digits)
    typer.echo(f"{model}: {history[-1].accuracy:.2%} of the test images labelled correctly")
    _conclude_training(learned_nothing(history, digits))


def run(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Receives all that the run makes.")
    ] = Path("runs/mnist"),
    depth: Depth = 2,
    width: Width = 64,
    hidden: Hidden = 256,
    bias: Bias = True,
    residual: Residual = False,
    embedding: Embedding = False,
    epochs: Epochs = _DEFAULTS.epochs,
    noise: Noise = _DEFAULTS.noise,
    seed: Seed = _DEFAULTS.seed,
    data: Data = None,
    task: Task = None,
    modulus: Modulus = None,
) -> None:
    """Train, trace, rewrite, prove and report, all in one FOLDER.

    The folder receives the network, its graphs, the certificate, pictures and report.html, which
    shows it all. A second run on the same folder uses what is there. The exit status is 1 if a
    claim fails, and 3 if the network has learned nothing.

    With --task the defaults are different: runs/modular-addition, one layer of 128 neurons without
    biases, 1,500 steps on six tenths of all inputs, no noise. What is proved then holds for every
    input that there is.
    """
    configuration = Configuration(784, 10, depth, width, hidden, bias, residual, embedding)
    recipe = Recipe(epochs=epochs, noise=noise, seed=seed)
    asked = task_of(task, modulus, data)
    if asked is not None:
        free = {name for name in context.params if _is_default(context, name)}
        folder = Path("runs", NAME) if "folder" in free else folder
        ours = {"depth": 1, "hidden": 128, "bias": False}
        configuration = replace(configuration, **_only(free, ours))
        recipe = replace(_TASK_RECIPE, batch=asked.trained, seed=seed)
        recipe = replace(recipe, **_only({"epochs", "noise"} - free, context.params))
    certificate, nothing = run_all(
        folder, configuration, recipe, data=data, task=asked, say=typer.echo
    )
    conclude(certificate)
    _conclude_training(nothing)


def report(
    model: Model,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Receives graphs, certificate and page.")
    ],
    graph: Annotated[
        Path | None,
        typer.Option(
            help="A shared graph of MODEL, such as a pruned one, to show in place of a new one."
        ),
    ] = None,
    data: Data = None,
    task: Task = None,
    modulus: Modulus = None,
) -> None:
    """Trace MODEL, prove its graphs, and show it all on a page.

    It does in FOLDER what 'bilinear run' does after training, for any network. The page is
    report.html. The exit status is 1 if a claim fails.
    """
    network, asked = network_of(model), task_of(task, modulus, data)
    digits = data_of(data) if asked is None else asked.data()
    training = noted_training(model)
    told = write_report(
        network,
        digits,
        folder,
        training=training,
        task=asked,
        name=called(model),
        graph=None if graph is None else load_graph(graph),
        say=typer.echo,
    )
    conclude(told)


def _is_default(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "DEFAULT"


def _only(names: set[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of some names."""
    return {name: value for name, value in settings.items() if name in names}


def _conclude_training(nothing: str | None) -> None:
    """Exit with a status of its own where a network has learned nothing, and say so."""
    if nothing:
        typer.echo(nothing, err=True)
        raise typer.Exit(Status.CHANCE)
