"""Differences between arms in a trial within sites, where the effect may vary over sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.stats.clusters.mixed_models import SizedByVariance, arm_counts, empty_sizes, sizes_on
from evalkit.stats.clusters.random_intercept import fit_random_intercept
from evalkit.stats.clusters.random_slope import RandomSlope, Words, fit_random_slope
from evalkit.stats.shared.analysed_rows import Analysed, analysed_rows
from evalkit.stats.shared.columns import as_names, check_frame, check_level, check_roles, read_arm
from evalkit.stats.shared.design_matrix import Design, treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval
from evalkit.stats.sizes.effect_sizes import Scaling, small_sample_factor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

WORDS = Words(
    few="{} site(s) hold both arms; the effect's variation over sites needs 2 or more. "
    "Where whole sites are in one arm use mixed_difference.",
    spare="No site has two people in the same arm, so how people differ cannot be told apart "
    "from how effects differ over sites. Use mixed_difference.",
    flat="The outcome does not vary within sites and arms beyond what the covariates say, so "
    "its variance there is zero. Analyse one row a site and arm.",
    no_end="nearly all the variance lies between sites. Analyse one row a site and arm.",
    more="More sites with people in both arms are needed, or use mixed_difference or "
    "mean_difference with strata.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultisiteDifference(SizedByVariance):
    """A difference between arms from a model whose level and effect vary over sites.

    Variances are in squared outcome units: `variance_between` of the sites' levels in the
    comparison arm, `variance_effect` of their effects, `covariance` of the two, `variance_within`
    of people within a site and arm. `variance_total` is a person's variance averaged over the
    arms as they are in the rows; `icc` is the share of it that is not within. `effect_sd` is the
    root of `variance_effect`; `prediction_low` and `prediction_high` hold the effect in a new
    site (t with sites - 2 df; None with fewer than three sites with both arms);
    `heterogeneity_statistic` and `heterogeneity_p` compare with effects that are the same in
    every site (restricted likelihood ratio, equal mixture of chi-squared with 1 and 2 df).
    `g_total` is over the root of `variance_total`. `n_sites_both` counts the sites with people in
    both arms.
    """

    variance_effect: float | None = None
    covariance: float | None = None
    variance_total: float | None = None
    effect_sd: float | None = None
    prediction_low: float | None = None
    prediction_high: float | None = None
    heterogeneity_statistic: float | None = None
    heterogeneity_p: float | None = None
    log_likelihood: float | None = None
    n_sites_both: int | None = None


def multisite_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    site: str,
    covariates: str | Sequence[str] = (),
    treated: Any = None,
    level: float = 0.95,
) -> MultisiteDifference:
    """Return the difference between arms, averaged over sites whose effects may differ.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`;
        people within a site are in either arm
    site : name of the column of sites
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    treated : the value of `treatment` that names the treated arm
    level : confidence level

    Returns
    -------
    MultisiteDifference
        `estimate` is the mean effect over sites in outcome units, by restricted maximum
        likelihood, with a random intercept and a random effect of the arm for each site, which
        may be correlated; `df` are Satterthwaite's as in lmerTest. `effect_size` is J / S times
        the estimate: S is the root of the total variance of the same model without covariates, J
        Hedges' correction for its df. Sites in one arm only stay in and are counted in a note.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, or an unknown option.
    CannotEstimate
        When an arm has fewer than two people, fewer than two sites hold both arms, no site has
        two people in the same arm, or the outcome does not vary there.
    NotConverged
        When the likelihood has no maximum that can be found.

    Notes
    -----
    Where the sites' covariance is estimated on its boundary (a correlation of 1 or -1, or no
    variance) only its free parameters count as uncertain, as in lmerTest, and a note says so.

    References
    ----------
    Raudenbush and Liu (2000), Psychological Methods 5:199-213; Bates, Maechler, Bolker and Walker
    (2015), JSS 67(1); Kuznetsova, Brockhoff and Christensen (2017), JSS 82(13); Higgins, Thompson
    and Spiegelhalter (2009), JRSS A 172:137-159 (prediction).
    """
    check_level(level)
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, site=site, covariates=names)
    data = check_frame(data, [outcome, treatment, site, *names])
    arm = read_arm(data, treatment, treated)
    rows = analysed_rows(data, outcome, arm, names, group=(site, "no site"))
    adjusted = treatment_design((treatment, rows.arm), rows.covariates)
    model = _fit(rows, adjusted)
    plain = model
    if adjusted.matrix.shape[1] > 2:
        plain = _fit(rows, treatment_design((treatment, rows.arm), []))
    scaling = _scaling(plain)
    numbers = coefficient_interval(
        model.linear, model.linear.place(treatment), scaling.factor, level
    )
    both = _sites_both(rows)
    notes = (*adjusted.notes, *caveats(numbers["df"], scaling), *_said(model, rows, both, site))
    return MultisiteDifference(
        outcome=outcome,
        term=treatment,
        level=level,
        notes=notes,
        adjusted_for=names,
        method=_sentence(outcome, treatment, site, names),
        n_sites_both=both,
        **numbers,
        **arm_counts(rows),
        **_variances(model),
        **_prediction(numbers, model, both, level),
        **_heterogeneity(model, rows, adjusted),
        **sizes_on("g_within", numbers, model.within),
        **sizes_on("g_total", numbers, model.total),
        **empty_sizes(rows, numbers),
    )


def _fit(rows: Analysed, design: Design) -> RandomSlope:
    assert rows.codes is not None
    return fit_random_slope(design.matrix, rows.outcome, design.names, rows.arm, rows.codes, WORDS)


def _scaling(plain: RandomSlope) -> Scaling:
    sd, df = sqrt(plain.total), plain.total_df
    factor = small_sample_factor(df) / sd if df > 1 else None
    return Scaling(factor=factor, sd=sd, df=df, icc=1 - plain.within / plain.total)


def _sites_both(rows: Analysed) -> int:
    assert rows.codes is not None
    treated, compared = (set(rows.codes[rows.arm == value]) for value in (1, 0))
    return len(treated & compared)


def _variances(model: RandomSlope) -> dict[str, Any]:
    return {
        "variance_between": float(model.covariance[0, 0]),
        "variance_effect": float(model.covariance[1, 1]),
        "covariance": float(model.covariance[0, 1]),
        "variance_within": model.within,
        "variance_total": model.total,
        "icc": 1 - model.within / model.total,
        "effect_sd": sqrt(model.covariance[1, 1]),
        "log_likelihood": model.log_likelihood,
    }


def _prediction(
    numbers: dict[str, Any], model: RandomSlope, both: int, level: float
) -> dict[str, Any]:
    from scipy.stats import t as student

    if both < 3:
        return {}
    spread = sqrt(numbers["std_error"] ** 2 + float(model.covariance[1, 1]))
    half = float(student.ppf(0.5 + level / 2, both - 2)) * spread
    return {
        "prediction_low": numbers["estimate"] - half,
        "prediction_high": numbers["estimate"] + half,
    }


def _heterogeneity(model: RandomSlope, rows: Analysed, design: Design) -> dict[str, Any]:
    from scipy.stats import chi2

    assert rows.codes is not None
    try:
        same = fit_random_intercept(design.matrix, rows.outcome, design.names, rows.codes)
    except EvalkitError:
        return {}
    gain = max(0.0, 2 * (model.log_likelihood - same.log_likelihood))
    gain = 0.0 if gain < 1e-7 else gain
    return {
        "heterogeneity_statistic": gain,
        "heterogeneity_p": float(chi2.sf(gain, 1) + chi2.sf(gain, 2)) / 2,
    }


def _said(model: RandomSlope, rows: Analysed, both: int, site: str) -> list[str]:
    notes = []
    if model.rank == 0:
        notes.append(
            f"Neither levels nor effects are estimated to vary over values of '{site}', so the "
            "interval takes no account of them; compare mean_difference with strata"
        )
    elif model.rank == 1:
        notes.append(
            f"The covariance of levels and effects over values of '{site}' is on its boundary (a "
            "correlation of 1 or -1, or one variance of 0): read the variance of effects with care"
        )
    if both < rows.n_groups:
        notes.append(
            f"{rows.n_groups - both} of {rows.n_groups} values of '{site}' have people in one arm "
            "only; they stay in the model"
        )
    return notes


def _sentence(outcome: str, treatment: str, site: str, covariates: Sequence[str]) -> str:
    adjusted = f", adjusted for {', '.join(covariates)}" if covariates else ""
    return (
        f"Linear mixed model of {outcome} on {treatment}{adjusted}, with a random intercept and a "
        f"random effect of {treatment} for each {site}, by restricted maximum likelihood; "
        "Satterthwaite degrees of freedom. The effect size is on the root of the total variance "
        "of the model without covariates, corrected once, for small samples."
    )
