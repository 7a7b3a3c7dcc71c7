"""What effects by group and period add up to: overall, by group, by period, by time since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Records
from evalkit.stats.panels.bands import check_draws, cluster_sums, covariance
from evalkit.stats.panels.group_time_words import MEANING, notes, sentence
from evalkit.stats.panels.panel_intervals import Draws, intervals
from evalkit.stats.panels.panel_results import EventStudy, OverallEffect, PanelEffect
from evalkit.stats.panels.pretrends import Pretrend, nothing_before, pretrend_test
from evalkit.stats.panels.roll_out_records import Columns, RollOut
from evalkit.stats.panels.summaries import (
    KINDS,
    Cells,
    Shares,
    Summary,
    by_time_since,
    summarise,
)
from evalkit.stats.shared.columns import choice, invalid

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GroupTimeEffects:
    """Effects by group and period: `.effects`, `.overall(kind)`, `.event_study()`, `.pretrend`.

    `influence` is cells by units (of repeated cross-sections, by rows): each unit's part in each
    estimate's error. `n_treatment` and `n_comparison` count units whose treatment starts and those
    never treated (or, without any, those who start last); `n_dropped` counts rows.
    """

    effects: Records[PanelEffect]
    outcome: str
    level: float
    n_units: int
    n_rows: int
    n_treatment: int
    n_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    groups: Mapping[float, int]
    anticipation: float
    critical_value: float
    method: str
    notes: tuple[str, ...]
    influence: Floats = field(repr=False)
    _cells: Cells = field(repr=False)
    _shares: Shares = field(repr=False)
    _clusters: Any = field(repr=False)
    _draws: Draws = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with a row for each group and period."""
        return self.effects.to_frame()

    def overall(self, kind: str = "simple") -> OverallEffect:
        """Return one effect, and the parts it is made of.

        "simple" averages all effects from the start on by the groups' sizes; "group" averages each
        group's effects first (the usual choice for one number), "dynamic" those of each time since
        the start, "calendar" those of each period. Raises InvalidInput for another kind.
        """
        choice(kind, KINDS, argument="kind")
        return self._overall(summarise(self._cells, self._shares, kind), kind)

    def event_study(self, balance: float | None = None) -> EventStudy:
        """Return effects by time since the start, with bands that hold for all of them at once.

        `balance` keeps only groups seen for that many periods after their start, so that each
        time from the start on rests on the same groups. Raises InvalidInput where no group is.
        """
        if balance is not None and (
            isinstance(balance, bool) or not isinstance(balance, int | float) or not balance >= 0
        ):
            raise invalid(f"balance={balance!r}.", allowed="None, or periods from 0")
        whole = self._overall(by_time_since(self._cells, self._shares, balance), "dynamic")
        return EventStudy(
            effects=whole.parts, overall=whole, pretrend=self.pretrend, level=self.level,
            critical_value=float(whole.critical_value or 0), method=whole.method, notes=whole.notes,
        )  # fmt: skip

    @property
    def pretrend(self) -> Pretrend:
        """The test that effects before the start, and before any anticipation, are zero."""
        return self.pretrend_test()

    def pretrend_test(self, *, anticipation_window: bool = False) -> Pretrend:
        """Return the test of the effects before the start.

        Periods in which units may already anticipate are left out of it, as an effect there says
        nothing of trends; `anticipation_window=True` tests them too, as the R package did does.
        """
        cells, lead = self._cells, 0.0 if anticipation_window else self.anticipation
        chosen = (cells.relative < -lead) & ~cells.reference
        if not chosen.any():
            where = "before units may anticipate" if lead else "before the start to compare with"
            return nothing_before(f"There is a single period {where}")
        sums = cluster_sums(self.influence[chosen], self._clusters)
        weights = summarise(cells, self._shares, "simple").overall.weights
        return pretrend_test(
            cells.estimate[chosen],
            covariance(sums, self.n_units),
            (cells.period - cells.base)[chosen],
            float(weights @ (cells.period - cells.base)),
            sums.shape[1],
        )

    def trend_before(self) -> PanelEffect:
        """Return how much more the treated moved each period than the others before the start.

        The slope of a line through the effects before the start (and before any anticipation) that
        is zero at the period compared with, groups weighed by their sizes. One number where the
        joint test has many: with few units it can still be tested, and it misses what goes up and
        down. Raises CannotEstimate where there is a single period to compare with.
        """
        cells = self._cells
        chosen = (cells.relative < -self.anticipation) & ~cells.reference
        if not chosen.any():
            raise CannotEstimate("There is a single period before the start to compare with.")
        gaps = (cells.period - cells.base)[chosen]
        sizes = np.array([np.sum(self._shares.starts == group) for group in cells.group[chosen]])
        weights = sizes * gaps / np.sum(sizes * gaps**2)
        told = intervals(
            (weights @ self.influence[chosen])[None, :], self._shares.starts, self._clusters,
            self._draws, self.level, np.array([False]),
        )  # fmt: skip
        value = float(weights @ cells.estimate[chosen])
        return PanelEffect(
            outcome=self.outcome, term="trend before the start", method=self.method,
            **told.of(0, value),
        )  # fmt: skip

    def _overall(self, summary: Summary, kind: str) -> OverallEffect:
        averages = [*summary.parts, summary.overall]
        shown = np.arange(len(averages)) < len(summary.parts)
        told = intervals(
            np.vstack([average.influence for average in averages]), self._shares.starts,
            self._clusters, self._draws, self.level, shown,
        )  # fmt: skip
        name = {"group": "group", "calendar": "period", "dynamic": "relative"}.get(kind, "")
        parts = Records(
            PanelEffect(
                outcome=self.outcome,
                estimand="ATT",
                **told.of(place, part.estimate),
                **told.band(place, part.estimate),
                **_keyed(name, key),
                method=self.method,
            )
            for place, (key, part) in enumerate(zip(summary.keys, summary.parts, strict=True))
        )
        return OverallEffect(
            outcome=self.outcome,
            estimand="ATT",
            kind=kind,
            parts=parts,
            critical_value=told.critical,
            n_treatment=self.n_treatment,
            n_comparison=self.n_comparison,
            n_clusters=self.n_clusters,
            n_dropped=self.n_dropped,
            dropped_why=self.dropped_why,
            method=f"{self.method} {MEANING[kind]}. {self._draws.sentence}.",
            notes=self.notes,
            **told.of(-1, summary.overall.estimate),
        )


