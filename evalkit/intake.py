"""From tables of text to typed people, scores and events, or every problem found on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.errors import InvalidData, InvalidInput, Problem, Where
from evalkit.tables import (
    DATES,
    RawTable,
    Rule,
    dates,
    find_problems,
    is_date,
    is_number,
    is_yes_no,
    numbers,
    one_of,
    repeated_rows,
    typed,
    yes_no,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declaration import Responses, Scores
    from evalkit.evaluation import Evaluation
    from evalkit.measure_spec import Measure

    Source = Responses | Scores

KEY = ["person", "wave", "informant", "respondent"]
SCORE_COLUMNS = [
    "person", "measure", "scale", "wave", "informant", "respondent", "score", "band", "n_answered",
    "n_items", "why_missing",
]  # fmt: skip
WORDS = ("age", "site", "family", "role")
"""Columns of the people table that have a rule of their own, or are always words."""
NOT_ANSWERED = "no answer returned"
TOO_FEW = "too few items answered"


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """Typed tables: people (indexed by person), scores (one row an answer set and scale), events."""

    people: pd.DataFrame
    scores: pd.DataFrame
    events: pd.DataFrame
    rows_read: tuple[tuple[str, int], ...]


def take_in(evaluation: Evaluation, tables: dict[tuple[str, str | None], RawTable]) -> Intake:
    """Type every table. Raises InvalidData once, with every problem in every table."""
    import pandas as pd

    data = evaluation.declared.data
    people_table = tables[data.people.file, data.people.sheet]
    problems = people_problems(evaluation, people_table)
    people = _people(evaluation, people_table) if not problems else None
    known = set(people_table.frame["person"]) if "person" in people_table.frame else None
    frames = []
    for source in (*data.responses, *data.scores):
        table = tables[source.file, source.sheet]
        found = answer_problems(evaluation, source, table, known)
        problems += found
        if not found and people is not None:
            frames.append(_scored(evaluation, source, table, people))
    events, found = _events(evaluation, tables, known, people_table)
    problems += found + _twice(frames)
    if problems or people is None:
        raise InvalidData(problems)
    scores = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=SCORE_COLUMNS)
    read = {table.name: len(table.frame) for table in tables.values()}
    return Intake(people, scores, events, tuple(read.items()))


# People


def people_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """Hold the people table to what the declaration says of it."""
    found = find_problems(table, _people_rules(evaluation))
    if "person" in table.frame:
        found += repeated_rows(table, ["person"], "the same person")
    return found + _set_problems(evaluation, table) + _mixed_problems(evaluation, table)


def _mixed_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """A column of numbers with a stray word would turn into a list of unrelated words."""
    match = evaluation.declared.design.match
    names = [*evaluation.declared.analysis.covariates, *(match.covariates if match else ())]
    problems = []
    for name in dict.fromkeys(names):
        if name == "baseline" or name in WORDS or name not in table.frame:
            continue
        filled = table.frame.loc[table.frame[name] != "", name]
        good = filled.map(is_number).astype(bool)
        if 2 * good.sum() > len(filled):
            for row, text in filled[~good].items():
                where = Where(file=table.name, row=int(str(row)), column=name)
                step = "Correct the cell; leave it blank where the number is not known."
                problems.append(
                    Problem(where, f"found '{text}' among numbers.", "a number, or blank", step)
                )
    return problems


def _people_rules(evaluation: Evaluation) -> Iterable[Rule]:
    declared = evaluation.declared
    flow, design = declared.data.flow, declared.design
    yield Rule("person", "an id for each person")
    roles = [role.id for role in declared.roles]
    if len(roles) > 1:
        yield Rule("role", ", ".join(roles), one_of(roles), why="several roles are declared")
    if _needs_family(evaluation):
        yield Rule("family", "the id of the family", blank_ok=False, why="families are declared")
    if design.assigned_by == "site":
        yield Rule("site", "the site", why="assignment is by site")
    yield Rule("age", "a number of years", is_number, blank_ok=True, required=False)
    if design.arm:
        arm = design.arm
        words = [arm.treated, arm.comparison]
        yield Rule(arm.column, f"{words[0]}, {words[1]}, or blank if never allocated", one_of(words),
                   blank_ok=True, why="design.arm names it")  # fmt: skip
    if design.match:
        for column in filter(None, [design.match.sets, *design.match.covariates]):
            yield Rule(column, "a value", blank_ok=True, why="design.match names it")
    for column in declared.analysis.covariates:
        if column != "baseline":
            yield Rule(column, "a value", blank_ok=True, why="analysis.covariates names it")
    for column in declared.needs.by:
        yield Rule(
            column, "a value", blank_ok=True, required=column != "role", why="needs.by names it"
        )
    for column in filter(None, [flow.eligible, flow.received, flow.consent]):
        yield Rule(column, "yes, no or blank", is_yes_no, blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.allocated_on, flow.left_on]):
        yield Rule(column, DATES, is_date, blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.left_reason]):
        yield Rule(column, "a reason", blank_ok=True, why="data.flow names it")
    for column in filter(None, [flow.sessions]):
        yield Rule(column, "a number", is_number, blank_ok=True, why="data.flow names it")


def _needs_family(evaluation: Evaluation) -> bool:
    declared = evaluation.declared
    units = [indicator.unit for indicator in declared.indicators]
    return declared.design.assigned_by == "family" or "family" in units


def _set_problems(evaluation: Evaluation, table: RawTable) -> list[Problem]:
    """A family stands in one arm and, where families are matched, in one matched set."""
    design = evaluation.declared.design
    columns = [
        design.arm.column if design.arm else None,
        design.match.sets if design.match else None,
    ]
    if "family" not in table.frame or design.assigned_by not in ("family", "site"):
        return []
    problems = []
    for column in (name for name in columns if name and name in table.frame):
        filled = table.frame[(table.frame[column] != "") & (table.frame["family"] != "")]
        values = filled.groupby("family")[column].nunique()
        for family in values.index[values > 1]:
            rows = filled.index[filled["family"] == family]
            where = Where(file=table.name, row=int(rows[0]), column=column)
            what = f"family '{family}' has more than one value (rows {', '.join(map(str, rows))})."
            problems.append(Problem(where, what, "one value a family", "Correct the rows."))
    return problems


def _people(evaluation: Evaluation, table: RawTable) -> pd.DataFrame:
    """Type the people table; standard columns are there whether or not the file has them."""
    import numpy as np

    frame, flow = table.frame, evaluation.declared.data.flow
    people = frame.apply(typed).set_index(frame["person"]) if len(frame) else frame
    people = people.assign(person=frame["person"].to_numpy())
    people["family"] = _words(table, "family", _alone(table))
    people["role"] = _words(table, "role", np.array(evaluation.roles[0].id))
    people["site"] = _words(table, "site", np.array(None))
    people["treated"] = _treated(evaluation, table)
    people["set"] = _sets(evaluation, table)
    people["set"] = people["set"].where(_has_both_arms(people["set"], people["treated"]), None)
    people["eligible"] = _flag(table, flow.eligible)
    people["consent"] = _consent(table, flow.consent)
    people["received"] = _flag(table, flow.received)
    people["allocated_on"] = _day(table, flow.allocated_on)
    people["left_on"] = _day(table, flow.left_on)
    people["left_reason"] = _words(table, flow.left_reason or "", np.array(None))
    people["sessions"] = _count(table, flow.sessions)
    return people


def _words(table: RawTable, column: str, otherwise: object) -> object:
    import numpy as np

    if column not in table.frame:
        return np.broadcast_to(np.asarray(otherwise, dtype=object), len(table.frame))
    cells = table.frame[column].to_numpy(dtype=object)
    return np.where(cells == "", np.asarray(otherwise, dtype=object), cells)


def _alone(table: RawTable) -> object:
    """Return a family id for each person without one, which no family of the table has."""
    persons = table.frame["person"].to_numpy(dtype=object)
    taken = set(table.frame["family"]) if "family" in table.frame else set()
    return persons if taken.isdisjoint(persons) else "person " + persons


def _flag(table: RawTable, column: str | None) -> object:
    import numpy as np

    return yes_no(table.column(column)).to_numpy() if column else np.full(len(table.frame), np.nan)


def _consent(table: RawTable, column: str | None) -> object:
    """Return consent as a flag; where consent is recorded, a blank is not consent."""
    import numpy as np

    flag = np.asarray(_flag(table, column), dtype=float)
    return np.where(np.isnan(flag), 0.0, flag) if column else flag


def _day(table: RawTable, column: str | None) -> object:
    import pandas as pd

    if column:
        return dates(table.column(column)).to_numpy()
    return pd.Series(pd.NaT, index=table.frame.index).astype("datetime64[ns]").to_numpy()


def _count(table: RawTable, column: str | None) -> object:
    import numpy as np

    return numbers(table.column(column)).to_numpy() if column else np.full(len(table.frame), np.nan)


def _treated(evaluation: Evaluation, table: RawTable) -> object:
    import numpy as np

    arm = evaluation.declared.design.arm
    if arm is None:
        return np.ones(len(table.frame))
    cells = table.column(arm.column)
    return np.where(cells == arm.treated, 1.0, np.where(cells == arm.comparison, 0.0, np.nan))


def _has_both_arms(sets: pd.Series[str], treated: pd.Series[float]) -> pd.Series[bool]:
    """Whether each person's matched set holds people of both arms; with one arm it is no match."""
    both = treated.groupby(sets).nunique() == 2
    return sets.isin(both.index[both])


