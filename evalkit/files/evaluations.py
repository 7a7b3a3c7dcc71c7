"""Load an `evaluation.yaml` and read the tables beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InvalidEvaluation, Problem, Where
from evalkit.evaluation import Evaluation, build_evaluation
from evalkit.files.strict_yaml import parse

if TYPE_CHECKING:
    from evalkit.files.strict_yaml import Document
    from evalkit.tables import RawTable


def load(path: str | Path, measures: str | Path | None = None) -> Evaluation:
    """Load and check an evaluation file; raises InvalidEvaluation with every problem at once.

    `measures` is a folder with more measures, beside the one that the file may name.
    """
    from evalkit.content import registry

    place = Path(path)
    text = _text(place)
    folder = place.resolve().parent

    def read(name: str, sheet: str | None) -> RawTable:
        from evalkit.files.tables import read_table

        return read_table(folder / name, sheet, name=name)

    document = parse(text, place.name)
    folders = (*_named_folder(document, folder), *([str(measures)] if measures else []))
    return build_evaluation(document, text, registry(folders), read)


def _named_folder(document: Document, folder: Path) -> tuple[str, ...]:
    """Return the folder of measures that the file names, where it is there."""
    named = document.data.get("measures") if isinstance(document.data, dict) else None
    if not isinstance(named, str):
        return ()
    place = folder / named
    if not place.is_dir():
        what = f"the folder of measures '{named}' is not there."
        step = "Correct the name; it is taken from where this file lies."
        raise InvalidEvaluation([Problem(document.where(("measures",)), what, "", step)])
    return (str(place),)


def shown_name(place: Path) -> str:
    """Return the name of a file or folder, also where it is given as . or .."""
    return place.resolve().name if place.name in ("", "..") else place.name


def _inside(folder: Path) -> str:
    """Say which file of a folder to name."""
    named = sorted((*folder.glob("*.yaml"), *folder.glob("*.yml")))
    usual = folder / "evaluation.yaml"
    found = usual if usual.is_file() or not named else named[0]
    if not found.is_file():
        return "It holds no evaluation.yaml. Start one with `evalkit new DIR`."
    return f"Name the file: {found}"


def _text(place: Path) -> str:
    where = Where(file=shown_name(place))
    if place.is_dir():
        step = _inside(place)
        raise InvalidEvaluation([Problem(where, "this is a folder.", "", step)])
    if not place.is_file():
        step = "Check the name, or start one with `evalkit new DIR`."
        raise InvalidEvaluation([Problem(where, "the file is not there.", "", step)])
    try:
        return place.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        what = "the text is not UTF-8."
        raise InvalidEvaluation([Problem(where, what, "UTF-8", "Save it as UTF-8.")]) from None
