"""Levels: the design's ceiling, lowered by how it went, every reason recorded."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

import evalkit as ek
from evalkit.maryland import CONVENTION, rate
from evalkit.results import Check, Level
from tests.conftest import arms, before_after, declare, matched, split, study_of

NAMES = ("attrition", "equivalence", "pre-test", "balance", "clusters", "faults")


def rated(
    design: str, *, faults: tuple[str, ...] = (), estimated: bool = True, **passed: Any
) -> Level:
    checks = [
        Check(check=name, passed=passed.get(name.replace("-", "_"), True), sentence=f"{name} said.")
        for name in NAMES
    ]
    return rate(
        ek.design(design), checks, faults, outcome="o", wave="w", informant="self",
        estimated=estimated,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("design", "faults", "passed", "level", "reasons"),
    [
        ("rct-individual", (), {}, 5, 1),
        ("rct-individual", (), {"equivalence": False}, 5, 1),
        ("rct-individual", (), {"attrition": False}, 3, 2),
        ("rct-individual", (), {"attrition": False, "equivalence": False}, 2, 2),
        ("rct-individual", (), {"attrition": None}, 3, 2),
        ("rct-individual", (), {"attrition": False, "equivalence": None}, 2, 2),
        ("rct-individual", (), {"clusters": False}, 2, 2),
        ("rct-individual", (), {"clusters": None}, 2, 2),
        ("rct-individual", ("contamination",), {}, 4, 2),
        ("rct-individual", ("allocation",), {}, 3, 2),
        ("rct-individual", ("allocation",), {"equivalence": False}, 2, 2),
        ("rct-individual", ("measurement",), {}, 2, 2),
        ("rct-individual", ("contamination", "measurement"), {"attrition": False}, 2, 4),
        ("matched-comparison", (), {}, 3, 1),
        ("matched-comparison", (), {"equivalence": False}, 2, 2),
        ("matched-comparison", (), {"equivalence": None}, 2, 2),
        ("matched-comparison", (), {"pre_test": False}, 2, 2),
        ("matched-comparison", (), {"pre_test": None}, 2, 2),
        ("matched-comparison", (), {"balance": False}, 2, 2),
        ("matched-comparison", (), {"balance": None}, 2, 2),
        ("matched-comparison", (), {"clusters": False}, 2, 2),
        ("matched-comparison", ("allocation",), {}, 2, 2),
        ("matched-comparison", ("measurement",), {}, 2, 2),
        ("pre-post", (), {}, 1, 1),
        ("pre-post", ("measurement",), {}, 1, 1),
    ],
)
def test_the_machine_rule(
    design: str, faults: tuple[str, ...], passed: dict[str, Any], level: int, reasons: int
) -> None:
    found = rated(design, faults=faults, **passed)
    assert found.level == level
    assert len(found.reasons) == reasons
    assert found.convention == CONVENTION
    assert bool(found.to_reach_next) is (level < 5)


def test_a_declared_fault_is_said_whether_or_not_it_lowers_the_level() -> None:
    for design in ("rct-individual", "matched-comparison", "pre-post"):
        for fault in ("allocation", "contamination", "measurement"):
            found = rated(design, faults=(fault,))
            assert "(declared)" in " ".join((*found.reasons, *found.beside)), (design, fault)


@pytest.mark.parametrize("name", ["attrition", "equivalence", "pre-test", "balance"])
def test_what_cannot_be_told_counts_as_failed_and_is_said_as_not_shown(name: str) -> None:
    design = "rct-individual" if name == "attrition" else "matched-comparison"
    found = rated(design, **{name.replace("-", "_"): None})
    assert found.level < found.ceiling
    assert f"not shown ({name} said)" in found.reasons[1]


def test_no_level_exceeds_the_ceiling_and_more_faults_never_raise_it() -> None:
    states = (True, False, None)
    for design, lost, alike in product(("rct-individual", "matched-comparison"), states, states):
        sound = rated(design, attrition=lost, equivalence=alike)
        for faults in (("allocation",), ("contamination",), ("measurement",)):
            worse = rated(design, faults=faults, attrition=lost, equivalence=alike)
            assert 1 <= worse.level <= sound.level <= sound.ceiling
            assert len(worse.reasons) >= len(sound.reasons)


def test_what_cannot_be_estimated_is_not_rated() -> None:
    assert rated("rct-individual", estimated=False).level == 0


@pytest.mark.parametrize(("wave", "level"), [("2", 3), ("3", 5), ("5", 3), ("8", 5)])
def test_beating_the_blues(analyses: dict[str, Any], wave: str, level: int) -> None:
    found = analyses["beating-the-blues"].level("depression", f"{wave}-months")
    assert found.level == level
    assert any("Loss is outside the cautious" in r for r in found.reasons) is (level == 3)


def level(data: dict[str, Any], frame: Any) -> Level:
    return study_of(data, *split(frame)).analyse(sensitivity=False).levels[0]


def lost(frame: Any, share: float = 0.5) -> Any:
    """Take the last answers of so large a share of the programme arm."""
    frame = frame.astype(object)
    mine = frame.index[frame["arm"] == "programme"]
    frame.loc[mine[int(len(mine) * (1 - share)) :], "post"] = ""
    return frame


def test_a_trial_end_to_end() -> None:
    assert level(declare(), arms(44)).level == 5
    assert level(declare(), lost(arms(44))).level == 3
    assert level(declare(), lost(arms(44, gap=3))).level == 2
    nearly = whole(lost(arms(44)), 5)  # 0.14 standard deviations apart among those analysed
    assert level(declare(), nearly).level == 3
    assert level(declare(analysis__covariates=["tier"]), nearly).level == 2
    assert level(declare(design__faults=["contamination"]), arms(44)).level == 4
    assert level(declare(design__faults=["measurement"]), arms(44)).level == 2
    assert level(declare(design__faults=["allocation"]), arms(44)).level == 3


def test_chance_imbalance_in_an_intact_trial_never_lowers_the_level() -> None:
    assert level(declare(), arms(44, gap=6)).level == 5


def test_matched_families_end_to_end() -> None:
    sound = ["baseline", "tier"]
    assert level(matched(analysis__covariates=sound), arms(40)).level == 3
    assert level(before_after(), arms(40)).level == 1
    # the first scores have an SD of 3.24: 1 point is 0.3, 0.5 points are 0.15 standard deviations
    assert level(matched(analysis__covariates=sound), whole(arms(40), 10)).level == 3
    assert level(matched(analysis__covariates=["tier"]), whole(arms(40), 10)).level == 2
    assert level(matched(analysis__covariates=sound), whole(arms(40), 20)).level == 2


def whole(frame: Any, n: int) -> Any:
    """Raise the first score of the first n of the programme arm by one point."""
    frame = frame.copy()
    frame.loc[frame.index[frame["arm"] == "programme"][:n], "pre"] += 1
    return frame


def test_without_a_first_score_a_matched_comparison_shows_little() -> None:
    frame = arms(40).assign(pre="")
    assert level(matched(analysis__covariates=["tier"]), frame).level == 2
    only_some = arms(40).astype(object)
    only_some.loc[4:, "pre"] = ""
    found = level(matched(analysis__covariates=["tier"]), only_some)
    assert found.level == 2
    assert "for everybody analysed" in found.reasons[1]


def test_a_covariate_matched_on_that_nobody_recorded_is_not_shown_to_be_alike() -> None:
    made = matched(design__match={"unit": "family", "covariates": ["tier", "x"], "sets": "pair"})
    found = level(made, arms(40, x=""))
    assert found.level == 2
    assert "not shown" in found.reasons[1]


def test_one_site_an_arm_is_confounded() -> None:
    frame = arms(40)
    frame["site"] = frame["arm"].map({"programme": "North", "usual": "South"})
    found = study_of(declare(design__assigned_by="site"), *split(frame)).analyse(sensitivity=False)
    assert found.levels[0].level in (0, 2)
    assert not found.findings[0].attributes
