"""The areas by periods table a synthetic control reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.series.periods import Periods, read_periods
from evalkit.stats.shared.columns import invalid, left_out, numeric
from evalkit.stats.shared.design_matrix import levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Outcomes by period (rows) and unit (columns), the treated unit first.

    `after` marks the periods from the start on; `traits` has a standardised row a predictor and a
    column a unit, None without predictors.
    """

    units: tuple[Any, ...]
    periods: tuple[Any, ...]
    after: Bools
    outcomes: Floats
    traits: Floats | None
    predictors: tuple[str, ...]
    dropped: tuple[tuple[str, int], ...]


def predictor_columns(predictors: Any) -> dict[str, tuple[str, Any, Any]]:
    """Return the predictors asked for: name, and column with first and last period (None: all)."""
    if predictors is None:
        return {}
    if isinstance(predictors, Mapping):
        found = {}
        for name, what in predictors.items():
            column, *span = (what,) if isinstance(what, str) else tuple(what)
            if len(span) not in (0, 2) or not isinstance(column, str):
                raise invalid(
                    f"predictors[{name!r}]={what!r}.",
                    allowed="a column, or (column, first period, last period)",
                )
            found[str(name)] = (column, *(span or (None, None)))
        return found
    names = [predictors] if isinstance(predictors, str) else list(predictors)
    return {name: (name, None, None) for name in names}


def read_panel(
    data: pd.DataFrame,
    *,
    outcome: str,
    unit: str,
    period: str,
    treated: Any,
    start: Any,
    predictors: dict[str, tuple[str, Any, Any]],
    donors: Sequence[Any] | None,
) -> Panel:
    """Return the table of the treated unit and its donors; an empty cell is refused."""
    units = _units(data[unit], unit, treated, donors)
    labels = data[unit].astype(object)
    code = {label: i for i, label in enumerate(units)}
    column = np.array([-1 if x is None or x != x else code.get(x, -1) for x in labels])
    periods, places = read_periods(data, period)
    known = data[unit].notna().to_numpy()
    reasons = [("no unit", ~known), ("not a donor", column < 0), ("no period", places < 0)]
    keep, dropped = left_out(reasons, len(data))
    seen = np.unique(places[keep])
    row = np.searchsorted(seen, places)
    _check_once(row[keep], column[keep], len(units), periods, seen, units, period)
    outcomes = _table(numeric(data, outcome), row, column, keep, (len(seen), len(units)))
    _check_cells(outcomes, outcome, periods, seen, units)
    after = seen >= periods.place(start, "start")
    _check_start(after, start, periods, seen)
    traits = _traits(data, predictors, periods, seen, row, column, keep, after, units)
    return Panel(
        units=units,
        periods=tuple(periods.label(int(p)) for p in seen),
        after=after,
        outcomes=outcomes,
        traits=traits,
        predictors=tuple(predictors),
        dropped=dropped,
    )


def _units(series: pd.Series[Any], name: str, treated: Any, donors: Any) -> tuple[Any, ...]:
    found = levels(series)
    if treated not in found:
        raise invalid(f"treated={treated!r} is not one of its values.", column=name,
                      allowed=_listed(found))  # fmt: skip
    if donors is not None and (isinstance(donors, str) or not hasattr(donors, "__iter__")):
        donors = [donors]
    others = [x for x in found if x != treated] if donors is None else list(donors)
    if treated in others:
        raise invalid(f"the treated unit {treated!r} is among the donors.", column=name)
    unknown = [x for x in others if x not in found]
    if unknown:
        raise invalid(f"donors holds {_listed(unknown)}, not among its values.", column=name,
                      allowed=_listed(found))  # fmt: skip
    others = sorted(set(others), key=found.index)
    if len(others) < 2:
        raise CannotEstimate(
            f"{len(others)} donor(s): a mixture needs two or more, and placebo ranks many more. "
            "With one other area use difference_in_differences or interrupted_time_series."
        )
    return (treated, *others)


def _listed(values: Sequence[Any]) -> str:
    shown = ", ".join(repr(v) for v in values[:12])
    return f"{shown} and {len(values) - 12} more" if len(values) > 12 else shown


def _check_once(
    row: Any, column: Any, units: int, periods: Periods, seen: Any, names: Sequence[Any], where: str
) -> None:
    cell, counts = np.unique(row * units + column, return_counts=True)
    twice = cell[counts > 1]
    if len(twice):
        first = int(twice[0])
        raise invalid(
            f"{len(twice)} cell(s) have more than one row, the first {names[first % units]!r} in "
            f"{periods.label(int(seen[first // units]))}.",
            column=where,
            allowed="one row a unit and period",
        )


def _table(values: Floats, row: Any, column: Any, keep: Bools, shape: tuple[int, int]) -> Floats:
    found = np.full(shape, np.nan)
    found[row[keep], column[keep]] = values[keep]
    return found


def _check_cells(
    table: Floats, name: str, periods: Periods, seen: Any, units: Sequence[Any]
) -> None:
    empty = np.argwhere(np.isnan(table))
    if len(empty):
        shown = "; ".join(
            f"{units[j]!r} in {periods.label(int(seen[i]))}" for i, j in empty[:SHOWN]
        )
        more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
        raise invalid(
            f"{len(empty)} cell(s) without a value: {shown}{more}.",
            column=name,
            allowed="a value for every unit in every period",
            next_step="Name the complete units with donors=, or leave periods out.",
        )


def _check_start(after: Bools, start: Any, periods: Periods, seen: Any) -> None:
    before = int((~after).sum())
    if not after.any() or before == 0:
        raise invalid(
            f"start={start!r} is outside the series.",
            allowed=f"after {periods.label(int(seen[0]))}, at most {periods.label(int(seen[-1]))}",
        )
    if before < 2:
        raise CannotEstimate(
            "There is one period before the start: a mixture that fits one period shows nothing "
            "of the course after. Use more periods before."
        )


def _traits(
    data: pd.DataFrame,
    predictors: dict[str, tuple[str, Any, Any]],
    periods: Periods,
    seen: Any,
    row: Any,
    column: Any,
    keep: Bools,
    after: Bools,
    units: Sequence[Any],
) -> Floats | None:
    """Return each predictor's mean over its periods before the start, in standard deviations."""
    found = []
    for name, (source, first, last) in predictors.items():
        table = _table(numeric(data, source), row, column, keep, (len(seen), len(units)))
        use = ~after
        if first is not None:
            low, high = (periods.place(x, f"predictors[{name!r}]") for x in (first, last))
            use = use & (seen >= low) & (seen <= high)
        inside = table[use]
        if not len(inside) or np.any(np.all(np.isnan(inside), axis=0)):
            raise invalid(
                "a unit has no value of this predictor in its periods before the start.",
                column=source,
                allowed="at least one value a unit",
            )
        means = np.nanmean(inside, axis=0)
        spread = float(np.std(means, ddof=1))
        if not spread > 1e-12 * max(float(np.abs(means).max()), 1e-300):
            raise invalid(
                "is the same for every unit, so it cannot tell them apart.", column=source
            )
        found.append(means / spread)
    return np.array(found) if found else None
