"""Made trials and what their plans would find: against closed forms, truth, seeds, refusals."""

from __future__ import annotations

import datetime
import math
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit import stats
from evalkit.diagnosing.words import Told, sentence
from evalkit.errors import InvalidInput
from evalkit.simulating.assumptions import assume
from evalkit.simulating.items import asked_for, directions, follows, item_answers, scored_items
from evalkit.simulating.simulation import UNMADE
from tests.conftest import ROOT, before_after, declare, evaluate, matched

START = datetime.date(2024, 1, 1)
FLOW = {
    "eligible": "fits", "consent": "agreed", "received": "got", "not_received_reason": "why_not",
    "sessions": "sessions", "left_on": "left", "left_reason": "why_left",
}  # fmt: skip
MINIMISED = {
    "covariates": ["baseline", "sex", "area"],
    "primary": {"outcome": "mood", "wave": "end"},
}
SEVERAL = {"column": "arm", "treated": ["programme", "light"], "comparison": "usual"}
WEDGE = {
    "type": "stepped-wedge", "assigned_by": "site", "because": "drawn from a hat",
    "rollout": {"starts": "starts", "period": "90 days"},
}  # fmt: skip
ORDERED = {"file": "scores.csv", "measure": "eq-5d-5l", "scale": "level-sum", "shape": "wide",
           "columns": {"baseline": "pre", "end": "post"}}  # fmt: skip
CALLS = {"id": "calls", "from": "events", "kind": "callout", "window": "12 months"}


def waiting() -> dict[str, Any]:
    made = declare(design__type="rct-waitlist", design__comparison_ends="end")
    made["waves"].append({"id": "later", "due": "26 weeks"})
    made["logic_model"]["outcomes"][0]["when"] = ["end", "later"]
    made["data"]["scores"][0]["columns"]["later"] = "late"
    return made


def items(measure: str, scale: str | None = None) -> dict[str, Any]:
    shown = {"id": measure} | ({"scale": scale} if scale else {})
    return declare(
        data__scores=None, data__responses=[{"file": "answers.csv", "measure": measure}],
        logic_model__outcomes__0__measure=shown,
    )  # fmt: skip


PLANS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "rct-individual": (declare(design__assigned_by="family", data__flow=FLOW), {"uptake": 0.7}),
    "rct-stratified": (declare(design__type="rct-stratified", design__strata=["area", "risk"]), {}),
    "rct-cluster": (declare(design__type="rct-cluster", design__assigned_by="site"), {"sites": 12}),
    "rct-multisite": (declare(design__type="rct-multisite", design__assigned_by="family"), {}),
    "rct-waitlist": (waiting(), {}),
    "rct-multi-arm": (declare(design__type="rct-multi-arm", design__arm=SEVERAL),
                      {"effect": {"programme": 0.5, "light": 0.2}}),
    "rct-partially-clustered": (declare(design__type="rct-partially-clustered",
                                        design__groups="group"), {}),
    "stepped-wedge": (declare(design=WEDGE, programme__start=START,
                              data__flow={"allocated_on": "came"}), {}),
    "matched-comparison": (matched(), {}),
    "weighted-comparison": (declare(design__type="weighted-comparison",
                                    design__weight={"covariates": ["need"]}), {}),
    "matched inside": (declare(design__type="matched-comparison",
                               design__match={"covariates": ["need"]}), {}),
    "pre-post": (before_after(), {}),
    "minimised": (declare(design__minimise={"by": ["sex", "area"], "order": "came"},
                          analysis=MINIMISED), {"columns": {"area": ["n", "s", "w"]}}),
    "yes or no": (declare(logic_model__outcomes__0__measure={"id": "bdi-ii", "at_least": 30}), {}),
    "ordered": (declare(data__scores=[ORDERED], logic_model__outcomes__0__measure={
        "id": "eq-5d-5l", "scale": "level-sum"}), {"points": {"eq-5d-5l": (9, 2)}}),
    "long scores": (declare(data__scores=[{"file": "scores.csv", "measure": "bdi-ii",
                                           "shape": "long"}]), {}),
    "items": (items("phq-9"), {}),
    "events": (declare(data__events={"file": "events.csv"}, indicators=[CALLS],
                       data__flow={"allocated_on": "came", "left_on": "left"},
                       data__as_of=datetime.date(2026, 1, 1)), {"rate_ratio": 0.6}),
}  # fmt: skip


