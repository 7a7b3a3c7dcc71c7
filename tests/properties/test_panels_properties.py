"""What must hold of panels and roll-outs, whatever the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.panels.absorbing import Absorbed, effects
from evalkit.stats.panels.cells import Sides, change_effect
from evalkit.stats.panels.cross_sections import Sections, section_effect
from evalkit.stats.panels.event_regressions import event_study_regression
from evalkit.stats.panels.fixed_effects import two_way_fixed_effects
from evalkit.stats.panels.forbidden_comparisons import bacon_weights
from evalkit.stats.panels.group_time import group_time_effects
from evalkit.stats.panels.summaries import Shares
from evalkit.stats.panels.two_by_two import difference_in_differences

CALL = {"outcome": "y", "unit": "id", "period": "t", "first_treated": "g"}
KINDS = ("simple", "group", "dynamic", "calendar")


def roll_out(seed: int, units: int = 60, never: float = 0.4, periods: int = 6) -> pd.DataFrame:
    """Return units of four groups with effects that differ by group and grow with time."""
    rng = np.random.default_rng(seed)
    starts = rng.choice([0, 3, 4, 5], units, p=[never, *[(1 - never) / 3] * 3])
    starts[:8] = [0, 0, 3, 3, 4, 4, 5, 5]
    frame = pd.DataFrame({"id": np.repeat(np.arange(units), periods)})
    frame["t"] = np.tile(np.arange(1, periods + 1), units)
    frame["g"] = starts[frame["id"]]
    frame["x"] = rng.normal(size=units)[frame["id"]]
    frame["w"] = rng.uniform(0.5, 2, units)[frame["id"]]
    frame["area"] = frame["id"] % 15
    frame["on"] = ((frame["g"] > 0) & (frame["t"] >= frame["g"])).astype(int)
    frame["y"] = rng.normal(size=units)[frame["id"]] + 0.2 * frame["t"] * (1 + frame["x"])
    frame["y"] += truth(frame) + rng.normal(size=len(frame))
    return frame


def truth(frame: pd.DataFrame) -> Any:
    """Return each row's effect: large and growing for those who start early."""
    size = frame["g"].map({0: 0.0, 3: 1.0, 4: 0.4, 5: 0.1})
    return frame["on"] * size * (frame["t"] - frame["g"] + 1)


def numbers(e: Any) -> Any:
    """Return everything that an analysis of a roll-out says in numbers, NaN where nothing is."""
    frame = e.to_frame()
    found = [*frame["estimate"], *frame["std_error"]]
    for kind in KINDS:
        whole = e.overall(kind)
        found += [whole.estimate, whole.std_error]
        found += [x for part in whole.parts for x in (part.estimate, part.std_error)]
    return np.array([*found, e.pretrend.statistic, e.pretrend.p_value], dtype=float)


def close(found: Any, expected: Any, rtol: float = 1e-8, atol: float = 1e-10) -> None:
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


WAYS: list[dict[str, Any]] = [
    {},
    {"covariates": "x", "comparison": "not-yet", "cluster": "area"},
    {"covariates": "x", "method": "weighting", "weights": "w", "base": "universal"},
    {"covariates": "x", "panel": False, "cluster": "area"},
]


@pytest.mark.parametrize("options", WAYS, ids=["plain", "not-yet", "weighted", "sections"])
def test_order_labels_and_units_of_measurement(options: dict[str, Any]) -> None:
    frame = roll_out(1)
    before = group_time_effects(frame, **CALL, **options)
    mixed = frame.sample(frac=1, random_state=3).assign(
        id=lambda d: (d["id"] * 37 % 101).map("unit {}".format),
        area=lambda d: d["area"].map("area {}".format),
    )
    close(numbers(group_time_effects(mixed, **CALL, **options)), numbers(before))
    scaled = frame.assign(y=5 - 3 * frame["y"], t=frame["t"] + 2000, x=1e3 * frame["x"] - 7)
    scaled["g"] = np.where(scaled["g"] > 0, scaled["g"] + 2000, 0)
    after = group_time_effects(scaled, **CALL, **options)
    close(after.to_frame()["estimate"], -3 * before.to_frame()["estimate"])
    for kind in KINDS:
        close(after.overall(kind).std_error, 3 * before.overall(kind).std_error)
    close(after.pretrend.statistic, before.pretrend.statistic)
    close(after.pretrend.slope_80, 3 * before.pretrend.slope_80)


