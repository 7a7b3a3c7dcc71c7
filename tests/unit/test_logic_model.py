"""The audit: each rule is triggered by exactly what it is about."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from evalkit import logic_model
from evalkit.logic_model import ECOLOGY, MECHANISMS, RULES
from evalkit.reports.formative import GAPS
from tests.conftest import declare, evaluate

KINDS = list(MECHANISMS)


def complete() -> dict[str, Any]:
    """A theory of change in which nothing is missing."""
    made = declare(
        roles=["survivor", "child"],
        indicators=[{"id": "calls", "kind": "call", "unit": "person", "window": "12 months"}],
    )
    made["data"]["events"] = {"file": "events.csv"}
    outcomes = []
    for n, level in enumerate(ECOLOGY):
        outcome = {
            "id": f"o{n}", "name": f"Outcome {n}", "role": ("survivor", "child")[n % 2],
            "level": level, "expected": {"change": -2, "source": "a plan"},
        }  # fmt: skip
        if n == 0:
            outcome |= {"measure": {"id": "bdi-ii"}, "direction": "lower", "when": ["end"]}
        else:
            outcome |= {"indicator": "calls"}
        outcomes.append(outcome)
    made["logic_model"] = {
        "activities": [{"id": "group", "name": "Group"}],
        "outcomes": outcomes,
        "links": [
            {"from": "group", "to": f"o{n}", "because": "they learn", "kind": KINDS[n]}
            for n in range(4)
        ],
    }
    made["analysis"]["primary"] = {"outcome": "o0", "wave": "end"}
    return made


def gaps(made: dict[str, Any]) -> list[tuple[str, str]]:
    return [(gap.rule, gap.node) for gap in evaluate(made).audit()]


def test_a_complete_model_has_no_gap() -> None:
    assert gaps(complete()) == []


def no_measure(m: dict[str, Any]) -> None:
    m["logic_model"]["outcomes"][1].pop("indicator")


def no_instrument(m: dict[str, Any]) -> None:
    no_measure(m)
    m["logic_model"]["outcomes"][1]["measure"] = "none"


def unused(m: dict[str, Any]) -> None:
    m["data"]["responses"] = [{"file": "w.csv", "measure": "swemwbs"}]


def dead_end(m: dict[str, Any]) -> None:
    m["logic_model"]["activities"].append({"id": "talks", "name": "Talks"})


def from_nothing(m: dict[str, Any]) -> None:
    m["logic_model"]["links"][2]["to"] = "o1"


def unexplained(m: dict[str, Any]) -> None:
    m["logic_model"]["links"][2].pop("because")


def no_mechanism(m: dict[str, Any]) -> None:
    m["logic_model"]["links"][1].pop("kind")


def silent(m: dict[str, Any]) -> None:
    m["roles"].append("grandparent")


def one_level_out(m: dict[str, Any]) -> None:
    m["logic_model"]["outcomes"][3]["level"] = "individual"


def nothing_expected(m: dict[str, Any]) -> None:
    m["logic_model"]["outcomes"][2].pop("expected")


def too_large(m: dict[str, Any]) -> None:
    m["logic_model"]["outcomes"][0]["expected"]["change"] = -64


def shown_by(m: dict[str, Any], measure: str) -> None:
    outcome = m["logic_model"]["outcomes"][0]
    m["data"]["scores"][0] |= {"measure": measure}
    outcome["measure"] = {"id": measure}
    outcome["expected"]["change"] = -1


def screening(m: dict[str, Any]) -> None:
    shown_by(m, "gad-2")
    m["data"]["scores"][0]["scale"] = "total"


def long_recall(m: dict[str, Any]) -> None:
    shown_by(m, "casr-sf")


def framework_uncovered(m: dict[str, Any]) -> None:
    m["logic_model"]["frameworks"] = ["kirkpatrick"]
    covers = [f"kirkpatrick/{name}" for name in ("reaction", "learning", "behaviour")]
    m["logic_model"]["outcomes"][0]["covers"] = covers


def cannot_show(m: dict[str, Any]) -> None:
    m["design"] = {"type": "pre-post"}


@pytest.mark.parametrize(
    ("break_it", "gap"),
    [
        (no_measure, ("outcome-without-measure", "o1")),
        (no_instrument, ("outcome-without-measure", "o1")),
        (unused, ("measure-without-outcome", "swemwbs")),
        (dead_end, ("activity-leads-nowhere", "talks")),
        (from_nothing, ("outcome-from-nothing", "o2")),
        (unexplained, ("link-without-because", "group -> o2")),
        (no_mechanism, ("mechanism-missing", KINDS[1])),
        (silent, ("role-without-outcome", "grandparent")),
        (one_level_out, ("level-left-out", "society")),
        (nothing_expected, ("no-expected-change", "o2")),
        (too_large, ("expected-too-large", "o0")),
        (screening, ("not-an-outcome-measure", "o0")),
        (long_recall, ("recall-overlaps", "o0")),
        (framework_uncovered, ("domain-not-covered", "kirkpatrick/results")),
        (cannot_show, ("design-cannot-show", "o0")),
    ],
)
def test_a_rule_finds_exactly_its_gap(
    break_it: Callable[[dict[str, Any]], None], gap: tuple[str, str]
) -> None:
    made = deepcopy(complete())
    break_it(made)
    assert gaps(made) == [gap]


def test_every_rule_has_a_case() -> None:
    assert len(RULES) == 13


def test_a_page_has_a_name_for_every_gap() -> None:
    source = Path(logic_model.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'Gap\(\s*"([a-z-]+)"', source))
    assert len(named) >= 13 and named == set(GAPS)


def test_an_expected_change_as_large_as_the_scale_is_allowed() -> None:
    made = complete()
    made["logic_model"]["outcomes"][0]["expected"]["change"] = -63
    assert gaps(made) == []


def test_the_theory_is_also_told_in_sentences() -> None:
    model = evaluate(complete()).logic_model
    first = model.as_text()[0]
    places = [first.index(part) for part in ("Group", "leads to", "Outcome 0", "they learn")]
    assert places == sorted(places)
    last = model.as_text({"o0": ("improved", "2 points lower")})[-1]
    assert "Outcome 0" in last and "2 points lower" in last
    assert model.columns()["activities"] == (("group", "Group"),)


def test_an_output_is_a_step_from_its_source_and_told_once() -> None:
    made = complete()
    made["logic_model"]["outputs"] = [{"id": "done", "name": "Done", "from": "group"}]
    made["logic_model"]["links"].append({"from": "group", "to": "done", "because": "it ends"})
    assert evaluate(made).logic_model.edges().count(("group", "done")) == 1
