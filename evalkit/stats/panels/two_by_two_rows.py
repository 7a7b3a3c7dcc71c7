"""The rows of two groups in two periods that can be used, and how many were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.panels.adoption import codes_of, refuse_twice
from evalkit.stats.shared.columns import invalid, is_numeric, left_out, numeric, read_arm

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

LONE = "a unit seen in one period only"


@dataclass(frozen=True, slots=True, eq=False)
class BeforeAfter:
    """The rows analysed: group and period as 1 and 0, units' codes, cluster labels."""

    keep: Bools
    outcome: Floats
    arm: Floats
    after: Floats
    owner: Codes | None
    cluster: Any
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...] = ()

    def pairs(self) -> tuple[Codes, Codes]:
        """Return the places of each unit's row before and after, units in one order."""
        assert self.owner is not None
        order = np.lexsort((self.after, self.owner))
        return order[0::2], order[1::2]


def before_after(
    data: pd.DataFrame,
    outcome: str,
    treatment: str,
    treated: Any,
    period: str,
    after: Any,
    unit: str | None,
    cluster: str | None,
    covariates: Sequence[str],
    *,
    paired: bool,
) -> BeforeAfter:
    """Return the complete rows, with `paired` those of units seen in both periods."""
    values, arm = numeric(data, outcome), read_arm(data, treatment, treated)
    late = _late(data[period], period, after)
    reasons = [
        ("no outcome", np.isnan(values)),
        ("no arm", np.isnan(arm)),
        ("no period", np.isnan(late)),
    ]
    if unit is not None:
        reasons.append(("no unit", data[unit].isna().to_numpy()))
    for name in covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(data))
    notes: tuple[str, ...] = ()
    owner = None
    if paired:
        keep, arm, dropped, notes = _paired(
            data, keep, arm, late, dropped, str(unit), period, treatment
        )
        owner = codes_of(data.loc[keep, unit])[0]
    label = cluster or unit
    groups = (
        None if label is None or (paired and label == unit) else data.loc[keep, label].to_numpy()
    )
    rows = BeforeAfter(keep, values[keep], arm[keep], late[keep], owner, groups, dropped, notes)
    if paired and groups is not None:
        first, last = rows.pairs()
        if np.any(groups[first] != groups[last]):
            raise invalid(
                "differs between the rows of a unit.",
                column=str(label),
                allowed="clusters that hold whole units",
            )
    return rows


def _late(series: pd.Series[Any], name: str, after: Any) -> Floats:
    """Return 1 in the later period, 0 in the earlier, NaN where there is none."""
    from pandas.api.types import is_datetime64_any_dtype

    found = list(series.dropna().unique())
    if len(found) != 2:
        raise invalid(
            f"has {len(found)} value(s).",
            column=name,
            allowed="two: before and after",
            next_step="Choose two periods, or use group_time_effects for more.",
        )
    ordered = is_numeric(series) or is_datetime64_any_dtype(series)
    if after is None and not ordered:
        raise invalid(
            "holds text, whose order is not known.",
            column=name,
            next_step="Name the later period with after=.",
        )
    if after is None:
        after = max(found)
    if after not in found:
        raise invalid(
            f"after={after!r} is not one of its values.",
            column=name,
            allowed=" or ".join(
                repr(getattr(value, "item", lambda v=value: v)()) for value in found
            ),
        )
    result = (series == after).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(series.isna().to_numpy(), np.nan, result)


_Paired = tuple["Bools", "Floats", tuple[tuple[str, int], ...], tuple[str, ...]]


def _paired(
    data: pd.DataFrame,
    keep: Bools,
    arm: Floats,
    late: Floats,
    dropped: tuple[tuple[str, int], ...],
    unit: str,
    period: str,
    treatment: str,
) -> _Paired:
    """Leave out units without both periods, and read a status as the group."""
    notes: tuple[str, ...] = ()
    owner, count = codes_of(data.loc[keep, unit])
    refuse_twice(owner, late[keep].astype(np.intp), 2, unit, period)
    lone = np.bincount(owner, minlength=count)[owner] < 2
    if lone.any():
        notes = (f"{int(lone.sum())} unit(s) were seen in one period only and were left out",)
        keep, dropped = _without(keep, lone, dropped, LONE)
    if not keep.any():
        raise CannotEstimate("No unit is seen in both periods.")
    owner, count = codes_of(data.loc[keep, unit])
    status = np.zeros((count, 2))
    status[owner, late[keep].astype(np.intp)] = arm[keep]
    if np.any(status[:, 0] > status[:, 1]):
        raise invalid(
            f"{int(np.sum(status[:, 0] > status[:, 1]))} unit(s) are treated and later untreated.",
            column=treatment,
            allowed="the group a unit is in, or a treatment that stays once started",
        )
    if np.all(status[:, 0] == status[:, 1]):
        return keep, arm, dropped, notes
    arm = arm.copy()
    arm[keep] = status[owner, 1]
    already = status[owner, 0] == 1
    notes = (*notes, f"'{treatment}' changes within units: those that change are the treated group")
    if already.any():
        keep, dropped = _without(keep, already, dropped, "a unit already treated before")
    return keep, arm, dropped, notes


def _without(
    keep: Bools, gone: Bools, dropped: tuple[tuple[str, int], ...], reason: str
) -> tuple[Bools, tuple[tuple[str, int], ...]]:
    keep = keep.copy()
    keep[np.flatnonzero(keep)[gone]] = False
    return keep, (*dropped, (reason, int(gone.sum())))
