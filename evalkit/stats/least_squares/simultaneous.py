"""P-values and intervals for several t statistics at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import NotConverged
from evalkit.stats.multiplicity import adjust_p

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SEED = 20240501  # the multivariate t is integrated by quasi-Monte-Carlo: one fixed stream
_POINTS = 40_000
_NODES = 96


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Statistics and their df; the number of arms; the correlation of those with one control."""

    statistics: Floats
    df: Floats
    arms: int
    correlation: Floats


def adjusted_family(family: Family, adjust: str, level: float) -> tuple[list[float | None], Floats]:
    """Return each p-value for the family, and the level each interval has taken alone.

    An interval at that level is one of a family at `level`.
    """
    from scipy.stats import t as student

    plain = 2 * student.sf(np.abs(family.statistics), family.df)
    count = len(plain)
    if adjust == "none":
        return [None] * count, np.full(count, level)
    if adjust == "holm":
        return [float(p) for p in adjust_p(plain)], np.full(count, 1 - (1 - level) / count)
    if adjust == "bonferroni":
        shared = np.minimum(1.0, count * plain)
        return [float(p) for p in shared], np.full(count, 1 - (1 - level) / count)
    if adjust == "tukey":
        return _tukey(family, level)
    return _dunnett(family, level)


def _tukey(family: Family, level: float) -> tuple[list[float | None], Floats]:
    from scipy.stats import studentized_range
    from scipy.stats import t as student

    ranges = np.abs(family.statistics) * np.sqrt(2)
    p = [float(x) for x in studentized_range.sf(ranges, family.arms, family.df)]
    limits = {df: float(studentized_range.ppf(level, family.arms, df)) for df in set(family.df)}
    half = np.array([limits[df] for df in family.df]) / np.sqrt(2)
    return list(p), np.asarray(1 - 2 * student.sf(half, family.df), dtype=np.float64)


def _dunnett(family: Family, level: float) -> tuple[list[float | None], Floats]:
    """Return p by the multivariate t with the smallest df, which is the most cautious."""
    from scipy.optimize import brentq
    from scipy.stats import t as student

    df = float(np.min(family.df))
    count = len(family.statistics)
    if count == 1:
        p = 2 * student.sf(abs(family.statistics[0]), df)
        return [float(p)], np.array([level])

    def inside(limit: float) -> float:
        return inside_all(limit, family.correlation, df)

    p_adjusted: list[float | None] = [1 - inside(float(t)) for t in np.abs(family.statistics)]
    low = float(student.ppf(0.5 + level / 2, df))
    high = float(student.ppf(1 - (1 - level) / (2 * count), df)) * 1.01
    limit = float(brentq(lambda x: inside(x) - level, low * 0.99, high, xtol=1e-6))
    alone = 1 - 2 * np.asarray(student.sf(limit, family.df))
    return p_adjusted, np.asarray(alone, dtype=np.float64)


def inside_all(limit: float, correlation: Floats, df: float) -> float:
    """Return the chance that every one of several correlated t's lies within plus or minus limit.

    Where the correlations are products of one number a statistic, as when arms share a control,
    this is a double integral by Gauss's rules; else the multivariate t by quasi-Monte-Carlo with
    a fixed stream, good to some 1e-5.
    """
    loads = _one_factor(correlation)
    if loads is not None:
        return _product_chance(limit, loads, df)
    from scipy.stats import multivariate_t

    size = len(correlation)
    chance = multivariate_t.cdf(
        np.full(size, limit),
        loc=np.zeros(size),
        shape=correlation,
        df=df,
        lower_limit=np.full(size, -limit),
        maxpts=_POINTS * size,
        random_state=np.random.default_rng(_SEED),
    )
    if not np.isfinite(chance):
        raise NotConverged(
            "The multivariate t could not be integrated for these arms; use adjust='holm'."
        )
    return float(chance)


def _one_factor(correlation: Floats) -> Floats | None:
    """Return numbers whose products are the correlations, or None where there are none."""
    size = len(correlation)
    if size == 2:
        root = np.sqrt(abs(correlation[0, 1]))
        return np.array([root, root])  # a sign changes nothing within plus or minus a limit
    loads = np.empty(size)
    for i in range(size):
        j, k = [place for place in range(size) if place != i][:2]
        if correlation[j, k] <= 0:
            return None
        square = correlation[i, j] * correlation[i, k] / correlation[j, k]
        if not 0 <= square < 1:
            return None
        loads[i] = np.sqrt(square)
    apart = np.abs(np.outer(loads, loads) - correlation)
    np.fill_diagonal(apart, 0)
    return loads if apart.max() < 1e-10 else None


def _product_chance(limit: float, loads: Floats, df: float) -> float:
    from scipy.stats import chi2, norm

    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    low, high = (float(np.sqrt(x / df)) for x in (chi2.ppf(1e-15, df), chi2.isf(1e-15, df)))
    scale = low + (high - low) * (nodes + 1) / 2
    density = (high - low) / 2 * weights * 2 * df * scale * chi2.pdf(df * scale**2, df)
    common, shares = 8.5 * nodes, 8.5 * weights * norm.pdf(8.5 * nodes)
    rest = np.sqrt(1 - loads**2)
    edge = limit * scale[:, None, None]
    middle = (loads * common[:, None])[None]
    chance = norm.cdf((edge - middle) / rest) - norm.cdf((-edge - middle) / rest)
    return float(density @ np.prod(chance, axis=2) @ shares)
