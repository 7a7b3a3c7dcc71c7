"""The command `evalkit` and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from evalkit import __version__
from evalkit.cli import (
    adding,
    cataloguing,
    checking,
    demonstrating,
    diagnosing,
    exporting,
    later,
    listing,
    powering,
    randomising,
    running,
    scoring,
    starting,
)
from evalkit.cli.output import say

SETTINGS = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(
    name="evalkit",
    help="Evaluate social programmes: from a theory of change to a defensible finding.",
    epilog="Start with `evalkit demo` to see reports, or `evalkit new DIR` to write your own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=SETTINGS,
)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"evalkit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Evaluate social programmes: from a theory of change to a defensible finding."""


app.command("demo")(demonstrating.demo)
app.command("new")(starting.new)
app.command("check")(checking.check)
app.command("run")(running.run)
app.command("diagnose")(diagnosing.diagnose)
app.command("power")(powering.power)
app.command("score")(scoring.score)
app.command("randomise")(randomising.randomise)
app.add_typer(listing.measures, name="measures")
app.add_typer(listing.designs, name="designs")
listing.measures.command("check")(adding.check)
listing.measures.command("new")(adding.new)
listing.measures.command("export")(exporting.export)
listing.measures.command("catalogue")(cataloguing.catalogue)
for _name in later.COMMANDS:
    later.add(app, _name)
