"""Step-down adjusted p-values for several outcomes, from their joint distribution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, Records
from evalkit.stats.redrawing.assignments import (
    Assigned,
    Plan,
    Reassign,
    check_whole_number,
    plan,
    read_assigned,
)
from evalkit.stats.redrawing.max_t import monotone, step_down
from evalkit.stats.redrawing.studentised import NUMBERS, randomised, ratio, resampled
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
from evalkit.stats.shared.columns import as_names, invalid

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDown(Estimate):
    """One outcome of several: `p_value` on its own, `p_adjusted` for all of them.

    `draws` is the number of assignments or resamples, `exact` whether they are all the
    assignments possible.
    """

    draws: int = 0
    exact: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """The outcomes as read, with their estimates, errors and t."""

    frame: pd.DataFrame
    study: Study
    assigned: Assigned
    outcomes: list[Outcome]
    estimates: Floats
    errors: Floats
    t: Floats

    def size(self, *, refitted: bool) -> int:
        """Return how many draws are worked through at a time."""
        widths = [each.rows.width(refitted=refitted) for each in self.outcomes]
        return max(1, NUMBERS // max(self.assigned.units, *widths))


def westfall_young(
    data: Any,
    *,
    outcomes: str | Sequence[str],
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    strata: str | None = None,
    cluster: str | None = None,
    reassign: Reassign | None = None,
    permutations: int = 10_000,
    seed: int,
) -> Records[StepDown]:
    """Return differences in several outcomes, p-values adjusted by step-down maxT.

    Everyone is re-randomised as was randomised, all outcomes at once, so that the adjustment
    knows how they go together. It controls the chance of any false finding among the outcomes.

    Parameters
    ----------
    outcomes : names of numeric columns; rows without one outcome still serve the others
    data, treatment, treated, covariates, strata, cluster, reassign, permutations, seed : as in
        `permutation_test`, whose "t" this uses, two-sided

    Returns
    -------
    Records of StepDown, in the order named
        `statistic` is t with the HC2 (clustered: CR2) `std_error`; `p_value` its own randomisation
        p-value, `p_adjusted` the step-down one. Exact, and never 0, as in `permutation_test`.

    Raises
    ------
    InvalidInput, CannotEstimate
        As `permutation_test` with statistic="t"; and for no outcome, or one named twice.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing; Phipson and Smyth
    (2010), Statistical Applications in Genetics and Molecular Biology 9:39.
    """
    study = Study(
        treatment=treatment,
        treated=treated,
        covariates=as_names(covariates),
        strata=strata,
        cluster=cluster,
    )
    family = _family(data, as_names(outcomes), study)
    how = _plan(family, reassign, permutations, seed)
    return _randomised(family, how, "Westfall-Young step-down maxT")


def romano_wolf(
    data: Any,
    *,
    outcomes: str | Sequence[str],
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    strata: str | None = None,
    cluster: str | None = None,
    reassign: Reassign | None = None,
    permutations: int = 10_000,
    seed: int,
) -> Records[StepDown]:
    """Return differences in several outcomes, p-values adjusted by Romano-Wolf step-down.

    Units (rows, or whole clusters) are resampled with replacement within arm and stratum, all
    outcomes at once, and each t is centred at the estimate: this tests average effects, also
    where randomisation was not the source of the arms.

    Parameters
    ----------
    outcomes : names of numeric columns; rows without one outcome still serve the others
    permutations : number of resamples
    reassign : with a function (see `permutation_test`) the t of re-randomised arms take the place
        of resamples; the step-down is the same
    data, treatment, treated, covariates, strata, cluster, seed : as in `permutation_test`

    Returns
    -------
    Records of StepDown, in the order named
        `statistic` is t with the HC2 (clustered: CR2) `std_error`; `p_value` its own bootstrap
        p-value, `p_adjusted` the step-down one; both (b + 1) / (m + 1).

    Raises
    ------
    InvalidInput, CannotEstimate
        As `westfall_young`; and CannotEstimate when a stratum has a single unit in an arm, which
        leaves nothing to resample (matched pairs: use `westfall_young`).

    References
    ----------
    Romano and Wolf (2005), JASA 100:94-108; Romano and Wolf (2016), Statistics and Probability
    Letters 113:38-40.
    """
    study = Study(
        treatment=treatment,
        treated=treated,
        covariates=as_names(covariates),
        strata=strata,
        cluster=cluster,
    )
    family = _family(data, as_names(outcomes), study)
    if reassign is not None:
        how = _plan(family, reassign, permutations, seed)
        return _randomised(family, how, "Romano-Wolf step-down")
    check_whole_number(permutations, "permutations", 1)
    check_whole_number(seed, "seed", 0)
    draws = _resamples(family.assigned, permutations, seed, family.size(refitted=True))
    alone, jointly, lost = step_down(family.t, centred(family.outcomes, family, draws))
    how_made = f"{permutations:,} resamples of units within arms, p = (b + 1) / (m + 1)"
    return _records(
        family,
        (alone + 1) / (permutations + 1),
        monotone(family.t, (jointly + 1) / (permutations + 1)),
        f"Romano-Wolf step-down over {len(family.t)} outcomes, {how_made}",
        lost,
        (permutations, False),
    )


def _family(data: Any, outcomes: tuple[str, ...], study: Study) -> _Family:
    if not outcomes:
        raise invalid("outcomes is empty.", allowed="the names of one numeric column or more")
    frame = read_frame(data, study, outcomes)
    assigned = read_assigned(frame, study.treatment, study.treated, study.strata, study.cluster)
    rows, unit = assigned.rows, assigned.unit
    found = [read_outcome(frame, name, study, rows, unit, least=2) for name in outcomes]
    pairs = np.array([observed(each, assigned) for each in found])
    t = [studentised(b, e, x.name) for (b, e), x in zip(pairs, found, strict=True)]
    return _Family(frame, study, assigned, found, pairs[:, 0], pairs[:, 1], np.array(t))


def _plan(family: _Family, reassign: Reassign | None, permutations: int, seed: int) -> Plan:
    return plan(
        family.frame,
        family.assigned,
        reassign=reassign,
        treatment=family.study.treatment,
        treated=family.study.treated,
        permutations=permutations,
        seed=seed,
    )


def _randomised(family: _Family, how: Plan, name: str) -> Records[StepDown]:
    draws = (
        np.column_stack([ratio(*randomised(each.rows, arms)) for each in family.outcomes])
        for arms in how.blocks(family.size(refitted=False))
    )
    alone, jointly, lost = step_down(family.t, draws)
    return _records(
        family,
        how.p_value(alone),
        monotone(family.t, how.p_value(jointly)),
        f"{name} over {len(family.t)} outcomes, {how.sentence()}",
        lost,
        (how.draws, how.exact),
    )


def _resamples(assigned: Assigned, draws: int, seed: int, size: int) -> Iterator[Floats]:
    """Give how often each unit is taken, within arm and stratum, at most `size` draws at a time."""
    cells = assigned.stratum * 2 + assigned.arm.astype(np.intp)
    members = [np.flatnonzero(cells == cell) for cell in np.unique(cells)]
    if min(len(cell) for cell in members) < 2:
        raise CannotEstimate(
            "A stratum has a single unit in an arm, so resampling within it changes nothing. "
            "Use westfall_young, which re-randomises."
        )
    rng = np.random.default_rng(seed)
    for start in range(0, draws, size):
        count = min(size, draws - start)
        taken = np.zeros((count, assigned.units))
        for cell in members:
            share = np.full(len(cell), 1 / len(cell))
            taken[:, cell] = rng.multinomial(len(cell), share, size=count)
        yield taken


def centred(
    outcomes: Sequence[Outcome], family: _Family, draws: Iterable[Floats]
) -> Iterator[Floats]:
    """Give (b* - b) / error* of each resample, draws by outcomes."""
    for taken in draws:
        columns = []
        for place, each in enumerate(outcomes):
            estimate, error = resampled(each.rows, family.assigned.arm, taken)
            columns.append(ratio(estimate - family.estimates[place], error))
        yield np.column_stack(columns)


def _records(
    family: _Family, alone: Floats, jointly: Floats, how: str, lost: int, drawn: tuple[int, bool]
) -> Records[StepDown]:
    records = []
    for place, each in enumerate(family.outcomes):
        error = error_kind(each)
        records.append(
            StepDown(
                **described(each, family.study),
                estimate=float(family.estimates[place]),
                std_error=float(family.errors[place]),
                statistic=float(family.t[place]),
                p_value=float(alone[place]),
                p_adjusted=float(jointly[place]),
                method=f"{how}; difference{adjustment(family.study)} over its {error} error.",
                notes=(*each.notes, *lost_note(lost)),
                draws=drawn[0],
                exact=drawn[1],
            )
        )
    return Records(records)
