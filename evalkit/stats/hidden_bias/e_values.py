"""Hidden confounding on the scale of risk ratios: E-values and the bias factor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, isfinite, sqrt
from numbers import Real

from evalkit.results import Record
from evalkit.stats.shared.columns import choice, invalid

SCALES = ("rr", "or", "hr", "smd")
PER_SD = 0.91  # logarithm of a risk ratio for a standardised mean difference of one
PER_ERROR = 1.78  # ... and half the width of its 95% interval for a standard error of one


@dataclass(frozen=True, slots=True, kw_only=True)
class EValue(Record):
    """How strong confounding must be to explain an effect away, on the scale of risk ratios.

    `risk_ratio`, `risk_ratio_low` and `risk_ratio_high` are the estimate and its limits brought to
    that scale. `e_value` is for the estimate; `e_value_limit` for the limit nearer to no difference
    (1 where the interval holds it, None where that limit is not given).
    """

    estimate: float
    conf_low: float | None
    conf_high: float | None
    scale: str
    rare: bool
    risk_ratio: float
    risk_ratio_low: float | None
    risk_ratio_high: float | None
    e_value: float
    e_value_limit: float | None
    method: str
    sentence: str
    notes: tuple[str, ...] = ()


def e_value(
    estimate: float,
    low: float | None = None,
    high: float | None = None,
    *,
    scale: str = "rr",
    rare: bool = False,
    std_error: float | None = None,
) -> EValue:
    """Return the E-value: the least strength of hidden confounding that explains an effect away.

    A confounder associated with both the programme and the outcome by risk ratios of E each, beyond
    the measured covariates, could move the estimate to no difference; weaker confounding could not.

    Parameters
    ----------
    estimate : the effect on the scale named
    low, high : its confidence limits on that scale; either may be left out
    scale : "rr" risk ratio, "or" odds ratio, "hr" hazard ratio, "smd" standardised mean difference
    rare : whether the outcome is rare (under about 15% at the end of follow-up): an odds or hazard
        ratio is then taken as a risk ratio. Otherwise an odds ratio's root is taken, and for a
        hazard ratio (1 - 0.5^root HR) / (1 - 0.5^root(1/HR)). Not used for "rr" and "smd"
    std_error : for "smd" alone, in place of limits: the interval is exp(0.91 d +- 1.78 SE). Limits
        that are given are multiplied by 0.91 before exp

    Raises
    ------
    InvalidInput
        For a ratio that is not positive, limits that do not hold the estimate, or an unknown scale.

    References
    ----------
    VanderWeele and Ding (2017), Annals of Internal Medicine 167:268-274.
    """
    choice(scale, SCALES, argument="scale")
    _check(estimate, low, high, scale, std_error)
    turn = _to_risk_ratio(scale, rare)
    ratio = turn(estimate)
    if std_error is None:
        limits = [None if x is None else turn(x) for x in (low, high)]
    else:
        half = PER_ERROR * std_error
        limits = [exp(PER_SD * estimate - half), exp(PER_SD * estimate + half)]
    if not all(x is None or (isfinite(x) and x > 0) for x in (ratio, *limits)):
        raise invalid("the estimate or a limit is too far out to bring to a risk ratio.")
    value, limit = _e(ratio), _limit(ratio, limits[0], limits[1])
    return EValue(
        estimate=float(estimate),
        conf_low=None if low is None else float(low),
        conf_high=None if high is None else float(high),
        scale=scale,
        rare=bool(rare),
        risk_ratio=ratio,
        risk_ratio_low=limits[0],
        risk_ratio_high=limits[1],
        e_value=value,
        e_value_limit=limit,
        method=_method(scale, rare),
        sentence=_sentence(value, limit),
        notes=() if scale == "rr" or (rare and scale != "smd") else (_APPROXIMATE,),
    )


_APPROXIMATE = "The risk ratio is an approximation from another scale, so the E-value is one too"


def bias_factor(with_treatment: float, with_outcome: float) -> float:
    """Return the largest factor by which a confounder of this strength can move a risk ratio.

    Both arguments are risk ratios of at least 1: of the confounder between the arms, and of the
    outcome between levels of the confounder. Ding and VanderWeele (2016), Epidemiology 27:368-377.
    """
    for name, value in (("with_treatment", with_treatment), ("with_outcome", with_outcome)):
        if not (isinstance(value, Real) and isfinite(value) and value >= 1):
            raise invalid(f"{name}={value!r}.", allowed="a risk ratio of 1 or more")
    return with_treatment * with_outcome / (with_treatment + with_outcome - 1)


def _check(
    estimate: float, low: float | None, high: float | None, scale: str, error: float | None
) -> None:
    given = {"estimate": estimate, "low": low, "high": high}
    for name, value in given.items():
        if value is None and name != "estimate":
            continue
        if not isinstance(value, Real) or not isfinite(value):
            raise invalid(f"{name}={value!r}.", allowed="a finite number")
        if scale != "smd" and value <= 0:
            raise invalid(f"{name}={value!r} with scale={scale!r}.", allowed="a ratio above 0")
    if (low is not None and low > estimate) or (high is not None and high < estimate):
        raise invalid(
            f"low={low!r}, estimate={estimate!r}, high={high!r}.",
            allowed="limits on either side of the estimate",
        )
    if error is None:
        return
    if scale != "smd" or low is not None or high is not None:
        raise invalid("std_error is given.", allowed="with scale='smd' and without low and high")
    if not (isinstance(error, Real) and isfinite(error) and error > 0):
        raise invalid(f"std_error={error!r}.", allowed="a number above 0")


def _to_risk_ratio(scale: str, rare: bool) -> Callable[[float], float]:
    if scale == "smd":
        return lambda x: exp(min(PER_SD * x, 709.0))
    if scale == "rr" or rare:
        return float
    if scale == "or":
        return lambda x: sqrt(x)
    return _common_hazard


def _common_hazard(ratio: float) -> float:
    above, below = float(0.5 ** sqrt(ratio)), float(0.5 ** sqrt(1 / ratio))
    return (1 - above) / (1 - below)


def _e(ratio: float) -> float:
    away = ratio if ratio >= 1 else 1 / ratio
    return away + sqrt(away * (away - 1))


def _limit(ratio: float, low: float | None, high: float | None) -> float | None:
    """Return the E-value of the limit nearer to 1, which is 1 where the interval holds 1."""
    if ratio == 1:
        return 1.0 if low is not None or high is not None else None
    near = low if ratio > 1 else high
    if near is None:
        return None
    return 1.0 if (near <= 1) == (ratio > 1) or near == 1 else _e(near)


def _method(scale: str, rare: bool) -> str:
    how = {
        "rr": "of a risk ratio",
        "or": "of an odds ratio, its root taken as the risk ratio (common outcome)",
        "hr": "of a hazard ratio brought to a risk ratio (common outcome)",
        "smd": "of a standardised mean difference d, exp(0.91 d) taken as the risk ratio",
    }[scale]
    if rare and scale in ("or", "hr"):
        name = "an odds ratio" if scale == "or" else "a hazard ratio"
        how = f"of {name} taken as the risk ratio (rare outcome)"
    return f"E-value {how}."


def _sentence(value: float, limit: float | None) -> str:
    text = (
        "To explain the estimate away, something not measured would have to be tied to both the "
        f"programme and the outcome by risk ratios of at least {value:.2f} each, over and above "
        "the measured covariates; weaker confounding could not."
    )
    if limit is None:
        return text
    if limit == 1:
        return text + " The interval holds no difference already, without any hidden confounding."
    return text + f" For the interval to reach no difference, {limit:.2f} each would be enough."
