"""Tables of made people with a known truth, of the structure that an evaluation declares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp, isinf
from typing import TYPE_CHECKING, Any

from evalkit.declaration import Responses
from evalkit.errors import InvalidInput
from evalkit.results import Records
from evalkit.simulating.answers import Channel, channels, draw, shown_scale
from evalkit.simulating.assumptions import Assumptions, assume, known
from evalkit.simulating.items import asked_for, follows
from evalkit.simulating.people import lay_out, uses_sites
from evalkit.simulating.tables import (
    Fate,
    answer_tables,
    events_table,
    lose,
    people_table,
)
from evalkit.simulating.truth import Truth, truths
from evalkit.tables import label

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import pandas as pd

    from evalkit.evaluation import Evaluation
    from evalkit.study import Study

CANNOT = "A plan whose design cannot be simulated: "


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Made tables, the truth behind them, and what was taken for granted.

    `tables` holds a frame by the name that `Evaluation.study` knows it by.
    """

    evaluation: Evaluation
    tables: dict[str, pd.DataFrame]
    truth: Records[Truth]
    given: Assumptions

    def __repr__(self) -> str:
        """Say how much was made."""
        return f"Simulation({self.evaluation.title}: {self.given.n} families)"

    @property
    def assumes(self) -> tuple[str, ...]:
        """What was taken for granted, in sentences."""
        return tuple(in_words(self.evaluation, self.given))

    def study(self) -> Study:
        """Return the study of the made tables, read, checked and scored as any other."""
        return self.evaluation.study(self.tables)


def simulate(
    evaluation: Evaluation, *, n: int, effect: Any = 0.3, attrition: Any = 0.2, seed: int,
    **options: Any,
) -> Simulation:  # fmt: skip
    """Make the tables of a trial as declared, with an effect that is known.

    Parameters
    ----------
    evaluation : what was declared; none of its files is read
    n : families (people, where a family has one)
    effect : of being offered the programme, in SDs of how people are, positive is better: a number,
        or a mapping by outcome or by programme, where those left out have none
    attrition : share lost after the first wave (at every later one), or a mapping with `share`,
        `by_need` (log odds for one SD more need at the start, 0.5) and `by_arm` (share lost in the
        programme minus that in the comparison, 0)
    seed : whole number; the same seed gives the same tables
    family_size : people of each role in a family (1), or a mapping by role
    sites : how many, where the plan rests on sites (20, at most half as many as families)
    group_size : people in a group, where the programme is given in groups (8)
    icc : share of the variance between sites, groups or matched sets (0.05)
    icc_family : share of the variance between families within them (0.2)
    stability : correlation of how people are at two waves (0.6)
    between_outcomes : correlation of two outcomes of one person (0.5)
    uptake : share of those offered the programme who take it up (1); the whole effect is theirs
    ratio : units in each arm, as whole numbers in the order of the arms (equal)
    rate, rate_ratio : events of each unit in a year (1), and what the programme multiplies them by (1)
    columns : values, in equal shares, of columns of the people table that the plan names
    points : mean and SD of finished scores by measure or "measure scale" (middle of the range, a
        sixth of it)

    Returns
    -------
    Simulation
        `.tables`, `.truth`, `.study()`, `.assumes`.

    Raises
    ------
    InvalidInput
        For an option outside its limits, all named at once, or a plan that cannot be simulated.

    Notes
    -----
    People who answer items do so from one latent severity (or wellness), graded in equal shares;
    the effect is in its SDs, and the truth says what that is in the score. Matched families differ
    by chance alone. What is named under `columns` says nothing about outcomes. Nobody has an
    intercurrent event.
    """
    given = assume(evaluation, n=n, effect=effect, attrition=attrition, **known(options))
    found = simulable(evaluation, given)
    return make(evaluation, given, found, _generator(seed))


def make(
    evaluation: Evaluation, given: Assumptions, found: tuple[Channel, ...],
    rng: np.random.Generator,
) -> Simulation:  # fmt: skip
    """Make one trial from checked assumptions."""
    import numpy as np

    people = lay_out(evaluation, given, rng)
    takers = rng.random(len(people)) < given.uptake
    made = draw(evaluation, given, people, found, takers, rng)
    kinds = len(found)
    spread = np.sqrt((1 + (kinds - 1) * given.between_outcomes) / kinds)
    need = -made.base[:, 0].mean(axis=0) / spread
    lost, left_on = lose(evaluation, given, people, need, rng)
    fate = Fate(takers, lost, left_on)
    data = evaluation.declared.data
    assert data.people is not None
    parts = {
        label(data.people.file, data.people.sheet): [people_table(evaluation, people, fate, rng)]
    }
    for name, rows in answer_tables(evaluation, given, made, found, lost).items():
        parts.setdefault(name, []).extend(rows)
    if data.events:
        events = events_table(evaluation, given, people, fate, rng)
        parts.setdefault(label(data.events.file, data.events.sheet), []).append(events)
    tables = {name: _joined(frames) for name, frames in parts.items()}
    return Simulation(evaluation, tables, Records(truths(evaluation, given, made, found)), given)


