"""What came back: tables of answers and scores, held to their measures and scored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING

from evalkit.change import ALPHA_COLUMNS, own_alphas
from evalkit.declaration import Responses, Scores
from evalkit.errors import InvalidInput, Problem, Where
from evalkit.rules import (
    Rule,
    among,
    find_problems,
    no_rows,
    one_of,
    repeated_rows,
    same_id,
)
from evalkit.tables import DATES, RawTable, is_date, is_number, numbers

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.evaluation import Evaluation
    from evalkit.instruments.parts import Item
    from evalkit.instruments.spec import Measure

Source = Responses | Scores
KEY = ["person", "wave", "informant", "respondent"]
SCORE_COLUMNS = [
    "person", "measure", "scale", "wave", "informant", "respondent", "score", "band", "n_answered",
    "n_items", "why_missing",
]  # fmt: skip
NOT_ANSWERED = "no answer returned"
TOO_FEW = "too few items answered"
MISSING_WORDS = frozenset(
    ("n/a", "na", "nan", "none", "null", "missing", "refused", "unknown", "not answered", "not known",
     "n/k", "-", "--", ".", "?", "x", "88", "888", "99", "999", "9999", "-1", "-8", "-9", "-88", "-99",
     "-999")
)  # fmt: skip
"""What people write where there is no answer; said in the advice, never taken as missing."""
DECLARE = 'declare it for this file in the yaml: missing_codes: {{"{text}": not answered}}.'
_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?$")


def answer_problems(
    evaluation: Evaluation, source: Source, table: RawTable, known: set[str] | None
) -> list[Problem]:
    """Hold a table of answers or scores to its measure, waves, informants and people."""
    from evalkit.scoring.columns import YAML, item_columns

    measure = evaluation.measure(source.measure)
    rules = [Rule("person", "a person of the people table", one_of(known) if known else None,
                  next_step="Add the person to the people table, or correct the id.",
                  advise=same_id(known or ()))]  # fmt: skip
    wide = not isinstance(source, Responses) and source.shape == "wide"
    if not wide:
        rules += _answer_key_rules(evaluation, source, measure)
    found = no_rows(table)
    if isinstance(source, Responses):
        try:
            columns = item_columns(
                list(table.frame.columns), measure, items=source.items, ways=YAML
            )
            rules += item_rules(columns, measure, missing_codes=source.missing_codes)
            rules += _seconds_rules(source)
        except InvalidInput as error:
            found.append(Problem(Where(file=table.name, row=1), str(error)))
    else:
        rules += _score_rules(source, measure)
    found += find_problems(table, rules)
    key = ["person"] if wide else KEY
    return found + (repeated_rows(table, key, "the same answer") if "person" in table.frame else [])


def _answer_key_rules(evaluation: Evaluation, source: Source, measure: Measure) -> Iterable[Rule]:
    waves = [wave.id for wave in evaluation.waves]
    yield among(waves, "wave")
    allowed = _informants(evaluation, measure)
    wanted = source.informant is None and measure.respondent != "self"
    why = f"{measure.id} is answered by somebody else"
    yield among(allowed, "informant", required=wanted, why=why)
    yield Rule("date", DATES, is_date, blank_ok=True, required=False)


def _informants(evaluation: Evaluation, measure: Measure) -> list[str]:
    from evalkit.faults import OUTSIDERS

    if measure.respondent == "self":
        return ["self"]
    return [*(role.id for role in evaluation.roles), *OUTSIDERS]


def item_rules(
    columns: Mapping[str, str], measure: Measure, *,
    missing_codes: Mapping[str, str], otherwise: str = DECLARE,
) -> Iterable[Rule]:  # fmt: skip
    """Yield the rule of every item column; `otherwise` is what to do but correct the answer."""
    reason = reason_of(missing_codes)
    for item in [item for item in measure.items if item.id in columns]:
        yield Rule(
            columns[item.id], f"{item.allowed}, or blank", _answer(item, reason), blank_ok=True,
            why=f"item {item.id} of {measure.id}", advise=_no_answer(otherwise),
            next_step="Correct the answer, or leave the cell blank.",
        )  # fmt: skip


def _answer(item: Item, reason: Callable[[str], str | None]) -> Callable[[str], bool]:
    """Return a test for an allowed answer, written as a plain number (4.0 is 4)."""

    def good(text: str) -> bool:
        if reason(text) is not None:
            return True
        return _PLAIN.match(text) is not None and item.takes(float(text))

    return good


def _seconds_rules(source: Responses) -> Iterable[Rule]:
    if source.seconds:
        yield Rule(
            source.seconds, "a number of seconds, or blank", is_number, blank_ok=True,
            why="data.responses names it", next_step="Correct it, or leave the cell blank.",
        )  # fmt: skip


def _no_answer(otherwise: str) -> Callable[[str], str]:
    """Return the advice for a word that says that there is no answer."""

    def advise(text: str) -> str:
        if text.lower() not in MISSING_WORDS:
            return ""
        return f"If this means no answer, leave the cell blank, or {otherwise.format(text=text)}"

    return advise


def reason_of(missing_codes: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return what gives the reason of a missing code, as text or as a plain number, else None."""
    values = {float(code): why for code, why in missing_codes.items() if _PLAIN.match(code)}

    def reason(text: str) -> str | None:
        if text in missing_codes:
            return missing_codes[text]
        return values.get(float(text)) if _PLAIN.match(text) else None

    return reason


