"""Two-by-two tables of several sites put together, by Mantel-Haenszel or Peto."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.categories.mantel_haenszel import StratumTables, mantel_haenszel
from evalkit.stats.categories.marginal import wald
from evalkit.stats.shared.columns import check_level, choice, invalid, left_out, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MEASURES = ("odds ratio", "risk ratio", "risk difference", "peto")


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledTables(Record):
    """The effect common to the tables of several sites.

    `estimate` and limits are ratios (differences for "risk difference"); `std_error` is of the
    logarithm of a ratio. `q` compares the sites' own effects with it, sites with an empty cell
    given half a person in each (None for "peto").
    """

    estimate: float
    std_error: float
    statistic: float
    df: float | None
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    q: float | None
    q_df: int | None
    q_p: float | None
    k: int
    n_treatment: int
    n_comparison: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    notes: tuple[str, ...] = ()


def pooled_tables(
    events_treatment: Any,
    n_treatment: Any,
    events_comparison: Any,
    n_comparison: Any,
    *,
    measure: str = "odds ratio",
    level: float = 0.95,
) -> PooledTables:
    """Return the effect common to several sites' two-by-two tables.

    Parameters
    ----------
    events_treatment, n_treatment, events_comparison, n_comparison : counts, one of each a site
    measure : "odds ratio", "risk ratio" or "risk difference" by Mantel-Haenszel; "peto" is the
        one-step odds ratio, for rare events and arms of like size
    level : confidence level

    Raises
    ------
    InvalidInput
        For counts that are not whole, events above the people, or columns of different length.
    CannotEstimate
        Where no site has both arms, or a ratio is zero or infinite.

    References
    ----------
    Mantel and Haenszel (1959), Journal of the National Cancer Institute 22:719-748; Yusuf, Peto et
    al. (1985), Progress in Cardiovascular Diseases 27:335-371; variances as in `mantel_haenszel`.
    """
    check_level(level)
    choice(measure, MEASURES, argument="measure")
    tables, dropped = _tables(events_treatment, n_treatment, events_comparison, n_comparison)
    spread: dict[str, Any] = {"q": None, "q_df": None, "q_p": None}
    if measure == "peto":
        numbers = _peto(tables, level)
    else:
        numbers = mantel_haenszel(tables, measure, level)
        spread = _spread(tables, measure, numbers["estimate"])
    name = "Peto's one-step odds ratio" if measure == "peto" else f"Mantel-Haenszel {measure}"
    return PooledTables(
        **numbers,
        **spread,
        level=float(level),
        k=len(tables.n),
        n_treatment=int(tables.n_t.sum()),
        n_comparison=int(tables.n_c.sum()),
        n_dropped=sum(count for _, count in dropped),
        dropped_why=dropped,
        method=f"{name} over {len(tables.n)} sites, normal distribution.",
        notes=("One effect is taken as common to all sites; how they differ is left out",),
    )


def _tables(*counts: Any) -> tuple[StratumTables, tuple[tuple[str, int], ...]]:
    names = ("events_treatment", "n_treatment", "events_comparison", "n_comparison")
    columns = [vector(values, name) for values, name in zip(counts, names, strict=True)]
    if len({len(c) for c in columns}) != 1:
        raise invalid("the four columns differ in length.", allowed="one of each a site")
    for values, name in zip(columns, names, strict=True):
        known = values[~np.isnan(values)]
        if np.any(known < 0) or np.any(known != np.round(known)):
            raise invalid(f"{name} holds a count that is negative or not whole.",
                          allowed="whole numbers, 0 or more")  # fmt: skip
    a, n1, c, n0 = columns
    if np.any(a > n1) or np.any(c > n0):
        raise invalid("a site has more events than people.", allowed="events up to the people")
    reasons = [(f"no {name}", np.isnan(v)) for v, name in zip(columns, names, strict=True)]
    reasons.append(("an arm with nobody", (n1 == 0) | (n0 == 0)))
    keep, dropped = left_out(reasons, len(a))
    if not keep.any():
        raise CannotEstimate("No site has people of both arms.")
    return StratumTables(a[keep], n1[keep], c[keep], n0[keep]), dropped


def _peto(x: StratumTables, level: float) -> dict[str, Any]:
    events = x.events_t + x.events_c
    many = x.n > 1
    variance = np.zeros(len(x.n))
    variance[many] = (x.n_t * x.n_c * events * (x.n - events))[many]
    variance[many] /= (x.n**2 * (x.n - 1))[many]
    total = float(variance.sum())
    if not total > 0:
        raise CannotEstimate("No site has both people with the outcome and people without it.")
    gap = float(np.sum(x.events_t - x.n_t * events / x.n))
    return wald(gap / total, total**-0.5, inf, level, ratio=True)


def _spread(x: StratumTables, measure: str, estimate: float) -> dict[str, Any]:
    """Return Cochran's Q of the sites' own effects about the common one."""
    from scipy.stats import chi2

    cells = np.array([x.events_t, x.n_t - x.events_t, x.events_c, x.n_c - x.events_c])
    a, b, c, d = cells + 0.5 * np.any(cells == 0, axis=0)
    if measure == "risk difference":
        p, r = a / (a + b), c / (c + d)
        own, variance, centre = p - r, p * (1 - p) / (a + b) + r * (1 - r) / (c + d), estimate
    elif measure == "risk ratio":
        own = np.log(a / (a + b)) - np.log(c / (c + d))
        variance, centre = 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d), log(estimate)
    else:
        own = np.log(a * d / (b * c))
        variance, centre = 1 / a + 1 / b + 1 / c + 1 / d, log(estimate)
    q, df = float(np.sum((own - centre) ** 2 / variance)), len(own) - 1
    return {"q": q, "q_df": df, "q_p": float(chi2.sf(q, df)) if df else 1.0}
