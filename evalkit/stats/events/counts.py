"""Ratios of rates of events between arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.categories.families import POISSON
from evalkit.stats.categories.glm import GlmFit, fit
from evalkit.stats.categories.marginal import low_df, wald
from evalkit.stats.events.overdispersed import fit_negative_binomial
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    numeric,
    optional_name,
)
from evalkit.stats.shared.model_rows import FEW_EVENTS, Rows, adjusted_for, design_of, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateEffect(Estimate):
    """A ratio of rates, with the events and the exposure it rests on.

    `rate_treatment` and `rate_comparison` are events over exposure, without covariates;
    `mean_treatment` and `mean_comparison` events a row. `std_error` and `statistic` are on the
    scale of the ratio's natural logarithm, None for the exact interval. `dispersion` is alpha in
    the variance mu + alpha mu^2, 0 for a Poisson model.
    """

    events_treatment: int
    events_comparison: int
    exposure_treatment: float
    exposure_comparison: float
    rate_treatment: float
    rate_comparison: float
    dispersion: float


def rate_ratio(
    data: Any,
    *,
    events: str,
    treatment: str,
    treated: Any = None,
    exposure: str | None = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    family: str = "negative-binomial",
    se: str = "auto",
    level: float = 0.95,
) -> RateEffect:
    """Return the ratio of the rates of events, treated over comparison.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person or family
    events : name of a column of counts: whole numbers from 0
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    exposure : name of a column of time at risk, in any one unit; without it every row counts alike
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    family : "negative-binomial" or "poisson"
    se : "auto" is "robust" with clusters and for the Poisson model, else "model"; "robust" is CR2
        with clusters and HC2 without, Satterthwaite degrees of freedom; "model" believes the
        family's variance; "exact" is the conditional interval for Poisson counts, without
        covariates or clusters
    level : confidence level

    Returns
    -------
    RateEffect
        exp of the treatment's coefficient with a log link and log exposure as offset; its interval
        is built on the log scale. Rows without time at risk are left out and counted.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, counts that are not whole numbers from
        0, negative exposure, events without time at risk, or options that do not go together.
    CannotEstimate
        When an arm has fewer than two rows (or, clustered, two clusters) or no event, or some
        value of a covariate has no event.
    NotConverged
        When the model does not settle.

    References
    ----------
    Venables and Ripley (2002), Modern Applied Statistics with S, section 7.4; Pustejovsky and
    Tipton (2018), JBES 36:672-683; Przyborowski and Wilenski (1940), Biometrika 31:313-323 (exact).
    """
    names = as_names(covariates)
    check_level(level)
    choice(family, ("negative-binomial", "poisson"), argument="family")
    choice(se, ("auto", "model", "robust", "exact"), argument="se")
    check_roles(events=events, treatment=treatment, exposure=exposure, covariates=names)
    used = [events, treatment, *names, *optional_name(exposure), *optional_name(cluster)]
    frame = check_frame(data, used)
    y, time = _counts(frame, events, exposure)
    reasons = [("no count of events", np.isnan(y)), ("no exposure", np.isnan(time))]
    reasons.append(("no time at risk", time == 0))
    rows = read_rows(frame, treatment, treated, names, cluster, reasons)
    study = _Study(
        frame,
        rows,
        y[rows.keep],
        time[rows.keep],
        events,
        treatment,
        exposure,
        names,
        family,
        level,
    )
    if se == "exact":
        return _exact(study)
    return _by_model(study, _kind(se, family, rows))


@dataclass(frozen=True, slots=True, eq=False)
class _Study:
    """The rows read, their counts and exposure, and what the call named."""

    data: pd.DataFrame
    rows: Rows
    y: Floats
    time: Floats
    events: str
    treatment: str
    exposure: str | None
    covariates: tuple[str, ...]
    family: str
    level: float

    def both(self, values: Floats) -> tuple[float, float]:
        """Return the sums of the two arms, treated first."""
        arm = self.rows.arm == 1
        return float(values[arm].sum()), float(values[~arm].sum())

    def common(self) -> dict[str, Any]:
        """Return the fields that do not depend on how the ratio is estimated."""
        y, time, n = self.both(self.y), self.both(self.time), self.both(np.ones(len(self.y)))
        return {
            "outcome": self.events,
            "term": self.treatment,
            "level": self.level,
            "adjusted_for": self.covariates,
            "mean_treatment": y[0] / n[0],
            "mean_comparison": y[1] / n[1],
            "events_treatment": int(y[0]),
            "events_comparison": int(y[1]),
            "exposure_treatment": time[0],
            "exposure_comparison": time[1],
            "rate_treatment": y[0] / time[0],
            "rate_comparison": y[1] / time[1],
            **self.rows.counts(),
        }


def _counts(data: pd.DataFrame, events: str, exposure: str | None) -> tuple[Floats, Floats]:
    y = numeric(data, events)
    wrong = y[~np.isnan(y) & ((y < 0) | (y != np.floor(y)))]
    if wrong.size:
        raise invalid(
            f"{wrong.size} value(s) such as {wrong[0]:g}.",
            column=events,
            allowed="counts: whole numbers from 0",
        )
    if exposure is None:
        return y, np.ones(len(y))
    time = numeric(data, exposure)
    if np.any(time < 0):
        raise invalid("holds negative numbers.", column=exposure, allowed="numbers from 0")
    both = int(((time == 0) & (y > 0)).sum())
    if both:
        raise invalid(
            f"{both} row(s) have events but no time at risk.",
            column=exposure,
            allowed="exposure above 0 wherever there are events",
        )
    return y, time


def _kind(se: str, family: str, rows: Rows) -> str:
    if rows.shared:
        if se == "model":
            raise invalid("se='model' ignores the clusters.", allowed="auto, robust")
        return "CR2"
    robust = se == "robust" or (se == "auto" and family == "poisson")
    return "HC2" if robust else "model"


def _check_events(study: _Study, *, exact: bool = False) -> tuple[str, ...]:
    """Refuse an arm without events; return the note on fewer than 10."""
    treated, compared = (int(count) for count in study.both(study.y))
    what = f"(treatment {treated}, comparison {compared})"
    if compared == 0 or (treated == 0 and not exact):
        raise CannotEstimate(
            f"An arm has no events {what}, so the ratio of rates has no finite estimate or "
            "interval. Give the two rates, or, where only the treatment arm has none, ask for "
            "family='poisson', se='exact'."
        )
    if min(treated, compared) >= FEW_EVENTS:
        return ()
    end = "" if exact else ": the interval and p-value are not to be relied on"
    return (f"Fewer than {FEW_EVENTS} events in an arm {what}{end}",)


def _exact(study: _Study) -> RateEffect:
    from scipy.stats import binomtest

    if study.family != "poisson" or study.covariates or study.rows.shared:
        raise invalid(
            "se='exact' is for Poisson counts alone.",
            allowed="family='poisson' without covariates or shared clusters",
        )
    notes = _check_events(study, exact=True)
    treated, compared = (int(count) for count in study.both(study.y))
    time_t, time_c = study.both(study.time)
    test = binomtest(treated, treated + compared, time_t / (time_t + time_c))
    low, high = test.proportion_ci(study.level, method="exact")
    return RateEffect(
        **study.common(),
        estimate=treated / compared * time_c / time_t,
        p_value=float(test.pvalue),
        conf_low=low / (1 - low) * time_c / time_t,
        conf_high=high / (1 - high) * time_c / time_t if high < 1 else inf,
        dispersion=0.0,
        method=f"Ratio of rates of {study.events} by {study.treatment}; exact conditional "
        "interval and p-value, which take events as independent (Poisson).",
        notes=notes,
    )


def _by_model(study: _Study, kind: str) -> RateEffect:
    notes = _check_events(study)
    design = design_of(study.data, study.rows, study.treatment, study.covariates)
    given: dict[str, Any] = {
        "offset": np.log(study.time),
        "cluster": study.rows.groups,
        "se": kind,
    }
    theta = inf
    if study.family == "poisson":
        model = fit(design.matrix, study.y, design.names, family=POISSON, **given)
    else:
        model, theta = fit_negative_binomial(design.matrix, study.y, design.names, **given)
        if theta == inf:
            notes += ("The counts vary no more than Poisson counts: a Poisson model was used",)
    place = design.names.index(study.treatment)
    gradient = np.zeros(len(design.names))
    gradient[place] = 1.0
    error, df = model.contrast(gradient)
    return RateEffect(
        **study.common(),
        **wald(float(model.coefficients[place]), error, df, study.level, ratio=True),
        dispersion=0.0 if theta == inf else 1 / theta,
        method=_sentence(study, model),
        notes=(*design.notes, *notes, *low_df(df)),
    )


def _sentence(study: _Study, model: GlmFit) -> str:
    text = f"{model.family.name[0].upper()}{model.family.name[1:]} regression of {study.events} on "
    text += f"{study.treatment}{adjusted_for(study.covariates)}, log link"
    text += f", offset log {study.exposure}" if study.exposure else ""
    if model.se == "model":
        return f"{text}; standard error from the model, normal interval on the log scale."
    where = f" for {model.n_clusters} clusters" if study.rows.shared else ""
    return (
        f"{text}; {model.se} standard error{where}, Satterthwaite (Bell-McCaffrey) degrees of "
        "freedom, interval on the log scale."
    )
