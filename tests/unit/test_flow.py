"""Who got how far: every person of a role stands in one place, and every count says so."""

from __future__ import annotations

import datetime
import re
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from evalkit.flow import EARLY, STEPS
from evalkit.study import Study
from tests.conftest import arms, before_after, declare, matched, split, study_of

DAY = datetime.date


def reconcile(study: Study) -> None:
    """Hold every count of a study against the people it counts."""
    analysis = study.analyse(sensitivity=False)
    losses = {(a.outcome, a.wave, a.informant): a for a in study.attrition()}
    for (target, followed), estimate in zip(study.trails, analysis.estimates, strict=True):
        key = (target.outcome.id, target.wave, target.informant)
        assert (estimate.outcome, estimate.wave, estimate.informant) == key
        people = study.people[study.people["role"] == target.outcome.role]
        assert sorted(followed["person"]) == sorted(people["person"])
        assert set(followed["step"]) <= set(STEPS)
        analysed = followed["step"] == "analysed"
        assert (followed["reason"].isna() == analysed).all()
        assert followed.loc[analysed, "score"].notna().all()
        used = (estimate.n_treatment or 0) + (estimate.n_comparison or 0)
        assert used == analysed.sum()
        assert used + estimate.n_dropped == len(people)
        assert sum(n for _, n in estimate.dropped_why) == estimate.n_dropped
        steps = study.flow().of(*key)
        for arm in {step.arm for step in steps}:
            chain = [s for s in steps if s.arm == arm and s.reason is None]
            for step, following in pairwise(chain):
                gone = [s for s in steps if (s.arm, s.step) == (arm, step.step) and s.reason]
                assert step.n == following.n + sum(s.n for s in gone)
                assert all(0 < s.families <= s.n for s in gone)
        assert sum(s.n for s in steps if s.step == "came-in" and s.reason is None) == len(people)
        if key in losses:
            loss = losses[key]
            for value, assigned, seen in (
                (1, loss.randomised_treatment, loss.observed_treatment),
                (0, loss.randomised_comparison, loss.observed_comparison),
            ):
                mine = followed[followed["treated"] == value]
                assert assigned == mine["step"].isin(["due", "returned", "analysed"]).sum()
                assert seen == (mine["step"] == "analysed").sum()
    for row in study.coverage():
        parts = row.n_measured + row.n_not_measured + row.n_not_due + row.n_not_asked
        assert parts == row.n_people
        for part in ("people", "measured", "not_measured", "not_due", "not_asked"):
            assert getattr(row, f"families_{part}") <= getattr(row, f"n_{part}")


def test_the_examples_reconcile(example: Study) -> None:
    reconcile(example)
    assert len(example.trails) in (4, 8)


def test_beating_the_blues_by_hand(studies: dict[str, Study]) -> None:
    seen = [
        (a.wave, a.randomised_treatment, a.observed_treatment, a.randomised_comparison,
         a.observed_comparison, a.cautious)
        for a in studies["beating-the-blues"].attrition()
    ]  # fmt: skip
    assert seen == [
        ("2-months", 52, 52, 48, 45, "outside"),
        ("3-months", 52, 37, 48, 36, "inside"),
        ("5-months", 52, 29, 48, 29, "outside"),
        ("8-months", 52, 27, 48, 25, "inside"),
    ]


def reasons(data: dict[str, Any], frame: pd.DataFrame, **more: Any) -> pd.DataFrame:
    study = study_of(data, *split(frame), **more)
    reconcile(study)
    return study.trail("mood", "end", "self").set_index("person")


def cell(frame: pd.DataFrame, person: int, **values: Any) -> pd.DataFrame:
    changed = frame.astype(object)
    for column, value in values.items():
        changed.loc[person, column] = value
    return changed


def test_each_way_out_has_its_own_step_and_reason() -> None:
    flow = {
        "eligible": "ok", "consent": "agreed", "left_on": "left", "left_reason": "why",
        "allocated_on": "day",
    }  # fmt: skip
    frame = arms(24, ok="yes", agreed="yes", left="", why="", day="2024-01-01").astype(object)
    frame = cell(frame, 0, ok="no", agreed="no", pre="", post="")
    frame = cell(frame, 1, agreed="no")
    frame = cell(frame, 2, arm="")
    frame = cell(frame, 3, pair="")
    frame = cell(frame, 4, post="", why="moved away", left="2024-02-01")
    frame = cell(frame, 5, post="", left="2024-02-01")
    frame = cell(frame, 6, post="")
    frame = cell(frame, 7, pre="")
    frame = cell(frame, 8, post="", day="2024-12-01")
    frame = cell(frame, 9, day="2024-12-01")
    frame = cell(frame, 10, tier="")
    made = matched(
        data__flow=flow,
        data__as_of=DAY(2024, 12, 31),
        analysis__covariates=["baseline", "tier"],
    )
    found = reasons(made, frame)
    said = zip(found["step"], found["reason"].fillna(""), strict=True)
    assert [*said][:11] == [
        ("came-in", "not eligible"),
        ("eligible", "no consent"),
        ("eligible", "never allocated"),
        ("allocated", "no match was found"),
        ("due", "moved away"),
        ("due", "left, no reason recorded"),
        ("due", "no answer returned"),
        ("returned", "no first score"),
        ("matched", "not yet due"),
        ("matched", EARLY),
        ("returned", "no tier recorded"),
    ]
    assert (found["step"].iloc[11:] == "analysed").all()