def _sets(evaluation: Evaluation, table: RawTable) -> object:
    import numpy as np

    match = evaluation.declared.design.match
    return _words(table, (match.sets or "") if match else "", np.array(None))


# Answers


def answer_problems(
    evaluation: Evaluation, source: Source, table: RawTable, known: set[str] | None
) -> list[Problem]:
    """Hold a table of answers or scores to its measure, waves, informants and people."""
    from evalkit.answers import item_columns
    from evalkit.declaration import Responses

    measure = evaluation.measure(source.measure)
    rules = [Rule("person", "a person of the people table", one_of(known) if known else None,
                  next_step="Add the person to the people table, or correct the id.")]  # fmt: skip
    wide = not isinstance(source, Responses) and source.shape == "wide"
    if not wide:
        rules += _answer_key_rules(evaluation, source, measure)
    found = []
    if isinstance(source, Responses):
        try:
            columns = item_columns(list(table.frame.columns), measure, items=source.items)
            rules += _item_rules(columns, source, measure)
        except InvalidInput as error:
            found.append(Problem(Where(file=table.name, row=1), str(error)))
    else:
        rules += _score_rules(source, measure)
    found += find_problems(table, rules)
    key = ["person"] if wide else KEY
    return found + (repeated_rows(table, key, "the same answer") if "person" in table.frame else [])


