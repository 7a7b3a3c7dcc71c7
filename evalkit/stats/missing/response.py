"""Whether the chance of being observed depends on who a person is, and differently by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp, inf
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate, Record, Records
from evalkit.stats.categories.glm import GlmFit
from evalkit.stats.categories.risk_study import yes_no
from evalkit.stats.imputing.pooling import quantile, two_sided
from evalkit.stats.least_squares.joint_tests import JointTest, wald_test
from evalkit.stats.least_squares.linear import LinearFit
from evalkit.stats.missing.response_study import (
    ResponseStudy,
    check_both_ways,
    few_lost,
    fit_response,
    interactions,
    sentence,
)
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    invalid,
    optional_name,
)
from evalkit.stats.shared.model_rows import design_of, listed, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BETWEEN = "treatment / comparison"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResponseModel(Record):
    """A logistic model of being observed; `to_frame()` has one row an odds ratio.

    `odds_ratios` are of being observed, for one unit of a covariate (or a level against the
    first): `contrast` is "treatment" or "comparison" within the arm, and "treatment / comparison"
    for the ratio of the two. The row whose `term` is the treatment is the odds ratio of the arms
    at the mean of the covariates. `std_error` and `statistic` are of the logarithm.

    `differential` tests that covariates predict response alike in both arms, `by_covariates` that
    they do not predict it in either, `by_arm` that the arms do not differ in response for anybody.
    A test that cannot be made is None, and `notes` say why.
    """

    odds_ratios: Records[Estimate] = field(repr=False)
    differential: JointTest | None
    by_covariates: JointTest | None
    by_arm: JointTest | None
    observed_treatment: int
    observed_comparison: int
    n_treatment: int
    n_comparison: int
    n_clusters: int | None
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    level: float
    method: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row an odds ratio."""
        return self.odds_ratios.to_frame()


def response_model(
    data: Any,
    *,
    observed: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str],
    cluster: str | None = None,
    level: float = 0.95,
) -> ResponseModel:
    """Return how the chance of being observed goes with baseline covariates in each arm.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person assigned; never changed
    observed : name of a 0/1 or true/false column: whether the outcome was observed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names of baseline columns; text, categories and true/false become dummies, first
        sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    level : confidence level

    Returns
    -------
    ResponseModel
        Logistic regression with every covariate acting by arm. Without shared clusters intervals
        are Wald's and the tests likelihood-ratio tests; with them the variance is CR2 with
        Satterthwaite degrees of freedom and the tests are approximate Hotelling's. A test that
        finds nothing does not show that loss is harmless: it sees these covariates only.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, no covariates, or one named twice.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters), everybody or nobody
        in an arm was observed, a covariate has one value in an arm, or covariates decide who was
        observed (separation).
    NotConverged
        When the model does not settle.

    References
    ----------
    Pustejovsky and Tipton (2018), JBES 36:672-683, for the clustered variance and tests.
    """
    names = as_names(covariates)
    check_level(level)
    check_roles(observed=observed, treatment=treatment, covariates=names)
    if not names:
        raise invalid("covariates is empty.", allowed="the names of baseline columns")
    frame = check_frame(data, [observed, treatment, *names, *optional_name(cluster)])
    seen = yes_no(frame, observed)
    missing = [(f"no {observed}", np.isnan(seen))]
    rows = read_rows(frame, treatment, treated, names, cluster, missing)
    outcome = seen[rows.keep]
    check_both_ways(outcome, rows.arm)
    design = design_of(frame, rows, treatment, names, interact=True)
    products = interactions(design, treatment, rows.arm)
    study = ResponseStudy(treatment, observed, names, rows, design, outcome, level, products)
    model = fit_response(study)
    tests, why = _tests(study, model)
    return ResponseModel(
        odds_ratios=Records(_odds_ratios(study, model)),
        differential=tests["differential"],
        by_covariates=tests["by_covariates"],
        by_arm=tests["by_arm"],
        observed_treatment=int(outcome[rows.arm == 1].sum()),
        observed_comparison=int(outcome[rows.arm == 0].sum()),
        **rows.counts(),
        level=level,
        method=sentence(study),
        notes=(*design.notes, *why, *few_lost(study)),
    )