def _reasons(cells: pd.Series[str], missing_codes: Mapping[str, str]) -> pd.Series[str]:
    """Return the reason of every missing code in a column, None elsewhere."""
    reason = reason_of(missing_codes)
    known = {text: reason(text) for text in cells.unique()}
    return cells.map(known).astype(object)


def _score_rules(source: Scores, measure: Measure) -> Iterable[Rule]:
    from evalkit.scoring import check_scores

    scale = measure.scale(source.scale)
    end = "up" if isinf(scale.high) else f"to {scale.high:g}"
    allowed = f"a number from {scale.low:g} {end}, or blank"
    reason = reason_of(source.missing_codes)

    def good(text: str) -> bool:
        if reason(text) is not None:
            return True
        return is_number(text) and not check_scores([float(text)], measure, scale.id)

    columns = (
        source.columns.values() if source.shape == "wide" and source.columns else [source.value]
    )
    for column in columns:
        yield Rule(column, allowed, good, blank_ok=True, why="data.scores names it",
                   next_step="Correct the score, or leave the cell blank.",
                   advise=_no_answer(DECLARE))  # fmt: skip


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


@dataclass(frozen=True, slots=True, eq=False)
class ItemAnswers:
    """The item answers to one measure, one row an answer set.

    `keys` holds person, wave, informant and respondent; `items` a column of numbers an item, NaN
    where blank; `why` the declared reason of each blank, None elsewhere; `seconds` how long each set
    took, NaN where nobody noted it.
    """

    measure: str
    keys: pd.DataFrame
    items: pd.DataFrame
    why: pd.DataFrame
    seconds: pd.Series[float]


@dataclass(frozen=True, slots=True, eq=False)
class Returned:
    """What a table gives: one row an answer set and scale, the unscored with the reason why; what
    must reach a person (`evalkit.safeguarding`); alphas at the first wave (`evalkit.change`); and
    the item answers, where there are any."""

    scores: pd.DataFrame
    safeguarding: pd.DataFrame
    alphas: pd.DataFrame
    answers: ItemAnswers | None = None


def scored(
    evaluation: Evaluation, source: Source, table: RawTable, roles: pd.Series[str]
) -> Returned:
    """Score a table of answers, or take its scores in; `roles` of those whose answers may be used."""
    if isinstance(source, Responses):
        return _score_items(evaluation, source, table, roles)
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


