"""What a team typed in, checked all at once, and what a declared evaluation adds to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidInput, InvalidPlan, NotAvailable, Problem, Where
from evalkit.prospects.designs import Means
from evalkit.prospects.facts import Yardstick

if TYPE_CHECKING:
    from evalkit.evaluation import Evaluation
    from evalkit.targets import Target

MOST = 100_000_000
"""Larger numbers of families or sites are slips."""
SLIVER = 1e-6
"""Shares and chances nearer to 0 or 1 than this are slips."""
_EFFECT = re.compile(r"\s*[+-]?([0-9]*\.?[0-9]+)\s*(points?|sds?)?\s*$", re.IGNORECASE)
CHOICES = {
    "rct-individual": "individual",
    "rct-cluster": "family",
    "rct-stratified": "stratified",
    "rct-multisite": "multisite",
    "rct-waitlist": "waitlist",
    "stepped-wedge": "stepped-wedge",
    "matched-comparison": "matched",
    "pre-post": "before-after",
}
"""The design of an evaluation file, and the row that sizes it."""


def means_from(
    *,
    families: float | None,
    families_a_month: float | None,
    months: float | None,
    **rest: Any,
) -> Means:
    """Return checked means; raises InvalidPlan with every problem at once."""
    found: list[Problem] = []
    if families is None and (families_a_month is None or months is None):
        found.append(
            _problem(
                "families",
                "how many families can be recruited is not said.",
                "families, or families-a-month with months",
            )
        )
    elif families is not None and (families_a_month is not None or months is not None):
        found.append(
            _problem(
                "families",
                "is given twice over.",
                "families alone, or families-a-month with months",
            )
        )
    counts = {"families": families, "families_a_month": families_a_month, "months": months}
    for name, value in counts.items():
        if value is not None and not 0 < value <= MOST:
            allowed = f"a number above 0, at most {MOST:,}" if value > MOST else "a number above 0"
            found.append(_problem(name, f"is {value:g}.", allowed))
    found += _faults(rest)
    if not found and families is None:
        families = (families_a_month or 0) * (months or 0)
        if families > MOST:
            found.append(_problem("families", f"comes to {families:g}.", f"at most {MOST:,}"))
    if families is not None and isfinite(families) and 0 < families < 2:
        found.append(_problem("families", f"comes to {families:g}.", "two or more"))
    if found:
        raise InvalidPlan(found)
    assert families is not None
    return Means(families=families, families_a_month=families_a_month, months=months, **rest)


def _faults(given: dict[str, Any]) -> list[Problem]:
    rules = {
        "people_per_family": (1.0, 1000.0, "1 or more, at most 1,000"),
        "sites": (1, MOST, f"a whole number, 1 or more, at most {MOST:,}"),
        "strata": (2, MOST, f"a whole number, 2 or more, at most {MOST:,}"),
        "cv": (0.0, 100.0, "0 or more, at most 100"),
        "icc": (0.0, 1.0, "a number from 0 to 1"),
        "icc_family": (0.0, 1.0, "a number from 0 to 1"),
        "cluster_autocorrelation": (0.0, 1.0, "a number from 0 to 1"),
    }
    found = []
    for name, (low, high, allowed) in rules.items():
        value = given.get(name)
        if value is None:
            continue
        if not low <= value <= high:
            found.append(_problem(name, f"is {value:g}.", allowed))
    for name, allowed in (("loss", "from 0 to below 1"), ("correlation", "from 0 to below 1")):
        value = given.get(name)
        if value is not None and not 0 <= value < 1:
            hint = " Nobody would be left to measure." if name == "loss" and value == 1 else ""
            found.append(_problem(name, f"is {value:g}.{hint}", allowed))
    for name in ("share_treated", "power", "alpha"):
        value = given.get(name)
        if value is not None and not 0 < value < 1:
            found.append(_problem(name, f"is {value:g}.", "a number between 0 and 1"))
        elif value is not None and min(value, 1 - value) < SLIVER:
            found.append(_problem(name, f"is {value:g}.", f"from {SLIVER:f} to {1 - SLIVER:f}"))
    power, alpha = given.get("power"), given.get("alpha")
    if power is not None and alpha is not None and 0 < power <= alpha < 1:
        found.append(_problem("power", f"is {power:g}.", "above alpha"))
    return found


def _problem(name: str, what: str, allowed: str) -> Problem:
    return Problem(Where(key=name.replace("_", "-")), what, allowed)


def effect_from(text: str | float | None, yard: Yardstick) -> float | None:
    """Return a declared effect in standard deviations: "3", "3 points" or "0.3 sd".

    A bare number is in points where the spread of the scores is known, else in standard deviations.
    Its sign is left aside: a plan is as large for a fall as for a rise.

    Raises
    ------
    InvalidInput
        For an effect of 0, one that is no number, points without a standard deviation, or an effect
        as large as the whole scale.
    """
    if text is None:
        return None
    match = _EFFECT.match(str(text))
    if match is None:
        raise InvalidInput(f"effect '{text}' is not a number. Allowed: 3, '3 points' or '0.3 sd'.")
    value, unit = float(match[1]), (match[2] or "").lower()
    if value == 0:
        raise InvalidInput("effect is 0: no study can show that. Give the change you hope for.")
    if unit.startswith("point") and yard.sd is None:
        raise InvalidInput(
            "effect is in points: give --measure or --sd, or the effect as '0.3 sd'."
        )
    in_sd = value if yard.sd is None or unit.startswith("sd") else value / yard.sd
    if yard.sd is not None and yard.low is not None and yard.high is not None:
        width = yard.high - yard.low
        if isfinite(width) and in_sd * yard.sd >= width:
            raise InvalidInput(
                f"effect {text} is as large as the whole scale ({yard.low:g} to {yard.high:g}). Give "
                "the average difference you hope for, in points of the scale or as '0.3 sd'."
            )
    return in_sd


@dataclass(frozen=True, slots=True)
class Declared:
    """What is to be shown, by a file or by the options: the effect is as it was typed."""

    title: str = ""
    measure: str | None = None
    scale: str | None = None
    effect: str | float | None = None
    chosen: str | None = None


def planned(
    evaluation: Evaluation | None,
    *,
    measure: str | None,
    scale: str | None,
    effect: str | float | None,
) -> Declared:
    """Return what is to be shown; a file and the options may not both name the measure."""
    if evaluation is None:
        if scale is not None and measure is None:
            raise InvalidInput("scale is given without a measure. Add --measure.")
        return Declared(measure=measure, scale=scale, effect=effect)
    if measure is not None or scale is not None:
        raise InvalidInput("measure and scale come from the evaluation file: leave them out.")
    found = declared_in(evaluation)
    return found if effect is None else replace(found, effect=effect)


def spread(sd: float | None) -> float | None:
    """Return a standard deviation, a number above 0."""
    if sd is not None and not 0 < sd <= MOST:
        allowed = "a number above 0, in points of the measure"
        raise InvalidInput(f"sd is {sd:g}. Allowed: {allowed}, at most {MOST:,}.")
    return sd


def declared_in(evaluation: Evaluation) -> Declared:
    """Return the main outcome, its expected change and the design of an evaluation.

    Raises
    ------
    InvalidInput
        Where no outcome is measured, or the main one has no expected change.
    NotAvailable
        For an outcome that is yes or no, and for a design that is not sized here.
    """
    targets = evaluation.targets()
    if not targets:
        raise InvalidInput(f"{evaluation.name}: no outcome has a measure, so nothing can be sized.")
    target = next((item for item in targets if item.primary), targets[0])
    place = f"{evaluation.name}: outcome '{target.outcome.id}'"
    if target.kind != "mean":
        raise NotAvailable(
            f"{place} is not a mean of scores, and its size is not planned here. "
            "Use evalkit.stats.power_binary for one that is yes or no."
        )
    if target.outcome.expected is None:
        raise InvalidInput(
            f"{place} says nothing of the change it expects. Add "
            "expected: {change: ..., source: ...}, or give --measure and --effect without the file."
        )
    return Declared(
        title=evaluation.title,
        measure=target.measure,
        scale=target.scale,
        effect=f"{target.outcome.expected.change} points",
        chosen=_row_of(evaluation, target),
    )


def _row_of(evaluation: Evaluation, target: Target) -> str:
    kind, unit = evaluation.design.id, evaluation.declared.design.assigned_by
    if kind not in CHOICES:
        raise NotAvailable(
            f"{evaluation.name}: {evaluation.design.name.lower()} is not sized in this version. Leave "
            f"the file out to see the other designs: --measure {target.measure} --effect ..."
        )
    by_unit = {"site": "site", "family": "family"}
    if kind in ("rct-cluster", "rct-individual"):
        return by_unit.get(unit, CHOICES[kind])
    return CHOICES[kind]
