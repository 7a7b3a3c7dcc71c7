"""Multiple imputation: the plan's own estimator on every completed trail, pooled by Rubin's rules."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate
from evalkit.estimators import Estimator, estimate_target
from evalkit.results import Estimate
from evalkit.sensitivity.completing import Completed, complete

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Key, Target

ROUNDS = 10
"""Iterations of the chains; half as many where nobody asked for the imputation."""
FEWEST, MOST = 20, 100
"""Imputations made where the plan gives no number: the first, and no more than the second."""


@dataclass(frozen=True, slots=True)
class ImputedEstimate:
    """A pooled estimate, the fraction of missing information, and what it was pooled over."""

    estimate: Estimate
    fmi: float | None
    imputations: int
    completed: Completed


@dataclass(frozen=True, slots=True, eq=False)
class Imputing:
    """Imputes the lost of each result once, however many treatments use it."""

    study: Study
    found: dict[Key, ImputedEstimate] = field(default_factory=dict)

    def of(
        self, target: Target, followed: pd.DataFrame, estimator: Estimator, *, thorough: bool = True
    ) -> ImputedEstimate:
        """Return the imputations of a result; raises CannotEstimate where nothing can be imputed."""
        if target.key not in self.found:
            self.found[target.key] = estimate_imputed(
                self.study, target, followed, estimator, thorough=thorough
            )
        return self.found[target.key]


def estimate_imputed(
    study: Study, target: Target, followed: pd.DataFrame, estimator: Estimator, *,
    thorough: bool = True,
) -> ImputedEstimate:  # fmt: skip
    """Estimate a result by multiple imputation.

    The number of imputations is the plan's; without one it is twenty, and where the fraction of missing
    information asks for more (and `thorough` work is wanted) as many as its percents, up to a hundred.
    Raises CannotEstimate where nothing can be imputed or estimated.
    """
    declared = study.evaluation.declared.analysis.missing.imputations
    m = declared or FEWEST
    rounds = ROUNDS if thorough else ROUNDS // 2
    found = _once(study, target, followed, estimator, m, rounds)
    if declared is None and thorough and found.fmi is not None:
        wanted = min(MOST, math.ceil(100 * found.fmi))
        if wanted > m:
            found = _once(study, target, followed, estimator, wanted, rounds)
    return found


def _once(
    study: Study, target: Target, followed: pd.DataFrame, estimator: Estimator, m: int, rounds: int
) -> ImputedEstimate:
    completed = complete(study, target, followed, m, rounds)
    each = [estimate_target(study, target, trail, estimator) for trail in completed.trails]
    failed = next((e for e in each if e.estimate is None), None)
    if failed is not None:
        raise CannotEstimate(failed.notes[0] if failed.notes else "Nothing could be estimated")
    estimate, fmi = pooled(each)
    said = (
        f"outcomes of {completed.n_filled} people were imputed {m} times, from "
        f"{_listed(completed.helpers)}",
        *completed.notes,
    )
    return ImputedEstimate(replace(estimate, notes=(*said, *estimate.notes)), fmi, m, completed)


def _listed(helpers: Sequence[str]) -> str:
    """Return what outcomes were imputed from, in words."""
    words = ["first scores" if name == "baseline" else name for name in helpers]
    return ", ".join(words) or "the arm alone"


def pooled(each: Sequence[Estimate]) -> tuple[Estimate, float | None]:
    """Return one estimate from those of the completed data, and the fraction of missing information.

    Ratios are pooled as logarithms. The degrees of freedom of the complete data are the smallest of
    theirs (Barnard and Rubin 1999, Biometrika 86:948-955).
    """
    from evalkit.stats import pool

    ratio = each[0].unit == "ratio"
    values = [math.log(e.estimate or 1.0) if ratio else float(e.estimate or 0.0) for e in each]
    dfs = [e.df for e in each if e.df is not None]
    found = pool(
        values, [_error(e, ratio=ratio) for e in each], df_complete=min(dfs) if dfs else None,
        level=each[0].level,
    )  # fmt: skip
    back = math.exp if ratio else float
    size = _effect_size(each, ratio=ratio)
    ends = [float(end or 0.0) for end in (found.estimate, found.conf_low, found.conf_high)]
    sizes = [None if size is None else size * end for end in ends]
    made = replace(
        each[0], estimate=back(ends[0]), conf_low=back(ends[1]), conf_high=back(ends[2]),
        std_error=found.std_error, statistic=found.statistic,
        df=found.df, p_value=found.p_value, effect_size=sizes[0], effect_low=sizes[1],
        effect_high=sizes[2], mean_treatment=_mean(e.mean_treatment for e in each),
        mean_comparison=_mean(e.mean_comparison for e in each),
        sd_pooled=_mean(e.sd_pooled for e in each),
        method=f"{each[0].method}; multiple imputation, Rubin's rules",
    )  # fmt: skip
    return made, found.fmi


def _error(e: Estimate, *, ratio: bool) -> float:
    """Return the standard error on the scale pooled on; where the interval alone is given, by it."""
    from scipy.stats import norm, t

    if e.std_error is not None and not ratio:
        return e.std_error
    if e.conf_low is None or e.conf_high is None:
        raise CannotEstimate("A result without an interval cannot be pooled")
    share = 0.5 + e.level / 2
    quantile = float(norm.ppf(share) if e.df is None else t.ppf(share, e.df))
    low, high = (math.log(end) if ratio else end for end in (e.conf_low, e.conf_high))
    return (high - low) / (2 * quantile)


def _effect_size(each: Sequence[Estimate], *, ratio: bool) -> float | None:
    """Return the standard deviations that a unit of the estimate is worth, averaged."""
    pairs = [
        (e.effect_size, math.log(e.estimate) if ratio else e.estimate)
        for e in each if e.effect_size is not None and e.estimate
    ]  # fmt: skip
    worth = [size / value for size, value in pairs if size is not None and value]
    return sum(worth) / len(worth) if worth else None


def _mean(values: object) -> float | None:
    known = [value for value in values if value is not None]  # type: ignore[attr-defined]
    return sum(known) / len(known) if known else None
