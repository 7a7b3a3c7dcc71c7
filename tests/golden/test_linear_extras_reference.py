"""Joint tests, subgroups, groups in one arm and stepped wedges against clubSandwich and lmerTest.

Our own R values, with their tables, are in linear_extras.json, made by r/linear_extras.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.categories import glm
from evalkit.stats.categories.families import LOGISTIC, POISSON
from evalkit.stats.clusters.one_arm_clusters import one_arm_factors, partially_clustered_difference
from evalkit.stats.clusters.stepped_wedge import stepped_wedge_difference
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.joint_tests import joint_test
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.least_squares.subgroups import subgroup_effects

HERE = Path(__file__).parent
OWN = json.loads((HERE / "linear_extras.json").read_text(encoding="utf-8"))
TESTS = {"HTZ": "htz", "Naive-F": "naive-f", "chi-sq": "chi2"}
SETS = {"kind": ["kind"], "x_z": ["x", "z"], "t_z": ["t", "z"], "four": ["x", "z", "kind"]}
EVERY = ["t", "x", "z", "kind"]
NUMBERS = ("estimate", "std_error", "df", "p_value")


def close(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), np.asarray(expected, dtype=float), rtol=rtol, atol=1e-13
    )


def same(estimate: Any, expected: dict[str, Any], place: int | None = None, **how: float) -> None:
    values = [expected[n] if place is None else expected[n][place] for n in NUMBERS]
    close([getattr(estimate, n) for n in NUMBERS], values, **how)


def check_wald(found: Any, expected: dict[str, Any], test: str) -> None:
    count = expected["df_num"]
    assert found.df_numerator == count
    share = count if test == "chi2" else 1  # clubSandwich divides chi-squared by its df
    close([found.statistic / share, found.p_value], [expected["Fstat"], expected["p_val"]])
    if test == "chi2":
        assert np.isinf(found.df)
    else:
        close(found.df, expected["df_denom"])


# --- joint tests ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unequal() -> pd.DataFrame:
    return pd.DataFrame(OWN["joint"]["data"])


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("terms", SETS)
def test_joint(unequal: pd.DataFrame, terms: str, weights: str | None) -> None:
    """CR0 to CR3 and HC0 to HC3; clusters of 1 to 13 people, a covariate constant within them."""
    cases = [
        case
        for case in OWN["joint"]["tests"]
        if case["set"] == terms and case["weighted"] == (weights is not None)
    ]
    assert len(cases) == 8
    for case in cases:
        clustered = case["se"].startswith("CR")
        for theirs, ours in TESTS.items():
            if ours == "naive-f" and not clustered:
                continue  # clubSandwich counts rows - 1, here rows - parameters
            found = joint_test(
                unequal,
                outcome="y",
                terms=SETS[terms],
                covariates=EVERY,
                cluster="cluster" if clustered else None,
                weights=weights,
                se=case["se"],
                test=ours,
            )
            check_wald(found, case[theirs], ours)


def test_joint_leaves_out_what_is_said_twice(unequal: pd.DataFrame) -> None:
    found = joint_test(
        unequal, outcome="y", terms=["t", "z"], covariates=["x", "twice"], cluster="cluster"
    )
    check_wald(found, OWN["joint"]["deficient"]["HTZ"], "htz")
    assert any("'twice'" in note for note in found.notes)


def test_joint_classical_is_the_analysis_of_variance(unequal: pd.DataFrame) -> None:
    found = joint_test(
        unequal, outcome="y", terms="kind", covariates="t", se="classical", test="naive-f"
    )
    check_wald(found, OWN["joint"]["classical"], "naive-f")


def test_joint_of_eight_clusters() -> None:
    """3-statistics.md section 6: HTZ 76.5 on 2 and 3.93 degrees of freedom, p .00071193."""
    sizes = [2, 3, 3, 4, 2, 3, 5, 2]
    x = [3, 5, 2, 4, 6, 1, 3, 2, 5, 4, 4, 6, 2, 7, 3, 3, 5, 1, 2, 4, 6, 5, 3, 4]
    y = [12, 15, 9, 11, 13, 10, 12, 9, 14, 11, 10, 15, 9, 17, 8, 10, 13, 6, 8, 9, 14, 12, 11, 13]
    frame = pd.DataFrame(
        {
            "y": y,
            "x": x,
            "t": np.repeat([1, 0, 1, 0, 1, 0, 0, 1], sizes),
            "family": np.repeat(np.arange(8), sizes),
        }
    )
    found = joint_test(frame, outcome="y", terms=["t", "x"], cluster="family")
    assert (round(found.statistic, 1), round(found.df, 2)) == (76.5, 3.93)
    close(found.p_value, 0.00071193, rtol=1e-5)
    assert any("below 4" in note for note in found.notes)


@pytest.mark.parametrize("name", ["cr_mortality_state_fe", "cr_crt_ancova"])
def test_joint_with_fixed_effects(reference: Any, name: str) -> None:
    """The package's own vignette, and schools: all three tests offered here."""
    case = reference.case(name)
    frame, wald = case.frame, case.values["wald_CR2"]
    call: dict[str, Any] = {
        "outcome": "Posttest",
        "terms": ["Prettest", "Intervention"],
        "cluster": "School",
    }
    if name.endswith("fe"):
        frame["year"] = frame["year"].astype(str)
        call = {
            "outcome": "mrate",
            "terms": ["legal", "beertaxa"],
            "covariates": "year",
            "strata": "state",
            "cluster": "state",
        }
    assert set(wald["test"]) - set(TESTS) == {"HTA", "HTB"}
    for theirs, ours in TESTS.items():
        place = wald["test"].index(theirs)
        expected = {key: wald[key][place] for key in ("Fstat", "df_num", "df_denom", "p_val")}
        check_wald(joint_test(frame, **call, test=ours), expected, ours)


