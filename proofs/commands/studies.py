"""The command that makes studies: claims about features and networks, measured."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import joblib
import typer

from numeric.studies.account import Account
from numeric.studies.recovery import recovery_study
from numeric.studies.running import Setting
from proofs.commands.arguments import Data, data_of
from proofs.errors import ProofError
from proofs.report.folder import made
from proofs.report.study_page import write_study

STUDIES: dict[str, Callable[[Setting], Account]] = {
    "planted": recovery_study,
}
"""The studies by the name that the command knows them by."""


def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help=f"Which study: {', '.join(STUDIES)}.")
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Receives what it finds; left out, runs/study-NAME."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Small sizes, in minutes: to see that all works."),
    ] = False,
    jobs: Annotated[int, typer.Option(help="How many processes work at a time.")] = 1,
    data: Data = None,
) -> None:
    """Measure a claim about features, and say what speaks against it.

    Figures that speak for the claim and against it are printed alike. FOLDER receives study.html,
    pictures, and every measurement as JSON and CSV. What is finished is kept: an interrupted study
    goes on where it was when the same command is given again.
    """
    if name not in STUDIES:
        raise ProofError(f"expected NAME to be one of {', '.join(STUDIES)}, got {name}")
    place = made(Path("runs", f"study-{name}") if folder is None else folder)
    setting = Setting(
        place / "parts", quick=quick, jobs=jobs, digits=functools.cache(lambda: data_of(data))
    )
    # Ctrl-C reaches every process of a terminal; one of them answers, and ends the others.
    deaf = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    with joblib.parallel_config(backend="loky", **deaf):
        account = STUDIES[name](setting)
    options = " --quick" if quick else ""
    page = write_study(account, place, command=f"bilinear study {name}{options}", quick=quick)
    for heading, sentences in (
        ("for", account.speaks_for),
        ("against", account.speaks_against),
    ):
        for sentence in sentences:
            typer.echo(f"{heading}: {sentence}")
    typer.echo(f"page: {page}")
