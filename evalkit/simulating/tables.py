"""The tables that made people leave behind: who they are, what they answered, what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.declaration import Scores
from evalkit.simulating.answers import Channel, finished_scores, shown_scale
from evalkit.simulating.items import asked_for, item_answers
from evalkit.tables import label

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.evaluation import Evaluation
    from evalkit.simulating.answers import Made
    from evalkit.simulating.assumptions import Assumptions
    from evalkit.simulating.people import Layout

    Mask = npt.NDArray[np.bool_]

YEAR = 365.25
OFFERED, ATTENDED = 10, 0.8
SPREAD = 1.0
"""The events of a unit follow a Poisson distribution whose rate differs between units, with this
coefficient of variation (a gamma distribution)."""
MOVED, NOT_TAKEN = "moved away", "did not take it up"


@dataclass(frozen=True, slots=True, eq=False)
class Fate:
    """Who takes the offer up, and who is lost and on which day (only meant where `lost`)."""

    takers: Mask
    lost: Mask
    left_on: npt.NDArray[np.datetime64]


def lose(
    evaluation: Evaluation, given: Assumptions, people: Layout, need: npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[Mask, npt.NDArray[np.datetime64]]:  # fmt: skip
    """Return who is lost after the first wave and when: likelier with more need, and by arm."""
    import numpy as np

    later = [wave.due.days for wave in evaluation.waves[1:]] or [evaluation.waves[0].due.days + 1]
    offered = people.arm < len(evaluation.programmes)
    both = len(evaluation.arm_names) > len(evaluation.programmes)
    gap = given.by_arm / 2 if both else 0.0
    chance = np.where(
        offered, _chance(given, given.share + gap, need), _chance(given, given.share - gap, need)
    )
    lost = rng.random(len(people)) < chance
    days = rng.integers(1, max(2, int(later[0])), len(people))
    return lost, people.came + days


def _chance(given: Assumptions, share: float, need: npt.NDArray[np.float64]) -> Any:
    """Return each one's chance, so set that the share is right over a standard normal need."""
    import numpy as np
    from scipy.optimize import brentq
    from scipy.special import expit

    if share <= 0 or given.by_need == 0:
        return np.full(len(need), max(0.0, share))
    points, weights = np.polynomial.hermite_e.hermegauss(41)
    weights = weights / weights.sum()
    start = brentq(lambda a: weights @ expit(a + given.by_need * points) - share, -30, 30)
    return expit(start + given.by_need * need)


