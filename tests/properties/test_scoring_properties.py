"""What must hold of every score whatever the answers."""

import math

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.content import shipped_registry
from evalkit.scoring import reverse, score
from tests.measures import column, values_of

DRAWN = ("sdq-parent-4-17", "sdq-self-11-17", "swemwbs", "phq-9", "itq", "dudit")
MEASURES = [shipped_registry().measure(name) for name in DRAWN]
each = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.id)
modest = settings(deadline=None, max_examples=10)


def columns(measure):
    return [column(measure, item) for item in measure.items]


@st.composite
def answers(draw, measure, rows=4):
    cells = [st.sampled_from([*values_of(item), None]) for item in measure.items]
    return draw(st.lists(st.tuples(*cells), min_size=1, max_size=rows))


def frame(measure, rows):
    return pd.DataFrame(rows, columns=columns(measure), dtype="float64")


def added(measure, table):
    """The added columns as plain rows, missing as None."""
    names = [name for name in table.columns if name.startswith(f"{measure.column}__")]
    rows = table[names].to_dict("records") if isinstance(table, pd.DataFrame) else None
    rows = rows if rows is not None else table.select(names).to_dicts()
    return [{name: None if pd.isna(cell) else cell for name, cell in row.items()} for row in rows]


@given(low=st.integers(-5, 5), width=st.integers(1, 9), share=st.integers(0, 9))
def test_reversing_twice_is_no_change(low, width, share):
    answer = low + share % (width + 1)
    once = reverse(answer, low, low + width)
    assert low <= once <= low + width
    assert reverse(once, low, low + width) == answer


@each
@modest
@given(data=st.data())
def test_pandas_and_polars_agree(measure, data):
    table = frame(measure, data.draw(answers(measure)))
    expected = added(measure, score(table, measure))
    floats = dict.fromkeys(table, pl.Float64)
    nan = pl.DataFrame({name: table[name].to_list() for name in table}, schema_overrides=floats)
    null = pl.from_pandas(table)
    assert added(measure, score(table.convert_dtypes(), measure)) == expected
    assert added(measure, score(nan, measure)) == expected
    assert added(measure, score(null, measure)) == expected
    assert added(measure, score(null.lazy(), measure).collect()) == expected


@each
@modest
@given(data=st.data())
def test_order_of_rows_and_columns_does_not_matter(measure, data):
    rows = data.draw(answers(measure))
    order = data.draw(st.permutations(range(len(rows))))
    names = data.draw(st.permutations(columns(measure)))
    expected = added(measure, score(frame(measure, rows), measure))
    shuffled = frame(measure, [rows[n] for n in order])[names].assign(extra="x")
    assert added(measure, score(shuffled, measure)) == [expected[n] for n in order]


@each
@modest
@given(data=st.data())
def test_scores_stay_in_range_and_only_scores_have_bands(measure, data):
    for row in added(measure, score(frame(measure, data.draw(answers(measure))), measure)):
        for scale in measure.scales:
            found = row[measure.score_column(scale.id)]
            assert found is None or scale.low <= found <= scale.high
            loose = scale.step is None or (scale.prorated and scale.rounding is None)
            assert found is None or loose or float(found).is_integer()
            band = f"{measure.score_column(scale.id)}_band"
            assert band not in row or (row[band] is None) == (found is None)


@each
@modest
@given(data=st.data())
def test_blanking_an_answer_never_makes_a_score(measure, data):
    (full, *_) = data.draw(answers(measure, rows=1))
    blank = data.draw(st.integers(0, len(full) - 1))
    fewer = tuple(None if n == blank else cell for n, cell in enumerate(full))
    before, after = added(measure, score(frame(measure, [full, fewer]), measure))
    for scale in measure.scales:
        name = measure.score_column(scale.id)
        assert before[name] is not None or after[name] is None
        assert after[name] is not None or after.get(f"{name}_band") is None


@pytest.mark.parametrize(("code", "total"), [(0, 10), (1, 20), (2, 30)])
@pytest.mark.parametrize("measure_id", ["sdq-parent-4-17", "sdq-self-11-17"])
def test_straight_lines_show_the_reversed_items(measure_id, code, total):
    measure = shipped_registry().measure(measure_id)
    done = score(frame(measure, [[code] * 25 + [None] * 6]), measure)
    assert done[measure.score_column("total")].item() == total


@given(answered=st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=3, max_size=5))
@modest
def test_prorating_rounds_half_up_exactly(answered):
    measure = shipped_registry().measure("sdq-parent-4-17")
    cells = dict(zip(("3", "8", "13", "16", "24"), answered, strict=False))
    row = [cells.get(item.id) for item in measure.items]
    found = score(frame(measure, [row]), measure)[measure.score_column("emotional")].item()
    twice = 2 * 5 * int(sum(answered))  # in halves, so that no float is rounded
    assert found == (twice + len(answered)) // (2 * len(answered))
    assert not math.isnan(found)
