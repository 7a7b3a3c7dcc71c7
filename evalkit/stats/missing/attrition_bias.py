"""The bias that loss of a given size could bring, by a simple model of who answers."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, isfinite, pi, sqrt
from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.rounding import written
from evalkit.stats.missing.bounds_interval import percent
from evalkit.stats.shared.columns import choice, invalid

# Squared correlations of answering with the outcome, treatment and comparison, with which the model
# reproduces the boundary table to 0.1 percentage points at a constant bias of 0.055.
ASSUMPTIONS = {"cautious": (0.20, 0.15), "optimistic": (0.075, 0.05)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttritionBias(Record):
    """An approximate bias, in standard deviations of the outcome, of a trial with equal arms.

    `higher_loss` is the arm whose higher loss gives the larger bias; the other way it is
    `bias_other_way`. `approximate` is always true: verdicts come from the boundary table.
    """

    overall: float
    differential: float
    assumption: str
    bias: float
    bias_other_way: float
    higher_loss: str
    approximate: bool
    method: str
    sentence: str


def attrition_bias(
    overall: float, differential: float, *, assumption: str = "cautious"
) -> AttritionBias:
    """Return roughly how much bias a loss of this size could bring: approximate.

    Someone answers when a latent willingness passes a threshold; it is correlated with the outcome,
    by different amounts in the two arms. The bias is the difference of the arms' means among those
    who answer, where the programme does nothing.

    Parameters
    ----------
    overall : share of everybody assigned who were lost, 0 to 1
    differential : difference of the arms' shares lost, 0 to 1, arms of one size
    assumption : "cautious" (the programme may affect who is lost), squared correlations 0.20 and
        0.15, or "optimistic", 0.075 and 0.05

    Returns
    -------
    AttritionBias
        `bias` in standard deviations, for the worse of the two directions. Along the boundary of
        the What Works Clearinghouse it is about 0.055.

    Raises
    ------
    InvalidInput
        For shares outside 0 to 1, or a differential that two arms of one size cannot have.
    CannotEstimate
        When everybody of an arm is lost.

    References
    ----------
    Deke and Chiang (2017), Evaluation Review 41:130-154. The correlations are not theirs to the
    digit: they are chosen to agree with the boundary table.
    """
    choice(assumption, ASSUMPTIONS, argument="assumption")
    shares = (_share(overall, "overall"), _share(differential, "differential"))
    high, low = shares[0] + shares[1] / 2, shares[0] - shares[1] / 2
    if low < -1e-12 or high > 1 + 1e-12:
        raise invalid(
            f"differential={differential!r} cannot be with overall={overall!r} and arms of one size.",
            allowed=f"0 to {2 * min(shares[0], 1 - shares[0]):g}",
        )
    if high >= 1:
        raise CannotEstimate("Everybody of an arm is lost, so there is nothing to compare.")
    squares = ASSUMPTIONS[assumption]
    treated, compared = (sqrt(square) for square in squares)
    more = abs(treated * _shift(high) - compared * _shift(max(low, 0.0)))
    less = abs(treated * _shift(max(low, 0.0)) - compared * _shift(high))
    return AttritionBias(
        overall=shares[0],
        differential=shares[1],
        assumption=assumption,
        bias=max(more, less),
        bias_other_way=min(more, less),
        higher_loss="treatment" if more >= less else "comparison",
        approximate=True,
        method="Approximate bias of loss: answering depends on a latent normal variable whose squared "
        f"correlation with the outcome is {squares[0]:g} in the treatment arm and {squares[1]:g} in "
        "the comparison (after Deke and Chiang 2017); the boundary table, not this, gives the verdict.",
        sentence=_sentence(shares, assumption, max(more, less)),
    )


def _shift(lost: float) -> float:
    """Return the mean of a standard normal variable above the threshold that loses this share."""
    from scipy.stats import norm

    if lost <= 0:
        return 0.0
    cut = float(norm.ppf(lost))
    return exp(-cut * cut / 2) / sqrt(2 * pi) / (1 - lost)


def _share(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise invalid(f"{name}={value!r}.", allowed="a share from 0 to 1, such as 0.3 for 30%")
    if not 0 <= value <= 1:
        raise invalid(f"{name}={value!r}.", allowed="a share from 0 to 1, such as 0.3 for 30%")
    return float(value)


def _sentence(shares: tuple[float, float], assumption: str, bias: float) -> str:
    return (
        f"With {percent(shares[0])} lost and a difference of {written(100 * shares[1], 1)} points "
        f"between the arms, loss alone could move the result by roughly {written(bias, 3)} standard "
        f"deviations under the {assumption} assumption (approximate)."
    )
