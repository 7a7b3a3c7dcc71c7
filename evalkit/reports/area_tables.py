"""The tables of outcomes shown by series of areas: what an effect is made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from evalkit.areas.words import digits
from evalkit.reports.tables import Table
from evalkit.reports.words import NONE, interval, number, p_value, sentence_case
from evalkit.rounding import enough_digits
from evalkit.wording import say

if TYPE_CHECKING:
    from evalkit.areas.records import AreaEffect, EffectAt

SUMMARIES = {
    "simple": "All effects from the starts on, each counted alike",
    "group": "Each group of starters first, then the groups by size (the finding rests on this)",
    "dynamic": "Each time since the start first, then the times",
    "calendar": "Each period of the calendar first, then the periods",
}
ENOUGH_DF = 10
"""With fewer periods to spare, single counts could be worked out from the parts of a model."""
TERMS = {
    "(intercept)": "Level a period before the first",
    "time": "Slope before the start, a period",
    "level": "Step at the start",
    "slope": "Change of slope from the start on, a period",
}


def places_of(effect: AreaEffect) -> int:
    """Return the decimals that suit an effect and its interval."""
    if effect.conf_low is None or effect.conf_high is None:
        return digits(effect.estimate)
    return enough_digits((effect.estimate,), digits((effect.conf_high - effect.conf_low) / 2))


def tables_of(effect: AreaEffect, *, each: bool) -> Iterable[Table]:
    """Yield the tables of one outcome; `each` allows single periods and groups."""
    if effect.summaries:
        yield _summaries(effect)
    if effect.terms and (each or (effect.df or 0) >= ENOUGH_DF):
        yield _terms(effect)
    if effect.weights:
        yield _weights(effect)
    groups = [e for e in effect.effects if e.by == "group"]
    if each and groups:
        yield _effects(effect, groups, "The effect in each group of starters", "Group")
    if each and effect.terms:
        by_period = [e for e in effect.effects if e.by == "period"]
        yield _effects(effect, by_period, "The effect in each period from the start on", "Period")


def _summaries(effect: AreaEffect) -> Table:
    places = places_of(effect)
    rows = [
        (SUMMARIES[s.kind], f"{number(s.estimate, places)} ({interval(s.conf_low, s.conf_high, places)})",
         p_value(s.p_value))
        for s in effect.summaries
    ]  # fmt: skip
    notes = [
        "They differ where effects grow or fade with time, or differ between those who started early "
        "and late."
    ]
    if effect.two_way is not None:
        rows.append(("Two-way fixed effects (not relied on)", number(effect.two_way, places), NONE))
        share = 100 * (effect.two_way_forbidden or 0.0)
        notes.append(
            f"Two-way fixed effects are often asked for. Here {number(share, 0)}% of their weight compares "
            "with units that had already started, whose own changes are then taken off the effect; where "
            "effects grow or differ this can even turn the sign (Goodman-Bacon 2021)."
            if share >= 0.5 else
            "Two-way fixed effects compare with no unit that had already started here, and may be read."
        )  # fmt: skip
    head = ("How effects are put together", "Effect (95% interval)", "p")
    return Table("The roll-out in one number, four ways", head, tuple(rows), tuple(notes))


def _terms(effect: AreaEffect) -> Table:
    rows = []
    for term in effect.terms:
        places = enough_digits((term.estimate,), digits(term.std_error))
        check = NONE
        if term.ar1_estimate is not None:
            check = f"{number(term.ar1_estimate, places)} ({number(term.ar1_std_error, places)})"
        name = TERMS.get(term.term, sentence_case(say(term.term)))
        if term.term.startswith("break "):
            name = f"Change of recording, {term.term.removeprefix('break ')}"
        value = (
            f"{number(term.estimate, places)} ({interval(term.conf_low, term.conf_high, places)})"
        )
        rows.append((name, value, p_value(term.p_value), check))
    head = (
        "Part of the model",
        "Newey-West (95% interval)",
        "p",
        "Autoregression (standard error)",
    )
    notes = (
        "Periods next to each other are alike, so intervals allow for it in two ways; where the two "
        "columns disagree, rely on neither.",
        *(["Seasons are counted from the first period of the series, whose season is the base."]
          if any(term.term.startswith("season") for term in effect.terms) else []),
    )  # fmt: skip
    less = " less the comparison" if effect.n_comparison else ""
    return Table(f"How the series{less} is made up", head, tuple(rows), notes)


def _weights(effect: AreaEffect) -> Table:
    rows = [
        (name, f"{number(100 * weight, 0)}%") for name, weight in effect.weights if weight >= 0.005
    ]
    return Table("What the mixture is made of", ("Unit", "Share"), tuple(rows))


def _effects(effect: AreaEffect, effects: list[EffectAt], caption: str, head: str) -> Table:
    places = places_of(effect)
    rows = []
    for e in effects:
        value = f"{number(e.estimate, places)} ({interval(e.conf_low, e.conf_high, places)})"
        band = interval(e.band_low, e.band_high, places)
        rows.append((sentence_case(e.name), value, *([band] if effect.summaries else [])))
    more = ("Band for all at once",) if effect.summaries else ()
    return Table(caption, (head, "Effect (95% interval)", *more), tuple(rows))
