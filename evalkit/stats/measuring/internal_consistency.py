"""How far the items of a scale hang together on one's own data: alpha, omega, item statistics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Records
from evalkit.rounding import written
from evalkit.stats.measuring.consistency_results import ItemStatistics, Reliability
from evalkit.stats.measuring.item_answers import (
    LEAST_ROWS,
    Answers,
    check_variance,
    covariances,
    left_out_for,
    read_answers,
)
from evalkit.stats.measuring.one_factor import OneFactor, one_factor
from evalkit.stats.shared.columns import check_level, choice, left_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def reliability(
    items: Any,
    *,
    reverse: Iterable[Any] = (),
    low: float | Sequence[float] | None = None,
    high: float | Sequence[float] | None = None,
    missing: str = "complete",
    omega: bool = True,
    level: float = 0.95,
) -> Reliability:
    """Return the reliability of the sum of some items: alpha, omega, item by item.

    Parameters
    ----------
    items : any frame narwhals knows or a two-dimensional array, one row a person, one column an
        item; missing as NaN. Never changed. Columns of an array are named 0, 1, 2 ...
    reverse : names of items to turn (low + high - x) first; needs `low` and `high`
    low, high : the lowest and highest possible answer, one for all or one an item in their order;
        answers beyond them are refused
    missing : "complete" (the default) uses the people who answered every item, so that every
        number rests on the same people; "pairwise", as psych::alpha does, takes each covariance
        from all who answered both items. Omega and the scale's floor and ceiling are of complete
        rows either way.
    omega : False to leave omega out
    level : confidence level

    Returns
    -------
    Reliability
        alpha = k / (k - 1) (1 - trace C / sum C) for the covariances C; its interval is Feldt's
        from F with n - 1 and (n - 1)(k - 1) degrees of freedom, n the rows used (with "pairwise"
        those with any answer; the interval is then a little too narrow).
        `sd` is the root of the sum of C; sem = sd sqrt(1 - alpha); se_difference = sqrt(2) sem;
        smallest_change = z se_difference, z = 1.96 at level 0.95. Omega is of a one-factor model
        by maximum likelihood, which takes answers as continuous, its interval a delta-method one
        on the log odds of omega. For a scale scored as a mean divide mean, sd, sem,
        se_difference and smallest_change by the number of items.

    Raises
    ------
    InvalidInput
        For fewer than two items or three rows to use, an item without variance, text, answers
        beyond `low` or `high`, `reverse` without both or naming no item.
    CannotEstimate
        Where the sum of the items does not vary, or two items were never answered together.
    NotConverged
        (a CannotEstimate) where one factor cannot be fitted or leaves an item no variance.

    References
    ----------
    Cronbach (1951), Psychometrika 16:297-334; Feldt (1965), Psychometrika 30:357-370; McDonald
    (1999), Test Theory; de Vet et al. (2006), Journal of Clinical Epidemiology 59:1033-1039.
    """
    check_level(level)
    choice(missing, ("complete", "pairwise"), argument="missing")
    everyone = read_answers(items, tuple(str(name) for name in reverse), low, high)
    keep, dropped = left_out(left_out_for(everyone, missing), len(everyone.values))
    used = everyone.only(keep)
    check_variance(used)
    whole = used.complete
    covariance = covariances(used)
    factor = _factor(whole) if omega and len(used.names) > 2 else None
    return _record(everyone, used, whole, covariance, factor, dropped, missing, omega, level)


def _factor(whole: Answers) -> OneFactor:
    if len(whole.values) < LEAST_ROWS:
        raise CannotEstimate("Too few people answered every item for omega: use omega=False.")
    check_variance(whole)
    covariance = covariances(whole)
    if np.linalg.matrix_rank(_correlations(covariance), hermitian=True) < len(covariance):
        raise CannotEstimate(
            "Some item is a sum of others, or there are fewer people than items, so omega cannot "
            "be had: use omega=False."
        )
    return one_factor(covariance, len(whole.values), whole.names)


def _alpha(covariance: Floats) -> float:
    count, total = len(covariance), float(covariance.sum())
    if total <= 1e-12 * float(np.trace(covariance)):
        raise CannotEstimate("The sum of the items does not vary, so alpha cannot be formed.")
    return count / (count - 1) * (1 - float(np.trace(covariance)) / total)


def _feldt(alpha: float, rows: int, count: int, level: float) -> tuple[float, float]:
    from scipy.stats import f as fisher

    df = (rows - 1, (rows - 1) * (count - 1))
    low, high = (
        1 - (1 - alpha) * float(fisher.ppf(p, *df)) for p in ((1 + level) / 2, (1 - level) / 2)
    )
    return low, high


def _correlations(covariance: Floats) -> Floats:
    spread = np.sqrt(np.diag(covariance))
    correlations: Floats = covariance / np.outer(spread, spread)
    return correlations


def _record(
    everyone: Answers,
    used: Answers,
    whole: Answers,
    covariance: Floats,
    factor: OneFactor | None,
    dropped: tuple[tuple[str, int], ...],
    missing: str,
    omega: bool,
    level: float,
) -> Reliability:
    from scipy.stats import norm

    alpha, count = _alpha(covariance), len(used.names)
    low, high = _feldt(alpha, len(used.values), count, level)
    between = float(_correlations(covariance)[~np.eye(count, dtype=bool)].mean())
    sd = sqrt(float(covariance.sum()))
    sem = sd * sqrt(max(1 - alpha, 0.0))
    floor, ceiling = _ends_reached(whole)
    statistics = _items(everyone, used, covariance, factor)
    return Reliability(
        n_items=count,
        n_rows=len(everyone.values),
        n_used=len(used.values),
        n_complete=len(whole.values),
        n_dropped=sum(number for _, number in dropped),
        alpha=alpha,
        alpha_low=low,
        alpha_high=high,
        alpha_standardised=count * between / (1 + (count - 1) * between),
        mean_correlation=between,
        mean=float(np.nanmean(used.values, axis=0).sum()),
        sd=sd,
        sem=sem,
        se_difference=sqrt(2) * sem,
        smallest_change=float(norm.ppf(0.5 + level / 2)) * sqrt(2) * sem,
        share_floor=floor,
        share_ceiling=ceiling,
        level=level,
        method=_method(missing, factor),
        dropped_why=dropped,
        notes=_notes(statistics, factor, omega, missing),
        items=statistics,
        **_of_factor(factor, level),
    )


def _of_factor(factor: OneFactor | None, level: float) -> dict[str, Any]:
    fit = ("chi2", "df", "p_value", "cfi", "rmsea", "srmr")
    if factor is None:
        omegas = ("omega", "omega_std_error", "omega_low", "omega_high")
        return dict.fromkeys((*omegas, *fit))
    low, high = factor.limits(level)
    return {
        "omega": factor.omega,
        "omega_std_error": factor.std_error,
        "omega_low": low,
        "omega_high": high,
    } | {name: getattr(factor, name) for name in fit}


def _items(
    everyone: Answers, used: Answers, covariance: Floats, factor: OneFactor | None
) -> Records[ItemStatistics]:
    return Records(
        ItemStatistics(
            item=name,
            reversed=used.reversed[place],
            rest_correlation=_rest(covariance, place),
            alpha_if_dropped=_alpha_without(covariance, place),
            share_missing=float(everyone.missing[:, place].mean()),
            loading=None if factor is None else factor.loadings[place],
            residual=None if factor is None else factor.residuals[place],
            **_answered(used, place),
        )
        for place, name in enumerate(used.names)
    )


def _answered(used: Answers, place: int) -> dict[str, Any]:
    values = used.values[~used.missing[:, place], place]
    low, high = _end(used.low[place], values.min()), _end(used.high[place], values.max())
    return {
        "n": len(values),
        "mean": float(values[0] + np.mean(values - values[0])),
        "sd": float(np.std(values - values[0], ddof=1)),
        "share_floor": float(np.mean(values == low)),
        "share_ceiling": float(np.mean(values == high)),
    }


def _end(known: float, seen: float) -> float:
    return float(seen if np.isnan(known) else known)


def _rest(covariance: Floats, place: int) -> float:
    """Return the correlation of an item with the sum of the others; NaN where that is constant."""
    others = np.arange(len(covariance)) != place
    rest = float(covariance[np.ix_(others, others)].sum())
    if rest <= 1e-12 * float(np.trace(covariance)):
        return float("nan")
    return float(covariance[place, others].sum() / sqrt(covariance[place, place] * rest))


def _alpha_without(covariance: Floats, place: int) -> float | None:
    others = np.arange(len(covariance)) != place
    if others.sum() < 2 or np.isnan(_rest(covariance, place)):
        return None
    return _alpha(covariance[np.ix_(others, others)])


def _ends_reached(whole: Answers) -> tuple[float, float]:
    """Return the shares of complete rows at the lowest and at the highest possible (or seen) sum."""
    if len(whole.values) == 0:
        return float("nan"), float("nan")
    totals = whole.values.sum(axis=1)
    low, high = _end(whole.low.sum(), totals.min()), _end(whole.high.sum(), totals.max())
    near = 1e-9 * max(abs(low), abs(high), 1.0)
    return float(np.mean(totals <= low + near)), float(np.mean(totals >= high - near))


def _method(missing: str, factor: OneFactor | None) -> str:
    rows = "complete rows" if missing == "complete" else "pairwise covariances"
    omega = (
        "" if factor is None
        else f" Omega of one factor by maximum likelihood on {factor.n} complete rows, delta-method "
        "interval on its log odds."
    )  # fmt: skip
    return f"Cronbach's alpha on {rows}, Feldt interval.{omega}"


def _notes(
    items: Records[ItemStatistics], factor: OneFactor | None, omega: bool, missing: str
) -> tuple[str, ...]:
    notes = [
        f"Item '{item.item}' goes against the rest (item-rest correlation "
        f"{written(item.rest_correlation, 2)}): it may need reversing."
        for item in items
        if item.rest_correlation < 0
    ]
    if omega and factor is None:
        notes.append("No omega: two items cannot show how much each has to do with the factor.")
    if missing == "pairwise" and any(item.share_missing > 0 for item in items):
        notes.append("Each covariance rests on the people who answered both items.")
    return tuple(notes)
