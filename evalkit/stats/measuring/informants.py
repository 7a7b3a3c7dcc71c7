"""Two informants on the same people: how far they agree, and in which direction they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.rounding import written
from evalkit.stats.measuring.intraclass import form, mean_squares
from evalkit.stats.measuring.kappas import kappa, kappa_fields, shares
from evalkit.stats.measuring.paired import Agreement, Pairs, difference, limits_in, paired, span
from evalkit.stats.measuring.stability import correlations, notes_on
from evalkit.stats.measuring.yes_no import BinaryAgreement, binary_agreement
from evalkit.stats.shared.columns import check_level, choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdinalAgreement(Agreement):
    """Agreement of two informants on ordered codes.

    `kappa` counts every difference alike, `linear` by its size, `quadratic` by its square, each
    with its Fleiss-Cohen-Everitt standard error and interval. `observed` is the share of pairs
    with the same answer; `a_higher` and `b_higher` are counts.
    """

    categories: int
    observed: float
    a_higher: int
    b_higher: int
    kappa: float
    kappa_std_error: float
    kappa_low: float
    kappa_high: float
    kappa_p: float | None
    linear: float
    linear_std_error: float
    linear_low: float
    linear_high: float
    linear_p: float | None
    quadratic: float
    quadratic_std_error: float
    quadratic_low: float
    quadratic_high: float
    quadratic_p: float | None

    @property
    def sentence(self) -> str:
        """Say in one sentence how far the two agree and who answers higher."""
        return (
            f"Of {self.n} pairs {written(100 * self.observed, 0)}% give the same answer (weighted "
            f"kappa {span(self.quadratic, self.quadratic_low, self.quadratic_high, self.level)}); "
            f"{self.a} answers higher in {self.a_higher} and {self.b} in {self.b_higher}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinuousAgreement(Agreement):
    """Agreement of two informants, or two methods, on a score.

    `mean_difference` is a minus b, with its t interval (`conf_low`, `conf_high`); limits of
    agreement with exact standard errors; ICC(A,1) and ICC(C,1) with F intervals; `pearson` with
    Fisher's interval; `concordance` is Lin's, with the interval of its z transform. Correlations
    are None where one informant's scores do not vary. Limits are None where none can be formed.
    """

    mean_a: float
    mean_b: float
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
    icc_agreement: float
    icc_agreement_low: float | None
    icc_agreement_high: float | None
    icc_consistency: float
    icc_consistency_low: float | None
    icc_consistency_high: float | None
    pearson: float | None
    pearson_low: float | None
    pearson_high: float | None
    concordance: float
    concordance_low: float | None
    concordance_high: float | None

    @property
    def sentence(self) -> str:
        """Say in one sentence how far the two agree and who scores higher."""
        way = "higher" if self.mean_difference >= 0 else "lower"
        ends = sorted((self.conf_low, self.conf_high))
        return (
            f"In {self.n} pairs {self.a} scores {written(abs(self.mean_difference), 2)} points {way} "
            f"than {self.b} on average (difference {self.level:.0%} interval {written(ends[0], 2)} "
            f"to {written(ends[1], 2)}); for {self.level:.0%} of pairs the difference lies between "
            f"{written(self.lower_limit, 1)} and {written(self.upper_limit, 1)}, and the intraclass "
            f"correlation is "
            f"{span(self.icc_agreement, self.icc_agreement_low, self.icc_agreement_high, self.level)}."
        )


def agreement(
    a: Any,
    b: Any,
    *,
    kind: str = "binary",
    names: tuple[str, str] = ("a", "b"),
    level: float = 0.95,
) -> BinaryAgreement | OrdinalAgreement | ContinuousAgreement:
    """Return how far two informants agree about the same people, and how they differ.

    Parameters
    ----------
    a, b : arrays of one length, one entry a pair, in the same order; pairs with a missing answer
        are left out and counted by who did not answer
    kind : "binary" (0 and 1, or true and false), "ordinal" (numbers in order; the distance
        between two answers is that between their numbers) or "continuous" (scores)
    names : what to call the two in words, as in ("the victim", "the partner")
    level : confidence level

    Returns
    -------
    BinaryAgreement, OrdinalAgreement or ContinuousAgreement
        Each has `.sentence`. Swapping a and b mirrors everything: symmetrical numbers stay,
        differences change sign, ratios turn over.

    Raises
    ------
    InvalidInput
        For arrays of different lengths, pandas series with different row labels, text, or codes
        that are not of the kind.
    CannotEstimate
        With fewer than three complete pairs, or answers that do not vary at all (ordinal,
        continuous).

    References
    ----------
    Fleiss, Cohen and Everitt (1969), Psychological Bulletin 72:323-327; Byrt, Bishop and Carlin
    (1993), Journal of Clinical Epidemiology 46:423-429; Gwet (2008), British Journal of
    Mathematical and Statistical Psychology 61:29-48; McNemar (1947), Psychometrika 12:153-157;
    Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33:2850-2875 (paired ratio);
    McGraw and Wong (1996), Psychological Methods 1:30-46; Bland and Altman (1999), Statistical
    Methods in Medical Research 8:135-160; Lin (1989), Biometrics 45:255-268, corrected 2000.
    """
    check_level(level)
    choice(kind, KINDS, argument="kind")
    pairs = paired(a, b, ("a", "b"))
    common = {
        "a": names[0],
        "b": names[1],
        "n": len(pairs.a),
        "n_rows": pairs.n_rows,
        "n_dropped": pairs.n_dropped,
        "dropped_why": pairs.dropped_why,
        "level": level,
    }
    found: BinaryAgreement | OrdinalAgreement | ContinuousAgreement
    found = KINDS[kind](pairs, level, common)
    return found


def _ordinal(pairs: Pairs, level: float, common: dict[str, Any]) -> OrdinalAgreement:
    values, table = shares(pairs.a, pairs.b)
    if len(values) < 2:
        raise CannotEstimate("Everyone gave the same answer, so kappa cannot be formed.")
    fields: dict[str, Any] = {}
    for name, weights in (("kappa", "none"), ("linear", "linear"), ("quadratic", "quadratic")):
        found = kappa(table, values, len(pairs.a), weights=weights, level=level)
        assert found is not None
        fields |= kappa_fields(name, found) | {f"{name}_p": found.p_value}
    same = bool(np.all(pairs.a == pairs.b))
    return OrdinalAgreement(
        categories=len(values),
        observed=float(np.trace(table)),
        a_higher=int((pairs.a > pairs.b).sum()),
        b_higher=int((pairs.b > pairs.a).sum()),
        method="Cohen's kappa, unweighted and with linear and quadratic weights by the distance "
        "between codes; Fleiss-Cohen-Everitt intervals.",
        notes=("Every pair agrees, so the intervals have no width and cannot be relied on.",)
        if same
        else (),
        **fields,
        **common,
    )


def _continuous(pairs: Pairs, level: float, common: dict[str, Any]) -> ContinuousAgreement:
    squares = mean_squares(np.column_stack([pairs.a, pairs.b]))
    two = form(squares, "ICC(A,1)", level), form(squares, "ICC(C,1)", level)
    return ContinuousAgreement(
        mean_a=float(np.mean(pairs.a)),
        mean_b=float(np.mean(pairs.b)),
        method="Limits of agreement with exact standard errors; two-way intraclass correlations "
        "of single scores with F intervals; Pearson's and Lin's coefficients with z intervals.",
        notes=notes_on(*two),
        **limits_in(difference(pairs.a - pairs.b, level)),
        **correlations(*two),
        **_correlated(pairs.a, pairs.b, level),
        **common,
    )


def _correlated(a: Floats, b: Floats, level: float) -> dict[str, Any]:
    """Return Pearson's r and Lin's concordance, each with the limits of its z transform."""
    from scipy.stats import norm

    n, z = len(a), float(norm.ppf(0.5 + level / 2))
    gap = float(np.mean(a - b))
    one, other = a - a.mean(), b - b.mean()
    squares, shared = (float(one @ one), float(other @ other)), float(one @ other)
    varies = np.ptp(a) > 0 and np.ptp(b) > 0
    whole = (squares[0] + squares[1]) / n + gap**2
    concordance = 2 * shared / n / whole if varies else 0.0
    if not varies:
        return _two_correlations(None, (None, None), concordance, (None, None))
    r = float(np.clip(shared / sqrt(squares[0] * squares[1]), -1, 1))
    shift = gap**2 / sqrt(squares[0] * squares[1] / n**2)
    return _two_correlations(
        r,
        _z_limits(r, z / sqrt(n - 3) if n > 3 else None),
        concordance,
        _z_limits(concordance, _lin_half(r, concordance, shift, n, z)),
    )


def _two_correlations(r: float | None, of_r: Any, lin: float, of_lin: Any) -> dict[str, Any]:
    return {
        "pearson": r,
        "pearson_low": of_r[0],
        "pearson_high": of_r[1],
        "concordance": lin,
        "concordance_low": of_lin[0],
        "concordance_high": of_lin[1],
    }


def _lin_half(r: float, lin: float, shift: float, n: int, z: float) -> float | None:
    """Return half the width of Lin's interval on the z scale (his standard error of 2000)."""
    if n < 4 or abs(r) < 1e-12 or abs(lin) >= 1:
        return None
    variance = (
        (1 - r**2) * lin**2 * (1 - lin**2) / r**2
        + 2 * lin**3 * (1 - lin) * shift / r
        - lin**4 * shift**2 / (2 * r**2)
    ) / (n - 2)
    return z * sqrt(variance) / (1 - lin**2) if variance > 0 else None


def _z_limits(value: float, half: float | None) -> tuple[float | None, float | None]:
    if half is None or abs(value) >= 1 - 1e-15:
        return None, None
    return tanh(atanh(value) - half), tanh(atanh(value) + half)


KINDS: dict[str, Callable[..., Any]] = {
    "binary": binary_agreement,
    "ordinal": _ordinal,
    "continuous": _continuous,
}
