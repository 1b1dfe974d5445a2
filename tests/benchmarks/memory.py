"""The peak memory of what runs in a process of its own, without that of the process that asks.

``ru_maxrss`` of a new program begins with what its parent had when it was started: a process that
has taken 2 GB is told 2 GB of every small child. Linux counts ``VmHWM`` anew for each program.
"""

from __future__ import annotations

import multiprocessing
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_GB = 1e6
"""In Linux's kB, which are 1,024 bytes."""

_LARGEST_CHILD = """
import resource, subprocess, sys
finished = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(finished.returncode)
"""


def alone(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """Call a function in a process of its own; return its result and the peak memory in GB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_with_peak, (function, arguments))


def run_alone(command: Sequence[str]) -> tuple[bool, float]:
    """Run a program; return whether it ended well, and the peak of its largest process in GB.

    It is started by a small process, whose memory is all that the program's begins with.
    """
    starter = [sys.executable, "-S", "-c", _LARGEST_CHILD, *command]
    finished = subprocess.run(starter, check=False, capture_output=True)  # noqa: S603 -- ours
    return finished.returncode == 0, int(finished.stdout) / _GB


def _with_peak(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, float]:
    result = function(*arguments)
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return result, int(found[1]) / _GB if found else float("nan")
