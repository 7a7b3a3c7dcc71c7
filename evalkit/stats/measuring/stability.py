"""The same people measured twice without change between: test-retest reliability."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from evalkit.results import Record
from evalkit.rounding import written
from evalkit.stats.measuring.intraclass import Intraclass, MeanSquares, form, mean_squares
from evalkit.stats.measuring.paired import Pairs, difference, limits_in, paired, span
from evalkit.stats.shared.columns import check_level


@dataclass(frozen=True, slots=True, kw_only=True)
class Retest(Record):
    """Test-retest reliability and measurement error of one score.

    `icc_agreement` is ICC(A,1), which counts a shift of everyone as error; `icc_consistency` is
    ICC(C,1), which does not. The SEMs (standard errors of measurement) and the smallest changes
    of one person beyond measurement error at `level` go with them, in units of the score, as do
    `mean_difference` (second minus first) with its t interval (`conf_low`, `conf_high`) and the
    limits of agreement. Limits of an ICC are None where no interval can be formed.
    `n_rows` = `n` + `n_dropped`.
    """

    n: int
    n_rows: int
    n_dropped: int
    icc_agreement: float
    icc_agreement_low: float | None
    icc_agreement_high: float | None
    icc_consistency: float
    icc_consistency_low: float | None
    icc_consistency_high: float | None
    sem_agreement: float
    sem_consistency: float
    smallest_change_agreement: float
    smallest_change_consistency: float
    mean_first: float
    mean_second: float
    mean_difference: float
    sd_difference: float
    std_error: float
    conf_low: float
    conf_high: float
    p_value: float | None
    lower_limit: float
    upper_limit: float
    limit_std_error: float
    lower_limit_low: float
    lower_limit_high: float
    upper_limit_low: float
    upper_limit_high: float
    level: float
    method: str
    dropped_why: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Say in one sentence how stable the score is."""
        return (
            f"Among {self.n} people measured twice the intraclass correlation (agreement) is "
            f"{span(self.icc_agreement, self.icc_agreement_low, self.icc_agreement_high, self.level)}; the mean "
            f"moved by {written(self.mean_difference, 2)} points "
            f"({self.level:.0%} interval {written(self.conf_low, 2)} to "
            f"{written(self.conf_high, 2)}), and one person must change by more than "
            f"{written(self.smallest_change_agreement, 1)} points to be beyond measurement error."
        )


def retest(first: Any, second: Any, *, level: float = 0.95) -> Retest:
    """Return the test-retest reliability of a score from two occasions without change between.

    Parameters
    ----------
    first, second : arrays of one length, one entry a person, in the same order; pairs with a
        missing score are left out and counted
    level : confidence level

    Returns
    -------
    Retest
        sem_consistency = sqrt(mean square error) = SD of the differences / sqrt(2);
        sem_agreement = sqrt(mean square error + variance between occasions), that variance being
        (mean square of occasions - mean square error) / n, not below 0; the smallest change is
        z sqrt(2) SEM, z = 1.96 at level 0.95.

    Raises
    ------
    InvalidInput
        For arrays of different lengths, pandas series with different row labels, or text.
    CannotEstimate
        With fewer than three complete pairs, or scores that do not vary.

    References
    ----------
    McGraw and Wong (1996), Psychological Methods 1:30-46; de Vet, Terwee, Knol and Bouter (2006),
    Journal of Clinical Epidemiology 59:1033-1039; Bland and Altman (1999), Statistical Methods in
    Medical Research 8:135-160.
    """
    check_level(level)
    pairs = paired(first, second, ("first", "second"))
    squares = mean_squares(np.column_stack([pairs.a, pairs.b]))
    agreement, consistency = (form(squares, name, level) for name in ("ICC(A,1)", "ICC(C,1)"))
    return Retest(
        n=len(pairs.a),
        n_rows=pairs.n_rows,
        n_dropped=pairs.n_dropped,
        mean_first=float(np.mean(pairs.a)),
        mean_second=float(np.mean(pairs.b)),
        level=level,
        method="Two-way intraclass correlations of single scores with F intervals; t interval of "
        "the mean difference; limits of agreement with exact standard errors.",
        dropped_why=pairs.dropped_why,
        notes=notes_on(agreement, consistency),
        **_errors(squares, level),
        **correlations(agreement, consistency),
        **_shift(pairs, level),
    )


def _shift(pairs: Pairs, level: float) -> dict[str, Any]:
    return limits_in(difference(pairs.b - pairs.a, level))


def _errors(squares: MeanSquares, level: float) -> dict[str, float]:
    from scipy.stats import norm

    shift = max((squares.columns - squares.error) / squares.n, 0.0)
    consistency, agreement = sqrt(squares.error), sqrt(squares.error + shift)
    beyond = float(norm.ppf(0.5 + level / 2)) * sqrt(2)
    return {
        "sem_agreement": agreement,
        "sem_consistency": consistency,
        "smallest_change_agreement": beyond * agreement,
        "smallest_change_consistency": beyond * consistency,
    }


def correlations(agreement: Intraclass, consistency: Intraclass) -> dict[str, Any]:
    """Return two intraclass correlations as the fields that records of pairs share."""
    return {
        "icc_agreement": agreement.icc,
        "icc_agreement_low": agreement.conf_low,
        "icc_agreement_high": agreement.conf_high,
        "icc_consistency": consistency.icc,
        "icc_consistency_low": consistency.conf_low,
        "icc_consistency_high": consistency.conf_high,
    }


def notes_on(agreement: Intraclass, consistency: Intraclass) -> tuple[str, ...]:
    """Return what must be said beside the intraclass correlations."""
    if agreement.conf_low is None or consistency.conf_low is None:
        return ("The pairs agree without any error, so some intervals cannot be formed.",)
    return ()
