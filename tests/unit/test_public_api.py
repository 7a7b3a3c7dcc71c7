"""The names of the contract, and that what they return fits in a table and in JSON."""

from __future__ import annotations

import inspect
import json
import math
from dataclasses import fields
from typing import Any

import pandas as pd
import polars as pl
import pytest

import evalkit as ek
from evalkit.errors import EvalkitError, InvalidInput, UnknownMeasure
from evalkit.results import Attrition, Check, Estimate, Finding, Level, to_frame
from tests.conftest import ROOT

CONTRACT = [
    "outcome",
    "measure",
    "scale",
    "role",
    "informant",
    "wave",
    "term",
    "estimand",
    "estimate",
    "std_error",
    "statistic",
    "df",
    "p_value",
    "p_adjusted",
    "conf_low",
    "conf_high",
    "level",
    "effect_size",
    "effect_low",
    "effect_high",
    "n_treatment",
    "n_comparison",
    "n_clusters",
    "n_dropped",
    "method",
]
CLAIMS = {
    "improved", "worsened", "no-clear-change", "not-enough-information", "described",
    "own-report-only", "not-measured",
}  # fmt: skip


def test_an_estimate_starts_with_the_columns_of_the_contract() -> None:
    assert [field.name for field in fields(Estimate)][: len(CONTRACT)] == CONTRACT
    assert list(Estimate().to_frame().columns)[: len(CONTRACT)] == CONTRACT
    assert Estimate().level == 0.95


def test_field_names_are_column_names(analysis: Any) -> None:
    study = analysis.study
    for rows in (
        analysis.estimates, analysis.checks, analysis.levels, analysis.findings,
        analysis.attrition, analysis.balance, study.coverage(), study.needs(), study.flow().steps,
    ):  # fmt: skip
        frame = to_frame(rows)
        assert list(frame.columns) == [field.name for field in fields(rows[0])]
        assert len(frame) == len(rows)
    assert analysis.estimates.to_frame().equals(to_frame(analysis.estimates))
    assert list(study.flow().to_frame().columns) == list(study.flow().steps[0].to_dict())


def test_records_are_frozen(analysis: Any) -> None:
    for record in (analysis.estimates[0], analysis.levels[0], analysis.findings[0]):
        with pytest.raises(AttributeError):
            record.outcome = "another"


def test_an_analysis_is_whole(analysis: Any) -> None:
    study = analysis.study
    targets = [(t.outcome.id, t.wave, t.informant) for t in study.evaluation.targets()]
    for rows in (analysis.estimates, analysis.levels):
        assert [(r.outcome, r.wave, r.informant) for r in rows] == targets
    assert all(isinstance(e, Estimate) for e in analysis.estimates)
    assert all(isinstance(c, Check) for c in analysis.checks)
    assert all(isinstance(v, Level) for v in analysis.levels)
    assert all(isinstance(f, Finding) and f.claim in CLAIMS for f in analysis.findings)
    assert all(isinstance(a, Attrition) for a in study.attrition())
    assert sum(f.primary for f in analysis.findings) == 1
    told = {f.outcome for f in analysis.findings}
    assert told == {o.id for o in study.evaluation.logic_model.outcomes}
    assert isinstance(study.scores, pd.DataFrame)
    assert isinstance(study.problems, tuple)


def plain(value: Any) -> Any:
    if isinstance(value, float):
        assert math.isfinite(value), value
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    assert value is None or isinstance(value, str | int | float | bool), type(value)
    return value


def test_every_record_is_safe_for_json(analysis: Any) -> None:
    study = analysis.study
    for rows in (
        analysis.estimates, analysis.levels, analysis.findings, analysis.checks,
        analysis.attrition, analysis.balance, analysis.rates, study.coverage(), study.needs(),
        study.flow().steps,
    ):  # fmt: skip
        for row in rows:
            made = {key: plain(value) for key, value in row.to_dict().items()}
            json.dumps(made, allow_nan=False)


def test_intervals_hold_their_estimates(analysis: Any) -> None:
    for e in analysis.estimates:
        assert e.conf_low < e.estimate < e.conf_high
        assert e.effect_low < e.effect_size < e.effect_high
        assert (e.conf_low > 0 or e.conf_high < 0) is (e.p_value < 0.05)
        assert e.p_adjusted is None or e.p_adjusted >= e.p_value


def test_the_primary_result_is_not_adjusted(analysis: Any) -> None:
    primary = next(f for f in analysis.findings if f.primary)
    for e in analysis.estimates:
        is_primary = (e.outcome, e.wave, e.informant) == (
            primary.outcome, primary.wave, primary.informant
        )  # fmt: skip
        assert (e.p_adjusted is None) is is_primary


