"""The rows that a bootstrap resamples, made ready: checked, ordered, and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.redrawing.bootstrap_draws import Units, units_of
from evalkit.stats.redrawing.bootstrap_sums import Model
from evalkit.stats.redrawing.trial_outcomes import Study, read_frame
from evalkit.stats.shared.analysed_rows import (
    Analysed,
    analysed_rows,
    check_arm_groups,
    orthonormal,
    project,
)
from evalkit.stats.shared.columns import invalid, read_arm
from evalkit.stats.shared.design_matrix import Column, covariate_columns, treatment_design

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

Statistic = str | Callable[[Any], float]

FEW = 20  # units in a cell; a bootstrap of m units has (m - 1) / m of their variance


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """One outcome made ready: the frame and arrays of its rows in order of unit.

    `beside` holds the columns beside the arm, an intercept first.
    """

    frame: pd.DataFrame
    rows: Analysed
    model: Model
    beside: Floats
    notes: tuple[str, ...]

    @property
    def smallest(self) -> int:
        """The units in the smallest cell."""
        return int(np.bincount(self.model.units.cell).min())

    @property
    def mixed(self) -> bool:
        """Whether some cluster holds both arms: clusters are then not drawn within arm."""
        units = self.model.units
        return len(np.unique(2 * units.unit + self.model.arm)) > units.count


def read_resampled(data: Any, outcome: str, study: Study, resample: str) -> Resampled:
    """Return the complete rows and the units they are drawn as.

    Raises
    ------
    InvalidInput
        When a cluster is in two strata, which are resampled apart.
    CannotEstimate
        When an arm has fewer than two rows or clusters, in all or in a stratum.
    """
    frame = read_frame(data, study, (outcome,))
    arm = read_arm(frame, study.treatment, study.treated)
    also = []
    if study.strata is not None:
        also.append((f"no {study.strata}", frame[study.strata].isna().to_numpy()))
    group = None if study.cluster is None else (study.cluster, "no cluster")
    rows = analysed_rows(frame, outcome, arm, study.covariates, group=group, also=also)
    check_arm_groups(rows, alone=False)
    columns = list(rows.covariates)
    if study.strata is not None:
        columns += covariate_columns(frame, study.strata, rows.keep, as_factor=True)
    design = treatment_design((study.treatment, rows.arm), columns)
    beside = np.delete(design.matrix, design.names.index(study.treatment), axis=1)
    units = _units(frame, rows, study, resample)
    frame = frame.loc[rows.keep].iloc[units.order].reset_index(drop=True)
    model = _model(beside[units.order], rows, units)
    return Resampled(frame, rows, model, beside[units.order], design.notes)


def _model(beside: Floats, rows: Analysed, units: Units) -> Model:
    y = rows.outcome[units.order]
    basis, _ = orthonormal(beside)
    _, left = project(basis, y - y.mean())
    return Model(basis, rows.arm[units.order], y, left, units, rows.shared)


def _units(frame: pd.DataFrame, rows: Analysed, study: Study, resample: str) -> Units:
    codes = rows.codes if rows.shared else None
    cell = rows.arm.astype(np.intp)
    if codes is not None and not _whole(codes, cell):
        cell = np.zeros_like(cell)
    if study.strata is not None and resample != "residual":
        stratum = _codes(frame.loc[rows.keep, study.strata])
        if codes is not None and not _whole(codes, stratum):
            raise invalid(
                "some clusters have rows in more than one stratum.",
                column=str(study.cluster),
                allowed="one stratum a cluster, as strata are resampled apart",
                next_step="Give the strata's column as a covariate instead.",
            )
        cell = cell + 2 * stratum
    units = units_of(_content(rows.outcome, rows.covariates), codes, cell)
    if np.bincount(units.cell).min() < 2:
        what = "cluster" if codes is not None else "row"
        raise CannotEstimate(
            f"An arm has one {what} to analyse in some stratum: drawn again and again it shows no "
            "variation, and the interval would be too narrow. Merge small strata, give their "
            "column as a covariate, or use mean_difference."
        )
    return units


def _content(outcome: Floats, covariates: Sequence[Column]) -> Floats:
    return np.column_stack([outcome, *(values for _, values in covariates)])


def _codes(labels: pd.Series[Any]) -> Codes:
    import pandas as pd

    return np.asarray(pd.factorize(labels)[0], dtype=np.intp)


def _whole(codes: Codes, values: Codes) -> bool:
    """Return whether every unit has one value."""
    first = np.empty(int(codes.max()) + 1, dtype=values.dtype)
    first[codes] = values
    return bool(np.all(first[codes] == values))
