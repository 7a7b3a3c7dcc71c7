"""One self-contained case for each method; these run everywhere.

Numbers come from the paper or package named in each test, or were computed with R as said there.
"""

from __future__ import annotations

import json
from math import exp, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as sps

from evalkit import stats
from evalkit.results import Attrition, Estimate
from evalkit.stats.least_squares.linear import fit
from evalkit.stats.sizes.effect_sizes import cluster_factors, small_sample_factor

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "beating_the_blues.json").read_text(encoding="utf-8"))["values"]


def close(found: Any, expected: Any, rtol: float = 1e-8) -> None:
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), np.asarray(expected, dtype=float), rtol=rtol, atol=0
    )


# --- CR2 and Satterthwaite: clubSandwich 0.5.8 and estimatr 1.0.0, eight clusters ---------------


@pytest.fixture
def eight_clusters() -> pd.DataFrame:
    sizes = [2, 3, 3, 4, 2, 3, 5, 2]
    x = [3, 5, 2, 4, 6, 1, 3, 2, 5, 4, 4, 6, 2, 7, 3, 3, 5, 1, 2, 4, 6, 5, 3, 4]
    y = [12, 15, 9, 11, 13, 10, 12, 9, 14, 11, 10, 15, 9, 17, 8, 10, 13, 6, 8, 9, 14, 12, 11, 13]
    arm = np.repeat([1, 0, 1, 0, 1, 0, 0, 1], sizes)
    return pd.DataFrame({"y": y, "t": arm, "x": x, "family": np.repeat(np.arange(1, 9), sizes)})


CLUSTER_ERRORS = {
    "CR0": (0.4246131137, 0.3077106938, 0.1051219163),
    "CR1": (0.4539305124, 0.3289565687, 0.1123800556),
    "CR1S": (0.4750547302, 0.3442649695, 0.1176098005),
    "CR2": (0.4914694774, 0.3747098547, 0.1185342979),
    "CR3": (0.5811893658, 0.4592598241, 0.1358002850),
}


@pytest.mark.parametrize("weights", [None, np.full(24, 2.5)], ids=["plain", "equal weights"])
@pytest.mark.parametrize("kind", CLUSTER_ERRORS)
def test_cluster_robust_errors(eight_clusters: pd.DataFrame, kind: str, weights: Any) -> None:
    d = eight_clusters
    matrix = np.column_stack([np.ones(24), d["t"], d["x"]]).astype(float)
    y = d["y"].to_numpy(float)
    model = fit(matrix, y, ["(intercept)", "t", "x"], cluster=d["family"], se=kind, weights=weights)
    close(model.coefficients, [4.866666667, 2.133333333, 1.5])
    close(model.std_errors, CLUSTER_ERRORS[kind])
    if kind == "CR2":
        close(model.df, [3.729358462, 5.507800862, 4.034062929])


def test_mean_difference_clustered(eight_clusters: pd.DataFrame) -> None:
    e = stats.mean_difference(
        eight_clusters, outcome="y", treatment="t", covariates=["x"], cluster="family"
    )
    close([e.estimate, e.std_error], [2.133333333, 0.3747098547])
    close([e.df, e.p_value], [5.507800862, 0.0016942258], rtol=1e-7)
    close([e.conf_low, e.conf_high], [1.196218688, 3.070447979])
    assert (e.n_treatment, e.n_comparison, e.n_clusters, e.n_dropped) == (9, 15, 8, 0)


def test_mean_difference_unclustered(eight_clusters: pd.DataFrame) -> None:
    matrix = np.column_stack([np.ones(24), eight_clusters["t"], eight_clusters["x"]]).astype(float)
    model = fit(matrix, eight_clusters["y"].to_numpy(float), ["(intercept)", "t", "x"])
    close(model.std_errors, [0.5102286818, 0.3603010088, 0.1160236423])


# --- Beating the Blues: R values written by r/beating_the_blues.R --------------------------------


