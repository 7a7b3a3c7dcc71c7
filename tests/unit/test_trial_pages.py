"""Pages of trials: what stands on them, what must not, and refusals that name the row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidEvaluation
from evalkit.looks import take_look
from evalkit.results import Estimate
from tests.conftest import declare, evaluate, study_of
from tests.unit.test_trial_designs import FLOW, START, analysed, people, wedge, wedge_plan

INDICATOR = {
    "id": "callouts", "from": "events", "kind": "callout", "window": "12 months",
    "exposure": "days-at-risk", "unit": "family",
}  # fmt: skip
YES = {"id": "bdi-ii", "at_least": 20}


def page_of(found: ek.Analysis, folder: Any) -> str:
    ek.report(found, folder / "page.html")
    text: str = (folder / "page.html").read_text(encoding="utf-8")
    return text


def test_days_without_an_event_end_where_an_arm_has_no_curve_left() -> None:
    made = declare(
        data__events={"file": "events.csv"}, data__as_of=START.replace(year=2025),
        programme__start=START, indicators=[INDICATOR | {"unit": "person"}],
    )  # fmt: skip
    frame, scores = people()
    hit = frame["person"][frame["arm"] == "programme"]
    when = np.where(np.arange(len(hit)) % 2 == 0, "2024-11-01", "2024-06-01")
    events = pd.DataFrame({"person": hit, "date": when, "kind": "callout"})
    alone = frame.assign(family=frame["person"].str.replace("p", "f"))
    found = study_of(made, alone, scores, events=events).analyse()
    days = next(e for e in found.event_effects if e.unit == "days")
    assert days.estimate is not None and days.estimate < 0


def test_a_share_where_sites_start_in_turn_allows_for_the_calendar() -> None:
    frame, scores = wedge()
    made = wedge_plan(logic_model__outcomes__0__measure=YES)
    estimate = analysed(made, frame, scores).estimate("mood", "end")
    rows = frame.merge(scores, on="person")
    came = pd.to_datetime(rows["came"])
    rows = rows.assign(
        case=(rows["post"] >= 20) * 1.0, t=(came >= pd.to_datetime(rows["starts"])) * 1.0,
        period=((came - pd.Timestamp(START)).dt.days // 90).astype(float),
    )  # fmt: skip
    alone = ek.stats.stepped_wedge_difference(
        rows, outcome="case", treatment="t", cluster="site", period="period", covariates=["pre"]
    )
    assert estimate.unit == "share"
    assert estimate.estimate == pytest.approx(alone.estimate, rel=1e-9)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"analysis__subgroups": [{"by": "site", "exploratory": True}]}, "has no subgroups"),
        ({"design__rollout__period": "0 days"}, "a calendar period of no length"),
        ({"analysis__covariates": ["family"]}, "families are too many"),
    ],
)
def test_a_staggered_plan_that_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidEvaluation, match=words):
        evaluate(wedge_plan(**changes))


def test_a_staggered_start_refuses_an_outcome_that_is_only_ordered() -> None:
    made = wedge_plan(
        logic_model__outcomes__0__measure={"id": "eq-5d-5l", "scale": "level-sum"},
        data__scores__0={**wedge_plan()["data"]["scores"][0], "measure": "eq-5d-5l",
                         "scale": "level-sum"},
    )  # fmt: skip
    with pytest.raises(InvalidEvaluation, match="ordered only"):
        evaluate(made)


def test_a_site_that_starts_inside_a_period_is_named() -> None:
    frame, scores = wedge()
    with pytest.raises(InvalidData, match="inside a calendar period of 80 days"):
        study_of(wedge_plan(design__rollout__period="80 days"), frame, scores)


def test_periods_of_months_follow_the_calendar() -> None:
    frame, scores = wedge()
    day = {"2024-03-31": "2024-04-01", "2024-06-29": "2024-07-01", "2024-09-27": "2024-10-01"}
    assert set(frame["starts"]) == set(day)
    frame["starts"] = frame["starts"].map(day)
    study = study_of(wedge_plan(design__rollout__period="3 months"), frame, scores)
    trail = study.trail("mood", "end", "self").set_index("person")["period"]
    quarter = pd.to_datetime(frame["came"]).dt.quarter.to_numpy() - 1
    assert trail.loc[frame["person"]].tolist() == quarter.tolist()


def test_people_who_never_came_in_have_no_period() -> None:
    frame, scores = wedge()
    frame.loc[:4, "came"] = ""
    found = analysed(wedge_plan(), frame, scores)
    assert found.estimates[0].estimate is not None
    assert dict(found.estimates[0].dropped_why)["never allocated"] == 5


def test_a_start_that_is_blank_in_some_rows_of_a_site_is_named() -> None:
    frame, scores = wedge()
    frame.loc[frame.index[frame["site"] == "s3"][0], "starts"] = ""
    with pytest.raises(InvalidData, match="in some rows and not in others"):
        study_of(wedge_plan(), frame, scores)
    frame.loc[frame["site"] == "s3", "starts"] = ""
    assert any(
        "count as not yet started" in x for x in study_of(wedge_plan(), frame, scores).problems
    )


def test_a_subgroup_needs_its_column() -> None:
    made = declare(analysis__subgroups=[{"by": "nowhere", "exploratory": True}])
    with pytest.raises(InvalidData, match=r"analysis\.subgroups names it"):
        study_of(made, *people())


def test_a_subgroup_with_one_level_says_why_it_was_not_estimated(tmp_path: Any) -> None:
    frame, scores = people()
    made = declare(analysis__subgroups=[{"by": "sex", "exploratory": True}])
    page = page_of(analysed(made, frame.assign(sex="f"), scores), tmp_path)
    assert "two are needed" in page and ">not estimated<" in page


def test_groups_outside_the_programme_are_not_used_and_said() -> None:
    frame, scores = people()
    made = declare(design__type="rct-partially-clustered", design__groups="grp")
    groups = [f"g{k % 8}" for k in range(len(frame))]
    inside = np.where(frame["arm"] == "programme", groups, "")
    both = study_of(made, frame.assign(grp=groups), scores)
    one = study_of(made, frame.assign(grp=inside), scores).analyse().estimates[0]
    assert both.analyse().estimates[0].std_error == pytest.approx(one.std_error, rel=1e-12)
    assert any("have a group, which is not used" in note for note in both.problems)
    assert any("taken one by one" in note for note in one.notes)


def test_an_event_before_allocation_is_said() -> None:
    event = {"id": "separation", "on": "parted"}
    made = declare(design__events=[event], programme__start=START)
    frame, scores = people()
    study = study_of(made, frame.assign(parted="2023-05-01"), scores)
    assert any("separation lies before they were allocated" in note for note in study.problems)


def test_people_an_analysis_beside_cannot_use_are_counted() -> None:
    made = declare(data__flow=FLOW, analysis__beside=["complier_effect"])
    frame, scores = people()
    frame.loc[:9, "received"] = ""
    found = analysed(made, frame, scores).beside[0]
    used = (found.n_treatment or 0) + (found.n_comparison or 0)
    assert used + found.n_dropped == 120
    assert any("received" in why for why, _ in found.dropped_why)


def test_nobody_at_any_wave_leaves_all_waves_in_one_model_empty() -> None:
    made = declare(analysis__beside=["repeated_measures"])
    frame, scores = people()
    found = analysed(made, frame, scores.assign(post=np.nan))
    assert found.beside[0].estimate is None


def look_of(estimate: float, p_value: float, **more: Any) -> str:
    made = declare(analysis__looks={"information": [0.5, 1], "now": 1})
    study = study_of(made, *people())
    target = study.trails[0][0]
    look = take_look(study, target, Estimate(estimate=estimate, p_value=p_value, **more))
    assert look is not None
    return look.verdict


def test_a_look_reads_a_ratio_against_one_and_allows_for_other_programmes() -> None:
    assert look_of(1.5, 1e-6, unit="ratio") == "stop for harm"
    assert look_of(0.6, 1e-6, unit="ratio") == "stop for benefit"
    assert look_of(-4.0, 0.001, p_adjusted=0.02) == "continue"


def test_an_interim_look_concludes_nothing() -> None:
    made = declare(analysis__looks={"information": [0.5, 1], "now": 1})
    frame, scores = people()
    finding = analysed(made, frame, scores.assign(post=scores["pre"][::-1].to_numpy())).findings[0]
    assert any("nothing is concluded" in caveat for caveat in finding.caveats)


def test_a_look_without_an_estimate_reads_no_boundary() -> None:
    made = declare(analysis__looks={"information": [0.5, 1], "now": 1})
    frame, scores = people()
    look = analysed(made, frame, scores.assign(post=7.0)).looks[0]
    assert "no boundary could be read" in look.sentence


def test_a_primary_result_after_the_wait_is_refused() -> None:
    made = declare(design__type="rct-waitlist", design__comparison_ends="end")
    made["waves"].append({"id": "later", "due": "26 weeks"})
    made["logic_model"]["outcomes"][0]["when"] = ["end", "later"]
    made["data"]["scores"][0]["columns"]["later"] = "late"
    made["analysis"]["primary"]["wave"] = "later"
    with pytest.raises(InvalidEvaluation, match="the waiting group has started"):
        evaluate(made)


def test_a_look_at_a_hidden_result_says_nothing_of_it(tmp_path: Any) -> None:
    made = declare(
        analysis__looks={"information": [0.5, 1], "now": 1}, disclosure={"profile": "strict"}
    )
    frame, scores = people(24)
    page = page_of(analysed(made, frame, scores), tmp_path)
    assert "What it says may not be shown" in page
    assert "boundary for" not in page and "No boundary" not in page


def test_a_strict_page_gives_shares_without_decimals_everywhere(tmp_path: Any) -> None:
    made = declare(
        logic_model__outcomes__0__measure={"id": "bdi-ii", "at_least": 21},
        disclosure={"profile": "strict"},
    )
    frame, scores = people(400)
    found = analysed(made, frame, scores)
    page = page_of(found, tmp_path)
    exact = 100 * (found.estimates[0].estimate or 0.0)
    assert f"{abs(exact):.0f} percentage points" in page
    assert f"{abs(exact):.1f} " not in page.split("<svg")[0]
    theory = next(line for line in page.split("<li>") if "at end." in line and "Mood lifts" in line)
    assert f"{abs(exact):.0f} percentage points" in theory and "." not in theory.split(" at end")[0]


def test_findings_of_several_programmes_name_the_arms() -> None:
    made = declare(
        design__type="rct-multi-arm",
        design__arm={"column": "arm", "treated": ["programme", "light"], "comparison": "usual"},
    )
    frame, scores = people(150, names=("programme", "light", "usual"))
    for finding in analysed(made, frame, scores).findings:
        one, other = str(finding.contrast).split(" - ")
        assert f"“{one}” against “{other}”" in finding.statement


def test_after_the_wait_the_reason_stands_on_a_strict_page_too(tmp_path: Any) -> None:
    made = declare(
        design__type="rct-waitlist", design__comparison_ends="end",
        analysis__subgroups=[{"by": "sex", "exploratory": True}], analysis__primary=None,
        disclosure={"profile": "strict"},
    )  # fmt: skip
    made["waves"].append({"id": "6-months", "due": "26 weeks"})
    made["logic_model"]["outcomes"][0]["when"] = ["end", "6-months"]
    made["data"]["scores"][0]["columns"]["6-months"] = "late"
    frame, scores = people(200)
    found = analysed(made, frame, scores.assign(late=scores["post"]))
    assert {row.wave for row in found.moderations} == {"end"}
    assert "there is nobody to compare with" in page_of(found, tmp_path)


def test_the_methods_name_the_scale_that_was_used(tmp_path: Any) -> None:
    scale = {"measure": "eq-5d-5l", "scale": "level-sum"}
    made = declare(logic_model__outcomes__0__measure={"id": "eq-5d-5l", "scale": "level-sum"})
    made["data"]["scores"][0] |= scale
    frame, scores = people()
    steps = scores.assign(pre=6.0 + np.arange(120) // 2 % 3, post=8.0 + np.arange(120) % 4)
    page = page_of(analysed(made, frame, steps), tmp_path)
    assert "level-sum 5 to 25, higher is worse" in page and "vas 0 to 100" not in page
