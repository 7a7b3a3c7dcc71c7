"""Differences between arms, by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.linear import LinearFit, fit, resolve_se
from evalkit.stats.shared.columns import (
    as_names,
    check_arms,
    check_frame,
    check_level,
    check_roles,
    is_numeric,
    left_out,
    numeric,
    optional_name,
    read_arm,
    weight_column,
)
from evalkit.stats.shared.design_matrix import Column, Design, covariate_columns, treatment_design
from evalkit.stats.shared.intervals import caveats, coefficient_interval, scaled_by
from evalkit.stats.sizes.effect_sizes import Scaling, accurate_mean, difference_scaling

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """The rows analysed, as arrays, and what was left out of them."""

    keep: Bools
    outcome: Floats
    arm: Floats
    weights: Floats | None
    cluster: Any
    shared: bool  # a cluster has more than one row
    dropped: tuple[tuple[str, int], ...]


def mean_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    strata: str | None = None,
    weights: str | None = None,
    interact: bool = False,
    se: str = "auto",
    df: str = "satterthwaite",
    level: float = 0.95,
) -> Estimate:
    """Return the difference in mean outcome between two arms, adjusted for covariates.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person (or another unit); never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    strata : name of the column of strata or blocks: fixed effects
    weights : name of a column of weights, zero or more; rows of weight zero are left out. They are
        not taken for inverse variances: HC2 and CR2 are then those of clubSandwich, each row its
        own cluster for HC2, which differs a little from the weighted HC2 of sandwich and estimatr
    interact : centre the covariates on the analysed sample and interact them with the treatment
        (Lin 2013); strata are not interacted
    se : "auto" is "HC2", or "CR2" with clusters; also "HC0", "HC1", "HC3", "classical"; with
        clusters "CR0", "CR1", "CR1S", "CR3"
    df : "satterthwaite" (Bell and McCaffrey), or "residual": rows - parameters, and
        clusters - 1 where clustered
    level : confidence level

    Returns
    -------
    Estimate
        `estimate` is in outcome units. `effect_size` is J / S times it and its interval the
        estimate's interval times the same, S the unconditional pooled SD of the analysed sample
        (with clusters the total-SD form of Hedges 2007). `mean_treatment`, `mean_comparison` are
        the arms' plain means, without covariates or weights. Rows used and `n_dropped` add up to
        the rows that came in.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, infinite values, or an unknown option.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters), the outcome does not
        vary, there are no more rows than parameters, or the treatment follows from the covariates.

    References
    ----------
    Bell and McCaffrey (2002), Survey Methodology 28:169-181; Pustejovsky and Tipton (2018), JBES
    36:672-683; Lin (2013), Annals of Applied Statistics 7:295-318.
    """
    check_level(level)
    names = as_names(covariates)
    check_roles(
        outcome=outcome, treatment=treatment, covariates=names, strata=strata, weights=weights
    )
    grouping = (*optional_name(cluster), *optional_name(strata), *optional_name(weights))
    data = check_frame(data, [outcome, treatment, *names, *grouping])
    kind = resolve_se(se, clustered=cluster is not None)
    sample = _sample(data, outcome, treatment, treated, names, cluster, strata, weights)
    unclustered = kind in _UNSHARED and not sample.shared
    _check_sample(sample, outcome)
    design = _design(data, sample, treatment, names, strata, interact)
    model = fit(
        design.matrix,
        sample.outcome,
        design.names,
        cluster=None if unclustered else sample.cluster,
        weights=sample.weights,
        se=_UNSHARED[kind] if unclustered else kind,
        df=df,
        terms=(treatment,),
    )
    scaling = difference_scaling(
        sample.outcome, sample.arm, sample.cluster if sample.shared else None
    )
    words = _Words(outcome, treatment, names, strata, weights, interact, df)
    return _difference(sample, model, scaling, design.notes, words, level)


@dataclass(frozen=True, slots=True)
class _Words:
    """What the call named, for the sentence that describes the method."""

    outcome: str
    treatment: str
    covariates: tuple[str, ...]
    strata: str | None
    weights: str | None
    interact: bool
    df: str

    def sentence(self, model: LinearFit, shared: bool) -> str:
        adjusted = list(self.covariates) + ([f"{self.strata} (strata)"] if self.strata else [])
        text = f"{'Weighted' if self.weights else 'Ordinary'} least squares of {self.outcome} on "
        text += self.treatment + (f", adjusted for {_and(adjusted)}" if adjusted else "")
        text += ", covariates centred and interacted with treatment" if self.interact else ""
        where = f" for {model.n_clusters} clusters" if shared else ""
        return f"{text}; {model.se} standard error{where}, {self._df(model.se, shared)}."

    def _df(self, kind: str, shared: bool) -> str:
        if kind == "classical" or (self.df == "residual" and not shared):
            return "residual degrees of freedom"
        if self.df == "residual":
            return "degrees of freedom one less than the clusters"
        return "Satterthwaite (Bell-McCaffrey) degrees of freedom"


_UNSHARED = {"CR0": "HC0", "CR1S": "HC1", "CR2": "HC2", "CR3": "HC3"}


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def _sample(
    data: pd.DataFrame,
    outcome: str,
    treatment: str,
    treated: Any,
    covariates: tuple[str, ...],
    cluster: str | None,
    strata: str | None,
    weights: str | None,
) -> _Sample:
    values, arm = numeric(data, outcome), read_arm(data, treatment, treated)
    weight = None if weights is None else weight_column(data, weights)
    reasons = [("no outcome", np.isnan(values)), ("no arm", np.isnan(arm))]
    for name in covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if strata is not None:
        reasons.append((f"no {strata}", data[strata].isna().to_numpy()))
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    if weight is not None:
        reasons += [("no weight", np.isnan(weight)), ("a weight of zero", weight == 0)]
    keep, dropped = left_out(reasons, len(data))
    codes = None if cluster is None else _codes(data.loc[keep, cluster])
    return _Sample(
        keep=keep,
        outcome=values[keep],
        arm=arm[keep],
        weights=None if weight is None else weight[keep],
        cluster=codes,
        shared=codes is not None and len(codes) > codes.max(initial=-1) + 1,
        dropped=dropped,
    )


def _codes(labels: pd.Series[Any]) -> NDArray[np.intp]:
    """Return numbers for the labels, in order of appearance: what a label says does not matter."""
    import pandas as pd

    return np.asarray(pd.factorize(labels)[0], dtype=np.intp)


def _check_sample(sample: _Sample, outcome: str) -> None:
    check_arms(sample.arm, sample.dropped)
    if np.ptp(sample.outcome) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    if not sample.shared:
        return
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        if np.ptp(sample.cluster[sample.arm == value]) == 0:
            raise CannotEstimate(
                f"The {label} arm has one cluster: the effect cannot be told apart from that "
                "cluster's own difference."
            )


def _design(
    data: pd.DataFrame,
    sample: _Sample,
    treatment: str,
    covariates: tuple[str, ...],
    strata: str | None,
    interact: bool,
) -> Design:
    columns: list[Column] = []
    for name in covariates:
        columns += covariate_columns(data, name, sample.keep)
    blocks = [] if strata is None else covariate_columns(data, strata, sample.keep, as_factor=True)
    arm = (treatment, sample.arm)
    if not interact:
        return treatment_design(arm, [*columns, *blocks])
    centred = [(name, x - np.average(x, weights=sample.weights)) for name, x in columns]
    return treatment_design(arm, blocks, centre=centred)


def _difference(
    sample: _Sample,
    model: LinearFit,
    scaling: Scaling,
    notes: tuple[str, ...],
    words: _Words,
    level: float,
) -> Estimate:
    shared = sample.shared
    numbers = coefficient_interval(model, model.place(words.treatment), scaling.factor, level)
    treated, compared = sample.outcome[sample.arm == 1], sample.outcome[sample.arm == 0]
    return Estimate(
        outcome=words.outcome,
        term=words.treatment,
        level=level,
        n_treatment=len(treated),
        n_comparison=len(compared),
        n_clusters=model.n_clusters if shared else None,
        n_dropped=sum(count for _, count in sample.dropped),
        method=words.sentence(model, shared) + scaled_by(scaling),
        dropped_why=sample.dropped,
        mean_treatment=accurate_mean(treated),
        mean_comparison=accurate_mean(compared),
        sd_pooled=scaling.sd,
        notes=(*notes, *caveats(numbers["df"], scaling)),
        **numbers,
    )
