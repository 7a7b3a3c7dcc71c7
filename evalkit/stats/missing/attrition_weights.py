"""Weights that let those seen again stand for everybody assigned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record, to_frame
from evalkit.stats.missing.bound_rows import ARMS
from evalkit.stats.missing.bounds_interval import percent
from evalkit.stats.missing.inverse_weights import Weighted, effective, weigh
from evalkit.stats.missing.response_model import crossed_names
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    invalid,
    numeric,
    optional_name,
)
from evalkit.stats.shared.model_rows import listed

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

UNLIKELY = 0.05  # chances of being seen below this are said


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmWeights(Record):
    """What weighting does to one arm: `n` people seen of `n_assigned`, worth `effective_n` of them.

    `effective_n` is (sum w)^2 / sum w^2 and `effective_clusters` the same of clusters' sums (None
    without clusters); `least_chance` is the least estimated chance of being seen, of anybody.
    """

    arm: str
    n_assigned: int
    n: int
    effective_n: float
    effective_clusters: float | None
    mean_weight: float
    least_weight: float
    largest_weight: float
    least_chance: float
    n_trimmed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttritionWeights:
    """Weights by the inverse of the chance of being seen.

    `weights` has one value for each row of the data: 0 for those lost, NaN for rows the model could
    not use (counted in `dropped_why`). `chances` are the estimated chances of being seen, NaN for
    the same rows. `effective_n` is of all those seen, `arms` has treatment, then comparison.
    """

    observed: str
    term: str
    weights: Floats
    chances: Floats
    effective_n: float
    n_trimmed: int
    n_treatment: int
    n_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    arms: tuple[ArmWeights, ArmWeights]
    coefficients: tuple[tuple[str, float], ...]
    method: str
    notes: tuple[str, ...]
    sentence: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row an arm."""
        return to_frame(self.arms)


def attrition_weights(
    data: Any,
    *,
    observed: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
    interactions: bool | str | Sequence[str] = True,
    stabilise: bool = True,
    trim: tuple[float, float] | None = (0.01, 0.99),
    weights: str | None = None,
    cluster: str | None = None,
) -> AttritionWeights:
    """Return weights that make those seen like everybody assigned, in what is known before.

    They remove the bias of loss where, within an arm, those lost and seen who are alike in the
    covariates are alike in the outcome. Use them as a column of `mean_difference(weights=)`.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person assigned; never
        changed
    observed : name of a 0/1 or true/false column: whether the outcome was seen
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names of baseline columns; text, categories and true/false become dummies
    interactions : True lets every covariate act differently in each arm (a model for each arm),
        False none, or the names of those that do
    stabilise : times the share seen of the arm, so that weights average about 1
    trim : quantiles (type 7) of the weights of those seen, at which weights beyond them are set;
        None trims nothing
    weights : name of a column of weights to combine with: the result is the product; the model of
        loss and the trimming do not use them
    cluster : name of the column of clusters, for their number and effective number

    Returns
    -------
    AttritionWeights
        Weights 0 for those lost, NaN for rows without arm, covariates, weight or cluster.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, `observed` other than 0 and 1, or an
        unknown option.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters), nobody of an arm was
        seen, covariates separate seen from lost, or an arm's weights are worth fewer than 2 people.
    NotConverged
        When the logistic model does not settle.

    References
    ----------
    Robins, Rotnitzky and Zhao (1995), Journal of the American Statistical Association 90:106-121;
    Cole and Hernan (2008), American Journal of Epidemiology 168:656-664 (stabilising, trimming).
    """
    names = as_names(covariates)
    check_roles(observed=observed, treatment=treatment, covariates=names, weights=weights)
    frame = check_frame(
        data, [observed, treatment, *names, *optional_name(weights), *optional_name(cluster)]
    )
    seen = _seen(frame, observed)
    found = weigh(
        frame, seen, treatment=treatment, treated=treated, covariates=names,
        crossed=crossed_names(interactions, names), stabilise=stabilise, trim=_quantiles(trim),
        weights=weights, cluster=cluster, reasons=[(f"no {observed}", np.isnan(seen))],
    )  # fmt: skip
    arms = _arms(found)
    method = _method(observed, names, crossed_names(interactions, names), stabilise, trim, weights)
    return AttritionWeights(
        observed=observed,
        term=treatment,
        weights=_aligned(found.weights, found.rows.keep),
        chances=_aligned(found.fit.chance, found.rows.keep),
        effective_n=effective(found.weights),
        n_trimmed=int(found.trimmed.sum()),
        **(found.rows.counts() | {"n_treatment": arms[0].n, "n_comparison": arms[1].n}),
        arms=arms,
        coefficients=tuple(zip(found.fit.names, found.fit.coefficients.tolist(), strict=True)),
        method=method,
        notes=(*found.fit.notes, *_unlikely(found)),
        sentence=_sentence(arms, int(found.trimmed.sum())),
    )


