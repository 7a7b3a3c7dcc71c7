"""Each bad input gives a clear error, exit code 1 and no traceback, and loses nothing."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook
from typer.testing import Result

import evalkit as ek

from .conftest import Small, answers

Call = Callable[..., Result]


@pytest.fixture
def refused(small: Small, call: Call) -> Callable[..., list[dict[str, Any]]]:
    """Write the evaluation (unless told), check it, and return the problems found.

    Both forms of the check, for people and as JSON, must end with 1 and without a traceback, must
    say what is expected, and must leave every file as it was.
    """

    def run(*expected: str, write: bool = True) -> list[dict[str, Any]]:
        file = small.write() if write else small.folder / "evaluation.yaml"
        before = {path: path.read_bytes() for path in small.folder.iterdir()}
        shown = call("check", file)
        assert (shown.exit_code, type(shown.exception)) == (1, SystemExit), shown.output
        assert "Traceback" not in shown.output
        for text in expected:
            assert text in shown.stdout, shown.stdout
        assert {path: path.read_bytes() for path in small.folder.iterdir()} == before
        found = call("check", file, "--json")
        assert found.exit_code == 1
        problems: list[dict[str, Any]] = json.loads(found.stdout)["problems"]
        assert call("run", file, "--out", small.folder / "reports").exit_code == 1
        assert not (small.folder / "reports").exists()
        return problems

    return run


def test_small_evaluation_is_sound(small: Small, call: Call) -> None:
    result = call("check", small.write())
    assert result.exit_code == 0, result.output


# The form of a file


def test_empty_file(small: Small, refused: Any) -> None:
    small.write()
    (small.folder / "answers.csv").write_bytes(b"")
    problems = refused("answers.csv", "the file is empty", "header row", write=False)
    assert len(problems) == 1


def test_header_only(small: Small, refused: Any) -> None:
    small.write()
    (small.folder / "answers.csv").write_text("person,wave,q1\n", encoding="utf-8")
    refused("answers.csv", "a header and no rows", write=False)


def test_file_not_there(small: Small, refused: Any) -> None:
    small.write()
    (small.folder / "answers.csv").unlink()
    refused("answers.csv", "the file is not there", "Check the name", write=False)


def test_duplicate_header(small: Small, refused: Any) -> None:
    small.write()
    place = small.folder / "people.csv"
    place.write_text(place.read_text("utf-8").replace("note", "arm", 1), encoding="utf-8")
    refused("people.csv", "row 1", "'arm' stands twice", write=False)


def test_ragged_row(small: Small, refused: Any) -> None:
    small.write()
    place = small.folder / "people.csv"
    lines = place.read_text("utf-8").splitlines()
    lines[4] += ",extra"
    place.write_text("\n".join(lines), encoding="utf-8")
    (problem,) = refused("row 5", "5 cells", "header has 4", "quotation marks", write=False)
    assert (problem["file"], problem["row"]) == ("people.csv", 5)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le"])
def test_not_utf8(small: Small, refused: Any, encoding: str) -> None:
    small.tables["people.csv"][3]["note"] = "Zoë"
    small.write()
    place = small.folder / "people.csv"
    place.write_bytes(place.read_bytes().decode("utf-8").encode(encoding))
    (problem,) = refused("people.csv", "not UTF-8", "CSV UTF-8", write=False)
    if encoding == "cp1252":
        assert problem["row"] == 5


def test_zip_bomb_is_refused(small: Small, refused: Any) -> None:
    small.change("people.csv", "people.xlsx")
    small.write()
    with zipfile.ZipFile(small.folder / "people.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in range(3):
            archive.writestr(f"xl/{part}.xml", b"0" * 70_000_000)
    refused("people.xlsx", "unpacks to far more", write=False)


def test_broken_xlsx_and_parquet(small: Small, refused: Any) -> None:
    small.change("people.csv", "people.xlsx")
    small.change("answers.csv", "answers.parquet")
    small.write()
    (small.folder / "people.xlsx").write_bytes(b"not a zip")
    (small.folder / "answers.parquet").write_bytes(b"PAR1 nothing PAR1")
    problems = refused("not a readable xlsx", "not a readable parquet", write=False)
    assert {problem["file"] for problem in problems} == {"people.xlsx", "answers.parquet"}


# Columns and cells


def test_missing_column(small: Small, refused: Any) -> None:
    for row in small.tables["people.csv"]:
        del row["arm"]
    (problem,) = refused("column 'arm'", "the column is missing", "The file has: person")
    assert (problem["file"], problem["column"]) == ("people.csv", "arm")


def test_misspelt_column_suggests_the_near_one(small: Small, refused: Any) -> None:
    for row in small.tables["people.csv"]:
        row["alocated_on"] = row.pop("allocated_on")
    refused("column 'allocated_on'", "Did you mean 'alocated_on'?")


def test_misspelt_item_column_suggests_the_near_one(small: Small, refused: Any) -> None:
    for row in small.tables["answers.csv"]:
        row["swemwbs_77"] = row.pop("q7")
        for k in range(1, 7):
            row[f"swemwbs_{k}"] = row.pop(f"q{k}")
    refused("answers.csv", "'swemwbs_7' (did you mean 'swemwbs_77'?)")


def test_answer_out_of_range(small: Small, refused: Any) -> None:
    small.tables["answers.csv"][4]["q3"] = "9"
    (problem,) = refused(
        "row 6", "column 'q3'", "found '9'", "1, 2, 3, 4, 5", "leave the cell blank"
    )
    assert (problem["file"], problem["row"], problem["column"]) == ("answers.csv", 6, "q3")


def test_text_in_a_number_column(small: Small, refused: Any) -> None:
    for row in small.tables["people.csv"]:
        row["age"] = "34"
    small.tables["people.csv"][2]["age"] = "thirty"
    small.tables["events.csv"][0]["value"] = "one"
    problems = refused("column 'age'", "found 'thirty'", "a number of years", "found 'one'")
    assert [(item["file"], item["row"]) for item in problems] == [
        ("people.csv", 4),
        ("events.csv", 2),
    ]


def test_duplicate_key_names_the_rows(small: Small, refused: Any) -> None:
    small.tables["answers.csv"].append(answers(2, "end"))
    small.tables["people.csv"].append(dict(small.tables["people.csv"][0]))
    problems = refused("rows 5, 26", "person '002'", "wave 'end'", "rows 2, 14", "one row each")
    assert len(problems) == 2


def test_person_not_in_people(small: Small, refused: Any) -> None:
    small.tables["answers.csv"].append(answers(99, "end"))
    (problem,) = refused("row 26", "column 'person'", "'099'", "Add the person to the people table")
    assert problem["file"] == "answers.csv"


def test_unknown_wave_informant_and_arm(small: Small, refused: Any) -> None:
    small.tables["answers.csv"][0]["wave"] = "start"
    small.tables["answers.csv"][1]["informant"] = "mother"
    small.tables["people.csv"][0]["arm"] = "control"
    problems = refused("'start'", "baseline, end", "'mother'", "'control'", "course, usual")
    assert len(problems) == 3


def test_dates(small: Small, refused: Any) -> None:
    small.tables["people.csv"][1]["allocated_on"] = "2025-13-01"
    small.tables["people.csv"][2]["allocated_on"] = "04/13/2025"
    problems = refused("'2025-13-01'", "2024-04-30", "30/04/2024", "'04/13/2025'")
    assert [problem["row"] for problem in problems] == [3, 4]


def test_day_first_dates_are_day_first(small: Small) -> None:
    small.tables["people.csv"][0]["allocated_on"] = "03/04/2025"
    study = ek.load(small.write()).study()
    assert study.people.loc["001", "allocated_on"] == pd.Timestamp(2025, 4, 3)


def test_several_problems_are_all_reported(small: Small, refused: Any) -> None:
    small.tables["answers.csv"][4]["q3"] = "9"
    small.tables["answers.csv"][7]["q1"] = "x"
    small.tables["people.csv"][2]["arm"] = "none"
    small.tables["events.csv"][0]["date"] = "soon"
    problems = refused("answers.csv", "people.csv", "events.csv", "4 problems")
    assert len(problems) == 4


def test_many_problems_are_cut_short_for_people_not_for_json(small: Small, refused: Any) -> None:
    for n, row in enumerate(small.tables["answers.csv"]):
        row |= {"q1": f"a{n}", "q2": f"b{n}", "q3": f"c{n}"}
    problems = refused("72 problems", "and 22 more: use --json to see all")
    assert len(problems) == 72


# The evaluation file


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("measure: swemwbs}", "measure: swemwb}", ["unknown measure 'swemwb'", "'swemwbs'", "line 7"]),
        ("rct-individual", "rct-indivdual", ["unknown design", "Did you mean 'rct-individual'?"]),
        ("rct-individual", "synthetic-control", ["synthetic-control needs `data.series`"]),
        ("seed: 1\n", "seed: 1\nseed: 2\n", ["'seed' is repeated", "first on line", "Remove one"]),
        ("roles: [adult]", "roles:\n\t- adult", ["a tab is used", "Replace tabs with spaces"]),
        ("seed: 1", "seed: many", ["key 'seed'", "found 'many'", "a whole number"]),
        ("seed: 1", "sed: 1", ["unknown key 'sed'", "Did you mean 'seed'?"]),
        ("roles: [adult]", "roles: &r [adult]", ["anchors and aliases are not used", "line 10"]),
        ("when: [end]", "when: [edn]", ["unknown wave after the first 'edn'", "'end'"]),
        ("due: 10 weeks", "due: ten weeks", ["a span of time is needed", "10 weeks"]),
        ("role: adult\n", "role: child\n", ["unknown role 'child'", "adult"]),
        ("direction: higher", "direction: lower", ["higher is better"]),
        ("design:\n", "design:\n  series: {starts: x}\n", ["unknown key 'starts'", "Did you mean 'start'"]),
        ("data:\n", "data:\n  costs: {file: costs.csv}\n", ["costs is not available in this version"]),
    ],
)  # fmt: skip
def test_faulty_evaluation(
    small: Small, refused: Any, old: str, new: str, expected: list[str]
) -> None:
    small.change(old, new)
    problems = refused("evaluation.yaml", "line ", *expected)
    assert problems[0]["file"] == "evaluation.yaml"
    assert problems[0]["line"]


def test_an_unknown_treatment_of_the_lost_is_refused_by_name(small: Small, refused: Any) -> None:
    small.change("  covariates:", "  missing: {primary: imputation}\n  covariates:")
    (problem,) = refused("imputation", "multiple-imputation")
    assert problem["key"] == "analysis.missing.primary"


@pytest.mark.parametrize("text", ["", "\n# only a note\n"])
def test_empty_evaluation(small: Small, refused: Any, text: str) -> None:
    small.write()
    small.put_yaml(text)
    refused("evaluation.yaml", "the file is empty", "evalkit new", write=False)


def test_evaluation_that_is_no_mapping(small: Small, refused: Any) -> None:
    small.write()
    small.put_yaml("- one\n- two\n")
    refused("does not hold keys and values", write=False)


def test_evaluation_not_utf8(small: Small, refused: Any) -> None:
    file = small.write()
    file.write_bytes("programme: {name: Zoë}".encode("cp1252"))
    refused("not UTF-8", write=False)


def test_evaluation_problems_come_together(small: Small, refused: Any) -> None:
    small.change("seed: 1", "sed: 1")
    small.change("assigned_by: person", "assigned_by: house")
    small.change("evalkit: 1", "evalkit: 2")
    assert len(refused("sed", "house", "3 problems")) == 3


def test_evaluation_not_there(call: Call, tmp_path: Path) -> None:
    result = call("check", tmp_path / "evaluation.yaml")
    assert result.exit_code == 1
    assert "the file is not there" in result.stdout
    assert "is a folder" in call("check", tmp_path).stdout


def test_a_folder_is_named_with_the_file_to_give(
    small: Small, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (small.folder / "inner").mkdir()
    monkeypatch.chdir(small.folder / "inner")
    found = call("check", ".").stdout
    assert "put right in inner and" in found
    assert "holds no evaluation.yaml" in found
    small.write()
    assert "Name the file: ../evaluation.yaml" in call("check", "..").stdout.replace("\\", "/")


def test_a_flood_is_one_problem(small: Small, refused: Any) -> None:
    for row in small.tables["answers.csv"]:
        row["wave"] = row["wave"].capitalize()
        row["q1"] = "NA"
    problems = refused(
        "found 'Baseline' in 12 rows (2, 4, 6, 8, 10, ...)", "Did you mean 'baseline'?",
        "found 'NA' in 24 rows", 'missing_codes: {"NA": not answered}',
    )  # fmt: skip
    assert len(problems) == 3


# Valid data from which little can be said


def _run(small: Small, call: Call) -> dict[str, Any]:
    result = call("run", small.write(), "--json", "--as", "json", "--out", small.folder / "r")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _reconciles(study: Any, people: int) -> None:
    """Everyone who came in is analysed or left out with a reason."""
    steps = study.flow().to_frame()
    came_in = steps[(steps["step"] == "came-in") & steps["reason"].isna()]["n"].sum()
    analysed = steps[(steps["step"] == "analysed") & steps["reason"].isna()]["n"].sum()
    assert came_in == people
    assert analysed + steps[steps["reason"].notna()]["n"].sum() == people


def test_nobody_returned_in_one_arm(small: Small, call: Call) -> None:
    rows = small.tables["answers.csv"]
    small.tables["answers.csv"] = [
        row for row in rows if row["wave"] == "baseline" or int(row["person"]) % 2
    ]
    (finding,) = _run(small, call)["findings"]
    assert finding["claim"] == "not-enough-information"
    study = ek.load(small.write()).study()
    _reconciles(study, 12)
    assert study.attrition()[0].observed_comparison == 0


def test_all_outcomes_missing(small: Small, call: Call) -> None:
    for row in small.tables["answers.csv"]:
        if row["wave"] == "end":
            row.update({f"q{k}": "" for k in range(1, 8)})
    (finding,) = _run(small, call)["findings"]
    assert finding["claim"] == "not-enough-information"
    _reconciles(ek.load(small.write()).study(), 12)


def test_missing_baseline_is_kept_in_a_trial(small: Small, call: Call) -> None:
    small.tables["answers.csv"] = [
        row for row in small.tables["answers.csv"]
        if row["wave"] == "end" or row["person"] not in ("003", "004")
    ]  # fmt: skip
    _run(small, call)
    estimate = ek.load(small.write()).study().analyse().estimates[0]
    assert (estimate.n_treatment, estimate.n_comparison) == (6, 6)


def test_missing_baseline_is_left_out_and_counted_when_matched(small: Small, call: Call) -> None:
    small.change("type: rct-individual", "type: matched-comparison")
    small.change("because: People learn.", "because: People learn., kind: wellbeing")
    match = "assigned_by: family\n  match: {sets: pair, covariates: [tier]}"
    small.change("assigned_by: person", match)
    for n, row in enumerate(small.tables["people.csv"]):
        row |= {"family": f"F{n}", "pair": f"P{n // 2}", "tier": str(n // 4)}
    small.tables["answers.csv"] = [
        row for row in small.tables["answers.csv"]
        if row["wave"] == "end" or row["person"] not in ("003", "004")
    ]  # fmt: skip
    _run(small, call)
    study = ek.load(small.write()).study()
    estimate = study.analyse().estimates[0]
    assert (estimate.n_treatment, estimate.n_comparison) == (5, 5)
    assert dict(estimate.dropped_why)["no first score"] == 2
    _reconciles(study, 12)


# Nothing is lost on the way in


def test_none_in_a_text_column_stays(small: Small) -> None:
    small.tables["people.csv"][0]["note"] = "NA"
    notes = ek.load(small.write()).study().people["note"]
    assert notes.tolist() == ["NA", *["None"] * 11]


def test_leading_zeros_survive_csv(small: Small) -> None:
    assert ek.load(small.write()).study().people.index[0] == "001"


def test_leading_zeros_survive_xlsx_and_the_named_sheet_is_read(small: Small) -> None:
    book = Workbook()
    book.active.append(["something", "else"])
    sheet = book.create_sheet("People")
    rows = small.tables["people.csv"]
    sheet.append(list(rows[0]))
    for row in rows:
        sheet.append(list(row.values()))
    small.change("{file: people.csv}", "{file: people.xlsx, sheet: People}")
    file = small.write()
    book.save(small.folder / "people.xlsx")
    assert ek.load(file).study().people.index.tolist()[:2] == ["001", "002"]


def test_sheet_that_is_not_there(small: Small, refused: Any) -> None:
    book = Workbook()
    book.save(small.folder / "people.xlsx")
    small.change("{file: people.csv}", "{file: people.xlsx, sheet: Peple}")
    refused("there is no sheet 'Peple'", "Allowed: Sheet")


def test_sheets_of_one_workbook_are_told_apart(small: Small, call: Call) -> None:
    book = Workbook()
    for name, sheet in (("people", book.active), ("answers", book.create_sheet())):
        sheet.title = name
        rows = small.tables[f"{name}.csv"]
        for row in (list(rows[0]), *(list(row.values()) for row in rows)):
            sheet.append(row)
        small.change(f"file: {name}.csv", f"file: data.xlsx, sheet: {name}")
    file = small.write()
    book.save(small.folder / "data.xlsx")
    read = json.loads(call("check", file, "--json").stdout)["read"]
    assert [(item["file"], item["rows"]) for item in read] == [
        ("data.xlsx, sheet people", 12), ("data.xlsx, sheet answers", 24), ("events.csv", 1)
    ]  # fmt: skip
    book["answers"]["E2"] = "9"
    book.save(small.folder / "data.xlsx")
    found = call("check", file)
    assert found.exit_code == 1
    assert "data.xlsx, sheet answers\n  row 2, column" in found.stdout
    (small.folder / "data.xlsx").unlink()
    gone = json.loads(call("check", file, "--json").stdout)["problems"]
    assert [item["file"] for item in gone] == ["data.xlsx"]


def test_leading_zeros_survive_parquet(small: Small) -> None:
    small.change("people.csv", "people.parquet")
    file = small.write()
    frame = pd.DataFrame(small.tables["people.csv"]).astype(object)
    frame.to_parquet(small.folder / "people.parquet")
    people = ek.load(file).study().people
    assert people.index.tolist()[:2] == ["001", "002"]
    assert people["note"].tolist()[0] == "None"


def test_semicolons(small: Small) -> None:
    file = small.write()
    place = small.folder / "people.csv"
    place.write_text(place.read_text("utf-8").replace(",", ";"), encoding="utf-8")
    assert len(ek.load(file).study().people) == 12


# Text that would be more than text


NASTY = '<script>alert("x")</script>'


def test_markup_is_escaped_in_pages(small: Small, call: Call) -> None:
    small.change("name: Small trial", "name: '=1+1 <script>alert(1)</script> [red]'")
    small.change("name: Wellbeing rises", f"name: '{NASTY}'")
    for row in small.tables["people.csv"]:
        row["site"] = NASTY
    small.change("seed: 1", "needs: {by: [role, site]}\nseed: 1")
    result = call("run", small.write(), "--out", small.folder / "r")
    assert result.exit_code == 0, result.output
    for name in ("summative.html", "formative.html"):
        page = (small.folder / "r" / name).read_text("utf-8")
        assert "<script" not in page.lower()
        assert "&lt;script&gt;" in page
        assert "[red]" in page


def test_terminal_controls_are_not_echoed(small: Small, call: Call) -> None:
    small.tables["answers.csv"][0]["q1"] = "\x1b[31m7"
    result = call("check", small.write())
    assert result.exit_code == 1
    assert "\x1b" not in result.output


def test_formulas_are_harmless_in_scored_csv(small: Small, call: Call) -> None:
    rows = small.tables["answers.csv"]
    for row, text in zip(rows, ("=1+1", "+cmd", "-x", "@a", "-5"), strict=False):
        row["date"] = text
    small.write()
    result = call("score", small.folder / "answers.csv", "--measure", "swemwbs")
    assert result.exit_code == 0, result.output
    frame = pd.read_csv(small.folder / "answers.scored.csv", dtype=str)
    assert frame["date"].tolist()[:5] == ["'=1+1", "'+cmd", "'-x", "'@a", "-5"]
    assert frame["person"][0] == "001"


def test_a_key_with_a_capital_letter_is_named(small: Small, refused: Any) -> None:
    small.change("programme:", "Programme:")
    refused("unknown key 'Programme'", "programme")


def test_a_far_away_cell_is_refused_before_it_fills_the_memory(small: Small, refused: Any) -> None:
    book = Workbook()
    book.active["A1"], book.active["XFD1000000"] = "person", "x"
    book.save(small.folder / "people.xlsx")
    small.change("{file: people.csv}", "{file: people.xlsx}")
    refused("a cell stands far away", "Delete the empty rows")


def test_damaged_sheets_are_refused(small: Small, refused: Any) -> None:
    import zipfile

    book = Workbook()
    book.active["A1"] = "person"
    book.save(small.folder / "whole.xlsx")
    with (
        zipfile.ZipFile(small.folder / "whole.xlsx") as whole,
        zipfile.ZipFile(small.folder / "people.xlsx", "w") as damaged,
    ):
        for name in whole.namelist():
            text = whole.read(name)
            damaged.writestr(name, b"<worksheet><sheetData><row" if "sheet1" in name else text)
    small.change("{file: people.csv}", "{file: people.xlsx}")
    refused("not a readable xlsx file")


@pytest.mark.parametrize("number", ["1e30", "9" * 40, "-1e200"])
def test_numbers_beyond_all_sense_are_refused(small: Small, refused: Any, number: str) -> None:
    small.tables["people.csv"][0]["age"] = number
    refused("people.csv", "age")


def test_dates_beyond_all_sense_are_refused(small: Small, refused: Any) -> None:
    small.change("evalkit: 1", "evalkit: 1\nseed: 1")
    small.change("programme: {", "programme: {start: 1600-01-01, ")
    refused("1600")
