"""A researcher adds a measure: asked for, checked, in a folder or a package, named in every result."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import evalkit as ek
from evalkit import content
from evalkit.cli.commands import app
from evalkit.errors import InvalidContent, NotAvailable
from evalkit.instruments.draft import codes_of, numbers

ANSWERS = [
    "Family hope scale", "hope", "self", "Doe J (2020). A paper on hope.", "free", "J Doe", "4",
    "0=never, 1=sometimes, 2=often", "rest", "future", "fear", "help",
    "total", "1-4", "3", "sum", "better", "all", "", "2 1 0 2", "7",
]  # fmt: skip


def call(*arguments: object, lines: list[str] | None = None) -> Result:
    typed = "\n".join(lines) + "\n" if lines else None
    return CliRunner().invoke(app, [str(item) for item in arguments], input=typed)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    done = call("measures", "new", "family-hope", "--out", tmp_path / "mine", lines=ANSWERS)
    assert done.exit_code == 0, done.output
    return tmp_path / "mine"


def test_new_writes_a_file_that_is_valid_and_used(folder: Path, tmp_path: Path) -> None:
    measure = ek.measure("family-hope", folder)
    assert measure.scale().reverse == ("3",) and measure.version == "2020"
    (tmp_path / "a.csv").write_text(
        "family_hope_1,family_hope_2,family_hope_3,family_hope_4\n2,2,0,2\n"
    )
    done = call(
        "score", tmp_path / "a.csv", "--measure", "family-hope", "--measures", folder, "--json"
    )
    said = json.loads(done.stdout)
    assert (said["version"], said["source"]) == ("2020", "folder mine")
    assert "8" in (tmp_path / "a.scored.csv").read_text().splitlines()[1]


def test_new_asks_again_and_refuses_a_form_that_comes_out_otherwise(tmp_path: Path) -> None:
    lines = [*ANSWERS[:4], "gratis", *ANSWERS[4:-2], "2 1 9 2", "1 1 1 1", "2 1 0 2", "6", "stop"]
    done = call("measures", "new", "family-hope", "--out", tmp_path, lines=lines)
    assert done.exit_code == 1
    assert "'gratis' is not one of" in done.stdout and "allowed: 0, 1, 2" in done.stdout
    assert "cannot show a wrong reversal" in done.stdout
    assert "total is 7.0, stated 6" in done.output and list(tmp_path.iterdir()) == []


def test_new_asks_each_question_until_it_can_be_and_the_form_again(tmp_path: Path) -> None:
    lines = [
        *ANSWERS[:6], "none", "4", "0=never, 1=sometimes; 2=often", *ANSWERS[8:12], "To tal", "total",
        "1-9", "1-4", "7", "3", "sum", "better", "x", "9", "all", "total", "", "2 1 0 2", "6", "again",
        "2 2 0 2", "8",
    ]  # fmt: skip
    done = call("measures", "new", "family-hope", "--out", tmp_path, lines=lines)
    assert done.exit_code == 0, done.output
    assert ek.measure("family-hope", tmp_path).answers.codes[2] == (2, "often")


def test_new_makes_several_scales_and_means(tmp_path: Path) -> None:
    lines = [*ANSWERS[:12], "calm", "1,3", "3", "mean", "better", "1", "all-items", "1-4", "3", "sum",
             "better", "3", "", "2 - 0 2", "2", "8"]  # fmt: skip
    done = call("measures", "new", "hope-two", "--out", tmp_path, lines=lines)
    assert done.exit_code == 0, done.output
    assert [scale.method for scale in ek.measure("hope-two", tmp_path).scales] == ["mean", "sum"]


@pytest.mark.parametrize(("name", "words"), [("Hope", "kebab-case"), ("phq-9", "already")])
def test_new_refuses_a_bad_or_taken_id(tmp_path: Path, name: str, words: str) -> None:
    done = call("measures", "new", name, "--out", tmp_path)
    assert done.exit_code == 1 and words in done.output


def test_new_writes_over_nothing(folder: Path) -> None:
    done = call("measures", "new", "family-hope", "--out", folder, lines=ANSWERS)
    assert done.exit_code == 1 and "is there already" in done.output


def test_check_explains_every_fault_with_its_line(folder: Path) -> None:
    file = folder / "family-hope.yaml"
    text = file.read_text(encoding="utf-8")
    assert "in order" in call("measures", "check", folder).stdout
    file.write_text(text.replace("total: 7", "total: 6"), encoding="utf-8")
    done = call("measures", "check", file)
    assert done.exit_code == 1 and "total is 7.0, stated 6.0" in done.stdout
    wrong = text.replace("reverse: [3]", "reverse: [9]").replace("status: free", "status: gratis")
    file.write_text(wrong.replace("range: [0, 8]", "range: [0, 9]"), encoding="utf-8")
    lines = [n for n, line in enumerate(wrong.splitlines(), start=1) if "gratis" in line]
    assert f"line {lines[0]}" in call("measures", "check", file).stdout
    wrong = wrong.replace("gratis", "free").replace("range: [0, 8]", "range: [0, 9]")
    file.write_text(wrong, encoding="utf-8")
    shown = call("measures", "check", file).stdout
    assert "no item of this scale '9'" in shown
    report = json.loads(call("measures", "check", file, "--json").stdout)
    assert report["ok"] is False and all(item["line"] for item in report["problems"])


@pytest.mark.parametrize(
    ("text", "words"),
    [(b"\xff\xfe", "not UTF-8"), (b"", "keys and values"), (b"id: x\nid: x\n", "repeated")],
)
def test_check_survives_any_file(tmp_path: Path, text: bytes, words: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(text)
    done = call("measures", "check", file)
    assert done.exit_code == 1 and words in done.output
    assert call("measures", "check", tmp_path / "absent.yaml").exit_code == 1


def test_a_repeated_id_names_both_files(folder: Path) -> None:
    (folder / "gse.yaml").write_bytes(
        (Path(__file__).parents[2] / "measures/wellbeing/gse.yaml").read_bytes()
    )
    with pytest.raises(InvalidContent) as raised:
        ek.measures(folder)
    assert "wellbeing/gse.yaml" in str(raised.value) and "mine/gse.yaml" in str(raised.value)


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(NotAvailable, match="no folder 'nowhere'"):
        ek.measures("nowhere")


PACKAGE = "hope_measures"


@pytest.fixture
def package(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package that adds the measure of the folder."""
    site = tmp_path / "site"
    (site / PACKAGE).mkdir(parents=True)
    (site / PACKAGE / "__init__.py").write_text("")
    (site / PACKAGE / "family-hope.yaml").write_bytes((folder / "family-hope.yaml").read_bytes())
    facts = site / f"{PACKAGE}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(f"[evalkit.measures]\nhope = {PACKAGE}\n")
    monkeypatch.syspath_prepend(str(site))
    content.registry.cache_clear()
    yield site
    content.registry.cache_clear()
    sys.modules.pop(PACKAGE, None)


