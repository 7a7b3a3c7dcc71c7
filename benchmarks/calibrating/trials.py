"""Trials with a stated truth: one small function a kind of outcome, each (generator, effect) -> frame.

Every trial is of units (people, families, sites): `treated` and `compared` of them, drawn by chance,
each with a number of people drawn evenly between the two `sizes`. People of one unit are alike by
`icc`: of a score it is the intracluster correlation; of other outcomes the correlation of the normal
score behind them (a Gaussian copula), so that what is stated of an arm as a whole holds exactly.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Sizes = tuple[int, int]
ALONE: Sizes = (1, 1)


def placed(
    rng: np.random.Generator, treated: int, compared: int, sizes: Sizes
) -> tuple[Whole, Whole]:
    """Return each person's arm (0/1) and unit (from 0)."""
    units = np.arange(treated + compared)
    unit = np.repeat(units, rng.integers(sizes[0], sizes[1] + 1, len(units)))
    return rng.permutation(units < treated)[unit].astype(np.int64), unit


def alike(rng: np.random.Generator, unit: Whole, icc: float) -> Floats:
    """Return standard normal values, correlated by `icc` within units."""
    shared = rng.normal(size=unit.max() + 1)[unit]
    return np.asarray(sqrt(icc) * shared + sqrt(1 - icc) * rng.normal(size=len(unit)))


def scores(
    rng: np.random.Generator,
    effect: float,
    *,
    treated: int,
    compared: int,
    sizes: Sizes = ALONE,
    icc: float = 0.0,
    spread: float = 1.0,
    skewed: bool = False,
) -> pd.DataFrame:
    """Return a score with SD 1 in an arm, correlated 0.6 with a baseline score.

    `spread` multiplies what the baseline does not explain in the treated arm; `skewed` makes that
    part lognormal.
    """
    arm, unit = placed(rng, treated, compared, sizes)
    baseline, rest = alike(rng, unit, icc), alike(rng, unit, icc)
    rest = (np.exp(rest) - np.exp(0.5)) / np.sqrt(np.exp(2) - np.exp(1)) if skewed else rest
    score = 0.6 * baseline + 0.8 * rest * np.where(arm == 1, spread, 1.0) + effect * arm
    return pd.DataFrame({"arm": arm, "unit": unit, "baseline": baseline, "score": score})


def answers(
    rng: np.random.Generator,
    effect: float,
    *,
    treated: int,
    compared: int,
    chance: float,
    slope: float = 0.0,
    sizes: Sizes = ALONE,
    icc: float = 0.0,
) -> pd.DataFrame:
    """Return yes or no: log odds of `chance`, plus `slope` baselines, plus `effect` if treated."""
    arm, unit = placed(rng, treated, compared, sizes)
    baseline = rng.normal(size=len(arm))
    risk = expit(logit(chance) + slope * baseline + effect * arm)
    yes = ndtr(alike(rng, unit, icc)) < risk
    return pd.DataFrame({"arm": arm, "unit": unit, "baseline": baseline, "yes": yes.astype(int)})


def risk_gap(effect: float, chance: float, slope: float) -> float:
    """Return the true difference of risks between arms of `answers`, averaged over baselines."""
    points, weights = np.polynomial.hermite_e.hermegauss(60)
    plain = logit(chance) + slope * points
    gap = expit(plain + effect) - expit(plain)
    return float(weights @ gap / weights.sum())


def counts(
    rng: np.random.Generator,
    effect: float,
    *,
    treated: int,
    compared: int,
    mean: float,
    kind: str = "poisson",
    variance: float = 0.0,
    exposed: bool = False,
    sizes: Sizes = ALONE,
) -> pd.DataFrame:
    """Return counts with rate exp(effect) times as high if treated.

    `kind` is how rates differ between units: "poisson" (not), or "gamma" or "lognormal" with mean
    1 and `variance`; with `exposed` people are seen for a quarter to the whole of the time.
    """
    arm, unit = placed(rng, treated, compared, sizes)
    time = rng.uniform(0.25, 1, len(arm)) if exposed else np.ones(len(arm))
    own = np.ones(treated + compared)
    if kind == "gamma":
        own = rng.gamma(1 / variance, variance, len(own))
    elif kind == "lognormal":
        own = rng.lognormal(-np.log1p(variance) / 2, np.sqrt(np.log1p(variance)), len(own))
    events = rng.poisson(mean * time * own[unit] * np.exp(effect * arm))
    return pd.DataFrame({"arm": arm, "unit": unit, "time": time, "events": events})