def _answer_key_rules(evaluation: Evaluation, source: Source, measure: Measure) -> Iterable[Rule]:
    waves = [wave.id for wave in evaluation.waves]
    yield Rule("wave", ", ".join(waves), one_of(waves))
    allowed = _informants(evaluation, measure)
    wanted = source.informant is None and measure.respondent != "self"
    yield Rule("informant", ", ".join(allowed), one_of(allowed), required=wanted,
               why=f"{measure.id} is answered by somebody else")  # fmt: skip
    yield Rule("date", DATES, is_date, blank_ok=True, required=False)


def _informants(evaluation: Evaluation, measure: Measure) -> list[str]:
    from evalkit.evaluation import OUTSIDERS

    if measure.respondent == "self":
        return ["self"]
    return [*(role.id for role in evaluation.roles), *OUTSIDERS]


def _item_rules(columns: dict[str, str], source: Responses, measure: Measure) -> Iterable[Rule]:
    for item in measure.items:
        codes = [str(code) for code, _ in item.codes]
        allowed = ", ".join(codes) + ", or blank"
        good = one_of([*codes, *source.missing_codes])
        yield Rule(columns[item.id], allowed, good, blank_ok=True, why=f"item {item.id} of {measure.id}",
                   next_step="Correct the answer, or leave the cell blank.")  # fmt: skip


def _score_rules(source: Scores, measure: Measure) -> Iterable[Rule]:
    from evalkit.scoring import check_scores

    scale = measure.scale(source.scale)
    low, high = scale.range
    allowed = f"a number from {low:g} to {high:g}, or blank"
    codes = frozenset(source.missing_codes)

    def good(text: str) -> bool:
        if text in codes:
            return True
        return is_number(text) and not check_scores([float(text)], measure, scale.id)

    columns = (
        source.columns.values() if source.shape == "wide" and source.columns else [source.value]
    )
    for column in columns:
        yield Rule(column, allowed, good, blank_ok=True, why="data.scores names it",
                   next_step="Correct the score, or leave the cell blank.")  # fmt: skip


