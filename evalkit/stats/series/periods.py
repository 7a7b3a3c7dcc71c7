"""The periods of a series: equally spaced, none twice, gaps known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import invalid, is_numeric, numeric

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]

SHOWN = 6
_WHOLE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """Equally spaced periods, numbered 0 to `count` - 1 from the first in the data.

    `kind` is "number", "month" (months, quarters, years by date; the day of the month is hundredths),
    "month-end" or "day"; `origin` and `step` are in units of it.
    """

    kind: str
    origin: float
    step: float
    count: int

    def place(self, value: Any, argument: str) -> float:
        """Return the number of the period of a value, with a fraction where it is between two."""
        raw = _coordinate(value, self.kind, argument)
        found = (raw - self.origin) / self.step
        return round(found) if abs(found - round(found)) < _WHOLE else found

    def label(self, place: int) -> Any:
        """Return the period's name: the number, or the date as text."""
        raw = self.origin + place * self.step
        if self.kind == "number":
            return int(raw) if float(raw).is_integer() else float(raw)
        if self.kind == "day":
            return str(np.datetime64(round(raw), "D"))
        if self.kind == "month-end":
            return str(np.datetime64(round(raw) + 1, "M").astype("datetime64[D]") - 1)
        month, day = divmod(round(raw, 6), 1)
        date = np.datetime64(int(month), "M").astype("datetime64[D]") + round(day * 100)
        return str(date)

    def season_place(self, place: Codes) -> Codes:
        """Return where in the year a period falls, counted so that January is 0 for months."""
        if self.kind in ("month", "month-end"):
            step = round(self.step)
            found: Codes = (int(self.origin) + place * step) // step
            return found
        return place


def read_periods(data: pd.DataFrame, name: str) -> tuple[Periods, Codes]:
    """Return the periods of a column, and the number of each row's; -1 where it is missing.

    Numbers and days must be equally spaced but for gaps; dates on one day of the month, or on the
    last of each, are months.
    """
    raw, kind = _raw(data, name)
    known = np.unique(raw[~np.isnan(raw)])
    if len(known) < 2:
        raise CannotEstimate(f"'{name}' has {len(known)} period(s): there is no series.")
    step = _step(known, name)
    places = np.full(len(raw), -1, dtype=np.int64)
    seen = ~np.isnan(raw)
    places[seen] = np.round((raw[seen] - known[0]) / step).astype(np.int64)
    return Periods(kind, float(known[0]), step, int(places.max()) + 1), places


def _step(known: Floats, name: str) -> float:
    gaps = np.diff(known)
    step = float(gaps.min())
    ratio = gaps / step
    if np.all(np.abs(ratio - np.round(ratio)) < 1e-6):
        return step
    whole = np.round(gaps).astype(np.int64)
    if np.all(np.abs(gaps - whole) < 1e-9):
        return float(np.gcd.reduce(whole))
    raise invalid(
        "periods are not equally spaced.",
        column=name,
        allowed="numbers in equal steps, or dates of days, weeks, months, quarters or years",
    )


def _raw(data: pd.DataFrame, name: str) -> tuple[Floats, str]:
    """Return a number a row and its kind: "number", "month" (with the day as hundredths), "day"."""
    if is_numeric(data[name]):
        return numeric(data, name), "number"
    dates = _dates(data[name], name)
    days = dates.astype("datetime64[D]")
    missing = np.isnat(days)
    values = np.full(len(days), np.nan)
    in_month = (days - days.astype("datetime64[M]")).astype(np.int64)[~missing]
    months = days.astype("datetime64[M]").astype(np.int64)[~missing]
    to_end = ((days.astype("datetime64[M]") + 1).astype("datetime64[D]") - days).astype(np.int64)
    if len(in_month) and np.all(to_end[~missing] == 1) and np.ptp(in_month) > 0:
        values[~missing] = months
        return values, "month-end"
    if (
        len(in_month)
        and np.ptp(in_month) == 0
        and np.unique(months).size == np.unique(days[~missing]).size
    ):
        values[~missing] = months + in_month / 100
        return values, "month"
    values[~missing] = days.astype(np.int64)[~missing]
    return values, "day"


def _dates(series: pd.Series[Any], name: str) -> Any:
    import pandas as pd

    if isinstance(series.dtype, pd.PeriodDtype):
        return series.dt.to_timestamp().to_numpy(dtype="datetime64[ns]")
    try:
        return pd.to_datetime(series, format="ISO8601").to_numpy(dtype="datetime64[ns]")
    except (ValueError, TypeError):
        raise invalid(
            "holds values that are neither numbers nor dates.",
            column=name,
            allowed="numbers in equal steps, dates, or dates as text such as 2024-03-01",
        ) from None


def _coordinate(value: Any, kind: str, argument: str) -> float:
    import pandas as pd

    if kind == "number":
        if isinstance(value, int | float | np.number) and np.isfinite(value):
            return float(value)
        raise invalid(f"{argument}={value!r}.", allowed="a number, as the periods are")
    try:
        date = pd.Timestamp(value.to_timestamp() if isinstance(value, pd.Period) else value)
    except (ValueError, TypeError):
        date = pd.NaT
    if date is pd.NaT or isinstance(value, int | float):
        raise invalid(f"{argument}={value!r}.", allowed="a date, such as '2024-03-01'")
    if kind == "day":
        return float(np.datetime64(date, "D").astype(np.int64))
    month = (date.year - 1970) * 12 + date.month - 1
    return float(month) if kind == "month-end" else month + (date.day - 1) / 100


def named(periods: Periods, places: Any) -> str:
    """Return the names of a few periods, and how many more there are."""
    shown = ", ".join(str(periods.label(int(p))) for p in places[:SHOWN])
    more = len(places) - SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
