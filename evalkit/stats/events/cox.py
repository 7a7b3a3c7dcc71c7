"""Cox regression by maximum partial likelihood: strata, clusters, and a test of proportionality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.events.risk_sets import Moments, RiskSets, moments, risk_sets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

_EXTREME = 15.0  # range of log hazards that only a likelihood without a maximum reaches
_SETTLED = 1e-14  # what is left to gain of the log likelihood, a row
_STEPS = 60
_NOTHING = 1e-12  # information, an event, that is rounding only


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A Cox regression; `inverse` is that of the observed information.

    `vcov` is the same, or with clusters the sandwich of the sums of score residuals within
    clusters (Lin and Wei 1989), without a small-sample factor, as R's coxph(cluster=) has it;
    `influence` (clusters by names) is what each adds to the coefficients.
    """

    names: tuple[str, ...]
    coefficients: Floats
    inverse: Floats
    vcov: Floats
    log_likelihood: float
    influence: Floats | None
    at: Moments

    @property
    def n_clusters(self) -> int | None:
        """The number of clusters, None without any."""
        return None if self.influence is None else len(self.influence)

    def place(self, name: str) -> int:
        """Return the position of a coefficient."""
        return self.names.index(name)

    def effect(self, name: str) -> tuple[float, float]:
        """Return a coefficient and its standard error."""
        place = self.place(name)
        return float(self.coefficients[place]), float(np.sqrt(self.vcov[place, place]))

    def proportionality(self, name: str) -> tuple[float, float]:
        """Return the score test that a coefficient does not change with time: chi2(1) and p.

        Time is one less the Kaplan-Meier curve of everybody just before (Grambsch and Therneau
        1994; in full, with the information of all coefficients, as R's cox.zph from survival 3).
        """
        from scipy.stats import chi2

        sets, place = self.at.sets, self.place(name)
        clock = _clock(sets)
        inside = self.at.information()
        cross = self.at.information(clock)[place]
        gained = float(self.at.schoenfeld(clock)[place])
        square = float(self.at.information(clock**2)[place, place])
        room = square - float(cross @ np.linalg.solve(inside, cross))
        if not room > 1e-10 * max(square, 1e-300):
            return float("nan"), float("nan")  # events at one or two moments: no change to be seen
        statistic = gained**2 / room
        return statistic, float(chi2.sf(statistic, 1))


def _clock(sets: RiskSets) -> Floats:
    """Return for each term one less the curve of everybody just before it, centred on the events."""
    events = sets.time[sets.died]
    when = sets.time[sets.first][sets.term]
    at, counts = np.unique(events, return_counts=True)
    risk = len(sets.time) - np.searchsorted(np.sort(sets.time), at)
    curve = np.append(1.0, np.cumprod(1 - counts / risk))
    clock: Floats = 1 - curve[np.searchsorted(at, when)]
    clock -= clock.mean()
    return clock


def cox_fit(
    matrix: Floats,
    time: Floats,
    seen: Bools,
    names: Sequence[str],
    *,
    strata: Codes | None = None,
    cluster: Codes | None = None,
    ties: str = "efron",
) -> CoxFit:
    """Fit by maximum partial likelihood (Newton's steps).

    Parameters
    ----------
    matrix : array, rows by columns, without an intercept; columns are centred and scaled first, so
        that the fit does not depend on their units
    time, seen : arrays, one value a row: the time, and whether the event was seen
    names : the columns' names
    strata : codes from 0 of strata, each with its own baseline hazard, or None
    cluster : codes from 0 of clusters, or None
    ties : "efron", or "breslow"

    Raises
    ------
    CannotEstimate
        When a coefficient has no finite estimate, or nothing can be learnt of one.
    NotConverged
        When the steps do not settle.
    """
    scale = matrix.std(axis=0)
    columns = (matrix - matrix.mean(axis=0)) / scale
    sets = risk_sets(time, seen, strata, ties)
    columns = columns[sets.order]
    at, beta, inverse = _solve(sets, columns, names)
    vcov, influence, back = inverse, None, 1 / scale
    if cluster is not None:
        sums = np.zeros((int(cluster.max()) + 1, columns.shape[1]))
        np.add.at(sums, cluster, at.scores())
        influence = sums @ inverse
        vcov = influence.T @ influence
    return CoxFit(
        names=tuple(names),
        coefficients=beta * back,
        inverse=inverse * np.outer(back, back),
        vcov=vcov * np.outer(back, back),
        log_likelihood=at.log_likelihood,
        influence=None if influence is None else influence * back,
        at=at,
    )


def _solve(sets: RiskSets, columns: Floats, names: Sequence[str]) -> tuple[Moments, Floats, Floats]:
    """Return the likelihood at its maximum, the coefficients and the inverse information."""
    beta = np.zeros(columns.shape[1])
    at = moments(sets, columns, beta)
    for _ in range(_STEPS):
        inverse = _inverse(at, columns * beta, names)
        score = at.gradient
        if float(score @ inverse @ score) <= _SETTLED * (1 + len(columns)):
            _check_finite(columns * beta, beta / np.sqrt(np.diag(inverse)), names)
            beta = beta + inverse @ score  # what is left is squared once more
            at = moments(sets, columns, beta)
            return at, beta, _inverse(at, columns * beta, names)
        at, beta = _climb(at, beta, inverse @ score)
    raise NotConverged(
        f"The Cox regression did not settle in {_STEPS} steps, so it has no estimate. Leave out a "
        "covariate, such as one with a value at which nobody has the event; without any, use "
        "restricted_mean_difference."
    )


def _climb(at: Moments, beta: Floats, step: Floats) -> tuple[Moments, Floats]:
    """Take Newton's step, halved until the likelihood no longer falls."""
    size = 1.0
    while True:
        later = moments(at.sets, at.matrix, beta + size * step)
        slack = 1e-10 * (1 + abs(at.log_likelihood))
        if later.log_likelihood >= at.log_likelihood - slack or size < 1e-6:
            return later, beta + size * step
        size /= 2


def _inverse(at: Moments, parts: Floats, names: Sequence[str]) -> Floats:
    values, vectors = np.linalg.eigh(at.information())
    if values[0] > _NOTHING * max(values[-1], len(at.sets.died)):
        found: Floats = (vectors / values) @ vectors.T
        return found
    if np.ptp(parts) > 0:
        _check_finite(parts, np.zeros(len(names)), names)
    far = [name for name, x in zip(names, vectors[:, 0], strict=True) if abs(x) > 1e-4]
    raise CannotEstimate(
        f"Nothing can be learnt of {', '.join(map(repr, far))}: those at risk together when an "
        "event happens do not differ in it (within strata, where there are any). Leave it out, or "
        "merge strata; between arms use restricted_mean_difference."
    )


def _check_finite(parts: Floats, z: Floats, names: Sequence[str]) -> None:
    """Refuse coefficients that run away: far out, and with next to no information left."""
    away = (np.ptp(parts, axis=0) >= _EXTREME) & (np.abs(z) < 1)
    far = [name for name, gone in zip(names, away, strict=True) if gone]
    if far:
        raise CannotEstimate(
            f"The likelihood keeps rising with {', '.join(map(repr, far))}: at some value nobody "
            "has the event while others are at risk, so there is no finite estimate. Leave that "
            "column out or merge its categories; between arms use restricted_mean_difference."
        )
