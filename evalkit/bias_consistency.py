"""What is wrong in what is asked about hidden differences between the groups."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from evalkit.plan_consistency import PlanConsistency
from evalkit.robustness.asked import applies_by_design

if TYPE_CHECKING:
    from evalkit.declared_bias import HiddenBiasPart, Specifications
    from evalkit.design_spec import Design
    from evalkit.errors import Problem

PATH = ("analysis", "hidden_bias")


class BiasConsistency(PlanConsistency):
    """Finds what is wrong in `analysis.hidden_bias`."""

    def problems(self) -> list[Problem]:
        """Return every problem."""
        part = self.declared.analysis.hidden_bias
        if part is None:
            return self.found
        if self.declared.design.type in self.registry.designs():
            self._asked(part, self.registry.design(self.declared.design.type))
        self._strengths(part)
        self._benchmarks(part)
        self._controls(part)
        if part.placebo_wave:
            self._one_of((*PATH, "placebo_wave"), part.placebo_wave, self.waves, "wave")
        if part.placebo_group:
            self._column((*PATH, "placebo_group"), part.placebo_group, adjusts=True)
        if part.specifications:
            self._specified(part.specifications)
        return self.found

    def _asked(self, part: HiddenBiasPart, design: Design) -> None:
        """A design without a comparison has nothing to ask; in a trial it is said what."""
        if not design.comparison_group or design.data != "people":
            what = f"{design.id} compares no groups of people, so nothing hidden can differ between them."
            self._say(PATH, what, "", "Remove the key.")
            return
        if design.randomised and part.asked is None:
            what = f"{design.id} is randomised: nothing of this is asked unless it is listed."
            self._say(
                (*PATH, "asked"), what, "", "Add asked: [robustness-value], or remove the key."
            )
        self._once((*PATH, "asked"), part.asked or (), "analysis")
        for name in part.asked or ():
            if not applies_by_design(design, name):
                what = f"{name} says nothing of {design.id}, which rests on something else."
                self._say((*PATH, "asked"), what, "", "Take it out of the list.")
        needs = {"negative-controls": "negative_controls", "placebo-group": "placebo_group"}
        for asked, key in needs.items():
            if asked in (part.asked or ()) and not getattr(part, key):
                what = f"{asked} is asked, and nothing is declared for it."
                self._say((*PATH, "asked"), what, "", f"Add {key}.")

    def _strengths(self, part: HiddenBiasPart) -> None:
        self._once((*PATH, "strengths"), map(str, part.strengths), "multiple")
        for value in part.strengths:
            if not (isfinite(value) and value > 0):
                what = f"{value:g} times as strong as a covariate means nothing."
                self._say(
                    (*PATH, "strengths"), what, "numbers above 0", "Write for example [1, 2, 3]."
                )

    def _benchmarks(self, part: HiddenBiasPart) -> None:
        design = self.declared.design
        parts = [p for p in (design.match, design.weight) if p is not None]
        known = [*self.declared.analysis.covariates, *(n for p in parts for n in p.covariates)]
        self._once((*PATH, "benchmarks"), part.benchmarks, "covariate")
        for n, name in enumerate(part.benchmarks):
            self._one_of((*PATH, "benchmarks", n), name, dict.fromkeys(known), "covariate")

    def _controls(self, part: HiddenBiasPart) -> None:
        """A control is an outcome or a column that is neither adjusted for nor matched on."""
        self._once((*PATH, "negative_controls"), part.negative_controls, "control")
        outcomes = {outcome.id for outcome in self.declared.logic_model.outcomes}
        primary = self.declared.analysis.primary
        match = self.declared.design.match
        held = [*self.declared.analysis.covariates, *(match.covariates if match else ())]
        for n, name in enumerate(part.negative_controls):
            path = (*PATH, "negative_controls", n)
            if name not in outcomes:
                self._column(path, name, adjusts=True)
            if name in held:
                what = f"'{name}' is adjusted for or matched on, so it cannot show a hidden difference."
                self._say(path, what, "", "Name something else.")
            if primary and name == primary.outcome:
                what = f"'{name}' is the primary outcome, which the programme should change."
                self._say(path, what, "", "Name something that it cannot change.")

    def _specified(self, part: Specifications) -> None:
        path = (*PATH, "specifications")
        for n, names in enumerate(part.covariates):
            self._once((*path, "covariates", n), names, "covariate")
            for m, name in enumerate(names):
                self._column((*path, "covariates", n, m), name, adjusts=True)
        design = self.declared.design.type
        if design in self.registry.designs():
            spec = self.registry.design(design)
            for n, name in enumerate(part.estimators):
                place = (*path, "estimators", n)
                self._one_of(place, name, spec.estimators, f"estimator of {spec.id}")
