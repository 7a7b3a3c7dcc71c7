"""Two informants who each say yes or no: agreement beyond chance, and who reports less."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.rounding import written
from evalkit.stats.measuring.kappas import Kappa, gwet_ac1, kappa, kappa_fields
from evalkit.stats.measuring.paired import Agreement, Pairs, span
from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryAgreement(Agreement):
    """Agreement of two informants who each say yes (1) or no (0).

    Counts: `both`, `a_only`, `b_only`, `neither` say yes. `observed` is the share of pairs that
    agree, with a Wilson interval. `kappa` has the Fleiss-Cohen-Everitt interval, `ac1` Gwet's;
    `kappa_max` is the largest kappa these marginals allow; the kappas are None where both
    informants always say the same one thing. `pabak` is 2 observed - 1, its interval from
    Wilson's. `bias_index` is (a_only - b_only) / n, `prevalence_index` (both - neither) / n,
    both signed. `missed_by_b` is the share of a's yes that b does not report, `missed_by_a` the
    reverse. `reporting_ratio` is b's yes for each yes of a (below 1: b reports less), and
    `discordance_ratio` a_only / b_only with its exact interval; infinite limits are where a cell
    is 0. `mcnemar` is the chi-squared without continuity correction.
    """

    both: int
    a_only: int
    b_only: int
    neither: int
    observed: float
    observed_low: float
    observed_high: float
    kappa: float | None
    kappa_std_error: float | None
    kappa_low: float | None
    kappa_high: float | None
    kappa_max: float | None
    pabak: float
    pabak_low: float
    pabak_high: float
    ac1: float
    ac1_std_error: float
    ac1_low: float
    ac1_high: float
    bias_index: float
    prevalence_index: float
    mcnemar: float | None
    mcnemar_p: float | None
    exact_p: float
    missed_by_a: float | None
    missed_by_b: float | None
    reporting_ratio: float | None
    reporting_ratio_low: float | None
    reporting_ratio_high: float | None
    discordance_ratio: float | None
    discordance_low: float | None
    discordance_high: float | None

    @property
    def sentence(self) -> str:
        """Say in one sentence how far the two agree and who reports less."""
        beyond = (
            ""
            if self.kappa is None
            else f" (kappa {span(self.kappa, self.kappa_low, self.kappa_high, self.level)})"
        )
        return (
            f"Of {self.n} pairs {written(100 * self.observed, 0)}% agree{beyond}; only {self.a} "
            f"says yes in {self.a_only} and only {self.b} in {self.b_only}{self._direction}."
        )

    @property
    def _direction(self) -> str:
        low, high = self.reporting_ratio_low, self.reporting_ratio_high
        if self.reporting_ratio is None or low is None or high is None:
            return ""
        p = "below 0.001" if self.exact_p < 0.001 else written(self.exact_p, 3)
        return (
            f"; for each yes of {self.a}, {self.b} says {written(self.reporting_ratio, 2)} "
            f"({self.level:.0%} interval {written(low, 2)} to {written(high, 2)}; exact McNemar p {p})"
        )


def binary_agreement(pairs: Pairs, level: float, common: dict[str, Any]) -> BinaryAgreement:
    """Return the agreement of complete pairs of 0 and 1; `common` are the fields of `Agreement`."""
    cells = _cells(pairs)
    both, a_only, b_only, neither = cells
    n = sum(cells)
    table = np.array([[both, a_only], [b_only, neither]]) / n
    beyond = kappa(table, np.array([1.0, 0.0]), n, weights="none", level=level)
    observed = (both + neither) / n
    low, high = _wilson(both + neither, n, level)
    return BinaryAgreement(
        both=both,
        a_only=a_only,
        b_only=b_only,
        neither=neither,
        observed=observed,
        observed_low=low,
        observed_high=high,
        pabak=2 * observed - 1,
        pabak_low=2 * low - 1,
        pabak_high=2 * high - 1,
        bias_index=(a_only - b_only) / n,
        prevalence_index=(both - neither) / n,
        method="Cohen's kappa (Fleiss-Cohen-Everitt interval), PABAK (Wilson), Gwet's AC1 (t); "
        "McNemar, exact binomial; paired ratio on the log scale.",
        notes=_binary_notes(beyond, cells),
        **kappa_fields("kappa", beyond),
        **kappa_fields("ac1", gwet_ac1(table, n, level=level)),
        kappa_max=_largest(table),
        **_discordance(cells, level),
        **common,
    )


def _cells(pairs: Pairs) -> tuple[int, int, int, int]:
    for values, name in ((pairs.a, "a"), (pairs.b, "b")):
        if not np.isin(values, (0.0, 1.0)).all():
            raise invalid(
                f"{name} holds other numbers than 0 and 1.",
                allowed="0 and 1, or true and false",
                next_step='For more answers use kind="ordinal" or kind="continuous".',
            )
    a, b = pairs.a == 1, pairs.b == 1
    return int((a & b).sum()), int((a & ~b).sum()), int((~a & b).sum()), int((~a & ~b).sum())


def _wilson(successes: int, n: int, level: float) -> tuple[float, float]:
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def _largest(table: Floats) -> float | None:
    """Return the largest kappa that the marginals allow."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    expected = float(rows @ columns)
    if expected >= 1 - 1e-12:
        return None
    return (float(np.minimum(rows, columns).sum()) - expected) / (1 - expected)


