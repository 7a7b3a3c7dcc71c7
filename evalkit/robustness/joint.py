"""Loss and hidden factors together: how much of each it takes before the result no longer stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.flow import share_lost
from evalkit.robustness import words
from evalkit.robustness.cases import WEIGHT, Case
from evalkit.robustness.records import HiddenBias
from evalkit.sampling import analysis_sample, row_weights

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.hidden_bias.together import Completion, ShiftedBias

IMPUTATIONS = 5
"""Completed data sets the frontier is pooled over."""
FURTHEST = 1.5
"""Standard deviations by which the lost of the programme are shifted at most."""
STEPS = 13
STRENGTHS = 9
MOST_SHARE = 0.5


def joint_tipping(case: Case, empty: HiddenBias) -> HiddenBias:
    """Return the frontier of loss and hidden factors, and the estimate all over the plane.

    Outcomes of the programme's lost, imputed from people like them, are made less good than imputed (or
    less bad, where the result is for the worse) step by step; at each step the frontier is the share that
    a hidden factor must explain of both programme and outcome for the interval to hold no difference.
    """
    from evalkit.stats.hidden_bias.together import shifted_bias

    sd = case.main.sd_pooled
    if not sd:
        raise CannotEstimate("The spread of the outcome is not known")
    trails, notes = _trails(case)
    made = [_completion(case, trail) for trail in trails]
    moved = any(one.shifted.any() for one in made)
    toward = -1.0 if (case.main.estimate or 0.0) > 0 else 1.0
    steps = [toward * sd * FURTHEST * n / (STEPS - 1) for n in range(STEPS if moved else 1)]
    found = shifted_bias(made, steps, level=case.main.level)
    half = min(found, key=lambda one: abs(abs(one.shift) - sd / 2))
    said = words.Joint(
        case.clear, found[0].to_unclear, half.to_unclear if moved else None, better=case.better
    )
    return replace(
        empty, value=found[0].to_nothing, value_interval=found[0].to_unclear, unit="points",
        overturns=(found[0].to_unclear == 0.0) if case.clear else None,
        frontier=tuple((one.shift, one.to_unclear) for one in found) if moved else (),
        grid=_grid(found) if moved else (), sentence=said.sentence(), shareable=said.shareable(),
        notes=notes,
    )  # fmt: skip


def _grid(
    found: tuple[ShiftedBias, ...],
) -> tuple[tuple[float, float, float, float, float], ...]:
    """Return (shift, share, estimate, low, high) from no hidden factor to past the frontier."""
    furthest = min(MOST_SHARE, 1.5 * max(one.to_unclear for one in found) or 0.1)
    shares = [furthest * n / (STRENGTHS - 1) for n in range(STRENGTHS)]
    rows = []
    for one in found:
        for share in shares:
            at = one.shaken.under(share, share)
            rows.append((one.shift, share, at.estimate, at.low, at.high))
    return tuple(rows)


def _trails(case: Case) -> tuple[list[pd.DataFrame], tuple[str, ...]]:
    """Return completed trails: those made for the result already, few new ones, or the trail itself."""
    from evalkit.sensitivity.asked import fillable
    from evalkit.sensitivity.completing import complete

    if not share_lost(case.followed) or not fillable(case.followed).any():
        return [case.followed], ("nobody was lost whose outcome could be imputed",)
    if case.imputed is None:
        done = complete(case.study, case.target, case.followed, IMPUTATIONS, 2)
    else:
        done = case.imputed.completed
    said = f"outcomes of the lost imputed {IMPUTATIONS} times"
    return list(done.trails[:IMPUTATIONS]), (said,)


def _completion(case: Case, trail: pd.DataFrame) -> Completion:
    """Return one completed trail as arrays, by the covariates and clusters of the plan."""
    from evalkit.stats.hidden_bias.together import Completion
    from evalkit.stats.shared.design_matrix import treatment_design
    from evalkit.stats.shared.regression_rows import model_columns

    sample = analysis_sample(case.study, case.target, trail)
    frame = sample.frame
    weights = row_weights(case.study, frame)
    frame = frame.assign(**{WEIGHT: 1.0 if weights is None else weights})
    frame = frame[frame[WEIGHT] > 0].reset_index(drop=True)
    keep = np.ones(len(frame), dtype=bool)
    columns = model_columns(frame, keep, sample.columns, sample.strata)
    arm = frame["treated"].to_numpy(dtype=float)
    seen = case.followed.loc[case.followed["step"] == "analysed", "person"]
    imputed = ~frame["person"].isin(seen).to_numpy()
    return Completion(
        outcome=frame["score"].to_numpy(dtype=float),
        matrix=treatment_design(("treated", arm), columns).matrix,
        shifted=(imputed & (arm == 1)).astype(float),
        cluster=None if sample.cluster is None else frame[sample.cluster].to_numpy(),
        weights=None if weights is None else frame[WEIGHT].to_numpy(dtype=float),
    )  # fmt: skip
