"""The progress bar: on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from rich.progress import BarColumn, Progress, TextColumn

from numeric import BilinearNetwork, trace
from numeric.features import canonical
from numeric.features.sharing import steps_at_most
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


@pytest.mark.parametrize(("settings", "share"), [({"features": 6}, True), ({"error": 0.5}, False)])
def test_who_waits_for_shared_features_sees_the_search_and_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], *, share: bool
) -> None:
    bars = []

    def remembered(*columns: Any) -> Progress:
        bars.append(progress_bar(*columns))
        return bars[-1]

    monkeypatch.setattr(sys, "stderr", Stream(watched=True))
    monkeypatch.setattr(canonical, "progress_bar", remembered)
    trace(BilinearNetwork(4, 2, depth=2, width=3, hidden=5), "shared", **settings)
    (task,) = bars[0].tasks
    assert task.completed > 10
    assert (task.total is None) != share
    # Line searches look more than once at some steps.
    assert task.completed <= 1.5 * steps_at_most(2)
