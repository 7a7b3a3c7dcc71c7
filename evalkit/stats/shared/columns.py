"""Read the columns a call names: which exist, what they hold, which rows can be used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate, InvalidInput, Problem, Where, nearest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

_NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}


def invalid(what: str, *, column: str = "", allowed: str = "", next_step: str = "") -> InvalidInput:
    """Return the error for an argument or a column, worded as every problem is."""
    return InvalidInput(str(Problem(Where(column=column), what, allowed, next_step)))


def choice(word: Any, allowed: Iterable[str], *, argument: str) -> str:
    """Return `word` when it is allowed, else refuse it naming the argument."""
    words = list(allowed)
    if word in words:
        return str(word)
    hint = nearest(str(word), words)
    raise invalid(f"{argument}={word!r} is not known.", allowed=", ".join(words), next_step=hint)


def check_level(level: float) -> float:
    """Return the confidence level, which lies strictly between 0 and 1."""
    if not isinstance(level, int | float) or not 0 < level < 1:
        raise invalid(f"level={level!r}.", allowed="a number between 0 and 1, such as 0.95")
    return float(level)


def as_names(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return column names as a tuple; one name alone is one column."""
    if names is None:
        return ()
    listed = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    return tuple(_text(name) for name in listed)


def optional_name(name: str | None) -> tuple[str, ...]:
    """Return the name of one column as a tuple, an empty one without it; several are refused."""
    if name is None or isinstance(name, str):
        return as_names(name)
    raise invalid(
        f"{name!r} is given where one column is named.",
        allowed="the name of one column, as text",
        next_step="Put several columns together into one first.",
    )


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise invalid(f"{name!r} is given as a column's name.", allowed="names as text")
    return name


def as_pandas(data: Any) -> pd.DataFrame:
    """Return a frame of any kind that narwhals knows as a pandas frame; anything else is refused."""
    import narwhals as nw
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    try:
        frame = nw.from_native(data)
    except (TypeError, nw.exceptions.NarwhalsError):
        allowed = "a data frame: a pandas DataFrame, or one of polars or pyarrow"
        raise invalid(f"data is a {type(data).__name__}.", allowed=allowed) from None
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    return eager.to_pandas()


def check_frame(data: Any, names: Iterable[str]) -> pd.DataFrame:
    """Return any kind of frame as a pandas frame, once it holds each named column once."""
    data = as_pandas(data)
    columns = [str(name) for name in data.columns]
    for name in map(_text, names):
        found = columns.count(name)
        if found == 0:
            raise invalid(
                "no such column.",
                column=name,
                allowed=", ".join(columns),
                next_step=nearest(name, columns),
            )
        if found > 1:
            raise invalid("this column is in the data more than once.", column=name)
    return data if columns == list(data.columns) else data.set_axis(columns, axis=1)


def check_roles(**roles: str | Sequence[str] | None) -> None:
    """Refuse one column asked to play two parts that cannot go together."""
    part_of: dict[str, str] = {}
    for role, names in roles.items():
        for name in as_names(names):
            if name in part_of:
                both = f"both as {part_of[name]} and as {role}"
                where = f"twice in {role}" if role == part_of[name] else both
                raise invalid(f"named {where}.", column=name)
            part_of[name] = role


def is_numeric(series: pd.Series[Any]) -> bool:
    """Return whether the values are numbers (true and false included), whatever the dtype."""
    from pandas.api.types import infer_dtype, is_numeric_dtype

    if is_numeric_dtype(series):
        return True
    return series.dtype == object and infer_dtype(series, skipna=True) in _NUMBERS


def numeric(data: pd.DataFrame, name: str) -> Floats:
    """Return a column as floats, missing as NaN; text and infinite values are refused."""
    series = data[name]
    if not is_numeric(series):
        raise invalid(
            f"holds {series.dtype} values such as {_examples(series)}.",
            column=name,
            allowed="numbers",
        )
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    return finite_or_missing(values, name)


def finite_or_missing(values: Floats, name: str) -> Floats:
    """Return the values, refusing infinite ones."""
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        raise invalid(
            f"{infinite.size} infinite value(s), the first at row {infinite[0] + 1}.",
            column=name,
            allowed="finite numbers, or empty",
        )
    return values


