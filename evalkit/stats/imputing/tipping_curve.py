"""How a pooled difference moves as imputed values are shifted, and where it tips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.imputing.pooling import Pooled, pool, quantile
from evalkit.stats.shared.columns import check_level, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SCAN = 60  # steps between no shift and the shift that makes the estimate zero


@dataclass(frozen=True, slots=True, kw_only=True)
class TippingDelta(Record):
    """Shifts, in outcome units, at which an interval reaches 0 and at which the estimate is 0.

    `delta_interval` is None where the interval includes 0 without any shift.
    """

    delta_interval: float | None
    delta_zero: float


def tipping_delta(
    estimate: float,
    std_error: float,
    share: float,
    *,
    critical: float | None = None,
    df: float = float("inf"),
    level: float = 0.95,
) -> TippingDelta:
    """Return the tipping shifts of a difference whose standard error stays as it is.

    Parameters
    ----------
    estimate, std_error : the difference under MAR and its standard error, in outcome units
    share : what a shift of one unit adds to the estimate: without covariates the share imputed in
        the treatment arm; with a minus sign that in the comparison arm
    critical : half the interval in standard errors; else by `df` and `level`

    Raises InvalidInput for a standard error that is not positive or a share not in (0, 1) but for
    its sign. With estimate(delta) = estimate + share x delta the shifts are
    -(estimate -/+ critical x std_error) / share and -estimate / share.
    """
    check_level(level)
    if not (np.isfinite(estimate) and np.isfinite(std_error) and std_error > 0):
        raise invalid(
            f"estimate={estimate!r}, std_error={std_error!r}.", allowed="finite, the second above 0"
        )
    if not 0 < abs(share) < 1:
        raise invalid(f"share={share!r}.", allowed="between 0 and 1, or -1 and 0")
    half = (quantile(level, df) if critical is None else critical) * std_error
    near = abs(estimate) - half
    reached = -np.sign(estimate) * near / share if near > 0 else None
    return TippingDelta(
        delta_interval=None if reached is None else float(reached),
        delta_zero=float(-estimate / share),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ShiftedFits:
    """Estimates and variances of every imputation as polynomials in the shifts.

    `linear` is imputations by 1 + shifts: the estimate is linear in them. `quadratic` is
    imputations by 1 + shifts by 1 + shifts, symmetric: a sandwich variance is quadratic in them.
    `df_complete` is the smallest of the imputations' degrees of freedom, which no shift changes.
    """

    linear: Floats
    quadratic: Floats
    df_complete: float

    def pooled(self, *shift: float, level: float) -> Pooled:
        """Return the difference pooled at one shift."""
        at = np.array([1.0, *shift])
        variances = np.einsum("i,mij,j->m", at, self.quadratic, at)
        return pool(
            self.linear @ at,
            np.sqrt(np.maximum(variances, 0)),
            df_complete=self.df_complete,
            level=level,
        )

    @property
    def slope(self) -> float:
        """What one unit of the first shift adds to the pooled estimate."""
        return float(self.linear[:, 1].mean())


Analysis = Callable[["Floats"], tuple[float, float, float]]


def shifted_fits(
    analyses: list[Analysis], outcomes: list[Floats], directions: list[Floats], step: float
) -> ShiftedFits:
    """Return the polynomials by analysing each imputation at a few shifts.

    An analysis turns an outcome into estimate, variance and degrees of freedom; it is least
    squares with a sandwich variance, so that three shifts fix each square and one each product.
    """
    size = 1 + len(directions)
    linear, quadratic = np.empty((len(outcomes), size)), np.empty((len(outcomes), size, size))
    spare = []
    for k, (analysis, values) in enumerate(zip(analyses, outcomes, strict=True)):
        linear[k, 0], quadratic[k, 0, 0], df = analysis(values)
        spare.append(df)
        for i, way in enumerate(directions, start=1):
            up, above, _ = analysis(values + step * way)
            down, below, _ = analysis(values - step * way)
            linear[k, i] = (up - down) / (2 * step)
            quadratic[k, i, i] = (above + below - 2 * quadratic[k, 0, 0]) / (2 * step**2)
            quadratic[k, 0, i] = quadratic[k, i, 0] = (above - below) / (4 * step)
            for j in range(1, i):
                _, both, _ = analysis(values + step * (way + directions[j - 1]))
                known = quadratic[k, 0, 0] + 2 * step * (quadratic[k, 0, i] + quadratic[k, 0, j])
                known += step**2 * (quadratic[k, i, i] + quadratic[k, j, j])
                quadratic[k, i, j] = quadratic[k, j, i] = (both - known) / (2 * step**2)
    return ShiftedFits(linear, quadratic, min(spare))


def tipping_of(fits: ShiftedFits, level: float) -> TippingDelta:
    """Return the smallest shift at which the pooled interval includes 0, and that of estimate 0."""
    from scipy.optimize import brentq

    start = fits.pooled(0.0, level=level)
    centre, slope = float(start.estimate or 0), fits.slope
    if not abs(slope) > 1e-12:
        raise CannotEstimate(
            "Shifting the imputed values does not move the estimate: the covariates explain which "
            "outcomes are missing. Use fewer covariates."
        )
    zero = -centre / slope

    def room(shift: float) -> float:
        found = fits.pooled(shift, level=level)
        bound: Any = found.conf_low if centre > 0 else found.conf_high
        return float(np.sign(centre) * bound)

    if room(0.0) <= 0:
        return TippingDelta(delta_interval=None, delta_zero=zero)
    steps = np.linspace(0, zero, SCAN + 1).tolist()
    after = next((k for k in range(1, SCAN) if room(steps[k]) <= 0), SCAN)
    found = brentq(room, steps[after - 1], steps[after], xtol=1e-10 * abs(zero))
    return TippingDelta(delta_interval=float(found), delta_zero=zero)
