"""Inputs that a sceptical reader tried, each of which once gave a leaking or too bold an answer."""

from __future__ import annotations

import html
import re
from typing import Any

import pandas as pd
import pytest

from evalkit.analysis import Analysis
from evalkit.errors import InvalidData, InvalidEvaluation
from evalkit.reports.writing import report_text
from tests.conftest import arms, before_after, declare, evaluate, matched, split, study_of
from tests.unit.test_reports import Page

STRICT = {"profile": "strict", "threshold": 10, "round_to": 5}


def analysed(data: dict[str, Any], frame: pd.DataFrame) -> Analysis:
    return study_of(data, *split(frame)).analyse()


def page(data: dict[str, Any], frame: pd.DataFrame, kind: str = "summative") -> str:
    text = html.unescape(report_text(analysed(data, frame), ".html", kind))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "|", text))


# Shareable pages


def test_a_rare_yes_or_no_does_not_show_its_count() -> None:
    frame = arms(120)
    frame["disabled"] = [1 if i in (0, 2, 4, 1) else 0 for i in range(120)]
    made = declare(disclosure=STRICT, analysis__covariates=["baseline", "disabled"])
    row = re.search(r"disabled\|[^a-z]*\|([^|]+)\|+([^|]+)\|+([^|]+)\|", page(made, frame))
    assert row is not None and "not shown" in row.group(0)


def test_one_rare_category_hides_them_all() -> None:
    frame = arms(120)
    frame["town"] = [
        "Village" if i in (0, 2, 4) else ["East", "West", "North"][i % 3] for i in range(120)
    ]
    made = declare(disclosure=STRICT, analysis__covariates=["baseline", "town"])
    text = page(made, frame)
    for town in ("Village", "East", "West", "North"):
        assert re.search(
            rf"town: {town}\|+not shown", text.replace(" |", "|").replace("| ", "|")
        ), town


def test_sentences_on_strict_pages_hold_no_figures_of_balance() -> None:
    frame = arms(80)
    frame["tier"] = ["rare" if i in (0, 2, 4) else "usual" for i in range(80)]
    text = page(
        matched(
            disclosure=STRICT,
            design__match={"unit": "family", "covariates": ["tier"], "sets": "pair"},
        ),
        frame,
    )
    assert "tier=rare" not in text and "standard deviations at most" not in text


def test_degrees_of_freedom_do_not_give_exact_numbers() -> None:
    frame = arms(47).astype(object)
    frame.loc[0, "pre"] = ""
    found = analysed(before_after(disclosure=STRICT), frame)
    assert found.estimates[0].df == pytest.approx(45)
    rows = Page(report_text(found, ".html")).table("Outcome", "SE", "df", "Level")
    assert rows[0]["df"] == "45"
    frame.loc[1, "pre"] = ""
    again = analysed(before_after(disclosure=STRICT), frame)
    assert again.estimates[0].df == pytest.approx(44)
    assert Page(report_text(again, ".html")).table("Outcome", "SE", "df")[0]["df"] == "45"


def test_why_nothing_was_estimated_holds_no_count() -> None:
    frame = arms(40, post=5).astype(object)
    text = page(declare(disclosure=STRICT), frame)
    assert "not enough information" in text
    finding = re.search(r"not enough information\. ([^|]*)\|", text)
    assert finding is not None and not re.search(r"\d", finding.group(1))


def test_rounding_too_fine_for_the_threshold_is_refused() -> None:
    with pytest.raises(InvalidEvaluation, match="rounding to 1"):
        evaluate(declare(disclosure={"profile": "strict", "threshold": 10, "round_to": 1}))


# Claims and levels


def test_sets_may_not_hide_that_sites_were_assigned() -> None:
    with pytest.raises(InvalidEvaluation, match="matching of whole sites is not available"):
        evaluate(matched(design__assigned_by="site"))


def test_a_family_in_two_sets_is_refused_whatever_was_assigned() -> None:
    frame = arms(40, family=[f"f{i // 4}" for i in range(40)])
    with pytest.raises(InvalidData, match="more than one value"):
        study_of(matched(design__assigned_by="person"), *split(frame))


def test_no_first_score_is_never_said_to_be_allowed_for() -> None:
    frame = arms(60, effect=-9).astype(object)
    frame["pre"] = ""
    found = analysed(declare(), frame)
    assert found.estimates[0].adjusted_for == ()
    said = found.findings[0].statement + " ".join(found.findings[0].caveats)
    assert "allowing for" not in said and "not adjusted for it" in said


def test_first_scores_missing_in_one_arm_are_left_out_not_fatal() -> None:
    frame = arms(60, effect=-9).astype(object)
    frame.loc[frame["arm"] == "usual", "pre"] = ""
    found = analysed(declare(), frame)
    assert found.estimates[0].estimate is not None
    assert "not known in every arm" in " ".join(found.estimates[0].notes)


def test_likeness_of_a_few_does_not_stand_for_all() -> None:
    frame = arms(80).astype(object)
    usual = frame.index[frame["arm"] == "usual"]
    frame.loc[usual[:14], "post"] = ""
    frame.loc[usual[22:], "pre"] = ""
    found = analysed(declare(), frame)
    assert found.levels[0].level == 2
    assert "likeness at the start is not shown" in " ".join(found.levels[0].reasons)


