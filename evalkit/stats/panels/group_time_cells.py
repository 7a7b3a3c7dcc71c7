"""Each group and period of a roll-out in turn: who is compared with whom, and the estimate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.panels.adoption import NEVER
from evalkit.stats.panels.cells import Sides, change_effect
from evalkit.stats.panels.cross_sections import Sections, section_effect
from evalkit.stats.panels.roll_out_records import Columns, RollOut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pair:
    """A group, the places of the period and of the period it is compared with."""

    group: float
    now: int
    base: int


def pairs(rows: RollOut, base: str, anticipation: float) -> Iterator[Pair]:
    """Give each group's periods with their base; universal bases include the base itself."""
    for group in rows.groups:
        clean = int(np.flatnonzero(rows.times + anticipation < group)[-1])
        for now in range(0 if base == "universal" else 1, len(rows.times)):
            after = rows.times[now] >= group
            yield Pair(group, now, clean if after or base == "universal" else now - 1)


def estimated(
    rows: RollOut, chosen: Sequence[Pair], named: Columns, method: str, sections: bool
) -> tuple[Floats, Floats]:
    """Return estimates and influences (cells by units); both are zero where now is the base."""
    found = np.zeros(len(chosen))
    influence = np.zeros((len(chosen), rows.n_units))
    way = _Sections(rows) if sections else _Changes(rows)
    for place, pair in enumerate(chosen):
        if pair.now != pair.base:
            others = _others(rows, pair, named)
            try:
                found[place] = way.estimate(pair, others, method, influence[place])
            except CannotEstimate as error:
                raise CannotEstimate(
                    f"Group {pair.group:g}, period {rows.times[pair.now]:g}: {error}"
                ) from None
    return found, influence


def _others(rows: RollOut, pair: Pair, named: Columns) -> float:
    """Return the start beyond which a unit is compared with; infinite for the never treated."""
    if named.comparison == "never":
        return NEVER
    return float(rows.times[max(pair.now, pair.base)]) + named.anticipation


def _compared(starts: Floats, pair: Pair, others: float) -> Bools:
    beyond = np.isinf(starts) if others == NEVER else (starts > others) & (starts != pair.group)
    return np.asarray(beyond, dtype=bool)


class _Changes:
    """Effects from units' changes between two periods."""

    def __init__(self, rows: RollOut) -> None:
        self.rows, self.full = rows, rows.balanced
        shape = (rows.n_units, len(rows.times))
        if self.full:
            self.wide = rows.outcome.reshape(shape)
        else:
            self.wide = np.full(shape, np.nan)
            self.wide[rows.owner, rows.when] = rows.outcome
            self.place = np.zeros(shape, dtype=np.intp)
            self.place[rows.owner, rows.when] = np.arange(len(rows.owner))
        self.fixed = self.full and rows.matrix is not None and self._unchanging(rows.matrix)
        self._seen: dict[tuple[float, ...], tuple[NDArray[np.intp], Sides]] = {}

    def _unchanging(self, matrix: Floats) -> bool:
        deep = matrix.reshape(self.rows.n_units, len(self.rows.times), -1)
        return bool(np.all(deep == deep[:, :1]))

    def estimate(self, pair: Pair, others: float, method: str, into: Floats) -> float:
        """Return the estimate and write the influence of every unit."""
        inside, sides = self._sides(pair, others)
        change = self.wide[inside, pair.now] - self.wide[inside, pair.base]
        effect, own = change_effect(sides, change, method)
        into[inside] = own * (self.rows.n_units / len(inside))
        return effect

    def _sides(self, pair: Pair, others: float) -> tuple[NDArray[np.intp], Sides]:
        earlier = min(pair.now, pair.base)
        key: tuple[float, ...] = (pair.group, others)
        if not self.full:
            key = (*key, pair.now, pair.base)
        elif self.rows.matrix is not None and not self.fixed:
            key = (*key, earlier)
        if key not in self._seen:
            if len(self._seen) > 1 and self._seen and next(iter(self._seen))[0] != pair.group:
                self._seen.clear()
            self._seen[key] = self._made(pair, others, earlier)
        return self._seen[key]

    def _made(self, pair: Pair, others: float, earlier: int) -> tuple[NDArray[np.intp], Sides]:
        rows = self.rows
        chosen = (rows.starts == pair.group) | _compared(rows.starts, pair, others)
        if not self.full:
            chosen &= ~np.isnan(self.wide[:, pair.now] - self.wide[:, pair.base])
        inside = np.flatnonzero(chosen)
        treated = (rows.starts[inside] == pair.group).astype(np.float64)
        _check_sides(treated, None if rows.clusters is None else rows.clusters[inside])
        matrix = None
        if rows.matrix is not None:
            at = inside * len(rows.times) + earlier if self.full else self.place[inside, earlier]
            matrix = rows.matrix[at]
        return inside, Sides(treated, rows.weights[inside], matrix)


class _Sections:
    """Effects from the rows of two periods, whoever they are."""

    def __init__(self, rows: RollOut) -> None:
        self.rows = rows
        order = np.argsort(rows.when, kind="stable")
        ends = np.searchsorted(rows.when[order], np.arange(len(rows.times) + 1))
        self.at = [order[a:b] for a, b in pairwise(ends)]

    def estimate(self, pair: Pair, others: float, method: str, into: Floats) -> float:
        """Return the estimate and write the influence of every unit."""
        rows = self.rows
        both = np.concatenate([self.at[pair.base], self.at[pair.now]])
        starts = rows.starts[rows.owner[both]]
        chosen = (starts == pair.group) | _compared(starts, pair, others)
        both, treated = both[chosen], (starts[chosen] == pair.group).astype(np.float64)
        after = (rows.when[both] == pair.now).astype(np.float64)
        owner = rows.owner[both]
        for period in (0, 1):
            here = after == period
            own = None if rows.clusters is None else rows.clusters[owner[here]]
            _check_sides(treated[here], own)
        matrix = np.ones((len(both), 1)) if rows.matrix is None else rows.matrix[both]
        sections = Sections(treated, after, rows.outcome[both], rows.weights[owner], matrix)
        effect, own_influence = section_effect(sections, method)
        into += np.bincount(owner, own_influence, rows.n_units) * (rows.n_units / len(both))
        return effect


def _check_sides(treated: Floats, clusters: Any) -> None:
    """Refuse a side with fewer than two units, or clusters: its own uncertainty is unseen."""
    for value, side in ((1.0, "the group"), (0.0, "the comparison")):
        here = treated == value
        count = int(here.sum()) if clusters is None else len(np.unique(clusters[here]))
        if count < 2:
            what = "unit" if clusters is None else "cluster"
            raise CannotEstimate(
                f"{side} has {count} {what}{'' if count == 1 else 's'} here; at least 2 are "
                f"needed, or the effect cannot be told apart from that {what}'s own difference. "
                "Join the group with another, or leave it out."
            )
