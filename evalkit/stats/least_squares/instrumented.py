"""What effects with assignment as an instrument return alike: first stage, robust set, counts, words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

from evalkit.results import Estimate
from evalkit.stats.least_squares.two_stage import TwoStage, anderson_rubin
from evalkit.stats.shared.analysed_rows import Analysed
from evalkit.stats.shared.model_rows import adjusted_for
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean

WEAK = 10  # first-stage F below which the t interval is not to be trusted (Staiger and Stock 1997)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentedEffect(Estimate):
    """An effect by two-stage least squares, assignment the instrument for what was received.

    `n_treatment`, `n_comparison` and the means are by assignment. `first_stage` is the (adjusted)
    difference that assignment makes to what was received; `f_statistic` is its F for equal
    variances, without clusters; `f_robust` its F by the HC2 or CR2 variance, the one to judge by;
    both are None where assignment and covariates fix what was received. `assignment_effect` and
    `assignment_p_value` are those of assignment itself (intention to treat).

    `ar_low` and `ar_high` are the ends of the Anderson-Rubin confidence set, infinite where it is
    unbounded; `ar_shape` is "interval", "ray", "two rays" or "everything". Of two rays the set
    leaves out the values between `ar_gap_low` and `ar_gap_high`. `ar_sentence` says it in words.
    """

    first_stage: float | None = None
    f_statistic: float | None = None
    f_robust: float | None = None
    assignment_effect: float | None = None
    assignment_p_value: float | None = None
    ar_shape: str = ""
    ar_low: float | None = None
    ar_high: float | None = None
    ar_gap_low: float | None = None
    ar_gap_high: float | None = None
    ar_sentence: str = ""


def counts(rows: Analysed, scaling: Scaling) -> dict[str, Any]:
    """Return who was analysed by the arm assigned, and their means, as fields."""
    treated, compared = rows.arm == 1, rows.arm == 0
    return {
        "n_treatment": int(treated.sum()),
        "n_comparison": int(compared.sum()),
        "n_clusters": rows.n_groups if rows.shared else None,
        "n_dropped": rows.n_dropped,
        "dropped_why": rows.dropped,
        "mean_treatment": accurate_mean(rows.outcome[treated]),
        "mean_comparison": accurate_mean(rows.outcome[compared]),
        "sd_pooled": scaling.sd,
    }


def stages(model: TwoStage) -> dict[str, Any]:
    """Return the first stage and the effect of assignment as fields."""
    from scipy.stats import t as student

    effect, error = model.effect_of_z[0], sqrt(float(model.vcov[0, 0]))
    p_value = float(2 * student.sf(abs(effect / error), model.df)) if error > 0 else None
    return {
        "first_stage": model.effect_of_z[1],
        "f_statistic": model.f_classical,
        "f_robust": model.f_robust,
        "assignment_effect": effect,
        "assignment_p_value": p_value,
    }


def anderson_rubin_set(model: TwoStage, level: float) -> dict[str, Any]:
    """Return the Anderson-Rubin confidence set as fields, with a sentence."""
    shape, low, high = anderson_rubin(model, level)
    rays = shape == "two rays"
    said = {
        "interval": f"from {low:.3g} to {high:.3g}",
        "ray": f"from {low:.3g} up" if high == inf else f"up to {high:.3g}",
        "two rays": f"up to {low:.3g}, and from {high:.3g} up",
        "everything": "every effect, of either sign and any size",
    }[shape]
    weak = "" if shape == "interval" else "; it is unbounded, as the first stage is too weak"
    return {
        "ar_shape": shape,
        "ar_low": -inf if rays else low,
        "ar_high": inf if rays else high,
        "ar_gap_low": low if rays else None,
        "ar_gap_high": high if rays else None,
        "ar_sentence": f"The {100 * level:g}% Anderson-Rubin confidence set is {said}{weak}.",
    }


def cautions(model: TwoStage, follows: str, less: str) -> list[str]:
    """Return what to note: `follows` where the first stage is exact, `less` where it is negative."""
    notes = []
    if model.f_robust is None:
        notes.append(follows)
    elif model.f_robust < WEAK:
        notes.append(
            f"The first stage is weak (F {model.f_robust:.1f}, below {WEAK}): read the "
            "Anderson-Rubin set in place of the interval"
        )
    if model.effect_of_z[1] < 0:
        notes.append(less)
    return notes


def sentence(
    outcome: str, received: str, assigned: str, names: Sequence[str], model: TwoStage, df: str,
    how: str = "",
) -> str:  # fmt: skip
    """Return the method in words; `how` says what more is to be known of the effect."""
    fit = model.structural
    where = "" if fit.n_clusters is None else f" for {fit.n_clusters} clusters"
    residual = "residual" if fit.n_clusters is None else "clusters less one"
    degrees = "Satterthwaite (Bell-McCaffrey)" if df == "satterthwaite" else residual
    return (
        f"Two-stage least squares of {outcome} on {received}, with {assigned} as the instrument"
        f"{adjusted_for(names)}{how}; {fit.se} standard error{where}, {degrees} degrees of freedom."
    )
