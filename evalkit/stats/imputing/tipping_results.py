"""The result of a tipping-point analysis."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from evalkit.results import Record

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TippingPoint(Record):
    """How a difference under MAR stands up to shifts of what was imputed.

    Fields to `conf_high` are of the difference without a shift, pooled. `share_treatment` and
    `share_comparison` are the shares of the arms' outcomes that are imputed; `slope` is what a
    shift of one unit adds to the estimate. `delta_interval` is the smallest shift at which the
    interval includes 0, None where it does without one, and `delta_zero` that at which the
    estimate is 0, both in outcome units and for the treatment arm (arm "both": the comparison arm
    moves as far the other way). `..._sd` are the same in units of `sd`; `..._reliable` and
    `..._minimal` as multiples of `reliable_change` and `minimal_change`, None where not given.
    `curve` is a frame for a picture: `delta, estimate, std_error, df, conf_low, conf_high,
    p_value`; it is no column of `to_frame()`.
    """

    outcome: str
    term: str
    arm: str
    estimate: float
    std_error: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    delta_interval: float | None
    delta_zero: float
    delta_interval_sd: float | None
    delta_zero_sd: float
    delta_interval_reliable: float | None
    delta_zero_reliable: float | None
    delta_interval_minimal: float | None
    delta_zero_minimal: float | None
    sd: float
    reliable_change: float | None
    minimal_change: float | None
    slope: float
    share_treatment: float
    share_comparison: float
    n_treatment: int
    n_comparison: int
    imputed_treatment: int
    imputed_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    m: int
    method: str
    sentence: str
    notes: tuple[str, ...]
    curve: pd.DataFrame

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, without the curve."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "curve"}
