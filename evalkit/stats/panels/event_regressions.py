"""Event studies by regression: two-way, and interaction-weighted (Sun and Abraham 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, Records
from evalkit.stats.panels.adoption import one_start, read_starts
from evalkit.stats.panels.fixed_effects import t_estimate, variance
from evalkit.stats.panels.panel_results import PanelEffect
from evalkit.stats.panels.panel_rows import PanelRows, panel_rows
from evalkit.stats.panels.within_fit import WithinFit, within_fit
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    numeric,
    optional_name,
)
from evalkit.stats.shared.design_matrix import Column, covariate_columns
from evalkit.stats.shared.model_rows import adjusted_for

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

METHODS = ("interaction-weighted", "two-way")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionEventStudy:
    """Coefficients by time since the start, relative to `base`, and the effect after the start.

    `overall` averages all treated rows ("interaction-weighted") and is None for "two-way".
    """

    effects: Records[PanelEffect]
    overall: Estimate | None
    base: float
    level: float
    n_rows: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with a row for each time since the start."""
        return self.effects.to_frame()


def event_study_regression(
    data: Any,
    *,
    outcome: str,
    unit: str,
    period: str,
    first_treated: str,
    covariates: str | Sequence[str] = (),
    method: str = "interaction-weighted",
    base: float = -1,
    cluster: str | None = None,
    se: str = "auto",
    level: float = 0.95,
) -> RegressionEventStudy:
    """Return effects by time since the start from a regression with unit and period effects.

    Parameters
    ----------
    data, outcome, unit, period, covariates, cluster, se : as in `two_way_fixed_effects`; `period`
        is numeric
    first_treated : name of the column with the period in which a unit's treatment starts; 0, empty
        or later than the last period mean never treated
    method : "interaction-weighted" gives each group its own coefficients and averages them by rows
        (Sun and Abraham 2021); "two-way" gives all groups the same ones, which mixes effects of
        other times in where they differ
    base : the time since the start that the others are compared with

    Raises
    ------
    InvalidInput
        For columns of the wrong kind, a unit with several starts, or several rows a unit and
        period.
    CannotEstimate
        When there is no never-treated unit, no unit starts within the periods, or no coefficient
        can be told apart.
    """
    check_level(level)
    choice(method, METHODS, argument="method")
    names = as_names(covariates)
    check_roles(
        outcome=outcome, unit=unit, period=period, first_treated=first_treated, covariates=names
    )
    used = [outcome, unit, period, first_treated, *names, *optional_name(cluster)]
    frame = check_frame(data, dict.fromkeys(used))
    times = numeric(frame, period)
    starts, _ = read_starts(frame, first_treated, float(np.nanmin(times)))
    always = starts <= np.nanmin(times)
    rows = panel_rows(
        frame, outcome, unit, period, names, cluster,
        [("a unit treated in or before the first period", always)],
    )  # fmt: skip
    relative, group = _relative(rows, times[rows.keep], starts[rows.keep], first_treated)
    groups = group if method == "interaction-weighted" else np.zeros(len(group))
    columns, keys = _dummies(relative, groups, base)
    others = [c for name in names for c in covariate_columns(frame, name, rows.keep)]
    model = within_fit(rows.layout, rows.outcome, [*columns, *others], None)
    kind, vcov, df = variance(model, rows, se)
    told = [(place, *keys[name]) for place, name in enumerate(model.names) if name in keys]
    if not told:
        raise CannotEstimate("No time since the start can be told apart from unit and period.")
    method_words = _sentence(outcome, names, method, kind, cluster or unit, base)
    counts = np.array([np.sum((relative == e) & (groups == g)) for _, e, g in told])
    effects = Records(_effects(model, vcov, df, told, counts, outcome, level, method_words))
    overall = None
    if method == "interaction-weighted":
        after = [i for i, (_, time, _) in enumerate(told) if time >= 0]
        overall = _averaged(model, vcov, df, told, counts, after, level,
                            outcome=outcome, term="after the start", estimand="ATT",
                            method=method_words)  # fmt: skip
    return RegressionEventStudy(
        effects=effects,
        overall=overall,
        base=base,
        level=level,
        n_rows=model.n,
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        method=method_words,
        notes=tuple(f"'{name}' cannot be told apart and was left out." for name in model.lost),
    )


def _relative(rows: PanelRows, times: Floats, starts: Floats, name: str) -> tuple[Floats, Floats]:
    """Return time since the start (infinite below for the never treated), and each row's group."""
    one_start(starts, rows.layout.unit, rows.layout.n_units, name)
    starts = np.where(starts > times.max(), np.inf, starts)
    if not np.isinf(starts).any():
        raise CannotEstimate(
            "There is no never-treated unit to compare with. "
            "group_time_effects(comparison='not-yet') compares with units not yet treated."
        )
    if np.isinf(starts).all():
        raise CannotEstimate("No unit starts treatment after the first period and by the last.")
    return times - starts, starts


def _dummies(
    relative: Floats, groups: Floats, base: float
) -> tuple[list[Column], dict[str, tuple[float, float]]]:
    """Return an indicator for each time and group but the base, and what each stands for."""
    inside = np.isfinite(relative)
    if not np.any(relative == base):
        raise invalid(
            f"base={base!r} is not a time since the start in the data.",
            allowed=", ".join(f"{x:g}" for x in np.unique(relative[inside])),
        )
    columns, keys = [], {}
    for group in np.unique(groups[inside]):
        own = inside & (groups == group)
        for time in np.unique(relative[own]):
            if time != base:
                name = f"time {time:g}, group {group:g}"
                columns.append((name, (own & (relative == time)).astype(np.float64)))
                keys[name] = (float(time), float(group))
    return columns, keys


_Told = Sequence[tuple[int, float, float]]


def _effects(
    model: WithinFit,
    vcov: Floats,
    df: Floats,
    told: _Told,
    counts: Any,
    outcome: str,
    level: float,
    words: str,
) -> list[PanelEffect]:
    found = []
    for time in sorted({time for _, time, _ in told}):
        inside = [i for i, (_, own, _) in enumerate(told) if own == time]
        e = _averaged(model, vcov, df, told, counts, inside, level, outcome=outcome,
                      term=f"time {time:g}", estimand="ATT", method=words)  # fmt: skip
        found.append(PanelEffect(**e.to_dict(), relative=int(time) if time.is_integer() else time))
    return found


def _averaged(
    model: WithinFit,
    vcov: Floats,
    df: Floats,
    told: _Told,
    counts: Any,
    inside: Sequence[int],
    level: float,
    **words: Any,
) -> Estimate:
    """Return the average of coefficients by the rows they rest on (shares taken as known)."""
    places = [told[i][0] for i in inside]
    if not places:
        raise CannotEstimate("No time from the start on can be told apart from unit and period.")
    share = counts[list(inside)] / counts[list(inside)].sum()
    value = float(share @ model.coefficients[places])
    spread = float(share @ vcov[np.ix_(places, places)] @ share)
    return t_estimate(value, spread, float(np.min(df[places])), level, **words)


def _sentence(
    outcome: str, covariates: Sequence[str], method: str, kind: str, cluster: str, base: float
) -> str:
    how = {
        "interaction-weighted": "averaged over groups by their rows (Sun and Abraham 2021)",
        "two-way": "the same for all groups",
    }
    return (
        f"Event study of {outcome} with unit and period effects{adjusted_for(covariates)}, relative "
        f"to time {base:g}, coefficients {how[method]}; {kind} standard error by {cluster}."
    )
