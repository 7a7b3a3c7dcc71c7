"""Matched comparison groups: each unit of one arm beside the most alike of the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.stats.matching.match_methods import match_units
from evalkit.stats.matching.match_options import (
    STRATA,
    check_caliper,
    check_cutpoints,
    check_words,
    read_choices,
    score_column,
)
from evalkit.stats.matching.match_results import result
from evalkit.stats.matching.match_units import read_units
from evalkit.stats.matching.matched import Matched
from evalkit.stats.matching.scores import scores
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    invalid,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import is_categorical

if TYPE_CHECKING:
    import pandas as pd


def match(
    data: Any,
    *,
    treatment: str,
    covariates: str | Sequence[str],
    unit: str | None = None,
    method: str = "nearest",
    distance: str = "propensity",
    ratio: int = 1,
    caliper: float | None = None,
    caliper_scale: str = "logit-pooled",
    exact: str | Sequence[str] = (),
    replace: bool = False,
    order: str | None = None,
    estimand: str = "ATT",
    link: str = "logit",
    cutpoints: Mapping[str, Any] | None = None,
    subclasses: int = 6,
    seed: int | None = None,
    treated: Any = None,
) -> Matched:
    """Match units of the treatment arm with comparison units alike in the covariates.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    covariates : names of what was known before the programme; a row that lacks one is left out
    unit : name of the column of the unit of assignment (a family): each is matched once, on the
        means of its rows (for categories the share at each level), and its rows share its weight
    method : "nearest" (each in turn takes the closest left), "optimal" (pairs with the smallest
        total distance), "full" (sets of one unit and any number of the other arm, everybody in a
        set, smallest total distance), "exact" (on all covariates), "coarsened-exact" (on
        intervals of numbers and all other values) or "subclass" (quantiles of the score)
    distance : "propensity" (the fitted chance of treatment), "logit" (its log odds),
        "mahalanobis" (covariance pooled within arms), or the name of a column with a score
    ratio : partners of each unit, of "nearest" and "optimal"; "nearest" goes round once for each
    caliper : the farthest that partners may be, of "nearest", "optimal" and "full", in units of
        `caliper_scale`; with "mahalanobis" it is on the fitted propensity
    caliper_scale : "logit-pooled" (SDs of the log odds, the root of the mean of both arms'
        variances), "score" (SDs of the score over all units) or "raw" (the score's own units)
    exact : names of columns in which matched units must be equal
    replace : whether a unit may be a partner more than once, of "nearest"
    order : who chooses first, of "nearest": "largest" or "smallest" score, "random" (with
        `seed`), or "data"; None is "largest" where there is a score and "data" otherwise
    estimand : "ATT" (of the treated), "ATC" (of the comparison, who then do the choosing) or, not
        for pairs, "ATE" (of all)
    link : "logit" or "probit", of the model of the arm
    cutpoints : for "coarsened-exact", by covariate: cut points (intervals closed on the left), a
        number of intervals of equal width, or "exact"; otherwise Sturges's number of intervals
    subclasses : their number, of "subclass"
    seed : a whole number, of `order="random"`

    Returns
    -------
    Matched

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, and options that do not go together.
    CannotEstimate
        Where the covariates predict the arm perfectly, a unit is in both arms, an arm has fewer
        than two units, or nobody can be matched (by the caliper, or in the strata).
    NotConverged
        Where the model of the arm does not settle.

    Notes
    -----
    Ties go by the order of the rows: equal scores choose in that order, and of partners equally
    far (to 1e-11 SDs of the score, or a Mahalanobis distance of 1e-9) the first is taken. Optimal
    solutions are proved: no other has a smaller total, though others may have the same.

    References
    ----------
    Stuart (2010), Statistical Science 25:1-21; Ho, Imai, King and Stuart (2007), Political
    Analysis 15:199-236; those of each method stand in its module.
    """
    names, same = as_names(covariates), as_names(exact)
    check_words(method, distance, data, caliper_scale, estimand, link, order)
    column = score_column(method, distance)
    asked = read_choices(method, distance, ratio, replace, order, estimand, seed, subclasses, cutpoints,
                     caliper)  # fmt: skip
    check_caliper(caliper, method)
    if not names:
        raise invalid("covariates names no column.", allowed="at least one covariate")
    check_roles(treatment=treatment, covariates=names, unit=unit)
    check_roles(treatment=treatment, exact=same, unit=unit, distance=column)
    frame = check_frame(
        data, [treatment, *names, *same, *optional_name(unit), *optional_name(column)]
    )
    check_cutpoints(cutpoints, names, method)
    arm = read_arm(frame, treatment, treated)
    within = _exact_columns(frame, names, same, method)
    units = read_units(frame, arm, names, unit=unit, exact=within, score=column)
    found = None
    if method not in STRATA:
        ordered = distance == "mahalanobis" and asked.order in ("largest", "smallest")
        found = scores(
            units,
            distance=distance,
            link=link,
            with_score=caliper is not None or ordered,
            caliper=caliper,
            caliper_scale=caliper_scale,
        )
    matches, notes = match_units(units, found, asked)
    on = "exact values" if method == "exact" else "coarsened values" if found is None else distance
    return result(matches, found, asked, notes, treatment, names, unit, on)


def _exact_columns(
    frame: pd.DataFrame, names: Sequence[str], same: Sequence[str], method: str
) -> tuple[str, ...]:
    """Return the columns matched exactly: those asked for, and categories in exact methods."""
    if method not in STRATA:
        return tuple(same)
    kinds = [n for n in names if is_categorical(frame[n]) and frame[n].dtype != bool]
    return tuple(dict.fromkeys([*same, *kinds]))
