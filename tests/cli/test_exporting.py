"""`evalkit measures export`: what it writes, what it never writes over, and the way back in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from typer.testing import CliRunner, Result

import evalkit as ek
from evalkit.cli.commands import app as whole
from evalkit.cli.exporting import Format, export, file_name
from evalkit.forms import as_json, excel

from .conftest import Small

Export = Callable[..., Result]
app = typer.Typer()
app.command("export")(export)
app.callback()(lambda: None)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Run the command in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["export", *(str(item) for item in arguments)])

    return call


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("xlsform", "gad-7.xlsform.xlsx"), ("redcap", "gad-7.redcap.csv"),
        ("fhir", "gad-7.fhir.json"), ("excel", "gad-7.xlsx"), ("json", "gad-7.json"),
    ],
)  # fmt: skip
def test_every_format_is_written_and_said(
    run: Export, tmp_path: Path, form: str, name: str
) -> None:
    result = run("gad-7", "--format", form)
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert f"Written: {(tmp_path / name).resolve()}" in result.stdout
    assert "wording of the questions is not included" in result.stdout
    assert "Pfizer" in result.stdout
    content = (tmp_path / name).read_bytes()
    assert content.startswith(b"PK") if name.endswith("xlsx") else b"gad_7" in content.lower() or (
        b'"gad-7"' in content
    )  # fmt: skip


def test_nothing_is_written_over_without_force(run: Export, tmp_path: Path) -> None:
    target = tmp_path / "gad-7.json"
    target.write_text("mine", encoding="utf-8")
    result = run("gad-7", "--format", "json")
    assert result.exit_code == 1 and "--force" in result.stderr
    assert target.read_text(encoding="utf-8") == "mine"
    assert run("gad-7", "--format", "json", "--force").exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8"))["id"] == "gad-7"
    assert [path.name for path in tmp_path.iterdir()] == ["gad-7.json"]


def test_links_are_never_followed(run: Export, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("mine", encoding="utf-8")
    (tmp_path / "gad-7.json").symlink_to(other)
    (tmp_path / "gad-7.xlsx").symlink_to(tmp_path / "not-there")
    (tmp_path / "gad-7.redcap.csv.part").symlink_to(other)
    assert run("gad-7", "--format", "json", "--force").exit_code == 1
    assert run("gad-7", "--format", "excel").exit_code == 1
    assert run("gad-7", "--format", "redcap").exit_code == 0
    assert other.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "not-there").exists()


def test_out_is_a_file_or_a_folder(run: Export, tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    assert run("gad-7", "--format", "fhir", "--out", "forms").exit_code == 0
    assert (tmp_path / "forms" / "gad-7.fhir.json").is_file()
    assert run("gad-7", "--format", "excel", "--out", "forms/mine.XLSX").exit_code == 0
    wrong = run("gad-7", "--format", "excel", "--out", "mine.csv")
    assert wrong.exit_code == 2 and "does not end in .xlsx" in wrong.stderr
    nowhere = run("gad-7", "--format", "json", "--out", "not/there.json")
    assert nowhere.exit_code == 1 and "Traceback" not in nowhere.output


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("gad-7", "gad-7.xlsx"), ("con", "measure-con.xlsx"), ("LPT1", "measure-lpt1.xlsx"),
        ("../../x", "x.xlsx"), ("..", "measure-.xlsx"), ("a/b\\c:d.", "a-b-c-d.xlsx"),
        ("x" * 300, "x" * 100 + ".xlsx"), ("\u202eabc", "abc.xlsx"), ("", "measure-.xlsx"),
    ],
)  # fmt: skip
def test_a_file_name_is_one_that_every_system_takes(name: str, safe: str) -> None:
    assert file_name(name, Format.excel) == safe


def test_the_version_of_fhir(run: Export, tmp_path: Path) -> None:
    run("gad-7", "--format", "fhir", "--fhir-version", "R4B")
    document = json.loads((tmp_path / "gad-7.fhir.json").read_text(encoding="utf-8"))
    assert document["item"][1]["type"] == "choice"
    assert run("gad-7", "--format", "fhir", "--fhir-version", "R4").exit_code == 2


def test_wrong_use_and_unknown_measures(run: Export, tmp_path: Path) -> None:
    assert run("gad-7").exit_code == 2
    assert run("gad-7", "--format", "word").exit_code == 2
    unknown = run("gad-77", "--format", "json")
    assert unknown.exit_code == 1 and "gad-7" in unknown.stderr
    assert run("../gad-7", "--format", "json").exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_measure_without_items(run: Export, tmp_path: Path) -> None:
    refused = run("psi-4-sf", "--format", "redcap")
    assert refused.exit_code == 1 and "finished scores" in refused.stderr
    assert run("mirabal-six", "--format", "excel").exit_code == 1
    assert list(tmp_path.iterdir()) == []
    assert run("psi-4-sf", "--format", "excel").exit_code == 0
    assert run("mirabal-six", "--format", "json").exit_code == 0


def test_json_and_the_names_of_redcap(run: Export) -> None:
    result = run("dash-safelives", "--format", "redcap", "--json")
    document = json.loads(result.stdout)
    assert document["ok"] and document["out"].endswith("dash-safelives.redcap.csv")
    assert any("start with das_" in line for line in document["advice"])
    again = json.loads(run("dash-safelives", "--format", "redcap", "--json").stdout)
    assert again["ok"] is False


def test_a_measure_of_ones_own_with_its_wording(run: Export, tmp_path: Path) -> None:
    asked = "How well did you sleep?"
    record = as_json.record(ek.measure("phq-2"))
    record |= {"id": "sleep", "prefixes": []}
    record["licence"] |= {"text_included": True, "status": "free", "holder": "us"}
    record["items"][0]["text"] = asked
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "sleep.yaml").write_text(json.dumps(record), encoding="utf-8")
    assert run("sleep", "--format", "redcap").exit_code == 1
    result = run("sleep", "--format", "redcap", "--measures", folder)
    assert result.exit_code == 0, result.output
    assert asked in (tmp_path / "sleep.redcap.csv").read_text(encoding="utf-8")
    assert "not included" not in result.stdout


def test_help_answers_without_anything_heavy() -> None:
    result = CliRunner().invoke(app, ["export", "--help"])
    assert result.exit_code == 0


# A filled template, through score and check


def fill(measure: str, rows: list[dict[str, Any]], path: Path) -> Path:
    book = openpyxl.load_workbook(io.BytesIO(excel.template(ek.measure(measure))))
    sheet = book["answers"]
    places = {cell.value: cell.column for cell in sheet[1]}
    for n, row in enumerate(rows, start=2):
        for name, value in row.items():
            sheet.cell(n, places[name], value)
    book.save(path)
    return path


def swemwbs(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return rows of the small evaluation under the names of the template."""
    return [
        {"person": row["person"], "wave": row["wave"],
         **{f"swemwbs_{n}": int(row[f"q{n}"]) for n in range(1, 8)}}
        for row in rows
    ]  # fmt: skip


