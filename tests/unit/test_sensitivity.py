"""Each result again under other treatments of the lost: what is filled in, weighted or bounded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidEvaluation
from evalkit.estimators import ESTIMATORS, estimate_target
from evalkit.sensitivity.completing import complete
from tests.conftest import before_after, declare, study_of

ALL = [
    "multiple-imputation", "attrition-weights", "reference-based", "delta", "lee-bounds",
    "worst-case",
]  # fmt: skip
Frames = tuple[pd.DataFrame, pd.DataFrame]


def people(
    n: int = 120, *, names: tuple[str, ...] = ("programme", "usual"), seed: int = 3,
    lost: tuple[float, float] = (0.25, 0.15), effect: float = -4.0, size: int = 1,
) -> Frames:  # fmt: skip
    """Return people and scores at three waves; those worse at the start are lost more often."""
    rng = np.random.default_rng(seed)
    i = np.arange(n)
    arm = np.array(names, dtype=object)[(i // size) % len(names)]
    offered = arm != names[-1]
    pre = rng.normal(24, 7, n).clip(0, 63).round()
    mid = (0.6 * pre + 8 + rng.normal(0, 5, n) + effect / 2 * offered).clip(0, 63).round()
    post = (0.5 * mid + 0.2 * pre + 6 + rng.normal(0, 5, n) + effect / 2 * offered).clip(0, 63)
    gone = rng.random(n) < np.where(offered, *lost) * np.exp(0.06 * (pre - 24))
    why = np.array(["moved", "refused", ""], dtype=object)[rng.integers(0, 3, n)]
    frame = pd.DataFrame({
        "person": [f"p{k:03d}" for k in i], "family": [f"f{k // size:03d}" for k in i], "arm": arm,
        "tier": rng.integers(1, 5, n), "years": rng.integers(18, 60, n),
        "left": np.where(gone, why, ""),
    }).astype(str)  # fmt: skip
    after = np.where(gone, np.nan, post.round())
    scores = pd.DataFrame({"person": frame["person"], "pre": pre, "mid": mid, "post": after})
    return frame, scores


def plan(**missing: Any) -> dict[str, Any]:
    """Return a trial that treats the lost as given, by few imputations unless it says otherwise."""
    missing = {"imputations": 4} | missing
    if missing["imputations"] is None:
        del missing["imputations"]
    made = declare(data__flow={"left_reason": "left"})
    made["analysis"] |= {"covariates": ["baseline", "tier"], "missing": missing}
    return made


def over_time(made: dict[str, Any]) -> dict[str, Any]:
    """Return the same with a wave between the first and the last."""
    made["waves"].insert(1, {"id": "mid", "due": "5 weeks"})
    made["data"]["scores"][0]["columns"] = {"baseline": "pre", "mid": "mid", "end": "post"}
    made["logic_model"]["outcomes"][0]["when"] = ["mid", "end"]
    return made


def analysed(made: dict[str, Any], frames: Frames | None = None) -> ek.Analysis:
    return study_of(made, *(frames or people())).analyse()


def only(found: ek.Analysis, method: str, **also: Any) -> Any:
    """Return the one row of a treatment."""
    wanted = {"method": method} | also
    (row,) = (r for r in found.sensitivity if all(getattr(r, k) == v for k, v in wanted.items()))
    return row


@pytest.fixture(scope="module")
def every() -> ek.Analysis:
    """A trial under every treatment."""
    return analysed(plan(sensitivity=ALL))


# What is shown


def test_every_treatment_is_shown_and_counts_everybody(every: ek.Analysis) -> None:
    shown = [(row.method, row.variant) for row in every.sensitivity]
    assert shown == [
        ("complete-case", ""), ("multiple-imputation", ""), ("attrition-weights", ""),
        ("reference-based", "J2R"), ("reference-based", "CR"), ("reference-based", "CIR"),
        ("delta", ""), ("lee-bounds", ""), ("worst-case", ""),
    ]  # fmt: skip
    assert [row.asked for row in every.sensitivity] == ["primary"] + ["planned"] * 8
    for row in every.sensitivity:
        assert row.n_used + row.n_dropped == 120, row.method
        assert row.sentence and row.conf_low is not None and row.conf_low < row.conf_high
    lost = int((every.study.trail("mood", "end", "self")["step"] == "due").sum())
    assert only(every, "multiple-imputation").n_filled == lost > 0
    assert only(every, "complete-case").n_dropped == lost
    assert only(every, "lee-bounds").lower <= only(every, "lee-bounds").upper
    wide, narrow = only(every, "worst-case"), only(every, "lee-bounds")
    assert wide.lower < narrow.lower and wide.upper > narrow.upper


@pytest.mark.parametrize("primary", ["multiple-imputation", "attrition-weights"])
def test_the_finding_rests_on_the_plans_own_treatment(primary: str, every: ek.Analysis) -> None:
    found = analysed(plan(primary=primary))
    asked = only(every, primary)
    estimate = found.estimate("mood", "end")
    assert estimate.estimate == pytest.approx(asked.estimate, rel=1e-12)
    assert (estimate.n_treatment or 0) + (estimate.n_comparison or 0) == asked.n_used
    rows = [(row.method, row.asked) for row in found.sensitivity]
    assert rows == [(primary, "primary"), ("complete-case", "added")]
    first = found.sensitivity[0]
    assert (first.fmi, first.imputations, first.n_filled) == (
        asked.fmi, asked.imputations, asked.n_filled,
    )  # fmt: skip
    plain = only(every, "complete-case")
    assert found.sensitivity[1].estimate == pytest.approx(plain.estimate, rel=1e-12)


def test_those_who_answered_are_never_the_only_answer_when_many_are_lost() -> None:
    found = analysed(plan())
    assert [(row.method, row.asked) for row in found.sensitivity] == [
        ("complete-case", "primary"), ("multiple-imputation", "added"), ("delta", "added"),
    ]  # fmt: skip
    frame, scores = people(lost=(0.0, 0.0))
    assert not analysed(plan(sensitivity=ALL), (frame, scores)).sensitivity
    scores.loc[:4, "post"] = np.nan
    assert not analysed(plan(), (frame, scores)).sensitivity
    scores.loc[:9, "post"] = np.nan
    assert len(analysed(plan(), (frame, scores)).sensitivity) == 3


def test_without_sensitivity_nothing_is_done_beside() -> None:
    study = study_of(plan(sensitivity=ALL), *people())
    assert not study.analyse(sensitivity=False).sensitivity


# The numbers, by hand


def test_imputation_is_the_estimator_on_each_completed_trail_pooled() -> None:
    study = study_of(plan(primary="multiple-imputation", imputations=7), *people())
    target, followed = study.trails[0]
    completed = complete(study, target, followed, 7)
    estimator = ESTIMATORS["mean_difference"]
    each = [estimate_target(study, target, trail, estimator) for trail in completed.trails]
    values = [float(e.estimate or 0) for e in each]
    errors = [float(e.std_error or 0) for e in each]
    between, within = float(np.var(values, ddof=1)), float(np.mean(np.square(errors)))
    found = study.analyse(sensitivity=False).estimate("mood", "end")
    assert found.estimate == pytest.approx(np.mean(values), rel=1e-12)
    assert found.std_error == pytest.approx(math.sqrt(within + (1 + 1 / 7) * between), rel=1e-12)
    pooled = ek.stats.pool(values, errors, df_complete=min(float(e.df or 0) for e in each))
    assert (found.df, found.conf_low) == pytest.approx((pooled.df, pooled.conf_low), rel=1e-12)
    assert "Rubin" in found.method


def test_weights_are_weighted_least_squares(every: ek.Analysis) -> None:
    frame, scores = people()
    rows = frame.merge(scores, on="person").sort_values("person")
    rows["t"] = (rows["arm"] == "programme").astype(float)
    rows["tier"] = rows["tier"].astype(float)
    rows["seen"] = rows["post"].notna().astype(float)
    rows["w"] = ek.stats.attrition_weights(
        rows, observed="seen", treatment="t", covariates=["pre", "tier"]
    ).weights
    seen = rows[rows["seen"] == 1]
    x = np.column_stack([np.ones(len(seen)), seen["t"], seen["pre"], seen["tier"]])
    root = np.sqrt(seen["w"].to_numpy())
    slopes = np.linalg.lstsq(x * root[:, None], seen["post"].to_numpy() * root, rcond=None)[0]
    assert only(every, "attrition-weights").estimate == pytest.approx(slopes[1], rel=1e-9)


def test_the_worst_case_is_arithmetic(every: ek.Analysis) -> None:
    frame, scores = people()
    rows = frame.merge(scores, on="person")
    ends = {
        (arm, end): group["post"].fillna(end).mean()
        for arm, group in rows.groupby("arm") for end in (0, 63)
    }  # fmt: skip
    row = only(every, "worst-case")
    assert row.lower == pytest.approx(ends["programme", 0] - ends["usual", 63], rel=1e-9)
    assert row.upper == pytest.approx(ends["programme", 63] - ends["usual", 0], rel=1e-9)


def test_at_the_tipping_point_the_interval_reaches_nothing() -> None:
    row = only(analysed(plan(sensitivity=["delta"]), people(effect=-8)), "delta")
    share = row.n_filled and (row.curve[-1][1] - row.curve[0][1]) / (
        row.curve[-1][0] - row.curve[0][0]
    )
    assert 0 < share < 0.5 and row.tips_at > 0
    high = np.interp(row.tips_at, [p[0] for p in row.curve], [p[3] for p in row.curve])
    assert high == pytest.approx(0, abs=0.05)
    assert "worse than people like them" in row.sentence
    assert row.estimate == pytest.approx(
        only(analysed(plan(sensitivity=["multiple-imputation"]), people(effect=-8)),
             "multiple-imputation").estimate, rel=1e-9,
    )  # fmt: skip


def test_as_many_imputations_as_the_missing_information_asks_for() -> None:
    row = only(
        analysed(plan(primary="multiple-imputation", imputations=None)), "multiple-imputation"
    )
    assert row.imputations >= 20 and row.imputations >= math.floor(80 * row.fmi)
    few = only(analysed(plan(primary="multiple-imputation", imputations=3)), "multiple-imputation")
    assert few.imputations == 3 and len(few.chains) == 6 and len(few.chains[0]) == 10


# Chance


def test_the_same_seed_gives_the_same_and_rows_may_stand_in_any_order(every: ek.Analysis) -> None:
    frame, scores = people()
    mixed = (frame.sample(frac=1, random_state=2), scores.sample(frac=1, random_state=4))
    again, other = analysed(plan(sensitivity=ALL)), analysed(plan(sensitivity=ALL), mixed)
    assert again.sensitivity == every.sensitivity
    for one, two in zip(every.sensitivity, other.sensitivity, strict=True):
        assert one.conf_low == pytest.approx(two.conf_low, rel=1e-9)
        assert (one.reading, one.n_filled, one.sentence) == (
            two.reading,
            two.n_filled,
            two.sentence,
        )
    seeded = analysed(plan(sensitivity=ALL) | {"seed": 99})
    assert (
        only(seeded, "multiple-imputation").estimate != only(every, "multiple-imputation").estimate
    )
    assert only(seeded, "worst-case").estimate == only(every, "worst-case").estimate


def test_what_is_imputed_does_not_depend_on_what_else_is_asked(every: ek.Analysis) -> None:
    alone = analysed(plan(sensitivity=["multiple-imputation"]))
    assert only(alone, "multiple-imputation") == only(every, "multiple-imputation")


# Who may be filled in


@pytest.mark.parametrize("why", ["died", "Death", "withdrew consent", "consent withdrawn by post"])
def test_nothing_is_filled_in_for_death_or_withdrawn_consent(why: str) -> None:
    frame, scores = people()
    gone = np.flatnonzero(scores["post"].isna())
    frame.loc[gone[:5], "left"] = why
    found = analysed(plan(sensitivity=ALL), (frame, scores))
    for method in ALL:
        for row in (r for r in found.sensitivity if r.method == method):
            assert row.n_used + row.n_dropped == 120
            assert row.n_used <= 115, method
    assert only(found, "multiple-imputation").n_filled == len(gone) - 5


def test_a_bereavement_is_no_withdrawal_of_a_day() -> None:
    frame, scores = people()
    frame.loc[scores["post"].isna(), "left"] = "missed the deadline"
    found = only(analysed(plan(sensitivity=ALL), (frame, scores)), "multiple-imputation")
    assert found.n_filled == scores["post"].isna().sum()


def test_where_all_the_lost_died_nothing_is_filled_in_and_it_is_said() -> None:
    frame, scores = people()
    frame.loc[scores["post"].isna(), "left"] = "died"
    found = analysed(plan(sensitivity=ALL), (frame, scores))
    rows = [row for row in found.sensitivity if row.method != "complete-case"]
    assert all(
        row.reading == "not-estimated" and "nothing is filled in" in row.notes[0] for row in rows
    )
    assert "Nobody can say what the loss does" in " ".join(found.findings[0].caveats)


def test_consent_refused_after_allocation_is_not_filled_in() -> None:
    frame, scores = people()
    frame["agreed"] = "yes"
    frame.loc[:5, "agreed"] = "no"
    made = plan(sensitivity=ALL)
    made["data"]["flow"]["consent"] = "agreed"
    frame["came"] = "2024-01-10"
    found = only(analysed(made, (frame, scores)), "multiple-imputation")
    assert found.n_used <= 114 and found.n_used + found.n_dropped == 120


@pytest.mark.parametrize("rule", ["exclude", "indicator"])
def test_people_without_a_first_score(rule: str) -> None:
    frame, scores = people()
    scores.loc[::10, "pre"] = np.nan
    made = plan(sensitivity=ALL)
    made["analysis"]["missing_baseline"] = rule
    found = analysed(made, (frame, scores))
    used = {"exclude": 108, "indicator": 120}[rule]
    for row in found.sensitivity:
        assert row.n_used + row.n_dropped == 120, row.method
    assert only(found, "multiple-imputation").n_used == used
    assert only(found, "reference-based", variant="J2R").n_used == used


def test_first_scores_are_imputed_where_the_plan_says_so() -> None:
    frame, scores = people()
    scores.loc[::10, "pre"] = np.nan
    made = plan(primary="multiple-imputation")
    made["analysis"]["missing_baseline"] = "impute"
    estimate = analysed(made, (frame, scores)).estimate("mood", "end")
    assert (estimate.n_treatment, estimate.n_comparison) == (60, 60)


# Kinds of outcome and of design


def test_yes_or_no_outcomes() -> None:
    made = plan(sensitivity=ALL)
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "bdi-ii", "at_most": 19}
    found = analysed(made)
    for method in ("multiple-imputation", "attrition-weights"):
        row = only(found, method)
        assert row.unit == "share" and -1 < row.estimate < 1
    assert -1 <= only(found, "worst-case").lower < only(found, "worst-case").upper <= 1
    for method in ("reference-based", "delta"):
        row = only(found, method)
        assert row.reading == "not-estimated" and row.estimate is None and row.notes
        assert row.n_used + row.n_dropped == 120


def test_an_odds_ratio_is_pooled_as_a_logarithm() -> None:
    made = plan(primary="multiple-imputation", imputations=5)
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "bdi-ii", "at_most": 19}
    study = study_of(made, *people())
    target, followed = study.trails[0]
    trails = complete(study, target, followed, 5).trails
    ratios = [estimate_target(study, target, trail, ESTIMATORS["odds_ratio"]) for trail in trails]
    from evalkit.sensitivity.imputed import pooled

    found, fmi = pooled(ratios)
    logs = [math.log(float(e.estimate or 1)) for e in ratios]
    assert math.log(float(found.estimate or 1)) == pytest.approx(np.mean(logs), rel=1e-12)
    assert fmi is not None and 0 < fmi < 1


def test_an_outcome_that_is_only_ordered() -> None:
    made = plan(sensitivity=["multiple-imputation", "attrition-weights", "lee-bounds"])
    made["data"]["scores"][0] |= {"measure": "eq-5d-5l", "scale": "level-sum"}
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "eq-5d-5l", "scale": "level-sum"}
    frame, scores = people()
    steps = 6 + (scores["post"] // 7).clip(0, 6)
    found = analysed(made, (frame, scores.assign(pre=6.0 + np.arange(120) // 2 % 3, post=steps)))
    row = only(found, "multiple-imputation")
    assert row.unit == "ratio" and row.estimate > 0 and row.conf_low > 0
    for method in ("attrition-weights", "lee-bounds"):
        assert "ordered" in only(found, method).notes[0]


def test_one_group_before_and_after() -> None:
    made = before_after(data__flow={"left_reason": "left"})
    made["analysis"]["missing"] = {
        "primary": "multiple-imputation", "auxiliary": ["tier"], "imputations": 4,
    }  # fmt: skip
    frame, scores = people()
    found = analysed(made, (frame.drop(columns="arm"), scores))
    assert [row.method for row in found.sensitivity] == ["multiple-imputation", "complete-case"]
    assert all(row.n_used + row.n_dropped == 120 for row in found.sensitivity)
    assert "or filled in" in found.findings[0].statement
    made["analysis"]["missing"] = {"sensitivity": ["worst-case"]}
    with pytest.raises(InvalidEvaluation, match="compares two arms"):
        study_of(made, frame, scores)


def test_several_programmes_are_treated_contrast_by_contrast() -> None:
    made = plan(sensitivity=ALL)
    made["design"] |= {
        "type": "rct-multi-arm",
        "arm": {"column": "arm", "treated": ["group", "navigator"], "comparison": "usual"},
    }
    found = analysed(made, people(150, names=("group", "navigator", "usual")))
    contrasts = {row.contrast for row in found.sensitivity}
    assert len(contrasts) == 3
    assert all(row.n_used + row.n_dropped == 100 for row in found.sensitivity)


def test_families_stay_clusters() -> None:
    made = plan(sensitivity=ALL)
    made["design"]["assigned_by"] = "family"
    found = analysed(made, people(size=2))
    rows = [row for row in found.sensitivity if row.estimate is not None and row.df is not None]
    assert len(rows) == 7 and all(row.df < 58 for row in rows)


def test_earlier_waves_help_and_reference_based_uses_them() -> None:
    found = analysed(over_time(plan(sensitivity=ALL)))
    row = only(found, "multiple-imputation", wave="end")
    assert "score at mid" in row.notes[0]
    assert only(found, "reference-based", wave="end", variant="CIR").n_used == 120


def test_every_strategy_and_missing_at_random_is_close_to_imputation() -> None:
    names = ["MAR", "J2R", "CR", "CIR", "LMCF"]
    found = analysed(over_time(plan(sensitivity=["reference-based"], strategies=names)))
    rows = [row for row in found.sensitivity if row.wave == "end" and row.variant]
    assert [row.variant for row in rows] == names
    jump, random = rows[1].estimate, rows[0].estimate
    assert random is not None and jump is not None and abs(jump) < abs(random)


# What is said


def test_what_changes_the_conclusion_is_a_caveat_of_the_finding() -> None:
    found = analysed(plan(sensitivity=ALL), people(effect=-5, lost=(0.35, 0.1)))
    finding = found.findings[0]
    turned = [row for row in found.sensitivity if row.agrees is False and row.lower is None]
    said = " ".join(finding.caveats)
    assert ("changes the conclusion" in said) == bool(turned)


def test_bounds_that_settle_nothing_contradict_nothing() -> None:
    found = analysed(plan(sensitivity=["worst-case"]), people(effect=-9))
    row = only(found, "worst-case")
    assert found.findings[0].claim == "improved"
    assert "leaves more open" in row.sentence
    assert any("More is left open" in text for text in found.findings[0].caveats)


# Odd data


def test_everybody_of_an_arm_lost() -> None:
    frame, scores = people()
    scores.loc[frame["arm"] == "usual", "post"] = np.nan
    for made in (plan(sensitivity=ALL), plan(primary="multiple-imputation")):
        found = analysed(made, (frame, scores))
        assert found.estimate("mood", "end").estimate is None and not found.sensitivity
        assert found.findings[0].claim == "not-enough-information"
        assert "ignore=" not in found.findings[0].statement


def test_everybody_lost() -> None:
    frame, scores = people()
    scores["post"] = np.nan
    found = analysed(plan(primary="multiple-imputation", sensitivity=ALL[1:]), (frame, scores))
    assert found.findings[0].claim == "not-enough-information"


def test_nobody_of_one_arm_lost() -> None:
    frame, scores = people()
    usual = (frame["arm"] == "usual") & scores["post"].isna()
    scores.loc[usual, "post"] = 20.0
    found = analysed(plan(sensitivity=ALL), (frame, scores))
    assert all(row.reading != "not-estimated" for row in found.sensitivity if row.method != "delta")


def test_a_wave_at_which_nobody_answered_is_passed_over() -> None:
    frame, scores = people()
    scores["mid"] = np.nan
    found = analysed(over_time(plan(sensitivity=ALL)), (frame, scores))
    assert {row.wave for row in found.sensitivity} == {"end"}
    assert only(found, "reference-based", variant="J2R").estimate is not None


def test_a_covariate_that_one_arm_never_gave() -> None:
    frame, scores = people()
    frame.loc[frame["arm"] == "usual", "tier"] = ""
    found = analysed(plan(sensitivity=ALL), (frame, scores))
    for row in found.sensitivity:
        assert row.reading != "not-estimated" or row.method == "delta"
    assert "tier is not known in every arm" in " ".join(only(found, "multiple-imputation").notes)


def test_a_column_that_is_another_twice_over() -> None:
    frame, scores = people()
    frame["twin"] = (2 * frame["tier"].astype(int)).astype(str)
    found = analysed(plan(sensitivity=ALL, auxiliary=["twin"]), (frame, scores))
    assert only(found, "multiple-imputation").estimate is not None
    weights = only(found, "attrition-weights")
    assert weights.estimate is not None or weights.notes


def test_a_level_seen_among_the_lost_alone() -> None:
    frame, scores = people()
    some = scores["post"].isna() & (np.arange(120) % 3 == 0)
    frame["kind"] = np.where(some, "coercive", "other")
    found = analysed(plan(sensitivity=ALL, auxiliary=["kind"]), (frame, scores))
    assert "left out as a predictor" in " ".join(only(found, "multiple-imputation").notes)
    assert only(found, "attrition-weights").notes


@pytest.mark.parametrize("name", ["seen", "answered", "outcome", "cluster", "answering"])
def test_a_column_may_have_a_name_that_sounds_like_the_analysis(name: str) -> None:
    frame, scores = people()
    frame[name] = frame["years"]
    plain = analysed(plan(sensitivity=ALL, auxiliary=["years"]))
    found = analysed(plan(sensitivity=ALL, auxiliary=[name]), (frame, scores))
    for one, two in zip(plain.sensitivity, found.sensitivity, strict=True):
        assert one.conf_low == pytest.approx(two.conf_low, rel=1e-9), one.method


def test_too_few_people_are_said_to_be_too_few() -> None:
    found = analysed(plan(sensitivity=ALL), people(12))
    for row in found.sensitivity:
        assert row.n_used + row.n_dropped == 12
        assert row.estimate is not None or row.lower is not None or row.notes


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ({"imputations": 1}, "2 or more"),
        ({"auxiliary": ["arm"]}, "column of the arms"),
        ({"auxiliary": ["left"]}, "known only after the start"),
        ({"sensitivity": ["magic"]}, "worst-case"),
        ({"sensitivity": ["delta", "delta"]}, "listed twice"),
        ({"sensitivity": ["complete-case"]}, "primary analysis already"),
        ({"strategies": ["J3R"]}, "LMCF"),
        ({"strategies": []}, "1 or more"),
    ],
)
def test_what_the_plan_may_not_ask(missing: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEvaluation, match=said):
        study_of(plan(**missing), *people())


def test_a_helper_that_is_no_column() -> None:
    with pytest.raises(InvalidData, match=r"analysis\.missing\.auxiliary names it"):
        study_of(plan(auxiliary=["nope"]), *people())


def test_lee_bounds_need_chance() -> None:
    made = plan(sensitivity=["lee-bounds"])
    made["design"] |= {"type": "matched-comparison", "match": {"covariates": ["tier"]}}
    with pytest.raises(InvalidEvaluation, match="rest on chance"):
        study_of(made, *people())


def test_what_is_unclear_beside_other_results_is_no_changed_conclusion() -> None:
    from dataclasses import replace

    from evalkit.results import Estimate
    from evalkit.sensitivity.results import _held_back

    alone = Estimate(estimate=-1.0, conf_low=-1.9, conf_high=-0.1, p_value=0.03)
    assert not _held_back(alone)
    assert not _held_back(replace(alone, p_adjusted=0.04))
    assert _held_back(replace(alone, p_adjusted=0.09))
