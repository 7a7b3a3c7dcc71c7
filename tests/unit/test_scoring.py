"""Which columns are taken, which answers are refused, and what the caller's frame is like after."""

import math

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from evalkit.content import read_texts, registry_from_texts, shipped_registry
from evalkit.errors import InvalidData, InvalidInput
from evalkit.scoring import check_scores, score

SDQ = shipped_registry().measure("sdq-parent-4-17")
SWEMWBS = shipped_registry().measure("swemwbs")
BDI = shipped_registry().measure("bdi-ii")
TOTAL = "sdq_parent_4_17__total"


def ones(start="sdq_", rows=1, **changed):
    columns = {f"{start}{n}": [1.0] * rows for n in range(1, 26)}
    return pd.DataFrame(columns | changed)


@pytest.mark.parametrize("start", ["sdq_parent_4_17_", "sdq_", "q"])
def test_items_are_found_by_name(start):
    assert score(ones(start), SDQ)[TOTAL].item() == 20


def test_prefix_and_items_settle_doubt():
    assert score(ones("x_"), SDQ, prefix="x_")[TOTAL].item() == 20
    renamed = ones("q").rename(columns={"q1": "first"})
    assert score(renamed, SDQ, items={"1": "first"})[TOTAL].item() == 20
    two = pd.concat([ones("q"), ones("sdq_") * 0], axis=1)
    with pytest.raises(InvalidInput, match=r"Two sets of columns fit.*sdq_1.. and q1.."):
        score(two, SDQ)
    assert score(two, SDQ, prefix="sdq_")[TOTAL].item() == 10


@pytest.mark.parametrize(
    ("frame", "options", "words"),
    [
        (ones().drop(columns="sdq_7"), {}, "no column 'sdq_7'"),
        (ones().rename(columns={"sdq_7": "SDQ_07"}), {}, r"did you mean 'SDQ_07'\?"),
        (ones("q", q26=[1.0]), {}, "may be another measure"),
        (ones("q").drop(columns="q4"), {}, "no column 'q4'"),
        (ones(), {"items": {"26": "sdq_1"}}, "no item '26'"),
        (ones(), {"items": {"1": "sdq_x"}}, "no column 'sdq_x'"),
        (ones(), {"items": {"1": "sdq_2", "2": "sdq_2"}}, "two items point"),
        (ones(), {"bands": "three-bnd"}, "Did you mean 'three-band'"),
        (ones(), {"on_invalid": "ignore"}, "raise, missing"),
        (ones(), {"age": "years"}, "no column 'years'"),
        (ones(sdq_1=[True]), {}, "true and false"),
        (ones(sdq_1=pd.to_datetime(["2024-01-01"])), {}, "not answer codes"),
        ([1, 2], {}, "a data frame is needed"),
        (score(ones(), SDQ), {}, "already has the columns"),
    ],
)
def test_what_cannot_be_scored_is_refused(frame, options, words):
    with pytest.raises(InvalidInput, match=words):
        score(frame, SDQ, **options)


@pytest.mark.parametrize("kind", [lambda f: f, pl.from_pandas, pa.Table.from_pandas])
def test_answers_not_allowed_are_listed_by_row_and_column(kind):
    frame = kind(ones(rows=3, sdq_2=[1.0, 3.0, 1.5], sdq_9=["1", "x", None]))
    with pytest.raises(InvalidData) as raised:
        score(frame, SDQ)
    found = [(p.where.row, p.where.column) for p in raised.value.problems]
    assert found == [(2, "sdq_2"), (3, "sdq_2"), (2, "sdq_9")]
    assert "the answer is 3 (position 1). Allowed: 0, 1, 2." in str(raised.value)


def test_a_lazy_frame_is_counted():
    frame = pl.from_pandas(ones(rows=3, sdq_2=[1.0, 3.0, 4.0])).lazy()
    with pytest.raises(InvalidData, match="column 'sdq_2': 2 values are not allowed"):
        score(frame, SDQ)


def test_long_lists_of_faults_are_cut():
    with pytest.raises(InvalidData) as raised:
        score(ones(rows=50, sdq_2=[9.0] * 50), SDQ)
    assert len(raised.value.problems) == 21 and "30 more values" in str(raised.value)


def test_answers_not_allowed_can_be_made_missing_and_are_counted():
    done = score(ones(sdq_3=[9.0], sdq_8=["?"], sdq_13=[math.inf]), SDQ, on_invalid="missing")
    assert done["sdq_parent_4_17__n_invalid"].item() == 3
    assert done["sdq_parent_4_17__n_answered"].item() == 22
    assert pd.isna(done[TOTAL].item()) and pd.isna(done[f"{TOTAL}_band"].item())


