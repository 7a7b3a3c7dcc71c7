"""The same answers give the same scores, bands and flags in every kind of frame."""

import pytest

from evalkit.content import shipped_registry
from evalkit.scoring import score
from tests.measures import random_answers

REGISTRY = shipped_registry()
SCORED = [name for name in REGISTRY.measures() if REGISTRY.measure(name).items]


def through_pandas(frame, measure, **how):
    return rows(score(frame, measure, **how))


def through_polars(frame, measure, **how):
    pl = pytest.importorskip("polars")
    return rows(score(pl.from_pandas(frame), measure, **how).to_pandas())


def through_polars_with_nan(frame, measure, **how):
    pl = pytest.importorskip("polars")
    native = pl.from_pandas(frame, nan_to_null=False)
    return rows(score(native, measure, **how).to_pandas())


def through_lazy_polars(frame, measure, **how):
    pl = pytest.importorskip("polars")
    lazy = score(pl.from_pandas(frame).lazy(), measure, **how)
    assert isinstance(lazy, pl.LazyFrame)
    return rows(lazy.collect().to_pandas())


def through_pyarrow(frame, measure, **how):
    pa = pytest.importorskip("pyarrow")
    return rows(
        score(pa.Table.from_pandas(frame, preserve_index=False), measure, **how).to_pandas()
    )


def through_duckdb(frame, measure, **how):
    duckdb = pytest.importorskip("duckdb")
    numbered = frame.assign(row=range(len(frame)))
    with duckdb.connect() as connection:
        relation = connection.from_df(numbered)
        scored = score(relation, measure, **how)
        assert isinstance(scored, duckdb.DuckDBPyRelation)
        return rows(scored.df().sort_values("row").drop(columns="row"))


def through_dask(frame, measure, **how):
    dd = pytest.importorskip("dask.dataframe")
    scored = score(dd.from_pandas(frame, npartitions=3), measure, **how)
    assert isinstance(scored, dd.DataFrame)
    return rows(scored.compute())


BACKENDS = [
    through_polars, through_polars_with_nan, through_lazy_polars, through_pyarrow, through_duckdb,
    through_dask,
]  # fmt: skip


def rows(frame):
    """Return the written columns as plain values, None where missing."""
    written = [name for name in frame.columns if "__" in name]
    assert written
    plain = frame[written].astype(object)
    return plain.where(plain.notna(), None).reset_index(drop=True).to_dict("list")


@pytest.mark.parametrize("measure_id", SCORED)
@pytest.mark.parametrize("through", BACKENDS)
def test_same_results_everywhere(measure_id, through):
    measure = REGISTRY.measure(measure_id)
    frame = random_answers(measure, n=60)
    how = {"sex": "sex", "grade": "grade"}
    expected = through_pandas(frame, measure, **how)
    found = through(frame, measure, **how)
    assert list(found) == list(expected)
    for name in expected:
        assert found[name] == expected[name], name
