"""Rates counted from events over the time people were at risk: description, not effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.days import start_days
from evalkit.people import taking_part
from evalkit.results import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.declaration import Indicator
    from evalkit.study import Study

YEAR = 365.25
QUARTER = YEAR / 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate(Record):
    """Events per 100 units and year at risk, in one arm over one stretch of time.

    `period` is 0 for the whole window and 1, 2, 3 ... for quarters since the start. `n_left_out` are
    the arm's units without time at risk in the period; `families` those behind the units and
    `families_with_events` behind the events; `events_outside` the arm's events that fall outside the time counted.
    """

    indicator: str
    arm: str
    period: int
    unit: str
    n_units: int
    n_left_out: int
    families: int
    families_with_events: int
    events: int
    events_outside: int
    years_at_risk: float
    rate: float | None
    conf_low: float | None
    conf_high: float | None
    direction: str


def rates(study: Study) -> tuple[Rate, ...]:
    """Return the rate of each indicator by arm for its window, then by quarter."""
    rows: list[Rate] = []
    for indicator in study.evaluation.declared.counted:
        units = units_at_risk(study, indicator)
        days = event_days(study, indicator, units)
        horizon = indicator.window.days
        periods = [(0, 0.0, horizon)]
        count = int(-(-horizon // QUARTER))
        periods += [(n + 1, n * QUARTER, min((n + 1) * QUARTER, horizon)) for n in range(count)]
        for arm in study.evaluation.arm_names:
            for period, begin, end in periods:
                rows.append(_rate(indicator, arm, period, units, days, begin, end))
    return tuple(rows)


def units_at_risk(study: Study, indicator: Indicator) -> pd.DataFrame:
    """Return one row a person or family: arm, start, and days at risk until they left."""
    import pandas as pd

    people = taking_part(study.intake.people)
    frame = pd.DataFrame({
        "unit": people[indicator.unit], "arm": people["placed"], "family": people["family"],
        "start": start_days(study.evaluation, people), "left": people["left_on"],
    })  # fmt: skip
    grouped = frame.groupby("unit", sort=True)
    units = grouped.agg(
        arm=("arm", "min"), most=("arm", "max"), start=("start", "min"), left=("left", "max"),
        family=("family", "first"),
    )  # fmt: skip
    units["arm"] = units["arm"].where(units["arm"] == units["most"])
    everyone_left = grouped["left"].apply(lambda left: left.notna().all())
    as_of = study.evaluation.declared.data.as_of
    last = pd.Timestamp(as_of) if as_of else study.intake.events["date"].max()
    end = units["left"].where(everyone_left, last)
    end = end.where(end <= last, last)
    units["at_risk"] = (end - units["start"]).dt.days.clip(lower=0).astype(float)
    return units


def event_days(study: Study, indicator: Indicator, units: pd.DataFrame) -> pd.DataFrame:
    """Return unit, day since its start and whether at risk then, for each event of the kind."""
    import pandas as pd

    events = study.intake.events
    events = events[events["kind"] == indicator.kind]
    unit = events["unit"]
    if indicator.unit == "family" and len(events) and (events["by"] == "person").all():
        unit = unit.map(study.intake.people["family"])
    frame = pd.DataFrame({"unit": unit.to_numpy(), "date": events["date"].to_numpy()})
    joined = frame.merge(
        units, left_on="unit", right_index=True, how="inner", validate="many_to_one"
    ).reset_index(drop=True)
    joined["day"] = (joined["date"] - joined["start"]).dt.days
    joined["at_risk"] = (joined["day"] >= 0) & (joined["day"] < joined["at_risk"])
    return joined


def _rate(
    indicator: Indicator, arm: str, period: int,
    units: pd.DataFrame, days: pd.DataFrame, begin: float, end: float,
) -> Rate:  # fmt: skip
    from evalkit.stats import event_rate

    mine = units[units["arm"] == arm]
    known = mine[mine["at_risk"].notna()]
    exposure = (known["at_risk"].clip(upper=end) - begin).clip(lower=0)
    theirs = days[days["arm"] == arm]
    inside = theirs[theirs["at_risk"] & (theirs["day"] >= begin) & (theirs["day"] < end)]
    counts = inside.groupby("unit").size().reindex(known.index, fill_value=0)
    here = exposure > 0
    years = float(exposure[here].sum() / YEAR)
    found = None
    if here.any():
        found = event_rate(_array(counts[here]), _array(exposure[here]) / YEAR, per=100)
    return Rate(
        indicator=indicator.id, arm=arm, period=period, unit=indicator.unit,
        n_units=int(here.sum()), n_left_out=len(mine) - int(here.sum()),
        families=int(known.loc[here, "family"].nunique()),
        families_with_events=int(known.loc[here & (counts > 0), "family"].nunique()),
        events=int(counts[here].sum()),
        events_outside=len(theirs) - int(counts[here].sum()), years_at_risk=years,
        rate=found.estimate if found else None, conf_low=found.conf_low if found else None,
        conf_high=found.conf_high if found else None, direction=indicator.direction,
    )  # fmt: skip


def _array(series: pd.Series[float]) -> npt.NDArray[np.float64]:
    import numpy as np

    return np.asarray(series, dtype=float)
