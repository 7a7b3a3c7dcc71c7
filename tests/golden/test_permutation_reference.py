"""Randomisation tests and step-down p-values against R.

The shared cases come from coin and ri2; permutation.json from r/permutation.R, which fits every
assignment and every resample with lm, sandwich (HC2) and clubSandwich (CR2).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.redrawing.assignments import Plan, read_assigned
from evalkit.stats.redrawing.max_t import monotone, step_down
from evalkit.stats.redrawing.rerandomising import permutation_test
from evalkit.stats.redrawing.step_down import _family, centred, westfall_young
from evalkit.stats.redrawing.studentised import resampled
from evalkit.stats.redrawing.trial_outcomes import Study
from evalkit.stats.redrawing.wild_bootstrap import _read, _scores, _Test, wild_cluster_bootstrap

HERE = Path(__file__).parent
OWN = {
    case["id"]: case for case in json.loads((HERE / "permutation.json").read_text(encoding="utf-8"))
}
CLOSE = {"rtol": 1e-9, "atol": 1e-12}
STUDIES = {
    "rows_strata": {"covariates": "x", "strata": "stratum"},
    "rows_plain": {"strata": "stratum"},
    "clusters": {"covariates": "x", "cluster": "g"},
    "clusters_plain": {"cluster": "g"},
}


def own(name: str) -> tuple[pd.DataFrame, dict[str, Any]]:
    return pd.DataFrame(OWN[name]["data"]), OWN[name]["values"]


@pytest.mark.parametrize(
    ("alternative", "key"),
    [("two-sided", "p_two_sided"), ("greater", "p_greater"), ("less", "p_less")],
)
def test_all_assignments_of_sleep(reference: Any, alternative: str, key: str) -> None:
    case = reference.case("exact_permutation_sleep_independent")
    frame = case.frame
    options = {"outcome": "extra", "treatment": "group", "treated": 2, "seed": 1}
    found = permutation_test(frame, alternative=alternative, **options)
    assert found.exact
    assert found.assignments == case.values["n_assignments"]
    assert found.estimate == pytest.approx(case.values["observed"], rel=1e-12)
    assert found.p_value == pytest.approx(case.values[key], rel=1e-12)
    if alternative == "two-sided":
        assert found.p_value == pytest.approx(case.values["coin_p"], rel=1e-9)
        ranks = frame.assign(extra=frame["extra"].rank())
        wilcoxon = permutation_test(ranks, **options).p_value
        assert wilcoxon == pytest.approx(case.values["wilcox_p_exact"], rel=1e-9)


def test_pairs_are_strata(reference: Any) -> None:
    case = reference.case("exact_sign_flip_sleep_paired")
    frame = case.frame
    options = {"outcome": "extra", "treatment": "group", "treated": 2, "strata": "ID", "seed": 1}
    found = permutation_test(frame, **options)
    assert found.assignments == case.values["n"]
    assert found.estimate == pytest.approx(case.values["observed"], rel=1e-12)
    assert found.p_value == pytest.approx(case.values["p_two"], rel=1e-12)
    greater = permutation_test(frame, alternative="greater", **options).p_value
    assert greater == pytest.approx(case.values["p_greater"], rel=1e-12)


def test_school_means_as_ri2(reference: Any) -> None:
    values = reference.case("ri2_cluster_exact").values
    frame = pd.DataFrame({"school": values["schools"], "y": values["means"], "z": values["z"]})
    options = {"outcome": "y", "treatment": "z", "seed": 1}
    found = permutation_test(frame, cluster="school", **options)
    assert found.assignments == values["n_sims"]
    assert found.estimate == pytest.approx(values["est"], rel=1e-9)
    assert found.p_value == pytest.approx(values["p_two"], rel=1e-12)
    upper = permutation_test(frame, alternative="greater", **options).p_value
    assert upper == pytest.approx(values["p_upper"], rel=1e-12)


@pytest.mark.parametrize("name", STUDIES)
def test_every_assignment_fitted_in_r(name: str) -> None:
    frame, values = own(name)
    outcomes = [column for column in frame if column.startswith("y")]
    common = {"treatment": "z", "seed": 1, **STUDIES[name]}
    for place, outcome in enumerate(outcomes):
        for key, statistic, alternative in (
            ("p_difference", "difference", "two-sided"),
            ("p_difference_greater", "difference", "greater"),
            ("p_t", "t", "two-sided"),
            ("p_t_less", "t", "less"),
        ):
            options = {"statistic": statistic, "alternative": alternative, **common}
            found = permutation_test(frame, outcome=outcome, **options)
            assert found.p_value == pytest.approx(values[key][place], rel=1e-12), (outcome, key)
            assert found.assignments == values["assignments"]
        assert found.std_error == pytest.approx(values["std_error"][place], rel=1e-9)
    adjusted = westfall_young(frame, outcomes=outcomes, **common).to_frame()
    np.testing.assert_allclose(adjusted["estimate"], values["estimate"], **CLOSE)
    np.testing.assert_allclose(adjusted["std_error"], values["std_error"], **CLOSE)
    np.testing.assert_allclose(adjusted["p_value"], values["p_t"], **CLOSE)
    np.testing.assert_allclose(adjusted["p_adjusted"], values["westfall_young"], **CLOSE)


def test_eight_units_and_three_outcomes() -> None:
    """The exhaustive check of the design notes: 70 assignments, unequal-variance t."""
    frame = pd.DataFrame(
        {
            "y1": [12, 15, 9, 17, 8, 7, 11, 6],
            "y2": [5, 7, 6, 9, 4, 6, 5, 3],
            "y3": [30, 28, 35, 31, 29, 33, 27, 30],
            "z": [1] * 4 + [0] * 4,
        }
    )
    found = westfall_young(frame, outcomes=["y1", "y2", "y3"], treatment="z", seed=1).to_frame()
    t = [2.55288883, 2.10194715, 0.64729778]
    np.testing.assert_allclose(found["statistic"].abs(), t, rtol=1e-8)
    np.testing.assert_allclose(found["p_value"], [4 / 70, 10 / 70, 42 / 70], rtol=1e-12)
    np.testing.assert_allclose(found["p_adjusted"], [10 / 70, 18 / 70, 42 / 70], rtol=1e-12)
    alone = {"outcome": "y1", "treatment": "z", "seed": 1}
    assert permutation_test(frame, **alone).p_value == pytest.approx(0.05714286, abs=1e-8)
    greater = permutation_test(frame, alternative="greater", **alone).p_value
    assert greater == pytest.approx(0.02857143, abs=1e-8)


@pytest.mark.parametrize(
    ("name", "cluster"), [("resampled_rows", None), ("resampled_clusters", "g")]
)
def test_every_resample_fitted_in_r(name: str, cluster: str | None) -> None:
    frame, values = own(name)
    study = Study(treatment="z", treated=None, covariates=("x",), strata=None, cluster=cluster)
    family = _family(frame, ("y1", "y2"), study)
    taken = np.array(values["taken"], dtype=float)
    stars = np.array(values["t_star"], dtype=float)
    found = np.vstack(list(centred(family.outcomes, family, [taken])))
    np.testing.assert_allclose(found, stars, rtol=1e-7, atol=1e-9)
    alone, jointly, lost = step_down(family.t, [found])
    assert lost == 0
    draws = len(taken) + 1
    np.testing.assert_allclose((alone + 1) / draws, values["alone"], **CLOSE)
    adjusted = monotone(family.t, (jointly + 1) / draws)
    np.testing.assert_allclose(adjusted, values["romano_wolf"], **CLOSE)
    whole = resampled(family.outcomes[0].rows, family.assigned.arm, np.ones((1, taken.shape[1])))
    np.testing.assert_allclose(whole[0] / whole[1], family.t[0], **CLOSE)


def test_sampled_p_of_phipson_and_smyth() -> None:
    """Published: 12 of 999 sampled permutations as extreme give (12 + 1) / (999 + 1)."""
    frame = pd.DataFrame({"z": [0, 1] * 30})
    assigned = read_assigned(frame, "z", None, None, None)
    assert Plan(assigned, 999, False, 1).p_value(12) == pytest.approx(0.013, rel=1e-12)


def test_every_sign_fitted_in_r() -> None:
    frame, values = own("wild_rademacher")
    options = {"treatment": "z", "cluster": "g", "covariates": "x", "seed": 1, "level": 0.9}
    options |= {"points": "rademacher"}
    found = wild_cluster_bootstrap(frame, outcome="y", **options)
    assert (found.exact, found.draws, found.points) == (True, 256, "rademacher")
    assert found.estimate == pytest.approx(values["estimate"], rel=1e-9)
    assert found.std_error == pytest.approx(values["std_error"], rel=1e-9)
    assert found.conf_low == pytest.approx(values["conf_low"], rel=1e-7)
    assert found.conf_high == pytest.approx(values["conf_high"], rel=1e-7)
    for theta, p_value in zip(values["theta"], values["p"], strict=True):
        shifted = frame.assign(y=frame["y"] - theta * frame["z"])
        moved = wild_cluster_bootstrap(shifted, outcome="y", **options)
        assert moved.p_value == pytest.approx(p_value, rel=1e-12)


def test_webb_draws_fitted_in_r() -> None:
    frame, values = own("wild_webb")
    study = Study(treatment="z", treated=None, covariates=("x",), strata=None, cluster="g")
    score = _scores(_read(frame, "y", study))
    test = _Test(score, [score.parts(np.array(values["multipliers"]))], False)
    assert score.estimate == pytest.approx(values["estimate"], rel=1e-9)
    for theta, p_value in zip(values["theta"], values["p"], strict=True):
        assert test.p_value(theta - score.estimate) == pytest.approx(p_value, rel=1e-12)
    error = values["std_error"]
    assert test.end(-1.0, error, 0.1) == pytest.approx(values["conf_low"], rel=1e-7)
    assert test.end(1.0, error, 0.1) == pytest.approx(values["conf_high"], rel=1e-7)


@pytest.mark.parametrize(
    ("ranks", "z", "p"), [(False, "two_sample_z", "two_sample_p"), (True, "wilcox_z", "wilcox_p")]
)
def test_many_assignments_near_their_normal_limit(
    reference: Any, ranks: bool, z: str, p: str
) -> None:
    """coin's asymptotic tests of two arms: the exact moments, and a p-value near the limit's."""
    case = reference.case("permutation_asymptotic_anorexia")
    frame = case.frame
    frame = frame[frame["Treat"] != "FT"]
    if ranks:
        frame = frame.assign(Postwt=frame["Postwt"].rank())
    call = {"outcome": "Postwt", "treatment": "Treat", "treated": "CBT", "seed": 5}
    found = permutation_test(frame, permutations=100_000, **call)
    spread = frame["Postwt"].std() * np.sqrt(1 / found.n_treatment + 1 / found.n_comparison)
    assert found.estimate / spread == pytest.approx(case.values[z], rel=1e-10)
    assert found.p_value == pytest.approx(case.values[p], abs=4 * found.p_error + 0.001)
