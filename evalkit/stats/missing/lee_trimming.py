"""Lee's trimming: the bounds of one cell, of cells together, and each row's influence on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.stats.missing.bound_rows import BoundRows

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_WHOLE = 1e-9  # a place this near to a whole number is that number


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """One arm of a cell: its rows, and the rows and values of those seen, in order of value."""

    rows: Codes
    seen: Codes
    values: Floats


@dataclass(frozen=True, slots=True)
class Kept:
    """The lowest outcomes kept: their mean, the cut, how many are kept and how many there were."""

    mean: float
    cut: float
    kept: float
    of: float


@dataclass(frozen=True, slots=True)
class CellBounds:
    """The bounds of one cell; `trimmed` is 1, 0 or None (equal rates), `keep` the share kept there.

    `weight` is the people who would have been seen in either arm: all of the cell times the lower
    rate. `sides` are what was kept of the trimmed arm, lowest and (of minus the outcome) highest.
    """

    lower: float
    upper: float
    trimmed: int | None
    keep: float
    weight: float
    assigned: tuple[float, float]
    seen: tuple[float, float]
    sides: tuple[Kept, Kept]

    @property
    def rates(self) -> tuple[float, float]:
        """The response rates of treatment and comparison."""
        return (self.seen[0] / self.assigned[0], self.seen[1] / self.assigned[1])


def cell_sides(rows: BoundRows) -> list[tuple[Side, Side]]:
    """Return treatment and comparison of each cell."""
    found = []
    for code in range(len(rows.cells)):
        pair = []
        for arm in (1.0, 0.0):
            place = np.flatnonzero((rows.cell == code) & (rows.arm == arm))
            seen = place[rows.seen[place]]
            seen = seen[np.argsort(rows.outcome[seen], kind="stable")]
            pair.append(Side(place, seen, rows.outcome[seen]))
        found.append((pair[0], pair[1]))
    return found


def keep_lowest(values: Floats, counts: Floats, share: float, trim: str) -> Kept:
    """Return the lowest `share` of sorted values that each occur so many times.

    "quantile" keeps what is not above the type-7 quantile; "fractional" keeps exactly the share,
    the value at the cut with the fraction of a person that is left.
    """
    running = np.cumsum(counts)
    total, origin = float(running[-1]), float(values[0])
    above = values - origin
    if trim == "quantile":
        cut = _quantile(above, running, share)
        last = int(np.searchsorted(above, cut, side="right"))
        kept = float(running[last - 1])
        return Kept(origin + float(counts[:last] @ above[:last]) / kept, origin + cut, kept, total)
    kept = _whole(share * total)
    last = int(np.searchsorted(running, kept * (1 - 1e-15)))
    rest = kept - (float(running[last - 1]) if last else 0.0)
    mean = (float(counts[:last] @ above[:last]) + rest * float(above[last])) / kept
    after = last + 1 if kept == running[last] and last + 1 < len(values) else last
    return Kept(origin + mean, float(values[last] + values[after]) / 2, kept, total)


def _whole(value: float) -> float:
    near = round(value)
    return float(near) if near and abs(value - near) <= _WHOLE * max(1.0, value) else value


def _quantile(values: Floats, running: Floats, share: float) -> float:
    """Return the type-7 quantile of sorted values whose counts add up to `running`."""
    place = _whole((float(running[-1]) - 1) * share)
    below = int(np.floor(place))
    above = min(below + 1, int(running[-1]) - 1)
    low, high = values[np.searchsorted(running, [below, above], side="right")]
    return float(low + (place - below) * (high - low))


def bound_cell(sides: tuple[Side, Side], counts: Floats | None, trim: str) -> CellBounds | None:
    """Return the bounds of a cell whose rows occur `counts` times (once each without).

    None where an arm has nobody assigned or nobody seen.
    """
    times = [np.ones(len(side.seen)) if counts is None else counts[side.seen] for side in sides]
    n = [float(len(s.rows) if counts is None else counts[s.rows].sum()) for s in sides]
    seen = [float(c.sum()) for c in times]
    if min(n) == 0 or min(seen) == 0:
        return None
    gap = seen[0] * n[1] - seen[1] * n[0]  # exact: counts
    trimmed = None if gap == 0 else 1 if gap > 0 else 0
    cut, whole = (1, 0) if trimmed == 0 else (0, 1)  # places among (treatment, comparison)
    keep = 1.0 if gap == 0 else (seen[whole] * n[cut]) / (n[whole] * seen[cut])
    low, high = both_ends(sides[cut].values, times[cut], keep, trim)
    mean = keep_lowest(sides[whole].values, times[whole], 1.0, "fractional").mean
    full = keep_lowest(sides[cut].values, times[cut], 1.0, "fractional").mean
    plain = full - mean if cut == 0 else mean - full
    ends = (low.mean - mean, -high.mean - mean) if cut == 0 else (mean + high.mean, mean - low.mean)
    if trimmed is None:
        ends = (plain, plain)
    return CellBounds(
        lower=ends[0],
        upper=ends[1],
        trimmed=trimmed,
        keep=keep,
        weight=sum(n) * seen[whole] / n[whole],
        assigned=(n[0], n[1]),
        seen=(seen[0], seen[1]),
        sides=(low, high),
    )


def both_ends(values: Floats, counts: Floats, share: float, trim: str) -> tuple[Kept, Kept]:
    """Return what is kept from below, and from above as the lowest of minus the values."""
    low = keep_lowest(values, counts, share, trim)
    return low, keep_lowest(-values[::-1], counts[::-1], share, trim)


def averaged(cells: Sequence[CellBounds]) -> tuple[float, float]:
    """Return the bounds averaged over the people who would have been seen in either arm."""
    weights = np.array([cell.weight for cell in cells])
    ends = np.array([(cell.lower, cell.upper) for cell in cells])
    lower, upper = ends[0] + weights @ (ends - ends[0]) / weights.sum()
    return float(lower), float(upper)


def influences(
    pairs: Sequence[tuple[Side, Side]], cells: Sequence[CellBounds], rows: int
) -> tuple[Floats, Floats]:
    """Return each row's influence on the lower and the upper bound (of fractional trimming).

    The derivative of the bounds in the weight of the row, over the sum of weights: trimmed mean,
    response rates (so the trimmed share is estimated, not known: Lee 2009, proposition 3), the mean
    of the other arm, and the cells' weights.
    """
    lower, upper = averaged(cells)
    total = sum(cell.weight for cell in cells)
    found = np.zeros((2, rows))
    for (treated, compared), cell in zip(pairs, cells, strict=True):
        everyone = sum(cell.assigned)
        rate = _rate_influence((treated, compared), cell, rows)
        own = np.zeros((2, rows))
        _add_means(own, (treated, compared), cell)
        ends = np.array([[cell.lower - lower], [cell.upper - upper]])
        inside = np.concatenate([treated.rows, compared.rows])
        found += (cell.weight * own + ends * everyone * rate) / total
        found[:, inside] += ends * cell.weight / everyone / total
    return found[0], found[1]


def _rate_influence(sides: tuple[Side, Side], cell: CellBounds, rows: int) -> Floats:
    """Return the influence on the lower response rate; of both arms' halves where they are equal."""
    found = np.zeros(rows)
    lowest = (0, 1) if cell.trimmed is None else (1,) if cell.trimmed == 1 else (0,)
    for place in lowest:
        found += relative_rate(sides[place], rows) * cell.rates[place] / len(lowest)
    return found


