"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[
    bool,
    typer.Option("--json", help="Write one JSON document; words for people go to standard error."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
EvaluationFile = Annotated[
    Path, typer.Argument(metavar="evaluation.yaml", help="The evaluation file.")
]
MeasuresFolder = Annotated[
    Path | None, typer.Option("--measures", help="A folder with measures of your own.")
]


def origin(measure: str, folder: Path | None) -> str:
    """Return where a measure comes from: shipped, a package, a folder."""
    from evalkit.content import registry

    return registry(() if folder is None else (str(folder),)).origin(measure)


def faults(folder: Path | None) -> tuple[str, ...]:
    """Return what is wrong with packages that should add measures."""
    from evalkit.content import registry

    return registry(() if folder is None else (str(folder),)).faults
