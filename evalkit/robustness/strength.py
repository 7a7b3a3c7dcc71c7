"""How strong a hidden factor would have to be: E-values, robustness values, pair bounds, Oster's delta."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate
from evalkit.robustness import words
from evalkit.robustness.cases import WEIGHT, Case
from evalkit.robustness.records import BiasPart, HiddenBias
from evalkit.robustness.yardsticks import taken_for_granted, yardsticks

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.results import Estimate
    from evalkit.robustness.yardsticks import Yardstick
    from evalkit.stats.hidden_bias.confounding import Shaken

GAMMAS = (1.0, 1.5, 2.0, 3.0)
FEWEST_PAIRS = 10
FINE = 1e-9
"""Gaps nearer to each other than this share of a standard deviation are ties."""


def e_values(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the E-value: of the risk ratio, odds ratio or effect size, by the kind of outcome."""
    from evalkit.stats.hidden_bias.e_values import e_value

    scale, ends = _on_scale(case)
    found = e_value(ends[0], ends[1], ends[2], scale=scale)
    return replace(
        empty, value=found.e_value, value_interval=found.e_value_limit,
        sentence=found.sentence if case.clear else words.NOTHING,
        shareable=words.e_value(case.clear, found.e_value_limit),
        notes=(found.method.rstrip("."), *found.notes),
    )  # fmt: skip


def _on_scale(case: Case) -> tuple[str, tuple[float, float, float]]:
    """Return the scale an E-value is worked out on, and the estimate with its limits."""
    e, scale = case.main, "smd"
    if case.target.kind == "yes-no" and e.unit != "ratio":
        e, scale = _as_ratio(case)
    elif e.unit == "ratio":
        scale = "or" if case.target.kind == "ordinal" else "rr"
    if scale == "smd":
        found = (e.effect_size, e.effect_low, e.effect_high)
    else:
        found = (e.estimate, e.conf_low, e.conf_high)
    if found[0] is None or found[1] is None or found[2] is None:
        raise CannotEstimate("There is no effect size to work an E-value out from")
    return scale, (found[0], found[1], found[2])


def _as_ratio(case: Case) -> tuple[Estimate, str]:
    """Return a yes-or-no result as a ratio of shares, else as the effect size its odds stand for."""
    try:
        return case.again(estimator=case.known["risk_ratio"]), "rr"
    except CannotEstimate:
        return case.main, "smd"


