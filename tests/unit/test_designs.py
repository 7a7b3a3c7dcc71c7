"""The shipped designs are whole: each check and estimator they name is there, with its source."""

from __future__ import annotations

from pathlib import Path

import pytest

import evalkit as ek
from evalkit.areas.checks import AREA_CHECKS
from evalkit.areas.results import AREA_ESTIMATORS
from evalkit.checks import CHECKS
from evalkit.declaration import DesignPart
from evalkit.errors import InvalidContent, UnknownDesign
from evalkit.estimators import ESTIMATORS
from evalkit.files.strict_yaml import parse
from tests.conftest import ROOT

FILES = sorted((ROOT / "designs").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_design_file(path: Path) -> None:
    document = parse(path.read_text(encoding="utf-8"), path.name)
    assert document.problems == ()
    assert document.data["id"] == path.stem
    design = ek.design(path.stem)
    assert design.id == path.stem
    series = design.data == "series"
    assert {check.check for check in design.checks} <= set(AREA_CHECKS if series else CHECKS)
    assert set(design.estimators) <= set(AREA_ESTIMATORS if series else ESTIMATORS)
    assert design.estimators and bool(design.assumptions) >= series
    for check in design.checks:
        assert check.citation.strip() and check.why.strip()
    assert design.sources and design.threats and design.ceiling_reason
    for need in design.needs:
        head, _, key = need.key.partition(".")
        assert head == "design" and key in DesignPart.model_fields


def test_every_file_is_a_design() -> None:
    assert ek.designs() == [path.stem for path in FILES]


def test_ceilings_and_thresholds() -> None:
    assert {name: ek.design(name).ceiling for name in ek.designs()} == {
        "rct-individual": 5,
        "rct-stratified": 5,
        "rct-cluster": 5,
        "rct-multisite": 5,
        "rct-waitlist": 5,
        "rct-multi-arm": 5,
        "rct-partially-clustered": 5,
        "stepped-wedge": 5,
        "matched-comparison": 3,
        "weighted-comparison": 3,
        "regression-discontinuity": 4,
        "instrumental-variable": 4,
        "difference-in-differences": 3,
        "staggered-rollout": 3,
        "comparative-interrupted-time-series": 3,
        "synthetic-control": 3,
        "interrupted-time-series": 2,
        "pre-post": 1,
        "benchmark": 1,
        "descriptive-monitoring": 1,
    }
    for name in ("rct-individual", "matched-comparison"):
        check = ek.design(name).check("equivalence")
        assert check is not None
        assert check.thresholds == {"satisfied": 0.05, "adjusted": 0.25, "known": 0.9}
    assert ek.design("pre-post").check("equivalence") is None


def test_what_the_rating_reads_is_asked_for() -> None:
    trial = {check.check for check in ek.design("rct-individual").checks}
    matched = {check.check for check in ek.design("matched-comparison").checks}
    assert trial >= {"attrition", "equivalence", "clusters", "faults"}
    assert matched >= {"pre-test", "equivalence", "balance", "clusters", "faults"}


def test_an_unknown_design_has_a_near_match() -> None:
    with pytest.raises(UnknownDesign, match="Did you mean 'pre-post'"):
        ek.design("pre-pots")


def test_a_faulty_design_names_every_problem() -> None:
    from evalkit.design_spec import build_design

    document = parse("id: x\nname: X\nceiling: high\nextra: 1\n", "x.yaml")
    with pytest.raises(InvalidContent) as caught:
        build_design(document.data, document.where)
    said = " ".join(str(problem) for problem in caught.value.problems)
    assert "unknown key 'extra'" in said
    assert "found 'high'" in said
    assert "'checks' is missing" in said