def _odds_ratios(study: ResponseStudy, model: GlmFit) -> list[Estimate]:
    found = [_ratio(study, model, study.treatment, BETWEEN, study.direction(study.treatment))]
    for name, product in study.products.items():
        inside = {"treatment": (name, product), "comparison": (name,), BETWEEN: (product,)}
        for contrast, columns in inside.items():
            found.append(_ratio(study, model, name, contrast, study.direction(*columns)))
    return found


def _ratio(
    study: ResponseStudy, model: GlmFit, term: str, contrast: str, direction: Floats
) -> Estimate:  # fmt: skip
    value = float(direction @ model.coefficients)
    error, df = model.contrast(direction)
    if not (error > 0 and df > 0):
        raise CannotEstimate(
            f"The standard error of '{term}' is zero or cannot be computed: too few rows or "
            "clusters carry information about it. Leave it out."
        )
    half = quantile(study.level, df) * error
    return Estimate(
        outcome=study.observed,
        term=term,
        contrast=contrast,
        estimand="odds ratio of being observed",
        unit="ratio",
        estimate=_power(value),
        std_error=error,
        statistic=value / error,
        df=df,
        p_value=two_sided(value / error, df),
        conf_low=_power(value - half),
        conf_high=_power(value + half),
        level=study.level,
        method=sentence(study),
        **study.rows.counts(),
    )


def _power(logarithm: float) -> float:
    return exp(logarithm) if logarithm < 709 else inf


def _tests(study: ResponseStudy, model: GlmFit) -> tuple[dict[str, JointTest | None], list[str]]:
    products = list(study.products.values())
    wanted = {
        "differential": products,
        "by_covariates": [*study.products, *products],
        "by_arm": [study.treatment, *products],
    }
    found: dict[str, JointTest | None] = {}
    why: list[str] = []
    for name, columns in wanted.items():
        try:
            found[name] = _test(study, model, columns)
        except CannotEstimate as error:
            found[name] = None
            why.append(f"No test '{name}': {error}")
    return found, why


def _test(study: ResponseStudy, model: GlmFit, columns: Sequence[str]) -> JointTest:
    places = [study.design.names.index(name) for name in columns]
    clustered = study.rows.shared
    numbers = _hotelling(study, model, places) if clustered else _likelihood(study, model, places)
    how = "approximate Hotelling T-squared test on CR2" if clustered else "likelihood-ratio test"
    return JointTest(
        outcome=study.observed,
        term=listed(list(columns)),
        method=f"Joint test of {listed(list(columns))}: {how}.",
        terms=tuple(columns),
        coefficients=tuple(float(model.coefficients[place]) for place in places),
        n_rows=len(study.outcome),
        adjusted_for=study.covariates,
        level=study.level,
        **study.rows.counts(),
        **numbers,
    )


def _likelihood(study: ResponseStudy, model: GlmFit, places: Sequence[int]) -> dict[str, Any]:
    from scipy.stats import chi2

    kept = [i for i in range(len(study.design.names)) if i not in places]
    names = [study.design.names[i] for i in kept]
    smaller = study.fitted(study.design.matrix[:, kept], names)
    value = max(0.0, 2 * (model.log_likelihood - smaller.log_likelihood))
    p = float(chi2.sf(value, len(places)))
    return {"statistic": value, "df_numerator": len(places), "df": inf, "p_value": p}


def _hotelling(study: ResponseStudy, model: GlmFit, places: Sequence[int]) -> dict[str, Any]:
    contrasts = np.eye(len(study.design.names))[list(places)]
    plain = LinearFit(
        names=model.names,
        coefficients=model.coefficients,
        vcov=model.vcov,
        std_errors=model.std_errors,
        df=np.full(len(model.names), np.nan),
        residuals=study.outcome - model.fitted,
        n=model.n,
        n_clusters=model.n_clusters,
        se=model.se,
        joint_df=model.joint_df(contrasts),
    )
    return wald_test(plain, contrasts, "htz")
