"""What must hold of change over time, and of shares of variance, whatever the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, EvalkitError, InvalidInput
from evalkit.stats.clusters.sites import multisite_difference
from evalkit.stats.over_time.growth import growth_difference
from evalkit.stats.sizes.variance_shares import one_way_effects

CALL = {"outcome": "y", "treatment": "arm", "person": "id", "time": "t"}
KEPT = (
    "estimate",
    "std_error",
    "df",
    "p_value",
    "variance_slope",
    "variance_within",
    "log_likelihood",
)


def people(seed: int, slope: float = 0.5) -> pd.DataFrame:
    """Return people at four uneven times, some rows gone."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(24), 4)
    frame = pd.DataFrame({"id": person, "arm": (person * 7 % 24 < 12).astype(int)})
    frame["t"] = np.tile([0.0, 1.0, 3.0, 6.0], 24) + rng.integers(0, 3, len(frame)) / 4
    frame["age"] = rng.normal(40, 9, 24)[person]
    lines = rng.normal(size=24)[person] * 2 + rng.normal(size=24)[person] * slope * frame["t"]
    frame["y"] = 10 + lines + 0.3 * frame["arm"] * frame["t"] + rng.normal(size=len(frame))
    return frame.drop(index=frame.index[rng.choice(96, 12, replace=False)]).reset_index(drop=True)


def numbers(e: Any, names: tuple[str, ...] = KEPT) -> list[float]:
    return [getattr(e, name) for name in names]


def close(found: Any, expected: Any, rtol: float = 1e-6) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-9)


@pytest.mark.parametrize("seed", [1, 2])
def test_swapping_the_arms_turns_the_sign(seed: int) -> None:
    frame = people(seed)
    e = growth_difference(frame, **CALL, covariates="age")
    o = growth_difference(frame.assign(arm=1 - frame["arm"]), **CALL, covariates="age")
    close(numbers(o, KEPT[1:]), numbers(e, KEPT[1:]))
    close([-o.estimate, o.change_treatment], [e.estimate, e.change_comparison])
    assert (o.n_treatment, o.n_comparison) == (e.n_comparison, e.n_treatment)


@pytest.mark.parametrize("seed", [1, 2])
def test_order_and_labels_mean_nothing(seed: int) -> None:
    frame = people(seed)
    e = growth_difference(frame, **CALL)
    mixed = frame.sample(frac=1, random_state=seed)
    mixed = mixed.assign(
        id=mixed["id"].map(lambda k: f"x{k * 37 % 101}"), arm=mixed["arm"].map("nt".__getitem__)
    )
    close(numbers(growth_difference(mixed, **CALL, treated="t")), numbers(e))


def test_units_and_origin_of_time_and_outcome() -> None:
    """In twelfths from another origin, and with the outcome doubled and lifted by a million."""
    frame = people(3)
    e = growth_difference(frame, **CALL)
    o = growth_difference(frame.assign(t=frame["t"] * 12 + 24000), **CALL)
    close([o.estimate * 12, o.std_error * 12, o.df, o.p_value], numbers(e, KEPT[:4]))
    close([o.variance_slope * 144, o.variance_within], [e.variance_slope, e.variance_within])
    level = e.variance_intercept - 48000 / 12 * e.covariance + 2000**2 * e.variance_slope
    close(o.variance_intercept, level)
    assert any("subtract the first time" in note for note in o.notes) and not e.notes
    o = growth_difference(frame.assign(y=2 * frame["y"] + 1e6), **CALL)
    close([o.estimate / 2, o.std_error / 2, o.df, o.p_value], numbers(e, KEPT[:4]))


def test_everybody_at_the_same_times_is_a_comparison_of_slopes() -> None:
    """Balanced: the estimate is the difference in mean slope, its error and df the t test's."""
    rng = np.random.default_rng(5)
    person, t = np.repeat(np.arange(20), 4), np.tile([0.0, 1, 2, 5], 20)
    y = rng.normal(size=20)[person] + rng.normal(size=20)[person] * t + rng.normal(size=80) / 2
    frame = pd.DataFrame({"id": person, "arm": person % 2, "t": t, "y": y})
    e = growth_difference(frame, **CALL)
    slopes = np.array([np.polyfit(t[:4], y[person == k], 1)[0] for k in range(20)])
    one, two = slopes[1::2], slopes[::2]
    close([e.change_treatment, e.change_comparison], [one.mean(), two.mean()])
    close(e.std_error**2, (one.var(ddof=1) + two.var(ddof=1)) / 10)
    close(e.df, 18)


def test_total_variance_is_the_mean_over_rows() -> None:
    """The same fit with the arm in place of time: a trial within sites."""
    rng = np.random.default_rng(8)
    site = np.repeat(np.arange(12), 8)
    arm = rng.integers(0, 2, 96)
    y = rng.normal(size=12)[site] * 2 + rng.normal(size=12)[site] * 3 * arm + rng.normal(size=96)
    frame = pd.DataFrame({"site": site, "arm": arm, "y": y})
    e = multisite_difference(frame, outcome="y", treatment="arm", site="site")
    close(e.variance_total, e.variance_within + np.mean(
        e.variance_between + arm * (2 * e.covariance + e.variance_effect)))  # fmt: skip


