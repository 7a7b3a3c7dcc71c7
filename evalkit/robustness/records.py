"""What an analysis of hidden differences between the groups returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.results import Record

AskedBy = Literal["planned", "default"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasPart(Record):
    """One row of an analysis: a multiple of a covariate, a site left out, a specification, a control.

    `strength` is the multiple of a benchmark; `r2_treatment` and `r2_outcome` are the shares (0 to 1)
    that such a factor would explain of what the covariates leave of the treatment and the outcome.
    `overturns` says whether the interval holds no difference where the result's own does not; for a
    control or placebo, whether a difference shows where there should be none. None where it cannot be
    told. Without a fit of its own a part has an estimate and no interval.
    """

    label: str
    strength: float | None = None
    r2_treatment: float | None = None
    r2_outcome: float | None = None
    estimate: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    n_used: int | None = None
    overturns: bool | None = None
    planned: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenBias(Record):
    """One analysis of what a hidden difference between the groups could do to one result.

    `value` is the analysis's own number for the estimate and `value_interval` the same for the end of
    the interval nearest to no difference: the E-value (a risk ratio); the robustness value (a share);
    the factor in the odds that pairs alike may differ by (interval alone); Oster's delta (estimate
    alone). `times` is how many times as strong as the covariate `benchmark`, the one that matters most
    here, a hidden factor must be for the interval to hold no difference (infinite above 100), and
    `times_least` the same were that covariate tied as closely as chance allows (one-sided 95%).
    `estimate` is Oster's estimate under equal selection. `overturns` is as in `BiasPart`: of the
    robustness value, of a factor twice as strong as `benchmark`; of several parts, of any. `sentence`
    says it in words, `shareable` without a figure. `frontier` holds, for the picture of loss and hidden
    factors together, (points added to the imputed outcomes of the programme's lost, the share a factor
    must then explain of both for the interval to hold no difference); `grid` holds (points, share,
    estimate, low, high).
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None = None
    analysis: str
    asked: AskedBy
    value: float | None = None
    value_interval: float | None = None
    benchmark: str | None = None
    times: float | None = None
    times_least: float | None = None
    estimate: float | None = None
    level: float = 0.95
    unit: str | None = None
    overturns: bool | None = None
    sentence: str = ""
    shareable: str = ""
    parts: tuple[BiasPart, ...] = ()
    frontier: tuple[tuple[float, float], ...] = ()
    grid: tuple[tuple[float, float, float, float, float], ...] = ()
    notes: tuple[str, ...] = ()