def test_text_that_is_a_number_counts_and_blank_text_is_missing():
    done = score(ones(sdq_3=["1"], sdq_8=[" 1.0 "], sdq_13=[""]), SDQ)
    assert done["sdq_parent_4_17__n_answered"].item() == 24


def test_nan_is_missing_in_polars_and_gets_no_band():
    frame = pl.from_pandas(ones()).with_columns(
        *[pl.lit(math.nan).alias(f"sdq_{n}") for n in (3, 8, 13)]
    )
    row = score(frame, SDQ).row(0, named=True)
    assert row[TOTAL] is None and row[f"{TOTAL}_band"] is None
    assert row["sdq_parent_4_17__n_answered"] == 22


def test_the_frame_keeps_its_index_order_columns_and_values():
    frame = ones(rows=3, name=["c", "a", "b"]).set_index(pd.Index([7, 7, 1], name="row"))
    before = frame.copy(deep=True)
    done = score(frame, SDQ)
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(done[list(frame.columns)], before)
    assert [name for name in done if name not in before][-1] == "sdq_parent_4_17__flags"


def test_no_rows_give_no_scores():
    assert len(score(ones().iloc[:0], SDQ)) == 0


def test_bands_are_those_asked_for():
    named = score(ones(), SDQ, bands="three-band")
    assert named["sdq_parent_4_17__prosocial_band"].item() == "borderline"
    assert "sdq_parent_4_17__prosocial_band" not in score(ones(), SDQ)  # one source only
    assert not [name for name in score(ones(), SDQ, bands="none") if name.endswith("band")]
    assert "swemwbs__metric_band" not in score(ones("swemwbs_"), SWEMWBS)


def test_people_outside_the_ages_are_named():
    frame = ones(rows=4, age=[3.9, 4.0, 17.9, None])
    with pytest.raises(InvalidData, match=r"row 1, column 'age': the age is 3.9") as raised:
        score(frame, SDQ, age="age")
    assert len(raised.value.problems) == 1
    assert len(score(frame.iloc[1:], SDQ, age="age")) == 3


def test_finished_scores_are_checked_and_not_scored():
    with pytest.raises(InvalidInput, match="takes finished scores"):
        score(ones(), BDI)
    assert check_scores([0, 63, None, math.nan, 64, -1, 10.5, "x", True], BDI, "total") == [
        4,
        5,
        6,
        7,
        8,
    ]
    assert check_scores([7.0, 19.25, 35.1], SWEMWBS) == [2]


def banded_by(**who):
    """The GSE with made bands for some people only."""
    text = read_texts("measures")["wellbeing/gse.yaml"]
    bands = "".join(
        f"\n      - {{system: made, verification: own, {part}, bands: [{{label: low {name}, range: [10, 20]}}, "
        f"{{label: high {name}, range: [21, 40]}}]}}"
        for name, part in who.items()
    )
    text = text.replace("\nexamples:", "\nexamples:", 1)
    head, scale, tail = text.partition("    higher_is: better\n")
    made = f"{head}{scale}    band_systems:{bands}\n{tail}"
    return registry_from_texts({"wellbeing/gse.yaml": made}, {}).measure("gse")


def test_bands_may_differ_by_age_and_by_sex_and_nobody_else_gets_one():
    frame = pd.DataFrame([[2.0] * 10] * 5, columns=[f"gse_{n}" for n in range(1, 11)])
    frame["years"] = [12.0, 17.9, 18.0, None, 40.0]
    frame["is"] = ["girl", "boy", "woman", "man", None]
    by_age = banded_by(young="ages: [12, 17]", old="ages: [18, 99]")
    found = score(frame, by_age, bands="made", age="years")["gse__total_band"]
    assert found.astype(object).where(found.notna(), None).tolist() == [
        "low young", "low young", "low old", None, "low old",
    ]  # fmt: skip
    lazy = score(pl.from_pandas(frame).lazy(), by_age, bands="made", age="years").collect()
    assert lazy["gse__total_band"].to_list() == [
        "low young",
        "low young",
        "low old",
        None,
        "low old",
    ]
    by_sex = banded_by(hers="sex: female", his="sex: male")
    found = score(frame, by_sex, bands="made", sex="is")["gse__total_band"]
    assert found.astype(object).where(found.notna(), None).tolist() == [
        "low hers", "low his", "low hers", "low his", None,
    ]  # fmt: skip
    for measure, name in ((by_age, "age"), (by_sex, "sex")):
        with pytest.raises(InvalidInput, match=f"differ by {name}"):
            score(frame, measure, bands="made")
