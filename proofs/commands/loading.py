"""Commands that are loaded when one of them is asked for, so that the help is there at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.main import get_command

from proofs.commands.endings import EndingCommands


class Commands(EndingCommands):
    """The commands, of which the help shows what :func:`announce` says."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 -- as the base class
        """Load the command that is asked for, in the place of what announces it."""
        name, announced, rest = super().resolve_command(ctx, args)
        load: Any = announced and announced.callback
        return name, load and load(), rest


def announce(app: typer.Typer, name: str, place: str, said: str) -> None:
    """Enter a command whose module is not loaded yet.

    Args:
        app: that has the command.
        name: of the command.
        place: its module in this package and its function, with a colon between.
        said: the first sentence of the function's documentation.
    """
    module, function = place.split(":")

    def load() -> Any:  # noqa: ANN401 -- a command of click's, which has no types here
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(name)(getattr(import_module(f"proofs.commands.{module}"), function))
        return get_command(alone)

    app.command(name, help=said)(load)
