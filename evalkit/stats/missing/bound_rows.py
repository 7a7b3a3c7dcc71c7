"""Everybody assigned, with an outcome or without: the rows that bounds on an effect are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.arm_clusters import cluster_df, few_clusters
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    numeric,
    optional_name,
)
from evalkit.stats.shared.design_matrix import levels
from evalkit.stats.shared.model_rows import read_rows
from evalkit.stats.sizes.effect_sizes import accurate_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

ARMS = ((1.0, "treatment"), (0.0, "comparison"))


@dataclass(frozen=True, slots=True, eq=False)
class BoundRows:
    """Everybody assigned: outcome (NaN where lost), arm, cell of covariates, cluster.

    `cells` names the cells in the order of their codes; `clusters` is None where nobody shares one.
    """

    outcome: Floats
    arm: Floats
    cell: Codes
    cells: tuple[str, ...]
    clusters: Codes | None
    dropped: tuple[tuple[str, int], ...]

    @property
    def seen(self) -> Bools:
        """Whether the outcome was observed."""
        return ~np.isnan(self.outcome)

    def values(self, arm: float) -> Floats:
        """Return the observed outcomes of an arm."""
        found: Floats = self.outcome[self.seen & (self.arm == arm)]
        return found

    def counts(self) -> dict[str, Any]:
        """Return who was assigned and seen as fields of a result, with the complete-case difference."""
        seen_t, seen_c = self.values(1.0), self.values(0.0)
        n_t, n_c = int((self.arm == 1).sum()), int((self.arm == 0).sum())
        return {
            "estimate": accurate_mean(seen_t) - accurate_mean(seen_c),
            "randomised_treatment": n_t,
            "observed_treatment": len(seen_t),
            "randomised_comparison": n_c,
            "observed_comparison": len(seen_c),
            "response_treatment": len(seen_t) / n_t,
            "response_comparison": len(seen_c) / n_c,
            "n_treatment": len(seen_t),
            "n_comparison": len(seen_c),
            "n_clusters": None if self.clusters is None else int(self.clusters.max()) + 1,
            "n_dropped": sum(count for _, count in self.dropped),
            "dropped_why": self.dropped,
        }

    def error(self, influence: Floats) -> tuple[float, float]:
        """Return the standard error of a sum of rows' influences, and its degrees of freedom.

        Squares are summed by arm with n / (n - 1), n the outcomes seen there; with clusters by
        cluster with g / (g - 1), and Satterthwaite's degrees of freedom by arm.
        """
        if self.clusters is None:
            parts = [float(np.sum(influence[self.arm == arm] ** 2)) for arm, _ in ARMS]
            spare = [len(self.values(arm)) for arm, _ in ARMS]
            return sqrt(sum(p * n / (n - 1) for p, n in zip(parts, spare, strict=True))), inf
        sums = np.bincount(self.clusters, weights=influence).astype(np.float64)
        count = len(sums)
        df = cluster_df(sums, self.clusters, self.arm)
        return sqrt(float(np.sum(sums**2)) * count / (count - 1)), df

    def notes(self) -> tuple[str, ...]:
        """Return what must be said of few clusters."""
        return few_clusters(None if self.clusters is None else int(self.clusters.max()) + 1)


def read_bound_rows(
    data: Any,
    outcome: str,
    treatment: str,
    treated: Any,
    within: str | Sequence[str] | None,
    cluster: str | None,
) -> BoundRows:
    """Return everybody whose arm, cell and cluster are known; the others are counted.

    Raises InvalidInput for columns that are missing or of the wrong kind, and CannotEstimate when
    an arm has fewer than two outcomes (or, clustered, two clusters) or the outcome does not vary.
    """
    names = as_names(within)
    check_roles(outcome=outcome, treatment=treatment, within=names)
    frame = check_frame(data, [outcome, treatment, *names, *optional_name(cluster)])
    values = numeric(frame, outcome)
    rows = read_rows(frame, treatment, treated, names, cluster, ())
    cell, labels = _cells(frame.loc[rows.keep], names)
    found = BoundRows(
        outcome=values[rows.keep],
        arm=rows.arm,
        cell=cell,
        cells=labels,
        clusters=_codes(rows.groups),
        dropped=rows.dropped,
    )
    _check_seen(found, outcome)
    return found


def _check_seen(rows: BoundRows, outcome: str) -> None:
    for arm, label in ARMS:
        count = len(rows.values(arm))
        if count < 2:
            raise CannotEstimate(
                f"'{outcome}' was observed for {count} of the {int((rows.arm == arm).sum())} people "
                f"of the {label} arm; at least 2 are needed. Rows without it count as lost."
            )
    if np.ptp(rows.outcome[rows.seen]) == 0:
        raise CannotEstimate(
            f"'{outcome}' has one value wherever it was observed: it does not vary."
        )


def _codes(labels: Any) -> Codes | None:
    if labels is None:
        return None
    import pandas as pd

    return np.asarray(pd.factorize(pd.Series(labels))[0], dtype=np.intp)


def _cells(frame: pd.DataFrame, names: tuple[str, ...]) -> tuple[Codes, tuple[str, ...]]:
    """Return the code of each row's cell, and the cells found, in the order of sorted values."""
    code, labels = np.zeros(len(frame), dtype=np.intp), [""]
    for name in names:
        found = levels(frame[name])
        place = {value: number for number, value in enumerate(found)}
        own = np.array([place[value] for value in frame[name].astype(object)], dtype=np.intp)
        code = code * len(found) + own
        labels = [f"{left}, {name}={v}".removeprefix(", ") for left in labels for v in found]
        used, code = np.unique(code, return_inverse=True)
        labels = [labels[place] for place in used]
    return code.astype(np.intp), tuple(labels)
