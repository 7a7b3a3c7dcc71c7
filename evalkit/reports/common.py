"""What both reports say alike: who it is about, how it was done, where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import evalkit
from evalkit.reports.methods import used

if TYPE_CHECKING:
    from evalkit.evaluation import Evaluation
    from evalkit.logic_model import Gap
    from evalkit.study import Study

SYNTHETIC = "Synthetic data: every person and family in this report is made up."


def header(evaluation: Evaluation, kind: str) -> dict[str, Any]:
    """Return the head of a page."""
    programme = evaluation.declared.programme
    made_up = "synthetic" in f"{programme.name} {programme.summary}".lower()
    as_of = evaluation.declared.data.as_of
    return {
        "programme": programme.name,
        "summary": programme.summary,
        "kind": kind,
        "synthetic": SYNTHETIC if made_up else "",
        "as_of": f"{as_of:%d %B %Y}".lstrip("0") if as_of else "",
        "design": evaluation.design,
    }


def theory_words(evaluation: Evaluation, states: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    """Return the theory of change in sentences."""
    return evaluation.logic_model.as_text(states)


def relevant_gaps(evaluation: Evaluation) -> list[Gap]:
    """Return the gaps worth a reader's time: not those about harm where no role harms."""
    harming = any(evaluation.harms(role.id) for role in evaluation.roles)
    about_harm = ("change-in-those-who-harm", "safety")
    return [
        gap
        for gap in evaluation.audit()
        if gap.rule != "outcome-without-measure"
        and (harming or gap.rule != "mechanism-missing" or gap.node not in about_harm)
    ]


def provenance(study: Study) -> list[tuple[str, str]]:
    """Return where the numbers come from, as (name, value)."""
    evaluation = study.evaluation
    measures = ", ".join(
        f"{m.id} (version {m.version}, {evaluation.registry.origin(m.id)})"
        for m in used(evaluation)
    )
    return [
        ("evalkit", evalkit.__version__),
        (f"Evaluation file {evaluation.name}", f"sha256 {evaluation.sha256}"),
        *((f"Data file {name}", f"sha256 {digest}") for name, digest in study.data_sha256),
        ("Measures", measures or "none: nobody answered a questionnaire"),
        ("Seed", str(evaluation.declared.seed)),
        ("Plan", "not locked in this version: deviations from it cannot be listed"),
    ]
