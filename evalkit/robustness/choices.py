"""Whether the result hangs on one site, on one covariate, or on choices that a plan could make otherwise."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from evalkit import units
from evalkit.errors import CannotEstimate
from evalkit.robustness import words
from evalkit.robustness.cases import REFUSALS, WEIGHT, Case, interval_of, named
from evalkit.robustness.records import BiasPart, HiddenBias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from evalkit.results import Estimate

COMPLETE, IMPUTED, PLANNED = "complete-case", "multiple-imputation", "as planned"
NEAR = 0.5
"""Intervals that end roughly nearer to zero than this share of half their width are worked out."""
IMPUTATIONS = 5
"""Completed data sets that a specification is pooled over: the curve is a look, not a result."""
LEAST_SQUARES = ("mean_difference",)
"""Estimators whose estimate the linear model of a case gives to the digit."""


def without_sites(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the result with each site left out; those that leave least of it are fitted again."""
    from evalkit.stats.hidden_bias.left_out import without_each

    frame = case.framed()
    if frame["site"].nunique() < 2:
        raise CannotEstimate("Fewer than two sites have people analysed")
    rough = without_each(
        frame, outcome="score", treatment="treated", group="site", weights=WEIGHT,
        covariates=case.sample.columns, strata=case.sample.strata,
    )  # fmt: skip

    def fit(site: str) -> Estimate:
        return case.again(followed=case.followed[case.followed["site"] != site])

    wider = {site: _wider_without(frame, site) for site in rough}
    return _told(case, empty, _parts(case, rough, wider, fit, str), "site")


def _wider_without(frame: pd.DataFrame, site: str) -> float:
    """Return about how much wider an interval is without a site: by the people left in each group."""
    sizes = frame.groupby("treated")[WEIGHT].sum()
    left = frame[frame["site"] != site].groupby("treated")[WEIGHT].sum().reindex(sizes.index)
    return float(((1 / left).sum() / (1 / sizes).sum()) ** 0.5)


