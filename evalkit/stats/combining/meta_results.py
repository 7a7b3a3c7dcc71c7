"""What a meta-analysis found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteEffect(Record):
    """One site: its own effect, its share of the weight, and its effect drawn to the others'.

    `shrunken` is the best linear unbiased prediction from the site's effect and the average (or
    what the moderators predict). `moderators` is the site's row of the model, intercept first.
    """

    label: str
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    weight: float
    shrunken: float
    shrunken_error: float
    shrunken_low: float
    shrunken_high: float
    moderators: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaCoefficient(Record):
    """The coefficient of the intercept or a moderator; df is None with the normal distribution."""

    term: str
    estimate: float
    std_error: float
    statistic: float
    df: float | None
    p_value: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaAnalysis(Record):
    """The average effect of several sites, how much they differ, and what a new site may expect.

    With moderators there is no one average: `estimate` to `conf_high` and the prediction are None
    and `coefficients` has a row a term. `df` is None where the normal distribution is used.
    `i2` (per cent) is 100 tau^2 / (tau^2 + s^2), s^2 the typical variance within sites, and
    `h2` = tau^2 / s^2 + 1; `i2_q` is 100 (Q - df) / Q, not below 0. With method "EE" both are from
    Q. `prediction_df` are the degrees of freedom of the prediction interval (k - 2 with "t").
    `scale_factor` is the Hartung-Knapp q the variance was multiplied by (1 without). `weights` are
    shares that add up to 1, in the order of `sites`. `r2` (per cent) is the share of tau^2 that the
    moderators take away; `qm` tests them all, F with `qm_df` and `df` under Hartung-Knapp, else
    chi-squared. The Egger fields are None below 10 sites and with moderators.
    """

    estimate: float | None
    std_error: float | None
    statistic: float | None
    df: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None
    level: float
    tau2: float
    tau2_se: float | None
    tau2_low: float | None
    tau2_high: float | None
    i2: float
    i2_q: float
    h2: float
    q: float
    q_df: int
    q_p: float
    prediction_low: float | None
    prediction_high: float | None
    prediction_df: float | None
    scale_factor: float
    k: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    weights: tuple[float, ...]
    coefficients: Records[MetaCoefficient]
    r2: float | None
    qm: float | None
    qm_df: int | None
    qm_p: float | None
    egger_statistic: float | None
    egger_df: float | None
    egger_p: float | None
    sites: Records[SiteEffect]
    estimator: str
    hartung_knapp: bool | str
    method: str
    sentence: str
    notes: tuple[str, ...] = ()

    def leave_one_out(self) -> pd.DataFrame:
        """Return the pooled result without each site in turn, one row a site left out.

        Columns `left_out, estimate, std_error, conf_low, conf_high, p_value, tau2, i2, q`. Raises
        CannotEstimate with fewer than three sites, or with moderators.
        """
        import pandas as pd

        from evalkit.stats.combining.meta import meta_analysis

        if self.k < 3 or self.estimate is None:
            raise CannotEstimate(
                "Leaving one site out needs three sites or more, and a model without moderators."
            )
        y = np.array([site.estimate for site in self.sites])
        v = np.array([site.std_error for site in self.sites]) ** 2
        rows = []
        for place, site in enumerate(self.sites):
            rest = meta_analysis(
                np.delete(y, place), np.delete(v, place), method=self.estimator,
                hartung_knapp=self.hartung_knapp, level=self.level,
            )  # fmt: skip
            rows.append({"left_out": site.label} | {n: getattr(rest, n) for n in _LEFT_OUT})
        return pd.DataFrame(rows)

    def funnel(self) -> pd.DataFrame:
        """Return the points of a funnel plot: `label, effect, std_error, centre, low, high`.

        `low` and `high` are where effects of that standard error would lie about the centre (the
        average, or with moderators what they predict) if sites did not differ.
        """
        import pandas as pd
        from scipy.stats import norm

        half = float(norm.ppf(0.5 + self.level / 2))
        beta = np.array([c.estimate for c in self.coefficients])
        rows = []
        for site in self.sites:
            centre = float(np.array(site.moderators) @ beta)
            rows.append({
                "label": site.label, "effect": site.estimate, "std_error": site.std_error,
                "centre": centre, "low": centre - half * site.std_error,
                "high": centre + half * site.std_error,
            })  # fmt: skip
        return pd.DataFrame(rows)


_LEFT_OUT = ("estimate", "std_error", "conf_low", "conf_high", "p_value", "tau2", "i2", "q")