def test_doubling_every_unit_halves_the_variance() -> None:
    frame = roll_out(2)
    twice = pd.concat([frame, frame.assign(id=frame["id"] + 1000)])
    once, doubled = (group_time_effects(f, **CALL, covariates="x") for f in (frame, twice))
    close(doubled.to_frame()["estimate"], once.to_frame()["estimate"])
    for kind in KINDS:
        close(doubled.overall(kind).std_error, once.overall(kind).std_error / np.sqrt(2))
    by_pair = group_time_effects(twice.assign(pair=twice["id"] % 1000), **CALL, covariates="x",
                                 cluster="pair")  # fmt: skip
    close(by_pair.overall("group").std_error, once.overall("group").std_error)


def test_weights_are_copies() -> None:
    frame = roll_out(3)
    frame["w"] = 1 + frame["id"] % 3
    copies = pd.concat([frame[frame["w"] > k].assign(id=lambda d, k=k: d["id"] + 1000 * k)
                        for k in range(3)])  # fmt: skip
    for options in ({"covariates": "x"}, {"covariates": "x", "panel": False}):
        weighted = group_time_effects(frame, **CALL, weights="w", **options)
        copied = group_time_effects(copies, **CALL, **options)
        close(weighted.to_frame()["estimate"], copied.to_frame()["estimate"])
        for kind in KINDS:
            close(weighted.overall(kind).estimate, copied.overall(kind).estimate)


@pytest.mark.parametrize("method", ["doubly-robust", "regression", "weighting"])
def test_influence_is_the_derivative_in_a_weight(method: str) -> None:
    """So errors count every step of the estimate, also the models of outcome and propensity."""
    rng = np.random.default_rng(5)
    n, step = 40, 1e-4
    treated, after = np.tile([1.0, 0, 0, 1], 10), np.repeat([1.0, 0], 20)
    matrix = np.column_stack([np.ones(n), rng.normal(size=(n, 2)) + 0.3 * treated[:, None]])
    outcome, weights = rng.normal(size=n) + matrix[:, 1] * after, rng.uniform(0.5, 2, n)

    def panel(w: Any) -> tuple[float, Any]:
        return change_effect(Sides(treated, w, matrix), outcome, method)

    def sections(w: Any) -> tuple[float, Any]:
        return section_effect(Sections(treated, after, outcome, w, matrix), method)

    for way in (panel, sections):
        influence = way(weights)[1]
        close(influence.sum(), 0, atol=1e-8)
        for row in range(0, n, 7):
            nudge = np.zeros(n)
            nudge[row] = step * weights[row]
            slope = (way(weights + nudge)[0] - way(weights - nudge)[0]) / (2 * step)
            close(influence[row] / n, slope, rtol=1e-5, atol=1e-7)


def test_influence_of_estimated_shares() -> None:
    rng = np.random.default_rng(6)
    starts = rng.choice([3.0, 4.0, np.inf], 30)
    weights, values = np.ones(30), np.array([1.0, 5.0, 2.0])
    groups, nothing = np.array([3.0, 4.0, 4.0]), np.zeros((3, 30))

    def mean(w: Any) -> tuple[float, Any, Any]:
        return Shares((3.0, 4.0), starts, w).average(values, nothing, groups)

    for row in range(5):
        nudge = np.zeros(30)
        nudge[row] = 1e-5
        slope = (mean(weights + nudge)[0] - mean(weights - nudge)[0]) / 2e-5
        close(mean(weights)[1][row] / 30, slope, rtol=1e-6)