def without_covariates(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the result with each covariate left out; those that leave least are fitted again."""
    plan = case.study.evaluation.declared.analysis.covariates
    model = case.model()
    left = {tie.covariate: value for tie, value in zip(model.ties, model.left, strict=True)}
    rough = {name: left[name] for name in plan if name in left}
    wider = {
        tie.covariate: ((1 - tie.r2_treatment) / max(1 - tie.r2_outcome, 1e-12)) ** 0.5
        for tie in model.ties
    }  # fmt: skip
    if not rough:
        raise CannotEstimate("Nothing is adjusted for")

    def fit(name: str) -> Estimate:
        return case.again(covariates=[other for other in plan if other != name])

    return _told(case, empty, _parts(case, rough, wider, fit, named), "covariate")


def _parts(
    case: Case, rough: dict[str, float], wider: dict[str, float],
    fit: Callable[[str], Estimate], label: Callable[[str], str],
) -> list[BiasPart]:  # fmt: skip
    """Return a part a name: those that may overturn it by the plan's own estimator, the weakest first.

    `rough` holds the linear estimate without each, `wider` about how many times as wide its interval
    is. The others have an estimate where it is linear.
    """
    sign = 1 if units.centred(case.main, case.main.estimate or 0.0) > 0 else -1
    half = _half(case.main)
    inner = {n: sign * v - half * wider[n] for n, v in rough.items() if v == v and wider[n] < math.inf}  # fmt: skip
    weakest = min(inner, key=lambda name: inner[name], default=next(iter(rough)))
    near = {n for n, end in inner.items() if case.clear and end < NEAR * half} | {weakest}
    exact = case.study.evaluation.estimator(case.target) in LEAST_SQUARES
    fitted = [_fitted(case, label(n), fit, n) for n in sorted(near, key=lambda n: inner.get(n, 0.0))]  # fmt: skip
    fitted.sort(key=lambda part: part.overturns is not True)
    linear = [
        BiasPart(label=label(n), estimate=v)
        for n, v in rough.items() if n not in near and exact and v == v
    ]  # fmt: skip
    return [*fitted, *linear]


def _half(main: Estimate) -> float:
    if main.conf_low is None or main.conf_high is None:
        return 0.0
    return (units.centred(main, main.conf_high) - units.centred(main, main.conf_low)) / 2


def _fitted(case: Case, label: str, fit: Callable[[str], Estimate], name: str) -> BiasPart:
    try:
        again = fit(name)
    except REFUSALS as refusal:
        return BiasPart(label=label, note=str(refusal))
    return BiasPart(label=label, **interval_of(again), overturns=case.overturned(again))


def _told(case: Case, empty: HiddenBias, parts: list[BiasPart], noun: str) -> HiddenBias:
    judged = [part for part in parts if part.estimate is not None and part.conf_low is not None]
    if not judged:
        raise CannotEstimate(next((p.note for p in parts if p.note), "Nothing could be estimated"))
    weakest = judged[0]
    return replace(
        empty, parts=tuple(parts), overturns=weakest.overturns, unit=case.main.unit,
        sentence=words.left_out(noun, weakest, named_one=True),
        shareable=words.left_out(noun, weakest, named_one=noun != "site"),
    )  # fmt: skip


def specifications(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the result under each combination of the declared choices, sorted by estimate.

    Without a declaration: all, only the first score or nothing adjusted for, by each estimator of the
    design; with the weights of the match or without; and with the lost imputed.
    """
    if case.target.kind == "ordinal":
        raise CannotEstimate("A curve is not drawn for an outcome that is only ordered")
    parts = [part for choice in _choices(case) if (part := _specified(case, *choice)) is not None]
    shown = sorted(parts, key=lambda p: p.estimate or 0.0)
    judged = [part.overturns for part in shown if part.overturns is not None]
    if len(shown) < 2:
        raise CannotEstimate("The plan leaves nothing to be chosen otherwise")
    return replace(
        empty, parts=tuple(shown), unit=case.main.unit,
        overturns=any(judged) if judged else None,
        sentence=words.curve(case.clear, shown, figures=True),
        shareable=words.curve(case.clear, shown, figures=False),
    )  # fmt: skip


Choice = tuple[tuple[str, ...], str, str, str]
"""Covariates, estimator, treatment of the lost, weights."""


def _choices(case: Case) -> list[Choice]:
    """Return the specifications, each once, that of the plan first."""
    declared, evaluation = case.plan.specifications, case.study.evaluation
    plan = evaluation.declared.analysis.covariates
    own = evaluation.estimator(case.target)
    ours: Choice = (plan, own, COMPLETE, PLANNED)
    estimators = [e for e in evaluation.design.estimators if case.target.kind == "mean"] or [own]
    weights = _other_weights(case)
    if declared is None:
        sets = [plan, *([("baseline",)] if "baseline" in plan else []), ()]
        more: list[Choice] = [(s, e, COMPLETE, PLANNED) for s, e in product(sets, estimators)]
        more += [(plan, own, COMPLETE, w) for w in weights]
        more += [(plan, own, IMPUTED, PLANNED)] if case.imputed else []
        return list(dict.fromkeys([ours, *more]))
    ways: list[str] = [w for w in weights if w in declared.weights]
    listed = product(
        declared.covariates or (plan,),
        [e for e in declared.estimators if case.target.kind == "mean"] or [own],
        declared.missing or (COMPLETE,), ways or [PLANNED],
    )  # fmt: skip
    return list(dict.fromkeys([ours, *listed]))


def _other_weights(case: Case) -> list[str]:
    """Return the ways of weighting that differ from the plan's own."""
    rows = case.sample.frame
    found = ["none"] if (rows["weight"] != 1).any() else []
    if rows["set"].notna().all() and len(rows):
        sizes = rows.groupby("set")["treated"].agg(["sum", "size"])
        if (sizes["sum"] * 2 != sizes["size"]).any() and not found:
            found.append("sets")
    return found


def _weighted(rows: pd.DataFrame, weights: str) -> pd.DataFrame:
    """Return a trail weighted otherwise.

    By set: a comparison counts as the people of the programme in its set, shared; sets that have lost a
    side are left out (the average over those treated).
    """
    if weights != "sets":
        return rows.assign(weight=1.0) if weights == "none" else rows
    analysed = rows["step"] == "analysed"
    by_set = rows[analysed].groupby("set")["treated"]
    treated = rows["set"].map(by_set.sum())
    others = rows["set"].map(by_set.size()) - treated
    whole = (treated > 0) & (others > 0)
    share = (treated / others).where(rows["treated"] == 0, 1.0)
    return rows.assign(weight=share)[~analysed | whole]


def _specified(
    case: Case, covariates: tuple[str, ...], estimator: str, missing: str, weights: str
) -> BiasPart | None:
    """Return one specification; None where these data do not allow it."""
    own = case.study.evaluation.estimator(case.target)
    plan = case.study.evaluation.declared.analysis.covariates
    ours = (covariates, estimator, missing, weights) == (plan, own, COMPLETE, PLANNED)
    if not covariates and estimator == "interacted_difference":
        return None
    try:
        found = case.main if ours else _again(case, covariates, estimator, missing, weights)
    except REFUSALS:
        return None
    label = words.specification(
        covariates, None if estimator == own else estimator, missing == IMPUTED, weights, plan=plan
    )
    turned = None if ours else case.overturned(found)
    return BiasPart(label=label, **interval_of(found), overturns=turned, planned=ours)


def _again(
    case: Case, covariates: tuple[str, ...], estimator: str, missing: str, weights: str
) -> Estimate:
    from evalkit.sensitivity.imputed import pooled

    chosen = case.known[estimator]
    if missing == COMPLETE:
        rows = _weighted(case.followed, weights)
        return case.again(followed=rows, covariates=covariates, estimator=chosen)
    if case.imputed is None:
        raise CannotEstimate("Nobody's outcome was imputed")
    evaluation = case.study.evaluation
    plan, own = evaluation.declared.analysis.covariates, evaluation.estimator(case.target)
    if (covariates, estimator, weights) == (plan, own, PLANNED):
        return case.imputed.estimate
    trails: Sequence[pd.DataFrame] = case.imputed.completed.trails[:IMPUTATIONS]
    each = [
        case.again(followed=_weighted(t, weights), covariates=covariates, estimator=chosen)
        for t in trails
    ]  # fmt: skip
    return pooled(each)[0]
