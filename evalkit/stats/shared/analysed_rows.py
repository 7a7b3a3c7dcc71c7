"""The rows a comparison of two arms can use, and an orthonormal basis of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_arms, is_numeric, left_out, numeric
from evalkit.stats.shared.design_matrix import Column, covariate_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """The rows analysed: outcome, arm (1 and 0), group codes from 0, covariates as columns.

    `keep` marks these rows among all that came in; `codes` is None without groups; `dropped`
    counts the rows left out by reason.
    """

    keep: Bools
    outcome: Floats
    arm: Floats
    codes: Codes | None
    covariates: tuple[Column, ...]
    dropped: tuple[tuple[str, int], ...]

    @property
    def n_dropped(self) -> int:
        """The number of rows left out."""
        return sum(count for _, count in self.dropped)

    @property
    def n_groups(self) -> int:
        """The number of groups; the number of rows without groups."""
        return len(self.outcome) if self.codes is None else int(self.codes.max()) + 1

    @property
    def shared(self) -> bool:
        """Whether a group has more than one row."""
        return self.codes is not None and self.n_groups < len(self.outcome)


def analysed_rows(
    data: pd.DataFrame,
    outcome: str,
    arm: Floats,
    covariates: Sequence[str],
    *,
    group: tuple[str, str] | None = None,
    also: Sequence[tuple[str, Bools]] = (),
) -> Analysed:
    """Return the complete rows, counting the others by the first thing they lack.

    `arm` has one value a row, NaN where unknown; `group` is a column and the reason given for a
    row without one; `also` holds more reasons with the rows each leaves out. Raises InvalidInput
    for text or infinite outcomes and CannotEstimate where an arm has fewer than two rows or the
    outcome does not vary.
    """
    values = numeric(data, outcome)
    reasons = [("no outcome", np.isnan(values)), ("no arm", np.isnan(arm)), *also]
    for name in covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if group is not None:
        reasons.append((group[1], data[group[0]].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(data))
    check_arms(arm[keep], dropped)
    if np.ptp(values[keep]) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    columns = [column for name in covariates for column in covariate_columns(data, name, keep)]
    codes = None if group is None else _codes(data.loc[keep, group[0]])
    return Analysed(keep, values[keep], arm[keep], codes, tuple(columns), dropped)


def _codes(labels: pd.Series[str]) -> Codes:
    import pandas as pd

    return np.asarray(pd.factorize(labels.astype(object))[0], dtype=np.intp)


def check_arm_groups(rows: Analysed, *, alone: bool = True) -> None:
    """Refuse an arm that is one group; with `alone` only if nobody of the other arm is in it."""
    if rows.codes is None or not rows.shared:
        return
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        own = np.unique(rows.codes[rows.arm == value])
        if len(own) == 1 and not (alone and own[0] in rows.codes[rows.arm != value]):
            raise CannotEstimate(
                f"The {label} arm has one cluster: the effect cannot be told apart from that "
                "cluster's own difference."
            )


def orthonormal(matrix: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal basis of the columns, the first of them ones, and the map back.

    Coefficients on the columns are the map times coefficients on the basis. Columns are centred
    and scaled first, so that large levels cost no digits.
    """
    centre = matrix.mean(axis=0)
    centre[0] = 0.0
    centred = matrix - centre
    scale = np.sqrt(np.mean(centred**2, axis=0))
    basis, upper = np.linalg.qr(centred / scale)
    unscale = np.diag(1 / scale)
    unscale[0, 1:] = -centre[1:] / scale[1:]
    return basis, unscale @ np.linalg.inv(upper)


def project(basis: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Return coefficients on an orthonormal basis, and residuals; twice, to remove rounding."""
    first = basis.T @ values
    left = values - basis @ first
    second = basis.T @ left
    return first + second, left - basis @ second
