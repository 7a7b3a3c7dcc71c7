"""Effect sizes against every figure of the sources: WWC, Hedges (2007), Morris (2008), metafor.

Figures are from What Works Clearinghouse procedures, Hedges (2007), Hedges and Citkowicz (2015),
Morris (2008) and the pages and tests of metafor, effectsize, eefAnalytics and VIVECampbell, or
were computed from their formulas; each to the last digit given. The factor J, the first noncentral
interval and the equal-cluster gamma and h are in test_published.py.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy import stats as sps

from evalkit.stats.sizes.clustered_sizes import ClusterEffect, cluster_g
from evalkit.stats.sizes.effect_sizes import small_sample_factor
from evalkit.stats.sizes.logit_sizes import cox_index, d_to_odds_ratio, odds_ratio_to_d
from evalkit.stats.sizes.standardised_change import pre_post_control_g, standardised_mean_change
from evalkit.stats.sizes.summary_sizes import (
    cohens_u3,
    common_language_effect,
    glass_delta,
    improvement_index,
    standardised_difference,
)

TREATED, COMPARED = [5, 8, 6, 9], [7, 5, 10, 6]
TWENTY = {"sizes_treatment": [6] * 10, "sizes_comparison": [6] * 10, "icc": 0.1}


def to(digits: int, found: Any, expected: Any) -> None:
    """Assert equality to so many decimals, as printed (one unit in the last place)."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=1.001 * 10.0**-digits)


def with_moments(mean: float, sd: float, n: int) -> np.ndarray:
    raw = sps.norm.ppf((np.arange(n) + 0.5) / n)
    return mean + sd * (raw - raw.mean()) / raw.std(ddof=1)


