"""What comes in is typed, and what is wrong with it is named by file, row and column."""

from __future__ import annotations

import datetime
from typing import Any

import pandas as pd
import pytest

from evalkit.errors import InvalidData, InvalidInput, Problem
from evalkit.people_oddities import oddities
from tests.conftest import arms, before_after, declare, evaluate, matched, split, study_of

PEOPLE, SCORES = split(arms(12))
FLOW = {"eligible": "ok", "consent": "agreed", "allocated_on": "day", "left_on": "gone"}
CHILDREN = declare(
    roles=["mother", "child"],
    data__responses=[{"file": "sdq.csv", "measure": "sdq-parent-4-17"}],
    data__scores=[],
    logic_model__outcomes=[
        {"id": "calm", "name": "Calmer", "role": "child", "direction": "lower", "when": ["end"],
         "measure": {"id": "sdq-parent-4-17", "informants": ["mother"]}},
    ],
    analysis__primary={"outcome": "calm", "wave": "end"},
)  # fmt: skip


def problems(data: dict[str, Any], people: pd.DataFrame, scores: pd.DataFrame) -> list[Problem]:
    with pytest.raises(InvalidData) as caught:
        study_of(data, people, scores)
    return list(caught.value.problems)


def one(data: dict[str, Any], people: pd.DataFrame, scores: pd.DataFrame = SCORES) -> Problem:
    found = problems(data, people, scores)
    assert len(found) == 1, [str(p) for p in found]
    return found[0]


def with_cell(frame: pd.DataFrame, row: int, column: str, value: Any) -> pd.DataFrame:
    changed = frame.astype(object).copy()
    changed.loc[row, column] = value
    return changed


def answers(**changes: Any) -> pd.DataFrame:
    row = {"person": "p001", "wave": "baseline", "informant": "mother"}
    return pd.DataFrame([row | {f"q{n}": 1 for n in range(1, 26)} | changes])


def test_a_misspelt_role_is_refused_though_needs_are_listed_by_role() -> None:
    people = with_cell(PEOPLE.assign(role="child"), 3, "role", "chlid")
    problem = one(declare(roles=["survivor", "child"]), people)
    assert (problem.where.row, problem.where.column) == (5, "role")
    assert problem.what == "found 'chlid'."
    assert problem.allowed == "survivor, child"


@pytest.mark.parametrize("covariates", [["baseline"], ["baseline", "age"]])
def test_an_age_in_words_is_refused_also_where_it_is_a_covariate(covariates: list[str]) -> None:
    people = with_cell(PEOPLE.assign(age="30"), 0, "age", "twelve")
    problem = one(declare(analysis__covariates=covariates), people)
    assert (problem.where.row, problem.where.column) == (2, "age")


def test_a_stray_word_among_numbers_is_refused() -> None:
    people = with_cell(PEOPLE, 4, "tier", "n/k")
    problem = one(declare(analysis__covariates=["baseline", "tier"]), people)
    assert (problem.where.row, problem.where.column) == (6, "tier")
    assert problem.what == "found 'n/k' among numbers."


def test_a_covariate_of_words_may_hold_a_number() -> None:
    people = PEOPLE.assign(place=["North", "South", "Hull", "7"] * 3)
    made = declare(analysis__covariates=["baseline", "place"])
    assert set(study_of(made, people, SCORES).people["place"]) == {"North", "South", "Hull", "7"}


@pytest.mark.parametrize(
    ("column", "value"),
    [("ok", "perhaps"), ("agreed", "2"), ("day", "04/30/2024"), ("gone", "soon"), ("arm", "Usual")],
)
def test_a_cell_that_breaks_its_rule_is_named(column: str, value: str) -> None:
    people = PEOPLE.assign(ok="yes", agreed="yes", day="01/04/2024", gone="")
    problem = one(declare(data__flow=FLOW), with_cell(people, 7, column, value))
    assert (problem.where.file, problem.where.row) == ("people.csv", 9)
    assert problem.where.column == column
    assert f"'{value}'" in problem.what


