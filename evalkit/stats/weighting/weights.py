"""Weights by propensity, overlap or entropy balancing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.model_rows import listed
from evalkit.stats.weighting.weight_columns import Recipe, WeightRows, recipe, weight_rows
from evalkit.stats.weighting.weight_fits import WeightFit, fit_weights
from evalkit.stats.weighting.weight_results import Spread, Weights, spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FEW = 0.3  # effective n as a share of n below which the comparison rests on few people
HEAVY = 0.05  # share of an arm's weight held by one person that is worth saying
PEOPLE = {
    "ATT": "the people treated",
    "ATE": "everybody",
    "ATC": "the people not treated",
    "ATO": "the people who could be in either arm",
}


def weight(
    data: Any,
    *,
    treatment: str,
    covariates: str | Sequence[str],
    method: str = "propensity",
    moments: int = 1,
    estimand: str = "ATT",
    link: str = "logit",
    trim: float | str | None = None,
    stabilise: bool = False,
    base_weights: str | None = None,
    exact: str | Sequence[str] = (),
    interactions: bool = False,
    treated: Any = None,
) -> Weights:
    """Return weights that make the arms alike in their covariates.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    covariates : names; text, categories and true/false become dummies
    method : "propensity" (from a model of treatment), "overlap" (e for comparison, 1 - e for
        treated: nobody weighs more than 1, and with the logit link the means of the covariates
        are equal), or "entropy" (the weights nearest to equal that make the means equal)
    moments : 1 for means; 2 and 3 add squares and cubes of covariates with more than two values,
        in the model of treatment or among the means made equal
    estimand : whom the effect is about: "ATT" the treated, "ATC" the others, "ATE" everybody,
        "ATO" those who could be in either arm, which is what method="overlap" always gives
    link : "logit" or "probit", of the model of treatment
    trim : leave out (weight 0) people whose propensity is below `trim` or above 1 - `trim`, or
        with "common" outside the range found in both arms; the model is not fitted again, and the
        effect is then about those left
    stabilise : multiply ATE weights by the share of the person's arm
    base_weights : name of a column of weights (of a survey, or against loss) to start from; the
        weights returned include them
    exact : names of columns within whose combinations the arms are weighted separately
    interactions : add the products of every two covariates
    treated : the value of `treatment` that names the treated arm

    Returns
    -------
    Weights
        `weights` and `propensity` in the order of the rows; `effective_n`, `largest_share`,
        `max_over_mean` with `.treatment` and `.comparison`; `n_trimmed`, `n_dropped`, `dropped_why`, `sentence`, `notes`;
        `.balance()`, `.arms()`, `.to_frame()`. Propensity weights are ATE 1/e and 1/(1 - e), ATT 1
        and e/(1 - e), ATC (1 - e)/e and 1; entropy weights have mean 1 in each arm.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or options that do not go together.
    CannotEstimate
        When an arm has fewer than two people, no covariate varies, covariates tell the arms apart
        perfectly, or no weights can reach the means asked for.
    NotConverged
        When the steps do not settle.

    References
    ----------
    Hirano, Imbens and Ridder (2003), Econometrica 71:1161-1189; Hainmueller (2012), Political
    Analysis 20:25-46; Li, Morgan and Zaslavsky (2018), JASA 113:390-400; Crump and others (2009),
    Biometrika 96:187-199, for `trim`.
    """
    made = recipe(
        treatment=treatment,
        treated=treated,
        covariates=covariates,
        method=method,
        estimand=estimand,
        link=link,
        moments=moments,
        interactions=interactions,
        trim=trim,
        stabilise=stabilise,
        base_weights=base_weights,
        exact=exact,
    )
    rows = weight_rows(data, made)
    return _weights(rows, made, fit_weights(rows, made))


def _weights(rows: WeightRows, made: Recipe, fit: WeightFit) -> Weights:
    found = spread(fit.weights, rows.arm)
    arm = np.full(len(rows.keep), np.nan)
    arm[rows.keep] = rows.arm
    weights = np.zeros(len(rows.keep))
    weights[rows.keep] = fit.weights
    return Weights(
        treatment=made.treatment,
        covariates=made.covariates,
        method=made.method,
        estimand=made.estimand,
        link=None if fit.propensity is None else made.link,
        moments=made.moments,
        weights=weights,
        propensity=_scores(fit, rows),
        effective_n=found.effective_n,
        largest_share=found.largest_share,
        max_over_mean=found.max_over_mean,
        n_treatment=int(found.n.treatment),
        n_comparison=int(found.n.comparison),
        n_trimmed=0 if fit.trimmed is None else int(fit.trimmed.sum()),
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        divergence=fit.divergence,
        notes=(*rows.notes, *weight_notes(rows, made, fit)),
        sentence=_sentence(made, found),
        arm=arm,
        why=rows.why,
        _covariates=rows.data[list(made.covariates)].reset_index(drop=True),
    )


def _scores(fit: WeightFit, rows: WeightRows) -> Floats | None:
    if fit.propensity is None:
        return None
    full = np.full(len(rows.keep), np.nan)
    full[rows.keep] = fit.propensity
    return full


def described(made: Recipe) -> str:
    """Return how the weights were made, as the start of a sentence."""
    names = listed(made.covariates)
    powers = {1: "", 2: " and their squares", 3: ", their squares and cubes"}[made.moments]
    powers += " and the products of every two" if made.interactions else ""
    how = {
        "propensity": f"Weighted by the propensity ({made.link} model on {names}{powers})",
        "overlap": f"Overlap weights from the propensity ({made.link} model on {names}{powers})",
        "entropy": f"Entropy balancing to equal means of {names}{powers}",
    }[made.method]
    how += f", separately within {listed(made.exact)}" if made.exact else ""
    how += f", starting from {made.base_weights}" if made.base_weights else ""
    return f"{how}; the effect is about {PEOPLE[made.estimand]} ({made.estimand})"


def _sentence(made: Recipe, found: Spread) -> str:
    sizes = [
        f"{count} in the {label} arm count as {effective:.1f}"
        for label, count, effective in zip(found.n._fields, found.n, found.effective_n, strict=True)
    ]
    return f"{described(made)}: {listed(sizes)}."


def weight_notes(rows: WeightRows, made: Recipe, fit: WeightFit) -> tuple[str, ...]:
    """Return what must be said beside the weights: few people, heavy people, no counterpart."""
    notes = []
    found = spread(fit.weights, rows.arm)
    for place, label in enumerate(found.n._fields):
        count, effective = found.n[place], found.effective_n[place]
        largest = found.largest_share[place]
        if effective < FEW * count:
            notes.append(
                f"The {count} people of the {label} arm count as {effective:.1f}: less than "
                f"{FEW:.0%}, so the result rests on few of them"
            )
        if largest > HEAVY and largest > 2 / count:
            notes.append(f"One person carries {largest:.0%} of the weight of the {label} arm")
    if fit.trimmed is not None and fit.trimmed.any():
        notes.append(
            f"{int(fit.trimmed.sum())} people were trimmed for their propensity: the effect is "
            "about those left"
        )
    return (*notes, *_without_counterpart(rows, made, fit))


def _without_counterpart(rows: WeightRows, made: Recipe, fit: WeightFit) -> tuple[str, ...]:
    """Return the notes on people whose propensity lies beyond everybody's in the other arm."""
    if fit.propensity is None or made.estimand == "ATO":
        return ()
    inside = fit.weights > 0
    sides = {label: fit.propensity[inside & (rows.arm == value)]
             for value, label in ((1, "treatment"), (0, "comparison"))}  # fmt: skip
    beyond = {
        "treatment": int(np.sum(sides["treatment"] > sides["comparison"].max())),
        "comparison": int(np.sum(sides["comparison"] < sides["treatment"].min())),
    }
    looked = {"ATT": ("treatment",), "ATC": ("comparison",)}.get(made.estimand, tuple(beyond))
    return tuple(
        f"For {beyond[label]} in the {label} arm nobody in the other arm has as "
        f"{'high' if label == 'treatment' else 'low'} a propensity: there the result rests on the "
        "model"
        for label in looked
        if beyond[label]
    )
