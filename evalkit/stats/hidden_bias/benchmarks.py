"""Bounds on hidden confounding, by comparison with measured covariates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records
from evalkit.stats.hidden_bias.omitted_variables import (
    AdjustedEstimate,
    adjust_for_confounder,
    robustness_value,
)
from evalkit.stats.shared.analysed_rows import orthonormal, project
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    invalid,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import treatment_design
from evalkit.stats.shared.regression_rows import model_columns, regression_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfounderBound(AdjustedEstimate):
    """The estimate under a confounder so many times as strong as a measured covariate.

    `benchmark` is the covariate and `strength` the multiple. `r2_outcome` is the most it can be;
    where that would pass 1 it is put at `capped` and the estimate is worse than anything possible.
    """

    benchmark: str
    strength: float
    capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfounderBounds(Record):
    """A regression coefficient, what would undo it, and how that compares with the covariates.

    `bounds` has one row a benchmark and multiple; see `RobustnessValue` for the middle fields.
    """

    outcome: str
    term: str
    estimate: float
    std_error: float
    statistic: float
    df: float
    p_value: float
    conf_low: float
    conf_high: float
    level: float
    n_treatment: int
    n_comparison: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    partial_r2: float
    q: float
    robustness_value: float
    robustness_value_alpha: float | None
    bounds: Records[ConfounderBound]
    method: str
    sentence: str
    notes: tuple[str, ...] = ()


def confounder_bounds(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
    benchmarks: str | Sequence[str],
    strengths: Sequence[float] = (1, 2, 3),
    strata: str | None = None,
    q: float = 1,
    level: float = 0.95,
) -> ConfounderBounds:
    """Return how an adjusted difference would fare under confounders as strong as covariates.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    outcome : name of a numeric column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    covariates : names; text, categories and true/false become dummies
    benchmarks : one or more of the covariates; a covariate of several dummies counts as one
    strengths : multiples of each benchmark's strength, with treatment and outcome alike
    strata : name of a column whose values all become fixed effects
    q : share of the estimate the robustness value takes away
    level : confidence level; the robustness value for significance is at 1 - level

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, a benchmark that is no covariate, or a
        multiple that is not above 0.
    CannotEstimate
        When the outcome does not vary, there is no row to spare, the treatment follows from the
        covariates, or a multiple is so large that nothing can be that strong.

    References
    ----------
    Cinelli and Hazlett (2020), Journal of the Royal Statistical Society B 82:39-67, section 4.4.
    """
    check_level(level)
    names, wanted = as_names(covariates), as_names(benchmarks)
    multiples: list[Any] = list(strengths) if hasattr(strengths, "__iter__") else [strengths]
    check_roles(outcome=outcome, treatment=treatment, covariates=names, strata=strata)
    _check_benchmarks(wanted, names, multiples)
    data = check_frame(data, [outcome, treatment, *names, *optional_name(strata)])
    arm = read_arm(data, treatment, treated)
    rows = regression_rows(
        data, outcome, [*names, *optional_name(strata)], also=[("no arm", np.isnan(arm))]
    )
    kept = arm[rows.keep]
    columns = model_columns(data, rows.keep, names, strata)
    design = treatment_design((treatment, kept), columns)
    fit = _fit(rows.outcome, design.matrix)
    summary = robustness_value(fit.t, fit.df, q=q, alpha=1 - level)
    parts = [(name, _parts(rows.outcome, design.matrix, design.names, name)) for name in wanted]
    bounds = Records(
        _bound(fit, name, part, float(k), level) for name, part in parts for k in multiples
    )
    from scipy.stats import t as student

    half = float(student.isf((1 - level) / 2, fit.df)) * fit.error
    return ConfounderBounds(
        outcome=outcome,
        term=treatment,
        estimate=fit.estimate,
        std_error=fit.error,
        statistic=fit.t,
        df=fit.df,
        p_value=float(2 * student.sf(abs(fit.t), fit.df)),
        conf_low=fit.estimate - half,
        conf_high=fit.estimate + half,
        level=float(level),
        n_treatment=int((kept == 1).sum()),
        n_comparison=int((kept == 0).sum()),
        n_dropped=rows.n_dropped,
        dropped_why=rows.dropped,
        partial_r2=summary.partial_r2,
        q=float(q),
        robustness_value=summary.robustness_value,
        robustness_value_alpha=summary.robustness_value_alpha,
        bounds=bounds,
        method=f"Ordinary least squares of {outcome} on {treatment} and covariates, classical "
        "standard error; bounds by benchmark covariates (Cinelli and Hazlett 2020).",
        sentence=f"{summary.sentence} {_comparison(bounds, fit.estimate)}",
        notes=(*design.notes, *_capped(bounds)),
    )


@dataclass(frozen=True, slots=True)
class _Fit:
    estimate: float
    error: float
    df: float

    @property
    def t(self) -> float:
        return self.estimate / self.error


def _fit(outcome: Floats, matrix: Floats) -> _Fit:
    """Return the coefficient of the second column with its classical standard error."""
    others, _ = orthonormal(np.delete(matrix, 1, axis=1))
    left, rest = project(others, matrix[:, 1])[1], project(others, outcome - outcome.mean())[1]
    estimate = float(left @ rest / (left @ left))
    df = matrix.shape[0] - matrix.shape[1]
    spread = float(np.sum((rest - estimate * left) ** 2)) / df
    if not spread > 1e-24 * float(np.var(outcome)):
        raise CannotEstimate(
            "The columns of the model fit the outcome exactly, so its uncertainty cannot be told."
        )
    return _Fit(estimate, sqrt(spread / float(left @ left)), float(df))


def _parts(
    outcome: Floats, matrix: Floats, names: Sequence[str], benchmark: str
) -> tuple[float, float]:
    """Return the benchmark's partial R squared with the treatment, and with the outcome."""
    own = np.array([n == benchmark or n.startswith(f"{benchmark}=") for n in names])
    own[:2] = False
    if not own.any():
        raise CannotEstimate(
            f"The benchmark '{benchmark}' was left out of the model: it does not vary, or other "
            "columns fix it. Choose another."
        )
    arm = np.zeros(len(names), dtype=bool)
    arm[1] = True
    with_arm = _partial(matrix[:, 1], matrix[:, ~arm & ~own], matrix[:, ~arm])
    return with_arm, _partial(outcome - outcome.mean(), matrix[:, ~own], matrix)


