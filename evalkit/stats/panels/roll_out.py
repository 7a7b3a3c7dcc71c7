"""The rows of a roll-out that can be used, and how many were left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.panels.adoption import (
    NEVER,
    codes_of,
    one_start,
    read_starts,
    read_status,
    refuse_twice,
    starts_from_status,
)
from evalkit.stats.panels.roll_out_records import Columns, RollOut
from evalkit.stats.shared.columns import invalid, is_numeric, left_out, numeric, weight_column
from evalkit.stats.shared.design_matrix import (
    Column,
    covariate_columns,
    drop_aliased,
    drop_constant,
    standardised,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class UsedRows:
    """Rows on their way: which of all are kept, and each row's unit, time and start."""

    keep: Bools
    owner: Codes
    times: Floats
    starts: Floats
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...] = ()

    def without(self, gone: Bools, reason: str) -> UsedRows:
        """Return the rows without those gone (one value for each row still kept)."""
        if not gone.any():
            return self
        keep = self.keep.copy()
        keep[np.flatnonzero(self.keep)[gone]] = False
        counted = (*self.dropped, (reason, int(gone.sum())))
        stay = ~gone
        return replace(
            self, keep=keep, owner=self.owner[stay], times=self.times[stay],
            starts=self.starts[stay], dropped=counted,
        )  # fmt: skip

    def noted(self, note: str) -> UsedRows:
        return replace(self, notes=(*self.notes, note))


def roll_out(data: pd.DataFrame, named: Columns) -> RollOut:
    """Return the rows of a roll-out to analyse, every other row counted by reason.

    Raises InvalidInput for columns that are not what they must be, and CannotEstimate where
    nobody, or everybody, is treated or nobody is left to compare with.
    """
    rows = complete_rows(data, named)
    rows = _clean_before(rows, named)
    rows = _somebody_untreated(rows, named)
    before = _groups(rows)
    if named.panel and named.holes == "balanced":
        rows = _without_holes(rows)
    groups = _groups(rows)
    for lost in sorted(set(before) - set(groups)):
        rows = rows.noted(f"No unit of the group first treated in {lost:g} is left")
    if np.all(np.isfinite(rows.starts)):
        raise CannotEstimate("Nobody is left to compare with." + _left(rows.dropped))
    if not groups:
        raise CannotEstimate(
            "No unit that can be used starts treatment after the first period and by the last: "
            "there is no before and after." + _left(rows.dropped)
        )
    return _arrays(data, named, rows, groups)


def _groups(rows: UsedRows) -> tuple[float, ...]:
    return tuple(np.unique(rows.starts[np.isfinite(rows.starts)]).tolist())


def _left(dropped: Sequence[tuple[str, int]]) -> str:
    listed = "; ".join(f"{count} with {reason}" for reason, count in dropped)
    return f" Left out: {listed}." if listed else ""


def complete_rows(data: pd.DataFrame, named: Columns) -> UsedRows:
    values, times = numeric(data, named.outcome), numeric(data, named.period)
    reasons = [("no outcome", np.isnan(values)), ("no period", np.isnan(times))]
    if named.unit is not None:
        reasons.append(("no unit", data[named.unit].isna().to_numpy()))
    for name in named.covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if named.cluster is not None:
        reasons.append(("no cluster", data[named.cluster].isna().to_numpy()))
    if named.weights is not None:
        weight = weight_column(data, named.weights)
        reasons += [("no weight", np.isnan(weight)), ("a weight of zero", weight == 0)]
    if named.treatment is not None:
        status = read_status(data, named.treatment)
        reasons.append(("no treatment", np.isnan(status)))
    keep, dropped = left_out(reasons, len(data))
    if not keep.any():
        raise CannotEstimate("No row has everything that is needed." + _left(dropped))
    kept, times = data[keep] if not keep.all() else data, times[keep]
    owner, count = _owners(kept, named)
    if named.panel:
        when, periods = codes_of(times)
        refuse_twice(owner, when, periods, str(named.unit), named.period)
    if named.treatment is not None:
        first = starts_from_status(status[keep], owner, times, count, named.treatment)
        return UsedRows(keep, owner, times, first[owner], dropped)
    starts, why = read_starts(kept, str(named.first_treated), float(times.min()))
    first = one_start(starts, owner, count, str(named.first_treated))
    rows = UsedRows(keep, owner, times, first[owner], dropped)
    return _never(rows, why, named.anticipation)


def _owners(kept: pd.DataFrame, named: Columns) -> tuple[Codes, int]:
    if named.panel:
        return codes_of(kept[named.unit])
    return np.arange(len(kept)), len(kept)


def _never(rows: UsedRows, why: dict[str, Bools], anticipation: float) -> UsedRows:
    """Take starts after the last period for never, and note how many units are never treated.

    Those that may already anticipate such a start are neither treated nor fit to compare with.
    """
    late = np.isfinite(rows.starts) & (rows.starts > rows.times.max())
    near = late & (rows.starts - anticipation <= rows.times.max())
    words = {"0": "0", "empty": "no value", "infinite": "an infinite value"}
    said = [(words[key], _units(rows, mask)) for key, mask in why.items() if mask.any()]
    if np.any(late & ~near):
        said.append(("a start after the last period", _units(rows, late & ~near)))
    if len(said) > 1 or np.any(late & ~near):
        parts = ", ".join(f"{count} with {word}" for word, count in said)
        rows = rows.noted(f"Never treated: {parts} as the first treated period")
    rows = replace(rows, starts=np.where(late, NEVER, rows.starts))
    return rows.without(near, "a unit that may anticipate a start after the last period")


