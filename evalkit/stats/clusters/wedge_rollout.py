"""When the clusters of a stepped-wedge trial cross over, and whether it is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import invalid
from evalkit.stats.shared.model_rows import listed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rollout:
    """The periods at which clusters cross (`steps`), and the clusters that never do."""

    steps: tuple[Any, ...]
    never: tuple[str, ...]
    always: tuple[str, ...]
    n_periods: int
    n_persons: int | None
    repeated: bool  # a person is asked in more than one period

    def notes(self) -> list[str]:
        """Return what must be said of clusters seen in one condition only."""
        texts = (("never", self.never), ("always", self.always))
        return [
            f"{len(clusters)} cluster(s) {word} had the programme in the rows analysed: "
            f"{listed(clusters)}"
            for word, clusters in texts
            if clusters
        ]


def read_rollout(
    frame: pd.DataFrame, arm: Floats, cluster: str, period: str, person: str | None
) -> Rollout:
    """Return the roll-out, refusing what is not a stepped wedge."""
    from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype

    series = frame[period]
    ordered = getattr(series.dtype, "ordered", False)
    if not (is_numeric_dtype(series) or is_datetime64_any_dtype(series) or ordered):
        raise invalid(
            f"holds {series.dtype} values, whose order in time is not known.",
            column=period,
            allowed="numbers or dates",
        )
    cells = _cells(frame, arm, cluster, period)
    first, never, always = _crossings(cells, cluster)
    steps = tuple(sorted(set(first.values())))
    if len(steps) < 2:
        _refuse(len(steps), len(first), bool(never or always))
    n_persons, repeated = _people(frame, cluster, period, person)
    return Rollout(steps, never, always, int(series.nunique()), n_persons, repeated)


def _cells(frame: pd.DataFrame, arm: Floats, cluster: str, period: str) -> pd.DataFrame:
    """Return one row a cluster and period with its condition, in order of time."""
    import pandas as pd

    table = pd.DataFrame(
        {"cluster": frame[cluster].astype(object), "period": frame[period], "arm": arm}
    )
    by_cell = table.groupby(["cluster", "period"], observed=True, sort=True)["arm"]
    mixed = by_cell.nunique()
    if (mixed > 1).any():
        where = mixed.index[mixed > 1][0]
        raise invalid(
            f"both conditions occur in cluster {where[0]} at period {where[1]} "
            f"({int((mixed > 1).sum())} such cell(s)).",
            column=cluster,
            allowed="one condition for a cluster in a period",
        )
    return by_cell.first().reset_index()


def _crossings(
    cells: pd.DataFrame, cluster: str
) -> tuple[dict[Any, Any], tuple[str, ...], tuple[str, ...]]:
    """Return the first treated period of each cluster that crosses, and the others' names."""
    first: dict[Any, Any] = {}
    alone: dict[float, list[str]] = {0.0: [], 1.0: []}
    for label, rows in cells.groupby("cluster", sort=True):
        conditions, times = rows["arm"].to_numpy(), rows["period"].tolist()
        if np.any(np.diff(conditions) < 0):
            after = times[int(np.argmax(np.diff(conditions) < 0)) + 1]
            raise invalid(
                f"cluster {label} leaves the programme again at period {after}.",
                column=cluster,
                allowed="a programme that, once begun in a cluster, goes on",
                next_step="Leave out the periods after it ended.",
            )
        if conditions.min() == conditions.max():
            alone[float(conditions[0])].append(str(label))
        else:
            first[label] = times[int(np.argmax(conditions == 1))]
    return first, tuple(alone[0.0]), tuple(alone[1.0])


def _refuse(steps: int, crossing: int, others: bool) -> None:
    if steps == 0:
        raise CannotEstimate(
            "No cluster is seen before and after it crosses over, so there is no step. Compare "
            "the arms with mixed_difference or mean_difference."
        )
    if not others:
        raise CannotEstimate(
            f"All {crossing} clusters cross over in the same period, so the effect cannot be told "
            "apart from the change over time. At least 2 steps are needed."
        )
    raise CannotEstimate(
        f"All {crossing} clusters that cross over do so in the same period: that is one step, and "
        "at least 2 are needed. Use difference_in_differences."
    )


def _people(
    frame: pd.DataFrame, cluster: str, period: str, person: str | None
) -> tuple[int | None, bool]:
    """Return the number of people and whether any is asked in more than one period."""
    if person is None:
        return None, False
    twice = frame.duplicated([person, period])
    if twice.any():
        raise invalid(
            f"{int(twice.sum())} row(s) repeat a person within a period, such as "
            f"{frame.loc[twice, person].iloc[0]}.",
            column=person,
            allowed="one row a person and period",
        )
    moved = frame.groupby(person, sort=False)[cluster].nunique()
    if (moved > 1).any():
        raise invalid(
            f"{int((moved > 1).sum())} person(s) are in more than one cluster, such as "
            f"{moved.index[moved > 1][0]}.",
            column=person,
            allowed="one cluster a person (ids that are not used again in another cluster)",
        )
    return len(moved), len(moved) < len(frame)
