"""A measure on one page of plain text."""

from __future__ import annotations

from evalkit.measure_spec import Measure, Scale

VERIFIED = {
    "V2": "two sources agree",
    "V1": "one source",
    "mem": "not verified",
    "derived": "follows by arithmetic",
}


def card(measure: Measure) -> str:
    """Return the measure as plain text: purpose, respondent, scales, licence, sources."""
    licence = measure.licence
    lines = [
        f"{measure.title} ({measure.id}, version {measure.version})",
        f"Measures: {measure.construct}",
        f"Answered by: {measure.respondent}",
        *_facts(measure),
        f"Items: {len(measure.items) or 'none (finished scores only)'}",
        "",
        "Scales",
        *[f"  {_scale_line(scale)}" for scale in measure.scales],
        "",
        f"Licence: {licence.status}, {licence.holder}. {licence.note}".strip(),
        f"Cite: {measure.reference}",
        *[f"Note: {note}" for note in measure.notes],
    ]
    return "\n".join(lines)


def _facts(measure: Measure) -> list[str]:
    named = {"Ages": measure.ages, "Recall period": measure.recall, "Time": measure.time}
    return [
        f"{name}: {fact} ({VERIFIED[fact.verification]})"
        for name, fact in named.items()
        if fact is not None
    ]


def _scale_line(scale: Scale) -> str:
    line = (
        f"{scale.id}: {scale.title}, {scale.low:g} to {scale.high:g}, higher is {scale.higher_is}"
    )
    systems = [f"{found.system} ({VERIFIED[found.verification]})" for found in scale.band_systems]
    bands = f"; bands: {', '.join(systems)}" if systems else ""
    return f"{line} ({VERIFIED[scale.verification]}){bands}"