@pytest.mark.parametrize("wave", GOLDEN)
@pytest.mark.parametrize("covariates", [["bdi_pre", "drug", "length"], []])
def test_beating_the_blues(beating_the_blues: pd.DataFrame, wave: str, covariates: Any) -> None:
    expected = GOLDEN[wave]["adjusted" if covariates else "unadjusted"]
    call = {"outcome": wave, "treatment": "treatment", "treated": "BtheB"}
    for df, values in expected.items():
        e = stats.mean_difference(beating_the_blues, **call, covariates=covariates, df=df)
        known = e.to_dict() | {"n": (e.n_treatment or 0) + (e.n_comparison or 0)}
        close([known[name] for name in values], list(values.values()))
        assert e.n_dropped + known["n"] == 100


@pytest.mark.parametrize("wave", GOLDEN)
def test_beating_the_blues_effect_sizes(beating_the_blues: pd.DataFrame, wave: str) -> None:
    d, expected = beating_the_blues, GOLDEN[wave]["hedges_g"]
    treated = d["treatment"] == "BtheB"
    g = stats.hedges_g(d.loc[treated, wave], d.loc[~treated, wave])
    close(g.estimate, expected["g"])
    close([g.conf_low, g.conf_high], [expected["conf_low"], expected["conf_high"]], rtol=1e-5)
    e = stats.mean_difference(d, outcome=wave, treatment="treatment", treated="BtheB")
    close(e.effect_size, g.estimate)
    assert e.estimate is not None and e.conf_low is not None
    close(e.effect_low, g.estimate * e.conf_low / e.estimate)


@pytest.mark.parametrize(
    ("wave", "cautious", "optimistic"),
    [
        ("bdi_2m", "outside", "inside"),
        ("bdi_3m", "inside", "inside"),
        ("bdi_5m", "outside", "inside"),
        ("bdi_8m", "inside", "inside"),
    ],
)
def test_beating_the_blues_attrition(wave: str, cautious: str, optimistic: str) -> None:
    expected = GOLDEN[wave]["attrition"]
    a = stats.attrition(
        expected["randomised_treatment"],
        expected["observed_treatment"],
        expected["randomised_comparison"],
        expected["observed_comparison"],
    )
    close([a.overall, a.differential], [expected["overall"], expected["differential"]])
    assert (a.cautious, a.optimistic) == (cautious, optimistic)


# --- Hedges' g -----------------------------------------------------------------------------------


def with_moments(mean: float, sd: float, n: int) -> np.ndarray:
    """Return n values with exactly this mean and SD."""
    raw = sps.norm.ppf((np.arange(n) + 0.5) / n)
    return mean + sd * (raw - raw.mean()) / raw.std(ddof=1)


@pytest.mark.parametrize(
    ("df", "expected"),
    [(2, 0.5641895835), (10, 0.9227456081), (18, 0.957646427), (58, 0.987003581)],
)
def test_small_sample_factor(df: int, expected: float) -> None:
    close(small_sample_factor(df), expected, rtol=1e-9)


def test_hedges_g_from_moments() -> None:
    g = stats.hedges_g(with_moments(24.3, 7.1, 28), with_moments(19.8, 8.2, 32))
    close([g.sd_pooled, g.d, g.estimate], [7.707486285, 0.5838479413, 0.5762600089])
    assert g.std_error is not None
    close([g.statistic, g.std_error**2], [2.256202795, 0.06973158236])
    close([g.conf_low, g.conf_high], [0.0624644907, 1.085297389])
    assert (g.effect_size, g.effect_low, g.effect_high) == (g.estimate, g.conf_low, g.conf_high)


def test_hedges_g_motor_cars() -> None:
    """Package effectsize, hedges_g(mpg ~ am, data = mtcars); the limits come from an optimiser."""
    automatic = with_moments(17.147368421, 3.833966386, 19)
    manual = with_moments(24.392307692, 6.166503809, 13)
    g = stats.hedges_g(automatic, manual)
    close([g.d, g.estimate], [-1.477947096, -1.440635402])
    close([g.conf_low, g.conf_high], [-2.208767199, -0.653639683], rtol=1e-5)


