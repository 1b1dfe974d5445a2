"""How a command ends: its exit status, and one line on standard error where it was stopped."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from enum import IntEnum
from pickle import PicklingError
from typing import Any, NoReturn, Self

import typer
from typer.core import TyperGroup

from proofs.errors import ProofError


class Status(IntEnum):
    """What the exit status of a command says."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> Self:
        """Return a status with what it means."""
        status = int.__new__(cls, value)
        status._value_ = value
        status.meaning = meaning
        return status

    DONE = 0, "all goes well and all claims hold"
    FAILS = 1, "a claim fails"
    WRONG = 2, "an argument or a file is wrong"
    CHANCE = 3, "the network labels no more images correctly than guessing would"
    UNFINISHED = 4, "memory, disk or processes did not suffice to finish"
    FAULT = 5, "the program is at fault"
    INTERRUPTED = 130, "it was interrupted at the keyboard"
    CLOSED = 141, "nobody reads its output any more"
    TERMINATED = 143, "it was told to end (SIGTERM)"


_TIDYING = "ignore:resource_tracker"
"""Which warnings, whose text begins with this, no process that is started shows."""


class Terminated(KeyboardInterrupt):
    """The process was told to end; whoever tidies up after Ctrl-C does so after this too."""


class EndingCommands(TyperGroup):
    """The commands; whatever stops one ends in one line on standard error and a status."""

    def main(self, *args: Any, **settings: Any) -> Any:  # noqa: ANN401 -- as the base class
        """Run the program: what is wrong with the arguments is printed here."""
        with _ending():
            return super().main(*args, **settings)

    def make_context(self, *args: Any, **settings: Any) -> Any:  # noqa: ANN401 -- as the base class
        """Read the arguments, and print the help if they ask for it."""
        with _ending():
            return super().make_context(*args, **settings)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 -- as the base class has it
        """Run a command."""
        with _ending():
            return super().invoke(ctx)


def prepare_process() -> None:
    r"""Let no console's encoding stop the output, and let SIGTERM tidy up as Ctrl-C does.

    What a console cannot show is written as ``\\u…``. A second SIGTERM ends the process at once.
    The process that tidies up after joblib's does not say that a file had been removed before.
    """
    given = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{given},{_TIDYING}" if given else _TIDYING
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)


def _terminate(*_: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Terminated


@contextmanager
def _ending() -> Iterator[None]:
    """Say what stopped a command, and exit with its status."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        if hasattr(error, "exit_code"):  # typer has said all, or will
            raise
        status, line = _judged(error)
        with suppress(OSError):  # nobody may be there to read it
            typer.echo(f"bilinear: {line}", err=True)
        _give_up_closed_output()
        raise SystemExit(status) from None


def _judged(error: BaseException) -> tuple[Status, str]:
    """Return the status that an exception stands for, and what to say of it."""
    again = "the same command goes on from the last epoch or file that was finished"
    if isinstance(error, Terminated):
        return Status.TERMINATED, f"terminated; {again}"
    if isinstance(error, KeyboardInterrupt):
        return Status.INTERRUPTED, f"interrupted; {again}"
    if isinstance(error, BrokenPipeError):
        return Status.CLOSED, "the output was closed before the command had finished"
    own = _is_own(error)
    if _is_of_the_machine(error):
        return Status.UNFINISHED, str(error) if own else f"could not finish: {_named(error)}"
    if own:
        return Status.WRONG, str(error)
    return Status.FAULT, f"a fault of the program, please report it: {_named(error)}{_kept(error)}"


def _is_own(error: BaseException) -> bool:
    # Not imported above, as the packages take seconds that only commands need.
    from analytic import AnalyticError  # noqa: PLC0415
    from numeric import NumericError  # noqa: PLC0415

    return isinstance(error, AnalyticError | NumericError | ProofError)


def _is_of_the_machine(error: BaseException | None) -> bool:
    """Return whether an exception, or what it was raised from, is about memory, disk or processes.

    An error of the project's own counts as such where it is raised ``from`` one that does.
    """
    while error is not None:
        # No task of ours fails to be pickled but for the disk that large arrays go over.
        if isinstance(error, MemoryError | BrokenExecutor | PicklingError):
            return True
        torch = sys.modules.get("torch")  # which has raised nothing where it is not loaded
        if torch is not None and isinstance(error, torch.OutOfMemoryError):
            return True
        if isinstance(error, OSError) and error.errno in _MACHINE:
            return True
        if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):
            return True  # torch has no type of its own for the memory of the processor
        error = error.__cause__
    return False


_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EAGAIN, errno.EMFILE}


def _named(error: BaseException) -> str:
    """Return the type of an exception and its message, in one line."""
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _kept(error: BaseException) -> str:
    """Write where an exception came from to a file; name the file, where one can be written."""
    with (
        suppress(OSError),
        tempfile.NamedTemporaryFile(
            "w", prefix="bilinear-", suffix=".txt", delete=False, encoding="utf-8", errors="replace"
        ) as file,
    ):
        file.writelines(traceback.format_exception(error))
        return f" (its traceback is in {file.name})"
    return ""


def _give_up_closed_output() -> None:
    """Turn away output that nothing takes, so that the interpreter does not try again at its end.

    Source: "Note on SIGPIPE" in the documentation of Python's :mod:`signal`.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
