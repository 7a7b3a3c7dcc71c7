"""What came back: tables of answers and scores, held to their measures and scored."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.declaration import Responses, Scores
from evalkit.errors import InvalidInput, Problem, Where
from evalkit.tables import (
    DATES,
    RawTable,
    Rule,
    find_problems,
    is_date,
    is_number,
    no_rows,
    numbers,
    one_of,
    repeated_rows,
)

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation
    from evalkit.measure_spec import Measure

Source = Responses | Scores
KEY = ["person", "wave", "informant", "respondent"]
SCORE_COLUMNS = [
    "person", "measure", "scale", "wave", "informant", "respondent", "score", "band", "n_answered",
    "n_items", "why_missing",
]  # fmt: skip
NOT_ANSWERED = "no answer returned"
TOO_FEW = "too few items answered"


def answer_problems(
    evaluation: Evaluation, source: Source, table: RawTable, known: set[str] | None
) -> list[Problem]:
    """Hold a table of answers or scores to its measure, waves, informants and people."""
    from evalkit.answers import item_columns

    measure = evaluation.measure(source.measure)
    rules = [Rule("person", "a person of the people table", one_of(known) if known else None,
                  next_step="Add the person to the people table, or correct the id.")]  # fmt: skip
    wide = not isinstance(source, Responses) and source.shape == "wide"
    if not wide:
        rules += _answer_key_rules(evaluation, source, measure)
    found = no_rows(table)
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
    from evalkit.consistency import OUTSIDERS

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


def given_twice(frames: list[pd.DataFrame]) -> list[Problem]:
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


def scored(evaluation: Evaluation, source: Source, table: RawTable) -> pd.DataFrame:
    """Return one row an answer set and scale, the unscored with the reason why."""
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
    scores = score(answers, measure, items={item: item for item in columns})
    stem = measure.id.replace("-", "_") + "__"
    keys = _keys(evaluation, source, table).assign(silence=_silence(source, table, columns))
    answered = scores[stem + "n_answered"].to_numpy()
    frames = []
    for scale in measure.scales:
        part = keys.assign(
            measure=measure.id, scale=scale.id, score=scores[stem + scale.id].to_numpy(float)
        )
        band = f"{stem}{scale.id}_band"
        part["band"] = scores[band].to_numpy(dtype=object) if band in scores else None
        part["n_answered"], part["n_items"] = answered, len(measure.items)
        frames.append(part)
    return _with_reasons(pd.concat(frames, ignore_index=True))


def _silence(source: Responses, table: RawTable, columns: dict[str, str]) -> pd.Series[str]:
    """Return why nothing was answered: the reason of the first missing code, else silence."""
    import pandas as pd

    reasons = pd.DataFrame({
        item: table.column(column).map(source.missing_codes) for item, column in columns.items()
    }).astype(object)  # fmt: skip
    first = reasons.bfill(axis=1).iloc[:, 0]
    return first.where(first.notna(), NOT_ANSWERED).reset_index(drop=True)


def _with_reasons(scores: pd.DataFrame) -> pd.DataFrame:
    blank = scores["n_answered"] == 0
    why = scores["silence"].where(blank, TOO_FEW).astype(object)
    return scores.assign(why_missing=why.where(scores["score"].isna(), None))[SCORE_COLUMNS]


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
