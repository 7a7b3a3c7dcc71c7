"""What an omitted variable of a given strength does to a regression coefficient."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Real

from evalkit.results import Record
from evalkit.stats.shared.columns import check_level, invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessValue(Record):
    """How strong an omitted variable must be to change a coefficient by a given share.

    Strengths are shares (0 to 1): `partial_r2` of the outcome's spread left by the covariates that
    the treatment explains, `robustness_value` what an omitted variable must explain of both the
    treatment's and the outcome's to take away the share `q` of the estimate;
    `robustness_value_alpha` to leave what remains not significant at `alpha` (None without it).
    """

    statistic: float
    df: float
    q: float
    alpha: float | None
    partial_r2: float
    partial_f2: float
    robustness_value: float
    robustness_value_alpha: float | None
    method: str
    sentence: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedEstimate(Record):
    """A coefficient as it would be with an omitted variable of given strength in the model.

    `r2_treatment` and `r2_outcome` are the omitted variable's shares (0 to 1) of what the
    covariates leave of the treatment, and of what covariates and treatment leave of the outcome.
    `bias` is what is taken from the size of the estimate.
    """

    r2_treatment: float
    r2_outcome: float
    bias: float
    estimate: float
    std_error: float
    statistic: float
    df: float
    conf_low: float
    conf_high: float
    level: float


def robustness_value(
    t: float, df: float, *, q: float = 1, alpha: float | None = None
) -> RobustnessValue:
    """Return the strength of an omitted variable that takes away a share of a coefficient.

    Parameters
    ----------
    t : the coefficient's t value, by the classical standard error of a least-squares regression
    df : the residual degrees of freedom
    q : the share of the estimate to be taken away; 1 brings it to nothing
    alpha : two-sided level at which what remains must lose significance; None leaves it out

    Notes
    -----
    With f = q |t| / root(df) the value is (root(f^4 + 4 f^2) - f^2) / 2. With alpha, f is lessened
    by f* = t_crit / root(df - 1), and the value is 0 where that is negative; where f > 1 / f* an
    omitted variable tied less to the outcome than to the treatment does more harm, and the value is
    (f^2 - f*^2) / (1 + f^2).

    Raises
    ------
    InvalidInput
        For a t that is not finite, df that are not above 1, a q not above 0, or an alpha outside
        0 to 1.

    References
    ----------
    Cinelli and Hazlett (2020), Journal of the Royal Statistical Society B 82:39-67.
    """
    _check(t, df, q, alpha)
    size = abs(t) / sqrt(df)
    value = _value(q * size)
    strict = None if alpha is None else _significance(q * size, df, alpha)
    return RobustnessValue(
        statistic=float(t),
        df=float(df),
        q=float(q),
        alpha=alpha,
        partial_r2=t**2 / (t**2 + df),
        partial_f2=size**2,
        robustness_value=value,
        robustness_value_alpha=strict,
        method="Robustness value of a least-squares coefficient (Cinelli and Hazlett 2020).",
        sentence=_sentence(value, strict, q, alpha),
        notes=(_CLASSICAL,),
    )


_CLASSICAL = "It rests on the classical standard error: take t and df from a regression with that"


def _check(t: float, df: float, q: float, alpha: float | None) -> None:
    if not (isinstance(t, Real) and isfinite(t)):
        raise invalid(f"t={t!r}.", allowed="a finite number")
    if not (isinstance(df, Real) and isfinite(df) and df > 1):
        raise invalid(f"df={df!r}.", allowed="a number above 1")
    if not (isinstance(q, Real) and isfinite(q) and q > 0):
        raise invalid(f"q={q!r}.", allowed="a share above 0, 1 for the whole estimate")
    if alpha is not None and not (isinstance(alpha, Real) and 0 < alpha < 1):
        raise invalid(f"alpha={alpha!r}.", allowed="a number between 0 and 1, such as 0.05")


def _value(f: float) -> float:
    return (sqrt(f**4 + 4 * f**2) - f**2) / 2 if f < 1e3 else 2 / (1 + sqrt(1 + 4 / f**2))


def _significance(f: float, df: float, alpha: float) -> float:
    from scipy.stats import t as student

    critical = float(student.isf(alpha / 2, df - 1)) / sqrt(df - 1)
    if f <= critical:
        return 0.0
    if f * critical > 1:
        return (f**2 - critical**2) / (1 + f**2)
    return _value(f - critical)


def _sentence(value: float, strict: float | None, q: float, alpha: float | None) -> str:
    what = "bring the estimate to nothing" if q == 1 else f"take {100 * q:g}% off the estimate"
    text = (
        f"An omitted variable that explains {100 * value:.1f}% of what the covariates leave of both "
        f"the treatment and the outcome would {what}; one that explains less of both could not."
    )
    if strict is None or alpha is None:
        return text
    if strict == 0:
        lost = "without any omitted variable" if q == 1 else "once that share is taken off"
        return text + f" It is not significant at {alpha:g} {lost}."
    return text + f" {100 * strict:.1f}% would be enough to lose significance at {alpha:g}."


def adjust_for_confounder(
    estimate: float,
    std_error: float,
    df: float,
    *,
    r2_treatment: float,
    r2_outcome: float,
    level: float = 0.95,
) -> AdjustedEstimate:
    """Return a coefficient as an omitted variable of this strength would leave it at worst.

    `std_error` and `df` are the classical ones; `r2_treatment` (below 1) and `r2_outcome` are the
    omitted variable's partial R squared with treatment and outcome. The bias, SE root(df r2y r2d /
    (1 - r2d)), is taken off the size of the estimate, which may so change its sign; the interval
    has df - 1. Cinelli and Hazlett (2020), equations 10 to 13.
    """
    from scipy.stats import t as student

    check_level(level)
    if not (isfinite(estimate) and isfinite(std_error) and std_error > 0 and df > 1):
        raise invalid(
            f"estimate={estimate!r}, std_error={std_error!r}, df={df!r}.",
            allowed="finite numbers, the standard error above 0 and df above 1",
        )
    if not (0 <= r2_treatment < 1 and 0 <= r2_outcome <= 1):
        raise invalid(
            f"r2_treatment={r2_treatment!r}, r2_outcome={r2_outcome!r}.",
            allowed="shares: r2_treatment from 0 to below 1, r2_outcome from 0 to 1",
        )
    bias = std_error * sqrt(df * r2_outcome * r2_treatment / (1 - r2_treatment))
    error = std_error * sqrt((1 - r2_outcome) / (1 - r2_treatment) * df / (df - 1))
    adjusted = (1 if estimate >= 0 else -1) * (abs(estimate) - bias)
    if not error > 0:
        raise invalid(
            "r2_outcome=1 leaves nothing of the outcome, so no standard error.",
            allowed="r2_outcome below 1",
        )
    half = float(student.isf((1 - level) / 2, df - 1)) * error
    return AdjustedEstimate(
        r2_treatment=float(r2_treatment),
        r2_outcome=float(r2_outcome),
        bias=bias,
        estimate=adjusted,
        std_error=error,
        statistic=adjusted / error,
        df=df - 1.0,
        conf_low=adjusted - half,
        conf_high=adjusted + half,
        level=float(level),
    )
