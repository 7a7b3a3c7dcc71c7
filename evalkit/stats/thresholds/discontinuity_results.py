"""What regression discontinuity returns, and looks at other cut-offs and widths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.columns import invalid
from evalkit.stats.thresholds.jumps import Jump, jump_at
from evalkit.stats.thresholds.score_density import DensityCheck

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from evalkit.stats.thresholds.score_rows import ScoreRows

    Floats = NDArray[np.float64]

WIDTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)  # times the bandwidth


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Discontinuity(Estimate):
    """The effect of a programme on people at the cut-off of a score.

    `estimate` is the jump of local polynomials of order `order` within `bandwidth` (score units)
    of `cutoff`. Its interval and p-value are the robust bias-corrected ones: centred on
    `estimate_corrected`, with standard error `std_error`. `conventional_low` and
    `conventional_high` ignore the bias of the curve (`std_error_conventional`).
    `n_treatment` and `n_comparison` are all rows on the two sides, `n_within_treatment` and
    `n_within_comparison` those within the bandwidth, `n_values_*` their distinct scores.
    `density` says whether scores crowd on one side of the cut-off.
    """

    score: str
    cutoff: float
    treated_above: bool
    bandwidth: float
    bias_bandwidth: float
    bandwidth_chosen: bool
    kernel: str
    order: int
    estimate_corrected: float
    std_error_conventional: float
    conventional_low: float
    conventional_high: float
    n_within_treatment: int
    n_within_comparison: int
    n_values_treatment: int
    n_values_comparison: int
    density: DensityCheck = field(repr=False)
    sentence: str = ""
    _rows: ScoreRows = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, the density check as its p-value and whether it passed."""
        found = Estimate.to_dict(self)
        del found["_rows"]
        del found["density"]
        return {**found, "density_p_value": self.density.p_value,
                "density_passed": self.density.passed}  # fmt: skip

    def placebo_cutoffs(self, cutoffs: Sequence[float] | None = None) -> pd.DataFrame:
        """Return the jump at cut-offs where nothing changes; by default three on each side.

        Each uses the people on its own side of the real cut-off only, with a bandwidth of its own;
        by default the quartiles of that side's scores. Columns: cutoff, estimate, conf_low,
        conf_high, p_value, bandwidth, n_comparison, n_treatment (below and above in the direction
        of treatment), why (None, or why there is no estimate).
        """
        import pandas as pd

        distance, sign = self._rows.distance, 1 if self.treated_above else -1
        if cutoffs is None:
            sides = [distance[self._rows.above == up] for up in (False, True)]
            places = [float(q) for s in sides for q in np.quantile(s, (0.25, 0.5, 0.75))]
        else:
            places = [sign * (float(c) - self.cutoff) for c in cutoffs]
        rows = []
        for place in places:
            if place == 0:
                raise invalid("cutoffs holds the real cut-off.", allowed="other scores")
            own = self._rows.only(self._rows.above == (place > 0))
            shown = self.cutoff + sign * place
            rows.append({"cutoff": shown, **self._row(own, place, None)})
        return pd.DataFrame(rows)

    def sensitivity(self, bandwidths: Sequence[float] | None = None) -> pd.DataFrame:
        """Return the effect at other bandwidths; by default 0.5 to 2 times the one used.

        Columns as of `placebo_cutoffs`, without cutoff. The width of the bias correction keeps its
        ratio to the bandwidth.
        """
        import pandas as pd

        widths = [w * self.bandwidth for w in WIDTHS] if bandwidths is None else list(bandwidths)
        ratio = self.bias_bandwidth / self.bandwidth
        return pd.DataFrame([self._row(self._rows, 0.0, (w, w * ratio)) for w in widths])

    def _row(
        self, rows: ScoreRows, place: float, widths: tuple[float, float] | None
    ) -> dict[str, Any]:
        names = ("estimate", "conf_low", "conf_high", "p_value", "bandwidth")
        blank = {**dict.fromkeys(names, float("nan")), "n_comparison": 0, "n_treatment": 0}
        try:
            found = jump_at(*rows.sides(place), self.kernel, self.order, widths)
        except CannotEstimate as problem:
            width = float("nan") if widths is None else widths[0]
            return {**blank, "bandwidth": width, "why": str(problem)}
        return {**_numbers(found, self.level), "why": None}


def _numbers(found: Jump, level: float) -> dict[str, Any]:
    low, high = found.interval(level)
    return {
        "estimate": found.estimate,
        "conf_low": low,
        "conf_high": high,
        "p_value": found.p_value,
        "bandwidth": found.width,
        "n_comparison": found.n_below,
        "n_treatment": found.n_above,
    }
