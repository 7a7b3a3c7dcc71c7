"""The effect where a programme is given by a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evalkit.results import Records
from evalkit.stats.shared.arm_clusters import few_clusters
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    optional_name,
)
from evalkit.stats.sizes.effect_sizes import accurate_mean, difference_scaling
from evalkit.stats.thresholds.discontinuity_results import Discontinuity
from evalkit.stats.thresholds.jumps import Jump, jump_at
from evalkit.stats.thresholds.local_polynomial import KERNELS
from evalkit.stats.thresholds.score_density import DensityCheck, density_jump
from evalkit.stats.thresholds.score_rows import FEW_VALUES, ScoreRows, check_cutoff, score_rows

FEW_ROWS = 30  # rows within the bandwidth on a side below which the approximations are weak


def regression_discontinuity(
    data: Any,
    *,
    outcome: str,
    score: str,
    cutoff: float,
    bandwidth: float | None = None,
    bias_bandwidth: float | None = None,
    cluster: str | None = None,
    treated_above: bool = True,
    treatment: str | None = None,
    treated: Any = None,
    kernel: str = "triangular",
    order: int = 1,
    level: float = 0.95,
) -> Discontinuity:
    """Return the effect on people at the cut-off, where a score alone decides who is treated.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome, score : names of numeric columns
    cutoff : the score from which people are treated; a score equal to it is on the treated side
    bandwidth : distance from the cut-off, in score units, within which people are compared; None
        chooses the one with the least mean squared error
    bias_bandwidth : the same for the curve's bias; with `bandwidth` given it is equal to it
    cluster : name of the column of clusters (family, site); those on both sides count once
    treated_above : False where low scores are treated
    treatment : name of the column of who was treated, to check that the score decided it
    treated : the value of `treatment` that names the treated
    kernel : "triangular", "epanechnikov" or "uniform"
    order : 1 for local lines, 2 for parabolas
    level : confidence level

    Returns
    -------
    Discontinuity
        See there. Variances are from the three nearest neighbours on the same side, or with
        clusters the CR1 sandwich. `effect_size` is the estimate over the pooled SD of the outcome
        within the bandwidth. `.placebo_cutoffs()` and `.sensitivity()` return frames.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or an unknown option.
    CannotEstimate
        When a side has nobody, the cut-off lies outside the scores, a side has too few values of
        the score near it, or `treatment` does not follow the score.

    References
    ----------
    Hahn, Todd and van der Klaauw (2001), Econometrica 69:201-209; Calonico, Cattaneo and Titiunik
    (2014), Econometrica 82:2295-2326; Calonico, Cattaneo and Farrell (2020), Econometrics Journal
    23:192-210; McCrary (2008), Journal of Econometrics 142:698-714.
    """
    check_level(level)
    choice(kernel, KERNELS, argument="kernel")
    if isinstance(order, bool) or order not in (1, 2):
        raise invalid(f"order={order!r}.", allowed="1 or 2")
    widths = _widths(bandwidth, bias_bandwidth)
    place = check_cutoff(cutoff)
    check_roles(outcome=outcome, score=score, treatment=treatment)
    more = (*optional_name(cluster), *optional_name(treatment))
    frame = check_frame(data, dict.fromkeys([outcome, score, *more]))
    rows = score_rows(frame, outcome, score, place, treated_above, cluster, treatment, treated)
    found = jump_at(*rows.sides(), kernel, order, widths)
    return _result(rows, found, outcome, score, place, treated_above, kernel, order, level,
                   widths is None)  # fmt: skip


def covariate_continuity(
    data: Any,
    *,
    covariates: str | Sequence[str],
    score: str,
    cutoff: float,
    **options: Any,
) -> Records[Discontinuity]:
    """Return the jump of each covariate at the cut-off: where people are alike there is none.

    `covariates` are names of numeric columns; the options are those of
    `regression_discontinuity`, which is called for each with its own bandwidth.
    """
    return Records(
        regression_discontinuity(data, outcome=name, score=score, cutoff=cutoff, **options)
        for name in as_names(covariates)
    )


def _widths(bandwidth: float | None, bias_bandwidth: float | None) -> tuple[float, float] | None:
    for name, value in (("bandwidth", bandwidth), ("bias_bandwidth", bias_bandwidth)):
        if value is None:
            continue
        number = isinstance(value, int | float | np.integer | np.floating)
        if not number or isinstance(value, bool) or not (np.isfinite(value) and value > 0):
            raise invalid(f"{name}={value!r}.", allowed="a number above 0, or None")
    if bandwidth is None and bias_bandwidth is not None:
        raise invalid("bias_bandwidth is given without bandwidth.", next_step="Give both.")
    if bandwidth is None:
        return None
    return float(bandwidth), float(bandwidth if bias_bandwidth is None else bias_bandwidth)


def _result(
    rows: ScoreRows,
    found: Jump,
    outcome: str,
    score: str,
    cutoff: float,
    treated_above: bool,
    kernel: str,
    order: int,
    level: float,
    chosen: bool,
) -> Discontinuity:
    low, high = found.interval(level)
    plain = found.interval(level, robust=False)
    factor, sd = _scaling(rows, found.width)
    clusters = None if rows.codes is None else len(np.unique(rows.codes))
    density = density_jump(rows.distance)
    treated, compared = rows.outcome[rows.above], rows.outcome[~rows.above]
    return Discontinuity(
        outcome=outcome,
        term=score,
        estimand="effect at the cut-off",
        estimate=found.estimate,
        std_error=found.error_robust,
        statistic=found.corrected / found.error_robust,
        p_value=found.p_value,
        conf_low=low,
        conf_high=high,
        level=level,
        effect_size=None if factor is None else factor * found.estimate,
        effect_low=None if factor is None else factor * low,
        effect_high=None if factor is None else factor * high,
        n_treatment=len(treated),
        n_comparison=len(compared),
        n_clusters=clusters,
        n_dropped=sum(count for _, count in rows.dropped),
        method=_method(kernel, order, clusters, chosen),
        dropped_why=rows.dropped,
        mean_treatment=accurate_mean(treated),
        mean_comparison=accurate_mean(compared),
        sd_pooled=sd,
        notes=_notes(found, density, clusters),
        score=score,
        cutoff=cutoff,
        treated_above=treated_above,
        bandwidth=found.width,
        bias_bandwidth=found.bias_width,
        bandwidth_chosen=chosen,
        kernel=kernel,
        order=order,
        estimate_corrected=found.corrected,
        std_error_conventional=found.error,
        conventional_low=plain[0],
        conventional_high=plain[1],
        n_within_treatment=found.n_above,
        n_within_comparison=found.n_below,
        n_values_treatment=found.values_above,
        n_values_comparison=found.values_below,
        density=density,
        sentence=_sentence(found, outcome, score, cutoff, low, high, level),
        _rows=rows,
    )


def _scaling(rows: ScoreRows, width: float) -> tuple[float | None, float | None]:
    """Return the factor to an effect size and the pooled SD, of the rows within the width."""
    near = np.abs(rows.distance) <= width
    if min(int(np.sum(near & rows.above)), int(np.sum(near & ~rows.above))) < 2:
        return None, None
    codes = None if rows.codes is None else rows.codes[near]
    if codes is not None and len(np.unique(codes)) == len(codes):
        codes = None
    scaling = difference_scaling(rows.outcome[near], rows.above[near].astype(float), codes)
    return scaling.factor, scaling.sd


def _method(kernel: str, order: int, clusters: int | None, chosen: bool) -> str:
    curve = {1: "lines", 2: "parabolas"}[order]
    width = "the bandwidth with the least mean squared error" if chosen else "the bandwidth given"
    spread = "nearest-neighbour variance" if clusters is None else f"CR1 for {clusters} clusters"
    return (
        f"Sharp regression discontinuity: local {curve} with a {kernel} kernel within {width}; "
        f"robust bias-corrected interval (Calonico, Cattaneo and Titiunik), {spread}."
    )


def _notes(found: Jump, density: DensityCheck, clusters: int | None) -> tuple[str, ...]:
    notes = ["The effect is that on people at the cut-off; it says nothing of those far from it"]
    values = min(found.values_below, found.values_above)
    if values < FEW_VALUES:
        notes.append(
            f"The score is discrete: {values} values within the bandwidth on one side, so the "
            "result leans on the shape of the curve between them"
        )
    rows = min(found.n_below, found.n_above)
    if rows < FEW_ROWS:
        notes.append(f"{rows} people within the bandwidth on one side are few (below {FEW_ROWS})")
    if not density.passed:
        notes.append(density.sentence)
    return (*notes, *few_clusters(clusters))


def _sentence(
    found: Jump, outcome: str, score: str, cutoff: float, low: float, high: float, level: float
) -> str:
    return (
        f"At {score} = {cutoff:g} those treated differ in {outcome} by {found.estimate:.3g} "
        f"({level:.0%} interval {low:.3g} to {high:.3g}), from {found.n_above} treated and "
        f"{found.n_below} others within {found.width:.3g} of it."
    )