def _keyed(name: str, key: float) -> dict[str, Any]:
    return {name: _plain(key)}


def _plain(value: float) -> float:
    """Return whole numbers as such."""
    return int(value) if float(value).is_integer() else float(value)


def group_time_results(
    cells: Cells,
    rows: RollOut,
    named: Columns,
    *,
    base: str,
    method: str,
    sections: bool,
    draws: int,
    multipliers: str,
    seed: int | None,
    level: float,
) -> GroupTimeEffects:
    """Return the effects with their errors and bands, and what must be said beside them."""
    check_draws(draws, multipliers, seed)
    how = Draws(draws, multipliers, seed)
    told = intervals(cells.influence, rows.starts, rows.clusters, how, level, ~cells.reference)
    _check_errors(cells, told.errors, named.outcome)
    words = sentence(named, rows, base, method, sections)
    sizes = {_plain(group): int(np.sum(rows.starts == group)) for group in rows.groups}
    effects = Records(
        PanelEffect(
            outcome=named.outcome,
            estimand="ATT",
            group=_plain(group),
            period=_plain(period),
            relative=_plain(period - group),
            base=_plain(origin),
            n_treatment=sizes[_plain(group)],
            method=words,
            **told.of(place, estimate),
            **told.band(place, estimate),
        )
        for place, (group, period, origin, estimate) in enumerate(
            zip(cells.group, cells.period, cells.base, cells.estimate, strict=True)
        )
    )
    return GroupTimeEffects(
        effects=effects,
        outcome=named.outcome,
        level=level,
        n_units=rows.n_units,
        n_rows=len(rows.owner),
        n_treatment=int(np.isfinite(rows.starts).sum()),
        n_comparison=int(np.isinf(rows.starts).sum()),
        n_clusters=None if rows.clusters is None else int(rows.clusters.max()) + 1,
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        groups=sizes,
        anticipation=named.anticipation,
        critical_value=float(told.critical or 0),
        method=words,
        notes=(*rows.notes, *notes(rows, cells, sizes)),
        influence=cells.influence,
        _cells=cells,
        _shares=Shares(rows.groups, rows.starts, rows.weights),
        _clusters=rows.clusters,
        _draws=how,
    )


def _check_errors(cells: Cells, errors: Floats, outcome: str) -> None:
    unseen = ~(errors > 0) & ~cells.reference
    if unseen.any():
        place = int(np.flatnonzero(unseen)[0])
        raise CannotEstimate(
            f"'{outcome}' does not vary among the units compared for the group first treated in "
            f"{cells.group[place]:g} in period {cells.period[place]:g}: no uncertainty can be told."
        )
