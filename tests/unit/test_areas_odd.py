"""Odd series on copies of the examples: refused with the place, or answered with what limits it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from evalkit.cli.commands import app
from tests.conftest import ROOT

Plan = dict[str, Any]
Spoil = Callable[[Plan, pd.DataFrame], pd.DataFrame]
TEN, BELTS = "growing-together-areas", "seatbelts"


def told(example: str, spoil: Spoil, folder: Path) -> str:
    """Return what `check`, `run` and the page say of a spoilt copy; there is no traceback."""
    source = ROOT / "examples" / example
    plan = yaml.safe_load((source / "evaluation.yaml").read_text(encoding="utf-8"))
    (file,) = source.glob("*.csv")
    frame = spoil(plan, pd.read_csv(file, dtype=str, keep_default_na=False))
    (folder / "evaluation.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    frame.to_csv(folder / file.name, index=False)
    said = []
    for command in (["check"], ["run", "--out", str(folder / "out")]):
        name = str(folder / "evaluation.yaml")
        done = CliRunner().invoke(app, [command[0], name, *command[1:]])
        assert done.exit_code in (0, 1), done.output
        assert done.exception is None or isinstance(done.exception, SystemExit)
        said.append(done.output)
    page = folder / "out" / "summative.html"
    return " ".join(" ".join([*said, page.read_text("utf-8") if page.exists() else ""]).split())


def mixed(plan: Plan, frame: pd.DataFrame) -> pd.DataFrame:
    del plan["design"]["rollout"]
    plan["design"] |= {
        "type": "synthetic-control",
        "series": {"start": datetime.date(2023, 1, 1), "treated": "area-01"},
    }
    return frame[frame["unit"].isin(["area-01", "area-08"])]


def each_area_lacks_a_month(_: Plan, frame: pd.DataFrame) -> pd.DataFrame:
    number = frame["unit"].str[-2:].astype(int)
    month = frame["period"].rank(method="dense").astype(int)
    return frame[number + 3 != month]


def all_start_together(plan: Plan, frame: pd.DataFrame) -> pd.DataFrame:
    starts = plan["design"]["rollout"]["starts"]
    plan["design"]["rollout"]["starts"] = {area: datetime.date(2023, 1, 1) for area in starts}
    return frame


def some_start_before_the_series(plan: Plan, frame: pd.DataFrame) -> pd.DataFrame:
    early = {f"area-0{n}": datetime.date(2021, 1, 1) for n in (1, 2, 3)}
    plan["design"]["rollout"]["starts"] |= early
    return frame


def one_letter_off(_: Plan, frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(unit=frame["unit"].where(frame.index != 3, "Area-01"))


def break_at_the_start(plan: Plan, frame: pd.DataFrame) -> pd.DataFrame:
    at = {"on": datetime.date(1983, 2, 1), "why": "a new form"}
    plan["indicators"][0]["breaks"] = [at]
    plan["design"]["type"] = "interrupted-time-series"
    del plan["design"]["series"]["comparison"]
    return frame


def cell(column: str, value: str) -> Spoil:
    def spoil(_: Plan, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{column: frame[column].where(frame.index != 3, value)})

    return spoil


CASES: dict[str, tuple[str, Spoil, str]] = {
    "the comparison ends before the start": (
        BELTS, lambda _, f: f[(f["unit"] == "front seat") | (f["period"] < "1980-02")],
        "There is no period from the start on in which every unit has a value"),
    "the comparison is missing": (
        BELTS, lambda _, f: f[f["unit"] == "front seat"], "'rear seat' is no unit of"),
    "both series are the same": (
        BELTS, lambda _, f: f.assign(value="500"), "The model fits the series exactly"),
    "a break at the start": (BELTS, break_at_the_start, "the two cannot be told apart"),
    "six months of a yearly season": (
        BELTS, lambda _, f: f[f["period"].between("1982-11", "1983-04")], "6 periods for 9"),
    "one other area to mix": (TEN, mixed, "1, where two or more are needed"),
    "a hole in every area": (
        TEN, each_area_lacks_a_month,
        "a period in which not every unit of the series has a value: 144"),
    "all start together": (TEN, all_start_together, "Every unit starts in the same period"),
    "some start before the series": (
        TEN, some_start_before_the_series, "treated in or before the first period"),
    "all areas alike": (
        TEN, lambda _, f: f.assign(value="200", denominator="80000"), "does not vary"),
    "an area spelled in another way": (TEN, one_letter_off, "nothing is said of Area-01"),
    "a hidden count": (TEN, cell("value", "<5"), "row 5, column 'value': found '<5'"),
    "no such number": (TEN, cell("value", "1e400"), "row 5, column 'value'"),
    "a denominator of nought": (TEN, cell("denominator", "0"), "row 5, column 'denominator'"),
    "a thirteenth month": (TEN, cell("period", "2022-13"), "found '2022-13'"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_odd_series_is_refused_or_answered(name: str, tmp_path: Path) -> None:
    example, spoil, expected = CASES[name]
    said = told(example, spoil, tmp_path)
    text = said.replace("&#39;", "'")
    assert expected in text
    assert "holes=" not in text and "_effects;" not in text