def people_table(
    evaluation: Evaluation, people: Layout, fate: Fate, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the people table with the flow columns that the plan declares."""
    import numpy as np

    flow, count = evaluation.declared.data.flow, len(people)
    offered = people.arm < len(evaluation.programmes)
    got = offered & fate.takers
    left = np.datetime_as_string(fate.left_on, unit="D").astype(object)
    doses = [a.dose.offered for a in evaluation.declared.logic_model.activities if a.dose]
    sessions = np.where(got, rng.binomial(doses[0] if doses else OFFERED, ATTENDED, count), 0)
    columns: dict[str | None, Any] = {
        flow.eligible: np.full(count, "yes", dtype=object),
        flow.consent: np.full(count, "yes", dtype=object),
        flow.allocated_on: np.datetime_as_string(people.came, unit="D").astype(object),
        flow.received: np.where(got, "yes", "no").astype(object),
        flow.not_received_reason: np.where(offered & ~got, NOT_TAKEN, "").astype(object),
        flow.sessions: sessions,
        flow.left_on: np.where(fate.lost, left, ""),
        flow.left_reason: np.where(fate.lost, MOVED, "").astype(object),
    }
    named = {name: values for name, values in columns.items() if name is not None}
    for event in evaluation.declared.design.events:
        if event.on and event.on not in people.frame and event.on not in named:
            named[event.on] = np.full(count, "", dtype=object)
    return people.frame.assign(**named)


def answering(evaluation: Evaluation, people: Layout, channel: Channel) -> Mask:
    """Return those of whom a source has answers: people of the role, within the measure's ages."""
    import numpy as np

    mine = people.role == channel.role
    ages = evaluation.measure(channel.source.measure).ages
    if ages is None or people.age is None:
        return np.asarray(mine)
    low = -np.inf if ages.low is None else ages.low
    high = np.inf if ages.high is None else ages.high + 1
    return np.asarray(mine & (people.age >= low) & (people.age < high))


def answer_tables(
    evaluation: Evaluation, given: Assumptions, made: Made, found: tuple[Channel, ...],
    lost: Mask,
) -> dict[str, list[pd.DataFrame]]:  # fmt: skip
    """Return the rows of each file of answers and scores."""
    import pandas as pd

    tables: dict[str, list[pd.DataFrame]] = {}
    for number in dict.fromkeys(channel.number for channel in found):
        mine = [(n, c) for n, c in enumerate(found) if c.number == number]
        rows = [_rows(evaluation, given, made, n, channel, lost) for n, channel in mine]
        source = mine[0][1].source
        name = label(source.file, source.sheet)
        together = rows[0] if len(rows) == 1 else pd.concat(rows, ignore_index=True)
        tables.setdefault(name, []).append(together)
    return tables


def _rows(
    evaluation: Evaluation, given: Assumptions, made: Made, n: int, channel: Channel, lost: Mask
) -> pd.DataFrame:
    """Return what one channel leaves: a row a person, or one an answer."""
    import numpy as np
    import pandas as pd

    source, people = channel.source, made.people
    who = answering(evaluation, people, channel)
    person = people.frame["person"].to_numpy()
    parts: list[pd.DataFrame] = []
    wide: dict[str, Any] = {"person": person[who]}
    for k, wave in enumerate(evaluation.waves):
        how = made.of(n, k, arms_at(evaluation, people, k))
        there = who & ~lost if k else who
        if isinstance(source, Scores) and source.shape == "wide":
            if column := (source.columns or {}).get(wave.id):
                scores = finished_scores(evaluation, given, source, how)
                wide[column] = np.where(there, scores, np.nan)[who]
            continue
        keys: dict[str, Any] = {"person": person[there], "wave": wave.id}
        if source.informant is None:
            keys["informant"] = channel.informant
        values = _values(evaluation, given, made, n, channel, k, how, there)
        parts.append(pd.DataFrame(keys | values))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(wide)


def _values(
    evaluation: Evaluation, given: Assumptions, made: Made, n: int, channel: Channel, wave: int,
    how: npt.NDArray[np.float64], there: Mask,
) -> dict[str, Any]:  # fmt: skip
    source = channel.source
    if isinstance(source, Scores):
        return {source.value: finished_scores(evaluation, given, source, how)[there]}
    noise = made.noise[n]
    assert noise is not None
    measure = evaluation.measure(source.measure)
    scale = shown_scale(evaluation, channel)
    answers = item_answers(measure, scale, how[there], noise[wave][there])
    named = source.items or {}
    columns = [named.get(i.id, f"{measure.column}_{i.column}") for i in asked_for(measure, scale)]
    return {name: answers[:, k] for k, name in enumerate(columns)}


def arms_at(evaluation: Evaluation, people: Layout, wave: int) -> npt.NDArray[np.int64]:
    """Return the arm whose offer counts at a wave: a waiting group's after it has started."""
    import numpy as np

    if evaluation.compared(evaluation.waves[wave].id):
        return people.arm
    return np.zeros_like(people.arm)


def events_table(
    evaluation: Evaluation, given: Assumptions, people: Layout, fate: Fate, rng: np.random.Generator
) -> pd.DataFrame:
    """Return dated events of every declared indicator over its window; the rate differs by unit."""
    import numpy as np
    import pandas as pd

    indicators = evaluation.declared.counted
    by = "person" if any(item.unit == "person" for item in indicators) else "family"
    family = people.family if by == "family" else np.arange(len(people))
    first = np.unique(family, return_index=True)[1]
    offered = people.arm[first] < len(evaluation.programmes)
    parts = [pd.DataFrame({by: [], "date": [], "kind": [], "value": []})]
    for kind in dict.fromkeys(item.kind for item in indicators):
        window = max(item.window.days for item in indicators if item.kind == kind)
        rate = given.rate * np.where(offered, given.rate_ratio, 1.0) * window / YEAR
        counts = rng.poisson(rate * rng.gamma(1 / SPREAD**2, SPREAD**2, len(first)))
        rows = np.repeat(first, counts)
        days = people.came[rows] + rng.integers(0, max(1, int(window)), len(rows))
        parts.append(pd.DataFrame({
            by: people.frame[by].to_numpy()[rows], "date": np.datetime_as_string(days, unit="D"),
            "kind": kind, "value": 1,
        }))  # fmt: skip
    return pd.concat(parts[1:] or parts, ignore_index=True)
