"""Trials of two arms with a known effect, and ways of losing three in ten people from them.

Scores have SD 1 in an arm and higher is better. The baseline goes with the middle wave by 0.6 and
with the last by 0.5, the middle with the last by 0.7. Half the effect is there at the middle wave.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SHARE = 0.3  # of those who may be lost
STRENGTH = 1.0  # of what loss hangs on, on the probit scale
LOW, HIGH = -3.5, 3.5  # ends of the scale


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of a trial without an effect, one a person; `treated` says who is in the programme."""

    treated: Bools
    baseline: Floats
    middle: Floats
    last: Floats


Leaning = Callable[[Scores], Floats]


@dataclass(frozen=True, slots=True)
class Loss:
    """A way of losing people.

    `leaning` gives what a person's leaving hangs on (with SD 1; None, nothing), `both` whether the
    comparison loses people too, `early` whether one in three of those lost miss the middle wave
    already, `keeps` whether those lost keep the benefit, `share` how many are lost where any are.
    """

    name: str
    simulated: str
    leaning: Leaning | None = None
    share: float = SHARE
    both: bool = True
    early: bool = True
    keeps: bool = True

    def truth(self, effect: float, *, seen: bool = False) -> float:
        """Return the difference at the last wave among everybody, or among those seen."""
        return effect if self.keeps or seen else effect * (1 - self.share)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial: a row a person with `person, arm, baseline, middle, score, seen`, and all scores."""

    frame: pd.DataFrame
    whole: Floats


def scores(rng: np.random.Generator, people: int) -> Scores:
    """Return a trial without an effect, half of the people in each arm."""
    treated = rng.permutation(np.arange(people) % 2 == 1)
    baseline, middle, last = rng.normal(size=(3, people))
    middle = 0.6 * baseline + 0.8 * middle
    last = 0.125 * baseline + 0.625 * middle + sqrt(0.5) * last
    return Scores(treated, baseline, middle, np.clip(last, LOW, HIGH))


def make(rng: np.random.Generator, loss: Loss, people: int, effect: float) -> Trial:
    """Return a trial from which people were lost."""
    plain = scores(rng, people)
    gone = leaving(rng, loss, plain)
    early = gone & (rng.random(people) < 1 / 3) & loss.early
    middle = plain.middle + effect / 2 * plain.treated
    benefit = effect * (plain.treated & (loss.keeps | ~gone))
    whole = np.clip(plain.last + benefit, LOW, HIGH)
    columns = {
        "person": np.arange(people), "arm": plain.treated.astype(int), "baseline": plain.baseline,
        "middle": np.where(early, np.nan, middle), "score": np.where(gone, np.nan, whole),
        "seen": (~gone).astype(int),
    }  # fmt: skip
    return Trial(pd.DataFrame(columns), whole)


def leaving(rng: np.random.Generator, loss: Loss, plain: Scores) -> Bools:
    """Return who is lost: a probit of what it hangs on, with the share of the loss on average."""
    draw = rng.random(len(plain.baseline))
    if loss.share == 0:
        return np.zeros(len(draw), dtype=bool)
    lean = np.zeros(len(draw)) if loss.leaning is None else STRENGTH * loss.leaning(plain)
    chance = np.where(lean == 0, loss.share, ndtr(ndtri(loss.share) * sqrt(1 + STRENGTH**2) + lean))
    return draw < np.where(plain.treated | loss.both, chance, 0.0)


def _side(plain: Scores) -> Floats:
    return np.where(plain.treated, -1.0, 1.0)


def by_baseline(plain: Scores) -> Floats:
    """Low baselines leave the programme, high ones the comparison."""
    return _side(plain) * plain.baseline


def by_middle(plain: Scores) -> Floats:
    """Those low at baseline and middle leave the programme, those high the comparison."""
    return _side(plain) * (plain.baseline + plain.middle) / sqrt(3.2)


def by_last(plain: Scores) -> Floats:
    """Those who end low leave the programme; the comparison loses people by chance."""
    return np.where(plain.treated, -plain.last, 0.0)


LOSSES = (
    Loss("Nobody lost", "Every score is there.", share=0.0),
    Loss(
        "By chance (MCAR)",
        "Three in ten of each arm are lost whatever their scores; one in three of them miss the middle "
        "wave already.",
    ),
    Loss(
        "By the baseline (MAR)",
        "Three in ten of each arm are lost: those who started low leave the programme, those who started "
        "high the comparison. One in three of them miss the middle wave already, by chance.",
        by_baseline,
    ),
    Loss(
        "By the baseline and the middle wave, differently by arm (MAR)",
        "Everybody is seen at the middle wave. Then three in ten of each arm are lost: those low at "
        "baseline and middle leave the programme, those high the comparison.",
        by_middle,
        early=False,
    ),
    Loss(
        "By the outcome itself, in the programme (MNAR)",
        "Three in ten of each arm are lost: from the programme those who end low, from the comparison by "
        "chance. One in three of them miss the middle wave already.",
        by_last,
    ),
    Loss(
        "By the outcome itself, from the programme alone (MNAR)",
        "Three in ten of the programme are lost, those who end low, and nobody of the comparison. One in "
        "three of them miss the middle wave already.",
        by_last,
        both=False,
    ),
    Loss(
        "Those lost lose the benefit (MNAR)",
        "Three in ten of each arm are lost by chance; those lost from the programme end as they would have "
        "without it. The truth is then 0.7 of the effect for everybody assigned (0.28), and the whole of it "
        "(0.4) for those seen, of whom Lee's bounds speak.",
        keeps=False,
    ),
)  # fmt: skip
