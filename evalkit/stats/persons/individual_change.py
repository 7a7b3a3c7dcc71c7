"""Change person by person: is it beyond measurement error, and does it cross a clinical cut-off.

Scores are turned so that higher is better before anything is computed, and indices, means and
cut-offs are turned back at the end: a scale and its mirror image give the same statuses exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import by_name
from evalkit.stats.persons.change_arguments import (
    arm_labels,
    check_lengths,
    direction,
    least_changes,
)
from evalkit.stats.persons.change_indices import HAIR, INDICES, Ruler, past, read_ruler
from evalkit.stats.persons.change_results import ReliableChange
from evalkit.stats.persons.clinical_cutoffs import crossed, read_edge, read_norms, sides, turned
from evalkit.stats.persons.status_rates import Counted
from evalkit.stats.shared.columns import check_level, choice, vector

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Norm = tuple[float, float]

METHODS = (*INDICES, "percentage", "anchor")
STATUSES = ("recovered", "improved", "unchanged", "deteriorated", "deteriorated-clinically")
IN_ALL: dict[str, tuple[str, ...]] = {
    "improved-in-all": ("recovered", "improved"),
    "deteriorated-in-all": ("deteriorated", "deteriorated-clinically"),
}


def reliable_change(
    pre: Any,
    post: Any,
    *,
    method: str = "jacobson-truax",
    higher_is_better: bool,
    reliability: float | None = None,
    reliability_post: float | None = None,
    sd: float | None = None,
    clinical: tuple[float, float] | None = None,
    functional: tuple[float, float] | None = None,
    cutoff: str | float | None = None,
    minimal_change: float | tuple[float, float] | None = None,
    arm: Any = None,
    level: float = 0.95,
) -> ReliableChange:
    """Return whether each person changed reliably and crossed a cut-off, and the rates by arm.

    Parameters
    ----------
    pre, post : arrays of scores, one a person in the same order (matched by place, not by
        index), missing as None or NaN
    method : "jacobson-truax" (change over S_diff), "gulliksen-lord-novick", "hsu-linn-lord",
        "edwards-nunnally", "nunnally-kotsch" (the second score against the one expected from the
        first), "hageman-arrindell", "percentage" (change as a share of the first score) or
        "anchor" (change in points)
    higher_is_better : True where a higher score is a better state
    reliability : of the scores, between 0 and 1; needed by all but percentage and anchor
    reliability_post : of the second scores; needed and used by nunnally-kotsch alone
    sd : SD the standard error of measurement is made from; by default the sample SD (n - 1) of
        `pre` among people with both scores, all arms together. The means (and for
        hageman-arrindell the SDs and the correlation) are always those of these people
    clinical, functional : (mean, SD) of the two populations, in score units; `clinical` is by
        default the mean and SD of `pre` among people with both scores
    cutoff : "a" (2 SDs beyond the clinical mean), "b" (2 functional SDs short of the functional
        mean), "c" (between the means, weighted by the SDs) or a score
    minimal_change : one number, or (improvement, deterioration), both without a sign. For anchor
        the points, for percentage the share (0.5 is half) that must be reached. For the others it
        is asked beside the index: a change must be reliable and reach it (0 asks nothing)
    arm : array of labels, one a person; people without a label are an arm of their own, None
    level : confidence level of the index (two-sided normal) and of the Wilson intervals.
        hageman-arrindell uses 1.65 at 0.95, as published, else the one-sided normal quantile

    Returns
    -------
    ReliableChange
        Statuses are "recovered" (improved, and from the clinical side past the cut-off),
        "improved", "unchanged", "deteriorated", "deteriorated-clinically" (worse, and from the
        functional to the clinical side), or None where a score is missing, or where the first
        score is 0 for percentage. Without a cut-off there are three. An index equal to its
        critical value is not past it; a score on the cut-off is on the clinical side; a change
        equal to `minimal_change` reaches it; all three up to 1e-9 of their size.
        hageman-arrindell takes cut-offs between true scores, and CS_INDIV beyond its critical
        value (below minus it) for being past (back over) the cut-off.

    Raises
    ------
    InvalidInput
        For an argument that is unknown, missing, out of range or contradicts another.
    CannotEstimate
        With fewer than two people with both scores where their SD or mean is needed, first
        scores that do not vary, or no reliability left for hageman-arrindell.

    References
    ----------
    Jacobson and Truax (1991), Journal of Consulting and Clinical Psychology 59:12-19;
    Hsu (1989), Behavioral Assessment 11:459-467; Speer (1992), Journal of Consulting and Clinical
    Psychology 60:402-408 (Edwards-Nunnally, here as an index over the standard error of
    measurement against the normal quantile, not as the interval of 2 of them); Hageman and
    Arrindell (1999), Behaviour Research and Therapy 37:1169-1193; Wilson (1927), Journal of the
    American Statistical Association 22:209-212.
    """
    check_level(level)
    choice(method, METHODS, argument="method")
    sign = direction(higher_is_better)
    first, second, arms = vector(pre, "pre"), vector(post, "post"), arm_labels(arm)
    check_lengths(first, second, arms)
    least = least_changes(minimal_change, method)
    both = ~np.isnan(first) & ~np.isnan(second)
    before, after = sign * first[both], sign * second[both]
    ruler = read_ruler(method, before, after, reliability, reliability_post, sd, level)
    norms = read_norms(clinical, functional, cutoff, before, sign)
    edge = read_edge(cutoff, *norms, ruler, sign)
    judged = _judge(method, before, after, ruler, edge, least)
    people = _people(first, second, sign, both, judged)
    counted = _counted(people, first, second, both, arms, judged, level)
    return ReliableChange(
        method=method,
        higher_is_better=bool(higher_is_better),
        level=level,
        minimal_improvement=least[0],
        minimal_deterioration=least[1],
        cutoff=None if edge is None else sign * edge + 0.0,
        cutoff_rule=None if edge is None else (cutoff if isinstance(cutoff, str) else "given"),
        clinical=turned(norms[0], sign),
        functional=turned(norms[1], sign),
        rates=counted.rates({name: (name,) for name in _possible(edge)}),
        combined=counted.rates(IN_ALL),
        arm=None if arms is None else tuple(arms.tolist()),
        **_scalars(ruler),
        **_totals(counted, both),
        **_columns(people),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What is concluded for the people with both scores, higher is better.

    `index` or `share` is None where the method has none; `could` holds who started on the
    clinical and who on the functional side, None without a cut-off.
    """

    index: Floats | None
    share: Floats | None
    status: NDArray[Any]
    could: tuple[Bools, Bools] | None


