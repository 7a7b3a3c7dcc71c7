"""Looks at the primary result while a trial runs: boundaries that spend alpha, and a rule for harm.

At each look the interval of the primary result is a repeated one, so that it holds however often one
looks, and the result is clear only where it crosses the boundary (Lan and DeMets 1983, Biometrika
70:659-663). A look also asks whether the programme does harm, by a one-sided rule of its own that is
easier to cross, since a trial that harms must stop sooner than one that helps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.results import Record

if TYPE_CHECKING:
    from evalkit.declared_plan import Looks
    from evalkit.results import Estimate
    from evalkit.study import Study
    from evalkit.targets import Target

USUAL, MOST = 0.95, 1 - 1e-12
CONTINUE, BENEFIT, HARM, DONE = (
    "continue",
    "stop for benefit",
    "stop for harm",
    "no boundary crossed",
)

UNREAD = "not read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Record):
    """What a planned look at the primary result says.

    `z` is towards benefit; the trial stops for benefit where it reaches `z_benefit`, with several
    programmes by the adjusted p value, for harm where it falls to minus `z_harm`. `fraction` is the share of the planned information.
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None
    look: int
    looks: int
    fraction: float
    z: float | None
    z_benefit: float
    z_harm: float
    verdict: str
    sentence: str


def interval_level(study: Study, target: Target) -> float:
    """Return the level of a result's interval: 0.95, or of the primary result that of its look."""
    from scipy.stats import norm

    looks = study.evaluation.declared.analysis.looks
    if looks is None or not target.primary:
        return USUAL
    return min(float(1 - 2 * norm.sf(_boundaries(looks)[0])), MOST)


def take_look(study: Study, target: Target, estimate: Estimate) -> Look | None:
    """Return what this look says of a primary result, or None where none is planned."""
    looks = study.evaluation.declared.analysis.looks
    if looks is None or not target.primary:
        return None
    z_benefit, z_harm = _boundaries(looks)
    higher_is_better = study.evaluation.higher_is_better(target)
    z = _towards_benefit(estimate, estimate.p_value, higher_is_better=higher_is_better)
    p = estimate.p_value if estimate.p_adjusted is None else estimate.p_adjusted
    held = _towards_benefit(estimate, p, higher_is_better=higher_is_better)
    last = looks.now == len(looks.information)
    verdict = _verdict(held, z, z_benefit, z_harm, last=last)
    return Look(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], look=looks.now, looks=len(looks.information),
        fraction=looks.information[looks.now - 1], z=z, z_benefit=z_benefit, z_harm=z_harm,
        verdict=verdict, sentence=_sentence(looks, verdict if z is not None else UNREAD),
    )  # fmt: skip


def _boundaries(looks: Looks) -> tuple[float, float]:
    """Return the boundaries for benefit and for harm at this look."""
    from evalkit.stats import spending_bounds

    sofar = looks.information[: looks.now]
    benefit = spending_bounds(sofar, alpha=0.05, spending=looks.spending, sides=2)
    harm = spending_bounds(sofar, alpha=looks.harm_alpha, spending="pocock", sides=1)
    return benefit.z[-1], harm.z[-1]


def _towards_benefit(
    estimate: Estimate, p: float | None, *, higher_is_better: bool
) -> float | None:
    """Return the normal quantile that stands for a p value, positive where it is for the better."""
    from scipy.stats import norm

    if estimate.estimate is None or p is None:
        return None
    size = float(norm.isf(max(p, 1e-300) / 2))
    higher = units.centred(estimate, estimate.estimate) > 0
    return size if higher == higher_is_better else -size


def _verdict(
    held: float | None, z: float | None, z_benefit: float, z_harm: float, *, last: bool
) -> str:
    """Read the boundaries; benefit must hold with the other programmes allowed for, harm need not."""
    if held is not None and held >= z_benefit:
        return BENEFIT
    if z is not None and z <= -z_harm:
        return HARM
    return DONE if last else CONTINUE


def _sentence(looks: Looks, verdict: str) -> str:
    said = {
        BENEFIT: "The boundary for benefit is crossed: the trial may stop; what the primary result may "
        "claim depends on its level",
        HARM: "The boundary for harm is crossed: stop offering the programme until those responsible "
        "for the safety of families have looked at why",
        CONTINUE: "No boundary is crossed: the trial goes on, and nothing is concluded from this look",
        DONE: "This was the last look, and no boundary is crossed",
        UNREAD: "Nothing could be estimated, so no boundary could be read",
    }[verdict]
    share = f"{100 * looks.information[looks.now - 1]:.0f}% of the planned information"
    return f"Look {looks.now} of {len(looks.information)}, at {share}. {said}."
