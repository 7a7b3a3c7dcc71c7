"""The rows a comparison of several arms can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import (
    check_enough,
    check_rows,
    invalid,
    is_numeric,
    left_out,
    numeric,
)
from evalkit.stats.shared.design_matrix import (
    Column,
    covariate_columns,
    drop_aliased,
    drop_constant,
    levels,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """The rows analysed: outcome, arm codes by `names`, covariates and clusters."""

    names: tuple[str, ...]
    outcome: Floats
    codes: Codes
    covariates: tuple[Column, ...]
    cluster: Any
    shared: bool
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]


def read_arms(
    data: pd.DataFrame, outcome: str, arm: str, covariates: Sequence[str], cluster: str | None
) -> Arms:
    """Return the complete rows by arm, counting the others; refuse arms that cannot be told."""
    values = numeric(data, outcome)
    reasons = [("no outcome", np.isnan(values)), ("no arm", data[arm].isna().to_numpy())]
    for name in covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(data))
    series = data.loc[keep, arm].astype(object)
    found = levels(data[arm])
    codes = np.array([found.index(value) for value in series], dtype=np.intp)
    groups = None if cluster is None else data.loc[keep, cluster].to_numpy()
    columns = [column for name in covariates for column in covariate_columns(data, name, keep)]
    plain, constant = drop_constant(columns)
    plain, aliased = drop_aliased(plain)
    shared = groups is not None and len(set(groups)) < len(groups)
    rows = Arms(
        names=tuple(_label(value) for value in found),
        outcome=values[keep],
        codes=codes,
        covariates=tuple(plain),
        cluster=groups,
        shared=shared,
        dropped=dropped,
        notes=(*constant, *aliased),
    )
    _check(rows, outcome, arm)
    return rows


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _check(rows: Arms, outcome: str, arm: str) -> None:
    if len(rows.names) < 2:
        raise CannotEstimate(f"'{arm}' has {len(rows.names)} value(s); two or more are needed.")
    for code, name in enumerate(rows.names):
        here = rows.codes == code
        check_enough(f"The arm '{name}'", int(here.sum()), rows.dropped)
        if rows.shared and len(set(rows.cluster[here])) < 2:
            raise CannotEstimate(
                f"The arm '{name}' has one cluster: its effect cannot be told apart from that "
                "cluster's own difference."
            )
    if np.ptp(rows.outcome) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    dummies = [(name, dummy(rows, code)) for code, name in enumerate(rows.names)][1:]
    check_rows(len(rows.outcome), 1 + len(dummies) + len(rows.covariates))
    kept, _ = drop_aliased([*rows.covariates, *dummies])
    if len(kept) < len(rows.covariates) + len(dummies):
        raise CannotEstimate(
            f"'{arm}' is determined by the covariates, so its effect cannot be told apart from "
            "theirs. Leave out the covariate that says who was in which arm."
        )


def dummy(rows: Arms, code: int) -> Floats:
    """Return 1 for the rows of an arm and 0 elsewhere."""
    return np.asarray(rows.codes == code, dtype=np.float64)


def control_place(control: Any, series: pd.Series[Any], rows: Arms, arm: str) -> int:
    """Return the place of the control among the arms."""
    found = levels(series)
    if control not in found:
        raise invalid(
            f"control={control!r} is not one of its values.",
            column=arm,
            allowed=", ".join(rows.names),
        )
    return found.index(control)