def test_mortality_as_published(reference: Any) -> None:
    """clubSandwich's vignette: standard errors, df and p-values as printed there."""
    frame = reference.case("cr_mortality_state_fe").frame
    terms = ["legal", "beertaxa"]
    columns, names = [frame[name].to_numpy(float) for name in terms], [*terms]
    for column, first in (("state", 0), ("year", 1)):
        for level in sorted(set(frame[column]))[first:]:
            columns.append((frame[column] == level).to_numpy(float))
            names.append(f"{column}={level}")
    call = (np.column_stack(columns), frame["mrate"].to_numpy(float), names)
    plain = fit(*call, cluster=frame["state"], terms=terms)
    assert np.round(plain.coefficients[:2], 2).tolist() == [7.59, 3.82]
    assert np.round(plain.std_errors[:2], 2).tolist() == [2.51, 5.27]
    assert np.round(plain.df[:2], 2).tolist() == [24.58, 5.77]
    first = fit(*call, cluster=frame["state"], se="CR1", terms=terms)
    assert np.round(first.std_errors[:2], 2).tolist() == [2.44, 5.14]
    weights = frame["pop"].to_numpy(float)
    weighted = fit(*call, cluster=frame["state"], weights=weights, terms=terms)
    assert np.round(weighted.std_errors[:2], 2).tolist() == [2.13, 4.37]
    assert np.round(weighted.df[:2], 2).tolist() == [8.52, 6.85]


def test_two_by_two_panel() -> None:
    """3-statistics.md section 6: difference in differences -5.2, CR2 .8, t -6.5, df 8."""
    pre = [20, 22, 19, 25, 24, 21, 20, 23, 22, 18]
    post = [14, 17, 12, 20, 16, 20, 18, 22, 23, 16]
    family, treated = np.tile(np.arange(10), 2), np.tile(np.repeat([1, 0], 5), 2)
    after = np.repeat([0, 1], 10)
    dummies = [(family == level).astype(float) for level in range(10)]
    matrix = np.column_stack([treated * after, after, *dummies]).astype(float)
    names = ["effect", "after", *(str(level) for level in range(10))]
    model = fit(matrix, np.array([*pre, *post], float), names, cluster=family, terms=["effect"])
    close([model.coefficients[0], model.std_errors[0], model.df[0]], [-5.2, 0.8, 8.0], rtol=1e-10)
    change = pd.DataFrame({"y": np.subtract(post, pre), "t": np.repeat([1, 0], 5), "pre": pre})
    welch = mean_difference(change, outcome="y", treatment="t")
    close([welch.estimate, welch.std_error], [-5.2, 0.8])
    ancova = mean_difference(
        change.assign(y=post), outcome="y", treatment="t", covariates="pre", se="classical"
    )
    close([ancova.estimate, ancova.std_error], [-5.43529412, 0.835716152], rtol=1e-8)


# --- subgroups -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.DataFrame(OWN["subgroups"]["data"])


