"""Put drawn values into a copy of the frame that came in, keeping its kind and its column types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.imputing.imputed_columns import Lost

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def completed(
    data: Any, frame: pd.DataFrame, columns: Sequence[Lost], filled: Mapping[str, Floats]
) -> Any:
    """Return a copy of `data` with the columns of `filled` (numbers, or codes) complete.

    `frame` is the same data as a pandas frame.
    """
    import pandas as pd

    done = frame.copy()
    for column in columns:
        if column.name in filled:
            gaps = np.flatnonzero(column.missing)
            series = frame[column.name].copy()
            series.iloc[gaps] = _values(column, filled[column.name][gaps], series)
            done[column.name] = series
    if isinstance(data, pd.DataFrame):
        return done.set_axis(data.columns, axis=1)
    return _native(data, done, [column for column in columns if column.name in filled])


def _values(column: Lost, drawn: Floats, series: pd.Series[Any]) -> Any:
    from pandas.api.types import is_integer_dtype

    if column.kind != "number":
        return [column.labels[int(code)] for code in drawn]
    if is_integer_dtype(series):
        return np.round(drawn).astype(np.int64)
    return [float(value) for value in drawn] if series.dtype == object else drawn


def _native(data: Any, done: pd.DataFrame, columns: Sequence[Lost]) -> Any:
    """Return the frame in the library it came in, with the columns' types as they were."""
    import narwhals as nw

    frame = nw.from_native(data)
    eager = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    new = []
    for column in columns:
        values = done[column.name].tolist()
        whole = [int(value) for value in values] if column.whole else values
        dtype = eager.schema[column.name]
        new.append(nw.new_series(column.name, whole, dtype, backend=eager.implementation))
    return eager.with_columns(*new).to_native() if new else eager.to_native()
