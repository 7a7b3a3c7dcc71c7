"""Which analyses of hidden differences a result is put to."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from evalkit.declared_bias import BiasAnalysis, HiddenBiasPart

if TYPE_CHECKING:
    from evalkit.design_spec import Design
    from evalkit.study import Study
    from evalkit.targets import Target

EVERY: tuple[str, ...] = get_args(BiasAnalysis)
CONDITIONAL = ("robustness-value", "e-value", "rosenbaum-bounds", "oster", "joint-tipping")
"""Those that ask about results that rest on nothing hidden differing, given the covariates."""
OTHER_GROUNDS = ("discontinuity", "instrumented_difference")
"""Estimators that rest on something else, which these analyses do not speak of."""
ADJUSTING = ("leave-one-covariate-out", "specifications")
"""Those that ask about covariates, which a jump at a cut-off takes none of."""
LINEAR = ("robustness-value", "oster", "joint-tipping", "rosenbaum-bounds")
"""Those that need an outcome with a mean."""


def declared(study: Study) -> HiddenBiasPart:
    """Return what the plan declares, or the defaults."""
    return study.evaluation.declared.analysis.hidden_bias or HiddenBiasPart()


def asked(study: Study, target: Target) -> tuple[str, ...]:
    """Return the analyses of one result in their order; none where the design has no comparison."""
    design, plan = study.evaluation.design, declared(study)
    if not design.comparison_group or (design.randomised and plan.asked is None):
        return ()
    names = plan.asked or EVERY
    kept = [name for name in EVERY if name in names and _applies(study, target, name)]
    return tuple(kept)


def applies_by_design(design: Design, name: str) -> bool:
    """Whether an analysis says anything of a design's first estimator."""
    first = design.estimators[0]
    alone = name in ADJUSTING and first == "discontinuity"
    return not (alone or (name in CONDITIONAL and first in OTHER_GROUNDS))


def _applies(study: Study, target: Target, name: str) -> bool:
    """Whether an analysis can be done of a result, and has what it needs."""
    plan, evaluation = declared(study), study.evaluation
    if name in CONDITIONAL and evaluation.estimator(target) in OTHER_GROUNDS:
        return False
    if name in ADJUSTING and evaluation.estimator(target) == "discontinuity":
        return False
    if name in LINEAR and target.kind == "ordinal":
        return False
    needs = {
        "rosenbaum-bounds": study.intake.people["set"].notna().any(),
        "oster": target.kind == "mean",
        "joint-tipping": target.kind == "mean",
        "negative-controls": bool(plan.negative_controls),
        "placebo-group": bool(plan.placebo_group),
        "leave-one-site-out": study.intake.people["site"].nunique() > 1,
        "leave-one-covariate-out": bool(evaluation.declared.analysis.covariates),
    }
    return bool(needs.get(name, True))
