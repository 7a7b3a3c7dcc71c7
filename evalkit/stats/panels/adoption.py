"""When each unit's treatment starts, and whether it ever stops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import invalid, numeric, read_arm

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

NEVER = np.inf


def codes_of(labels: Any) -> tuple[Codes, int]:
    """Return numbers from 0 for labels, in their sorted order where they have one, and how many."""
    import pandas as pd

    series = pd.Series(labels)
    if series.dtype == object:
        try:
            codes, found = pd.factorize(series, sort=True)
        except TypeError:
            codes, found = pd.factorize(series.astype(str), sort=True)
    elif series.dtype.kind in "iu" and len(series):
        return _whole_codes(series.to_numpy())
    else:
        codes, found = pd.factorize(series, sort=True)
    return np.asarray(codes, dtype=np.intp), len(found)


def _whole_codes(values: NDArray[Any]) -> tuple[Codes, int]:
    """Number whole labels by a table where their range is short: one pass, no sort."""
    import pandas as pd

    low, high = int(values.min()), int(values.max())
    if high - low > 4 * len(values) + 1000:
        codes, found = pd.factorize(values, sort=True)
        return np.asarray(codes, dtype=np.intp), len(found)
    place = (values - low).astype(np.intp)
    seen = np.zeros(high - low + 1, dtype=bool)
    seen[place] = True
    number = np.cumsum(seen) - 1
    return (place if seen.all() else number[place]), int(number[-1]) + 1


def read_starts(frame: pd.DataFrame, name: str, earliest: float) -> tuple[Floats, dict[str, Bools]]:
    """Return the first treated period of each row, infinite where never, and who is never why.

    Zero and empty mean never treated. Raises InvalidInput for text and where 0 is a period too.
    """
    series = frame[name]
    endless = np.zeros(len(series), dtype=bool)
    if series.dtype.kind == "f":
        endless = np.isposinf(series.to_numpy(dtype=np.float64, na_value=np.nan))
    values = numeric(frame.assign(**{name: series.mask(endless)}) if endless.any() else frame, name)
    zero, empty = values == 0, np.isnan(values)
    if zero.any() and earliest <= 0:
        raise invalid(
            "holds 0, which means never treated, and the periods start at or below 0.",
            column=name,
            next_step="Leave it empty for units never treated, and number the periods from 1.",
        )
    starts = np.where(zero | empty, NEVER, values)
    return starts, {"0": zero, "empty": empty & ~endless, "infinite": endless}


def one_start(starts: Floats, owner: Codes, count: int, name: str) -> Floats:
    """Return each unit's start, refusing a unit with more than one."""
    first = np.full(count, np.nan)
    first[owner] = starts
    mixed = first[owner] != starts
    if mixed.any():
        units = len(np.unique(owner[mixed]))
        raise invalid(
            f"has more than one value within {units} unit(s).",
            column=name,
            allowed="the first treated period, the same in every row of a unit",
            next_step="A unit whose treatment starts twice, or stops, cannot be used here.",
        )
    return first


def starts_from_status(
    status: Floats, owner: Codes, times: Floats, count: int, name: str
) -> Floats:
    """Return each unit's first period with status 1, infinite where it has none.

    Raises CannotEstimate where treatment never switches on, and InvalidInput where it switches
    off again.
    """
    first = np.full(count, NEVER)
    on = status == 1
    np.minimum.at(first, owner[on], times[on])
    if not on.any():
        raise CannotEstimate(f"'{name}' never switches on: nobody is treated in any period.")
    back = (times > first[owner]) & ~on
    if back.any():
        units = len(np.unique(owner[back]))
        raise invalid(
            f"{units} unit(s) are treated and later untreated.",
            column=name,
            allowed="a treatment that, once started, stays",
            next_step="Leave those units out, or end their follow-up where treatment stops.",
        )
    return first


def read_status(frame: pd.DataFrame, name: str) -> Floats:
    """Return 1 while treated, 0 while not, NaN where unknown."""
    return read_arm(frame, name)


def refuse_twice(owner: Codes, when: Codes, periods: int, unit: str, period: str) -> None:
    """Refuse two rows for one unit in one period."""
    key = owner * periods + when
    size = int(key.max(initial=0)) + 1
    if size <= 4 * len(key) + 1000:
        twice = int((np.bincount(key, minlength=size) > 1).sum())
    else:
        twice = len(key) - len(np.unique(key))
    if twice:
        raise invalid(
            f"{twice} unit(s) by period have more than one row.",
            column=unit,
            allowed=f"one row for each '{unit}' in each '{period}'",
            next_step="For different people sampled in each period say so: panel=False or "
            "repeated_cross_sections=True.",
        )
