"""Whether trends differed before the start, and how large a difference would have been seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.results import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SINGULAR = 1e-10
_ALPHA = 0.05
_PER_EFFECT = 10  # units or clusters a tested effect below which the test is not relied on


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrend(Record):
    """The Wald test that all effects before the start are zero, and what it could have seen.

    `statistic` is chi-squared on `df` degrees of freedom; None, with `p_value`, where there is
    nothing to test. `slope_50` and `slope_80` are the differences in linear trend, in outcome
    units a period, that this test (at 5%) finds with probability 50% and 80% (Roth 2022);
    `effect_80` is the overall effect (`kind="simple"`) that the second alone would show.
    """

    statistic: float | None = None
    df: int = 0
    p_value: float | None = None
    slope_50: float | None = None
    slope_80: float | None = None
    effect_80: float | None = None
    method: str = ""
    sentence: str = ""
    notes: tuple[str, ...] = ()


def nothing_before(why: str) -> Pretrend:
    """Return the answer where no period before the start can be compared with another."""
    return Pretrend(
        method="Wald test of the effects before the start",
        sentence=f"{why}: whether trends differed before cannot be examined, and that they would "
        "have been parallel rests on argument alone.",
    )


def pretrend_test(
    estimates: Floats, variance: Floats, gaps: Floats, effect_gap: float, units: int
) -> Pretrend:
    """Return the test of estimates before the start, with this variance matrix.

    `gaps` are the periods between each estimate's period and its base, `effect_gap` the weighted
    mean of those of the overall effect; `units` counts what the variance rests on. Without an
    inverse of the variance there is no test, and the sentence says so.
    """
    from scipy.stats import chi2

    inverse = _inverse(variance)
    if inverse is None:
        return nothing_before(
            f"{units} units or clusters are too few to test {len(estimates)} effects before the "
            "start together"
        )
    statistic, df = float(estimates @ inverse @ estimates), len(estimates)
    p = float(chi2.sf(statistic, df))
    seen = float(gaps @ inverse @ gaps)
    slopes = [float(np.sqrt(_needed(df, power) / seen)) for power in (0.5, 0.8)]
    return Pretrend(
        statistic=statistic,
        df=df,
        p_value=p,
        slope_50=slopes[0],
        slope_80=slopes[1],
        effect_80=slopes[1] * effect_gap,
        method=f"Wald test that all {df} effects before the start are zero (chi-squared, {df} df); "
        "detectable trends by its noncentral distribution (Roth 2022)",
        sentence=_sentence(p, slopes[1], abs(slopes[1] * effect_gap)),
        notes=_few(units, df),
    )


def _sentence(p: float, slope: float, effect: float) -> str:
    value = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    if p < _ALPHA:
        first = (
            f"Before the start the groups did not move in parallel ({value}): the estimates after "
            "it cannot be read as effects without an argument why the difference stopped"
        )
    else:
        first = (
            f"No difference in trends before the start was found ({value}). That does not show "
            "that trends were parallel, before or after"
        )
    return (
        f"{first}. The test finds a steady difference in trend of {slope:.3g} a period four times "
        f"in five; smaller ones mostly pass unseen, and that one alone would look like an overall "
        f"effect of {effect:.3g}."
    )


def _needed(df: int, power: float) -> float:
    """Return the noncentrality at which the 5% chi-squared test has this power."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, ncx2

    critical = chi2.ppf(1 - _ALPHA, df)
    return float(brentq(lambda x: ncx2.sf(critical, df, x) - power, 1e-6, 1e4, xtol=1e-10))


def _few(units: int, df: int) -> tuple[str, ...]:
    if units >= _PER_EFFECT * df:
        return ()
    return (
        f"{units} units or clusters are few for a test of {df} effects together: it rejects too "
        "often",
    )


def _inverse(variance: Floats) -> Floats | None:
    """Return the inverse of a covariance matrix, None where it has none."""
    scale = np.sqrt(np.diag(variance))
    if not np.all(scale > 0):
        return None
    values, vectors = np.linalg.eigh(variance / np.outer(scale, scale))
    if values[0] <= _SINGULAR:
        return None
    return np.asarray((vectors / values) @ vectors.T / np.outer(scale, scale), dtype=np.float64)
