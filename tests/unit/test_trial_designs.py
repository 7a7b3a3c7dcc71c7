"""Trials end to end: every design, events after the start, kinds of outcome, looks, subgroups."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.areas.results import AREA_ESTIMATORS
from evalkit.beside import BESIDE
from evalkit.errors import InvalidData, InvalidEvaluation
from evalkit.estimators import ESTIMATORS
from evalkit.intercurrent import STRATEGIES
from evalkit.sampling import analysis_sample, assigned_rows, reassigned
from tests.conftest import declare, evaluate, study_of

START = datetime.date(2024, 1, 1)
ALL_BESIDE = [
    "interacted_difference", "difference_in_means", "repeated_measures", "complier_effect",
    "dose_effect", "permutation_test", "bootstrap",
]  # fmt: skip
FLOW = {"received": "received", "sessions": "sessions", "not_received_reason": "why_not"}


def people(
    n: int = 120, *, names: tuple[str, ...] = ("programme", "usual"), seed: int = 1, **more: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a people table and a table of scores: families of two, ten sites, an effect of -5."""
    rng = np.random.default_rng(seed)
    i = np.arange(n)
    arm = np.array(names, dtype=object)[(i // 2) % len(names)]
    offered = arm != names[-1]
    got = offered & (rng.random(n) < 0.8)
    frame = pd.DataFrame({
        "person": [f"p{k:03d}" for k in i], "family": [f"f{k // 2:03d}" for k in i],
        "site": [f"s{(k // 4) % 10}" for k in i], "arm": arm,
        "area": np.where(i % 2 == 0, "north", "south"),
        "sex": np.where(rng.random(n) < 0.5, "f", "m"), "years": rng.integers(20, 60, n),
        "received": np.where(got, "yes", "no"),
        "why_not": np.where(offered & ~got, "moved away", ""),
        "sessions": np.where(got, rng.integers(4, 11, n), 0),
    })  # fmt: skip
    pre = rng.normal(22, 6, n).clip(0, 63).round()
    post = (0.6 * pre + 8 + rng.normal(0, 5, n) - 5 * (arm == names[0])).clip(0, 63).round()
    post[rng.random(n) < 0.08] = np.nan
    scores = pd.DataFrame({"person": frame["person"], "pre": pre, "post": post})
    return frame.assign(**more).astype(str), scores


def analysed(made: dict[str, Any], frame: pd.DataFrame, scores: pd.DataFrame) -> ek.Analysis:
    return study_of(made, frame, scores).analyse(sensitivity=False)


DESIGNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rct-individual": ({"assigned_by": "family"}, {"beside": ALL_BESIDE}),
    "rct-stratified": ({"strata": ["area"]}, {"beside": ["permutation_test", "complier_effect"]}),
    "rct-cluster": (
        {"assigned_by": "family"}, {"beside": ["mixed_difference", "wild_cluster_bootstrap"]},
    ),
    "rct-multisite": ({"assigned_by": "family"}, {"beside": ["multisite_difference"]}),
    "rct-waitlist": ({"assigned_by": "family", "comparison_ends": "end"}, {}),
    "rct-partially-clustered": ({"groups": "grp"}, {"beside": ["mean_difference"]}),
}  # fmt: skip


def of_design(name: str) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    design, plan = DESIGNS[name]
    made = declare(design__type=name, data__flow=FLOW)
    made["design"] |= design
    made["analysis"] |= plan
    frame, scores = people()
    in_group = [f"g{k % 8}" for k in range(len(frame))]
    return made, frame.assign(grp=np.where(frame["arm"] == "programme", in_group, "")), scores


@pytest.mark.parametrize("name", DESIGNS)
def test_each_design_gives_an_estimate_a_level_a_finding_and_a_page(
    name: str, tmp_path: Any
) -> None:
    made, frame, scores = of_design(name)
    found = analysed(made, frame, scores)
    estimate = found.estimate("mood", "end")
    assert estimate.estimate is not None and -9 < estimate.estimate < -2
    assert (estimate.n_treatment or 0) + (estimate.n_comparison or 0) + estimate.n_dropped == 120
    assert found.level("mood", "end").ceiling == 5
    assert [e.term for e in found.beside] == list(made["analysis"].get("beside", []))
    assert all(e.estimate is not None and e.estimate < 0 for e in found.beside)
    ek.report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "CONSORT 2025" in page and "Assessed for eligibility" in page


@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "rct-partially-clustered"])
def test_swapping_the_arms_turns_every_sign(name: str) -> None:
    made, frame, scores = of_design(name)
    made["analysis"].pop("beside", None)
    one = analysed(made, frame, scores).estimate("mood", "end")
    made["design"]["arm"] = {"column": "arm", "treated": "usual", "comparison": "programme"}
    other = analysed(made, frame, scores).estimate("mood", "end")
    assert one.estimate == pytest.approx(-(other.estimate or 0.0), rel=1e-9)
    assert one.conf_low == pytest.approx(-(other.conf_high or 0.0), rel=1e-9)
    assert one.p_value == pytest.approx(other.p_value, rel=1e-8)