def test_who_leaves_after_the_wave_closed_did_not_leave_before_it() -> None:
    flow = {"left_on": "left", "left_reason": "why", "allocated_on": "day"}
    frame = arms(8, left="", why="", day="2024-01-01")
    for person, left in ((0, "2024-03-11"), (1, "2024-03-12")):
        frame = cell(frame, person, post="", why="moved away", left=left)
    found = reasons(declare(data__flow=flow), frame)
    assert found["reason"].iloc[0] == "moved away"
    assert found["reason"].iloc[1] == "no answer returned"


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        (DAY(2024, 2, 29), "not yet due"),
        (DAY(2024, 3, 13), "not yet due"),
        (DAY(2024, 3, 14), "no answer returned"),
        (DAY(2024, 4, 1), "no answer returned"),
    ],
)
def test_the_last_day_of_the_window_counts(as_of: DAY, reason: str) -> None:
    waves = [
        {"id": "baseline", "due": "0 weeks"},
        {"id": "end", "due": "1 month", "window": "2 weeks"},
    ]
    frame = cell(arms(8, day="31/01/2024"), 0, post="")
    made = declare(waves=waves, data__as_of=as_of, data__flow={"allocated_on": "day"})
    found = reasons(made, frame)  # 31 January, a month on: 29 February; two weeks: 14 March
    assert found["reason"].iloc[0] == reason
    if reason == "not yet due":  # the others answered before the wave closed
        assert (found["reason"].iloc[1:] == EARLY).all()
        assert (found["step"] == "allocated").all()
    else:
        assert (found["step"].iloc[1:] == "analysed").all()


def test_without_a_day_of_allocation_time_starts_with_the_programme() -> None:
    frame = cell(arms(8, day="2024-06-01"), 0, post="")
    frame = cell(frame, 2, post="", day="")
    made = declare(
        programme={"name": "P", "start": DAY(2024, 1, 1)}, data__as_of=DAY(2024, 7, 1),
        data__flow={"allocated_on": "day"},
    )  # fmt: skip
    found = reasons(made, frame)
    assert found["reason"].iloc[[0, 2]].tolist() == ["not yet due", "no answer returned"]
    del made["data"]["as_of"]
    assert reasons(made, frame)["reason"].iloc[[0, 2]].tolist() == ["no answer returned"] * 2


def children(**columns: Any) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    made = declare(
        roles=["mother", "child"],
        data__scores=[
            {"file": "scores.csv", "measure": "sdq-parent-4-17", "scale": "total", "shape": "long"}
        ],
        logic_model__outcomes=[
            {"id": "mood", "name": "Calmer", "role": "child", "direction": "lower", "when": ["end"],
             "measure": {"id": "sdq-parent-4-17", "informants": ["mother"]}},
        ],
    )  # fmt: skip
    frame = arms(16, role="child", age=9, **columns)
    scores = pd.concat(
        frame[["person"]].assign(
            wave=wave, informant="mother", respondent="m1", score=frame[column] - 10
        )
        for wave, column in (("baseline", "pre"), ("end", "post"))
    )
    return made, frame.drop(columns=["pre", "post"]), scores


@pytest.mark.parametrize(
    ("age", "asked"), [(3.99, 0), (4, 1), (17, 1), (17.9, 1), (18, 0), ("", 1)]
)
def test_ages_of_the_measure_bound_who_is_asked(age: Any, asked: int) -> None:
    made, people, scores = children()
    people = cell(people, 0, age=age)
    scores = scores[(scores["person"] != "p000") | (scores["wave"] == "baseline")]
    study = study_of(made, people, scores)
    reconcile(study)
    trail = study.trail("mood", "end", "mother").set_index("person")
    expected = "no answer returned" if asked else "outside the measure's ages (4 to 17)"
    assert trail.loc["p000", "reason"] == expected
    end = next(c for c in study.coverage() if (c.role, c.wave) == ("child", "end"))
    assert (end.n_measured, end.n_not_measured, end.n_not_asked) == (15, asked, 1 - asked)


def test_an_answer_from_outside_the_ages_is_left_out_and_said() -> None:
    made, people, scores = children()
    study = study_of(made, cell(people, 0, age=30), scores)
    reconcile(study)
    trail = study.trail("mood", "end", "mother").set_index("person")
    assert trail.loc["p000", "reason"] == "outside the measure's ages (4 to 17)"
    assert (trail["step"].drop("p000") == "analysed").all()
    assert any("outside its ages (4 to 17)" in note for note in study.problems)


