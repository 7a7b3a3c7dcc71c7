"""Whether small sites show other effects than large ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.combining.weighted import weighted
from evalkit.stats.shared.columns import invalid, left_out, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MINIMUM = 10  # Sterne et al. (2011), BMJ 343:d4002: fewer say nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class EggerTest(Record):
    """Egger's regression of effects on their standard errors.

    `estimate` is the slope, `limit` the effect as the standard error goes to nothing.
    """

    estimate: float
    std_error: float
    statistic: float
    df: float
    p_value: float
    limit: float
    k: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    sentence: str


def egger_test(effects: Any, variances: Any, *, minimum: int = MINIMUM) -> EggerTest:
    """Return Egger's test that small sites show the same effects as large ones.

    Weighted least squares of effects on their standard errors, weights 1 / variance, with the
    spread estimated (t with k - 2). A small p-value may mean that small sites with little effect
    are missing; it may also mean that small sites did something else.

    Parameters
    ----------
    effects, variances : one value a site
    minimum : the fewest sites the test is given for; 10 is the convention, 3 the least possible

    Raises
    ------
    InvalidInput
        For variances that are not positive, or a minimum below 3.
    CannotEstimate
        With fewer sites than the minimum, or where all standard errors are the same.

    References
    ----------
    Egger et al. (1997), BMJ 315:629-634; Sterne et al. (2011), BMJ 343:d4002 (the minimum).
    """
    if not isinstance(minimum, int) or minimum < 3:
        raise invalid(f"minimum={minimum!r}.", allowed="a whole number, 3 or more")
    y, v, _, dropped = read_effects(effects, variances)
    if len(y) < minimum:
        raise CannotEstimate(
            f"{len(y)} sites: Egger's test needs at least {minimum}; with fewer it says nothing."
        )
    if np.ptp(v) <= 1e-12 * float(v.max()):
        raise CannotEstimate("All sites have the same standard error: nothing can follow it.")
    return _test(y, v, dropped)


def _test(y: Floats, v: Floats, dropped: tuple[tuple[str, int], ...]) -> EggerTest:
    from scipy.stats import t as student

    error = np.sqrt(v)
    fit = weighted(y, np.column_stack([np.ones(len(y)), error - error.mean()]), 1 / v)
    df = len(y) - 2
    if not fit.q > 1e-24 * float(np.sum(y**2 / v)):
        raise CannotEstimate("Effects lie exactly on a line of their standard errors.")
    slope = float(fit.coefficients[1])
    spread = float(np.sqrt(fit.inverse[1, 1] * fit.q / df))
    p_value = float(2 * student.sf(abs(slope / spread), df))
    return EggerTest(
        estimate=slope,
        std_error=spread,
        statistic=slope / spread,
        df=float(df),
        p_value=p_value,
        limit=float(fit.coefficients[0] - slope * error.mean()),
        k=len(y),
        n_dropped=sum(count for _, count in dropped),
        dropped_why=dropped,
        method="Egger's regression of effects on standard errors, weighted, t with k - 2.",
        sentence=f"Effects {'differ with' if p_value < 0.1 else 'do not clearly differ with'} the "
        f"size of the site (p = {p_value:.3f}); a test of few sites misses much.",
    )


def read_effects(
    effects: Any, variances: Any, also: tuple[tuple[str, Any], ...] = ()
) -> tuple[Floats, Floats, NDArray[np.bool_], tuple[tuple[str, int], ...]]:
    """Return effects and variances of the sites that have both, which they are, and who is left out."""
    y, v = vector(effects, "effects"), vector(variances, "variances")
    if len(y) != len(v):
        raise invalid(
            f"{len(y)} effects and {len(v)} variances.", allowed="one of each a site, in one order"
        )
    if np.any(v <= 0):
        raise invalid(
            f"{int(np.sum(v <= 0))} variance(s) of 0 or less.",
            allowed="positive numbers: squared standard errors",
            next_step="Take a site without a variance out, or leave its variance empty.",
        )
    reasons = [("no effect", np.isnan(y)), ("no variance", np.isnan(v)), *also]
    keep, dropped = left_out(reasons, len(y))
    return y[keep], v[keep], keep, dropped
