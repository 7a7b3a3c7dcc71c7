"""Effects by wave and estimating equations against geepack, clubSandwich and lmerTest.

Our own R values are in waves.json, made by r/waves.R, which proves that Kauermann and Carroll's
sandwich, from its definition, is clubSandwich's CR2 on whitened rows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.categories.families import LOGISTIC
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.over_time.estimating_equations import GAUSSIAN, GeeFit, fit_gee
from evalkit.stats.over_time.waves import RepeatedMeasures, repeated_measures

OWN = json.loads(Path(__file__).with_name("waves.json").read_text(encoding="utf-8"))
KINDS = ("independence", "exchangeable", "ar1", "unstructured")
BLUES = {"covariates": ["drug", "length"], "treated": "BtheB"}
FAMILIES = {"covariates": "x", "cluster": "fam"}
OHIO = {
    "gee_ohio_exch": ("exchangeable", True, 1e-8),
    "gee_ohio_ar1": ("ar1", False, 3e-5),  # geepack stopped early: see test_ohio_to_the_end
    "gee_ohio_indep": ("independence", False, 1e-10),
}


def same(found: Any, expected: Any, rel: float = 1e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=rel, atol=1e-9)


def equations(
    frame: pd.DataFrame, outcome: str, columns: list[Any], subject: str, **options: Any
) -> GeeFit:
    """Fit on the columns; rows of a subject follow one another in time."""
    matrix = np.column_stack([np.ones(len(frame)), *columns]).astype(float)
    options.setdefault("position", frame.groupby(subject).cumcount().to_numpy())
    return fit_gee(
        matrix,
        frame[outcome].to_numpy(float),
        ["(intercept)", *(f"x{k}" for k in range(len(columns)))],
        subject=pd.factorize(frame[subject])[0],
        **options,
    )


def ohio(frame: pd.DataFrame, crossed: bool, **options: Any) -> GeeFit:
    columns = [frame["age"], frame["smoke"]] + ([frame["age"] * frame["smoke"]] if crossed else [])
    return equations(frame, "resp", columns, "id", family=LOGISTIC, **options)


def check_gee(fitted: GeeFit, v: dict[str, Any], rel: float) -> None:
    same(fitted.coefficients, list(v["coef"].values()), rel)
    same(fitted.std_errors, list(v["robust_se"].values()), rel)
    same(np.sqrt(np.diag(fitted.model_vcov)), v["naive_se"], rel)
    same(fitted.scale, v["scale"], rel)
    same(fitted.alpha, [v["alpha"]] if "alpha" in v else [], rel)
    assert fitted.n_clusters == fitted.n_subjects == v["n_clusters"]


@pytest.mark.parametrize("name", list(OHIO))
def test_ohio(reference: Any, name: str) -> None:
    case = reference.case(name)
    kind, crossed, rel = OHIO[name]
    check_gee(ohio(case.frame, crossed, correlation=kind, se="robust"), case.values, rel)


def test_ohio_to_the_end(reference: Any) -> None:
    """With geepack's tolerance at 1e-12 instead of 1e-4 the ar1 case agrees to 8 digits."""
    frame, v = reference.case("gee_ohio_ar1").frame, OWN["ohio_ar1"]
    fitted = ohio(frame, False, correlation="ar1", se="robust")
    same(fitted.coefficients, v["coef"], 1e-8)
    same(fitted.std_errors, v["robust_se"], 1e-8)
    same([*fitted.alpha, fitted.scale], [v["alpha"], v["scale"]], 1e-8)


@pytest.mark.parametrize("name", ["gee_crt_gaussian_exch"])
def test_schools(reference: Any, name: str) -> None:
    case = reference.case(name)
    frame = case.frame.sort_values("School", kind="stable")
    columns = [frame["Prettest"], frame["Intervention"]]
    fitted = equations(frame, "Posttest", columns, "School", family=GAUSSIAN, se="robust")
    check_gee(fitted, case.values, 1e-6)


def test_jackknife_of_clusters(reference: Any) -> None:
    """geepack's fully iterated jackknife (fij): refits without each school.

    Its factor takes off the parameters of scale and correlation too.
    """
    case = reference.case("gee_crt_gaussian_exch")
    frame = case.frame.sort_values("School", kind="stable")

    def coefficients(some: pd.DataFrame) -> Any:
        columns = [some["Prettest"], some["Intervention"]]
        return equations(some, "Posttest", columns, "School").coefficients

    whole = coefficients(frame)
    away = np.stack(
        [coefficients(frame[frame["School"] != s]) - whole for s in frame["School"].unique()]
    )
    m, p = away.shape
    found = np.sqrt((m - p - 2) / m * np.sum(away**2, axis=0))
    same(found, list(case.values["fij_jackknife_se"].values()), 1e-5)