def test_every_shipped_design_has_a_plan_here_or_is_refused_by_name() -> None:
    people = {name for name in ek.designs() if ek.design(name).data == "people"}
    assert people <= set(PLANS) | set(UNMADE)
    assert not set(PLANS) & set(UNMADE)


def test_a_design_that_is_not_made_up_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="descriptive-monitoring is not made up"):
        ek.simulate(evaluate(declare(design={"type": "descriptive-monitoring"})), n=60, seed=1)


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_is_made_studied_and_diagnosed(name: str) -> None:
    made, options = PLANS[name]
    evaluation = evaluate(made)
    simulation = ek.simulate(evaluation, n=60, attrition=0.1, seed=4, **options)
    assert isinstance(simulation.tables["people.csv"], pd.DataFrame)
    study = simulation.study()
    assert len(study.people) == 60
    assert 0 < study.attrition()[0].overall < 0.4 if evaluation.design.comparison_group else True
    found = ek.diagnose(evaluation, n=60, runs=2, null_runs=1, attrition=0.1, seed=4, **options)
    compared = [t for t in evaluation.targets() if evaluation.compared(t.wave)]
    rows = {(row.outcome, row.wave, row.contrast): row for row in found.results}
    for target in compared:
        row = rows[target.outcome.id, target.wave, target.key[3]]
        assert row.estimated > 0 and row.truth < 0 < (row.truth_size or 0)
    assert len(found.results) == len(simulation.truth)
    assert all(row.sentence.startswith("With 60 ") for row in found.results)
    for rates in (found.claims, found.levels):
        for effect in (True, False):
            mine = [r.share for r in rates if r.effect is effect and r.wave == compared[0].wave]
            assert sum(mine) == pytest.approx(len({r.contrast for r in rates}))


@pytest.mark.parametrize(("name", "n"), [("beating-the-blues", 40), ("growing-together", 200)])
def test_the_examples_can_be_made_and_diagnosed(name: str, n: int) -> None:
    """Of 40 families in arms of one size too few would find somebody alike."""
    evaluation = ek.load(ROOT / "examples" / name / "evaluation.yaml")
    found = ek.diagnose(evaluation, n=n, runs=1, null_runs=0, attrition=0.05, seed=1)
    assert found.primary.primary and found.primary.estimated == 1
    assert len(found.results) == len(evaluation.targets())


