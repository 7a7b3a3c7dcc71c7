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


def _text(place: Path) -> str:
    where = Where(file=place.name)
    if place.is_dir():
        step = f"Name the file: {place.name}/evaluation.yaml."
        raise InvalidEvaluation([Problem(where, "this is a folder.", "", step)])
    if not place.is_file():
        step = "Check the name, or start one with `evalkit new DIR`."
        raise InvalidEvaluation([Problem(where, "the file is not there.", "", step)])
    try:
        return place.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        what = "the text is not UTF-8."
        raise InvalidEvaluation([Problem(where, what, "UTF-8", "Save it as UTF-8.")]) from None
