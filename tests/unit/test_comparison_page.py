"""Every block of docs/comparison.md is a valid part of an evaluation."""

from __future__ import annotations

import re
from typing import Any

import pytest

import evalkit as ek
from evalkit.files.strict_yaml import parse
from evalkit.shapes import as_tuples
from tests.conftest import ROOT, declare, evaluate

PAGE = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
SHOWN = (
    "matched-comparison", "weighted-comparison", "regression-discontinuity", "pre-post",
    "instrumental-variable", "benchmark", "descriptive-monitoring",
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_block_of_the_page(number: int) -> None:
    document = parse(BLOCKS[number], "comparison.md")
    assert document.problems == ()
    parts: dict[str, Any] = dict(as_tuples(document.data))
    assert evaluate(declare(**parts)).targets()


@pytest.mark.parametrize("name", SHOWN)
def test_the_page_shows_the_design(name: str) -> None:
    assert name in ek.designs()
    assert f"type: {name}\n" in PAGE