def test_hedges_g_keeps_its_digits_at_a_large_level() -> None:
    plain = stats.hedges_g([1, 2, 3, 4, 9], [2, 3, 5, 5])
    shifted = stats.hedges_g(np.array([1, 2, 3, 4, 9]) + 1e9, np.array([2, 3, 5, 5]) + 1e9)
    close(shifted.estimate, plain.estimate, rtol=1e-12)


@pytest.mark.parametrize("size", [0.0, 3.0, 12.0, 40.0])
def test_hedges_g_limits_solve_their_equation(size: float) -> None:
    g = stats.hedges_g(with_moments(size, 1, 20), with_moments(0, 1, 20))
    assert g.correction is not None and g.statistic is not None and g.df is not None
    for limit, share in ((g.conf_low, 0.975), (g.conf_high, 0.025)):
        assert limit is not None
        centre = limit / g.correction * sqrt(10)
        assert sps.nct.cdf(g.statistic, g.df, centre) == pytest.approx(share, abs=1e-9)


def test_hedges_g_of_an_absurd_size_still_has_limits() -> None:
    huge, large = (
        stats.hedges_g(with_moments(m, 1, 20), with_moments(0, 1, 20)) for m in (1e7, 1e3)
    )
    assert huge.conf_low is not None and large.conf_low is not None
    assert huge.conf_low / 1e7 == pytest.approx(large.conf_low / 1e3, rel=1e-4)
    assert huge.conf_high / 1e7 == pytest.approx(large.conf_high / 1e3, rel=1e-4)


def test_cluster_factors() -> None:
    """Hedges (2007): N 120, clusters of 6, ICC .10; N 100, clusters of 5 (VIVECampbell)."""
    gamma, h = cluster_factors(120, 6, 0.10)
    close([gamma, h], [0.9957537, 112.6667], rtol=1e-6)
    close(cluster_factors(100, 5, 0.10)[1], 94.4029, rtol=1e-6)


def test_clustered_effect_size_by_hand(eight_clusters: pd.DataFrame) -> None:
    """Two clusters of two in each arm: ANOVA ICC by hand, then J(h) gamma / S."""
    d = pd.DataFrame(
        {"y": [1, 2, 5, 7, 3, 4, 8, 9.5], "t": [1] * 4 + [0] * 4, "c": [1, 1, 2, 2, 3, 3, 4, 4]}
    )
    e = stats.mean_difference(d, outcome="y", treatment="t", cluster="c")
    within = (0.5 + 2 + 0.5 + 1.125) / 4
    between = (2 * 2 * 2.25**2 + 2 * 2 * 2.625**2) / 2
    icc = (between - within) / (between + within)
    gamma, h = cluster_factors(8, 2, icc)
    arms = [d.loc[d["t"] == arm, "y"] for arm in (1, 0)]
    sd = sqrt((arms[0].var() + arms[1].var()) / 2)
    assert e.estimate is not None
    close(e.effect_size, small_sample_factor(h) * gamma * e.estimate / sd)
    close(e.sd_pooled, sd)


# --- change in one group ------------------------------------------------------------------------


def test_mean_change_is_the_paired_t_test() -> None:
    before = np.array([83.8, 83.3, 86.0, 82.5, 86.7, 79.6, 76.9, 94.2, 73.4])
    after = np.array([95.2, 94.3, 91.5, 91.9, 100.3, 76.7, 76.8, 101.6, 94.9])
    d = pd.DataFrame({"pre": before, "post": after})
    e = stats.mean_change(d, baseline="pre", outcome="post")
    expected = sps.ttest_rel(after, before)
    limits = expected.confidence_interval()
    close([e.statistic, e.df, e.p_value], [expected.statistic, 8, expected.pvalue])
    close([e.conf_low, e.conf_high], [limits.low, limits.high])
    factor = small_sample_factor(8) / before.std(ddof=1)
    close(
        [e.effect_size, e.effect_low, e.effect_high],
        factor * np.array([(after - before).mean(), limits.low, limits.high]),
    )
    assert (e.term, e.n_treatment, e.n_comparison) == ("change", 9, None)


