"""The rows a regression uses: who has everything it needs, and who was left out and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_arms, is_numeric, left_out, numeric, read_arm
from evalkit.stats.shared.design_matrix import Column, Design, covariate_columns, treatment_design

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

FEW_EVENTS = 10  # with fewer in an arm the large-sample approximations are not relied on


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows analysed: which, their arm and cluster, and what was left out of them."""

    keep: Bools
    arm: Floats
    cluster: Any
    shared: bool  # a cluster has more than one row
    dropped: tuple[tuple[str, int], ...]

    @property
    def groups(self) -> Any:
        """Return the labels of clusters, or None where nobody shares one."""
        return self.cluster if self.shared else None

    def counts(self) -> dict[str, Any]:
        """Return the denominators as fields of an Estimate."""
        return {
            "n_treatment": int((self.arm == 1).sum()),
            "n_comparison": int((self.arm == 0).sum()),
            "n_clusters": len(set(self.cluster)) if self.shared else None,
            "n_dropped": sum(count for _, count in self.dropped),
            "dropped_why": self.dropped,
        }


def read_rows(
    data: pd.DataFrame,
    treatment: str,
    treated: Any,
    covariates: Sequence[str],
    cluster: str | None,
    reasons: Sequence[tuple[str, Bools]],
) -> Rows:
    """Return the complete rows; `reasons` are tested before arm, covariates and cluster.

    Raises CannotEstimate where an arm has fewer than two rows or, when clusters are shared,
    fewer than two clusters.
    """
    arm = read_arm(data, treatment, treated)
    every = [*reasons, ("no arm", np.isnan(arm))]
    for name in covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        every.append((f"no {name}", data[name].isna().to_numpy()))
    if cluster is not None:
        every.append(("no cluster", data[cluster].isna().to_numpy()))
    keep, dropped = left_out(every, len(data))
    groups = None if cluster is None else data.loc[keep, cluster].to_numpy()
    shared = groups is not None and len(set(groups)) < len(groups)
    rows = Rows(keep, arm[keep], groups, shared, dropped)
    check_arms(rows.arm, dropped)
    _check_clusters(rows)
    return rows


def _check_clusters(rows: Rows) -> None:
    if not rows.shared:
        return
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        if len(set(rows.cluster[rows.arm == value])) < 2:
            raise CannotEstimate(
                f"The {label} arm has one cluster: the effect cannot be told apart from that "
                "cluster's own difference."
            )


def design_of(
    data: pd.DataFrame,
    rows: Rows,
    treatment: str,
    covariates: Sequence[str],
    *,
    interact: bool = False,
) -> Design:
    """Return intercept, treatment and covariates; with `interact` centred, and their products."""
    columns: list[Column] = []
    for name in covariates:
        columns += covariate_columns(data, name, rows.keep)
    if not interact:
        return treatment_design((treatment, rows.arm), columns)
    centred = [(name, values - values.mean()) for name, values in columns]
    return treatment_design((treatment, rows.arm), [], centre=centred)


def listed(words: Sequence[str]) -> str:
    """Return words as "a, b and c"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def quoted(names: Sequence[str], most: int = 5) -> str:
    """Return names in quotes; where there are many, categories as the column that has them."""
    shown = names if len(names) <= most else list(dict.fromkeys(n.split("=")[0] for n in names))
    return ", ".join(map(repr, shown))


def adjusted_for(covariates: Sequence[str]) -> str:
    """Return the part of the sentence that names the covariates."""
    return f", adjusted for {listed(covariates)}" if covariates else ""
