"""Columns of odd types, odd names and odd options: read rightly, or refused in words."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from evalkit.content import shipped_registry
from evalkit.errors import InvalidData, InvalidInput
from evalkit.scoring import item_means, score

PHQ = shipped_registry().measure("phq-9")
DASH = shipped_registry().measure("dash-safelives")
RCADS = shipped_registry().measure("rcads-47-child")
ALL = [shipped_registry().measure(name) for name in shipped_registry().measures()]
KINDS = [
    pytest.param(lambda frame: frame, id="pandas"),
    pytest.param(pl.from_pandas, id="polars"),
    pytest.param(lambda frame: pl.from_pandas(frame).lazy(), id="lazy polars"),
    pytest.param(lambda frame: pa.Table.from_pandas(frame, preserve_index=False), id="pyarrow"),
]
Kind = Callable[[pd.DataFrame], Any]


def answers(column: Any, rows: int = 2) -> pd.DataFrame:
    """Return answers of 1 to the PHQ-9, except that item 1 is the column given."""
    frame = pd.DataFrame({f"phq_9_{n}": [1.0] * rows for n in range(1, 10)})
    frame["phq_9_1"] = column
    return frame


def given(frame: Any, **how: Any) -> list[int]:
    """Return how many items are answered in each row, through any kind of frame."""
    scored = score(frame, PHQ, **how)
    scored = scored.collect() if isinstance(scored, pl.LazyFrame) else scored
    return list(scored["phq_9__n_answered"].to_numpy())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["string", "string[pyarrow]", pd.ArrowDtype(pa.string())])
def test_nullable_text_with_nulls(kind: Kind, dtype: Any) -> None:
    assert given(kind(answers(pd.array(["1", None], dtype=dtype)))) == [9, 8]


@pytest.mark.parametrize(
    "cell", [pd.NA, pd.NaT, None, Decimal("NaN"), np.nan, np.datetime64("NaT"), " ", "\u00a0"]
)
def test_objects_that_are_missing(cell: Any) -> None:
    assert given(answers(pd.Series([cell, 1], dtype=object))) == [8, 9]


@pytest.mark.parametrize(
    "cell", [1, 1.0, "1", " 1.0 ", Decimal("1E+0"), Fraction(1), np.float32(1), np.int8(1)]
)
def test_objects_that_are_numbers(cell: Any) -> None:
    assert given(answers(pd.Series([cell, "2"], dtype=object))) == [9, 9]


def test_a_decimal_is_a_number_however_it_is_written() -> None:
    attendance = shipped_registry().measure("school-attendance")
    frame = pd.DataFrame({
        "attendance_possible": pd.Series([Decimal("1E+2")], dtype=object),
        "attendance_authorised": [5], "attendance_unauthorised": [0],
    })  # fmt: skip
    assert score(frame, attendance)["school_attendance__absence_rate"].item() == 5


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ([1], r"\[1\]"),
        ((1,), r"\(1,\)"),
        ({}, "{}"),
        (b"1", "b'1'"),
        (True, "True"),
        (1j, "1j"),
        (pd.Timestamp("2024-01-01"), "Timestamp"),
        (np.array([1, 2]), r"array\(\[1, 2\]\)"),
        (10**400, "beyond all sense"),
        (Fraction(1, 2), "0.5"),
        (1e16, r"1e\+16"),
    ],
)
def test_objects_that_are_no_answers(cell: Any, said: str) -> None:
    column = pd.Series([1, None], dtype=object)
    column.iat[1] = cell
    with pytest.raises(InvalidData, match=rf"row 2, column 'phq_9_1': the answer is .*{said}"):
        score(answers(column), PHQ)
    assert given(answers(column), on_invalid="missing") == [9, 8]


@pytest.mark.parametrize("kind", KINDS)
def test_true_and_false_with_blanks_are_0_and_1(kind: Kind) -> None:
    frame = pd.DataFrame({f"dash_safelives_{item.column}": [1.0, 1.0] for item in DASH.items})
    name = frame.columns[0]
    frame[name] = pd.Series([True, None], dtype=object)
    scored = score(kind(frame), DASH)
    scored = scored.collect() if isinstance(scored, pl.LazyFrame) else scored
    n = len(DASH.asked)
    assert list(scored["dash_safelives__n_answered"].to_numpy()) == [n, n - 1]
    with pytest.raises(InvalidInput, match="true and false"):
        score(kind(answers(pd.Series([True, None], dtype=object))), PHQ)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u2028", "\x85", "\x1f", "\t"])
def test_every_kind_of_blank_is_blank_everywhere(kind: Kind, space: str) -> None:
    assert given(kind(answers([f"{space}1{space}", space]))) == [9, 8]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_whole_numbers_beyond_floats_are_refused(kind: Kind, dtype: str) -> None:
    frame = answers(pd.Series([1, 2**62 + 1], dtype=dtype))
    with pytest.raises(InvalidData, match="phq_9_1"):
        score(kind(frame), PHQ)
    assert given(kind(frame), on_invalid="missing") == [9, 8]


@pytest.mark.parametrize("kind", KINDS)
def test_ages_beyond_floats_are_refused(kind: Kind) -> None:
    frame = pd.DataFrame({f"rcads_47_child_{item.column}": [1.0, 1.0] for item in RCADS.items})
    frame["age"] = [9, 2**62 + 1]
    with pytest.raises(InvalidData, match="column 'age'"):
        score(kind(frame), RCADS, age="age")


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_a_null_type_are_missing(kind: Kind) -> None:
    nothing = pd.array([None, None], dtype=pd.ArrowDtype(pa.null()))
    frame = answers(nothing).assign(who=nothing)
    assert given(kind(frame), sex="who", age="who") == [8, 8]


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_an_unknown_type_are_refused(kind: Kind) -> None:
    periods = pd.Series(pd.period_range("2024", periods=2))
    with pytest.raises(InvalidInput, match=r"'phq_9_1' holds .*not answer codes"):
        score(kind(answers(periods)), PHQ)


@pytest.mark.parametrize("lazily", [False, True])
def test_objects_in_polars_are_refused(lazily: bool) -> None:
    objects = pl.Series([1, "f"], dtype=pl.Object)
    for name, how in {"phq_9_1": {}, "who": {"sex": "who"}}.items():
        frame = pl.from_pandas(answers(1.0)).with_columns(objects.alias(name))
        with pytest.raises(InvalidInput, match=f"'{name}' holds Object"):
            score(frame.lazy() if lazily else frame, PHQ, **how)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_sexes_in_every_kind_of_text(kind: Kind, dtype: Any) -> None:
    frame = pd.DataFrame({f"rcads_47_child_{item.column}": [1.0] * 4 for item in RCADS.items})
    frame["who"] = pd.Series(["Male", None, "\u00a0f ", "x"], dtype=dtype)
    frame["grade"] = 8
    scored = score(kind(frame), RCADS, sex="who", grade="grade")
    scored = scored.collect() if isinstance(scored, pl.LazyFrame) else scored
    known = [value is not None and value == value
             for value in scored["rcads_47_child__total_t"].to_numpy().tolist()]  # fmt: skip
    assert known == [True, False, True, False]


def test_a_list_among_the_sexes_is_no_sex() -> None:
    frame = answers(1.0).assign(who=pd.Series([["m"], "f"], dtype=object))
    assert given(frame, sex="who") == [9, 9]


def test_one_column_is_never_two_items() -> None:
    with pytest.raises(InvalidInput, match=r"two items point to the column 'phq_9_2'"):
        score(answers(1.0), PHQ, items={"1": "phq_9_2"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"items": ["phq_9_1"]}, "found list, not a mapping"),
        ({"items": {"1": None}}, "no column 'None'"),
        ({"on_invalid": None}, "raise, missing"),
        ({"bands": 5}, "bands='5' is not known"),
        ({"age": 5}, "no column '5'"),
        ({"sex": ["phq_9_1"]}, "no column"),
        ({"limits": 5}, "found int, not a mapping"),
        ({"limits": {1: 1}}, "limits='1' is not known"),
        ({"limits": {"self-harm": "1"}}, "is '1', not a number"),
        ({"limits": {"self-harm": float("nan")}}, "is nan, not a number"),
        ({"limits": {"self-harm": None}}, "is None, not a number"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_options_of_a_wrong_type(kind: Kind, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        score(kind(answers(1.0)), PHQ, **options)


def test_a_near_match_may_hold_an_apostrophe() -> None:
    with pytest.raises(InvalidInput, match=r"did you mean 'phq_9_1''\?"):
        score(answers(1.0).rename(columns={"phq_9_1": "phq_9_1'"}), PHQ)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_named_like_a_working_column_is_not_lost(kind: Kind) -> None:
    with pytest.raises(InvalidInput, match="already has the columns __phq_9__answer_1"):
        score(kind(answers(1.0).assign(__phq_9__answer_1=5)), PHQ)


def test_item_means_knows_its_options() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'raise'"):
        item_means(answers(9.0), PHQ, on_invalid="raize")
    with pytest.raises(InvalidInput, match="has no score"):
        item_means(answers(9.0), next(x for x in ALL if x.kind == "framework"))


def test_attributes_of_a_frame_are_kept() -> None:
    frame = answers(1.0)
    frame.attrs["source"] = {"file": "a.csv"}
    assert score(frame, PHQ).attrs == frame.attrs


def test_an_error_in_the_last_of_several_blocks() -> None:
    frame = answers(1.0, rows=20_000)
    frame.index = pd.Index([0] * 20_000)
    frame.iloc[19_999, 4] = 9
    with pytest.raises(InvalidData, match="row 20000, column 'phq_9_5': the answer is 9"):
        score(frame, PHQ)
