"""ARCHITECTURE.md names every module that there is, and none that there is not."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def listed() -> list[str]:
    """Return the module names of the page's first block."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.findall(r"[\w.]+\.py\b", page.split("```")[1])


def test_the_page_names_every_module_and_no_other() -> None:
    there = sorted(
        path.name for path in (ROOT / "evalkit").rglob("*.py")
        if path.name != "__init__.py" or path.parent.name == "evalkit"
    )  # fmt: skip
    assert sorted(listed()) == there


def test_the_page_stays_a_page() -> None:
    lines = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
