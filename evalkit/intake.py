"""From tables of text to typed people, scores and events, or every problem found on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalkit.areas.table import no_series, take_series
from evalkit.change import ALPHA_COLUMNS
from evalkit.errors import InvalidData, Problem
from evalkit.matching import Matching, matched
from evalkit.people import taking_part, type_people
from evalkit.people_rules import people_problems
from evalkit.returns import (
    SCORE_COLUMNS,
    ItemAnswers,
    Returned,
    answer_problems,
    given_twice,
    scored,
)
from evalkit.rules import Rule, find_problems, one_of, same_id
from evalkit.safeguarding import COLUMNS
from evalkit.tables import DATES, RawTable, dates, is_date, is_number

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declaration import People, Responses, Scores
    from evalkit.evaluation import Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """Typed tables: people (indexed by person), scores (one row an answer set and scale), events;
    what must reach a person (one row a safeguarding flag); own alphas at the first wave; and the
    item answers, table by table; the matching, where evalkit did it; and series of areas."""

    people: pd.DataFrame
    scores: pd.DataFrame
    events: pd.DataFrame
    safeguarding: pd.DataFrame
    alphas: pd.DataFrame
    rows_read: tuple[tuple[str, int], ...]
    answers: tuple[ItemAnswers, ...] = ()
    matching: Matching | None = None
    series: pd.DataFrame = field(default_factory=no_series)

    def __repr__(self) -> str:
        """Say how much came in, and nothing of what."""
        parts = (self.people, "people"), (self.scores, "scores"), (self.events, "events")
        return f"Intake({', '.join(f'{len(frame)} {noun}' for frame, noun in parts)})"


def take_in(evaluation: Evaluation, tables: dict[tuple[str, str | None], RawTable]) -> Intake:
    """Type every table. Raises InvalidData once, with every problem in every table."""

    data = evaluation.declared.data
    people_table = _people_table(data.people, tables)
    problems = people_problems(evaluation, people_table) if data.people else []
    people = type_people(evaluation, people_table) if not problems else None
    known = set(people_table.frame["person"]) if "person" in people_table.frame else None
    returned: list[Returned] = []
    sources: list[Responses | Scores] = [*data.responses, *data.scores]
    for source in sources:
        table = tables[source.file, source.sheet]
        found = answer_problems(evaluation, source, table, known)
        problems += found
        if not found and people is not None:
            returned.append(scored(evaluation, source, table, taking_part(people)["role"]))
    series = no_series()
    if data.series is not None:
        series, wrong = take_series(evaluation, tables[data.series.file, data.series.sheet])
        problems += wrong
    events, found = _events(evaluation, tables, known, people_table)
    problems += found + given_twice([table.scores for table in returned])
    if problems or people is None:
        raise InvalidData(problems)
    people, matching = matched(evaluation, people)
    scores = _together([table.scores for table in returned], SCORE_COLUMNS)
    raised = _together([table.safeguarding for table in returned], COLUMNS)
    alphas = _together([table.alphas for table in returned], ALPHA_COLUMNS)
    read = {table.name: len(table.frame) for table in tables.values()}
    answers = tuple(table.answers for table in returned if table.answers is not None)
    return Intake(
        people, scores, events, raised, alphas, tuple(read.items()), answers, matching, series
    )


def _people_table(
    declared: People | None, tables: dict[tuple[str, str | None], RawTable]
) -> RawTable:
    """Return the people table; one without rows where the design follows nobody."""
    import pandas as pd

    if declared is not None:
        return tables[declared.file, declared.sheet]
    return RawTable("people", pd.DataFrame(columns=["person"], dtype=object))


def _together(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    import pandas as pd

    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=columns)


def _events(
    evaluation: Evaluation, tables: dict[tuple[str, str | None], RawTable],
    known: set[str] | None, people_table: RawTable,
) -> tuple[pd.DataFrame, list[Problem]]:  # fmt: skip
    import pandas as pd

    declared = evaluation.declared.data.events
    if declared is None:
        return pd.DataFrame(columns=["unit", "date", "kind", "value"]), []
    table = tables[declared.file, declared.sheet]
    single = any(item.unit == "person" for item in evaluation.declared.indicators)
    by = "family" if "family" in table.frame and not single else "person"
    units = known if by == "person" else set(people_table.frame.get("family", []))
    rules = [
        Rule(
            by,
            f"a {by} of the people table",
            one_of(units) if units else None,
            advise=same_id(units or ()),
        ),
        Rule("date", DATES, is_date),
        Rule("kind", "the kind of event"),
        Rule("value", "a number", is_number, blank_ok=True, required=False),
    ]
    problems = find_problems(table, rules)
    if problems:
        return pd.DataFrame(), problems
    frame = table.frame
    events = pd.DataFrame({
        "unit": frame[by].to_numpy(dtype=object), "by": by,
        "date": dates(frame["date"]).to_numpy(), "kind": frame["kind"].to_numpy(dtype=object),
    })  # fmt: skip
    return events, []