def test_mean_change_clustered_by_hand() -> None:
    """Two families of two and one of one: CR2 of a mean, A_g = (I - 11'/n)^(-1/2)."""
    d = pd.DataFrame({"a": [0.0] * 5, "b": [1, 3, 4, 6, 9.0], "f": ["x", "x", "y", "y", "z"]})
    e = stats.mean_change(d, baseline="a", outcome="b", cluster="f")
    residual = d["b"] - d["b"].mean()
    sizes, totals = residual.groupby(d["f"]).size(), residual.groupby(d["f"]).sum()
    assert e.std_error is not None
    close(e.std_error**2, np.sum(totals**2 / (1 - sizes / 5)) / 25)
    assert e.n_clusters == 3
    assert e.effect_size is None  # the baseline does not vary


# --- attrition ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "overall", "differential"),
    [
        ((40, 20, 49, 31), 42.70, 13.27),
        ((40, 30, 48, 40), 20.45, 8.33),
        ((20, 10, 200, 100), 50, 0),
    ],
)
def test_attrition_shares(counts: tuple[int, ...], overall: float, differential: float) -> None:
    a = stats.attrition(*counts)
    assert 100 * a.overall == pytest.approx(overall, abs=0.005)
    assert 100 * a.differential == pytest.approx(differential, abs=0.005)


def losing(overall: float, differential: float) -> Attrition:
    """Return the verdict for equal arms of 1000 with these losses in percent."""
    lost = [10 * overall + 5 * differential, 10 * overall - 5 * differential]
    return stats.attrition(1000, 1000 - round(lost[0]), 1000, 1000 - round(lost[1]))


@pytest.mark.parametrize(
    ("overall", "differential", "cautious", "optimistic"),
    [
        (8, 3, "inside", "inside"),
        (30, 6, "outside", "inside"),
        (0, 0, "inside", "inside"),
        (57, 0, "inside", "inside"),
        (58, 0, "outside", "inside"),
        (65, 0, "outside", "inside"),
        (66, 0, "outside", "outside"),
        (13, 10.8, "outside", "inside"),
        (50, 1.0, "inside", "inside"),
    ],
)
def test_attrition_verdicts(
    overall: float, differential: float, cautious: str, optimistic: str
) -> None:
    a = losing(overall, differential)
    assert (a.cautious, a.optimistic) == (cautious, optimistic)


def test_attrition_between_whole_percents_takes_the_smaller_neighbour() -> None:
    assert losing(7.5, 0).bound_cautious == 6.3
    assert losing(10.5, 0).bound_cautious == 6.2
    assert losing(3.5, 0).bound_cautious == 5.9
    assert losing(57.5, 0).bound_cautious is None
    assert losing(57.5, 0).bound_optimistic == 1.9


# --- balance: MatchIt vignette, lalonde, all data -------------------------------------------------


def test_balance_before_matching() -> None:
    found = stats.balance(
        pd.read_csv(HERE / "data/lalonde.csv"),
        treatment="treat",
        covariates=["age", "educ", "race", "married", "nodegree", "re74", "re75"],
    ).set_index("covariate")
    expected = {
        "age": (-0.3094, 0.4400, 0.1577),
        "educ": (0.0550, 0.4959, 0.1114),
        "race=black": (1.7615, np.nan, 0.6404),
        "race=hispan": (-0.3498, np.nan, 0.0827),
        "race=white": (-1.8819, np.nan, 0.5577),
        "married": (-0.8263, np.nan, 0.3236),
        "nodegree": (0.2450, np.nan, 0.1114),
        "re74": (-0.7211, 0.5181, 0.4470),
        "re75": (-0.2903, 0.9563, 0.2876),
    }
    assert list(found.index) == list(expected)
    table = found[["smd", "variance_ratio", "ks"]].to_numpy()
    np.testing.assert_allclose(table, list(expected.values()), atol=5.1e-5)
    close(found.loc["married", "smd"], -0.826309, rtol=1e-6)
    assert (found["n_treatment"] == 185).all() and (found["n_comparison"] == 429).all()


