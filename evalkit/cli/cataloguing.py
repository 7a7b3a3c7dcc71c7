"""`evalkit measures catalogue`: every measure on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evalkit.cli.options import MeasuresFolder
from evalkit.cli.output import guarded, say
from evalkit.errors import InvalidInput


@guarded
def catalogue(
    out: Annotated[Path, typer.Option("--out", help="The page to write.")] = Path("measures.html"),
    folder: MeasuresFolder = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if there is one.")
    ] = False,
) -> None:
    """Write a page of all measures: an index, and a card of each with its scoring and licence."""
    from evalkit.content import registry
    from evalkit.reports.catalogue import catalogue as page

    if out.suffix.lower() not in (".html", ".htm"):
        raise InvalidInput(f"The catalogue is a web page. Name it with .html, not '{out.name}'.")
    if out.exists() and not force:
        what = f"{out} is there already. Nothing was written."
        raise InvalidInput(f"{what} Name another file with --out, or add --force to replace it.")
    found = registry(() if folder is None else (str(folder),))
    text = page(found)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8", newline="\n")
    say(f"Written: {out}, {len(found.measures())} measures. Open it in a browser.")
