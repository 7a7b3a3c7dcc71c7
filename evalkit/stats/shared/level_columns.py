"""The columns of a covariate: itself where it is a number, one for each level otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.columns import invalid, numeric
from evalkit.stats.shared.design_matrix import is_categorical

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


MOST_LEVELS = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Covariate:
    """One column of a covariate, missing as NaN; `level` is its place among levels, None of a number."""

    label: str
    name: str
    values: Floats
    level: int | None = None

    @property
    def binary(self) -> bool:
        """Whether it is a level, or holds nothing but 0 and 1."""
        if self.level is not None:
            return True
        known = (self.values == 0) | (self.values == 1) | np.isnan(self.values)
        return bool(known.all())


def covariate_levels(data: pd.DataFrame, name: str) -> list[Covariate]:
    """Return a number as one column, true and false as 1 and 0, text and categories by level."""
    series = data[name]
    if not is_categorical(series) or str(series.dtype) in {"bool", "boolean"}:
        return [Covariate(name, name, numeric(data, name))]
    codes, found = coded(series)
    if len(found) > MOST_LEVELS:
        raise invalid(
            f"has {len(found)} different values.",
            column=name,
            allowed=f"at most {MOST_LEVELS} levels of text or categories",
            next_step="Merge them, or turn the column into numbers where it holds some.",
        )
    missing = codes < 0
    columns = []
    for place, level in enumerate(found):
        values = (codes == place).astype(np.float64)
        values[missing] = np.nan
        columns.append(Covariate(f"{name}={level}", name, values, place))
    return columns


def coded(series: pd.Series[Any]) -> tuple[NDArray[np.intp], list[Any]]:
    """Return the place of each value among the sorted values found, -1 where missing."""
    import pandas as pd

    codes, values = pd.factorize(series)
    found = list(values)
    try:
        order = sorted(range(len(found)), key=found.__getitem__)
    except TypeError:
        order = sorted(range(len(found)), key=lambda i: str(found[i]))
    place = np.empty(len(found) + 1, dtype=np.intp)
    place[order] = np.arange(len(found))
    place[-1] = -1
    return place[codes], [found[i] for i in order]
