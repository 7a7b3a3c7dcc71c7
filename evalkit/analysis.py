"""Run what the design names: estimates, checks, levels, and the findings they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from evalkit.areas.records import AreaEffect
from evalkit.areas.results import area_effects
from evalkit.areas.words import area_findings
from evalkit.beside import further_analyses
from evalkit.checks import CHECKS, CheckContext, CheckFunction
from evalkit.claims import HEAVY_LOSS, findings, for_the_better
from evalkit.contribution.by_itself import by_itself, said
from evalkit.contribution.links import contributions
from evalkit.contribution.records import ByItself, Contribution
from evalkit.crosswalks import Crosswalk, crosswalks
from evalkit.errors import InvalidInput
from evalkit.estimators import ESTIMATORS, Estimator
from evalkit.event_effects import event_effects
from evalkit.flow import share_lost
from evalkit.indicators import Rate
from evalkit.likeness import BalanceRow, balance_rows
from evalkit.looks import Look, take_look
from evalkit.maryland import ATTRIBUTES_FROM, rate
from evalkit.moderators import Moderation, moderations
from evalkit.results import Attrition, Check, Estimate, Finding, Level, Records
from evalkit.robustness.records import HiddenBias
from evalkit.robustness.results import hidden_biases
from evalkit.robustness.words import for_finding
from evalkit.sensitivity.imputed import Imputing
from evalkit.sensitivity.records import Sensitivity
from evalkit.sensitivity.results import as_planned, sensitivities
from evalkit.sensitivity.words import together
from evalkit.several_results import adjusted
from evalkit.sites.records import SiteResults
from evalkit.sites.results import site_results
from evalkit.targets import Key, key_of
from evalkit.wording import loss_words

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target

Rated = TypeVar("Rated", Estimate, Level)
Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Analysis:
    """Everything found, in the order outcomes, waves and informants were declared.

    `beside` holds the further analyses of the plan, which no finding rests on, `moderations` whether
    effects differ between groups of people, `looks` what an interim look says, and `event_effects`
    the indicators compared between the arms of a trial. `sensitivity` is each result under each
    treatment of the people who were lost. `contributions` are the links of the theory beside what was
    seen of results below level 3, `by_itself` the change that comes without any programme, and
    `crosswalks` every result on other scales of evidence. `hidden_bias` is what a factor that nobody
    measured could do to each result. `areas` has each outcome that series of areas show, and `sites`
    each result site by site and put together.
    """

    study: Study
    estimates: Records[Estimate]
    checks: Records[Check]
    levels: Records[Level]
    findings: Records[Finding]
    attrition: Records[Attrition]
    balance: Records[BalanceRow]
    rates: Records[Rate]
    beside: Records[Estimate]
    moderations: Records[Moderation]
    looks: Records[Look]
    event_effects: Records[Estimate]
    sensitivity: Records[Sensitivity]
    contributions: Records[Contribution]
    by_itself: Records[ByItself]
    crosswalks: Records[Crosswalk]
    hidden_bias: Records[HiddenBias]
    areas: Records[AreaEffect] = field(default_factory=Records)
    sites: Records[SiteResults] = field(default_factory=Records)

    def __repr__(self) -> str:
        name = self.study.evaluation.declared.programme.name
        return f"Analysis({name}: {len(self.estimates)} results)"

    @property
    def rated(self) -> tuple[Level, ...]:
        """Every level: of results of people, and of outcomes that series of areas show."""
        return (*self.levels, *(effect.rated for effect in self.areas if effect.rated is not None))

    def to_frame(self) -> pd.DataFrame:
        """Return the estimates as a pandas frame, one row each."""
        return self.estimates.to_frame()

    def shareable_levels(self) -> Records[Level]:
        """Return the same levels with reasons that hold no figures, for pages that hide some."""
        plain = [replace(check, sentence=check.shareable) for check in self.checks]
        return rate_all(self.study, self.estimates, plain)

    def treatments(self) -> dict[Key, tuple[str, ...]]:
        """Return for each result what the other treatments of the lost say of it, in words.

        Below level 3 so does the change that comes by itself, where it is worked out; and what a factor
        that nobody measured could do to it.
        """
        by_key: dict[Key, list[Sensitivity]] = {}
        for row in self.sensitivity:
            by_key.setdefault(key_of(row), []).append(row)
        found = {key: together(rows) for key, rows in by_key.items()}
        low = {key_of(level) for level in self.levels if level.level < ATTRIBUTES_FROM}
        for key, sentence in said(self.by_itself).items():
            if key in low:
                found[key] = (*found.get(key, ()), sentence)
        hidden: dict[Key, list[HiddenBias]] = {}
        for one in self.hidden_bias:
            hidden.setdefault(key_of(one), []).append(one)
        for key, analyses in hidden.items():
            found[key] = (*found.get(key, ()), *for_finding(analyses))
        return found

    def on_other_scales(
        self, losses: Mapping[Key, float], worded: Iterable[Finding] | None = None
    ) -> Records[Crosswalk]:
        """Return every result on other scales, with the losses and findings that may be told."""
        evaluation = self.study.evaluation
        better = [key_of(e) for e in self.estimates if for_the_better(evaluation, e)]
        return Records(crosswalks(
            evaluation.design, self.levels, self.checks,
            self.findings if worded is None else worded, better, losses,
            evaluation.declared.design.faults,
        ))  # fmt: skip

    def estimate(
        self, outcome: str, wave: str, informant: str = "self", contrast: str | None = None
    ) -> Estimate:
        """Return one estimate; with several programmes `contrast` says which, as "a - b"."""
        return _pick(self.estimates, (outcome, wave, informant, contrast))

    def level(
        self, outcome: str, wave: str | None = None, informant: str = "self",
        contrast: str | None = None,
    ) -> Level:  # fmt: skip
        """Return one level; with several programmes `contrast` says which, as "a - b".

        Outcomes that series of areas show have no wave.
        """
        return _pick(self.rated, (outcome, wave, informant if wave else None, contrast))


def _pick(rows: Iterable[Rated], wanted: Key) -> Rated:
    listed = {key_of(row): row for row in rows}
    if wanted in listed:
        return listed[wanted]
    known = "; ".join(_said(key) for key in listed)
    raise InvalidInput(f"No result for {_said(wanted)}. Allowed: {known}.")


def _said(key: Key) -> str:
    return " / ".join(part for part in key if part)


def analyse(
    study: Study,
    *,
    estimators: Mapping[str, Estimator] | None = None,
    checks: Mapping[str, CheckFunction] | None = None,
    sensitivity: bool = True,
) -> Analysis:
    """Estimate, check, rate and word every target of the evaluation.

    Without `sensitivity` the lost are treated in the plan's primary way alone and nothing is asked about
    hidden factors, which is quicker.
    """
    evaluation = study.evaluation
    known = estimators or ESTIMATORS
    lost = {key_of(found): found for found in study.attrition()}
    imputing = Imputing(study)
    raw: list[tuple[Target, pd.DataFrame, Estimate]] = []
    found_checks: list[Check] = []
    balance: list[BalanceRow] = []
    for target, followed in study.trails:
        chosen = _one(known, evaluation.estimator(target), "estimator")
        estimate = as_planned(target, followed, chosen, imputing)
        contexts = [
            CheckContext(study, target, followed, lost.get(target.key), settings)
            for settings in evaluation.design.checks
        ]
        table = checks or CHECKS
        mine = [_one(table, c.settings.check, "check")(c) for c in contexts]
        raw.append((target, followed, estimate))
        found_checks += mine
        balance += balance_rows(contexts[0]) if evaluation.design.comparison_group else ()
    estimates = adjusted(study, raw)
    levels = rate_all(study, estimates, found_checks)
    rates = study.indicators()
    losses: dict[Key, str] = {
        target.key: loss_words(100 * share)
        for target, followed in study.trails
        if (share := share_lost(followed)) > HEAVY_LOSS
    }
    treated = sensitivities(imputing, estimates, known) if sensitivity else Records[Sensitivity]()
    hidden = hidden_biases(imputing, estimates, known) if sensitivity else Records[HiddenBias]()
    alone = by_itself(study)
    areas = area_effects(study)
    links = contributions(study, estimates, levels, rates, alone, areas)
    found = Analysis(
        study, estimates, Records(found_checks), levels, Records(),
        Records(lost.values()), Records(balance), rates, Records(further_analyses(study)),
        Records(moderations(study)), Records(_looks(study, estimates)),
        Records(event_effects(study)), treated, links, alone, Records(),
        hidden, areas, site_results(study, known) if sensitivity else Records(),
    )  # fmt: skip
    worded = findings(
        evaluation,
        estimates,
        levels,
        rates,
        losses=losses,
        treatments=found.treatments(),
        areas=area_findings(evaluation, found.areas),
    )
    found = replace(found, findings=Records(worded))
    overall: dict[Key, float] = {key: row.overall for key, row in lost.items()}
    return replace(found, crosswalks=found.on_other_scales(overall))


def _looks(study: Study, estimates: Iterable[Estimate]) -> Iterable[Look]:
    by_key = {key_of(estimate): estimate for estimate in estimates}
    taken = (take_look(study, target, by_key[target.key]) for target, _ in study.trails)
    return [look for look in taken if look is not None]


def rate_all(
    study: Study, estimates: Iterable[Estimate], checks: Iterable[Check]
) -> Records[Level]:
    """Rate every estimate by the checks of the same outcome, wave and informant."""
    by_target: dict[Key, list[Check]] = {}
    for check in checks:
        by_target.setdefault(key_of(check), []).append(check)
    evaluation = study.evaluation
    return Records(
        rate(
            evaluation.design, by_target.get(key_of(e), []), evaluation.declared.design.faults,
            outcome=str(e.outcome), wave=str(e.wave), informant=str(e.informant),
            contrast=e.contrast, estimated=e.estimate is not None,
        )
        for e in estimates
    )  # fmt: skip


def _one(table: Mapping[str, Function], name: str, noun: str) -> Function:
    if name not in table:
        raise InvalidInput(f"The design asks for the {noun} '{name}'. Given: {', '.join(table)}.")
    return table[name]