def _units(rows: UsedRows, chosen: Bools) -> int:
    return len(np.unique(rows.owner[chosen]))


def _clean_before(rows: UsedRows, named: Columns) -> UsedRows:
    """Leave out units already treated at the start, or with no period before they anticipate."""
    first = rows.times.min()
    for reason, latest in (
        ("a unit treated in or before the first period", first),
        ("no period before the unit anticipates", first + named.anticipation),
    ):
        gone = rows.starts <= latest
        if gone.all():
            raise CannotEstimate(
                "Every unit is treated in or before its first usable period, so there is no "
                "before. first_treated= names a period (2012), not a 0/1 column; a 0/1 column "
                "of being treated now goes to treatment=."
            )
        if gone.any():
            rows = rows.noted(f"{_units(rows, gone)} unit(s) left out: {reason}")
        rows = rows.without(gone, reason)
    return rows


def _somebody_untreated(rows: UsedRows, named: Columns) -> UsedRows:
    finite = rows.starts[np.isfinite(rows.starts)]
    if not len(finite):
        raise CannotEstimate(
            "Nobody's treatment starts after the first period and by the last: there is no effect "
            "to estimate." + _left(rows.dropped)
        )
    if len(finite) < len(rows.starts):
        return rows
    if named.comparison == "never":
        raise CannotEstimate(
            "There is no never-treated group to compare with. With comparison='not-yet' units "
            "treated later are the comparison until they start."
        )
    last = float(finite.max())
    rows = rows.noted(
        f"Every unit is treated in the end: periods from {last - named.anticipation:g} on have "
        f"nobody to compare with and are left out; those who start last ({last:g}) only serve as "
        "the comparison"
    )
    gone = rows.times >= last - named.anticipation
    if gone.all() or np.all(finite == last):
        raise CannotEstimate(
            "Every unit starts in the same period, so in no period is anybody treated beside "
            "somebody who is not yet."
        )
    rows = rows.without(gone, "a period in which every unit is treated")
    return replace(rows, starts=np.where(rows.starts == last, NEVER, rows.starts))


def _without_holes(rows: UsedRows) -> UsedRows:
    periods = len(np.unique(rows.times))
    seen = np.bincount(rows.owner)
    gone = seen[rows.owner] < periods
    if not gone.any():
        return rows
    rows = rows.noted(
        f"{_units(rows, gone)} of {_units(rows, np.ones(len(gone), dtype=bool))} units are not "
        f"seen in every one of the {periods} periods and were left out (holes='balanced'); "
        "holes='pairs' or 'cross-sections' keeps them"
    )
    if gone.all():
        raise CannotEstimate(
            f"No unit is seen in every one of the {periods} periods. holes='pairs' uses each unit "
            "wherever it is seen in the two periods compared, holes='cross-sections' every row."
        )
    return rows.without(gone, "a unit not seen in every period")


def _arrays(
    data: pd.DataFrame, named: Columns, rows: UsedRows, groups: tuple[float, ...]
) -> RollOut:
    when, _ = codes_of(rows.times)
    owner, count = codes_of(rows.owner)
    ranks = owner * (int(when.max()) + 1) + when
    order = (
        np.arange(len(ranks))
        if np.all(ranks[1:] >= ranks[:-1])
        else np.argsort(ranks, kind="stable")
    )
    owner, when = owner[order], when[order]
    columns, notes = _covariates(data, named, rows.keep)
    matrix = None
    if columns:
        scaled = [standardised(values)[order] for _, values in columns]
        matrix = np.column_stack([np.ones(len(order)), *scaled])
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    weights = np.ones(count)
    if named.weights is not None:
        weights = _of_units(
            numeric(data, named.weights)[rows.keep][order], owner, first, named.weights
        )
        weights = weights / weights.mean()
    return RollOut(
        times=np.unique(rows.times),
        owner=owner,
        when=when,
        outcome=numeric(data, named.outcome)[rows.keep][order],
        matrix=matrix,
        starts=rows.starts[order][first],
        weights=weights,
        clusters=_clusters(data, named, rows.keep, order, owner, first),
        groups=groups,
        dropped=rows.dropped,
        notes=(*rows.notes, *notes),
    )


def _covariates(data: pd.DataFrame, named: Columns, keep: Bools) -> tuple[list[Column], list[str]]:
    columns = [
        column for name in named.covariates for column in covariate_columns(data, name, keep)
    ]
    plain, constant = drop_constant(columns)
    plain, aliased = drop_aliased(plain)
    return plain, [*constant, *aliased]


def _of_units(values: Floats, owner: Codes, first: Codes, name: str) -> Floats:
    """Return one value a unit, refusing a unit with more than one."""
    own = values[first]
    if np.any(own[owner] != values):
        raise invalid(
            "differs between the rows of a unit.", column=name, allowed="one value a unit"
        )
    return own


def _clusters(
    data: pd.DataFrame, named: Columns, keep: Bools, order: Codes, owner: Codes, first: Codes
) -> Codes | None:
    if named.cluster is None or named.cluster == named.unit:
        return None
    codes, _ = codes_of(data.loc[keep, named.cluster])
    own = codes[order][first]
    if np.any(own[owner] != codes[order]):
        raise invalid(
            "differs between the rows of a unit.",
            column=named.cluster,
            allowed="clusters that hold whole units",
        )
    return own