def test_measures_and_designs() -> None:
    assert ek.measures() == sorted(ek.measures())
    assert {"sdq-parent-4-17", "sdq-self-11-17", "swemwbs", "bdi-ii"} <= set(ek.measures())
    measure = ek.measure("sdq-parent-4-17")
    assert measure.items and measure.scales and measure.sources and measure.licence
    assert measure.respondent != "self"
    assert isinstance(measure.card(), str)
    assert ek.designs() == sorted(ek.designs())
    assert ek.design("pre-post").id == "pre-post"
    with pytest.raises(UnknownMeasure, match="Did you mean 'swemwbs'"):
        ek.measure("swembs")
    assert issubclass(UnknownMeasure, EvalkitError)


def test_score_keeps_the_columns_that_came_in() -> None:
    frame = pd.DataFrame({"id": ["a"], **{f"q{n}": [3] for n in range(1, 8)}})
    scored = ek.score(frame, "swemwbs")
    assert list(scored.columns)[:8] == list(frame.columns)
    assert scored["swemwbs__total"].tolist() == [21]
    assert scored["swemwbs__metric"].tolist() == [19.25]


def test_an_evaluation_audits_and_draws(analysis: Any) -> None:
    evaluation = analysis.study.evaluation
    assert {gap.rule for gap in evaluation.audit()} >= {"level-left-out"}
    assert evaluation.logic_model.draw().lstrip().startswith("<svg")


def test_the_audit_of_growing_together_finds_what_its_comments_promise(studies: Any) -> None:
    found = {(g.rule, g.node) for g in studies["growing-together"].evaluation.audit()}
    assert ("no-expected-change", "wellbeing-of-those-who-harm") in found
    assert ("link-without-because", "group -> wellbeing-of-those-who-harm") in found


def test_load_names_a_file_that_is_not_there() -> None:
    with pytest.raises(EvalkitError, match="the file is not there"):
        ek.load(ROOT / "no-such.yaml")
    with pytest.raises(EvalkitError, match="this is a folder"):
        ek.load(ROOT / "examples")


def test_results_are_picked_by_name(analyses: Any) -> None:
    analysis = analyses["growing-together"]
    assert analysis.estimate("child-wellbeing", "end", "adult-survivor").n_clusters > 100
    with pytest.raises(InvalidInput, match="Allowed:"):
        analysis.estimate("child-wellbeing", "end", "self")


def test_score_says_what_it_takes() -> None:
    found = inspect.signature(ek.score).parameters
    assert list(found) == [
        "frame",
        "name",
        "items",
        "prefix",
        "bands",
        "age",
        "sex",
        "grade",
        "limits",
        "on_invalid",
        "folder",
    ]
    assert all(found[name].kind is inspect.Parameter.KEYWORD_ONLY for name in list(found)[2:])
    frame = pd.DataFrame({f"a{n}": [3, 9] for n in range(1, 8)})
    scored = ek.score(frame, "swemwbs", prefix="a", on_invalid="missing")
    assert scored["swemwbs__n_invalid"].tolist() == [0, 7]


@pytest.mark.parametrize("kind", ["eager", "lazy", "arrow"])
def test_statistics_take_any_frame(kind: str) -> None:
    rows = {
        "arm": [0, 1] * 10, "pre": [float(n % 7) for n in range(20)],
        "post": [float(n * n % 11) for n in range(20)], "site": [f"s{n % 5}" for n in range(20)],
    }  # fmt: skip
    frame = pd.DataFrame(rows)
    eager = pl.DataFrame(rows)
    other = {"eager": eager, "lazy": eager.lazy(), "arrow": eager.to_arrow()}[kind]
    call: dict[str, Any] = {"outcome": "post", "treatment": "arm", "covariates": ["pre", "site"]}
    assert ek.stats.mean_difference(other, **call) == ek.stats.mean_difference(frame, **call)
    call = {"baseline": "pre", "outcome": "post"}
    assert ek.stats.mean_change(other, **call) == ek.stats.mean_change(frame, **call)
    call = {"treatment": "arm", "covariates": ["pre", "site"]}
    pd.testing.assert_frame_equal(ek.stats.balance(other, **call), ek.stats.balance(frame, **call))


def test_score_takes_plain_numbers_only() -> None:
    frame = pd.DataFrame({f"q{n}": ["4.0", "4"] for n in range(1, 8)})
    assert ek.score(frame, "swemwbs")["swemwbs__total"].tolist() == [28, 28]
    with pytest.raises(EvalkitError, match="'04'"):
        ek.score(frame.assign(q1="04"), "swemwbs")