def test_early_answers_do_not_flatter_the_loss() -> None:
    frame = arms(120, day=["2024-01-01"] * 60 + ["2024-12-01"] * 60).astype(object)
    late = frame.index[60:]
    frame.loc[late[::2], "post"] = ""
    frame.loc[frame.index[:24:2], "post"] = ""
    made = declare(
        data__flow={"allocated_on": "day"}, data__as_of=pd.Timestamp("2024-12-31").date()
    )
    (loss,) = study_of(made, *split(frame)).attrition()
    assert (loss.randomised_treatment, loss.observed_treatment) == (30, 18)
    assert loss.randomised_treatment + loss.randomised_comparison == 60


def test_half_a_trial_lost_is_said_beside_its_finding() -> None:
    frame = arms(200, effect=-9).astype(object)
    frame.loc[frame.index[100:], "post"] = ""
    found = analysed(declare(), frame)
    assert found.levels[0].level == 5
    assert "50% were lost" in found.findings[0].caveats[0]


def test_clear_but_far_below_the_plan_is_said() -> None:
    base = declare()
    base["logic_model"]["outcomes"][0]["expected"] = {"change": -9, "source": "the plan"}
    said = analysed(base, arms(80, effect=-3)).findings[0].statement
    assert "falls short of 9.0 points (the change that the plan expects)" in said
    base["logic_model"]["outcomes"][0]["expected"]["change"] = -1
    assert "falls short" not in analysed(base, arms(80, effect=-3)).findings[0].statement


def test_an_expected_change_of_nothing_is_refused() -> None:
    base = declare()
    base["logic_model"]["outcomes"][0]["expected"] = {"change": 0, "source": "none"}
    with pytest.raises(InvalidEvaluation, match="no expectation"):
        evaluate(base)


def test_four_degrees_of_freedom_are_four() -> None:
    frame = arms(6, effect=-16)
    found = analysed(declare(analysis__covariates=[]), frame)
    assert found.estimates[0].df == pytest.approx(4, abs=0.2)
    if found.estimates[0].df > 4 - 1e-6:
        assert found.findings[0].claim != "not-enough-information"


def test_every_loss_verdict_can_be_shown_without_its_rates() -> None:
    frame = arms(40).astype(object)
    frame.loc[0, "post"] = ""
    text = page(declare(disclosure=STRICT), frame)
    assert not re.search(r"[0-9]% were lost", text) and "not shown" in text and "inside" in text


def test_several_single_losses_cannot_be_counted() -> None:
    frame = arms(22, ok="yes").astype(object)
    frame.loc[0, "ok"] = "no"
    frame.loc[1, "post"] = ""
    frame.loc[2, "pre"] = ""
    made = before_after(disclosure=STRICT, data__flow={"eligible": "ok"})
    for kind in ("summative", "formative"):
        text = page(made, frame, kind)
        assert "no first score" not in text and "not eligible:" not in text


def test_a_few_unusual_values_are_not_given_away_by_a_mean() -> None:
    frame = arms(80)
    frame["orders"] = [1 if i == 0 else 2 if i == 2 else 0 for i in range(80)]
    text = page(declare(disclosure=STRICT, analysis__covariates=["baseline", "orders"]), frame)
    assert re.search(r"orders\|+not shown", text.replace(" |", "|").replace("| ", "|"))


def test_a_family_of_both_arms_is_in_neither_rate() -> None:
    frame = arms(40, family=[f"f{i // 2}" for i in range(40)])
    people, scores = split(frame)
    events = pd.DataFrame(
        {"family": ["f0"], "date": ["2024-02-01"], "kind": ["callout"], "value": [""]}
    )
    made = declare(
        data__events={"file": "events.csv"}, programme__start=pd.Timestamp("2024-01-01").date(),
        data__as_of=pd.Timestamp("2024-12-31").date(),
        indicators=[{"id": "calls", "from": "events", "kind": "callout", "unit": "family", "window": "6 months"}],
    )  # fmt: skip
    study = study_of(made, people, scores, events=events)
    assert all(rate.n_units == 0 and rate.rate is None for rate in study.indicators())
    assert any("people in both arms" in note for note in study.problems)


def test_one_group_says_how_many_were_lost() -> None:
    frame = arms(100).astype(object)
    frame.loc[30:, "post"] = ""
    found = analysed(before_after(), frame)
    assert "70% were lost" in " ".join(found.findings[0].caveats)


def test_a_number_is_never_rounded_to_nothing() -> None:
    frame = arms(400, effect=0)
    said = analysed(declare(), frame).findings[0].statement
    assert not re.search(r"scores were 0\.0 points", said)


@pytest.mark.parametrize("block", ["analysis", "match"])
def test_days_are_no_covariates_and_check_says_so(block: str) -> None:
    flow = {"allocated_on": "day"}
    with pytest.raises(InvalidEvaluation, match="'day'"):
        if block == "analysis":
            evaluate(declare(data__flow=flow, analysis__covariates=["baseline", "day"]))
        else:
            match = {"unit": "family", "covariates": ["day"], "sets": "pair"}
            evaluate(matched(data__flow=flow, design__match=match))


@pytest.mark.parametrize("share", [1, 2])
def test_oversized_numbers_do_not_turn_into_words(share: int) -> None:
    frame = arms(40).astype(object)
    frame.loc[frame.index[::share], "tier"] = "1e28"
    with pytest.raises(InvalidData, match="tier"):
        study_of(declare(analysis__covariates=["baseline", "tier"]), *split(frame))
