"""The records of effects in panels: one effect, an overall effect, an event study."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalkit.results import Estimate, Records
from evalkit.stats.panels.pretrends import Pretrend

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelEffect(Estimate):
    """An effect for a group (by its first treated period), a period, or a time since the start.

    `relative` counts periods since the start, below zero before it, and `base` is the period
    compared with. `band_low` and `band_high` hold for all rows of a table at once. The base itself
    has an estimate of zero and no error.
    """

    group: float | None = None
    period: float | None = None
    relative: float | None = None
    base: float | None = None
    band_low: float | None = None
    band_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverallEffect(Estimate):
    """One effect for the whole roll-out, and the `parts` it averages (none for "simple")."""

    kind: str = "simple"
    critical_value: float | None = None
    parts: Records[PanelEffect] = field(default_factory=Records)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStudy:
    """Effects by time since the start, their mean from the start on, and the test before it."""

    effects: Records[PanelEffect]
    overall: OverallEffect
    pretrend: Pretrend
    critical_value: float
    level: float
    method: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with a row for each time since the start."""
        return self.effects.to_frame()
