"""What must hold of pooling over imputations, whatever the numbers."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest

from evalkit.stats.imputing.pooled_tests import pool_joint, pool_likelihoods, pool_statistics
from evalkit.stats.imputing.pooling import pool
from evalkit.stats.imputing.pooling_scales import pool_correlation, pool_proportion, pool_ratio

SEEDS = [1, 2, 3]


def numbers(seed: int, m: int = 12) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.normal(2, 0.3, m), rng.uniform(0.4, 0.6, m)


def several(seed: int, m: int = 12, k: int = 3) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    halves = rng.normal(size=(m, k, k + 4))
    return rng.normal(0.4, 0.3, (m, k)), halves @ np.swapaxes(halves, 1, 2) / 8


def close(found: Any, expected: Any, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_units_sign_origin_and_order(seed: int) -> None:
    q, s = numbers(seed)
    e = pool(q, s, df_complete=40)
    other = pool(-10 * q, 10 * s, df_complete=40)
    close(
        [other.estimate, other.std_error, other.total],
        [-10 * e.estimate, 10 * e.std_error, 100 * e.total],
    )
    close([other.conf_low, other.conf_high], [-10 * e.conf_high, -10 * e.conf_low])
    close([other.df, other.fmi, other.p_value], [e.df, e.fmi, e.p_value])
    far = pool(q + 1e6, s, df_complete=40)
    close([far.estimate - 1e6, far.between, far.df], [e.estimate, e.between, e.df], rtol=1e-8)
    turned = pool(q[::-1], s[::-1], df_complete=40)
    close([turned.estimate, turned.std_error, turned.df], [e.estimate, e.std_error, e.df])


@pytest.mark.parametrize("seed", SEEDS)
def test_degrees_of_freedom_are_ordered(seed: int) -> None:
    """Never more than the complete data has, and more with a larger sample."""
    q, s = numbers(seed)
    found = [pool(q, s, df_complete=df).df or 0 for df in (5, 20, 100, 1e6)]
    assert found == sorted(found)
    assert found[0] < 5 and found[1] < 20
    close(found[-1], pool(q, s).df, rtol=1e-3)
    assert pool(q, s, df_complete=[100, 20, 50]) == pool(q, s, df_complete=20)


def test_the_same_in_every_imputation() -> None:
    e = pool([1.5] * 5, [0.5] * 5, df_complete=20)
    assert (e.estimate, e.between, e.riv, e.share_missing, e.std_error) == (1.5, 0, 0, 0, 0.5)
    close(e.df, 21 / 23 * 20)
    assert (e.m_advised, e.m_replicable) == (20, 2)
    assert "same in every imputation" in e.notes[0]
    large = pool([1.5] * 5, [0.5] * 5)
    assert (large.df, large.df_complete) == (inf, None)
    close([large.conf_low, large.conf_high], 1.5 + np.array([-1, 1]) * 1.959963984540054 * 0.5)


@pytest.mark.parametrize("seed", SEEDS)
def test_scales_turn_round(seed: int) -> None:
    """1/ratio, 1 - p and -r are pooled to 1/ratio, 1 - p and -r."""
    q, s = numbers(seed)
    one, other = pool_ratio(np.exp(q), s), pool_ratio(np.exp(-q), s)
    close([other.estimate, other.conf_low], [1 / one.estimate, 1 / one.conf_high])
    share = 1 / (1 + np.exp(-q))
    for method in ("wilson", "logit"):
        first = pool_proportion(share, 80, method=method, df_complete=79)
        second = pool_proportion(1 - share, 80, method=method, df_complete=79)
        close([second.estimate, second.conf_low], [1 - first.estimate, 1 - first.conf_high])
        assert 0 < first.conf_low < first.estimate < first.conf_high < 1
    r = np.tanh(q / 4)
    close(pool_correlation(-r, 50).conf_low, -pool_correlation(r, 50).conf_high)
    close(pool_correlation(r, 50).p_value, pool_correlation(-r, [50] * 12).p_value)


def test_a_proportion_that_never_varies_is_wilsons() -> None:
    from statsmodels.stats.proportion import proportion_confint

    for share in (0.0, 0.2, 1.0):
        e = pool_proportion([share] * 6, 40)
        close([e.conf_low, e.conf_high], proportion_confint(share * 40, 40, method="wilson"))
        assert (e.std_error is None) == (share in (0, 1))


def test_very_wide_intervals_stay_intervals() -> None:
    e = pool_ratio([1e-200, 1e200], [30.0, 30.0])
    assert (e.conf_low, e.conf_high) == (0.0, inf)
    e = pool_proportion([1e-9, 1 - 1e-9], 3, method="logit")
    assert 0 <= e.conf_low < e.conf_high <= 1


@pytest.mark.parametrize("df", [None, 60])
@pytest.mark.parametrize("seed", SEEDS)
def test_joint_test_is_of_the_hypothesis(seed: int, df: Any) -> None:
    """Any full-rank recombination of the parameters gives the same F, df and p."""
    q, u = several(seed)
    e = pool_joint(q, u, df_complete=df)
    mix = np.random.default_rng(seed).normal(size=(3, 3)) * [1, 100, 0.01]
    other = pool_joint(q @ mix.T, mix @ u @ mix.T, df_complete=df)
    names = ("statistic", "df", "p_value", "riv")
    close([getattr(other, n) for n in names], [getattr(e, n) for n in names], rtol=1e-6)
    turned = pool_joint(q[::-1], u[::-1], df_complete=df)
    close(turned.p_value, e.p_value)


def test_one_parameter_is_the_square_of_t() -> None:
    q, s = numbers(1, m=40)
    e, joint = pool(q, s), pool_joint(q[:, None], (s**2)[:, None, None])
    close(joint.statistic, (e.statistic or 0) ** 2)
    close([joint.riv, joint.coefficients[0]], [e.riv, e.estimate])


def test_nothing_missing_is_the_test_of_one_table() -> None:
    q, u = several(1, m=1)
    one = float(q[0] @ np.linalg.solve(u[0], q[0])) / 3
    copies = pool_joint(np.repeat(q, 6, axis=0), np.repeat(u, 6, axis=0))
    close([copies.statistic, copies.riv], [one, 0], rtol=1e-9)
    assert copies.df == inf
    close(pool_joint(np.repeat(q, 6, 0), np.repeat(u, 6, 0), df_complete=50).df, 51 / 53 * 50)
    for e in (
        pool_statistics([3 * one] * 6, parameters=3),
        pool_likelihoods([3 * one] * 6, [3 * one] * 6, parameters=3),
    ):
        close([e.statistic, e.p_value], [one, copies.p_value], rtol=1e-9)


def test_d2_may_fall_below_zero_and_d3_may_not_inflate() -> None:
    e = pool_statistics([0.01, 9.0, 0.02, 8.0], parameters=1)
    assert (e.statistic or 0) < 0 and e.p_value == 1
    e = pool_likelihoods([2.0, 2.1], [2.2, 2.3], parameters=2)
    assert e.riv == 0 and "negative" in e.notes[0]


def _coverage(runs: int, share: float, n: int, seed: int) -> tuple[float, float]:
    """Return how often Wilson's kind and the logit hold the truth, 30% missing at random."""
    rng = np.random.default_rng(seed)
    held = np.zeros((runs, 2))
    for run in range(runs):
        seen = rng.binomial(n - n * 3 // 10, share)
        chance = rng.beta(seen + 0.5, n - n * 3 // 10 - seen + 0.5, 20)
        shares = (seen + rng.binomial(n * 3 // 10, chance)) / n
        inside = np.clip(shares, 0.5 / n, 1 - 0.5 / n)
        for place, (values, method) in enumerate(((shares, "wilson"), (inside, "logit"))):
            e = pool_proportion(values, n, method=method, df_complete=n - 1)
            held[run, place] = e.conf_low <= share <= e.conf_high
    wilson, logit = held.mean(axis=0)
    return float(wilson), float(logit)


def test_proportions_are_covered() -> None:
    wilson, logit = _coverage(250, 0.15, 60, seed=5)
    assert 0.92 < wilson <= 0.99 and 0.92 < logit <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.05, 0.15, 0.5])
@pytest.mark.parametrize("n", [40, 100])
def test_proportions_are_covered_in_full(share: float, n: int) -> None:
    wilson, logit = _coverage(4000, share, n, seed=6)
    assert 0.93 < wilson < 0.985 and 0.93 < logit < 0.995


def _mean_coverage(runs: int, n: int, seed: int) -> float:
    """Return the coverage of a mean, 40% missing at random given a covariate, drawn properly."""
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(runs):
        x = rng.normal(size=n)
        y = 1 + x + rng.normal(size=n)
        gone = rng.random(n) < 1 / (1 + np.exp(0.5 - x))
        design = np.column_stack([np.ones(n), x])
        inner = np.linalg.inv(design[~gone].T @ design[~gone])
        beta = inner @ design[~gone].T @ y[~gone]
        left, spare = y[~gone] - design[~gone] @ beta, (~gone).sum() - 2
        spread = np.sqrt(left @ left / rng.chisquare(spare, 20))
        draws = beta + spread[:, None] * (rng.normal(size=(20, 2)) @ np.linalg.cholesky(inner).T)
        filled = np.tile(y, (20, 1))
        noise = spread[:, None] * rng.normal(size=(20, gone.sum()))
        filled[:, gone] = draws @ design[gone].T + noise
        errors = filled.std(axis=1, ddof=1) / np.sqrt(n)
        e = pool(filled.mean(axis=1), errors, df_complete=n - 1)
        held += bool(e.conf_low <= 1 <= e.conf_high)
    return held / runs


def test_means_are_covered() -> None:
    assert 0.92 < _mean_coverage(250, 40, seed=7) < 0.98


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 40, 200])
def test_means_are_covered_in_full(n: int) -> None:
    assert 0.935 < _mean_coverage(4000, n, seed=8) < 0.965
