"""Hidden differences between the groups: what each result is put to, and what is said of it."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidEvaluation
from evalkit.reports.findings import findings_file, plain
from evalkit.reports.writing import report_text
from evalkit.robustness.records import HiddenBias
from evalkit.stats.hidden_bias.benchmarks import confounder_bounds
from evalkit.stats.hidden_bias.confounding import Shaken, Tie, ties
from evalkit.stats.hidden_bias.left_out import without_each
from tests.conftest import before_after, declare, evaluate, study_of

DESIGNS: dict[str, dict[str, Any]] = {
    "sets": {
        "type": "matched-comparison",
        "match": {"unit": "person", "covariates": ["need"], "sets": "pair"},
    },
    "weights": {"type": "weighted-comparison", "weight": {"covariates": ["need"]}},
}
PLAN = {"primary": {"outcome": "mood", "wave": "end"}, "covariates": ["baseline", "need"]}


def plan(design: str = "sets", *, bias: dict[str, Any] | None = None, **more: Any) -> Any:
    arm = {"column": "arm", "treated": "programme", "comparison": "usual"}
    made = declare(
        design={"arm": arm, "because": "the same offices", "assigned_by": "person"}
        | DESIGNS[design],
        analysis=PLAN | ({"hidden_bias": bias} if bias is not None else {}) | more,
    )
    return made


def people(
    n: int = 500, *, seed: int = 0, effect: float = 0.0, hidden: float = 0.0, lost: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return people whose need decides who takes part and how they fare, and so does what is hidden.

    `hidden` is how many times as closely as need a hidden factor is tied to the programme and outcome.
    """
    rng = np.random.default_rng(seed)
    need, unseen, pre = rng.normal(size=n), rng.normal(size=n), 20 + 5 * rng.normal(size=n)
    treated = rng.random(n) < 1 / (1 + np.exp(0.3 - 0.5 * (need + hidden * unseen)))
    post = 10 + 0.5 * pre + 3 * (need + hidden * unseen) + rng.normal(0, 5, n) + effect * treated
    post = np.where(rng.random(n) < lost, np.nan, post.round().clip(0, 63))
    pair = np.full(n, "", dtype=object)
    for j, (a, b) in enumerate(
        zip(np.flatnonzero(treated), np.flatnonzero(~treated), strict=False)
    ):
        pair[a] = pair[b] = f"s{j}"
    frame = pd.DataFrame({
        "person": [f"p{k}" for k in range(n)], "family": [f"f{k}" for k in range(n)],
        "arm": np.where(treated, "programme", "usual"), "need": need.round(3), "pair": pair,
        "site": [f"place{k % 4}" for k in range(n)], "half": np.where(rng.random(n) < 0.5, "a", "b"),
        "height": rng.normal(170, 8, n).round(), "shadow": (3 * unseen).round(2),
    })  # fmt: skip
    scores = pd.DataFrame({"person": frame["person"], "pre": pre.round().clip(0, 63), "post": post})
    return frame.astype(str), scores


@pytest.fixture(scope="module")
def everything() -> ek.Analysis:
    bias = {"negative_controls": ["height"], "placebo_group": "half"}
    return study_of(plan(bias=bias), *people(effect=-8.0, lost=0.2)).analyse()


def found_of(made: Any, **data: Any) -> tuple[ek.Analysis, dict[str, HiddenBias]]:
    analysis = study_of(made, *people(**data)).analyse()
    return analysis, {row.analysis: row for row in analysis.hidden_bias}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2))])
def test_a_hidden_factor_twice_as_strong_as_the_strongest_covariate_is_not_denied(
    design: str, seed: int
) -> None:
    for hidden in (2**0.5, 2.0):  # twice the shares explained, and ties twice as close
        analysis, rows = found_of(plan(design), seed=seed, hidden=hidden)
        estimate = analysis.estimate("mood", "end")
        assert (estimate.conf_low or 0.0) > 0, "the hidden factor makes a difference of its own"
        row = rows["robustness-value"]
        assert row.benchmark == "need"
        assert re.search(r"would overturn|outcome (would\.|could)", row.shareable)
        assert row.shareable in analysis.findings[0].caveats