def robustness_value(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the robustness value, and the result under factors as strong as each covariate.

    The interval keeps the plan's own standard error (see `stats.hidden_bias.confounding`).
    """
    model = case.model()
    shaken = case.shaken(model)
    sticks = yardsticks(case, model)
    worst = min(sticks, key=lambda stick: _harm(shaken, stick), default=None)
    times = None if worst is None else shaken.overturning(worst.tie)
    least = None if worst is None else _least(shaken, worst)
    needed = shaken.to_unclear()
    said = words.Strength(case.clear, None if worst is None else worst.name, times, least, needed)
    return replace(
        empty, value=shaken.to_nothing(), value_interval=needed, times=times,
        times_least=least,
        benchmark=None if worst is None else worst.covariate,
        overturns=None if not case.clear or times is None else times <= 2,
        parts=tuple(_bound(case, shaken, s, k) for s in sticks for k in case.plan.strengths),
        sentence=said.sentence(), shareable=said.shareable(),
        notes=taken_for_granted(sticks),
    )  # fmt: skip


def _least(shaken: Shaken, stick: Yardstick) -> float:
    from evalkit.stats.hidden_bias.confounding import as_close_as_may_be

    return shaken.overturning(as_close_as_may_be(stick.tie, shaken.df))


def _harm(shaken: Shaken, stick: Yardstick) -> tuple[float, float]:
    """Order covariates: first how soon a multiple of one overturns, then what its double leaves."""
    found = shaken.times(stick.tie, 2)
    left = float("-inf") if found is None else found.estimate * (1 if shaken.estimate >= 0 else -1)
    return shaken.overturning(stick.tie), left


def _bound(case: Case, shaken: Shaken, stick: Yardstick, k: float) -> BiasPart:
    from evalkit.stats.hidden_bias.confounding import multiplied

    found, shares = shaken.times(stick.tie, k), multiplied(stick.tie, k)
    part = BiasPart(label=stick.name, strength=float(k), note="; ".join(taken_for_granted([stick])))
    if found is None or shares is None:
        none = "nothing can be so strong: it would leave nothing of who is in which group"
        return replace(part, overturns=True if case.clear else None, note=none)
    return replace(
        part, r2_treatment=shares[0], r2_outcome=shares[1], estimate=found.estimate,
        conf_low=found.low, conf_high=found.high,
        overturns=found.overturned if case.clear else None,
    )  # fmt: skip


def rosenbaum(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return how far matched pairs may differ in their odds of the programme before this goes.

    Of scores: what the covariates leave of them, averaged by set and arm, by signed ranks. Of yes or
    no: sets of one and one, by the exact test of those that differ.
    """
    from evalkit.stats.hidden_bias.pair_bounds import rosenbaum_bounds

    binary = case.target.kind == "yes-no"
    pairs = _pairs(case, binary=binary)
    if len(pairs) < FEWEST_PAIRS:
        raise CannotEstimate(f"Fewer than {FEWEST_PAIRS} matched sets have both sides analysed")
    up = (case.main.estimate or 0.0) > 0
    found = rosenbaum_bounds(
        pairs[1.0], pairs[0.0], gamma=GAMMAS, kind="binary" if binary else "signed-rank",
        alternative="greater" if up else "less", alpha=(1 - case.main.level) / 2,
    )  # fmt: skip
    largest, unseen = found.gamma_critical, found.p_value > found.alpha
    shareable = words.pairs(case.clear, largest, unseen)
    figure = f" Their one-sided p-value is {found.p_value:.3f}, above {found.alpha:g}."
    parts = tuple(
        BiasPart(
            label=words.ODDS, strength=b.gamma, conf_low=b.estimate_low,
            conf_high=b.estimate_high, n_used=found.n_pairs,
            overturns=b.p_high > found.alpha if case.clear else None,
        )
        for b in found.bounds
    )  # fmt: skip
    return replace(
        empty, value_interval=largest, parts=parts, shareable=shareable,
        sentence=shareable + figure if unseen and case.clear else found.sentence if case.clear else shareable,
        notes=(found.method.rstrip("."), *found.notes),
    )  # fmt: skip


def _pairs(case: Case, *, binary: bool) -> pd.DataFrame:
    """Return the outcome of each matched set by arm, sets with both arms alone."""
    import numpy as np

    frame = case.framed()
    frame = frame[frame["set"].notna()]
    if not binary and case.sample.columns:
        import pandas as pd

        known = pd.get_dummies(frame[list(case.sample.columns)], drop_first=True).astype(float)
        design = np.column_stack([np.ones(len(frame)), known.to_numpy()])
        y = frame["score"].to_numpy(dtype=float)
        frame["score"] = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    cells = frame.groupby(["set", "treated"])["score"].agg(["mean", "size"]).unstack()
    if binary:
        cells = cells[(cells["size"] == 1).all(axis=1)]
    found: pd.DataFrame = cells["mean"].reindex(columns=[1.0, 0.0]).dropna()
    return found if binary else _as_gaps(found, FINE * float(frame["score"].std()))


def _as_gaps(pairs: pd.DataFrame, unit: float) -> pd.DataFrame:
    """Return pairs as gaps beside nought, so that gaps alike but for rounding are ties in any order."""
    import pandas as pd

    gaps = pairs[1.0] - pairs[0.0]
    return pd.DataFrame({1.0: (gaps / unit).round() * unit if unit > 0 else gaps, 0.0: 0.0})


def oster(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return Oster's delta and the estimate under selection on hidden as on known factors."""
    from evalkit.stats.hidden_bias.proportional import oster_delta

    frame = case.framed()
    if frame[WEIGHT].nunique() > 1:
        raise CannotEstimate("Oster's delta is of unweighted comparisons")
    if not case.sample.columns:
        raise CannotEstimate("Nothing is adjusted for")
    found = oster_delta(frame, outcome="score", treatment="treated", covariates=case.sample.columns)
    turned = found.estimate_equal * (case.main.estimate or 0.0) <= 0
    return replace(
        empty, value=found.delta, estimate=found.estimate_equal,
        overturns=(turned or 0 <= found.delta < 1) if case.clear else None,
        sentence=found.sentence if case.clear else words.NOTHING,
        shareable=words.oster(case.clear, found.delta, turned),
        notes=(found.method.rstrip("."), *found.notes),
    )  # fmt: skip
