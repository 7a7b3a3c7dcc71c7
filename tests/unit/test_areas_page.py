"""Every block of docs/areas.md is a valid part of an evaluation of areas, and what it says holds."""

from __future__ import annotations

import re
from typing import Any

import pytest

import evalkit as ek
from evalkit.files.strict_yaml import parse
from evalkit.shapes import as_tuples
from tests.conftest import ROOT, evaluate
from tests.unit.test_areas import AREAS, TOGETHER, series

PAGE = (ROOT / "docs" / "areas.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
SHOWN = [name for name in ek.designs() if ek.design(name).data == "series"]


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_page(number: int) -> None:
    document = parse(BLOCKS[number], "areas.md")
    assert document.problems == ()
    parts: dict[str, Any] = dict(as_tuples(document.data))
    made = evaluate(AREAS | parts)
    frame = series(TOGETHER)
    if made.declared.design.rollout and made.declared.design.rollout.running:
        treated = frame["unit"].isin(["a01", "a02", "a03"]) & (frame["period"] >= "2023")
        frame["programme_runs"] = treated.map({True: "yes", False: "no"})
    frame = frame[frame["unit"] <= "a06"]
    (effect,) = made.study(tables={"monthly.csv": frame}).analyse().areas
    assert effect.estimate is not None and effect.n_used + effect.n_dropped == effect.n_rows


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_shows_the_design_and_its_ceiling(name: str) -> None:
    assert f"type: {name}\n" in PAGE
    assert re.search(rf"\| `{name}` \| {ek.design(name).ceiling} \|", PAGE)
