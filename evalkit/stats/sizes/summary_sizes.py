"""Effect sizes from two groups or their summaries, beside Hedges' g of two samples."""

from __future__ import annotations

from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import by_name
from evalkit.stats.shared.columns import check_level, choice, invalid, vector
from evalkit.stats.sizes.effect_sizes import (
    EffectSize,
    accurate_mean,
    noncentral_limits,
    small_sample_factor,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def standardised_difference(
    difference: float,
    *,
    sd: float | tuple[float, float],
    n_treatment: int,
    n_comparison: int,
    variance: str = "LS",
    correction: str = "exact",
    level: float = 0.95,
) -> EffectSize:
    """Return Hedges' g from a difference, a standard deviation and the numbers in each arm.

    Parameters
    ----------
    difference : treatment minus comparison, in outcome units
    sd : the standard deviation to divide by, or the two arms' (treatment, comparison), which are
        then pooled by n - 1
    n_treatment, n_comparison : people in each arm, 2 or more
    variance : of g (d is g before its correction J, N the people, m = N - 2): "LS" is
        1/n1 + 1/n2 + g^2/(2N); "LS2" is J^2 (1/n1 + 1/n2 + d^2/(2N)); "UB" is
        1/n1 + 1/n2 + (1 - (m - 2)/(m J^2)) g^2
    correction : "exact", or "approximate": 1 - 3/(4N - 9) (What Works Clearinghouse)
    level : confidence level

    Returns
    -------
    EffectSize
        As `hedges_g`: `std_error` is the root of the variance named, the interval is by the
        noncentral t. Both are for a plain difference in means; where the difference is adjusted
        for covariates they are too wide, and mean_difference gives the effect size.

    Raises
    ------
    InvalidInput
        For a number that is not finite, an SD that is not above 0, fewer than 2 in an arm, or an
        unknown option.

    References
    ----------
    Hedges and Olkin (1985), chapter 5; Viechtbauer (2010), Journal of Statistical Software 36(3).
    """
    from scipy.stats import t as student

    check_level(level)
    choice(variance, ("LS", "LS2", "UB"), argument="variance")
    choice(correction, ("exact", "approximate"), argument="correction")
    n1, n2 = _people(n_treatment, "n_treatment"), _people(n_comparison, "n_comparison")
    scale, df, room = _pooled(sd, n1, n2), n1 + n2 - 2, 1 / n1 + 1 / n2
    factor = small_sample_factor(df) if correction == "exact" else 1 - 3 / (4 * df - 1)
    d = finite(difference, "difference") / scale
    low, high = (x * factor * sqrt(room) for x in noncentral_limits(d / sqrt(room), df, level))
    spread = {
        "LS": room + (factor * d) ** 2 / (2 * (n1 + n2)),
        "LS2": factor**2 * (room + d**2 / (2 * (n1 + n2))),
        "UB": room + (1 - (df - 2) / (df * factor**2)) * (factor * d) ** 2,
    }
    if spread[variance] <= 0:
        raise CannotEstimate(f"The variance {variance!r} is not above 0 at {df} df; use 'LS'.")
    return EffectSize(
        term="hedges-g",
        estimate=factor * d,
        std_error=sqrt(spread[variance]),
        statistic=d / sqrt(room),
        df=float(df),
        p_value=float(2 * student.sf(abs(d / sqrt(room)), df)),
        conf_low=low,
        conf_high=high,
        level=level,
        effect_size=factor * d,
        effect_low=low,
        effect_high=high,
        n_treatment=n1,
        n_comparison=n2,
        method=f"Hedges' g from summaries, {correction} small-sample correction, variance "
        f"{variance}, noncentral-t interval.",
        sd_pooled=scale,
        d=d,
        correction=factor,
    )


def finite(value: Any, name: str) -> float:
    """Return a number, refusing what is not one or not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not isfinite(number):
        raise invalid(f"{name}={value!r}.", allowed="a finite number")
    return number


def _people(value: Any, name: str) -> int:
    number = finite(value, name)
    if number != int(number) or number < 2:
        raise invalid(f"{name}={value!r}.", allowed="a whole number, 2 or more")
    return int(number)


def _pooled(sd: float | tuple[float, float], n1: int, n2: int) -> float:
    pair = tuple(sd) if isinstance(sd, tuple | list) else (sd, sd)
    found = [finite(value, "sd") for value in pair]
    if len(found) != 2 or min(found) < 0 or max(found) == 0:
        raise invalid(f"sd={sd!r}.", allowed="a number above 0, or one for each arm")
    return sqrt(((n1 - 1) * found[0] ** 2 + (n2 - 1) * found[1] ** 2) / (n1 + n2 - 2))


def glass_delta(treatment: Any, comparison: Any, *, level: float = 0.95) -> EffectSize:
    """Return Glass's delta: the difference in means over the comparison arm's SD.

    Parameters
    ----------
    treatment, comparison : arrays of the outcome, any lengths; missing values are left out and
        counted
    level : confidence level

    Returns
    -------
    EffectSize
        `estimate` is J(n2 - 1) times the raw delta, which is `d`, in SDs of the comparison arm
        (`sd_pooled` holds that SD). The arms' variances need not be equal: `statistic` is the
        difference over the root of s1^2/n1 + s2^2/n2 with n2 - 1 `df`; the interval inverts the
        noncentral t and is multiplied by J; `std_error` is the root of
        s1^2/(n1 s2^2) + 1/n2 + estimate^2/(2 (n2 - 1)).

    Raises
    ------
    InvalidInput
        For text or infinite values, or a level outside 0 to 1.
    CannotEstimate
        With fewer than two values in the treatment arm or three in the comparison arm, or no
        variation in the latter.

    References
    ----------
    Glass, McGaw and Smith (1981), Meta-analysis in Social Research; Ben-Shachar, Luedecke and
    Makowski (2020), Journal of Open Source Software 5:2815 (interval).
    """
    from scipy.stats import t as student

    check_level(level)
    raw = [vector(treatment, "treatment"), vector(comparison, "comparison")]
    first, second = (arm[~np.isnan(arm)] for arm in raw)
    n1, n2 = len(first), len(second)
    missing = sum(len(arm) for arm in raw) - n1 - n2
    for name, n, least in (("treatment", n1, 2), ("comparison", n2, 3)):
        if n < least:
            raise CannotEstimate(
                f"The {name} arm has {n} value(s); at least {least} are needed."
                + (f" Left out: {missing} with no value." if missing else "")
            )
    if np.ptp(second) == 0:
        raise CannotEstimate("The comparison arm does not vary, so its SD cannot be divided by.")
    origin = second[0]
    sd1, sd2 = (float(np.std(arm - origin, ddof=1)) for arm in (first, second))
    room, df = sd1**2 / (n1 * sd2**2) + 1 / n2, n2 - 1
    d = (accurate_mean(first - origin) - accurate_mean(second - origin)) / sd2
    factor, t = small_sample_factor(df), d / sqrt(room)
    low, high = (x * factor * sqrt(room) for x in noncentral_limits(t, df, level))
    return EffectSize(
        term="glass-delta",
        estimate=factor * d,
        std_error=sqrt(room + (factor * d) ** 2 / (2 * df)),
        statistic=t,
        df=float(df),
        p_value=float(2 * student.sf(abs(t), df)),
        conf_low=low,
        conf_high=high,
        level=level,
        effect_size=factor * d,
        effect_low=low,
        effect_high=high,
        n_treatment=n1,
        n_comparison=n2,
        n_dropped=missing,
        method="Glass's delta: difference in means over the comparison arm's standard deviation, "
        "exact small-sample correction, noncentral-t interval.",
        dropped_why=by_name({"no value": missing}),
        mean_treatment=accurate_mean(first),
        mean_comparison=accurate_mean(second),
        sd_pooled=sd2,
        d=d,
        correction=factor,
    )


def improvement_index(g: float) -> float:
    """Return 100 Phi(g) - 50: percentile points an average comparison person would gain."""
    return 100 * cohens_u3(g) - 50


def cohens_u3(g: float) -> float:
    """Return Phi(g): the share of the comparison arm below the treatment arm's mean, if normal."""
    from scipy.stats import norm

    return float(norm.cdf(finite(g, "g")))


def common_language_effect(g: float) -> float:
    """Return Phi(g / sqrt 2): the chance that a treated person is above a comparison person."""
    return cohens_u3(finite(g, "g") / sqrt(2))
