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
