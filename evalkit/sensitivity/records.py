"""What an analysis that treats the lost in another way returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.results import Record

Asked = Literal["primary", "planned", "added"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity(Record):
    """One result under one treatment of the people without an outcome.

    `asked` says whether it is the plan's primary treatment, planned beside it, or added because more
    than one in twenty were lost. `lower` and `upper` are the ends of bounds, which have no estimate.
    `n_used` people are in it, `n_filled` of them with an imputed outcome; `n_dropped` are not.
    `fmi` is the fraction of missing information, `imputations` their number. `tips_at` is what must
    be added to the imputed outcomes of the programme's lost, in points of the measure, for the interval to
    reach no difference; `tips_at_sd` and `tips_at_reliable` the same in standard deviations and as
    a multiple of the change of a person that is more than measurement error. `reading` is "better", "worse",
    "no-clear-change", "not-enough-information" or "not-estimated"; `agrees` whether that is what the
    primary treatment says, None where there is nothing to compare. `curve` holds (added, estimate,
    low, high) for the picture of the tipping point, `chains` the mean of the imputed outcomes at each
    iteration, one row a chain, for the picture of convergence (primary result only).
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None = None
    method: str
    variant: str = ""
    asked: Asked
    estimate: float | None = None
    std_error: float | None = None
    df: float | None = None
    p_value: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    level: float = 0.95
    effect_size: float | None = None
    unit: str | None = None
    lower: float | None = None
    upper: float | None = None
    n_used: int = 0
    n_filled: int = 0
    n_dropped: int = 0
    fmi: float | None = None
    imputations: int | None = None
    tips_at: float | None = None
    tips_at_sd: float | None = None
    tips_at_reliable: float | None = None
    reading: str = "not-estimated"
    agrees: bool | None = None
    sentence: str = ""
    curve: tuple[tuple[float, float, float, float], ...] = ()
    chains: tuple[tuple[float, ...], ...] = ()
    notes: tuple[str, ...] = ()
