"""The units that are matched: rows, or whole families, sites and the like, read from a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_arms, numeric
from evalkit.stats.shared.level_columns import Covariate, coded, covariate_levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The units with everything known, in the order they first appear.

    `of_row` is the unit of each row of the data, -1 where it was left out, and `why` the place of
    its reason in `reasons` (-1 where kept). `treated` is 1 or 0, `covariates` hold a value a unit
    (the mean of its rows), `exact` the codes of each exact column, `score` is the column given as
    a distance, `labels` the unit's value, or the place of its row from 0; `row_arm` and
    `row_labels` are the arm and the unit of each row of the data.
    """

    of_row: Codes
    why: Codes
    reasons: tuple[str, ...]
    treated: Floats
    covariates: tuple[Covariate, ...]
    exact: tuple[Codes, ...]
    score: Floats | None
    labels: NDArray[Any]
    row_arm: Floats
    row_labels: NDArray[Any]
    notes: tuple[str, ...]


def read_units(
    data: pd.DataFrame,
    arm: Floats,
    covariates: Sequence[str],
    *,
    unit: str | None,
    exact: Sequence[str],
    score: str | None,
) -> Units:
    """Return the units to match; those that lack something are left out, with the reason.

    A unit's covariates are the means of its rows with a value (of a category, the share of its
    rows at each level). Raises CannotEstimate where a unit is in both arms, has two values in an
    exact column, or an arm has fewer than two units.
    """
    columns = [column for name in covariates for column in covariate_levels(data, name)]
    if score is not None:
        columns.append(Covariate(score, score, numeric(data, score)))
    codes = [coded(data[name])[0] for name in exact]
    gone = [("no arm", np.isnan(arm))]
    grouping, labels = _grouping(data, unit, gone)
    if unit is not None:
        arm = _arm_of_units(grouping, arm, labels, gone)
        columns = [replace(c, values=_mean_of_units(grouping, c.values, arm)) for c in columns]
        codes = [_code_of_units(grouping, c, labels, n) for c, n in zip(codes, exact, strict=True)]
    lacking = [(f"no {c.name}", np.isnan(c.values)) for c in columns]
    lacking += [(f"no {name}", c < 0) for name, c in zip(exact, codes, strict=True)]
    keep, unit_why, reasons = _first_reasons(lacking, arm, gone)
    order = np.cumsum(keep) - 1
    known = grouping >= 0
    of_row = np.where(known & keep[grouping], order[grouping], -1)
    why = _row_reasons(gone, unit_why, grouping, reasons, of_row)
    every = bool(keep.all())
    kept = [c if every else replace(c, values=c.values[keep]) for c in columns]
    counts = np.bincount(why[why >= 0], minlength=len(reasons))
    dropped = tuple((r, int(n)) for r, n in zip(reasons, counts, strict=True) if n)
    check_arms(arm[keep], dropped)
    return Units(
        of_row=of_row,
        why=why,
        reasons=tuple(reasons),
        treated=arm[keep],
        covariates=tuple(kept[:-1] if score is not None else kept),
        exact=tuple(c[keep] for c in codes),
        score=None if score is None else kept[-1].values,
        labels=labels[keep],
        row_arm=np.where(known, arm[grouping], np.nan),
        row_labels=labels if unit is None else data[unit].astype(object).to_numpy(),
        notes=_unit_notes(unit, of_row, int(keep.sum())),
    )


def _grouping(
    data: pd.DataFrame, unit: str | None, gone: list[tuple[str, Bools]]
) -> tuple[Codes, NDArray[Any]]:
    """Return the unit of each row (-1 unknown) and the units' labels."""
    import pandas as pd

    if unit is None:
        return np.arange(len(data)), np.arange(len(data))
    codes, labels = pd.factorize(data[unit].astype(object))
    if not len(labels):
        raise CannotEstimate(f"'{unit}' is missing in every row: there is no unit to match.")
    gone.append((f"no {unit}", codes < 0))
    return np.asarray(codes, dtype=np.intp), np.asarray(labels, dtype=object)


def _arm_of_units(
    grouping: Codes, arm: Floats, labels: NDArray[Any], gone: list[tuple[str, Bools]]
) -> Floats:
    known = (grouping >= 0) & ~np.isnan(arm)
    n = len(labels)
    rows = np.bincount(grouping[known], minlength=n)
    treated = np.bincount(grouping[known], weights=arm[known], minlength=n)
    split = np.flatnonzero((treated > 0) & (treated < rows))
    if split.size:
        raise CannotEstimate(
            f"{split.size} unit(s) have rows in both arms: {_listed(labels, split)}. Allowed: "
            "each unit in one arm. Match by what was assigned, or correct the arm of these rows."
        )
    gone[0] = ("no arm", (grouping >= 0) & (rows == 0)[grouping])
    return np.where(rows > 0, treated / np.maximum(rows, 1), np.nan)


def _mean_of_units(grouping: Codes, values: Floats, arm: Floats) -> Floats:
    known = (grouping >= 0) & ~np.isnan(values)
    counts = np.bincount(grouping[known], minlength=len(arm))
    sums = np.bincount(grouping[known], weights=values[known], minlength=len(arm))
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _code_of_units(grouping: Codes, codes: Codes, labels: NDArray[Any], name: str) -> Codes:
    known = (grouping >= 0) & (codes >= 0)
    low = np.full(len(labels), np.iinfo(np.intp).max)
    high = np.full(len(labels), -1, dtype=np.intp)
    np.minimum.at(low, grouping[known], codes[known])
    np.maximum.at(high, grouping[known], codes[known])
    mixed = np.flatnonzero(low < high)
    if mixed.size:
        raise CannotEstimate(
            f"'{name}' has more than one value within {mixed.size} unit(s): "
            f"{_listed(labels, mixed)}. Allowed: one value a unit in a column matched exactly."
        )
    return high


def _first_reasons(
    lacking: list[tuple[str, Bools]],
    arm: Floats,
    gone: list[tuple[str, Bools]],
) -> tuple[Bools, Codes, list[str]]:
    """Return which units stay, the first reason of the others, and all reasons by name."""
    reasons = list(dict.fromkeys([*(r for r, _ in gone), *(r for r, _ in lacking)]))
    why = np.full(len(arm), -1, dtype=np.intp)
    why[np.isnan(arm)] = 0
    for reason, missing in lacking:
        if missing.any():
            why[missing & (why < 0)] = reasons.index(reason)
    return why < 0, why, reasons


def _row_reasons(
    gone: list[tuple[str, Bools]],
    unit_why: Codes,
    grouping: Codes,
    reasons: list[str],
    of_row: Codes,
) -> Codes:
    why = np.where(grouping >= 0, unit_why[grouping], -1)
    for reason, rows in gone:
        why[rows & (why < 0)] = reasons.index(reason)
    why[of_row >= 0] = -1
    return why


def _unit_notes(unit: str | None, of_row: Codes, units: int) -> tuple[str, ...]:
    rows = int((of_row >= 0).sum())
    if unit is None or rows == units:
        return ()
    return (
        f"{rows} rows make {units} units of '{unit}'; each is matched once, on the means of its "
        "rows, and its rows share its weight.",
    )


def _listed(labels: NDArray[Any], places: NDArray[np.intp]) -> str:
    shown = ", ".join(repr(getattr(v, "item", lambda v=v: v)()) for v in labels[places[:SHOWN]])
    return shown + (" and others" if len(places) > SHOWN else "")
