"""Pool one estimate over imputations by Rubin's rules, with Barnard and Rubin's degrees of freedom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, inf, isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.columns import check_level, invalid, vector
from evalkit.stats.shared.intervals import few_df_note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST = 1e6  # relative increase in variance beyond which nothing but imputation speaks
FEWEST = 20  # imputations, whatever the fraction of missing information
REPLICABLE = 0.05  # coefficient of variation of the standard error that von Hippel's rule allows


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled(Estimate):
    """One estimate pooled over `m` imputations.

    `within` is the mean of the squared standard errors, `between` the variance of the estimates
    over imputations and `total` within + (1 + 1/m) between, the square of `std_error`. `riv` is
    the relative increase in variance, (1 + 1/m) between / within; `share_missing` (lambda) the
    share of `total` that comes of missing values; `fmi` the fraction of missing information.
    All are on the scale of pooling that `method` names. `df_complete` is what the complete data
    would have had, None without limit. `m_advised` is the smallest number of imputations that is
    at least 100 x fmi and at least 20; `m_replicable` von Hippel's (2020) number, with which
    another run would give nearly the same standard error (it varies by 5%).
    """

    within: float
    between: float
    total: float
    share_missing: float
    riv: float
    fmi: float
    df_complete: float | None
    m: int
    m_advised: int
    m_replicable: int


def pool(
    estimates: Any,
    std_errors: Any,
    *,
    df_complete: float | Sequence[float] | None = None,
    level: float = 0.95,
) -> Pooled:
    """Return one estimate pooled over imputations.

    Parameters
    ----------
    estimates : one number an imputation, two or more: differences, coefficients, standardised
        mean differences, logarithms of ratios
    std_errors : their standard errors, in the same units and order
    df_complete : degrees of freedom had nothing been missing: a number, or one an imputation of
        which the smallest counts; None for a large sample, where the normal would be used
    level : confidence level

    Returns
    -------
    Pooled
        In the units given. Standardised mean differences belong here as they are: their sampling
        distribution is near to normal and their standard errors nearly the same from one
        imputation to the next, so no other scale is called for. Ratios go to `pool_ratio`,
        proportions to `pool_proportion` and correlations to `pool_correlation`.

    Raises
    ------
    InvalidInput
        For estimates and standard errors of different numbers, a missing one, a negative standard
        error or a df_complete that is not positive.
    CannotEstimate
        For one imputation, of which the variance between imputations cannot be told, or standard
        errors that are all zero.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys; Barnard and Rubin (1999),
    Biometrika 86:948-955; von Hippel (2020), Sociological Methods and Research 49:699-718.
    """
    check_level(level)
    values, variances = read_imputations(estimates, std_errors)
    spare = smallest_df(df_complete)
    parts = rubin(values, variances, spare)
    centre, error, df = parts["estimate"], parts["std_error"], parts["df"]
    half = quantile(level, df) * error
    return Pooled(
        **parts,
        statistic=centre / error,
        p_value=two_sided(centre / error, df),
        conf_low=centre - half,
        conf_high=centre + half,
        level=level,
        method=f"{rules(parts['m'], spare)}.",
        notes=tuple(notes(parts)),
    )


def read_imputations(estimates: Any, std_errors: Any) -> tuple[Floats, Floats]:
    """Return estimates and variances of the imputations, refusing what cannot be pooled."""
    values = complete(estimates, "estimates")
    errors = complete(std_errors, "std_errors")
    if len(values) != len(errors):
        raise invalid(
            f"{len(values)} estimates and {len(errors)} standard errors are given.",
            allowed="one of each an imputation",
        )
    if np.any(errors < 0):
        raise invalid("std_errors has a negative number.", allowed="zero or more")
    check_imputations(len(values))
    with np.errstate(over="ignore"):  # looked at in `rubin`
        return values, errors**2


def complete(values: Any, name: str) -> Floats:
    """Return an array-like argument as floats, refusing a missing one."""
    found = vector(values, name)
    missing = np.flatnonzero(np.isnan(found))
    if missing.size:
        raise invalid(
            f"{name} lacks {missing.size} of {len(found)}, the first of imputation "
            f"{missing[0] + 1}.",
            allowed="a number for every imputation",
            next_step="An imputation in which the analysis failed cannot be left out in silence.",
        )
    return found


def check_imputations(m: int) -> None:
    """Refuse fewer than two imputations."""
    if m < 2:
        raise CannotEstimate(
            f"There are {m} imputations to pool; at least 2 are needed. With one the variance "
            "between imputations cannot be told, so its standard error would pass guesses for "
            f"answers. Impute {FEWEST} times or more."
        )


def smallest_df(df_complete: Any) -> float:
    """Return the smallest of the complete-data degrees of freedom, infinite for None."""
    if df_complete is None:
        return inf
    found = np.atleast_1d(np.asarray(df_complete, dtype=np.float64))
    if found.size == 0 or not np.all(found > 0):
        raise invalid(f"df_complete={df_complete!r}.", allowed="positive numbers, or None")
    return float(found.min())


def rubin(values: Floats, variances: Floats, df_complete: float) -> dict[str, Any]:
    """Return the pooled estimate with its variance and their fields, on the scale given."""
    m = len(values)
    centre = float(values[0] + np.mean(values - values[0]))
    with np.errstate(over="ignore", invalid="ignore"):  # looked at below
        within, between = float(variances.mean()), float(np.var(values - values[0], ddof=1))
    extra = (1 + 1 / m) * between
    if not (within > 0 and isfinite(within + extra) and extra < MOST * within):
        raise CannotEstimate(
            "The standard errors are zero beside the differences between imputations (or too "
            "large to square), so the pooled estimate has no uncertainty that can be told."
        )
    total, riv = within + extra, extra / within
    df = barnard_rubin(m, riv, df_complete)
    fmi = (riv + 2 / (df + 3)) / (riv + 1)
    return {
        "estimate": centre,
        "std_error": sqrt(total),
        "df": df,
        "within": within,
        "between": between,
        "total": total,
        "share_missing": extra / total,
        "riv": riv,
        "fmi": fmi,
        "df_complete": None if df_complete == inf else df_complete,
        "m": m,
        "m_advised": advised(fmi) if between > 0 else FEWEST,
        "m_replicable": replicable(fmi, m) if between > 0 else 2,
    }


def barnard_rubin(m: int, riv: float, df_complete: float) -> float:
    """Return the degrees of freedom, `riv` being the relative increase in variance."""
    share = riv / (1 + riv)
    large = (m - 1) / share**2 if share > 1e-150 else inf
    if df_complete == inf:
        return large
    seen = (df_complete + 1) / (df_complete + 3) * df_complete / (1 + riv)
    return seen if large == inf else 1 / (1 / large + 1 / seen)


def advised(fmi: float) -> int:
    """Return the smallest number of imputations that is at least 100 x fmi, and at least 20."""
    return max(FEWEST, ceil(100 * fmi - 1e-9))


def replicable(fmi: float, m: int, *, variation: float = REPLICABLE) -> int:
    """Return von Hippel's (2020) number of imputations, 1 + (fmi / variation)^2 / 2.

    `fmi` is known from `m` imputations only: the upper limit of its 95% interval on the logit
    scale, whose standard error is the root of 2/m, goes into the rule.
    """
    odds = fmi / (1 - fmi) * exp(1.959963984540054 * sqrt(2 / m))
    return max(2, ceil(1 + (odds / (1 + odds) / variation) ** 2 / 2))


def quantile(level: float, df: float) -> float:
    """Return the quantile of t (normal for infinite df) of a two-sided interval."""
    from scipy.stats import norm, t

    return float(norm.ppf(0.5 + level / 2) if df == inf else t.ppf(0.5 + level / 2, df))


def two_sided(statistic: float, df: float) -> float:
    """Return the two-sided p-value of a t (normal for infinite df)."""
    from scipy.stats import norm, t

    return float(2 * (norm.sf(abs(statistic)) if df == inf else t.sf(abs(statistic), df)))


def rules(m: int, df_complete: float) -> str:
    """Return the clause that says how estimates were pooled."""
    name = "Rubin's" if df_complete == inf else "Barnard and Rubin's"
    return f"Pooled over {m} imputations by Rubin's rules with {name} degrees of freedom"


def notes(parts: dict[str, Any]) -> list[str]:
    """Return what must be said beside a pooled estimate."""
    said = few_df_note(parts["df"])
    if parts["between"] == 0:
        said.append(
            "The estimate is the same in every imputation: nothing imputed bears on it, or the "
            "imputations are copies of one another"
        )
    elif parts["m"] < parts["m_advised"]:
        said.append(
            f"{parts['m']} imputations are few for a fraction of missing information of "
            f"{parts['fmi']:.2f}: {parts['m_advised']} are advised"
        )
    return said
