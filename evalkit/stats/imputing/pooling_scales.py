"""Pool ratios, proportions and correlations over imputations, each on the scale that suits it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import atanh, exp, inf, sqrt, tanh
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.pooling import (
    Pooled,
    check_imputations,
    complete,
    notes,
    quantile,
    read_imputations,
    rubin,
    rules,
    smallest_df,
    two_sided,
)
from evalkit.stats.shared.columns import check_level, choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

DF = float | Sequence[float] | None


def pool_ratio(
    ratios: Any, std_errors: Any, *, df_complete: DF = None, level: float = 0.95
) -> Pooled:
    """Return a ratio (of risks, odds, rates or hazards) pooled over imputations.

    Parameters
    ----------
    ratios : one ratio an imputation, above zero; 1 is no difference
    std_errors : standard errors of their natural logarithms, as every ratio here has them
    df_complete, level : as in `pool`

    Returns
    -------
    Pooled
        Pooled on the scale of the natural logarithm and brought back: `estimate`, `conf_low` and
        `conf_high` are ratios; `std_error`, `statistic`, `within`, `between` and `total` are of
        the logarithm. `p_value` tests a ratio of 1.

    Raises
    ------
    InvalidInput, CannotEstimate
        As `pool`, and InvalidInput for a ratio that is not above zero.
    """
    check_level(level)
    values, variances = read_imputations(ratios, std_errors)
    if np.any(values <= 0):
        raise invalid(f"ratios holds {values.min():g}.", allowed="numbers above zero")
    how = "on the scale of the natural logarithm"
    return _transformed(np.log(values), variances, _ratio, how, df_complete, level, unit="ratio")


def pool_correlation(
    correlations: Any, n: Any, *, df_complete: DF = None, level: float = 0.95
) -> Pooled:
    """Return a correlation pooled over imputations.

    Parameters
    ----------
    correlations : one an imputation, between -1 and 1 and neither of them
    n : number of people behind each, four or more: one number, or one an imputation
    df_complete, level : as in `pool`

    Returns
    -------
    Pooled
        Pooled as Fisher's z, whose variance is 1/(n - 3), and brought back: `estimate`,
        `conf_low` and `conf_high` are correlations; `std_error`, `statistic`, `within`, `between`
        and `total` are of z. `p_value` tests a correlation of zero.

    Raises
    ------
    InvalidInput, CannotEstimate
        As `pool`, and InvalidInput for a correlation of 1 or more in size or an n below 4.
    """
    check_level(level)
    values = complete(correlations, "correlations")
    people = _people(n, len(values), fewest=4)
    if np.any(np.abs(values) >= 1):
        raise invalid(
            f"correlations holds {values[np.argmax(np.abs(values))]:g}.",
            allowed="numbers between -1 and 1, neither of them included",
        )
    check_imputations(len(values))
    z, variances = np.array([atanh(r) for r in values]), 1 / (people - 3)
    return _transformed(z, variances, tanh, "as Fisher's z", df_complete, level)


def pool_proportion(
    proportions: Any,
    n: Any,
    *,
    method: str = "wilson",
    df_complete: DF = None,
    level: float = 0.95,
) -> Pooled:
    """Return a proportion pooled over imputations.

    Parameters
    ----------
    proportions : one share an imputation, 0 to 1
    n : number of people behind each: one number, or one an imputation. With clusters or weights
        give the effective number, p(1 - p) over the square of the standard error.
    method : "wilson" (Lott and Reiter 2020) takes the mean of the proportions and an interval of
        Wilson's kind, wider by the relative increase in variance; it stays inside 0 and 1 and
        stands where some or all imputations give 0 or 1. "logit" pools the log odds and brings
        them back; every proportion must lie strictly between 0 and 1.
    df_complete, level : as in `pool`

    Returns
    -------
    Pooled
        `estimate`, `conf_low` and `conf_high` are shares; there is no test, so `statistic` and
        `p_value` are None. `std_error`, `within`, `between` and `total` are of the share for
        "wilson" and of the log odds for "logit".

    Raises
    ------
    InvalidInput
        For a proportion outside 0 to 1 (for "logit", 0 or 1 themselves), or an n below 1.
    CannotEstimate
        For one imputation, or proportions that are 0 in some imputations and 1 in all others.

    References
    ----------
    Lott and Reiter (2020), The American Statistician 74:109-115.
    """
    check_level(level)
    choice(method, ("wilson", "logit"), argument="method")
    values = complete(proportions, "proportions")
    people = _people(n, len(values), fewest=1)
    check_imputations(len(values))
    if np.any((values < 0) | (values > 1)):
        raise invalid("proportions holds numbers outside 0 to 1.", allowed="shares from 0 to 1")
    if method == "wilson":
        return _wilson(values, people, smallest_df(df_complete), level)
    if np.any((values == 0) | (values == 1)):
        raise invalid(
            "proportions holds 0 or 1, whose log odds are infinite.",
            allowed="shares between 0 and 1",
            next_step='method="wilson" takes them.',
        )
    odds = np.log(values) - np.log1p(-values)
    variances = 1 / (people * values * (1 - values))
    how = "on the scale of the log odds"
    return _transformed(odds, variances, _share, how, df_complete, level, test=False, unit="share")


def _ratio(logarithm: float) -> float:
    return exp(logarithm) if logarithm < 709 else inf


def _share(odds: float) -> float:
    return 1 / (1 + exp(-odds)) if odds > -700 else 0.0


def _people(n: Any, m: int, *, fewest: int) -> Floats:
    if np.ndim(n) == 0:
        n = [n] * m
    people = complete(n, "n")
    if len(people) != m:
        raise invalid(f"n has {len(people)} values for {m} imputations.", allowed="1, or as many")
    if np.any(people < fewest):
        raise invalid(f"n holds {people.min():g}.", allowed=f"{fewest} or more")
    return people


def _transformed(
    values: Floats,
    variances: Floats,
    back: Callable[[float], float],
    how: str,
    df_complete: DF,
    level: float,
    *,
    test: bool = True,
    unit: str | None = None,
) -> Pooled:
    """Return values pooled on their own scale, estimate and limits brought back from it."""
    spare = smallest_df(df_complete)
    parts = rubin(values, variances, spare)
    centre, error, df = parts.pop("estimate"), parts["std_error"], parts["df"]
    half = quantile(level, df) * error
    return Pooled(
        **parts,
        estimate=back(centre),
        statistic=centre / error if test else None,
        p_value=two_sided(centre / error, df) if test else None,
        conf_low=back(centre - half),
        conf_high=back(centre + half),
        level=level,
        unit=unit,
        method=f"{rules(parts['m'], spare)}, {how}.",
        notes=tuple(notes(parts)),
    )


def _wilson(values: Floats, people: Floats, spare: float, level: float) -> Pooled:
    """Return the mean proportion with the limits p at which (mean - p)^2 = t^2 (1 + r) p(1 - p)/n."""
    variances = values * (1 - values) / people
    if not variances.any():
        return _at_an_end(values, people, spare, level)
    parts = rubin(values, variances, spare)
    low, high = _wilson_limits(
        parts["estimate"], _number(people) / (1 + parts["riv"]), quantile(level, parts["df"])
    )
    return Pooled(
        **parts,
        conf_low=low,
        conf_high=high,
        level=level,
        unit="share",
        method=f"{rules(parts['m'], spare)}, interval of Wilson's kind (Lott and Reiter 2020).",
        notes=tuple(notes(parts)),
    )


def _number(people: Floats) -> float:
    """Return the number of people, or the harmonic mean of several numbers."""
    return float(1 / np.mean(1 / people))


def _wilson_limits(share: float, n: float, t: float) -> tuple[float, float]:
    middle = share + t**2 / (2 * n)
    half = t * sqrt(share * (1 - share) / n + t**2 / (4 * n**2))
    low, high = (middle - half) / (1 + t**2 / n), (middle + half) / (1 + t**2 / n)
    return max(0.0, low), min(1.0, high)


def _at_an_end(values: Floats, people: Floats, spare: float, level: float) -> Pooled:
    """Return the interval where every imputation gives 0, or every one 1."""
    if np.ptp(values) > 0:
        raise CannotEstimate(
            "The proportion is 0 in some imputations and 1 in all others: what was imputed "
            "decides everything, and its uncertainty cannot be told."
        )
    share, n = float(values[0]), _number(people)
    df = inf if spare == inf else (spare + 1) / (spare + 3) * spare
    low, high = _wilson_limits(share, n, quantile(level, df))
    return Pooled(
        estimate=share,
        std_error=None,
        df=df,
        conf_low=low,
        conf_high=high,
        level=level,
        unit="share",
        within=0.0,
        between=0.0,
        total=0.0,
        share_missing=0.0,
        riv=0.0,
        fmi=0.0,
        df_complete=None if spare == inf else spare,
        m=len(values),
        m_advised=20,
        m_replicable=2,
        method=f"{rules(len(values), spare)}, interval of Wilson's kind (Lott and Reiter 2020).",
        notes=(f"The proportion is {share:.0f} in every imputation: it has no standard error",),
    )