def pairs(
    rng: np.random.Generator, effect: float, *, units: int, sizes: Sizes = ALONE, icc: float = 0.0
) -> pd.DataFrame:
    """Return one group's score before and after, correlated 0.6, changed by `effect`."""
    frame = scores(rng, 0.0, treated=0, compared=units, sizes=sizes, icc=icc)
    return frame.assign(score=frame["score"] + effect)


def ordered(
    rng: np.random.Generator,
    effect: float,
    *,
    treated: int,
    compared: int,
    sizes: Sizes = ALONE,
    icc: float = 0.0,
) -> pd.DataFrame:
    """Return four categories, 20, 30, 30 and 20 in 100 of the untreated; log odds up by `effect`."""
    arm, unit = placed(rng, treated, compared, sizes)
    hidden = logit(ndtr(alike(rng, unit, icc))) + effect * arm
    band = np.searchsorted(logit([0.2, 0.5, 0.8]), hidden)
    return pd.DataFrame({"arm": arm, "unit": unit, "band": band})


def times(
    rng: np.random.Generator,
    effect: float,
    *,
    treated: int,
    compared: int,
    sizes: Sizes = ALONE,
    icc: float = 0.0,
) -> pd.DataFrame:
    """Return times to an event, hazard 1 (times exp(effect) if treated), seen for 0.5 to 1.5."""
    arm, unit = placed(rng, treated, compared, sizes)
    time = -np.log(ndtr(alike(rng, unit, icc))) / np.exp(effect * arm)
    ended = rng.uniform(0.5, 1.5, len(arm))
    return pd.DataFrame({
        "arm": arm, "unit": unit,
        "time": np.minimum(time, ended), "event": (time <= ended).astype(int),
    })  # fmt: skip


def waves(
    rng: np.random.Generator,
    effect: float,
    *,
    treated: int,
    compared: int,
    sizes: Sizes = ALONE,
    icc: float = 0.0,
) -> pd.DataFrame:
    """Return three waves whose correlations fade and spread grows; none of the working models.

    A unit's part moves a little from wave to wave; 0, 10 and 20 in 100 answers are lost.
    """
    arm, unit = placed(rng, treated, compared, sizes)
    people = len(arm)
    baseline, rest = rng.normal(size=people), np.empty((people, 3))
    rest[:, 0] = rng.normal(size=people)
    for wave in (1, 2):
        rest[:, wave] = 0.6 * rest[:, wave - 1] + 0.8 * rng.normal(size=people)
    score = 0.5 * baseline[:, None] + rest * [1, 1.3, 1.6] + effect * arm[:, None]
    between = np.sqrt(icc / (1 - icc))
    score += between * rng.normal(size=treated + compared)[unit][:, None]
    score += between / 2 * rng.normal(size=(treated + compared, 3))[unit]
    each = {"arm": arm, "unit": unit, "baseline": baseline, "person": np.arange(people)}
    frame = pd.DataFrame({name: np.repeat(values, 3) for name, values in each.items()})
    frame["wave"], frame["score"] = np.tile([1, 2, 3], people), score.ravel()
    return frame[rng.random(len(frame)) >= 0.1 * (frame["wave"] - 1)]


def wedge(
    rng: np.random.Generator, effect: float, *, clusters: int, steps: int = 3, drift: float = 0.0
) -> pd.DataFrame:
    """Return a stepped wedge of other people each period, 5 to 15 in a cluster and period.

    SD 1 within, 0.3 between clusters, and `drift` the SD of a cluster's own step each period.
    """
    sizes = rng.integers(5, 16, clusters * (steps + 1))
    cluster = np.repeat(np.arange(clusters).repeat(steps + 1), sizes)
    period = np.repeat(np.tile(np.arange(steps + 1), clusters), sizes)
    arm = (period > rng.permutation(np.arange(clusters) % steps)[cluster]).astype(int)
    own = rng.normal(0, 0.3, (clusters, 1))
    own = own + rng.normal(0, drift, (clusters, steps + 1)).cumsum(axis=1)
    score = own[cluster, period] + 0.1 * period + effect * arm + rng.normal(size=len(arm))
    return pd.DataFrame({"arm": arm, "unit": cluster, "period": period, "score": score})