def test_rows_that_came_in_are_used_or_counted() -> None:
    frame = people(4)
    frame.loc[[0, 5], "y"] = np.nan
    frame.loc[7, "t"] = np.nan
    frame = pd.concat([frame, pd.DataFrame({"id": [None], "arm": [1], "t": [2.0], "y": [3.0]})])
    once = pd.DataFrame({"id": [99], "arm": [1], "t": [2.0], "y": [11.0]})
    e = growth_difference(pd.concat([frame, once], ignore_index=True), **CALL)
    assert e.n_rows + e.n_dropped == len(frame) + 1
    assert dict(e.dropped_why) == {"no outcome": 2, "no time": 1, "no person": 1}
    assert e.n_once == 1 and any("one time only" in note for note in e.notes)
    assert e.n_treatment + e.n_comparison == 25


def _twice(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, frame.iloc[[3]]])


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (_twice, InvalidInput, "repeat a person"),
        (lambda f: f.assign(arm=np.where(f.index == 0, 1 - f["arm"], f["arm"])), InvalidInput, "one arm a person"),
        (lambda f: f.assign(arm=f["arm"] + 1), InvalidInput, "treated="),
        (lambda f: f.assign(t=pd.Timestamp("2024-01-01")), InvalidInput, "numbers"),
        (lambda f: f[(f["arm"] == 0) | (f["id"] == f.loc[f["arm"] == 1, "id"].iloc[0])], CannotEstimate, "1 person"),
        (lambda f: f.assign(y=4.0), CannotEstimate, "does not vary"),
        (lambda f: f.assign(y=f["id"] + 0.1 * f["id"] * f["t"]), CannotEstimate, "straight line"),
        (lambda f: f.groupby("id").head(2), CannotEstimate, "three times"),
        (lambda f: f.groupby("id").head(1), CannotEstimate, "two times or more"),
        (lambda f: f.assign(t=np.where(f["arm"] == 1, 2.0 + 0 * f["t"], f["t"])).drop_duplicates(["id", "t"]), CannotEstimate, "one value of 't'"),
        (lambda f: f.assign(age=f["t"] * 2 + 1), CannotEstimate, "determined by"),
        (lambda f: f.assign(age=f["arm"] * 2 + 1), CannotEstimate, "determined by"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_refused(change: Any, error: type[EvalkitError], says: str) -> None:
    with pytest.raises(error, match=says):
        growth_difference(change(people(6)), **CALL, covariates="age")


# --- Shares of variance ---------------------------------------------------------------------------


def groups(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = np.repeat([3, 1, 2], [9, 14, 11])
    return pd.DataFrame({"arm": arm, "x": rng.normal(size=34), "y": arm + rng.normal(size=34) * 2})


FIELDS = ("estimate", "conf_low", "conf_high", "omega_squared", "epsilon_squared", "statistic",
          "p_value", "welch_statistic", "welch_df", "welch_p")  # fmt: skip


def test_order_labels_and_units_mean_nothing() -> None:
    frame = groups(1)
    expected = numbers(one_way_effects(frame, outcome="y", arm="arm"), FIELDS)
    mixed = frame.sample(frac=1, random_state=2)
    mixed = mixed.assign(arm=mixed["arm"].map({1: "z", 2: "m", 3: "a"}), y=mixed["y"] * -5 + 1e5)
    close(numbers(one_way_effects(mixed, outcome="y", arm="arm"), FIELDS), expected)


def test_shares_are_ordered_and_the_lower_limit_goes_with_the_test() -> None:
    for seed in range(12):
        e = one_way_effects(groups(seed), outcome="y", arm="arm", level=0.90)
        assert 0 <= e.omega_squared <= e.epsilon_squared <= e.estimate <= 1
        assert e.conf_low <= e.estimate <= e.conf_high
        assert (e.conf_low > 0) == (e.p_value < 0.05)


def test_two_arms_are_the_t_tests() -> None:
    from scipy.stats import ttest_ind

    frame = groups(4).query("arm != 2")
    e = one_way_effects(frame, outcome="y", arm="arm")
    arms = [frame.loc[frame["arm"] == k, "y"] for k in (1, 3)]
    plain, welch = ttest_ind(*arms), ttest_ind(*arms, equal_var=False)
    close([e.statistic, e.p_value], [plain.statistic**2, plain.pvalue])
    close([e.welch_statistic, e.welch_df, e.welch_p], [welch.statistic**2, welch.df, welch.pvalue])


def test_covariates_and_rows_left_out() -> None:
    frame = groups(5)
    frame.loc[3, "y"] = np.nan
    e = one_way_effects(frame, outcome="y", arm="arm", covariates=["x"])
    assert e.n_rows + e.n_dropped == 34 and e.df == 33 - 4 and sum(e.n_arms) == 33
    assert e.welch_statistic is None and e.adjusted_for == ("x",)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.assign(y=f["arm"] * 2.0), "fit the outcome exactly"),
        (lambda f: f.assign(y=3.0), "does not vary"),
        (lambda f: f.assign(arm=1), "two or more"),
        (lambda f: f.assign(arm=np.where(f.index == 0, 9, f["arm"])), "at least 2"),
    ],
)
def test_layouts_that_tell_nothing_are_refused(change: Any, says: str) -> None:
    with pytest.raises(CannotEstimate, match=says):
        one_way_effects(change(groups(6)), outcome="y", arm="arm")


def test_an_arm_that_does_not_vary_has_no_welch_test() -> None:
    frame = groups(7)
    frame.loc[frame["arm"] == 1, "y"] = 2.0
    e = one_way_effects(frame, outcome="y", arm="arm")
    assert e.welch_statistic is None and e.p_value > 0
    assert any("Welch" in note for note in e.notes)