def relative_rate(side: Side, rows: int) -> Floats:
    """Return the influence on the logarithm of an arm's response rate."""
    found = np.zeros(rows)
    found[side.rows] = -1 / len(side.rows)
    found[side.seen] += 1 / len(side.seen)
    return found


def _add_means(own: Floats, sides: tuple[Side, Side], cell: CellBounds) -> None:
    """Add the influences on the cell's own bounds, lower and upper, to `own`."""
    rows = own.shape[1]
    cut, whole = (1, 0) if cell.trimmed == 0 else (0, 1)
    sign = 1.0 if cut == 0 else -1.0
    trimmed, other = sides[cut], sides[whole]
    rest = np.zeros(rows)
    rest[other.seen] = (other.values - other.values.mean()) / len(other.seen)
    ratio = relative_rate(trimmed, rows) - relative_rate(other, rows)
    ones = np.ones(len(trimmed.seen))
    low, high = both_ends(trimmed.values, ones, cell.keep, "fractional")
    for place, end, values in ((0, low, trimmed.values), (1, high, -trimmed.values)):
        room = end.cut - end.mean
        mean = np.zeros(rows)
        mean[trimmed.seen] = room / len(ones) + np.minimum(values - end.cut, 0) / (
            cell.keep * len(ones)
        )
        if cell.trimmed is not None:
            mean -= room * ratio
        own[place if cut == 0 else 1 - place] += sign * ((mean if place == 0 else -mean) - rest)
