"""The change seen in an arm: its people's later score less their first, with an interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate
from evalkit.intercurrent import cut
from evalkit.sampling import cluster_column, row_weights

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target


@dataclass(frozen=True, slots=True)
class Seen:
    """A mean change with its interval: of `n` people from `families`, `no_first` more without a first score."""

    change: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    families: int = 0
    no_first: int = 0
    note: str = ""


NOBODY = Seen(note="nobody in this group has both scores")


def both_scores(target: Target, followed: pd.DataFrame, *, treated: bool) -> pd.DataFrame:
    """Return the people of an arm who are analysed and have a first score, as `first` and `last`.

    Of an outcome that is yes or no both are 1 or 0.
    """
    arm = followed["treated"] == (1.0 if treated else 0.0)
    rows = followed[(followed["step"] == "analysed") & arm]
    yes_no = target.kind == "yes-no"
    first = cut(target, rows["baseline"]) if yes_no else rows["baseline"]
    return rows.assign(first=first, last=rows["score"]).dropna(subset=["first", "last"])


def seen(study: Study, target: Target, followed: pd.DataFrame, *, treated: bool) -> Seen:
    """Return the mean change of an arm; one that cannot be had has a note instead of numbers.

    People who carry weights in the result carry them here, without an interval.
    """
    arm = followed["treated"] == (1.0 if treated else 0.0)
    analysed = int(((followed["step"] == "analysed") & arm).sum())
    rows = both_scores(target, followed, treated=treated)
    n, families = len(rows), int(rows["family"].nunique())
    if target.kind == "ordinal":
        return Seen(
            n=n, families=families, note="categories that are only ordered are not averaged"
        )
    if not n:
        return NOBODY
    weighted = _weighted(study, target, followed, treated=treated)
    if weighted is not None:
        note = "weighted as in the result, without an interval"
        return Seen(weighted, None, None, n, families, analysed - n, note)
    return _plain(study, rows, analysed - n)


def _weighted(
    study: Study, target: Target, followed: pd.DataFrame, *, treated: bool
) -> float | None:
    """Return the weighted mean change of an arm whose people carry weights; None where they do not."""
    import numpy as np

    rows = followed[followed["step"] == "analysed"]
    try:
        weights = row_weights(study, rows)
    except CannotEstimate:
        return None
    if weights is None:
        return None
    mine = both_scores(target, followed, treated=treated)
    held = dict(zip(rows["person"], weights, strict=True))
    own = mine["person"].map(held).to_numpy(dtype=float)
    if np.ptp(own) == 0 or not own.sum() > 0:
        return None
    return float(np.average((mine["last"] - mine["first"]).to_numpy(float), weights=own))


def _plain(study: Study, rows: pd.DataFrame, no_first: int) -> Seen:
    from evalkit import stats

    n, families = len(rows), int(rows["family"].nunique())
    try:
        found = stats.mean_change(
            rows, baseline="first", outcome="last", cluster=cluster_column(study, rows)
        )
    except CannotEstimate as refusal:
        return Seen(float((rows["last"] - rows["first"]).mean()), None, None, n, families, no_first, str(refusal))  # fmt: skip
    return Seen(found.estimate, found.conf_low, found.conf_high, n, families, no_first)
