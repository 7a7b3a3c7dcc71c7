"""Outcomes in ordered categories: the rows read, their codes, and how the arms fill them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.columns import (
    check_frame,
    check_level,
    check_roles,
    invalid,
    is_numeric,
    numeric,
    optional_name,
)
from evalkit.stats.shared.model_rows import Rows, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """The rows analysed: codes from 0 in order of category, the categories found, the clusters."""

    data: pd.DataFrame
    rows: Rows
    codes: Codes
    labels: tuple[str, ...]
    clusters: Codes | None

    def counts(self, arm: float) -> Codes:
        """Return how many of an arm are in each category."""
        found = np.bincount(self.codes[self.rows.arm == arm], minlength=len(self.labels))
        return np.asarray(found, dtype=np.intp)


def read_ordered(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any,
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    level: float,
) -> Ordered:
    """Return the complete rows of an outcome of numbers, or of an ordered categorical.

    Raises InvalidInput for text or unordered categories, and CannotEstimate where an arm has fewer
    than two rows or, when clusters are shared, fewer than two clusters.
    """
    import pandas as pd

    check_level(level)
    check_roles(outcome=outcome, treatment=treatment, covariates=covariates)
    frame = check_frame(data, [outcome, treatment, *covariates, *optional_name(cluster)])
    values, words = ordered_values(frame, outcome)
    rows = read_rows(
        frame, treatment, treated, covariates, cluster, [("no outcome", np.isnan(values))]
    )
    found, codes = np.unique(values[rows.keep], return_inverse=True)
    labels = tuple(words[int(v)] if words else f"{v:g}" for v in found)
    clusters = None
    if rows.shared:
        clusters = np.asarray(pd.factorize(pd.Series(rows.cluster).astype(object))[0], np.intp)
    return Ordered(frame, rows, np.asarray(codes, dtype=np.intp), labels, clusters)


def ordered_values(frame: pd.DataFrame, name: str) -> tuple[Floats, list[str]]:
    """Return numbers in the order of the categories, missing as NaN, and the categories' names."""
    import pandas as pd

    series = frame[name]
    if isinstance(series.dtype, pd.CategoricalDtype):
        if not series.dtype.ordered:
            raise invalid(
                "holds categories without an order.",
                column=name,
                allowed="numbers, or an ordered categorical",
                next_step="Say their order: pandas.Categorical(values, categories, ordered=True).",
            )
        codes = series.cat.codes.to_numpy(dtype=np.float64)
        return np.where(codes < 0, np.nan, codes), [str(x) for x in series.cat.categories]
    if not is_numeric(series):
        raise invalid(
            f"holds {series.dtype} values.",
            column=name,
            allowed="numbers in the order of the categories, or an ordered categorical",
            next_step="Say their order: pandas.Categorical(values, categories, ordered=True).",
        )
    return numeric(frame, name), []
