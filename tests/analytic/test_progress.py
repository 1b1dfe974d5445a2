"""The bar: on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from analytic import ExactNetwork
from analytic.progress import watched
from numeric import BilinearNetwork


class Stream(io.StringIO):
    """Standard error, watched or not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> dict[bool, Stream]:
    monkeypatch.setenv("TERM", "xterm")
    return {terminal: Stream(terminal=terminal) for terminal in (True, False)}


def test_a_terminal_sees_the_bar_and_standard_output_nothing(
    streams: dict[bool, Stream],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stderr", streams[True])
    assert list(watched([2, 3, 5], "counting primes")) == [2, 3, 5]
    assert "counting primes" in streams[True].getvalue()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"])
def test_a_pipe_sees_nothing_whatever_the_environment_says(
    streams: dict[bool, Stream], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(sys, "stderr", streams[False])
    items = [2, 3, 5]
    assert watched(items, "counting primes") is items
    assert streams[False].getvalue() == ""


def test_a_process_without_a_standard_error_works_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    items = [2, 3, 5]
    assert watched(items, "counting primes") is items


def test_a_watched_network_computes_the_same(
    streams: dict[bool, Stream], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = ExactNetwork(BilinearNetwork(2, 1, depth=2, width=2, hidden=2).layers())
    point = np.array([0.25, -3.0])
    answers = []
    for stream in (streams[False], streams[True]):
        monkeypatch.setattr(sys, "stderr", stream)
        hessian = network.hessian(output=0, point=point)
        answers.append((network.evaluate(point[np.newaxis]).tolist(), hessian.tolist()))
    assert answers[0] == answers[1]
    assert streams[False].getvalue() == ""
    for word in ("evaluating", "differentiating"):
        assert word in streams[True].getvalue()
