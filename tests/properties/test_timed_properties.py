"""What must hold of hazards with clusters and strata, log-rank tests and Kaplan-Meier curves."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.events.cox import cox_fit
from evalkit.stats.events.log_rank import log_rank_test
from evalkit.stats.events.risk_sets import moments, risk_sets
from evalkit.stats.events.survival import hazard_ratio
from evalkit.stats.events.survival_curves import kaplan_meier
from evalkit.stats.shared.arm_clusters import cluster_df

quick = settings(deadline=None, max_examples=20)
CALL: dict[str, Any] = {"time": "time", "event": "event", "treatment": "arm"}
NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "proportional_p_value")
OPTIONS = st.fixed_dictionaries(
    {"cluster": st.sampled_from([None, "family"]), "strata": st.sampled_from([None, "site"])}
)
KINDS = st.sampled_from(["plain", "adjusted", "rank"])


@st.composite
def studies(draw: st.DrawFn) -> pd.DataFrame:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.sampled_from([60, 120]))
    family = np.arange(n) // 3
    x, arm, site = random.normal(size=n), family % 2, family % 6 // 2
    until, end = random.exponential(np.exp(0.4 * arm + 0.3 * x)), random.uniform(0.5, 3, n)
    time = np.minimum(until, end)
    if draw(st.booleans()):
        time = np.ceil(time * 5)
    frame = pd.DataFrame({"time": time, "event": until <= end, "x": x, "arm": arm})
    return frame.assign(family=family, site=site)


def effect(kind: str, frame: pd.DataFrame, **options: Any) -> Any:
    if kind == "rank":
        return log_rank_test(frame, **CALL, **options)
    return hazard_ratio(frame, covariates=["x"] if kind == "adjusted" else [], **CALL, **options)


def same(one: Any, other: Any, names: tuple[str, ...] = NUMBERS) -> None:
    for name in names:
        found, expected = getattr(other, name), getattr(one, name)
        assert (found is None) == (expected is None), name
        if expected is not None:
            assert found == pytest.approx(expected, rel=1e-6, abs=1e-9), name


@quick
@given(studies(), KINDS, OPTIONS)
def test_swapping_the_arms(frame: pd.DataFrame, kind: str, options: Any) -> None:
    one, other = (effect(kind, f, **options) for f in (frame, frame.assign(arm=1 - frame["arm"])))
    assert one.statistic == pytest.approx(-other.statistic, rel=1e-6, abs=1e-9)
    same(one, other, ("df", "p_value", "proportional_p_value"))
    if kind != "rank":
        assert one.estimate == pytest.approx(1 / other.estimate, rel=1e-6)
        assert one.conf_low == pytest.approx(1 / other.conf_high, rel=1e-6)


@quick
@given(studies(), KINDS, OPTIONS, st.integers(0, 99))
def test_order_of_rows_and_names(frame: pd.DataFrame, kind: str, options: Any, seed: int) -> None:
    other = frame.sample(frac=1, random_state=seed)
    for name in ("family", "site"):
        other[name] = "n" + ((other[name] * 7 + 3) % 101).astype(str)
    other["time"] = other["time"] * 30.4
    same(effect(kind, frame, **options), effect(kind, other, **options))


@quick
@given(studies(), st.sampled_from(["plain", "adjusted", "rank"]))
def test_single_clusters_and_one_stratum_are_none(frame: pd.DataFrame, kind: str) -> None:
    other = effect(kind, frame.assign(who=range(len(frame)), all="x"), cluster="who", strata="all")
    same(effect(kind, frame), other)
    assert other.n_clusters is None


@quick
@given(studies(), st.sampled_from(["efron", "breslow"]))
def test_derivatives(frame: pd.DataFrame, ties: str) -> None:
    """Score and information against differences, residuals against the score; zero at the fit."""
    matrix = frame[["arm", "x"]].to_numpy(float)
    time, seen = frame["time"].to_numpy(float), frame["event"].to_numpy()
    strata = frame["site"].to_numpy(np.intp)
    sets = risk_sets(time, seen, strata, ties)
    columns, at, step = matrix[sets.order], np.array([0.3, -0.2]), 1e-5
    here = moments(sets, columns, at)
    for k, way in enumerate(np.eye(2) * step):
        up, down = moments(sets, columns, at + way), moments(sets, columns, at - way)
        slope = (up.log_likelihood - down.log_likelihood) / (2 * step)
        assert here.gradient[k] == pytest.approx(slope, rel=1e-5, abs=1e-5)
        bend = -(up.gradient - down.gradient) / (2 * step)
        np.testing.assert_allclose(here.information()[k], bend, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(here.scores().sum(axis=0), here.gradient, atol=1e-9)
    model = cox_fit(matrix, time, seen, ["arm", "x"], strata=strata, ties=ties)
    assert np.abs(model.at.gradient).max() < 1e-9
    assert moments(sets, columns, model.coefficients).log_likelihood == pytest.approx(
        model.log_likelihood, rel=1e-12
    )


@quick
@given(studies())
def test_log_rank_is_the_score_test_without_ties(frame: pd.DataFrame) -> None:
    frame = frame.assign(time=frame["time"].rank(method="first"))
    sets = risk_sets(frame["time"].to_numpy(float), frame["event"].to_numpy(), None)
    at = moments(sets, frame[["arm"]].to_numpy(float)[sets.order], np.zeros(1))
    found = float(at.gradient[0]) / sqrt(float(at.information()[0, 0]))
    assert log_rank_test(frame, **CALL).statistic == pytest.approx(found, rel=1e-9, abs=1e-12)


def test_degrees_of_freedom_of_clusters() -> None:
    clusters, arm = np.arange(12) // 2, np.repeat([1.0, 0.0], 6)
    influence = np.array([1.0, -2, 1, 2, -1, -1])
    assert cluster_df(influence, clusters, arm) == pytest.approx(4)
    assert cluster_df(influence, clusters, np.tile([1.0, 0.0], 6)) == 5
    assert cluster_df(np.array([3.0, -3, 3, 0, 0, 0]), clusters, arm) == pytest.approx(2)


@quick
@given(studies(), st.sampled_from(["log-log", "log"]), st.integers(0, 99))
def test_curves(frame: pd.DataFrame, interval: str, seed: int) -> None:
    """Within 0 and 1, never rising, without censoring the share left; arms are curves alone."""
    curves = kaplan_meier(frame, interval=interval, **CALL)
    table = curves.to_frame()
    for arm, rows in table.groupby("arm"):
        alone = frame[frame["arm"] == (arm == "treatment")]
        only = kaplan_meier(alone, time="time", event="event", interval=interval).to_frame()
        pd.testing.assert_frame_equal(
            only.drop(columns="arm"), rows.drop(columns="arm").reset_index(drop=True)
        )
        assert (rows["survival"].diff().dropna() <= 0).all() and rows["survival"].between(
            0, 1
        ).all()
        inside = rows.dropna(subset=["conf_low", "conf_high"])
        assert (inside["conf_low"] <= inside["survival"]).all()
        assert (inside["conf_high"] >= inside["survival"]).all()
        assert rows["n_events"].sum() + rows["n_censored"].sum() == len(alone)
    shuffled = kaplan_meier(frame.sample(frac=1, random_state=seed), interval=interval, **CALL)
    pd.testing.assert_frame_equal(table, shuffled.to_frame())
    seen = kaplan_meier(frame.assign(event=1), time="time", event="event").to_frame()
    left = [(frame["time"] > when).mean() for when in seen["time"]]
    np.testing.assert_allclose(seen["survival"], left, atol=1e-12)


@pytest.fixture
def study() -> pd.DataFrame:
    n = np.arange(60)
    frame = pd.DataFrame({"arm": n % 2, "time": 1 + n * 7 % 31, "event": (n % 5 < 3) * 1})
    return frame.assign(family=n // 4, site=n // 20, pair=n // 2, own=n)


@pytest.mark.parametrize("function", [hazard_ratio, log_rank_test])
def test_refusals(study: pd.DataFrame, function: Any) -> None:
    grouped = study.assign(family=np.where(study["arm"] == 1, -1, study["family"]))
    with pytest.raises(CannotEstimate, match="treatment arm has one cluster"):
        function(grouped, cluster="family", **CALL)
    for name in ("own", "copy"):
        with pytest.raises(CannotEstimate, match=r"strat(a|um)"):
            function(study.assign(copy=study["arm"] * 1), strata=name, **CALL)
    with pytest.raises(InvalidInput, match="both as event and as strata"):
        function(study, strata="event", **CALL)
    with pytest.raises(InvalidInput, match="no such column"):
        function(study, cluster="where", **CALL)
    with pytest.raises(CannotEstimate):
        function(study.assign(event=0), **CALL)


@pytest.mark.parametrize("function", [hazard_ratio, log_rank_test])
def test_what_is_said(study: pd.DataFrame, function: Any) -> None:
    missing = study.assign(site=study["site"].where(study["site"] > 0))
    e = function(missing, strata="site", **CALL)
    assert e.dropped_why == (("no site", 20),) and "stratified by site" in e.method
    lone = study.assign(site=np.where(study.index % 10 == 0, 9, study["site"]))
    e = function(lone, strata="site", **CALL)
    assert e.notes[-1].startswith("1 strata of 'site' hold one arm only: their 6 rows")
    e = function(study, cluster="family", **CALL)
    assert e.n_clusters == 15 and "15 clusters are few" in e.notes[-1]


def test_times_apart_by_rounding_are_ties(study: pd.DataFrame) -> None:
    """As R's coxph, survdiff and survfit have it (timefix)."""
    tenths = study["time"] * 0.1
    other = np.where(study.index % 3 == 0, (tenths * 3 - tenths) / 2 * (1 + 4e-16), tenths)
    assert len(set(other)) > tenths.nunique()
    for kind in ("plain", "rank"):
        same(effect(kind, study.assign(time=tenths)), effect(kind, study.assign(time=other)))
    curves = [kaplan_meier(study.assign(time=when), **CALL).to_frame() for when in (tenths, other)]
    pd.testing.assert_frame_equal(*curves)


