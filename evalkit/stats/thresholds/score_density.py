"""Whether people crowd on one side of a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.results import Record
from evalkit.stats.thresholds.bandwidths import REPEATED
from evalkit.stats.thresholds.local_polynomial import smoother

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SURE = 0.05
NEAREST = 20  # people on each side at least, counted in the binomial test


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityCheck(Record):
    """Whether the density of the score jumps at the cut-off (McCrary 2008).

    `estimate` is the log of the density on the treated side over that on the other; `bin_width`
    and `bandwidth` are what it was computed with. `binomial_p_value` tests that of the
    `binomial_n` people nearest the cut-off half are on each side. `passed` is whether the p-value of
    the jump is .05 or more, or where that cannot be computed that of the binomial test.
    """

    estimate: float | None
    std_error: float | None
    p_value: float | None
    density_treatment: float | None
    density_comparison: float | None
    bin_width: float
    bandwidth: float | None
    binomial_n: int
    binomial_treatment: int
    binomial_p_value: float
    passed: bool
    sentence: str


def density_jump(
    distance: Floats, *, bin_width: float | None = None, bandwidth: float | None = None
) -> DensityCheck:
    """Return the test of a jump in the density of `distance` at 0, and the binomial test.

    Counts in bins of width 2 sd n^(-1/2) (where scores repeat, rounded up to a multiple of the least
    gap between them), none across 0, are smoothed on each side by a local
    line with a triangular kernel; the log difference has variance 24/5 (1/f+ + 1/f-) / (n h). The
    bandwidth is the mean of the two sides' rules of thumb from a fourth-order polynomial
    (McCrary 2008, Journal of Econometrics 142:698-714). The binomial test counts the people in the
    narrowest window that holds 20 on each side.
    """
    width = bin_width or _bin_width(distance)
    middle, height = _binned(distance, width)
    found = bandwidth or _rule_of_thumb(middle, height)
    sides = [None if found is None else _density(middle, height, found, up) for up in (True, False)]
    near, upper, binomial = _binomial(distance)
    numbers: dict[str, float | None] = dict.fromkeys(("estimate", "std_error", "p_value"))
    if found is not None and sides[0] is not None and sides[1] is not None:
        numbers = _jump(sides[0], sides[1], len(distance), found)
    jump = numbers["p_value"]
    passed = (binomial if jump is None else jump) >= SURE
    return DensityCheck(
        **numbers,
        density_treatment=sides[0],
        density_comparison=sides[1],
        bin_width=width,
        bandwidth=found,
        binomial_n=near,
        binomial_treatment=upper,
        binomial_p_value=binomial,
        passed=passed,
        sentence=_sentence(numbers["p_value"], near, upper, binomial, passed),
    )


def _bin_width(distance: Floats) -> float:
    """Return the width of bins; where scores repeat each holds as many values of the score."""
    width = float(2 * np.std(distance, ddof=1) * len(distance) ** -0.5)
    values = np.unique(np.round(distance, 9))
    if 1 - len(values) / len(distance) < REPEATED:
        return width
    gap = float(np.diff(values).min())
    return float(np.ceil(width / gap - 1e-9) * gap)


def _binned(distance: Floats, width: float) -> tuple[Floats, Floats]:
    """Return the middles of the bins over the range and the density in each."""
    places = np.floor(distance / width + 1e-9).astype(np.int64)
    first = int(places.min())
    counts = np.bincount(places - first).astype(float)
    middle: Floats = np.asarray((np.arange(len(counts)) + first + 0.5) * width)
    return middle, counts / (len(distance) * width)


def _rule_of_thumb(middle: Floats, height: Floats) -> float | None:
    widths = []
    for side in (middle > 0, middle < 0):
        x, y = middle[side], height[side]
        if len(x) < 7:
            return None
        scale = float(np.max(np.abs(x)))
        powers = np.vander(x / scale, 5, increasing=True)
        beta = np.linalg.lstsq(powers, y, rcond=None)[0]
        error = float(np.sum((y - powers @ beta) ** 2)) / (len(x) - 5)
        z = x / scale
        bend = (2 * beta[2] + 6 * beta[3] * z + 12 * beta[4] * z**2) / scale**2
        roughness = float(np.sum(bend**2))
        if not (roughness > 0 and error > 0):
            return None
        widths.append(3.348 * (error * scale / roughness) ** 0.2)
    return float(np.mean(widths))


def _density(middle: Floats, height: Floats, bandwidth: float, up: bool) -> float | None:
    side = middle > 0 if up else middle < 0
    if np.sum(np.abs(middle[side]) < bandwidth) < 2:
        return None
    found = float(smoother(middle[side], bandwidth, "triangular", 1)[0] @ height[side])
    return found if found > 0 else None


def _jump(up: float, down: float, rows: int, bandwidth: float) -> dict[str, float | None]:
    from scipy.stats import norm

    estimate = float(np.log(up) - np.log(down))
    error = float(np.sqrt(24 / 5 * (1 / up + 1 / down) / (rows * bandwidth)))
    p_value = float(2 * norm.sf(abs(estimate / error)))
    return {"estimate": estimate, "std_error": error, "p_value": p_value}


def _binomial(distance: Floats) -> tuple[int, int, float]:
    from scipy.stats import binomtest

    above, below = np.sort(distance[distance >= 0]), np.sort(-distance[distance < 0])
    wanted = min(NEAREST, len(above), len(below))
    width = max(above[wanted - 1], below[wanted - 1])
    upper, lower = int(np.sum(above <= width)), int(np.sum(below <= width))
    return upper + lower, upper, float(binomtest(upper, upper + lower).pvalue)


def _sentence(p_value: float | None, near: int, upper: int, binomial: float, passed: bool) -> str:
    word = "show no crowding" if passed else "crowd on one side: people may have been placed there"
    test = "not computed" if p_value is None else f"p = {p_value:.3f}"
    return (
        f"Scores around the cut-off {word} (jump in density {test}; {upper} of the {near} nearest "
        f"on the treated side, p = {binomial:.3f})."
    )
