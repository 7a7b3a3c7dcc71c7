"""Commands of a later version, refused by name rather than unknown."""

from __future__ import annotations

import typer

from evalkit.cli.output import refuse_later

COMMANDS = ("lock", "track")
_ANYTHING = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def add(app: typer.Typer, name: str) -> None:
    """Add a command that takes anything and says that it is not available in this version."""

    @app.command(name, hidden=True, context_settings=_ANYTHING)
    def refuse(context: typer.Context) -> None:
        refuse_later(name)
