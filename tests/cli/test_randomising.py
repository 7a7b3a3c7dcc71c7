"""`evalkit randomise`: what it writes, what recruiters can read, what it refuses, how it verifies."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typer.testing import Result

from evalkit.files.allocations import read_seed

Call = Callable[..., Result]
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "randomise.md").read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An office with a file of eight families, and a safe."""
    for name in ("office", "safe"):
        (tmp_path / name).mkdir()
    write(tmp_path, range(1, 9))
    return tmp_path


def write(place: Path, numbers: range, **sites: str) -> Path:
    file = place / "office" / "units.csv"
    rows = [f"F{n:02d},{sites.get(f'F{n:02d}', ('north', 'south')[n % 3 == 0])}" for n in numbers]
    file.write_text("\n".join(["family,site", *rows]) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def seed(place: Path, call: Call) -> Path:
    path = place / "safe" / "seed.txt"
    assert call("randomise", "--new-seed", path).exit_code == 0
    return path


def log_of(place: Path) -> Path:
    return place / "office" / "units.allocation-log.jsonl"


def begun(place: Path, call: Call, seed: Path) -> dict[str, object]:
    found = call("randomise", place / "office" / "units.csv", "--open", "--seed-file", seed,
                 "--strata", "site", "--block", "4", "--date", "2026-01-05", "--json")  # fmt: skip
    assert found.exit_code == 0, found.output
    return dict(json.loads(found.stdout))


# The page


def test_the_worked_example_of_the_page(call: Call, tmp_path: Path) -> None:
    table = re.findall(r"^\| (F\d\d) \| (\w+) \| (\w+) \|$", PAGE, flags=re.MULTILINE)
    assert len(table) == 8
    code = PAGE.split("```python\n")[1].split("```")[0]
    names: dict[str, dict[str, list[str]]] = {}
    exec(code, names)
    queues = {site: list(arms) for site, arms in names["order"].items()}
    assert [arm for _, _, arm in table] == [queues[site].pop(0) for _, site, _ in table]
    for arm, start in zip(("7f1c", "75bd", "53e6", "0ee4"), range(4), strict=True):
        assert sha256(f"20240401|north|1|{start}".encode()).hexdigest().startswith(arm)
    file = tmp_path / "units.csv"
    file.write_text("family,site\n" + "".join(f"{f},{s}\n" for f, s, _ in table), encoding="utf-8")
    done = call("randomise", file, "--strata", "site", "--block", "4", "--seed", "20240401", "--json")  # fmt: skip
    given = json.loads(done.stdout)["allocated"]
    assert [item["arm"] for item in given] == [arm for _, _, arm in table]


def test_every_command_of_the_page_has_known_options(call: Call) -> None:
    known = set(re.findall(r"--[a-z-]+", call("randomise", "--help").output))
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", PAGE))
    assert used and used <= known, used - known


# Growing


def test_a_list_that_grows(call: Call, place: Path, seed: Path) -> None:
    first = begun(place, call, seed)
    log, listing = log_of(place), place / "office" / "units.allocated.csv"
    texts = [log.read_text(encoding="utf-8"), listing.read_text(encoding="utf-8")]
    assert texts[1].splitlines()[0] == "family,site,arm,place,date"
    file = write(place, range(1, 13))
    again = call("randomise", file, "--seed-file", seed, "--date", "2026-01-06", "--json")
    assert again.exit_code == 0, again.output
    added = call("randomise", "--add", "F13", "--value", "site=south", "--log", log,
                 "--seed-file", seed, "--date", "2026-01-06")  # fmt: skip
    assert added.exit_code == 0 and "F13: " in added.stdout and "(place 13)" in added.stdout
    for path, before in zip((log, listing), texts, strict=True):
        assert path.read_text(encoding="utf-8").startswith(before)
    assert len(listing.read_text(encoding="utf-8").splitlines()) == 14
    nothing = call("randomise", write(place, range(1, 14), F13="south"), "--seed-file", seed)
    assert "Allocated now: 0. In the list: 13; it is open." in nothing.stdout
    done = call("randomise", "--close", "--log", log, "--seed-file", seed, "--json")
    assert json.loads(done.stdout)["closed"] is True
    held = read_seed(seed)
    assert held.receipts[0] == first["receipt"] and len(held.receipts) == 4
    for receipt in held.receipts:
        found = call("randomise", "--verify", log, "--receipt", receipt)
        assert found.exit_code == 0 and "closed" in found.stdout
    later = call("randomise", write(place, range(1, 20), F13="south"), "--seed-file", seed)
    assert later.exit_code == 1 and "The list is closed" in later.stderr


def test_what_recruiters_can_read_tells_nothing(call: Call, place: Path, seed: Path) -> None:
    begun(place, call, seed)
    secret = read_seed(seed).seed
    assert len(secret) == 64 and secret not in repr(read_seed(seed))
    files = [path for path in (place / "office").iterdir() if path.is_file()]
    assert {path.name for path in files} == {
        "units.csv", "units.allocated.csv", "units.allocation-log.jsonl"}  # fmt: skip
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert secret not in text and "block" not in text and "method" not in text
        keys = {sha256(f"{secret}|{s}|{b}|{i}".encode()).hexdigest()
                for s in ("north", "south", "all") for b in range(1, 9) for i in range(12)}  # fmt: skip
        assert not any(key[:12] in text for key in keys)
    if os.name == "posix":
        assert seed.stat().st_mode & 0o777 == 0o600


def test_adding_one_by_one_from_nothing(call: Call, place: Path, seed: Path) -> None:
    log = place / "office" / "trial.jsonl"
    base = ("randomise", "--log", log, "--seed-file", seed)
    refused = call(*base, "--add", "F1")
    assert refused.exit_code == 1 and "--open" in refused.stderr
    one = call(*base, "--add", "F1", "--open", "--unit", "family", "--strata", "site", "--value", "site=a")  # fmt: skip
    assert one.exit_code == 0, one.output
    for n in range(2, 9):
        assert call(*base, "--add", f"F{n}", "--value", "site=a").exit_code == 0
    assert call(*base, "--add", "F9").exit_code == 1  # without its stratum
    twice = call(*base, "--add", "F8", "--value", "site=a")
    assert twice.exit_code == 1 and re.search(r"F8 \((treatment|comparison)\)", twice.stderr)
    rows = (place / "office" / "trial.allocated.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 9 and call("randomise", "--verify", log, "--seed-file", seed).exit_code == 0


def test_methods_and_xlsx(call: Call, place: Path) -> None:
    file = place / "office" / "units.csv"
    for method in ("simple", "minimise", "blocks"):
        out = place / f"{method}.xlsx"
        done = call("randomise", file, "--method", method, "--strata", "site", "--seed", "5",
                    "--arms", "a,b,c", "--ratio", "2:1:1", "--log", place / f"{method}.jsonl", "--out", out)  # fmt: skip
        assert done.exit_code == 0, done.output
        sheet = load_workbook(out)["allocated"]
        assert [cell.value for cell in sheet[1]] == ["family", "site", "arm", "place", "date"]
        assert sheet.max_row == 9
        check = call("randomise", out, "--verify", place / f"{method}.jsonl", "--seed", 5)
        assert check.exit_code == 0, check.output
    sites = place / "sites.csv"
    rows = [f"s{n},{n * n % 17},{n % 5}" for n in range(10)]
    sites.write_text("\n".join(["site,x,w", *rows]), encoding="utf-8")
    done = call("randomise", sites, "--method", "constrained", "--covariates", "x,w", "--seed", 5, "--json")  # fmt: skip
    found = json.loads(done.stdout)
    assert found["arms"] == {"treatment": 5, "comparison": 5} and "schemes" in found["notes"][0]
    assert call("randomise", "--verify", sites.with_name("sites.allocation-log.jsonl"), "--seed", 5).exit_code == 0  # fmt: skip


def test_a_lost_list_is_written_again(call: Call, place: Path) -> None:
    file, listing = place / "office" / "units.csv", place / "office" / "units.allocated.csv"
    options = ("randomise", file, "--seed", "20240401")
    assert call(*options).exit_code == 0
    kept = listing.read_bytes(), log_of(place).read_bytes()
    listing.unlink()
    again = call(*options)
    assert "Allocated now: 0. In the list: 8; it is closed." in again.stdout
    assert (listing.read_bytes(), log_of(place).read_bytes()) == kept


def test_families_are_allocated_whole(call: Call, place: Path) -> None:
    file = place / "people.csv"
    rows = [f"p{n},f{n // 3},{'ab'[n // 3 % 2]}" for n in range(24)]
    file.write_text("\n".join(["person,family,site", *rows]), encoding="utf-8")
    done = call("randomise", file, "--cluster", "family", "--strata", "site", "--block", "2", "--seed", 1, "--json")  # fmt: skip
    found = json.loads(done.stdout)
    arms = [item["arm"] for item in found["allocated"]]
    assert all(len(set(arms[n : n + 3])) == 1 for n in range(0, 24, 3))
    assert found["arms"] == {"treatment": 12, "comparison": 12}


# Refused

BAD = {
    "zero units": ("family,site\n", (), "no rows"),
    "one unit": ("family,site\nF1,a\n", (), "an arm would stay empty"),
    "ratio of zero": ("family\nF1\nF2\n", ("--ratio", "1:0"), "1 or more"),
    "block smaller": ("family\nF1\nF2\n", ("--ratio", "2:1", "--block", "2"), "multiples of 3"),
    "repeated": ("family\nF1\nF2\nF1\n", (), "'F1' stands in row 2 too"),
    "blank stratum": ("family,site\nF1,a\nF2,\n", ("--strata", "site"), "blank (row 3)"),
    "blank id": ("family,site\nF1,a\n,b\n", (), "blank (row 3)"),
    "capitals": ("family,site\nF1,a\nF2,A\n", ("--strata", "site"), "differ only in capitals"),
    "torn cluster": ("person,family,site\n1,F1,a\n2,F1,b\n3,F2,a\n",
                     ("--strata", "site", "--cluster", "family"), "is in 'a' (row 2) and in 'b'"),
    "one cluster": ("person,family\n1,F1\n2,F1\n", ("--cluster", "family"), "There is 1 family"),
    "no such column": ("family\nF1\nF2\n", ("--strata", "site"), "no such column"),
    "no unit column": ("name\nF1\nF2\n", (), "no column says which unit"),
    "not numbers": ("site,x\na,1\nb,two\nc,3\nd,4\n", ("--method", "constrained", "--covariates", "x"), "not a number"),
    "weak and open": ("family\nF1\nF2\n", ("--open",), "nobody can guess"),
    "column of the list": ("family,arm\nF1,a\nF2,b\n", ("--strata", "arm"), "Rename"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input(call: Call, tmp_path: Path, name: str) -> None:
    text, options, message = BAD[name]
    file = tmp_path / "units.csv"
    file.write_text(text, encoding="utf-8")
    found = call("randomise", file, "--seed", "20240401", *options)
    assert found.exit_code == 1 and message in found.stderr, found.output
    assert [path.name for path in tmp_path.iterdir()] == ["units.csv"]


def test_a_stratum_with_one_unit_is_said(call: Call, place: Path) -> None:
    found = call("randomise", write(place, range(1, 9), F01="west"), "--strata", "site", "--seed", 3)  # fmt: skip
    assert found.exit_code == 0 and "1 of 3 strata hold one unit (west)" in found.stdout


def test_wrong_use(call: Call, place: Path, seed: Path) -> None:
    file = place / "office" / "units.csv"
    for words in (
        (file,), (file, "--seed", 1, "--seed-file", seed), ("--seed", 1), (file, "--add", "x", "--seed", 1),
        (file, "--seed", 1, "--ratio", "2:x"), (file, "--seed", 1, "--block", "4;6"),
        (file, "--seed", 1, "--receipt", "1-2"), ("--new-seed", place / "x", "--seed", 1),
        ("--verify", file, "--open"), (file, "--seed", 1, "--out", "x.ods"), (file, "--seed", 1, "--out", file),
        (file, "--seed", 1, "--value", "a=b"), ("--add", "x", "--seed", 1),
        ("--add", "x", "--seed", 1, "--log", "l", "--value", "b"), (".", "--seed", 1),
        (file, "--seed", 1, "--log", "."), (file, "--seed", ""), (file, "--seed", 1, "--out", place / "no" / "x.csv"),
    ):  # fmt: skip
        assert call("randomise", *words).exit_code == 2, words
    assert not log_of(place).exists()


def test_a_list_is_kept_as_it_was(call: Call, place: Path, seed: Path) -> None:
    begun(place, call, seed)
    log, listing = log_of(place), place / "office" / "units.allocated.csv"
    kept = log.read_bytes()

    def refused(message: str, *words: object) -> None:
        found = call("randomise", *words)
        assert found.exit_code == 1 and message in found.stderr, found.output
        assert log.read_bytes() == kept

    file = place / "office" / "units.csv"
    refused("F08", write(place, range(1, 8)), "--seed-file", seed)
    refused("was allocated as", write(place, range(1, 9), F02="south"), "--seed-file", seed)
    write(place, range(1, 10))
    refused("does not commit to this seed", file, "--seed", "7" * 20)
    refused("block", file, "--seed-file", seed, "--block", "6")
    refused("used for a list already", file, "--seed-file", seed, "--log", place / "new.jsonl")
    refused("before 2026-01-05", file, "--seed-file", seed, "--date", "2025-12-31")
    listing.write_text(listing.read_text(encoding="utf-8").replace("treatment", "comparison", 1), encoding="utf-8")  # fmt: skip
    refused("not an earlier list", file, "--seed-file", seed)
    found = call("randomise", "--verify", log)
    assert found.exit_code == 1 and "the log has 'treatment'" in found.stderr
    assert call("randomise", file, "--seed-file", seed, "--force").exit_code == 0
    assert log.read_bytes().startswith(kept)


def test_links_guards_and_open_seed_files(call: Call, place: Path, seed: Path) -> None:
    file, log = place / "office" / "units.csv", log_of(place)
    options = ("randomise", file, "--open", "--seed-file", seed)
    guard = log.with_name(f"{log.name}.lock")
    guard.touch()
    found = call(*options)
    assert found.exit_code == 1 and "Another run" in found.stderr and not log.exists()
    guard.unlink()
    assert call("randomise", "--new-seed", seed).exit_code == 1
    if os.name == "posix":
        (place / "office" / "units.allocated.csv").symlink_to(place / "elsewhere.csv")
        assert "is a link" in call(*options).stderr and not log.exists()
        seed.chmod(0o644)
        assert "others than its owner" in call(*options).stderr
    near = file.with_name("seed.txt")
    assert call("randomise", "--new-seed", near).exit_code == 0
    told = call("randomise", file, "--open", "--seed-file", near, "--out", place / "list.csv")
    assert "The seed lies in the folder of the log" in told.stdout


# Verified


def test_tampering_is_told_with_its_line(call: Call, place: Path, seed: Path) -> None:
    receipt = begun(place, call, seed)["receipt"]
    log = log_of(place)
    rows = log.read_text(encoding="utf-8").splitlines(keepends=True)
    bent = {
        "line 4": [*rows[:3], rows[3].replace("F03", "F99"), *rows[4:]],
        "line 5: unit 5 stands where unit 4 is due": rows[:4] + rows[5:],
        "line 3: unit 2 stands where unit 1 is due": [rows[0], *rows[2:]],
        "a receipt was given for 8 units and the log holds 6": rows[:-2],
        "unit 3 stands where unit 4 is due": [*rows[:4], rows[3], *rows[4:]],
        "not as evalkit writes": [*rows[:4], "nonsense\n", *rows[4:]],
    }
    bent["line 2: unit 2 stands where unit 1 is due"] = bent.pop("line 3: unit 2 stands where unit 1 is due")  # fmt: skip
    for message, lines in bent.items():
        log.write_text("".join(lines), encoding="utf-8")
        found = call("randomise", "--verify", log, "--seed-file", seed, "--receipt", receipt)
        assert found.exit_code == 1 and message in found.stderr, (message, found.stderr)
        again = call("randomise", "--verify", log, "--seed-file", seed, "--json")
        assert json.loads(again.stdout)["ok"] is False
        kept = log.read_bytes()
        refused = call("randomise", write(place, range(1, 10)), "--seed-file", seed)
        assert refused.exit_code == 1 and log.read_bytes() == kept
    log.write_text("".join(rows[:-2]), encoding="utf-8")
    alone = call("randomise", "--verify", log)  # the list beside it has two more
    assert alone.exit_code == 1 and "'F07' is not in the log" in alone.stderr
    log.write_text("".join(rows), encoding="utf-8")
    good = call("randomise", "--verify", log, "--seed-file", seed, "--json")
    assert good.exit_code == 0 and json.loads(good.stdout)["units"] == 8
    assert call("randomise", "--verify", place / "none.jsonl").exit_code == 1
    log.write_bytes(b"\xff" + log.read_bytes())
    assert "not UTF-8" in call("randomise", "--verify", log).stderr


def test_an_arm_nobody_was_given_is_said(call: Call, place: Path) -> None:
    units = write(place, range(1, 4))
    result = call("randomise", units, "--seed", "1", "--ratio", "9999:1")
    assert result.exit_code == 0 and "Nobody was given comparison" in result.output


@pytest.mark.parametrize("best", ["nan", "inf", "1.5", "0"])
def test_a_share_of_schemes_that_is_none(call: Call, place: Path, best: str) -> None:
    units = write(place, range(1, 9))
    rule = ("--method", "constrained", "--covariates", "site", "--best", best)
    result = call("randomise", units, "--seed", "1", *rule)
    assert result.exit_code == 1 and "best=" in result.output
    assert not list(place.glob("office/*.jsonl"))


def test_letters_that_are_no_text(call: Call, place: Path) -> None:
    result = call("randomise", write(place, range(1, 9)), "--seed", "\udcff", "--json")
    assert result.exit_code == 1 and "not UTF-8" in result.stderr
    assert not list(place.glob("office/*.jsonl"))
