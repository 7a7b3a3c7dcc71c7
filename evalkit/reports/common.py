"""What both reports say alike: who it is about, how it was done, where the numbers come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import evalkit
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.disclosure import Rules
    from evalkit.evaluation import Evaluation
    from evalkit.instruments.spec import Measure
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


def methods(evaluation: Evaluation, rules: Rules) -> list[tuple[str, str]]:
    """Return how the numbers were made, as (heading, sentence)."""
    plan, design = evaluation.declared.analysis, evaluation.declared.design
    spec = evaluation.design
    found = [
        ("Design", f"{spec.name}. {spec.plain} {design.because}".strip()),
        (
            "What is estimated",
            f"{spec.estimand_plain[:1].upper()}{spec.estimand_plain[1:]} ({spec.estimand}).",
        ),
    ]
    if spec.comparison_group:
        covariates = ", ".join(
            "the outcome's own first score" if c == "baseline" else say(c.replace("_", " "))
            for c in plan.covariates
        )
        found += [
            (
                "Model",
                f"Difference in means by least squares, adjusted for {covariates or 'nothing'}. Standard errors: {_errors(evaluation)}.",
            ),
            ("Missing first scores", _missing(evaluation)),
        ]
    else:
        found.append(
            (
                "Model",
                f"Mean of each person's change from the first wave. Standard errors: {_errors(evaluation)}.",
            )
        )
    found += [
        ("Missing outcomes", "People without the outcome are left out and counted (complete cases); nothing is filled in."),
        ("Several results", _multiplicity(evaluation)),
        ("When a result is clear", "Its 95% interval leaves out zero, and for secondary results so does the adjusted p value. "
         "Otherwise it is called no clear difference, or not enough information where the interval holds both a worthwhile gain and a worthwhile loss: "
         "the change the plan expects, or 0.2 standard deviations where it states none."),
        ("Small numbers", "Shown as they are." if rules.open else f"Fewer than {rules.threshold} people or families are never shown."),
    ]  # fmt: skip
    found += [
        (
            "Check: " + check.check.replace("-", " "),
            f"{check.why[:1].upper()}{check.why[1:]}. {_limits(check.thresholds)}Source: {check.citation}.",
        )
        for check in spec.checks
    ]
    found += [
        (f"Measure: {measure.title}", _measure_words(measure)) for measure in _used(evaluation)
    ]
    return found


def _limits(thresholds: Mapping[str, float]) -> str:
    if not thresholds:
        return ""
    return "Limits: " + ", ".join(f"{name} {value:g}" for name, value in thresholds.items()) + ". "


def _errors(evaluation: Evaluation) -> str:
    design = evaluation.declared.design
    if design.match and design.match.sets:
        unit = "matched set, families nested in them"
    elif design.assigned_by == "site":
        unit = "site"
    else:
        unit = "family"
    clustered = f"bias-reduced and clustered by {unit} (CR2)"
    if unit == "family":
        clustered = f"HC2 where nobody shares a family, otherwise {clustered}"
    return f"{clustered}, with Satterthwaite degrees of freedom"


def _missing(evaluation: Evaluation) -> str:
    if evaluation.missing_baseline == "indicator":
        return "People are kept: the mean is used, with an indicator (White and Thompson 2005)."
    return "People without a first score or a covariate are left out and counted."


def _multiplicity(evaluation: Evaluation) -> str:
    plan = evaluation.declared.analysis.multiplicity
    if plan.across == "none":
        return "p values are not adjusted for the number of results."
    names = {"holm": "Holm", "bh": "Benjamini and Hochberg", "by": "Benjamini and Yekutieli"}
    return f"The p values of all secondary results are adjusted together ({names[plan.method]}); the primary result stands apart."


def _used(evaluation: Evaluation) -> list[Measure]:
    ids = dict.fromkeys(target.measure for target in evaluation.targets())
    return [evaluation.measure(name) for name in ids]


def _measure_words(measure: Measure) -> str:
    from evalkit.instruments.card import end

    scales = "; ".join(
        f"{scale.id} {end(scale.low)} to {end(scale.high)}, higher is {scale.higher_is} ({VERIFIED[scale.verification]})"
        for scale in measure.scales if scale.id == measure.default_scale
    )  # fmt: skip
    return f"{measure.reference} {scales}. Licence: {say(measure.licence.status)}, {measure.licence.holder}."


VERIFIED = {
    "V2": "scoring confirmed by two sources",
    "V1": "scoring from a single source",
    "mem": "scoring not verified",
    "derived": "scoring follows from other facts",
    "own": "evalkit's own definition",
}


def provenance(study: Study) -> list[tuple[str, str]]:
    """Return where the numbers come from, as (name, value)."""
    evaluation = study.evaluation
    measures = ", ".join(
        f"{m.id} (version {m.version}, {evaluation.registry.origin(m.id)})"
        for m in _used(evaluation)
    )
    return [
        ("evalkit", evalkit.__version__),
        (f"Evaluation file {evaluation.name}", f"sha256 {evaluation.sha256}"),
        *((f"Data file {name}", f"sha256 {digest}") for name, digest in study.data_sha256),
        ("Measures", measures),
        ("Seed", str(evaluation.declared.seed)),
        ("Plan", "not locked in this version: deviations from it cannot be listed"),
    ]
