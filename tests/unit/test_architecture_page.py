"""ARCHITECTURE.md names every module that there is, and none that there is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE = re.compile(r"^([\w.]+\.py)\b", flags=re.MULTILINE)


def said(package: Path) -> list[str]:
    """Return the modules that a package's docstring lists, none where it lists none."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8")))
    return sorted(MODULE.findall(text or ""))


EVERY = sorted(path.parent for path in (ROOT / "evalkit").rglob("__init__.py"))
PACKAGES = [package for package in EVERY if said(package)]


def listed() -> list[str]:
    """Return the module names of the page's first block."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.findall(r"[\w.]+\.py\b", page.split("```")[1])


def test_the_page_names_every_module_and_no_other() -> None:
    there = sorted(
        path.name for path in (ROOT / "evalkit").rglob("*.py")
        if (path.name != "__init__.py" or path.parent.name == "evalkit")
        and path.parent not in PACKAGES
    )  # fmt: skip
    assert sorted(listed()) == there


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_that_lists_its_modules_lists_them_all_and_is_on_the_page(package: Path) -> None:
    there = sorted(path.name for path in package.glob("*.py") if path.name != "__init__.py")
    assert said(package) == there
    assert f"{package.name}/" in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def test_every_package_of_statistics_lists_its_modules() -> None:
    packages = [path.parent for path in (ROOT / "evalkit" / "stats").glob("*/__init__.py")]
    assert packages and all(package in PACKAGES for package in packages)


def test_the_page_stays_a_page() -> None:
    lines = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
