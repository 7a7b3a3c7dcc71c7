"""What must hold of joint tests, subgroups, groups in one arm and stepped wedges; refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.categories import diagonal_roots
from evalkit.stats.clusters.mixed_models import mixed_difference
from evalkit.stats.clusters.one_arm_clusters import partially_clustered_difference
from evalkit.stats.clusters.stepped_wedge import stepped_wedge_difference
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.joint_tests import joint_test
from evalkit.stats.least_squares.subgroups import subgroup_effects

quick = settings(deadline=None, max_examples=15)
SEEDS = st.integers(0, 10_000)
SIZE = ("std_error", "df", "p_value")


def near(found: Any, expected: Any, rel: float = 1e-8) -> None:
    assert found == pytest.approx(expected, rel=rel, abs=1e-10)


def same(one: Any, other: Any, names: tuple[str, ...], sign: float = 1.0) -> None:
    for name in names:
        near(getattr(other, name), sign * getattr(one, name), rel=1e-6)


def people(seed: int, *, clusters: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(6, 12, clusters)
    cluster = np.repeat(np.arange(clusters), sizes)
    n = len(cluster)
    frame = pd.DataFrame({"cluster": cluster, "t": cluster % 2, "x": rng.normal(size=n)})
    frame["kind"] = np.arange(n) % 3
    frame["kind"] = frame["kind"].map({0: "a", 1: "b", 2: "c"})
    frame["age"] = rng.integers(20, 60, n)
    frame["y"] = frame["t"] + frame["x"] + rng.normal(0, 1, clusters)[cluster] + rng.normal(size=n)
    return frame


# --- joint tests ---------------------------------------------------------------------------------

JOINT: dict[str, Any] = {"outcome": "y", "terms": ["x", "kind"], "cluster": "cluster"}
TESTED = ("statistic", "df", "p_value")


@quick
@given(SEEDS)
def test_joint_does_not_depend_on_how_it_is_written(seed: int) -> None:
    frame = people(seed)
    one = joint_test(frame, **JOINT, treatment="t")
    same(one, joint_test(frame.sample(frac=1, random_state=seed), **JOINT, treatment="t"), TESTED)
    labels = frame.assign(cluster=frame["cluster"].map(lambda c: f"f{99 - c}"))
    same(one, joint_test(labels, **JOINT, treatment="t"), TESTED)
    scaled = frame.assign(y=1e6 + 50 * frame["y"], x=3 - 1e3 * frame["x"])
    same(one, joint_test(scaled, **JOINT, treatment="t"), TESTED)
    relevelled = frame.assign(kind=frame["kind"].map({"a": "z", "b": "b", "c": "c"}))
    same(one, joint_test(relevelled, **JOINT, treatment="t"), TESTED)


@quick
@given(SEEDS)
def test_joint_of_one_term_is_its_t_test(seed: int) -> None:
    frame = people(seed)
    for cluster in ("cluster", None):
        t = mean_difference(frame, outcome="y", treatment="t", covariates="x", cluster=cluster)
        f = joint_test(
            frame, outcome="y", terms="t", treatment="t", covariates="x", cluster=cluster
        )
        near([f.statistic, f.df, f.p_value], [t.statistic**2, t.df, t.p_value])
        near(f.coefficients, (t.estimate,))


def test_joint_with_one_person_a_cluster_is_unclustered() -> None:
    frame = people(1).assign(cluster=lambda d: np.arange(len(d)))
    same(joint_test(frame, **JOINT), joint_test(frame, **(JOINT | {"cluster": None})), TESTED)


def test_joint_balance_at_baseline_and_who_is_left_out() -> None:
    frame = people(2)
    frame.loc[[0, 1], "x"] = np.nan
    found = joint_test(frame, outcome="t", terms=["x", "age", "kind"], cluster="cluster")
    assert (found.df_numerator, found.n_dropped, found.dropped_why) == (4, 2, (("no x", 2),))
    assert found.n_rows + found.n_dropped == len(frame)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"terms": ()}, InvalidInput, "terms is empty"),
        ({"terms": "nothing"}, InvalidInput, "no such column"),
        ({"se": "classical", "cluster": None}, InvalidInput, "robust variances"),
        ({"test": "wald"}, InvalidInput, "not known"),
        ({"terms": "same"}, CannotEstimate, "nothing to test"),
        ({"terms": "x", "covariates": "twice", "cluster": None}, CannotEstimate, "nothing to test"),
        ({"outcome": "same"}, CannotEstimate, "has one value"),
        ({"terms": [f"c{i}" for i in range(6)]}, CannotEstimate, "cannot be"),
        ({"terms": "alone"}, CannotEstimate, "rests on one cluster"),
        ({"terms": "alone", "treatment": "alone"}, CannotEstimate, "rests on one cluster"),
        ({"terms": ["label"]}, CannotEstimate, "rests on one cluster"),
    ],
)
def test_joint_refusals(change: dict[str, Any], error: type[Exception], words: str) -> None:
    frame = people(3, clusters=5).assign(same=1.0, twice=lambda d: 2 * d["x"])
    frame["alone"], frame["label"] = (frame["cluster"] == 0) * 1, "c" + frame["cluster"].astype(str)
    for i in range(6):
        frame[f"c{i}"] = np.random.default_rng(i).normal(size=len(frame))
    with pytest.raises(error, match=words):
        joint_test(frame, **(JOINT | change))


# --- subgroups -----------------------------------------------------------------------------------

SUB: dict[str, Any] = {"outcome": "y", "treatment": "t", "covariates": "x", "cluster": "cluster"}


@quick
@given(SEEDS)
def test_subgroups_swap_permute_and_add_up(seed: int) -> None:
    frame = people(seed)
    frame.loc[frame.index[:3], "y"] = np.nan
    frame.loc[frame.index[5], "kind"] = None
    one = subgroup_effects(frame, **SUB, by="kind")
    other = subgroup_effects(frame.sample(frac=1, random_state=1), **SUB, by="kind", treated=0)
    for a, b in zip(one.effects, other.effects, strict=True):
        same(a, b, ("estimate", "effect_size"), -1)
        same(a, b, SIZE)
        assert (a.n_treatment, a.n_dropped) == (b.n_comparison, b.n_dropped)
    same(one.interaction, other.interaction, TESTED)
    assert sum(e.n_treatment for e in one.effects) == one.n_treatment
    assert sum(e.n_comparison for e in one.effects) == one.n_comparison
    assert sum(e.n_dropped for e in one.effects) + 1 == one.n_dropped
    assert one.n_treatment + one.n_comparison + one.n_dropped == len(frame)


@quick
@given(SEEDS)
def test_moderator_does_not_depend_on_its_origin_or_unit(seed: int) -> None:
    frame = people(seed)
    one = subgroup_effects(frame, **SUB, by="age")
    other = subgroup_effects(frame.assign(age=10 * frame["age"] + 1e5), **SUB, by="age")
    near(other.interaction.estimate, one.interaction.estimate / 10, rel=1e-6)
    same(one.interaction, other.interaction, TESTED)
    for a, b in zip(one.effects, other.effects, strict=True):
        same(a, b, ("estimate", *SIZE))


def test_subgroups_without_covariates_are_the_subgroups_alone() -> None:
    frame = people(4)
    found = subgroup_effects(frame, outcome="y", treatment="t", by="kind")
    for effect in found.effects:
        own = mean_difference(frame[frame["kind"] == effect.term[-1]], outcome="y", treatment="t")
        near([effect.estimate, effect.std_error], [own.estimate, own.std_error])
        near([effect.df, effect.mean_treatment], [own.df, own.mean_treatment])
    table = found.to_frame()
    assert table["term"].tolist() == ["kind=a", "kind=b", "kind=c", "t:kind"]


def test_small_subgroups_are_refused_merged_or_said() -> None:
    frame = people(5)
    frame["place"] = np.where(frame.index < 3, "p", np.where(frame.index < 30, "q", "r"))
    with pytest.raises(CannotEstimate, match=r"place=p \(treatment 0, comparison 3\)"):
        subgroup_effects(frame, **SUB, by="place")
    with pytest.raises(CannotEstimate, match="Even together"):
        subgroup_effects(frame, **SUB, by="place", small="merge")
    turn = frame.groupby("t").cumcount() % 8
    frame["place"] = turn.map(lambda k: "psqqrrrr"[k])
    found = subgroup_effects(frame, **SUB, by="place", small="merge", minimum=9)
    assert found.groups == ("place=q", "place=r", "place=(merged)")
    assert found.merged == ("place=p", "place=s") and "put together" in found.notes[-1]
    frame.loc[frame["place"] == "q", "y"] = np.nan
    seen = subgroup_effects(frame, **SUB, by="place", minimum=5)
    assert any("place=q" in note and "No complete row" in note for note in seen.notes)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"by": "one"}, CannotEstimate, "two are needed"),
        ({"by": "x"}, InvalidInput, "named both"),
        ({"by": "t"}, InvalidInput, "named both"),
        ({"by": "kind", "unit": "year"}, InvalidInput, "not known"),
        ({"by": "kind", "minimum": 1}, InvalidInput, "whole number from 2"),
        ({"by": "kind", "treatment": "coded"}, InvalidInput, "treated="),
        ({"by": "kind", "covariates": "arm"}, CannotEstimate, "cannot be told apart"),
        ({"by": "half"}, CannotEstimate, "Too few in an arm"),
    ],
)
def test_subgroup_refusals(change: dict[str, Any], error: type[Exception], words: str) -> None:
    frame = people(6).assign(one="a", coded=lambda d: d["t"] + 1)
    frame["arm"] = np.where(frame["t"] == 1, "p", "c")
    frame["half"] = np.where(frame["cluster"] < 2, "little", "rest")
    with pytest.raises(error, match=words):
        subgroup_effects(frame, **(SUB | change))


# --- groups in one arm ---------------------------------------------------------------------------


def grouped(seed: int, groups: int = 6, spread: float = 0.7) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), rng.integers(3, 9, groups))
    k, controls = len(group), 30
    frame = pd.DataFrame(
        {"t": np.repeat([1, 0], [k, controls]), "x": rng.normal(size=k + controls)}
    )
    frame["group"] = [*(f"g{g}" for g in group), *([None] * controls)]
    frame["y"] = rng.normal(size=len(frame)) + frame["x"]
    frame.loc[: k - 1, "y"] += rng.normal(0, spread, groups)[group]
    return frame


PART: dict[str, Any] = {"outcome": "y", "treatment": "t", "group": "group"}


@quick
@given(SEEDS)
def test_one_arm_groups_do_not_depend_on_how_they_are_written(seed: int) -> None:
    frame = grouped(seed)
    one = partially_clustered_difference(frame, **PART, covariates="x")
    names = ("estimate", *SIZE, "icc", "effect_size", "effect_low")
    other = frame.sample(frac=1, random_state=3).assign(group=lambda d: d["group"].str[1:])
    same(one, partially_clustered_difference(other, **PART, covariates="x"), names)
    moved = frame.assign(y=1e5 - 10 * frame["y"])
    turned = partially_clustered_difference(moved, **PART, covariates="x")
    near([turned.estimate, turned.effect_size], [-10 * one.estimate, -one.effect_size], rel=1e-6)
    near([turned.p_value, turned.icc], [one.p_value, one.icc], rel=1e-6)
    by_hand = frame.assign(group=frame["group"].fillna(pd.Series([f"p{i}" for i in range(99)])))
    plain = mean_difference(by_hand, outcome="y", treatment="t", covariates="x", cluster="group")
    same(one, plain, ("estimate", *SIZE))


def test_welch_df_are_fewer_where_groups_are_alike_inside() -> None:
    apart, alike = grouped(3, spread=0.0), grouped(3, spread=3.0)
    one, other = (partially_clustered_difference(d, **PART, df="welch") for d in (apart, alike))
    plain = partially_clustered_difference(alike, **PART)
    assert plain.df >= one.df > other.df > 1 and other.df == plain.df_welch
    assert any("df='welch'" in note for note in plain.notes)
    near([other.estimate, other.std_error], [plain.estimate, plain.std_error])


def test_treated_people_without_a_group_are_kept_or_counted() -> None:
    frame = grouped(7)
    frame.loc[[0, 1], "group"] = None
    kept = partially_clustered_difference(frame, **PART)
    assert kept.n_ungrouped == 2 and "2 treated" in kept.notes[-1]
    out = partially_clustered_difference(frame, **PART, ungrouped="leave-out")
    assert out.dropped_why == (("no group in the programme arm", 2),) and out.n_ungrouped == 0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda d: d.assign(group=d["group"].fillna("c")), InvalidInput, "comparison row"),
        (
            lambda d: d.assign(group=d["group"].where(d["group"].isna(), "g")),
            CannotEstimate,
            "1 gr",
        ),
        (lambda d: d.assign(group=None), CannotEstimate, "0 group"),
        (lambda d: d.assign(y=3.0), CannotEstimate, "does not vary"),
        (lambda d: d.assign(t=d["t"] + 1), InvalidInput, "treated="),
        (lambda d: d[d["t"] == 1], CannotEstimate, "comparison arm has 0"),
    ],
)
def test_one_arm_refusals(change: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        partially_clustered_difference(change(grouped(8)), **PART)


def test_nobody_sharing_a_group_is_refused() -> None:
    frame = grouped(9)
    alone = pd.concat([frame[frame["t"] == 1].drop_duplicates("group"), frame[frame["t"] == 0]])
    with pytest.raises(CannotEstimate, match="Nobody shares"):
        partially_clustered_difference(alone, **PART)


# --- stepped wedges ------------------------------------------------------------------------------


def wedge(
    seed: int, *, clusters: int = 8, periods: int = 5, size: int = 5, drift: float = 0.0
) -> pd.DataFrame:
    """Return a cross-sectional wedge; `drift` is the SD of cluster-by-period differences."""
    rng = np.random.default_rng(seed)
    cluster, period = (a.ravel() for a in np.indices((clusters, periods)))
    cell = rng.normal(0, 1, clusters)[cluster] + drift * rng.normal(size=len(cluster))
    frame = pd.DataFrame({"cluster": cluster, "period": period, "level": cell + 0.2 * period})
    frame["t"] = (frame["period"] > frame["cluster"] % (periods - 1)).astype(int)
    frame = frame.loc[frame.index.repeat(size)].reset_index(drop=True)
    frame["y"] = frame.pop("level") + 0.5 * frame["t"] + rng.normal(size=len(frame))
    frame["person"] = frame.groupby(["cluster", "period"]).cumcount() + 100 * frame["cluster"]
    return frame


WEDGE: dict[str, Any] = {"outcome": "y", "treatment": "t", "cluster": "cluster", "period": "period"}
ALL = ("estimate", "model_std_error", "model_df", "robust_std_error", "robust_df", "icc")


@quick
@given(SEEDS)
def test_wedge_does_not_depend_on_how_it_is_written(seed: int) -> None:
    frame = wedge(seed)
    one = stepped_wedge_difference(frame, **WEDGE, se="model")
    other = frame.sample(frac=1, random_state=4).assign(
        cluster=lambda d: "c" + (9 - d["cluster"]).astype(str)
    )
    same(one, stepped_wedge_difference(other, **WEDGE, se="model"), ALL)
    dates = frame.assign(
        period=pd.Timestamp("2024-01-01") + pd.to_timedelta(7 * frame["period"], "D")
    )
    same(one, stepped_wedge_difference(dates, **WEDGE, se="model"), ALL)
    scaled = stepped_wedge_difference(frame.assign(y=1e4 - 4 * frame["y"]), **WEDGE, se="model")
    near([scaled.estimate, scaled.effect_size], [-4 * one.estimate, -one.effect_size], rel=1e-5)
    near([scaled.robust_p_value, scaled.icc], [one.robust_p_value, one.icc], rel=1e-4)


def test_wedge_model_is_the_mixed_model_with_periods() -> None:
    frame = wedge(11).assign(wave=lambda d: "w" + d["period"].astype(str))
    one = stepped_wedge_difference(frame, **WEDGE, se="model")
    other = mixed_difference(frame, outcome="y", treatment="t", group="cluster", covariates="wave")
    same(one, other, ("estimate", *SIZE))


def test_wedge_with_the_same_people_is_robust_and_says_what_it_found() -> None:
    frame = wedge(12)
    frame.loc[frame["cluster"] == 7, "t"] = 0
    frame.loc[frame["cluster"] == 0, "t"] = 1
    e = stepped_wedge_difference(frame, **WEDGE, person="person")
    assert (e.se, e.n_persons, e.never, e.always) == ("CR2", 40, ("7",), ("0",))
    assert e.std_error == e.robust_std_error and len([n for n in e.notes if "had the" in n]) == 2
    assert e.n_treatment + e.n_comparison + e.n_dropped == len(frame)


def test_wedge_points_to_the_robust_interval_where_clusters_drift() -> None:
    e = stepped_wedge_difference(wedge(1, drift=2.0), **WEDGE, se="model")
    assert e.robust_std_error > 1.25 * e.model_std_error
    assert any("rely on se='CR2'" in note for note in e.notes)


def off_again(d: pd.DataFrame) -> pd.DataFrame:
    return d.assign(t=d["t"].where((d["cluster"] != 1) | (d["period"] != 4), 0))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (off_again, InvalidInput, "cluster 1 leaves the programme again at period 4"),
        (lambda d: d.assign(t=(d["period"] > 1) * 1), CannotEstimate, "same period"),
        (lambda d: d.assign(t=(d["period"] > 1) * (d["cluster"] > 3)), CannotEstimate, "one step"),
        (lambda d: d.assign(t=d["cluster"] % 2), CannotEstimate, "no step"),
        (lambda d: d.assign(t=np.arange(len(d)) % 2), InvalidInput, "both conditions"),
        (lambda d: d.assign(period=d["period"].astype(str)), InvalidInput, "order in time"),
        (lambda d: d.assign(person=1), InvalidInput, "repeat a person"),
        (lambda d: d.assign(person=d["person"] % 100 + 100 * d["period"] + 1000 * (d["cluster"] > 9)),
         InvalidInput, "repeat a person"),
        (lambda d: d.assign(y=1.0), CannotEstimate, "does not vary"),
        (lambda d: d.assign(t=d["t"] + 1), InvalidInput, "treated="),
    ],
)  # fmt: skip
def test_wedge_refusals(change: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        stepped_wedge_difference(change(wedge(13)), **WEDGE, person="person")


# --- coverage, by small seeded simulations -------------------------------------------------------


def covered_groups(runs: int, df: str = "satterthwaite", spread: float = 0.7) -> float:
    """Six groups (correlation .33 of the residual) against 30 people; the truth is 0."""
    inside = 0
    for seed in range(runs):
        frame = grouped(seed, spread=spread)
        e = partially_clustered_difference(frame, **PART, covariates="x", df=df)
        inside += e.conf_low <= 0 <= e.conf_high
    return inside / runs


def covered_wedges(clusters: int, drift: float, runs: int) -> tuple[float, float]:
    """Return the coverage of the model's and of the robust interval."""
    found = [0, 0]
    for seed in range(runs):
        frame = wedge(seed, clusters=clusters, periods=4, drift=drift)
        e = stepped_wedge_difference(frame, **WEDGE, se="model")
        found[0] += e.model_low <= 0.5 <= e.model_high
        found[1] += e.robust_low <= 0.5 <= e.robust_high
    return found[0] / runs, found[1] / runs


