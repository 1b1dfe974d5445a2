"""The command line: train a network, trace its features, prove what they keep, or all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from analytic import AnalyticError
from numeric import NumericError, load_graph, load_mnist, load_network, save_graph, trace
from numeric.network import Configuration
from numeric.trace import METHODS
from numeric.training import Recipe
from proofs.claims import Certificate
from proofs.errors import ProofError
from proofs.pipeline import run as run_all
from proofs.pipeline import trained
from proofs.prove import prove as prove_claims

_DEFAULTS = Recipe()


class _Commands(TyperGroup):
    """The commands; what a user does or gives wrongly ends in one line on standard error."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- as the base class has it
        """Run a command."""
        try:
            return super().invoke(ctx)
        except (AnalyticError, NumericError, ProofError) as error:
            typer.echo(f"bilinear: {error}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo(
                "bilinear: interrupted; the same command goes on from the last epoch or file that "
                "was finished",
                err=True,
            )
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Commands,
    help=(
        "What a bilinear network computes, read exactly from its weights, and the proof of it.\n\n"
        "Begin with 'bilinear run', which does all on MNIST; train, trace and prove are its steps. "
        "The exit status is 0 where all goes well and all claims hold, 1 where a claim fails, and "
        "2 where an argument or a file is wrong."
    ),
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
Width = Annotated[int, typer.Option(help="Numbers handed on from each layer to the next.")]
Hidden = Annotated[int, typer.Option(help="Number of neurons of each layer.")]
Bias = Annotated[bool, typer.Option(help="Whether the layers have biases.")]
Residual = Annotated[bool, typer.Option(help="Whether each layer adds its input to its output.")]
Embedding = Annotated[
    bool, typer.Option(help="Whether a linear map first brings the pixels to as many as --width.")
]
Epochs = Annotated[int, typer.Option(help="Passes over the 60,000 training images.")]
Noise = Annotated[
    float,
    typer.Option(help="Standard deviation of the noise on the pixels, which go from 0 to 1."),
]
Seed = Annotated[
    int, typer.Option(help="Draws the first weights, the order of the images and the noise.")
]
Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A network that 'bilinear train' wrote.")
]


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
    """Train a network on MNIST and write it to MODEL.

    An interrupted training goes on from its last epoch when the same command is given again. A
    MODEL that was trained with the same settings is left as it is.
    """
    configuration = Configuration(784, 10, depth, width, hidden, bias, residual, embedding)
    recipe = Recipe(epochs=epochs, noise=noise, seed=seed)
    _, history = trained(model, configuration, recipe, load_mnist(data))
    typer.echo(f"{model}: {history[-1].accuracy:.2%} of the test images labelled correctly")


@app.command(name="trace")
def trace_features(
    model: Model,
    graph: Annotated[
        Path,
        typer.Argument(metavar="GRAPH", help="The file to write, such as graph.safetensors."),
    ],
    method: Annotated[
        str,
        typer.Option(
            help=f"How to find features, {', '.join(METHODS)}: polarized features can be "
            "proved exactly, eigen and canonical ones can be looked at, shared ones are few."
        ),
    ] = "eigen",
    features: Annotated[
        int | None, typer.Option(help="How many shared features there shall be in all.")
    ] = None,
    components: Annotated[
        int | None,
        typer.Option(help="How many components of each hidden state stay, canonical or shared."),
    ] = None,
) -> None:
    """Write the graph of MODEL's features to GRAPH.

    The features come from the weights alone; no data is looked at.
    """
    if graph.exists() and graph.samefile(model):
        raise ProofError(f"expected GRAPH to be another file than MODEL, got {graph} for both")
    found = trace(load_network(model), method, features=features, components=components)
    save_graph(found, graph)
    count = sum(node[0] == "feature" for node in found)
    typer.echo(f"{graph}: {count:,} features, {found.number_of_edges():,} edges")


@app.command()
def prove(
    model: Model,
    graphs: Annotated[
        list[Path],
        typer.Argument(
            metavar="GRAPH", help="Graphs that 'bilinear trace' wrote, changed by you or not."
        ),
    ],
    certificate: Annotated[
        Path, typer.Option(help="The file that the claims are written to, with their evidence.")
    ] = Path("certificate.json"),
    data: Data = None,
) -> None:
    """Prove and measure what graphs keep of MODEL.

    The claims are printed and written to a file. A claim that fails says at which node, layer and
    coefficient, and the exit status is 1.
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
    claim fails.
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
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
