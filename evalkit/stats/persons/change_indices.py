"""What a person's change is measured with: the indices of reliable change and their parts."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import invalid
from evalkit.stats.sizes.effect_sizes import accurate_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

INDICES = (
    *("jacobson-truax", "gulliksen-lord-novick", "hsu-linn-lord", "edwards-nunnally"),
    *("nunnally-kotsch", "hageman-arrindell"),
)
PUBLISHED = 1.65  # the critical value of Hageman and Arrindell (1999) at 95%
HAIR = 1e-9  # values closer than this, relative to their size, are the same value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruler:
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
        shared = self.correlation * self.sd_pre * self.sd_post
        spread = self.sd_pre**2 + self.sd_post**2 - 2 * shared
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


def read_ruler(
    method: str,
    before: Floats,
    after: Floats,
    reliability: Any,
    reliability_post: Any,
    sd: Any,
    level: float,
) -> Ruler | None:
    """Return what the index is made of; None for percentage and anchor."""
    from scipy.stats import norm

    if method not in INDICES:
        return None
    second = method == "nunnally-kotsch"
    r = _reliability(reliability, "reliability", method)
    r_post = _reliability(reliability_post, "reliability_post", method) if second else None
    given = None if sd is None else read_sd(sd, "sd")
    if given is None or method != "jacobson-truax":
        check_pairs(len(before))
    one_sided = PUBLISHED if level == 0.95 else float(norm.ppf(level))
    hageman = method == "hageman-arrindell"
    return Ruler(
        method=method,
        critical=one_sided if hageman else float(norm.ppf(0.5 + level / 2)),
        sd=sample_sd(before, "pre") if given is None else given,
        reliability=r,
        reliability_post=r_post,
        mean_pre=accurate_mean(before) if len(before) else np.nan,
        mean_post=accurate_mean(after) if len(after) else np.nan,
        sd_pre=sample_sd(before, "pre") if hageman else np.nan,
        sd_post=sample_sd(after, "post") if hageman else np.nan,
        correlation=_correlation(before, after) if hageman else np.nan,
    )


def _reliability(value: Any, name: str, method: str) -> float:
    if value is None:
        raise invalid(
            f"method={method!r} needs {name}.",
            allowed="a number between 0 and 1",
            next_step="Take it from the measure's manual (test-retest or internal consistency).",
        )
    found = number(value, name, "a number between 0 and 1")
    if not 0 < found < 1:
        raise invalid(f"{name}={value!r}.", allowed="a number between 0 and 1, such as 0.85")
    return found


def number(value: Any, name: str, allowed: str) -> float:
    """Return a finite number; anything else is refused."""
    truth = isinstance(value, bool | np.bool_)
    if truth or not isinstance(value, Real) or not isfinite(value):
        raise invalid(f"{name}={value!r}.", allowed=allowed)
    return float(value)


def read_sd(value: Any, name: str) -> float:
    """Return a standard deviation above 0."""
    found = number(value, name, "a number above 0")
    if found <= 0:
        raise invalid(f"{name}={value!r}.", allowed="a standard deviation above 0")
    return found


def check_pairs(pairs: int) -> None:
    """Refuse to form means and SDs from fewer than two people."""
    if pairs < 2:
        raise CannotEstimate(
            f"{pairs} of these people have both scores; at least 2 are needed for their mean and "
            "SD. With sd= (and clinical= for a cut-off) jacobson-truax needs no others."
        )


def sample_sd(values: Floats, name: str) -> float:
    """Return the SD (n - 1) of values that must vary."""
    sd = float(np.std(values - values[0], ddof=1))
    if sd == 0:
        raise CannotEstimate(
            f"The {name} scores of people with both scores do not vary, so they have no SD."
        )
    return sd


def _correlation(before: Floats, after: Floats) -> float:
    x, y = before - accurate_mean(before), after - accurate_mean(after)
    return float(x @ y) / sqrt(float(x @ x) * float(y @ y))


def past(values: Floats, limit: float) -> Bools:
    """Return which values are above the limit by more than rounding."""
    return np.asarray(values - limit > HAIR * np.maximum(np.abs(values), abs(limit)), dtype=bool)