def test_covariates_that_say_nothing_change_nothing() -> None:
    frame = roll_out(7)
    frame["same"] = 1
    plain = group_time_effects(frame, **CALL)
    for method in ("doubly-robust", "regression", "weighting", "improved"):
        e = group_time_effects(frame, **CALL, covariates="same", method=method)
        close(numbers(e), numbers(plain))
        assert "'same' has one value" in e.notes[-1]


def test_every_row_is_used_or_counted() -> None:
    frame = roll_out(8)
    frame["g"] = frame["g"].where(frame["id"] != 0, 1).astype(float)  # treated from the start
    frame.loc[frame["id"] == 1, "g"] = np.nan
    frame.loc[frame["id"] == 9, "g"] = 99
    frame.loc[frame.index[[40, 200]], "y"] = np.nan
    frame = frame.drop(index=frame.index[[100, 101, 180]])
    counts = {}
    for holes in ("balanced", "pairs", "cross-sections"):
        e = group_time_effects(frame, **CALL, holes=holes)
        assert e.n_rows + e.n_dropped == len(frame)
        assert sum(count for _, count in e.dropped_why) == e.n_dropped
        counts[holes] = dict(e.dropped_why)
        assert any("Never treated" in note and "no value" in note for note in e.notes)
    early = "a unit treated in or before the first period"
    assert counts["pairs"] == counts["cross-sections"] == {"no outcome": 2, early: 6}
    lost = counts["balanced"].pop("a unit not seen in every period")
    assert lost == 5 + 5 + 4 + 5
    assert counts["balanced"] == counts["pairs"]
    balanced = group_time_effects(frame, **CALL)
    assert any("4 of 59 units are not seen in every one" in note for note in balanced.notes)


def test_those_who_may_anticipate_a_later_start_are_not_compared_with() -> None:
    frame = roll_out(22)
    frame["g"] = frame["g"].where(frame["id"] % 5 != 0, 7)
    count = int((frame["g"] == 7).sum())
    e = group_time_effects(frame, **CALL, anticipation=1)
    assert e.dropped_why[0] == ("a unit that may anticipate a start after the last period", count)
    close(numbers(e), numbers(group_time_effects(frame[frame["g"] != 7], **CALL, anticipation=1)))
    assert group_time_effects(frame, **CALL).n_dropped == 0


@pytest.mark.parametrize("kind", ["polars", "nullable", "categories"])
def test_any_kind_of_frame(kind: str) -> None:
    frame = roll_out(23)
    frame["id"] = frame["id"].map("unit {:02d}".format)
    other: Any = frame.convert_dtypes() if kind == "nullable" else frame
    if kind == "categories":
        other = frame.astype({"id": "category"})
    if kind == "polars":
        other = pytest.importorskip("polars").from_pandas(frame)
    one, two = (
        group_time_effects(f, **CALL, covariates="x", cluster="area") for f in (frame, other)
    )
    close(numbers(two), numbers(one))
    call = {"outcome": "y", "treatment": "on", "unit": "id", "period": "t"}
    fixed = [two_way_fixed_effects(f, **call, cluster="area") for f in (frame, other)]
    close([fixed[1].estimate, fixed[1].std_error], [fixed[0].estimate, fixed[0].std_error])
    assert {c.treated for c in fixed[1].bacon.comparisons} == {3, 4, 5}  # type: ignore[union-attr]


def test_a_full_panel_is_the_same_by_pairs() -> None:
    frame = roll_out(9)
    one, other = (
        group_time_effects(frame, **CALL, covariates="x", holes=h) for h in ("balanced", "pairs")
    )
    close(numbers(one), numbers(other))
    sections = group_time_effects(frame, **CALL, holes="cross-sections")
    plain = group_time_effects(frame, **CALL)
    close(numbers(sections), numbers(plain))  # without covariates rows of a unit add up


def test_a_status_column_says_the_same_as_starts() -> None:
    frame = roll_out(10)
    by_start = group_time_effects(frame, **CALL)
    call = {key: value for key, value in CALL.items() if key != "first_treated"}
    close(numbers(group_time_effects(frame, **call, treatment="on")), numbers(by_start))