def test_hazards_that_cross_are_said() -> None:
    n = np.arange(200)
    late = np.where(n % 2 == 1, 5 + (n % 40) / 100, np.where(n % 4 == 0, 1.0, 9.0) + n / 1000)
    frame = pd.DataFrame({"arm": n % 2, "time": late, "event": 1})
    e = hazard_ratio(frame, **CALL)
    assert (e.proportional_p_value or 1) < 1e-4 and "do not look proportional" in e.notes[-1]


def test_curves_that_are_refused_or_stay_at_one(study: pd.DataFrame) -> None:
    with pytest.raises(CannotEstimate, match="Nobody in the comparison arm"):
        kaplan_meier(study.assign(arm=1), **CALL)
    with pytest.raises(InvalidInput, match="Allowed: log-log, log"):
        kaplan_meier(study, interval="plain", **CALL)
    with pytest.raises(InvalidInput, match="zero or more"):
        kaplan_meier(study.assign(time=-1), **CALL)
    curves = kaplan_meier(study.assign(event=study["event"] * study["arm"]), **CALL)
    assert curves.medians[1].median is None and "stays at 1" in curves.notes[0]
    missing = kaplan_meier(study.assign(time=study["time"].where(study.index > 2)), **CALL)
    assert missing.n_dropped == 3 and missing.dropped_why == (("no time", 3),)
    one = kaplan_meier(study.head(1), time="time", event="event")
    assert one.points[0].survival == 0 and one.points[0].conf_low is None
