"""Tests of several coefficients at once, by robust variances in small samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.least_squares.linear import LinearFit, fit, resolve_se
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    choice,
    invalid,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import Column, covariate_columns
from evalkit.stats.shared.intervals import FEW_DF
from evalkit.stats.shared.model_rows import listed
from evalkit.stats.shared.regression_rows import (
    RegressionRows,
    model_columns,
    ordered_design,
    regression_rows,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TESTS = ("htz", "chi2", "naive-f")
NOT_SEEN = (
    "A coefficient to be tested, or a combination of them, rests on one cluster (or row), so its "
    "uncertainty cannot be told. Leave out terms that single out one cluster, or test fewer."
)
_SINGULAR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class JointTest(Estimate):
    """A test that several coefficients are all zero.

    `statistic` is F (of "chi2" the statistic Q itself) on `df_numerator` and `df` degrees of
    freedom, `df` infinite for "chi2"; `delta` is F times the number of coefficients over Q.
    `terms` names the coefficients tested and `coefficients` holds them, in outcome units.
    """

    df_numerator: int = 0
    delta: float = 1.0
    terms: tuple[str, ...] = ()
    coefficients: tuple[float, ...] = ()
    n_rows: int = 0


def joint_test(
    data: Any,
    *,
    outcome: str,
    terms: str | Sequence[str],
    covariates: str | Sequence[str] = (),
    treatment: str | None = None,
    treated: Any = None,
    cluster: str | None = None,
    strata: str | None = None,
    weights: str | None = None,
    se: str = "auto",
    test: str = "htz",
) -> JointTest:
    """Return the test that the coefficients of `terms` are all zero.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column (for balance at baseline, the 0/1 column of the arm)
    terms : names of the columns tested together; one of text, categories or true/false stands for
        all its dummies
    covariates : names of the other columns in the model; `terms` may be among them
    treatment : name of a 0/1 or two-valued column in the model, tested where `terms` names it
    treated : the value of `treatment` that names the treated arm
    cluster, strata, weights, se : as in `mean_difference`
    test : "htz" is the approximate Hotelling T-squared test; "naive-f" takes rows - parameters
        (clustered, clusters - 1) for the denominator and with se="classical" is the F test of the
        analysis of variance; "chi2" is the large-sample Wald test

    Returns
    -------
    JointTest
        `statistic`, `df_numerator`, `df` and `p_value`; no `estimate`. Columns that the others
        already determine are left out of the test, with a note.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, or options that do not go together.
    CannotEstimate
        When no term varies beyond the other columns, there is no row to spare, or the clusters are
        too few for so many terms.

    References
    ----------
    Tipton and Pustejovsky (2015), JEBS 40:604-634; Pustejovsky and Tipton (2018), JBES 36:672-683.
    """
    tested, kind = as_names(terms), resolve_se(se, clustered=cluster is not None)
    choice(test, TESTS, argument="test")
    if kind == "classical" and test == "htz":
        raise invalid("test='htz' is for robust variances.", allowed="naive-f with se='classical'")
    if not tested:
        raise invalid("terms is empty.", allowed="the names of the columns to test")
    others = tuple(name for name in as_names(covariates) if name not in (*tested, treatment))
    check_roles(outcome=outcome, terms=tested, strata=strata, weights=weights)
    check_roles(outcome=outcome, treatment=treatment, covariates=others, strata=strata)
    used = [outcome, *tested, *others, *(n for n in (treatment, cluster, strata, weights) if n)]
    frame = check_frame(data, used)
    arm = None if treatment is None else read_arm(frame, treatment, treated)
    plain = tuple(name for name in (*tested, *others) if name != treatment)
    rows = regression_rows(
        frame, outcome, (*plain, *optional_name(strata)), cluster=cluster, weights=weights,
        also=() if arm is None else [("no arm", np.isnan(arm))],
    )  # fmt: skip
    asked, rest = _columns(frame, rows, tested, others, strata, treatment, arm)
    design = ordered_design(rest, asked)
    names = [name for name, _ in asked if name in design.names]
    if not names:
        raise CannotEstimate(
            f"{listed(tested)} do(es) not vary beyond the other columns of the model, so there is "
            "nothing to test."
        )
    places = [design.names.index(name) for name in names]
    model = fit(
        design.matrix, rows.outcome, design.names, cluster=rows.groups, weights=rows.weights,
        se=rows.kind(kind), terms=(), joint=np.eye(len(design.names))[places],
    )  # fmt: skip
    numbers = wald_test(model, np.eye(len(design.names))[places], test)
    return JointTest(
        outcome=outcome,
        term=listed(tested),
        method=_sentence(outcome, tested, others, strata, weights, model, test),
        notes=(*design.notes, *few_df(numbers["df"])),
        terms=tuple(names),
        coefficients=tuple(float(model.coefficients[place]) for place in places),
        adjusted_for=others,
        **_counts(rows, arm),
        **numbers,
    )


def _columns(
    frame: pd.DataFrame,
    rows: RegressionRows,
    tested: Sequence[str],
    others: Sequence[str],
    strata: str | None,
    treatment: str | None,
    arm: Floats | None,
) -> tuple[list[Column], list[Column]]:
    """Return the columns tested, and the others of the model."""
    asked: list[Column] = []
    for name in tested:
        if name == treatment and arm is not None:
            asked.append((name, arm[rows.keep]))
        else:
            asked += covariate_columns(frame, name, rows.keep)
    rest = model_columns(frame, rows.keep, others, strata)
    if treatment is not None and arm is not None and treatment not in tested:
        rest = [(treatment, arm[rows.keep]), *rest]
    return asked, rest


def wald_test(model: LinearFit, contrasts: Floats, test: str) -> dict[str, Any]:
    """Return statistic, degrees of freedom and p-value of contrasts (rows) being all zero.

    "htz" needs a model fitted with `joint` for these contrasts.
    """
    from scipy.stats import chi2, f

    count = len(contrasts)
    if model.joint_df is not None and np.isnan(model.joint_df):
        raise CannotEstimate(NOT_SEEN)
    value = _quadratic(contrasts @ model.coefficients, contrasts @ model.vcov @ contrasts.T)
    if test == "chi2":
        p = float(chi2.sf(value, count))
        return {"statistic": value, "df_numerator": count, "df": inf, "delta": 1.0, "p_value": p}
    if test == "naive-f":
        clusters = model.n_clusters
        delta, df = 1.0, model.n - len(model.names) if clusters is None else clusters - 1.0
    else:
        eta = np.nan if model.joint_df is None else model.joint_df
        if not eta - count + 1 > 0:
            raise CannotEstimate(
                f"{count} coefficients cannot be tested together by so few clusters or rows: the "
                "denominator has no degrees of freedom. Test fewer, or one at a time."
            )
        delta, df = (eta - count + 1) / eta, eta - count + 1
    statistic = delta * value / count
    return {
        "statistic": statistic,
        "df_numerator": count,
        "df": float(df),
        "delta": float(delta),
        "p_value": float(f.sf(statistic, count, df)),
    }


def _quadratic(values: Floats, variance: Floats) -> float:
    """Return values' variance^-1 values, refusing a variance that cannot be inverted."""
    scale = np.sqrt(np.diag(variance))
    if np.all(np.isfinite(scale)) and np.all(scale > 0):
        shape = variance / np.outer(scale, scale)
        if np.linalg.eigvalsh(shape)[0] > _SINGULAR:
            unit = values / scale
            return float(unit @ np.linalg.solve(shape, unit))
    raise CannotEstimate(
        f"The robust variance of the {len(values)} coefficients cannot be inverted: too few rows "
        "or clusters carry information about them. Test fewer together."
    )


