"""The design of people seen at several waves: waves, baseline, covariates, arm at each wave."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_rows
from evalkit.stats.shared.design_matrix import Column, Design, drop_aliased, treatment_design

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


def wave_design(
    treatment: Column,
    places: Codes,
    wave: tuple[str, Sequence[str]],
    baseline: Column | None,
    covariates: Sequence[Column],
    *,
    by_wave: bool,
) -> Design:
    """Return the design; its last columns are the arm at each wave, in the order of the waves.

    `treatment` is the arm's name and 0/1 values, `places` each row's wave from 0, `wave` the
    column's name and the waves' labels, `baseline` a score that enters centred and, with
    `by_wave`, with a slope of its own at each wave. Raises CannotEstimate where a wave has fewer
    than two rows of an arm, or the covariates determine the arm there.
    """
    label, arm = treatment
    variable, waves = wave
    _check_arms_at(arm, places, waves)
    at = [(places == k).astype(np.float64) for k in range(len(waves))]
    columns = [(f"{variable}={w}", x) for w, x in zip(waves[1:], at[1:], strict=True)]
    columns += _baseline_columns(baseline, waves, at if by_wave else [])
    plain = treatment_design(treatment, [*columns, *covariates])
    kept = [plain.matrix[:, k] for k in range(plain.matrix.shape[1]) if k != 1]
    crossed = [(f"{label}:{w}", arm * x) for w, x in zip(waves, at, strict=True)]
    names = ("(intercept)", *plain.names[2:], *(name for name, _ in crossed))
    matrix = np.column_stack([*kept, *(x for _, x in crossed)])
    check_rows(*matrix.shape)
    _check_separable(names, matrix, label)
    return Design(names, matrix, plain.notes)


def _baseline_columns(
    baseline: Column | None, waves: Sequence[str], at: Sequence[Floats]
) -> list[Column]:
    if baseline is None:
        return []
    label, score = baseline
    centred = score - score.mean()
    if len(at) <= 1:
        return [(label, centred)]
    return [(f"{label}:{w}", centred * x) for w, x in zip(waves, at, strict=True)]


def _check_separable(names: Sequence[str], matrix: Floats, treatment: str) -> None:
    _, lost = drop_aliased([(name, matrix[:, k]) for k, name in enumerate(names) if k])
    if lost:
        raise CannotEstimate(
            f"At some wave '{treatment}' is determined by the covariates, so its effect there "
            "cannot be told apart from theirs. Leave out the covariate that says who was in "
            "which arm."
        )


def _check_arms_at(arm: Floats, places: Codes, waves: Sequence[str]) -> None:
    for k, wave in enumerate(waves):
        for value, label in ((1.0, "treatment"), (0.0, "comparison")):
            n = int(((places == k) & (arm == value)).sum())
            if n < 2:
                raise CannotEstimate(
                    f"At wave '{wave}' the {label} arm has {n} person(s) to analyse; at least 2 "
                    "are needed. Leave that wave out."
                )