def test_the_same_seed_gives_the_same_result_for_any_number_of_workers() -> None:
    evaluation = evaluate(PLANS["rct-individual"][0])
    how: dict[str, Any] = {"runs": 11, "null_runs": 2, "n": 30, "seed": 7}
    one = ek.diagnose(evaluation, **how)
    two = ek.diagnose(evaluation, workers=2, **how)
    with joblib.parallel_config("threading", n_jobs=2):
        other = ek.diagnose(evaluation, **how)
    for found in (two, other):
        assert (one.results, one.claims, one.levels) == (found.results, found.claims, found.levels)
    assert ek.diagnose(evaluation, **how | {"seed": 8}).results != one.results
    tables = [ek.simulate(evaluation, n=30, seed=s).tables["scores.csv"] for s in (7, 7, 8)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
    assert not tables[0].equals(tables[2])


def against_closed_forms(runs: int) -> None:
    """Power equals the closed form, coverage 95% and type I error 5%, within Monte-Carlo error."""
    one = evaluate(declare())
    whole = evaluate(declare(design__type="rct-cluster", design__assigned_by="family",
                             analysis__covariates=[]))  # fmt: skip
    cases = [
        (one, {"n": 90, "effect": 0.5},
         stats.power_individual(n=90, effect=0.5, r2_individual=0.36, covariates=1)),
        (whole, {"n": 60, "effect": 0.5, "family_size": 3, "icc_family": 0.3},
         stats.power_cluster(clusters=60, cluster_size=3, effect=0.5, icc=0.3)),
    ]  # fmt: skip
    for evaluation, options, closed in cases:
        found = ek.diagnose(
            evaluation, runs=runs, null_runs=runs, attrition=0.0, seed=11, **options
        )
        row, band = found.primary, 3.5
        expected = closed.power or 0.0
        error = math.sqrt(expected * (1 - expected) / runs)
        assert abs(row.power - expected) < band * error + 0.03
        assert abs((row.coverage or 0) - 0.95) < band * math.sqrt(0.05 * 0.95 / runs) + 0.005
        assert abs((row.type_one or 0) - 0.05) < band * math.sqrt(0.05 * 0.95 / runs) + 0.005
        assert abs(row.bias or 0) < band * (row.bias_mcse or 0)
        assert row.model_se == pytest.approx(
            row.empirical_se, abs=band * (row.empirical_se_mcse or 0)
        )


def test_a_few_runs_agree_with_the_closed_forms() -> None:
    against_closed_forms(16)


@pytest.mark.slow
def test_many_runs_agree_with_the_closed_forms() -> None:
    against_closed_forms(1000)


def test_people_are_as_alike_as_was_assumed() -> None:
    evaluation = evaluate(PLANS["rct-cluster"][0])
    made = ek.simulate(evaluation, n=4000, effect=0, attrition=0, family_size=2, sites=400,
                       icc=0.2, icc_family=0.3, stability=0.5, seed=3)  # fmt: skip
    scores, people = made.tables["scores.csv"], made.tables["people.csv"]
    assert np.corrcoef(scores["pre"], scores["post"])[0, 1] == pytest.approx(0.5, abs=0.03)
    first, second = scores["pre"][::2].to_numpy(), scores["pre"][1::2].to_numpy()
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(0.5, abs=0.05)
    site = scores["pre"].groupby(people["site"]).mean()
    within = 0.2 + (0.3 / 10 + 0.5 / 20)
    assert site.var() / scores["pre"].var() == pytest.approx(within, abs=0.05)


def test_the_truth_is_what_a_very_large_trial_finds() -> None:
    for name in ("items", "yes or no", "ordered", "rct-multi-arm", "rct-partially-clustered"):
        made, options = PLANS[name]
        simulation = ek.simulate(evaluate(made), n=3000, attrition=0, seed=5, **options)
        analysis = simulation.study().analyse()
        for truth in simulation.truth:
            found = analysis.estimate(truth.outcome, str(truth.wave), contrast=truth.contrast)
            assert found.unit == truth.unit
            assert (found.conf_low or 0) - 1e-9 < truth.effect < (found.conf_high or 0)
            log = truth.unit == "ratio"
            value = math.log(found.estimate or 1) if log else found.estimate
            true = math.log(truth.effect) if log else truth.effect
            assert abs((value or 0) - true) < 3.5 * (found.std_error or 0)


def test_without_an_effect_the_truth_is_nothing() -> None:
    for name in ("items", "ordered", "pre-post", "events"):
        made, options = PLANS[name]
        options = {k: v for k, v in options.items() if k != "rate_ratio"}
        simulation = ek.simulate(evaluate(made), n=50, effect=0, seed=1, **options)
        assert all(t.effect == (1.0 if t.unit == "ratio" else 0.0) for t in simulation.truth)


def test_loss_is_as_large_as_told_and_falls_on_those_in_need() -> None:
    loss = {"share": 0.3, "by_need": 1.0, "by_arm": 0.1}
    simulation = ek.simulate(evaluate(declare()), n=4000, attrition=loss, seed=2)
    frame = simulation.tables["people.csv"].merge(simulation.tables["scores.csv"], on="person")
    gone = frame["post"].isna()
    by_arm = gone.groupby(frame["arm"]).mean()
    assert gone.mean() == pytest.approx(0.3, abs=0.03)
    assert by_arm["programme"] - by_arm["usual"] == pytest.approx(0.1, abs=0.05)
    assert frame.loc[gone, "pre"].mean() > frame.loc[~gone, "pre"].mean() + 4
    assert not frame["pre"].isna().any()


def test_the_effect_belongs_to_those_who_take_it_up() -> None:
    made = declare(data__flow=FLOW, analysis__beside=["complier_effect"])
    simulation = ek.simulate(evaluate(made), n=3000, effect=0.4, attrition=0, uptake=0.5, seed=9)
    people = simulation.tables["people.csv"]
    assert (people.loc[people["arm"] == "usual", "got"] == "no").all()
    assert simulation.truth[0].effect_size == pytest.approx(-0.4, abs=0.05)
    taken = simulation.study().analyse().beside[0]
    assert taken.estimate == pytest.approx(2 * simulation.truth[0].effect, abs=2.5)


@pytest.mark.parametrize(
    "name", ["sdq-parent-4-17", "phq-9", "swemwbs", "rses-order-a", "core-10", "who-5"]
)
def test_better_people_score_better_whatever_is_reversed(name: str) -> None:
    measure = ek.measure(name)
    rng = np.random.default_rng(1)
    how = rng.standard_normal(400)
    noise = rng.standard_normal((400, len(measure.items)))
    for scale in [s for s in measure.scales if s.higher_is_better is not None]:
        if scale.id == "impact":
            assert not follows(measure, "impact", "impact")
            continue
        asked = len(asked_for(measure, scale.id))
        answers = item_answers(measure, scale.id, how, noise[:, :asked])
        assert set(directions(measure, scale.id).values()) <= {1, -1}
        if scale.method in ("sum", "mean", "table", "sum-of-scales"):
            found = scored_items(measure, answers, scale.id, scale.id)
            turned = 1 if scale.higher_is_better else -1
            assert np.corrcoef(how, turned * found)[0, 1] > 0.6


def test_arms_are_balanced_within_strata_and_in_their_ratio() -> None:
    evaluation = evaluate(PLANS["rct-stratified"][0])
    people = ek.simulate(evaluation, n=121, seed=3).tables["people.csv"]
    counts = people.groupby(["area", "risk"])["arm"].value_counts().unstack()
    assert (counts["programme"] - counts["usual"]).abs().max() <= 1
    people = ek.simulate(evaluate(declare()), n=90, ratio=[2, 1], seed=3).tables["people.csv"]
    assert (people["arm"] == "programme").sum() == 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n": 0}, "n=0. Allowed: a whole number, 2 or more"),
        ({"n": 1}, "n=1."),
        ({"n": 2.5}, "n=2.5."),
        ({"attrition": -0.1}, "attrition=-0.1. Allowed: a number from 0 to 0.95"),
        ({"attrition": {"shares": 0.1}}, "Did you mean 'share'?"),
        ({"attrition": {"share": 0.1, "by_arm": 0.5}}, "attrition by_arm=0.5"),
        ({"effect": {"mod": 0.3}}, "Allowed: mood, programme. Did you mean 'mood'?"),
        ({"effect": math.nan}, "effect=nan"),
        ({"icc": 0.6, "icc_family": 0.6}, "more than 1"),
        ({"ratio": [1]}, "one for each arm (programme, usual)"),
        ({"ratio": [0, 1]}, "ratio=0"),
        ({"sites": 50}, "a site needs a family"),
        ({"seed": -1}, "seed=-1"),
        ({"family_size": {"child": 1}}, "family_size names 'child'"),
        ({"points": {"bdi-ii": (20, 0)}}, "must be more than 0"),
    ],
)
def test_what_cannot_be_assumed_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ek.simulate(evaluate(declare()), **{"n": 40, "seed": 1} | options)
    assert words in str(caught.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        ek.simulate(evaluate(declare()), n=0, attrition=-1, effect="much", seed=1)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(
    "options", [{"runs": 0}, {"runs": -3}, {"runs": True}, {"runs": 2, "workers": 0},
                {"runs": 2, "null_runs": -1}],
)  # fmt: skip
def test_no_runs_and_no_workers_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="Allowed: a whole number"):
        ek.diagnose(evaluate(declare()), seed=1, n=40, **options)


