"""Power of trials that assign people: one by one, or within blocks."""

from __future__ import annotations

from typing import Any

from evalkit.stats.planning.power_solving import (
    Layout,
    Power,
    check_test,
    count,
    few_df_note,
    in_words,
    share,
    size,
    solve,
)
from evalkit.stats.shared.columns import choice, invalid

EFFECTS = ("constant", "fixed", "random")
SD = "standard deviations"


def power_individual(
    *,
    n: float | None = None,
    effect: float | None = None,
    power: float | None = None,
    r2_individual: float = 0.0,
    share_treated: float = 0.5,
    covariates: int = 0,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of a trial that assigns people one by one.

    Leave out exactly one of `n`, `effect` and `power`.

    Parameters
    ----------
    n : people analysed, both arms together
    effect : difference in means, in standard deviations of the outcome
    power : probability of a significant result if that effect is true
    r2_individual : share of the outcome's variance that the covariates explain, 0 to below 1
    share_treated : share of the people who are treated
    covariates : how many; each costs a degree of freedom
    alpha, sides : the level of the test, one- or two-sided

    Returns
    -------
    Power
        `std_error` is the root of (1 - R2) / (P (1 - P) n), `df` n - covariates - 2.

    Raises
    ------
    InvalidInput
        When not exactly one is left out, or a number is outside its range.
    CannotEstimate
        When less than one degree of freedom is left.

    References
    ----------
    Dong and Maynard (2013), Journal of Research on Educational Effectiveness 6:24-67, design IRA.
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=share_treated)
    left = 1 - share(r2_individual, "r2_individual", zero=True)
    spare = count(covariates, "covariates") + 2
    treated = share_treated * (1 - share_treated)
    layout = Layout(
        sizes={"n": size(n, "n", 2)},
        least={"n": 3},
        spread=lambda s: (left / (treated * s["n"]), s["n"] - spare),
    )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    people = found.sizes["n"]
    return Power(
        design="individual",
        n=people,
        share_treated=share_treated,
        covariates=covariates,
        r2_individual=r2_individual,
        sentence=in_words(
            found, f"{people:g} people, {share_treated:.0%} treated", SD, alpha, sides
        ),
        notes=few_df_note(found.df),
        **found.fields(alpha, sides),
    )


def power_blocked(
    *,
    n: float | None = None,
    blocks: float | None = None,
    block_size: float | None = None,
    effect: float | None = None,
    power: float | None = None,
    effects: str = "constant",
    icc: float = 0.0,
    effect_variation: float = 0.0,
    r2_individual: float = 0.0,
    r2_effect: float = 0.0,
    share_treated: float = 0.5,
    covariates: int = 0,
    alpha: float = 0.05,
    sides: int = 2,
) -> Power:
    """Return the size, effect or power of a trial that assigns people within blocks (sites).

    Leave out exactly one of the size, `effect` and `power`. The size is `blocks` with
    `block_size`, or with `n`, the people in all; leave out either `blocks`, or both of the others.

    Parameters
    ----------
    n : people analysed in all blocks and both arms together
    blocks, block_size : how many blocks, and people in each
    effect, power, alpha, sides, share_treated, covariates : as in `power_individual`
    effects : "constant" (one effect in all blocks, blocks in the model), "fixed" (an effect for
        each of these blocks, averaged) or "random" (the blocks stand for others like them)
    icc : share of the variance between blocks (random effects only)
    effect_variation : variance of the effect between blocks over the variance of the outcome
        between blocks (omega; random effects only)
    r2_individual, r2_effect : shares of the variance within blocks, and of the effect's variance
        between blocks, that covariates explain

    Returns
    -------
    Power
        With J blocks of n people: (1 - R2) / (P (1 - P) n J) is the variance of the effect, and
        `df` J (n - 1) - g - 1 (constant) or J (n - 2) - g (fixed); random: icc omega
        (1 - R2_T) / J + (1 - icc) (1 - R2) / (P (1 - P) J n), with `df` J - g - 1.

    Raises
    ------
    InvalidInput, CannotEstimate
        As `power_individual`; also for `icc` and the like without random effects.

    References
    ----------
    Dong and Maynard (2013), designs BIRA2_1c, BIRA2_1f and BIRA2_1r.
    """
    check_test(effect=effect, power=power, alpha=alpha, sides=sides, share_treated=share_treated)
    choice(effects, EFFECTS, argument="effects")
    only_random(effects, icc=icc, effect_variation=effect_variation, r2_effect=r2_effect)
    per_block = each(size(n, "n", 2), size(blocks, "blocks", 1), "n", "block_size", block_size)
    left = 1 - share(r2_individual, "r2_individual", zero=True)
    between = share(icc, "icc", zero=True) * non_negative(effect_variation, "effect_variation")
    between *= 1 - share(r2_effect, "r2_effect", zero=True, one=True)
    treated, g = share_treated * (1 - share_treated), count(covariates, "covariates")

    def spread(s: Any) -> tuple[float, float]:
        j, m = s["blocks"], s["block_size"]
        df = {"constant": j * (m - 1) - g - 1, "fixed": j * (m - 2) - g, "random": j - g - 1}
        return between / j + (1 - icc) * left / (treated * j * m), df[effects]

    layout = Layout(
        sizes={"blocks": size(blocks, "blocks", 1), "block_size": per_block},
        least={"blocks": 1, "block_size": 2},
        spread=spread,
    )
    found = solve(layout, effect=effect, power=power, alpha=alpha, sides=sides)
    j, m = found.sizes["blocks"], found.sizes["block_size"]
    return Power(
        design=f"blocked ({effects} effects)",
        n=j * m,
        blocks=j,
        share_treated=share_treated,
        covariates=covariates,
        icc=icc if effects == "random" else None,
        r2_individual=r2_individual,
        r2_effect=r2_effect if effects == "random" else None,
        effect_variation=effect_variation if effects == "random" else None,
        effects=effects,
        sentence=in_words(found, f"{j:g} blocks of {m:g} people", SD, alpha, sides),
        notes=few_df_note(found.df),
        **found.fields(alpha, sides),
    )


def only_random(effects: str, **given: float) -> None:
    """Refuse what only random effects of blocks have."""
    used = [name for name, value in given.items() if value]
    if effects != "random" and used:
        raise invalid(
            f"{used[0]} with effects={effects!r}.", allowed=f'{used[0]} with effects="random" only'
        )


def each(
    total: float | None, groups: float | None, total_name: str, name: str, given: float | None
) -> float | None:
    """Return the size of each block, from itself or from the total over the blocks."""
    given = size(given, name, 1)
    if total is None:
        return given
    if given is not None:
        raise invalid(f"{total_name} and {name} are both given.", allowed="one of them")
    if groups is None:
        raise invalid(
            f"{total_name} is given without blocks.",
            allowed=f"blocks, or {name} to find the blocks",
        )
    return total / groups


def non_negative(value: Any, name: str) -> float:
    """Return a number, zero or more."""
    found = size(value, name, 0)
    if found is None:
        raise invalid(f"{name} is None.", allowed="a number, 0 or more")
    return found