def test_every_problem_of_every_table_is_reported_at_once() -> None:
    people = with_cell(PEOPLE, 0, "arm", "neither")
    scores = with_cell(with_cell(SCORES, 1, "pre", "99"), 2, "person", "nobody")
    found = [
        (p.where.file, p.where.row, p.where.column) for p in problems(declare(), people, scores)
    ]
    assert found == [
        ("people.csv", 2, "arm"),
        ("scores.csv", 3, "pre"),
        ("scores.csv", 4, "person"),
    ]


def test_the_same_person_twice_names_both_rows() -> None:
    people = with_cell(PEOPLE, 5, "person", "p000")
    problem = one(declare(), people, SCORES.drop(index=5))
    assert problem.what == "the same person stands in rows 2, 7: person 'p000'."


def test_the_same_answer_twice_names_both_rows() -> None:
    scores = pd.concat([SCORES, SCORES.iloc[[3]]], ignore_index=True)
    assert "rows 5, 14: person 'p003'" in one(declare(), PEOPLE, scores).what


def test_a_family_in_two_arms_or_two_sets_is_refused() -> None:
    people = with_cell(PEOPLE, 1, "family", "f000")
    found = problems(matched(), people, SCORES)
    assert [p.where.column for p in found] == ["arm"]
    assert "family 'f000' has more than one value (rows 2, 3)" in found[0].what


def test_the_same_answers_in_two_files_are_refused() -> None:
    made = declare()
    made["data"]["scores"].append(made["data"]["scores"][0] | {"file": "again.csv"})
    with pytest.raises(InvalidData, match="answers of bdi-ii stand in more than one file"):
        study_of(made, PEOPLE, SCORES, again=SCORES)


def test_ids_keep_their_zeros_and_none_stays_text() -> None:
    ids = [f"00{n}" for n in range(12)]
    people = PEOPLE.assign(person=ids, family="None", note="None")
    study = study_of(declare(), people, SCORES.assign(person=ids))
    assert study.people["person"].tolist() == ids
    assert set(study.people["note"]) == {"None"}
    assert set(study.people["family"]) == {"None"}


def test_a_blank_family_never_joins_one_whose_id_is_a_person_id() -> None:
    ids = [str(n) for n in range(12)]
    people = PEOPLE.assign(person=ids, family=["7", "7", *[""] * 10])
    study = study_of(declare(), people, SCORES.assign(person=ids))
    assert study.people["family"].nunique() == 11


def test_where_consent_is_recorded_a_blank_is_not_consent() -> None:
    people = PEOPLE.assign(agreed=["yes", "", "no", *["yes"] * 9])
    study = study_of(declare(data__flow={"consent": "agreed"}), people, SCORES)
    reasons = study.trail("mood", "end", "self").set_index("person")["reason"]
    assert reasons["p001"] == reasons["p002"] == "allocated, but no consent"
    assert reasons.isna().sum() == 10
    assert study_of(declare(), PEOPLE, SCORES).trail("mood", "end", "self")["reason"].isna().all()


@pytest.mark.parametrize(
    ("changes", "column", "says"),
    [
        ({"q3": "3"}, "q3", "found '3'"),
        ({"q3": "yes"}, "q3", "found 'yes'"),
        ({"wave": "middle"}, "wave", "found 'middle'"),
        ({"wave": ""}, "wave", "the cell is blank"),
        ({"informant": "aunt"}, "informant", "found 'aunt'"),
        ({"informant": "self"}, "informant", "found 'self'"),
        ({"person": "nobody"}, "person", "found 'nobody'"),
        ({"date": "2024-02-30"}, "date", "found '2024-02-30'"),
    ],
)
def test_an_answer_that_breaks_a_rule(changes: dict[str, Any], column: str, says: str) -> None:
    people = PEOPLE.assign(role="child", age=9)
    with pytest.raises(InvalidData) as caught:
        evaluate(CHILDREN).study(tables={"people.csv": people, "sdq.csv": answers(**changes)})
    (problem,) = caught.value.problems
    assert (problem.where.file, problem.where.row, problem.where.column) == ("sdq.csv", 2, column)
    assert says in problem.what