def _twice(frames: list[pd.DataFrame]) -> list[Problem]:
    """The same answer may not come from two files."""
    import pandas as pd

    if len(frames) < 2:
        return []
    together = pd.concat(frames, ignore_index=True)
    key = ["measure", "scale", *KEY]
    twice = together[together.duplicated(key, keep="first")]
    if twice.empty:
        return []
    measure = ", ".join(sorted(twice["measure"].unique()))
    what = f"{len(twice)} answers of {measure} stand in more than one file."
    return [Problem(Where(), what, "one row each", "Remove one of the files from the evaluation.")]


def _scored(
    evaluation: Evaluation, source: Source, table: RawTable, people: pd.DataFrame
) -> pd.DataFrame:
    from evalkit.declaration import Responses

    if isinstance(source, Responses):
        return _score_items(evaluation, source, table)
    return _take_scores(evaluation, source, table)


def _keys(evaluation: Evaluation, source: Source, table: RawTable) -> pd.DataFrame:
    """Return person, wave, informant and respondent of each row, as text."""
    import pandas as pd

    frame = table.frame
    keys = pd.DataFrame({"person": frame["person"].to_numpy(dtype=object)})
    keys["wave"] = frame["wave"].to_numpy(dtype=object)
    default = source.informant or "self"
    given = frame["informant"].to_numpy(dtype=object) if "informant" in frame else default
    keys["informant"] = given
    keys["respondent"] = frame["respondent"].to_numpy(dtype=object) if "respondent" in frame else ""
    return keys


def _score_items(evaluation: Evaluation, source: Responses, table: RawTable) -> pd.DataFrame:
    """Score item answers; every scale of the measure becomes one row an answer set."""
    import pandas as pd

    from evalkit.answers import item_columns
    from evalkit.scoring import score

    measure = evaluation.measure(source.measure)
    columns = item_columns(list(table.frame.columns), measure, items=source.items)
    answers = pd.DataFrame({
        item: numbers(table.column(column).where(~table.column(column).isin(source.missing_codes), ""))
        for item, column in columns.items()
    }).reset_index(drop=True)  # fmt: skip
    scored = score(answers, measure, items={item: item for item in columns})
    stem = measure.id.replace("-", "_") + "__"
    keys = _keys(evaluation, source, table)
    answered = scored[stem + "n_answered"].to_numpy()
    frames = []
    for scale in measure.scales:
        part = keys.assign(
            measure=measure.id, scale=scale.id, score=scored[stem + scale.id].to_numpy(float)
        )
        band = f"{stem}{scale.id}_band"
        part["band"] = scored[band].to_numpy(dtype=object) if band in scored else None
        part["n_answered"], part["n_items"] = answered, len(measure.items)
        frames.append(part)
    together = pd.concat(frames, ignore_index=True)
    return _with_reasons(together)


def _with_reasons(scores: pd.DataFrame) -> pd.DataFrame:
    import numpy as np

    missing = scores["score"].isna()
    blank = scores["n_answered"] == 0
    why = np.where(~missing, None, np.where(blank, NOT_ANSWERED, TOO_FEW))
    return scores.assign(why_missing=why)[SCORE_COLUMNS]


def _take_scores(evaluation: Evaluation, source: Scores, table: RawTable) -> pd.DataFrame:
    """Take scores worked out elsewhere; a wide table gives one row a wave."""
    import pandas as pd

    if source.shape == "long":
        parts = [(_keys(evaluation, source, table), source.value)]
    else:
        people = pd.DataFrame({"person": table.frame["person"].to_numpy(dtype=object)})
        default = source.informant or "self"
        parts = [
            (people.assign(wave=wave, informant=default, respondent=""), column)
            for wave, column in (source.columns or {}).items()
        ]
    frames = []
    for keys, column in parts:
        cells = table.column(column)
        reasons = cells.map(source.missing_codes)
        value = numbers(cells.where(reasons.isna(), "")).to_numpy()
        part = keys.assign(measure=source.measure, scale=source.scale, score=value, band=None)
        part["n_answered"] = part["n_items"] = None
        why = reasons.where(reasons.notna(), NOT_ANSWERED).to_numpy(dtype=object)
        part["why_missing"] = pd.Series(why, index=part.index).where(part["score"].isna(), None)
        frames.append(part)
    return pd.concat(frames, ignore_index=True)[SCORE_COLUMNS]


# Events


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
        Rule(by, f"a {by} of the people table", one_of(units) if units else None),
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
