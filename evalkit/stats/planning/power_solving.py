"""The record of a power calculation, and how the one quantity left out is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.planning.noncentral_power import (
    effect_reaching,
    multiplier,
    size_reaching,
    t_power,
)
from evalkit.stats.shared.columns import invalid

ROUNDING = 1e-9  # a size this close above a whole number is that number
FEW_DF = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Power(Record):
    """A power calculation: what went in, and `solved_for`, the one quantity that came out.

    `effect` is in standard deviations of the outcome (for risks: a difference in risk), `power`
    the probability of p < `alpha` if that effect is true. A size that was left out is the smallest
    whole number that reaches the power; `size_exact` is the real number it was rounded up from,
    and `power_reached` the power at the whole number. `std_error` is the standard error of the
    effect on the scale of the effect, `df` its degrees of freedom (None for a z test) and `ncp`
    their noncentrality effect / std_error, all at the sizes stated. `mdes` is the minimum
    detectable effect size by the usual multiplier, (t(1 - alpha / sides) + t(power)) std_error:
    an approximation to `effect` as solved from the noncentral t, too small with fewer than some
    10 df; for risks it is the normal one with the comparison risk in both arms. What does not
    apply is None.
    """

    design: str
    solved_for: str
    n: float | None = None
    clusters: float | None = None
    cluster_size: float | None = None
    blocks: float | None = None
    effect: float
    power: float
    power_reached: float
    size_exact: float | None = None
    std_error: float
    df: float | None = None
    ncp: float
    mdes: float | None = None
    alpha: float = 0.05
    sides: int = 2
    share_treated: float = 0.5
    covariates: int | None = None
    icc: float | None = None
    icc_block: float | None = None
    icc_group: float | None = None
    groups: float | None = None
    r2_individual: float | None = None
    r2_cluster: float | None = None
    r2_group: float | None = None
    r2_effect: float | None = None
    effect_variation: float | None = None
    effects: str | None = None
    comparison_risk: float | None = None
    sentence: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """A design: its sizes (the one left out is None), and its variance and df at given sizes."""

    sizes: Mapping[str, float | None]
    least: Mapping[str, float]
    spread: Callable[[Mapping[str, float]], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Solved:
    """What was found: every size, the effect, the power, and their standard error and df."""

    name: str
    sizes: dict[str, float]
    effect: float
    power: float
    exact: float | None
    std_error: float
    df: float
    reached: float

    def fields(self, alpha: float, sides: int) -> dict[str, Any]:
        """Return the fields of the record that every design shares."""
        factor = multiplier(self.df, self.power, alpha, sides)
        return {
            "solved_for": self.name,
            "effect": self.effect,
            "power": self.power,
            "power_reached": self.reached,
            "size_exact": self.exact,
            "std_error": self.std_error,
            "df": self.df,
            "ncp": abs(self.effect) / self.std_error,
            "mdes": factor * self.std_error,
            "alpha": alpha,
            "sides": sides,
        }


def solve(
    layout: Layout, *, effect: float | None, power: float | None, alpha: float, sides: int
) -> Solved:
    """Return the size, effect or power left out of a design tested by t.

    Raises
    ------
    InvalidInput
        When not exactly one is left out.
    CannotEstimate
        When the sizes leave less than one degree of freedom, or no size reaches the power.
    """
    missing = left_out_one({**layout.sizes, "effect": effect, "power": power})
    sizes = {name: value for name, value in layout.sizes.items() if value is not None}

    def power_at(effect: float, sizes: Mapping[str, float]) -> float:
        variance, df = layout.spread(sizes)
        return t_power(abs(effect) / variance**0.5, df, alpha, sides)

    exact = None
    if missing in layout.sizes:
        assert effect is not None and power is not None
        size, known = partial_size(layout, sizes, missing), effect
        exact = size_reaching(
            lambda x: power_at(known, sizes | {missing: x}), power, least=size, name=missing
        )
        sizes[missing] = whole(exact)
    variance, df = layout.spread(sizes)
    if not df >= 1 - ROUNDING:
        raise CannotEstimate(
            f"These sizes leave {df:g} degrees of freedom for the effect; at least 1 is needed. "
            "Plan for more units, or fewer covariates."
        )
    if effect is None:
        assert power is not None
        start = multiplier(df, power, alpha, sides) * variance**0.5
        effect = effect_reaching(
            lambda x: power_at(x, sizes), power, start=2 * start, bound=float("inf")
        )
    reached = power_at(effect, sizes)
    return Solved(
        name=missing,
        sizes={name: sizes[name] for name in layout.sizes},
        effect=effect,
        power=reached if power is None else power,
        exact=exact,
        std_error=variance**0.5,
        df=df,
        reached=reached,
    )


def partial_size(layout: Layout, sizes: Mapping[str, float], missing: str) -> float:
    """Return the smallest size that leaves one degree of freedom."""
    low = float(layout.least[missing])
    for size in (low + np.arange(10_000)).tolist():
        if layout.spread(dict(sizes) | {missing: size})[1] >= 1 - ROUNDING:
            return float(size)
    raise CannotEstimate(
        f"No {missing} leaves a degree of freedom for the effect with the other sizes as stated: "
        "plan for more of those, or fewer covariates."
    )


def whole(size: float) -> float:
    """Return the size rounded up to a whole number."""
    return float(ceil(size * (1 - ROUNDING)))


def left_out_one(given: Mapping[str, Any]) -> str:
    """Return the name of the one argument that is None."""
    missing = [name for name, value in given.items() if value is None]
    if len(missing) != 1:
        found = ", ".join(missing) if missing else "none"
        raise invalid(
            f"left out: {found}.",
            allowed=f"exactly one of {', '.join(given)} is left out, and is what you get",
        )
    return missing[0]


def check_test(*, effect: Any, power: Any, alpha: Any, sides: Any, share_treated: Any) -> None:
    """Refuse levels, powers, shares and effects that no test can have."""
    share(alpha, "alpha")
    share(share_treated, "share_treated")
    check_sides(sides)
    if power is not None:
        share(power, "power")
        if power <= alpha:
            raise invalid(f"power={power!r} with alpha={alpha!r}.", allowed="a power above alpha")
    if effect is None:
        return
    if not is_number(effect) or effect == 0 or (sides == 1 and effect < 0):
        allowed = "a number other than 0" if sides == 2 else "a positive number in a one-sided test"
        raise invalid(f"effect={effect!r}.", allowed=allowed)


def check_sides(sides: Any) -> int:
    """Return the number of sides of a test, 1 or 2."""
    if isinstance(sides, bool) or sides not in (1, 2):
        raise invalid(f"sides={sides!r}.", allowed="1 or 2")
    return int(sides)


def is_number(value: Any) -> bool:
    """Return whether the value is a finite number."""
    known = isinstance(value, int | float | np.integer | np.floating)
    return known and not isinstance(value, bool) and isfinite(value)


def share(value: Any, name: str, *, zero: bool = False, one: bool = False) -> float:
    """Return a share: between 0 and 1, the ends only where they are allowed."""
    if is_number(value) and (0 < value < 1 or (zero and value == 0) or (one and value == 1)):
        return float(value)
    ends = {(0, 0): "between 0 and 1", (1, 0): "from 0 to below 1", (1, 1): "from 0 to 1"}
    raise invalid(f"{name}={value!r}.", allowed=f"a number {ends.get((zero, one), 'from 0 to 1')}")


def size(value: Any, name: str, least: float) -> float | None:
    """Return a size as a number, None where it was left out."""
    if value is None:
        return None
    if not is_number(value) or value < least:
        raise invalid(f"{name}={value!r}.", allowed=f"a number, {least:g} or more")
    return float(value)


def inflation(design_effect: Any) -> float:
    """Return a design effect, 1 or more."""
    if not is_number(design_effect) or design_effect < 1:
        raise invalid(f"design_effect={design_effect!r}.", allowed="a number, 1 or more")
    return float(design_effect)


def count(value: Any, name: str) -> int:
    """Return a whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise invalid(f"{name}={value!r}.", allowed="a whole number, 0 or more")
    return int(value)