def test_the_further_analyses_agree_with_the_library() -> None:
    made, frame, scores = of_design("rct-individual")
    found = {e.term: e for e in analysed(made, frame, scores).beside}
    rows = frame.merge(scores, on="person").dropna(subset=["post"])
    rows = rows.assign(t=(rows["arm"] == "programme").astype(float))
    common = {"outcome": "post", "covariates": ["pre"], "cluster": "family"}
    lin = ek.stats.mean_difference(rows, treatment="t", interact=True, **common)
    assert found["interacted_difference"].std_error == pytest.approx(lin.std_error, rel=1e-12)
    took = rows.assign(got=(rows["received"] == "yes").astype(float))
    effect = ek.stats.complier_effect(took, assigned="t", received="got", **common)
    assert found["complier_effect"].conf_low == pytest.approx(effect.conf_low, rel=1e-10)
    plain = ek.stats.difference_in_means(rows, outcome="post", treatment="t", cluster="family")
    assert found["difference_in_means"].p_value == pytest.approx(plain.p_value, rel=1e-10)
    assert "took it up" in " ".join(found["complier_effect"].notes)


def test_several_programmes_are_compared_with_the_comparison_and_with_each_other() -> None:
    made = declare(
        design__type="rct-multi-arm",
        design__arm={"column": "arm", "treated": ["programme", "light"], "comparison": "usual"},
    )
    frame, scores = people(150, names=("programme", "light", "usual"))
    study = study_of(made, frame, scores)
    found = study.analyse(sensitivity=False)
    pairs = ["programme - usual", "light - usual", "programme - light"]
    assert [e.contrast for e in found.estimates] == pairs
    assert [f.primary for f in found.findings] == [True, True, False]
    for pair in pairs:
        one, other = pair.split(" - ")
        both = frame[frame["arm"].isin([one, other])].merge(scores, on="person")
        both = both.assign(t=(both["arm"] == one).astype(float))
        alone = ek.stats.mean_difference(
            both, outcome="post", treatment="t", covariates=["pre"], cluster="family"
        )
        estimate = found.estimate("mood", "end", contrast=pair)
        assert estimate.estimate == pytest.approx(alone.estimate, rel=1e-9)
        assert (estimate.n_treatment, estimate.n_comparison) == (
            alone.n_treatment, alone.n_comparison,
        )  # fmt: skip
        assert found.level("mood", "end", contrast=pair).contrast == pair
    first, second, third = found.estimates
    holm = ek.stats.adjust_p([first.p_value, second.p_value], method="holm")
    assert [first.p_adjusted, second.p_adjusted] == pytest.approx(list(holm))
    assert third.p_adjusted == pytest.approx(third.p_value)
    steps = [s for s in study.flow().steps if s.step == "allocated" and s.reason is None]
    assert {s.arm: s.n for s in steps} == dict(frame["arm"].value_counts())
    said = " ".join(f.statement for f in found.findings)
    assert "“programme” made things better" in said


