"""What is done about the lost: every method on one trial, each with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.losing.trials import HIGH, LOW, Trial
from evalkit.errors import CannotEstimate
from evalkit.stats import (
    attrition_weights,
    impute,
    lee_bounds,
    mean_difference,
    pool,
    reference_based_difference,
    tipping_point,
    worst_case_bounds,
)

Interval = tuple[float, float, float]  # the estimate (none of bounds), and the interval's ends
REFUSED: Interval = (nan, nan, nan)
IMPUTATIONS, ROUNDS = 10, 5
STRATEGIES = ("MAR", "J2R", "CR", "CIR", "LMCF")


@dataclass(frozen=True, slots=True)
class Method:
    """A method's words on the page; `bounds` says that it gives two ends and no estimate.

    `of_seen` says that it speaks of those who would be seen in either arm.
    """

    words: str
    bounds: bool = False
    of_seen: bool = False


PLAIN = Method("complete cases, no baseline")
ADJUSTED = Method("complete cases, baseline")
IMPUTED = Method("imputed, baseline")
HELPED = Method("imputed, baseline and middle wave")
NORMAL = Method("imputed by a normal model, both")
WEIGHTED = Method("weighted, baseline")
WEIGHTED_HELPED = Method("weighted, baseline and middle wave")
REFERENCE = tuple(Method(f"reference-based, {name}") for name in STRATEGIES)
LEE = Method("Lee bounds", bounds=True, of_seen=True)
LEE_TIGHT = Method("Lee bounds, less the baseline's part", bounds=True, of_seen=True)
WORST = Method("worst-case bounds", bounds=True)
METHODS = (
    PLAIN, ADJUSTED, IMPUTED, HELPED, NORMAL, WEIGHTED, WEIGHTED_HELPED, *REFERENCE, LEE,
    LEE_TIGHT, WORST,
)  # fmt: skip
COLUMNS: dict[str, Any] = {"outcome": "score", "treatment": "arm"}


def intervals(trial: Trial, seed: int) -> tuple[list[Interval], Interval]:
    """Return the interval of every method in order, and of the tipping point.

    The tipping point is the shift of the programme's imputed scores at which the interval reaches
    0, in SDs (missing where it includes 0 without one); the next number is the shift that would
    have made what was imputed right; the last is empty.
    """
    frame, known = trial.frame, ["arm", "baseline", "score"]
    few = impute(frame[known], **_how(seed))
    copies = impute(frame[[*known, "middle"]], **_how(seed))
    normal = impute(frame[[*known, "middle"]], **_how(seed), method="norm")
    found = {
        IMPUTED: imputed(few), HELPED: imputed(copies), NORMAL: imputed(normal),
        **dict(zip(REFERENCE, by_reference(frame, seed), strict=True)),
        **{method: direct(method, trial) for method in DIRECT},
    }  # fmt: skip
    return [found[method] for method in METHODS], _tipping(trial, copies)


def _how(seed: int) -> dict[str, Any]:
    return {"m": IMPUTATIONS, "iterations": ROUNDS, "seed": seed, "by": "arm"}


def direct(method: Method, trial: Trial) -> Interval:
    """Return the interval of a method that imputes nothing."""
    try:
        return DIRECT[method](trial.frame)
    except CannotEstimate:
        return REFUSED


def _ends(found: Any) -> Interval:
    return found.estimate, found.conf_low, found.conf_high


def _bounds(found: Any) -> Interval:
    return nan, found.conf_low, found.conf_high


def adjusted(frame: pd.DataFrame, **options: Any) -> Any:
    """Return the difference among those with a score, adjusted for the baseline."""
    return mean_difference(frame, **COLUMNS, covariates=["baseline"], **options)


def imputed(copies: Any) -> Interval:
    """Return the difference pooled over completed copies."""
    each = [adjusted(one) for one in copies]
    return _ends(
        pool(
            [e.estimate for e in each],
            [e.std_error for e in each],
            df_complete=[e.df for e in each],
        )
    )


def weighted(frame: pd.DataFrame, names: list[str]) -> Interval:
    """Return the difference among those seen, weighted to stand for those like them."""
    found = attrition_weights(frame, observed="seen", treatment="arm", covariates=names)
    seen = frame.assign(weight=found.weights)[frame["seen"] == 1]
    return _ends(adjusted(seen, weights="weight"))


def foreseen(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the trial with its scores less what the baseline foretells of them within arms."""
    seen = frame[frame["seen"] == 1]
    design = np.column_stack([np.ones(len(seen)), seen["arm"], seen["baseline"]])
    slope = np.linalg.lstsq(design, seen["score"].to_numpy(), rcond=None)[0][2]
    return frame.assign(score=frame["score"] - slope * frame["baseline"])


def by_reference(frame: pd.DataFrame, seed: int) -> list[Interval]:
    """Return the difference under each strategy; refused where nothing is missing."""
    waves = frame.melt(
        ["person", "arm", "baseline"], ["middle", "score"], var_name="name", value_name="outcome"
    )
    waves["wave"] = (waves.pop("name") == "score") + 1
    try:
        found = reference_based_difference(
            waves, outcome="outcome", treatment="arm", person="person", wave="wave",
            baseline="baseline", strategies=STRATEGIES, m=IMPUTATIONS, seed=seed,
        )  # fmt: skip
    except CannotEstimate:
        return [REFUSED] * len(STRATEGIES)
    return [_ends(one) for one in found]


def _tipping(trial: Trial, copies: Any) -> Interval:
    frame = trial.frame
    lost = ((frame["seen"] == 0) & (frame["arm"] == 1)).to_numpy()
    if not lost.any():
        return REFUSED
    found = tipping_point(
        frame, **COLUMNS, covariates=["baseline"], imputations=list(copies), deltas=[0.0]
    )
    filled = np.mean([one["score"].to_numpy()[lost] for one in copies])
    far = nan if found.delta_interval_sd is None else found.delta_interval_sd
    return far, float(trial.whole[lost].mean() - filled) / found.sd, nan


DIRECT: dict[Method, Callable[[pd.DataFrame], Interval]] = {
    PLAIN: lambda frame: _ends(mean_difference(frame, **COLUMNS)),
    ADJUSTED: lambda frame: _ends(adjusted(frame)),
    WEIGHTED: lambda frame: weighted(frame, ["baseline"]),
    WEIGHTED_HELPED: lambda frame: weighted(frame, ["baseline", "middle"]),
    LEE: lambda frame: _bounds(lee_bounds(frame, **COLUMNS)),
    LEE_TIGHT: lambda frame: _bounds(lee_bounds(foreseen(frame), **COLUMNS)),
    WORST: lambda frame: _bounds(worst_case_bounds(frame, **COLUMNS, low=LOW, high=HIGH)),
}
