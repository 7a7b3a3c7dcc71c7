"""Turn columns into a design: dummies, constants and aliased columns out, each with a note."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_rows, invalid, is_numeric, numeric

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

ALIASED = 1e-9  # share of a column's length left after the columns before it
ILL_CONDITIONED = 1e10

Column = tuple[str, "Floats"]


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """A full-rank design: column names, the matrix (rows by columns), and what was left out."""

    names: tuple[str, ...]
    matrix: Floats
    notes: tuple[str, ...] = ()


def is_categorical(series: pd.Series[Any]) -> bool:
    """Return whether a covariate enters as dummies: text, category or true/false."""
    import pandas as pd
    from pandas.api.types import is_bool_dtype, is_string_dtype

    if isinstance(series.dtype, pd.CategoricalDtype) or is_bool_dtype(series):
        return True
    if is_numeric(series):
        return False
    if series.dtype == object or is_string_dtype(series):
        return True
    raise invalid(
        f"holds {series.dtype} values.",
        column=str(series.name),
        allowed="numbers, text, categories, or true and false",
        next_step="Turn dates into a number of days first.",
    )


def levels(series: pd.Series[Any]) -> list[Any]:
    """Return the values found, sorted; values of different kinds sort by their text."""
    found = list(series.dropna().astype(object).unique())
    try:
        return sorted(found)
    except TypeError:
        return sorted(found, key=str)


def indicator(series: pd.Series[Any], level: Any) -> Floats:
    """Return 1 where the column equals the level and 0 elsewhere."""
    found = np.zeros(len(series))
    present = series.notna().to_numpy()
    found[present] = series[present].astype(object).to_numpy() == level
    return found


def covariate_columns(
    data: pd.DataFrame, name: str, keep: Bools, *, as_factor: bool = False
) -> list[Column]:
    """Return a covariate's columns in the analysed rows; the first sorted level is dropped."""
    series = data.loc[keep, name]
    if not (as_factor or is_categorical(series)):
        return [(name, numeric(data, name)[keep])]
    return [(f"{name}={level}", indicator(series, level)) for level in levels(series)[1:]]


def drop_constant(columns: Sequence[Column]) -> tuple[list[Column], list[str]]:
    """Leave out columns with one value, saying so."""
    kept = [column for column in columns if np.ptp(column[1]) > 0]
    names = {name for name, _ in kept}
    notes = [
        f"'{name}' has one value among the rows analysed and was left out of the model."
        for name, _ in columns
        if name not in names
    ]
    return kept, notes


def drop_aliased(columns: Sequence[Column]) -> tuple[list[Column], list[str]]:
    """Leave out columns that the intercept and the columns before them already determine."""
    kept: list[Column] = list(columns)
    notes: list[str] = []
    while kept:
        first = _first_aliased([standardised(values) for _, values in kept])
        if first is None:
            break
        name = kept.pop(first)[0]
        notes.append(f"'{name}' is fixed by the other columns and was left out of the model.")
    return kept, notes


def _first_aliased(columns: Sequence[Floats]) -> int | None:
    if not columns:
        return None
    upper: Floats = np.asarray(np.linalg.qr(np.column_stack(columns), mode="r"))
    rows = min(upper.shape)
    diagonal = np.abs(np.diag(upper))
    low = np.flatnonzero(diagonal < ALIASED * np.sqrt(len(columns[0])))
    if low.size:
        return int(low[0])
    return rows if rows < len(columns) else None


def standardised(values: Floats) -> Floats:
    """Return a column centred on its mean and divided by its standard deviation."""
    centred = values - values.mean()
    scale = np.sqrt(np.mean(centred**2))
    result: Floats = centred / scale if scale > 0 else centred
    return result


def treatment_design(
    arm: Column, covariates: Sequence[Column], *, centre: Sequence[Column] = ()
) -> Design:
    """Return intercept, treatment, covariates and, where `centre` is given, interactions.

    `centre` holds covariates already centred: they and their products with the treatment follow.
    """
    label, treated = arm
    plain, constant = drop_constant([*covariates, *centre])
    plain, aliased = drop_aliased(plain)
    check_rows(len(treated), len(plain) + 2)
    _check_separable(arm, plain)
    crossed = {name for name, _ in centre}
    products = [(f"{label}:{name}", treated * x) for name, x in plain if name in crossed]
    columns, more = drop_aliased([arm, *plain, *products])
    matrix = np.column_stack([np.ones(len(treated)), *(values for _, values in columns)])
    _check_condition([standardised(values) for _, values in columns])
    names = ("(intercept)", *(name for name, _ in columns))
    return Design(names, matrix, tuple(dict.fromkeys([*constant, *aliased, *more])))


def _check_separable(arm: Column, covariates: Sequence[Column]) -> None:
    label, treated = arm
    if not covariates:
        return
    columns = [standardised(values) for _, values in covariates]
    if _first_aliased([*columns, standardised(treated)]) is not None:
        raise CannotEstimate(
            f"'{label}' is determined by the covariates or strata, so its effect cannot be told "
            "apart from theirs. Leave out the covariate that says who was in which arm."
        )


def _check_condition(columns: Sequence[Floats]) -> None:
    matrix = np.column_stack(columns)
    if matrix.shape[0] > matrix.shape[1] and np.linalg.cond(matrix) > ILL_CONDITIONED:
        raise CannotEstimate(
            "The covariates nearly determine one another (condition number above 1e10). "
            "Leave one of them out."
        )