def test_after_the_wait_nothing_is_compared() -> None:
    made = declare(design__type="rct-waitlist", design__comparison_ends="end")
    made["waves"].append({"id": "later", "due": "26 weeks"})
    made["logic_model"]["outcomes"][0]["when"] = ["end", "later"]
    made["data"]["scores"][0]["columns"]["later"] = "late"
    frame, scores = people()
    found = analysed(made, frame, scores.assign(late=scores["post"]))
    assert found.estimate("mood", "end").estimate is not None
    late = found.estimate("mood", "later")
    assert late.estimate is None and "nobody to compare with" in late.notes[0]
    assert found.level("mood", "later").level == 0


def wedge(n: int = 360, seed: int = 3) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    site = rng.integers(0, 9, n)
    starts = np.repeat([90, 180, 270], 3)[site]
    came = rng.integers(0, 360, n)
    day0 = pd.Timestamp(START)
    frame = pd.DataFrame({
        "person": [f"q{k:03d}" for k in range(n)], "site": [f"s{k}" for k in site],
        "came": (day0 + pd.to_timedelta(came, "D")).strftime("%Y-%m-%d"),
        "starts": (day0 + pd.to_timedelta(starts, "D")).strftime("%Y-%m-%d"),
    })  # fmt: skip
    pre = rng.normal(22, 6, n).clip(0, 63).round()
    level = rng.normal(0, 1.5, 9)[site] + came / 100
    post = 0.6 * pre + 8 + level + rng.normal(0, 5, n) - 4 * (came >= starts)
    scores = pd.DataFrame({"person": frame["person"], "pre": pre, "post": post.clip(0, 63).round()})
    return frame, scores


def wedge_plan(**changes: Any) -> dict[str, Any]:
    made = declare(
        design={
            "type": "stepped-wedge", "assigned_by": "site", "because": "drawn from a hat",
            "rollout": {"starts": "starts", "period": "90 days"},
        },
        programme__start=START, data__flow={"allocated_on": "came"},
    )  # fmt: skip
    return declare(made, **changes)


