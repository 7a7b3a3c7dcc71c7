"""An adjusted difference with each group of rows left out, without fitting it again each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.columns import as_names, check_frame, optional_name, read_arm
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.regression_rows import model_columns, regression_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEWEST_ROWS = 2
"""Rows that each arm must keep."""


def without_each(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    group: str,
    covariates: str | Sequence[str] = (),
    strata: str | None = None,
    weights: str | None = None,
) -> dict[str, float]:
    """Return by group the least-squares difference when the rows of that group are left out.

    NaN where fewer than two rows of an arm would be left. Takes what `ties` takes, and raises what it
    raises; a group is any label, and rows without one stay in every time.

    Notes
    -----
    The cross-products of each group are taken from those of all rows, in the basis in which all
    columns are orthonormal; columns that a group alone told apart fall away (Moore-Penrose).
    """
    names = as_names(covariates)
    data = check_frame(
        data, [outcome, treatment, group, *names, *optional_name(strata), *optional_name(weights)]
    )
    arm = read_arm(data, treatment, None)
    rows = regression_rows(
        data, outcome, [*names, *optional_name(strata)], also=[("no arm", np.isnan(arm))]
    )
    design = treatment_design(
        (treatment, arm[rows.keep]), model_columns(data, rows.keep, names, strata)
    )
    kept = data.loc[rows.keep]
    root = np.ones(len(kept)) if weights is None else np.sqrt(kept[weights].to_numpy(dtype=float))
    basis, upper = np.linalg.qr(design.matrix * root[:, None])
    y = (rows.outcome - rows.outcome.mean()) * root
    back = np.linalg.inv(upper)[1]
    import pandas as pd

    codes, labels = pd.factorize(kept[group].astype(object), sort=True)
    found = [_without(basis, y, back, codes == n, arm[rows.keep]) for n in range(len(labels))]
    return dict(zip(map(str, labels), found, strict=True))


def _without(basis: Floats, y: Floats, back: Floats, out: NDArray[np.bool_], arm: Floats) -> float:
    if min(int((arm[~out] == side).sum()) for side in (0, 1)) < FEWEST_ROWS:
        return float("nan")
    left = np.eye(basis.shape[1]) - basis[out].T @ basis[out]
    moments = basis[~out].T @ y[~out]
    return float(back @ np.linalg.pinv(left, rcond=1e-10, hermitian=True) @ moments)
