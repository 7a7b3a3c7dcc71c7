"""Every result put to the question of what a hidden difference between the groups could do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.results import Records
from evalkit.robustness import words
from evalkit.robustness.asked import asked, declared
from evalkit.robustness.cases import REFUSALS, case_of
from evalkit.robustness.choices import specifications, without_covariates, without_sites
from evalkit.robustness.controls import negative_controls, placebo_group, placebo_wave
from evalkit.robustness.joint import joint_tipping
from evalkit.robustness.records import HiddenBias
from evalkit.robustness.strength import e_values, oster, robustness_value, rosenbaum
from evalkit.targets import key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evalkit.estimators import Estimator
    from evalkit.results import Estimate
    from evalkit.robustness.cases import Case
    from evalkit.sensitivity.imputed import Imputing
    from evalkit.study import Study
    from evalkit.targets import Target

ANALYSES: dict[str, Callable[[Case, HiddenBias], HiddenBias]] = {
    "robustness-value": robustness_value,
    "e-value": e_values,
    "rosenbaum-bounds": rosenbaum,
    "oster": oster,
    "negative-controls": negative_controls,
    "placebo-wave": placebo_wave,
    "placebo-group": placebo_group,
    "leave-one-site-out": without_sites,
    "leave-one-covariate-out": without_covariates,
    "specifications": specifications,
    "joint-tipping": joint_tipping,
}


def hidden_biases(
    imputing: Imputing, estimates: Iterable[Estimate], known: Mapping[str, Estimator]
) -> Records[HiddenBias]:
    """Return each analysis of each result, in the order of the results.

    Imputations that were made already are used again. An analysis that these data do not allow is a row
    with its reason.
    """
    study = imputing.study
    by_key = {key_of(estimate): estimate for estimate in estimates}
    found: list[HiddenBias] = []
    for target, followed in study.trails:
        main, names = by_key[target.key], asked(study, target)
        if main.estimate is None or not names:
            continue
        made = imputing.found.get(target.key)
        case = case_of(study, target, followed, main, dict(known), made)
        found += [_one(case, name, _blank(study, target, name, main.level)) for name in names]
    return Records(found)


def _blank(study: Study, target: Target, name: str, level: float) -> HiddenBias:
    """Return the row of an analysis before anything is known."""
    return HiddenBias(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], analysis=name, level=level,
        asked="planned" if name in (declared(study).asked or ()) else "default",
    )  # fmt: skip


def _one(case: Case, name: str, empty: HiddenBias) -> HiddenBias:
    try:
        return ANALYSES[name](case, empty)
    except REFUSALS as refusal:
        said = words.NOT_DONE
        return replace(empty, notes=(str(refusal),), sentence=said, shareable=said)