def test_the_informant_of_a_parent_measure_must_be_known() -> None:
    people = PEOPLE.assign(role="child", age=9)
    frame = answers().drop(columns="informant")
    with pytest.raises(InvalidData, match=r"column 'informant': the column is missing"):
        evaluate(CHILDREN).study(tables={"people.csv": people, "sdq.csv": frame})


def test_blank_answers_and_too_few_are_told_apart() -> None:
    people = PEOPLE.assign(role="child", age=9)
    blank = {f"q{n}": "" for n in range(1, 26)}
    rows = [answers(), answers(person="p002", **blank), answers(person="p003", **blank | {"q1": 1})]
    study = evaluate(CHILDREN).study(tables={"people.csv": people, "sdq.csv": pd.concat(rows)})
    total = study.scores[study.scores["scale"] == "total"].set_index("person")
    assert total.loc["p001", "score"] > 0 and pd.isna(total.loc["p001", "why_missing"])
    assert total.loc["p002", "why_missing"] == "no answer returned"
    assert total.loc["p003", "why_missing"] == "too few items answered"


def test_missing_codes_give_their_reason_and_are_not_scores() -> None:
    made = declare()
    made["data"]["scores"][0]["missing_codes"] = {"99": "refused"}
    study = study_of(made, PEOPLE, with_cell(SCORES, 0, "post", "99"))
    trail = study.trail("mood", "end", "self").set_index("person")
    assert trail.loc["p000", "reason"] == "refused"
    assert trail.loc["p000", "step"] == "due"
    assert pd.isna(trail.loc["p000", "score"])


@pytest.mark.parametrize("score", ["64", "-1", "12.5", "1e999", "12,5"])
def test_a_score_off_the_scale_is_refused(score: str) -> None:
    problem = one(declare(), PEOPLE, with_cell(SCORES, 0, "post", score))
    assert problem.allowed == "a number from 0 to 63, or blank"


def test_a_table_that_the_evaluation_does_not_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not name"):
        study_of(declare(), PEOPLE, SCORES, poeple=PEOPLE)


def test_a_long_table_of_scores_equals_a_wide_one() -> None:
    made = declare()
    made["data"]["scores"][0] |= {"shape": "long", "value": "bdi"}
    made["data"]["scores"][0].pop("columns")
    long = pd.concat(
        SCORES.rename(columns={column: "bdi"})[["person", "bdi"]].assign(wave=wave)
        for wave, column in (("baseline", "pre"), ("end", "post"))
    )
    one_way = study_of(made, PEOPLE, long).analyse(sensitivity=False).estimates
    assert one_way == study_of(declare(), PEOPLE, SCORES).analyse(sensitivity=False).estimates


def test_events_of_people_need_people() -> None:
    made = before_after(
        indicators=[{"id": "calls", "kind": "call", "unit": "person", "window": "1 year"}],
        data__events={"file": "events.csv"},
    )
    events = pd.DataFrame({"family": ["f000"], "date": ["2024-05-01"], "kind": ["call"]})
    with pytest.raises(InvalidData, match=r"column 'person': the column is missing"):
        study_of(made, PEOPLE, SCORES, events=events)


def children_study(frame: pd.DataFrame, **source: Any) -> Any:
    made = declare(CHILDREN)
    made["data"]["responses"][0] |= source
    people = PEOPLE.assign(role="child", age=9)
    return evaluate(made).study(tables={"people.csv": people, "sdq.csv": frame})


def test_numbers_as_pandas_writes_them_are_the_codes_they_equal() -> None:
    plain = children_study(answers(q4="0", q5="2"), missing_codes={"9": "refused"})
    floats = children_study(answers(q4="0.0", q5="2.0"), missing_codes={"9": "refused"})
    pd.testing.assert_frame_equal(plain.scores, floats.scores)
    with pytest.raises(InvalidData, match="found '02'"):
        children_study(answers(q5="02"))
    with pytest.raises(InvalidData, match=r"found '1\.5'"):
        children_study(answers(q5="1.5"))


