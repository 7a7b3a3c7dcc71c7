"""What the commands say, write and return, and that they start at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import Result

import evalkit as ek
from evalkit.content import example_folder

from .conftest import Small

Call = Callable[..., Result]
ROOT = Path(ek.__file__).parents[1]


def shell(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command as a person would, in a process of its own."""
    known = {key: value for key, value in os.environ.items() if key != "PYTHONIOENCODING"}
    settings = known | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", "evalkit", *map(str, arguments)]
    return subprocess.run(command, env=settings, capture_output=True, timeout=120, check=False)


@pytest.fixture(scope="session")
def blues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the smaller example; returns its evaluation file."""
    folder = tmp_path_factory.mktemp("blues") / "beating-the-blues"
    shutil.copytree(str(example_folder() / "beating-the-blues"), folder)
    return folder / "evaluation.yaml"


# Starting


def test_starting_loads_nothing_heavy() -> None:
    code = (
        "import sys, evalkit.cli, evalkit.cli.commands; from typer.testing import CliRunner;"
        "r = CliRunner().invoke(evalkit.cli.commands.app, ['--help']); assert r.exit_code == 0;"
        "heavy = {'numpy', 'pandas', 'scipy', 'statsmodels', 'pydantic', 'rich', 'matplotlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, check=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_help_and_version() -> None:
    done = shell("--help", FORCE_COLOR="1")
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    for word in (b"demo", b"new", b"check", b"run", b"score", b"measures", b"designs"):
        assert word in done.stdout
    assert b"lock" not in done.stdout
    assert shell("--version").stdout.decode().strip() == f"evalkit {ek.__version__}"


def test_wrong_use_is_2(call: Call, blues: Path) -> None:
    assert call("chek").exit_code == 2
    assert call("check").exit_code == 2
    assert call("run", blues, "--kind", "final").exit_code == 2
    assert call("run", blues, "--as", "odt").exit_code == 2


@pytest.mark.parametrize("name", ["lock", "track"])
def test_commands_of_a_later_version(call: Call, name: str) -> None:
    result = call(name, "evaluation.yaml", "--seed", "1")
    assert result.exit_code == 2
    assert f"{name} is not available in this version." in result.stderr


# new


def test_new_then_check_says_only_that_tables_are_empty(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert call("new", folder).exit_code == 0
    names = {"evaluation.yaml", "evaluation.schema.json", "README.md",
             "people.csv", "sdq_parent.csv", "swemwbs.csv", "events.csv"}  # fmt: skip
    assert {path.name for path in folder.iterdir()} == names
    result = call("check", folder / "evaluation.yaml", "--json")
    problems = json.loads(result.stdout)["problems"]
    assert result.exit_code == 1
    needed = {"people.csv", "sdq_parent.csv", "swemwbs.csv"}  # a programme may have no events
    assert {item["file"] for item in problems} == needed
    assert {item["what"] for item in problems} == {"the file has a header and no rows."}


def test_new_can_be_filled_in(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    call("new", folder)
    fill(folder)
    result = call("check", folder / "evaluation.yaml")
    assert result.exit_code == 0, result.output
    assert call("run", folder / "evaluation.yaml").exit_code == 0
    assert (folder / "evalkit-reports" / "summative.html").is_file()


def fill(folder: Path) -> None:
    """Put a few families into the tables of a new folder."""
    rows = {"people.csv": [], "sdq_parent.csv": [], "swemwbs.csv": [], "events.csv": []}
    for n in range(15):
        family = f"F{n}"
        for k, role in enumerate(("adult-survivor", "adult-who-harms", "child")):
            rows["people.csv"].append(
                f"{family}-{k},{family},{role},,,,,{n % 3},,yes,yes,2025-04-02,yes,7,,"
            )
        for wave in ("baseline", "end"):
            codes = ",".join(str((n + k) % 3) for k in range(25))
            rows["sdq_parent.csv"].append(f"{family}-2,{wave},adult-survivor,,,{codes}")
            codes = ",".join(str(1 + (n * k) % 5) for k in range(7))
            rows["swemwbs.csv"].append(f"{family}-0,{wave},self,,,{codes}")
        rows["events.csv"].append(f"{family},2025-05-01,callout,1")
    for name, lines in rows.items():
        with (folder / name).open("a", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")


def test_new_keeps_what_is_there(call: Call, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("mine", encoding="utf-8")
    result = call("new", tmp_path)
    assert result.exit_code == 1
    assert "is not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]
    assert call("new", tmp_path / "people.csv").exit_code == 1


# check


def test_check_shows_counts_and_no_results(call: Call, blues: Path) -> None:
    result = call("check", blues)
    assert result.exit_code == 0
    assert "beating_the_blues.csv: 100 rows" in result.stdout
    assert "states no expected change" in result.stdout
    assert "45 answered" in result.stdout
    estimate = ek.load(blues).study().analyse().estimates[0].estimate
    assert f"{abs(estimate):.1f}" not in result.stdout.replace("−", "")


def test_check_json_is_one_document_without_results(call: Call, blues: Path) -> None:
    found = json.loads(call("check", blues, "--json").stdout)
    assert found["ok"] is True
    assert (found["people"], found["read"]) == (
        100, [{"file": "beating_the_blues.csv", "rows": 100}]
    )  # fmt: skip
    assert found["waves"][0] == "baseline"
    assert {"audit", "flow", "coverage", "notes"} <= set(found)
    assert not any("estimate" in key for step in found["flow"] for key in step)


# run


def test_run_writes_three_files_and_the_findings(call: Call, blues: Path) -> None:
    result = call("run", blues)
    folder = blues.parent / "evalkit-reports"
    assert result.exit_code == 0, result.output
    assert {path.name for path in folder.iterdir()} == {
        "summative.html", "formative.html", "findings.json"
    }  # fmt: skip
    assert "depression at 2-months (primary)" in result.stdout
    assert str(folder / "summative.html") in result.stdout
    json.loads((folder / "findings.json").read_text("utf-8"))


def test_run_twice_gives_the_same_bytes(call: Call, blues: Path, tmp_path: Path) -> None:
    written = []
    for name in ("first", "second"):
        assert call("run", blues, "--out", tmp_path / name, "--as", "json").exit_code == 0
        written.append((tmp_path / name / "findings.json").read_bytes())
    assert written[0] == written[1]


def test_run_json_is_one_document(blues: Path, tmp_path: Path) -> None:
    done = shell("run", blues, "--json", "--as", "json", "--out", tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert done.stderr == b""
    assert found["findings"][0]["claim"]
    assert list(found["reports"]) == ["findings.json"]


def test_formative_runs_no_analysis(
    call: Call, blues: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object, **options: object) -> None:
        raise AssertionError("an analysis was run")

    monkeypatch.setattr("evalkit.analysis.analyse", never)
    result = call("run", blues, "--kind", "formative", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["formative.html"]
    refused = call("run", blues, "--kind", "formative", "--as", "json", "--out", tmp_path)
    assert refused.exit_code == 2


def test_docx_is_refused_by_name(call: Call, blues: Path, tmp_path: Path) -> None:
    result = call("run", blues, "--as", "html,docx", "--out", tmp_path / "r")
    assert result.exit_code == 2
    assert "docx is not available in this version" in result.stderr
    assert not (tmp_path / "r").exists()


def test_folder_that_cannot_be_written(call: Call, blues: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    result = call("run", blues, "--out", tmp_path / "taken", "--as", "json")
    assert (result.exit_code, type(result.exception)) == (1, SystemExit)
    assert "taken" in result.stderr
    assert "Choose another" in result.stderr
    deeper = call("run", blues, "--out", tmp_path / "taken" / "deeper", "--as", "json", "--json")
    assert deeper.exit_code == 1
    assert json.loads(deeper.stdout)["ok"] is False


def test_bugs_show_their_traceback(
    call: Call, blues: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("evalkit.load", broken)
    assert isinstance(call("check", blues).exception, RuntimeError)


def test_old_code_pages_do_not_crash(small: Small) -> None:
    small.change("name: Small trial", "name: Zoë → “trial” 試")
    done = shell("check", small.write(), PYTHONIOENCODING="cp1252")
    assert done.returncode == 0, done.stderr
    assert "Zoë → “trial” 試" in done.stdout.decode("utf-8")


def test_nothing_but_words_when_nobody_watches(blues: Path, tmp_path: Path) -> None:
    done = shell("run", blues, "--out", tmp_path, "--as", "json", FORCE_COLOR="1")
    assert b"\x1b" not in done.stdout + done.stderr
    assert done.stderr == b""


# demo


def test_demo(call: Call, tmp_path: Path) -> None:
    result = call("demo", "--out", tmp_path / "d")
    assert result.exit_code == 0, result.output
    areas = ("growing-together-areas", "seatbelts")
    for name in ("beating-the-blues", "growing-together", *areas):
        folder = tmp_path / "d" / name
        assert {path.name for path in (folder / "reports").iterdir()} == {
            "summative.html", "formative.html", "findings.json"
        }  # fmt: skip
        assert str(folder / "reports" / "summative.html") in result.stdout
        assert not list(folder.glob("*.py"))
    opened = result.stdout.partition("Open this first")[2].splitlines()[1].strip()
    assert opened == str(tmp_path / "d" / "growing-together" / "reports" / "summative.html")
    (tmp_path / "d" / "growing-together" / "people.csv").write_text("mine", encoding="utf-8")
    again = call("demo", "--out", tmp_path / "d", "--json")
    assert again.exit_code == 1
    assert "Nothing was written" in json.loads(again.stdout)["problems"][0]["what"]
    assert (tmp_path / "d" / "growing-together" / "people.csv").read_text("utf-8") == "mine"


# score


def test_score(call: Call, small: Small) -> None:
    rows = small.tables["answers.csv"]
    rows[0].update({f"q{k}": "" for k in range(1, 8)})
    rows[1]["q1"] = ""
    small.write()
    result = call("score", small.folder / "answers.csv", "--measure", "swemwbs")
    assert result.exit_code == 0, result.output
    assert "24 rows read" in result.stdout
    assert "22 rows scored, 2 without a score (1 no item answered; 1 too few" in result.stdout
    frame = pd.read_csv(small.folder / "answers.scored.csv", dtype=str)
    assert frame["person"].tolist()[:3] == ["001", "001", "002"]
    assert frame["swemwbs__total"].isna().tolist()[:3] == [True, True, False]
    again = call("score", small.folder / "answers.csv", "--measure", "swemwbs", "--json")
    found = json.loads(again.stdout)
    assert (found["rows"], found["scales"][0]["scored"]) == (24, 22)


def test_score_names_file_and_row_of_a_wrong_answer(call: Call, small: Small) -> None:
    small.tables["answers.csv"][2]["q4"] = "6"
    small.write()
    file = small.folder / "answers.csv"
    result = call("score", file, "--measure", "swemwbs", "--json")
    (problem,) = json.loads(result.stdout)["problems"]
    assert result.exit_code == 1
    assert (problem["file"], problem["row"], problem["column"]) == ("answers.csv", 4, "q4")
    assert "position" not in problem["what"]
    assert not (small.folder / "answers.scored.csv").exists()
    kept = call("score", file, "--measure", "swemwbs", "--on-invalid", "missing")
    assert kept.exit_code == 0
    assert "answers not allowed and left out: 1" in kept.stdout


def test_score_never_writes_over_other_files(call: Call, small: Small) -> None:
    small.write()
    file = small.folder / "answers.csv"
    for target in ("answers.csv", "people.csv"):
        before = (small.folder / target).read_bytes()
        result = call("score", file, "--measure", "swemwbs", "--out", small.folder / target)
        assert result.exit_code == 1
        assert "Choose another name" in result.stderr
        assert (small.folder / target).read_bytes() == before
    wrong = call("score", file, "--measure", "swemwbs", "--out", small.folder / "scores.xlsx")
    assert wrong.exit_code == 2


def test_score_refuses_unknown_measures_columns_and_files(call: Call, small: Small) -> None:
    small.write()
    file = small.folder / "answers.csv"
    unknown = call("score", file, "--measure", "swemwb")
    assert unknown.exit_code == 1
    assert "Did you mean 'swemwbs'?" in unknown.stderr
    columns = call("score", small.folder / "people.csv", "--measure", "swemwbs")
    assert columns.exit_code == 1
    assert "swemwbs_1" in columns.stderr
    gone = call("score", small.folder / "none.csv", "--measure", "swemwbs")
    assert gone.exit_code == 1
    assert "the file is not there" in gone.stderr


# measures and designs


def test_measures_and_designs(call: Call) -> None:
    assert "swemwbs" in call("measures", "list").stdout
    listed = json.loads(call("measures", "list", "--json").stdout)["measures"]
    assert [item["id"] for item in listed] == ek.measures()
    assert "Licence" in call("measures", "show", "swemwbs").stdout
    assert json.loads(call("measures", "show", "swemwbs", "--json").stdout)["id"] == "swemwbs"
    assert "rct-individual" in call("designs", "list").stdout
    assert "May not be said" in call("designs", "show", "pre-post").stdout
    assert json.loads(call("designs", "show", "pre-post", "--json").stdout)["ceiling"] == 1
    unknown = call("designs", "show", "rct-indvidual", "--json")
    assert unknown.exit_code == 1
    assert "Did you mean 'rct-individual'?" in json.loads(unknown.stdout)["problems"][0]["what"]


def test_new_json_and_a_folder_with_a_space(call: Call, tmp_path: Path) -> None:
    found = json.loads(call("new", tmp_path / "one", "--json").stdout)
    assert found["ok"] is True
    assert found["folder"] == str((tmp_path / "one").resolve())
    assert "evaluation.yaml" in found["files"]
    file = tmp_path / "my folder" / "evaluation.yaml"
    assert f'evalkit check "{file}"' in call("new", tmp_path / "my folder").stdout


def test_score_advises_in_words_of_the_command_line(call: Call, small: Small) -> None:
    for row in small.tables["answers.csv"]:
        row |= {"q1": "n/a", "q2": "4.0"}
    small.write()
    file = small.folder / "answers.csv"
    result = call("score", file, "--measure", "swemwbs")
    assert result.exit_code == 1
    assert "found 'n/a' in 24 rows (2, 3, 4, 5, 6, ...)" in result.stderr
    assert "--on-invalid missing" in result.stderr and "on_invalid" not in result.stderr
    kept = call("score", file, "--measure", "swemwbs", "--on-invalid", "missing")
    assert kept.exit_code == 0, kept.output
    gone = call("score", small.folder / "none.csv", "--measure", "swemwbs")
    assert "evaluation file" not in gone.stderr
    renamed = call("score", small.folder / "people.csv", "--measure", "swemwbs")
    assert "people.csv" in renamed.stderr
    assert "items=" not in renamed.stderr and "prefix=" not in renamed.stderr
