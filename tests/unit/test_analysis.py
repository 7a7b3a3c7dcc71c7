"""Estimates end to end: clusters, missing first scores, and what must not change a number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.estimators import ESTIMATORS
from evalkit.results import Estimate
from evalkit.study import Study
from tests.conftest import ROOT, arms, before_after, declare, matched, split, study_of

GROWING = ROOT / "examples" / "growing-together"
BEATING = ROOT / "examples" / "beating-the-blues"


def one(data: dict[str, Any], frame: pd.DataFrame) -> Estimate:
    (found,) = study_of(data, *split(frame)).analyse(sensitivity=False).estimates
    return found


def same(a: Estimate, b: Estimate, *, sign: int = 1) -> None:
    for name in ("estimate", "statistic", "effect_size"):
        assert getattr(a, name) == pytest.approx(sign * getattr(b, name), abs=1e-9)
    low, high = ("conf_low", "conf_high") if sign == 1 else ("conf_high", "conf_low")
    assert a.conf_low == pytest.approx(sign * getattr(b, low), abs=1e-9)
    assert a.conf_high == pytest.approx(sign * getattr(b, high), abs=1e-9)
    for name in ("std_error", "df", "p_value"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-9)
    assert a.n_clusters == b.n_clusters
    assert a.dropped_why == b.dropped_why
    if sign == 1:
        assert (a.n_treatment, a.n_comparison) == (b.n_treatment, b.n_comparison)
    else:
        assert (a.n_treatment, a.n_comparison) == (b.n_comparison, b.n_treatment)


# Clusters


def test_nobody_shares_a_family_so_nothing_is_clustered() -> None:
    assert one(declare(), arms(40)).n_clusters is None
    assert one(before_after(), arms(40)).n_clusters is None


@pytest.mark.parametrize("by", ["person", "family"])
def test_people_who_share_a_family_are_clustered_by_it(by: str) -> None:
    frame = arms(40)
    frame["family"] = [f"f{i // 4}{i % 2}" for i in range(40)]
    assert one(declare(design__assigned_by=by), frame).n_clusters == 20
    assert one(before_after(), frame).n_clusters == 20


def test_a_family_shared_only_by_those_lost_clusters_nothing() -> None:
    frame = arms(40).astype(object)
    frame.loc[2, ["family", "post"]] = ["f000", ""]
    assert one(declare(), frame).n_clusters is None


def test_matched_families_are_clustered_by_set() -> None:
    frame = arms(40)
    frame["pair"] = [f"s{i // 4}" for i in range(40)]
    assert one(matched(), frame).n_clusters == 10


def test_sites_are_clusters_where_sites_were_assigned() -> None:
    frame = arms(48)
    frame["site"] = [f"site{i % 8}" for i in range(48)]
    assert one(declare(design__assigned_by="site"), frame).n_clusters == 8


# Missing first scores and covariates


def test_a_missing_first_score_is_kept_in_a_trial_and_counted_out_elsewhere() -> None:
    frame = arms(40).astype(object)
    frame.loc[[0, 1, 2], "pre"] = ""
    trial = one(declare(), frame)
    assert (trial.n_treatment, trial.n_comparison, trial.n_dropped) == (20, 20, 0)
    assert any("mean and indicator used" in note for note in trial.notes)
    assert not any(ch.isdigit() for note in trial.notes for ch in note)
    for made, n in ((matched(), 37), (before_after(), 37)):
        found = one(made, frame)
        assert (found.n_treatment or 0) + (found.n_comparison or 0) == n
        assert found.dropped_why == (("no first score", 3),)
    kept = one(declare(analysis__missing_baseline="exclude"), frame)
    assert kept.dropped_why == (("no first score", 3),)


def test_the_indicator_estimate_is_the_regression_by_hand() -> None:
    frame = arms(40).astype(object)
    frame.loc[[0, 1, 2], "pre"] = ""
    pre = pd.to_numeric(frame["pre"], errors="coerce").to_numpy(float)
    gone = np.isnan(pre)
    filled = np.where(gone, np.nanmean(pre), pre)
    treated = (frame["arm"] == "programme").to_numpy(float)
    design = np.column_stack([np.ones(40), treated, filled, gone])
    by_hand = np.linalg.lstsq(design, frame["post"].to_numpy(float), rcond=None)[0][1]
    assert one(declare(), frame).estimate == pytest.approx(by_hand)


def test_the_estimate_is_the_ancova_by_hand() -> None:
    frame = arms(40, effect=-4, gap=2)
    treated = (frame["arm"] == "programme").to_numpy(float)
    design = np.column_stack([np.ones(40), treated, frame["pre"], frame["tier"]])
    by_hand = np.linalg.lstsq(design, frame["post"].to_numpy(float), rcond=None)[0][1]
    found = one(declare(analysis__covariates=["baseline", "tier"]), frame)
    assert found.estimate == pytest.approx(by_hand)


def test_a_site_that_looks_like_a_number_is_a_name() -> None:
    frame = arms(40)
    numbered = frame.assign(site=[i // 2 % 4 + 1 for i in range(40)])
    named = frame.assign(site=["abcd"[i // 2 % 4] for i in range(40)])
    made = declare(analysis__covariates=["baseline", "site"])
    same(one(made, numbered), one(made, named))


def test_before_and_after_is_the_mean_change() -> None:
    frame = arms(40).astype(object)
    frame.loc[0, "post"] = ""
    frame.loc[1, "pre"] = ""
    rest = frame.iloc[2:]
    change = (rest["post"] - rest["pre"]).astype(float)
    study = study_of(before_after(), *split(frame))
    analysis = study.analyse(sensitivity=False)
    (found,) = analysis.estimates
    assert found.estimate == pytest.approx(change.mean())
    assert found.std_error == pytest.approx(change.std() / 38**0.5)
    assert (found.n_treatment, found.n_comparison, found.term) == (38, None, "change")
    assert dict(found.dropped_why) == {"no answer returned": 1, "no first score": 1}
    assert analysis.levels[0].level == 1
    assert analysis.attrition == () and analysis.balance == ()
    assert study.attrition() == ()


# What cannot be estimated


@pytest.mark.parametrize("post", ["", 20])
def test_what_cannot_be_estimated_is_empty_and_says_why(post: Any) -> None:
    for made in (declare(), matched(), before_after()):
        frame = arms(20).assign(post=post, **({"pre": 20} if post else {}))
        analysis = study_of(made, *split(frame)).analyse(sensitivity=False)
        (found,) = analysis.estimates
        assert found.estimate is None or post
        if found.estimate is None:
            assert found.notes and found.method == "not estimated"
            assert analysis.levels[0].level == 0
            assert analysis.findings[0].claim == "not-enough-information"
            assert not analysis.findings[0].attributes
        used = (found.n_treatment or 0) + (found.n_comparison or 0)
        assert used + found.n_dropped == 20


def test_p_values_are_adjusted_among_those_there_are() -> None:
    made = declare(
        waves=[{"id": w, "due": f"{n} weeks"} for n, w in enumerate(["baseline", "end", "later"])],
        logic_model__outcomes__0__when=["end", "later"],
        data__scores__0__columns={"baseline": "pre", "end": "post", "later": "late"},
        analysis={},
    )
    frame = arms(40)
    scores = frame[["person", "pre", "post"]].assign(late="")
    people = frame.drop(columns=["pre", "post"])
    first, second = study_of(made, people, scores).analyse(sensitivity=False).estimates
    assert first.p_adjusted == pytest.approx(first.p_value)
    assert (second.p_value, second.p_adjusted) == (None, None)


def test_an_estimator_may_be_replaced() -> None:
    def twice(study: Any, target: Any, followed: Any) -> Estimate:
        found = ESTIMATORS["mean_difference"](study, target, followed)
        return replace(found, estimate=2 * found.estimate)

    study = study_of(declare(), *split(arms(40)))
    mine = study.analyse(estimators=ESTIMATORS | {"mean_difference": twice}).estimates[0]
    assert mine.estimate == pytest.approx(
        2 * study.analyse(sensitivity=False).estimates[0].estimate
    )


# Metamorphic: what must not change a number


def tables(folder: Any, names: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    return {
        n: pd.read_csv(folder / n, dtype=str, keep_default_na=False, encoding="utf-8")
        for n in names
    }


NAMES = ("people.csv", "sdq_parent.csv", "sdq_self.csv", "swemwbs.csv", "events.csv")


def alike(a: Study, b: Study) -> None:
    first, second = a.analyse(sensitivity=False), b.analyse(sensitivity=False)
    for x, y in zip(first.estimates, second.estimates, strict=True):
        same(x, y)
    assert first.levels == second.levels
    assert [f.claim for f in first.findings] == [f.claim for f in second.findings]
    assert [f.statement for f in first.findings] == [f.statement for f in second.findings]
    assert a.flow().steps == b.flow().steps
    assert a.attrition() == b.attrition()
    assert a.coverage() == b.coverage()
    assert a.problems == b.problems


def test_frames_equal_files_and_rows_may_come_in_any_order(studies: dict[str, Study]) -> None:
    evaluation = ek.load(GROWING / "evaluation.yaml")
    given = tables(GROWING, NAMES)
    shuffled = {n: f.sample(frac=1, random_state=7) for n, f in given.items()}
    before = {n: f.copy(deep=True) for n, f in shuffled.items()}
    alike(studies["growing-together"], evaluation.study(tables=shuffled))
    for name, frame in shuffled.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_the_names_of_people_and_families_mean_nothing(studies: dict[str, Study]) -> None:
    evaluation = ek.load(GROWING / "evaluation.yaml")
    given = tables(GROWING, NAMES)
    for name, frame in given.items():
        for column in ("person", "family", "respondent"):
            if column in frame:
                known = frame[column] != ""
                frame.loc[known, column] = frame.loc[known, column].map(lambda s: f"x{s[::-1]}")
        given[name] = frame
    alike(studies["growing-together"], evaluation.study(tables=given))


def test_polars_frames_equal_files(studies: dict[str, Study]) -> None:
    polars = pytest.importorskip("polars")
    evaluation = ek.load(BEATING / "evaluation.yaml")
    frame = polars.read_csv(BEATING / "beating_the_blues.csv")
    before = frame.clone()
    alike(studies["beating-the-blues"], evaluation.study(tables={"beating_the_blues.csv": frame}))
    assert frame.equals(before)


def test_typed_pandas_frames_equal_files(studies: dict[str, Study]) -> None:
    evaluation = ek.load(BEATING / "evaluation.yaml")
    frame = pd.read_csv(BEATING / "beating_the_blues.csv")
    for made in (frame, frame.convert_dtypes(), frame.astype({"treatment": "category"})):
        before = made.copy(deep=True)
        study = evaluation.study(tables={"beating_the_blues.csv": made})
        alike(studies["beating-the-blues"], study)
        pd.testing.assert_frame_equal(made, before)


def test_swapping_the_names_of_the_arms_mirrors_every_estimate(studies: dict[str, Study]) -> None:
    path = BEATING / "evaluation.yaml"
    frame = pd.read_csv(BEATING / "beating_the_blues.csv")
    frame["treatment"] = frame["treatment"].map({"BtheB": "TAU", "TAU": "BtheB"})
    swapped = (
        ek.load(path).study(tables={"beating_the_blues.csv": frame}).analyse(sensitivity=False)
    )
    straight = studies["beating-the-blues"].analyse(sensitivity=False)
    for x, y in zip(straight.estimates, swapped.estimates, strict=True):
        same(x, y, sign=-1)
    assert [v.level for v in straight.levels] == [v.level for v in swapped.levels]
    assert [f.claim for f in straight.findings] == [f.claim for f in swapped.findings]


@pytest.mark.parametrize("effect", [-6, 6])
def test_worse_is_said_as_plainly_as_better(effect: int) -> None:
    (found,) = (
        study_of(declare(), *split(arms(40, effect=effect))).analyse(sensitivity=False).findings
    )
    assert found.claim == ("improved" if effect < 0 else "worsened")
    assert found.attributes


def test_the_synthetic_truth_is_inside_most_intervals(analyses: dict[str, Any]) -> None:
    truth = {
        ("child-wellbeing", "end"): -1.9306,
        ("child-wellbeing", "6-months"): -1.4466,
        ("young-person-wellbeing", "end"): -0.9642,
        ("young-person-wellbeing", "6-months"): -0.9647,
        ("survivor-wellbeing", "end"): 1.8014,
        ("survivor-wellbeing", "6-months"): 1.7976,
        ("wellbeing-of-those-who-harm", "end"): 0.4969,
        ("wellbeing-of-those-who-harm", "6-months"): 0.4979,
    }
    estimates = analyses["growing-together"].estimates
    assert len(estimates) == len(truth)
    inside = [e.conf_low <= truth[e.outcome, e.wave] <= e.conf_high for e in estimates]
    assert sum(inside) >= 7