def few_df(df: float) -> list[str]:
    """Return the caveat on few degrees of freedom in the denominator."""
    if df >= FEW_DF - 1e-6:
        return []
    return [
        f"The degrees of freedom ({df:.1f}) are below {FEW_DF}: the p-value is not to be relied on"
    ]


def _counts(rows: RegressionRows, arm: Floats | None) -> dict[str, Any]:
    inside = None if arm is None else arm[rows.keep]
    return {
        "n_treatment": None if inside is None else int((inside == 1).sum()),
        "n_comparison": None if inside is None else int((inside == 0).sum()),
        "n_clusters": len(set(rows.cluster)) if rows.shared else None,
        "n_dropped": rows.n_dropped,
        "dropped_why": rows.dropped,
        "n_rows": len(rows.outcome),
    }


_NAMES = {
    "htz": "approximate Hotelling T-squared test (HTZ)",
    "naive-f": "F test with naive degrees of freedom",
    "chi2": "large-sample Wald test",
}


def _sentence(
    outcome: str,
    tested: Sequence[str],
    others: Sequence[str],
    strata: str | None,
    weights: str | None,
    model: LinearFit,
    test: str,
) -> str:
    rest = [*others, *([f"{strata} (strata)"] if strata else [])]
    name = "F test" if test == "naive-f" and model.se == "classical" else _NAMES[test]
    where = f" for {model.n_clusters} clusters" if model.n_clusters else ""
    return (
        f"Joint test of {listed(tested)} in {'weighted' if weights else 'ordinary'} least squares "
        f"of {outcome}" + (f", adjusted for {listed(rest)}" if rest else "") + f"; {name} on the "
        f"{model.se} variance{where}."
    )
