"""The chance that a treated person does better than one not treated, ties counted by half."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.categories.marginal import low_df
from evalkit.stats.categories.ordered_outcomes import Ordered, read_ordered
from evalkit.stats.shared.columns import choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ZERO = 1e-20  # a variance that is rounding only
INTERVALS = ("logit", "delong", "newcombe")


@dataclass(frozen=True, slots=True, kw_only=True)
class Superiority(Estimate):
    """A probability of superiority (0 to 1; 0.5 is no difference), and the shares it is made of.

    Of all pairs of one treated and one comparison person, `wins` is the share in which the treated
    has the higher outcome, `losses` the lower, `ties` the same; the estimate is wins + ties / 2.
    `std_error` is on the scale of the probability, None where it is 0 or the interval has none;
    with the logit interval `statistic` is on the scale of the log odds.
    """

    wins: float
    losses: float
    ties: float


def probability_of_superiority(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    cluster: str | None = None,
    interval: str = "logit",
    level: float = 0.95,
) -> Superiority:
    """Return the chance that a treated person's outcome is higher than a comparison person's.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a numeric column (only its order counts), or of an ordered categorical
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    cluster : name of the column of clusters (the unit of assignment)
    interval : "logit" (DeLong's variance on the scale of the log odds, t with Brunner and Munzel's
        degrees of freedom), "delong" (normal, on the scale itself: R's pROC), or "newcombe"
        (Newcombe's method 5, which has an interval where the arms do not overlap; ties make it
        too wide)
    level : confidence level

    Returns
    -------
    Superiority
        P(T > C) + P(T = C) / 2, the Mann-Whitney statistic over the number of pairs: the area
        under the ROC curve, which takes neither normal outcomes nor proportional odds. The p-value
        is of 0.5 and agrees with the interval. Clustered: Obuchowski's variance, with degrees of
        freedom from the arms' clusters. Where the arms do not overlap the interval is Newcombe's.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, categories without an order, an unknown
        `interval`, or Newcombe's with clusters.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters), the outcome does not
        vary, or, clustered, the arms do not overlap.

    References
    ----------
    DeLong, DeLong and Clarke-Pearson (1988), Biometrics 44:837-845; Newcombe (2006), Statistics in
    Medicine 25:559-573; Brunner and Munzel (2000), Biometrical Journal 42:17-25; Obuchowski
    (1997), Biometrics 53:567-578; Perme and Manevski (2019), SMMR 28:3755-3768 (the logit scale).
    """
    choice(interval, INTERVALS, argument="interval")
    study = read_ordered(
        data, outcome=outcome, treatment=treatment, treated=treated, cluster=cluster, level=level
    )
    if len(study.labels) < 2:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    if study.clusters is not None and interval == "newcombe":
        raise invalid(
            "interval='newcombe' is for people who are independent.", allowed="logit, delong"
        )
    wins, losses, influence = _pairs(study)
    estimate = wins + (1 - wins - losses) / 2
    variance, df = _variance(study, influence)
    apart = max(wins, losses) == 1
    if study.clusters is not None and not (variance > _ZERO and not apart):
        raise CannotEstimate(
            "The arms do not overlap, or their clusters do not differ, so with clusters there is no "
            "standard error. Report the counts in each arm, or ask for people without clusters."
        )
    kind = "newcombe" if apart else interval
    return Superiority(
        outcome=outcome,
        term=treatment,
        level=float(level),
        estimate=estimate,
        **_interval(kind, estimate, variance, df, study, level),
        **study.rows.counts(),
        wins=wins,
        losses=losses,
        ties=max(1 - wins - losses, 0.0),
        method=_sentence(outcome, treatment, kind, study),
        notes=_notes(apart, df if kind == "logit" or study.clusters is not None else inf),
    )


def _pairs(study: Ordered) -> tuple[float, float, Floats]:
    """Return shares of pairs won and lost, and each row's influence on the probability.

    A row's influence is its chance of doing better than the other arm (DeLong's placement) less
    the mean, over its arm's people; of the comparison arm with the sign turned.
    """
    treated, compared = study.counts(1.0), study.counts(0.0)
    n, m = int(treated.sum()), int(compared.sum())
    below = np.cumsum(compared) - compared  # comparison people in lower categories
    above = n - np.cumsum(treated)  # treated people in higher categories
    wins = int((treated * below).sum()) / (n * m)
    ties = int((treated * compared).sum()) / (n * m)
    estimate = wins + ties / 2
    better = (below + compared / 2) / m
    worse = (above + treated / 2) / n
    arm = study.rows.arm == 1
    codes = study.codes
    influence = np.where(arm, (better[codes] - estimate) / n, (worse[codes] - estimate) / m)
    losses = int((compared * (np.cumsum(treated) - treated)).sum()) / (n * m)
    return wins, losses, influence


def _variance(study: Ordered, influence: Floats) -> tuple[float, float]:
    """Return the variance of the probability and its degrees of freedom."""
    arm = study.rows.arm
    codes = np.arange(len(arm)) if study.clusters is None else study.clusters
    sums = np.bincount(codes, weights=influence)
    share = np.bincount(codes, weights=arm) / np.bincount(codes)
    if np.any((share > 0) & (share < 1)):
        return _across(codes, arm, influence)
    parts, spare = [], []
    for inside in (share == 1, share == 0):
        count = int(inside.sum())
        parts.append(count / (count - 1) * float(np.sum(sums[inside] ** 2)))
        spare.append(count - 1)
    below = sum(part**2 / k for part, k in zip(parts, spare, strict=True))
    return sum(parts), (sum(parts) ** 2 / below if below > 0 else inf)


def _across(codes: Any, arm: Floats, influence: Floats) -> tuple[float, float]:
    """Return Obuchowski's variance where clusters have people of both arms."""
    count = int(codes.max()) + 1
    sides = [
        np.bincount(codes, weights=influence * (arm == side), minlength=count) for side in (1, 0)
    ]
    found = [len(np.unique(codes[arm == side])) for side in (1, 0)]
    total = sum(k / (k - 1) * float(s @ s) for k, s in zip(found, sides, strict=True))
    total += 2 * count / (count - 1) * float(sides[0] @ sides[1])
    return max(total, 0.0), count - 1.0


