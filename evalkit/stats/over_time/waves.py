"""Differences between arms at each wave, of people seen more than once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evalkit.results import Estimate, Records
from evalkit.stats.categories.marginal import low_df, wald
from evalkit.stats.over_time.estimating_equations import SANDWICHES
from evalkit.stats.over_time.wave_models import Model, WaveEffects, fit_waves
from evalkit.stats.over_time.wave_results import (
    RepeatedMeasures,
    WaveTest,
    adjusted_for,
    clusters_of,
    sentence,
)
from evalkit.stats.over_time.wave_rows import Asked, WaveRows, read_waves
from evalkit.stats.over_time.working_correlation import CORRELATIONS
from evalkit.stats.shared.columns import as_names, check_level, choice, invalid
from evalkit.stats.shared.intervals import caveats, scaled_by
from evalkit.stats.shared.model_rows import FEW_EVENTS
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, difference_scaling


def repeated_measures(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    person: str,
    wave: str,
    baseline: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    method: str = "gee",
    family: str = "gaussian",
    correlation: str = "exchangeable",
    baseline_by_wave: bool = True,
    se: str = "KC",
    level: float = 0.95,
) -> RepeatedMeasures:
    """Return the difference between two arms at each wave after the start.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person and wave; never
        changed. People may miss waves: all their other rows are used
    outcome : name of a numeric column; for "binomial" of 0/1 or true/false
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`; each
        person in one arm at every wave
    treated : the value of `treatment` that names the treated arm
    person : name of the column of people
    wave : name of the column of waves; categories keep their order, other values are sorted
    baseline : name of a column with each person's score before the start, or the value of `wave`
        whose outcome is that score (those rows are counted as "used as the baseline")
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment), each person in one
    method : "gee", estimating equations; or "mixed", a random intercept for each person (REML)
    family : "gaussian", or "binomial" for odds ratios (GEE only)
    correlation : working correlation within people for "gee": "exchangeable", "independence",
        "ar1" (waves in order and taken as evenly spaced) or "unstructured"
    baseline_by_wave : let the baseline act differently at each wave, as usual for such models
    se : for "gee" the sandwich: "KC" (Kauermann and Carroll, that is CR2 on the whitened rows),
        "MD" (Mancl and DeRouen), or "robust" (uncorrected, for comparison only)
    level : confidence level

    Returns
    -------
    RepeatedMeasures
        For each wave an Estimate in outcome units (`effect_size` as in `mean_difference`, on that
        wave's pooled SD), or for "binomial" the marginal odds ratio as in `odds_ratio`, with
        `std_error` and `statistic` those of its logarithm. Standard errors allow for everything that goes together
        within the outermost cluster, `cluster` or else the person, whatever the working
        correlation; `df` are Satterthwaite's. `n_treatment` and `n_comparison` count the people
        of the wave, of `average` those with any wave; `n_dropped` the rows of the wave, of
        `average` and `interaction` all rows left out. `average` has no effect size.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, a person twice at one wave, in two arms
        or in two clusters, or an unknown option.
    CannotEstimate
        When at some wave an arm has fewer than two people, the outcome does not vary or
        (binomial) an arm has one answer; an arm is one cluster; covariates separate the outcome
        or determine the arm.
    NotConverged
        When the fit does not settle, or the estimated working correlation is not one.

    Notes
    -----
    "gee" takes answers as missing for reasons that the arm, wave, baseline and covariates explain;
    "mixed" without `cluster` also for reasons that a person's other answers explain, but rests on
    equal variances and correlations between waves. With `cluster`, "mixed" keeps its estimates and
    takes CR2 standard errors over the clusters.

    References
    ----------
    Liang and Zeger (1986), Biometrika 73:13-22; Kauermann and Carroll (2001), JASA 96:1387-1396;
    Mancl and DeRouen (2001), Biometrics 57:126-134; Pustejovsky and Tipton (2018), JBES
    36:672-683; Mallinckrodt et al. (2008), Drug Information Journal 42:303-319 (arm by wave and
    baseline by wave); Kuznetsova, Brockhoff and Christensen (2017), JSS 82(13).
    """
    check_level(level)
    _check_options(method, family, correlation, se)
    asked = Asked(
        outcome, treatment, treated, person, wave, baseline, as_names(covariates), cluster,
        family == "binomial", correlation == "ar1", baseline_by_wave,
    )  # fmt: skip
    rows = read_waves(data, asked)
    model = fit_waves(rows, method=method, correlation=correlation, binary=asked.binary, se=se)
    effects = WaveEffects.of(rows, model, binary=asked.binary)
    said = sentence(asked, rows, method, correlation, se)
    return RepeatedMeasures(
        rows=Records(
            _at_wave(asked, rows, model, effects, k, said, level) for k in range(len(rows.waves))
        ),
        average=_average(asked, rows, model, effects, said, level),
        interaction=_interaction(asked, rows, model, effects, said, level),
        correlation=correlation,
        alpha=model.alpha,
    )


def _check_options(method: str, family: str, correlation: str, se: str) -> None:
    choice(method, ("gee", "mixed"), argument="method")
    choice(family, ("gaussian", "binomial"), argument="family")
    choice(correlation, CORRELATIONS, argument="correlation")
    choice(se, SANDWICHES, argument="se")
    if method == "gee":
        return
    for name, value, only in (
        ("family", family, "gaussian"),
        ("correlation", correlation, "exchangeable"),
        ("se", se, "KC"),
    ):
        if value != only:
            raise invalid(
                f"{name}={value!r} does not go with method='mixed'.",
                allowed=only,
                next_step="Use method='gee'.",
            )


def _at_wave(
    asked: Asked,
    rows: WaveRows,
    model: Model,
    effects: WaveEffects,
    k: int,
    said: str,
    level: float,
) -> Estimate:
    at = rows.at(k)
    outcome, arm = rows.outcome[at], rows.arm[at]
    error, df = model.contrast(effects.gradients[k])
    numbers = wald(float(effects.values[k]), error, df, level, ratio=asked.binary)
    treated, compared = outcome[arm == 1], outcome[arm == 0]
    dropped = rows.dropped_at[k]
    found = Estimate(
        outcome=asked.outcome,
        wave=rows.waves[k],
        term=asked.treatment,
        level=level,
        n_treatment=len(treated),
        n_comparison=len(compared),
        n_clusters=clusters_of(rows),
        n_dropped=sum(count for _, count in dropped),
        method=said,
        dropped_why=dropped,
        mean_treatment=accurate_mean(treated),
        mean_comparison=accurate_mean(compared),
        notes=(*rows.notes, *model.notes),
        adjusted_for=adjusted_for(asked),
        **numbers,
    )
    if asked.binary:
        return replace(found, notes=(*found.notes, *low_df(df), *_few(rows.waves[k], outcome, arm)))
    cluster = rows.cluster[at] if rows.cluster is not None else None
    alone = cluster is None or len(set(cluster)) == len(cluster)
    return _scaled(found, difference_scaling(outcome, arm, None if alone else cluster), df)


def _scaled(found: Estimate, scaling: Scaling, df: float) -> Estimate:
    """Add the effect size: the factor times the estimate and its interval."""
    factor = scaling.factor
    sizes = [
        None if factor is None or x is None else factor * x
        for x in (found.estimate, found.conf_low, found.conf_high)
    ]
    return replace(
        found,
        effect_size=sizes[0],
        effect_low=sizes[1],
        effect_high=sizes[2],
        sd_pooled=scaling.sd,
        method=found.method + scaled_by(scaling),
        notes=(*found.notes, *caveats(df, scaling)),
    )


def _few(wave: str, outcome: Any, arm: Any) -> tuple[str, ...]:
    cells = [
        int((outcome[arm == value] == answer).sum()) for value in (1.0, 0.0) for answer in (1, 0)
    ]
    if min(cells) >= FEW_EVENTS:
        return ()
    return (
        f"An arm has {min(cells)} events or non-events at wave '{wave}', fewer than {FEW_EVENTS}: "
        "the interval and p-value are not to be relied on",
    )


def _whole(asked: Asked, rows: WaveRows, model: Model, said: str, level: float) -> dict[str, Any]:
    """Return the fields of a row about all waves together."""
    return {
        "outcome": asked.outcome,
        "level": level,
        "n_treatment": rows.people(1.0),
        "n_comparison": rows.people(0.0),
        "n_clusters": clusters_of(rows),
        "n_dropped": sum(count for _, count in rows.dropped),
        "method": said,
        "dropped_why": rows.dropped,
        "notes": (*rows.notes, *model.notes),
        "adjusted_for": adjusted_for(asked),
    }


def _average(
    asked: Asked, rows: WaveRows, model: Model, effects: WaveEffects, said: str, level: float
) -> Estimate:
    error, df = model.contrast(effects.gradients.mean(axis=0))
    found = Estimate(
        term=asked.treatment,
        estimand="average over waves",
        **_whole(asked, rows, model, said, level),
        **wald(float(effects.values.mean()), error, df, level, ratio=asked.binary),
    )
    return replace(found, notes=(*found.notes, *low_df(df)))


def _interaction(
    asked: Asked, rows: WaveRows, model: Model, effects: WaveEffects, said: str, level: float
) -> WaveTest | None:
    from scipy.stats import f as fisher

    if len(rows.waves) == 1:
        return None
    away = effects.gradients[1:] - effects.gradients[0]
    statistic, tests, df = model.joint_test(away, effects.values[1:] - effects.values[0])
    shared = _whole(asked, rows, model, said, level)
    known = bool(np.isfinite(statistic))
    more = low_df(df) if known else ("There are too few clusters to test so many waves at once",)
    return WaveTest(
        term=f"{asked.treatment}:{asked.wave}",
        estimand="difference between waves",
        statistic=statistic if known else None,
        df=df if known else None,
        p_value=float(fisher.sf(statistic, tests, df)) if known else None,
        df_numerator=tests,
        **(shared | {"notes": (*shared["notes"], *more)}),
    )
