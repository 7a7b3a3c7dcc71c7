"""Two groups, before and after: the difference in their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, Record, Records
from evalkit.stats.least_squares.linear import LinearFit, fit
from evalkit.stats.panels.adoption import codes_of
from evalkit.stats.panels.two_by_two_rows import BeforeAfter, before_after
from evalkit.stats.shared.columns import (
    as_names,
    check_enough,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    optional_name,
)
from evalkit.stats.shared.design_matrix import Column, Design, covariate_columns, treatment_design
from evalkit.stats.shared.intervals import coefficient_interval, few_df_note
from evalkit.stats.shared.model_rows import adjusted_for

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_ONLY_TWO = (
    "With one period before, whether trends differed before cannot be examined: that they would "
    "have been parallel rests on argument alone"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMean(Record):
    """The outcome of one group in one period: mean, standard deviation, rows."""

    group: str
    when: str
    mean: float
    sd: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceInDifferences(Estimate):
    """A difference in changes between two groups, in outcome units.

    `means` has the four group means behind it; `mean_treatment` and `mean_comparison` are the
    groups' mean changes. `n_treatment` and `n_comparison` count units, of repeated cross-sections
    rows; `n_dropped` counts rows.
    """

    n_rows: int = 0
    means: Records[GroupMean] = field(default_factory=Records)


def difference_in_differences(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    period: str,
    unit: str | None = None,
    after: Any = None,
    treated: Any = None,
    cluster: str | None = None,
    covariates: str | Sequence[str] = (),
    repeated_cross_sections: bool = False,
    df: str = "satterthwaite",
    level: float = 0.95,
) -> DifferenceInDifferences:
    """Return how much more the treated group changed than the other.

    Parameters
    ----------
    data : any frame narwhals knows, one row a unit and period (or a person of a repeated
        cross-section); never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column (two-valued with `treated`): which group a unit
        is in, the same in both periods; of a panel also whether it is treated in this period
    period : name of a column with two values; numbers and dates are in their order
    unit : name of the column of units; needed unless `repeated_cross_sections`
    after : the value of `period` that is the later one; needed where the values are text
    treated : the value of `treatment` that names the treated group
    cluster : name of the column of clusters; units by default
    covariates : names; changes may differ by them. Of a panel their value before is used
    repeated_cross_sections : whether each period has other people: all rows are used, clustered
        by `cluster`, or by `unit` where one is named
    df : "satterthwaite" or "residual"
    level : confidence level

    Returns
    -------
    DifferenceInDifferences
        With CR2 standard error and Satterthwaite degrees of freedom. A unit not seen in both
        periods is left out and its rows are counted.

    Raises
    ------
    InvalidInput
        For columns of the wrong kind, more or fewer than two periods, several rows for a unit and
        period, or a unit that is treated and later untreated.
    CannotEstimate
        When a group has fewer than two units (clustered: two clusters), or no row is to spare.

    Notes
    -----
    With unit and period effects the estimate is the difference in mean changes, and CR2 by unit
    is HC2 of the changes (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018).
    """
    check_level(level)
    choice(df, ("satterthwaite", "residual"), argument="df")
    names = as_names(covariates)
    if not isinstance(repeated_cross_sections, bool):
        raise invalid(
            f"repeated_cross_sections={repeated_cross_sections!r}.", allowed="True or False"
        )
    if unit is None and not repeated_cross_sections:
        raise invalid("unit=None.", allowed="a column of units, or repeated_cross_sections=True")
    check_roles(outcome=outcome, treatment=treatment, period=period, unit=unit, covariates=names)
    used = [outcome, treatment, period, *optional_name(unit), *optional_name(cluster), *names]
    frame = check_frame(data, dict.fromkeys(used))
    rows = before_after(
        frame, outcome, treatment, treated, period, after, unit, cluster, names,
        paired=not repeated_cross_sections,
    )  # fmt: skip
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        for when in (1.0, 0.0):
            here = (rows.arm == value) & (rows.after == when)
            check_enough(f"The {label} group", int(here.sum()), rows.dropped)
    if np.ptp(rows.outcome) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    sections = repeated_cross_sections
    model, design, shared = (_levels if sections else _changes)(frame, rows, names, treatment, df)
    return _result(rows, model, design, shared, outcome, treatment, names, sections,
                   cluster or unit, df, level)  # fmt: skip


def _changes(
    frame: pd.DataFrame, rows: BeforeAfter, names: Sequence[str], label: str, df: str
) -> tuple[LinearFit, Design, bool]:
    """Fit changes on the group; covariates as they were before."""
    first, last = rows.pairs()
    change = rows.outcome[last] - rows.outcome[first]
    arm = rows.arm[first]
    columns = [(n, v[first]) for n, v in _covariates(frame, rows, names)]
    design = treatment_design((label, arm), columns)
    if np.ptp(change) == 0:
        raise CannotEstimate("All units changed by the same amount: no uncertainty can be told.")
    codes = None if rows.cluster is None else codes_of(rows.cluster[first])[0]
    codes = _shared(codes, arm)
    return _fitted(design, change, codes, df, (label,)), design, codes is not None


def _levels(
    frame: pd.DataFrame, rows: BeforeAfter, names: Sequence[str], label: str, df: str
) -> tuple[LinearFit, Design, bool]:
    """Fit outcomes on group, period and both together."""
    both: Column = (f"{label} after", rows.arm * rows.after)
    columns = [(label, rows.arm), ("after", rows.after), *_covariates(frame, rows, names)]
    design = treatment_design(both, columns)
    codes = None if rows.cluster is None else codes_of(rows.cluster)[0]
    codes = _shared(codes, rows.arm)
    return _fitted(design, rows.outcome, codes, df, (both[0],)), design, codes is not None


def _covariates(frame: pd.DataFrame, rows: BeforeAfter, names: Sequence[str]) -> list[Column]:
    return [column for name in names for column in covariate_columns(frame, name, rows.keep)]


def _shared(codes: Any, arm: Floats) -> Any:
    """Return the clusters, None where nobody shares one; refuse a group of one cluster."""
    if codes is None or len(np.unique(codes)) == len(codes):
        return None
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        if len(np.unique(codes[arm == value])) < 2:
            raise CannotEstimate(
                f"The {label} group has one cluster: the effect cannot be told apart from that "
                "cluster's own change."
            )
    return codes


def _fitted(design: Design, values: Floats, codes: Any, df: str, terms: Sequence[str]) -> LinearFit:
    se = "HC2" if codes is None else "CR2"
    return fit(design.matrix, values, design.names, cluster=codes, se=se, df=df, terms=terms)


def _result(
    rows: BeforeAfter,
    model: LinearFit,
    design: Design,
    shared: bool,
    outcome: str,
    treatment: str,
    names: Sequence[str],
    sections: bool,
    cluster: str | None,
    df: str,
    level: float,
) -> DifferenceInDifferences:
    term = f"{treatment} after" if sections else treatment
    numbers = coefficient_interval(model, model.place(term), None, level)
    means = Records(_means(rows))
    change = {g: _mean(means, g, "after") - _mean(means, g, "before") for g in _GROUPS}
    counted = np.ones(len(rows.arm), dtype=bool) if sections else rows.after == 1
    return DifferenceInDifferences(
        **numbers,
        outcome=outcome,
        term=treatment,
        estimand="ATT",
        level=level,
        n_treatment=int(np.sum(rows.arm[counted] == 1)),
        n_comparison=int(np.sum(rows.arm[counted] == 0)),
        n_clusters=model.n_clusters if shared else None,
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        method=_sentence(outcome, names, sections, cluster if shared or not sections else None, df),
        notes=(*rows.notes, *design.notes, *few_df_note(numbers["df"]), _ONLY_TWO),
        adjusted_for=tuple(names),
        mean_treatment=change["treatment"],
        mean_comparison=change["comparison"],
        n_rows=len(rows.arm),
        means=means,
    )


_GROUPS = {"treatment": 1.0, "comparison": 0.0}


def _means(rows: BeforeAfter) -> list[GroupMean]:
    found = []
    for group, arm in _GROUPS.items():
        for when, late in (("before", 0.0), ("after", 1.0)):
            values = rows.outcome[(rows.arm == arm) & (rows.after == late)]
            found.append(
                GroupMean(
                    group=group,
                    when=when,
                    mean=float(values.mean()),
                    sd=float(values.std(ddof=1)),
                    n=len(values),
                )
            )
    return found


def _mean(means: Records[GroupMean], group: str, when: str) -> float:
    return next(item.mean for item in means if item.group == group and item.when == when)


_DF = {"satterthwaite": "Satterthwaite (Bell-McCaffrey)", "residual": "residual"}


def _sentence(
    outcome: str, names: Sequence[str], sections: bool, cluster: str | None, df: str
) -> str:
    what = "mean outcomes of two groups in two periods" if sections else "units' changes"
    error = f"CR2 standard error by {cluster}" if cluster else "HC2 standard error"
    return (
        f"Difference in differences of {outcome}, from {what}{adjusted_for(names)}; {error}, "
        f"{_DF[df]} degrees of freedom."
    )