def _interval(
    kind: str, estimate: float, variance: float, df: float, study: Ordered, level: float
) -> dict[str, Any]:
    from scipy.stats import norm
    from scipy.stats import t as student

    error = sqrt(variance)
    if kind == "newcombe":
        counts = int((study.rows.arm == 1).sum()), int((study.rows.arm == 0).sum())
        z = float(norm.ppf(0.5 + level / 2))
        statistic = (estimate - 0.5) / sqrt(_newcombe_variance(0.5, *counts))
        low, high = newcombe_limits(estimate, *counts, z)
        return {
            "statistic": statistic, "p_value": float(2 * norm.sf(abs(statistic))),
            "conf_low": low, "conf_high": high,
        }  # fmt: skip
    logit = kind == "logit"
    law = student(df) if (logit or study.clusters is not None) and df < inf else norm()
    reach = float(law.ppf(0.5 + level / 2))
    if logit:
        centre, spread = log(estimate / (1 - estimate)), error / (estimate * (1 - estimate))
        low, high = (1 / (1 + exp(-(centre + s * reach * spread))) for s in (-1, 1))
        statistic = centre / spread
    else:
        low, high = max(estimate - reach * error, 0.0), min(estimate + reach * error, 1.0)
        statistic = (estimate - 0.5) / error
    return {
        "std_error": error, "statistic": statistic, "p_value": float(2 * law.sf(abs(statistic))),
        "df": df if (logit or study.clusters is not None) and df < inf else None,
        "conf_low": low, "conf_high": high,
    }  # fmt: skip


def _newcombe_variance(theta: float, n: int, m: int) -> float:
    """Return Hanley and McNeil's variance with both sizes less one put at (n + m) / 2 - 1."""
    middle = (n + m) / 2 - 1
    inside = (1 - theta) / (2 - theta) + theta / (1 + theta)
    return theta * (1 - theta) * (1 + middle * inside) / (n * m)


def newcombe_limits(estimate: float, n: int, m: int, z: float) -> tuple[float, float]:
    """Return the probabilities whose distance from the estimate is z of their own errors."""
    from scipy.optimize import brentq

    def gap(theta: float) -> float:
        return float((estimate - theta) ** 2 - z**2 * _newcombe_variance(theta, n, m))

    def gap_below_one(theta: float) -> float:  # the gap of an estimate of 1, over 1 - theta
        rest = theta * (1 + ((n + m) / 2 - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        return float(1 - theta - z**2 * rest / (n * m))

    if estimate in (0.0, 1.0):
        end = float(brentq(gap_below_one, 0.0, 1.0, xtol=1e-14))
        return (end, 1.0) if estimate == 1 else (0.0, 1 - end)
    low, high = brentq(gap, 0.0, estimate, xtol=1e-14), brentq(gap, estimate, 1.0, xtol=1e-14)
    return float(low), float(high)


def _notes(apart: bool, df: float) -> tuple[str, ...]:
    notes = list(low_df(df))
    if apart:
        notes.append("The arms do not overlap: the interval is Newcombe's, which allows for that")
    return tuple(notes)


def _sentence(outcome: str, treatment: str, kind: str, study: Ordered) -> str:
    text = f"Chance that {outcome} is higher in the treated arm by {treatment}, ties by half; "
    if kind == "newcombe":
        return text + "Newcombe's interval (method 5), the p-value from the same variance at 0.5."
    scale = " on the log-odds scale" if kind == "logit" else ""
    if study.clusters is not None:
        count = int(study.clusters.max()) + 1
        return (
            f"{text}Obuchowski's variance for {count} clusters, t interval{scale}, degrees of "
            "freedom from the arms' clusters."
        )
    law = "t interval, Brunner and Munzel's degrees of freedom," if scale else "normal interval"
    return f"{text}DeLong's variance, {law}{scale}."