def test_an_installed_package_adds_measures(package: Path) -> None:
    assert "family-hope" in ek.measures()
    assert content.registry().origin("family-hope") == "package hope_measures"
    assert content.registry().origin("phq-9") == "shipped"
    assert "package hope_measures" in call("measures", "show", "family-hope").stdout


@pytest.mark.parametrize("module", ["not_there_at_all", PACKAGE])
def test_a_package_without_its_files_is_named_and_stops_nothing_else(
    package: Path, module: str
) -> None:
    """Build tools leave .yaml files out unless told otherwise."""
    (package / PACKAGE / "family-hope.yaml").unlink()
    facts = next(package.glob("*.dist-info")) / "entry_points.txt"
    facts.write_text(f"[evalkit.measures]\nhope = {module}\n")
    content.registry.cache_clear()
    assert ek.measure("phq-9").id == "phq-9"
    with pytest.raises(ek.EvalkitError, match="'hope_measures' says that it adds measures"):
        ek.measure("family-hope")
    assert "package-data" in call("measures", "list").output


def test_check_finds_ids_that_are_taken(folder: Path) -> None:
    text = (folder / "family-hope.yaml").read_text(encoding="utf-8")
    (folder / "again").mkdir()
    (folder / "again" / "family-hope.yaml").write_text(text, encoding="utf-8")
    (folder / "phq-9.yaml").write_text(
        text.replace("id: family-hope", "id: phq-9"), encoding="utf-8"
    )
    shown = call("measures", "check", folder).output
    assert "the id 'phq-9' is also that of wellbeing/phq-9.yaml" in shown
    assert "the id 'family-hope' is also that of" in shown
    here = Path(__file__).parents[2] / "measures" / "wellbeing" / "phq-9.yaml"
    assert call("measures", "check", here).exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("examples:", "flags:\n  - {id: x, kind: caution, says: y, items: [1], at_least: 9, verification: own}\nexamples:", "never raised"),
        ("examples:", "reliability: [{kind: alpha, scale: total, value: 84, verification: own}]\nexamples:", "cannot be"),
        ("examples:", "norms: [{scale: total, population: x, mean: 99, verification: own}]\nexamples:", "outside the scale"),
        ("examples:", "norms: [{scale: total, population: x, mean: 4, sd: -1, verification: own}]\nexamples:", "0 or less"),
        ("licence:", "ages: {low: 18, high: 8, verification: own}\nlicence:", "above the highest"),
        ("higher_is: better", "higher_is: better\n    note: x", ""),
    ],
)  # fmt: skip
def test_check_finds_what_cannot_be(folder: Path, old: str, new: str, words: str) -> None:
    file = folder / "family-hope.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    done = call("measures", "check", file)
    assert (done.exit_code, words in done.output) == (1 if words else 0, True)