def cannot() -> dict[str, tuple[dict[str, Any], str]]:
    twice = declare()
    second = {**twice["logic_model"]["outcomes"][0], "id": "mood-again"}
    twice["logic_model"]["outcomes"].append(second)
    odd = {**matched(), "design": matched()["design"] | {"match": {
        "unit": "family", "covariates": ["tier"], "sets": "pair"}}}  # fmt: skip
    return {
        "two effects": (twice, "so their effect is one"),
        "a code of its own": (items("cts2", "physical-victimisation-variety"),
                              "cannot be made from graded answers alone"),
        "a table by sex": (items("rcads-47-child", "total-t"), "from graded answers alone"),
        "odd pairs": (odd, "n=41 families in pairs; n must be even"),
    }  # fmt: skip


@pytest.mark.parametrize("name", cannot())
def test_a_plan_that_cannot_be_simulated_is_refused_by_name(name: str) -> None:
    made, words = cannot()[name]
    effect = {"mood": 0.3} if name == "two effects" else 0.3
    with pytest.raises(InvalidInput, match="A plan whose design cannot be simulated") as caught:
        ek.diagnose(evaluate(made), n=41, effect=effect, runs=1, seed=1)
    assert words in str(caught.value)


def told(**changes: Any) -> Told:
    usual: dict[str, Any] = {
        "families": 40, "noun": "families", "sites": None, "size": 0.3, "unit": "points",
        "truth": -3.0, "power": 0.21, "needed": 233, "detectable": 0.7, "wrong": 1 / 12,
        "exaggeration": 2.04, "type_one": 0.05, "coverage": (0.95, 0.01), "estimated": 1.0,
        "clear": 21,
    }  # fmt: skip
    return Told(**usual | changes)


