"""The sites of a meta-analysis: their effects, variances, moderators and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.combining.asymmetry import read_effects
from evalkit.stats.shared.columns import as_pandas, invalid
from evalkit.stats.shared.design_matrix import (
    Column,
    covariate_columns,
    drop_aliased,
    drop_constant,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """The sites analysed, with the columns of the model, intercept first."""

    effects: Floats
    variances: Floats
    labels: tuple[str, ...]
    names: tuple[str, ...]
    matrix: Floats
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    @property
    def moderated(self) -> bool:
        """Whether there is a moderator."""
        return len(self.names) > 1


def read_sites(
    effects: Any, variances: Any, moderators: Any, labels: Any, *, name: str = "labels"
) -> Sites:
    """Return the sites with an effect, a variance and every moderator, counting the others."""
    frame = _moderators(moderators)
    gone: tuple[tuple[str, Any], ...] = ()
    if frame is not None:
        gone = tuple((f"no {name}", frame[name].isna().to_numpy()) for name in frame.columns)
        _same_length(len(frame), effects, "moderators")
    y, v, keep, dropped = read_effects(effects, variances, gone)
    named = list(range(1, len(keep) + 1)) if labels is None else as_list(labels, name)
    _same_length(len(named), keep, name)
    columns: list[Column] = []
    said: list[str] = []
    if frame is not None:
        columns = [c for name in frame.columns for c in covariate_columns(frame, name, keep)]
        columns, said = drop_constant(columns)
        columns, aliased = drop_aliased(columns)
        said += aliased
    if len(y) < 2:
        raise CannotEstimate(
            f"{len(y)} site(s) with an effect and a variance: there is nothing to put together. "
            "Report the site's own estimate."
        )
    if len(y) <= len(columns) + 1:
        raise CannotEstimate(
            f"{len(y)} sites for {len(columns) + 1} coefficients; more sites than coefficients are "
            "needed. Use fewer moderators."
        )
    return Sites(
        effects=y,
        variances=v,
        labels=tuple(str(named[i]) for i in np.flatnonzero(keep)),
        names=("(intercept)", *(name for name, _ in columns)),
        matrix=np.column_stack([np.ones(len(y)), *(values for _, values in columns)]),
        dropped=dropped,
        notes=tuple(said),
    )


def _moderators(moderators: Any) -> pd.DataFrame | None:

    if moderators is None:
        return None
    frame = _columns(moderators) if isinstance(moderators, dict) else as_pandas(moderators)
    if frame.shape[1] == 0:
        raise invalid("moderators has no column.", allowed="one column or more")
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise invalid("this column is in the data more than once.", column=str(repeated[0]))
    return frame.set_axis([str(name) for name in frame.columns], axis=1).reset_index(drop=True)


def _columns(moderators: dict[Any, Any]) -> pd.DataFrame:
    """Return a dict of columns as a frame; values only, whatever their index."""
    import pandas as pd

    found = {}
    for name, values in moderators.items():
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            raise invalid(f"moderators[{name!r}]={values!r}.", allowed="one value a site")
        found[str(name)] = list(values)
    if len({len(values) for values in found.values()}) > 1:
        raise invalid("the columns of moderators differ in length.", allowed="one value a site")
    return pd.DataFrame(found)


def as_list(values: Any, name: str) -> list[Any]:
    """Return names of sites as a list; one value alone is refused."""
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise invalid(f"{name}={values!r}.", allowed="one value a site, in the same order")
    return list(values)


def _same_length(count: int, sites: Any, name: str) -> None:
    expected = len(sites) if hasattr(sites, "__len__") else len(list(sites))
    if count != expected:
        raise invalid(f"{name} has {count} rows and there are {expected} effects.",
                      allowed="one row a site, in the same order")  # fmt: skip
