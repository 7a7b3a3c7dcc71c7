"""Change person by person: is it beyond measurement error, and does it cross a clinical cut-off.

Scores are turned so that higher is better before anything is computed, and indices, means and
cut-offs are turned back at the end: a scale and its mirror image give the same statuses exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite, sqrt
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records, by_name
from evalkit.stats.columns import check_level, choice, invalid, vector
from evalkit.stats.effect_sizes import accurate_mean

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Norm = tuple[float, float]

INDICES = (
    *("jacobson-truax", "gulliksen-lord-novick", "hsu-linn-lord", "edwards-nunnally"),
    *("nunnally-kotsch", "hageman-arrindell"),
)
METHODS = (*INDICES, "percentage", "anchor")
CUTOFFS = ("a", "b", "c")
STATUSES = ("recovered", "improved", "unchanged", "deteriorated", "deteriorated-clinically")
IN_ALL = {
    "improved-in-all": ("recovered", "improved"),
    "deteriorated-in-all": ("deteriorated", "deteriorated-clinically"),
}
HAGEMAN_ARRINDELL = 1.65  # the critical value as published for 95%
HAIR = 1e-9  # values closer than this, relative to their size, are the same value


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRate(Record):
    """How many people of one arm have one status, on each denominator.

    `share` and its Wilson interval are among the `n_used` people who have a status. For
    "recovered" and "deteriorated-clinically" `share_could` and its interval are among the
    `n_could` of them who started where this can happen: on the clinical side of the cut-off, or
    on the functional side. A share among nobody is None. `n_all` = `n_used` + `n_undefined` +
    `n_no_second` + `n_no_first` + `n_neither`, and `n_both` = `n_used` + `n_undefined`.
    """

    arm: Any = None
    status: str
    n: int
    n_used: int
    share: float | None
    conf_low: float | None
    conf_high: float | None
    n_could: int | None = None
    share_could: float | None = None
    could_low: float | None = None
    could_high: float | None = None
    level: float
    n_all: int
    n_both: int
    n_undefined: int
    n_no_second: int
    n_no_first: int
    n_neither: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReliableChange(Record):
    """What was concluded for each person, the rates by arm, and the numbers it rests on.

    `pre`, `post`, `change` (post minus pre, NaN without both), `change_share` (percentage only),
    `rci`, `status` and `arm` hold one entry a person in the order given; `to_frame()` is their
    table. `rci` has the sign of the scores: negative where a score fell. `rates` has a row for
    each arm and status, exclusive of each other; `combined` the rows "improved-in-all" and
    "deteriorated-in-all", with and without crossing the cut-off. `sem`, `s_diff`,
    `standard_error` (the denominator of the index) and `threshold` (raw points beyond which a
    change is reliable; None where that differs from person to person) are in score units.
    """

    method: str
    higher_is_better: bool
    level: float
    reliability: float | None = None
    reliability_post: float | None = None
    sd: float | None = None
    sem: float | None = None
    s_diff: float | None = None
    standard_error: float | None = None
    reliability_change: float | None = None
    critical: float | None = None
    threshold: float | None = None
    minimal_improvement: float | None = None
    minimal_deterioration: float | None = None
    cutoff: float | None = None
    cutoff_rule: str | None = None
    clinical: Norm | None = None
    functional: Norm | None = None
    n_all: int
    n_both: int
    n_used: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    rates: Records[StatusRate]
    combined: Records[StatusRate]
    pre: tuple[float, ...] = field(repr=False)
    post: tuple[float, ...] = field(repr=False)
    change: tuple[float, ...] = field(repr=False)
    change_share: tuple[float, ...] | None = field(repr=False, default=None)
    rci: tuple[float, ...] = field(repr=False)
    status: tuple[str | None, ...] = field(repr=False)
    arm: tuple[Any, ...] | None = field(repr=False, default=None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a person, in the order given; status is None where there is none."""
        import pandas as pd

        names = ("arm", "pre", "post", "change", "change_share", "rci", "status")
        kinds = {"arm": object, "status": object}
        found = {name: getattr(self, name) for name in names}
        return pd.DataFrame(
            {
                name: pd.Series(list(values), dtype=kinds.get(name, float))
                for name, values in found.items()
                if values is not None
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruler:
    """What a person's change is measured with: higher is better, people with both scores."""

    method: str
    critical: float
    sd: float
    reliability: float
    reliability_post: float | None
    mean_pre: float
    mean_post: float
    sd_pre: float
    sd_post: float
    correlation: float

    @property
    def sem(self) -> float:
        return self.sd * sqrt(1 - self.reliability)

    def true_share(self, sd: float, whose: str) -> float:
        """Return the reliability of a group with this SD and the same error (HA 1999)."""
        share = 1 - (self.sem / sd) ** 2
        if share <= 0:
            raise CannotEstimate(
                f"The standard error of measurement ({self.sem:g}) is not below the SD of "
                f"{whose} ({sd:g}), so no reliability is left for hageman-arrindell there."
            )
        return share

    @property
    def reliability_change(self) -> float:
        """Return the reliability of the difference scores, r_dd."""
        self.true_share(self.sd_pre, "pre")
        self.true_share(self.sd_post, "post")
        spread = (
            self.sd_pre**2 + self.sd_post**2 - 2 * self.sd_pre * self.sd_post * (self.correlation)
        )
        true = spread - 2 * self.sem**2
        if not true > HAIR * self.sd_pre**2:
            raise CannotEstimate(
                "The changes vary no more than measurement error alone would make them, so the "
                "reliability of the change is not above 0 and hageman-arrindell has no index."
            )
        return true / spread

    def standard_error(self) -> float:
        """Return the denominator of the index."""
        r, sd = self.reliability, self.sd
        if self.method in ("gulliksen-lord-novick", "hsu-linn-lord"):
            return sd * sqrt(1 - r**2)
        if self.method == "edwards-nunnally":
            return self.sem
        if self.method == "nunnally-kotsch" and self.reliability_post is not None:
            return sd * sqrt(r**2 * (1 - r) + 1 - self.reliability_post)
        whole = sqrt(2) * self.sem
        if self.method == "hageman-arrindell":
            return whole * sqrt(self.reliability_change)
        return whole

    def gap(self, before: Floats, after: Floats) -> Floats:
        """Return the numerator of the index."""
        if self.method == "jacobson-truax":
            return after - before
        if self.method == "hageman-arrindell":
            kept = self.reliability_change
            return (after - before) * kept + (self.mean_post - self.mean_pre) * (1 - kept)
        origin = self.mean_post if self.method == "hsu-linn-lord" else self.mean_pre
        return (after - origin) - self.reliability * (before - self.mean_pre)


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
    sign = _sign(higher_is_better)
    first, second = vector(pre, "pre"), vector(post, "post")
    arms = _labels(arm)
    _check_lengths(first, second, arms)
    least = _least(minimal_change, method)
    both = ~np.isnan(first) & ~np.isnan(second)
    before, after = sign * first[both], sign * second[both]
    ruler = _ruler(method, before, after, reliability, reliability_post, sd, level)
    norms = _norms(clinical, functional, cutoff, before, sign)
    edge = _edge(cutoff, *norms, ruler, sign)

    index, share, better, worse = _moved(method, before, after, ruler, least)
    could = _sides(before, edge)
    crossed = _crossed(before, after, edge, ruler)
    status = np.full(len(first), None, dtype=object)
    status[both] = _status(better, worse, crossed)
    defined = np.zeros(len(first), dtype=bool)
    defined[both] = ~np.isnan(share) if method == "percentage" else True
    status[~defined] = None
    counted = _Counted(
        status=status,
        arms=arms,
        level=level,
        missing=_missing(first, second, defined),
        could=None if could is None else tuple(_spread(side, both) for side in could),
    )
    dropped = by_name({name: int(rows.sum()) for name, rows in counted.missing.items()})
    return ReliableChange(
        method=method,
        higher_is_better=bool(higher_is_better),
        level=level,
        minimal_improvement=least[0],
        minimal_deterioration=least[1],
        cutoff=None if edge is None else sign * edge + 0.0,
        cutoff_rule=None if edge is None else (cutoff if isinstance(cutoff, str) else "given"),
        clinical=_turned(norms[0], sign),
        functional=_turned(norms[1], sign),
        n_all=len(first),
        n_both=int(both.sum()),
        n_used=int(defined.sum()),
        n_dropped=int((~defined).sum()),
        dropped_why=dropped,
        rates=counted.rates({name: (name,) for name in _possible(edge)}),
        combined=counted.rates(IN_ALL),
        pre=tuple(first.tolist()),
        post=tuple(second.tolist()),
        change=tuple((second - first).tolist()),
        change_share=tuple((sign * _spread(share, both) + 0.0).tolist())
        if method == "percentage"
        else None,
        rci=tuple((sign * _spread(index, both) + 0.0).tolist()),
        status=tuple(status.tolist()),
        arm=None if arms is None else tuple(arms.tolist()),
        **_scalars(ruler),
    )


def _scalars(ruler: _Ruler | None) -> dict[str, Any]:
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


def _sign(higher_is_better: Any) -> float:
    if not isinstance(higher_is_better, bool | np.bool_):
        raise invalid(f"higher_is_better={higher_is_better!r}.", allowed="True or False")
    return 1.0 if higher_is_better else -1.0


def _labels(arm: Any) -> NDArray[Any] | None:
    import pandas as pd

    if arm is None:
        return None
    if isinstance(arm, str):
        raise invalid(f"arm={arm!r} is one label.", allowed="one label for each person")
    series = pd.Series(list(arm), dtype=object)
    return np.asarray(series.where(series.notna(), None), dtype=object)


def _check_lengths(first: Floats, second: Floats, arms: NDArray[Any] | None) -> None:
    if len(first) != len(second):
        raise invalid(
            f"pre has {len(first)} scores and post {len(second)}.",
            allowed="arrays of one length, one entry a person",
            next_step="Keep people without a second score in: give it as None.",
        )
    if arms is not None and len(arms) != len(first):
        raise invalid(
            f"arm has {len(arms)} labels for {len(first)} people.",
            allowed="one label for each person",
        )


def _number(value: Any, name: str, allowed: str) -> float:
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise invalid(f"{name}={value!r}.", allowed=allowed)
    if not isfinite(value):
        raise invalid(f"{name}={value!r}.", allowed=allowed)
    return float(value)


def _least(given: Any, method: str) -> tuple[float | None, float | None]:
    """Return the minimal improvement and deterioration, both without a sign."""
    asked = method not in INDICES
    if given is None:
        if asked:
            raise invalid(
                f"method={method!r} has no minimal_change.",
                allowed="a number, or (improvement, deterioration)",
                next_step="Give a share such as 0.5 for percentage, or points for anchor.",
            )
        return None, None
    pair = given if isinstance(given, tuple | list) else (given, given)
    allowed = "one number, or (improvement, deterioration), "
    allowed += "from 0" if not asked else "above 0"
    allowed += " and at most 1, so 0.5 for half" if method == "percentage" else ""
    if len(pair) != 2:
        raise invalid(f"minimal_change={given!r}.", allowed=allowed)
    low, high = (_number(value, "minimal_change", allowed) for value in pair)
    worst, most = min(low, high), max(low, high)
    if worst < 0 or (asked and worst == 0) or (method == "percentage" and most > 1):
        raise invalid(f"minimal_change={given!r}.", allowed=allowed)
    return low, high


def _reliability(value: Any, name: str, method: str) -> float:
    if value is None:
        raise invalid(
            f"method={method!r} needs {name}.",
            allowed="a number between 0 and 1",
            next_step="Take it from the measure's manual (test-retest or internal consistency).",
        )
    found = _number(value, name, "a number between 0 and 1")
    if not 0 < found < 1:
        raise invalid(f"{name}={value!r}.", allowed="a number between 0 and 1, such as 0.85")
    return found


def _ruler(
    method: str,
    before: Floats,
    after: Floats,
    reliability: Any,
    reliability_post: Any,
    sd: Any,
    level: float,
) -> _Ruler | None:
    """Return what the index is made of; None for percentage and anchor."""
    from scipy.stats import norm

    if method not in INDICES:
        return None
    second = method == "nunnally-kotsch"
    r = _reliability(reliability, "reliability", method)
    r_post = _reliability(reliability_post, "reliability_post", method) if second else None
    given = None if sd is None else _sd(sd, "sd")
    if given is None or method != "jacobson-truax":
        _check_pairs(len(before))
    one_sided = HAGEMAN_ARRINDELL if level == 0.95 else float(norm.ppf(level))
    hageman = method == "hageman-arrindell"
    return _Ruler(
        method=method,
        critical=one_sided if hageman else float(norm.ppf(0.5 + level / 2)),
        sd=_sample_sd(before, "pre") if given is None else given,
        reliability=r,
        reliability_post=r_post,
        mean_pre=accurate_mean(before) if len(before) else np.nan,
        mean_post=accurate_mean(after) if len(after) else np.nan,
        sd_pre=_sample_sd(before, "pre") if hageman else np.nan,
        sd_post=_sample_sd(after, "post") if hageman else np.nan,
        correlation=_correlation(before, after) if hageman else np.nan,
    )


def _check_pairs(pairs: int) -> None:
    if pairs < 2:
        raise CannotEstimate(
            f"{pairs} of these people have both scores; at least 2 are needed for their mean and "
            "SD. With sd= (and clinical= for a cut-off) jacobson-truax needs no others."
        )


def _sd(value: Any, name: str) -> float:
    found = _number(value, name, "a number above 0")
    if found <= 0:
        raise invalid(f"{name}={value!r}.", allowed="a standard deviation above 0")
    return found


def _sample_sd(values: Floats, name: str) -> float:
    if np.ptp(values) == 0:
        raise CannotEstimate(
            f"The {name} scores of people with both scores do not vary, so they have no SD."
        )
    return float(np.std(values - values[0], ddof=1))


def _correlation(before: Floats, after: Floats) -> float:
    x, y = before - accurate_mean(before), after - accurate_mean(after)
    return float(x @ y) / sqrt(float(x @ x) * float(y @ y))


def _norm(given: Any, name: str, sign: float) -> Norm | None:
    if given is None:
        return None
    if not isinstance(given, tuple | list | np.ndarray) or len(given) != 2:
        raise invalid(f"{name}={given!r}.", allowed="(mean, standard deviation)")
    mean = _number(given[0], f"the mean of {name}", "a number")
    return sign * mean, _sd(given[1], f"the SD of {name}")


def _norms(
    clinical: Any, functional: Any, cutoff: Any, before: Floats, sign: float
) -> tuple[Norm | None, Norm | None]:
    """Return the populations (higher is better), the sample's first scores by default."""
    sick, well = _norm(clinical, "clinical", sign), _norm(functional, "functional", sign)
    if cutoff is None and (sick or well):
        raise invalid(
            "clinical or functional is given without a cutoff, so nothing would use it.",
            allowed=", ".join(CUTOFFS) + " or a number",
            next_step='With both populations cutoff="c" is usual.',
        )
    if cutoff in ("b", "c") and well is None:
        raise invalid(
            f"cutoff={cutoff!r} needs functional.",
            allowed="functional=(mean, SD) of people without the problem",
            next_step='Give it, or use cutoff="a", which needs the clinical group alone.',
        )
    if sick is None and cutoff in ("a", "c"):
        _check_pairs(len(before))
        sick = accurate_mean(before), _sample_sd(before, "pre")
    _check_order(sick, well, sign, "clinical" if clinical is not None else "pre")
    return sick, well


def _check_order(sick: Norm | None, well: Norm | None, sign: float, whose: str) -> None:
    if sick is None or well is None or well[0] > sick[0]:
        return
    raise invalid(
        f"the functional mean ({sign * well[0]:g}) is not on the better side of the mean of "
        f"{whose} ({sign * sick[0]:g}), with higher_is_better={sign > 0}.",
        allowed="a functional mean that is " + ("higher" if sign > 0 else "lower"),
        next_step="Check higher_is_better and the order of clinical and functional.",
    )


def _turned(norm: Norm | None, sign: float) -> Norm | None:
    return None if norm is None else (sign * norm[0] + 0.0, norm[1])


def _edge(
    cutoff: Any, sick: Norm | None, well: Norm | None, ruler: _Ruler | None, sign: float
) -> float | None:
    """Return the cut-off, higher is better; between true scores for hageman-arrindell."""
    if cutoff is None:
        return None
    if not isinstance(cutoff, str):
        allowed = f"{', '.join(CUTOFFS)} or a number"
        return sign * _number(cutoff, "cutoff", allowed)
    choice(cutoff, CUTOFFS, argument="cutoff")
    if ruler is not None and ruler.method == "hageman-arrindell":
        sick, well = _true(sick, ruler, "clinical"), _true(well, ruler, "functional")
    if sick is not None and cutoff == "a":
        return sick[0] + 2 * sick[1]
    if well is not None and cutoff == "b":
        return well[0] - 2 * well[1]
    assert sick is not None and well is not None
    return (sick[1] * well[0] + well[1] * sick[0]) / (sick[1] + well[1])


def _true(norm: Norm | None, ruler: _Ruler, whose: str) -> Norm | None:
    if norm is None:
        return None
    return norm[0], norm[1] * sqrt(ruler.true_share(norm[1], f"the {whose} group"))


def _moved(
    method: str,
    before: Floats,
    after: Floats,
    ruler: _Ruler | None,
    least: tuple[float | None, float | None],
) -> tuple[Floats, Floats, Bools, Bools]:
    """Return index and share (NaN where the method has none), and who improved, who got worse."""
    change, size = after - before, np.maximum(np.abs(before), np.abs(after))
    index = share = np.full(len(before), np.nan)
    better = worse = np.ones(len(before), dtype=bool)
    if ruler is not None:
        index = ruler.gap(before, after) / ruler.standard_error()
        better = _past(index, ruler.critical)
        worse = _past(-index, ruler.critical)
    if method == "percentage":
        share = np.divide(change, np.abs(before), out=share.copy(), where=before != 0)
        change = size = share
    up, down = least
    if up is not None and down is not None:
        better = better & _reaches(change, up, size)
        worse = worse & _reaches(-change, down, size)
    return index, share, better, worse


def _past(values: Floats, limit: float) -> Bools:
    """Return which values are above the limit by more than rounding."""
    return np.asarray(values - limit > HAIR * np.maximum(np.abs(values), abs(limit)), dtype=bool)


def _reaches(values: Floats, limit: float, size: Floats) -> Bools:
    """Return which values are at the limit or above it; size is that of the numbers subtracted."""
    hair = HAIR * np.maximum(np.abs(size), limit)
    return np.asarray(values - limit >= -hair, dtype=bool)


def _sides(before: Floats, edge: float | None) -> tuple[Bools, Bools] | None:
    """Return who started on the clinical side, and who on the functional."""
    if edge is None:
        return None
    functional = _past(before, edge)
    return ~functional, functional


def _crossed(
    before: Floats, after: Floats, edge: float | None, ruler: _Ruler | None
) -> tuple[Bools, Bools]:
    """Return who went past the cut-off, and who went back over it."""
    started = _sides(before, edge)
    if edge is None or started is None:
        nobody = np.zeros(len(before), dtype=bool)
        return nobody, nobody
    if ruler is not None and ruler.method == "hageman-arrindell":
        kept = ruler.true_share(ruler.sd_post, "post")
        true = ruler.mean_post + (after - ruler.mean_post) * kept
        index = (true - edge) / (sqrt(kept) * ruler.sem)
        over, under = _past(index, ruler.critical), _past(-index, ruler.critical)
    else:
        over = _past(after, edge)
        under = ~over
    return started[0] & over, started[1] & under


def _status(better: Bools, worse: Bools, crossed: tuple[Bools, Bools]) -> NDArray[Any]:
    status = np.full(len(better), "unchanged", dtype=object)
    status[better] = "improved"
    status[worse] = "deteriorated"
    status[better & crossed[0]] = "recovered"
    status[worse & crossed[1]] = "deteriorated-clinically"
    return status


def _possible(edge: float | None) -> tuple[str, ...]:
    return STATUSES[1:4] if edge is None else STATUSES


def _missing(first: Floats, second: Floats, defined: Bools) -> dict[str, Bools]:
    """Return who has no status, by the one reason why."""
    no_first, no_second = np.isnan(first), np.isnan(second)
    return {
        "no second score": no_second & ~no_first,
        "no first score": no_first & ~no_second,
        "neither score": no_first & no_second,
        "first score 0, so no share of it": ~(no_first | no_second | defined),
    }


def _spread(values: NDArray[Any], both: Bools) -> NDArray[Any]:
    """Return values of people with both scores in everybody's places."""
    whole = np.full(len(both), False if values.dtype == bool else np.nan, dtype=values.dtype)
    whole[both] = values
    return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Everybody's status, arm, reason for none, and whether they could recover or fall."""

    status: NDArray[Any]
    arms: NDArray[Any] | None
    level: float
    missing: dict[str, Bools]
    could: tuple[Bools, ...] | None

    def rates(self, wanted: dict[str, tuple[str, ...]]) -> Records[StatusRate]:
        """Return a rate for each arm in order of appearance, and each name in `wanted`."""
        everyone = np.ones(len(self.status), dtype=bool)
        groups = [(None, everyone)]
        if self.arms is not None:
            groups = _groups(self.arms)
        return Records(
            self._rate(arm, rows, name, kinds)
            for arm, rows in groups
            for name, kinds in wanted.items()
        )

    def _rate(self, arm: Any, rows: Bools, name: str, kinds: tuple[str, ...]) -> StatusRate:
        n = sum(int((self.status[rows] == kind).sum()) for kind in kinds)
        reasons = [int((rows & missing).sum()) for missing in self.missing.values()]
        used = int(rows.sum()) - sum(reasons)
        low, high = _wilson(n, used, self.level)
        return StatusRate(
            arm=arm,
            status=name,
            n=n,
            n_used=used,
            share=n / used if used else None,
            conf_low=low,
            conf_high=high,
            level=self.level,
            n_all=int(rows.sum()),
            n_both=used + reasons[3],
            n_undefined=reasons[3],
            n_no_second=reasons[0],
            n_no_first=reasons[1],
            n_neither=reasons[2],
            **self._among_those_who_could(rows, name, n),
        )

    def _among_those_who_could(self, rows: Bools, name: str, n: int) -> dict[str, Any]:
        places = {"recovered": 0, "deteriorated-clinically": 1}
        if self.could is None or name not in places:
            return {}
        used = ~np.logical_or.reduce(list(self.missing.values()))
        could = int((rows & used & self.could[places[name]]).sum())
        low, high = _wilson(n, could, self.level)
        share = n / could if could else None
        return {"n_could": could, "share_could": share, "could_low": low, "could_high": high}


def _groups(arms: NDArray[Any]) -> list[tuple[Any, Bools]]:
    import pandas as pd

    codes, labels = pd.factorize(arms, use_na_sentinel=True)
    found: list[tuple[Any, Bools]] = [(arm, codes == k) for k, arm in enumerate(labels)]
    return [*found, (None, codes == -1)] if np.any(codes == -1) else found


def _wilson(n: int, of: int, level: float) -> tuple[float | None, float | None]:
    """Return the score interval of a share (Wilson 1927); exactly 0 or 1 at the ends."""
    from scipy.stats import norm

    if of == 0:
        return None, None
    z = float(norm.ppf(0.5 + level / 2))
    share, whole = n / of, 1 + z**2 / of
    centre = share + z**2 / (2 * of)
    half = z * sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    low, high = (centre - half) / whole, (centre + half) / whole
    return (0.0 if n == 0 else low), (1.0 if n == of else high)
