"""Who got how far: eligible, allocated, matched, due, returned, analysed, and why not.

Everything that counts people reads the trail made here, so that used + left out = what came in by
construction, in every result and every table.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.people import NEVER, NO_CONSENT, NOT_ELIGIBLE
from evalkit.results import Record, Records
from evalkit.returns import NOT_ANSWERED

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.declaration import Wave
    from evalkit.evaluation import Evaluation, Target
    from evalkit.intake import Intake

    Mask = npt.NDArray[np.bool_]

STEPS = ("came-in", "eligible", "allocated", "matched", "due", "returned", "analysed")
NOT_DUE = "not yet due"
EARLY = "answered before the wave closed, so not yet counted"
NO_BASELINE = "no first score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Record):
    """How many of an arm reached a step, or were left out before the next and why.

    `n` counts people and `families` the families they come from. A row with a reason counts those
    who reached `step` and went no further.
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


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The steps of every outcome x wave x informant, by arm."""

    steps: Records[Step]
    received: tuple[tuple[str, int, int, int], ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a step and reason."""
        return self.steps.to_frame()

    def of(self, outcome: str, wave: str, informant: str) -> tuple[Step, ...]:
        """Return the steps of one outcome at one wave from one informant."""
        wanted = (outcome, wave, informant)
        return tuple(s for s in self.steps if (s.outcome, s.wave, s.informant) == wanted)


