"""What may be said: never more than the level allows, and never from the word of those who harm."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.claims import findings, read
from evalkit.evaluation import Evaluation
from evalkit.results import Estimate, Finding, Level
from tests.conftest import arms, before_after, declare, evaluate, split, study_of

DAY = datetime.date
CREDIT = re.compile(r"programme made|likely to have made|because of the programme|thanks to", re.I)
TRIAL = evaluate(declare())
BEFORE_AFTER = evaluate(before_after())


def harming(role: Any, **changes: Any) -> Evaluation:
    name = role if isinstance(role, str) else role["id"]
    return evaluate(declare(roles=[role], logic_model__outcomes__0__role=name, **changes))


def estimate(value: float | None = -3.0, half: float = 1.0, **changes: Any) -> Estimate:
    known = value is not None
    made = Estimate(
        outcome="mood", measure="bdi-ii", scale="total", role="survivor", informant="self",
        wave="end", term="treatment", estimate=value, std_error=half / 2 if known else None,
        df=40.0, p_value=0.01, conf_low=value - half if known else None,
        conf_high=value + half if known else None, n_treatment=50, n_comparison=50, sd_pooled=8.0,
    )  # fmt: skip
    return replace(made, **changes)


def word(
    one: Estimate, *, level: int = 5, evaluation: Evaluation = TRIAL, counts: Any = None
) -> Finding:
    rated = Level(
        outcome="mood", wave="end", informant=str(one.informant), convention="c", level=level,
        ceiling=5, reasons=("top", "a reason"),
    )  # fmt: skip
    more = {"counts": counts} if counts else {}
    (found,) = findings(evaluation, [one], [rated], [], **more)
    return found


@pytest.mark.parametrize(
    ("made", "level", "claim", "credit"),
    [
        (estimate(-3), 5, "improved", "The programme made things better"),
        (estimate(3), 5, "worsened", "The programme made things worse"),
        (estimate(-3), 4, "improved", "The programme is likely to have made things better"),
        (estimate(-3), 3, "improved", "The programme is likely to have made things better"),
        (estimate(-3), 2, "described", ""),
        (estimate(-3), 1, "described", ""),
        (estimate(-3), 0, "described", ""),
        (estimate(-0.5), 5, "no-clear-change", ""),
        (estimate(0.0, 5), 5, "not-enough-information", ""),
        (estimate(None), 5, "not-enough-information", ""),
        (estimate(-3, df=3.9), 5, "not-enough-information", ""),
        (estimate(-3, df=4.0), 5, "improved", "The programme made things better"),
        (estimate(-3, p_adjusted=0.051), 5, "no-clear-change", ""),
        (estimate(-3, p_adjusted=0.05), 5, "improved", "The programme made things better"),
    ],
)
def test_a_claim_follows_from_estimate_and_level(
    made: Estimate, level: int, claim: str, credit: str
) -> None:
    found = word(made, level=level)
    assert found.claim == claim
    assert credit in found.statement
    assert bool(CREDIT.search(found.statement)) is bool(credit)
    assert found.attributes is bool(credit)


numbers = st.floats(-60, 60, allow_nan=False).map(lambda x: round(x, 3))


@settings(deadline=None, max_examples=250)
@given(
    value=st.none() | numbers,
    half=st.floats(0.001, 40),
    df=st.none() | st.floats(1, 200),
    adjusted=st.none() | st.floats(0, 1),
    level=st.integers(0, 5),
    role=st.sampled_from(["survivor", "perpetrator", "father-who-harms"]),
    one_group=st.booleans(),
)
def test_no_result_says_more_than_it_may(
    value: float | None, half: float, df: float | None, adjusted: float | None, level: int,
    role: str, one_group: bool,
) -> None:  # fmt: skip
    made = estimate(value, half, df=df, p_adjusted=adjusted, role=role)
    if one_group:
        made = replace(made, n_comparison=None)
    evaluation = ROLES[role, one_group]
    found = word(made, level=level, evaluation=evaluation)
    everything = " ".join([found.statement, *found.caveats])
    credited = bool(CREDIT.search(everything))
    clear = (
        value is not None and abs(value) > half and (df is None or df >= 4)
        and (adjusted is None or adjusted <= 1 - made.level)
    )  # fmt: skip
    assert found.attributes is credited
    assert credited is (clear and level >= 3 and role == "survivor")
    if role != "survivor":
        assert found.claim in ("own-report-only", "not-enough-information")
        said = found.statement.replace("“Mood lifts”", "")
        assert not re.search(r"improve|worsen|better|worse", said)
    if found.claim in ("improved", "worsened", "described"):
        assert clear
        assert ("(better)" in found.statement) is ((value or 0) < 0)
        assert ("(worse)" in found.statement) is ((value or 0) > 0)
    assert "nan" not in everything and "None" not in everything and "−0.0 " not in everything


ROLES = {
    (role, one_group): evaluate(
        (before_after if one_group else declare)(roles=[role], logic_model__outcomes__0__role=role)
    )
    for role in ("survivor", "perpetrator", "father-who-harms")
    for one_group in (False, True)
}


@settings(deadline=None, max_examples=150)
@given(value=numbers, half=st.floats(0.001, 40), margin=st.none() | st.floats(0.1, 10))
def test_readings_are_mirrored(value: float, half: float, margin: float | None) -> None:
    made = estimate(value, half)
    turned = estimate(-value, half)
    lower = read(made, higher_is_better=False, worthwhile=margin)
    higher = read(turned, higher_is_better=True, worthwhile=margin)
    assert lower.verdict == higher.verdict
    assert lower.worthwhile == higher.worthwhile
    assert (lower.gain_possible, lower.loss_possible) == (
        higher.gain_possible,
        higher.loss_possible,
    )
    if lower.verdict == "clear":
        assert lower.better is higher.better is (value < 0)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-2.0, 2.0, "not-enough-information"),
        (-2.0, 1.9, "no-clear-change"),
        (-1.9, 2.0, "no-clear-change"),
        (-1.0, 1.0, "no-clear-change"),
        (-9.0, 0.0, "no-clear-change"),
        (-9.0, -0.1, "clear"),
        (0.1, 9.0, "clear"),
    ],
)
def test_the_interval_tells_no_change_from_no_information(
    low: float, high: float, verdict: str
) -> None:
    made = replace(estimate((low + high) / 2), conf_low=low, conf_high=high)
    assert read(made, higher_is_better=False, worthwhile=2.0).verdict == verdict


def test_the_margin_is_the_expected_change_or_a_small_effect() -> None:
    assert read(estimate(), higher_is_better=False, worthwhile=None).worthwhile == pytest.approx(
        1.6
    )
    made = evaluate(declare(logic_model__outcomes__0__expected={"change": -4}))
    statement = word(estimate(-0.5, 1), evaluation=made).statement
    assert "A gain or loss of 4.0 points" in statement
    assert "is unlikely" in statement


@pytest.mark.parametrize(
    "role",
    ["perpetrator", "father-who-harms", "adult-who-harms", {"id": "father", "harms": True}],
)
def test_own_report_of_those_who_harm_is_only_their_own_report(role: Any) -> None:
    found = word(estimate(-3, role="x"), evaluation=harming(role))
    assert found.claim == "own-report-only"
    assert not found.attributes
    assert "This is their own report" in found.statement


def test_calling_the_own_report_by_the_name_of_the_role_changes_nothing() -> None:
    made = declare(
        roles=["perpetrator", "survivor"],
        data__scores=[],
        logic_model__outcomes=[
            {"id": "mood", "name": "Mood lifts", "role": "perpetrator", "direction": "lower",
             "when": ["end"],
             "measure": {"id": "sdq-parent-4-17", "informants": ["perpetrator", "survivor"]}},
        ],
    )  # fmt: skip
    evaluation = evaluate(made)
    levels = [
        Level(outcome="mood", wave="end", informant=i, convention="c", level=5, ceiling=5)
        for i in ("perpetrator", "survivor")
    ]
    both = [estimate(-3, informant=i) for i in ("perpetrator", "survivor")]
    own, other = findings(evaluation, both, levels, [])
    assert (own.claim, own.attributes) == ("own-report-only", False)
    assert (other.claim, other.attributes) == ("improved", True)


def test_the_mechanism_marks_who_harms() -> None:
    made = declare(logic_model__links=[
        {"from": "group", "to": "mood", "kind": "change-in-those-who-harm"}
    ])  # fmt: skip
    made["logic_model"]["activities"] = [{"id": "group", "name": "Group"}]
    assert word(estimate(-3), evaluation=evaluate(made)).claim == "own-report-only"


def test_hidden_counts_leave_no_number() -> None:
    for made in (estimate(-3), estimate(0, 9), estimate(None), estimate(-3, p_adjusted=0.9)):
        found = word(made, counts=lambda e: None)
        assert found.claim == "not-enough-information"
        assert not found.attributes
        assert found.caveats == ()
        assert not re.search(r"\d", found.statement)


def test_counts_are_shown_as_they_were_released() -> None:
    statement = word(estimate(-3), counts=lambda e: ("45", "55")).statement
    assert "45 people in programme, 55 in usual" in statement
    assert "50" not in statement


def test_a_result_that_multiplicity_took_away_says_so() -> None:
    found = word(estimate(-3, p_adjusted=0.2))
    assert any("Taken alone the interval leaves out zero" in caveat for caveat in found.caveats)


def test_a_level_below_the_ceiling_gives_its_reasons() -> None:
    assert "Level 3, not 5: a reason." in word(estimate(-3), level=3).caveats


def indicated(direction: str, rate: int) -> tuple[Finding, ...]:
    made = before_after(
        programme={"name": "P", "start": DAY(2024, 1, 1)},
        data__events={"file": "events.csv"},
        data__as_of=DAY(2025, 6, 1),
        indicators=[
            {"id": "calls", "kind": "call", "unit": "family", "window": "12 months",
             "direction": direction},
        ],
    )  # fmt: skip
    made["logic_model"]["outcomes"].append(
        {"id": "safer", "name": "Incidents", "role": "survivor", "indicator": "calls"}
    )
    import pandas as pd

    frame = arms(20)
    events = pd.DataFrame(
        {"family": frame["family"].head(rate), "date": "2024-05-01", "kind": "call"}
    )
    return study_of(made, *split(frame), events=events).analyse(sensitivity=False).findings


@pytest.mark.parametrize("direction", ["ambiguous", "lower", "higher"])
@pytest.mark.parametrize("rate", [1, 20])
def test_an_indicator_is_described_and_never_judged(direction: str, rate: int) -> None:
    found = next(f for f in indicated(direction, rate) if f.outcome == "safer")
    everything = " ".join([found.statement, *found.caveats])
    assert found.claim == "described"
    assert not found.attributes
    assert not re.search(r"better|worse|improve|safer", everything)
    assert any("neither is read into it" in c for c in found.caveats) is (direction == "ambiguous")


def test_an_outcome_without_instrument_is_said_to_be_unmeasured() -> None:
    made = declare()
    made["logic_model"]["outcomes"].append(
        {"id": "free", "name": "Freedom", "role": "survivor", "measure": "none"}
    )
    (found,) = [
        f
        for f in study_of(made, *split(arms(20))).analyse(sensitivity=False).findings
        if f.outcome == "free"
    ]
    assert (found.claim, found.attributes) == ("not-measured", False)
    assert "no adequate instrument is known" in found.statement


def test_before_and_after_is_described_and_never_credited() -> None:
    (found,) = (
        study_of(before_after(), *split(arms(40, effect=-8))).analyse(sensitivity=False).findings
    )
    assert found.claim == "described"
    assert "than at the first wave" in found.statement
    assert "may not be credited to the programme" in found.statement
    assert "40 people measured at both" in found.statement
    assert not CREDIT.search(found.statement)