def test_a_covariate_matched_on_is_no_yardstick_as_it_is_after_matching() -> None:
    frame, scores = people(hidden=2**0.5)
    rows = frame[frame["pair"] != ""]
    analysis = study_of(plan(), rows, scores[scores["person"].isin(rows["person"])]).analyse()
    row = next(row for row in analysis.hidden_bias if row.analysis == "robustness-value")
    assert row.benchmark == "need" and "would overturn" in row.sentence
    assert any("the tie to the programme is taken to be as close" in note for note in row.notes)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_strong_effect_without_hidden_factors_would_not_be_overturned(design: str) -> None:
    analysis, rows = found_of(plan(design), seed=1, effect=-8.0)
    assert rows["robustness-value"].overturns is False
    assert "would not overturn this" in " ".join(analysis.findings[0].caveats)
    assert "would overturn" not in rows["robustness-value"].shareable


def test_no_wording_says_that_nothing_is_hidden(everything: ek.Analysis) -> None:
    rows = {row.analysis: row for row in everything.hidden_bias}
    said = " ".join(f"{row.sentence} {row.shareable}" for row in rows.values())
    assert not re.search(r"no hidden|rule[sd]? out|cannot be explained|not biased|proves", said)
    assert "does not prove" in rows["placebo-wave"].sentence


def test_everything_that_applies_is_asked_and_has_a_sentence(everything: ek.Analysis) -> None:
    analysis, rows = everything, {row.analysis: row for row in everything.hidden_bias}
    assert list(rows) == [
        "robustness-value", "e-value", "rosenbaum-bounds", "oster", "negative-controls",
        "placebo-wave", "placebo-group", "leave-one-site-out", "leave-one-covariate-out",
        "specifications", "joint-tipping",
    ]  # fmt: skip
    for row in rows.values():
        assert row.sentence and row.shareable and row.asked == "default"
        assert not re.search(r"\d", row.shareable), row.shareable
    written = plain(findings_file(analysis))["hidden_bias"]
    assert [row["analysis"] for row in written] == list(rows)
    assert not analysis.study.analyse(sensitivity=False).hidden_bias


def test_the_numbers_are_those_of_the_library() -> None:
    analysis, rows = found_of(plan(), effect=-8.0)
    estimate, row = analysis.estimate("mood", "end"), rows["robustness-value"]
    frame, scores = people(effect=-8.0)
    data = frame.merge(scores, on="person")
    data = data[data["pair"] != ""].assign(need=lambda x: x["need"].astype(float))
    data = data.assign(t=(data["arm"] == "programme").astype(float))
    common: dict[str, Any] = {"outcome": "post", "treatment": "t", "covariates": ["pre", "need"]}
    plain_bounds = confounder_bounds(data, **common, benchmarks=["pre"])
    assert row.value == pytest.approx(plain_bounds.robustness_value, rel=1e-9)
    mine = [part for part in row.parts if part.label == "the first score"]
    for part, bound in zip(mine, plain_bounds.bounds, strict=True):
        assert part.r2_treatment == pytest.approx(bound.r2_treatment, rel=1e-7)
        assert part.estimate == pytest.approx(bound.estimate, rel=1e-7)
    smaller = data.assign(site=frame["site"]).query("site != 'place1'")
    alone = ek.stats.mean_difference(smaller, **common)
    left = {part.label: part for part in rows["leave-one-site-out"].parts}
    assert left["place1"].estimate == pytest.approx(alone.estimate, rel=1e-9)
    without = ek.stats.mean_difference(data, outcome="post", treatment="t", covariates=["pre"])
    parts = {part.label: part for part in rows["leave-one-covariate-out"].parts}
    assert parts["need"].estimate == pytest.approx(without.estimate, rel=1e-9)
    placebo = ek.stats.mean_difference(
        data, outcome="pre", treatment="t", covariates=["need"], cluster="pair"
    )
    assert rows["placebo-wave"].parts[0].conf_low == pytest.approx(placebo.conf_low, rel=1e-9)
    planned = [part for part in rows["specifications"].parts if part.planned]
    assert [part.estimate for part in planned] == [estimate.estimate]
    assert rows["joint-tipping"].value_interval == pytest.approx(row.value_interval, rel=1e-6)


