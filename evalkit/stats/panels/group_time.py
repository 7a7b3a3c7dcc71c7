"""Effects by group and period of a staggered roll-out (Callaway and Sant'Anna 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evalkit.stats.panels.adoption import NEVER
from evalkit.stats.panels.cells import METHODS
from evalkit.stats.panels.cross_sections import METHODS as SECTION_METHODS
from evalkit.stats.panels.group_time_cells import estimated, pairs
from evalkit.stats.panels.group_time_results import GroupTimeEffects, group_time_results
from evalkit.stats.panels.roll_out import roll_out
from evalkit.stats.panels.roll_out_records import HOLES, Columns
from evalkit.stats.panels.summaries import Cells
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    optional_name,
)


def group_time_effects(
    data: Any,
    *,
    outcome: str,
    unit: str | None,
    period: str,
    first_treated: str | None = None,
    treatment: str | None = None,
    covariates: str | Sequence[str] = (),
    comparison: str = "never",
    method: str = "doubly-robust",
    base: str = "varying",
    anticipation: float = 0,
    panel: bool = True,
    holes: str = "balanced",
    cluster: str | None = None,
    weights: str | None = None,
    bootstrap: int = 1000,
    multipliers: str = "mammen",
    seed: int | None = None,
    level: float = 0.95,
) -> GroupTimeEffects:
    """Return the effect on each group (units first treated together) in each period.

    Parameters
    ----------
    data : any frame narwhals knows, one row a unit and period (or a person of a repeated
        cross-section); never changed
    outcome : name of a numeric column
    unit : name of the column of units; may be None with panel=False
    period : name of a numeric column
    first_treated : name of the column with the period in which a unit's treatment starts, the
        same in all its rows; 0, empty or later than the last period mean never treated
    treatment : instead of `first_treated`, a 0/1 column of being treated in this period, which
        must not go back to 0
    covariates : names; trends may differ by them. Of a panel the values of the earlier of the two
        periods compared are used
    comparison : "never" compares with units never treated, "not-yet" also with those that start
        after the period (and its anticipation)
    method : "doubly-robust" (Sant'Anna and Zhao 2020), "regression", "weighting", or "improved"
        (their locally efficient form, for panels); the same without covariates
    base : "varying" compares periods before the start with the period before them, "universal"
        with the last period before the start, as it does every later one
    anticipation : how long before the start, in units of `period`, effects may already show
    panel : False for repeated cross-sections, in which each row is another person (where some come
        again, name `cluster`)
    holes : what is done with units not seen in every period: "balanced" leaves them out and
        counts their rows, "pairs" uses them wherever both periods compared are seen,
        "cross-sections" uses every row by the formulas for repeated cross-sections
    cluster : name of the column of clusters, which hold whole units; units by default
    weights : name of a column of weights, one value a unit
    bootstrap : draws of the multiplier bootstrap for simultaneous bands
    multipliers : "mammen" or "rademacher"
    seed : a whole number; without one nothing is drawn and bands use Sidak's critical value,
        which is at least as wide as needed
    level : confidence level, of intervals and of bands

    Returns
    -------
    GroupTimeEffects
        `.effects` and `.to_frame()` have a row for each group and period, in outcome units.
        `.overall(kind)`, `.event_study()` and `.pretrend` sum them up. Rows used and `n_dropped`
        add up to the rows that came in.

    Raises
    ------
    InvalidInput
        For columns of the wrong kind, several rows for a unit and period, a unit whose start
        changes or whose treatment ends, or an unknown option.
    CannotEstimate
        When nobody's treatment starts, all units are treated from the beginning, there is no
        never-treated group for comparison="never", or a group or its comparison has fewer than two
        units (clustered, two clusters), or their covariates do not overlap.

    Notes
    -----
    Standard errors come from the influence of each unit (summed by cluster), divisor n. Intervals
    are normal; with fewer than 40 clusters (or units) by t with Satterthwaite degrees of freedom,
    as errors are then too small. Callaway and Sant'Anna (2021), Journal of Econometrics 225:200-230.
    """
    check_level(level)
    named = _named(
        outcome, unit, period, first_treated, treatment, covariates, comparison, anticipation,
        panel, holes, cluster, weights,
    )  # fmt: skip
    sections = not panel or holes == "cross-sections"
    choice(base, ("varying", "universal"), argument="base")
    choice(method, SECTION_METHODS if sections else METHODS, argument="method")
    used = (outcome, unit, period, first_treated, treatment, *named.covariates, cluster, weights)
    frame = check_frame(data, dict.fromkeys(name for name in used if name is not None))
    rows = roll_out(frame, named)
    chosen = list(pairs(rows, base, anticipation))
    estimates, influence = estimated(rows, chosen, named, method, sections)
    cells = Cells(
        group=np.array([pair.group for pair in chosen]),
        period=rows.times[[pair.now for pair in chosen]],
        base=rows.times[[pair.base for pair in chosen]],
        estimate=estimates,
        influence=influence,
    )
    return group_time_results(
        cells, rows, named, base=base, method=method, sections=sections,
        draws=bootstrap, multipliers=multipliers, seed=seed, level=level,
    )  # fmt: skip


def _named(
    outcome: str,
    unit: str | None,
    period: str,
    first_treated: str | None,
    treatment: str | None,
    covariates: str | Sequence[str],
    comparison: str,
    anticipation: float,
    panel: bool,
    holes: str,
    cluster: str | None,
    weights: str | None,
) -> Columns:
    if (first_treated is None) == (treatment is None):
        raise invalid(
            "first_treated= and treatment= are both given, or neither is.",
            allowed="first_treated= (the period a unit starts in) or treatment= (0/1 by period)",
        )
    if panel and unit is None:
        raise invalid("unit=None.", allowed="a column of units, or None with panel=False")
    if not panel and treatment is not None:
        raise invalid(
            "treatment= needs units followed over time.", allowed="first_treated= with panel=False"
        )
    choice(comparison, ("never", "not-yet"), argument="comparison")
    choice(holes, HOLES, argument="holes")
    if (
        isinstance(anticipation, bool)
        or not isinstance(anticipation, int | float)
        or not (0 <= anticipation < NEVER)
    ):
        raise invalid(f"anticipation={anticipation!r}.", allowed="a number from 0")
    names = as_names(covariates)
    check_roles(
        outcome=outcome, unit=unit, period=period, first_treated=first_treated,
        treatment=treatment, covariates=names, weights=weights,
    )  # fmt: skip
    optional_name(cluster)
    return Columns(
        outcome=outcome, period=period, unit=unit, first_treated=first_treated,
        treatment=treatment, covariates=names, cluster=cluster, weights=weights,
        comparison=comparison, anticipation=anticipation, panel=panel, holes=holes,
    )  # fmt: skip
