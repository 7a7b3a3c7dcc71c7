"""The t interval of one coefficient, in outcome units and as an effect size."""

from __future__ import annotations

from typing import Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.linear import LinearFit
from evalkit.stats.sizes.effect_sizes import Scaling

FEW_DF = 4  # Tipton (2015): below this the t approximation is not to be trusted


def coefficient_interval(
    model: LinearFit, place: int, factor: float | None, level: float
) -> dict[str, Any]:
    """Return a coefficient with its t interval, and both in units of the effect size."""
    from scipy.stats import t as student

    estimate, error = float(model.coefficients[place]), float(model.std_errors[place])
    df = float(model.df[place])
    if not (error > 0 and np.isfinite(error) and df > 0):
        raise CannotEstimate(
            "The standard error is zero or cannot be computed: too few rows or clusters carry "
            "information about this difference."
        )
    half = float(student.ppf(0.5 + level / 2, df)) * error
    scaled = [None if factor is None else factor * x for x in (estimate - half, estimate + half)]
    return {
        "estimate": estimate,
        "std_error": error,
        "statistic": estimate / error,
        "df": df,
        "p_value": float(2 * student.sf(abs(estimate / error), df)),
        "conf_low": estimate - half,
        "conf_high": estimate + half,
        "effect_size": None if factor is None else factor * estimate,
        "effect_low": scaled[0],
        "effect_high": scaled[1],
    }


def caveats(df: float, scaling: Scaling) -> list[str]:
    """Return what must be said beside the estimate."""
    notes = few_df_note(df)
    if scaling.factor is None:
        notes.append("No effect size: its standard deviation cannot be formed or corrected")
    return notes


def few_df_note(df: float) -> list[str]:
    """Return the caveat on few degrees of freedom."""
    if df >= FEW_DF - 1e-6:
        return []
    return [
        f"The degrees of freedom ({df:.1f}) are below {FEW_DF}: the interval and p-value are "
        "not to be relied on"
    ]


def scaled_by(scaling: Scaling) -> str:
    """Return what the effect size is divided by, where that needs saying."""
    if scaling.icc is None:
        return ""
    return (
        f" The effect size is on the total standard deviation, with an intracluster correlation of "
        f"{scaling.icc:.3f} and {scaling.df:.1f} degrees of freedom."
    )
