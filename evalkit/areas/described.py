"""What came in as series, before any result is looked at: units, periods, gaps, starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.areas.calendar import many, name_of
from evalkit.tables import listed

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study


def series_lines(study: Study) -> tuple[str, ...]:
    """Return what the series hold, a line an indicator, and when units start."""
    series = study.evaluation.declared.design.series
    frame = study.intake.series
    if series is None or frame.empty:
        return ()
    kind, noun = series.period, series.unit
    lines = []
    for indicator, rows in frame.groupby("indicator", sort=False):
        known = rows[rows["value"].notna()]
        first, last = int(known["place"].min()), int(known["place"].max())
        lines.append(
            f"{indicator}: {rows['unit'].nunique()} {noun}s, {many(last - first + 1, kind)} from "
            f"{name_of(first, kind)} to {name_of(last, kind)}"
        )
    starts = frame.groupby("unit")["start"].first()
    by_start = starts.dropna().astype(int).value_counts().sort_index()
    said = [f"{name_of(int(str(at)), kind)} ({count})" for at, count in by_start.items()]
    said += [f"never ({int(starts.isna().sum())})"] if starts.isna().any() else []
    return (*lines, f"starts, and how many {noun}s: {', '.join(said)}")


def series_notes(study: Study) -> Iterable[str]:
    """Yield the gaps of the series: units not seen in every period, with how many are missing."""
    series = study.evaluation.declared.design.series
    frame = study.intake.series
    if series is None or frame.empty:
        return
    for indicator, rows in frame[frame["value"].notna()].groupby("indicator", sort=False):
        gaps = _gaps(rows)
        if gaps:
            named = listed([f"{unit} ({count})" for unit, count in gaps.items()], 6)
            yield (
                f"of {indicator} some {series.unit}s have no value in every {_each(series.period)}: "
                f"{named} missing; nothing is filled in"
            )


def _each(kind: str) -> str:
    return "period" if kind == "number" else kind


def _gaps(rows: pd.DataFrame) -> dict[str, int]:
    whole = int(rows["place"].max()) - int(rows["place"].min()) + 1
    missing = whole - rows.groupby("unit")["place"].nunique()
    return {str(unit): int(count) for unit, count in missing.items() if count > 0}
