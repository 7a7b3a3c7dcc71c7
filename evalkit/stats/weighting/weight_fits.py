"""Weights as functions of estimated parameters, so that their uncertainty can be carried on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.weighting.entropy import Balanced, entropy_balance
from evalkit.stats.weighting.propensity import Propensity, fit_propensity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.stats.weighting.weight_columns import Recipe, WeightRows

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class WeightFit:
    """The weights of the rows analysed and whom the effect is about.

    `weights` and `target` (how much each row counts among the people the effect is about) have one
    value a row. `slopes` and `target_slopes` (rows by parameters) are their derivatives by the
    estimated parameters, `influence` (rows by parameters) what each row adds to those.
    """

    weights: Floats
    target: Floats
    slopes: Floats
    target_slopes: Floats | None
    influence: Floats
    propensity: Floats | None = None
    divergence: float | None = None
    trimmed: Bools | None = None


def fit_weights(rows: WeightRows, made: Recipe) -> WeightFit:
    """Return the weights a recipe asks for."""
    if made.method == "entropy":
        return _by_entropy(rows, made)
    return _by_propensity(rows, made)


def _by_propensity(rows: WeightRows, made: Recipe) -> WeightFit:
    model = fit_propensity(rows.matrix, rows.arm, rows.base, rows.names, made.link)
    inside = _inside(model.score, rows.arm, made.trim)
    base = rows.base * inside
    _check_left(rows.arm, inside)
    weights, bend = _formula(model, rows.arm, made.estimand)
    target, target_bend = _target(model, rows.arm, made.estimand)
    if made.stabilise:
        share = np.average(rows.arm[inside], weights=rows.base[inside])
        factor = np.where(rows.arm == 1, share, 1 - share)
        weights, bend = weights * factor, bend * factor
    by_columns = model.basis * (base * bend)[:, None]
    return WeightFit(
        weights=base * weights,
        target=base * target,
        slopes=by_columns,
        target_slopes=None if target_bend is None else model.basis * (base * target_bend)[:, None],
        influence=model.influence,
        propensity=model.score,
        trimmed=~inside,
    )


def _formula(model: Propensity, arm: Floats, estimand: str) -> tuple[Floats, Floats]:
    """Return the weights, and their derivative by the linear predictor.

    ATE 1/e and 1/(1 - e); ATT 1 and e/(1 - e); ATC (1 - e)/e and 1; ATO 1 - e and e (Li, Morgan
    and Zaslavsky 2018, JASA 113:390-400).
    """
    e, slope, t = model.score, model.slope, arm == 1
    one, zero = np.ones_like(e), np.zeros_like(e)
    f = 1 - e
    with np.errstate(divide="ignore", over="ignore"):
        pairs = {
            "ATE": ((1 / e, 1 / f), (-slope / e**2, slope / f**2)),
            "ATT": ((one, e / f), (zero, slope / f**2)),
            "ATC": ((f / e, one), (-slope / e**2, zero)),
            "ATO": ((f, e), (-slope, slope)),
        }
    weights, bend = (np.where(t, pair[0], pair[1]) for pair in pairs[estimand])
    if not (np.all(np.isfinite(weights)) and np.all(np.isfinite(bend))):
        raise CannotEstimate(
            "A propensity is 0 or 1 to machine precision, so a weight is infinite: there is no "
            "overlap. Leave out the covariate that decides treatment, or use method='overlap'."
        )
    return weights, bend


def _target(model: Propensity, arm: Floats, estimand: str) -> tuple[Floats, Floats | None]:
    e = model.score
    if estimand == "ATO":
        return e * (1 - e), model.slope * (1 - 2 * e)
    return {"ATT": arm, "ATC": 1 - arm, "ATE": np.ones_like(e)}[estimand], None


def _inside(score: Floats, arm: Floats, trim: float | str | None) -> Bools:
    """Return who is not trimmed: e within [trim, 1 - trim], or within both arms' ranges of e."""
    if trim is None:
        return np.ones(len(score), dtype=bool)
    if trim == "common":
        sides = [score[arm == value] for value in (1, 0)]
        low, high = max(s.min() for s in sides), min(s.max() for s in sides)
    else:
        low, high = float(trim), 1 - float(trim)
    return np.asarray((score >= low) & (score <= high))


def _check_left(arm: Floats, inside: Bools) -> None:
    for value, label in ((1, "treatment"), (0, "comparison")):
        left = int(np.sum(inside & (arm == value)))
        if left < 2:
            raise CannotEstimate(
                f"Trimming leaves {left} of {int(np.sum(arm == value))} people in the {label} arm: "
                "there is too little overlap. Trim less, or use method='overlap'."
            )


def _by_entropy(rows: WeightRows, made: Recipe) -> WeightFit:
    """Return each arm's weights (mean 1 where the base weights are equal) to the target's means."""
    columns, names = rows.matrix[:, 1:], rows.names[1:]
    target = rows.base * {"ATT": rows.arm, "ATC": 1 - rows.arm}.get(made.estimand, 1.0)
    means = target @ columns / target.sum()
    on_means = (target / target.sum())[:, None] * (columns - means)
    weights, slopes, influence, divergence = rows.base.copy(), [], [], 0.0
    for value, label in ((1, "treatment"), (0, "comparison")):
        inside = rows.arm == value
        if made.estimand == ("ATT" if value else "ATC"):
            continue
        arm = entropy_balance(columns[inside], means, rows.base[inside], names, label)
        weights[inside] = arm.weights * rows.base[inside].sum()
        slope = np.zeros((len(weights), int(arm.used.sum())))
        slope[inside] = weights[inside, None] * arm.centred
        slopes.append(slope)
        influence.append(_on_multipliers(arm, inside, on_means[:, arm.used]))
        divergence += arm.divergence
    return WeightFit(
        weights=weights,
        target=target,
        slopes=np.hstack(slopes),
        target_slopes=None,
        influence=np.hstack(influence),
        divergence=divergence,
    )


def _on_multipliers(arm: Balanced, inside: Bools, on_means: Floats) -> Floats:
    """Return each row's influence on the multipliers: by the arm's rows and by the targets."""
    scores = -on_means.copy()
    scores[inside] += arm.weights[:, None] * arm.centred
    bend = arm.centred.T @ (arm.centred * arm.weights[:, None])
    return -scores @ np.linalg.inv(bend) if bend.size else scores