def _binary_notes(beyond: Kappa | None, cells: tuple[int, int, int, int]) -> tuple[str, ...]:
    if beyond is None:
        return ("Both always say the same one thing, so kappa cannot be formed.",)
    if cells[1] + cells[2] == 0:
        return (
            "Every pair agrees, so the interval of kappa has no width and cannot be relied on.",
        )
    return ()


def _discordance(cells: tuple[int, int, int, int], level: float) -> dict[str, Any]:
    """Return McNemar's tests, what each misses, and the two ratios with their intervals."""
    from scipy.stats import binomtest, chi2

    both, a_only, b_only, _ = cells
    split = a_only + b_only
    statistic = (a_only - b_only) ** 2 / split if split else None
    yes_a, yes_b = both + a_only, both + b_only
    low, high = _ratio_limits(yes_a, yes_b, split, level)
    discordance = _odds_of(a_only, b_only, level)
    return {
        "mcnemar": statistic,
        "mcnemar_p": None if statistic is None else float(chi2.sf(statistic, 1)),
        "exact_p": float(binomtest(a_only, split).pvalue) if split else 1.0,
        "missed_by_a": b_only / yes_b if yes_b else None,
        "missed_by_b": a_only / yes_a if yes_a else None,
        "reporting_ratio": yes_b / yes_a if yes_a else None,
        "reporting_ratio_low": low,
        "reporting_ratio_high": high,
        "discordance_ratio": discordance[0],
        "discordance_low": discordance[1],
        "discordance_high": discordance[2],
    }


def _ratio_limits(
    yes_a: int, yes_b: int, split: int, level: float
) -> tuple[float | None, float | None]:
    """Return the log-scale limits of yes_b / yes_a in the same pairs; None where one is 0."""
    from scipy.stats import norm

    if not (yes_a and yes_b and split):
        return None, None
    half = float(norm.ppf(0.5 + level / 2)) * sqrt(split / (yes_a * yes_b))
    centre = log(yes_b / yes_a)
    return exp(centre - half), exp(centre + half)


def _odds_of(first: int, second: int, level: float) -> tuple[float | None, ...]:
    """Return first / second and its exact (Clopper-Pearson) limits."""
    from scipy.stats import binomtest

    if not first + second:
        return None, None, None
    interval = binomtest(first, first + second).proportion_ci(level, method="exact")
    shares_of = (first / (first + second), float(interval.low), float(interval.high))
    return tuple(inf if share >= 1 else share / (1 - share) for share in shares_of)