def _score_items(
    evaluation: Evaluation, source: Responses, table: RawTable, roles: pd.Series[str]
) -> Returned:
    """Score item answers; every scale of the measure becomes one row an answer set."""
    import pandas as pd

    from evalkit.safeguarding import safeguarding
    from evalkit.scoring import score
    from evalkit.scoring.columns import item_columns

    measure = evaluation.measure(source.measure)
    columns = item_columns(list(table.frame.columns), measure, items=source.items)
    cells = {item: table.column(column) for item, column in columns.items()}
    reasons = {item: _reasons(column, source.missing_codes) for item, column in cells.items()}
    answers = pd.DataFrame(
        {item: numbers(cells[item].where(reasons[item].isna(), "")) for item in columns}
    ).reset_index(drop=True)
    scores = score(answers, measure, items={item: item for item in columns})
    stem = f"{measure.column}__"
    keys = _keys(evaluation, source, table).assign(silence=_silence(pd.DataFrame(reasons)))
    answered = scores[stem + "n_answered"].to_numpy()
    frames = []
    for scale in [x for x in measure.scales if measure.score_column(x.id) in scores]:
        column = measure.score_column(scale.id)
        part = keys.assign(measure=measure.id, scale=scale.id, score=scores[column].to_numpy(float))
        band = f"{column}_band"
        part["band"] = scores[band].to_numpy(dtype=object) if band in scores else None
        part["n_answered"], part["n_items"] = answered, len(measure.asked)
        frames.append(part)
    first = (keys["wave"] == evaluation.waves[0].id).to_numpy()
    return Returned(
        _with_reasons(pd.concat(frames, ignore_index=True)),
        safeguarding(keys, scores[f"{stem}flags"], measure),
        own_alphas(measure, answers[first], keys[first].assign(role=keys["person"].map(roles))),
        ItemAnswers(
            measure.id,
            keys[KEY],
            answers,
            pd.DataFrame(reasons).reset_index(drop=True),
            _seconds(source, table),
        ),
    )


def _seconds(source: Responses, table: RawTable) -> pd.Series[float]:
    """Return how long each answer set took, NaN where nobody noted it."""
    import pandas as pd

    if source.seconds is None:
        return pd.Series(float("nan"), index=range(len(table.frame)))
    return numbers(table.column(source.seconds)).reset_index(drop=True)


def _silence(reasons: pd.DataFrame) -> pd.Series[str]:
    """Return why nothing was answered: the reason of the first missing code, else silence."""
    first = reasons.bfill(axis=1).iloc[:, 0]
    return first.where(first.notna(), NOT_ANSWERED).reset_index(drop=True)


def _with_reasons(scores: pd.DataFrame) -> pd.DataFrame:
    blank = scores["n_answered"] == 0
    why = scores["silence"].where(blank, TOO_FEW).astype(object)
    return scores.assign(why_missing=why.where(scores["score"].isna(), None))[SCORE_COLUMNS]


def _take_scores(evaluation: Evaluation, source: Scores, table: RawTable) -> Returned:
    """Take scores worked out elsewhere; a wide table gives one row a wave."""
    import pandas as pd

    from evalkit.safeguarding import safeguarding_of_scores

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
        reasons = _reasons(cells, source.missing_codes)
        value = numbers(cells.where(reasons.isna(), "")).to_numpy()
        part = keys.assign(measure=source.measure, scale=source.scale, score=value, band=None)
        part["n_answered"] = part["n_items"] = None
        why = reasons.where(reasons.notna(), NOT_ANSWERED).to_numpy(dtype=object)
        part["why_missing"] = pd.Series(why, index=part.index).where(part["score"].isna(), None)
        frames.append(part)
    scores = pd.concat(frames, ignore_index=True)
    measure = evaluation.measure(source.measure)
    scale = source.scale or measure.default_scale
    flagged = safeguarding_of_scores(scores, scores["score"].astype(float), measure, scale)
    return Returned(scores[SCORE_COLUMNS], flagged, pd.DataFrame(columns=ALPHA_COLUMNS))
