"""Where each person was placed: arm, stratum, programme group, calendar period, matched set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.people_columns import alone, day, words
from evalkit.tables import (
    RawTable,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation


def placed(evaluation: Evaluation, table: RawTable, entered: pd.Series[pd.Timestamp]) -> Any:
    """Return the name of each person's arm, or None for those never allocated.

    In a staggered start it follows the day a person came in: from the day their site starts they
    are offered the programme.
    """
    import numpy as np

    design = evaluation.declared.design
    programme = evaluation.arm_names[0]
    nothing = np.array(None, dtype=object)
    if design.wedge:
        starts = day(table, design.wedge.starts)
        inside = np.where(entered.to_numpy() >= starts, programme, evaluation.arm_names[1])
        return np.where(entered.notna(), inside.astype(object), nothing)
    if design.arm is None:
        return np.full(len(table.frame), programme, dtype=object)
    cells = table.column(design.arm.column).to_numpy(dtype=object)
    return np.where(np.isin(cells, evaluation.arm_names), cells, nothing)


def treated(evaluation: Evaluation, placed: pd.Series[str]) -> Any:
    """Return 1 for any programme arm, 0 for the comparison, NaN for those never allocated."""
    import numpy as np

    arm = evaluation.declared.design.arm
    other = arm.comparison if arm else evaluation.arm_names[-1]
    compared = (placed == other) & (other not in evaluation.programmes)
    return np.where(placed.isna(), np.nan, np.where(compared, 0.0, 1.0))


def stratum(evaluation: Evaluation, table: RawTable) -> Any:
    """Return the strata randomised within as one label a person; None without strata."""
    import numpy as np

    columns = evaluation.strata
    if not columns:
        return np.full(len(table.frame), None, dtype=object)
    parts = [table.column(name).where(table.column(name) != "", "not recorded") for name in columns]
    label = parts[0]
    for part in parts[1:]:
        label = label + " / " + part
    return label.to_numpy(dtype=object)


def groups(evaluation: Evaluation, table: RawTable, treated: pd.Series[float]) -> Any:
    """Return the group that each person is given the programme in; alone without one or outside it."""
    import numpy as np

    column = evaluation.declared.design.groups or ""
    single = alone(table, column)
    return np.where(treated == 0, single, words(table, column, single))


def periods(evaluation: Evaluation, entered: pd.Series[pd.Timestamp]) -> Any:
    """Return the calendar period, counted from 0, in which each person came in; NaN without one."""
    import numpy as np
    import pandas as pd

    rollout, start = evaluation.declared.design.wedge, evaluation.declared.programme.start
    if rollout is None:
        return np.full(len(entered), np.nan)
    assert start is not None
    early = np.floor((entered - pd.Timestamp(start)).dt.days / rollout.period.days)
    edges, last = [pd.Timestamp(start)], entered.max()
    while edges[-1] <= last:
        step = replace(rollout.period, number=len(edges) * rollout.period.number)
        edges.append(pd.Timestamp(step.after(start)))
    days = entered.to_numpy("datetime64[ns]")
    late = np.searchsorted(np.array(edges, dtype="datetime64[ns]"), days, side="right") - 1.0
    return np.where(early < 0, early, np.where(entered.isna(), np.nan, late))


def has_both_arms(sets: pd.Series[str], treated: pd.Series[float]) -> pd.Series[bool]:
    """Whether each person's matched set holds people of both arms; with one arm it is no match."""
    both = treated.groupby(sets).nunique() == 2
    return sets.isin(both.index[both])


def sets(evaluation: Evaluation, table: RawTable) -> Any:
    import numpy as np

    match = evaluation.declared.design.match
    return words(table, (match.sets or "") if match else "", np.array(None))
