"""A progress bar for people who watch exact arithmetic at work."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def watched(items: Sequence[Item], description: str) -> Iterable[Item]:
    """Return the items, with a bar on standard error where that is a terminal.

    Examples:
        >>> list(watched([2, 3, 5], "primes"))
        [2, 3, 5]
    """
    # A process that was started without a standard error has None there.
    if sys.stderr is None or not sys.stderr.isatty():
        return items
    return track(items, description, console=Console(stderr=True), transient=True)
