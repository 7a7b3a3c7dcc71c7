"""Results computed with R: find the folder, hand out cases, and count which were run."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
MAP = Path(__file__).with_name("manifest_map.json")
COMPLETENESS = "test_every_mapped_case_ran"


def reference_folder() -> Path:
    """Return the folder of reference results, by EVALKIT_REFERENCE or beside the checkout."""
    return Path(os.environ.get("EVALKIT_REFERENCE") or ROOT / "../shared/reference").resolve()


@dataclass(frozen=True, eq=False)
class Case:
    """One reference case: its values, and its input table where it has one."""

    id: str
    values: dict[str, Any]
    folder: Path
    input_csv: str | None

    @property
    def frame(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "data" / str(self.input_csv))


class Reference:
    """The reference folder, and the cases run so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "r"
        self.ran: set[str] = set()
        self.deselected: set[str] = set()
        self.wanted: set[str] = set()

    @property
    def present(self) -> bool:
        return (self.folder / "MANIFEST.json").is_file()

    def manifest(self) -> dict[str, str]:
        """Return the file that holds each case, by case id."""
        entries = json.loads((self.folder / "MANIFEST.json").read_text(encoding="utf-8"))
        return {entry["id"]: entry["file"] for entry in entries}

    @staticmethod
    def mapping() -> dict[str, str]:
        """Return the test that covers each reference case, or "later"."""
        return dict(json.loads(MAP.read_text(encoding="utf-8")))

    def case(self, name: str) -> Case:
        file = self.folder / self.manifest()[name]
        entries = json.loads(file.read_text(encoding="utf-8"))
        entry = next(entry for entry in entries if entry["id"] == name)
        self.ran.add(name)
        return Case(name, entry["values"], self.folder, entry["input_csv"])


KEY = pytest.StashKey[Reference]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[KEY] = Reference(reference_folder())


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items:
        if KEY in item.config.stash:
            item.config.stash[KEY].deselected.add(item.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the completeness test after everything else, in whatever order the rest runs."""
    items.sort(key=lambda item: item.name == COMPLETENESS)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that started this one, where there is one, which cases ran here."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        reference = session.config.stash[KEY]
        output["cases_ran"], output["cases_wanted"] = (
            sorted(reference.ran),
            sorted(reference.wanted),
        )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    reference = config.stash[KEY]
    if reference.ran:
        mapping = reference.mapping()
        mapped = [node for node in mapping.values() if node != "later"]
        terminalreporter.write_line(
            f"reference cases: {len(reference.ran)} run of {len(mapped)} mapped, "
            f"{len(mapping) - len(mapped)} for later versions"
        )


@pytest.fixture
def reference(pytestconfig: pytest.Config) -> Reference:
    """The reference results; tests that need them are skipped where the folder is absent."""
    found = pytestconfig.stash[KEY]
    if not found.present:
        if os.environ.get("EVALKIT_REFERENCE"):
            pytest.fail("EVALKIT_REFERENCE names a folder without r/MANIFEST.json")
        pytest.skip("reference results not found (set EVALKIT_REFERENCE to their folder)")
    return found


@pytest.fixture
def beating_the_blues() -> pd.DataFrame:
    """The published extract: the bundled example, else the reference copy."""
    for folder in (ROOT / "examples/beating-the-blues", reference_folder() / "data"):
        if (folder / "beating_the_blues.csv").is_file():
            return pd.read_csv(folder / "beating_the_blues.csv")
    pytest.fail("examples/beating-the-blues/beating_the_blues.csv is missing")