def test_coverage_in_small() -> None:
    """Eighty and forty runs, with bands of three Monte-Carlo errors."""
    assert covered_groups(80) >= 0.87
    assert min(covered_wedges(6, 0.0, 40)) >= 0.85
    assert covered_wedges(6, 0.6, 40)[1] >= 0.85


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [6, 9, 12])
def test_coverage_of_wedges(clusters: int) -> None:
    """The robust interval also where clusters drift, which the model's does not allow for."""
    assert min(covered_wedges(clusters, 0.0, 400)) >= 0.925
    model, robust = covered_wedges(clusters, 0.6, 400)
    assert robust >= 0.925 and model < 0.9


@pytest.mark.slow
def test_coverage_with_groups_in_one_arm() -> None:
    assert covered_groups(1000) >= 0.92
    assert covered_groups(1000, "welch") >= 0.93
    assert covered_groups(1000, "welch", spread=1.5) >= 0.92


# --- the quick root ------------------------------------------------------------------------------


@pytest.mark.parametrize("singular", [False, True])
@pytest.mark.parametrize("spread", [0.05, 0.5, 1.0])
def test_quick_root_is_the_full_one(spread: float, singular: bool) -> None:
    """110 to 150 rows of a cluster, with and without a column of its own."""
    rng = np.random.default_rng(int(100 * spread))
    cluster = np.repeat([0, 1, 2], [120, 150, 110])
    dummies = (cluster[:, None] == np.arange(3)).astype(float)
    start = dummies if singular else np.ones((380, 1))
    matrix = np.column_stack([start, rng.normal(size=(380, 2))])
    v = np.exp(rng.normal(0, spread, 380))
    z = np.linalg.qr(matrix * np.sqrt(v)[:, None]).Q
    for place in range(3):
        rows = cluster == place
        full = diagonal_roots._by_eigenvalues(z[rows], v[rows] / v[rows].max())
        found = diagonal_roots.scaled_inverse_root(z[rows], v[rows])
        np.testing.assert_allclose(found, full, rtol=0, atol=1e-9 * np.abs(full).max())