def test_an_evaluation_may_name_its_folder_and_every_result_says_so(folder: Path, small) -> None:
    text = (folder / "family-hope.yaml").read_text(encoding="utf-8")
    (small.folder / "own").mkdir()
    (small.folder / "own" / "family-hope.yaml").write_text(text, encoding="utf-8")
    small.yaml = small.yaml.replace("programme:", "measures: own\nprogramme:", 1)
    small.yaml = re.sub("swemwbs, scale: metric", "family-hope, scale: total", small.yaml)
    small.yaml = small.yaml.replace("measure: swemwbs", "measure: family-hope")
    rows = [
        {k: v for k, v in row.items() if k not in ("q5", "q6", "q7")}
        for row in small.tables["answers.csv"]
    ]
    for row in rows:
        row |= {f"q{n}": str(int(row[f"q{n}"]) % 3) for n in range(1, 5)}
    small.tables["answers.csv"] = rows
    done = call("run", small.write())
    assert done.exit_code == 0, done.output
    found = json.loads(
        (small.folder / "evalkit-reports" / "findings.json").read_text(encoding="utf-8")
    )
    assert found["provenance"]["measures"] == [
        {"id": "family-hope", "version": "2020", "source": "folder own"}
    ]
    page = (small.folder / "evalkit-reports" / "summative.html").read_text(encoding="utf-8")
    assert "family-hope (version 2020, folder own)" in page
    small.yaml = small.yaml.replace("measures: own", "measures: nowhere")
    assert "folder of measures 'nowhere' is not there" in call("check", small.write()).output


def test_item_numbers_and_codes_are_read_as_people_write_them() -> None:
    assert numbers("1-3, 5;7 8", 8) == (1, 2, 3, 5, 7, 8)
    assert numbers("", 8) == ()
    assert codes_of(["0=never", " 1 = often"]) == ((0, "never"), (1, "often"))
    for odd in ("9", "a", "3-"):
        with pytest.raises(ek.EvalkitError):
            numbers(odd, 8)
    for bad in (["1=a"], ["1=a", "0=b"], ["x=a", "y=b"]):
        with pytest.raises(ek.EvalkitError):
            codes_of(bad)