def arm_names(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the names of the arms, the programme's first."""
    arm = evaluation.declared.design.arm
    if arm is None:
        return ("programme",)
    return (arm.treated, arm.comparison) if evaluation.design.comparison_group else (arm.treated,)


def trail(evaluation: Evaluation, intake: Intake, target: Target) -> pd.DataFrame:
    """Follow each person of an outcome's role: how far they got and why no further.

    Returns one row a person, with person, family, set, site, treated, arm, step (the last one of
    `STEPS` reached), reason (None for those analysed), score, baseline and n_respondents.
    """
    import numpy as np

    people = intake.people[intake.people["role"] == target.outcome.role]
    frame = people[["person", "family", "set", "site", "treated"]].reset_index(drop=True)
    frame["arm"] = _arm_labels(evaluation, frame["treated"].to_numpy(float))
    first = evaluation.waves[0].id
    answers = _answers(intake, target, target.wave)
    start = _answers(intake, target, first)
    for name, table in (("score", answers), ("baseline", start)):
        frame[name] = frame["person"].map(table["score"]).astype(float)
    frame.loc[people["withdrawn"].notna().to_numpy(), ["score", "baseline"]] = np.nan
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
    return frame


def _arm_labels(
    evaluation: Evaluation, treated: npt.NDArray[np.float64]
) -> npt.NDArray[np.object_]:
    import numpy as np

    names = arm_names(evaluation)
    other = names[1] if len(names) > 1 else NEVER
    return np.select([treated == 1, treated == 0], [names[0], other], default=NEVER).astype(object)


def _answers(intake: Intake, target: Target, wave: str) -> pd.DataFrame:
    """Return score, n (scored answers) and why (missing) by person; several are averaged.

    Where several respondents give different reasons, one that says more than silence counts, so
    that the order of the rows does not matter.
    """
    import pandas as pd

    scores = intake.scores
    mine = scores[
        (scores["measure"] == target.measure)
        & (scores["scale"] == target.scale)
        & (scores["wave"] == wave)
        & (scores["informant"] == target.informant)
    ]
    grouped = mine.groupby("person", sort=False)
    table = grouped["score"].agg(score="mean", n="count")
    unscored = mine[mine["why_missing"].notna()].sort_values("why_missing")
    silent = unscored["why_missing"] == NOT_ANSWERED
    said = pd.concat([unscored[~silent], unscored[silent]])
    table["why"] = said.groupby("person")["why_missing"].first()
    return table


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
    if match and match.sets:
        yield frame["set"].isna().to_numpy(), "allocated", "no match was found"
    before = "matched" if match and match.sets else "allocated"
    yield (
        _outside_ages(evaluation, target, people),
        before,
        _ages_reason(evaluation, target),
    )
    due = is_due(evaluation, people, evaluation.wave(target.wave))
    yield ~due & returned, before, EARLY
    yield ~due, before, NOT_DUE
    yield out, "due", withdrawn
    why = _why_lost(people, frame, answers)
    silent = why == NOT_ANSWERED
    lost = ~returned
    wave = evaluation.wave(target.wave)
    reasons = np.where(silent, _left_reasons(people, _closing_days(evaluation, people, wave)), why)
    answered = lost & ~silent
    yield answered, "due", reasons
    yield lost, "due", reasons
    if evaluation.missing_baseline == "exclude" or not evaluation.design.comparison_group:
        yield from _uncovered(evaluation, people, frame)


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


def _uncovered(
    evaluation: Evaluation, people: pd.DataFrame, frame: pd.DataFrame
) -> Iterable[tuple[Mask, str, str]]:
    """Those who returned but lack the first score or a covariate of the plan."""
    if not evaluation.design.comparison_group:
        yield frame["baseline"].isna().to_numpy(), "returned", NO_BASELINE
        return
    for covariate in evaluation.declared.analysis.covariates:
        if covariate == "baseline":
            yield frame["baseline"].isna().to_numpy(), "returned", NO_BASELINE
        else:
            yield people[covariate].isna().to_numpy(), "returned", f"no {covariate} recorded"


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


def is_due(evaluation: Evaluation, people: pd.DataFrame, wave: Wave) -> Mask:
    """Whether a wave was due for each person by the day the data end, its window included."""
    import numpy as np
    import pandas as pd

    as_of = evaluation.declared.data.as_of
    if as_of is None:
        return np.ones(len(people), dtype=bool)
    closes = _closing_days(evaluation, people, wave)
    return np.asarray((closes <= pd.Timestamp(as_of)) | closes.isna(), dtype=bool)


def _closing_days(
    evaluation: Evaluation, people: pd.DataFrame, wave: Wave
) -> pd.Series[pd.Timestamp]:
    """Return the last day of a wave for each person, its window included; NaT without a start."""
    import pandas as pd

    starts = start_days(evaluation, people)
    closes = {day: _closes(day, wave) for day in starts.dropna().unique()}
    return pd.to_datetime(starts.map(closes))


def _closes(day: pd.Timestamp, wave: Wave) -> pd.Timestamp:
    import pandas as pd

    due: datetime.date = wave.window.after(wave.due.after(day.date()))
    return pd.Timestamp(due)


def start_days(evaluation: Evaluation, people: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return the day each person's time starts: allocation, else the start of the programme."""
    import pandas as pd

    start = evaluation.declared.programme.start
    starts = people["allocated_on"]
    return starts.fillna(pd.Timestamp(start)) if start else starts


def share_lost(followed: pd.DataFrame) -> float:
    """Return the share of those due who were not analysed; 0 where nobody was due."""
    due = followed["step"].isin(["due", "returned", "analysed"])
    return float((followed.loc[due, "step"] != "analysed").mean()) if due.any() else 0.0


def count_steps(evaluation: Evaluation, target: Target, followed: pd.DataFrame) -> tuple[Step, ...]:
    """Count a trail by arm: those who reached each step, and those left out there by reason."""
    matched = evaluation.declared.design.match is not None
    steps = [step for step in STEPS if step != "matched" or matched]
    rank = {step: n for n, step in enumerate(STEPS)}
    reached = followed["step"].map(rank)
    rows = []
    for arm in (*arm_names(evaluation), NEVER):
        mine = followed["arm"] == arm
        if arm == NEVER and not mine.any():
            continue
        for step in steps:
            here = followed[mine & (reached >= rank[step])]
            rows.append(_step(target, arm, step, None, here))
            stopped = followed[mine & (followed["step"] == step) & followed["reason"].notna()]
            for reason, group in stopped.groupby("reason", sort=True):
                rows.append(_step(target, arm, step, str(reason), group))
    return tuple(rows)


def _step(target: Target, arm: str, step: str, reason: str | None, who: pd.DataFrame) -> Step:
    return Step(
        outcome=target.outcome.id, measure=target.measure, role=target.outcome.role,
        informant=target.informant, wave=target.wave, arm=arm, step=step, reason=reason,
        n=len(who), families=int(who["family"].nunique()),
    )  # fmt: skip
