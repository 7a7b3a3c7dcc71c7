"""What is wrong in the declared design, by what the design's own file asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.declared_plan import DesignPart, IntercurrentEvent, Match
from evalkit.design_spec import REFUSED_DESIGNS
from evalkit.faults import Faults
from evalkit.shapes import not_available

if TYPE_CHECKING:
    from evalkit.design_spec import Design
    from evalkit.errors import Problem


PAIRED = ("nearest", "optimal")
HOW = (
    "method",
    "distance",
    "ratio",
    "caliper",
    "exact",
    "replace",
    "order",
    "estimand",
    "subclasses",
)
"""What `design.match` says of how, where evalkit does the matching."""


class DesignConsistency(Faults):
    """Finds what is wrong in the design."""

    def problems(self) -> list[Problem]:
        """Return every problem."""
        declared, path = self.declared.design, ("design",)
        if declared.type in REFUSED_DESIGNS:
            why = REFUSED_DESIGNS[declared.type]
            step = "Randomise families to the programme or to a waiting list: rct-waitlist."
            self._say((*path, "type"), f"{declared.type} is refused: {why}.", "", step)
        elif self._one_of((*path, "type"), declared.type, self.registry.designs(), "design"):
            design = self.registry.design(declared.type)
            self._needs(declared, design)
            self._arms(declared, design)
            self._match(declared, design)
            self._keys(declared, design)
            self._events(declared, design)
        return self.found

    def _needs(self, declared: DesignPart, design: Design) -> None:
        for need in design.needs:
            key = need.key.removeprefix("design.")
            if not getattr(declared, key):
                self._say(
                    ("design",), f"{design.id} needs `{need.key}`: {need.why}.", "", "Add it."
                )
        if declared.assigned_by not in design.assigned_by:
            what = f"in {design.id} nobody is assigned by {declared.assigned_by}."
            step = "Say what chance was applied to: people, families or sites."
            self._say(("design", "assigned_by"), what, ", ".join(design.assigned_by), step)

    def _arms(self, declared: DesignPart, design: Design) -> None:
        arm, path = declared.arm, ("design", "arm")
        if arm is None:
            return
        if arm.comparison in arm.programmes:
            self._say(path, "treated and comparison are the same value.")
        self._once((*path, "treated"), arm.programmes, "arm")
        several = design.programmes == "several"
        if several and len(arm.programmes) == 1:
            step = "List them: treated: [ONE, TWO]; with one programme use rct-individual."
            self._say((*path, "treated"), f"{design.id} compares two programmes or more.", "", step)
        if not several and len(arm.programmes) > 1:
            step = "Use type: rct-multi-arm."
            self._say((*path, "treated"), f"{design.id} has one programme arm.", "one value", step)

    def _match(self, declared: DesignPart, design: Design) -> None:
        match, path = declared.match, ("design", "match")
        if match is None:
            return
        if design.id != "matched-comparison":
            self._say(path, f"{design.id} does not match.", "", "Remove `match`.")
        if match.sets and declared.assigned_by == "site":
            place = self.where(("design", "assigned_by"))
            step = "Sites, not sets, would be the clusters. Declare assigned_by: family or person."
            self.found.append(not_available(place, "matching of whole sites", step))
        said = [key for key in HOW if key in match.model_fields_set]
        if match.sets and said:
            what = f"sets are matched already, so {', '.join(said)} would be ignored."
            self._say(path, what, "", "Remove sets, or the others.")
        self._once((*path, "exact"), match.exact, "column")
        self._match_options(match)

    def _match_options(self, match: Match) -> None:
        """Options of one way of matching that another has not."""
        path, method = ("design", "match"), match.method or "nearest"
        near, pairs = method == "nearest", method in ("nearest", "optimal")
        wrong = {
            "replace": match.replace and not near,
            "order": match.order is not None and not near,
            "ratio": match.ratio > 1 and not pairs,
            "caliper": match.caliper is not None and method not in (*PAIRED, "full"),
            "subclasses": "subclasses" in match.model_fields_set and method != "subclass",
            "estimand": match.estimand == "ATE" and pairs,
        }
        for key in [key for key, found in wrong.items() if found]:
            self._say((*path, key), f"{method} matching has no such choice.", "", "Remove it.")

    def _keys(self, declared: DesignPart, design: Design) -> None:
        """Keys that belong to another design would be ignored, so they are refused."""
        needed = {need.key for need in design.needs}
        for key in (
            "groups",
            "comparison_ends",
            "rollout",
            "weight",
            "cutoff",
            "instrument",
            "norms",
            "series",
        ):
            if getattr(declared, key) and f"design.{key}" not in needed:
                self._say(("design", key), f"{design.id} has no `{key}`.", "", "Remove it.")
        if declared.strata and not design.randomised:
            self._say(("design", "strata"), f"{design.id} has no strata.", "", "Remove it.")
        self._minimised(declared, design)
        if declared.comparison_ends:
            self._one_of(
                ("design", "comparison_ends"), declared.comparison_ends, self.waves[1:],
                "wave after the first",
            )  # fmt: skip
        if declared.wedge and not (
            self.declared.programme.start and self.declared.data.flow.allocated_on
        ):
            what = "a staggered start needs programme.start and data.flow.allocated_on."
            step = "Add both: periods are counted from the start, and people fall in them by the day they came in."
            self._say(("design", "rollout"), what, "", step)
        if declared.wedge and not declared.wedge.period.days > 0:
            what = "a calendar period of no length holds nobody."
            self._say(("design", "rollout", "period"), what, "", "Write for example 3 months.")

    def _minimised(self, declared: DesignPart, design: Design) -> None:
        rule, path = declared.minimise, ("design", "minimise")
        if rule is None:
            return
        if not design.randomised or declared.wedge or design.programmes == "several":
            self._say(path, f"{design.id} has no two arms to minimise over.", "", "Remove it.")
        left = [name for name in rule.by if name not in self.declared.analysis.covariates]
        if left:
            what = f"what was balanced must be adjusted for, and {', '.join(left)} is not."
            self._say(path, what, "", "Add it to analysis.covariates.")

    def _events(self, declared: DesignPart, design: Design) -> None:
        self._once(("design", "events"), [event.id for event in declared.events], "event")
        dated = self.declared.programme.start or self.declared.data.flow.allocated_on
        for n, event in enumerate(declared.events):
            self._event(("design", "events", n), event, design, dated=bool(dated))

    def _event(
        self, path: tuple[str | int, ...], event: IntercurrentEvent, design: Design, *, dated: bool
    ) -> None:
        acts = event.strategy in ("hypothetical", "while-on-treatment", "composite")
        if acts and not event.on:
            what = f"{event.strategy} needs the day it happened."
            self._say(path, what, "", "Add on: COLUMN, or use strategy: treatment-policy.")
        if acts and not dated:
            what = (
                "without a day of allocation nobody knows whether a wave came before or after it."
            )
            self._say(path, what, "", "Add programme.start or data.flow.allocated_on.")
        if acts and not event.because:
            what = f"say why {event.strategy} is the right question here."
            self._say(path, what, "", "Add because: ...")
        if event.strategy == "composite" and not self._all_yes_no():
            what = "composite works on outcomes that are yes or no."
            step = "Give each outcome's measure at_least or at_most, or use another strategy."
            self._say(path, what, "", step)
        if (
            event.strategy == "principal-stratum"
            and "complier_effect" not in self.declared.analysis.beside
        ):
            what = "principal-stratum is answered by the complier effect."
            self._say(path, what, "", "Add analysis.beside: [complier_effect].")

    def _all_yes_no(self) -> bool:
        outcomes = self.declared.logic_model.outcomes
        measured = [o.measure for o in outcomes if o.measure and o.measure.id != "none"]
        return all(measure.cut for measure in measured)
