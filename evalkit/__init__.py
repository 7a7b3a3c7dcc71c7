"""evalkit: from a theory of change to a defensible finding.

    import evalkit as ek

    evaluation = ek.load("evaluation.yaml")
    analysis = evaluation.study().analyse()
    ek.report(analysis, "summative.html")

Names are loaded when first used, so that importing evalkit is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Literal

    from evalkit.analysis import Analysis
    from evalkit.design_spec import Design
    from evalkit.errors import EvalkitError
    from evalkit.evaluation import Evaluation
    from evalkit.instruments.spec import Measure
    from evalkit.registry import Registry
    from evalkit.stats import reliable_change
    from evalkit.study import Study

    Folder = str | Path | None

__version__ = "0.1.0"
__all__ = [
    "Analysis",
    "EvalkitError",
    "Evaluation",
    "Study",
    "design",
    "designs",
    "item_means",
    "load",
    "measure",
    "measures",
    "reliable_change",
    "report",
    "score",
    "stats",
]

_LAZY = {
    "Analysis": "evalkit.analysis",
    "EvalkitError": "evalkit.errors",
    "Evaluation": "evalkit.evaluation",
    "Study": "evalkit.study",
    "reliable_change": "evalkit.stats",
}


def measures(folder: Folder = None) -> list[str]:
    """Return the ids of every measure, sorted: shipped, of installed packages, of a `folder`."""
    return _registry(folder).measures()


def measure(name: str, folder: Folder = None) -> Measure:
    """Return one measure; raises UnknownMeasure with the nearest id."""
    return _registry(folder).measure(name)


def designs() -> list[str]:
    """Return the ids of every design, sorted."""
    return _registry(None).designs()


def design(name: str) -> Design:
    """Return one design; raises UnknownDesign with the nearest id."""
    return _registry(None).design(name)


def _registry(folder: Folder) -> Registry:
    from evalkit.content import registry

    return registry(() if folder is None else (str(folder),))


def score(
    frame: Any,
    name: str,
    *,
    items: Mapping[str, str] | None = None,
    prefix: str | None = None,
    bands: str | None = None,
    age: str | None = None,
    sex: str | None = None,
    grade: str | None = None,
    limits: Mapping[str, float] | None = None,
    on_invalid: Literal["raise", "missing"] = "raise",
    folder: Folder = None,
) -> Any:
    """Score item answers with a measure of the registry; see `evalkit.scoring.score`.

    Takes any frame that narwhals knows and returns the same kind, its columns kept and the scores
    added.

    items : item id to column, for items that are not found by name.
    prefix : the item columns are this text followed by the item id.
    bands : the id of a band system of the measure; "none" for no bands.
    age, sex, grade : the columns that hold them: years, words, US school grade.
    limits : flag id to the number to use instead of the published one, as local practice has it.
    on_invalid : "raise", or "missing", which blanks answers that are not allowed and counts them.
    folder : a folder that holds the measure, where it is neither shipped nor of a package.
    """
    from evalkit.scoring import score as score_frame

    return score_frame(
        frame, measure(name, folder), items=items, prefix=prefix, bands=bands, age=age, sex=sex,
        grade=grade, limits=limits, on_invalid=on_invalid,
    )  # fmt: skip


def item_means(frame: Any, name: str, **how: Any) -> Any:
    """Return the mean of every item, for components to be compared; see `evalkit.scoring.item_means`."""
    from evalkit.scoring import item_means as means

    return means(frame, measure(name), **how)


def load(path: str | Path, folder: Folder = None) -> Evaluation:
    """Load and check an `evaluation.yaml`; raises InvalidEvaluation with every problem at once.

    `folder` holds more measures, beside the folder that the file may name under `measures`.
    """
    from evalkit.files.evaluations import load as load_file

    return load_file(path, folder)


def report(source: Study | Analysis, path: str | Path, kind: str | None = None) -> Path:
    """Write a report; its kind of file follows the suffix (.html or .json).

    `kind` is "summative" or "formative"; an Analysis gives a summative report unless told, and a
    Study, which holds no estimates, a formative one only. Returns the path written.
    """
    from evalkit.reports.writing import write_report

    return write_report(source, path, kind=kind)


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "stats":
        return import_module("evalkit.stats")
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'evalkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
