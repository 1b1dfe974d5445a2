"""How commands end: a status of its own for each kind of end, and one line that says which."""

from __future__ import annotations

import errno
import io
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

from analytic import AnalyticError
from numeric import NumericError
from proofs.commands import graphs
from proofs.commands.endings import Status, Terminated, prepare_process
from proofs.errors import ProofError
from tests.commands import bilinear, one_line, said, written_network

AGAIN = "the same command goes on from the last epoch or file that was finished"


def os_error(number: int) -> OSError:
    return OSError(number, "what the system says")


def raised_from(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.fixture(autouse=True)
def _process() -> Iterator[None]:
    """Leave the signals and the environment of the process that tests as they are."""
    kept = signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONWARNINGS", "")
        yield
    signal.signal(signal.SIGTERM, kept)


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give an exception to a command in the middle of its work; return how that ends."""

    def end(error: BaseException) -> Any:
        def work(*_: object, **__: object) -> NoReturn:
            raise error

        monkeypatch.setattr(graphs, "trace", work)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        return bilinear("trace", written_network(tmp_path), tmp_path / "graph")

    return end


@pytest.mark.parametrize("error", [AnalyticError, NumericError, ProofError])
def test_what_is_wrong_ends_with_2_and_is_said_as_it_is(ended: Any, error: type[Exception]) -> None:
    result = ended(error("expected one, got two"))
    assert result.exit_code == Status.WRONG == 2
    assert one_line(result.stderr) == "expected one, got two"


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, f"interrupted; {AGAIN}"),
        (Terminated(), 143, f"terminated; {AGAIN}"),
        (
            BrokenPipeError(errno.EPIPE, "Broken pipe"),
            141,
            "the output was closed before the command had finished",
        ),
    ],
)
def test_a_command_that_is_stopped_from_outside_has_the_status_that_shells_know(
    ended: Any, error: BaseException, status: int, line: str
) -> None:
    result = ended(error)
    assert result.exit_code == status
    assert one_line(result.stderr) == line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (MemoryError(), "could not finish: MemoryError"),
        (os_error(errno.ENOSPC), r"could not finish: OSError: \[Errno 28\] what the system says"),
        (os_error(errno.EMFILE), r"could not finish: OSError: .*"),
        (BrokenProcessPool("a worker\nwas killed"), "could not finish: .*: a worker was killed"),
        (torch.OutOfMemoryError("a card is full"), "could not finish: .*: a card is full"),
        (raised_from(ProofError("no worker"), BrokenProcessPool()), "no worker"),
        (raised_from(NumericError("no room"), os_error(errno.ENOSPC)), "no room"),
        (raised_from(TypeError("no task"), os_error(errno.ENOSPC)), ".*TypeError: no task"),
    ],
)  # fmt: skip
def test_what_the_machine_does_not_give_ends_with_4(
    ended: Any, error: BaseException, line: str
) -> None:
    result = ended(error)
    assert result.exit_code == Status.UNFINISHED == 4
    assert re.fullmatch(line, one_line(result.stderr))


@pytest.mark.parametrize("make", [lambda: np.empty(2**55), lambda: torch.empty(2**55)])
def test_memory_that_numpy_or_torch_does_not_get_ends_with_4(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make: Any
) -> None:
    monkeypatch.setattr(graphs, "trace", lambda *_, **__: make())
    result = bilinear("trace", written_network(tmp_path), tmp_path / "graph")
    assert result.exit_code == 4
    assert "could not finish: " in one_line(result.stderr)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x\u0303"),
        RuntimeError("two\nlines"),
        os_error(errno.ENOENT),
        raised_from(TypeError("of another"), KeyError()),
    ],
)
def test_any_other_exception_is_a_fault_of_the_program_whose_traceback_is_kept(
    ended: Any, error: Exception
) -> None:
    result = ended(error)
    assert result.exit_code == Status.FAULT == 5
    words = " ".join(f"{type(error).__name__}: {error}".split())
    found = re.fullmatch(
        rf"a fault of the program, please report it: {re.escape(words)} "
        r"\(its traceback is in (.*\.txt)\)",
        one_line(result.stderr),
    )
    assert found
    kept = Path(found[1]).read_text(encoding="utf-8")
    assert "Traceback (most recent call last):\n" in kept
    assert "in trace_features" in kept


def test_a_fault_is_one_line_also_where_its_traceback_cannot_be_kept(
    ended: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> NoReturn:
        raise os_error(errno.ENOSPC)

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    result = ended(ZeroDivisionError())
    assert result.exit_code == 5
    assert one_line(result.stderr).endswith("please report it: ZeroDivisionError")


@pytest.mark.parametrize("ignored", [False, True])
def test_a_process_that_is_told_to_end_tidies_up_once_unless_it_was_told_not_to_listen(
    *, ignored: bool
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN if ignored else signal.SIG_DFL)
    prepare_process()
    with nullcontext() if ignored else pytest.raises(Terminated):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == (signal.SIG_IGN if ignored else signal.SIG_DFL)


def test_only_who_tidies_up_after_workers_is_silent_about_what_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    prepare_process()
    said_by = [
        subprocess.run(  # noqa: S603 -- ours
            [sys.executable, "-c", f"import warnings; warnings.warn('{text}')"],
            capture_output=True,
            check=True,
            text=True,
        ).stderr
        for text in ("resource_tracker: gone", "a tracker of resources")
    ]
    assert said_by[0] == ""
    assert "a tracker of resources" in said_by[1]


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "ascii", "cp437", "shift-jis"])
def test_what_a_stream_cannot_show_is_written_in_another_way(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    for name, stream in zip(("stdout", "stderr"), streams, strict=True):
        monkeypatch.setattr(sys, name, stream)
    with pytest.raises(UnicodeEncodeError):
        sys.stdout.write("x\u0303")
    prepare_process()
    for stream in streams:
        stream.write("x\u0303 \udcff")
        stream.flush()
        assert stream.buffer.getvalue() == rb"x\u0303 \udcff"


def test_the_help_says_what_each_status_means() -> None:
    text = said(bilinear("--help"))
    for status in Status:
        assert f"{status.value} where {status.meaning}" in text
