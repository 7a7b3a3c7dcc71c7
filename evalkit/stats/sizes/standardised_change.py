"""Standardised change from before to after, in one group and between two."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import by_name
from evalkit.stats.shared.columns import check_level, choice, invalid, vector
from evalkit.stats.sizes.effect_sizes import (
    EffectSize,
    accurate_mean,
    noncentral_limits,
    pooled_sd,
    small_sample_factor,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSize(EffectSize):
    """A standardised change: `correlation` is that of before and after, within arms.

    `simple_variance` is 2(1 - r)(1/n1 + 1/n2) + d^2/(2N) where two groups are compared (None in
    one group).
    """

    correlation: float | None = None
    simple_variance: float | None = None


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Complete pairs, as deviations from one origin, and how many pairs were left out."""

    pre: Floats
    post: Floats
    missing: int

    @property
    def change(self) -> float:
        return accurate_mean(self.post - self.pre)

    @property
    def products(self) -> tuple[float, float, float]:
        """Sums of squares of before and after, and their sum of products."""
        x, y = self.pre - self.pre.mean(), self.post - self.post.mean()
        return float(x @ x), float(y @ y), float(x @ y)


def standardised_mean_change(
    pre: Any, post: Any, *, denominator: str = "pre", level: float = 0.95
) -> ChangeSize:
    """Return the mean change of one group in standard deviations.

    Parameters
    ----------
    pre, post : arrays of the same people in the same order; people without both are left out and
        counted
    denominator : "pre" divides by the SD before (SMCR), "change" by the SD of the changes (SMCC)
    level : confidence level

    Returns
    -------
    ChangeSize
        `estimate` is J(n - 1) times the raw value, which is `d`; positive where the score rose.
        Variance, g the estimate and r the correlation: 2(1 - r)/n + g^2/(2n) for "pre" and
        1/n + g^2/(2n) for "change". `statistic` and `p_value` are those of the paired t test. The
        interval is by t with n - 1 df for "pre"; for "change" it inverts the noncentral t.

    Raises
    ------
    InvalidInput
        For text or infinite values, arrays of different lengths, or an unknown option.
    CannotEstimate
        With fewer than three pairs, or where the SD divided by is zero.

    References
    ----------
    Becker (1988), British Journal of Mathematical and Statistical Psychology 41:257-278; Gibbons,
    Hedeker and Davis (1993), Journal of Educational Statistics 18:271-279; Viechtbauer (2010), JSS
    36(3).
    """
    check_level(level)
    choice(denominator, ("pre", "change"), argument="denominator")
    pairs = _pairs(pre, post, ("pre", "post"))
    n = len(pairs.pre)
    gaps = pairs.post - pairs.pre
    if np.ptp(gaps) == 0:
        raise CannotEstimate("Every change is the same, so its uncertainty cannot be told.")
    spread = float(np.std(gaps, ddof=1))
    before, after, both = pairs.products
    correlation = both / sqrt(before * after) if before * after > 0 else None
    sd = sqrt(before / (n - 1)) if denominator == "pre" else spread
    if sd == 0 or (denominator == "pre" and correlation is None):
        raise CannotEstimate(
            "The scores before, or after, do not vary, so no SD or correlation can be formed."
        )
    d, factor, t = pairs.change / sd, small_sample_factor(n - 1), pairs.change * sqrt(n) / spread
    share = 1.0 if denominator == "change" else 2 * (1 - float(correlation or 0))
    variance = share / n + (factor * d) ** 2 / (2 * n)
    limits = None
    if denominator == "change":
        limits = tuple(x * factor / sqrt(n) for x in noncentral_limits(t, n - 1, level))
    return _size(
        ("standardised-mean-change", _ONE[denominator]),
        (d, factor, sqrt(variance), t, n - 1.0, sd),
        limits,
        level,
        n_treatment=n,
        n_dropped=pairs.missing,
        dropped_why=by_name({"no score before or after": pairs.missing}),
        correlation=correlation,
    )


_ONE = {
    "pre": "Mean change over the standard deviation before, exact small-sample correction, "
    "t interval.",
    "change": "Mean change over the standard deviation of the changes, exact small-sample "
    "correction, noncentral-t interval.",
}


