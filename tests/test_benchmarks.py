"""Benchmarks measure what they name."""

from __future__ import annotations

import resource
import sys

import numpy as np

from tests.benchmarks.memory import alone, run_alone

STRING = "len('x' * 200_000_000)"


def test_figures_of_memory_are_without_that_of_the_process_that_measures() -> None:
    large = np.ones(10**9, dtype=np.int8)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > large.nbytes
    result, memory = alone(eval, STRING)
    assert result == 200_000_000
    assert 0.19 < memory < 0.6
    python = [sys.executable, "-S", "-c"]
    done, memory = run_alone([*python, STRING])
    assert done
    assert 0.19 < memory < 0.3
    assert not run_alone([*python, "raise SystemExit(3)"])[0]