def _judge(
    method: str,
    before: Floats,
    after: Floats,
    ruler: Ruler | None,
    edge: float | None,
    least: tuple[float | None, float | None],
) -> _Judged:
    index = share = None
    if ruler is not None:
        index = ruler.gap(before, after) / ruler.standard_error()
    if method == "percentage":
        share = np.full(len(before), np.nan)
        np.divide(after - before, np.abs(before), out=share, where=before != 0)
    better, worse = _moved(before, after, index, share, ruler, least)
    status = np.full(len(before), "unchanged", dtype=object)
    status[better], status[worse] = "improved", "deteriorated"
    if edge is not None:
        past_it, back_over = crossed(before, after, edge, ruler)
        status[better & past_it] = "recovered"
        status[worse & back_over] = "deteriorated-clinically"
    if share is not None:
        status[np.isnan(share)] = None
    could = None if edge is None else sides(before, edge)
    return _Judged(index=index, share=share, status=status, could=could)


def _moved(
    before: Floats,
    after: Floats,
    index: Floats | None,
    share: Floats | None,
    ruler: Ruler | None,
    least: tuple[float | None, float | None],
) -> tuple[Bools, Bools]:
    """Return who improved and who got worse by the method's own criterion."""
    better = worse = np.ones(len(before), dtype=bool)
    if ruler is not None and index is not None:
        better, worse = past(index, ruler.critical), past(-index, ruler.critical)
    change, size = after - before, np.maximum(np.abs(before), np.abs(after))
    if share is not None:
        change = size = share
    up, down = least
    if up is not None and down is not None:
        better = better & _reaches(change, up, size)
        worse = worse & _reaches(-change, down, size)
    return better, worse


