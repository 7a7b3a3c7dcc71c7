"""What is wrong in a declaration of series of areas: its indicators, its design, its outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.areas.calendar import place_of
from evalkit.faults import Faults

if TYPE_CHECKING:
    from evalkit.declaration import Indicator
    from evalkit.declared_plan import Rollout, SeriesPart
    from evalkit.declared_theory import Outcome
    from evalkit.design_spec import Design
    from evalkit.errors import Problem

Path = tuple[str | int, ...]
FROM_SERIES = ("per", "season", "harmonics", "breaks")
FROM_EVENTS = ("kind", "window", "exposure")
ALONE = "interrupted-time-series"
MIXTURE = "synthetic-control"
ROLL_OUT = "staggered-rollout"
OF_PEOPLE = ("arm", "match", "events", "strata", "minimise", "comparison_ends", "groups")


class AreaFaults(Faults):
    """Finds what is wrong where series of areas are declared, or ought to be."""

    def problems(self) -> list[Problem]:
        """Return every problem."""
        for n, indicator in enumerate(self.declared.indicators):
            self._indicator(("indicators", n), indicator)
        name = self.declared.design.type
        design = self.registry.design(name) if name in self.registry.designs() else None
        if design is not None and design.data == "series":
            self._design(design)
            self._outcomes(design)
        else:
            self._of_people()
        return self.found

    def _absent(self, path: Path, key: str) -> None:
        self._say(path, f"the key '{key}' is missing.", "", "Add it.")

    def _indicator(self, path: Path, indicator: Indicator) -> None:
        series = indicator.source == "series"
        for key in FROM_EVENTS if series else FROM_SERIES:
            if key in indicator.model_fields_set:
                what = f"an indicator from {indicator.source} has no `{key}`."
                self._say((*path, key), what, "", "Remove it, or change `from`.")
        if series != (indicator.unit in ("area", "site")):
            allowed = "area, site" if series else "person, family"
            what = f"an indicator from {indicator.source} is not of a {indicator.unit}."
            self._say((*path, "unit"), what, allowed, "Say what its unit is.")
        if series:
            self._season(path, indicator)
            return
        for key in ("kind", "window"):
            if key not in indicator.model_fields_set:
                self._absent(path, key)

    def _season(self, path: Path, indicator: Indicator) -> None:
        waves, season = indicator.harmonics, indicator.season
        if waves is not None and (season is None or waves > season // 2):
            what = "harmonics are waves of a year, at most half as many as it has periods."
            self._say((*path, "harmonics"), what, "", "Add season: 12, or take harmonics out.")
        kind = self.declared.design.series.period if self.declared.design.series else None
        for n, changed in enumerate(indicator.breaks):
            if kind and place_of(changed.on, kind) is None:
                self._wrong_kind((*path, "breaks", n, "on"), kind)

    def _wrong_kind(self, path: Path, kind: str) -> None:
        allowed = "a whole number" if kind == "number" else "a day, as 2024-04-01"
        what = f"periods are declared to be {'numbered' if kind == 'number' else kind + 's'}."
        self._say(path, what, allowed, "Write it as the periods are written.")

    def _of_people(self) -> None:
        """Without a design of areas, people must be there and series have nothing to answer."""
        if self.declared.data.people is None:
            self._absent(("data",), "people")
        known = [x for x in self.registry.designs() if self.registry.design(x).data == "series"]
        if self.declared.data.series or self.declared.traced:
            what = "series of areas are read by designs of areas only."
            path: Path = ("data", "series") if self.declared.data.series else ("indicators",)
            self._say(path, what, ", ".join(known), "Change design.type, or remove them.")
        rollout = self.declared.design.rollout
        if rollout is None:
            return
        for key in ("starts", "period"):
            if getattr(rollout, key) is None:
                self._absent(("design", "rollout"), key)
        for key in ("running", "comparison"):
            if getattr(rollout, key) is not None:
                what = f"a stepped wedge has no `{key}`."
                self._say(("design", "rollout", key), what, "", "Remove it.")
        if isinstance(rollout.starts, dict):
            what = "the starts of a stepped wedge stand in the people table."
            self._say(("design", "rollout", "starts"), what, "a column", "Name the column.")

    def _design(self, design: Design) -> None:
        declared = self.declared.design
        for key in OF_PEOPLE:
            if getattr(declared, key):
                self._say(("design", key), f"{design.id} has no `{key}`.", "", "Remove it.")
        for key in ("subgroups", "looks", "site_moderators"):
            if getattr(self.declared.analysis, key):
                what = f"{design.id} compares areas, and has no {key.replace('_', ' ')}."
                self._say(("analysis", key), what, "", "Remove the key.")
        if self.declared.data.series is None:
            self._say(("data",), f"{design.id} needs `data.series`.", "", "Name the file.")
        if declared.series is not None:
            self._units(("design", "series"), declared.series, design)
        if design.id == ROLL_OUT and declared.rollout is not None and declared.series is not None:
            self._roll_out(("design", "rollout"), declared.rollout, declared.series)

    def _units(self, path: Path, series: SeriesPart, design: Design) -> None:
        for key in ("treated", "comparison"):
            self._once((*path, key), getattr(series, key), "unit")
        both = [name for name in series.treated if name in series.comparison]
        if both:
            what = f"{', '.join(both)} cannot be treated and compared with."
            self._say((*path, "comparison"), what, "", "List each unit once.")
        if design.id == ROLL_OUT:
            for key in ("start", "treated", "comparison"):
                if getattr(series, key):
                    what = f"in a roll-out each {series.unit} has its own start."
                    self._say((*path, key), what, "", "Use design.rollout.starts instead.")
            return
        if series.start is None:
            self._absent(path, "start")
        elif place_of(series.start, series.period) is None:
            self._wrong_kind((*path, "start"), series.period)
        if not series.treated:
            self._absent(path, "treated")
        if design.id == ALONE and series.comparison:
            what = "a series on its own is compared with nothing."
            step = "Use type: comparative-interrupted-time-series, or remove the key."
            self._say((*path, "comparison"), what, "", step)
        if design.id == MIXTURE and len(series.treated) > 1:
            what = "a synthetic control is made for one unit."
            step = "Name one, or use difference-in-differences."
            self._say((*path, "treated"), what, "one value", step)

    def _roll_out(self, path: Path, rollout: Rollout, series: SeriesPart) -> None:
        if (rollout.starts is None) == (rollout.running is None):
            what = "starts and running both say when the programme is there; one of them is needed."
            self._say(path, what, "starts: ... or running: COLUMN", "Give one of them.")
        if rollout.period is not None:
            what = "the periods of a series are declared once."
            self._say((*path, "period"), what, "", "Use design.series.period.")
        starts = rollout.starts if isinstance(rollout.starts, dict) else {}
        for unit, start in starts.items():
            if start is not None and place_of(start, series.period) is None:
                self._wrong_kind((*path, "starts", unit), series.period)

    def _expected(self, path: Path, outcome: Outcome, indicator: Indicator) -> None:
        """The change expected goes the way that is better, where one way is."""
        change = outcome.expected.change if outcome.expected else None
        if change == 0:
            what = "an expected change of 0 is no expectation."
            self._say((*path, "expected"), what, "", "State the change, or leave `expected` out.")
        wrong = {"lower": (change or 0) > 0, "higher": (change or 0) < 0}
        if wrong.get(indicator.direction):
            what = f"a change of {change:+g} would be for the worse of {indicator.id}."
            self._say((*path, "expected"), what, "", "Check the sign: minus means a fall.")

    def _outcomes(self, design: Design) -> None:
        traced = {item.id: item for item in self.declared.traced}
        shown = []
        for n, outcome in enumerate(self.declared.logic_model.outcomes):
            path = ("logic_model", "outcomes", n)
            if outcome.measure is not None and outcome.measure.id != "none":
                what = f"{design.id} rests on series of areas, and analyses no scores of people."
                step = "Give the outcome an indicator, or choose a design that follows people."
                self._say((*path, "measure"), what, "", step)
            indicator = traced.get(outcome.indicator or "")
            if indicator is None:
                continue
            shown.append(outcome.id)
            self._expected(path, outcome, indicator)
            if outcome.direction not in (None, indicator.direction):
                what = (
                    f"direction is '{outcome.direction}', but of the indicator '{indicator.id}' it "
                    f"is '{indicator.direction}'."
                )
                self._say((*path, "direction"), what, indicator.direction, "Write one of them.")
        if not shown:
            what = f"no outcome is shown by a series, so {design.id} has nothing to analyse."
            step = "Add an indicator with from: series, and name it in an outcome."
            self._say(("logic_model", "outcomes"), what, "", step)
