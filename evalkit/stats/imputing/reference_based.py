"""Reference-based imputation of an outcome measured at several waves (J2R, CR, CIR, LMCF, MAR)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.asked_waves import AskedWaves
from evalkit.stats.imputing.reference_draws import ReferenceDraws, draw_references, shifts
from evalkit.stats.imputing.strategies import MEANING, STRATEGIES
from evalkit.stats.imputing.wave_people import IMPUTED, WavePeople, read_people
from evalkit.stats.redrawing.assignments import check_whole_number
from evalkit.stats.shared.columns import as_names, choice, invalid, is_numeric, optional_name

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

COVARIANCES = ("common", "by-arm")
UNCLUSTERED = (
    "People are imputed as independent of one another: what members of a cluster share enters the "
    "analysis (CR2) but not the imputed values, which are a little too alike across clusters"
)


class WaveImputations(list["pd.DataFrame"]):
    """Completed data: a list of long frames, one an imputation, with how they came about.

    Each frame has one row a person and wave with the columns named in the call and `imputed`
    (true where the outcome was missing), people in order of the data; a baseline taken from a wave
    is in the column `baseline`. `counts` is a frame by arm and wave: `arm, wave, n, observed,
    imputed_between` (gaps before a person is last seen) and `imputed_after`. `dropped_why` counts
    the rows of the data left out by reason, `n_dropped` all of them. `iterations` and `reduction`
    (potential scale reduction, near 1) say how the draws settled.
    """

    def __init__(
        self,
        frames: Sequence[pd.DataFrame],
        *,
        strategy: str,
        counts: pd.DataFrame,
        notes: tuple[str, ...],
        dropped_why: tuple[tuple[str, int], ...],
        iterations: int,
        reduction: float,
    ) -> None:
        super().__init__(frames)
        self.strategy, self.counts, self.notes = strategy, counts, notes
        self.dropped_why, self.iterations, self.reduction = dropped_why, iterations, reduction

    @property
    def n_dropped(self) -> int:
        """The number of rows of the data left out."""
        return sum(count for _, count in self.dropped_why)


def reference_based(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    person: str,
    wave: str,
    strategy: str = "J2R",
    m: int = 20,
    seed: int,
    baseline: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    waves: Sequence[Any] | None = None,
    delta: float | Mapping[Any, float] | None = None,
    covariance: str = "common",
) -> WaveImputations:
    """Impute a continuous outcome at several waves, treated people as the strategy says.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person and wave; never changed. A missing outcome
        and a missing row are the same
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`; one
        value a person
    treated : the value of `treatment` that names the treated arm; the other is the reference
    person, wave : names of the columns of people and waves
    strategy : what holds of treated people after they are last seen: "J2R" jump to reference, "CR"
        copy reference, "CIR" copy increments in reference, "LMCF" last mean carried forward, "MAR"
        as their own arm. Gaps before a person is last seen, and everything missing in the
        comparison arm, are imputed under MAR; treated people never seen at any of the waves take
        the comparison arm's means, except under "MAR"
    m : number of imputations
    seed : a whole number; the same seed and rows, in any order, give the same answer
    baseline : name of a column with each person's score before the start, or the value of `wave`
        whose outcome is that score: a covariate then, and people without it are left out. Without
        `baseline` the first wave is modelled like the others, with a mean by arm, and nobody is
        left out for lack of it
    covariates : names, one value a person; people without one are left out
    cluster : name of the column of clusters, carried into the frames; the imputation model takes
        people as independent
    waves : the waves to use, in order; else those of an ordered category or numbers sorted
    delta : added to what is imputed for treated people after they are last seen: one number, or
        numbers by wave, in outcome units
    covariance : "common" to both arms, with one coefficient a covariate and wave; or "by-arm",
        each arm estimated on its own, its coefficients too

    Returns
    -------
    WaveImputations
        A list of `m` long frames with `.counts`, `.notes`, `.dropped_why`, `.iterations`.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, a person twice at one wave or with two
        values of arm, baseline, covariate or cluster, waves of unknown order, an unknown option.
    CannotEstimate
        When there is one wave, nothing is missing, a wave has nobody or nobody of an arm, an arm
        has fewer than two people, two waves were seen together in too few, or covariates determine
        the arm.
    NotConverged
        When the draws do not settle.

    Notes
    -----
    All waves are normal given arm and covariates with an unstructured covariance. Parameters are
    drawn from their posterior under a flat prior by data augmentation, in chains that start far
    apart, each giving one draw after they have come together; missing waves are then drawn from
    their conditional normal distribution under the strategy's profile.

    References
    ----------
    Carpenter, Roger and Kenward (2013), Journal of Biopharmaceutical Statistics 23:1352-1371;
    Schafer (1997), Analysis of Incomplete Multivariate Data, chapter 5.
    """
    choice(strategy, STRATEGIES, argument="strategy")
    asked = AskedWaves(
        outcome, treatment, treated, person, wave, baseline, as_names(covariates), cluster,
        None if waves is None else tuple(waves),
    )  # fmt: skip
    draws = prepared(data, asked, m=m, seed=seed, covariance=covariance)
    filled = draws.outcomes(strategy, shifts(delta, draws.people))
    notes = [f"Treated people lost to follow-up: {MEANING[strategy]}"]
    if delta is not None:
        notes.append(f"delta={delta!r} was added to what is imputed after they are last seen")
    return WaveImputations(
        _frames(draws.people, filled, asked),
        strategy=strategy,
        counts=wave_counts(draws.people),
        notes=(*notes, *model_notes(draws, asked)),
        dropped_why=draws.people.dropped,
        iterations=draws.iterations,
        reduction=draws.reduction,
    )


def prepared(data: Any, asked: AskedWaves, *, m: int, seed: int, covariance: str) -> ReferenceDraws:
    """Return the draws from which every strategy fills the waves, once options are checked."""
    choice(covariance, COVARIANCES, argument="covariance")
    check_whole_number(seed, "seed", 0)
    if isinstance(m, bool) or not isinstance(m, int | np.integer) or m < 1:
        raise invalid(f"m={m!r}.", allowed="a whole number, 1 or more")
    if m == 1:
        raise CannotEstimate(
            "One imputation cannot show how uncertain the imputed values are. Use m=20 or more."
        )
    return draw_references(read_people(data, asked), int(m), int(seed), covariance)


def wave_counts(people: WavePeople) -> pd.DataFrame:
    """Return who was observed and imputed, one row an arm and wave."""
    import pandas as pd

    missing = np.isnan(people.outcome)
    after = np.arange(missing.shape[1]) > people.last[:, None]
    rows = []
    for value, which in ((1.0, "treatment"), (0.0, "comparison")):
        own = people.arm == value
        for k, wave in enumerate(people.labels):
            rows.append(
                {
                    "arm": which,
                    "wave": wave,
                    "n": int(own.sum()),
                    "observed": int((own & ~missing[:, k]).sum()),
                    "imputed_between": int((own & missing[:, k] & ~after[:, k]).sum()),
                    "imputed_after": int((own & missing[:, k] & after[:, k]).sum()),
                }
            )
    return pd.DataFrame(rows)


def model_notes(draws: ReferenceDraws, asked: AskedWaves) -> tuple[str, ...]:
    """Return what must be said of the imputations whatever the strategy."""
    notes = list(draws.people.notes)
    lost = (draws.people.arm == 1) & (draws.people.last < len(draws.people.waves) - 1)
    if not lost.any():
        notes.append("Nobody treated is lost before the last wave: all strategies are the same")
    shared = asked.cluster is not None and draws.people.table[asked.cluster].duplicated().any()
    return (*notes, UNCLUSTERED) if shared else tuple(notes)


def _frames(people: WavePeople, filled: Floats, asked: AskedWaves) -> list[pd.DataFrame]:
    """Return one long frame an imputation, in the order of people in the data and of waves."""
    back = np.argsort(people.place)
    count = len(people.waves)
    table = people.table.iloc[np.repeat(back, count)].reset_index(drop=True)
    table.insert(1, asked.wave, _repeated(people.waves, len(back)))
    table[IMPUTED] = np.isnan(people.outcome[back]).ravel()
    first = [asked.person, asked.wave, asked.treatment, asked.outcome]
    rest = [*people.adjusted, *optional_name(asked.cluster), IMPUTED]
    order = list(dict.fromkeys([*first, *rest]))
    return [table.assign(**{asked.outcome: values[back].ravel()})[order] for values in filled]


def _repeated(waves: tuple[Any, ...], people: int) -> pd.Series[Any]:
    """Return the waves over and over; what are no numbers as a category in their order."""
    import pandas as pd

    labels: Any = np.empty(len(waves), dtype=object)
    labels[:] = waves
    found = pd.Series(np.tile(labels, people)).infer_objects()
    if is_numeric(found):
        return found
    return found.astype(pd.CategoricalDtype(list(waves), ordered=True))
