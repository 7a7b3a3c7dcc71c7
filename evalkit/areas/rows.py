"""The rows of one indicator that its design can use, every other row counted by reason."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalkit.areas.calendar import name_of, place_of
from evalkit.areas.records import Counted

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from evalkit.declaration import Indicator
    from evalkit.declared_plan import SeriesPart
    from evalkit.evaluation import Evaluation
    from evalkit.study import Study

    Mask = NDArray[np.bool_]

EMPTY = "no value"
OUTSIDE = "a unit neither treated nor compared with"
WINDOW = "a period in which units may have changed before the start"
HOLES = "a unit not seen in every period"
PARTLY = "a period in which not every unit of the series has a value"
SPARSE = "a period in which most units have no value"


@dataclass(frozen=True, slots=True, eq=False)
class AreaRows:
    """The rows of one indicator: unit, place, period, value, denominator, start, treated, y, after.

    `y` is the value, or the rate it stands for; `treated` whether the unit has the programme at any
    time, `after` whether it has it in that period.
    """

    frame: pd.DataFrame
    came_in: int
    dropped: Counted
    indicator: Indicator
    series: SeriesPart
    seed: int

    def without(self, gone: Mask, reason: str) -> AreaRows:
        """Return the rows without some, which are counted."""
        count = int(gone.sum())
        if not count:
            return self
        return replace(self, frame=self.frame[~gone], dropped=(*self.dropped, (reason, count)))

    def of(self, *, treated: bool) -> pd.DataFrame:
        """Return the rows of the units with the programme, or of those compared with."""
        return self.frame[self.frame["treated"] == treated]

    @property
    def counts(self) -> bool:
        """Whether the values are counts: whole numbers, none below zero."""
        values = self.frame["value"]
        return bool(len(values) and (values >= 0).all() and (values % 1 == 0).all())

    @property
    def start(self) -> int:
        """The first period with the programme, in designs where all start together."""
        return place_of(self.series.start, self.series.period) or 0


def area_rows(study: Study, indicator: Indicator) -> AreaRows:
    """Return the rows of an indicator that the design can use."""
    design = study.evaluation.declared.design
    assert design.series is not None
    frame = study.intake.series
    frame = frame[frame["indicator"] == indicator.id].reset_index(drop=True)
    rate = 1.0 if indicator.per is None else indicator.per.count / frame["denominator"]
    frame = frame.assign(
        y=frame["value"] * rate, treated=frame["start"].notna(),
        after=frame["place"] >= frame["start"],
    )  # fmt: skip
    rows = AreaRows(frame, len(frame), (), indicator, design.series, study.evaluation.declared.seed)
    rows = rows.without(rows.frame["value"].isna().to_numpy(), EMPTY)
    if design.rollout is not None:
        return rows
    return _window(_compared(study.evaluation, rows))


def _compared(evaluation: Evaluation, rows: AreaRows) -> AreaRows:
    """Leave out the units that are neither treated nor named for the comparison."""
    named = rows.series.comparison
    alone = not evaluation.design.comparison_group
    others = ~rows.frame["treated"]
    if alone:
        return rows.without(others.to_numpy(), OUTSIDE)
    if not named:
        return rows
    return rows.without((others & ~rows.frame["unit"].isin(named)).to_numpy(), OUTSIDE)


def _window(rows: AreaRows) -> AreaRows:
    place, lead = rows.frame["place"], rows.series.anticipation
    near = (place >= rows.start - lead) & (place < rows.start)
    return rows.without(near.to_numpy(), WINDOW)


def smallest(rows: AreaRows) -> dict[str, Any]:
    """Return the least count of a group before or after the start, and of a unit in a period.

    In a roll-out, where there is no one start, units that never start have a single total.
    """
    frame = rows.frame
    if not rows.counts:
        return {"smallest_total": None, "smallest_value": None}
    late = frame["after"] if rows.series.start is None else frame["place"] >= rows.start
    totals = frame.groupby([frame["treated"], late])["value"].sum()
    return {
        "smallest_total": float(totals.min()), "smallest_value": float(frame["value"].min()),
    }  # fmt: skip


def common_periods(rows: AreaRows) -> AreaRows:
    """Leave out the periods in which fewer than half of the units are seen, which are counted.

    Without it one unit with a longer series would leave every other out.
    """
    frame = rows.frame
    there = frame.groupby("place")["unit"].transform("nunique")
    return rows.without((2 * there < frame["unit"].nunique()).to_numpy(), SPARSE)


def complete(rows: AreaRows) -> AreaRows:
    """Leave out units not seen in every period, or periods without every unit; fewer rows are lost.

    Whichever is left out is counted.
    """
    rows = common_periods(rows)
    frame = rows.frame
    seen = frame.groupby("unit")["place"].transform("nunique")
    there = frame.groupby("place")["unit"].transform("nunique")
    gaps = (seen < frame["place"].nunique()).to_numpy()
    partly = (there < frame["unit"].nunique()).to_numpy()
    return rows.without(gaps, HOLES) if gaps.sum() <= partly.sum() else rows.without(partly, PARTLY)


def unit_words(indicator: Indicator, kind: str) -> str:
    """Return what an effect is stated in: "per 1,000 people a month"; nothing where it is a number."""
    per = indicator.per
    each = "" if kind == "number" else f" a {kind}"
    if per is None:
        return ""
    count = f"{per.count:,.0f}" if per.count >= 1 else f"{per.count:g}"
    if per.of in ("population", "households"):
        return f"per {count} {'people' if per.of == 'population' else per.of}{each}"
    return f"per {count} {per.of}"


def spread(rows: AreaRows) -> float | None:
    """Return the standard deviation of values without the programme, None with fewer than two."""
    quiet = rows.frame.loc[~rows.frame["after"], "y"]
    return float(quiet.std(ddof=1)) if len(quiet) > 1 else None


def named(text: str, rows: AreaRows) -> str:
    """Return a text with the numbers of periods replaced by their names."""
    kind, places = rows.series.period, rows.frame["place"]
    if kind in ("number", "year") or places.empty:
        return text
    known = range(int(places.min()), int(places.max()) + 2)
    return re.sub(
        r"(?<![\d.-])\d{4,6}(?![\d])",
        lambda found: name_of(int(found[0]), kind) if int(found[0]) in known else found[0], text,
    )  # fmt: skip
