"""The calls that are studied, each with the defaults a user gets and the interval that is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from evalkit.stats import (
    hazard_ratio,
    hedges_g,
    mean_change,
    mean_difference,
    mixed_difference,
    ordinal_odds_ratio,
    permutation_test,
    rate_ratio,
    repeated_measures,
    risk_difference,
    stepped_wedge_difference,
)

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Method:
    """A call on a frame, its words on the page, and where its interval is.

    `ratio` says that the interval is of a ratio; `sized` that the effect size's is read; without
    `interval` only the p-value is.
    """

    words: str
    call: Callable[[pd.DataFrame], Any]
    ratio: bool = False
    sized: bool = False
    interval: bool = True

    def read(self, frame: pd.DataFrame) -> tuple[float, float, float]:
        """Return the interval's ends and the p-value."""
        found = self.call(frame)
        if not self.interval:
            return 0.0, 0.0, found.p_value
        ends = ("effect_low", "effect_high") if self.sized else ("conf_low", "conf_high")
        return getattr(found, ends[0]), getattr(found, ends[1]), found.p_value


def raw_size(frame: pd.DataFrame) -> Any:
    """Return Hedges' g of the two arms, without adjustment."""
    arm = frame["arm"].to_numpy()
    score = frame["score"].to_numpy()
    return hedges_g(score[arm == 1], score[arm == 0])


def at_waves(frame: pd.DataFrame, *, last: bool = False, **options: Any) -> Any:
    """Return the difference averaged over waves, or at the last, by estimating equations."""
    found = repeated_measures(
        frame, outcome="score", treatment="arm", person="person", wave="wave",
        baseline="baseline", **options,
    )  # fmt: skip
    return found[-1] if last else found.average


_SCORE: Options = {"outcome": "score", "treatment": "arm"}
_YES: Options = {"outcome": "yes", "treatment": "arm"}
_EVENTS: Options = {"events": "events", "treatment": "arm"}
_TIME: Options = {"time": "time", "event": "event", "treatment": "arm"}
_BAND: Options = {"outcome": "band", "treatment": "arm"}
_PAIR: Options = {"baseline": "baseline", "outcome": "score"}
_WEDGE: Options = {**_SCORE, "cluster": "unit", "period": "period"}
_ADJUSTED: Options = {"covariates": "baseline"}
_UNIT: Options = {"cluster": "unit"}

DIFFERENCE = Method("mean_difference", partial(mean_difference, **_SCORE))
ADJUSTED = Method("mean_difference, baseline", partial(mean_difference, **_SCORE, **_ADJUSTED))
CLUSTERED = Method("mean_difference, cluster", partial(mean_difference, **_SCORE, **_UNIT))
CLUSTERED_ADJUSTED = Method(
    "mean_difference, cluster, baseline",
    partial(mean_difference, **_SCORE, **_UNIT, **_ADJUSTED),
)
RISK = Method("risk_difference", partial(risk_difference, **_YES))
RISK_ADJUSTED = Method("risk_difference, baseline", partial(risk_difference, **_YES, **_ADJUSTED))
RISK_CLUSTERED = Method("risk_difference, cluster", partial(risk_difference, **_YES, **_UNIT))
RISK_CLUSTERED_ADJUSTED = Method(
    "risk_difference, cluster, baseline", partial(risk_difference, **_YES, **_UNIT, **_ADJUSTED)
)
RATE = Method("rate_ratio", partial(rate_ratio, **_EVENTS), ratio=True)
RATE_EXPOSED = Method("rate_ratio, exposure", partial(rate_ratio, **_EVENTS, exposure="time"), True)
RATE_ROBUST = Method('rate_ratio, se="robust"', partial(rate_ratio, **_EVENTS, se="robust"), True)
RATE_CLUSTERED = Method("rate_ratio, cluster", partial(rate_ratio, **_EVENTS, **_UNIT), True)
CHANGE = Method("mean_change", partial(mean_change, **_PAIR))
CHANGE_CLUSTERED = Method("mean_change, cluster", partial(mean_change, **_PAIR, **_UNIT))
MIXED = Method("mixed_difference", partial(mixed_difference, **_SCORE, group="unit"))
WAVES = Method("repeated_measures, average", at_waves)
WAVES_LAST = Method("repeated_measures, last wave", partial(at_waves, last=True))
WAVES_CLUSTERED = Method("repeated_measures, cluster, average", partial(at_waves, **_UNIT))
WAVES_CLUSTERED_LAST = Method(
    "repeated_measures, cluster, last wave", partial(at_waves, last=True, **_UNIT)
)
RAW_SIZE = Method("hedges_g", raw_size)
SIZE = Method("mean_difference, effect size", DIFFERENCE.call, sized=True)
SIZE_ADJUSTED = Method("mean_difference, baseline, effect size", ADJUSTED.call, sized=True)
SIZE_CLUSTERED = Method("mean_difference, cluster, effect size", CLUSTERED.call, sized=True)
WEDGE = Method("stepped_wedge_difference", partial(stepped_wedge_difference, **_WEDGE))
ORDERED = Method("ordinal_odds_ratio", partial(ordinal_odds_ratio, **_BAND), True)
ORDERED_CLUSTERED = Method(
    "ordinal_odds_ratio, cluster", partial(ordinal_odds_ratio, **_BAND, **_UNIT), True
)
HAZARD = Method("hazard_ratio", partial(hazard_ratio, **_TIME), True)
HAZARD_CLUSTERED = Method("hazard_ratio, cluster", partial(hazard_ratio, **_TIME, **_UNIT), True)


def permuted(words: str, **options: Any) -> Method:
    """Return a permutation test of scores; where not all assignments are gone through, 499."""
    call = partial(permutation_test, **_SCORE, permutations=499, seed=1, **options)
    return Method(f"permutation_test{words}", call, interval=False)


PERMUTED = permuted("")
PERMUTED_ADJUSTED = permuted(", baseline", covariates="baseline")
PERMUTED_CLUSTERED = permuted(", cluster", cluster="unit")
PERMUTED_T = permuted(', statistic="t"', statistic="t")