@pytest.mark.parametrize("wave", ["baseline", "end"])
def test_several_respondents_are_averaged_and_said(wave: str) -> None:
    made, people, scores = children()
    mine = (scores["person"] == "p000") & (scores["wave"] == wave)
    second = scores[mine].assign(respondent="m2", score=scores.loc[mine, "score"] + 4)
    study = study_of(made, people, pd.concat([scores, second]))
    reconcile(study)
    trail = study.trail("mood", "end", "mother").set_index("person")
    column = "score" if wave == "end" else "baseline"
    assert trail.loc["p000", column] == scores.loc[mine, "score"].iloc[0] + 2
    assert study.problems == (
        f"1 people have several answers of sdq-parent-4-17 from mother at {wave}; "
        "their mean is used",
    )


def test_a_second_respondent_without_a_score_is_not_averaged() -> None:
    made, people, scores = children()
    mine = (scores["person"] == "p000") & (scores["wave"] == "end")
    blank = scores[mine].assign(respondent="m2", score="")
    study = study_of(made, people, pd.concat([scores, blank]))
    assert study.problems == ()
    trail = study.trail("mood", "end", "mother").set_index("person")
    assert trail.loc["p000", "score"] == scores.loc[mine, "score"].iloc[0]


def test_notes_of_a_strict_study_hold_no_small_number() -> None:
    made, people, scores = children()
    made["disclosure"] = {"profile": "strict"}
    study = study_of(made, cell(people, 0, age=30), scores)
    assert any("outside its ages" in note for note in study.problems)
    assert not any(re.search(r"(?<![<\d])\b\d people", note) for note in study.problems)


def test_before_and_after_has_one_arm_and_no_loss_between_arms() -> None:
    frame = cell(cell(arms(12), 0, post=""), 1, pre="")
    made = before_after()
    study = study_of(made, *split(frame))
    reconcile(study)
    assert study.evaluation.arm_names == ("programme",)
    assert study.attrition() == ()
    assert {s.arm for s in study.flow().steps} == {"programme"}
    trail = study.trail("mood", "end", "self")
    assert trail["reason"].tolist()[:2] == ["no answer returned", "no first score"]


def test_before_and_after_with_a_comparison_left_over_leaves_it_out() -> None:
    made = before_after(
        design__arm={"column": "arm", "treated": "programme", "comparison": "usual"}
    )
    study = study_of(made, *split(arms(12)))
    reconcile(study)
    assert study.attrition() == ()
    assert study.trail("mood", "end", "self")["reason"].value_counts().to_dict() == {
        "never allocated": 6
    }


def test_an_unknown_trail_names_those_there_are(studies: dict[str, Study]) -> None:
    with pytest.raises(ValueError, match="Allowed: depression / 2-months / self"):
        studies["beating-the-blues"].trail("depression", "2-month", "self")


def test_a_trail_is_a_copy(studies: dict[str, Study]) -> None:
    study = studies["beating-the-blues"]
    trail, people = study.trail("depression", "2-months", "self"), study.people
    trail["step"], people["treated"] = "lost", 1
    assert "lost" not in set(study.trail("depression", "2-months", "self")["step"])
    assert study.people["treated"].nunique() == 2


def test_a_matched_set_of_one_arm_is_no_match() -> None:
    frame = arms(20).astype(object)
    frame.loc[[0, 2], "pair"] = "both of the programme"
    frame.loc[1, "pair"] = "alone"
    found = reasons(matched(), frame)
    assert (found["reason"] == "no match was found").tolist()[:5] == [True, True, True, True, False]
    alone = arms(20).assign(pair=[f"s{i}" for i in range(20)])
    analysis = study_of(matched(), *split(alone)).analyse(sensitivity=False)
    assert analysis.estimates[0].dropped_why == (("no match was found", 20),)
    assert analysis.levels[0].level == 0


@pytest.mark.parametrize("column", ["eligible", "consent"])
def test_people_taken_out_after_allocation_are_lost_not_absent(column: str) -> None:
    """Six of twenty taken out of one arm is a loss of 60% there, whatever they answered."""
    frame = arms(20, ok="yes")
    treated = frame.index[frame["arm"] == "programme"][:6]
    frame.loc[treated, "ok"] = "no"
    study = study_of(declare(data__flow={column: "ok"}), *split(frame))
    reconcile(study)
    (loss,) = study.attrition()
    assert (loss.randomised_treatment, loss.observed_treatment) == (10, 4)
    assert loss.cautious == "outside"
    reasons = study.trail("mood", "end", "self")["reason"].dropna()
    assert len(reasons) == 6 and reasons.str.startswith("allocated, ").all()
