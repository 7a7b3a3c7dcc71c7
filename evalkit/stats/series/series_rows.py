"""The columns of an interrupted series' model, from the rows of one series or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.series.periods import Periods, named, read_periods
from evalkit.stats.shared.columns import invalid, left_out, numeric, read_arm
from evalkit.stats.shared.design_matrix import standardised

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

FEWEST = 3  # periods either side, below which there is no slope to speak of
_ALIASED = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SeriesRows:
    """The periods analysed: their places, the series (and the comparison), and who was left out."""

    periods: Periods
    places: Codes
    treated: Floats
    compared: Floats | None
    start: int
    gaps: Codes
    dropped: tuple[tuple[str, int], ...]

    @property
    def after(self) -> NDArray[np.bool_]:
        """Which periods are at or after the start."""
        found: NDArray[np.bool_] = self.places >= self.start
        return found

    @property
    def analysed(self) -> Floats:
        """The series, less the comparison where there is one."""
        return self.treated if self.compared is None else self.treated - self.compared


def read_series(
    data: pd.DataFrame,
    *,
    outcome: str,
    time: str,
    start: Any,
    comparison: str | None,
    population: str | None,
    per: float,
    log: bool,
    gaps: str,
) -> SeriesRows:
    """Return the periods that have a value (of both series), with gaps refused or counted."""
    values = _values(data, outcome, population, per, log)
    periods, places = read_periods(data, time)
    arm = np.zeros(len(data)) if comparison is None else read_arm(data, comparison)
    reasons = [("no period", places < 0), ("no outcome", np.isnan(values))]
    if comparison is not None:
        reasons.append(("no series", np.isnan(arm)))
    keep, dropped = left_out(reasons, len(data))
    first = _one_series(values, places, keep & (arm == 0), periods, time)
    second = (
        None
        if comparison is None
        else _one_series(values, places, keep & (arm == 1), periods, time)
    )
    known = ~np.isnan(first) if second is None else ~np.isnan(first) & ~np.isnan(second)
    if not known.any():
        raise CannotEstimate("No period has a value (of both series, where there are two).")
    ends = np.flatnonzero(known)[[0, -1]]
    begun = _start(periods, start, ends)
    missing = np.flatnonzero(~known)
    missing = missing[(missing > ends[0]) & (missing < ends[1])]
    if len(missing) and gaps == "refuse":
        raise invalid(
            f"the series has {len(missing)} gap(s): {named(periods, missing)}.",
            column=time,
            allowed="a value for every period from the first to the last",
            next_step="Fill the gap, start after it, or use gaps='count' to leave it out.",
        )
    inside = np.flatnonzero(known)
    rows = SeriesRows(
        periods=periods,
        places=inside - ends[0],
        treated=first[inside],
        compared=None if second is None else second[inside],
        start=begun - int(ends[0]),
        gaps=missing - ends[0],
        dropped=_unmatched(dropped, first, second),
    )
    return _from_first(rows, int(ends[0]))


def _from_first(rows: SeriesRows, first: int) -> SeriesRows:
    """Number the periods from the first that has a value; check that there are enough."""
    p = rows.periods
    count = int(rows.places.max()) + 1
    shifted = Periods(p.kind, p.origin + first * p.step, p.step, count)
    before, after = int((~rows.after).sum()), int(rows.after.sum())
    if min(before, after) < FEWEST:
        raise CannotEstimate(
            f"There are {before} period(s) before the start and {after} from it on; at least "
            f"{FEWEST} are needed on each side, and 8 to 12 for a result to be relied on."
        )
    return SeriesRows(
        shifted, rows.places, rows.treated, rows.compared, rows.start, rows.gaps, rows.dropped
    )


def _unmatched(
    dropped: tuple[tuple[str, int], ...], first: Floats, second: Floats | None
) -> tuple[tuple[str, int], ...]:
    if second is None:
        return dropped
    alone = int(np.sum(np.isnan(first) != np.isnan(second)))
    return (*dropped, ("no value of the other series", alone)) if alone else dropped


def _values(
    data: pd.DataFrame, outcome: str, population: str | None, per: float, log: bool
) -> Floats:
    values = numeric(data, outcome)
    if population is not None:
        people = numeric(data, population)
        if np.any(people <= 0):
            raise invalid("holds denominators of 0 or less.", column=population,
                          allowed="positive numbers")  # fmt: skip
        values = values / people * per
    if log:
        low = int(np.sum(values <= 0))
        if low:
            raise invalid(
                f"holds {low} value(s) of 0 or less, which have no logarithm.",
                column=outcome,
                allowed="positive numbers with log=True",
                next_step="Use log=False, or longer periods.",
            )
        values = np.log(values)
    return np.asarray(values, dtype=np.float64)


def _one_series(
    values: Floats, places: Codes, keep: NDArray[np.bool_], periods: Periods, time: str
) -> Floats:
    """Return the values by period, NaN where there is none; two of a period are refused."""
    found = np.full(periods.count, np.nan)
    counts = np.bincount(places[keep], minlength=periods.count)
    twice = np.flatnonzero(counts > 1)
    if len(twice):
        raise invalid(
            f"{len(twice)} period(s) have more than one row of a series: {named(periods, twice)}.",
            column=time,
            allowed="one row a period (and series)",
            next_step="Add up or average the rows of a period first, or name the comparison series.",
        )
    found[places[keep]] = values[keep]
    return found


def _start(periods: Periods, start: Any, ends: Codes) -> int:
    place = int(np.ceil(periods.place(start, "start")))
    if not ends[0] < place <= ends[1]:
        raise invalid(
            f"start={start!r} is outside the series.",
            allowed=f"after {periods.label(int(ends[0]))}, at most {periods.label(int(ends[1]))}",
        )
    return place


def series_columns(
    rows: SeriesRows, season: int | None, harmonics: int | None, breaks: Sequence[Any]
) -> tuple[tuple[str, ...], Floats]:
    """Return names and columns: ones, time from 1, level, slope, breaks, then seasons."""
    step = rows.after.astype(np.float64)
    names = ["(intercept)", "time", "level", "slope"]
    columns = [np.ones(len(step)), rows.places + 1.0, step, (rows.places - rows.start) * step]
    for value in breaks:
        place = int(np.ceil(rows.periods.place(value, "breaks")))
        if not 0 < place < rows.periods.count:
            raise invalid(
                f"breaks holds {value!r}, which is outside the series.",
                allowed=f"after {rows.periods.label(0)}, at most "
                f"{rows.periods.label(rows.periods.count - 1)}",
            )
        if place == rows.start:
            raise CannotEstimate(
                f"The change of recording rules at {value!r} falls on the start: the two cannot be "
                "told apart. A comparison series with the same change can."
            )
        names.append(f"break {rows.periods.label(place)}")
        columns.append((rows.places >= place).astype(np.float64))
    if season is not None:
        for name, column in _seasons(rows, season, harmonics):
            names.append(name)
            columns.append(column)
    matrix = np.column_stack(columns)
    _check_columns(names, matrix)
    return tuple(names), matrix


def _seasons(rows: SeriesRows, season: int, harmonics: int | None) -> list[tuple[str, Floats]]:
    """Return a column a season but the first period's, or pairs of a sine and a cosine."""
    place = rows.periods.season_place(rows.places)
    if harmonics is None:
        turn = (place - place[0]) % season if "month" not in rows.periods.kind else place % season
        return [
            (f"season {s + 1}", (turn == s).astype(np.float64))
            for s in np.unique(turn)
            if s != turn.min()
        ]
    pairs = []
    for k in range(1, harmonics + 1):
        angle = 2 * np.pi * k * place / season
        pairs.append((f"cosine {k}", np.cos(angle)))
        if 2 * k != season:
            pairs.append((f"sine {k}", np.sin(angle)))
    return pairs


def _check_columns(names: Sequence[str], matrix: Floats) -> None:
    if matrix.shape[0] <= matrix.shape[1]:
        raise CannotEstimate(
            f"There are {matrix.shape[0]} periods for {matrix.shape[1]} parameters; more periods "
            "are needed, or fewer seasons or breaks. Harmonics use fewer than seasons."
        )
    for i in range(1, matrix.shape[1]):
        if np.ptp(matrix[:, i]) == 0:
            raise CannotEstimate(f"'{names[i]}' has one value in the periods analysed.")
    scaled = np.column_stack([standardised(column) for column in matrix.T[1:]])
    length = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    alike = np.flatnonzero(length < _ALIASED * np.sqrt(len(matrix)))
    if len(alike):
        name = names[int(alike[0]) + 1]
        step = "Leave out a break."
        if name.startswith(("season", "cosine", "sine")):
            step = (
                "Seasons need about two years on one side of the start: add periods, use harmonics "
                "in place of seasons, or leave seasons out."
            )
        raise CannotEstimate(
            f"'{name}' is fixed by the columns before it, so it cannot be told apart from them. {step}"
        )
