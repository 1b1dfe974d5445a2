"""The command line: train a network, trace its features, prove what they keep, or all of it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from proofs.commands.endings import Status, prepare_process
from proofs.commands.loading import Commands, announce

COMMANDS = {
    "train": ("whole:train", "Train a network on MNIST, or --data, and write it to MODEL."),
    "import": (
        "importing:import_weights",
        "Make NETWORK from the weights that other code wrote to FILE.",
    ),
    "trace": ("graphs:trace_features", "Write the graph of MODEL's features to GRAPH."),
    "prune": (
        "graphs:prune_features",
        "Cut the weakest features of GRAPH and write what stays to FILE.",
    ),
    "export": ("graphs:export_graph", "Write GRAPH to FILE for other programs."),
    "compare": ("comparing:compare", "Say what SECOND computes that FIRST does not."),
    "prove": ("certificates:prove_graphs", "Prove and measure what graphs keep of MODEL."),
    "certify": (
        "certificates:certify_images",
        "Prove around every test image how far MODEL's class holds.",
    ),
    "check": (
        "certificates:check_certificate",
        "Verify every claim of a certificate from the files that it names.",
    ),
    "study": ("studies:study", "Measure a claim about features, and say what speaks against it."),
    "run": ("whole:run", "Train, trace, rewrite, prove and report, all in one FOLDER."),
    "report": ("whole:report", "Trace MODEL, prove its graphs, and show it all on a page."),
}
"""Where each command is, and the first sentence of its documentation."""

app = typer.Typer(
    cls=Commands,
    help=(
        "What a bilinear network computes, read exactly from its weights, and the proof of it.\n\n"
        "Begin with 'bilinear run', which does all on MNIST; train, trace and prove are its steps. "
        "A network of your own comes in by import, and report does the rest with it. Beside them, "
        "prune makes graphs smaller, export writes them for other programs, and compare says what "
        "one network computes and another does not. How far each image's class holds is proved by "
        "certify, what was proved is verified by check, and claims about features and networks are "
        "measured by study. "
        "The exit status is "
        + ", ".join(f"{status.value} where {status.meaning}" for status in Status)
        + "."
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _say_version(value: bool) -> None:
    if value:
        typer.echo(f"bilinear-features {version('bilinear-features')}")
        raise typer.Exit


@app.callback()
def common(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Say which version this is."
        ),
    ] = False,
) -> None:
    """Take what is common to all commands."""


for _name, (_place, _said) in COMMANDS.items():
    announce(app, _name, _place, _said)


def main() -> None:
    """Run the command."""
    prepare_process()
    app()


if __name__ == "__main__":
    main()
