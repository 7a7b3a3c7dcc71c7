"""Differences between arms in how fast an outcome changes, each person having a line of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.clusters.random_slope import RandomSlope, Words, fit_random_slope
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    invalid,
    numeric,
    read_arm,
)
from evalkit.stats.shared.design_matrix import Design, treatment_design
from evalkit.stats.shared.intervals import coefficient_interval, few_df_note

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WORDS = Words(
    few="{} person(s) were seen at two times or more; how change differs between people needs 2 "
    "or more. For an outcome seen once use mean_difference.",
    spare="Nobody was seen at three times or more, so how people's lines differ cannot be told "
    "apart from how each of them varies about it. Use differences_by_wave.",
    flat="Everybody's outcome lies on a straight line, so its variance about the lines is zero. "
    "Take each person's change a unit of time and compare the arms with mean_difference.",
    no_end="nearly all the variance lies between people's lines. Take each person's change a unit "
    "of time and compare the arms with mean_difference.",
    more="More people seen at three times or more are needed, or use differences_by_wave.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthDifference(Estimate):
    """A difference between arms in change per unit of time.

    `change_treatment` and `change_comparison` are the arms' changes per unit of time; `estimate`
    is the first less the second. Between people of one arm, `variance_intercept` is the variance
    of the level at time 0 and `variance_slope` that of the change per unit of time, `covariance`
    and `correlation` are of the two (the correlation is None where a variance is 0);
    `variance_within` is the variance about a person's own line. `n_treatment`, `n_comparison`
    count people, `n_rows` rows, `n_once` the people seen at one time only.
    """

    change_treatment: float = float("nan")
    change_comparison: float = float("nan")
    variance_intercept: float = float("nan")
    variance_slope: float = float("nan")
    covariance: float = float("nan")
    correlation: float | None = None
    variance_within: float = float("nan")
    log_likelihood: float = float("nan")
    n_rows: int = 0
    n_once: int = 0


def growth_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    person: str,
    time: str,
    covariates: str | Sequence[str] = (),
    level: float = 0.95,
) -> GrowthDifference:
    """Return the difference between two arms in change per unit of time.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person and time; never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`; the
        same in all of a person's rows
    treated : the value of `treatment` that names the treated arm
    person : name of the column of people
    time : name of a numeric column, such as months since the start; times may differ by person
    covariates : names; they shift the level, not the change. Text, categories and true/false
        become dummies, first sorted level dropped
    level : confidence level

    Returns
    -------
    GrowthDifference
        `estimate` is in outcome units per unit of time, by restricted maximum likelihood: fixed
        are arm, time and their product, and each person has an intercept and a slope, which may
        be correlated. `df` are Satterthwaite's as in lmerTest. No effect size. Rows used and
        `n_dropped` add up to the rows that came in.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, a person in two arms, or
        two rows of a person at one time.
    CannotEstimate
        When an arm has fewer than two people or one time, fewer than two people were seen twice
        or nobody three times, everybody's outcome lies on a line, or time or treatment follow from
        the covariates.
    NotConverged
        When the likelihood has no maximum that can be found.

    Notes
    -----
    Change is taken to be straight. Rows without an outcome may depend on what was seen before
    (missing at random); people seen once stay in. Where the covariance of levels and slopes is
    estimated on its boundary only its free parameters count as uncertain, and a note says so.

    References
    ----------
    Laird and Ware (1982), Biometrics 38:963-974; Bates, Maechler, Bolker and Walker (2015), JSS
    67(1); Kuznetsova, Brockhoff and Christensen (2017), JSS 82(13).
    """
    check_level(level)
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, person=person, time=time, covariates=names)
    data = check_frame(data, [outcome, treatment, person, time, *names])
    arm, times = read_arm(data, treatment, treated), numeric(data, time)
    _check_people(data, arm, treatment, person, time)
    also = [("no time", np.isnan(times))]
    rows = analysed_rows(data, outcome, arm, names, group=(person, "no person"), also=also)
    assert rows.codes is not None
    when = times[rows.keep]
    _check_arms(rows, when, time)
    design = _design(rows, when, treatment, time)
    model = fit_random_slope(design.matrix, rows.outcome, design.names, when, rows.codes, WORDS)
    place = model.linear.place(f"{treatment}:{time}")
    numbers = coefficient_interval(model.linear, place, None, level)
    once = int(np.count_nonzero(np.bincount(rows.codes) == 1))
    compared = float(model.linear.coefficients[model.linear.place(time)])
    people = [len(np.unique(rows.codes[rows.arm == value])) for value in (1, 0)]
    return GrowthDifference(
        outcome=outcome,
        term=f"{treatment}:{time}",
        level=level,
        n_treatment=people[0],
        n_comparison=people[1],
        n_dropped=rows.n_dropped,
        dropped_why=rows.dropped,
        method=_sentence(outcome, treatment, person, time, names),
        notes=(
            *design.notes,
            *few_df_note(numbers["df"]),
            *_said(model, person, once),
            *_far_from_zero(when, time),
        ),
        adjusted_for=names,
        change_treatment=compared + numbers["estimate"],
        change_comparison=compared,
        log_likelihood=model.log_likelihood,
        n_rows=len(rows.outcome),
        n_once=once,
        **_variances(model),
        **numbers,
    )


def _check_people(data: pd.DataFrame, arm: Floats, treatment: str, person: str, time: str) -> None:
    """Refuse a person in two arms, or with two rows at one time."""
    import pandas as pd

    arms = pd.Series(arm).groupby(data[person].to_numpy()).nunique()
    if (arms > 1).any():
        raise invalid(
            f"{int((arms > 1).sum())} person(s) have more than one value.",
            column=treatment,
            allowed="one arm a person, the same at every time",
        )
    known = data[person].notna() & data[time].notna()
    twice = data.loc[known, [person, time]].duplicated()
    if twice.any():
        raise invalid(
            f"{int(twice.sum())} row(s) repeat a person at the same '{time}'.",
            column=person,
            allowed="one row a person and time",
            next_step="Keep one of them, or give different people different ids.",
        )


def _check_arms(rows: Analysed, when: Floats, time: str) -> None:
    assert rows.codes is not None
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        own = rows.arm == value
        people = len(np.unique(rows.codes[own]))
        if people < 2:
            raise CannotEstimate(
                f"The {label} arm has {people} person(s) to analyse; at least 2 are needed."
            )
        if np.ptp(when[own]) == 0:
            raise CannotEstimate(
                f"The {label} arm has one value of '{time}', so its change cannot be told. Use "
                "mean_difference."
            )


def _design(rows: Analysed, when: Floats, treatment: str, time: str) -> Design:
    """Return the columns; time is centred, which the slopes do not notice."""
    arm, centred = (treatment, rows.arm), (time, when - when.mean())
    design = treatment_design(arm, rows.covariates, centre=[centred])
    if not {time, f"{treatment}:{time}"} <= set(design.names):
        raise CannotEstimate(
            f"'{time}' is determined by the covariates, so change cannot be told apart from them. "
            "Leave out covariates that say when a row was seen."
        )
    return design


def _variances(model: RandomSlope) -> dict[str, Any]:
    level, slope, both = (float(model.covariance[at]) for at in ((0, 0), (1, 1), (0, 1)))
    told = level > 0 and slope > 0
    return {
        "variance_intercept": level,
        "variance_slope": slope,
        "covariance": both,
        "correlation": max(-1.0, min(1.0, both / sqrt(level * slope))) if told else None,
        "variance_within": model.within,
    }


def _said(model: RandomSlope, person: str, once: int) -> list[str]:
    notes = []
    if model.rank == 0:
        notes.append(
            f"Neither levels nor changes are estimated to vary over values of '{person}', so the "
            "interval takes no account of rows being of the same people"
        )
    elif model.rank == 1:
        notes.append(
            f"The covariance of levels and changes over values of '{person}' is on its boundary (a "
            "correlation of 1 or -1, or one variance of 0): read the variance of changes with care"
        )
    if once:
        notes.append(f"{once} person(s) were seen at one time only; they stay in the model")
    return notes


def _far_from_zero(when: Floats, time: str) -> list[str]:
    low, high = float(when.min()), float(when.max())
    if low - (high - low) <= 0 <= high + (high - low):
        return []
    return [
        f"'{time}' runs from {low:g} to {high:g}: the variance of the level at 0 and its "
        "correlation with change are of a time nobody was near; subtract the first time to read "
        "them"
    ]


def _sentence(
    outcome: str, treatment: str, person: str, time: str, covariates: Sequence[str]
) -> str:
    adjusted = f", adjusted for {', '.join(covariates)}" if covariates else ""
    return (
        f"Linear mixed model of {outcome} on {treatment}, {time} and their product{adjusted}, with "
        f"a random intercept and a random slope of {time} for each {person}, by restricted maximum "
        "likelihood; Satterthwaite degrees of freedom."
    )
