"""Every block of docs/trials.md is a valid part of an evaluation."""

from __future__ import annotations

import re
from typing import Any

import pytest

from evalkit.files.strict_yaml import parse
from evalkit.shapes import as_tuples
from tests.conftest import ROOT, declare, evaluate

PAGE = (ROOT / "docs" / "trials.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS, ids=lambda text: text.split("\n")[1].strip()[:40])
def test_a_block_of_the_page(text: str) -> None:
    document = parse(text, "trials.md")
    assert document.problems == ()
    parts: dict[str, Any] = dict(as_tuples(document.data))
    outcome = parts.pop("outcome", None)
    made = declare(**parts)
    if outcome:
        made["logic_model"]["outcomes"] = [outcome]
    assert evaluate(made).targets()


def test_the_page_shows_every_design_of_a_trial() -> None:
    import evalkit as ek

    trials = [name for name in ek.designs() if ek.design(name).randomised]
    assert all(f"type: {name}\n" in PAGE for name in trials)
    assert len(BLOCKS) == 12
