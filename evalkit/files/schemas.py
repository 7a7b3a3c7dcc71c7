"""Read and rewrite the JSON Schemas shipped with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def read_schema(name: str) -> str:
    """Return the text of a shipped schema."""
    return (files("evalkit") / "_schemas" / name).read_text(encoding="utf-8")


def write_schema(name: str, text: str) -> Path:
    """Rewrite a shipped schema; only in a checkout or an editable install."""
    folder = Path(str(files("evalkit"))) / "_schemas"
    folder.mkdir(exist_ok=True)
    place = folder / name
    place.write_text(text, encoding="utf-8", newline="\n")
    return place
