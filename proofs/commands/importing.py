"""The command that makes a network of weights that other code wrote: import."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from numeric import LayeredNetwork, save_network
from numeric.networks.importing.examples import load_examples
from numeric.networks.importing.foreign import NOT_COMPARED, Reading, read_foreign
from numeric.networks.importing.layouts import LAYOUTS
from numeric.networks.importing.parts import ROLES
from numeric.wording import counted
from proofs.commands.arguments import check_other


def import_weights(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The weights: a state dict or a checkpoint, as safetensors, torch.save or "
            "numpy.savez write it, or a folder of the hub.",
        ),
    ],
    network: Annotated[
        Path,
        typer.Argument(metavar="NETWORK", help="The file to write, such as network.safetensors."),
    ],
    part: Annotated[
        str | None,
        typer.Option(help="A submodule by its name, such as layers.3.mlp: the rest is left out."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help=f"What the names stand for if they leave it open: {', '.join(LAYOUTS)}."),
    ] = None,
    residual: Annotated[
        bool | None,
        typer.Option(
            "--residual/--no-residual",
            help="Whether each layer adds its input to its output. Left out, config.json or a "
            "skip map may say so; otherwise none does.",
        ),
    ] = None,
    interleaved: Annotated[
        bool,
        typer.Option(
            "--interleaved",
            help="In a matrix with both factors, their rows alternate; otherwise those of one come "
            "first.",
        ),
    ] = False,
    transposed: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Which weights are stored transposed, {', '.join(ROLES)}; may be given several "
            "times. Left out, shapes decide where they can."
        ),
    ] = None,
    scale: Annotated[
        float, typer.Option(help="What the output of each layer is multiplied by.")
    ] = 1.0,
    tied: Annotated[
        bool | None,
        typer.Option(
            "--tied/--no-tied",
            help="Whether the head is the embedding, transposed. Left out, as config.json says.",
        ),
    ] = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            help="A file of the arrays inputs and outputs: a few inputs, and what the network "
            "gives for them. What is read from FILE is compared with them."
        ),
    ] = None,
) -> None:
    """Make NETWORK from the weights that other code wrote to FILE.

    Every command that asks for a MODEL takes NETWORK. Nothing in FILE is executed. What weights do
    not say is an option, and --examples tell whether it was the right one.
    """
    check_other(network, "NETWORK", FILE=file, **{"--examples": examples})
    given = None if examples is None else load_examples(examples)
    reading = read_foreign(
        file,
        part=part,
        layout=layout,
        residual=residual,
        interleaved=interleaved,
        transposed=transposed,
        scale=scale,
        tied=tied,
        examples=given,
    )
    read = LayeredNetwork(reading.layers)
    notes = {"layout": reading.layout, "notes": list(reading.notes), "compared": reading.compared}
    save_network(read, network, notes={"imported": notes})
    for note in reading.notes:
        typer.echo(f"{file}: {note}")
    typer.echo(f"{network}: {_size(reading)}, read as {reading.layout}")
    if given is None:
        typer.echo(f"bilinear: {_doubt(reading)}", err=True)
    else:
        typer.echo(f"{network}: computes the outputs of all {len(given[0])} examples in {examples}")


def _size(reading: Reading) -> str:
    neurons = [len(layer.left) for layer in reading.layers if len(layer.left)]
    inputs = reading.layers[0].linear.shape[1] - 1
    outputs = len(reading.layers[-1].linear) - 1
    products = "product" if neurons == [1] else "products"
    return (
        f"{counted(len(neurons), 'layer')} of {_enumerated([f'{count:,}' for count in neurons])} "
        f"{products}, {counted(inputs, 'input')}, {counted(outputs, 'output')}"
    )


def _doubt(reading: Reading) -> str:
    others = _enumerated(reading.alternatives, "or")
    return NOT_COMPARED + (f". The shapes fit with {others} as well" if others else "")


def _enumerated(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
