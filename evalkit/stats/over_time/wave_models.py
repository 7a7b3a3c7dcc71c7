"""Models of people seen at several waves: effects by wave, and tests of combinations of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from evalkit.stats.categories.families import LOGISTIC
from evalkit.stats.clusters.random_intercept import RandomIntercept, fit_random_intercept
from evalkit.stats.over_time.estimating_equations import GAUSSIAN, GeeFit, fit_gee
from evalkit.stats.over_time.wave_rows import WaveRows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SAME = 1e-8  # degrees of freedom as near as this are one number


class Model(Protocol):
    """What the results need of a model."""

    @property
    def coefficients(self) -> Floats:
        """The coefficients, one a column."""

    @property
    def alpha(self) -> tuple[float, ...]:
        """The parameters of the correlation within people."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the fit."""

    def contrast(self, gradient: Floats) -> tuple[float, float]:
        """Return the standard error and the degrees of freedom of a linear combination."""

    def joint_test(self, gradients: Floats, values: Floats) -> tuple[float, int, float]:
        """Return F and its two degrees of freedom for several combinations at once."""


def fit_waves(rows: WaveRows, *, method: str, correlation: str, binary: bool, se: str) -> Model:
    """Fit the model asked for; "mixed" with shared clusters takes CR2 over them."""
    if method == "gee":
        family = LOGISTIC if binary else GAUSSIAN
        return Equations(
            fit_gee(
                rows.matrix, rows.outcome, rows.names, subject=rows.person, position=rows.place,
                family=family, correlation=correlation, cluster=rows.cluster, se=se,
            )
        )  # fmt: skip
    fitted = fit_random_intercept(rows.matrix, rows.outcome, rows.names, rows.person)
    if rows.cluster is None:
        return Mixed(rows, fitted)
    return Equations(
        fit_gee(
            rows.matrix, rows.outcome, rows.names, subject=rows.person, position=rows.place,
            alpha=fitted.between / fitted.total, cluster=rows.cluster,
        ),
        _boundary(fitted),
    )  # fmt: skip


def _boundary(fitted: RandomIntercept) -> tuple[str, ...]:
    if fitted.between > 0:
        return ()
    return ("The variance between people is estimated as 0: their rows count as independent",)


@dataclass(frozen=True, slots=True, eq=False)
class Equations:
    """Estimating equations, or a mixed model's estimates with a sandwich over clusters."""

    fitted: GeeFit
    notes: tuple[str, ...] = ()

    @property
    def coefficients(self) -> Floats:
        """The coefficients, one a column."""
        return self.fitted.coefficients

    @property
    def alpha(self) -> tuple[float, ...]:
        """The parameters of the working correlation."""
        return self.fitted.alpha

    def contrast(self, gradient: Floats) -> tuple[float, float]:
        """Return the standard error and the Satterthwaite df of a linear combination."""
        return self.fitted.contrast(gradient)

    def joint_test(self, gradients: Floats, values: Floats) -> tuple[float, int, float]:
        """Return the approximate Hotelling test."""
        return self.fitted.joint_test(gradients, values)


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """A random intercept for each person, with Satterthwaite df as in lmerTest."""

    rows: WaveRows
    fitted: RandomIntercept

    @property
    def coefficients(self) -> Floats:
        """The coefficients, one a column."""
        return self.fitted.linear.coefficients

    @property
    def alpha(self) -> tuple[float, ...]:
        """The intraclass correlation of a person."""
        return (self.fitted.between / self.fitted.total,)

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said of the fit."""
        return _boundary(self.fitted)

    def contrast(self, gradient: Floats) -> tuple[float, float]:
        """Return the standard error and df; the model is refitted with the combination a column."""
        largest = int(np.argmax(np.abs(gradient)))
        column = self.rows.matrix[:, largest] / gradient[largest]
        matrix = self.rows.matrix - np.outer(column, gradient)
        matrix[:, largest] = column
        again = fit_random_intercept(
            matrix, self.rows.outcome, self.rows.names, self.rows.person
        ).linear
        return float(again.std_errors[largest]), float(again.df[largest])

    def joint_test(self, gradients: Floats, values: Floats) -> tuple[float, int, float]:
        """Return the mean of the squared t of uncorrelated combinations, df as in lmerTest.

        With F the mean of q squared t's, the df are those whose F has the same expectation
        (Fai and Cornelius 1996, Journal of Statistical Computation and Simulation 54:363-378).
        """
        spread = gradients @ self.fitted.linear.vcov @ gradients.T
        sizes, vectors = np.linalg.eigh(spread)
        squares = (vectors.T @ values) ** 2 / sizes
        df = np.array([self.contrast(row)[1] for row in vectors.T @ gradients])
        return float(squares.mean()), len(values), _matching_df(df)


def _matching_df(df: Floats) -> float:
    if np.ptp(df) <= _SAME * df.max():
        return float(df.mean())
    if df.min() <= 2:
        return 2.0
    expected = float(np.sum(df / (df - 2)))
    return 2 * expected / (expected - len(df))


@dataclass(frozen=True, slots=True, eq=False)
class WaveEffects:
    """The effect at each wave (of a yes-or-no outcome the log odds ratio) and its gradient."""

    values: Floats
    gradients: Floats

    @classmethod
    def of(cls, rows: WaveRows, model: Model, *, binary: bool) -> WaveEffects:
        """Return the arm's coefficients, or the marginal log odds ratios of the people seen."""
        waves, columns = len(rows.waves), rows.matrix.shape[1]
        if not binary:
            gradients = np.eye(columns)[columns - waves :]
            return cls(model.coefficients[columns - waves :], gradients)
        found = [_odds(rows, model.coefficients, k) for k in range(waves)]
        return cls(np.array([v for v, _ in found]), np.stack([g for _, g in found]))


def _odds(rows: WaveRows, coefficients: Floats, place: int) -> tuple[float, Floats]:
    """Return the log odds ratio of the average chances at a wave, and its gradient."""
    value, gradient = 0.0, np.zeros(len(coefficients))
    for arm, sign in ((1.0, 1.0), (0.0, -1.0)):
        matrix = rows.matrix[rows.at(place)].copy()
        matrix[:, matrix.shape[1] - len(rows.waves) + place] = arm
        eta = matrix @ coefficients
        chance = float(LOGISTIC.mean(eta).mean())
        slope = (LOGISTIC.slope(eta)[:, None] * matrix).mean(axis=0)
        value += sign * float(np.log(chance / (1 - chance)))
        gradient += sign * slope / (chance * (1 - chance))
    return value, gradient
