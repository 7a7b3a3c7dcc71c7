"""What a two-way fixed-effects estimate is made of (Goodman-Bacon 2021).

Where treatment starts at different times it averages all comparisons of two groups of units, also
those that take units already treated for the comparison. If effects grow or fade with time, these
pull the estimate away, even past zero: no weighting of true effects gives it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records
from evalkit.stats.panels.absorbing import without_means
from evalkit.stats.panels.roll_out_records import Columns
from evalkit.stats.panels.status_rows import StatusRows, status_rows
from evalkit.stats.shared.columns import check_frame, check_roles, invalid

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NEVER_TREATED, NOT_YET = "treated vs never treated", "earlier vs later treated"
ALREADY, ALWAYS = "later vs earlier treated", "treated vs always treated"
KINDS = (NEVER_TREATED, NOT_YET, ALREADY, ALWAYS)
FORBIDDEN = (ALREADY, ALWAYS)
_EXACT = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """One comparison: the group treated, the group compared with (None: never treated)."""

    kind: str
    treated: float
    compared: float | None
    weight: float
    estimate: float
    forbidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonKind(Record):
    """The comparisons of one kind: their weights' sum, and their weighted mean."""

    kind: str
    weight: float
    estimate: float
    forbidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BaconWeights:
    """The comparisons in a two-way fixed-effects estimate; weights add up to one.

    `estimate` is that estimate and `share_forbidden` the weight of comparisons with units already
    treated; `estimate_clean` is the weighted mean of the others, None without any.
    """

    comparisons: Records[Comparison]
    kinds: Records[ComparisonKind]
    estimate: float
    estimate_clean: float | None
    share_forbidden: float
    n_units: int
    n_periods: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    method: str
    sentence: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with a row for each comparison."""
        return self.comparisons.to_frame()


def bacon_weights(
    data: Any,
    *,
    outcome: str,
    unit: str,
    period: str,
    treatment: str | None = None,
    first_treated: str | None = None,
    holes: str = "refuse",
) -> BaconWeights:
    """Return the comparisons that a two-way fixed-effects estimate averages, with their weights.

    Parameters
    ----------
    data : any frame narwhals knows, one row a unit and period; never changed
    outcome, unit, period : names of columns
    treatment : name of a 0/1 column of being treated in this period, which must not go back to 0
    first_treated : instead of it, the period a unit's treatment starts in (0 or empty: never)
    holes : "refuse" units not seen in every period, or "balanced" to leave them out and count them

    Raises
    ------
    InvalidInput
        For columns of the wrong kind, several rows a unit and period, treatment that stops, or
        units not seen in every period.
    CannotEstimate
        When treatment never starts, or all units are treated alike.

    References
    ----------
    Goodman-Bacon (2021), Journal of Econometrics 225:254-277, equations 10a to 10g.
    """
    check_roles(
        outcome=outcome, unit=unit, period=period, treatment=treatment, first_treated=first_treated
    )
    if (first_treated is None) == (treatment is None):
        raise invalid(
            "first_treated= and treatment= are both given, or neither is.", allowed="one of them"
        )
    names = [n for n in (outcome, unit, period, treatment, first_treated) if n is not None]
    frame = check_frame(data, names)
    rows = status_rows(frame, _columns(outcome, unit, period, treatment, first_treated), holes)
    return decomposed(rows)


def _columns(
    outcome: str, unit: str, period: str, treatment: str | None, first_treated: str | None
) -> Columns:
    return Columns(
        outcome=outcome, period=period, unit=unit, first_treated=first_treated,
        treatment=treatment, covariates=(), cluster=None, weights=None, comparison="never",
        anticipation=0, panel=True, holes="balanced",
    )  # fmt: skip


def decomposed(rows: StatusRows) -> BaconWeights:
    """Return the decomposition of a balanced panel."""
    found = Records(comparisons(rows))
    kinds = Records(_kinds(found))
    share = sum(item.weight for item in found if item.forbidden)
    clean = sum(item.weight * item.estimate for item in found if not item.forbidden)
    estimate = sum(item.weight * item.estimate for item in found)
    return BaconWeights(
        comparisons=found,
        kinds=kinds,
        estimate=estimate,
        estimate_clean=clean / (1 - share) if share < 1 else None,
        share_forbidden=share,
        n_units=len(rows.starts),
        n_periods=len(rows.times),
        n_dropped=sum(count for _, count in rows.dropped),
        dropped_why=rows.dropped,
        method="Two-way fixed effects split into comparisons of two groups (Goodman-Bacon 2021); "
        "no covariates.",
        sentence=_sentence(found, share),
        notes=rows.notes,
    )


def comparisons(rows: StatusRows) -> Iterator[Comparison]:
    """Give every comparison with its weight, and check that they add up to the estimate."""
    groups, place = np.unique(rows.starts, return_inverse=True)
    sizes = np.bincount(place) / len(place)
    means = np.vstack([rows.wide[place == code].mean(axis=0) for code in range(len(groups))])
    on = rows.times[None, :] >= groups[:, None]
    if len(groups) < 2:
        raise CannotEstimate("All units start treatment together: no group to compare with.")
    raw = list(_raw(groups, sizes, means, on))
    total = sum(weight for _, weight, _ in raw)
    if not total > 0:
        raise CannotEstimate("No unit starts treatment within the periods: nothing to compare.")
    _check_sum(sum(w * e for _, w, e in raw) / total, on, means, sizes)
    for (kind, first, other), weight, value in raw:
        yield Comparison(
            kind=kind,
            treated=float(groups[first]),
            compared=None if kind == NEVER_TREATED else float(groups[other]),
            weight=weight / total,
            estimate=value,
            forbidden=kind in FORBIDDEN,
        )


_Raw = tuple[tuple[str, int, int], float, float]


def _raw(groups: Floats, sizes: Floats, means: Floats, on: Any) -> Iterator[_Raw]:
    """Give kind, places of the groups, unscaled weight and estimate of each comparison."""
    for first in range(len(groups)):
        for other in range(len(groups)):
            own, their = on[first], on[other]
            if own.all() or not own.any() or first == other:
                continue
            if not their.any() or their.all():
                kind, window = (ALWAYS if their.all() else NEVER_TREATED), np.ones_like(own)
            elif groups[first] < groups[other]:
                kind, window = NOT_YET, ~their
            else:
                kind, window = ALREADY, their
            share = float(own[window].mean())
            both = sizes[first] + sizes[other]
            split = sizes[first] / both
            weight = (both * window.mean()) ** 2 * split * (1 - split) * share * (1 - share)
            after, before = window & own, window & ~own
            rise = means[:, after].mean(axis=1) - means[:, before].mean(axis=1)
            yield (kind, first, other), float(weight), float(rise[first] - rise[other])


def _check_sum(value: float, on: Any, means: Floats, sizes: Floats) -> None:
    """Refuse weights that do not add up to the estimate by the regression itself."""
    held = on - (on.mean(axis=1, keepdims=True) + sizes @ on - (sizes @ on).mean())
    direct = float(sizes @ (held * means).sum(axis=1) / (sizes @ (held * on).sum(axis=1)))
    scale = max(abs(direct), float(np.abs(without_means(means)).max()))
    if not abs(direct - value) <= _EXACT * scale:
        raise CannotEstimate("The comparisons do not add up to the two-way estimate.")


def _kinds(found: Records[Comparison]) -> Iterator[ComparisonKind]:
    for kind in KINDS:
        inside = [item for item in found if item.kind == kind]
        if inside:
            weight = sum(item.weight for item in inside)
            yield ComparisonKind(
                kind=kind,
                weight=weight,
                estimate=sum(item.weight * item.estimate for item in inside) / weight,
                forbidden=kind in FORBIDDEN,
            )


def _sentence(found: Records[Comparison], share: float) -> str:
    if share == 0:
        return (
            "No comparison takes units already treated for the comparison: the two-way estimate "
            "is a weighted mean of sound comparisons."
        )
    signs = {np.sign(item.estimate) for item in found if item.weight > 0}
    more = " The comparisons do not all point the same way." if {1.0, -1.0} <= signs else ""
    return (
        f"{100 * share:.1f}% of the two-way estimate comes from comparing units with units already "
        "treated. If effects differ between groups or change with time since the start, these "
        "comparisons bias it, even to the wrong sign; use group_time_effects instead." + more
    )
