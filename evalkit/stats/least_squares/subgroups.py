"""Whether an effect differs between groups of people, from one model for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.least_squares.linear import LinearFit, fit
from evalkit.stats.least_squares.subgroup_members import Asked, arms_of, groups_of, unseen_groups
from evalkit.stats.least_squares.subgroup_results import (
    SubgroupEffects,
    estimate_of,
    interaction_of,
    result_of,
    scaling_of,
)
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import Column, Design, is_categorical
from evalkit.stats.shared.model_rows import listed
from evalkit.stats.shared.regression_rows import ordered_design, regression_rows
from evalkit.stats.sizes.effect_sizes import accurate_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


def subgroup_effects(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    by: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    strata: str | None = None,
    unit: str = "one",
    small: str = "refuse",
    minimum: int = 5,
    level: float = 0.95,
) -> SubgroupEffects:
    """Return the effect in each subgroup and the test of whether the effects differ.

    One model holds everybody: the subgroups, the treatment within each, and covariates and strata
    with the same coefficients everywhere. HC2 standard errors, clustered CR2, Satterthwaite df.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome, treatment, treated, covariates, cluster, strata, level : as in `mean_difference`
    by : name of the column that says who is in which subgroup: text, categories, true/false or
        two numbers; a numeric column with more values is a moderator with a straight line. Turn
        numbers that are codes into text first
    unit : "one" or "sd": a numeric moderator's change of the effect is per one, or per standard
        deviation of it in the rows analysed
    small : "refuse" subgroups with fewer than `minimum` people (or, clustered, two clusters) in an
        arm, or "merge" them all into one
    minimum : the fewest people of a subgroup in each arm, 2 or more

    Returns
    -------
    SubgroupEffects
        `effects` and `interaction` in outcome units. Every effect size is on the same standard
        deviation, that of `mean_difference` for all rows. People used in the subgroups and left
        out add up to the rows that came in.

    Raises
    ------
    InvalidInput
        For a column that is missing, of the wrong kind or in two parts, or an unknown option.
    CannotEstimate
        When there are fewer than two subgroups, one is too small, the treatment follows from the
        other columns, or too few clusters carry the comparison.

    References
    ----------
    Pustejovsky and Tipton (2018), JBES 36:672-683; Wang and others (2007), New England Journal of
    Medicine 357:2189-2194 (report the interaction, not one subgroup's p-value).
    """
    check_level(level)
    choice(unit, ("one", "sd"), argument="unit")
    choice(small, ("refuse", "merge"), argument="small")
    if not isinstance(minimum, int) or minimum < 2:
        raise invalid(f"minimum={minimum!r}.", allowed="a whole number from 2")
    names = as_names(covariates)
    check_roles(outcome=outcome, treatment=treatment, by=by, covariates=names)
    check_roles(outcome=outcome, treatment=treatment, by=by, strata=strata)
    frame = check_frame(
        data, [outcome, treatment, by, *names, *optional_name(cluster), *optional_name(strata)]
    )
    arm = read_arm(frame, treatment, treated)
    rows = regression_rows(
        frame, outcome, (*names, *optional_name(strata), by), cluster=cluster,
        also=[("no arm", np.isnan(arm))],
    )  # fmt: skip
    asked = Asked(outcome, treatment, by, names, strata, level, frame, rows, arm)
    values = asked.moderator
    if is_categorical(values) or values.nunique() <= 2:
        return _by_group(asked, small, minimum)
    return _by_number(asked, unit)


def _by_group(asked: Asked, small: str, minimum: int) -> SubgroupEffects:
    """Return effects by group: the groups' own levels and own effects, no overall one."""
    members, merged = groups_of(asked, small, minimum)
    labels = [name for name, _ in members]
    inside = [all_rows[asked.rows.keep].astype(float) for _, all_rows in members]
    effects = [(name, x * asked.arm) for name, x in zip(labels, inside, strict=True)]
    own = [(f"{name} (level)", x) for name, x in zip(labels[1:], inside[1:], strict=True)]
    design = _design(asked, [*own, *asked.others()], effects)
    places = [design.names.index(name) for name in labels]
    contrasts = np.zeros((len(labels) - 1, len(design.names)))
    contrasts[:, places[0]] = -1.0
    contrasts[np.arange(len(labels) - 1), places[1:]] = 1.0
    model = _fit(asked, design, labels, contrasts)
    scaling = scaling_of(asked)
    estimates = [
        estimate_of(asked, model, place, name, all_rows, scaling)
        for place, (name, all_rows) in zip(places, members, strict=True)
    ]
    notes = [*design.notes, *unseen_groups(asked)]
    if merged:
        notes.append(f"Too small to stand alone, and put together: {listed(merged)}")
    return result_of(
        asked,
        estimates,
        interaction_of(asked, model, contrasts, labels, scaling),
        scaling,
        notes,
        groups=tuple(labels),
        merged=tuple(merged),
    )


def _by_number(asked: Asked, unit: str) -> SubgroupEffects:
    """Return the effect at three values of a number, and its change with it."""
    values = asked.moderator.to_numpy(dtype=np.float64)
    mean, sd = accurate_mean(values), float(np.std(values - values[0], ddof=1))
    for inside in arms_of(asked, np.ones(len(asked.frame), dtype=bool)):
        if inside.sum() < 2 or np.ptp(values[inside]) == 0:
            raise CannotEstimate(f"'{asked.by}' does not vary within an arm, so no change is seen.")
    per = 1.0 if unit == "one" else sd
    scaling, estimates = scaling_of(asked), []
    everyone = np.ones(len(asked.frame), dtype=bool)
    for point in (mean - sd, mean, mean + sd):
        label, slope = f"{asked.by}={point:.6g}", f"{asked.treatment}:{asked.by}"
        moved = (values - point) / per
        asked_columns = [(label, asked.arm), (slope, asked.arm * moved)]
        design = _design(asked, [(asked.by, moved), *asked.others()], asked_columns)
        contrast = np.eye(len(design.names))[[design.names.index(slope)]]
        model = _fit(asked, design, (label, slope), None)
        place = design.names.index(label)
        estimates.append(estimate_of(asked, model, place, label, everyone, scaling, of_all=True))
    what = f"per {'one' if unit == 'one' else f'standard deviation ({sd:.6g})'} of {asked.by}"
    return result_of(
        asked,
        estimates,
        interaction_of(asked, model, contrast, [slope], scaling, what),
        scaling,
        list(design.notes),
    )


def _design(asked: Asked, others: Sequence[Column], effects: Sequence[Column]) -> Design:
    design = ordered_design(others, effects)
    lost = [name for name, _ in effects if name not in design.names]
    if lost:
        raise CannotEstimate(
            f"The effect for {listed(lost)} cannot be told apart from the covariates or strata. "
            "Leave out the column that says who was in which arm."
        )
    return design


def _fit(asked: Asked, design: Design, wanted: Sequence[str], joint: Floats | None) -> LinearFit:
    rows = asked.rows
    return fit(
        design.matrix, rows.outcome, design.names, cluster=rows.groups,
        se="CR2" if rows.shared else "HC2", terms=wanted, joint=joint,
    )  # fmt: skip