def test_nobody_never_treated() -> None:
    """The last to start serve until they do; periods from then on are left out and counted."""
    frame = roll_out(11)
    frame = frame[frame["g"] > 0]
    e = group_time_effects(frame, **CALL, comparison="not-yet")
    assert set(e.groups) == {3, 4}
    assert e.to_frame()["period"].max() == 4
    assert dict(e.dropped_why) == {"a period in which every unit is treated": len(frame) // 3}
    cut = frame[frame["t"] < 5].assign(g=lambda d: d["g"].replace(5, 0))
    close(numbers(e), numbers(group_time_effects(cut, **CALL, comparison="not-yet")))


def test_bands_hold_for_all_and_come_from_the_seed() -> None:
    frame = roll_out(12)
    first, again = (group_time_effects(frame, **CALL, seed=4) for _ in range(2))
    assert first.to_frame().equals(again.to_frame())
    assert first.event_study().to_frame().equals(again.event_study().to_frame())
    mixed = group_time_effects(frame.sample(frac=1, random_state=1), **CALL, seed=4)
    close(mixed.critical_value, first.critical_value, rtol=1e-12)
    none, rademacher = (
        group_time_effects(frame, **CALL, **o)
        for o in ({}, {"seed": 4, "multipliers": "rademacher"})
    )
    assert 1.96 < first.critical_value < none.critical_value + 0.1
    assert abs(rademacher.critical_value - first.critical_value) < 0.3
    for row in first.effects:
        assert row.band_low < row.conf_low < row.estimate < row.conf_high < row.band_high


def test_summaries_are_averages_of_the_effects() -> None:
    e = group_time_effects(roll_out(13), **CALL)
    frame, sizes = e.to_frame(), pd.Series(e.groups)
    after = frame[frame["relative"] >= 0]
    weights = after["group"].map(sizes)
    close(e.overall().estimate, np.average(after["estimate"], weights=weights))
    by_group = after.groupby("group")["estimate"].mean()
    close(e.overall("group").estimate, np.average(by_group, weights=sizes[by_group.index]))
    at_two = after[after["relative"] == 1]
    study = e.event_study()
    close(next(r.estimate for r in study.effects if r.relative == 1),
          np.average(at_two["estimate"], weights=at_two["group"].map(sizes)))  # fmt: skip
    balanced = e.event_study(balance=2)
    assert [r.relative for r in balanced.effects if r.relative >= 0] == [0, 1, 2]


# --- Regressions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("holes", [0, 60])
def test_effects_are_taken_out_exactly(holes: int) -> None:
    rng = np.random.default_rng(14)
    unit, period = np.repeat(np.arange(30), 7), np.tile(np.arange(7), 30)
    keep = np.sort(rng.permutation(210)[holes:])
    mixed = rng.permutation(keep)
    unit, period = unit[mixed], period[mixed]
    values = rng.normal(size=len(mixed)) + 1e3 * rng.normal(size=30)[unit]
    left = Absorbed(effects(unit, 30, period, 7)).residuals(values)
    close([np.abs(np.bincount(unit, left)).max(), np.abs(np.bincount(period, left)).max()], 0)
    dummies = np.hstack([np.eye(30)[unit], np.eye(7)[period]])
    close(left, values - dummies @ np.linalg.lstsq(dummies, values, rcond=None)[0], atol=1e-8)


def test_two_periods_agree_in_every_way() -> None:
    frame = roll_out(15)
    frame = frame[frame["t"].isin([2, 6])]
    call = {"outcome": "y", "treatment": "on", "unit": "id", "period": "t"}
    plain, fixed = (
        difference_in_differences(frame, **call),
        two_way_fixed_effects(frame, **call, se="CR2"),
    )
    close([plain.estimate, plain.std_error, plain.df], [fixed.estimate, fixed.std_error, fixed.df])
    turned = frame.assign(arm=lambda d: (d["g"] == 0).astype(int))
    other = difference_in_differences(turned, **call | {"treatment": "arm"})
    close([other.estimate, other.std_error, other.df], [-plain.estimate, plain.std_error, plain.df])
    together = frame.assign(g=np.where(frame["g"] > 0, 6, 0))
    gt = group_time_effects(together, **CALL)
    n1, n0 = plain.n_treatment, plain.n_comparison
    close(gt.effects[0].estimate, plain.estimate)
    changes = frame.sort_values("t").groupby("id")["y"].agg(lambda v: v.iloc[1] - v.iloc[0])
    arm = frame.groupby("id")["g"].first() > 0
    expected = np.sqrt(changes[arm].var(ddof=0) / n1 + changes[~arm].var(ddof=0) / n0)
    close(gt.effects[0].std_error, expected)


def test_lost_units_are_counted_before_and_after() -> None:
    frame = roll_out(16)
    frame = frame[frame["t"].isin([2, 6])].assign(arm=lambda d: (d["g"] > 0).astype(int))
    fewer = frame.drop(index=frame.index[[3, 50, 61]])
    call = {"outcome": "y", "treatment": "arm", "unit": "id", "period": "t"}
    e = difference_in_differences(fewer, **call)
    assert dict(e.dropped_why) == {"a unit seen in one period only": 3}
    assert e.n_rows + e.n_dropped == len(fewer)
    gone = frame[~frame["id"].isin(frame.iloc[[3, 50, 61]]["id"])]
    close(e.estimate, difference_in_differences(gone, **call).estimate)


@pytest.mark.parametrize("seed", [17, 18])
def test_comparisons_add_up_to_the_two_way_estimate(seed: int) -> None:
    frame = roll_out(seed)
    frame["g"] = frame["g"].where(frame["id"] % 9 != 8, 1)  # some treated throughout
    frame["on"] = ((frame["g"] > 0) & (frame["t"] >= frame["g"])).astype(int)
    call = {"outcome": "y", "treatment": "on", "unit": "id", "period": "t"}
    b, e = bacon_weights(frame, **call), two_way_fixed_effects(frame, **call)
    close([b.estimate, sum(c.weight for c in b.comparisons)], [e.estimate, 1])
    assert all(c.weight > 0 for c in b.comparisons)
    assert {k.kind for k in b.kinds if k.forbidden} == {
        "later vs earlier treated",
        "treated vs always treated",
    }
    close(e.bacon.share_forbidden, b.share_forbidden)  # type: ignore[union-attr]


def test_nothing_to_warn_of_when_all_start_together() -> None:
    frame = roll_out(19)
    frame["on"] = ((frame["g"] > 0) & (frame["t"] >= 4)).astype(int)
    call = {"outcome": "y", "treatment": "on", "unit": "id", "period": "t"}
    for table in (frame, frame.drop(index=frame.index[[20, 33]])):
        e = two_way_fixed_effects(table, **call)
        assert e.warning is None
        assert e.bacon is None
    assert bacon_weights(frame, **call).share_forbidden == 0


def test_a_unit_seen_once_says_nothing() -> None:
    frame = roll_out(20)
    lone = frame.drop(index=frame.index[1:6])
    call = {"outcome": "y", "treatment": "on", "unit": "id", "period": "t"}
    e, rest = two_way_fixed_effects(lone, **call), two_way_fixed_effects(frame.iloc[6:], **call)
    assert e.dropped_why == (("a unit seen in one period only", 1),)
    close([e.estimate, e.std_error], [rest.estimate, rest.std_error])


def test_interaction_weights_give_the_universal_base_effects() -> None:
    frame = roll_out(21)
    regression = event_study_regression(frame, **CALL).to_frame()
    study = group_time_effects(frame, **CALL, base="universal").event_study().to_frame()
    study = study[study["relative"] != -1]
    close(regression["estimate"], study["estimate"])


# --- What two-way fixed effects get wrong, and effects by group and period get right ---------------


def simulated(runs: int, units: int) -> tuple[Any, Any, Any, float]:
    """Return estimates of both, whether the interval and the bands hold the truth, and the truth."""
    found, hits = [], []
    for run in range(runs):
        frame = roll_out(1000 + run, units, never=0.15)
        frame["y"] = frame["y"] - 0.2 * frame["t"] * frame["x"]
        effect = truth(frame)
        e = group_time_effects(frame, **CALL, comparison="not-yet", seed=run, bootstrap=400)
        whole = e.overall("simple")
        actual = effect[frame["on"] == 1].mean()
        cells = e.to_frame()
        true = effect.groupby([frame["g"], frame["t"]]).first()
        true = np.array([true[g, t] for g, t in zip(cells["group"], cells["period"], strict=True)])
        inside = bool(np.all((cells["band_low"] <= true) & (true <= cells["band_high"])))
        hits.append([whole.conf_low <= actual <= whole.conf_high, inside])
        fixed = two_way_fixed_effects(frame, outcome="y", treatment="on", unit="id", period="t")
        found.append([whole.estimate - actual, fixed.estimate - actual,
                      fixed.conf_low <= actual <= fixed.conf_high])  # fmt: skip
    return np.array(found), np.array(hits), actual, runs


def areas(seed: int, starts: list[int], families: int = 8) -> pd.DataFrame:
    """Return families in areas that share shocks and start together; the effect is 0.5."""
    rng = np.random.default_rng(seed)
    count = len(starts) * families
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(count), 5), "t": np.tile(np.arange(1, 6), count)}
    )
    frame["area"] = frame["id"] // families
    frame["g"] = np.array(starts)[frame["area"]]
    shocks = 0.15 * rng.normal(size=(len(starts), 5)).cumsum(axis=1)
    frame["y"] = rng.normal(size=count)[frame["id"]] + shocks[frame["area"], frame["t"] - 1]
    frame["y"] += 0.5 * ((frame["g"] > 0) & (frame["t"] >= frame["g"])) + rng.normal(
        size=len(frame)
    )
    return frame


