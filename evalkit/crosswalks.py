"""How a result would stand on other scales of evidence, for information only.

None of these bodies has rated anything here. Each reading says what it rests on and whether the rule
behind it was read in a source of the body or is from memory. The security rating of the Youth
Endowment Fund is left out: no text of its rule could be read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.maryland import ATTRIBUTES_FROM
from evalkit.results import Record
from evalkit.targets import key_of

if TYPE_CHECKING:
    from evalkit.design_spec import Design
    from evalkit.results import Check, Finding, Level
    from evalkit.targets import Key

WWC, EIF, NESTA, EEF = (
    "What Works Clearinghouse rating",
    "Early Intervention Foundation level",
    "Nesta standard of evidence",
    "EEF padlocks",
)
SOURCES = {
    WWC: (
        "V1",
        "What Works Clearinghouse, group designs, after its published answers to questions",
    ),
    EIF: ("V1", "EIF Guidebook, what its levels mean; its numeric criteria are not encoded"),
    NESTA: ("V1", "Nesta standards of evidence, levels 1 to 4; level 5 is from memory"),
    EEF: ("mem", "Education Endowment Foundation, padlock table from memory, not checked"),
}
"""Whether the rule behind a reading was verified (V1) or is from memory (mem), and where it is from."""
NO_RESERVATIONS = "meets the standards without reservations"
RESERVATIONS = "meets the standards with reservations"
DOES_NOT_MEET = "does not meet the standards"
NOT_READ = "not read"
BY_LOSS = ((0.10, 5), (0.20, 4), (0.30, 3), (0.40, 2), (0.50, 1))
"""Overall loss up to which so many padlocks may be given; above the last, none."""
BY_DESIGN = {
    "matched-comparison": 3, "weighted-comparison": 3, "regression-discontinuity": 4,
    "instrumental-variable": 4, "difference-in-differences": 4, "staggered-rollout": 4,
}  # fmt: skip
"""Padlocks that a design without chance allocation may be given."""
BETTER = "improved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosswalk(Record):
    """One result on one other scale: the reading, what it rests on, and how far the rule is verified.

    `verification` is "V1" where the rule was read in a source of the body named, "mem" where it is
    from memory; `source` names it.
    """

    outcome: str
    wave: str | None
    informant: str | None
    scale: str
    reading: str
    because: str
    verification: str
    source: str
    contrast: str | None = None


def crosswalks(
    design: Design, levels: Iterable[Level], checks: Iterable[Check], findings: Iterable[Finding],
    better: Collection[Key], losses: Mapping[Key, float], faults: tuple[str, ...],
) -> tuple[Crosswalk, ...]:  # fmt: skip
    """Read every result on each scale.

    `better` names the results that are clearly for the better, and `losses` holds the overall loss
    (0 to 1) where it may be told.
    """
    by_key: dict[Key, dict[str, bool | None]] = {}
    for check in checks:
        by_key.setdefault(key_of(check), {})[check.check] = check.passed
    claims = {key_of(finding): finding.claim for finding in findings}
    rows = []
    for level in levels:
        key = key_of(level)
        passed, claim = by_key.get(key, {}), claims.get(key, "")
        read = {
            WWC: _wwc(design, passed, faults, estimated=level.level > 0),
            EIF: _eif(level.level, claim, better=key in better),
            NESTA: _nesta(level.level, claim, better=key in better),
            EEF: _eef(design, losses.get(key)),
        }
        rows += [_row(level, scale, *reading) for scale, reading in read.items()]
    return tuple(rows)


def _row(level: Level, scale: str, reading: str, because: str) -> Crosswalk:
    verification, source = SOURCES[scale]
    return Crosswalk(
        outcome=level.outcome, wave=level.wave, informant=level.informant, contrast=level.contrast,
        scale=scale, reading=reading, because=because, verification=verification, source=source,
    )  # fmt: skip


def _wwc(
    design: Design, passed: Mapping[str, bool | None], faults: tuple[str, ...], *, estimated: bool
) -> tuple[str, str]:
    """Read the rating from design, loss and likeness at the start (3-way, as the body gives it)."""
    if not estimated:
        return NOT_READ, "nothing was estimated"
    if not design.comparison_group:
        return DOES_NOT_MEET, "there is no comparison group"
    if "clusters" in passed and passed["clusters"] is not True:
        return DOES_NOT_MEET, "one unit makes up a whole arm"
    if "measurement" in faults:
        why = "the outcome was not measured alike in both arms (that this counts is from memory)"
        return DOES_NOT_MEET, why
    kept = passed.get("attrition") is True and "allocation" not in faults
    if design.randomised and kept:
        return NO_RESERVATIONS, "allocation by chance, and loss inside the boundary"
    if "equivalence" not in passed:
        return NOT_READ, "this design is rated by standards of its own, which are not encoded"
    why = (
        "loss outside the boundary, or a compromised allocation" if design.randomised
        else "no allocation by chance"
    )  # fmt: skip
    if passed["equivalence"] is True:
        return RESERVATIONS, f"{why}; the people analysed were alike enough at the start"
    return DOES_NOT_MEET, f"{why}; the people analysed were not shown to be alike at the start"


def _eif(level: int, claim: str, *, better: bool) -> tuple[str, str]:
    """Read what one result could count towards: the body rates programmes, over all their studies."""
    if level >= ATTRIBUTES_FROM and claim == BETTER:
        return "could count towards level 3", "one rigorous study with a short-term improvement"
    if level >= ATTRIBUTES_FROM and claim in ("worsened", "no-clear-change"):
        return "could count towards NE (found not effective)", "one rigorous study without it"
    if claim == "described" and better:
        return (
            "at most level 2",
            "a change for the better that is described, and not credited to anything",
        )
    return "not level 2", "no improvement is shown"


def _nesta(level: int, claim: str, *, better: bool) -> tuple[str, str]:
    if level >= ATTRIBUTES_FROM and claim == BETTER:
        return "could count towards level 3", "a comparison group allows the change to be credited"
    if claim == "described" and better:
        return "at most level 2", "data show a change for the better, and not what brought it"
    return "level 1", "a theory of change is described; no improvement is shown"


def _eef(design: Design, loss: float | None) -> tuple[str, str]:
    """Read the most padlocks that design and loss allow; the size a trial could detect is not known."""
    by_design = 5 if design.randomised else BY_DESIGN.get(design.id)
    if not design.comparison_group:
        return "0", "there is no comparator"
    if by_design is None:
        return NOT_READ, "the table says nothing of this design"
    if loss is None:
        return f"at most {by_design}", "by the design alone: the loss is not shown"
    by_loss = next((locks for most, locks in BY_LOSS if loss <= most + 1e-9), 0)
    why = f"the design allows {by_design}, the overall loss {by_loss}"
    return f"at most {min(by_design, by_loss)}", (
        f"{why}; the size it could detect and threats to validity could lower it further"
    )
