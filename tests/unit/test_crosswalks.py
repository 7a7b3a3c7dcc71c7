"""Results on other scales: information read from design, loss, likeness and finding, marked as verified or not."""

from __future__ import annotations

import re
from typing import Any

import pytest

import evalkit as ek
from evalkit.crosswalks import BY_DESIGN, EEF, EIF, NESTA, SOURCES, WWC, crosswalks
from evalkit.results import Check, Finding, Level
from tests.conftest import arms, before_after, declare, matched, split, study_of

KEY = ("mood", "end", "self", None)


def read(
    design: str, *, level: int, claim: str = "improved", better: bool = True,
    loss: float | None = 0.05, faults: tuple[str, ...] = (), **passed: bool | None,
) -> dict[str, str]:  # fmt: skip
    spec = ek.design(design)
    same = {"outcome": "mood", "wave": "end", "informant": "self"}
    rated = Level(**same, convention="c", level=level, ceiling=spec.ceiling)
    checks = [
        Check(check=check.check, passed=passed.get(check.check.replace("-", "_"), True), **same)
        for check in spec.checks
    ]
    finding = Finding(**same, claim=claim, statement="")
    rows = crosswalks(
        spec, [rated], checks, [finding], [KEY] if better else [],
        {} if loss is None else {KEY: loss}, faults,
    )  # fmt: skip
    assert [row.scale for row in rows] == list(SOURCES)
    return {row.scale: row.reading for row in rows}


@pytest.mark.parametrize(
    ("design", "change", "reading"),
    [
        ("rct-individual", {}, "meets the standards without reservations"),
        ("rct-individual", {"equivalence": False}, "meets the standards without reservations"),
        ("rct-individual", {"attrition": False}, "meets the standards with reservations"),
        ("rct-individual", {"attrition": None}, "meets the standards with reservations"),
        ("rct-individual", {"faults": ("allocation",)}, "meets the standards with reservations"),
        (
            "rct-individual",
            {"attrition": False, "equivalence": None},
            "does not meet the standards",
        ),
        ("rct-individual", {"clusters": False}, "does not meet the standards"),
        ("rct-individual", {"faults": ("measurement",)}, "does not meet the standards"),
        ("matched-comparison", {}, "meets the standards with reservations"),
        ("matched-comparison", {"attrition": False}, "meets the standards with reservations"),
        ("matched-comparison", {"equivalence": False}, "does not meet the standards"),
        ("regression-discontinuity", {}, "not read"),
        ("pre-post", {}, "does not meet the standards"),
    ],
)
def test_what_works_clearinghouse(design: str, change: dict[str, Any], reading: str) -> None:
    assert read(design, level=3, **change)[WWC] == reading


@pytest.mark.parametrize(
    ("level", "claim", "better", "eif", "nesta"),
    [
        (5, "improved", True, "could count towards level 3", "could count towards level 3"),
        (3, "improved", True, "could count towards level 3", "could count towards level 3"),
        (5, "no-clear-change", False, "could count towards NE (found not effective)", "level 1"),
        (5, "worsened", False, "could count towards NE (found not effective)", "level 1"),
        (2, "described", True, "at most level 2", "at most level 2"),
        (2, "described", False, "not level 2", "level 1"),
        (5, "own-report-only", False, "not level 2", "level 1"),
        (5, "not-enough-information", False, "not level 2", "level 1"),
        (0, "not-enough-information", False, "not level 2", "level 1"),
    ],
)
def test_eif_and_nesta(level: int, claim: str, better: bool, eif: str, nesta: str) -> None:
    found = read("rct-individual", level=level, claim=claim, better=better)
    assert (found[EIF], found[NESTA]) == (eif, nesta)


@pytest.mark.parametrize(
    ("design", "loss", "reading"),
    [
        ("rct-individual", 0.10, "at most 5"), ("rct-individual", 0.101, "at most 4"),
        ("rct-individual", 0.35, "at most 2"), ("rct-individual", 0.51, "at most 0"),
        ("matched-comparison", 0.05, "at most 3"), ("matched-comparison", 0.45, "at most 1"),
        ("regression-discontinuity", 0.05, "at most 4"), ("weighted-comparison", None, "at most 3"),
        ("pre-post", 0.05, "0"), ("benchmark", None, "0"),
    ],
)  # fmt: skip
def test_eef_padlocks_are_said_to_be_from_memory(
    design: str, loss: float | None, reading: str
) -> None:
    assert read(design, level=1, loss=loss)[EEF] == reading
    assert SOURCES[EEF][0] == "mem" and "from memory" in SOURCES[EEF][1]


def test_every_design_is_read_on_every_scale() -> None:
    for design in ek.designs():
        readings = read(design, level=ek.design(design).ceiling)
        assert all(readings.values())
        by_itself = design in BY_DESIGN or not ek.design(design).comparison_group
        if by_itself or ek.design(design).randomised:
            assert readings[EEF] != "not read", design


def test_the_level_names_both_conventions_and_the_page_shows_the_readings(tmp_path: Any) -> None:
    for made, ceiling, original in (
        (declare(), 5, 5),
        (matched(), 3, None),
        (before_after(), 1, 2),
    ):
        study = study_of(made, *split(arms(60)))
        analysis = study.analyse(sensitivity=False)
        level = analysis.levels[0]
        assert (level.ceiling, level.original_convention) == (ceiling, "Sherman et al. 1997")
        assert original is None or level.original_level == original
        assert len(analysis.crosswalks) == 4
        ek.report(analysis, tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text(encoding="utf-8")
        assert "Under Sherman et al. 1997 this design can reach level" in page
        assert "none of these bodies has rated anything here" in page
        assert "from memory, not checked" in page


def test_a_strict_page_tells_no_loss_that_it_hides(tmp_path: Any) -> None:
    frame = arms(80).astype({"post": object})
    frame.loc[frame.index[:2], "post"] = ""
    made = declare(disclosure={"profile": "strict"})
    ek.report(study_of(made, *split(frame)).analyse(sensitivity=False), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "By the design alone: the loss is not shown." in page
    assert not re.search(r"the overall loss \d", page)


def test_designs_as_other_people_rated_them() -> None:
    """Levels that 3-statistics section 1.3 and the scoring guide give to kinds of design."""
    ceilings = {name: ek.design(name).ceiling for name in ek.designs()}
    assert all(ceilings[name] == 5 for name in ceilings if ek.design(name).randomised)
    expected = {
        "regression-discontinuity": 4, "instrumental-variable": 4, "matched-comparison": 3,
        "weighted-comparison": 3, "pre-post": 1, "benchmark": 1, "descriptive-monitoring": 1,
    }  # fmt: skip
    assert {name: ceilings[name] for name in expected} == expected