def _partial(values: Floats, without: Floats, within: Floats) -> float:
    few, many = (project(orthonormal(m)[0], values)[1] for m in (without, within))
    return max(1 - float(many @ many) / float(few @ few), 0.0)


def _bound(
    fit: _Fit, name: str, parts: tuple[float, float], k: float, level: float
) -> ConfounderBound:
    with_arm, with_outcome = parts
    of_treatment = k * with_arm / (1 - with_arm)
    shared = k * with_arm**2 / ((1 - k * with_arm) * (1 - with_arm)) if k * with_arm < 1 else np.inf
    if not (of_treatment < 1 and shared < 1):
        raise CannotEstimate(
            f"Nothing can be {k:g} times as strong as '{name}', which alone explains "
            f"{100 * with_arm:.1f}% of what the other covariates leave of the treatment. Use "
            "smaller strengths, or another benchmark."
        )
    slack = (sqrt(k) + sqrt(shared)) / sqrt(1 - shared)
    of_outcome = slack**2 * with_outcome / (1 - with_outcome)
    worst = np.nextafter(1.0, 0.0)
    found = adjust_for_confounder(
        fit.estimate, fit.error, fit.df, level=level, r2_treatment=of_treatment,
        r2_outcome=min(of_outcome, float(worst)),
    )  # fmt: skip
    values = {item.name: getattr(found, item.name) for item in fields(found)}
    return ConfounderBound(**values, benchmark=name, strength=k, capped=of_outcome >= 1)


def _check_benchmarks(
    wanted: Sequence[str], covariates: Sequence[str], strengths: Sequence[float]
) -> None:
    for name in wanted:
        if name not in covariates:
            raise invalid(
                "is a benchmark, but no covariate.", column=name, allowed=", ".join(covariates)
            )
    if not wanted:
        raise invalid("no benchmark is named.", allowed="one or more of the covariates")
    plain = all(isinstance(k, int | float | np.number) and isfinite(k) and k > 0 for k in strengths)
    if not plain or not len(strengths):
        raise invalid(f"strengths={strengths!r}.", allowed="numbers above 0")


def _comparison(bounds: Sequence[ConfounderBound], estimate: float) -> str:
    strongest = max(bounds, key=lambda b: b.strength)
    turned = strongest.estimate * estimate <= 0
    reach = "no longer of the same sign" if turned else "of the same sign"
    crosses = strongest.conf_low <= 0 <= strongest.conf_high
    return (
        f"Under a confounder {strongest.strength:g} times as strong as '{strongest.benchmark}' the "
        f"estimate would be {strongest.estimate:.3g}, {reach}, and its interval would "
        f"{'hold' if crosses else 'not hold'} nothing."
    ).replace("hold nothing", "hold no difference")


def _capped(bounds: Sequence[ConfounderBound]) -> list[str]:
    return [
        f"{b.strength:g} times '{b.benchmark}' would explain more than all of the outcome: the "
        "bound is put at all of it"
        for b in bounds
        if b.capped
    ]
