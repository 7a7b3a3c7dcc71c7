"""Who is in which subgroup of a trial, and whether a subgroup is large enough to stand alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.design_matrix import Column, indicator, levels
from evalkit.stats.shared.model_rows import listed
from evalkit.stats.shared.regression_rows import RegressionRows, model_columns

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MERGED = "(merged)"


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What the call named, and the rows it found."""

    outcome: str
    treatment: str
    by: str
    covariates: tuple[str, ...]
    strata: str | None
    level: float
    frame: pd.DataFrame
    rows: RegressionRows
    every_arm: Floats

    @property
    def arm(self) -> Floats:
        return self.every_arm[self.rows.keep]

    @property
    def moderator(self) -> pd.Series[Any]:
        return self.frame.loc[self.rows.keep, self.by]

    def others(self) -> list[Column]:
        return model_columns(self.frame, self.rows.keep, self.covariates, self.strata)


def groups_of(asked: Asked, small: str, minimum: int) -> tuple[list[tuple[str, Bools]], list[str]]:
    """Return each subgroup with its rows among all, and the names of those merged."""
    series = asked.frame[asked.by]
    found = [(f"{asked.by}={v}", indicator(series, v) == 1) for v in levels(asked.moderator)]
    little = [name for name, rows in found if _too_small(asked, rows, minimum)]
    if little and small == "merge":
        together = np.any([rows for name, rows in found if name in little], axis=0)
        rest = [pair for pair in found if pair[0] not in little]
        label = f"{asked.by}={MERGED}"
        if _too_small(asked, together, minimum):
            raise CannotEstimate(
                f"Even together {_sizes(asked, label, together)} is too small; at least {minimum} "
                "people (and two clusters) in each arm are needed. Leave these subgroups out."
            )
        found = [*rest, (label, together)]
    elif little:
        sizes = "; ".join(_sizes(asked, name, rows) for name, rows in found if name in little)
        raise CannotEstimate(
            f"Too few in an arm: {sizes}. At least {minimum} people (and where clusters are shared "
            "two clusters) in each arm are needed. Join subgroups beforehand, or with small='merge'."
        )
    if len(found) < 2:
        raise CannotEstimate(
            f"'{asked.by}' makes {len(found)} subgroup among the rows analysed; two are needed."
        )
    return found, (little if small == "merge" else [])


def arms_of(asked: Asked, rows: Bools) -> list[Bools]:
    used = rows[asked.rows.keep]
    return [used & (asked.arm == 1), used & (asked.arm == 0)]


def _too_small(asked: Asked, rows: Bools, minimum: int) -> bool:
    for inside in arms_of(asked, rows):
        if inside.sum() < minimum:
            return True
        if asked.rows.shared and len(set(asked.rows.cluster[inside])) < 2:
            return True
    return False


def _sizes(asked: Asked, name: str, rows: Bools) -> str:
    treated, compared = (int(inside.sum()) for inside in arms_of(asked, rows))
    return f"{name} (treatment {treated}, comparison {compared})"


def unseen_groups(asked: Asked) -> list[str]:
    """Return the note on subgroups none of whose rows could be used."""
    series = asked.frame[asked.by]
    used = levels(asked.moderator)
    gone = [value for value in levels(series) if value not in used]
    counts = [f"{asked.by}={value} ({int(indicator(series, value).sum())} rows)" for value in gone]
    return [f"No complete row, so no effect: {listed(counts)}"] if gone else []
