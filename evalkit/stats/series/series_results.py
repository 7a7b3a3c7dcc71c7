"""What an interrupted series shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidInput
from evalkit.results import Record, Records

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesTerm(Record):
    """One coefficient: Newey-West standard error, t with rows less parameters.

    `ols_std_error` takes residuals for independent (of both series together where there are two);
    `ar1_estimate` and `ar1_std_error` are by generalised least squares with first-order
    autocorrelation, None where that has no solution.
    """

    term: str
    estimate: float
    std_error: float
    statistic: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float
    ols_std_error: float
    ar1_estimate: float | None
    ar1_std_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodEffect(Record):
    """The effect at one period after the start, on the scale of the model (logarithms with log)."""

    period: Any
    since_start: int
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesPoint(Record):
    """One period: what was seen, what the model fits, and what it expects without the programme.

    In the units of the outcome (or rate). `comparison` is the comparison series. The limits are of
    the counterfactual, from the uncertainty of the effect (None before the start).
    """

    period: Any
    after: bool
    observed: float | None
    comparison: float | None
    fitted: float
    counterfactual: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InterruptedSeries(Record):
    """A series interrupted by a programme.

    `estimate` to `conf_high` are the mean effect over the periods after the start, on the scale of
    the model; `ratio` and its limits are their exponentials with log. `level_change` and
    `slope_change` are the terms "level" and "slope" (0 at the first period after the start);
    `cumulative` is the sum of the effects (None with log). `terms` (and `to_frame`) has every coefficient, `effects`
    one row a period after the start, `points` the picture. `durbin_watson`, `ljung_box` and
    `breusch_godfrey` (with `test_lags`) ask of the residuals; `ar1_rho` is the autocorrelation of
    the check, `ar1_effect` the mean effect by it and `ar1_effect_error` its standard error. `n_gaps` periods inside the series were left out.
    """

    outcome: str
    term: str
    estimand: str
    estimate: float
    std_error: float
    statistic: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    ratio: float | None
    ratio_low: float | None
    ratio_high: float | None
    level_change: float
    level_error: float
    slope_change: float
    slope_error: float
    cumulative: float | None
    cumulative_low: float | None
    cumulative_high: float | None
    terms: Records[SeriesTerm]
    effects: Records[PeriodEffect]
    points: Records[SeriesPoint]
    lags: int
    correction: bool
    durbin_watson: float
    test_lags: int
    ljung_box: float
    ljung_box_p: float
    breusch_godfrey: float
    breusch_godfrey_p: float
    ar1_rho: float | None
    ar1_effect: float | None
    ar1_effect_error: float | None
    ar1_log_likelihood: float | None
    n_before: int
    n_after: int
    n_gaps: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    sentence: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a frame with one row a term."""
        return self.terms.to_frame()

    def of(self, term: str) -> SeriesTerm:
        """Return a coefficient by its name: "(intercept)", "time", "level", "slope", ..."""
        for found in self.terms:
            if found.term == term:
                return found
        raise InvalidInput(
            f"No term '{term}'. Allowed: {', '.join(found.term for found in self.terms)}."
        )

    def counterfactual(self) -> pd.DataFrame:
        """Return the points of the picture, one row a period."""
        return self.points.to_frame()
