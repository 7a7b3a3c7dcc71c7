"""What must reach a person is listed whatever the total, and never leaves the team."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidEvaluation
from evalkit.study import Study
from tests.conftest import TRIAL, declare, evaluate

RAISED = {
    "phq-9": {"9": 1}, "core-10": {"6": 1}, "rcads-47-child": {"37": 1}, "rcads-25-child": {"18": 1},
    "hark": {"3": 1}, "dash-safelives": {str(n): 1 for n in range(1, 15)},
}  # fmt: skip


def lowest(measure_id: str, **answers: float) -> pd.DataFrame:
    measure = ek.measure(measure_id)
    row = {f"{measure.column}_{item.column}": item.low for item in measure.asked}
    row |= {f"{measure.column}_{item}": value for item, value in answers.items()}
    return pd.DataFrame([row]).astype(float)


@pytest.mark.parametrize(("measure_id", "answers"), RAISED.items())
def test_the_flag_is_raised_by_the_item_and_not_by_the_total(
    measure_id: str, answers: dict[str, float]
) -> None:
    column = f"{measure_id.replace('-', '_')}__flags"
    quiet = ek.score(lowest(measure_id), measure_id)[column].item()
    loud = ek.score(lowest(measure_id, **answers), measure_id)[column].item()
    assert "safeguarding:" in loud
    assert not isinstance(quiet, str) or "safeguarding:" not in quiet


def test_a_flag_is_raised_although_too_few_items_are_answered() -> None:
    frame = lowest("phq-9", **{"9": 2.0})
    frame.iloc[0, :6] = float("nan")
    scored = ek.score(frame, "phq-9").iloc[0]
    assert pd.isna(scored["phq_9__total"]) and pd.isna(scored["phq_9__total_band"])
    assert scored["phq_9__flags"] == "safeguarding:self-harm"


def test_a_count_that_blanks_could_raise_is_undetermined() -> None:
    frame = lowest("dash-safelives", **{str(n): 1 for n in range(1, 13)})
    frame.iloc[0, -3:] = float("nan")
    assert ek.score(frame, "dash-safelives")["dash_safelives__flags"].item() == (
        "safeguarding:visible-high-risk?"
    )


def test_a_local_limit_replaces_the_published_one() -> None:
    frame = lowest("dash-safelives", **{str(n): 1 for n in range(1, 11)})
    quiet = ek.score(frame, "dash-safelives")["dash_safelives__flags"].item()
    loud = ek.score(frame, "dash-safelives", limits={"visible-high-risk": 10})
    assert pd.isna(quiet)
    assert loud["dash_safelives__flags"].item() == "safeguarding:visible-high-risk"


def declared(**changes: Any) -> dict[str, Any]:
    made = declare(TRIAL, **changes)
    made["data"]["responses"] = [{"file": "phq.csv", "measure": "phq-9"}]
    return made


PEOPLE = pd.DataFrame({"person": ["a", "b", "c", "d"], "arm": ["programme", "usual"] * 2})
SCORES = pd.DataFrame({"person": ["a", "b", "c", "d"], "pre": [20] * 4, "post": [10, 11, 12, 13]})


def study() -> Study:
    answers = [[0] * 8 + [last] for last in (0, 1, 3)]
    phq = pd.DataFrame(answers, columns=[f"q{n}" for n in range(1, 10)])
    phq.insert(0, "person", ["a", "b", "c"])
    phq.insert(1, "wave", ["baseline", "baseline", "end"])
    return evaluate(declared()).study({"people.csv": PEOPLE, "scores.csv": SCORES, "phq.csv": phq})


def test_a_study_lists_who_and_when_and_what() -> None:
    found = study().safeguarding
    assert found[["person", "wave", "flag", "state"]].to_numpy().tolist() == [
        ["b", "baseline", "self-harm", "raised"],
        ["c", "end", "self-harm", "raised"],
    ]
    assert set(found["measure"]) == {"phq-9"} and found["says"].str.len().gt(10).all()


def test_finished_scores_raise_flags_too() -> None:
    made = declare(TRIAL)
    made["data"]["scores"].append(
        {"file": "dash.csv", "measure": "dash-safelives", "scale": "total", "shape": "long",
         "value": "score", "informant": "practitioner"}
    )  # fmt: skip
    dash = pd.DataFrame({"person": ["a", "b"], "wave": "baseline", "score": [15, 13]})
    found = evaluate(made).study({"people.csv": PEOPLE, "scores.csv": SCORES, "dash.csv": dash})
    assert found.safeguarding[["person", "flag"]].to_numpy().tolist() == [
        ["a", "visible-high-risk"]
    ]


def test_no_report_holds_a_word_of_it(tmp_path: Any) -> None:
    made = study()
    says = made.safeguarding["says"].iloc[0]
    for name, source in (
        ("f.html", made), ("s.html", made.analyse()), ("s.json", made.analyse())
    ):  # fmt: skip
        kind = "formative" if name.startswith("f") else "summative"
        text = ek.report(source, tmp_path / name, kind=kind).read_text(encoding="utf-8")
        assert says not in text and "self-harm" not in text and "safeguarding:" not in text


def test_a_risk_tool_is_never_an_outcome() -> None:
    made = declare(TRIAL)
    made["logic_model"]["outcomes"][0]["measure"] = {
        "id": "dash-safelives", "informants": ["practitioner"]
    }  # fmt: skip
    with pytest.raises(InvalidEvaluation, match="never an outcome"):
        evaluate(made)


@pytest.mark.parametrize(
    ("measure", "words"),
    [
        ({"id": "social-care-status", "informants": ["practitioner"]}, "neither good nor bad"),
        ({"id": "police-callouts", "informants": ["practitioner"]}, "neither good nor bad"),
        ({"id": "mirabal-six", "informants": ["practitioner"]}, "has no score"),
        ({"id": "pmwi-sf"}, "has no score"),
    ],
)
def test_what_cannot_be_averaged_is_no_outcome(measure: dict[str, Any], words: str) -> None:
    made = declare(TRIAL)
    made["logic_model"]["outcomes"][0]["measure"] = measure
    with pytest.raises(InvalidEvaluation, match=words):
        evaluate(made)


def test_what_is_only_ordered_is_an_outcome_where_arms_are_compared_and_not_elsewhere() -> None:
    made = declare(TRIAL)
    made["logic_model"]["outcomes"][0] |= {"measure": {"id": "itq", "scale": "category"}}
    assert [target.kind for target in evaluate(made).targets()] == ["ordinal"]
    made["design"] = {"type": "pre-post"}
    made["analysis"] = {"covariates": ["baseline"]}
    with pytest.raises(InvalidEvaluation, match="never averaged"):
        evaluate(made)


def test_a_risk_tool_used_on_the_young_is_a_stated_problem() -> None:
    frame = lowest("dash-safelives").assign(age=15)
    with pytest.raises(InvalidData, match="18 and over"):
        ek.score(frame, "dash-safelives", age="age")


def test_frameworks_are_checked_for_completeness() -> None:
    made = declare(TRIAL)
    made["logic_model"]["frameworks"] = ["mirabal-six"]
    made["logic_model"]["outcomes"][0]["covers"] = ["mirabal-six/childhoods"]
    evaluation = evaluate(made)
    rows = evaluation.completeness("mirabal-six").to_frame()
    assert len(rows) == 6
    covered = rows.loc[rows["domain"] == "childhoods", "measured"].item()
    assert tuple(covered) == ("mood",)
    missing = [gap for gap in evaluation.audit() if gap.rule == "domain-not-covered"]
    assert len(missing) == 5


@pytest.mark.parametrize(
    ("covers", "words"),
    [
        ("mirabal-six/childhood", "Did you mean 'childhoods'"),
        ("phq-9/total", "is no framework"),
        ("mirabal-six", "names no domain"),
    ],
)
def test_a_slip_in_covers_is_named(covers: str, words: str) -> None:
    made = declare(TRIAL)
    made["logic_model"]["outcomes"][0]["covers"] = [covers]
    with pytest.raises(InvalidEvaluation, match=words):
        evaluate(made)


@pytest.mark.parametrize("measure_id", ["pmwi-sf", "tip-scales", "mirabal-six", "bdi-ii"])
def test_what_is_not_scored_says_why(measure_id: str) -> None:
    from evalkit.errors import InvalidInput

    with pytest.raises(InvalidInput, match=r"not scored|no score|finished scores"):
        ek.score(pd.DataFrame({"q1": [1]}), measure_id)


def test_bands_from_memory_are_said_to_be_unverified() -> None:
    from evalkit.errors import Unverified

    with pytest.warns(Unverified, match="not verified for total"):
        ek.score(lowest("k6"), "k6", bands="us")


def test_a_safeguarding_item_passed_over_is_not_taken_for_no() -> None:
    frame = lowest("phq-9")
    frame["phq_9_9"] = float("nan")
    assert ek.score(frame, "phq-9")["phq_9__flags"].item() == (
        "prorated:total;safeguarding:self-harm?"
    )
    frame.loc[:, [f"phq_9_{n}" for n in range(1, 10)]] = float("nan")
    assert pd.isna(ek.score(frame, "phq-9")["phq_9__flags"].item())
