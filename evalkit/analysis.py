"""Run what the design names: estimates, checks, levels, and the findings they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from evalkit.checks import CHECKS, BalanceRow, CheckContext, CheckFunction, balance_rows
from evalkit.claims import HEAVY_LOSS, Key, findings
from evalkit.errors import InvalidInput
from evalkit.estimators import ESTIMATORS, Estimator, estimate_target
from evalkit.flow import share_lost
from evalkit.indicators import Rate
from evalkit.maryland import rate
from evalkit.results import Attrition, Check, Estimate, Finding, Level, Records
from evalkit.wording import loss_words

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study

Rated = TypeVar("Rated", Estimate, Level)
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analysis:
    """Everything found, in the order outcomes, waves and informants were declared."""

    study: Study
    estimates: Records[Estimate]
    checks: Records[Check]
    levels: Records[Level]
    findings: Records[Finding]
    attrition: Records[Attrition]
    balance: Records[BalanceRow]
    rates: Records[Rate]

    def __repr__(self) -> str:
        name = self.study.evaluation.declared.programme.name
        return f"Analysis({name}: {len(self.estimates)} results)"

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates as a pandas frame, one row each."""
        return self.estimates.to_frame()

    def shareable_levels(self) -> Records[Level]:
        """Return the same levels with reasons that hold no figures, for pages that hide some."""
        plain = [replace(check, sentence=check.shareable) for check in self.checks]
        return rate_all(self.study, self.estimates, plain)

    def estimate(self, outcome: str, wave: str, informant: str = "self") -> Estimate:
        """Return one estimate."""
        return _pick(self.estimates, outcome, wave, informant)

    def level(self, outcome: str, wave: str, informant: str = "self") -> Level:
        """Return one level."""
        return _pick(self.levels, outcome, wave, informant)


def _pick(rows: Iterable[Rated], outcome: str, wave: str, informant: str) -> Rated:
    listed = list(rows)
    for row in listed:
        if (row.outcome, row.wave, row.informant) == (outcome, wave, informant):
            return row
    known = "; ".join(f"{row.outcome} / {row.wave} / {row.informant}" for row in listed)
    raise InvalidInput(f"No result for {outcome} / {wave} / {informant}. Allowed: {known}.")


def analyse(
    study: Study,
    *,
    estimators: Mapping[str, Estimator] | None = None,
    checks: Mapping[str, CheckFunction] | None = None,
) -> Analysis:
    """Estimate, check, rate and word every target of the evaluation."""
    evaluation = study.evaluation
    chosen = _one(estimators or ESTIMATORS, evaluation.design.estimators[0], "estimator")
    lost = {(a.outcome, a.wave, a.informant): a for a in study.attrition()}
    raw: list[tuple[bool, Estimate]] = []
    found_checks: list[Check] = []
    balance: list[BalanceRow] = []
    for target, followed in study.trails:
        key = (target.outcome.id, target.wave, target.informant)
        estimate = estimate_target(study, target, followed, chosen)
        contexts = [
            CheckContext(study, target, followed, lost.get(key), settings)
            for settings in evaluation.design.checks
        ]
        table = checks or CHECKS
        mine = [_one(table, c.settings.check, "check")(c) for c in contexts]
        raw.append((target.primary, estimate))
        found_checks += mine
        balance += balance_rows(contexts[0]) if evaluation.design.comparison_group else ()
    estimates = _adjusted(study, raw)
    levels = rate_all(study, estimates, found_checks)
    rates = study.indicators()
    losses: dict[Key, str] = {
        (t.outcome.id, t.wave, t.informant): loss_words(100 * share)
        for t, followed in study.trails
        if (share := share_lost(followed)) > HEAVY_LOSS
    }
    worded = findings(evaluation, estimates, levels, rates, losses=losses)
    return Analysis(
        study, estimates, Records(found_checks), levels, Records(worded),
        Records(lost.values()), Records(balance), rates,
    )  # fmt: skip


def rate_all(
    study: Study, estimates: Iterable[Estimate], checks: Iterable[Check]
) -> Records[Level]:
    """Rate every estimate by the checks of the same outcome, wave and informant."""
    by_target: dict[tuple[str | None, ...], list[Check]] = {}
    for check in checks:
        by_target.setdefault((check.outcome, check.wave, check.informant), []).append(check)
    evaluation = study.evaluation
    return Records(
        rate(
            evaluation.design, by_target.get((e.outcome, e.wave, e.informant), []),
            evaluation.declared.design.faults, outcome=str(e.outcome), wave=str(e.wave),
            informant=str(e.informant), estimated=e.estimate is not None,
        )
        for e in estimates
    )  # fmt: skip


def _one(table: Mapping[str, Function], name: str, noun: str) -> Function:
    if name not in table:
        raise InvalidInput(f"The design asks for the {noun} '{name}'. Given: {', '.join(table)}.")
    return table[name]


def _adjusted(study: Study, raw: list[tuple[bool, Estimate]]) -> Records[Estimate]:
    """Adjust the p values of everything but the primary result together, as the plan says."""
    from evalkit.stats import adjust_p

    plan = study.evaluation.declared.analysis.multiplicity
    if plan.across == "none":
        return Records(estimate for _, estimate in raw)
    secondary = [estimate.p_value for primary, estimate in raw if not primary]
    adjusted = iter(adjust_p(secondary, method=plan.method))
    return Records(
        estimate if primary else replace(estimate, p_adjusted=_clean(next(adjusted)))
        for primary, estimate in raw
    )


def _clean(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)
