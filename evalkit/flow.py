"""Who got how far: eligible, allocated, matched, due, returned, analysed, and why not.

Everything that counts people reads the trail made here, so that used + left out = what came in by
construction, in every result and every table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.answers import answers_at
from evalkit.days import closing_days, is_due
from evalkit.intercurrent import as_outcome, read_events, set_aside
from evalkit.people import NEVER, NO_CONSENT, NOT_ELIGIBLE
from evalkit.results import Record, Records
from evalkit.returns import NOT_ANSWERED

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.evaluation import Evaluation
    from evalkit.intake import Intake
    from evalkit.targets import Target

    Mask = npt.NDArray[np.bool_]

CARRIED = (
    "person", "family", "set", "weight", "site", "stratum", "group_id", "period", "treated",
)  # fmt: skip
STEPS = ("came-in", "eligible", "allocated", "matched", "due", "returned", "analysed")
NOT_DUE = "not yet due"
EARLY = "answered before the wave closed, so not yet counted"
NO_BASELINE = "no first score"
NOT_IN_USE = "the measure was not in use yet"
DECLARED_NOT_DUE = "not to be asked: "
"""Heads the reasons that the plan declares to mean that nobody was to be asked."""
TO_FOLLOW = ("due", "returned", "analysed")
"""The steps of those who were due: those analysed and those lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Record):
    """How many of an arm reached a step, or were left out before the next and why.

    `n` counts people, `families` the families they come from and `clusters` their sites where sites
    were assigned. A row with a reason counts those who reached `step` and went no further.
    """

    outcome: str
    measure: str
    role: str
    informant: str
    wave: str
    arm: str
    step: str
    reason: str | None
    n: int
    families: int
    clusters: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The steps of every outcome x wave x informant, by arm."""

    steps: Records[Step]
    received: tuple[tuple[str, int, int, int], ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a step and reason."""
        return self.steps.to_frame()

    def of(self, outcome: str, wave: str, informant: str) -> tuple[Step, ...]:
        """Return the steps of one outcome at one wave from one informant, all arms in one."""
        wanted = (outcome, wave, informant)
        return tuple(s for s in self.steps if (s.outcome, s.wave, s.informant) == wanted)


def target_arms(evaluation: Evaluation, target: Target) -> tuple[str, ...]:
    """Return the names of the arms that a target compares, the programme's first."""
    pair = target.contrast
    return evaluation.arm_names if pair is None else (pair.treated, pair.comparison)


def trail(evaluation: Evaluation, intake: Intake, target: Target) -> pd.DataFrame:
    """Follow each person of an outcome's role: how far they got and why no further.

    Returns one row a person, with person, family, set, weight (of the match), site, stratum, group_id, period, treated,
    arm, step (the last one of `STEPS` reached), reason (None for those analysed), score (as the outcome takes it: 1 and 0 where it is
    yes or no), points (on the measure), baseline (points), n_respondents and covered (whether what
    is known of the start lets them be analysed). Where there are several programmes, people of other arms are not in it.
    """
    import numpy as np

    people = intake.people[intake.people["role"] == target.outcome.role]
    if target.contrast is not None:
        pair = [target.contrast.treated, target.contrast.comparison]
        people = people[people["placed"].isin(pair) | people["placed"].isna()]
    frame = people[list(CARRIED)].reset_index(drop=True)
    if target.contrast is not None:
        placed = people["placed"].to_numpy(dtype=object)
        other = np.where(placed == target.contrast.comparison, 0.0, np.nan)
        frame["treated"] = np.where(placed == target.contrast.treated, 1.0, other)
    frame["arm"] = people["placed"].where(people["treated"].notna(), NEVER).to_numpy(dtype=object)
    first = evaluation.waves[0].id
    answers = answers_at(intake, target, target.wave)
    start = answers_at(intake, target, first)
    for name, table in (("score", answers), ("baseline", start)):
        frame[name] = frame["person"].map(table["score"]).astype(float)
    frame["points"] = read_events(evaluation, intake, target, people, frame["score"])
    frame["score"] = as_outcome(evaluation, target, people, frame["points"])
    out = people["withdrawn"].notna().to_numpy()
    frame.loc[out, ["score", "points", "baseline"]] = np.nan
    frame["n_respondents"] = frame["person"].map(answers["n"]).fillna(0).astype(int)
    stops = list(_stops(evaluation, intake, target, people, frame, answers))
    reasons = np.select([mask for mask, _, _ in stops], [why for _, _, why in stops], default="")
    steps = np.select(
        [mask for mask, _, _ in stops],
        [np.full(len(frame), step, dtype=object) for _, step, _ in stops],
        default=np.asarray("analysed", dtype=object),
    )
    frame["step"] = steps
    frame["reason"] = np.where(reasons == "", np.array(None, dtype=object), reasons)
    frame["covered"] = _covered(evaluation, people, frame)
    return frame


