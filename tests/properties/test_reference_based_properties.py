"""What must hold of reference-based imputation, and how it does over simulated trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.imputing.reference_based import WaveImputations, reference_based
from evalkit.stats.imputing.reference_differences import reference_based_difference
from evalkit.stats.imputing.strategies import STRATEGIES

CALL: dict[str, Any] = {"outcome": "y", "treatment": "arm", "person": "person", "wave": "wave"}


def trial(
    seed: int, *, people: int = 80, waves: int = 3, effect: float = 2.0, mar: float = 0.0
) -> pd.DataFrame:
    """Return a trial with dropout; `mar`: of high scorers if treated, else of low scorers."""
    rng = np.random.default_rng(seed)
    arm, own = np.arange(people) % 2, rng.normal(0, 2, people)
    base = 20 + own + rng.normal(0, 2, people)
    wide = 20 + own[:, None] + rng.normal(0, 2, (people, waves))
    wide -= effect * arm[:, None] * np.arange(1, waves + 1) / waves
    for k in range(1, waves):
        chance = 1 / (1 + np.exp(1.6 - mar * (2 * arm - 1) * (wide[:, k - 1] - 20)))
        wide[np.isnan(wide[:, k - 1]) | (rng.random(people) < chance), k] = np.nan
    return pd.DataFrame(
        {
            "person": np.repeat([f"p{i}" for i in range(people)], waves),
            "wave": np.tile(np.arange(1, waves + 1), people),
            "arm": np.repeat(arm, waves),
            "base": np.repeat(base, waves),
            "family": np.repeat(np.arange(people) // 4 * 2 + arm, waves),
            "y": wide.ravel(),
        }
    )


def gappy(seed: int) -> pd.DataFrame:
    frame = trial(seed)
    frame.loc[frame.sample(6, random_state=seed).index, "y"] = np.nan
    frame.loc[frame["person"].isin(["p3", "p10"]), "y"] = np.nan
    return frame


def imputed(frame: Any, **options: Any) -> WaveImputations:
    return reference_based(frame, **({**CALL, "seed": 3, "m": 4, "baseline": "base"} | options))


def effects(frame: Any, **options: Any) -> Any:
    call = {**CALL, "seed": 3, "m": 4, "baseline": "base"} | options
    return reference_based_difference(frame, **call).to_frame().set_index("strategy")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_what_is_missing_changes(strategy: str) -> None:
    frame = gappy(1)
    found = imputed(frame, strategy=strategy)
    for one in found:
        assert list(one.columns) == ["person", "wave", "arm", "y", "base", "imputed"]
        pd.testing.assert_frame_equal(
            one[["person", "wave", "arm", "base"]], frame[["person", "wave", "arm", "base"]]
        )
        assert one["y"].notna().all()
        assert (one["imputed"] == frame["y"].isna()).all()
        assert (one.loc[~one["imputed"], "y"] == frame["y"].dropna()).all()
    counts = found.counts
    total = counts["observed"] + counts["imputed_between"] + counts["imputed_after"]
    assert (total == counts["n"]).all()
    assert counts["observed"].sum() == frame["y"].notna().sum()


def test_strategies_differ_only_after_treated_people_are_last_seen() -> None:
    frame = gappy(2)
    seen = frame["y"].notna()
    last = frame["wave"].where(seen).groupby(frame["person"]).transform("max")
    after = (frame["arm"] == 1) & ~(frame["wave"] <= last)
    under = {s: imputed(frame, strategy=s) for s in STRATEGIES}
    for strategy in STRATEGIES[1:]:
        for one, mar in zip(under[strategy], under["MAR"], strict=True):
            assert (one.loc[~after, "y"] == mar.loc[~after, "y"]).all()
            assert (one.loc[after, "y"] != mar.loc[after, "y"]).all()
    never = frame["person"].eq("p3")
    for strategy in ("CR", "CIR", "LMCF"):
        for one, jump in zip(under[strategy], under["J2R"], strict=True):
            np.testing.assert_allclose(one.loc[never, "y"], jump.loc[never, "y"])


def test_a_delta_is_added_after_treated_people_are_last_seen() -> None:
    frame = gappy(4)
    last = frame["wave"].where(frame["y"].notna()).groupby(frame["person"]).transform("max")
    after = ((frame["arm"] == 1) & ~(frame["wave"] <= last)).to_numpy()
    plain, moved = imputed(frame), imputed(frame, delta=1.5)
    only_last = imputed(frame, delta={3: 2.0})
    for one, other, third in zip(plain, moved, only_last, strict=True):
        np.testing.assert_allclose(other["y"] - one["y"], 1.5 * after)
        np.testing.assert_allclose(third["y"] - one["y"], 2.0 * (after & (frame["wave"] == 3)))


@pytest.mark.parametrize("covariance", ["common", "by-arm"])
def test_order_of_rows_labels_and_units_do_not_matter(covariance: str) -> None:
    frame = gappy(5)
    known = effects(frame, covariance=covariance)
    turned = frame.sample(frac=1, random_state=1).dropna(subset="y")
    turned = pd.concat([turned, frame[frame["person"].isin(["p3", "p10"])]])
    turned = turned.assign(
        y=10 * turned["y"] - 7,
        person=turned["person"].str[::-1],
        arm=turned["arm"].map("ab".__getitem__),
    )
    found = effects(turned, covariance=covariance, treated="b")
    for name, factor in (("estimate", 10), ("std_error", 10), ("df", 1), ("effect_size", 1)):
        np.testing.assert_allclose(found[name], factor * known[name], rtol=1e-8)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    frame = gappy(6)
    one, two, other = imputed(frame), imputed(frame), imputed(frame, seed=4)
    assert all((a["y"] == b["y"]).all() for a, b in zip(one, two, strict=True))
    assert (one[0]["y"] != other[0]["y"]).any()
    assert one[0]["y"].ne(one[1]["y"]).sum() == frame["y"].isna().sum()


def test_kinds_of_frames_waves_and_baselines() -> None:
    polars = pytest.importorskip("polars")
    frame = gappy(7)
    known = imputed(frame)[0]["y"]
    assert (imputed(polars.from_pandas(frame))[0]["y"] == known).all()
    words = frame.assign(wave=frame["wave"].map({1: "start", 2: "later", 3: "end"}))
    found = imputed(words, waves=["start", "later", "end"])[0]
    np.testing.assert_array_equal(found["y"], known)
    assert list(found["wave"].cat.categories) == ["start", "later", "end"]
    first = frame.groupby("person", sort=False).first().reset_index()
    rows = first.assign(wave=0, y=first["base"])
    at_wave = imputed(pd.concat([frame, rows]), baseline=0)[0]
    np.testing.assert_array_equal(at_wave["y"], known)
    np.testing.assert_array_equal(at_wave["baseline"], frame["base"])


def test_the_table_of_strategies_and_what_it_says() -> None:
    frame = gappy(8)
    found = reference_based_difference(frame, **CALL, seed=1, m=4, baseline="base", at=2)
    assert [row.wave for row in found] == ["2"] * 5
    assert "conservative" not in " ".join(found[0].notes)
    assert all("conservative" in row.notes[0] for row in found[1:])
    missing = frame[frame["wave"] == 2].groupby("arm")["y"].apply(lambda y: int(y.isna().sum()))
    assert (found[0].imputed_comparison, found[0].imputed_treatment) == tuple(missing)
    by_family = effects(frame, cluster="family", strategies="J2R")
    assert by_family["n_clusters"].item() == 40
    assert by_family["estimate"].item() == pytest.approx(effects(frame)["estimate"]["J2R"])


def test_people_left_out_are_counted_in_rows() -> None:
    frame = gappy(9).astype({"arm": float})
    frame.loc[frame["person"] == "p0", "base"] = np.nan
    frame.loc[frame["person"] == "p1", "arm"] = np.nan
    found = imputed(frame, waves=[1, 3])
    assert dict(found.dropped_why) == {"no arm": 3, "no baseline": 3, "a wave not in waves=": 78}
    assert len(found[0]) == 78 * 2


def simulated(runs: int, m: int, people: int, **options: Any) -> pd.DataFrame:
    strategies = ["MAR", "J2R"]
    return pd.concat(
        effects(trial(seed, people=people, **options), m=m, strategies=strategies)
        for seed in range(runs)
    )


def test_mar_is_unbiased_where_those_seen_to_the_end_mislead() -> None:
    found = simulated(12, 4, 120, mar=0.4).loc["MAR", "estimate"]
    assert found.mean() == pytest.approx(-2, abs=3.5 * found.std() / np.sqrt(12))
    seen = [trial(seed, people=120, mar=0.4).dropna() for seed in range(12)]
    last = [frame[frame["wave"] == 3].groupby("arm")["y"].mean() for frame in seen]
    assert np.mean([means[1] - means[0] for means in last]) < -2.5


@pytest.mark.slow
def test_coverage_of_mar_and_of_jump_to_reference() -> None:
    runs, kept = 200, 1 / (1 + np.exp(-1.6))
    found = simulated(runs, 20, 120, mar=0.3).loc["MAR"]
    assert 0.92 < ((found["conf_low"] < -2) & (found["conf_high"] > -2)).mean() < 0.985
    jump = simulated(runs, 20, 120).loc["J2R"]
    truth = -2 * kept**2  # those who stay to the end have the effect, the others none
    error = jump["estimate"].std() / np.sqrt(runs)
    assert jump["estimate"].mean() == pytest.approx(truth, abs=3.5 * error)
    assert jump["std_error"].mean() > jump["estimate"].std()
    assert ((jump["conf_low"] < truth) & (jump["conf_high"] > truth)).mean() > 0.94
