"""Randomisation inference: how often would chance assignment alone give a difference like this?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evalkit.results import Estimate
from evalkit.stats.redrawing.assignments import Plan, Reassign, plan, read_assigned
from evalkit.stats.redrawing.studentised import NUMBERS, at_least, differences, randomised, ratio
from evalkit.stats.redrawing.trial_outcomes import (
    Outcome,
    Study,
    adjustment,
    described,
    error_kind,
    lost_note,
    observed,
    read_frame,
    read_outcome,
    studentised,
)
from evalkit.stats.shared.columns import as_names, choice

ALTERNATIVES = ("two-sided", "greater", "less")


@dataclass(frozen=True, slots=True, kw_only=True)
class PermutationTest(Estimate):
    """A randomisation test: the estimate, and how many assignments are as extreme.

    `assignments` is the number gone through, `as_extreme` how many of them are at least as
    extreme as what was found, `exact` whether they are all that were possible (the one that
    happened among them). `p_value` is then as_extreme / assignments, and otherwise
    (as_extreme + 1) / (assignments + 1); `p_error` is its Monte-Carlo standard error, 0 if exact.
    """

    alternative: str = "two-sided"
    assignments: int = 0
    as_extreme: int = 0
    exact: bool = False
    p_error: float = 0.0


def permutation_test(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    strata: str | None = None,
    cluster: str | None = None,
    statistic: str = "difference",
    reassign: Reassign | None = None,
    alternative: str = "two-sided",
    permutations: int = 10_000,
    seed: int,
) -> PermutationTest:
    """Test whether treatment made no difference to anyone, by re-randomising as was randomised.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; the difference is adjusted for them by least squares
    strata : name of the column of strata or blocks: each keeps its number of treated units, and
        they enter the model as fixed effects
    cluster : name of the column of clusters: whole clusters are re-randomised
    statistic : "difference", the (adjusted) difference in means, which tests that nobody was
        affected; or "t", it over its HC2 (clustered: CR2) standard error, which with many units
        holds also where effects vary and cancel out
    reassign : a function of (pandas frame, generator) that assigns again as was done (minimisation,
        constrained randomisation): it gets the rows with an arm, and a numpy Generator as its only
        source of chance, and returns an arm for each in their order, coded as `treatment` is
    alternative : "two-sided" (|statistic| as large), "greater", "less"
    permutations : assignments sampled where they are too many to go through
    seed : a whole number; the same seed and rows, in one order, give the same answer

    Returns
    -------
    PermutationTest
        `estimate` is in outcome units, as `mean_difference` gives it; `statistic` the quantity
        compared. No interval. All assignments are gone through where there are at most 200,000
        (and at most 50 million arms in them); `p_value` is never 0.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, a cluster in two arms or strata, an
        unknown option, or a `reassign` that returns something else than arms.
    CannotEstimate
        When only one assignment is possible, an arm has nobody (for "t": fewer than two rows or
        clusters), the outcome does not vary, or the treatment follows from the covariates.

    Notes
    -----
    Everyone with an arm is re-randomised, those without an outcome too; the statistic then is that
    of the rows with an outcome. An assignment under which it cannot be formed counts as extreme.

    References
    ----------
    Fisher (1935), The Design of Experiments; Phipson and Smyth (2010), Statistical Applications in
    Genetics and Molecular Biology 9:39; Chung and Romano (2013), Annals of Statistics 41:484-507;
    Wu and Ding (2021), JASA 116:1898-1913.
    """
    choice(statistic, ("difference", "t"), argument="statistic")
    choice(alternative, ALTERNATIVES, argument="alternative")
    study = Study(
        treatment=treatment,
        treated=treated,
        covariates=as_names(covariates),
        strata=strata,
        cluster=cluster,
    )
    frame = read_frame(data, study, (outcome,))
    assigned = read_assigned(frame, treatment, treated, strata, cluster)
    found = read_outcome(
        frame, outcome, study, assigned.rows, assigned.unit, least=2 if statistic == "t" else 1
    )
    how = plan(
        frame,
        assigned,
        reassign=reassign,
        treatment=treatment,
        treated=treated,
        permutations=permutations,
        seed=seed,
    )
    estimate, error = observed(found, assigned)
    if statistic == "difference":
        extreme, lost = _count_differences(found, how, estimate, alternative)
        value, std_error = estimate, None
    else:
        value, std_error = studentised(estimate, error, outcome), error
        extreme, lost = _count_ratios(found, how, value, alternative)
    p_value = float(how.p_value(extreme))
    spread = 0.0 if how.exact else float(np.sqrt(p_value * (1 - p_value) / how.draws))
    return PermutationTest(
        **described(found, study),
        estimate=estimate,
        std_error=std_error,
        statistic=value,
        p_value=p_value,
        method=_sentence(found, study, statistic, alternative, how),
        notes=(*found.notes, *lost_note(lost)),
        alternative=alternative,
        assignments=how.draws,
        as_extreme=extreme,
        exact=how.exact,
        p_error=spread,
    )


def _signed(values: Any, alternative: str) -> Any:
    return np.abs(values) if alternative == "two-sided" else values * _DIRECTION[alternative]


_DIRECTION = {"greater": 1.0, "less": -1.0}


def _count_differences(
    found: Outcome, how: Plan, estimate: float, alternative: str
) -> tuple[int, int]:
    """Return how many draws are as extreme, and how many of those could not be formed."""
    target = _signed(np.float64(estimate), alternative)
    draws = differences(found.rows, how.blocks(max(1, NUMBERS // how.assigned.units)))
    reached = at_least(_signed(draws, alternative), target, float(found.rows.y.std()))
    return int(reached.sum()), int(np.isnan(draws).sum())


def _count_ratios(found: Outcome, how: Plan, value: float, alternative: str) -> tuple[int, int]:
    extreme = lost = 0
    target = _signed(np.float64(value), alternative)
    for arms in how.blocks(
        max(1, NUMBERS // max(found.rows.width(refitted=False), how.assigned.units))
    ):
        draws = ratio(*randomised(found.rows, arms))
        extreme += int(at_least(_signed(draws, alternative), target, 1.0).sum())
        lost += int(np.isnan(draws).sum())
    return extreme, lost


def _sentence(found: Outcome, study: Study, statistic: str, alternative: str, how: Plan) -> str:
    ratio_of = f" over its {error_kind(found)} standard error" if statistic == "t" else ""
    units = "clusters" if study.cluster else "rows"
    return (
        f"Randomisation test of the difference in {found.name}{adjustment(study)}{ratio_of}, "
        f"{alternative}: {how.sentence()} ({units} re-randomised)."
    )