@pytest.mark.parametrize("text", ["9", "9.0"])
def test_missing_codes_match_as_text_and_as_numbers(text: str) -> None:
    blank = {f"q{n}": text for n in range(1, 26)}
    study = children_study(answers(**blank), missing_codes={"9": "refused", "n/a": "away"})
    assert set(study.scores["why_missing"]) == {"refused"}
    assert children_study(answers(q1="n/a"), missing_codes={"n/a": "away"})
    made = declare()
    made["data"]["scores"][0]["missing_codes"] = {"99": "refused"}
    scores = with_cell(with_cell(SCORES, 0, "post", "99.0"), 1, "post", "12.0")
    trail = study_of(made, PEOPLE, scores).trail("mood", "end", "self").set_index("person")
    assert trail.loc["p000", "reason"] == "refused"
    assert trail.loc["p001", "score"] == 12


@pytest.mark.parametrize("text", ["n/a", "NA", "missing", "-99"])
def test_a_word_for_no_answer_brings_the_advice_to_declare_it(text: str) -> None:
    with pytest.raises(InvalidData) as caught:
        children_study(answers(q3=text))
    (problem,) = caught.value.problems
    assert "leave the cell blank" in problem.next_step
    assert f'missing_codes: {{"{text}": not answered}}' in problem.next_step


def test_renamed_item_columns_are_advised_in_the_words_of_the_yaml() -> None:
    with pytest.raises(InvalidData) as caught:
        children_study(answers().rename(columns={"q7": "seventh"}))
    (problem,) = caught.value.problems
    assert "no column 'q7'" in problem.what
    assert "data.responses: items:" in problem.what
    assert "prefix=" not in problem.what and "items=" not in problem.what


@pytest.mark.parametrize(("column", "text"), [("age", "121"), ("age", "-1"), ("came", "-2")])
def test_what_cannot_be_is_named_with_its_row(column: str, text: str) -> None:
    people = with_cell(PEOPLE.assign(age="30", came="3"), 4, column, text)
    problem = one(declare(data__flow={"sessions": "came"}), people)
    assert (problem.where.row, problem.where.column) == (6, column)


def odd(made: dict[str, Any], people: pd.DataFrame) -> list[str]:
    study = study_of(made, people, SCORES)
    return oddities(study.evaluation, study.people)


def test_oddities_are_said_without_counts() -> None:
    flow = {"allocated_on": "day", "left_on": "gone", "sessions": "came"}
    people = PEOPLE.assign(day="2024-01-10", gone="", came="4")
    made = declare(data__flow=flow, data__as_of=datetime.date(2024, 12, 31))
    made["logic_model"]["activities"] = [
        {"id": "course", "name": "Course", "dose": {"offered": 4, "minimum": 2}}
    ]
    assert odd(made, people) == []
    assert odd(made, people.assign(day="", gone="", came="")) == []
    people = with_cell(with_cell(people, 0, "day", "2025-02-01"), 1, "gone", "2024-01-09")
    assert odd(made, with_cell(people, 2, "came", "5")) == [
        "some people were allocated after the day the data end (as_of)",
        "some people left before they were allocated",
        "some people attended more sessions than were offered",
    ]


def test_an_empty_arm_and_an_arm_left_unread_are_odd() -> None:
    people = PEOPLE.assign(arm="programme")
    assert odd(declare(), people) == ["the arm 'usual' has nobody"]
    (said,) = odd(before_after(), PEOPLE.rename(columns={"arm": "Group"}))
    assert "column 'Group' that the design does not use" in said
    assert odd(before_after(), PEOPLE.drop(columns="arm")) == []


def test_what_is_shown_of_a_study_names_nobody() -> None:
    people = PEOPLE.assign(person=["canary", *PEOPLE["person"][1:]], note="canary")
    scores = SCORES.assign(person=people["person"])
    study = study_of(declare(programme={"name": "Growing\nTogether"}), people, scores)
    assert repr(study) == "Study(Growing Together: 12 people, 1 results)"
    assert repr(study.evaluation) == "Evaluation(Growing Together: rct-individual)"
    assert repr(study.intake) == "Intake(12 people, 24 scores, 0 events)"
    for shown in (study, study.evaluation, study.intake):
        assert "canary" not in repr(shown) and "\n" not in repr(shown)
