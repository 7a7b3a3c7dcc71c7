"""The rows a least-squares model can use, whatever is asked of it, and its columns in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_rows, is_numeric, left_out, numeric, weight_column
from evalkit.stats.shared.design_matrix import (
    Column,
    Design,
    covariate_columns,
    drop_aliased,
    drop_constant,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

UNSHARED = {"CR0": "HC0", "CR1S": "HC1", "CR2": "HC2", "CR3": "HC3"}  # one row a cluster


@dataclass(frozen=True, slots=True, eq=False)
class RegressionRows:
    """The rows analysed: which of all, outcome, cluster labels, weights, and who was left out.

    `reasons` has, for each of all rows, the number of its reason in `dropped`, -1 where analysed.
    """

    keep: Bools
    outcome: Floats
    cluster: Any
    weights: Floats | None
    dropped: tuple[tuple[str, int], ...]
    reasons: NDArray[np.intp]

    @property
    def n_dropped(self) -> int:
        """The number of rows left out."""
        return sum(count for _, count in self.dropped)

    @property
    def shared(self) -> bool:
        """Whether a cluster has more than one row."""
        return self.cluster is not None and len(set(self.cluster)) < len(self.cluster)

    @property
    def groups(self) -> Any:
        """The cluster labels, or None where nobody shares one."""
        return self.cluster if self.shared else None

    def kind(self, se: str) -> str:
        """Return the kind of standard error, by rows where nobody shares a cluster."""
        return se if self.shared else UNSHARED.get(se, se)

    def dropped_among(self, chosen: Bools) -> tuple[tuple[str, int], ...]:
        """Return the reasons for the rows left out among those chosen of all."""
        counts = [int(np.sum(chosen & (self.reasons == i))) for i in range(len(self.dropped))]
        return tuple((r, n) for (r, _), n in zip(self.dropped, counts, strict=True) if n)


def regression_rows(
    data: pd.DataFrame,
    outcome: str,
    columns: Sequence[str],
    *,
    also: Sequence[tuple[str, Bools]] = (),
    cluster: str | None = None,
    weights: str | None = None,
) -> RegressionRows:
    """Return the complete rows, counting the others by the first thing they lack.

    `also` holds more reasons with the rows each leaves out, tested after the outcome. Raises
    InvalidInput for text or infinite outcomes and CannotEstimate where the outcome does not vary.
    """
    values = numeric(data, outcome)
    reasons = [("no outcome", np.isnan(values)), *also]
    for name in columns:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    weight = None if weights is None else weight_column(data, weights)
    if weight is not None:
        reasons += [("no weight", np.isnan(weight)), ("a weight of zero", weight == 0)]
    keep, dropped = left_out(reasons, len(data))
    if not keep.any() or np.ptp(values[keep]) == 0:
        what = "has one value in" if keep.any() else "is missing, or something else is, in all"
        raise CannotEstimate(
            f"'{outcome}' {what} the rows to analyse: there is nothing to compare."
        )
    return RegressionRows(
        keep=keep,
        outcome=values[keep],
        cluster=None if cluster is None else data.loc[keep, cluster].to_numpy(),
        weights=None if weight is None else weight[keep],
        dropped=dropped,
        reasons=_first_reason(reasons, [name for name, _ in dropped], len(data)),
    )


def _first_reason(
    reasons: Sequence[tuple[str, Bools]], names: Sequence[str], rows: int
) -> NDArray[np.intp]:
    first = np.full(rows, -1, dtype=np.intp)
    for name, missing in reasons:
        if name in names:
            first[missing & (first < 0)] = names.index(name)
    return first


def model_columns(
    data: pd.DataFrame, keep: Bools, covariates: Sequence[str], strata: str | None = None
) -> list[Column]:
    """Return the columns of covariates and strata; of each factor the first level is left out."""
    columns = [column for name in covariates for column in covariate_columns(data, name, keep)]
    if strata is not None:
        columns += covariate_columns(data, strata, keep, as_factor=True)
    return columns


def ordered_design(others: Sequence[Column], asked: Sequence[Column]) -> Design:
    """Return intercept, `others`, then `asked`: what others already say is left out, with a note.

    Raises CannotEstimate where there is no row to spare.
    """
    plain, notes = drop_constant([*others, *asked])
    kept, aliased = drop_aliased(plain)
    rows = len((kept or plain or list(asked))[0][1])
    check_rows(rows, len(kept) + 1)
    matrix = np.column_stack([np.ones(rows), *(values for _, values in kept)])
    names = ("(intercept)", *(name for name, _ in kept))
    return Design(names, matrix, (*notes, *aliased))