def with_pairs(pre: Any, post: Any, r: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores before and after with exactly these (mean, SD) and this correlation."""
    one = sps.norm.ppf((np.arange(n) + 0.5) / n)
    one = (one - one.mean()) / one.std(ddof=1)
    other = np.random.default_rng(n).normal(size=n)
    other -= other.mean() + one * (other @ one) / (one @ one)
    other /= other.std(ddof=1)
    return pre[0] + pre[1] * one, post[0] + post[1] * (r * one + sqrt(1 - r**2) * other)


# --- What Works Clearinghouse --------------------------------------------------------------------


def test_wwc_hedges_g() -> None:
    g = standardised_difference(
        52.0 - 48.5, sd=(10, 11), n_treatment=60, n_comparison=65, correction="approximate"
    )
    to(7, g.sd_pooled, 10.5321807)
    to(8, [g.correction, g.estimate, g.std_error], [0.99389002, 0.33028441, 0.18024326])
    to(8, g.estimate / g.std_error, 1.83243694)
    to(4, improvement_index(g.estimate), 12.9407)


def test_wwc_cox_index() -> None:
    c = cox_index(0.35 * 60, 60, 0.5 * 65, 65)
    to(8, c.estimate * 1.65, -0.61903921)
    to(8, [c.estimate, c.corrected, c.std_error], [-0.37517528, -0.37288296, 0.22251467])


def test_wwc_t_corrected_for_clusters() -> None:
    e = cluster_g(2.5 * sqrt(1 / 60 + 1 / 60), **TWENTY)
    to(8, [e.gamma, e.statistic], [0.99575370, 2.03257372])
    to(7, e.p_value, 0.04444695)  # the source rounds its df to 112.67
    to(4, e.df, 112.6667)


def test_h_of_the_vive_campbell_examples() -> None:
    both = cluster_g(0.2, sizes_treatment=[5] * 12, sizes_comparison=[5] * 8, icc=0.1)
    to(4, both.df, 94.4029)
    one = cluster_g(
        0.2, sizes_treatment=[5] * 12, sizes_comparison=40, icc=0.1, clustered="treatment"
    )
    to(4, one.df, 95.4003)
    to(8, one.gamma**2, 0.95612245)
    to(8, one.design_effect, 1.10)


def test_u3_and_improvement_index() -> None:
    to(6, cohens_u3(0.25), 0.598706)
    to(4, improvement_index(0.25), 9.8706)


# --- Unequal and equal clusters (Hedges 2007) ----------------------------------------------------


def limits(e: ClusterEffect) -> list[float]:
    """eefAnalytics takes 1.96 for the normal deviate."""
    assert e.estimate is not None and e.std_error is not None
    return [e.estimate - 1.96 * e.std_error, e.estimate + 1.96 * e.std_error]


def test_unequal_clusters() -> None:
    sizes = {"sizes_treatment": TREATED, "sizes_comparison": COMPARED, "icc": 0.12}
    total = cluster_g(3.5 / sqrt(100), **sizes)
    to(10, total.estimate, 0.3449637662)
    to(9, limits(total), [-0.3553904822, 1.045318015])
    within = cluster_g(3.5 / sqrt(88), **sizes, denominator="within")
    to(10, within.estimate, 0.3731012536)
    to(9, limits(within), [-0.3738486364, 1.120051144])


def test_a_models_total_is_not_corrected_again() -> None:
    sizes = {"sizes_treatment": TREATED, "sizes_comparison": COMPARED, "icc": 0.12}
    assert cluster_g(0.35, **sizes, denominator="model").estimate == 0.35
    assert cluster_g(0.35, **sizes).estimate < 0.35


def test_equal_clusters() -> None:
    e = cluster_g(0.40, **TWENTY)
    to(10, [e.estimate, e.std_error], [0.3983014785, 0.2251623309])
    to(10, e.std_error**2, 0.0506980753)
    to(10, cluster_g(0.42, **TWENTY, denominator="within").std_error ** 2, 0.0564375556)


# --- Two groups ----------------------------------------------------------------------------------


def test_small_sample_factor() -> None:
    to(10, small_sample_factor(98), 0.9923240874)
    approximate = [1 - 3 / (4 * m - 1) for m in (2, 10, 58)]
    to(10, approximate, [0.5714285714, 0.9230769231, 0.9870129870])
    for m, value in ((10, 0.9230769231), (58, 0.9870129870)):
        half = {"n_treatment": m // 2 + 1, "n_comparison": m // 2 + 1}
        e = standardised_difference(1, sd=1, **half, correction="approximate")
        to(10, e.correction, value)


def test_exact_and_approximate_correction_differ_as_pingouin_does() -> None:
    """Both of one d: 1.4983135278 approximate, 1.4980046830 exact."""
    ratio = 1.4983135278 / 1.4980046830
    found = [(1 - 3 / (4 * m - 1)) / small_sample_factor(m) for m in range(5, 60)]
    assert min(abs(x - ratio) for x in found) < 2e-10


FIRST = {"sd": (7.1, 8.2), "n_treatment": 28, "n_comparison": 32}


def test_noncentral_interval_of_d() -> None:
    e = standardised_difference(24.3 - 19.8, **FIRST)
    to(9, [e.sd_pooled, e.statistic], [7.707486285, 2.256202795])
    to(10, [e.d, e.estimate], [0.5838479413, 0.5762600089])
    lambdas = np.array([e.conf_low, e.conf_high]) / e.correction / sqrt(1 / 28 + 1 / 32)
    to(9, lambdas, [0.2445641834, 4.249212101])
    to(9, np.array([e.conf_low, e.conf_high]) / e.correction, [0.0632869950, 1.099588097])
    to(9, [e.conf_low, e.conf_high], [0.0624644907, 1.085297389])


def test_motor_cars() -> None:
    """effectsize, mpg ~ am: its limits come from an optimiser that stops at 1e-5."""
    moments = {"sd": (3.833966386, 6.166503809), "n_treatment": 19, "n_comparison": 13}
    e = standardised_difference(17.147368421 - 24.392307692, **moments)
    to(8, [e.d, e.estimate], [-1.477947096, -1.440635402])
    raw = np.array([e.conf_low, e.conf_high]) / e.correction
    np.testing.assert_allclose(raw, [-2.265973099, -0.670568605], rtol=1e-5)


@pytest.mark.parametrize(
    ("variance", "expected"),
    [("LS", 0.06973158236), ("LS2", 0.06800230127), ("UB", 0.06991589317)],
)
def test_sampling_variances(variance: str, expected: float) -> None:
    e = standardised_difference(4.5, **FIRST, variance=variance)
    to(11, e.std_error**2, expected)


def test_glass_delta() -> None:
    e = glass_delta(with_moments(24.3, 7.1, 28), with_moments(19.8, 8.2, 32))
    to(10, [e.d, e.estimate], [0.5487804878, 0.5353773460])


def test_glass_delta_of_motor_cars() -> None:
    e = glass_delta(
        with_moments(17.147368421, 3.833966386, 19), with_moments(24.392307692, 6.166503809, 13)
    )
    raw = np.array([e.d, e.conf_low / e.correction, e.conf_high / e.correction])
    to(4, raw, [-1.1749, -1.9274, -0.3917])


@pytest.mark.parametrize(
    ("name", "treated", "comparison", "value"),
    [
        ("smd_anorexia_post_CBT_vs_Cont", "CBT", "Cont", "Postwt"),
        ("smd_anorexia_change_FT_vs_Cont", "FT", "Cont", "change"),
        ("smd_mst_posttest", 1, 0, "Posttest"),
    ],
)
def test_two_groups_of_the_reference(
    reference: Any, name: str, treated: Any, comparison: Any, value: str
) -> None:
    case = reference.case(name)
    frame, v = case.frame, case.values
    if value == "change":
        frame["change"] = frame["Postwt"] - frame["Prewt"]
    arm = "Treat" if "Treat" in frame else "Intervention"
    both = [frame.loc[frame[arm] == a, value].dropna() for a in (treated, comparison)]
    e = glass_delta(*both)
    raw = np.array([e.d, e.conf_low / e.correction, e.conf_high / e.correction])
    r = v["glass_delta_second_group_sd"]
    np.testing.assert_allclose(raw[0], r["Glass_delta"], rtol=1e-10)
    np.testing.assert_allclose(raw[1:], [r["CI_low"], r["CI_high"]], rtol=1e-3)
    given = {
        "sd": tuple(b.std() for b in both),
        "n_treatment": len(both[0]),
        "n_comparison": len(both[1]),
        "variance": "UB",
    }
    g = standardised_difference(both[0].mean() - both[1].mean(), **given)
    ub = v["metafor_SMD_UB"]
    np.testing.assert_allclose([g.estimate, g.std_error**2], [ub["yi"], ub["vi"]], rtol=1e-10)
    assert cohens_u3(g.d) == pytest.approx(v["cohens_u3"]["Cohens_U3"], rel=1e-10)
    chance = v["p_superiority"]["p_superiority"]
    assert common_language_effect(g.d) == pytest.approx(chance, rel=1e-10)


@pytest.mark.parametrize("name", ["binary_bcg_trial4", "binary_mst_pass"])
def test_binary_of_the_reference(reference: Any, name: str) -> None:
    v = reference.case(name).values
    a, b, c, d = v["table"]
    e = cox_index(a, a + b, c, c + d)
    np.testing.assert_allclose(
        [e.estimate, e.std_error**2], [v["cox_d_OR2DN"]["yi"], v["cox_d_OR2DN"]["vi"]], rtol=1e-10
    )
    logistic = odds_ratio_to_d(np.exp(v["OR"]["yi"]))
    assert logistic == pytest.approx(v["logistic_d_OR2DL"]["yi"], rel=1e-10)


def test_conversions() -> None:
    to(7, odds_ratio_to_d(2.5), 0.5051776)
    assert d_to_odds_ratio(odds_ratio_to_d(2.5)) == pytest.approx(2.5)
    to(6, common_language_effect(0.5), 0.638163)


# --- Change (Morris 2008, as in metafor) ---------------------------------------------------------

PRE = [[30.6, 23.5, 0.5, 53.4, 35.6], [23.1, 24.9, 0.6, 55.7, 34.8]]
POST = [[38.5, 26.8, 0.7, 75.9, 36.0], [19.7, 25.3, 0.6, 60.7, 33.4]]
SD_PRE = [[15.0, 3.1, 0.1, 14.5, 4.7], [13.8, 4.1, 0.2, 17.3, 3.1]]
SIZES = [[20, 50, 9, 10, 14], [20, 42, 9, 11, 14]]
CORRELATION = [0.47, 0.64, 0.77, 0.89, 0.44]
PPC2 = [0.7684, 0.8010, 1.2045, 1.0476, 0.4389]
PPC1 = [0.7421, 0.9524, 1.8054, 1.1514, 0.5050]
SIMPLE = [0.1134, 0.0350, 0.1425, 0.0681, 0.1634]
MORRIS = [0.1157722, 0.0353836, 0.1590872, 0.0762186, 0.1674577]


def study(i: int) -> list[np.ndarray]:
    """Return before and after of both arms; SDs after in proportion, so r is the pooled one."""
    found: list[np.ndarray] = []
    for arm in (0, 1):
        pre = (PRE[arm][i], SD_PRE[arm][i])
        post = (POST[arm][i], 1.1 * SD_PRE[arm][i])
        found += with_pairs(pre, post, CORRELATION[i], SIZES[arm][i])
    return found


@pytest.mark.parametrize("i", range(5))
def test_morris(i: int) -> None:
    e = pre_post_control_g(*study(i))
    assert e.correlation == pytest.approx(CORRELATION[i])
    to(4, [e.estimate, e.simple_variance], [PPC2[i], SIMPLE[i]])
    to(7, e.std_error**2, MORRIS[i])


@pytest.mark.parametrize("i", range(5))
def test_difference_of_two_standardised_changes(i: int) -> None:
    pre_t, post_t, pre_c, post_c = study(i)
    one = standardised_mean_change(pre_t, post_t).estimate
    to(4, one - standardised_mean_change(pre_c, post_c).estimate, PPC1[i])


def test_standardised_mean_change_of_the_first_study() -> None:
    pre, post = with_pairs((30.6, 15.0), (38.5, 11.6), 0.47, 20)
    e = standardised_mean_change(pre, post)
    to(6, [e.estimate, e.std_error**2], [0.505553, 0.059390])
    c = standardised_mean_change(pre, post, denominator="change")
    to(5, [c.estimate, c.std_error**2], [0.54166, 0.05733])


@pytest.mark.parametrize("name", ["paired_anorexia_FT", "paired_anorexia_Cont"])
def test_one_group_of_the_reference(reference: Any, name: str) -> None:
    case = reference.case(name)
    frame, v = case.frame[lambda d: d["Treat"] == name.rsplit("_", 1)[1]], case.values
    for word, key in (("pre", "SMCR_pre"), ("change", "SMCC")):
        e = standardised_mean_change(frame["Prewt"], frame["Postwt"], denominator=word)
        found = [e.estimate, e.std_error**2]
        np.testing.assert_allclose(found, [v[key]["yi"], v[key]["vi"]], rtol=1e-9)
    gz = v["hedges_gz"]
    np.testing.assert_allclose(
        [e.estimate, e.conf_low, e.conf_high],
        [gz["Hedges_g"], gz["CI_low"], gz["CI_high"]],
        rtol=1e-3,
    )
    assert e.correlation == pytest.approx(v["r"])
    assert e.statistic == pytest.approx(v["t_paired"]["statistic.t"])


@pytest.mark.parametrize("name", ["dppc_anorexia_CBT_vs_Cont"])
def test_pre_post_control_of_the_reference(reference: Any, name: str) -> None:
    case = reference.case(name)
    v = case.values
    arms = [case.frame[lambda d, a=a: d["Treat"] == a] for a in ("CBT", "Cont")]
    scores = [x for arm in arms for x in (arm["Prewt"], arm["Postwt"])]
    e = pre_post_control_g(*scores, correction="approximate")
    found = [e.estimate, e.sd_pooled, e.correction, e.n_treatment, e.n_comparison]
    expected = [v["morris_dppc2"], v["sd_pre_pooled"], v["J_approx"], *v["n"]]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    each = [standardised_mean_change(arm["Prewt"], arm["Postwt"]) for arm in arms]
    difference = each[0].estimate - each[1].estimate
    variance = sum(x.std_error**2 for x in each)
    assert difference == pytest.approx(v["smcr_diff"], rel=1e-10)
    assert variance == pytest.approx(v["smcr_diff_var"], rel=1e-10)
    np.testing.assert_allclose([x.correlation for x in each], v["r"], rtol=1e-10)
