"""One average effect of several sites, and what a new site may expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Records
from evalkit.stats.combining.asymmetry import MINIMUM, egger_test
from evalkit.stats.combining.heterogeneity import (
    METHODS,
    Spread,
    estimate_spread,
    estimate_tau2,
    q_statistic,
    typical_variance,
)
from evalkit.stats.combining.meta_results import MetaAnalysis, MetaCoefficient, SiteEffect
from evalkit.stats.combining.meta_sites import Sites, read_sites
from evalkit.stats.combining.meta_words import method_words, moderator_notes, notes, sentence
from evalkit.stats.combining.weighted import Weighted, weighted
from evalkit.stats.shared.analysed_rows import orthonormal
from evalkit.stats.shared.columns import check_level, choice, invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PREDICTIONS = ("t", "z", "hartung-knapp")


def meta_analysis(
    effects: Any,
    variances: Any,
    *,
    method: str = "REML",
    hartung_knapp: bool | str = True,
    moderators: Any = None,
    labels: Sequence[Any] | None = None,
    prediction: str = "t",
    level: float = 0.95,
) -> MetaAnalysis:
    """Return the average effect of several sites (or studies), allowing that effects differ.

    Parameters
    ----------
    effects : one effect a site, on a scale where effects may be averaged (logarithms of ratios)
    variances : their squared standard errors
    method : how tau squared, the variance of true effects between sites, is estimated: "REML",
        "DL", "ML", "PM", "SJ", "HE"; "EE" takes one effect as common to all sites
    hartung_knapp : True multiplies the variance by q = sum w (y - fit)^2 / (k - p) and uses t with
        k - p; "modified" does not let q fall below 1; False uses the normal distribution
    moderators : frame, or dict of columns, of one row a site: effects are then regressed on them.
        Text, categories and true/false become dummies, first sorted level dropped
    labels : the sites' names; without them their places, from 1
    prediction : "t" is estimate +- t(k - 2) root(tau^2 + SE^2), SE the plain standard error
        whatever `hartung_knapp`; "z" the same with the normal distribution; "hartung-knapp" uses
        the standard error and degrees of freedom reported
    level : confidence level, of the limits of tau squared also

    Raises
    ------
    InvalidInput
        For variances that are not positive, columns of different length, or an unknown option.
    CannotEstimate
        With fewer than two sites, or no more sites than coefficients.

    References
    ----------
    Viechtbauer (2005), Journal of Educational and Behavioral Statistics 30:261-293; Knapp and
    Hartung (2003), Statistics in Medicine 22:2693-2710; Higgins, Thompson and Spiegelhalter (2009),
    Journal of the Royal Statistical Society A 172:137-159; Higgins and Thompson (2002), Statistics
    in Medicine 21:1539-1558.
    """
    check_level(level)
    choice(method, METHODS, argument="method")
    choice(prediction, PREDICTIONS, argument="prediction")
    if hartung_knapp not in (True, False, "modified"):
        raise invalid(f"hartung_knapp={hartung_knapp!r}.", allowed="True, False or 'modified'")
    data = read_sites(effects, variances, moderators, labels)
    knapp = False if method == "EE" else hartung_knapp
    model = _model(data, method, knapp, level)
    return _result(data, model, method, knapp, hartung_knapp, prediction, level)


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """The fit at tau squared: coefficients and their covariance, plain and as reported."""

    spread: Spread
    fit: Weighted
    basis: Floats
    coefficients: Floats
    plain: Floats
    factor: float
    raw_factor: float
    df: float | None
    width: float  # quantile of t or the normal distribution at the level

    @property
    def vcov(self) -> Floats:
        return self.plain * self.factor


def _model(data: Sites, method: str, knapp: bool | str, level: float) -> _Model:
    from scipy.stats import norm, t

    basis, back = orthonormal(data.matrix)
    spread = estimate_spread(data.effects, data.variances, basis, method, level)
    fit = weighted(data.effects, basis, 1 / (data.variances + spread.tau2))
    spare = len(data.effects) - basis.shape[1]
    raw = fit.q / spare
    factor = 1.0 if knapp is False else (max(raw, 1.0) if knapp == "modified" else raw)
    if knapp is not False and not factor > 1e-20:
        raise CannotEstimate(
            "All sites have the same effect, so the Hartung-Knapp standard error is zero. Use "
            "hartung_knapp='modified'."
        )
    tail = 0.5 + level / 2
    return _Model(
        spread=spread,
        fit=fit,
        basis=basis,
        coefficients=back @ fit.coefficients,
        plain=back @ fit.inverse @ back.T,
        factor=factor,
        raw_factor=raw,
        df=None if knapp is False else float(spare),
        width=float(norm.ppf(tail) if knapp is False else t.ppf(tail, spare)),
    )


def _coefficient(model: _Model, place: int, term: str) -> MetaCoefficient:
    from scipy.stats import norm, t

    estimate, error = float(model.coefficients[place]), sqrt(float(model.vcov[place, place]))
    statistic = estimate / error
    tail = norm.sf(abs(statistic)) if model.df is None else t.sf(abs(statistic), model.df)
    return MetaCoefficient(
        term=term,
        estimate=estimate,
        std_error=error,
        statistic=statistic,
        df=model.df,
        p_value=float(2 * tail),
        conf_low=estimate - model.width * error,
        conf_high=estimate + model.width * error,
    )


def _result(
    data: Sites,
    model: _Model,
    method: str,
    knapp: bool | str,
    asked: bool | str,
    prediction: str,
    level: float,
) -> MetaAnalysis:
    k = len(data.effects)
    terms = Records(_coefficient(model, i, name) for i, name in enumerate(data.names))
    average = None if data.moderated else terms[0]
    span = None if average is None else _prediction(model, method, prediction, k, level)
    moderation = _moderation(data, model, method) if data.moderated else _NO_MODERATION
    middle = None if average is None else (average.estimate, average.conf_low, average.conf_high)
    said = notes(k, model.spread, method, knapp, model.raw_factor, asked)
    weights = model.fit.weights / model.fit.weights.sum()
    return MetaAnalysis(
        **_numbers(average),
        df=model.df,
        level=float(level),
        tau2=model.spread.tau2,
        tau2_se=model.spread.std_error,
        tau2_low=model.spread.low,
        tau2_high=model.spread.high,
        **_heterogeneity(data, model, method),
        prediction_low=None if span is None else span[0],
        prediction_high=None if span is None else span[1],
        prediction_df=None if span is None else span[2],
        scale_factor=model.factor,
        k=k,
        n_dropped=sum(count for _, count in data.dropped),
        dropped_why=data.dropped,
        weights=tuple(float(w) for w in weights),
        coefficients=terms,
        **moderation,
        **_egger(data),
        sites=_site_records(data, model, weights, level),
        estimator=method,
        hartung_knapp=asked,
        method=method_words(
            method, knapp, prediction, moderated=data.moderated, predicted=span is not None
        ),
        sentence=sentence(k, middle, span and span[:2], level, moderation["r2"]),
        notes=(
            *data.notes,
            *said,
            *(moderator_notes(k, len(data.names) - 1) if data.moderated else ()),
        ),
    )


_NUMBERS = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")


def _numbers(average: MetaCoefficient | None) -> dict[str, Any]:
    return {name: None if average is None else getattr(average, name) for name in _NUMBERS}


_NO_MODERATION: dict[str, Any] = {"r2": None, "qm": None, "qm_df": None, "qm_p": None}


def _prediction(
    model: _Model, method: str, kind: str, k: int, level: float
) -> tuple[float, float, float | None] | None:
    from scipy.stats import norm, t

    if method == "EE" or k < 3:
        return None
    own = kind == "hartung-knapp"
    variance = float((model.vcov if own else model.plain)[0, 0])
    df = model.df if own else (None if kind == "z" else k - 2.0)
    tail = 0.5 + level / 2
    half = float(norm.ppf(tail) if df is None else t.ppf(tail, df))
    half *= sqrt(model.spread.tau2 + variance)
    return float(model.coefficients[0]) - half, float(model.coefficients[0]) + half, df


def _heterogeneity(data: Sites, model: _Model, method: str) -> dict[str, Any]:
    from scipy.stats import chi2

    spare = len(data.effects) - len(data.names)
    q = q_statistic(data.effects, data.variances, model.basis)
    within = typical_variance(data.variances, model.basis)
    by_q = max(100 * (q - spare) / q, 0.0) if q > 0 else 0.0
    common = method == "EE"
    tau2 = model.spread.tau2
    return {
        "i2": by_q if common else 100 * tau2 / (tau2 + within),
        "i2_q": by_q,
        "h2": q / spare if common else tau2 / within + 1,
        "q": q,
        "q_df": spare,
        "q_p": float(chi2.sf(q, spare)),
    }


def _moderation(data: Sites, model: _Model, method: str) -> dict[str, Any]:
    """Return the test of all moderators, and the share of tau squared they take away."""
    from scipy.stats import chi2, f

    beta, count = model.coefficients[1:], len(data.names) - 1
    wald = float(beta @ np.linalg.solve(model.vcov[1:, 1:], beta))
    if model.df is None:
        value, p_value = wald, float(chi2.sf(wald, count))
    else:
        value, p_value = wald / count, float(f.sf(wald / count, count, model.df))
    ones = np.ones((len(data.effects), 1))
    before = estimate_tau2(data.effects, data.variances, ones, method)
    share = None if before <= 0 else max(100 * (1 - model.spread.tau2 / before), 0.0)
    return {"r2": share, "qm": value, "qm_df": count, "qm_p": p_value}


def _egger(data: Sites) -> dict[str, Any]:
    none = {"egger_statistic": None, "egger_df": None, "egger_p": None}
    if data.moderated or len(data.effects) < MINIMUM:
        return none
    try:
        test = egger_test(data.effects, data.variances)
    except CannotEstimate:
        return none
    return {"egger_statistic": test.statistic, "egger_df": test.df, "egger_p": test.p_value}


def _site_records(data: Sites, model: _Model, weights: Floats, level: float) -> Records[SiteEffect]:
    from scipy.stats import norm

    z = float(norm.ppf(0.5 + level / 2))
    tau2 = model.spread.tau2
    own = tau2 / (tau2 + data.variances)
    fitted = data.matrix @ model.coefficients
    of_fit = np.einsum("ij,jk,ik->i", data.matrix, model.vcov, data.matrix)
    shrunken = own * data.effects + (1 - own) * fitted
    error = np.sqrt(own * data.variances + (1 - own) ** 2 * of_fit)
    root = np.sqrt(data.variances)
    return Records(
        SiteEffect(
            label=label,
            estimate=float(data.effects[i]),
            std_error=float(root[i]),
            conf_low=float(data.effects[i] - z * root[i]),
            conf_high=float(data.effects[i] + z * root[i]),
            weight=float(weights[i]),
            shrunken=float(shrunken[i]),
            shrunken_error=float(error[i]),
            shrunken_low=float(shrunken[i] - model.width * error[i]),
            shrunken_high=float(shrunken[i] + model.width * error[i]),
            moderators=tuple(float(x) for x in data.matrix[i]),
        )
        for i, label in enumerate(data.labels)
    )