def test_published_values_come_back_when_the_standard_error_is_classical() -> None:
    # Cinelli and Hazlett (2020), table 1 and the benchmarks of their package's manual
    from scipy.stats import t

    error, df = 0.02325654, 783.0
    half = float(t.isf(0.025, df - 1)) * error
    shaken = Shaken(0.09731582, half, error * df**0.5, df)
    assert shaken.to_nothing() == pytest.approx(0.13877635, abs=1e-7)
    assert shaken.to_unclear() == pytest.approx(0.07625797, abs=1e-7)
    for r2_treatment, r2_outcome, estimate in [
        (0.00916429, 0.124641, 0.0752203), (0.01832857, 0.249324, 0.0529152),
        (0.02749286, 0.374050, 0.0303960),
    ]:  # fmt: skip
        found = shaken.under(r2_treatment, r2_outcome)
        assert found.estimate == pytest.approx(estimate, abs=1e-6)
    gone = shaken.under(shaken.to_unclear() * 1.0001, shaken.to_unclear() * 1.0001)
    assert gone.overturned and not shaken.under(0.07, 0.07).overturned


def test_a_factor_that_overshoots_has_overturned_too() -> None:
    shaken = Shaken(1.0, 0.5, 5.0, 400.0)
    tie = Tie(covariate="need", r2_treatment=0.05, r2_outcome=0.5)
    assert shaken.under(0.8, 0.9).high < 0 and shaken.under(0.8, 0.9).overturned
    at = shaken.overturning(tie)
    below, above = (shaken.times(tie, at * f) for f in (0.999, 1.001))
    assert below and above and not below.overturned and above.overturned


def test_ties_and_groups_left_out_follow_weights_and_dummies() -> None:
    rng = np.random.default_rng(4)
    n = 300
    data = pd.DataFrame({"w": rng.uniform(0.5, 2, n), "x": rng.normal(size=n)})
    data["g"] = rng.choice(["a", "b", "c"], n)
    data["t"] = (rng.random(n) < 1 / (1 + np.exp(-data["x"]))).astype(float)
    data["y"] = data["x"] + (data["g"] == "b") + rng.normal(size=n)
    common: dict[str, Any] = {"outcome": "y", "treatment": "t", "covariates": ["x", "g"]}
    model = ties(data, **common, weights="w")
    whole = ek.stats.mean_difference(data, **common, weights="w")
    assert model.estimate == pytest.approx(whole.estimate, rel=1e-10)
    assert [tie.covariate for tie in model.ties] == ["x", "g"]
    left = without_each(data, **common, group="g", weights="w")
    for name, value in left.items():
        rest = data[data["g"] != name]
        again = ek.stats.mean_difference(rest, **common, weights="w")
        assert value == pytest.approx(again.estimate, rel=1e-9)


def test_controls_show_a_hidden_factor_where_it_is_one() -> None:
    bias = {"negative_controls": ["shadow"], "asked": ["negative-controls", "placebo-group"]}
    made = plan(bias=bias | {"placebo_group": "half"})
    analysis, rows = found_of(made, hidden=2.0)
    assert list(rows) == ["negative-controls", "placebo-group"]
    assert rows["negative-controls"].overturns is True
    assert rows["placebo-group"].overturns is False
    assert rows["negative-controls"].asked == "planned"
    assert rows["negative-controls"].sentence in analysis.findings[0].caveats


def test_loss_and_hidden_factors_together_make_each_other_worse() -> None:
    _, rows = found_of(plan(), effect=-5.0, lost=0.25)
    row = rows["joint-tipping"]
    enough = [share for _, share in row.frontier]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(enough))
    assert enough[0] > enough[-1] and row.frontier[-1][0] > 0
    assert len({(shift, share) for shift, share, *_ in row.grid}) == 13 * 9
    for shift, share, _, low, high in row.grid:
        limit = dict(row.frontier)[shift]
        if share < limit * 0.999:
            assert high < 0
        elif share > limit * 1.001 and share > 0:
            assert high >= 0 or limit == 0
        assert low <= high