def pre_post_control_g(
    pre_t: Any,
    post_t: Any,
    pre_c: Any,
    post_c: Any,
    *,
    correction: str = "exact",
    level: float = 0.95,
) -> ChangeSize:
    """Return the difference in mean change over the pooled SD before: Morris's d_ppc2.

    Parameters
    ----------
    pre_t, post_t, pre_c, post_c : arrays before and after of the treatment and the comparison
        arm; within an arm the same people in the same order; people without both are left out
    correction : "exact", as metafor reproduces Morris's table, or "approximate":
        c = 1 - 3/(4(N - 2) - 1), as he writes it
    level : confidence level

    Returns
    -------
    ChangeSize
        `estimate` is the correction times the raw value (`d`), in SDs before pooled over arms.
        `std_error` is the root of Morris's variance (with c d and the pooled within-arm
        `correlation` put in); `simple_variance` is the plainer one of metafor's page. The
        interval is by t with N - 2 df.

    Raises
    ------
    InvalidInput
        For text or infinite values, or arrays of an arm with different lengths.
    CannotEstimate
        With fewer than three pairs in an arm, or scores that do not vary within the arms.

    References
    ----------
    Morris (2008), Organizational Research Methods 11:364-386.
    """
    check_level(level)
    choice(correction, ("exact", "approximate"), argument="correction")
    first = _pairs(pre_t, post_t, ("pre_t", "post_t"))
    second = _pairs(pre_c, post_c, ("pre_c", "post_c"))
    n1, n2 = len(first.pre), len(second.pre)
    before, after, both = np.add(first.products, second.products)
    if not before * after > 0:
        raise CannotEstimate(
            "The scores before, or after, do not vary within the arms, so no SD or correlation "
            "can be formed."
        )
    correlation, room, df = float(both / sqrt(before * after)), 1 / n1 + 1 / n2, n1 + n2 - 2
    rough, sd = 1 - 3 / (4 * df - 1), pooled_sd(first.pre, second.pre)
    factor = small_sample_factor(df) if correction == "exact" else rough
    d = (first.change - second.change) / sd
    g, apart = factor * d, 2 * (1 - correlation) * room
    variance = rough**2 * df / (df - 2) * (apart + (rough * d) ** 2) - (rough * d) ** 2
    if not variance > 0:
        raise CannotEstimate(
            f"Morris's variance is not above 0 (correlation {correlation:.3f}, {n1 + n2} people); "
            "use mean_difference with the score before as a covariate."
        )
    return _size(
        ("pre-post-control-g", _TWO),
        (d, factor, sqrt(variance), g / sqrt(variance), float(df), sd),
        None,
        level,
        n_treatment=n1,
        n_comparison=n2,
        n_dropped=first.missing + second.missing,
        dropped_why=by_name({"no score before or after": first.missing + second.missing}),
        correlation=correlation,
        simple_variance=apart + g**2 / (2 * (n1 + n2)),
    )


_TWO = (
    "Difference in mean change over the standard deviation before, pooled over arms (Morris 2008, "
    "d_ppc2), with his variance; t interval."
)


def _pairs(pre: Any, post: Any, names: tuple[str, str]) -> _Pairs:
    before, after = vector(pre, names[0]), vector(post, names[1])
    if len(before) != len(after):
        raise invalid(
            f"{names[0]} has {len(before)} values and {names[1]} {len(after)}.",
            allowed="the same people in the same order",
        )
    keep = ~np.isnan(before) & ~np.isnan(after)
    if keep.sum() < 3:
        raise CannotEstimate(
            f"{names[0]} and {names[1]} have {keep.sum()} people with both scores; at least 3 are "
            "needed."
        )
    origin = before[keep][0]
    return _Pairs(before[keep] - origin, after[keep] - origin, int((~keep).sum()))


def _size(
    words: tuple[str, str],
    numbers: tuple[float, float, float, float, float, float],
    limits: Any,
    level: float,
    **counts: Any,
) -> ChangeSize:
    from scipy.stats import t as student

    d, factor, error, statistic, df, sd = numbers
    half = float(student.ppf(0.5 + level / 2, df)) * error
    low, high = limits or (factor * d - half, factor * d + half)
    return ChangeSize(
        term=words[0],
        estimate=factor * d,
        std_error=error,
        statistic=statistic,
        df=df,
        p_value=float(2 * student.sf(abs(statistic), df)),
        conf_low=low,
        conf_high=high,
        level=level,
        effect_size=factor * d,
        effect_low=low,
        effect_high=high,
        method=words[1],
        sd_pooled=sd,
        d=d,
        correction=factor,
        **counts,
    )
