"""The command that says what one network computes and another does not: compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from proofs.commands.arguments import Data, data_of, network_of
from proofs.report.comparison import NetworkComparison, compare_networks, write_comparison

_NETWORK = "A network that 'bilinear train' or 'bilinear import' wrote"


def compare(
    first: Annotated[Path, typer.Argument(metavar="FIRST", help=f"{_NETWORK}.")],
    second: Annotated[
        Path,
        typer.Argument(
            metavar="SECOND",
            help=f"{_NETWORK}, of as many layers, inputs and outputs: a checkpoint, another seed "
            "or width, a network that was trained further or damaged.",
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Receives the page, pictures and numbers.")
    ] = Path("runs/comparison"),
    count: Annotated[
        int, typer.Option("--differences", help="How many of the strongest differences to name.")
    ] = 5,
    data: Data = None,
) -> None:
    """Say what SECOND computes that FIRST does not.

    Similarity, the strongest differences, and the features that were kept, lost and gained come
    from the weights alone. The test images then show what the differences do: a pattern that calls
    up a class in one network alone stands out, as that of a backdoor does.
    """
    digits = data_of(data)
    networks = network_of(first), network_of(second)
    names = str(first), str(second)
    found = compare_networks(*networks, digits, count=count, names=names, say=typer.echo)
    page = write_comparison(found, digits, folder)
    for line in summary(found, digits.called):
        typer.echo(line)
    typer.echo(f"page: {page}")


def summary(found: NetworkComparison, called: Callable[[int], str]) -> list[str]:
    """Return what was found in a few lines.

    Args:
        found: of two networks.
        called: the name of a class.
    """
    same = found.inputs - found.disagreement.disagreeing
    exchange = found.exchange
    counts = f"{len(exchange.kept)} kept, {len(exchange.lost)} lost, {len(exchange.gained)} gained"
    right = f"right: {found.right[0]:,} and {found.right[1]:,}"
    lines = [
        f"the same polynomial: {'yes' if found.exact.same else 'no'} ({found.exact.method})",
        *(
            f"{name} similarity: {each.value:.4f} ({each.method})"
            for name, each in found.similarities.items()
        ),
        f"the same class on {same:,} of {found.inputs:,}; {right}",
        f"features: {counts}",
    ]
    for number, (each, flip) in enumerate(
        zip(found.differences, found.flips, strict=True), start=1
    ):
        mark = "stands out: " if number - 1 in found.standing_out else ""
        lines.append(
            f"difference {number}: {each.kind}, {each.share:.1%}; {mark}brings {flip.first:.1%} to "
            f"class {called(flip.output)} in the first and {flip.second:.1%} in the second"
        )
    return lines
