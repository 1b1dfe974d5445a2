"""Arguments and options that several commands have, with the help that they show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from numeric import Digits, load_data, load_mnist, load_network
from numeric.data.modular_addition import NAME, ModularAddition
from numeric.files import check_place, is_there, user_path
from numeric.networks.layered import Network
from numeric.networks.network_files import renewed
from proofs.errors import ProofError

Data = Annotated[
    Path | None,
    typer.Option(
        help="Your own inputs and labels: an .npz or .safetensors file, or a folder with four "
        "files like MNIST's, such as Fashion-MNIST. Nothing else is looked at. Left out, MNIST is "
        "found or fetched."
    ),
]
Depth = Annotated[int, typer.Option(help="Number of bilinear layers.")]
Width = Annotated[int, typer.Option(help="Numbers handed on from each layer to the next.")]
Hidden = Annotated[int, typer.Option(help="Number of neurons of each layer.")]
Bias = Annotated[bool, typer.Option(help="Whether the layers have biases.")]
Residual = Annotated[bool, typer.Option(help="Whether each layer adds its input to its output.")]
Embedding = Annotated[
    bool,
    typer.Option(help="Whether a linear map first makes as many numbers as --width of the inputs."),
]
Epochs = Annotated[
    int, typer.Option(help="Passes over the training images, of which MNIST has 60,000.")
]
Noise = Annotated[
    float,
    typer.Option(help="Standard deviation of the noise on the inputs, such as pixels from 0 to 1."),
]
Seed = Annotated[
    int, typer.Option(help="Draws the first weights, the order of the images and the noise.")
]


def data_of(path: str | os.PathLike[str] | None) -> Digits:
    """Return the data that an option names, or MNIST."""
    return load_mnist() if path is None else load_data(path)


Task = Annotated[
    str | None,
    typer.Option(
        help=f"In place of data, a task whose inputs are all looked at: {NAME}, a + b modulo a "
        "number."
    ),
]
Modulus = Annotated[int | None, typer.Option(help=f"The modulus of {NAME}; left out, 59.")]


def task_of(
    name: str | None, modulus: int | None, data: str | os.PathLike[str] | None
) -> ModularAddition | None:
    """Return the task that options name, if they name one."""
    if name is None:
        if modulus is not None:
            raise ProofError(f"expected --modulus only with --task {NAME}, got {modulus}")
        return None
    if name != NAME:
        raise ProofError(f"expected --task to be {NAME}, got {name}")
    if data is not None:
        raise ProofError(f"expected --task or --data, got both: {name} and {data}")
    return ModularAddition() if modulus is None else ModularAddition(modulus)


Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL", help="A network that 'bilinear train' or 'bilinear import' wrote."
    ),
]


def network_of(path: Path) -> Network:
    """Return the network of a file, which is written anew where it is of an earlier format.

    A certificate names the file that it is about, and the checker reads today's format.

    Raises:
        NumericError: as :func:`numeric.load_network`, or it cannot be written anew.
    """
    if renewed(path):
        typer.echo(f"bilinear: {path} was of an earlier format, and is written anew", err=True)
    return load_network(path)


Graph = Annotated[
    Path,
    typer.Argument(
        metavar="GRAPH", help="A graph that 'bilinear trace' or 'bilinear prune' wrote."
    ),
]


def check_other(file: Path, name: str, **read: Path | None) -> None:
    """Refuse to write over a file that is read, or where no file can be written.

    Args:
        file: what is to be written.
        name: what an error calls it.
        read: what is read, by name.

    Raises:
        ProofError: one of them is the same file.
        NumericError: no file can be written there.
    """
    written = user_path(file, name)
    for other, given in read.items():
        path = None if given is None else user_path(given, other)
        if path is not None and is_there(written) and is_there(path) and written.samefile(path):
            raise ProofError(
                f"expected {name} to be another file than {other}, got {file} for both"
            )
    check_place(written)
