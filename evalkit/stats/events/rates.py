"""Rates of events over exposure."""

from __future__ import annotations

from math import exp, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.columns import check_level, invalid, left_out, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def event_rate(
    events: Any, exposure: Any, *, cluster: Any = None, per: float = 1.0, level: float = 0.95
) -> Estimate:
    """Return events per unit of exposure with an interval that allows for repeats and clusters.

    Parameters
    ----------
    events : array of counts, one a unit (a person or a family)
    exposure : array of time at risk, one a unit, in any unit of time
    cluster : array of cluster labels, one a unit; each unit is its own cluster by default
    per : multiplies the rate, as in per=12 for events a year from months
    level : confidence level

    Returns
    -------
    Estimate
        `estimate` is per x events / exposure; `std_error` its linearised (ratio) standard error
        over clusters; the interval is a t interval on the log scale with clusters - 1 degrees of
        freedom. Without any event the lower limit is 0 and the upper the exact one-sided Poisson
        limit at `level`; `notes` says so. `n_treatment` is the number of units used.

    Raises
    ------
    InvalidInput
        For negative numbers, arrays of different lengths, or events without time at risk.
    CannotEstimate
        Without exposure, or with events in one cluster only to tell the variation from.

    References
    ----------
    Cochran (1977), Sampling Techniques, chapter 6 (ratio estimator); Garwood (1936), Biometrika
    28:437-442 (exact Poisson limit).
    """
    check_level(level)
    counts, time = vector(events, "events"), vector(exposure, "exposure")
    labels = np.arange(len(counts)) if cluster is None else np.asarray(cluster, dtype=object)
    _check(counts, time, labels, per)
    reasons = [
        ("no count of events", np.isnan(counts)),
        ("no exposure", np.isnan(time)),
        ("no cluster", _missing(labels)),
        ("no time at risk", time == 0),
    ]
    keep, dropped = left_out(reasons, len(counts))
    counts, time, labels = counts[keep], time[keep], labels[keep]
    if not time.sum() > 0:
        raise CannotEstimate("There is no exposure, so there is no rate.")
    numbers = _rate(counts, time, _codes(labels), level)
    return Estimate(
        term="rate",
        estimate=per * numbers["rate"],
        std_error=None if numbers["error"] is None else per * numbers["error"],
        df=numbers["df"],
        conf_low=per * numbers["low"],
        conf_high=per * numbers["high"],
        level=level,
        n_treatment=len(counts),
        n_clusters=None if cluster is None else len(set(labels)),
        n_dropped=sum(count for _, count in dropped),
        method=numbers["method"],
        dropped_why=dropped,
        notes=numbers["notes"],
    )


def _check(counts: Floats, time: Floats, labels: NDArray[Any], per: float) -> None:
    if not len(counts) == len(time) == len(labels):
        raise invalid(
            f"events, exposure and cluster have {len(counts)}, {len(time)} and {len(labels)} rows.",
            allowed="arrays of one length",
        )
    if np.any(counts < 0) or np.any(time < 0):
        raise invalid("events or exposure is negative.", allowed="numbers from 0")
    if np.nansum(time) > 0 and np.any((time == 0) & (counts > 0)):
        raise invalid("a unit has events but no time at risk.", allowed="exposure above 0 there")
    if not per > 0:
        raise invalid(f"per={per!r}.", allowed="a number above 0")


def _missing(labels: NDArray[Any]) -> NDArray[np.bool_]:
    import pandas as pd

    return np.asarray(pd.isna(labels), dtype=bool)


def _codes(labels: NDArray[Any]) -> NDArray[np.intp]:
    import pandas as pd

    return np.asarray(pd.factorize(pd.Series(labels))[0], dtype=np.intp)


def _rate(counts: Floats, time: Floats, codes: NDArray[np.intp], level: float) -> dict[str, Any]:
    from scipy.stats import chi2
    from scipy.stats import t as student

    total, clusters = time.sum(), int(codes.max()) + 1
    if counts.sum() == 0:
        return {
            "rate": 0.0,
            "error": None,
            "df": None,
            "low": 0.0,
            "high": float(chi2.ppf(level, 2) / 2 / total),
            "method": "Events over exposure; exact one-sided Poisson upper limit.",
            "notes": (
                f"No events were seen: the upper limit is the exact one-sided {level:.0%} Poisson "
                "limit, and the lower limit is 0.",
            ),
        }
    if clusters < 2:
        raise CannotEstimate("One unit or cluster cannot show how much units differ.")
    rate = float(counts.sum() / total)
    left = np.bincount(codes, weights=counts - rate * time)
    error = sqrt(clusters / (clusters - 1) * float(left @ left)) / total
    half = float(student.ppf(0.5 + level / 2, clusters - 1)) * error / rate
    return {
        "rate": rate,
        "error": float(error),
        "df": float(clusters - 1),
        "low": float(rate * exp(-half)),
        "high": float(rate * exp(half)),
        "method": f"Events over exposure; linearised standard error over {clusters} units or "
        "clusters, t interval on the log scale.",
        "notes": _equal_rates(error, rate),
    }


def _equal_rates(error: float, rate: float) -> tuple[str, ...]:
    if error > 1e-12 * rate:
        return ()
    return ("Every unit has the same rate, so the interval has no width and cannot be relied on.",)
