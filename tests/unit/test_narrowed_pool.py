"""A pool narrowed where it lies gives the matches of the whole pool, in DuckDB, Dask, polars and pandas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.matching.matching import match
from evalkit.stats.matching.narrowing import narrow_pool

CALIPER = 0.002


def people(n: int = 6000, treated: int = 120, seed: int = 8) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm = (rng.permutation(n) < treated).astype(int)
    frame = pd.DataFrame({
        "id": rng.permutation(n), "arm": arm, "age": rng.integers(20, 60, n) - 3 * arm,
        "site": rng.choice(["north", "east", "south"], n, p=[0.2, 0.3, 0.5]),
        "score": np.clip(rng.beta(2, 5, n) + 0.1 * arm, 0, 1),
    })  # fmt: skip
    frame.loc[rng.choice(n, 40, replace=False), "score"] = np.nan
    frame.loc[rng.choice(n, 30, replace=False), "site"] = None
    return frame


@contextmanager
def in_pandas(frame: pd.DataFrame) -> Iterator[Any]:
    yield frame


@contextmanager
def in_polars(frame: pd.DataFrame) -> Iterator[Any]:
    polars = pytest.importorskip("polars")
    yield polars.from_pandas(frame).lazy()


@contextmanager
def in_duckdb(frame: pd.DataFrame) -> Iterator[Any]:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        yield connection.from_df(frame)


@contextmanager
def in_dask(frame: pd.DataFrame) -> Iterator[Any]:
    dask = pytest.importorskip("dask.dataframe")
    yield dask.from_pandas(frame, npartitions=3)


PLACES = [in_pandas, in_polars, in_duckdb, in_dask]
Place = Callable[[pd.DataFrame], Any]


def pairs(frame: pd.DataFrame, **options: Any) -> dict[Any, float]:
    """Return the weight of everyone in a match, by id."""
    found = match(frame, treatment="arm", covariates=["age"], distance="score",
                  caliper=CALIPER, caliper_scale="raw", exact="site", **options)  # fmt: skip
    weight = np.asarray(found.weights)
    return dict(zip(frame["id"][weight > 0], weight[weight > 0], strict=True))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("options", [{}, {"replace": True, "ratio": 2}, {"method": "optimal"}])
def test_matching_after_narrowing_is_matching_on_the_whole_pool(
    place: Place, options: dict[str, Any]
) -> None:
    frame = people()
    with place(frame) as data:
        found = narrow_pool(
            data, treatment="arm", identity="id", exact="site", near={"score": CALIPER}
        )
    whole = frame.sort_values("id", ignore_index=True)
    assert pairs(found.frame, **options) == pairs(whole, **options)
    assert found.n_kept < 0.5 * found.n_comparison
    assert (found.n_treatment, found.n_comparison) == (120, 5880)
    assert len(found.frame) == found.n_treatment + found.n_kept


@pytest.mark.parametrize("place", PLACES)
def test_nobody_within_reach_is_lost_and_few_others_stay(place: Place) -> None:
    frame = people(seed=3)
    with place(frame) as data:
        found = narrow_pool(
            data, treatment="arm", identity="id", exact=["site"], near={"score": 0.01, "age": 2},
            columns=[],
        )  # fmt: skip
    full = frame.dropna()
    mine, other = full[full["arm"] == 1], full[full["arm"] == 0]

    def reach(times: float) -> set[int]:
        near = np.zeros(len(other), dtype=bool)
        for row in mine.itertuples():
            near |= ((other["site"] == row.site) & (abs(other["score"] - row.score) <= 0.01 * times)
                     & (abs(other["age"] - row.age) <= 2 * times)).to_numpy()  # fmt: skip
        return set(other["id"][near])

    kept = set(found.frame.loc[found.frame["arm"] == 0, "id"])
    assert reach(1) <= kept <= reach(2.01)
    assert found.n_missing == frame[frame["arm"] == 0].isna().any(axis=1).sum()
    assert list(found.frame) == ["id", "arm", "site", "score", "age"]
    assert set(found.frame.loc[found.frame["arm"] == 1, "id"]) == set(
        frame["id"][frame["arm"] == 1]
    )


@pytest.mark.parametrize("place", PLACES)
def test_arms_in_words_and_rows_of_neither(place: Place) -> None:
    frame = people(400, 30).assign(arm=lambda d: d["arm"].map({1: "programme", 0: "other"}))
    frame.loc[:4, "arm"] = None
    before = frame.copy(deep=True)
    with place(frame) as data:
        found = narrow_pool(
            data, treatment="arm", treated="programme", identity="id", near={"age": 1}
        )
    assert found.n_no_arm == 5
    assert found.n_treatment == (frame["arm"] == "programme").sum()
    assert found.sentence.startswith(f"{found.n_kept:,} of {found.n_comparison:,} comparison rows")
    pd.testing.assert_frame_equal(frame, before)


def test_a_distance_at_the_edge_of_a_block_is_kept() -> None:
    """0.1 + 0.2 and the like: what is just within reach must not fall between two blocks."""
    rng = np.random.default_rng(5)
    width = 0.1
    treated = np.round(rng.uniform(-3, 3, 300), 1)
    other = np.concatenate([treated + width, treated - width])
    other = other[[bool((abs(treated - value) <= width).any()) for value in other]]
    score = np.concatenate([treated, other])
    frame = pd.DataFrame(
        {"id": range(len(score)), "arm": np.arange(len(score)) < 300, "score": score}
    )
    found = narrow_pool(frame, treatment="arm", identity="id", near={"score": width})
    assert found.n_kept == len(other)


def test_what_cannot_be_done_is_refused() -> None:
    frame = people(200, 20)
    how: dict[str, Any] = {"treatment": "arm", "identity": "id"}
    with pytest.raises(InvalidInput, match="nothing narrows the pool"):
        narrow_pool(frame, **how)
    with pytest.raises(InvalidInput, match="no column 'place'"):
        narrow_pool(frame, **how, exact="place")
    with pytest.raises(InvalidInput, match="a column of numbers"):
        narrow_pool(frame, **how, near={"site": 1})
    with pytest.raises(InvalidInput, match="a distance above 0"):
        narrow_pool(frame, **how, near={"age": 0})
    with pytest.raises(InvalidInput, match="holds words"):
        narrow_pool(frame, treatment="site", identity="id", near={"age": 1})
    with pytest.raises(InvalidInput, match="one value a row"):
        narrow_pool(frame.assign(id=1), **how, near={"age": 1})
    with pytest.raises(CannotEstimate, match="nobody to match"):
        narrow_pool(frame.assign(arm=0), **how, near={"age": 1})
    apart = frame.assign(age=frame["age"] + 1000 * frame["arm"])
    with pytest.raises(CannotEstimate, match="nobody could be matched"):
        narrow_pool(apart, **how, near={"age": 1})