def held(runs: int) -> Any:
    """Return how often t intervals, and normal ones, hold the effect in ten areas."""
    hits = []
    for run in range(runs):
        e = group_time_effects(areas(run, [0] * 4 + [3] * 3 + [4] * 3), **CALL, cluster="area")
        whole = e.overall("simple")
        assert 2 <= whole.df <= 9
        hits.append([whole.conf_low <= 0.5 <= whole.conf_high,
                     abs(whole.estimate - 0.5) <= 1.96 * whole.std_error])  # fmt: skip
    return np.mean(hits, axis=0)


def test_few_areas_have_wider_intervals() -> None:
    few, normal = held(40)
    assert few > 0.85
    assert few >= normal


@pytest.mark.slow
def test_coverage_of_few_areas() -> None:
    few, normal = held(1500)
    assert 0.925 < few < 0.97
    assert normal < 0.9


def test_two_way_fixed_effects_fail_where_effects_differ() -> None:
    found, hits, actual, _ = simulated(25, 240)
    assert abs(found[:, 0].mean()) < 0.06
    assert found[:, 1].mean() < -0.3 * actual
    assert found[:, 2].mean() < 0.2
    assert hits.mean(axis=0).min() > 0.8


@pytest.mark.slow
def test_coverage() -> None:
    found, hits, actual, runs = simulated(1000, 240)
    assert abs(found[:, 0].mean()) < 4 * found[:, 0].std() / np.sqrt(runs)
    assert 0.925 < hits[:, 0].mean() < 0.97
    assert 0.91 < hits[:, 1].mean() < 0.975
    assert found[:, 1].mean() < -0.3 * actual
    assert found[:, 2].mean() < 0.05


def test_the_pretrend_test_finds_what_it_says() -> None:
    """A linear trend of the size called detectable is found about four times in five."""
    e = group_time_effects(roll_out(30, 300), **CALL)
    slope, hits = e.pretrend.slope_80, []
    for run in range(60):
        frame = roll_out(2000 + run, 300)
        frame["y"] += slope * frame["t"] * (frame["g"] > 0)
        hits.append(group_time_effects(frame, **CALL).pretrend.p_value < 0.05)
    assert 0.6 < np.mean(hits) < 0.95