def _seen(frame: pd.DataFrame, name: str) -> Floats:
    values = numeric(frame, name)
    if np.any(~np.isnan(values) & (values != 0) & (values != 1)):
        raise invalid(
            "holds values other than 0 and 1.",
            column=name,
            allowed="0 and 1, or true and false: whether the outcome was seen",
            next_step="For a column of outcomes, make one that says where it is not missing.",
        )
    return values


def _quantiles(trim: Any) -> tuple[float, float] | None:
    if trim is None:
        return None
    try:
        low, high = (float(value) for value in trim)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not 0 <= low < high <= 1:
        raise invalid(f"trim={trim!r}.", allowed="two quantiles such as (0.01, 0.99), or None")
    return low, high


def _aligned(values: Floats, keep: Bools) -> Floats:
    found = np.full(len(keep), np.nan)
    found[keep] = values
    return found


def _arms(found: Weighted) -> tuple[ArmWeights, ArmWeights]:
    both = []
    for value, label in ARMS:
        inside = found.rows.arm == value
        weight = found.weights[inside]
        seen = weight[found.seen[inside] == 1]
        both.append(
            ArmWeights(
                arm=label,
                n_assigned=int(inside.sum()),
                n=len(seen),
                effective_n=effective(seen),
                effective_clusters=_effective_clusters(found, inside),
                mean_weight=float(seen.mean()),
                least_weight=float(seen.min()),
                largest_weight=float(seen.max()),
                least_chance=float(found.fit.chance[inside].min()),
                n_trimmed=int(found.trimmed[inside].sum()),
            )
        )
    return both[0], both[1]


def _effective_clusters(found: Weighted, inside: Bools) -> float | None:
    if not found.rows.shared:
        return None
    import pandas as pd

    codes, _ = pd.factorize(pd.Series(found.rows.cluster[inside]))
    return effective(np.bincount(codes, weights=found.weights[inside]).astype(np.float64))


def _unlikely(found: Weighted) -> tuple[str, ...]:
    few = found.fit.chance < UNLIKELY
    if not few.any():
        return ()
    return (
        f"For {int(few.sum())} people the estimated chance of being seen is below "
        f"{UNLIKELY:.0%} (the least {found.fit.chance.min():.1%}): few or none like them were seen, "
        "and the weights rest on the model there",
    )


def _method(
    observed: str,
    covariates: tuple[str, ...],
    crossed: tuple[str, ...],
    stabilise: bool,
    trim: Any,
    weights: str | None,
) -> str:
    text = f"Inverse of the chance of {observed}, by logistic regression on arm and "
    text += listed(covariates)
    if crossed:
        which = "every covariate" if len(crossed) == len(covariates) else listed(crossed)
        text += f", {which} interacted with the arm"
    text += "; stabilised by the share seen of the arm" if stabilise else ""
    text += f"; trimmed at quantiles {trim[0]:g} and {trim[1]:g}" if trim is not None else ""
    return text + (f"; times {weights}." if weights else ".")


def _sentence(arms: tuple[ArmWeights, ArmWeights], trimmed: int) -> str:
    parts = [
        f"{arm.n} of {arm.n_assigned} people ({percent(arm.n / arm.n_assigned)}) were seen in the "
        f"{arm.arm} arm and, weighted, are worth {arm.effective_n:.1f}"
        for arm in arms
    ]
    largest = max(arm.largest_weight for arm in arms)
    cut = (
        f", {trimmed} {'weight was' if trimmed == 1 else 'weights were'} trimmed" if trimmed else ""
    )
    return f"{'; '.join(parts)}; the largest weight is {largest:.2f}{cut}."
