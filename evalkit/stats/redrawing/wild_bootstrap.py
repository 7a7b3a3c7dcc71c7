"""The wild cluster bootstrap: a test and an interval for an effect seen in few clusters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.robust import scale_factor
from evalkit.stats.redrawing.assignments import check_whole_number
from evalkit.stats.redrawing.studentised import NUMBERS, at_least, ratio
from evalkit.stats.redrawing.trial_outcomes import (
    Outcome,
    Study,
    adjustment,
    described,
    read_frame,
    read_outcome,
)
from evalkit.stats.shared.columns import (
    as_names,
    check_level,
    choice,
    invalid,
    left_out,
    optional_name,
    read_arm,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIX_POINTS = np.sqrt(np.array([0.5, 1.0, 1.5]))
FEW_CLUSTERS = 10  # below this "auto" takes Webb's six points: 2^9 signs are too few
FEW_IN_AN_ARM = 5  # clusters; below this the test is known to go wrong
HALVINGS = 60  # of the interval's ends
DOUBLINGS = 20  # standard errors away, as powers of two, before an end is called open


@dataclass(frozen=True, slots=True, kw_only=True)
class WildBootstrap(Estimate):
    """A clustered difference with a wild bootstrap p-value and interval.

    `draws` is the number of bootstrap samples, `exact` whether they are all the signs there are,
    `points` "rademacher" or "webb". An end of the interval is None where no value is rejected.
    """

    draws: int = 0
    exact: bool = False
    points: str = ""


def wild_cluster_bootstrap(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    cluster: str,
    covariates: str | Sequence[str] = (),
    strata: str | None = None,
    points: str = "auto",
    draws: int = 9_999,
    seed: int,
    level: float = 0.95,
) -> WildBootstrap:
    """Return a difference between arms with a wild cluster bootstrap test, the null imposed.

    The outcome is fitted as if the effect were the value tested, each cluster's residuals are
    multiplied by a random number, and t is computed anew (the restricted form, WCR).

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`; it
        may differ within clusters
    treated : the value of `treatment` that names the treated arm
    cluster : name of the column of clusters
    covariates : names; the difference is adjusted for them by least squares
    strata : name of the column of strata or blocks: fixed effects
    points : "rademacher" (-1 and 1), "webb" (six points), or "auto": Webb's below 10 clusters
    draws : bootstrap samples; with Rademacher's points and no more than this number of signs
        (2 to the number of clusters) all signs are gone through instead
    seed : a whole number; the same seed and rows, in one order, give the same answer
    level : confidence level

    Returns
    -------
    WildBootstrap
        `std_error` is CR1S and `statistic` the estimate over it. `p_value` is (b + 1) / (m + 1),
        or b / m of all signs, the data's own among them. The interval holds the effects that the
        same test, with the same draws, does not reject; no `df`.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or an unknown option.
    CannotEstimate
        When an arm is in fewer than two clusters, the outcome does not vary, or the treatment
        follows from the covariates.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90:414-427; Roodman,
    MacKinnon, Nielsen and Webb (2019), Stata Journal 19:4-60; Webb (2023), Canadian Journal of
    Economics 56:839-858; MacKinnon and Webb (2017), Journal of Applied Econometrics 32:233-254.
    """
    choice(points, ("auto", "rademacher", "webb"), argument="points")
    check_level(level)
    check_whole_number(draws, "draws", 1)
    check_whole_number(seed, "seed", 0)
    study = Study(
        treatment=treatment,
        treated=treated,
        covariates=as_names(covariates),
        strata=strata,
        cluster=cluster,
    )
    found = _read(data, outcome, study)
    score = _scores(found)
    kind = points if points != "auto" else "webb" if score.clusters < FEW_CLUSTERS else "rademacher"
    exact = kind == "rademacher" and 2**score.clusters <= draws
    signs = _all_signs(score.clusters) if exact else _signs(score.clusters, kind, draws, seed)
    test = _Test(score, [score.parts(block) for block in signs], exact)
    rows, columns = found.rows.basis.shape
    factor = scale_factor("CR1S", score.clusters, rows, columns + 1)
    error = score.error(factor)
    return WildBootstrap(
        **described(found, study),
        estimate=score.estimate,
        std_error=error,
        statistic=score.estimate / error,
        p_value=test.p_value(-score.estimate),
        conf_low=test.end(-1.0, error, 1 - level),
        conf_high=test.end(1.0, error, 1 - level),
        level=level,
        method=_sentence(outcome, study, kind, test),
        notes=(*found.notes, *_caveats(found, test, 1 - level)),
        draws=test.draws,
        exact=exact,
        points=kind,
    )


def _read(data: Any, outcome: str, study: Study) -> Outcome:
    """Return the outcome's rows; the unit is the cluster, whatever arms are in it."""
    import pandas as pd

    if study.cluster is None:
        raise invalid("cluster=None.", allowed="the name of the column of clusters")
    frame = read_frame(data, study, (outcome,))
    groups = (study.cluster, *optional_name(study.strata))
    missing = [("", frame[name].isna().to_numpy()) for name in groups]
    arm = read_arm(frame, study.treatment, study.treated)
    rows, _ = left_out([("", np.isnan(arm)), *missing], len(frame))
    unit = np.asarray(pd.factorize(frame.loc[rows, study.cluster])[0], dtype=np.intp)
    return read_outcome(frame, outcome, study, rows, unit, least=2)


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Sums by cluster for the residuals of a tested effect `estimate` + d: u - d v.

    u are the residuals of the full model, v those of the treatment on the other columns Q.
    `lead` is v'u and v'v (clusters by 2), `through` Q'u and Q'v (clusters by columns by 2),
    `cross` Q'v, `left` the sum of v'v.
    """

    estimate: float
    lead: Floats
    through: Floats
    cross: Floats
    left: float

    @property
    def clusters(self) -> int:
        """The number of clusters."""
        return len(self.lead)

    def parts(self, signs: Floats) -> Floats:
        """Return, for each draw, what t at any d is made of: five numbers.

        With signs w the coefficient is N / D, N the sum of w v'u; a cluster's score is
        w v'u - (Q'v)'(sum of w Q'u) - v'v N / D. All are linear in d.
        """
        top = signs @ self.lead
        carried = np.tensordot(signs, self.through, axes=1)  # draws, columns, 2
        score = signs[:, :, None] * self.lead
        score -= np.einsum("gk,dkj->dgj", self.cross, carried)
        score -= self.lead[None, :, 1, None] * (top / self.left)[:, None, :]
        square = np.einsum("dgi,dgj->dij", score, score)
        return np.column_stack([top, square[:, 0, 0], square[:, 0, 1], square[:, 1, 1]])

    def error(self, factor: float) -> float:
        """Return the CR1S standard error of the estimate."""
        total = float((self.lead[:, 0] ** 2).sum())
        if total <= (1e-10 * self.estimate * self.left) ** 2:
            raise CannotEstimate(
                "The outcome does not vary within the arms once the model is fitted, so there is "
                "no standard error."
            )
        return float(np.sqrt(factor * total)) / self.left


def _scores(found: Outcome) -> _Scores:
    basis, y = found.rows.basis, found.rows.y
    v = found.arm - basis @ (basis.T @ found.arm)
    v -= basis @ (basis.T @ v)
    left = float(v @ v)
    estimate = float(v @ y) / left
    both = np.column_stack([y - estimate * v, v])
    used, unit = np.unique(found.rows.unit, return_inverse=True)
    lead = np.zeros((len(used), 2))
    np.add.at(lead, unit, v[:, None] * both)
    through = np.zeros((len(used), basis.shape[1], 2))
    np.add.at(through, unit, basis[:, :, None] * both[:, None, :])
    return _Scores(estimate, lead, through, through[:, :, 1], left)


class _Test:
    """The bootstrap test of any effect, given what t is made of in each draw."""

    def __init__(self, score: _Scores, blocks: Sequence[Floats], exact: bool) -> None:
        self.parts = np.concatenate(blocks)
        self.own = score.parts(np.ones((1, score.clusters)))
        self.draws = len(self.parts)
        self.exact = exact
        self.estimate = score.estimate

    def p_value(self, d: float) -> float:
        """Return the p-value of the effect `estimate` + d."""
        reached = at_least(_t(self.parts, d), _t(self.own, d), 1.0).sum()
        return float(reached / self.draws if self.exact else (reached + 1) / (self.draws + 1))

    def end(self, side: float, error: float, alpha: float) -> float | None:
        """Return where the p-value falls to alpha; None where it never does."""
        far = next(
            (
                side * error * 2.0**k
                for k in range(DOUBLINGS)
                if self.rejects(side * error * 2.0**k, alpha)
            ),
            None,
        )
        if far is None:
            return None
        near = 0.0
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            near, far = (near, middle) if self.rejects(middle, alpha) else (middle, far)
        return self.estimate + near

    def rejects(self, d: float, alpha: float) -> bool:
        """Return whether the effect `estimate` + d is rejected."""
        return self.p_value(d) <= alpha


def _t(parts: Floats, d: float) -> Floats:
    """Return |t| of each draw at `estimate` + d, up to a factor that all share."""
    top = parts[:, 0] - d * parts[:, 1]
    square = parts[:, 2] - 2 * d * parts[:, 3] + d**2 * parts[:, 4]
    return np.abs(ratio(top, np.sqrt(np.maximum(square, 0.0))))


def _signs(clusters: int, kind: str, draws: int, seed: int) -> Iterator[Floats]:
    """Give random multipliers, draws by clusters, in blocks."""
    rng = np.random.default_rng(seed)
    points = np.array([1.0]) if kind == "rademacher" else SIX_POINTS
    every = np.concatenate([-points, points])
    size = max(1, NUMBERS // (8 * clusters))
    for start in range(0, draws, size):
        yield every[rng.integers(len(every), size=(min(size, draws - start), clusters))]


def _all_signs(clusters: int) -> Iterator[Floats]:
    yield np.array(list(product((1.0, -1.0), repeat=clusters)))


def _caveats(found: Outcome, test: _Test, alpha: float) -> Iterator[str]:
    """Give what must be said beside the result."""
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        count = len(set(found.rows.unit[found.arm == value].tolist()))
        if count < FEW_IN_AN_ARM:
            yield (
                f"The {label} arm is in {count} clusters: with fewer than {FEW_IN_AN_ARM} the wild "
                "bootstrap is not to be relied on; permutation_test re-randomises instead"
            )
    if test.exact and 2 / test.draws > alpha:
        yield (
            f"With {test.draws} signs no p-value is below {2 / test.draws:.3g}: the interval is "
            'open. Use points="webb"'
        )


def _sentence(outcome: str, study: Study, kind: str, test: _Test) -> str:
    how = (
        f"all {test.draws:,} signs"
        if test.exact
        else f"{test.draws:,} draws, p = (b + 1) / (m + 1)"
    )
    return (
        f"Wild cluster bootstrap of the difference in {outcome}{adjustment(study)}, null imposed, "
        f"{kind.capitalize()} points: {how}; CR1S standard error; interval by test inversion."
    )