@pytest.mark.parametrize("case", OWN["subgroups"]["results"], ids=lambda c: str(c["clustered"]))
def test_subgroups(people: pd.DataFrame, case: dict[str, Any]) -> None:
    call: dict[str, Any] = {"outcome": "y", "treatment": "t", "covariates": "x"}
    call["cluster"] = "cluster" if case["clustered"] else None
    three = subgroup_effects(people, by="site", **call)
    assert [e.term for e in three.effects] == ["site=n", "site=s", "site=w"]
    for place, effect in enumerate(three.effects):
        same(effect, case["site"], place)
    check_wald(three.interaction, case["site_test"]["HTZ"], "htz")
    two = subgroup_effects(people, by="sex", **call)
    for place, effect in enumerate(two.effects):
        same(effect, case["sex"], place)
    same(two.interaction, case["sex_test"])
    along = subgroup_effects(people, by="age", **call)
    same(along.effects[0], case["age_low"])
    same(along.effects[1], case["age"], 0)
    same(along.interaction, case["age"], 1)
    per_sd = subgroup_effects(people, by="age", unit="sd", **call)
    sd = people["age"].std()
    close(per_sd.interaction.estimate, sd * case["age"]["estimate"][1])
    close([e.estimate for e in per_sd.effects], [e.estimate for e in along.effects])


# --- groups in one arm ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", OWN["partial"])
def test_groups_in_one_arm(name: str) -> None:
    case = OWN["partial"][name]
    frame = pd.DataFrame(case["data"])
    call: dict[str, Any] = {"outcome": "y", "treatment": "t", "group": "group"}
    alone = partially_clustered_difference(frame, **call)
    same(alone, case["alone"])
    same(partially_clustered_difference(frame, **call, covariates="x"), case["adjusted"])
    mixed = case["roberts"]
    if name == "even":  # equal groups: the mixed model's estimate is the difference in means
        close([alone.estimate, alone.std_error], list(mixed.values()), rtol=1e-6)
    assert abs(alone.estimate - mixed["estimate"]) < alone.std_error
    assert 0.8 < alone.std_error / mixed["std_error"] < 1.3


def test_groups_in_one_arm_factors() -> None:
    """3-statistics.md section 2.4 (VIVECampbell): N 100, 60 treated, groups of 5, ICC .1."""
    gamma, df = one_arm_factors(100, 60, 5, 0.1)
    close([gamma**2, df], [0.95612245, 95.4003], rtol=1e-6)


# --- stepped wedges ------------------------------------------------------------------------------

WEDGES = [(name, kind) for name in OWN["wedge"] for kind in ("alone", "adjusted")]


@pytest.mark.parametrize(("name", "kind"), WEDGES)
def test_stepped_wedge(name: str, kind: str) -> None:
    frame, expected = pd.DataFrame(OWN["wedge"][name]["data"]), OWN["wedge"][name]["fits"][kind]
    call: dict[str, Any] = {"outcome": "y", "treatment": "t", "cluster": "cluster"}
    call |= {"period": "period", "covariates": "x" if kind == "adjusted" else ()}
    e = stepped_wedge_difference(frame, **call, se="model")
    same(e, expected["model"], rtol=3e-6)
    assert e.se == "model" and e.model_std_error == e.std_error
    between, within = expected["between"], expected["within"]
    np.testing.assert_allclose(
        [e.variance_between, e.variance_within], [between, within], rtol=1e-6, atol=1e-9
    )
    robust = expected["robust"]
    if robust:
        same(stepped_wedge_difference(frame, **call), robust, rtol=3e-6)
    else:  # without variance between clusters it is that of least squares
        assert between == 0
        ols = mean_difference(
            frame,
            outcome="y",
            treatment="t",
            strata="period",
            covariates=call["covariates"],
            cluster="cluster",
        )
        close([e.robust_std_error, e.robust_df], [ols.std_error, ols.df], rtol=1e-8)
    if name == "uneven":
        assert e.never == ("6",) and e.n_steps == 3


# --- CR2 of generalised linear models with large clusters ----------------------------------------


@pytest.mark.parametrize("name", ["logistic", "poisson"])
def test_large_clusters(name: str) -> None:
    i = np.arange(950)
    cluster = np.repeat(np.arange(1, 8), [90, 110, 130, 190, 120, 170, 140])
    t, x = np.isin(cluster, [1, 4, 6]).astype(float), np.sin(i)
    chance = 1 / (1 + np.exp(0.5 - 0.4 * t - 0.8 * x))
    yes = ((i * 37) % 101 < 101 * chance).astype(float)
    count = ((i * 53) % 7 + (x > 0.5) * ((i * 29) % 11)).astype(float)
    y, family = (yes, LOGISTIC) if name == "logistic" else (count, POISSON)
    matrix = np.column_stack([np.ones(950), t, x])
    model = glm.fit(matrix, y, ["one", "t", "x"], family=family, cluster=cluster, se="CR2")
    expected = OWN["large"][name]
    close(model.coefficients, expected["estimate"], rtol=1e-8)
    both = [model.contrast(row) for row in np.eye(3)]
    close([error for error, _ in both], expected["std_error"], rtol=1e-8)
    close([df for _, df in both], expected["df"], rtol=1e-8)
