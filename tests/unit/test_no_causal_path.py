"""No path from a design and its checks to wording credits the programme below level 3.

Every design of the registry with every outcome of its checks and every set of declared faults is
rated; then every kind of outcome, unit, reading and role is worded at each level a design can reach.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import chain, combinations, product
from typing import Any

import pytest

import evalkit as ek
from evalkit.claims import findings
from evalkit.evaluation import Evaluation
from evalkit.maryland import rate
from evalkit.results import Check, Estimate, Finding, Level
from evalkit.targets import Target
from tests.conftest import declare, evaluate

DESIGNS = ek.designs()
ATTRIBUTES_FROM = 3
FAULTS = ("allocation", "contamination", "implementation", "measurement")
STATES = (True, False, None)
CAUSAL = re.compile(
    r"\bmade\b|\bmakes things|\bled to\b|\bleads? to\b|because of|thanks to|due to|\beffects?\b|\bimpacts?\b"
    r"|\bcaus\w+|brought about|result of the|\bworks?\b|\bworked\b|attribut\w+|\bresponsible for\b"
    r"|with the programme\b|the programme (improve|reduc|help|lower|rais)\w*",
    re.I,
)
SHARE_OF_ALL = [c for n in range(len(FAULTS) + 1) for c in combinations(FAULTS, n)]


def names_of(design: str) -> tuple[str, ...]:
    return tuple(check.check for check in ek.design(design).checks if check.check != "faults")


def rated(design: str, states: tuple[bool | None, ...], faults: tuple[str, ...]) -> Level:
    checks = [
        Check(check=name, passed=passed, sentence=f"{name} was looked at.")
        for name, passed in zip(names_of(design), states, strict=True)
    ]
    checks.append(Check(check="faults", passed=not faults, sentence="Faults were asked for."))
    return rate(
        ek.design(design), checks, faults, outcome="mood", wave="end", informant="self",
        estimated=True,
    )  # fmt: skip


@cache
def every(design: str) -> dict[tuple[Any, Any], Level]:
    """Return the level of a design for every outcome of its checks and every set of faults."""
    states = list(product(STATES, repeat=len(names_of(design))))
    return {
        (state, faults): rated(design, state, faults) for state in states for faults in SHARE_OF_ALL
    }


@pytest.mark.parametrize("design", DESIGNS)
def test_no_level_exceeds_the_ceiling(design: str) -> None:
    spec = ek.design(design)
    for level in every(design).values():
        assert 1 <= level.level <= level.ceiling == spec.ceiling
        assert level.convention and level.original_convention == spec.original.convention
        assert level.original_level == spec.original.level
        assert len(level.raised_by) == len(level.reasons)
        assert all(level.raised_by[1:])
        assert bool(level.to_reach_next) is (level.level < 5)
    best = every(design)[(True,) * len(names_of(design)), ()]
    assert best.level == spec.ceiling and len(best.reasons) == 1


@pytest.mark.parametrize("design", DESIGNS)
def test_a_check_that_passes_and_a_fault_less_never_lower_the_level(design: str) -> None:
    levels = every(design)
    for (states, faults), level in levels.items():
        for n, state in enumerate(states):
            if state is not True:
                better = (*states[:n], True, *states[n + 1 :])
                assert levels[better, faults].level >= level.level, (states, faults, n)
        for fault in faults:
            fewer = tuple(f for f in faults if f != fault)
            assert levels[states, fewer].level >= level.level, (states, faults)


@pytest.mark.parametrize("design", DESIGNS)
def test_what_cannot_be_told_is_rated_as_what_failed(design: str) -> None:
    levels = every(design)
    for (states, faults), level in levels.items():
        failed = tuple(state is True for state in states)
        assert level.level == levels[failed, faults].level


@pytest.mark.parametrize("design", [d for d in DESIGNS if ek.design(d).ceiling >= 3])
def test_every_check_of_a_comparison_lowers_the_level_or_is_said_beside(design: str) -> None:
    spec, names = ek.design(design), names_of(design)
    whole: list[bool | None] = [True] * len(names)
    for n, name in enumerate(names):
        level = rated(design, (*whole[:n], False, *whole[n + 1 :]), ())
        lowered = level.level < spec.ceiling
        if spec.randomised:
            expected = name in ("attrition", "clusters")
        else:
            expected = name not in ("attrition", "effective-size")
        assert lowered is expected, (design, name)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_lowers_a_comparison_or_is_said(design: str, fault: str) -> None:
    spec = ek.design(design)
    level = rated(design, (True,) * len(names_of(design)), (fault,))
    said = " ".join((*level.reasons[1:], *level.beside))
    assert "(declared)" in said
    assert (level.level < spec.ceiling) is spec.comparison_group
    if spec.comparison_group and fault in ("contamination", "implementation"):
        assert level.level == spec.ceiling - 1


def test_what_lifts_a_level_comes_cheapest_first() -> None:
    failed = {"balance": False, "equivalence": False}
    names = names_of("matched-comparison")
    states = tuple(failed.get(name, True) for name in names)
    level = rated("matched-comparison", states, ("allocation",))
    assert level.to_reach_next[0] == "Match again, or adjust for it."
    assert len(level.to_reach_next) == 3 and len(level.raised_by) == 4


# From levels to words


KINDS: dict[str, dict[str, Any]] = {
    "mean": {},
    "yes-no": {"logic_model__outcomes__0__measure": {"id": "bdi-ii", "at_most": 13}},
    "ratio": {"logic_model__outcomes__0__measure": {"id": "bdi-ii"}},
}
ROLES = ("survivor", "perpetrator")
CASES = [
    *product(KINDS, ROLES, (False,), (True,)),
    ("mean", "survivor", True, True), ("yes-no", "survivor", True, False),
    ("mean", "survivor", False, False),
]  # fmt: skip
"""Kind of outcome, role, whether there are several programmes, and whether figures may be shown."""
SEVERAL = {"column": "arm", "treated": ["programme", "light"], "comparison": "usual"}


@cache
def declared(kind: str, role: str, several: bool) -> Evaluation:
    changes: dict[str, Any] = dict(KINDS[kind])
    changes |= {"roles": [role], "logic_model__outcomes__0__role": role}
    if several:
        changes |= {"design__type": "rct-multi-arm", "design__arm": SEVERAL}
    return evaluate(declare(**changes))


def estimates(design: str, kind: str, target: Target) -> list[Estimate]:
    """Return results of every reading and unit that a kind of outcome may come in."""
    two = ek.design(design).comparison_group
    units = {
        "mean": ("points", "days"), "yes-no": ("share", "ratio"), "ratio": ("ratio",),
    }[kind]  # fmt: skip
    found = []
    for unit, value, half in product(units, (-0.3, 0.3), (0.1, 0.5)):
        middle = 1 + value if unit == "ratio" else value
        found.append(Estimate(
            outcome="mood", measure="bdi-ii", scale="total", role=target.outcome.role, wave="end",
            informant="self", contrast=target.key[3], unit=unit, estimate=middle,
            conf_low=middle - half, conf_high=middle + half, std_error=half / 2, df=60.0,
            p_value=0.01, n_treatment=90, n_comparison=90 if two else None, sd_pooled=1.0,
            mean_treatment=0.4, mean_comparison=0.5 if two else None,
        ))  # fmt: skip
    return found


def worded(evaluation: Evaluation, estimate: Estimate, level: Level, *, exact: bool) -> Finding:
    rows = findings(evaluation, [estimate], [level], [], exact=exact)
    return next(row for row in rows if row.wave is not None)


def words_of(finding: Finding) -> str:
    """Return all that a finding says, but for the names that the evaluators gave."""
    return re.sub("“[^”]*”", "", " ".join([finding.statement, *finding.caveats]))


def each(design: str) -> list[Level]:
    """Return one result at every level that the design can come to, with the most reasons."""
    by_level: dict[int, Level] = {}
    for level in every(design).values():
        held = by_level.get(level.level)
        if held is None or len(level.reasons) > len(held.reasons):
            by_level[level.level] = level
    return list(by_level.values())


@pytest.mark.parametrize("design", DESIGNS)
def test_below_level_three_no_finding_credits_the_programme(design: str) -> None:
    spec = ek.design(design)
    credited = 0
    for kind, role, several, exact in CASES:
        if spec.question in ("norm", "level") and kind != "mean":
            continue
        evaluation = replace(declared(kind, role, several), design=spec)
        for target in evaluation.targets()[-2:]:
            for estimate, level in product(estimates(design, kind, target), each(design)):
                row = replace(level, contrast=target.key[3])
                finding = worded(evaluation, estimate, row, exact=exact)
                text = words_of(finding)
                if level.level < ATTRIBUTES_FROM:
                    assert not finding.attributes and not CAUSAL.search(text), (design, text)
                    assert finding.claim not in ("improved", "worsened")
                credited += finding.attributes
                assert not (finding.attributes and role == "perpetrator")
    assert bool(credited) is (spec.ceiling >= ATTRIBUTES_FROM)


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
def test_every_single_path_below_level_three_is_worded_without_credit(design: str) -> None:
    evaluation = replace(declared("mean", "survivor", False), design=ek.design(design))
    (target,) = evaluation.targets()
    for estimate in estimates(design, "mean", target)[:2]:
        for level in every(design).values():
            finding = worded(evaluation, estimate, level, exact=True)
            low = level.level < ATTRIBUTES_FROM
            assert not (low and (finding.attributes or CAUSAL.search(words_of(finding))))


@pytest.mark.parametrize("design", DESIGNS)
def test_no_reason_lift_or_caveat_below_level_three_is_causal(design: str) -> None:
    low = [level for level in every(design).values() if level.level < ATTRIBUTES_FROM]
    said = set(chain.from_iterable((*v.reasons[1:], *v.beside) for v in low))
    for text in said:
        assert not CAUSAL.search(text), text


def test_what_is_not_rated_is_not_credited() -> None:
    for design in DESIGNS:
        evaluation = replace(declared("mean", "survivor", False), design=ek.design(design))
        level = rate(
            ek.design(design), [], (), outcome="mood", wave="end", informant="self", estimated=False
        )
        assert level.level == 0
        (target,) = evaluation.targets()
        for estimate in estimates(design, "mean", target):
            assert not worded(evaluation, estimate, level, exact=True).attributes
