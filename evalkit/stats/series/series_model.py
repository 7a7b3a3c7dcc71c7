"""An interrupted series as fitted: terms, effects by period, and the points of its picture."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.results import Records
from evalkit.stats.series.serial import (
    Autoregression,
    LeastSquares,
    autoregression,
    least_squares,
    newey_west,
)
from evalkit.stats.series.series_results import PeriodEffect, SeriesPoint, SeriesTerm
from evalkit.stats.series.series_rows import SeriesRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PERFECT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class SeriesModel:
    """A fitted series: coefficients, their covariances, and the autoregression beside it.

    `ols` are standard errors under independence; `width` is the quantile of t at the level.
    """

    rows: SeriesRows
    names: tuple[str, ...]
    fit: LeastSquares
    vcov: Floats
    ols: Floats
    check: Autoregression | None
    width: float
    lags: int
    correction: bool


def fit_series(
    rows: SeriesRows,
    names: tuple[str, ...],
    matrix: Floats,
    lags: int,
    correction: bool,
    level: float,
) -> SeriesModel:
    """Fit the series, or the difference of two, and the autoregression beside it."""
    from scipy.stats import t

    values = rows.analysed
    fit = least_squares(values, matrix)
    if not float(fit.residuals @ fit.residuals) > PERFECT**2 * float(values @ values):
        raise CannotEstimate(
            "The model fits the series exactly, so its uncertainty cannot be told. Check that the "
            "series is one of observed values."
        )
    try:
        check = autoregression(values, matrix, rows.places)
    except NotConverged:
        check = None
    return SeriesModel(
        rows=rows,
        names=names,
        fit=fit,
        vcov=newey_west(fit, rows.places, lags, correction=correction),
        ols=np.sqrt(np.diag(_classical(rows, fit, matrix))),
        check=check,
        width=float(t.ppf(0.5 + level / 2, fit.spare)),
        lags=lags,
        correction=correction,
    )


def _classical(rows: SeriesRows, fit: LeastSquares, matrix: Floats) -> Floats:
    """Return the covariance under independence; with two series, of one model of both."""
    if rows.compared is None:
        return fit.classical
    both = [least_squares(values, matrix).residuals for values in (rows.treated, rows.compared)]
    spread = sum(float(r @ r) for r in both) / (2 * fit.spare)
    return 2 * spread * fit.inverse


def combination(model: SeriesModel, weights: Floats) -> dict[str, float]:
    """Return a combination of level and slope with its interval."""
    from scipy.stats import t

    estimate = float(weights @ model.fit.coefficients[2:4])
    error = sqrt(max(float(weights @ model.vcov[2:4, 2:4] @ weights), 0.0))
    if not error > 0:
        raise CannotEstimate(
            "The Newey-West variance is zero or negative: use fewer lags, or lags='auto'."
        )
    return {
        "estimate": estimate,
        "std_error": error,
        "statistic": estimate / error,
        "df": float(model.fit.spare),
        "p_value": float(2 * t.sf(abs(estimate / error), model.fit.spare)),
        "conf_low": estimate - model.width * error,
        "conf_high": estimate + model.width * error,
    }


def term_records(model: SeriesModel) -> Records[SeriesTerm]:
    """Return every coefficient with its interval."""
    from scipy.stats import t

    found = []
    for i, name in enumerate(model.names):
        estimate, error = float(model.fit.coefficients[i]), sqrt(max(float(model.vcov[i, i]), 0.0))
        if not error > 0:
            raise CannotEstimate(f"The standard error of '{name}' is zero: use fewer lags.")
        check = model.check
        found.append(SeriesTerm(
            term=name, estimate=estimate, std_error=error, statistic=estimate / error,
            df=float(model.fit.spare),
            p_value=float(2 * t.sf(abs(estimate / error), model.fit.spare)),
            conf_low=estimate - model.width * error, conf_high=estimate + model.width * error,
            ols_std_error=float(model.ols[i]),
            ar1_estimate=None if check is None else float(check.coefficients[i]),
            ar1_std_error=None if check is None else sqrt(float(check.vcov[i, i])),
        ))  # fmt: skip
    return Records(found)


def effect_records(model: SeriesModel, log: bool) -> Records[PeriodEffect]:
    """Return the effect at each period from the start on."""
    rows, found = model.rows, []
    for place in rows.places[rows.after]:
        since = int(place - rows.start)
        now = combination(model, np.array([1.0, since]))
        middle, low, high = now["estimate"], now["conf_low"], now["conf_high"]
        ratios = {"ratio": exp(middle), "ratio_low": exp(low), "ratio_high": exp(high)}
        found.append(
            PeriodEffect(
                period=rows.periods.label(int(place)),
                since_start=since,
                estimate=middle,
                std_error=now["std_error"],
                conf_low=low,
                conf_high=high,
                **(ratios if log else {}),
            )
        )
    return Records(found)


def point_records(
    model: SeriesModel, effects: Records[PeriodEffect], log: bool
) -> Records[SeriesPoint]:
    """Return what was seen, fitted and expected without the programme, in the outcome's units."""
    rows = model.rows
    fitted = rows.treated - least_squares(rows.treated, model.fit.matrix).residuals
    by_place = {e.since_start + rows.start: e for e in effects}
    shape = exp if log else float
    points = []
    for i, place in enumerate(rows.places):
        effect, here = by_place.get(int(place)), float(fitted[i])
        expected = here - (effect.estimate if effect else 0.0)
        points.append(SeriesPoint(
            period=rows.periods.label(int(place)), after=effect is not None,
            observed=shape(rows.treated[i]),
            comparison=None if rows.compared is None else shape(rows.compared[i]),
            fitted=shape(here), counterfactual=shape(expected),
            low=None if effect is None else shape(here - effect.conf_high),
            high=None if effect is None else shape(here - effect.conf_low),
        ))  # fmt: skip
    return Records(points)
