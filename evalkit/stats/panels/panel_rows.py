"""The rows that a model with unit and period effects can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.panels.absorbing import Effects, effects
from evalkit.stats.panels.adoption import codes_of, refuse_twice
from evalkit.stats.shared.columns import is_numeric, left_out, numeric, optional_name

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class PanelRows:
    """Rows with what a model with unit and period effects needs."""

    keep: Bools
    outcome: Floats
    layout: Effects
    clusters: Codes
    n_clusters: int
    nested: bool
    dropped: tuple[tuple[str, int], ...]


def panel_rows(
    frame: pd.DataFrame,
    outcome: str,
    unit: str,
    period: str,
    covariates: Sequence[str],
    cluster: str | None,
    also: Sequence[tuple[str, Bools]] = (),
) -> PanelRows:
    """Return the complete rows of units seen more than once, the others counted by reason."""
    values = numeric(frame, outcome)
    reasons = [("no outcome", np.isnan(values)), *also]
    for name in (unit, period, *covariates, *optional_name(cluster)):
        if name in covariates and is_numeric(frame[name]):
            numeric(frame, name)
        reasons.append((f"no {name}", frame[name].isna().to_numpy()))
    keep, dropped = left_out(dict(reasons).items(), len(frame))
    if not keep.any():
        raise CannotEstimate("No row has everything that is needed.")
    every = bool(keep.all())
    labels = frame if every else frame.loc[keep]
    owner, count = codes_of(labels[unit])
    seen = np.bincount(owner, minlength=count)
    if seen.min() < 2:
        lone = seen[owner] < 2
        keep = keep.copy()
        keep[np.flatnonzero(keep)[lone]] = False
        dropped = (*dropped, ("a unit seen in one period only", int(lone.sum())))
        if not keep.any():
            raise CannotEstimate("No unit is seen in more than one period.")
        labels, every = frame.loc[keep], False
        owner, count = codes_of(labels[unit])
    when, periods = codes_of(labels[period])
    refuse_twice(owner, when, periods, unit, period)
    values = values if every else values[keep]
    if np.ptp(values) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    clusters, number, nested = owner, count, True
    if cluster is not None and cluster != unit:
        clusters, number = codes_of(labels[cluster])
        first = np.zeros(count, dtype=np.intp)
        first[owner] = clusters
        nested = bool(np.all(first[owner] == clusters))
    if number < 2:
        raise CannotEstimate("There is one cluster: no uncertainty can be told from it.")
    return PanelRows(
        keep, values, effects(owner, count, when, periods), clusters, number, nested, dropped
    )
