"""Draws of means, covariance and missing waves from their posterior, by data augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate, NotConverged
from evalkit.stats.imputing.strategies import conditional_parts
from evalkit.stats.shared.analysed_rows import orthonormal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

FEWEST_CHAINS = 10  # fewer do not show whether they have come together
FIRST = 200  # iterations before the chains are compared for the first time
MOST = 6400  # ... before they are given up
TOGETHER = 1.1  # potential scale reduction (Gelman and Rubin 1992) taken as come together


@dataclass(frozen=True, slots=True, eq=False)
class WaveDraws:
    """One draw a chain: coefficients (chains, columns, waves), covariance, and waves filled in.

    `filled` is chains by people by waves. `iterations` were made in each chain; `reduction` is
    the largest potential scale reduction of any parameter over their second half.
    """

    coefficients: Floats
    covariance: Floats
    filled: Floats
    iterations: int
    reduction: float


def draw_waves(
    outcome: Floats, matrix: Floats, chains: int, rng: np.random.Generator, *, where: str = ""
) -> WaveDraws:
    """Draw from the posterior of a normal regression of all waves on `matrix`.

    Rows of `outcome` are normal around `matrix` times coefficients with an unstructured
    covariance; the prior is flat in the coefficients and |Sigma|^(-(waves + 1) / 2). Each chain
    starts from its own far-off filling of the gaps and alternates between drawing the covariance
    (inverse Wishart, rows - columns degrees of freedom), the coefficients and the missing values
    (Schafer 1997, Analysis of Incomplete Multivariate Data, chapter 5). The last iteration of each
    is the draw, so draws are independent of one another.

    Raises CannotEstimate where two waves were seen in too few of the same people or determine one
    another, and NotConverged where the chains have not come together after 6400 iterations.
    """
    _check_pairs(outcome, matrix.shape[1], where)
    centre = np.nanmean(outcome, axis=0)
    scale = np.nanstd(outcome, axis=0)
    if not np.all(scale > 0):
        raise CannotEstimate(_sentence(where, "the outcome of a wave does not vary."))
    sampler = _Sampler((outcome - centre) / scale, matrix, max(chains, FEWEST_CHAINS), rng)
    try:
        iterations, reduction = sampler.run()
    except np.linalg.LinAlgError:
        said = "the waves determine one another exactly, so their covariance cannot be estimated."
        raise CannotEstimate(_sentence(where, f"{said} Leave one of them out.")) from None
    coefficients = (sampler.back @ sampler.beta) * scale
    coefficients[:, 0] += centre
    return WaveDraws(
        coefficients=coefficients[:chains],
        covariance=(sampler.covariance * np.outer(scale, scale))[:chains],
        filled=np.where(np.isnan(outcome), sampler.filled * scale + centre, outcome)[:chains],
        iterations=iterations,
        reduction=reduction,
    )


def _sentence(where: str, said: str) -> str:
    return f"{where} {said}" if where else said[0].upper() + said[1:]


def _check_pairs(outcome: Floats, columns: int, where: str) -> None:
    seen = (~np.isnan(outcome)).astype(np.intp)
    fewest = int((seen.T @ seen).min())
    needed = columns + outcome.shape[1]
    if fewest < needed:
        said = (
            f"two of the waves were seen together in {fewest} people; at least {needed} are needed "
            f"for {columns} coefficients a wave and {outcome.shape[1]} waves. Use fewer covariates "
            "or waves."
        )
        raise CannotEstimate(_sentence(where, said))


class _Sampler:
    """Chains side by side: the first axis of every array numbers them."""

    def __init__(
        self, outcome: Floats, matrix: Floats, chains: int, rng: np.random.Generator
    ) -> None:
        self.basis, self.back = orthonormal(matrix)
        self.rng, self.chains, self.outcome = rng, chains, outcome
        people, waves = outcome.shape
        away = rng.standard_normal((chains, 1, waves))
        start = away + rng.standard_normal((chains, people, waves))
        self.filled = np.where(np.isnan(outcome), start, outcome)
        self.patterns = _patterns(np.isnan(outcome))
        self.spare = people - matrix.shape[1] - np.arange(waves)
        self.beta = self.covariance = np.empty(0)

    def run(self) -> tuple[int, float]:
        """Iterate until the chains have come together; return how often, and how closely."""
        past: list[Floats] = []
        target = FIRST
        while target <= MOST:
            while len(past) < target:
                past.append(self._iterate())
            reduction = _reduction(np.stack(past[target // 2 :]))
            if reduction < TOGETHER:
                return target, reduction
            target *= 2
        raise NotConverged(
            f"The draws had not settled after {MOST} iterations: too many values are missing for "
            "what is asked. Use fewer waves or covariates."
        )

    def _iterate(self) -> Floats:
        root = self._draw_parameters()
        mean = self.basis @ self.beta
        for rows, seen, missing in self.patterns:
            slopes, left = conditional_parts(self.covariance, seen, missing)
            known = self.outcome[np.ix_(rows, seen)] - mean[:, rows[:, None], seen]
            noise = self.rng.standard_normal((self.chains, len(rows), len(missing)))
            drawn = known @ np.swapaxes(slopes, 1, 2)
            drawn += noise @ np.swapaxes(np.linalg.cholesky(left), 1, 2)
            self.filled[:, rows[:, None], missing] = mean[:, rows[:, None], missing] + drawn
        places = np.tril_indices(root.shape[-1])
        flat = self.beta.reshape(self.chains, -1)
        return np.hstack([flat, self.covariance[:, places[0], places[1]]])

    def _draw_parameters(self) -> Floats:
        """Draw covariance and coefficients given complete waves; return a root of the first."""
        fitted = self.basis.T @ self.filled
        left = self.filled - self.basis @ fitted
        lower = np.linalg.cholesky(np.swapaxes(left, 1, 2) @ left)
        waves = lower.shape[-1]
        bartlett = np.tril(self.rng.standard_normal((self.chains, waves, waves)), -1)
        at = np.arange(waves)
        bartlett[:, at, at] = np.sqrt(self.rng.chisquare(self.spare, (self.chains, waves)))
        root = np.asarray(lower @ np.swapaxes(np.linalg.inv(bartlett), 1, 2), dtype=np.float64)
        self.covariance = root @ np.swapaxes(root, 1, 2)
        self.beta = fitted + self.rng.standard_normal(fitted.shape) @ np.swapaxes(root, 1, 2)
        return root


def _patterns(missing: Bools) -> list[tuple[Codes, Codes, Codes]]:
    """Return rows, observed and missing places of each pattern with anything missing."""
    kinds, code = np.unique(missing, axis=0, return_inverse=True)
    return [
        (np.flatnonzero(code.ravel() == k), np.flatnonzero(~kind), np.flatnonzero(kind))
        for k, kind in enumerate(kinds)
        if kind.any()
    ]


def _reduction(past: Floats) -> float:
    """Return the largest potential scale reduction over iterations by chains by parameters."""
    count = len(past)
    within = past.var(axis=0, ddof=1).mean(axis=0)
    between = past.mean(axis=0).var(axis=0, ddof=1)
    found = float(np.sqrt(np.max((count - 1) / count + between / within)))
    return found if np.isfinite(found) else float("inf")
