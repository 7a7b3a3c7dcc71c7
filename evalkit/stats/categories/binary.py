"""Differences and ratios of risks and of odds between arms: an outcome that is yes or no."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.mantel_haenszel import mantel_haenszel, stratum_tables
from evalkit.stats.categories.marginal import Marginal, marginal_effect
from evalkit.stats.categories.risk_study import Asked, RiskEffect, Study, few_events, read_study
from evalkit.stats.categories.small_tables import (
    inverse_sinh_odds_ratio,
    mover_ratio,
    newcombe_difference,
)
from evalkit.stats.shared.columns import as_names
from evalkit.stats.shared.model_rows import adjusted_for


def risk_difference(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    strata: str | None = None,
    interact: bool = False,
    estimand: str = "ATE",
    level: float = 0.95,
) -> RiskEffect:
    """Return the difference in the chance of an outcome, treated less comparison.

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person; never changed
    outcome : name of a 0/1 or true/false column
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    strata : name of the column of strata or blocks: fixed effects
    interact : let every covariate act differently in each arm; strata are not interacted
    estimand : "ATE", averaged over everybody analysed, or "ATT", over those treated
    level : confidence level

    Returns
    -------
    RiskEffect
        The marginal difference (0 to 1, so 0.1 is ten percentage points) by g-computation from a
        logistic model, with the delta method for covariates held as they are. Clustered: CR2 on
        the working weights, Satterthwaite degrees of freedom. With fewer than 10 events or
        non-events in an arm: Newcombe's interval without covariates, clusters and strata,
        otherwise least squares with HC2 or CR2. With strata too sparse for the model (fewer than 5
        events or non-events a stratum, or a stratum all yes or all no), or few events: without
        covariates and clusters the Mantel-Haenszel difference with Sato's variance, otherwise
        least squares. `method` and `notes` say so.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, an outcome other than 0 and 1, or an
        unknown option.
    CannotEstimate
        When an arm has fewer than two people (or, clustered, two clusters), everybody has the
        outcome or nobody has, covariates separate the outcome, no stratum has both arms, or
        `interact` is asked for with fewer than 10 events or non-events in an arm.
    NotConverged
        When the logistic model does not settle.

    References
    ----------
    Snowden, Rose and Mortimer (2011), American Journal of Epidemiology 173:731-738
    (g-computation); Newcombe (1998), Statistics in Medicine 17:873-890; Pustejovsky and Tipton
    (2018), JBES 36:672-683.
    """
    asked = Asked(
        "risk difference", outcome, treatment, treated, as_names(covariates), cluster, interact,
        estimand, level, strata,
    )  # fmt: skip
    study = read_study(data, asked)
    if study.mantel_haenszel:
        return _over_strata(study)
    if not (study.few or study.sparse):
        return _by_model(study)
    return _by_newcombe(study) if study.plain else _by_least_squares(study)


def risk_ratio(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    strata: str | None = None,
    interact: bool = False,
    estimand: str = "ATE",
    level: float = 0.95,
) -> RiskEffect:
    """Return the ratio of the chances of an outcome, treated over comparison.

    Parameters, errors and references as for `risk_difference`; besides, CannotEstimate when
    nobody in the comparison arm has the outcome.

    Returns
    -------
    RiskEffect
        The marginal ratio by g-computation from a logistic model, its interval by the delta
        method on the log scale (`std_error` is that of the logarithm). With fewer than 10 events
        or non-events in an arm: without covariates and clusters the square-and-add interval from
        two Wilson intervals (Donner and Zou 2012, Newcombe's rule for ratios), otherwise the same
        model with a note that it is not to be relied on. With sparse strata or few events, as for
        `risk_difference`: without covariates and clusters the Mantel-Haenszel ratio, common to the
        strata.
    """
    asked = Asked(
        "risk ratio", outcome, treatment, treated, as_names(covariates), cluster, interact,
        estimand, level, strata,
    )  # fmt: skip
    return _ratio(read_study(data, asked))


def odds_ratio(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    strata: str | None = None,
    interact: bool = False,
    estimand: str = "ATE",
    level: float = 0.95,
) -> RiskEffect:
    """Return the ratio of the odds of an outcome, treated over comparison.

    Parameters, errors and references as for `risk_difference`; besides, CannotEstimate when the
    ratio is infinite.

    Returns
    -------
    RiskEffect
        The marginal odds ratio, the odds of the two average chances: with covariates it is nearer
        1 than the conditional one, exp of the logistic coefficient, because odds ratios do not
        average. Delta method on the log scale (`std_error` is that of the logarithm). With fewer
        than 10 events or non-events in an arm: without covariates and clusters the adjusted
        inverse hyperbolic sine interval (Fagerland and Newcombe 2013), otherwise the same model
        with a note that it is not to be relied on. With sparse strata or few events, as for
        `risk_difference`: without covariates and clusters the Mantel-Haenszel ratio, common to the
        strata: the odds ratio within a stratum, not a marginal one.
    """
    asked = Asked(
        "odds ratio", outcome, treatment, treated, as_names(covariates), cluster, interact,
        estimand, level, strata,
    )  # fmt: skip
    return _ratio(read_study(data, asked))


def _by_newcombe(study: Study) -> RiskEffect:
    numbers = newcombe_difference(study.table, study.asked.level)
    how = "Newcombe's hybrid score interval; the p-value is where that interval reaches 0."
    return _from_table(study, numbers, how)


def _ratio(study: Study) -> RiskEffect:
    _, b, c, _ = study.table.cells
    odds = study.asked.measure == "odds ratio"
    if c == 0 or (odds and b == 0):
        who = "Nobody in the comparison arm has" if c == 0 else "Everybody in the treatment arm has"
        raise CannotEstimate(
            f"{who} the outcome '{study.asked.outcome}', so the {study.asked.measure} has no "
            "finite value. Use risk_difference."
        )
    if study.mantel_haenszel:
        return _over_strata(study)
    if not (study.few and study.plain):
        return _by_model(study)
    if odds:
        numbers = inverse_sinh_odds_ratio(study.table, study.asked.level)
        how = "adjusted inverse hyperbolic sine interval (Fagerland and Newcombe)"
    else:
        numbers = mover_ratio(study.table, study.asked.level)
        how = "square-and-add interval from two Wilson intervals (MOVER-R)"
    return _from_table(study, numbers, f"{how}; the p-value is where that interval reaches 1.")


def _from_table(study: Study, numbers: dict[str, Any], how: str) -> RiskEffect:
    risks = study.table.risks
    return RiskEffect(
        **study.common(),
        **numbers,
        risk_treatment=risks[0],
        risk_comparison=risks[1],
        method=f"{_title(study)} from the two-by-two table; {how}",
        notes=(f"{few_events(study)}: the interval is one made for small tables", *study.alone()),
    )


def _title(study: Study) -> str:
    asked = study.asked
    return f"{asked.measure.capitalize()} of {asked.outcome} by {asked.treatment}"


def _over_strata(study: Study) -> RiskEffect:
    """Return the Mantel-Haenszel estimate, where strata or events are sparse."""
    assert study.strata is not None
    tables = stratum_tables(study.outcome, study.rows.arm, study.strata)
    numbers = mantel_haenszel(tables, study.asked.measure, study.asked.level)
    risks = tables.risks
    variance = {
        "risk difference": "Sato's variance, normal interval",
        "risk ratio": "Greenland and Robins' variance, normal interval on the log scale",
        "odds ratio": "Robins, Breslow and Greenland's variance, normal interval on the log scale",
    }[study.asked.measure]
    few = (f"{few_events(study)}: the interval is approximate",) if study.few else ()
    return RiskEffect(
        **(study.common() | {"estimand": "common to strata"}),
        **numbers,
        risk_treatment=risks[0],
        risk_comparison=risks[1],
        method=f"Mantel-Haenszel {_title(study)[0].lower()}{_title(study)[1:]} over "
        f"{len(tables.n)} strata of {study.asked.strata}, taken as the same in each; {variance}.",
        notes=(*few, *study.alone()),
    )


def _by_least_squares(study: Study) -> RiskEffect:
    """Return the adjusted or clustered difference where events are few: OLS with HC2 or CR2."""
    from evalkit.stats.least_squares.differences import mean_difference

    asked = study.asked
    found = mean_difference(
        study.data, outcome=asked.outcome, treatment=asked.treatment, treated=asked.treated,
        covariates=asked.covariates, cluster=asked.cluster, strata=asked.strata, level=asked.level,
    )  # fmt: skip
    why = few_events(study) if study.few else "Too few events or non-events in strata"
    assert found.estimate is not None
    base = float(study.outcome.mean() - found.estimate * study.rows.arm.mean())
    numbers = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")
    kept = [note for note in found.notes if "effect size" not in note]
    if asked.estimand == "ATT":
        kept.append("Least squares takes the effect as the same for everybody, treated or not")
    return RiskEffect(
        **study.common(),
        **{name: getattr(found, name) for name in numbers},
        risk_treatment=base + found.estimate,
        risk_comparison=base,
        method=f"{_title(study)}: " + found.method.split(" The effect size")[0],
        notes=(f"{why}: by least squares, not by a logistic model", *kept, *study.alone()),
    )


def _by_model(study: Study) -> RiskEffect:
    asked = study.asked
    found = marginal_effect(
        study.data, study.rows, study.outcome, asked.treatment, asked.covariates, asked.measure,
        interact=asked.interact, treated_only=asked.estimand == "ATT", level=asked.level,
        strata=asked.strata,
    )  # fmt: skip
    notes = [*found.notes, *study.alone()]
    if study.few:
        notes.append(f"{few_events(study)}: the interval and p-value are not to be relied on")
    return RiskEffect(
        **study.common(),
        **found.numbers,
        risk_treatment=found.risk_treatment,
        risk_comparison=found.risk_comparison,
        method=_model_sentence(study, found),
        notes=tuple(notes),
    )


def _model_sentence(study: Study, found: Marginal) -> str:
    asked = study.asked
    text = f"Marginal {_title(study)[0].lower()}{_title(study)[1:]}, by g-computation from a "
    strata = [f"{asked.strata} (strata)"] if asked.strata else []
    text += f"logistic model{adjusted_for([*asked.covariates, *strata])}"
    text += ", covariates interacted with treatment" if asked.interact else ""
    text += ", averaged over the treated" if asked.estimand == "ATT" else ""
    text += "; delta method" + ("" if asked.measure == "risk difference" else " on the log scale")
    if found.clusters is None:
        return text + ", normal interval."
    return (
        f"{text}, CR2 standard error for {found.clusters} clusters, Satterthwaite "
        "(Bell-McCaffrey) degrees of freedom."
    )
