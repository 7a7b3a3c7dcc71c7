"""Risk sets of the partial likelihood: its value, derivatives and residuals, ties after Efron.

At a time with d tied events Efron's likelihood has d terms, the k-th (k = 0, ..., d - 1) with the
tied people counted 1 - k/d times among those at risk; Breslow's counts them in full each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class RiskSets:
    """Rows in order of stratum and time, and the terms of the likelihood.

    `first` is for each moment with events the first row at risk and `last` one past its stratum's
    last row; `died` holds the rows with an event and `moment` the moment of each. `term` is the
    moment of each term and `share` its k/d (0 with Breslow's ties). `reached` counts for each row
    the terms up to its time, counted from the first stratum, and `before` those of earlier strata.
    """

    order: Codes
    time: Floats
    first: Codes
    last: Codes
    died: Codes
    moment: Codes
    term: Codes
    share: Floats
    reached: Codes
    before: Codes

    def sums(self, values: Floats) -> tuple[Floats, Floats]:
        """Return sums over those at risk at each moment, and over those with the event then."""
        back = np.concatenate([values, np.zeros((1, *values.shape[1:]))])[::-1].cumsum(axis=0)[::-1]
        tied = np.zeros((len(self.first), *values.shape[1:]))
        np.add.at(tied, self.moment, values[self.died])
        return back[self.first] - back[self.last], tied

    def at_terms(self, values: Floats) -> Floats:
        """Return for each term the sum over those at risk, the tied counted 1 - k/d times."""
        risk, tied = self.sums(values)
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        found: Floats = risk[self.term] - share * tied[self.term]
        return found

    def at_rows(self, values: Floats) -> Floats:
        """Return for each row the sum of values of terms while it was at risk, as counted there."""
        running = np.concatenate([np.zeros((1, *values.shape[1:])), values]).cumsum(axis=0)
        found: Floats = running[self.reached] - running[self.before]
        share = self.share.reshape(-1, *[1] * (values.ndim - 1))
        np.subtract.at(found, self.died, self.per_moment(share * values)[self.moment])
        return found

    def per_moment(self, values: Floats) -> Floats:
        """Return sums of values of terms at each moment."""
        total = np.zeros((len(self.first), *values.shape[1:]))
        np.add.at(total, self.term, values)
        return total


def risk_sets(time: Floats, seen: Bools, strata: Codes | None, ties: str = "efron") -> RiskSets:
    """Return the risk sets; `strata` are codes, whose risk sets are kept apart."""
    groups = np.zeros(len(time), dtype=np.intp) if strata is None else strata
    order = np.lexsort((time, groups))
    when, group, event = time[order], groups[order], seen[order]
    new = np.append(True, (np.diff(when) != 0) | (np.diff(group) != 0))
    block = np.cumsum(new) - 1  # rows of one stratum and time
    died = np.flatnonzero(event)
    blocks, moment, counts = np.unique(block[died], return_inverse=True, return_counts=True)
    first = np.flatnonzero(new)[blocks]
    term = np.repeat(np.arange(len(first)), counts)
    starts = np.cumsum(counts) - counts
    share = (np.arange(len(term)) - starts[term]) / counts[term]
    upto = np.append(0, np.cumsum(counts))
    return RiskSets(
        order=order,
        time=when,
        first=first,
        last=np.searchsorted(group, group[first], side="right"),
        died=died,
        moment=moment,
        term=term,
        share=share if ties == "efron" else np.zeros(len(term)),
        reached=upto[np.searchsorted(blocks, block, side="right")],
        before=upto[np.searchsorted(group[first], group, side="left")],
    )


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """The partial likelihood at one linear predictor: its terms' weights and weighted means."""

    sets: RiskSets
    matrix: Floats
    risk: Floats
    log_likelihood: float
    inverse: Floats  # one over each term's sum of risks
    means: Floats  # terms by columns

    @property
    def gradient(self) -> Floats:
        """The derivative of the log likelihood."""
        found: Floats = self.matrix[self.sets.died].sum(axis=0) - self.means.sum(axis=0)
        return found

    def information(self, weights: Floats | None = None) -> Floats:
        """Return the sum over terms of the covariance among those at risk, weighted."""
        w = np.ones(len(self.inverse)) if weights is None else weights
        held = self.risk * self.sets.at_rows(w * self.inverse)
        found: Floats = self.matrix.T @ (self.matrix * held[:, None])
        found -= self.means.T @ (self.means * w[:, None])
        return found

    def schoenfeld(self, weights: Floats) -> Floats:
        """Return the sum over events of weight times (own value less the mean at risk)."""
        sets = self.sets
        counts = sets.per_moment(np.ones(len(sets.term)))
        own = sets.sums(self.matrix)[1] * (sets.per_moment(weights) / counts)[:, None]
        found: Floats = own.sum(axis=0) - weights @ self.means
        return found

    def scores(self) -> Floats:
        """Return the score residuals, rows by columns, in the order the data came in."""
        sets = self.sets
        held = sets.at_rows(self.inverse)
        drift = sets.at_rows(self.inverse[:, None] * self.means)
        found = -self.risk[:, None] * (self.matrix * held[:, None] - drift)
        counts = sets.per_moment(np.ones(len(sets.term)))
        mean = sets.per_moment(self.means) / counts[:, None]
        found[sets.died] += self.matrix[sets.died] - mean[sets.moment]
        back = np.empty_like(found)
        back[sets.order] = found
        return back


def moments(sets: RiskSets, matrix: Floats, coefficients: Floats) -> Moments:
    """Return the partial likelihood at the coefficients; `matrix` is in the order of the sets."""
    eta = matrix @ coefficients
    top = float(eta.max())  # cancels, and keeps exp in range
    risk = np.exp(eta - top)
    total = sets.at_terms(risk)
    means = sets.at_terms(risk[:, None] * matrix) / total[:, None]
    value = float((eta[sets.died] - top).sum() - np.log(total).sum())
    return Moments(sets, matrix, risk, value, 1 / total, means)
