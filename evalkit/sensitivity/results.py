"""Every result under every treatment of the lost that it is shown under, and what that changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.claims import read
from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.estimators import estimate_target
from evalkit.flow import share_lost
from evalkit.results import Records
from evalkit.sensitivity import words
from evalkit.sensitivity.asked import IMPUTED, TIPPING, asked, fillable
from evalkit.sensitivity.bounded import bounded
from evalkit.sensitivity.by_reference import by_reference
from evalkit.sensitivity.completing import outcome_chains
from evalkit.sensitivity.imputed import ImputedEstimate, Imputing
from evalkit.sensitivity.records import Asked, Sensitivity
from evalkit.sensitivity.tipping import tipping
from evalkit.sensitivity.weighted import attrition_weighted
from evalkit.targets import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from evalkit.estimators import Estimator
    from evalkit.results import Estimate
    from evalkit.study import Study
    from evalkit.targets import Target


NOBODY = "Those lost died, took back their consent or have no first score: nothing is filled in"
FILLED = (
    "multiple-imputation",
    "attrition-weights",
    "reference-based",
    "delta",
    "lee-bounds",
    "worst-case",
)


def as_planned(
    target: Target, followed: pd.DataFrame, estimator: Estimator, imputing: Imputing
) -> Estimate:
    """Estimate a result with the lost treated as the plan's primary analysis says."""
    study = imputing.study
    primary = study.evaluation.declared.analysis.missing.primary
    if primary == "complete-case" or not study.evaluation.compared(target.wave):
        return estimate_target(study, target, followed, estimator)
    if primary == "attrition-weights":
        return estimate_target(study, target, followed, attrition_weighted)
    try:
        return imputing.of(target, followed, estimator).estimate
    except (CannotEstimate, InvalidInput, NotConverged) as refusal:
        why = str(refusal)

    def refused(*_: object) -> Estimate:
        raise CannotEstimate(why)

    return estimate_target(study, target, followed, refused)


def sensitivities(
    imputing: Imputing, estimates: Iterable[Estimate], estimator_of: Mapping[str, Estimator]
) -> Records[Sensitivity]:
    """Return each result under each treatment of the lost, in the order of the results."""
    study = imputing.study
    by_key = {key_of(estimate): estimate for estimate in estimates}
    found: list[Sensitivity] = []
    for target, followed in study.trails:
        main = by_key[target.key]
        if main.estimate is None:
            continue
        estimator = estimator_of[study.evaluation.estimator(target)]
        first = _primary(imputing, target, main)
        for method, by in asked(study, target, followed):
            if by == "primary":
                found.append(first)
            else:
                rows = _treated_as(imputing, target, followed, estimator, method, by)
                found += [_judged(study, target, main, first, row) for row in rows]
    return Records(found)


def _treated_as(
    imputing: Imputing, target: Target, followed: pd.DataFrame, estimator: Estimator, method: str,
    by: Asked,
) -> list[Sensitivity]:  # fmt: skip
    """Return the rows of one treatment; one that these data do not allow is a row with its reason."""
    study, empty = imputing.study, blank(target, method, by, n_dropped=len(followed))
    if method in FILLED and share_lost(followed) and not fillable(followed).any():
        return [replace(empty, notes=(NOBODY,))]
    try:
        if method in ("lee-bounds", "worst-case"):
            return [bounded(study, target, followed, empty)]
        if method == "delta":
            completed = imputing.of(target, followed, estimator).completed
            return [tipping(study, target, followed, completed, empty)]
        if method == "reference-based":
            return by_reference(study, target, followed, estimator, empty)
        if method == "multiple-imputation":
            found = imputing.of(target, followed, estimator, thorough=by != "added")
            return [of_imputed(empty, target, found)]
        weights = method == "attrition-weights"
        return [of_estimate(empty, estimate_target(
            study, target, followed, attrition_weighted if weights else estimator
        ))]  # fmt: skip
    except (CannotEstimate, InvalidInput, NotConverged) as refusal:
        return [replace(empty, notes=(str(refusal),))]