def test_a_filled_template_is_checked_and_scored(small: Small, call: Callable[..., Result]) -> None:
    small.change("answers.csv", "answers.xlsx")
    rows = swemwbs(small.tables.pop("answers.csv"))
    evaluation = small.write()
    answers = fill("swemwbs", rows, small.folder / "answers.xlsx")
    result = call("check", evaluation)
    assert result.exit_code == 0, result.output
    done = call("score", answers, "--measure", "swemwbs")
    assert done.exit_code == 0, done.output
    scored = (small.folder / "answers.scored.csv").read_text(encoding="utf-8").splitlines()
    assert scored[1].startswith("001,baseline,") and len(scored) == len(rows) + 1


def test_mistakes_in_a_template_are_told_by_row_and_column(
    small: Small, call: Callable[..., Result]
) -> None:
    small.change("answers.csv", "answers.xlsx")
    rows = swemwbs(small.tables.pop("answers.csv"))
    rows[0]["swemwbs_2"] = 9
    rows[1]["swemwbs_3"] = "often"
    rows[2]["wave"] = "middle"
    rows[3]["person"] = "1"
    rows.append(dict(rows[5]))
    evaluation = small.write()
    answers = fill("swemwbs", rows, small.folder / "answers.xlsx")
    result = call("check", evaluation)
    assert result.exit_code == 1
    for told in (
        "row 2, column 'swemwbs_2': ", "row 3, column 'swemwbs_3': ", "row 4, column 'wave': ",
        "row 5, column 'person': ", f"row 7, column 'person': the same answer stands in rows 7, {len(rows) + 1}",
    ):  # fmt: skip
        assert told in result.stdout, result.stdout
    scored = call("score", answers, "--measure", "swemwbs")
    assert scored.exit_code == 1
    assert "row 2, column 'swemwbs_2'" in scored.stderr
    assert "row 3, column 'swemwbs_3'" in scored.stderr
    assert "1, 2, 3, 4, 5" in scored.stderr


def test_an_empty_template_is_told(call: Callable[..., Result], tmp_path: Path) -> None:
    answers = fill("gad-7", [], tmp_path / "gad-7.xlsx")
    result = call("score", answers, "--measure", "gad-7")
    assert "Traceback" not in result.output


def test_the_command_stands_where_it_is_looked_for() -> None:
    result = CliRunner().invoke(whole, ["measures", "export", "gad-7", "--format", "word"])
    assert result.exit_code == 2