def test_mancl_derouen_is_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    frame = families().query("wave > 0")
    columns = [frame["arm"], frame["base"], frame["wave"]]
    matrix = np.column_stack([np.ones(len(frame)), *columns])
    other = sm.GEE(
        frame["yes"], matrix, groups=frame["person"], family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Independence(),
    ).fit(cov_type="bias_reduced", ctol=1e-12)  # fmt: skip
    fitted = equations(
        frame, "yes", columns, "person", family=LOGISTIC, correlation="independence", se="MD"
    )
    same(fitted.coefficients, other.params, 1e-8)
    same(fitted.std_errors, other.bse, 1e-8)


def families() -> pd.DataFrame:
    return pd.DataFrame(OWN["families"]["data"])


def rows_for(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """As in the script: for ar1 and unstructured the rows before a person's first gap."""
    if kind not in ("ar1", "unstructured"):
        return frame
    place = frame["wave"].rank(method="dense") - 1
    return frame[place == frame.groupby("person").cumcount()]


def of_blues(frame: pd.DataFrame, **options: Any) -> RepeatedMeasures:
    long = frame.melt(
        ["person", "treatment", "drug", "length", "bdi_pre"],
        ["bdi_2m", "bdi_3m", "bdi_5m", "bdi_8m"],
    )
    long["months"] = long["variable"].str.extract(r"(\d)", expand=False).astype(int)
    call = {"outcome": "value", "treatment": "treatment", "person": "person", "wave": "months"}
    return repeated_measures(long, baseline="bdi_pre", **call, **BLUES, **options)


def of_families(frame: pd.DataFrame, **options: Any) -> RepeatedMeasures:
    call = {"outcome": "y", "treatment": "arm", "person": "person", "wave": "wave"}
    return repeated_measures(frame, baseline="base", **(call | FAMILIES | options))


def check_waves(found: RepeatedMeasures, v: dict[str, Any], joint: str) -> None:
    for field in ("estimate", "std_error", "df", "p_value"):
        same([getattr(row, field) for row in found], v[field])
    same([found.average.estimate, found.average.std_error, found.average.df], v["average"])
    test = found.interaction
    assert test is not None
    same([test.statistic, test.df_numerator, test.df, test.p_value], v[joint])


@pytest.mark.parametrize("kind", KINDS)
def test_blues(beating_the_blues: pd.DataFrame, kind: str) -> None:
    v = OWN["blues"]["gee"][kind]
    found = of_blues(beating_the_blues, correlation=kind)
    check_waves(found, v, "htz")
    same(found.alpha, v["alpha"])
    assert [row.wave for row in found] == ["2", "3", "5", "8"]
    assert [row.n_treatment + row.n_comparison for row in found] == [97, 73, 58, 52]
    for se in ("MD", "robust"):
        other = of_blues(beating_the_blues, correlation=kind, se=se)
        same([row.std_error for row in other], v[se.lower()])


@pytest.mark.parametrize("kind", KINDS)
def test_families(kind: str) -> None:
    v, frame = OWN["families"]["gee"][kind], rows_for(families(), kind)
    found = of_families(frame, correlation=kind)
    check_waves(found, v, "htz")
    same(found.alpha, v["alpha"])
    same([row.std_error for row in of_families(frame, correlation=kind, se="MD")], v["md"])
    alone = of_families(frame, correlation=kind, se="robust", cluster=None)
    same([row.std_error for row in alone], v["robust"])


def test_mixed_blues(beating_the_blues: pd.DataFrame) -> None:
    v = OWN["blues"]["mixed"]
    found = of_blues(beating_the_blues, method="mixed")
    check_waves(found, v, "joint")
    same(found.alpha, [v["icc"]])


def test_mixed_families() -> None:
    v = OWN["families"]["mixed"]
    check_waves(of_families(families(), method="mixed", cluster=None), v, "joint")
    clustered = of_families(families(), method="mixed")
    check_waves(clustered, OWN["families"]["mixed_clustered"], "htz")
    same(clustered.alpha, [v["icc"]])


@pytest.mark.parametrize("kind", KINDS)
def test_odds_ratios(kind: str) -> None:
    v, frame = OWN["families"]["odds"][kind], rows_for(families(), kind)
    call = {"outcome": "yes", "family": "binomial", "correlation": kind}
    found = of_families(frame, **call)
    same(np.log([row.estimate for row in found]), v["log_odds_ratio"])
    same([row.std_error for row in found], v["kc"])
    same(np.log(found.average.estimate), np.mean(v["log_odds_ratio"]))
    alone = of_families(frame, **call, se="robust", cluster=None)
    same([row.std_error for row in alone], v["robust"])


def test_independence_is_least_squares_wave_by_wave() -> None:
    """Without other covariates each wave is mean_difference with the baseline, CR2 by family."""
    frame = families()
    found = of_families(frame, correlation="independence", covariates=())
    for row in found:
        one = frame[frame["wave"] == float(row.wave)]
        other = mean_difference(one, outcome="y", treatment="arm", covariates="base", cluster="fam")
        for name in ("estimate", "std_error", "df", "conf_low", "effect_size", "effect_high"):
            same(getattr(row, name), getattr(other, name), 1e-9)
