"""Weighted averages of effects by group and period, with each unit's influence on them.

The weights are shares of the units, which are estimated too: their part of the influence is that
of Callaway and Sant'Anna (2021), theorem 4 and corollary 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

KINDS = ("simple", "group", "dynamic", "calendar")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Effects by group and period: the base period, the estimate, influences (cells by units)."""

    group: Floats
    period: Floats
    base: Floats
    estimate: Floats
    influence: Floats

    @property
    def relative(self) -> Floats:
        """Periods since the start of treatment, below zero before it."""
        return np.asarray(self.period - self.group, dtype=np.float64)

    @property
    def reference(self) -> Bools:
        """Whether a period is its own base: zero by construction."""
        return np.asarray(self.period == self.base, dtype=bool)


@dataclass(frozen=True, slots=True, eq=False)
class Average:
    """A weighted average of cells: its value, influence (by unit), and the cells' weights."""

    estimate: float
    influence: Floats
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """An overall effect, and the parts it is made of, by their keys in order."""

    overall: Average
    keys: tuple[float, ...]
    parts: tuple[Average, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Each group's share of the units, and each unit's group and weight (mean one)."""

    groups: tuple[float, ...]
    starts: Floats
    weights: Floats

    def of(self, group: float) -> float:
        """Return the share of a group."""
        return float(np.mean(self.weights * (self.starts == group)))

    def average(
        self, values: Floats, influence: Floats, groups: Floats
    ) -> tuple[float, Floats, Floats]:
        """Return the average of values by the shares of their groups, its influence, the weights."""
        found, place, repeats = np.unique(groups, return_inverse=True, return_counts=True)
        share = np.array([self.of(group) for group in found])
        total = float(share @ repeats)
        weights = share[place] / total
        mean = float(weights @ values)
        result = np.asarray(weights @ influence, dtype=np.float64)
        gaps = np.bincount(place, values - mean)
        for group, gap in zip(found, gaps, strict=True):
            result = result + self.weights * (self.starts == group) * (gap / total)
        return mean, result, weights


def summarise(cells: Cells, shares: Shares, kind: str) -> Summary:
    """Return the effects after the start summed up: simple, by group, by period, by time since."""
    after = cells.relative >= 0
    if kind == "simple":
        return Summary(_average(cells, shares, after), (), ())
    if kind == "group":
        keys = tuple(np.unique(cells.group[after]).tolist())
        parts = tuple(_average(cells, shares, after & (cells.group == key)) for key in keys)
        return Summary(_by_share(parts, np.array(keys), shares), keys, parts)
    if kind == "calendar":
        keys = tuple(np.unique(cells.period[after]).tolist())
        parts = tuple(_average(cells, shares, after & (cells.period == key)) for key in keys)
        return Summary(_plain_mean(parts), keys, parts)
    return by_time_since(cells, shares)


def by_time_since(cells: Cells, shares: Shares, balance: float | None = None) -> Summary:
    """Return effects by time since the start, overall their mean from the start on.

    With `balance` only groups seen that long after their start are used, and times up to it: each
    time from the start on then rests on the same groups.
    """
    inside = np.ones(len(cells.estimate), dtype=bool)
    last = float(cells.period.max())
    first = min(float(cells.base.min()), float(cells.period.min()))
    if balance is not None:
        inside = (last - cells.group >= balance) & (cells.relative <= balance)
        if not np.any(inside & (cells.relative >= 0)):
            raise invalid(
                f"balance={balance!r}: no group is seen that long after its start.",
                allowed=f"0 to {last - cells.group.min():g}",
            )
    keys = np.unique(cells.relative[inside])
    if balance is not None:
        keys = keys[keys >= balance - last + first]
    parts = tuple(_average(cells, shares, inside & (cells.relative == key)) for key in keys)
    from_start = tuple(part for part, key in zip(parts, keys, strict=True) if key >= 0)
    return Summary(_plain_mean(from_start), tuple(keys.tolist()), parts)


def _average(cells: Cells, shares: Shares, chosen: Bools) -> Average:
    mean, influence, weights = shares.average(
        cells.estimate[chosen], cells.influence[chosen], cells.group[chosen]
    )
    spread = np.zeros(len(chosen))
    spread[chosen] = weights
    return Average(mean, influence, spread)


def _by_share(parts: tuple[Average, ...], groups: Floats, shares: Shares) -> Average:
    values = np.array([part.estimate for part in parts])
    influence = np.vstack([part.influence for part in parts])
    mean, own, weights = shares.average(values, influence, groups)
    return Average(mean, own, weights @ np.vstack([part.weights for part in parts]))


def _plain_mean(parts: tuple[Average, ...]) -> Average:
    return Average(
        float(np.mean([part.estimate for part in parts])),
        np.mean([part.influence for part in parts], axis=0),
        np.mean([part.weights for part in parts], axis=0),
    )
