"""Progress bars for people: on a terminal, and nowhere else."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import Progress, ProgressColumn


def progress_bar(*columns: str | ProgressColumn) -> Progress:
    """Return a bar on standard error that is silent where nobody watches.

    Args:
        columns: as for :class:`rich.progress.Progress`; left out, rich's own.

    Examples:
        >>> with progress_bar() as progress:
        ...     task = progress.add_task("counting", total=2)
        ...     progress.advance(task, 2)
    """
    # Not rich's own judgement of what a terminal is: FORCE_COLOR would put the bar into a pipe.
    # A process that was started without a standard error has None there.
    silent = sys.stderr is None or not sys.stderr.isatty()
    console = Console(stderr=True, quiet=silent)
    return Progress(*columns, console=console, disable=silent, transient=True)
