"""From made people to what they answer: how they are, what the programme changes, scores or items.

How somebody is with regard to one measure is a normal variable of variance 1, higher being better:
a part shared by a site (group, matched set), one by the family and one's own, each of which stays
the same between waves, and agrees between outcomes, to the same degree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.declaration import Responses, Scores
from evalkit.simulating.items import asked_for

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evalkit.evaluation import Evaluation
    from evalkit.instruments.scale import Scale
    from evalkit.simulating.assumptions import Assumptions
    from evalkit.simulating.people import Layout

    Floats = npt.NDArray[np.float64]

WIDTH = 6.0
"""A range of finished scores is taken to hold so many SDs, unless `points` says otherwise."""


@dataclass(frozen=True, slots=True)
class Channel:
    """Answers of one informant about people of one role in one source: `number` in declared order.

    `outcomes` are those it shows; there is none where no outcome uses the measure.
    """

    number: int
    source: Responses | Scores
    role: str
    informant: str
    outcomes: tuple[str, ...]


def channels(evaluation: Evaluation) -> tuple[Channel, ...]:
    """Return who answers about whom in each declared table of answers and scores."""
    data = evaluation.declared.data
    sources: list[Responses | Scores] = [*data.responses, *data.scores]
    taken = {(s.measure, _scale(s), s.informant) for s in sources if s.informant}
    found = []
    for number, source in enumerate(sources):
        default = evaluation.measure(source.measure).respondent
        who: dict[tuple[str, str], list[str]] = {}
        for target in evaluation.measured():
            scale = _scale(source)
            if target.measure != source.measure or scale not in (None, target.scale):
                continue
            given = source.informant or target.informant
            elsewhere = (source.measure, scale, target.informant) in taken
            if given == target.informant and (source.informant or not elsewhere):
                names = who.setdefault((target.outcome.role, given), [])
                names += [] if target.outcome.id in names else [target.outcome.id]
        nobody = "self" if default == "self" else evaluation.roles[0].id
        who = who or {(evaluation.roles[0].id, source.informant or nobody): []}
        found += [Channel(number, source, *key, tuple(names)) for key, names in who.items()]
    return tuple(found)


def _scale(source: Responses | Scores) -> str | None:
    return source.scale if isinstance(source, Scores) else None


def wellness(
    given: Assumptions, people: Layout, waves: int, kinds: int, rng: np.random.Generator
) -> Floats:
    """Return how everybody is before any programme: channels x waves x people, variance 1."""
    import numpy as np

    parts: list[tuple[Any, float]] = [(people.family, given.icc_family)]
    if people.level is not None:
        parts.append((people.level, given.icc))
    parts.append((np.arange(len(people)), 1 - sum(share for _, share in parts)))
    total = np.zeros((kinds, waves, len(people)))
    for codes, share in parts:
        if share > 0:
            total += (
                np.sqrt(share) * _part(given, int(codes.max()) + 1, waves, kinds, rng)[:, :, codes]
            )
    return total


def _part(
    given: Assumptions, count: int, waves: int, kinds: int, rng: np.random.Generator
) -> Floats:
    import numpy as np

    def steady(outer: int) -> Floats:
        lasting = rng.standard_normal((outer, 1, count))
        passing = rng.standard_normal((outer, waves, count))
        return np.asarray(
            np.sqrt(given.stability) * lasting + np.sqrt(1 - given.stability) * passing
        )

    own = steady(kinds)
    if kinds == 1:
        return own
    agreed = given.between_outcomes
    return np.asarray(np.sqrt(agreed) * steady(1) + np.sqrt(1 - agreed) * own)


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Everything drawn, from which answers follow in any arm: for observed and other worlds alike.

    `base` is channels x waves x people; `lift` programmes x channels x people, in SDs; `together` how
    each person's group fares at each wave (channels x waves x people; None without groups).
    """

    people: Layout
    base: Floats
    lift: Floats
    together: Floats | None
    share: float
    noise: tuple[Floats | None, ...]

    def of(self, channel: int, wave: int, arm: npt.NDArray[np.int64] | int) -> Floats:
        """Return how everybody is at a wave if they are in these arms."""
        import numpy as np

        start = self.base[channel, wave]
        arms = np.broadcast_to(np.asarray(arm), start.shape)
        offered = (arms < len(self.lift)) & (wave > 0)
        if self.together is not None:
            within = np.sqrt(1 - self.share) * start
            within += np.sqrt(self.share) * self.together[channel, wave]
            start = np.where(offered, within, start)
        row = np.minimum(arms, len(self.lift) - 1)
        lift = np.take_along_axis(self.lift[:, channel], row[None, :], axis=0)[0]
        return np.asarray(start + np.where(offered, lift, 0.0))


def draw(
    evaluation: Evaluation, given: Assumptions, people: Layout, found: tuple[Channel, ...],
    takers: npt.NDArray[np.bool_], rng: np.random.Generator,
) -> Made:  # fmt: skip
    """Draw everything that answers depend on; the effect belongs to those who take the offer up."""
    import numpy as np

    waves = len(evaluation.waves)
    base = wellness(given, people, waves, len(found), rng)
    effects = [
        [given.effect(name, channel.outcomes[0]) if channel.outcomes else 0.0 for channel in found]
        for name in evaluation.programmes
    ]
    lift = np.array(effects)[:, :, None] * (takers / given.uptake)
    together = None
    if evaluation.declared.design.groups:
        count = int(people.group.max()) + 1
        together = rng.standard_normal((len(found), waves, count))[:, :, people.group]
    noise = tuple(
        rng.standard_normal((waves, len(people), _items(evaluation, c)))
        if isinstance(c.source, Responses)
        else None
        for c in found
    )
    return Made(people, base, lift, together, given.icc, noise)


def _items(evaluation: Evaluation, channel: Channel) -> int:
    measure = evaluation.measure(channel.source.measure)
    return len(asked_for(measure, shown_scale(evaluation, channel)))


def shown_scale(evaluation: Evaluation, channel: Channel) -> str:
    """Return the scale by which a channel's first outcome is shown, else the measure's default."""
    for target in evaluation.measured():
        if channel.outcomes and target.outcome.id == channel.outcomes[0]:
            return target.scale
    return evaluation.measure(channel.source.measure).default_scale


def finished_scores(
    evaluation: Evaluation, given: Assumptions, source: Scores, how: Floats
) -> Floats:
    """Return scores of a measure from how people are: on its steps and inside its range."""
    import numpy as np

    scale = evaluation.measure(source.measure).scale(source.scale)
    mean, sd = score_units(given, source.measure, scale)
    value = mean + sd * how * (1 if scale.higher_is_better else -1)
    if scale.table:
        known = np.unique([score for _, score in scale.table])
        middles = (known[1:] + known[:-1]) / 2
        return np.asarray(known[np.searchsorted(middles, value)])
    step = scale.step or 0.01
    low = scale.low if np.isfinite(scale.low) else 0.0
    most = np.floor((scale.high - low) / step) if np.isfinite(scale.high) else np.inf
    steps = np.clip(np.round((value - low) / step), 0, most)
    return np.asarray(np.round(low + step * steps, 6))


def score_units(given: Assumptions, measure: str, scale: Scale) -> tuple[float, float]:
    """Return mean and SD of finished scores: as told, else the middle and a sixth of the range."""
    named = dict(given.points)
    known = named.get(f"{measure} {scale.id}", named.get(measure))
    if known is not None:
        return known
    return (scale.low + scale.high) / 2, (scale.high - scale.low) / WIDTH