def _joined(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Put the columns of one file side by side, by person, wave and informant."""
    whole = frames[0]
    for frame in frames[1:]:
        keys = [k for k in ("person", "wave", "informant") if k in whole and k in frame]
        whole = whole.merge(frame, on=keys, how="outer", sort=False)
    return whole


def _generator(seed: Any) -> np.random.Generator:
    import numpy as np

    return np.random.default_rng(whole_seed(seed))


def whole_seed(seed: Any) -> int:
    """Return a seed; raises InvalidInput where it is no whole number, 0 or more."""
    import operator

    try:
        value = operator.index(seed)
    except TypeError:
        value = -1
    if value < 0 or isinstance(seed, bool):
        raise InvalidInput(f"seed={seed!r}. Allowed: a whole number, 0 or more.")
    return value


def simulable(evaluation: Evaluation, given: Assumptions) -> tuple[Channel, ...]:
    """Return who answers where, or raise InvalidInput with every reason why a plan has no simulation."""
    found = channels(evaluation)
    problems = [*_of_design(evaluation), *_of_sources(evaluation, given, found)]
    shown = {name for channel in found for name in channel.outcomes}
    for name in dict.fromkeys(t.outcome.id for t in evaluation.measured()):
        if name not in shown:
            problems.append(f"no table under data holds the measure of '{name}'")
    if not found:
        problems.append("no outcome has a measure with a table under data")
    for channel in found:
        problems += _one_effect(evaluation, given, channel)
    problems += _too_few(evaluation, given)
    if problems:
        raise InvalidInput(CANNOT + "; ".join(dict.fromkeys(problems)) + ".")
    return found


UNMADE = {
    "regression-discontinuity": "nobody is placed by a score of need here",
    "instrumental-variable": "nobody is nudged into the programme here",
    "benchmark": "its distance from a norm has no truth of its own",
    "descriptive-monitoring": "it estimates no effect",
}
"""Designs whose people are not simulated, and why."""


def _of_design(evaluation: Evaluation) -> Iterable[str]:
    design = evaluation.declared.design
    if evaluation.design.data == "series":
        yield f"{evaluation.design.id} follows areas and no people"
        return
    if evaluation.design.id in UNMADE:
        yield f"{evaluation.design.id} is not made up: {UNMADE[evaluation.design.id]}"
        return
    if evaluation.design.comparison_group and design.arm is None and design.wedge is None:
        yield f"{evaluation.design.id} without arms and without a rollout"
    if design.match and len(evaluation.programmes) > 1:
        yield "matched sets of several programmes"


def _of_sources(
    evaluation: Evaluation, given: Assumptions, found: tuple[Channel, ...]
) -> Iterable[str]:
    named = dict(given.points)
    for channel in found:
        measure = evaluation.measure(channel.source.measure)
        if isinstance(channel.source, Responses):
            scale_id = shown_scale(evaluation, channel)
            asked = asked_for(measure, scale_id)
            open_ended = [item.id for item in asked if isinf(item.high) or isinf(item.low)]
            if open_ended:
                yield f"item {open_ended[0]} of {measure.id} has no highest answer"
            for scale in [] if open_ended else _scales(evaluation, channel):
                if not follows(measure, scale_id, scale):
                    yield f"scores of {measure.id} {scale} cannot be made from graded answers alone"
            continue
        finished = measure.scale(channel.source.scale)
        told = measure.id in named or f"{measure.id} {finished.id}" in named
        if (isinf(finished.high) or isinf(finished.low)) and not told:
            yield (
                f"scores of {measure.id} have no end; give their mean and SD as "
                f"points={{'{measure.id}': (mean, sd)}}"
            )


def _scales(evaluation: Evaluation, channel: Channel) -> tuple[str, ...]:
    """Return the scales by which the outcomes of a channel are shown."""
    mine = [t.scale for t in evaluation.measured() if t.outcome.id in channel.outcomes]
    return tuple(dict.fromkeys(mine))


def _one_effect(evaluation: Evaluation, given: Assumptions, channel: Channel) -> Iterable[str]:
    """Two outcomes shown by the same answers cannot have effects that differ."""
    for programme in evaluation.programmes:
        sizes = {name: given.effect(programme, name) for name in channel.outcomes}
        if len(set(sizes.values())) > 1:
            said = " and ".join(f"{name} ({size:g})" for name, size in sizes.items())
            yield f"the same answers show {said}, so their effect is one"


def _too_few(evaluation: Evaluation, given: Assumptions) -> Iterable[str]:
    design, arms = evaluation.declared.design, len(evaluation.arm_names)
    if design.match and given.n % 2:
        yield f"n={given.n} families in pairs; n must be even"
    if design.assigned_by == "site" and given.sites < arms:
        yield f"{given.sites} sites for {arms} arms"


def without_effect(given: Assumptions) -> Assumptions:
    """Return the same with a programme that changes nothing."""
    none = tuple((programme, outcome, 0.0) for programme, outcome, _ in given.effects)
    return replace(given, effects=none, rate_ratio=1.0)


def in_words(evaluation: Evaluation, given: Assumptions) -> Iterable[str]:
    """Say what a simulation takes for granted."""
    sizes = dict(given.family_size)
    each = ", ".join(f"{count} {role}" for role, count in sizes.items())
    yield (
        f"{given.n} families with {each} in each"
        if sum(sizes.values()) > 1
        else f"{given.n} people"
    )
    if uses_sites(evaluation):
        yield f"{given.sites} sites, which hold {given.icc:.0%} of the variance"
    if evaluation.declared.design.groups:
        yield f"groups of {given.group_size}, which hold {given.icc:.0%} of the variance"
    if sum(sizes.values()) > 1:
        yield f"families hold {given.icc_family:.0%} of the variance"
    yield f"two waves of one person correlate {given.stability:g}"
    lost = f"{given.share:.0%} are lost" if given.share else "nobody is lost"
    need = f"; with one SD more need the odds of that are {exp(given.by_need):.1f} times as high"
    yield f"{lost} after the first wave{need if given.share else ''}"
    if given.by_arm:
        yield f"the programme loses {abs(given.by_arm):.0%} {'more' if given.by_arm > 0 else 'fewer'}"
    yield f"{given.uptake:.0%} of those offered the programme take it up"
    yield "covariates other than the first score say nothing about the outcome"
    if evaluation.declared.design.match:
        yield "matched families differ by chance alone, which real ones may not"
