"""Cells stay text until they are read; what cannot be read is a problem, never a guess."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest

from evalkit.errors import InvalidData, InvalidInput
from evalkit.files.tables import read_table
from evalkit.rules import Rule, among, find_problems, no_rows, one_of, repeated_rows, same_id
from evalkit.tables import (
    RawTable,
    cell_text,
    frame_of_rows,
    is_number,
    numbers,
    raw_table,
    read_date,
    typed,
    yes_no,
)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-04-30", datetime.date(2024, 4, 30)),
        ("2024-4-3", datetime.date(2024, 4, 3)),
        ("2024-04-30 00:00:00", datetime.date(2024, 4, 30)),
        ("30/04/2024", datetime.date(2024, 4, 30)),
        ("03/04/2024", datetime.date(2024, 4, 3)),
        ("3.4.2024", datetime.date(2024, 4, 3)),
        ("29-02-2024", datetime.date(2024, 2, 29)),
        ("01/01/2924", None),
        ("0224-01-01", None),
        ("04/30/2024", None),
        ("29/02/2023", None),
        ("31/04/2024", None),
        ("30/04/24", None),
        ("2024-04-30 14:05", None),
        ("45412", None),
        ("soon", None),
        ("", None),
    ],
)
def test_dates_are_iso_or_day_first(text: str, day: datetime.date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize("text", ["1", "-2.5", ".5", "5.", "1e3", "+7"])
def test_plain_numbers(text: str) -> None:
    assert is_number(text)


@pytest.mark.parametrize(
    "text", ["", "1,234", "5,5", "nan", "inf", "1e999", "£5", "1 2", "0x1", "-"]
)
def test_what_is_not_a_number(text: str) -> None:
    assert not is_number(text)


def test_typed_takes_numbers_only_where_every_filled_cell_is_one() -> None:
    assert typed(pd.Series(["1", "", "2.5"])).tolist()[::2] == [1.0, 2.5]
    assert typed(pd.Series(["1", "None", ""])).tolist() == ["1", "None", None]
    assert typed(pd.Series(["None", "none"])).tolist() == ["None", "none"]
    assert typed(pd.Series(["", ""])).tolist() == [None, None]


def test_yes_no_and_numbers_leave_the_rest_missing() -> None:
    flags = yes_no(pd.Series(["Yes", "n", "TRUE", "0", "", "maybe"]))
    assert flags.tolist()[:4] == [1.0, 0.0, 1.0, 0.0]
    assert flags.isna().tolist() == [False] * 4 + [True] * 2
    assert numbers(pd.Series(["1", "x", ""])).isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (pd.NA, ""),
        (pd.NaT, ""),
        (1.0, "1"),
        (1.5, "1.5"),
        (True, "yes"),
        (datetime.datetime(2024, 4, 30), "2024-04-30"),
        (datetime.datetime(2024, 4, 30, 9, 5), "2024-04-30 09:05:00"),
        (datetime.date(2024, 4, 30), "2024-04-30"),
        ("None", "None"),
        ("007", "007"),
        (7, "7"),
        (b"abc", "abc"),
    ],
)
def test_a_cell_becomes_the_text_a_person_would_have_typed(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_rows_keep_the_number_a_spreadsheet_shows() -> None:
    frame = frame_of_rows([["a", "b"], ["1", "2"], ["", ""], ["3", " 4 "], ["", ""]], "t.csv")
    assert frame.index.tolist() == [2, 4]
    assert frame.loc[4].tolist() == ["3", "4"]


def test_every_fault_of_form_is_named_at_once() -> None:
    with pytest.raises(InvalidData) as caught:
        frame_of_rows([["a", "", "a", "b"], ["1", "2", "3", "4", "5"]], "t.csv")
    said = [problem.what for problem in caught.value.problems]
    assert said == [
        "column 2 has no name.",
        "the column name 'a' stands twice.",
        "the row has 5 cells, the header has 4.",
    ]
    assert caught.value.problems[2].where.row == 2


@pytest.mark.parametrize("rows", [[], [[]], [["", ""]]])
def test_an_empty_table_is_refused(rows: list[list[str]]) -> None:
    with pytest.raises(InvalidData, match="empty"):
        frame_of_rows(rows, "t.csv")


def test_a_table_without_rows_is_a_problem_where_rows_are_needed() -> None:
    table = RawTable("t.csv", frame_of_rows([["person"]], "t.csv"))
    (problem,) = no_rows(table)
    assert "a header and no rows" in str(problem)
    assert no_rows(RawTable("t.csv", frame_of_rows([["person"], ["1"]], "t.csv"))) == []


def test_every_rule_of_a_column_holds_whatever_comes_after_it() -> None:
    rows = [["role", "p"], ["child", "1"], ["chlid", "2"], ["", "3"]]
    table = RawTable("t.csv", frame_of_rows(rows, "t.csv"))
    rules = [
        Rule("role", "child", one_of(["child"])),
        Rule("role", "a value", blank_ok=True, required=False),
    ]
    found = find_problems(table, rules)
    assert [(p.where.row, p.where.column, p.what) for p in found] == [
        (3, "role", "found 'chlid'."),
        (4, "role", "the cell is blank."),
    ]
    assert {p.allowed for p in found} == {"child"}


def test_a_missing_column_is_named_once_with_a_near_match() -> None:
    table = RawTable("t.csv", frame_of_rows([["perosn"], ["1"]], "t.csv"))
    found = find_problems(table, [Rule("person", "an id"), Rule("person", "again")])
    assert len(found) == 1
    assert "Did you mean 'perosn'?" in found[0].next_step


def test_repeated_rows_name_every_row() -> None:
    table = RawTable("t.csv", frame_of_rows([["p", "w"], *[["1", "a"]] * 3, ["2", "a"]], "t.csv"))
    (problem,) = repeated_rows(table, ["p", "w", "absent"], "the same answer")
    assert problem.what == "the same answer stands in rows 2, 3, 4: p '1', w 'a'."


def test_a_frame_is_taken_as_a_file_would_be_and_is_not_changed() -> None:
    frame = pd.DataFrame(
        {
            "person": ["001", "002"],
            "n": pd.array([1, None], dtype="Int64"),
            "s": pd.array([None, "x"], dtype="string"),
        }
    )
    before = frame.copy(deep=True)
    assert raw_table(frame, "t").frame.to_numpy().tolist() == [["001", "1", ""], ["002", "", "x"]]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_as_text(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "t.csv"
    lines = ["person|q1", "007|None", '"a b"|', "010|1"]
    path.write_text("\ufeff" + "\r\n".join(lines).replace("|", delimiter), encoding="utf-8")
    frame = read_table(path).frame
    assert frame["person"].tolist() == ["007", "a b", "010"]
    assert frame["q1"].tolist() == ["None", "", "1"]


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("t.csv", b"", "empty"),
        ("t.csv", b"a\n\xe9\n", "not UTF-8"),
        ("t.csv", b'a\n"x\n', "not a valid csv"),
        ("t.csv", b"a\x00b\n", "not UTF-8"),
        ("t.xlsx", b"no zip", "not a readable xlsx"),
        ("t.parquet", b"nothing", "not a readable parquet"),
        ("t.ods", b"x", "this kind of file is not read"),
    ],
)
def test_a_damaged_file_is_a_problem_with_its_name(
    tmp_path: Path, name: str, raw: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InvalidData, match=says) as caught:
        read_table(tmp_path / name)
    assert caught.value.problems[0].where.file == name


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidData, match="the file is not there"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "made", [{"person": 1}, [1, 2], pd.DataFrame([[1, 2]], columns=["a", "a"])], ids=str
)
def test_what_is_no_data_frame_is_refused_by_name(made: object) -> None:
    with pytest.raises(InvalidInput, match=r"tables\['people.csv'\]"):
        raw_table(made, "people.csv")


def table_of(*rows: list[str]) -> RawTable:
    return RawTable("t.csv", frame_of_rows([list(row) for row in rows], "t.csv"))


def test_the_same_wrong_text_in_a_column_is_one_problem() -> None:
    table = table_of(["wave"], *[["Baseline"]] * 92, ["end"], ["later"], ["later"])
    first, second = find_problems(table, [among(["baseline", "end"], "wave")])
    assert (first.where.row, first.next_step) == (2, "Did you mean 'baseline'?")
    assert first.what == "found 'Baseline' in 92 rows (2, 3, 4, 5, 6, ...)."
    assert second.what == "found 'later' in 2 rows (95, 96)."


def test_blank_cells_of_a_column_are_one_problem() -> None:
    table = table_of(["p", "q"], ["", "1"], ["a", "1"], ["", "1"])
    (problem,) = find_problems(table, [Rule("p", "an id")])
    assert (problem.where.row, problem.what) == (2, "2 cells are blank (rows 2, 4).")


@pytest.mark.parametrize(
    ("text", "near"),
    [("1", "001"), ("F-2", "f2"), ("f2.0", "f2"), ("004", ""), ("f3", "")],
)
def test_an_id_is_near_where_only_its_writing_differs(text: str, near: str) -> None:
    assert same_id(["001", "f2"])(text) == (f"Did you mean '{near}'?" if near else "")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([["Data of 2024", "", ""], ["a", "b", "c"]], "2 of 3 columns have no name (2, 3)."),
        ([["Data"], ["a", "b"], ["1", "2"]], "2 rows (2, 3) have 2 cells, the header has 1."),
    ],
)
def test_a_title_in_row_1_is_one_problem(rows: list[list[str]], says: str) -> None:
    with pytest.raises(InvalidData) as caught:
        frame_of_rows(rows, "t.csv")
    (problem,) = caught.value.problems
    assert problem.what == says
    assert problem.next_step == "Is row 1 a title? The column names must be in row 1."


def test_a_table_shows_its_size_and_no_cell() -> None:
    assert repr(table_of(["person"], ["canary"])) == "RawTable(t.csv: 1 rows, 1 columns)"


def test_only_a_workbook_has_sheets(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(InvalidData, match="only an xlsx file has sheets"):
        read_table(tmp_path / "t.csv", "one")
