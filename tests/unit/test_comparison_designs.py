"""Designs without chance allocation, from declaration to finding, on made people with a known truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import EvalkitError, InvalidEvaluation
from evalkit.study import Study
from tests.conftest import declare, evaluate, study_of

FAMILIES = 240
MATCH = {"unit": "family", "covariates": ["age", "tier", "calls"]}
PLAN = {"design__assigned_by": "family", "analysis__covariates": ["baseline", "age", "tier"]}


@pytest.fixture(scope="module")
def made() -> pd.DataFrame:
    """People of two in a family, the needier more often on the programme; its effect is -2."""
    rng = np.random.default_rng(7)
    n = 2 * FAMILIES
    family = np.repeat(np.arange(FAMILIES), 2)
    age = rng.normal(35, 8, FAMILIES).round()
    tier, calls = rng.integers(1, 5, FAMILIES), rng.poisson(2, FAMILIES)
    odds = -1.1 + 0.5 * (tier - 2.5) + 0.15 * (calls - 2)
    chosen = rng.random(FAMILIES) < 1 / (1 + np.exp(-odds))
    pre = np.clip(14 + 0.8 * (tier[family] - 2.5) + rng.normal(0, 4, n), 0, 40).round()
    post = np.clip(0.6 * pre + 4 - 2 * chosen[family] + rng.normal(0, 2, n), 0, 40).round()
    return pd.DataFrame({
        "person": [f"p{i}" for i in range(n)], "family": [f"f{i}" for i in family],
        "role": "survivor", "arm": np.where(chosen[family], "programme", "usual"),
        "age": age[family], "tier": tier[family], "calls": calls[family], "pre": pre, "post": post,
    })  # fmt: skip


def people(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=["pre", "post"])


def scores(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[["person", "pre", "post"]]


def matched(frame: pd.DataFrame, **how: Any) -> Study:
    data = declare(design__type="matched-comparison", design__match=MATCH | how, **PLAN)
    return study_of(data, people(frame), scores(frame))


WAYS: dict[str, dict[str, Any]] = {
    "nearest": {"caliper": 0.2},
    "two partners": {"ratio": 2},
    "partners again": {"replace": True},
    "optimal": {"method": "optimal"},
    "full": {"method": "full"},
    "full, of all": {"method": "full", "estimand": "ATE"},
    "coarsened": {"method": "coarsened-exact"},
    "subclasses": {"method": "subclass", "subclasses": 4},
    "mahalanobis": {"distance": "mahalanobis"},
    "exact on tier": {"exact": ["tier"]},
    "in random order": {"order": "random"},
}


@pytest.mark.parametrize("name", WAYS)
def test_every_way_of_matching_finds_the_truth_and_counts_everybody(
    made: pd.DataFrame, name: str
) -> None:
    study = matched(made, **WAYS[name])
    analysis = study.analyse(sensitivity=False)
    (found,) = analysis.estimates
    assert found.estimate is not None and found.std_error is not None
    assert abs(found.estimate + 2) < 3 * found.std_error
    used = (found.n_treatment or 0) + (found.n_comparison or 0)
    assert used + found.n_dropped == len(made)
    assert sum(n for _, n in found.dropped_why) == found.n_dropped
    weights = study.people.groupby("family")["weight"].nunique()
    assert (weights == 1).all()
    assert study.people.loc[study.people["weight"] == 0, "unmatched"].notna().all()


def test_matching_by_family_is_that_of_stats_match(made: pd.DataFrame) -> None:
    study = matched(made, caliper=0.2)
    frame = made.assign(treated=(made["arm"] == "programme").astype(float))
    frame = frame.sort_values("person", ignore_index=True)
    direct = ek.stats.match(
        frame, treatment="treated", covariates=MATCH["covariates"], unit="family", caliper=0.2
    )
    assert study.people.loc[frame["person"], "weight"].to_numpy() == pytest.approx(direct.weights)
    estimate = study.analyse(sensitivity=False).estimates[0]
    kept = frame[direct.weights > 0].assign(
        set=pd.array(direct.sets)[direct.weights > 0].astype(int)
    )
    by_hand = ek.stats.mean_difference(
        kept, outcome="post", treatment="treated", covariates=["pre", "age", "tier"], cluster="set"
    )
    assert estimate.estimate == pytest.approx(by_hand.estimate)
    assert estimate.std_error == pytest.approx(by_hand.std_error)


def test_weights_of_a_match_reach_the_estimate_and_the_checks(made: pd.DataFrame) -> None:
    study = matched(made, method="full")
    _, followed = study.trails[0]
    rows = followed[followed["step"] == "analysed"]
    frame = rows.merge(made[["person", "age", "tier", "calls"]], on="person")
    by_hand = ek.stats.mean_difference(
        frame, outcome="score", treatment="treated", covariates=["baseline", "age", "tier"],
        cluster="set", weights="weight",
    )  # fmt: skip
    analysis = study.analyse(sensitivity=False)
    assert analysis.estimates[0].estimate == pytest.approx(by_hand.estimate)
    table = ek.stats.balance(
        frame, treatment="treated", covariates=["calls"], weights="weight", estimand="ATT"
    )
    row = next(row for row in analysis.balance if row.covariate == "calls")
    assert row.smd == pytest.approx(table["smd"][0])
    assert row.smd_before is not None and row.smd_before != pytest.approx(row.smd)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"method": "propensity"},
        {"method": "propensity", "estimand": "ATE"},
        {"method": "overlap"},
        {"method": "entropy", "moments": 2},
    ],
    ids=str,
)
def test_a_weighted_comparison_finds_the_truth(made: pd.DataFrame, how: dict[str, Any]) -> None:
    weight = {"covariates": ["age", "tier", "calls"]} | how
    plan = PLAN | {"analysis__covariates": ["baseline", "age", "tier", "calls"]}
    data = declare(design__type="weighted-comparison", design__weight=weight, **plan)
    analysis = study_of(data, people(made), scores(made)).analyse(sensitivity=False)
    (found,), (level,) = analysis.estimates, analysis.levels
    assert found.conf_low is not None and found.conf_high is not None
    assert found.conf_low < -2 < found.conf_high
    assert level.level == 3
    assert analysis.findings[0].attributes


def sharp(frame: pd.DataFrame, *, bend: bool = False) -> Study:
    rng = np.random.default_rng(1)
    n = len(frame)
    need = rng.uniform(0, 40, n)
    if bend:
        need = np.where((need > 18) & (need < 20), need + 2, need)
    post = np.clip(10 + 0.3 * need - 4 * (need >= 20) + 0.3 * frame["pre"], 0, 60)
    made = frame.assign(
        need=need.round(2), family=frame["person"], post=(post + rng.normal(0, 1, n)).round(),
        arm=np.where(need >= 20, "programme", "usual"),
    )  # fmt: skip
    data = declare(
        design__type="regression-discontinuity", design__cutoff={"score": "need", "at": 20}
    )
    return study_of(data, people(made), scores(made))


def test_a_cut_off_of_need_reaches_level_four_for_people_near_it(made: pd.DataFrame) -> None:
    analysis = sharp(pd.concat([made, made.assign(person=made["person"] + "b")])).analyse()
    (found,), (level,) = analysis.estimates, analysis.levels
    assert found.conf_low is not None and found.conf_high is not None
    assert found.conf_low < -4 < found.conf_high
    assert level.level == 4
    assert dict(found.dropped_why)["outside the bandwidth"] == found.n_dropped
    assert (found.n_treatment or 0) + (found.n_comparison or 0) + found.n_dropped == 2 * len(made)


def test_crowding_at_the_line_lowers_the_level(made: pd.DataFrame) -> None:
    analysis = sharp(
        pd.concat([made, made.assign(person=made["person"] + "b")]), bend=True
    ).analyse()
    check = next(check for check in analysis.checks if check.check == "density")
    assert check.passed is False
    assert analysis.levels[0].level <= 3


def nudged(frame: pd.DataFrame, strength: float) -> Study:
    rng = np.random.default_rng(2)
    n = len(frame)
    nudge, hidden = rng.integers(0, 2, n), rng.normal(size=n)
    taken = strength * nudge + hidden > 0.5
    post = np.clip(16 + 2 * hidden - 3 * taken + 0.3 * frame["pre"], 0, 60)
    made = frame.assign(
        family=frame["person"], nudge=np.where(nudge == 1, "yes", "no"),
        arm=np.where(taken, "programme", "usual"), post=(post + rng.normal(0, 1, n)).round(),
    )  # fmt: skip
    data = declare(design__type="instrumental-variable", design__instrument="nudge")
    return study_of(data, people(made), scores(made))


def test_an_instrument_sees_through_a_hidden_difference(made: pd.DataFrame) -> None:
    analysis = nudged(made, 1.5).analyse(sensitivity=False)
    (found,) = analysis.estimates
    assert found.conf_low is not None and found.conf_high is not None
    assert found.conf_low < -3 < found.conf_high
    assert analysis.levels[0].level == 4


def test_a_weak_instrument_is_level_two(made: pd.DataFrame) -> None:
    analysis = nudged(made, 0.05).analyse(sensitivity=False)
    assert analysis.levels[0].level <= 2
    assert not any(finding.attributes for finding in analysis.findings)


def test_a_norm_is_set_beside_and_never_credited(made: pd.DataFrame) -> None:
    norm = {"outcome": "mood", "mean": 15.0, "sd": 5.0, "n": 400, "source": "A published study"}
    data = declare(design={"type": "benchmark", "norms": [norm]})
    alone = made.drop(columns="arm")
    analysis = study_of(data, people(alone), scores(alone)).analyse(sensitivity=False)
    (found,), (finding,) = analysis.estimates, analysis.findings
    assert found.estimate == pytest.approx(made["post"].mean() - 15)
    assert found.effect_size == pytest.approx(found.estimate / 5)
    mean = ek.stats.mean_change(
        alone.assign(zero=0.0), baseline="zero", outcome="post", cluster="family"
    )
    assert found.std_error == pytest.approx(np.hypot(mean.std_error, 5 / np.sqrt(400)))
    assert finding.claim == "described" and not finding.attributes
    assert "the published norm" in finding.statement


def test_monitoring_describes_a_level_and_says_nothing_of_change(made: pd.DataFrame) -> None:
    data = declare(design={"type": "descriptive-monitoring"})
    alone = made.drop(columns="arm")
    analysis = study_of(data, people(alone), scores(alone)).analyse()
    assert analysis.estimates[0].estimate == pytest.approx(made["post"].mean())
    assert "the mean score was" in analysis.findings[0].statement
    assert analysis.findings[0].claim == "described"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "sets and how": ({"sets": "pair", "caliper": 0.2}, "sets are matched already"),
    "replace without nearest": ({"method": "full", "replace": True}, "full matching has no such"),
    "ratio of full": ({"method": "full", "ratio": 2}, "full matching has no such choice"),
    "pairs for all": ({"estimand": "ATE"}, "nearest matching has no such choice"),
    "the arm": ({"covariates": ["arm"]}, "column of the arms"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_match_that_cannot_be_is_refused_where_it_is_declared(name: str) -> None:
    how, says = REFUSED[name]
    with pytest.raises(InvalidEvaluation) as caught:
        evaluate(declare(design__type="matched-comparison", design__match=MATCH | how, **PLAN))
    assert any(says in problem.what for problem in caught.value.problems)


def broken(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    made = frame.copy()
    if name == "families split":
        made.loc[made.index[::2], "arm"] = "programme"
    elif name == "perfect prediction":
        made["tier"] = np.where(made["arm"] == "programme", 9, 1)
    elif name == "one treated":
        made["arm"] = np.where(made["family"] == "f0", "programme", "usual")
    elif name == "nobody treated":
        made["arm"] = "usual"
    elif name == "covariate unknown":
        made["tier"] = ""
    return made


@pytest.mark.parametrize(
    "name",
    ["families split", "perfect prediction", "one treated", "nobody treated", "covariate unknown"],
)
def test_data_that_cannot_be_matched_are_refused_in_words(made: pd.DataFrame, name: str) -> None:
    with pytest.raises(EvalkitError) as caught:
        matched(broken(made, name), caliper=0.2)
    assert str(caught.value)


def test_a_covariate_absent_from_the_data_is_an_error(made: pd.DataFrame) -> None:
    with pytest.raises(EvalkitError, match="calls"):
        matched(made.drop(columns="calls"))


def test_a_caliper_that_nobody_meets_is_refused(made: pd.DataFrame) -> None:
    apart = made.assign(tier=np.where(made["arm"] == "programme", made["tier"] + 1.5, made["tier"]))
    apart.loc[apart.index[:4], "tier"] = 3.0
    with pytest.raises(EvalkitError):
        matched(apart, caliper=1e-9)


def test_a_constant_covariate_is_left_out_with_a_note(made: pd.DataFrame) -> None:
    study = matched(made.assign(calls=2))
    assert study.intake.matching is not None
    assert any("calls" in note for note in study.intake.matching.found.notes)
