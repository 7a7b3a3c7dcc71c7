"""Where no difference should be: outcomes out of the programme's reach, before it, or without it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.answers import answers_at
from evalkit.errors import CannotEstimate
from evalkit.estimators import estimate_target
from evalkit.robustness import words
from evalkit.robustness.cases import REFUSALS, Case, adjusting, interval_of, named
from evalkit.robustness.records import BiasPart, HiddenBias

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from evalkit.results import Estimate


def negative_controls(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the difference in each outcome that the programme cannot have changed."""
    parts = []
    for name in case.plan.negative_controls:
        on_column = name in case.study.intake.people
        fit = _of_column if on_column else _of_outcome
        parts.append(_part(named(name), fit, case, name))
    return _told(case, empty, parts, "negative-controls")


def placebo_wave(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the difference before the programme: at a wave declared, else in the first scores.

    By the plan's estimator, without the first score among the covariates where that is the outcome.
    """
    wave = case.plan.placebo_wave
    first = case.study.evaluation.waves[0].id
    label = named("baseline") if wave in (None, first) else case.study.evaluation.wave_label(wave)
    part = _part(label, _before, case, wave or first)
    return _told(case, empty, [part], "placebo-wave")


def placebo_group(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the difference between two halves of the comparison, by the declared column."""
    column = case.plan.placebo_group or ""
    part = _part(f"halves of the comparison by {named(column)}", _halves, case, column)
    return _told(case, empty, [part], "placebo-group")


def _part(label: str, fit: Callable[[Case, str], Estimate], case: Case, name: str) -> BiasPart:
    """Return one control: its difference, and whether there is one where none should be."""
    try:
        found = fit(case, name)
    except REFUSALS as refusal:
        return BiasPart(label=label, note=str(refusal))
    if found.conf_low is None or found.conf_high is None:
        return BiasPart(label=label, note=" ".join(found.notes[:1]) or "It could not be estimated.")
    low, high = (units.centred(found, end) for end in (found.conf_low, found.conf_high))
    return BiasPart(label=label, **interval_of(found), overturns=not low <= 0 <= high)


def _told(case: Case, empty: HiddenBias, parts: list[BiasPart], kind: str) -> HiddenBias:
    judged = [part.overturns for part in parts if part.overturns is not None]
    if not judged:
        raise CannotEstimate(parts[0].note or "None of them could be estimated")
    said = words.controls(kind, parts)
    return replace(
        empty, parts=tuple(parts), overturns=any(judged), sentence=said, shareable=said,
        unit="points" if kind != "negative-controls" else None,
    )  # fmt: skip


def _estimated(case: Case, rows: pd.DataFrame, without: tuple[str, ...]) -> Estimate:
    """Estimate a mean in rows of a trail whose scores were replaced, by the plan otherwise."""
    kept = tuple(
        name for name in case.study.evaluation.declared.analysis.covariates if name not in without
    )
    study = adjusting(case.study, kept)
    target = replace(case.target, kind="mean")
    estimator = case.known[study.evaluation.estimator(target)]
    return estimate_target(study, target, rows, estimator)


def _with_score(case: Case, score: pd.Series[float]) -> pd.DataFrame:
    """Return the people analysed with another outcome, those without it left out."""
    rows = case.followed.assign(score=score, points=score)
    return rows[(rows["step"] == "analysed") & rows["score"].notna()]


def _of_column(case: Case, name: str) -> Estimate:
    values = case.followed["person"].map(case.study.intake.people[name])
    return _estimated(case, _with_score(case, _as_number(values)), (name,))


def _as_number(values: pd.Series[float]) -> pd.Series[float]:
    """Return a column as numbers: of two words the second in order is 1."""
    if values.dtype.kind in "fiub":
        return values.astype(float)
    found = sorted(values.dropna().astype(str).unique())
    if len(found) != 2:
        raise CannotEstimate("A control is a number, or one of two words")
    return values.astype(str).eq(found[1]).astype(float).where(values.notna())


def _of_outcome(case: Case, name: str) -> Estimate:
    """Return the result of another outcome of the same people, at the same wave where it has one."""
    same = [
        (target, rows) for target, rows in case.study.trails
        if target.outcome.id == name and target.contrast == case.target.contrast
        and target.outcome.role == case.target.outcome.role
    ]  # fmt: skip
    at_wave = [pair for pair in same if pair[0].wave == case.target.wave] or same
    if not at_wave:
        raise CannotEstimate(f"'{name}' is not an outcome of the same people")
    target, rows = at_wave[0]
    estimator = case.known[case.study.evaluation.estimator(target)]
    return estimate_target(case.study, target, rows, estimator)


def _before(case: Case, wave: str) -> Estimate:
    if wave == case.study.evaluation.waves[0].id:
        return _estimated(case, _with_score(case, case.followed["baseline"]), ("baseline",))
    answers = answers_at(case.study.intake, case.target, wave)
    score = case.followed["person"].map(answers["score"]).astype(float)
    return _estimated(case, _with_score(case, score), ())


def _halves(case: Case, column: str) -> Estimate:
    """Compare two halves of the comparison as if one had had the programme."""
    rows = case.followed[(case.followed["treated"] == 0) & (case.followed["step"] == "analysed")]
    values = rows["person"].map(case.study.intake.people[column])
    rows = rows.assign(treated=_half(values).to_numpy())
    return _estimated(case, rows[rows["treated"].notna()], (column,))


def _half(values: pd.Series[float]) -> pd.Series[float]:
    """Return 1 and 0 by a column: of numbers those above the middle, of words the commonest."""
    if values.dtype.kind in "fiub" and values.nunique() > 2:
        return (values > values.median()).astype(float).where(values.notna())
    counts = values.value_counts()
    if len(counts) < 2:
        raise CannotEstimate("The column does not split the comparison in two")
    return values.eq(counts.index[0]).astype(float).where(values.notna())