def typical_size(sizes: Any, name: str) -> tuple[float | None, tuple[str, ...]]:
    """Return one size, or the harmonic mean of several with the statement that it is one."""
    if sizes is None or np.ndim(sizes) == 0:
        return size(sizes, name, 1), ()
    values = [size(value, name, 1) or 0.0 for value in sizes]
    if not values:
        raise invalid(f"{name} is empty.", allowed="a number, or the sizes one by one")
    mean = len(values) / sum(1 / value for value in values)
    note = f"{name} is the harmonic mean, {mean:.1f}, of the {len(values)} sizes given"
    return mean, (note,)


def in_words(solved: Solved, sizes: str, unit: str, alpha: float, sides: int) -> str:
    """Return the calculation as a sentence."""
    test = f"p below {alpha:g}, {'two' if sides == 2 else 'one'}-sided"
    power = solved.reached if solved.exact is not None else solved.power
    found = f"a true effect of {abs(solved.effect):.3g} {unit} has a {power:.1%} chance to be found"
    return f"With {sizes}, {found} ({test})."


def few_df_note(df: float) -> tuple[str, ...]:
    """Return the warning that goes with few degrees of freedom."""
    if df >= FEW_DF:
        return ()
    return (
        f"Only {df:g} degrees of freedom: the result hangs on the assumed variances, and mdes "
        "(the multiplier) differs from the exact effect",
    )
