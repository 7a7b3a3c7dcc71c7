"""Intercurrent events: what an outcome means once something has happened (ICH E9 R1).

A strategy is carried out on the trail of each person. Under treatment-policy the event changes
nothing; under hypothetical, answers due after it are set aside; while-on-treatment takes the last
answer before it; composite counts it as the worse of yes and no; principal-stratum asks about those
who would take the programme up, which the complier effect answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.answers import answers_at
from evalkit.days import due_days
from evalkit.people import EVENT
from evalkit.results import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.declared_plan import IntercurrentEvent
    from evalkit.evaluation import Evaluation
    from evalkit.intake import Intake
    from evalkit.study import Study
    from evalkit.targets import Target

    Mask = npt.NDArray[np.bool_]

STRATEGIES = {
    "treatment-policy": "the outcome counts whether or not it happens",
    "hypothetical": "answers due after it are set aside: the question is what would have been without it",
    "while-on-treatment": "the last answer before it counts",
    "composite": "it counts as the worse of the two results",
    "principal-stratum": "the question is about those who would take the programme up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount(Record):
    """How many people of an arm an intercurrent event happened to by the end of the data.

    `n` is None where no column says so; `families` are those they come from.
    """

    event: str
    name: str
    strategy: str
    because: str
    arm: str
    n: int | None
    families: int | None


def happened(
    evaluation: Evaluation, people: pd.DataFrame, event: IntercurrentEvent, wave: str
) -> Mask:
    """Whether an event came before the day the wave was due, person by person."""
    import numpy as np

    if event.on is None:
        return np.zeros(len(people), dtype=bool)
    due = due_days(evaluation, people, evaluation.wave(wave))
    return np.asarray(people[f"{EVENT} {event.id}"] < due, dtype=bool)


def set_aside(
    evaluation: Evaluation, target: Target, people: pd.DataFrame
) -> Iterable[tuple[Mask, str, str]]:
    """Yield (who, the step they reached, why no further) for events under hypothetical."""
    for event in evaluation.declared.design.events:
        if event.strategy == "hypothetical":
            reason = f"answers after {event_name(event)} are set aside (hypothetical strategy)"
            yield happened(evaluation, people, event, target.wave), "due", reason


def read_events(
    evaluation: Evaluation, intake: Intake, target: Target, people: pd.DataFrame,
    scores: pd.Series[float],
) -> pd.Series[float]:  # fmt: skip
    """Return the scores with the last answer before each while-on-treatment event."""
    read = scores.copy()
    for event in evaluation.declared.design.events:
        if event.strategy == "while-on-treatment":
            who = happened(evaluation, people, event, target.wave)
            read = read.mask(who, _last_before(evaluation, intake, target, people, event))
    return read


def as_outcome(
    evaluation: Evaluation, target: Target, people: pd.DataFrame, scores: pd.Series[float]
) -> pd.Series[float]:
    """Return the scores as the outcome takes them: yes (1) or no (0) where it has a cut-off.

    A composite event counts as the worse of the two.
    """
    if target.kind != "yes-no":
        return scores
    read = cut(target, scores)
    for event in evaluation.declared.design.events:
        if event.strategy == "composite":
            worse = 0.0 if evaluation.event_is_good(target) else 1.0
            read = read.mask(happened(evaluation, people, event, target.wave), worse)
    return read


def cut(target: Target, scores: pd.Series[float]) -> pd.Series[float]:
    """Return 1 where a score is on the side of the cut-off asked for, 0 elsewhere, NaN kept."""
    measure = target.outcome.measure
    assert measure is not None
    met = scores.notna()
    if measure.at_least is not None:
        met &= scores >= measure.at_least
    if measure.at_most is not None:
        met &= scores <= measure.at_most
    return met.astype(float).where(scores.notna())


def _last_before(
    evaluation: Evaluation, intake: Intake, target: Target, people: pd.DataFrame,
    event: IntercurrentEvent,
) -> pd.Series[float]:  # fmt: skip
    """Return each person's last score from a wave due before the event; NaN without one."""
    import numpy as np
    import pandas as pd

    last = pd.Series(np.nan, index=range(len(people)))
    ids = pd.Series(people["person"].to_numpy())
    for wave in evaluation.waves:
        if wave.id == target.wave:
            break
        before = ~happened(evaluation, people, event, wave.id)
        found = ids.map(answers_at(intake, target, wave.id)["score"]).astype(float)
        last = found.where(before & found.notna().to_numpy(), last)
    return last


def _by_the_end(evaluation: Evaluation, people: pd.DataFrame, event: IntercurrentEvent) -> Mask:
    """Whether an event came by the day the data end."""
    import numpy as np
    import pandas as pd

    days, as_of = people[f"{EVENT} {event.id}"], evaluation.declared.data.as_of
    known = days.notna() if as_of is None else days <= pd.Timestamp(as_of)
    return np.asarray(known, dtype=bool)


def event_name(event: IntercurrentEvent) -> str:
    """Return an event in words."""
    return event.name or event.id.replace("-", " ")


def event_counts(study: Study) -> tuple[EventCount, ...]:
    """Count each declared event by arm, and say how the rest of the design's events are dealt with."""
    evaluation = study.evaluation
    people = study.intake.people
    allocated = people[people["entry"].isna()]
    declared = evaluation.declared.design.events
    rows = []
    for event in declared:
        for arm in evaluation.arm_names:
            mine = allocated[allocated["placed"] == arm]
            hit = mine[_by_the_end(evaluation, mine, event)] if event.on else None
            rows.append(EventCount(
                event=event.id, name=event_name(event), strategy=event.strategy,
                because=event.because, arm=arm, n=None if hit is None else len(hit),
                families=None if hit is None else int(hit["family"].nunique()),
            ))  # fmt: skip
    return tuple(rows)
