"""What units are matched on: the score, its caliper, and covariates made comparable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.matching.candidates import Side, whitened
from evalkit.stats.matching.match_units import Units
from evalkit.stats.matching.propensity import ScoreModel, propensity, usable_columns
from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

CALIPER_SCALES = ("logit-pooled", "score", "raw")


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The score of each unit, the values that sort it, whitened covariates, and the caliper.

    `shown` is the score that is reported (None without one); `gauge` holds what the caliper is
    measured on, `width` its half width and `on` its name.
    """

    key: Floats
    score: Floats
    shown: Floats | None
    points: Floats | None
    gauge: Floats
    width: float | None
    on: str | None
    model: ScoreModel | None
    notes: tuple[str, ...]

    def side(self, members: Codes, stratum: Codes) -> Side:
        """Return one arm, ready to be matched."""
        return Side(
            stratum=stratum[members],
            key=self.key[members],
            score=self.score[members],
            gauge=self.gauge[members],
            points=None if self.points is None else self.points[members],
        )


def scores(
    units: Units,
    *,
    distance: str,
    link: str,
    with_score: bool,
    caliper: float | None,
    caliper_scale: str,
) -> Scores:
    """Return what the units are matched on; `with_score` fits one beside a Mahalanobis distance."""
    columns = [(c.label, c.values) for c in units.covariates if c.level != 0]
    notes: tuple[str, ...] = ()
    model, points, shown = None, None, units.score
    if distance == "mahalanobis":
        kept, notes = usable_columns(columns)
        points = whitened(np.column_stack([values for _, values in kept]), units.treated)
    if units.score is not None:
        key = score = units.score
        if np.ptp(score) == 0:
            raise CannotEstimate(
                f"'{distance}' has one value among the units: nothing to match on."
            )
    elif points is None or with_score:
        fitted = propensity(columns, units.treated, link=link)
        model, key = fitted.model, fitted.log_odds
        notes = tuple(dict.fromkeys([*notes, *model.notes]))
        shown = score = key if distance == "logit" else fitted.chance
    else:
        key = score = np.zeros(len(units.treated))
    gauge, width, on = _caliper(score, key, units, caliper, caliper_scale, model is not None)
    return Scores(key, score, shown, points, gauge, width, on, model, notes)


def _caliper(
    score: Floats, log_odds: Floats, units: Units, caliper: float | None, scale: str, fitted: bool
) -> tuple[Floats, float | None, str | None]:
    if caliper is None:
        return score, None, None
    if scale == "raw":
        return score, caliper, "score"
    if scale == "score":
        return score, caliper * float(np.std(score, ddof=1)), "score"
    gauge = log_odds
    if not fitted:
        if score.min() <= 0 or score.max() >= 1:
            raise invalid(
                "caliper_scale='logit-pooled' needs a score between 0 and 1, and the column given "
                f"as a distance runs from {score.min():g} to {score.max():g}.",
                allowed='caliper_scale="score" (SDs of the score) or "raw" (its own units)',
            )
        gauge = np.log(score) - np.log1p(-score)
    return gauge, caliper * pooled_sd(gauge, units.treated), "log odds"


def pooled_sd(values: Floats, treated: Floats) -> float:
    """Return the root of the mean of both arms' variances (Austin 2011, Pharm Stat 10:150-161)."""
    variances = [np.var(values[treated == arm], ddof=1) for arm in (0, 1)]
    return float(np.sqrt(np.mean(variances)))


def overlap(score: Floats, treated: Floats, estimand: str) -> float:
    """Return the share of those the estimand is about within the range of the other arm's score."""
    shares, sizes = [], []
    for arm in {"ATT": (1.0,), "ATC": (0.0,), "ATE": (0.0, 1.0)}[estimand]:
        mine, other = score[treated == arm], score[treated != arm]
        inside = (mine >= other.min()) & (mine <= other.max())
        shares.append(inside.sum())
        sizes.append(len(mine))
    return float(sum(shares) / sum(sizes))


def overlap_notes(share: float, focal: str) -> Sequence[str]:
    """Return the statement that limits what can be claimed where the arms do not overlap."""
    if share == 1:
        return ()
    if share == 0:
        return (
            "No overlap: no score of one arm lies within the range of the other's, so nobody is "
            "compared with somebody alike and differences cannot be put down to the programme.",
        )
    return (
        f"{1 - share:.1%} of {focal} have a score outside the range of the other arm's: for them "
        "there is nobody alike.",
    )