def _reaches(values: Floats, limit: float, size: Floats) -> Bools:
    """Return which values are at the limit or above it; size is that of the numbers subtracted."""
    hair = HAIR * np.maximum(np.abs(size), limit)
    return np.asarray(values - limit >= -hair, dtype=bool)


def _people(
    first: Floats, second: Floats, sign: float, both: Bools, judged: _Judged
) -> dict[str, NDArray[Any]]:
    """Return the columns of everybody, in the order given and the direction of the scores."""
    status = np.full(len(both), None, dtype=object)
    status[both] = judged.status
    people: dict[str, NDArray[Any]] = {
        "pre": first,
        "post": second,
        "change": second - first,
        "rci": np.full(len(both), np.nan),
        "status": status,
    }
    if judged.index is not None:
        people["rci"][both] = sign * judged.index + 0.0
    if judged.share is not None:
        people["change_share"] = np.full(len(both), np.nan)
        people["change_share"][both] = sign * judged.share + 0.0
    return people


def _columns(people: dict[str, NDArray[Any]]) -> dict[str, Any]:
    return {name: tuple(values.tolist()) for name, values in people.items()}


def _counted(
    people: dict[str, NDArray[Any]],
    first: Floats,
    second: Floats,
    both: Bools,
    arms: NDArray[Any] | None,
    judged: _Judged,
    level: float,
) -> Counted:
    no_first, no_second = np.isnan(first), np.isnan(second)
    undefined = both & np.isnan(people.get("change_share", np.zeros(len(both))))
    could = judged.could
    return Counted(
        status=people["status"],
        arms=arms,
        level=level,
        missing={
            "no second score": no_second & ~no_first,
            "no first score": no_first & ~no_second,
            "neither score": no_first & no_second,
            "first score 0, so no share of it": undefined,
        },
        could=None if could is None else tuple(_in_place(side, both) for side in could),
    )


def _in_place(side: Bools, both: Bools) -> Bools:
    whole = np.zeros(len(both), dtype=bool)
    whole[both] = side
    return whole


def _totals(counted: Counted, both: Bools) -> dict[str, Any]:
    counts = {name: int(rows.sum()) for name, rows in counted.missing.items()}
    dropped = sum(counts.values())
    return {
        "n_all": len(both),
        "n_both": int(both.sum()),
        "n_used": len(both) - dropped,
        "n_dropped": dropped,
        "dropped_why": by_name(counts),
    }


def _scalars(ruler: Ruler | None) -> dict[str, Any]:
    """Return the numbers an index rests on, by the names of the result."""
    if ruler is None:
        return {}
    error, whole = ruler.standard_error(), sqrt(2) * ruler.sem
    agreed = ruler.method == "jacobson-truax"
    regressed = ruler.method == "hageman-arrindell"
    return {
        "reliability": ruler.reliability,
        "reliability_post": ruler.reliability_post,
        "sd": ruler.sd,
        "sem": ruler.sem,
        "s_diff": whole,
        "standard_error": error,
        "reliability_change": ruler.reliability_change if regressed else None,
        "critical": ruler.critical,
        "threshold": ruler.critical * whole if agreed else None,
    }


def _possible(edge: float | None) -> tuple[str, ...]:
    return STATUSES[1:4] if edge is None else STATUSES
