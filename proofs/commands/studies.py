"""The command that makes studies: claims about features and networks, measured."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import joblib
import typer

from numeric import Digits, load_data
from numeric.studies.account import Account
from numeric.studies.autoencoder_study import autoencoder_study
from numeric.studies.backdoor import backdoor_study
from numeric.studies.gate_study import gate_study
from numeric.studies.papers import papers_study
from numeric.studies.recovery import recovery_study
from numeric.studies.running import Setting
from proofs.commands.arguments import Data, data_of
from proofs.errors import ProofError
from proofs.report.folder import made
from proofs.report.study_page import write_study

STUDIES: dict[str, Callable[[Setting], Account]] = {
    "planted": recovery_study,
    "autoencoders": autoencoder_study,
    "gates": gate_study,
    "backdoor": backdoor_study,
    "papers": papers_study,
}
"""The studies by the name that the command knows them by."""

_FASHION = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts it."""


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
    fashion: Annotated[
        Path,
        typer.Option(
            help="A folder with the four files of Fashion-MNIST; where there is none, studies go "
            "on without it and say so."
        ),
    ] = _FASHION,
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
        place / "parts",
        quick=quick,
        jobs=jobs,
        digits=functools.cache(lambda: data_of(data)),
        fashion=functools.cache(lambda: fashion_of(fashion)),
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


def fashion_of(folder: Path) -> Digits | str:
    """Return Fashion-MNIST, or say where it is not and how it can be had.

    A folder that is there but does not hold it is an error: it was meant.

    Args:
        folder: that may hold its four files.

    Raises:
        NumericError: there is something else.
    """
    if folder.exists():
        return load_data(folder)
    return (
        f"nothing is at {folder}; on Debian the package dataset-fashion-mnist puts it at "
        f"{_FASHION}, and --fashion names any folder with its four files"
    )