def weight_column(data: pd.DataFrame, name: str) -> Floats:
    """Return a column of weights, zero or more, missing as NaN."""
    values = numeric(data, name)
    if np.any(values < 0):
        raise invalid("holds negative weights.", column=name, allowed="zero or more")
    return values


def vector(values: Any, name: str) -> Floats:
    """Return an array-like argument as floats, missing (None, NaN) as NaN."""
    import pandas as pd

    if getattr(values, "ndim", 1) != 1:
        raise invalid(f"{name} has {values.ndim} dimensions.", allowed="one value a person")
    series = pd.Series(values if hasattr(values, "__len__") else list(values))
    if series.empty:
        return np.empty(0)
    return numeric(pd.DataFrame({name: series.to_numpy()}), name)


def read_arm(data: pd.DataFrame, name: str, treated: Any = None) -> Floats:
    """Return 1 for the treated arm, 0 for the other, NaN where no arm is recorded."""
    import pandas as pd

    plain = _coded_arm(data[name], treated)
    if plain is not None:
        return plain
    series = data[name].astype(object)
    codes, values = pd.factorize(series)
    found = list(values)
    if treated is None:
        if any(value not in (0, 1) for value in found):
            raise invalid(
                f"holds {_examples(series)}.",
                column=name,
                allowed="0 and 1, or true and false",
                next_step="For other values name the treated one with treated=.",
            )
        treated = 1
    else:
        _check_two_valued(name, found, treated)
    arm = np.array([*(float(value == treated) for value in found), np.nan])
    coded: Floats = arm[codes]
    return coded


def _coded_arm(series: pd.Series[Any], treated: Any) -> Floats | None:
    """Return the arm of a column of 0 and 1, true and false; None where more must be looked at."""
    if treated is not None or getattr(series.dtype, "kind", "O") not in "biuf":
        return None
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    known = (values == 0) | (values == 1) | np.isnan(values)
    return np.array(values) if known.all() else None


def _check_two_valued(name: str, found: list[Any], treated: Any) -> None:
    if len(found) > 2:
        raise invalid(
            f"holds {len(found)} different values ({_listed(found)}).",
            column=name,
            allowed="two values, one of them treated",
        )
    if found and treated not in found:
        raise invalid(
            f"treated={treated!r} is not one of its values.", column=name, allowed=_listed(found)
        )


def left_out(
    reasons: Iterable[tuple[str, Bools]], rows: int
) -> tuple[Bools, tuple[tuple[str, int], ...]]:
    """Return the rows to keep, and how many go for each reason: each row once, first reason."""
    keep = np.ones(rows, dtype=bool)
    counts: list[tuple[str, int]] = []
    for reason, missing in reasons:
        newly = int((keep & missing).sum())
        if newly:
            counts.append((reason, newly))
        keep &= ~missing
    return keep, tuple(counts)


def check_rows(rows: int, parameters: int) -> None:
    """Refuse a model with no row to spare."""
    if rows <= parameters:
        raise CannotEstimate(
            f"There are {rows} rows for {parameters} parameters; more rows than parameters are "
            "needed. Use fewer covariates."
        )


def check_arms(arm: Floats, dropped: tuple[tuple[str, int], ...]) -> None:
    """Refuse a comparison in which an arm has nobody, or one person."""
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        check_enough(f"The {label} arm", int((arm == value).sum()), dropped)


def check_enough(arm: str, n: int, dropped: tuple[tuple[str, int], ...]) -> None:
    """Refuse an arm, named as a sentence starts, with fewer than two rows, saying who was left out."""
    if n >= 2:
        return
    left = "; ".join(f"{count} with {reason}" for reason, count in dropped)
    raise CannotEstimate(
        f"{arm} has {n} {'row' if n == 1 else 'rows'} to analyse; at least 2 are needed."
        + (f" Left out: {left}." if left else "")
    )


def _examples(series: pd.Series[Any]) -> str:
    return _listed(list(series.dropna().unique())[:3])


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(repr(getattr(value, "item", lambda v=value: v)()) for value in values)
