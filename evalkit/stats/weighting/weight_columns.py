"""The rows and the columns that weights are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import (
    as_names,
    check_arms,
    check_frame,
    check_roles,
    choice,
    invalid,
    is_numeric,
    left_out,
    numeric,
    optional_name,
    read_arm,
    weight_column,
)
from evalkit.stats.shared.design_matrix import (
    Column,
    covariate_columns,
    drop_aliased,
    drop_constant,
    standardised,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

METHODS = ("propensity", "entropy", "overlap")
ESTIMANDS = ("ATT", "ATE", "ATC", "ATO")
LINKS = ("logit", "probit")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How weights are made: the options of `weight`, checked."""

    treatment: str
    treated: Any
    covariates: tuple[str, ...]
    method: str
    estimand: str
    link: str
    moments: int
    interactions: bool
    trim: float | str | None
    stabilise: bool
    base_weights: str | None
    exact: tuple[str, ...]


def recipe(
    *,
    treatment: str,
    treated: Any,
    covariates: str | Sequence[str],
    method: str,
    estimand: str,
    link: str,
    moments: int,
    interactions: bool,
    trim: float | str | None,
    stabilise: bool,
    base_weights: str | None,
    exact: str | Sequence[str],
) -> Recipe:
    """Return the options, refusing those that are unknown or do not go together."""
    choice(method, METHODS, argument="method")
    choice(estimand, ESTIMANDS, argument="estimand")
    choice(link, LINKS, argument="link")
    if isinstance(moments, bool) or moments not in (1, 2, 3):
        raise invalid(f"moments={moments!r}.", allowed="1, 2 or 3")
    names, within = as_names(covariates), as_names(exact)
    if not names:
        raise invalid("covariates is empty.", allowed="the names of one column or more")
    if method == "overlap" and estimand == "ATT":
        estimand = "ATO"  # the only people overlap weights can be about
    _check_together(method, estimand, trim, stabilise)
    found = Recipe(treatment, treated, names, method, estimand, link, moments, interactions,
                   trim, stabilise, base_weights, within)  # fmt: skip
    check_roles(treatment=treatment, covariates=names, exact=within, base_weights=base_weights)
    return found


def _check_together(method: str, estimand: str, trim: Any, stabilise: bool) -> None:
    if method == "overlap" and estimand != "ATO":
        raise invalid(
            f"method='overlap' with estimand={estimand!r}.",
            allowed="ATO: overlap weights are about the people who could be in either arm",
            next_step="For another estimand use method='propensity' or 'entropy'.",
        )
    if method == "entropy" and estimand == "ATO":
        raise invalid("method='entropy' with estimand='ATO'.", allowed="ATT, ATE, ATC")
    if stabilise and (method != "propensity" or estimand != "ATE"):
        raise invalid(
            f"stabilise=True with method={method!r} and estimand={estimand!r}.",
            allowed="method='propensity' with estimand='ATE'",
        )
    number = isinstance(trim, int | float) and not isinstance(trim, bool) and 0 < trim < 0.5
    if trim is not None and not (number or trim == "common"):
        raise invalid(f"trim={trim!r}.", allowed="a number between 0 and 0.5, 'common', or None")
    if trim is not None and method == "entropy":
        raise invalid(
            "trim with method='entropy', which has no propensity.", allowed="propensity, overlap"
        )


@dataclass(frozen=True, slots=True, eq=False)
class WeightRows:
    """The rows weights are made for and the columns they balance.

    `keep` marks them among all rows, `why` has the reason of each row left out (None of the others);
    `matrix` (rows by `names`) has an intercept first, or with
    `exact` an intercept and columns for each stratum; columns are standardised.
    """

    data: pd.DataFrame
    keep: Bools
    why: NDArray[np.object_]
    arm: Floats
    base: Floats
    names: tuple[str, ...]
    matrix: Floats
    notes: tuple[str, ...]
    dropped: tuple[tuple[str, int], ...]


