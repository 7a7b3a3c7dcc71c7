"""The share of an outcome's variance that goes with the arm: eta, omega and epsilon squared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.shared.arm_rows import Arms, dummy, read_arms
from evalkit.stats.shared.columns import as_names, check_frame, check_level, check_roles
from evalkit.stats.sizes.effect_sizes import accurate_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LARGE = 1e8  # noncentrality beyond which the noncentral chi-squared has next to no spread


@dataclass(frozen=True, slots=True, kw_only=True)
class OneWayEffects(Estimate):
    """How much of an outcome's variance goes with the arm, and whether it is more than chance.

    `estimate` is eta squared (its interval `conf_low` to `conf_high`); `omega_squared` and
    `epsilon_squared`, each with its interval, allow for what chance alone adds to it. With
    covariates all are partial: shares of what the covariates leave. `statistic` is the classical F
    on `df_numerator` and `df`; `welch_statistic`, on `welch_df_numerator` and `welch_df`, lets the
    arms vary differently (None with covariates, or where an arm does not vary). `arms` names the
    arms, `n_arms` counts their rows and `means` holds their plain means.
    """

    df_numerator: int = 0
    omega_squared: float = 0.0
    omega_low: float = 0.0
    omega_high: float = 0.0
    epsilon_squared: float = 0.0
    epsilon_low: float = 0.0
    epsilon_high: float = 0.0
    welch_statistic: float | None = None
    welch_df_numerator: float | None = None
    welch_df: float | None = None
    welch_p: float | None = None
    arms: tuple[str, ...] = ()
    n_arms: tuple[int, ...] = ()
    means: tuple[float, ...] = ()
    n_rows: int = 0


def one_way_effects(
    data: Any,
    *,
    outcome: str,
    arm: str,
    covariates: str | Sequence[str] = (),
    level: float = 0.95,
) -> OneWayEffects:
    """Return the share of the outcome's variance that goes with the arm, and its F tests.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    outcome : name of a numeric column
    arm : name of the column of arms (or of other groups), two or more values
    covariates : names; the arm is tested after them. Text, categories and true/false become
        dummies, first sorted level dropped
    level : confidence level of the two-sided intervals; a lower limit at 0.90 is the one-sided
        limit at 0.95, and is above 0 where the F test's p is below 0.05

    Returns
    -------
    OneWayEffects
        Shares from 0 to 1 of the variance (`unit` is "share"). With F on a and b df, N rows:
        eta squared is aF / (aF + b), epsilon squared a(F - 1) / (aF + b), omega squared
        a(F - 1) / (a(F - 1) + N); the last two are 0, with a note, where F is below 1.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, or a level outside 0 to 1.
    CannotEstimate
        When there is one arm, an arm has fewer than two rows, the outcome does not vary (or not
        within arms), there is no row to spare, or the arm follows from the covariates.

    Notes
    -----
    The rows must be independent; with clusters use joint_test with cluster. The interval of eta
    squared inverts the noncentral F distribution: x / (x + b) at each limit x of the
    noncentrality. Those of omega and epsilon squared put the F that each would be the eta squared
    of in the place of F, as R's effectsize does, and are approximate.

    References
    ----------
    Welch (1951), Biometrika 38:330-336; Steiger (2004), Psychological Methods 9:164-182; Olejnik
    and Algina (2003), Psychological Methods 8:434-447; Okada (2013), Behaviormetrika 40:129-147.
    """
    from scipy.stats import f as fisher

    check_level(level)
    names = as_names(covariates)
    check_roles(outcome=outcome, arm=arm, covariates=names)
    rows = read_arms(check_frame(data, [outcome, arm, *names]), outcome, arm, names, None)
    f, above, below = _f(rows)
    counts = np.bincount(rows.codes)
    welch = {} if names else _welch(rows)
    return OneWayEffects(
        outcome=outcome,
        term=arm,
        statistic=f,
        df=float(below),
        p_value=float(fisher.sf(f, above, below)),
        level=level,
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        method=_sentence(outcome, arm, names),
        notes=(*rows.notes, *_said(f, missing=not names and not welch)),
        adjusted_for=names,
        unit="share",
        df_numerator=above,
        arms=rows.names,
        n_arms=tuple(int(count) for count in counts),
        means=tuple(accurate_mean(rows.outcome[rows.codes == k]) for k in range(len(counts))),
        n_rows=len(rows.outcome),
        **shares(f, above, below, len(rows.outcome), level),
        **welch,
    )


def _f(rows: Arms) -> tuple[float, int, int]:
    """Return F of the arms after the covariates, and its degrees of freedom."""
    above = len(rows.names) - 1
    others = [dummy(rows, k) for k in range(1, above + 1)]
    columns = [np.ones(len(rows.outcome)), *others, *(values for _, values in rows.covariates)]
    matrix = np.column_stack(columns)
    model = fit(matrix, rows.outcome, [str(k) for k in range(matrix.shape[1])], se="classical")
    places = slice(1, above + 1)
    gaps = model.coefficients[places]
    if not np.all(model.std_errors[places] > 0):
        raise CannotEstimate("The outcome does not vary within the arms, so there is no F test.")
    value = float(gaps @ np.linalg.solve(model.vcov[places, places], gaps)) / above
    return value, above, len(rows.outcome) - matrix.shape[1]


def shares(f: float, above: int, below: int, rows: int, level: float) -> dict[str, Any]:
    """Return eta (as the estimate), omega and epsilon squared of an F, with their intervals."""
    gain = above * max(f - 1, 0.0)
    found = {
        "estimate": above * f / (above * f + below),
        "omega_squared": gain / (gain + rows),
        "epsilon_squared": gain / (above * f + below),
    }
    for name, ends in (
        ("estimate", "conf"),
        ("omega_squared", "omega"),
        ("epsilon_squared", "epsilon"),
    ):
        taken = found[name] / (1 - found[name]) * below / above
        limits = f_limits(taken, above, below, level)
        found[f"{ends}_low"], found[f"{ends}_high"] = (x / (x + below) for x in limits)
    return found


def f_limits(f: float, above: int, below: int, level: float) -> tuple[float, float]:
    """Return the limits of the noncentrality of an observed F, 0 where F is too small for one."""
    tail = (1 - level) / 2
    low, high = (_noncentrality(f, above, below, share) for share in (1 - tail, tail))
    return low, high


def _noncentrality(f: float, above: int, below: int, share: float) -> float:
    """Return the noncentrality x at which P(F <= f) equals the share; 0 where none does."""
    from scipy.optimize import brentq
    from scipy.special import ncfdtr
    from scipy.stats import chi2

    if f <= 0:
        return 0.0
    if above * f > _LARGE:  # then C is next to its noncentrality
        return above * f * float(chi2.ppf(1 - share, below)) / below

    def gap(centre: float) -> float:
        return float(ncfdtr(above, below, centre, f)) - share

    if gap(0.0) <= 0:
        return 0.0
    high = 2 * above * f + 10
    while gap(high) > 0:
        high *= 2
    return float(brentq(gap, 0.0, high, xtol=1e-12, rtol=1e-13))


def _welch(rows: Arms) -> dict[str, Any]:
    """Return Welch's F, its degrees of freedom and its p; nothing where an arm does not vary."""
    from scipy.stats import f as fisher

    away = rows.outcome - accurate_mean(rows.outcome)
    sizes = np.bincount(rows.codes).astype(float)
    means = np.bincount(rows.codes, weights=away) / sizes
    squares = np.bincount(rows.codes, weights=(away - means[rows.codes]) ** 2)
    if any(np.ptp(rows.outcome[rows.codes == k]) == 0 for k in range(len(sizes))):
        return {}
    weights = sizes * (sizes - 1) / squares
    above = len(sizes) - 1
    uneven = float(np.sum((1 - weights / weights.sum()) ** 2 / (sizes - 1))) / (above * (above + 2))
    between = float(weights @ (means - np.average(means, weights=weights)) ** 2) / above
    value, below = between / (1 + 2 * (above - 1) * uneven), 1 / (3 * uneven)
    return {
        "welch_statistic": value,
        "welch_df_numerator": float(above),
        "welch_df": below,
        "welch_p": float(fisher.sf(value, above, below)),
    }


def _said(f: float, *, missing: bool) -> list[str]:
    notes = [] if f >= 1 else ["F is below 1: omega and epsilon squared are put at 0"]
    if missing:
        notes.append("No Welch test: the outcome does not vary within an arm")
    return notes


def _sentence(outcome: str, arm: str, covariates: Sequence[str]) -> str:
    after = f" after {', '.join(covariates)}" if covariates else ""
    part = "partial " if covariates else ""
    return (
        f"Analysis of variance of {outcome} by {arm}{after}: {part}eta squared with a noncentral-F "
        "interval, classical F test"
        + ("." if covariates else ", and Welch's for unequal variances.")
    )
