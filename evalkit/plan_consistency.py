"""What is wrong in the analysis plan, against the outcomes, the design and the columns it names."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from evalkit.declared_plan import Looks, Missing, Primary, Subgroup
from evalkit.faults import Faults

if TYPE_CHECKING:
    from evalkit.design_spec import Design
    from evalkit.errors import Problem

IMPUTED = "multiple-imputation"
TWO_ARMS = ("attrition-weights", "reference-based", "delta", "lee-bounds", "worst-case")
RESERVED = (
    "person",
    "score",
    "points",
    "treated",
    "placed",
    "set",
    "stratum",
    "group_id",
    "period",
    "step",
    "reason",
    "n_respondents",
    "weight",
    "unmatched",
    "covered",
    "entry",
    "nudged",
)
"""Names that the analysis gives to columns of its own."""


class PlanConsistency(Faults):
    """Finds what is wrong in the analysis plan."""

    def problems(self) -> list[Problem]:
        """Return every problem."""
        plan = self.declared.analysis
        if plan.primary:
            self._primary(plan.primary)
        self._columns()
        if self.declared.design.type in self.registry.designs():
            self._by_design(self.registry.design(self.declared.design.type))
        for n, subgroup in enumerate(plan.subgroups):
            self._subgroup(("analysis", "subgroups", n), subgroup)
        if plan.looks:
            self._looks(("analysis", "looks"), plan.looks)
        self._missing(("analysis", "missing"), plan.missing)
        return self.found

    def _missing(self, path: tuple[str | int, ...], missing: Missing) -> None:
        """What the plan asks about the lost must fit the design and not ask the same thing twice."""
        self._once((*path, "sensitivity"), missing.sensitivity, "analysis")
        self._once((*path, "strategies"), missing.strategies, "strategy")
        self._once((*path, "not_due"), missing.not_due, "reason")
        if missing.primary in missing.sensitivity:
            what = f"{missing.primary} is the primary analysis already."
            self._say((*path, "sensitivity"), what, "", "Take it out of the list.")
        design = self.declared.design.type
        if design not in self.registry.designs():
            return
        spec = self.registry.design(design)
        asked = (missing.primary, *missing.sensitivity)
        for name in [word for word in asked if word in TWO_ARMS and not spec.comparison_group]:
            key = "primary" if name == missing.primary else "sensitivity"
            what = f"{name} compares two arms, which {spec.id} does not have."
            self._say((*path, key), what, "", "Take it out, or use multiple-imputation.")
        if "lee-bounds" in asked and not spec.randomised:
            what = "lee-bounds rest on chance having decided who is in which arm."
            self._say((*path, "sensitivity"), what, "", "Use worst-case, which rests on nothing.")
        if self.declared.analysis.missing_baseline == "impute" and missing.primary != IMPUTED:
            what = "first scores are imputed where the primary analysis is multiple-imputation."
            place = ("analysis", "missing_baseline")
            self._say(place, what, "", "Set missing.primary: multiple-imputation, or use exclude.")

    def _primary(self, primary: Primary) -> None:
        path = ("analysis", "primary")
        outcomes = {outcome.id: outcome for outcome in self.declared.logic_model.outcomes}
        if not self._one_of((*path, "outcome"), primary.outcome, outcomes, "outcome"):
            return
        outcome = outcomes[primary.outcome]
        if outcome.indicator and self._of_series():
            return
        if not primary.wave:
            self._say(path, "the key 'wave' is missing.", "", "Add it.")
            return
        self._one_of((*path, "wave"), primary.wave, outcome.when, "wave of the outcome")
        ends = self.declared.design.comparison_ends
        if {ends, primary.wave} <= {*self.waves} and (
            self.waves.index(primary.wave) > self.waves.index(str(ends))
        ):
            what = f"by {primary.wave} the waiting group has started, so nothing is compared there."
            self._say((*path, "wave"), what, f"up to {ends}", "Choose an earlier wave.")
        if not outcome.measure or outcome.measure.id == "none":
            self._say((*path, "outcome"), "the primary outcome has no measure.")
        elif primary.informant:
            allowed = outcome.measure.informants or ("self",)
            self._one_of((*path, "informant"), primary.informant, allowed, "informant")

    def _of_series(self) -> bool:
        """Whether the design rests on series of areas, whose results have no wave."""
        name = self.declared.design.type
        return name in self.registry.designs() and self.registry.design(name).data == "series"

    def _by_design(self, design: Design) -> None:
        plan = self.declared.analysis
        if plan.missing_baseline == "indicator" and not design.randomised:
            what = "an indicator for a missing baseline is right in randomised designs only."
            place = ("analysis", "missing_baseline")
            self._say(place, what, "exclude", "Those left out are counted.")
        if plan.estimator:
            place = ("analysis", "estimator")
            self._one_of(place, plan.estimator, design.estimators, f"estimator of {design.id}")
        self._once(("analysis", "beside"), plan.beside, "analysis")
        for n, name in enumerate(plan.beside):
            self._one_of(("analysis", "beside", n), name, design.beside, f"analysis of {design.id}")
        self._records(plan.beside)
        if plan.multiplicity.method in ("westfall-young", "romano-wolf"):
            self._joint(design)
        if not design.comparison_group:
            self._one_group(design)
        if plan.subgroups and self.declared.design.wedge:
            what = f"{design.id} has no subgroups in this version: the calendar would be left out."
            self._say(("analysis", "subgroups"), what, "", "Remove the key.")

    def _records(self, beside: tuple[str, ...]) -> None:
        """Some analyses need to know who received what."""
        flow = self.declared.data.flow
        if "complier_effect" in beside and not flow.received:
            what = "complier_effect needs to know who took the programme up."
            self._say(("analysis", "beside"), what, "", "Add data.flow.received: COLUMN.")
        if "dose_effect" in beside and not flow.sessions:
            what = "dose_effect needs the number of sessions."
            self._say(("analysis", "beside"), what, "", "Add data.flow.sessions: COLUMN.")

    def _joint(self, design: Design) -> None:
        method = self.declared.analysis.multiplicity.method
        if not design.randomised or design.programmes == "several" or self.declared.design.wedge:
            what = f"{method} re-randomises two arms, which {design.id} does not have."
            self._say(("analysis", "multiplicity", "method"), what, "holm, bh, by", "Use holm.")

    def _one_group(self, design: Design) -> None:
        """A design without a comparison compares people with themselves, and adjusts for nothing."""
        plan = self.declared.analysis
        more = [word for word in plan.covariates if word != "baseline"]
        if more:
            what = f"{design.id} (before-and-after) does not adjust for covariates."
            self._say(("analysis", "covariates"), what, "", f"Remove {', '.join(more)}.")
        for key in ("subgroups", "looks"):
            if getattr(plan, key):
                what = f"{design.id} has no arms to compare, so no {key}."
                self._say(("analysis", key), what, "", "Remove the key.")
        for n, outcome in enumerate(self.declared.logic_model.outcomes):
            if outcome.measure and outcome.measure.cut:
                what = f"{design.id} does not analyse outcomes that are yes or no."
                place = ("logic_model", "outcomes", n, "measure")
                self._say(place, what, "", "Remove at_least and at_most.")

    def _subgroup(self, path: tuple[str | int, ...], subgroup: Subgroup) -> None:
        self._column((*path, "by"), subgroup.by, adjusts=True)
        if not subgroup.exploratory and not subgroup.because:
            what = "a planned subgroup needs a reason, stated before the data are seen."
            self._say(path, what, "", "Add because: ..., or exploratory: true.")

    def _looks(self, path: tuple[str | int, ...], looks: Looks) -> None:
        shares = looks.information
        rising = all(a < b for a, b in pairwise(shares))
        if not rising or not shares[0] > 0 or shares[-1] != 1:
            what = "looks must rise from above 0 to 1, the last one."
            self._say((*path, "information"), what, "", "Write for example [0.5, 1].")
        if looks.now > len(shares):
            what = f"look {looks.now} of {len(shares)} does not exist."
            self._say((*path, "now"), what, f"1 to {len(shares)}", "Say which look this is.")
        if not self.declared.analysis.primary:
            what = "looks are taken at the primary result, and none is declared."
            self._say(path, what, "", "Add analysis.primary.")

    def _columns(self) -> None:
        """Covariates and groups name columns of the people table that mean what they say there."""
        declared, plan = self.declared, self.declared.analysis
        self._once(("analysis", "covariates"), plan.covariates, "covariate")
        self._once(("analysis", "missing", "auxiliary"), plan.missing.auxiliary, "column")
        match = declared.design.match
        named: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
            (("analysis", "covariates"), plan.covariates),
            (("needs", "by"), declared.needs.by),
            (("analysis", "site_moderators"), plan.site_moderators),
            (("design", "strata"), declared.design.strata),
            (("analysis", "missing", "auxiliary"), plan.missing.auxiliary),
        ]
        if match:
            named.append((("design", "match", "covariates"), match.covariates))
            named.append((("design", "match", "exact"), match.exact))
            self._once(("design", "match", "covariates"), match.covariates, "covariate")
        if declared.design.weight:
            weighted = declared.design.weight.covariates
            named.append((("design", "weight", "covariates"), weighted))
            self._once(("design", "weight", "covariates"), weighted, "covariate")
        for path, names in named:
            for n, name in enumerate(names):
                self._column((*path, n), name, adjusts=path[0] != "needs")

    def _column(self, path: tuple[str | int, ...], name: str, *, adjusts: bool) -> None:
        flow, arm = self.declared.data.flow, self.declared.design.arm
        after = [flow.received, flow.sessions, flow.left_on, flow.left_reason]
        if adjusts and arm and name == arm.column:
            self._say(path, f"'{name}' is the column of the arms.", "", "Take it out of the list.")
        elif adjusts and name == "family":
            what = "families are too many to adjust for, to randomise within or to compare."
            self._say(path, what, "", "Take it out of the list.")
        elif adjusts and name in after:
            what = (
                f"'{name}' is known only after the start: to adjust for it would hide the effect."
            )
            self._say(path, what, "columns known before the start", "Take it out of the list.")
        elif path[1] in ("match", "weight") and name == "baseline":
            what = "'baseline' stands for each outcome's own first score; a match or weights of people have none."
            self._say(
                path, what, "", "Name a column of the people table; rename it if it is so named."
            )
        elif name in self._days():
            what = f"'{name}' holds days, which can be neither adjusted for nor grouped by."
            self._say(path, what, "numbers or words", "Take it out of the list.")
        elif name in RESERVED or name in self._flow_columns():
            what = f"the column name '{name}' is used by evalkit for something else."
            step = "Rename the column, or name it under data.flow if that is what it holds."
            self._say(path, what, "", step)

    def _days(self) -> set[str]:
        """Columns that hold days, which cannot be adjusted for or grouped by as they are."""
        flow, design = self.declared.data.flow, self.declared.design
        days = [flow.allocated_on, flow.left_on, *(event.on for event in design.events)]
        return {column for column in days if column}

    def _flow_columns(self) -> set[str]:
        """Names that stand for a part of `data.flow` which is not declared under that name."""
        flow = self.declared.data.flow
        return {name for name in type(flow).model_fields if getattr(flow, name) != name}
