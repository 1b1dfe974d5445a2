"""The command line: train a network, trace its features, prove what they keep, or all of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from analytic import AnalyticError
from numeric import NumericError, load_graph, load_mnist, load_network, save_graph, trace
from numeric.decompositions import DECOMPOSITIONS
from numeric.network import Configuration
from numeric.training import Recipe
from proofs.claims import Certificate
from proofs.errors import ProofError
from proofs.pipeline import run as run_all
from proofs.pipeline import trained
from proofs.prove import prove as prove_claims

_DEFAULTS = Recipe()

app = typer.Typer(
    help="What a bilinear network computes, read exactly from its weights, and the proof of it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Data = Annotated[
    Path | None,
    typer.Option(help="A folder with the four MNIST files; left out, they are found or fetched."),
]
Depth = Annotated[int, typer.Option(help="Number of bilinear layers.")]
Width = Annotated[int, typer.Option(help="Size of the hidden state between two layers.")]
Hidden = Annotated[int, typer.Option(help="Number of neurons of each layer.")]
Bias = Annotated[bool, typer.Option(help="Give every layer biases.")]
Residual = Annotated[bool, typer.Option(help="Add each layer's input to its output.")]
Embedding = Annotated[bool, typer.Option(help="Bring the pixels to WIDTH by a linear map first.")]
Epochs = Annotated[int, typer.Option(help="Passes over the 60,000 training images.")]
Noise = Annotated[float, typer.Option(help="Noise on the inputs; 1 is as strong as full white.")]
Seed = Annotated[int, typer.Option(help="Draws first weights, order and noise.")]
Model = Annotated[Path, typer.Argument(help="A network that 'bilinear train' wrote.")]


@app.command()
def train(
    model: Annotated[Path, typer.Argument(help="The file to write, such as model.safetensors.")],
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
    """Train a network on MNIST and write it to MODEL.

    An interrupted training goes on from its last epoch when the same command is given again.
    """
    configuration = Configuration(784, 10, depth, width, hidden, bias, residual, embedding)
    recipe = Recipe(epochs=epochs, noise=noise, seed=seed)
    _, history = trained(model, configuration, recipe, load_mnist(data))
    typer.echo(f"{model}: {history[-1].accuracy:.2%} of the test images labelled correctly")


@app.command(name="trace")
def trace_features(
    model: Model,
    graph: Annotated[Path, typer.Argument(help="The file to write, such as graph.safetensors.")],
    method: Annotated[
        str, typer.Option(help=f"How to find features: {' or '.join(DECOMPOSITIONS)}.")
    ] = "eigen",
) -> None:
    """Find the features of a network in its weights and write their graph to GRAPH."""
    found = trace(load_network(model), method)
    save_graph(found, graph)
    features = sum(node[0] == "feature" for node in found)
    typer.echo(f"{graph}: {features:,} features, {found.number_of_edges():,} edges")


@app.command()
def prove(
    model: Model,
    graphs: Annotated[list[Path], typer.Argument(help="Graphs that 'bilinear trace' wrote.")],
    certificate: Annotated[Path, typer.Option(help="Where the claims are written.")] = Path(
        "certificate.json"
    ),
    data: Data = None,
) -> None:
    """Prove and measure what the graphs keep of the network.

    Exits with 1 if a claim fails; the claim says at which node, layer and coefficient.
    """
    proved = prove_claims(
        load_network(model), [load_graph(path) for path in graphs], load_mnist(data)
    )
    proved.save(certificate)
    for claim in proved.claims:
        typer.echo(str(claim))
    _conclude(proved)


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(help="Receives all that the run makes.")] = Path(
        "runs/mnist"
    ),
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

    A second run on the same folder uses what is there. Exits with 1 if a claim fails.
    """
    configuration = Configuration(784, 10, depth, width, hidden, bias, residual, embedding)
    recipe = Recipe(epochs=epochs, noise=noise, seed=seed)
    _conclude(run_all(folder, configuration, recipe, data=data, say=typer.echo))


def _conclude(certificate: Certificate) -> None:
    failed = [claim for claim in certificate.claims if not claim.holds]
    count = len(certificate.claims)
    if failed:
        typer.echo(f"{len(failed)} of {count} claims fail", err=True)
        raise typer.Exit(1)
    typer.echo(f"all {count} claims hold")


def main() -> None:
    """Run the command; a mistake in its arguments or files becomes one line on standard error."""
    try:
        app()
    except (AnalyticError, NumericError, ProofError) as error:
        typer.echo(f"bilinear: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
