"""Mantel-Haenszel differences and ratios over strata, with variances that hold in sparse strata."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.marginal import wald

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class StratumTables:
    """Events and people of the arms in each stratum that has both: arrays, one value a stratum."""

    events_t: Floats
    n_t: Floats
    events_c: Floats
    n_c: Floats

    @property
    def n(self) -> Floats:
        """The people of each stratum."""
        return self.n_t + self.n_c

    @property
    def risks(self) -> tuple[float, float]:
        """The arms' risks, strata weighted by n_t n_c / n, treated first."""
        weights = self.n_t * self.n_c / self.n
        treated, compared = self.events_t / self.n_t, self.events_c / self.n_c
        total = weights.sum()
        return float(weights @ treated / total), float(weights @ compared / total)


def stratum_tables(outcome: Floats, arm: Floats, strata: Codes) -> StratumTables:
    """Return the tables of the strata in which both arms are."""
    count = int(strata.max()) + 1

    def total(values: Floats) -> Floats:
        return np.bincount(strata, weights=values, minlength=count).astype(np.float64)

    parts = [total(x) for x in (outcome * arm, arm, outcome * (1 - arm), 1 - arm)]
    both = (parts[1] > 0) & (parts[3] > 0)
    if not both.any():
        raise CannotEstimate(
            "No stratum has people of both arms, so the arms cannot be compared within strata. "
            "Leave out strata, or merge them."
        )
    return StratumTables(*(part[both] for part in parts))


def mantel_haenszel(tables: StratumTables, measure: str, level: float) -> dict[str, Any]:
    """Return the common "risk difference", "risk ratio" or "odds ratio" as fields of an Estimate.

    Variances: of the difference Sato (1989, Biometrics 45:1323-1324), of the logarithm of the risk
    ratio Greenland and Robins (1985, Biometrics 41:55-68), of the odds ratio Robins, Breslow and
    Greenland (1986, Biometrics 42:311-323). They hold with few large strata and with many small
    ones. Raises CannotEstimate where a ratio is zero or infinite.
    """
    if measure == "risk difference":
        effect, error = _difference(tables)
        return wald(effect, error, inf, level, ratio=False)
    up, down, error = (_risk_ratio if measure == "risk ratio" else _odds_ratio)(tables)
    return wald(log(up / down), error, inf, level, ratio=True)


def _difference(x: StratumTables) -> tuple[float, float]:
    a, c, n1, n0, n = x.events_t, x.events_c, x.n_t, x.n_c, x.n
    weight = float((n1 * n0 / n).sum())
    effect = float(((a * n0 - c * n1) / n).sum()) / weight
    p = (n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2
    q = (a * (n0 - c) + c * (n1 - a)) / (2 * n)
    return effect, sqrt(max(effect * float(p.sum()) + float(q.sum()), 0.0)) / weight


def _risk_ratio(x: StratumTables) -> tuple[float, float, float]:
    a, c, n1, n0, n = x.events_t, x.events_c, x.n_t, x.n_c, x.n
    up, down = float((a * n0 / n).sum()), float((c * n1 / n).sum())
    _check_finite(up, down, "risk ratio")
    spread = float(((n1 * n0 * (a + c) - a * c * n) / n**2).sum())
    return up, down, sqrt(max(spread, 0.0) / (up * down))


def _odds_ratio(x: StratumTables) -> tuple[float, float, float]:
    a, c, n = x.events_t, x.events_c, x.n
    b, d = x.n_t - a, x.n_c - c
    r, s = a * d / n, b * c / n
    up, down = float(r.sum()), float(s.sum())
    _check_finite(up, down, "odds ratio")
    p, q = (a + d) / n, (b + c) / n
    spread = float(p @ r) / up**2 + float(p @ s + q @ r) / (up * down) + float(q @ s) / down**2
    return up, down, sqrt(spread / 2)


def _check_finite(up: float, down: float, measure: str) -> None:
    if up > 0 and down > 0:
        return
    raise CannotEstimate(
        f"Within strata an arm has nobody with the outcome (or nobody without), so the {measure} "
        "over strata is zero or infinite. Use risk_difference, or leave out strata."
    )
