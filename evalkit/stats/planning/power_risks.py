"""Power of trials with a yes-or-no outcome."""

from __future__ import annotations

from math import asin, inf, sqrt
from typing import Any

from evalkit.stats.planning.noncentral_power import (
    effect_reaching,
    multiplier,
    size_reaching,
    z_power,
)
from evalkit.stats.planning.power_solving import (
    Power,
    check_test,
    inflation,
    is_number,
    left_out_one,
    share,
    size,
    whole,
)
from evalkit.stats.shared.columns import choice, invalid

METHODS = ("normal", "arcsine")


def power_binary(
    *,
    comparison_risk: float,
    n: float | None = None,
    effect: float | None = None,
    power: float | None = None,
    direction: str = "increase",
    share_treated: float = 0.5,
    design_effect: float = 1.0,
    alpha: float = 0.05,
    sides: int = 2,
    method: str = "normal",
) -> Power:
    """Return the size, effect or power of a trial that assigns people and counts a yes-or-no.

    Leave out exactly one of `n`, `effect` and `power`.

    Parameters
    ----------
    comparison_risk : share of the comparison arm with the outcome, between 0 and 1
    n : people analysed, both arms together
    effect : risk of the treated minus `comparison_risk`; negative where the risk falls
    power : probability of a significant result if that effect is true
    direction : "increase" or "decrease": which effect to find where it is left out
    share_treated : share of the people who are treated
    design_effect : times as many people as are needed because they come in clusters: see
        `design_effect`; a normal test promises too much with fewer than some 20 clusters
    alpha, sides : the level of the test, one- or two-sided (one-sided: in the effect's direction)
    method : "normal", the test of two proportions with a pooled variance under no effect, one tail
        counted (R's power.prop.test); or "arcsine", Cohen's h (R's pwr.2p.test)

    Returns
    -------
    Power
        `effect` is a difference in risk; `std_error` that of the difference in risk without
        pooling (arcsine: of the difference of 2 asin(sqrt(risk))), `ncp` the mean of the z
        statistic, `df` None; `mdes` is (z(1 - alpha / sides) + z(power)) sqrt(p (1 - p) / (P (1 -
        P) n)) with p the comparison risk in both arms, an approximation to `effect`.

    Raises
    ------
    InvalidInput
        When not exactly one is left out, or the treated risk would not lie between 0 and 1.
    CannotEstimate
        When no possible effect reaches the power.

    Notes
    -----
    With fewer than some 5 expected events or non-events in an arm both approximations are poor.

    References
    ----------
    Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, chapter 4;
    Cohen (1988), chapter 6.
    """
    signed = effect
    check_test(
        effect=abs(effect) if effect is not None and is_number(effect) else effect,
        power=power,
        alpha=alpha,
        sides=sides,
        share_treated=share_treated,
    )
    low = share(comparison_risk, "comparison_risk")
    choice(method, METHODS, argument="method")
    choice(direction, ("increase", "decrease"), argument="direction")
    if signed is not None and not 0 < low + signed < 1:
        raise invalid(
            f"effect={signed!r} makes the treated risk {low + signed:g}.",
            allowed=f"a difference between {-low:g} and {1 - low:g}",
        )
    missing = left_out_one({"n": n, "effect": effect, "power": power})
    sign = (1.0 if direction == "increase" else -1.0) if signed is None else _sign(signed)
    bound = (1 - low if sign > 0 else low) * (1 - 1e-9)
    people, times = size(n, "n", 2), inflation(design_effect)

    def power_at(size: float, effect: float) -> float:
        return _power(low, low + sign * effect, size / times, share_treated, alpha, sides, method)

    exact, gap = None, None if signed is None else abs(signed)
    if people is None:
        assert gap is not None and power is not None
        known = gap
        exact = size_reaching(lambda x: power_at(x, known), power, least=2, name="n")
        people = whole(exact)
    total = people
    if gap is None:
        assert power is not None
        gap = effect_reaching(lambda x: power_at(total, x), power, start=bound / 8, bound=bound)
    reached = power_at(people, gap)
    error, centre = _error(low, low + sign * gap, people / times, share_treated, method)
    return Power(
        design="binary",
        solved_for=missing,
        n=people,
        effect=sign * gap,
        power=reached if power is None else power,
        power_reached=reached,
        size_exact=exact,
        std_error=error,
        ncp=centre / error,
        mdes=multiplier(inf, reached if power is None else power, alpha, sides)
        * sqrt(low * (1 - low) / (share_treated * (1 - share_treated) * people / times)),
        alpha=alpha,
        sides=sides,
        share_treated=share_treated,
        comparison_risk=low,
        sentence=f"With {people:g} people, {share_treated:.0%} treated, a risk of "
        f"{low + sign * gap:.3g} against {low:.3g} has a {reached:.1%} chance to be found "
        f"(p below {alpha:g}, {'two' if sides == 2 else 'one'}-sided).",
        notes=_few(low, low + sign * gap, people, share_treated),
    )


def _sign(value: float) -> float:
    return 1.0 if value > 0 else -1.0


def _few(low: float, high: float, n: float, treated: float) -> tuple[str, ...]:
    arms = ((1 - treated) * n, low), (treated * n, high)
    least = min(people * min(risk, 1 - risk) for people, risk in arms)
    if least >= 5:
        return ()
    return (f"An arm expects {least:.1f} events or non-events: the normal approximation is poor",)


def _error(low: float, high: float, n: float, treated: float, method: str) -> tuple[float, float]:
    """Return the standard error of the difference, and the difference, on the method's scale."""
    sizes = treated * n, (1 - treated) * n
    if method == "arcsine":
        return sqrt(1 / sizes[0] + 1 / sizes[1]), abs(2 * asin(sqrt(high)) - 2 * asin(sqrt(low)))
    return sqrt(high * (1 - high) / sizes[0] + low * (1 - low) / sizes[1]), abs(high - low)


def _power(
    low: float, high: float, n: float, treated: float, alpha: float, sides: int, method: str
) -> float:
    from scipy.stats import norm

    error, gap = _error(low, high, n, treated, method)
    if method == "arcsine":
        return z_power(gap / error, alpha, sides)
    pooled = treated * high + (1 - treated) * low
    null: Any = sqrt(pooled * (1 - pooled) / (treated * (1 - treated) * n))
    return float(norm.cdf((gap - norm.isf(alpha / sides) * null) / error))
