"""The progress bar: on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys

import pytest
from rich.progress import BarColumn, TextColumn

from numeric.progress import progress_bar


class Stream(io.StringIO):
    """Standard error, watched or not."""

    def __init__(self, *, watched: bool) -> None:
        super().__init__()
        self.watched = watched

    def isatty(self) -> bool:
        return self.watched


def shown(monkeypatch: pytest.MonkeyPatch, *, watched: bool) -> str:
    stream = Stream(watched=watched)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar(TextColumn("{task.description}"), BarColumn()) as progress:
        progress.advance(progress.add_task("counting", total=2), 2)
    return stream.getvalue()


def test_a_terminal_sees_the_bar_and_standard_output_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "counting" in shown(monkeypatch, watched=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_a_pipe_sees_nothing_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    assert shown(monkeypatch, watched=False) == ""
    assert capsys.readouterr().out == ""


def test_a_process_without_a_standard_error_works_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    with progress_bar() as progress:
        progress.advance(progress.add_task("counting", total=2), 2)
    assert progress.disable
