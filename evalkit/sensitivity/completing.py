"""Trails with the lost filled in: what is imputed for one result, and from what."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.intercurrent import cut
from evalkit.sampling import cluster_column
from evalkit.sensitivity.asked import fillable, in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target

OUTCOME, BASELINE, CLUSTER, ARM = "the outcome", "baseline", "the cluster", "the arm"
KNOWN_ENOUGH = 0.3
"""A helper must be known for this share of each arm: mostly empty columns carry noise, not news."""
MANY_VALUES, LEANING = 10, 1.0
"""A score of so many values, with no more skewness, is drawn from a normal model."""
MOST_CHAINS = 20
"""Chains that are kept for a picture."""
PEOPLE_A_COLUMN = 5
"""At least so many people with an outcome in each arm for every column imputed from."""


@dataclass(frozen=True, slots=True, eq=False)
class Completed:
    """The trail of one result with its lost filled in, once an imputation.

    `n_filled` people were given an outcome, and `filled` says who; `helpers` names what it was
    imputed from in words, `notes` what to know. `trace` is the path of the chains (see
    `evalkit.stats.impute`).
    """

    trails: tuple[pd.DataFrame, ...]
    filled: pd.Series[bool]
    helpers: tuple[str, ...]
    notes: tuple[str, ...]
    trace: pd.DataFrame

    @property
    def n_filled(self) -> int:
        """How many people were given an outcome."""
        return int(self.filled.sum())


def seed_of(study: Study, target: Target, use: str) -> int:
    """Return the seed of one use of chance for one result: the same whatever else is asked."""
    import numpy as np

    words = "|".join(str(part) for part in (*target.key, use))
    entropy = [study.evaluation.declared.seed, zlib.crc32(words.encode())]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


def complete(
    study: Study, target: Target, followed: pd.DataFrame, m: int, rounds: int = 10
) -> Completed:
    """Impute the outcomes of those lost `m` times, by arm, from what is known of everyone.

    Scores of many values are drawn from a normal model within the ends of the scale, everything else by
    matching (see `evalkit.stats.impute`). Imputed from: the first score, the covariates of the plan, the columns it names as auxiliary,
    the strata, the outcome's scores at other waves and those that other informants gave. Helpers that
    are mostly unknown, or too many for the people there are, are left out with a note. First scores
    and covariates that are missing are completed as well. Raises CannotEstimate where an arm has
    nobody to learn from.
    """
    from evalkit import stats

    rows = in_order(followed)
    frame, notes = _to_impute(study, target, rows)
    two_arms = study.evaluation.design.comparison_group
    cluster = _cluster(study, rows)
    if cluster is not None:
        frame[CLUSTER] = rows[cluster].to_numpy(dtype=object)
    helpers = tuple(name for name in frame if name not in (OUTCOME, CLUSTER))
    if two_arms:
        frame[ARM] = rows["treated"].to_numpy(dtype=float)
    smooth = _smooth(frame, helpers)
    try:
        found = stats.impute(
            frame, m=m, iterations=rounds, method="pmm", methods=dict.fromkeys(smooth, "norm"),
            bounds=dict.fromkeys(smooth, study.evaluation.scale(target).range),
            by=ARM if two_arms else None, cluster=None if cluster is None else CLUSTER, seed=seed_of(study, target, "impute"),
        )  # fmt: skip
    except InvalidInput as refusal:
        raise CannotEstimate(f"Nothing could be imputed: {refusal}") from None
    filled = fillable(followed)
    trails = tuple(_trail(target, followed, filled, rows, frame, one) for one in found)
    return Completed(trails, filled, helpers, (*notes, *found.notes), found.trace)


def _smooth(frame: pd.DataFrame, helpers: tuple[str, ...]) -> list[str]:
    """Return the scores to draw from a normal model within the ends of the scale.

    Matching takes people to the nearest of a few, which falls short where the lost are of another kind
    than those who answered (docs/missing-calibration.md); it is kept for scores that take few values
    or lean to one end, unless nothing is known to match people by.
    """
    scores = [name for name in frame if name in (OUTCOME, BASELINE) or name.startswith("score ")]
    return [
        name for name in scores
        if (frame[name].nunique() >= MANY_VALUES and abs(float(frame[name].skew())) <= LEANING)
        or (name == OUTCOME and not helpers)
    ]  # fmt: skip


def _to_impute(
    study: Study, target: Target, rows: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the outcome and what it is imputed from, one row a person due."""
    import pandas as pd

    arms = rows["treated"] if study.evaluation.design.comparison_group else pd.Series(0, rows.index)
    known = rows["points"].notna().groupby(arms).sum()
    if not len(known) or known.min() < PEOPLE_A_COLUMN:
        raise CannotEstimate(
            "Too few people of an arm answered to fill in what the others would say"
        )
    room = max(2, int(known.min()) // PEOPLE_A_COLUMN)
    columns: dict[str, Any] = {OUTCOME: rows["points"]}
    notes: list[str] = []
    for name, values in _helpers(study, target, rows):
        share = values.notna().groupby(arms).mean()
        if values.nunique() < 2 or share.min() < KNOWN_ENOUGH:
            continue
        if len(columns) - 1 >= room:
            notes.append(f"{name} is not imputed from: there are too few people for more columns")
            continue
        columns[name] = values
    return pd.DataFrame(columns).reset_index(drop=True), tuple(notes)


def _helpers(
    study: Study, target: Target, rows: pd.DataFrame
) -> Iterable[tuple[str, pd.Series[Any]]]:
    """Yield what an outcome may be imputed from, the most useful first."""
    people, plan = study.intake.people, study.evaluation.declared.analysis
    weight = study.evaluation.declared.design.weight
    yield BASELINE, rows["baseline"]
    for name in dict.fromkeys([*plan.covariates, *(weight.covariates if weight else ())]):
        if name != BASELINE:
            yield name, rows["person"].map(people[name])
    yield from _other_scores(study, target, rows, same_informant=True)
    for name in plan.missing.auxiliary:
        if name not in plan.covariates:
            yield name, rows["person"].map(people[name])
    yield from _other_scores(study, target, rows, same_informant=False)
    if study.evaluation.strata and rows["stratum"].nunique() < len(rows) / PEOPLE_A_COLUMN:
        yield "stratum", rows["stratum"].astype(object)


def _other_scores(
    study: Study, target: Target, rows: pd.DataFrame, *, same_informant: bool
) -> Iterable[tuple[str, pd.Series[Any]]]:
    """Yield the outcome's scores at other waves, or those of other informants at this one."""
    due = {wave.id: wave.due.days for wave in study.evaluation.waves}
    nearest = sorted(study.trails, key=lambda pair: abs(due[pair[0].wave] - due[target.wave]))
    for other, trail in nearest:
        alike = (other.outcome.id, other.contrast) == (target.outcome.id, target.contrast)
        if not alike or other.key == target.key:
            continue
        if same_informant != (other.informant == target.informant):
            continue
        if not same_informant and other.wave != target.wave:
            continue
        points = trail.set_index("person")["points"]
        name = f"score at {other.wave}" if same_informant else f"score by {other.informant}"
        yield name, rows["person"].map(points)


def _cluster(study: Study, rows: pd.DataFrame) -> str | None:
    """Return the column of units that people share, where enough do for it to be modelled."""
    name = cluster_column(study, rows)
    if name is None or rows[name].nunique() > 0.8 * len(rows):
        return None
    return name


def _trail(
    target: Target, followed: pd.DataFrame, lost: pd.Series[bool], rows: pd.DataFrame,
    frame: pd.DataFrame, completed: pd.DataFrame,
) -> pd.DataFrame:  # fmt: skip
    """Return the trail as it would be had those lost answered what was imputed."""
    import numpy as np

    made = followed.copy()
    points = completed[OUTCOME].set_axis(rows.index)
    score = cut(target, points) if target.kind == "yes-no" else points
    made.loc[lost, "points"], made.loc[lost, "score"] = points[lost], score[lost]
    for name in frame:
        if name in (OUTCOME, CLUSTER, ARM, "stratum") or str(name).startswith("score "):
            continue
        values = completed[name].set_axis(rows.index)
        if name not in made:
            made[name] = np.nan if values.dtype.kind in "fiu" else None
        made.loc[rows.index, name] = values
    made.loc[lost, "step"], made.loc[lost, "reason"] = "analysed", None
    return made


def outcome_chains(trace: pd.DataFrame) -> tuple[tuple[float, ...], ...]:
    """Return the mean of the imputed outcomes at each iteration, one row a chain and arm in turn."""
    mine = trace[trace["column"] == OUTCOME].sort_values("iteration")
    chains = mine.groupby(["chain", "arm"], sort=True)["mean"]
    return tuple(tuple(map(float, means)) for _, means in chains)[:MOST_CHAINS]
