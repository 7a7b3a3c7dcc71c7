"""Errors, intervals and simultaneous bands from the influence of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.panels.bands import cluster_sums, critical_value
from evalkit.stats.shared.arm_clusters import FEW_CLUSTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """How bands are drawn; nothing is without a seed."""

    draws: int
    multipliers: str
    seed: int | None

    @property
    def sentence(self) -> str:
        """What the simultaneous bands rest on."""
        if self.seed is None or self.draws == 0:
            return "Simultaneous bands by Sidak's inequality (no seed, nothing drawn)"
        return (
            f"Simultaneous bands by {self.draws} draws of a multiplier bootstrap "
            f"({self.multipliers.capitalize()} weights, seed {self.seed})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Errors and degrees of freedom (infinite: normal) of estimates, and a band's critical value."""

    errors: Floats
    df: Floats
    critical: float | None
    level: float

    def of(self, place: int, estimate: float) -> dict[str, Any]:
        """Return an estimate with its interval, as fields of an effect; without error only it."""
        from scipy.special import stdtr

        error, df = float(self.errors[place]), float(self.df[place])
        if not error > 0:
            return {"estimate": float(estimate), "level": self.level}
        half = self._half(df) * error
        return {
            "estimate": float(estimate),
            "std_error": error,
            "statistic": float(estimate / error),
            "df": df if np.isfinite(df) else None,
            "p_value": float(2 * stdtr(df, -abs(estimate / error))),
            "conf_low": float(estimate - half),
            "conf_high": float(estimate + half),
            "level": self.level,
        }

    def band(self, place: int, estimate: float) -> dict[str, Any]:
        """Return the band of an estimate: as much wider than normal as its interval is."""
        from scipy.special import ndtri

        error = float(self.errors[place])
        if self.critical is None or not error > 0:
            return {}
        stretch = self._half(float(self.df[place])) / float(ndtri(0.5 + self.level / 2))
        half = self.critical * stretch * error
        return {"band_low": float(estimate - half), "band_high": float(estimate + half)}

    def _half(self, df: float) -> float:
        from scipy.special import ndtri, stdtrit

        share = 0.5 + self.level / 2
        return float(stdtrit(df, share) if np.isfinite(df) else ndtri(share))


def intervals(
    influence: Floats,
    starts: Floats,
    clusters: Codes | None,
    how: Draws,
    level: float,
    shown: Bools,
) -> Intervals:
    """Return the errors of estimates with these influences (estimates by units).

    `shown` are those a band is to hold for. Errors have divisor n; with few clusters (or units)
    they are too small and their t interval makes up for it.
    """
    sums = cluster_sums(influence, clusters)
    errors = np.sqrt(np.sum(sums**2, axis=1)) / influence.shape[1]
    inside = shown & (errors > 0)
    critical = None
    if inside.any():
        critical = critical_value(
            sums[inside], draws=how.draws, multipliers=how.multipliers, seed=how.seed, level=level
        )
    return Intervals(errors, _degrees(sums, starts, clusters), critical, level)


def _degrees(sums: Floats, starts: Floats, clusters: Codes | None) -> Floats:
    """Return Satterthwaite's degrees of freedom, of a sum of squares for each group of clusters.

    Infinite from FEW_CLUSTERS on; clusters - 1 where a cluster holds units of several groups.
    """
    count = sums.shape[1]
    if count >= FEW_CLUSTERS:
        return np.full(len(sums), np.inf)
    own = starts
    if clusters is not None:
        own = np.empty(count)
        own[clusters] = starts
        if np.any(own[clusters] != starts):
            return np.full(len(sums), count - 1.0)
    parts, spare = [], []
    for group in np.unique(own):
        parts.append(np.sum(sums[:, own == group] ** 2, axis=1))
        spare.append(max(1, int(np.sum(own == group)) - 1))
    squares = np.array(parts)
    below = np.sum(squares**2 / np.array(spare)[:, None], axis=0)
    total = squares.sum(axis=0) ** 2
    found = np.where(below > 0, total / np.where(below > 0, below, 1.0), count - 1.0)
    return np.asarray(found, dtype=np.float64)
