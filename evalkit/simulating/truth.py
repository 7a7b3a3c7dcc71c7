"""The truth of a simulated trial: what the programme does to the people who are in it.

The same people answer twice with the same random numbers, once as if all were offered the programme
and once as if nobody were, and the answers are scored as the plan says: rounding, ends of scales and
cut-offs are part of the truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.declaration import Scores
from evalkit.results import Record
from evalkit.simulating.answers import finished_scores, shown_scale
from evalkit.simulating.items import item_answers, scored_items
from evalkit.simulating.tables import answering

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

    from evalkit.evaluation import Evaluation
    from evalkit.simulating.answers import Channel, Made
    from evalkit.simulating.assumptions import Assumptions
    from evalkit.targets import Target

    Floats = npt.NDArray[np.float64]

LOGISTIC_SD = math.pi / math.sqrt(3)
"""The standard deviation of the logistic distribution, in which a log odds ratio is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth(Record):
    """What an estimate should find: `effect` in its unit, programme minus comparison.

    `unit` is "points", "share" or "ratio" (odds of a higher category among people alike in what
    the plan adjusts for; rates for an indicator). `sd` is the standard deviation of the outcome
    without the programme (of the logistic distribution for odds) and `effect_size` the effect in
    it; `mean_programme` and `mean_comparison` are what the effect is the difference of. `better` is
    whether such an effect is for the better; None where there is none, or for an indicator.
    """

    outcome: str
    wave: str | None
    informant: str | None
    contrast: str | None
    unit: str
    effect: float
    effect_size: float | None
    sd: float | None
    mean_programme: float | None
    mean_comparison: float | None
    better: bool | None
    n: int


def truths(
    evaluation: Evaluation, given: Assumptions, made: Made, found: tuple[Channel, ...]
) -> Iterable[Truth]:
    """Yield the truth of every result that the plan compares, and of every indicator."""
    order = [wave.id for wave in evaluation.waves]
    worlds: dict[tuple[int, int, int, str], Floats] = {}
    for target in evaluation.targets():
        n = _channel(target, found)
        if n is None or not evaluation.compared(target.wave):
            continue
        wave = order.index(target.wave)
        both = []
        for arm in _arms(evaluation, target):
            key = (n, wave, arm, target.scale)
            if key not in worlds:
                worlds[key] = _outcome(evaluation, given, made, n, found[n], target, wave, arm)
            both.append(worlds[key])
        yield _truth(evaluation, given, made, n, found[n], target, both[0], both[1])
    if evaluation.design.randomised and not evaluation.declared.design.wedge:
        for indicator in evaluation.declared.counted:
            for pair in evaluation.contrasts():
                ratio = given.rate_ratio if pair is None or pair.against_control else 1.0
                yield Truth(
                    outcome=indicator.id, wave=None, informant=None,
                    contrast=str(pair) if pair else None, unit="ratio", effect=ratio,
                    effect_size=None, sd=None, mean_programme=None, mean_comparison=None,
                    better=None, n=given.n,
                )  # fmt: skip


def _channel(target: Target, found: tuple[Channel, ...]) -> int | None:
    """Return which channel shows a target."""
    for n, channel in enumerate(found):
        scale = channel.source.scale if isinstance(channel.source, Scores) else target.scale
        if (channel.source.measure, scale, channel.role, channel.informant) == (
            target.measure, target.scale, target.outcome.role, target.informant,
        ):  # fmt: skip
            return n
    return None


def _arms(evaluation: Evaluation, target: Target) -> tuple[int, int]:
    """Return the positions of the two arms compared; without a comparison the second is nobody's."""
    if target.contrast is None:
        return 0, len(evaluation.programmes)
    names = evaluation.arm_names
    return names.index(target.contrast.treated), names.index(target.contrast.comparison)


def _outcome(
    evaluation: Evaluation, given: Assumptions, made: Made, n: int, channel: Channel,
    target: Target, wave: int, arm: int,
) -> Floats:  # fmt: skip
    """Return the scores of everybody of the role if all were in one arm."""
    who = answering(evaluation, made.people, channel)
    how = made.of(n, wave, arm)[who]
    if isinstance(channel.source, Scores):
        return finished_scores(evaluation, given, channel.source, how)
    noise = made.noise[n]
    assert noise is not None
    measure = evaluation.measure(target.measure)
    shown = shown_scale(evaluation, channel)
    answers = item_answers(measure, shown, how, noise[wave][who])
    return scored_items(measure, answers, shown, target.scale)


def _truth(
    evaluation: Evaluation, given: Assumptions, made: Made, n: int, channel: Channel,
    target: Target, treated: Floats, other: Floats,
) -> Truth:  # fmt: skip
    import numpy as np

    common: dict[str, Any] = {
        "outcome": target.outcome.id, "wave": target.wave, "informant": target.informant,
        "contrast": target.key[3], "n": len(other),
    }  # fmt: skip
    if target.kind == "yes-no":
        treated, other = _met(target, treated), _met(target, other)
    means = float(np.mean(treated)), float(np.mean(other))
    ordered = target.kind == "ordinal" and evaluation.estimator(target) == "ordinal_odds_ratio"
    if ordered:
        effect = _odds(evaluation, given, made, n, channel, target, treated, other)
        sd, size, unit = LOGISTIC_SD, math.log(effect) / LOGISTIC_SD, "ratio"
        way = math.log(effect)
    else:
        effect = way = means[0] - means[1]
        unit = "share" if target.kind == "yes-no" else "points"
        spread = float(np.sqrt(means[1] * (1 - means[1]))) if unit == "share" else 0.0
        sd = spread or float(np.std(other, ddof=1))
        size = effect / sd if sd > 0 else 0.0
    better = None if way == 0 else (way > 0) == evaluation.higher_is_better(target)
    return Truth(
        **common, unit=unit, effect=effect, effect_size=size, sd=sd, mean_programme=means[0],
        mean_comparison=means[1], better=better,
    )  # fmt: skip


def _met(target: Target, scores: Floats) -> Floats:
    """Return 1 where a score is on the side of the cut-off asked for."""
    import numpy as np

    measure = target.outcome.measure
    assert measure is not None
    met = np.ones(len(scores), dtype=bool)
    if measure.at_least is not None:
        met &= scores >= measure.at_least
    if measure.at_most is not None:
        met &= scores <= measure.at_most
    return met.astype(float)


def _odds(
    evaluation: Evaluation, given: Assumptions, made: Made, n: int, channel: Channel,
    target: Target, treated: Floats, other: Floats,
) -> float:  # fmt: skip
    """Return the odds ratio among people alike at the start, where the plan adjusts for that.

    A ratio among alike people is further from 1 than one over all: both worlds are put side by side
    and the model of the plan is fitted to them.
    """
    import numpy as np
    import pandas as pd

    from evalkit.errors import CannotEstimate
    from evalkit.stats import ordinal_odds_ratio

    if np.array_equal(treated, other):
        return 1.0
    arm = np.repeat([1.0, 0.0], len(other))
    start = _outcome(evaluation, given, made, n, channel, target, 0, len(evaluation.programmes))
    words = np.tile(np.array([f"{value:g}" for value in start], dtype=object), 2)
    rows = pd.DataFrame({"treated": arm, "score": np.concatenate([treated, other]), "start": words})
    adjusted = "baseline" in evaluation.declared.analysis.covariates
    for covariates in [("start",), ()] if adjusted else [()]:
        try:
            found = ordinal_odds_ratio(
                rows, outcome="score", treatment="treated", covariates=covariates
            )
        except CannotEstimate:
            continue
        return float(found.estimate or 1.0)
    return math.nan