def test_sites_that_start_one_after_another() -> None:
    frame, scores = wedge()
    found = analysed(wedge_plan(), frame, scores)
    estimate = found.estimate("mood", "end")
    rows = frame.merge(scores, on="person")
    came = pd.to_datetime(rows["came"])
    rows = rows.assign(
        t=(came >= pd.to_datetime(rows["starts"])).astype(float),
        period=((came - pd.Timestamp(START)).dt.days // 90).astype(float),
    )
    alone = ek.stats.stepped_wedge_difference(
        rows, outcome="post", treatment="t", cluster="site", period="period", covariates=["pre"]
    )
    assert estimate.estimate == pytest.approx(alone.estimate, rel=1e-9)
    assert estimate.df == pytest.approx(alone.df, rel=1e-9)
    assert estimate.n_clusters == 9
    assert -6 < (estimate.estimate or 0) < -2


def test_a_site_has_one_start() -> None:
    frame, scores = wedge(40)
    frame.loc[frame.index[frame["site"] == frame["site"][0]][0], "starts"] = "2024-12-01"
    with pytest.raises(InvalidData, match="more than one value"):
        study_of(wedge_plan(), frame, scores)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"design__type": "cross-over"}, "cross-over is refused: a family cannot be returned"),
        ({"design__type": "rct-cluster"}, "nobody is assigned by person"),
        ({"design__type": "rct-stratified"}, "needs `design.strata`"),
        ({"design__type": "rct-waitlist"}, "needs `design.comparison_ends`"),
        ({"design__type": "rct-partially-clustered"}, "needs `design.groups`"),
        ({"design__type": "stepped-wedge"}, "needs `design.rollout`"),
        ({"design__type": "rct-multi-arm"}, "compares two programmes or more"),
        ({"design__arm__treated": ["programme", "other"]}, "has one programme arm"),
        ({"design__groups": "grp"}, "has no `groups`"),
        ({"design__rollout": {"starts": "a", "period": "1 month"}}, "has no `rollout`"),
        ({"analysis__estimator": "guess"}, "unknown estimator of rct-individual"),
        ({"analysis__beside": ["mixed_difference"]}, "unknown analysis of rct-individual"),
        ({"analysis__beside": ["complier_effect"]}, "data.flow.received"),
        ({"analysis__beside": ["dose_effect"]}, "data.flow.sessions"),
        ({"analysis__subgroups": [{"by": "sex"}]}, "a planned subgroup needs a reason"),
        ({"analysis__looks": {"information": [1, 0.5], "now": 1}}, "looks must rise"),
        ({"analysis__looks": {"information": [0.5, 1], "now": 3}}, "look 3 of 2"),
        ({"design__events": [{"id": "x", "strategy": "hypothetical"}]}, "needs the day it happened"),
        ({"design__events": [{"id": "x", "strategy": "composite", "on": "d", "because": "y"}]},
         "composite works on outcomes that are yes or no"),
        ({"design__events": [{"id": "x", "strategy": "principal-stratum"}]}, "complier effect"),
        ({"logic_model__outcomes__0__measure": {"id": "bdi-ii", "at_least": 70}},
         "would make everybody the same"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused_with_the_reason(
    changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidEvaluation) as caught:
        evaluate(declare(**changes))
    assert words in str(caught.value)


def dated(strategy: str, **more: Any) -> dict[str, Any]:
    event = {"id": "separation", "strategy": strategy, "on": "parted", "because": "a reason"}
    return declare(design__events=[event], programme__start=START, **more)


def test_events_after_the_start_change_what_is_asked() -> None:
    frame, scores = people()
    parted = np.where(np.arange(120) % 9 == 0, "2024-02-01", "")
    late = np.where(np.arange(120) % 9 == 1, "2024-12-01", "")
    frame = frame.assign(parted=np.where(parted != "", parted, late))
    usual = analysed(dated("treatment-policy"), frame, scores)
    aside = analysed(dated("hypothetical"), frame, scores)
    hit = int((parted != "").sum())
    reason = "answers after separation are set aside (hypothetical strategy)"
    assert dict(aside.estimates[0].dropped_why)[reason] == hit
    kept = frame[parted == ""].merge(scores, on="person")
    kept = kept.assign(t=(kept["arm"] == "programme").astype(float))
    alone = ek.stats.mean_difference(
        kept, outcome="post", treatment="t", covariates=["pre"], cluster="family"
    )
    assert aside.estimates[0].estimate == pytest.approx(alone.estimate, rel=1e-9)
    assert usual.estimates[0].estimate != pytest.approx(alone.estimate, rel=1e-6)
    while_on = analysed(dated("while-on-treatment"), frame, scores)
    last = scores.assign(post=np.where(parted != "", scores["pre"], scores["post"]))
    moved = frame.merge(last, on="person")
    moved = moved.assign(t=(moved["arm"] == "programme").astype(float))
    alone = ek.stats.mean_difference(
        moved, outcome="post", treatment="t", covariates=["pre"], cluster="family"
    )
    assert while_on.estimates[0].estimate == pytest.approx(alone.estimate, rel=1e-9)
    counted = study_of(dated("hypothetical"), frame, scores).events()
    assert sum(row.n or 0 for row in counted) == int((frame["parted"] != "").sum())


def test_a_composite_event_counts_as_the_worse_result() -> None:
    frame, scores = people()
    parted = np.arange(120) % 9 == 0
    frame = frame.assign(parted=np.where(parted, "2024-02-01", ""))
    made = dated("composite", logic_model__outcomes__0__measure={"id": "bdi-ii", "at_least": 20})
    trail = study_of(made, frame, scores).trail("mood", "end", "self").set_index("person")
    assert (trail.loc[frame["person"][parted], "score"] == 1.0).all()
    rest = scores.set_index("person")["post"][~parted]
    expected = (rest >= 20).astype(float).where(rest.notna())
    pd.testing.assert_series_equal(trail.loc[rest.index, "score"], expected, check_names=False)


def test_a_cut_off_makes_a_yes_or_no_that_is_compared_as_shares() -> None:
    made = declare(
        logic_model__outcomes__0__measure={"id": "bdi-ii", "at_least": 20},
        analysis__beside=["risk_ratio", "odds_ratio"],
    )
    frame, scores = people()
    found = analysed(made, frame, scores)
    rows = frame.merge(scores, on="person").dropna(subset=["post"])
    rows = rows.assign(t=(rows["arm"] == "programme") * 1.0, case=(rows["post"] >= 20) * 1.0)
    common = {"treatment": "t", "outcome": "case", "covariates": ["pre"], "cluster": "family"}
    estimate = found.estimate("mood", "end")
    assert estimate.unit == "share"
    assert estimate.estimate == pytest.approx(
        ek.stats.risk_difference(rows, **common).estimate, rel=1e-7
    )
    assert found.beside[0].estimate == pytest.approx(
        ek.stats.risk_ratio(rows, **common).estimate, rel=1e-7
    )
    said = found.findings[0].statement
    assert "the share with a score of 20 or more was" in said and "percentage points lower" in said
    assert "(better)" in said


def test_a_share_in_strict_pages_hides_small_cells(tmp_path: Any) -> None:
    made = declare(
        logic_model__outcomes__0__measure={"id": "bdi-ii", "at_least": 33},
        disclosure={"profile": "strict"},
    )
    frame, scores = people()
    found = analysed(made, frame, scores)
    ek.report(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "percentage points" not in page.split("Methods")[0].split("<footer")[0] or (
        "too few families for a result" in page
    )
    assert "too few families for a result" in page


def test_an_outcome_that_is_only_ordered_is_compared_by_odds() -> None:
    made = declare(
        data__scores=[
            {"file": "scores.csv", "measure": "eq-5d-5l", "scale": "level-sum", "shape": "wide",
             "columns": {"baseline": "pre", "end": "post"}},
        ],
        logic_model__outcomes__0__measure={"id": "eq-5d-5l", "scale": "level-sum"},
    )  # fmt: skip
    frame, scores = people()
    ups = scores["post"].fillna(0) // 7 + np.arange(120) % 3
    steps = scores.assign(
        pre=6.0 + np.arange(120) // 2 % 3, post=(6 + ups.clip(0, 6)).where(scores["post"].notna())
    )
    found = analysed(made, frame, steps)
    estimate = found.estimate("mood", "end")
    rows = frame.merge(steps, on="person").dropna(subset=["post"])
    rows = rows.assign(t=(rows["arm"] == "programme") * 1.0, pre=rows["pre"].map("{:g}".format))
    alone = ek.stats.ordinal_odds_ratio(
        rows, outcome="post", treatment="t", covariates=["pre"], cluster="family"
    )
    assert estimate.unit == "ratio"
    assert estimate.estimate == pytest.approx(alone.estimate, rel=1e-6)
    assert "the odds of a higher score were" in found.findings[0].statement
    apart = analysed(made, frame, steps.assign(pre=np.where(steps["post"] > 8, 9.0, 6.0)))
    assert "separate the categories" in " ".join(apart.estimates[0].notes)
    assert apart.estimates[0].adjusted_for == ()
    assert found.findings[0].claim in ("improved", "no-clear-change")


def looked(**looks: Any) -> ek.Analysis:
    frame, scores = people()
    return analysed(declare(analysis__looks=looks), frame, scores)


def test_an_interim_look_widens_the_primary_interval_and_reads_the_boundary() -> None:
    first = looked(information=[0.5, 1.0], now=1)
    bounds = ek.stats.spending_bounds([0.5, 1.0])
    estimate = first.estimate("mood", "end")
    assert estimate.level == pytest.approx(1 - bounds.p_nominal[0], rel=1e-9)
    assert first.looks[0].z_benefit == pytest.approx(bounds.z[0])
    assert first.looks[0].verdict == "stop for benefit"
    assert "boundary for benefit is crossed" in first.looks[0].sentence
    usual = analysed(declare(), *people()).estimate("mood", "end")
    assert (estimate.conf_low or 0) < (usual.conf_low or 0)
    assert looked(information=[0.05, 1.0], now=1).looks[0].verdict == "continue"


def test_a_look_watches_for_harm() -> None:
    frame, scores = people()
    swapped = frame.assign(arm=frame["arm"].map({"programme": "usual", "usual": "programme"}))
    made = declare(analysis__looks={"information": [0.5, 1], "now": 1})
    found = analysed(made, swapped, scores)
    assert found.looks[0].verdict == "stop for harm"
    assert "stop offering the programme" in found.looks[0].sentence


def test_subgroups_are_judged_by_the_interaction() -> None:
    planned = {"by": "sex", "because": "women were harmed more"}
    made = declare(analysis__subgroups=[planned, {"by": "years", "exploratory": True}])
    frame, scores = people()
    found = analysed(made, frame, scores)
    sex, years = found.moderations
    rows = frame.merge(scores, on="person").dropna(subset=["post"])
    rows = rows.assign(t=(rows["arm"] == "programme") * 1.0)
    alone = ek.stats.subgroup_effects(
        rows, outcome="post", treatment="t", by="sex", covariates=["pre"], cluster="family"
    )
    assert sex.p_value == pytest.approx(alone.interaction.p_value, rel=1e-9)
    assert [e.estimate for e in sex.effects] == pytest.approx([e.estimate for e in alone.effects])
    assert [e.term for e in sex.effects] == ["sex: f", "sex: m"]
    assert years.exploratory and len(years.effects) == 3
    assert "one SD above the mean" in (years.effects[2].term or "")
    holm = ek.stats.adjust_p([sex.p_value, years.p_value], method="holm")
    assert [sex.p_adjusted, years.p_adjusted] == pytest.approx(list(holm))


def two_outcomes(**plan: Any) -> ek.Analysis:
    made = declare(analysis={"multiplicity": plan})
    made["logic_model"]["outcomes"].append({
        "id": "worry", "name": "Worry falls", "role": "survivor", "measure": {"id": "gad-7"},
        "direction": "lower", "when": ["end"], "domain": "fear",
    })  # fmt: skip
    made["data"]["scores"].append({
        "file": "worry.csv", "measure": "gad-7", "scale": "total", "shape": "wide",
        "columns": {"baseline": "a", "end": "b"},
    })  # fmt: skip
    frame, scores = people()
    worry = pd.DataFrame({
        "person": frame["person"], "a": (scores["pre"] / 4).round(),
        "b": (scores["post"] / 5 + np.arange(120) % 3).round(),
    })  # fmt: skip
    return study_of(made, frame, scores, worry=worry).analyse(sensitivity=False)


def test_families_of_results_follow_the_plan() -> None:
    together = two_outcomes(method="holm")
    raw = [e.p_value for e in together.estimates]
    assert [e.p_adjusted for e in together.estimates] == pytest.approx(
        list(ek.stats.adjust_p(raw, method="holm"))
    )
    apart = two_outcomes(method="holm", within="domain")
    assert [e.p_adjusted for e in apart.estimates] == pytest.approx(raw)
    for method in ("westfall-young", "romano-wolf"):
        joint = two_outcomes(method=method)
        for before, after in zip(together.estimates, joint.estimates, strict=True):
            assert after.estimate == before.estimate
            assert 0 < (after.p_adjusted or 0) < 0.05


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_every_further_analysis_is_offered_by_a_design_and_said_in_words(name: str) -> None:
    assert any(name in ek.design(d).beside for d in ek.designs())
    assert BESIDE[name].words


def test_designs_name_their_estimand_and_what_becomes_of_events() -> None:
    for name in ek.designs():
        design = ek.design(name)
        assert set(design.estimators) <= {*ESTIMATORS, *AREA_ESTIMATORS}
        assert set(design.beside) <= set(BESIDE)
        if design.randomised:
            events = {item.event for item in design.intercurrent}
            assert events == {"separation", "relocation", "care-entry", "programme-left", "death"}
            assert {item.strategy for item in design.intercurrent} <= set(STRATEGIES)


def test_an_arm_of_one_person_is_not_enough_information() -> None:
    frame, scores = people()
    scores["post"] = scores["post"].fillna(20)
    alone = frame.assign(arm=["programme", *["usual"] * 119])
    found = analysed(declare(), alone, scores)
    assert found.estimates[0].estimate is None
    assert found.findings[0].claim == "not-enough-information"


def test_an_outcome_that_does_not_vary_is_said_to() -> None:
    frame, scores = people()
    found = analysed(declare(), frame, scores.assign(post=7.0))
    assert found.estimates[0].estimate is None and "not vary" in found.estimates[0].notes[0]


def test_one_cluster_in_an_arm_is_refused() -> None:
    frame, scores = people()
    made = declare(design__type="rct-cluster", design__assigned_by="site")
    one = frame.assign(site=np.where(frame["arm"] == "programme", "only", frame["site"] + "c"))
    found = analysed(made, one, scores)
    assert found.estimates[0].estimate is None
    assert "one cluster" in found.estimates[0].notes[0]


def test_a_site_split_between_the_arms_of_a_cluster_trial_is_a_problem_with_rows() -> None:
    frame, scores = people()
    made = declare(design__type="rct-cluster", design__assigned_by="site")
    with pytest.raises(InvalidData, match=r"site 's0' has more than one value \(rows"):
        study_of(made, frame, scores)


def test_arms_coded_by_numbers_are_named_by_the_plan() -> None:
    frame, scores = people()
    coded = frame.assign(arm=frame["arm"].map({"programme": "1", "usual": "2"}))
    made = declare(design__arm={"column": "arm", "treated": 1, "comparison": 2})
    one = analysed(made, coded, scores).estimates[0]
    assert one.estimate == analysed(declare(), frame, scores).estimates[0].estimate


def test_a_stratum_without_any_outcome_is_counted_and_said() -> None:
    frame, scores = people()
    made = declare(design__type="rct-stratified", design__strata=["area"])
    gone = scores.assign(post=scores["post"].where((frame["area"] == "north").to_numpy()))
    found = analysed(made, frame, gone).estimates[0]
    assert found.estimate is not None and found.n_dropped >= 60
    assert (found.n_treatment or 0) + (found.n_comparison or 0) + found.n_dropped == 120


def test_a_minimised_trial_is_minimised_again_in_short() -> None:
    frame, scores = people(40)
    frame = frame.assign(came=np.arange(40).astype(str))
    made = declare(
        design__minimise={"by": ["sex", "area"], "order": "came"},
        analysis={"covariates": ["baseline", "sex", "area"]},
    )
    study = study_of(made, frame, scores)
    target, followed = study.trails[0]
    sample = analysis_sample(study, target, followed)
    found = ek.stats.permutation_test(
        assigned_rows(study, followed, sample), outcome="score", treatment="treated",
        covariates=sample.columns, reassign=reassigned(study), permutations=200, seed=7,
    )  # fmt: skip
    rows = frame.merge(scores, on="person")
    alone = ek.stats.permutation_test(
        rows.assign(t=(rows["arm"] == "programme") * 1.0, place=np.arange(40.0)), outcome="post",
        treatment="t", covariates=["pre", "sex", "area"], permutations=200, seed=7,
        reassign=ek.stats.minimisation(factors=["sex", "area"], order="place"),
    )  # fmt: skip
    assert found.p_value == pytest.approx(alone.p_value, rel=1e-9)


@pytest.mark.slow
def test_a_minimised_trial_is_re_randomised_by_minimising_again() -> None:
    frame, scores = people(40)
    frame = frame.assign(came=np.arange(40).astype(str))
    made = declare(
        design__minimise={"by": ["sex", "area"], "order": "came"},
        analysis={
            "covariates": ["baseline", "sex", "area"], "beside": ["permutation_test"],
            "multiplicity": {"method": "westfall-young"},
        },
        seed=7,
    )  # fmt: skip
    found = analysed(made, frame, scores)
    rows = frame.merge(scores, on="person")
    rows = rows.assign(t=(rows["arm"] == "programme") * 1.0, place=np.arange(40.0))
    again = ek.stats.minimisation(factors=["sex", "area"], order="place")
    alone = ek.stats.permutation_test(
        rows, outcome="post", treatment="t", covariates=["pre", "sex", "area"], statistic="t",
        reassign=again, seed=7,
    )  # fmt: skip
    assert found.beside[0].p_value == pytest.approx(alone.p_value, rel=1e-9)
    assert found.estimates[0].p_adjusted is not None
    with pytest.raises(InvalidEvaluation, match="must be adjusted for, and sex is not"):
        evaluate(declare(design__minimise={"by": ["sex"]}))