def _stops(
    evaluation: Evaluation, intake: Intake, target: Target,
    people: pd.DataFrame, frame: pd.DataFrame, answers: pd.DataFrame,
) -> Iterable[tuple[Mask, str, npt.NDArray[np.object_] | str]]:  # fmt: skip
    """Yield (who, the step they reached, why no further), in the order people meet them."""
    import numpy as np

    withdrawn = people["withdrawn"].to_numpy(dtype=object)
    out = people["withdrawn"].notna().to_numpy()
    returned = frame["score"].notna().to_numpy()
    entry = people["entry"].to_numpy(dtype=object)
    yield entry == NOT_ELIGIBLE, "came-in", NOT_ELIGIBLE
    yield entry == NO_CONSENT, "eligible", NO_CONSENT
    yield entry == NEVER, "eligible", NEVER
    match = evaluation.declared.design.match
    if match:
        unmatched = people["unmatched"].to_numpy(dtype=object)
        yield frame["weight"].to_numpy() == 0, "allocated", unmatched
    before = "matched" if match else "allocated"
    yield (
        _outside_ages(evaluation, target, people),
        before,
        _ages_reason(evaluation, target),
    )
    due = is_due(evaluation, people, evaluation.wave(target.wave))
    yield ~due & returned, before, EARLY
    yield ~due, before, NOT_DUE
    yield ~returned & _not_in_use(evaluation, target, people), before, NOT_IN_USE
    yield out, "due", withdrawn
    yield from set_aside(evaluation, target, people)
    why = _why_lost(people, frame, answers)
    silent = why == NOT_ANSWERED
    lost = ~returned
    wave = evaluation.wave(target.wave)
    reasons = np.where(silent, _left_reasons(people, closing_days(evaluation, people, wave)), why)
    yield lost & _nobody_was_to_ask(evaluation, reasons), before, _as_not_due(reasons)
    yield lost, "due", reasons
    yield from _uncovered(evaluation, people, frame)
    if evaluation.declared.design.wedge:
        yield people["site"].isna().to_numpy(), "returned", "no site recorded"


def _why_lost(
    people: pd.DataFrame, frame: pd.DataFrame, answers: pd.DataFrame
) -> npt.NDArray[np.object_]:
    import numpy as np

    why = frame["person"].map(answers["why"]) if len(answers) else frame["person"].map({})
    return np.asarray(why.astype(object).where(why.notna(), NOT_ANSWERED), dtype=object)


def _left_reasons(people: pd.DataFrame, closes: pd.Series[pd.Timestamp]) -> npt.NDArray[np.object_]:
    """Return why people left where that is recorded, else that no answer came.

    Those who left after the wave closed were still there and did not answer.
    """
    import numpy as np

    left = people["left_reason"].to_numpy(dtype=object)
    later = (people["left_on"] > closes).to_numpy()
    known = np.array([isinstance(reason, str) for reason in left], dtype=bool) & ~later
    gone = people["left_on"].notna().to_numpy() & ~known & ~later
    reasons = np.where(known, left, NOT_ANSWERED).astype(object)
    return np.where(gone, "left, no reason recorded", reasons).astype(object)


def _not_in_use(evaluation: Evaluation, target: Target, people: pd.DataFrame) -> Mask:
    """Whether a person's wave had closed before the measure came into use."""
    import numpy as np
    import pandas as pd

    day = evaluation.introduced(target)
    if day is None:
        return np.zeros(len(people), dtype=bool)
    closes = closing_days(evaluation, people, evaluation.wave(target.wave))
    return np.asarray(closes < pd.Timestamp(day), dtype=bool)