def test_a_yes_or_no_outcome_and_one_that_shows_nothing() -> None:
    made = plan()
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "bdi-ii", "at_most": 20}
    _, rows = found_of(made, effect=-10.0)
    assert "oster" not in rows and "joint-tipping" not in rows
    assert (rows["e-value"].value or 0) > 1 and "risk ratio" in rows["e-value"].notes[0]
    assert rows["rosenbaum-bounds"].value_interval is not None
    assert rows["robustness-value"].overturns is False
    analysis, rows = found_of(plan(), effect=0.0)
    assert rows["robustness-value"].overturns is None
    assert "nothing for a hidden factor to overturn" in rows["robustness-value"].sentence
    assert not any("hidden factor" in said for said in analysis.findings[0].caveats)


def test_specifications_are_the_declared_choices_in_every_combination() -> None:
    chosen = {
        "covariates": [["baseline"], []], "estimators": ["mean_difference"],
        "missing": ["complete-case", "multiple-imputation"],
    }  # fmt: skip
    bias = {"asked": ["specifications"], "specifications": chosen}
    _, rows = found_of(plan(bias=bias), effect=-8.0, lost=0.2)
    labels = [part.label for part in rows["specifications"].parts]
    assert sorted(labels) == [
        "covariates of the plan", "nothing adjusted for", "nothing adjusted for, the lost imputed",
        "only first score", "only first score, the lost imputed",
    ]  # fmt: skip


def test_a_trial_is_asked_only_where_its_plan_says_so() -> None:
    frame, scores = people(200, effect=-6.0)
    trial = declare(design__assigned_by="person")
    assert not study_of(trial, frame, scores).analyse().hidden_bias
    trial["analysis"]["hidden_bias"] = {"asked": ["e-value"]}
    assert [row.analysis for row in study_of(trial, frame, scores).analyse().hidden_bias] == [
        "e-value"
    ]


@pytest.mark.parametrize(("bias", "said"), [
    ({"benchmarks": ["age"]}, "unknown covariate 'age'"),
    ({"strengths": [0]}, "0 times as strong"),
    ({"negative_controls": ["mood"]}, "is the primary outcome"),
    ({"negative_controls": ["need"]}, "adjusted for or matched on"),
    ({"placebo_wave": "later"}, "unknown wave 'later'"),
    ({"placebo_group": "arm"}, "is the column of the arms"),
    ({"asked": ["placebo-group"]}, "nothing is declared for it"),
    ({"asked": ["oster", "oster"]}, "listed twice"),
    ({"specifications": {"estimators": ["odds"]}}, "unknown estimator"),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused(bias: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidEvaluation, match=re.escape(said)):
        evaluate(plan(bias=bias))


def test_designs_without_a_question_refuse_the_key() -> None:
    for made in (before_after(), declare()):
        made["analysis"]["hidden_bias"] = {}
        with pytest.raises(InvalidEvaluation, match="hidden_bias"):
            evaluate(made)


def in_strict(analysis: ek.Analysis) -> ek.Analysis:
    """Return the same analysis with small numbers to be hidden."""
    evaluation = analysis.study.evaluation
    strict = evaluation.declared.disclosure.model_copy(update={"profile": "strict"})
    declared = evaluation.declared.model_copy(update={"disclosure": strict})
    study = replace(analysis.study, evaluation=replace(evaluation, declared=declared))
    return replace(analysis, study=study)


@pytest.mark.parametrize("open_page", [True, False])
def test_the_page_has_a_section_with_its_tables_and_pictures(
    everything: ek.Analysis, open_page: bool
) -> None:
    rows = {row.analysis: row for row in everything.hidden_bias}
    page = report_text(everything if open_page else in_strict(everything), ".html", "summative")
    section = page.split('<section id="hidden">')[1].split("</section>")[0]
    assert "What could a hidden difference between the groups do?" in section
    assert section.count("<svg") == 2
    assert ("The figures behind it" in section) == open_page
    assert rows["robustness-value"].shareable[:60] in page
    if not open_page:
        assert "place0" not in section
