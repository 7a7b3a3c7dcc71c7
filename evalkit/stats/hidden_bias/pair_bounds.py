"""Hidden bias in matched pairs: Rosenbaum's bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records
from evalkit.stats.hidden_bias.walsh import walsh_shift
from evalkit.stats.shared.columns import choice, invalid, left_out, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LARGEST = 1e6  # beyond this the odds at which significance is lost are not searched
FEW_PAIRS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaBound(Record):
    """The p-values and estimates that hidden bias of one size allows.

    `gamma` is how many times the odds of being treated may differ within a pair. The p-values are
    one-sided, in the direction asked; the estimates (None for yes or no) are in outcome units.
    """

    gamma: float
    p_low: float
    p_high: float
    estimate_low: float | None
    estimate_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RosenbaumBounds(Record):
    """What hidden bias of growing size does to the result of matched pairs.

    `estimate` is the Hodges-Lehmann shift (None for yes or no); `statistic` the sum of ranks of
    pairs in which the treated is higher, or the number of pairs that differ in which the treated
    has the event; `n_informative` the pairs that differ. `gamma_critical` is the largest gamma at
    which the upper p-value is not above `alpha` (None where it is above at 1, or never).
    """

    kind: str
    alternative: str
    estimate: float | None
    statistic: float
    p_value: float
    alpha: float
    gamma_critical: float | None
    n_pairs: int
    n_informative: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    bounds: Records[GammaBound]
    method: str
    sentence: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> Any:
        """Return a frame with one row a gamma."""
        return self.bounds.to_frame()


def rosenbaum_bounds(
    treated: Any,
    comparison: Any,
    *,
    gamma: float | Sequence[float],
    kind: str = "auto",
    alternative: str = "greater",
    alpha: float = 0.05,
) -> RosenbaumBounds:
    """Return how large hidden bias must be to undo the result of matched pairs.

    Within a pair two people alike on what was measured may still differ by a factor of gamma in
    their odds of being treated. At each gamma the p-value can be no larger than `p_high`.

    Parameters
    ----------
    treated, comparison : outcomes of the two members of each pair, in the same order
    gamma : one or more numbers, 1 or more
    kind : "signed-rank" (Wilcoxon; ties get mean ranks, pairs that do not differ are dropped), or
        "binary" (outcomes 0 and 1, the exact test of pairs that differ); "auto" is binary where
        all values are 0 and 1
    alternative : "greater" where the programme should raise the outcome, else "less"
    alpha : the one-sided level at which `gamma_critical` is found

    Notes
    -----
    With l = gamma / (1 + gamma) the signed-rank statistic has mean l sum(q) and variance
    l (1 - l) sum(q^2) at worst, and p is from the normal distribution; the binary p is
    P(X >= T) for X binomial with share l of the pairs that differ.

    Raises
    ------
    InvalidInput
        For columns of different length, a gamma below 1, values other than 0 and 1 with "binary",
        or an unknown option.
    CannotEstimate
        When no pair differs.

    References
    ----------
    Rosenbaum (2002), Observational Studies, 2nd edition, chapter 4; (1993), JASA 88:1250-1253.
    """
    choice(kind, ("auto", "signed-rank", "binary"), argument="kind")
    choice(alternative, ("greater", "less"), argument="alternative")
    if not (isinstance(alpha, int | float) and 0 < alpha < 1):
        raise invalid(f"alpha={alpha!r}.", allowed="a number between 0 and 1, such as 0.05")
    sizes = _gammas(gamma)
    first, second, dropped = _pairs(treated, comparison)
    kind = _kind(first, second, kind)
    sign = 1.0 if alternative == "greater" else -1.0
    gaps = sign * (first - second)
    if not np.any(gaps):
        raise CannotEstimate("No pair differs in the outcome, so there is nothing to bound.")
    statistic, tail = _tail(gaps, kind)
    shift = _shifts(gaps, sign) if kind == "signed-rank" else None
    bounds = Records(_bound(g, tail, shift) for g in sizes)
    critical = _critical(tail, alpha)
    n_informative = int(np.count_nonzero(gaps))
    return RosenbaumBounds(
        kind=kind,
        alternative=alternative,
        estimate=None if shift is None else shift(0.5),
        statistic=statistic,
        p_value=tail(0.5),
        alpha=float(alpha),
        gamma_critical=critical,
        n_pairs=len(gaps),
        n_informative=n_informative,
        n_dropped=sum(count for _, count in dropped),
        dropped_why=dropped,
        bounds=bounds,
        method=_METHODS[kind],
        sentence=_sentence(tail(0.5), critical, alpha),
        notes=_notes(kind, n_informative, float(np.median(gaps)), tail(0.5), alternative),
    )


_METHODS = {
    "signed-rank": "Rosenbaum bounds of the signed-rank test of matched pairs, normal "
    "approximation; range of the Hodges-Lehmann estimate.",
    "binary": "Rosenbaum bounds of the exact test of matched pairs with a yes or no outcome.",
}


def _gammas(gamma: Any) -> list[float]:
    listed = list(gamma) if hasattr(gamma, "__iter__") else [gamma]
    if not listed or not all(isinstance(g, int | float | np.number) for g in listed):
        raise invalid(f"gamma={gamma!r}.", allowed="one or more numbers, 1 or more")
    values = [float(g) for g in listed]
    if not all(isfinite(g) and g >= 1 for g in values):
        raise invalid(
            f"gamma={gamma!r}.",
            allowed="numbers of 1 (no hidden bias) or more, such as [1, 1.5, 2]",
        )
    return values


def _pairs(treated: Any, comparison: Any) -> tuple[Floats, Floats, tuple[tuple[str, int], ...]]:
    first, second = vector(treated, "treated"), vector(comparison, "comparison")
    if len(first) != len(second):
        raise invalid(
            f"treated has {len(first)} values and comparison {len(second)}.",
            allowed="one value of each a pair, in the same order",
        )
    reasons = [("no treated outcome", np.isnan(first)), ("no comparison outcome", np.isnan(second))]
    keep, dropped = left_out(reasons, len(first))
    return first[keep], second[keep], dropped


def _kind(first: Floats, second: Floats, kind: str) -> str:
    plain = bool(np.isin(np.concatenate([first, second]), (0.0, 1.0)).all())
    if kind == "binary" and not plain:
        raise invalid("kind='binary' with other values than 0 and 1.", allowed="0 and 1")
    if kind == "auto":
        return "binary" if plain else "signed-rank"
    return kind


def _tail(gaps: Floats, kind: str) -> tuple[float, Callable[[float], float]]:
    """Return the statistic, and its upper tail for a share l of treated being the higher."""
    from scipy.stats import binom, norm, rankdata

    seen = gaps[gaps != 0]
    if kind == "binary":
        count, total = int(np.sum(seen > 0)), len(seen)
        return float(count), lambda share: float(binom.sf(count - 1, total, share))
    ranks = rankdata(np.abs(seen))
    statistic, mean, spread = (
        float(ranks[seen > 0].sum()), float(ranks.sum()), sqrt(float(ranks @ ranks)),
    )  # fmt: skip
    return statistic, lambda share: float(
        norm.sf((statistic - share * mean) / (spread * sqrt(share * (1 - share))))
    )


def _shifts(gaps: Floats, sign: float) -> Callable[[float], float]:
    return lambda share: sign * walsh_shift(gaps, share)


def _bound(
    gamma: float, tail: Callable[[float], float], shift: Callable[[float], float] | None
) -> GammaBound:
    share = gamma / (1 + gamma)
    ends = [None, None] if shift is None else sorted((shift(share), shift(1 - share)))
    return GammaBound(
        gamma=gamma,
        p_low=tail(1 - share),
        p_high=tail(share),
        estimate_low=ends[0],
        estimate_high=ends[1],
    )


def _critical(tail: Callable[[float], float], alpha: float) -> float | None:
    from scipy.optimize import brentq

    def over(log_gamma: float) -> float:
        gamma = np.exp(log_gamma)
        return tail(float(gamma / (1 + gamma))) - alpha

    if over(0.0) > 0 or over(np.log(LARGEST)) <= 0:
        return None
    return float(np.exp(brentq(over, 0.0, np.log(LARGEST), xtol=1e-12)))


def _sentence(p_value: float, critical: float | None, alpha: float) -> str:
    if p_value > alpha:
        return (
            f"Without hidden bias the one-sided p-value is {p_value:.3f}, above {alpha:g}: there is "
            "no finding for hidden bias to undo."
        )
    if critical is None:
        return f"No hidden bias up to a factor of {LARGEST:g} would raise the p-value to {alpha:g}."
    return (
        "Two people matched on what was measured would have to differ by a factor of more than "
        f"{critical:.2f} in their odds of being in the programme, through something closely tied "
        f"to the outcome, before the one-sided p-value could rise above {alpha:g}."
    )


def _notes(kind: str, count: int, middle: float, p_value: float, side: str) -> tuple[str, ...]:
    notes = []
    if kind == "signed-rank" and count < FEW_PAIRS:
        notes.append(f"{count} pairs differ: the normal approximation is rough below {FEW_PAIRS}")
    if p_value > 0.5 and middle < 0:
        other = "less" if side == "greater" else "greater"
        notes.append(
            f"The outcomes point the other way: alternative='{other}' asks about that direction"
        )
    return tuple(notes)
