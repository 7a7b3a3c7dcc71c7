"""Two-way fixed effects, with the warning that goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, Records
from evalkit.stats.panels.adoption import NEVER
from evalkit.stats.panels.forbidden_comparisons import BaconWeights, decomposed
from evalkit.stats.panels.panel_rows import PanelRows, panel_rows
from evalkit.stats.panels.status_rows import StatusRows
from evalkit.stats.panels.within_fit import (
    WithinFit,
    bias_reduced,
    by_row,
    clustered,
    within_fit,
)
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    is_numeric,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import Column, covariate_columns
from evalkit.stats.shared.intervals import few_df_note
from evalkit.stats.shared.model_rows import adjusted_for

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SE = ("auto", "CR1S", "CR2", "classical", "HC1")
MANY_CLUSTERS = 50  # with more, CR1S and CR2 hardly differ


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedEffectsEstimate(Estimate):
    """A coefficient with unit and period effects.

    `terms` has the treatment and each covariate. `warning` says what the estimate mixes where
    treatment starts at different times, None otherwise, and `bacon` has the comparisons behind it
    (of a balanced panel, without covariates). `n_treatment` and `n_comparison` count units ever
    and never treated.
    """

    n_rows: int = 0
    n_units: int = 0
    n_periods: int = 0
    r_squared: float = 0.0
    r_squared_within: float = 0.0
    warning: str | None = None
    bacon: BaconWeights | None = None
    terms: Records[Estimate] = field(default_factory=Records)


def two_way_fixed_effects(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    unit: str,
    period: str,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    se: str = "auto",
    level: float = 0.95,
) -> FixedEffectsEstimate:
    """Return the coefficient of treatment with unit and period effects, and what it is made of.

    Where treatment starts at different times and effects differ or change, this is not an average
    of effects: see `warning`, and `group_time_effects`.

    Parameters
    ----------
    data : any frame narwhals knows, one row a unit and period; never changed
    outcome, unit, period : names of columns
    treatment : name of a 0/1 or true/false column of being treated in this period
    covariates : names of columns that change within units; others are left out with a note
    cluster : name of the column of clusters; units by default
    se : "auto" is CR2 with Satterthwaite degrees of freedom up to 50 clusters that hold whole
        units, else "CR1S" with clusters - 1 (the default of fixest); also "classical" and "HC1"
        by row, with rows - parameters
    level : confidence level

    Raises
    ------
    InvalidInput
        For columns of the wrong kind, several rows a unit and period, or an unknown option.
    CannotEstimate
        When treatment does not change within units or changes for all at once, no row is to
        spare, or there is one cluster.
    """
    check_level(level)
    choice(se, SE, argument="se")
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, unit=unit, period=period, covariates=names)
    frame = check_frame(
        data, dict.fromkeys([outcome, treatment, unit, period, *names, *optional_name(cluster)])
    )
    arm = read_arm(frame, treatment)
    reasons = [("no treatment", np.isnan(arm))]
    rows = panel_rows(frame, outcome, unit, period, names, cluster, reasons)
    arm = arm[rows.keep]
    columns: list[Column] = [(treatment, arm)]
    for name in names:
        columns += covariate_columns(frame, name, rows.keep)
    model = within_fit(rows.layout, rows.outcome, columns, treatment)
    kind, vcov, df = variance(model, rows, se)
    terms = Records(_term(model, i, vcov, df, outcome, level) for i in range(len(model.names)))
    starts = _starts(rows, arm)
    warning, bacon = _warning(rows, starts, frame.loc[rows.keep, period], bool(names))
    r2, within = model.shares_explained(rows.outcome)
    return FixedEffectsEstimate(
        **{key: value for key, value in terms[0].to_dict().items() if key in _NUMBERS},
        outcome=outcome,
        term=treatment,
        level=level,
        n_treatment=int(np.isfinite(starts.first).sum()),
        n_comparison=int(np.isinf(starts.first).sum()),
        n_clusters=rows.n_clusters if kind.startswith("CR") else None,
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        method=_sentence(outcome, treatment, names, kind, cluster or unit),
        notes=(*_lost(model), *few_df_note(float(df[0])), *([warning] if warning else [])),
        adjusted_for=names,
        n_rows=model.n,
        n_units=rows.layout.n_units,
        n_periods=rows.layout.n_periods,
        r_squared=r2,
        r_squared_within=within,
        warning=warning,
        bacon=bacon,
        terms=terms,
    )


_NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")


def variance(model: WithinFit, rows: PanelRows, se: str) -> tuple[str, Floats, Floats]:
    """Return the kind of standard error, the variance matrix, and degrees of freedom."""
    count = len(model.names)
    if se == "auto":
        se = "CR2" if rows.nested and rows.n_clusters <= MANY_CLUSTERS else "CR1S"
    if se == "CR2":
        if not rows.nested:
            raise invalid(
                "se='CR2' needs clusters that hold whole units.", allowed="CR1S, classical, HC1"
            )
        return se, *bias_reduced(model, rows.clusters)
    if se == "CR1S":
        vcov = clustered(model, rows.clusters, rows.n_clusters, nested=rows.nested)
        return se, vcov, np.full(count, rows.n_clusters - 1.0)
    return se, by_row(model, se), np.full(count, float(model.n - count - model.absorbed))


def _term(
    model: WithinFit, place: int, vcov: Floats, df: Floats, outcome: str, level: float
) -> Estimate:
    return t_estimate(
        float(model.coefficients[place]), float(vcov[place, place]), float(df[place]), level,
        outcome=outcome, term=model.names[place],
    )  # fmt: skip


def t_estimate(value: float, variance: float, df: float, level: float, **words: Any) -> Estimate:
    """Return an estimate with its t interval, refusing a variance that is not one."""
    from scipy.special import stdtr, stdtrit

    if not (variance > 0 and np.isfinite(variance) and df > 0):
        raise CannotEstimate(
            "The standard error is zero or cannot be computed: too few units or clusters carry "
            f"information about '{words.get('term', 'the effect')}'."
        )
    error = float(np.sqrt(variance))
    half = float(stdtrit(df, 0.5 + level / 2)) * error
    return Estimate(
        estimate=value,
        std_error=error,
        statistic=value / error,
        df=df,
        p_value=float(2 * stdtr(df, -abs(value / error))),
        conf_low=value - half,
        conf_high=value + half,
        level=level,
        **words,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Starts:
    """Each unit's first treated period, by its place; infinite where never.

    `stops` says whether any unit is untreated later, `staggered` whether in some period one unit
    is treated and another is not yet.
    """

    first: Floats
    stops: bool
    staggered: bool


def _starts(rows: PanelRows, arm: Floats) -> _Starts:
    lay = rows.layout
    if lay.balanced:
        on = lay.arranged(arm) == 1
        any_on = on.any(axis=1)
        stops = bool(np.any(on[:, :-1] > on[:, 1:]))
        first = np.where(any_on, on.argmax(axis=1).astype(np.float64), NEVER)
        return _Starts(first, stops, bool(np.ptp(first[any_on]) > 0))
    first = np.full(lay.n_units, NEVER)
    on = arm == 1
    np.minimum.at(first, lay.unit[on], lay.period[on].astype(np.float64))
    own = first[lay.unit]
    waiting = lay.period[np.isfinite(own) & ~on]
    staggered = waiting.size > 0 and waiting.max() >= first.min()
    return _Starts(first, bool(np.any((lay.period > own) & ~on)), bool(staggered))


def _warning(
    rows: PanelRows, starts: _Starts, period: pd.Series[Any], adjusted: bool
) -> tuple[str | None, BaconWeights | None]:
    """Return what must be said of a roll-out at different times, and the comparisons behind it."""
    if starts.stops:
        return (
            "Some units are treated and later untreated: the coefficient takes an effect to end "
            "with the treatment at once, and to be the same in all.",
            None,
        )
    if not starts.staggered:
        return None, None
    lead = (
        "Treatment starts at different times, so the coefficient also compares units with units "
        "already treated."
    )
    if not rows.layout.balanced:
        return (
            f"{lead} If effects differ or change with time it can be far off, even in sign; use "
            "group_time_effects. (The share cannot be told: units have holes.)",
            None,
        )
    wide = rows.layout.arranged(rows.outcome)
    times = np.arange(rows.layout.n_periods, dtype=np.float64)
    if is_numeric(period):
        times[rows.layout.period] = period.to_numpy(dtype=np.float64)
    dates = np.where(np.isfinite(starts.first), starts.first, 0).astype(np.intp)
    first = np.where(np.isfinite(starts.first), times[dates], NEVER)
    bacon = decomposed(StatusRows(wide, times, first, ()))
    without = " (shares of the estimate without covariates)" if adjusted else ""
    return f"{lead} {bacon.sentence}{without}", bacon


def _lost(model: WithinFit) -> list[str]:
    return [
        f"'{name}' is fixed by unit, period and the other columns and was left out of the model."
        for name in model.lost
    ]


def _sentence(
    outcome: str, treatment: str, covariates: Sequence[str], kind: str, cluster: str
) -> str:
    words = {
        "CR2": f"CR2 standard error by {cluster}, Satterthwaite degrees of freedom",
        "CR1S": f"CR1S standard error by {cluster}, degrees of freedom one less than the clusters",
        "HC1": "HC1 standard error, residual degrees of freedom",
        "classical": "classical standard error, residual degrees of freedom",
    }
    return (
        f"Least squares of {outcome} on {treatment} with unit and period effects"
        f"{adjusted_for(covariates)}; {words[kind]}."
    )