def _nobody_was_to_ask(evaluation: Evaluation, reasons: npt.NDArray[np.object_]) -> Mask:
    """Whether the reason is one for which, by the plan, nobody was to be asked."""
    import numpy as np

    return np.isin(reasons.astype(str), evaluation.declared.analysis.missing.not_due)


def _as_not_due(reasons: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    import numpy as np

    return np.array([f"{DECLARED_NOT_DUE}{reason}" for reason in reasons], dtype=object)


def _uncovered(
    evaluation: Evaluation, people: pd.DataFrame, frame: pd.DataFrame
) -> Iterable[tuple[Mask, str, str]]:
    """Those who returned but lack the first score or a covariate, where that leaves them out."""
    if evaluation.design.question in ("norm", "level"):
        return
    if not evaluation.design.comparison_group:
        yield frame["baseline"].isna().to_numpy(), "returned", NO_BASELINE
        return
    if evaluation.missing_baseline != "exclude":
        return
    weight = evaluation.declared.design.weight
    named = [*evaluation.declared.analysis.covariates, *(weight.covariates if weight else ())]
    for covariate in dict.fromkeys(named):
        if covariate == "baseline":
            yield frame["baseline"].isna().to_numpy(), "returned", NO_BASELINE
        else:
            yield people[covariate].isna().to_numpy(), "returned", f"no {covariate} recorded"


def _covered(evaluation: Evaluation, people: pd.DataFrame, frame: pd.DataFrame) -> Mask:
    """Whether a person could be analysed with what is known of the start."""
    import numpy as np

    covered = np.ones(len(frame), dtype=bool)
    for lacking, _, _ in _uncovered(evaluation, people, frame):
        covered &= ~lacking
    return covered


def _outside_ages(evaluation: Evaluation, target: Target, people: pd.DataFrame) -> Mask:
    import numpy as np

    ages = evaluation.measure(target.measure).ages
    if ages is None or "age" not in people:
        return np.zeros(len(people), dtype=bool)
    age = people["age"].astype(float).to_numpy()
    low = -np.inf if ages.low is None else ages.low
    high = np.inf if ages.high is None else ages.high + 1
    return np.asarray((age < low) | (age >= high))


def _ages_reason(evaluation: Evaluation, target: Target) -> str:
    return f"outside the measure's ages ({evaluation.measure(target.measure).ages})"


def share_lost(followed: pd.DataFrame) -> float:
    """Return the share of those due who were not analysed; 0 where nobody was due."""
    due = followed["step"].isin(TO_FOLLOW)
    return float((followed.loc[due, "step"] != "analysed").mean()) if due.any() else 0.0


def count_steps(evaluation: Evaluation, target: Target, followed: pd.DataFrame) -> tuple[Step, ...]:
    """Count a trail by arm: those who reached each step, and those left out there by reason."""
    matched = evaluation.declared.design.match is not None
    steps = [step for step in STEPS if step != "matched" or matched]
    rank = {step: n for n, step in enumerate(STEPS)}
    reached = followed["step"].map(rank)
    rows = []
    for arm in (*target_arms(evaluation, target), NEVER):
        mine = followed["arm"] == arm
        if arm == NEVER and not mine.any():
            continue
        for step in steps:
            here = followed[mine & (reached >= rank[step])]
            rows.append(_step(evaluation, target, arm, step, None, here))
            stopped = followed[mine & (followed["step"] == step) & followed["reason"].notna()]
            for reason, group in stopped.groupby("reason", sort=True):
                rows.append(_step(evaluation, target, arm, step, str(reason), group))
    return tuple(rows)


def _step(
    evaluation: Evaluation, target: Target, arm: str, step: str, reason: str | None,
    who: pd.DataFrame,
) -> Step:  # fmt: skip
    by_site = evaluation.declared.design.assigned_by == "site"
    return Step(
        outcome=target.outcome.id, measure=target.measure, role=target.outcome.role,
        informant=target.informant, wave=target.wave, arm=arm, step=step, reason=reason,
        n=len(who), families=int(who["family"].nunique()),
        clusters=int(who["site"].nunique()) if by_site else None,
    )  # fmt: skip