def test_balance_weighted_by_hand() -> None:
    d = pd.DataFrame({"t": [1, 1, 0, 0, 0], "x": [2, 4, 1, 3, 5.0], "w": [1, 1, 0, 2, 2]})
    row = stats.balance(d, treatment="t", covariates="x", weights="w").iloc[0]
    close([row["mean_treatment"], row["mean_comparison"]], [3, 4])
    close([row["smd"], row["variance_ratio"], row["ks"]], [-1 / sqrt(2), 1, 0.5])
    close([row["sd_treatment"], row["sd_comparison"]], [sqrt(2), 2])


# --- multiplicity: Benjamini and Hochberg (1995), fifteen p-values --------------------------------

BH_1995 = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0),
]


def test_adjust_p_benjamini_hochberg_1995() -> None:
    holm, bh, by = (stats.adjust_p(BH_1995, method) for method in ("holm", "bh", "by"))
    assert (bh <= 0.05).sum() == 4
    close(holm[:9], [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278, 0.278, 0.278, 0.3213], 1e-12)
    close(bh[:5], [0.0015, 0.003, 0.0095, 0.035625, 0.0603], 1e-12)
    close(bh[9:], [0.486, 0.58118, 0.71487, 0.75323, 0.81321, 1], 1e-5)
    close(by[:4], [0.0049773, 0.0099547, 0.031523, 0.118212], 2e-5)


def test_adjust_p_passes_missing_through() -> None:
    found = stats.adjust_p([0.01, None, 0.04, float("nan")], method="holm")
    np.testing.assert_allclose(found, [0.02, np.nan, 0.04, np.nan])
    assert len(stats.adjust_p([])) == 0
    assert np.isnan(stats.adjust_p([None, None])).all()


# --- rates --------------------------------------------------------------------------------------


def test_event_rate_by_hand() -> None:
    """Four people, events 0, 1, 2, 5 over 2, 1, 3, 4 years."""
    e = stats.event_rate([0, 1, 2, 5], [2, 1, 3, 4], per=12)
    left = np.array([0, 1, 2, 5]) - 0.8 * np.array([2, 1, 3, 4])
    error = sqrt(4 / 3 * np.sum(left**2)) / 10
    half = sps.t.ppf(0.975, 3) * error / 0.8
    close([e.estimate, e.std_error, e.df], [9.6, 12 * error, 3])
    close([e.conf_low, e.conf_high], [12 * exp(log(0.8) - half), 12 * exp(log(0.8) + half)])
    assert (e.n_treatment, e.n_clusters) == (4, None)


def test_event_rate_clustered_equals_the_families_added_up() -> None:
    family = ["a", "a", "b", "c", "c"]
    e = stats.event_rate([0, 1, 2, 5, 0], [2, 1, 3, 4, 1], cluster=family)
    added = stats.event_rate([1, 2, 5], [3, 3, 5])
    close([e.conf_low, e.conf_high, e.df], [added.conf_low, added.conf_high, added.df])
    assert (e.n_treatment, e.n_clusters) == (5, 3)


def test_event_rate_without_events() -> None:
    e: Estimate = stats.event_rate([0, 0, 0], [10, 20, 20])
    close(e.conf_high, -log(0.05) / 50)
    assert (e.estimate, e.conf_low, e.std_error) == (0, 0, None)
    assert "one-sided" in e.notes[0]
