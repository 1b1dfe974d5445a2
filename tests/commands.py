"""The command line as tests call it: on small networks, and on blots in the place of MNIST."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from numeric import BilinearNetwork, save_graph, save_network, trace
from proofs.commands.main import app
from tests.digits import like_mnist

DIGITS = like_mnist()

SMALL = ["--width", "4", "--hidden", "6", "--epochs", "1"]


def bilinear(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def said(result: Result) -> str:
    return " ".join(result.output.split())


def one_line(text: str) -> str:
    (line,) = text.splitlines()
    assert line.startswith("bilinear: ")
    return line.removeprefix("bilinear: ")


def network(depth: int = 2, inputs: int = 784) -> BilinearNetwork:
    return BilinearNetwork(inputs, 10, depth=depth, width=4, hidden=6)


def written_network(folder: Path, depth: int = 2, inputs: int = 784) -> Path:
    save_network(network(depth, inputs), folder / "model.safetensors")
    return folder / "model.safetensors"


def written_graphs(folder: Path, depth: int = 2, inputs: int = 784) -> list[Path]:
    paths = [folder / f"{method}.safetensors" for method in ("polarized", "eigen")]
    for path in paths:
        save_graph(trace(network(depth, inputs), path.stem), path)
    return paths
