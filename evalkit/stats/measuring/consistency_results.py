"""What a look at a scale's items returns: alpha, omega, and each item beside the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalkit.results import Record, Records
from evalkit.rounding import written

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStatistics(Record):
    """One item, after reversing, on the rows used; shares are 0 to 1.

    `rest_correlation` is the correlation with the sum of the other items, `alpha_if_dropped` the
    alpha of the others (None with two items), `share_floor` and `share_ceiling` the shares of
    answers at the lowest and highest value that is possible (or, where `low` and `high` were not
    given, that was seen). `share_missing` is of all rows. `loading` and `residual` (a variance)
    come from the one-factor model behind omega, None without it.
    """

    item: str
    reversed: bool
    n: int
    mean: float
    sd: float
    rest_correlation: float
    alpha_if_dropped: float | None
    share_floor: float
    share_ceiling: float
    share_missing: float
    loading: float | None
    residual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability(Record):
    """The internal consistency of a scale, on these people.

    `alpha` with its Feldt interval, `alpha_standardised` (of the correlations), the mean
    correlation between items, `omega` with its standard error and interval (None with two items
    or omega=False) and the fit of one factor (`chi2`, `df`, `p_value`, `cfi`, `rmsea`, `srmr`).
    `mean`, `sd`, `sem` (standard error of measurement), `se_difference` and `smallest_change` (the
    smallest change of one person beyond measurement error at `level`) are in units of the sum of
    the items; `share_floor` and `share_ceiling` are of complete rows at the lowest and highest
    sum. `n_rows` = `n_used` + `n_dropped`; `dropped_why` adds up to `n_dropped`.
    """

    n_items: int
    n_rows: int
    n_used: int
    n_complete: int
    n_dropped: int
    alpha: float
    alpha_low: float
    alpha_high: float
    alpha_standardised: float
    mean_correlation: float
    omega: float | None
    omega_std_error: float | None
    omega_low: float | None
    omega_high: float | None
    chi2: float | None
    df: int | None
    p_value: float | None
    cfi: float | None
    rmsea: float | None
    srmr: float | None
    mean: float
    sd: float
    sem: float
    se_difference: float
    smallest_change: float
    share_floor: float
    share_ceiling: float
    level: float
    method: str
    dropped_why: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()
    items: Records[ItemStatistics] = field(default_factory=Records)

    @property
    def sentence(self) -> str:
        """Say in one sentence how reliable the sum of the items is, and for whom."""
        omega = "" if self.omega is None else f" and omega {written(self.omega, 2)}"
        return (
            f"Among {self.n_used} people the {self.n_items} items have alpha "
            f"{written(self.alpha, 2)} ({self.level:.0%} interval {written(self.alpha_low, 2)} to "
            f"{written(self.alpha_high, 2)}){omega}; one person's total must change by more than "
            f"{written(self.smallest_change, 1)} points to be beyond measurement error."
        )
