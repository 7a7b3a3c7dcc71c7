"""`evalkit new`: a folder to start from, with a commented evaluation and empty tables."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from evalkit.cli.options import AsJson
from evalkit.cli.output import guarded, say, write_json
from evalkit.errors import InvalidInput

ANSWER_KEY = ("person", "wave", "informant", "respondent", "date")
HEADERS: dict[str, tuple[str, ...]] = {
    "people.csv": (
        "person", "family", "role", "arm", "site", "age", "sex", "need_tier", "typology",
        "eligible", "consent", "allocated_on", "received", "sessions", "left_on", "left_reason",
    ),
    "sdq_parent.csv": (*ANSWER_KEY, *(f"q{n}" for n in range(1, 26))),
    "swemwbs.csv": (*ANSWER_KEY, *(f"q{n}" for n in range(1, 8))),
    "events.csv": ("family", "date", "kind", "value"),
}  # fmt: skip
TEXTS = ("evaluation.yaml", "README.md")
SCHEMA = "evaluation.schema.json"


@guarded
def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder not there yet, or empty.")
    ],
    as_json: AsJson = False,
) -> None:
    """Make a folder with a commented evaluation.yaml, empty tables and a README."""
    if folder.exists() and not folder.is_dir():
        raise InvalidInput(f"{folder} is a file. Choose the name of a new folder.")
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidInput(f"{folder} is not empty. Nothing was written. Choose a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    if as_json:
        files_made = sorted(path.name for path in folder.iterdir())
        return write_json({"ok": True, "folder": str(folder.resolve()), "files": files_made})
    say(f"Made {folder.resolve()}")
    say("Next:")
    say("  1. Open README.md there: it says what to fill in, and in which order.")
    say("  2. Change evaluation.yaml to say what your programme is and how it is evaluated.")
    say("  3. Fill the tables, from people.csv on.")
    say(f"  4. evalkit check {quoted(folder / 'evaluation.yaml')}")


def quoted(path: Path) -> str:
    """Return a path as a shell takes it in one piece, on every system."""
    text = str(path)
    return f'"{text}"' if any(sign in text for sign in " '()&;") else text


def contents() -> dict[str, str]:
    """Return the text of every file of the folder by its name."""
    from evalkit.files.schemas import read_schema
    from evalkit.schemas import NAME

    starter = files("evalkit.cli") / "starter"
    texts = {name: (starter / name).read_text(encoding="utf-8") for name in TEXTS}
    tables = {name: ",".join(columns) + "\n" for name, columns in HEADERS.items()}
    return {**texts, **tables, SCHEMA: read_schema(NAME)}
