"""Differences between arms under every reference-based strategy, imputed, analysed and pooled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Estimate, Records
from evalkit.stats.imputing.asked_waves import AskedWaves, label
from evalkit.stats.imputing.pooling import Pooled, pool
from evalkit.stats.imputing.reference_based import model_notes, prepared
from evalkit.stats.imputing.reference_draws import ReferenceDraws, shifts
from evalkit.stats.imputing.strategies import MEANING, STRATEGIES
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.shared.columns import as_names, check_level, choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CONSERVATIVE = (
    "Rubin's variance under a reference-based strategy keeps the information that was lost "
    "(information-anchored) and is larger than the variance of the estimate over repeated trials: "
    "the interval is conservative (Carpenter, Roger and Kenward 2013; Cro, Carpenter and Kenward "
    "2019)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceDifference(Pooled):
    """The difference at one wave under one strategy, pooled over the imputations.

    `imputed_treatment`, `imputed_comparison` count people whose outcome at that wave is imputed;
    `monte_carlo_error` is the standard error of the estimate from drawing `m` times only.
    """

    strategy: str
    imputed_treatment: int
    imputed_comparison: int
    monte_carlo_error: float


def reference_based_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    person: str,
    wave: str,
    strategies: str | Sequence[str] = STRATEGIES,
    m: int = 20,
    seed: int,
    at: Any = None,
    baseline: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    waves: Sequence[Any] | None = None,
    delta: float | Mapping[Any, float] | None = None,
    covariance: str = "common",
    level: float = 0.95,
) -> Records[ReferenceDifference]:
    """Return the difference in means at one wave under each strategy, one row a strategy.

    The waves are imputed as by `reference_based`, whose arguments these are; each imputation is
    analysed by `mean_difference` at the wave `at` (the last one by default), adjusted for
    `baseline` and `covariates`, with HC2 or, clustered, CR2 standard errors; and estimates are
    pooled by Rubin's rules with the smallest of their degrees of freedom as the complete data's.
    All strategies rest on the same draws, so that they differ by what they assume only. Without
    `baseline` the first wave is modelled with the others but not adjusted for.

    Returns
    -------
    Records of ReferenceDifference
        In the order asked for, `.to_frame()` one row a strategy: the fields of `pool` with
        `strategy`, `wave`, `n_treatment`, `n_comparison`, `imputed_treatment`,
        `imputed_comparison`, `monte_carlo_error`, and `effect_size` (J times the estimate over the
        completed data's pooled SD, averaged over imputations). Counts are of people; `n_dropped`
        of rows of the data.

    Raises
    ------
    As `reference_based` and `mean_difference`; InvalidInput where `at` is no wave.

    References
    ----------
    Carpenter, Roger and Kenward (2013), Journal of Biopharmaceutical Statistics 23:1352-1371; Cro,
    Carpenter and Kenward (2019), Journal of the Royal Statistical Society A 182:623-645.
    """
    check_level(level)
    named = [choice(s, STRATEGIES, argument="strategies") for s in as_names(strategies)]
    if not named or len(set(named)) < len(named):
        raise invalid(
            f"strategies={named!r}.", allowed=f"some of {', '.join(STRATEGIES)}, each once"
        )
    asked = AskedWaves(
        outcome, treatment, treated, person, wave, baseline, as_names(covariates), cluster,
        None if waves is None else tuple(waves),
    )  # fmt: skip
    draws = prepared(data, asked, m=m, seed=seed, covariance=covariance)
    place, shift = _place(draws, at), shifts(delta, draws.people)
    return Records(_difference(draws, asked, name, place, shift, level) for name in named)


def _place(draws: ReferenceDraws, at: Any) -> int:
    waves = list(draws.people.waves)
    if at is None:
        return len(waves) - 1
    if at not in waves:
        raise invalid(f"at={at!r} is no wave.", allowed=", ".join(map(label, waves)))
    return waves.index(at)


def _difference(
    draws: ReferenceDraws,
    asked: AskedWaves,
    strategy: str,
    place: int,
    shift: Floats,
    level: float,
) -> ReferenceDifference:
    people = draws.people
    filled = draws.outcomes(strategy, shift)[:, :, place]
    table = people.table.assign(**{asked.treatment: people.arm})
    found = [
        mean_difference(
            table.assign(**{asked.outcome: values}), outcome=asked.outcome,
            treatment=asked.treatment, covariates=people.adjusted, cluster=asked.cluster,
            level=level,
        )
        for values in filled
    ]  # fmt: skip
    pooled = pool(
        [e.estimate for e in found],
        [e.std_error for e in found],
        df_complete=min(float(e.df or 0) for e in found),
        level=level,
    )
    base = {item.name: getattr(pooled, item.name) for item in fields(pooled)}
    return ReferenceDifference(
        **(base | _described(draws, asked, strategy, place, shift, found, pooled))
    )


def _described(
    draws: ReferenceDraws,
    asked: AskedWaves,
    strategy: str,
    place: int,
    shift: Floats,
    found: Sequence[Estimate],
    pooled: Pooled,
) -> dict[str, Any]:
    people, first = draws.people, found[0]
    missing = np.isnan(people.outcome[:, place])
    factor = _factor(found)
    scaled = [pooled.estimate, pooled.conf_low, pooled.conf_high]
    sizes = [None if factor is None or x is None else factor * x for x in scaled]
    notes = [*pooled.notes, *model_notes(draws, asked)]
    if strategy != "MAR":
        notes.insert(0, CONSERVATIVE)
    moved = f", shifted by {shift.tolist()} at the waves" if shift.any() else ""
    return {
        "outcome": asked.outcome,
        "term": asked.treatment,
        "wave": people.labels[place],
        "strategy": strategy,
        "effect_size": sizes[0],
        "effect_low": sizes[1],
        "effect_high": sizes[2],
        "n_treatment": first.n_treatment,
        "n_comparison": first.n_comparison,
        "n_clusters": first.n_clusters,
        "n_dropped": sum(count for _, count in people.dropped),
        "dropped_why": people.dropped,
        "mean_treatment": float(np.mean([e.mean_treatment for e in found])),
        "mean_comparison": float(np.mean([e.mean_comparison for e in found])),
        "sd_pooled": float(np.mean([e.sd_pooled for e in found if e.sd_pooled is not None])),
        "adjusted_for": people.adjusted,
        "imputed_treatment": int((missing & (people.arm == 1)).sum()),
        "imputed_comparison": int((missing & (people.arm == 0)).sum()),
        "monte_carlo_error": float(np.sqrt(pooled.between / pooled.m)),
        "method": (
            f"Imputed under {strategy} ({MEANING[strategy]}){moved}; at wave "
            f"{people.labels[place]} {first.method[0].lower()}{first.method[1:]} {pooled.method}"
        ),
        "notes": tuple(dict.fromkeys(notes)),
    }


def _factor(found: Sequence[Estimate]) -> float | None:
    """Return the mean over imputations of what turns outcome units into effect sizes."""
    factors = []
    for e in found:
        if e.effect_high is None or e.effect_low is None:
            return None
        width = float(e.conf_high or 0) - float(e.conf_low or 0)
        factors.append((e.effect_high - e.effect_low) / width)
    return float(np.mean(factors))