def weight_rows(
    data: Any,
    made: Recipe,
    *,
    outcome: str | None = None,
    also: Sequence[str] = (),
    cluster: str | None = None,
) -> WeightRows:
    """Return the complete rows, counting the others by the first thing they lack.

    `also` names more covariates that must be there; `outcome` must be a number. Raises InvalidInput
    for columns that are missing or of the wrong kind, CannotEstimate where an arm has fewer than
    two rows or no covariate varies.
    """
    single = [name for x in (outcome, cluster, made.base_weights) for name in optional_name(x)]
    named = [made.treatment, *made.covariates, *made.exact, *single, *also]
    data = check_frame(data, dict.fromkeys(named))
    arm = read_arm(data, made.treatment, made.treated)
    base = np.ones(len(data))
    reasons: list[tuple[str, Bools]] = []
    if outcome is not None:
        reasons.append(("no outcome", np.isnan(numeric(data, outcome))))
    reasons.append(("no arm", np.isnan(arm)))
    for name in dict.fromkeys([*made.covariates, *made.exact, *also]):
        if is_numeric(data[name]):
            numeric(data, name)
        reasons.append((f"no {name}", data[name].isna().to_numpy()))
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    if made.base_weights is not None:
        base = weight_column(data, made.base_weights)
        reasons += [("no base weight", np.isnan(base)), ("a base weight of zero", base == 0)]
    keep, dropped = left_out(reasons, len(data))
    if made.exact and keep.any():
        alone = _alone(data, made.exact, keep, arm)
        label = f"nobody of the other arm with the same {' and '.join(made.exact)}"
        reasons.append((label, alone))
        keep, dropped = left_out(reasons, len(data))
    check_arms(arm[keep], dropped)
    names, matrix, notes = _matrix(data, made, keep)
    why = np.full(len(data), None, dtype=object)
    for reason, missing in reversed(reasons):
        why[missing] = reason
    return WeightRows(data, keep, why, arm[keep], base[keep], names, matrix, notes, dropped)


def _strata(data: pd.DataFrame, exact: tuple[str, ...], keep: Bools) -> Codes:
    return np.asarray(data.loc[keep, list(exact)].groupby(list(exact), observed=True).ngroup())


def _alone(data: pd.DataFrame, exact: tuple[str, ...], keep: Bools, arm: Floats) -> Bools:
    """Return the rows whose stratum has one arm only."""
    codes = _strata(data, exact, keep)
    share = np.bincount(codes, weights=arm[keep]) / np.bincount(codes)
    alone = np.zeros(len(data), dtype=bool)
    alone[keep] = np.isin(share[codes], (0.0, 1.0))
    return alone


def _matrix(
    data: pd.DataFrame, made: Recipe, keep: Bools
) -> tuple[tuple[str, ...], Floats, tuple[str, ...]]:
    groups = [covariate_columns(data, name, keep) for name in made.covariates]
    columns = _expanded(groups, made.moments, made.interactions)
    columns, constant = drop_constant(columns)
    if not columns:
        raise CannotEstimate(
            "No covariate varies among the rows analysed, so there is nothing to weight by. "
            "Name covariates with more than one value."
        )
    if made.exact:
        return _within(columns, _strata(data, made.exact, keep), constant)
    kept, aliased = drop_aliased(columns)
    matrix = np.column_stack([np.ones(int(keep.sum())), *(standardised(x) for _, x in kept)])
    names = ("(intercept)", *(name for name, _ in kept))
    return names, matrix, tuple(dict.fromkeys([*constant, *aliased]))


def _within(
    columns: Sequence[Column], strata: Codes, notes: Sequence[str]
) -> tuple[tuple[str, ...], Floats, tuple[str, ...]]:
    """Return an intercept and the columns for every stratum, zero outside it."""
    names: list[str] = []
    blocks: list[Floats] = []
    for stratum in range(int(strata.max()) + 1):
        inside = strata == stratum
        own, _ = drop_constant([(name, x[inside]) for name, x in columns])
        kept, _ = drop_aliased(own)
        block = np.zeros((len(strata), len(kept) + 1))
        block[inside] = np.column_stack(
            [np.ones(int(inside.sum())), *(standardised(x) for _, x in kept)]
        )
        names += [f"{name} in stratum {stratum + 1}" for name in ("(intercept)", *dict(kept))]
        blocks.append(block)
    return tuple(names), np.column_stack(blocks), tuple(notes)


def _expanded(groups: Sequence[Sequence[Column]], moments: int, interactions: bool) -> list[Column]:
    """Return the columns, the powers of those with more than two values, and the products."""
    columns = [column for group in groups for column in group]
    powers = [
        (f"{name}^{power}", standardised(x) ** power)
        for power in range(2, moments + 1)
        for name, x in columns
        if len(np.unique(x[:1000])) > 2 or len(np.unique(x)) > 2
    ]
    products = [
        (f"{one}:{other}", standardised(x) * standardised(y))
        for first, second in combinations(groups, 2)
        for one, x in first
        for other, y in second
        if interactions
    ]
    return [*columns, *powers, *products]
