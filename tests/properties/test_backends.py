"""The same answers give the same scores, bands and flags in every kind of frame."""

from functools import cache

import pandas as pd
import pytest

from evalkit.content import shipped_registry
from evalkit.errors import InvalidData
from evalkit.scoring import score
from tests.measures import FEW, random_answers

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
    scored = score(dd.from_pandas(frame, npartitions=2), measure, **how)
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


SLOW = (through_duckdb, through_dask, through_lazy_polars, through_polars_with_nan)
CASES = [
    pytest.param(name, through, id=f"{name} {through.__name__}",
                 marks=[pytest.mark.slow] if through in SLOW and name not in FEW else [])
    for name in SCORED
    for through in BACKENDS
]  # fmt: skip


def test_the_few_hold_every_scoring_method():
    methods = {scale.method for name in FEW for scale in REGISTRY.measure(name).scales}
    shipped = {scale.method for name in SCORED for scale in REGISTRY.measure(name).scales}
    assert shipped - methods <= {"t-score"}


HOW = {"sex": "sex", "grade": "grade"}


@cache
def answered(measure_id):
    """Return random answers, and what they score in pandas."""
    measure = REGISTRY.measure(measure_id)
    frame = random_answers(measure, n=60)
    return frame, through_pandas(frame, measure, **HOW)


@pytest.mark.parametrize(("measure_id", "through"), CASES)
def test_same_results_everywhere(measure_id, through):
    frame, expected = answered(measure_id)
    found = through(frame, REGISTRY.measure(measure_id), **HOW)
    assert list(found) == list(expected)
    for name in expected:
        assert found[name] == expected[name], name


@pytest.mark.parametrize("through", BACKENDS)
def test_wrong_answers_are_refused_everywhere(through):
    """Lazy frames say which column and how many, the others which row."""
    measure = REGISTRY.measure("phq-9")
    frame = random_answers(measure, n=8, blank=0)
    frame.loc[[2, 5], "phq_9_4"] = 7.0
    with pytest.raises(InvalidData) as raised:
        through(frame, measure)
    problems = raised.value.problems
    assert {problem.where.column for problem in problems} == {"phq_9_4"}
    if through in (through_lazy_polars, through_duckdb, through_dask):
        assert "2 values" in problems[0].what
    else:
        assert [problem.where.row for problem in problems] == [3, 6]
    blanked = through(frame, measure, on_invalid="missing")
    assert blanked["phq_9__n_invalid"] == [0, 0, 1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize("through", BACKENDS)
def test_counts_that_contradict_each_other_are_refused_everywhere(through):
    measure = REGISTRY.measure("school-attendance")
    frame = pd.DataFrame({
        "attendance_possible": [100.0, 10.0, 0.0], "attendance_authorised": [5.0, 9.0, 0.0],
        "attendance_unauthorised": [0.0, 9.0, 0.0],
    })  # fmt: skip
    with pytest.raises(InvalidData, match="leaves its range"):
        through(frame, measure)
    kept = through(frame, measure, on_invalid="missing")
    assert kept["school_attendance__absence_rate"] == [5.0, None, None]
    assert kept["school_attendance__n_invalid"] == [0, 1, 0]
