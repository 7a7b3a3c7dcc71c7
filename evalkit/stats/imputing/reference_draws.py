"""The waves of everybody filled in under each strategy, from one set of draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.asked_waves import label
from evalkit.stats.imputing.strategies import conditional_parts, strategy_profile
from evalkit.stats.imputing.wave_draws import WaveDraws, draw_waves
from evalkit.stats.imputing.wave_people import WavePeople
from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceDraws:
    """Draws of both arms' means (draws by people by waves) and covariances, and gaps filled in.

    `filled` holds everybody under MAR; `noise` the standard normals with which treated people are
    filled in after they are last seen, the same for every strategy.
    """

    people: WavePeople
    mean_treatment: Floats
    mean_reference: Floats
    covariance_treatment: Floats
    covariance_reference: Floats
    filled: Floats
    noise: Floats
    iterations: int
    reduction: float

    def outcomes(self, strategy: str, shift: Floats) -> Floats:
        """Return draws by people by waves; `shift` (one a wave) is added where treated are lost."""
        found = np.array(self.filled)
        last, waves = self.people.last, found.shape[-1]
        for place in np.unique(last[(self.people.arm == 1) & (last < waves - 1)]).tolist():
            rows = np.flatnonzero((self.people.arm == 1) & (last == place))
            self._fill(found, rows, place, strategy)
            found[:, rows, place + 1 :] += shift[place + 1 :]
        return found

    def _fill(self, found: Floats, rows: Codes, place: int, strategy: str) -> None:
        mean, covariance = strategy_profile(
            strategy,
            mean_treatment=self.mean_treatment[:, rows],
            mean_reference=self.mean_reference[:, rows],
            covariance_treatment=self.covariance_treatment,
            covariance_reference=self.covariance_reference,
            last=place if place >= 0 else None,
        )
        seen, later = np.arange(place + 1), np.arange(place + 1, found.shape[-1])
        slopes, left = conditional_parts(covariance, seen, later)
        known = found[:, rows][:, :, seen] - mean[:, :, seen]
        root = np.linalg.cholesky(left)
        drawn = mean[:, :, later] + known @ np.swapaxes(slopes, 1, 2)
        drawn += self.noise[:, rows][:, :, later] @ np.swapaxes(root, 1, 2)
        found[:, rows[:, None], later] = drawn


def draw_references(people: WavePeople, m: int, seed: int, covariance: str) -> ReferenceDraws:
    """Draw parameters and fill the gaps, with one covariance or each arm on its own."""
    model, last = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(model)
    noise = np.random.default_rng(last).standard_normal((m, *people.outcome.shape))
    if covariance == "common":
        return _common(people, draw_waves(people.outcome, people.matrix, m, rng), noise)
    return _by_arm(people, m, rng, noise)


def _common(people: WavePeople, draws: WaveDraws, noise: Floats) -> ReferenceDraws:
    design = np.array(people.matrix)
    means = []
    for arm in (1.0, 0.0):
        design[:, 1] = arm
        means.append(design @ draws.coefficients)
    return ReferenceDraws(
        people, means[0], means[1], draws.covariance, draws.covariance, draws.filled, noise,
        draws.iterations, draws.reduction,
    )  # fmt: skip


def _by_arm(people: WavePeople, m: int, rng: np.random.Generator, noise: Floats) -> ReferenceDraws:
    design = np.delete(people.matrix, 1, axis=1)
    found, filled = [], np.empty((m, *people.outcome.shape))
    for value, which in ((1.0, "treatment"), (0.0, "comparison")):
        rows = people.arm == value
        own = design[rows]
        if np.linalg.matrix_rank(own) < own.shape[1]:
            raise CannotEstimate(
                f"In the {which} arm the covariates are constant or determine one another. Use "
                'covariance="common", or fewer covariates.'
            )
        draws = draw_waves(people.outcome[rows], own, m, rng, where=f"In the {which} arm")
        filled[:, rows] = draws.filled
        found.append(draws)
    treated, reference = found
    return ReferenceDraws(
        people, design @ treated.coefficients, design @ reference.coefficients,
        treated.covariance, reference.covariance, filled, noise,
        max(d.iterations for d in found), max(d.reduction for d in found),
    )  # fmt: skip


def shifts(delta: Any, people: WavePeople) -> Floats:
    """Return what is added at each wave, from one number or numbers by wave."""
    if delta is None:
        return np.zeros(len(people.waves))
    if not isinstance(delta, Mapping):
        return np.full(len(people.waves), _shift(delta))
    for wave in delta:
        if wave not in people.waves:
            raise invalid(
                f"delta has {wave!r}, which is no wave.",
                allowed=", ".join(map(label, people.waves)),
            )
    return np.array([_shift(delta.get(wave, 0.0)) for wave in people.waves])


def _shift(value: Any) -> float:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not np.isfinite(value):
        raise invalid(
            f"delta={value!r}.", allowed="a finite number, or numbers by wave, in outcome units"
        )
    return float(value)
