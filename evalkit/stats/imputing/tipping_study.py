"""The completed data a tipping analysis shifts: whose outcomes are missing, and their imputations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.pooling import check_imputations
from evalkit.stats.imputing.tipping_curve import Analysis, ShiftedFits, shifted_fits
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.shared.columns import (
    as_pandas,
    check_arms,
    check_frame,
    check_roles,
    invalid,
    left_out,
    numeric,
    optional_name,
    read_arm,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

ARMS = ("treatment", "comparison", "both")


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTipping:
    """What the call named, and how to impute."""

    outcome: str
    treatment: str
    treated: Any
    covariates: tuple[str, ...]
    auxiliary: tuple[str, ...]
    cluster: str | None
    m: int
    seed: int | None
    method: str
    iterations: int
    bounds: Mapping[str, tuple[float, float]] | None
    imputations: Sequence[Any] | None


@dataclass(frozen=True, slots=True, eq=False)
class TippingStudy:
    """The rows analysed: arm, whose outcome is missing, completed frames and who was left out."""

    asked: AskedTipping
    arm: Floats
    missing: Bools
    outcome: Floats
    frames: tuple[pd.DataFrame, ...]
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    def lost(self, arm: float) -> Floats:
        """Return 1 for those of an arm whose outcome is imputed and 0 for everybody else."""
        found: Floats = ((self.arm == arm) & self.missing).astype(np.float64)
        return found

    def share(self, arm: float) -> float:
        """Return the share of an arm whose outcome is imputed."""
        return float(self.missing[self.arm == arm].mean())

    def sd(self) -> float:
        """Return the pooled SD of the observed outcomes within arms."""
        squares, spare = 0.0, 0
        for value in (1.0, 0.0):
            seen = self.outcome[(self.arm == value) & ~self.missing]
            squares += float(np.sum((seen - seen.mean()) ** 2))
            spare += len(seen) - 1
        return float(np.sqrt(squares / spare))

    def direction(self, arm: str) -> Floats:
        """Return what one unit of shift adds to each outcome: in "both", comparison goes down."""
        parts = {"treatment": self.lost(1.0), "comparison": self.lost(0.0)}
        return parts[arm] if arm in parts else self.lost(1.0) - self.lost(0.0)

    def fits(self, directions: list[Floats]) -> ShiftedFits:
        """Return estimates and variances of the imputations as polynomials in the shifts."""
        outcomes = [numeric(frame, self.asked.outcome) for frame in self.frames]
        analyses = [self._analysis(frame) for frame in self.frames]
        return shifted_fits(analyses, outcomes, directions, self.sd())

    def _analysis(self, frame: pd.DataFrame) -> Analysis:
        asked, table = self.asked, frame.assign(**{self.asked.treatment: self.arm})

        def analyse(values: Floats) -> tuple[float, float, float]:
            found = mean_difference(
                table.assign(**{asked.outcome: values}), outcome=asked.outcome,
                treatment=asked.treatment, covariates=asked.covariates, cluster=asked.cluster,
            )  # fmt: skip
            return (
                float(found.estimate or 0),
                float(found.std_error or 0) ** 2,
                float(found.df or 0),
            )

        return analyse

    def analysed(self) -> Any:
        """Return the analysis of the first imputation as it is, for its counts and sentence."""
        asked = self.asked
        return mean_difference(
            self.frames[0].assign(**{asked.treatment: self.arm}), outcome=asked.outcome,
            treatment=asked.treatment, covariates=asked.covariates, cluster=asked.cluster,
        )  # fmt: skip


def read_study(data: Any, asked: AskedTipping, arms: Sequence[str]) -> TippingStudy:
    """Return the study, imputed; refuse arms in which nothing, or everything, is missing."""
    check_roles(
        outcome=asked.outcome, treatment=asked.treatment, covariates=asked.covariates,
        auxiliary=asked.auxiliary,
    )  # fmt: skip
    named = [asked.outcome, asked.treatment, *asked.covariates, *asked.auxiliary]
    named = list(dict.fromkeys([*named, *optional_name(asked.cluster)]))
    frame = check_frame(data, named).reset_index(drop=True)
    outcome, arm = numeric(frame, asked.outcome), read_arm(frame, asked.treatment, asked.treated)
    reasons = [("no arm", np.isnan(arm))]
    if asked.cluster is not None:
        reasons.append(("no cluster", frame[asked.cluster].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(frame))
    check_arms(arm[keep], dropped)
    _check_missing(arm[keep], np.isnan(outcome[keep]), asked.outcome, arms)
    if asked.imputations is not None:
        check_imputations(len(asked.imputations))
        frames = _given(asked.imputations, named, asked, outcome, keep)
        parts = tuple(f.loc[keep].reset_index(drop=True) for f in frames)
        missing = np.isnan(outcome[keep])
        return TippingStudy(asked, arm[keep], missing, outcome[keep], parts, dropped, ())
    own = {asked.treatment: arm[keep].astype(np.intp), asked.outcome: outcome[keep]}
    kept = frame.loc[keep, named].assign(**own)
    order = _order(kept)
    kept = kept.iloc[order].reset_index(drop=True)
    frames, notes = _imputed(kept, asked)
    values = outcome[keep][order]
    return TippingStudy(
        asked, arm[keep][order], np.isnan(values), values, tuple(frames), dropped, notes
    )


def _order(frame: pd.DataFrame) -> Any:
    """Return an order of the rows that where they stand does not determine."""
    import pandas as pd

    keys = [pd.factorize(frame[name].astype(str), sort=True)[0] for name in frame.columns]
    return np.lexsort(keys[::-1])


def _check_missing(arm: Floats, missing: Bools, outcome: str, arms: Sequence[str]) -> None:
    for value, which in ((1.0, "treatment"), (0.0, "comparison")):
        lost = int(missing[arm == value].sum())
        if lost == int((arm == value).sum()):
            raise CannotEstimate(
                f"'{outcome}' is missing for everybody in the {which} arm: nothing tells what it "
                "would have been."
            )
        if not lost and which in arms:
            other = "comparison" if which == "treatment" else "treatment"
            raise CannotEstimate(
                f"'{outcome}' is missing for nobody in the {which} arm, so there is nothing to "
                f'shift. Use arm="{other}" where outcomes are missing there.'
            )


def _imputed(frame: pd.DataFrame, asked: AskedTipping) -> tuple[list[Any], tuple[str, ...]]:
    from evalkit.stats.imputing.chained import impute

    if asked.seed is None:
        raise invalid("seed= is not given.", allowed="a whole number, 0 or more")
    shared = asked.cluster is not None and bool(frame[asked.cluster].duplicated().any())
    if asked.method == "pmm" and not (asked.covariates or asked.auxiliary or shared):
        raise invalid(
            "method='pmm' has no column to match people by.",
            allowed="method='norm', or covariates or auxiliary columns",
        )
    used = frame if shared or asked.cluster is None else frame.drop(columns=asked.cluster)
    found = impute(
        used, m=asked.m, method=asked.method, iterations=asked.iterations, seed=asked.seed,
        by=asked.treatment, cluster=asked.cluster if shared else None, bounds=asked.bounds,
    )  # fmt: skip
    if used is not frame:
        return [
            one.assign(**{str(asked.cluster): frame[asked.cluster]}) for one in found
        ], found.notes
    return list(found), found.notes


def _given(
    imputations: Sequence[Any],
    named: list[str],
    asked: AskedTipping,
    values: Floats,
    keep: Bools,
) -> list[pd.DataFrame]:
    """Return the caller's completed frames, once they are those of the data."""
    frames = []
    for number, one in enumerate(imputations, start=1):
        frame = check_frame(as_pandas(one), named).reset_index(drop=True)
        if len(frame) != len(values):
            raise invalid(
                f"imputation {number} has {len(frame)} rows and the data {len(values)}.",
                allowed="the rows of the data, in their order",
            )
        completed = numeric(frame, asked.outcome)
        seen = ~np.isnan(values)
        if np.isnan(completed).any() or not np.array_equal(completed[seen], values[seen]):
            raise invalid(
                f"imputation {number} lacks outcomes or changes observed ones.",
                column=asked.outcome,
                allowed="the observed values as they are, and every missing one imputed",
            )
        for name in asked.covariates:
            if frame.loc[keep, name].isna().any():
                raise invalid(
                    f"imputation {number} lacks values.",
                    column=name,
                    allowed="covariates without gaps",
                    next_step="Impute the covariates with the outcome.",
                )
        frames.append(frame)
    return frames