def test_a_plan_that_is_too_small_is_told_so() -> None:
    said = sentence(told())
    assert "With 40 families you would find an effect of 0.3 SD in 21 of 100 such trials" in said
    assert "about 240 families would be needed to find it in 80" in said
    assert "The plan is too small" in said and "An effect of 0.70 SD is what it could find" in said
    assert "1 in 12 clear findings would point the wrong way" in said
    assert "2.0 times as large as it is" in said
    enough = sentence(told(power=0.85, wrong=0.0, exaggeration=1.0))
    assert "that is enough" in enough and "too small" not in enough
    assert "in about 30 sites" in sentence(told(sites=5))
    assert "no trial would give a result" in sentence(told(estimated=0.0))
    assert "of 100 trials only" in sentence(told(coverage=(0.8, 0.02)))
    assert "of 100 trials only" not in sentence(told(coverage=(0.9, 0.1)))


def test_the_size_that_is_needed_is_near_the_closed_form() -> None:
    found = ek.diagnose(evaluate(declare()), n=40, effect=0.4, attrition=0, runs=30, null_runs=1,
                        seed=2)  # fmt: skip
    exact = stats.power_individual(power=0.8, effect=0.4, r2_individual=0.36, covariates=1).n
    assert found.primary.needed == pytest.approx(exact, rel=0.5)


def test_a_plan_for_no_effect_tells_the_type_one_error() -> None:
    found = ek.diagnose(evaluate(declare()), n=30, effect=0, runs=4, seed=2)
    row = found.primary
    assert (row.truth, row.power, row.null_runs) == (0.0, row.type_one, 4)
    assert row.needed is None and row.wrong_sign is None
    assert row.sentence.startswith("With 30 people and no effect, ")
    assert not any(rate.effect for rate in (*found.claims, *found.levels))


def test_assumptions_are_said_and_checked() -> None:
    evaluation = evaluate(PLANS["rct-cluster"][0])
    given = assume(evaluation, n=40)
    assert given.sites == 20 and given.effect("programme", "mood") == 0.3
    said = " ".join(ek.simulate(evaluation, n=40, seed=1).assumes)
    assert "20 sites, which hold 5% of the variance" in said and "20% are lost" in said


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match=r"No option 'iccc'\. Allowed: .*icc"):
        ek.simulate(evaluate(declare()), n=20, seed=1, iccc=0.1)
