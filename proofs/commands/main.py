"""The command line: train a network, trace its features, prove what they keep, or all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from numeric.networks.network import Configuration
from numeric.networks.training import Recipe
from proofs.commands.arguments import (
    Bias,
    Data,
    Depth,
    Embedding,
    Epochs,
    Hidden,
    Model,
    Noise,
    Residual,
    Seed,
    Width,
    data_of,
    network_of,
)
from proofs.commands.certificates import (
    certify_images,
    check_certificate,
    conclude,
    prove_graphs,
)
from proofs.commands.endings import Commands, Status, prepare_process
from proofs.commands.graphs import export_graph, prune_features, trace_features
from proofs.commands.importing import import_weights
from proofs.commands.pipeline import learned_nothing, noted_training, trained
from proofs.commands.pipeline import run as run_all
from proofs.report.folder import write_report

_DEFAULTS = Recipe()


app = typer.Typer(
    cls=Commands,
    help=(
        "What a bilinear network computes, read exactly from its weights, and the proof of it.\n\n"
        "Begin with 'bilinear run', which does all on MNIST; train, trace and prove are its steps. "
        "A network of your own comes in by import, and report does the rest with it. Beside them, "
        "prune makes graphs smaller, export writes them for other programs, certify proves how far "
        "each image's class holds, and check verifies what was proved. "
        "The exit status is "
        + ", ".join(f"{status.value} where {status.meaning}" for status in Status)
        + "."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
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


app.command("import")(import_weights)
app.command("trace")(trace_features)
app.command("prune")(prune_features)
app.command("export")(export_graph)
app.command("prove")(prove_graphs)
app.command("certify")(certify_images)
app.command("check")(check_certificate)


@app.command()
def run(
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
) -> None:
    """Train, trace, rewrite, prove and report, all in one FOLDER.

    The folder receives the network, its graphs, the certificate, pictures and report.html, which
    shows it all. A second run on the same folder uses what is there. The exit status is 1 if a
    claim fails, and 3 if the network has learned nothing.
    """
    configuration = Configuration(784, 10, depth, width, hidden, bias, residual, embedding)
    recipe = Recipe(epochs=epochs, noise=noise, seed=seed)
    certificate, nothing = run_all(folder, configuration, recipe, data=data, say=typer.echo)
    conclude(certificate)
    _conclude_training(nothing)


@app.command()
def report(
    model: Model,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Receives graphs, certificate and page.")
    ],
    data: Data = None,
) -> None:
    """Trace MODEL, prove its graphs, and show it all on a page.

    It does in FOLDER what 'bilinear run' does after training, for any network. The page is
    report.html. The exit status is 1 if a claim fails.
    """
    network, digits = network_of(model), data_of(data)
    training = noted_training(model)
    conclude(write_report(network, digits, folder, training=training, say=typer.echo))


def _conclude_training(nothing: str | None) -> None:
    """Exit with a status of its own where a network has learned nothing, and say so."""
    if nothing:
        typer.echo(nothing, err=True)
        raise typer.Exit(Status.CHANCE)


def main() -> None:
    """Run the command."""
    prepare_process()
    app()


if __name__ == "__main__":
    main()
