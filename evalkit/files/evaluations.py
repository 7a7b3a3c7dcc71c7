"""Load an `evaluation.yaml` and read the tables beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.errors import InvalidEvaluation, Problem, Where
from evalkit.evaluation import Evaluation, build_evaluation
from evalkit.files.strict_yaml import parse

if TYPE_CHECKING:
    from evalkit.registry import Registry
    from evalkit.tables import RawTable


def load(path: str | Path, registry: Registry | None = None) -> Evaluation:
    """Load and check an evaluation file; raises InvalidEvaluation with every problem at once."""
    from evalkit.content import shipped_registry

    place = Path(path)
    text = _text(place)
    folder = place.resolve().parent

    def read(name: str, sheet: str | None) -> RawTable:
        from evalkit.files.tables import read_table

        return read_table(folder / name, sheet, name=name)

    document = parse(text, place.name)
    return build_evaluation(document, text, registry or shipped_registry(), read)


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
