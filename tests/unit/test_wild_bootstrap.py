"""The wild cluster bootstrap: what must hold, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.redrawing.wild_bootstrap import _signs, wild_cluster_bootstrap

CALL = {"outcome": "y", "treatment": "z", "cluster": "site", "seed": 4}


def trial(clusters: int = 10, effect: float = 1.0, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    site = np.repeat(np.arange(clusters), rng.integers(3, 9, clusters))
    frame = pd.DataFrame({"site": site, "z": site % 2, "x": rng.normal(size=len(site))})
    frame["block"] = np.where(site < clusters // 2, "a", "b")
    between = rng.normal(size=clusters)[site]
    frame["y"] = effect * frame["z"] + between + frame["x"] + rng.normal(size=len(site))
    return frame


def numbers(frame: Any, **options: Any) -> list[Any]:
    found = wild_cluster_bootstrap(frame, **(CALL | options))
    return [found.estimate, found.std_error, found.p_value, found.conf_low, found.conf_high]


@pytest.mark.parametrize(
    "options", [{}, {"covariates": "x"}, {"strata": "block", "covariates": "x"}]
)
def test_order_labels_and_units_mean_nothing(options: Any) -> None:
    frame = trial()
    found = numbers(frame, **options)
    expected = pytest.approx(found, rel=1e-7)
    assert wild_cluster_bootstrap(frame, **(CALL | options)).exact
    assert numbers(frame.sample(frac=1, random_state=2), **options) == expected
    assert numbers(frame.assign(site="s" + (97 * frame["site"] % 10).astype(str))) == pytest.approx(
        numbers(frame), rel=1e-7
    )
    swapped = numbers(frame.assign(z=1 - frame["z"]), **options)
    mirrored = [-swapped[0], swapped[1], swapped[2], -swapped[4], -swapped[3]]
    assert mirrored == expected
    larger = numbers(frame.assign(y=50 + 10 * frame["y"]), **options)
    rescaled = [value if place == 2 else value / 10 for place, value in enumerate(larger)]
    assert rescaled == expected


def test_the_interval_holds_what_is_not_rejected() -> None:
    frame = trial(clusters=12, effect=2.0)
    found = wild_cluster_bootstrap(frame, **CALL)
    width = found.conf_high - found.conf_low
    for end, side in ((found.conf_low, -1), (found.conf_high, 1)):
        for step, inside in ((-1e-4, True), (1e-4, False)):
            tested = end + side * step * width
            moved = frame.assign(y=frame["y"] - tested * frame["z"])
            p_value = wild_cluster_bootstrap(moved, **CALL).p_value
            assert (p_value > 0.05) is inside


def test_drawn_agrees_with_all_signs() -> None:
    frame = trial(clusters=14, effect=0.5)
    drawn = wild_cluster_bootstrap(frame, **CALL)
    every = wild_cluster_bootstrap(frame, draws=20_000, **CALL)
    assert (drawn.exact, drawn.draws, every.exact, every.draws) == (False, 9_999, True, 2**14)
    assert drawn.p_value == pytest.approx(every.p_value, abs=0.02)
    assert wild_cluster_bootstrap(frame, **CALL) == drawn
    assert drawn.p_value * 10_000 == pytest.approx(round(drawn.p_value * 10_000))


def test_few_clusters_take_six_points_and_say_so() -> None:
    few = wild_cluster_bootstrap(trial(clusters=8), **CALL)
    assert (few.points, few.exact, few.n_clusters) == ("webb", False, 8)
    assert "4 clusters" in few.notes[0]
    signs = wild_cluster_bootstrap(trial(clusters=5), points="rademacher", **CALL)
    assert (signs.conf_low, signs.conf_high) == (None, None)
    assert "the interval is open" in signs.notes[-1]
    assert signs.p_value >= 2 / 32


def test_the_test_keeps_its_level_where_the_normal_does_not() -> None:
    rejected = normal = 0
    for seed in range(150):
        found = wild_cluster_bootstrap(trial(effect=0, seed=seed), level=0.9, **CALL)
        rejected += found.p_value <= 0.1
        normal += abs(found.statistic) > 1.645
    chance = 3 * np.sqrt(0.1 * 0.9 / 150)
    assert abs(rejected / 150 - 0.1) < chance
    assert normal > rejected


@pytest.mark.parametrize(("kind", "points"), [("rademacher", 2), ("webb", 6)])
def test_the_points_have_mean_nought_and_variance_one(kind: str, points: int) -> None:
    drawn = np.concatenate(list(_signs(6, kind, 50_000, 3)))
    values, counts = np.unique(drawn, return_counts=True)
    assert drawn.shape == (50_000, 6)
    np.testing.assert_allclose(values, -values[::-1], rtol=1e-12)
    assert np.mean(values**2) == pytest.approx(1, rel=1e-12)
    np.testing.assert_allclose(counts / drawn.size, 1 / points, atol=0.005)


def test_rows_left_out_are_counted() -> None:
    frame = trial()
    frame.loc[[0, 1], "y"] = np.nan
    frame.loc[2, "z"] = np.nan
    frame["site"] = frame["site"].astype(float)
    frame.loc[3, "site"] = np.nan
    found = wild_cluster_bootstrap(frame, **CALL)
    assert dict(found.dropped_why) == {"no outcome": 2, "no arm": 1, "no cluster": 1}
    assert found.n_dropped + found.n_treatment + found.n_comparison == len(frame)
    gone = trial()
    gone.loc[gone["site"] == 9, "y"] = np.nan
    short = wild_cluster_bootstrap(gone, points="rademacher", **CALL)
    assert (short.draws, short.n_clusters) == (512, 9)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"points": "mammen"}, "points='mammen'"),
        ({"draws": 0}, "draws=0"),
        ({"level": 95}, "between 0 and 1"),
        ({"cluster": "sit"}, "Did you mean 'site'?"),
        ({"seed": 1.5}, "seed=1.5"),
    ],
)
def test_invalid_calls(options: Any, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        wild_cluster_bootstrap(trial(), **(CALL | options))
    assert said in str(error.value)


def test_what_cannot_be_tested() -> None:
    frame = trial()
    one = frame.assign(z=(frame["site"] == 1).astype(int))
    with pytest.raises(CannotEstimate, match="1 of the clusters"):
        wild_cluster_bootstrap(one, **CALL)
    with pytest.raises(CannotEstimate, match="does not vary within"):
        wild_cluster_bootstrap(frame.assign(y=2.0 * frame["z"]), **CALL)
    with pytest.raises(CannotEstimate, match="does not vary"):
        wild_cluster_bootstrap(frame.assign(y=1.0), **CALL)