def blank(target: Target, method: str, by: Asked, *, n_dropped: int = 0) -> Sensitivity:
    """Return the row of a treatment before anything is known."""
    return Sensitivity(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], method=method, asked=by, n_dropped=n_dropped,
    )  # fmt: skip


def of_estimate(empty: Sensitivity, e: Estimate) -> Sensitivity:
    """Return a row that holds an estimate."""
    return replace(
        empty, estimate=e.estimate, std_error=e.std_error, df=e.df, p_value=e.p_value,
        conf_low=e.conf_low, conf_high=e.conf_high, level=e.level, effect_size=e.effect_size,
        unit=e.unit, n_used=(e.n_treatment or 0) + (e.n_comparison or 0), n_dropped=e.n_dropped,
        notes=e.notes,
    )  # fmt: skip


def of_imputed(empty: Sensitivity, target: Target, found: ImputedEstimate) -> Sensitivity:
    """Return a row that holds a pooled estimate, and the chains of the primary result."""
    return replace(
        of_estimate(empty, found.estimate), n_filled=found.completed.n_filled, fmi=found.fmi,
        imputations=found.imputations,
        chains=outcome_chains(found.completed.trace) if target.primary else (),
    )  # fmt: skip


def _primary(imputing: Imputing, target: Target, main: Estimate) -> Sensitivity:
    study, empty = imputing.study, blank(target, "complete-case", "primary")
    method = study.evaluation.declared.analysis.missing.primary
    row = of_estimate(empty, main)
    if method == IMPUTED:
        row = of_estimate(of_imputed(empty, target, imputing.found[target.key]), main)
    reading = _reading(study, target, main, row)
    return replace(row, method=method, reading=reading, sentence=words.PRIMARY)


def _judged(
    study: Study, target: Target, main: Estimate, first: Sensitivity, row: Sensitivity
) -> Sensitivity:
    """Return a row with how it reads, whether it says what the primary one says, and in words."""
    reading = _reading(study, target, main, row)
    said_already = {side(first.reading), *(["unclear"] if _held_back(main) else [])}
    agrees = None if reading == "not-estimated" else side(reading) in said_already
    judged = replace(row, reading=reading, agrees=agrees)
    said = words.tipping if row.method == TIPPING and row.curve else words.sentence
    return replace(judged, sentence=said(judged, first))


def _held_back(main: Estimate) -> bool:
    """Whether a result is not clear once the other secondary results are allowed for."""
    return main.p_adjusted is not None and main.p_adjusted > 1 - main.level


def side(reading: str) -> str:
    """Return what a conclusion rests on: better, worse, or neither of the two shown."""
    return reading if reading in ("better", "worse") else "unclear"


def _reading(study: Study, target: Target, main: Estimate, row: Sensitivity) -> str:
    """Read a row as findings are read, without the adjustment for several results."""
    if row.method == "delta":
        return "not-estimated"
    e = as_estimate(main, row)
    if e.conf_low is None or e.conf_high is None:
        return "not-estimated"
    expected = target.outcome.expected
    read_as = read(
        e, higher_is_better=study.evaluation.higher_is_better(target),
        worthwhile=units.declared(e, expected.change) if expected else None,
    )  # fmt: skip
    if read_as.verdict != "clear":
        return read_as.verdict
    return "better" if read_as.better else "worse"


def as_estimate(main: Estimate, row: Sensitivity) -> Estimate:
    """Return a row as an estimate of the result it belongs to; bounds have their middle for one."""
    middle = row.estimate
    if middle is None and row.lower is not None and row.upper is not None:
        middle = (row.lower + row.upper) / 2
    return replace(
        main, estimate=middle, conf_low=row.conf_low, conf_high=row.conf_high, df=row.df,
        unit=row.unit or main.unit, level=row.level, p_value=row.p_value, p_adjusted=None,
    )  # fmt: skip
