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
    from evalkit.diagnosing.diagnosis import diagnose
    from evalkit.errors import EvalkitError
    from evalkit.evaluation import Evaluation
    from evalkit.imputed_items import ImputedScores
    from evalkit.instruments.spec import Measure
    from evalkit.prospects.rows import Evaluability
    from evalkit.registry import Registry
    from evalkit.simulating.simulation import simulate
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
    "diagnose",
    "evaluability",
    "impute_items",
    "item_means",
    "load",
    "measure",
    "measures",
    "reliable_change",
    "report",
    "score",
    "simulate",
    "stats",
]

_LAZY = {
    "Analysis": "evalkit.analysis",
    "EvalkitError": "evalkit.errors",
    "Evaluation": "evalkit.evaluation",
    "Study": "evalkit.study",
    "diagnose": "evalkit.diagnosing.diagnosis",
    "reliable_change": "evalkit.stats",
    "simulate": "evalkit.simulating.simulation",
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


def impute_items(
    frame: Any, name: str, *, seed: int, folder: Folder = None, **how: Any
) -> ImputedScores:
    """Impute blank items, score and pool; see `evalkit.imputed_items.impute_items`."""
    from evalkit.imputed_items import impute_items as impute

    return impute(frame, measure(name, folder), seed=seed, **how)


def load(path: str | Path, folder: Folder = None) -> Evaluation:
    """Load and check an `evaluation.yaml`; raises InvalidEvaluation with every problem at once.

    `folder` holds more measures, beside the folder that the file may name under `measures`.
    """
    from evalkit.files.evaluations import load as load_file

    return load_file(path, folder)


def evaluability(
    evaluation: Evaluation | None = None,
    *,
    families: float | None = None,
    families_a_month: float | None = None,
    months: float | None = None,
    people_per_family: float = 1.0,
    sites: int = 1,
    loss: float = 0.0,
    correlation: float | None = None,
    icc: float | None = None,
    icc_family: float | None = None,
    cluster_autocorrelation: float = 0.8,
    cv: float = 0.0,
    strata: int = 4,
    share_treated: float = 0.5,
    power: float = 0.8,
    alpha: float = 0.05,
    measure: str | None = None,
    scale: str | None = None,
    sd: float | None = None,
    effect: str | float | None = None,
    folder: Folder = None,
) -> Evaluability:
    """Return which designs could show which effect, before any data exist: one row a design.

    evaluation : takes its measure, expected change and design from here.
    families : recruited in all; or `families_a_month` over `months`.
    people_per_family : measured in each. loss : the share without a last score, 0 to below 1.
    sites, cv : how many, and the spread of their sizes over the mean size.
    correlation : of first and last score, which trials adjust for; None where there is no first.
    icc, icc_family : how alike people of a site, of a family are, 0 to 1; None shows a range.
    cluster_autocorrelation : how far a site's own level lasts between periods. strata : of a trial.
    measure, scale, sd : what effects are counted on; sd in points, else a norm of the registry.
    effect : 3 or "3 points" of the measure, or "0.3 sd"; None for the smallest that would be found.

    Raises InvalidPlan with every number that cannot be, InvalidInput, NotAvailable, UnknownMeasure.
    """
    from evalkit.prospects import inputs as given
    from evalkit.prospects.facts import yardstick
    from evalkit.prospects.rows import assess

    means = given.means_from(
        families=families, families_a_month=families_a_month, months=months,
        people_per_family=people_per_family, sites=sites, loss=loss, correlation=correlation,
        icc=icc, icc_family=icc_family, cluster_autocorrelation=cluster_autocorrelation, cv=cv,
        strata=strata, share_treated=share_treated, power=power, alpha=alpha,
    )  # fmt: skip
    declared = given.planned(evaluation, measure=measure, scale=scale, effect=effect)
    registry = evaluation.registry if evaluation else _registry(folder)
    found = registry.measure(declared.measure) if declared.measure else None
    yard = yardstick(found, declared.scale, given.spread(sd))
    return assess(
        means, yard, effect=given.effect_from(declared.effect, yard), chosen=declared.chosen,
        designs={name: registry.design(name) for name in registry.designs()}, title=declared.title,
    )  # fmt: skip


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
