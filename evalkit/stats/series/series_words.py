"""What is said of an interrupted series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.series.periods import named

if TYPE_CHECKING:
    from evalkit.stats.series.serial import Autoregression
    from evalkit.stats.series.series_rows import SeriesRows

FEW = 8
BETTER = 12
SHORT = 150


def method_words(
    rows: SeriesRows, lags: int, correction: bool, automatic: bool, extra: list[str], log: bool
) -> str:
    """Return the sentence that names the method."""
    what = "the series" if rows.compared is None else "the series less the comparison series"
    if log:
        what = f"the logarithm of {what}" if rows.compared is None else (
            "the logarithm of the series less that of the comparison series"
        )  # fmt: skip
    how = "automatic, floor(4 (n / 100)^(2/9))" if automatic else "as asked"
    text = f"Least squares of {what} on time, level and slope from the start"
    text += f", {', '.join(extra)}" if extra else ""
    small = "times n / (n - p)" if correction else "without small-sample correction"
    return (
        f"{text}; Newey-West standard errors (Bartlett) with {lags} lags ({how}), {small}; t with "
        f"n - p."
    )


def sentence(numbers: dict[str, float], rows: SeriesRows, level: float, log: bool) -> str:
    """Return the mean effect in words."""
    per_cent = f"{100 * level:g}%"
    middle, low, high = (numbers[name] for name in ("estimate", "conf_low", "conf_high"))
    count = int(rows.after.sum())
    if log:
        middle, low, high = (100 * float(np.expm1(x)) for x in (middle, low, high))
    unit = "%" if log else ""
    than = "than its course before the start would give"
    if rows.compared is not None:
        than = "than its course before the start and the comparison series would give"
    side = "higher" if middle >= 0 else "lower"
    return (
        f"Over the {count} periods from the start the series was on average {abs(middle):.3g}{unit} "
        f"{side} {than} ({per_cent} interval {low:.3g}{unit} to {high:.3g}{unit})."
    )


def notes(
    rows: SeriesRows,
    box_p: float,
    check: Autoregression | None,
    change: tuple[float, float],
    log: bool,
    between: bool,
) -> list[str]:
    """Return what limits a reading; `change` is the level with its Newey-West standard error."""
    found = []
    before, after = int((~rows.after).sum()), int(rows.after.sum())
    if min(before, after) < BETTER:
        few = "too few to rely on" if min(before, after) < FEW else "few"
        found.append(
            f"{before} periods before the start and {after} from it on are {few}: 8 to 12 are "
            "wanted on each side"
        )
    if len(rows.gaps):
        found.append(
            f"{len(rows.gaps)} period(s) inside the series have no value and were left out: "
            f"{named(rows.periods, rows.gaps)}"
        )
    if between:
        found.append("The start lies between two periods: the effect is counted from the next one")
    found += _correlated(rows, box_p, check, change)
    found.append(
        "Whatever else changed at the start is in the effect"
        if rows.compared is None
        else "It rests on both series moving alike without the programme"
    )
    if log:
        found.append("Effects are ratios; the counterfactual is a median, not a mean")
    return found


def _correlated(
    rows: SeriesRows, box_p: float, check: Any, change: tuple[float, float]
) -> list[str]:
    found = []
    if len(rows.places) < SHORT:
        seen = ", and residuals are correlated" if box_p < 0.05 else ""
        found.append(
            f"The series is short (below {SHORT} periods){seen}: Newey-West intervals are too "
            "narrow (95% ones hold the change of level in about 80 to 87 of 100 made series); "
            "read the autoregression beside them"
        )
    if check is None:
        return [*found, "The autoregression had no solution: it cannot serve as a check"]
    level, error = float(check.coefficients[2]), float(np.sqrt(check.vcov[2, 2]))
    if abs(level - change[0]) > max(error, change[1]) or error > 1.5 * change[1]:
        found.append(
            f"The autoregression has the change of level at {level:.3g} (standard error "
            f"{error:.3g}) against {change[0]:.3g} ({change[1]:.3g}): the interval depends on how "
            "correlation is dealt with"
        )
    return found
