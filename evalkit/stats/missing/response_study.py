"""The logistic model of who was observed: its rows, its columns by arm, and its fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.families import LOGISTIC
from evalkit.stats.categories.glm import GlmFit, fit
from evalkit.stats.categories.separation import separating
from evalkit.stats.shared.design_matrix import Design
from evalkit.stats.shared.model_rows import FEW_EVENTS, Rows, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SMALL = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class ResponseStudy:
    """The rows read and the model of them: `products` says which column is whose interaction."""

    treatment: str
    observed: str
    covariates: tuple[str, ...]
    rows: Rows
    design: Design
    outcome: Floats
    level: float
    products: dict[str, str]

    @property
    def kind(self) -> str:
        return "CR2" if self.rows.shared else "model"

    def fitted(self, matrix: Floats, names: Sequence[str]) -> GlmFit:
        return fit(
            matrix, self.outcome, names, family=LOGISTIC, cluster=self.rows.groups, se=self.kind
        )

    def direction(self, *names: str) -> Floats:
        return np.array([float(name in names) for name in self.design.names])


def check_both_ways(outcome: Floats, arm: Floats) -> None:
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        here = outcome[arm == value]
        if np.ptp(here) == 0:
            raise CannotEstimate(
                f"{'Everybody' if here[0] else 'Nobody'} in the {label} arm was observed, so who "
                "is lost from it cannot be modelled. Compare stayers and leavers instead."
            )


def interactions(design: Design, treatment: str, arm: Floats) -> dict[str, str]:
    """Return the interaction of each covariate's column, refusing one that an arm cannot tell."""
    plain = [name for name in design.names[2:] if not name.startswith(f"{treatment}:")]
    pairs = {name: f"{treatment}:{name}" for name in plain}
    for name, product in pairs.items():
        if product not in design.names:
            values = design.matrix[:, design.names.index(name)]
            alone = [
                label
                for value, label in ((1.0, "treatment"), (0.0, "comparison"))
                if np.ptp(values[arm == value]) == 0
            ]
            where = f"has one value in the {alone[0]} arm" if alone else "is fixed by the others"
            raise CannotEstimate(
                f"'{name}' {where}, so what it does in each arm cannot be told apart. Leave it "
                "out or merge its categories."
            )
    return pairs


def fit_response(study: ResponseStudy) -> GlmFit:
    try:
        return study.fitted(study.design.matrix, study.design.names)
    except CannotEstimate:
        direction = separating(study.design.matrix, study.outcome)
        if direction is None:
            raise
    found = [
        f"'{name}'"
        for name, x in zip(study.design.names, direction, strict=True)
        if abs(x) > _SMALL and name in study.products
    ] or [f"'{name}'" for name in study.products]
    raise CannotEstimate(
        f"{listed(found)} decide(s) for some people in an arm whether they were observed: all with "
        "some value were, or none were (separation), so the odds ratio has no finite estimate. "
        "Leave that column out or merge its categories, and compare stayers and leavers on it."
    )


def few_lost(study: ResponseStudy) -> list[str]:
    """Return the note on an arm with few lost (or few observed) for so many columns."""
    said = []
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        here = study.outcome[study.rows.arm == value]
        fewer = int(min(here.sum(), len(here) - here.sum()))
        if fewer < FEW_EVENTS * len(study.products):
            what = "lost" if fewer == len(here) - here.sum() else "observed"
            said.append(
                f"{fewer} {what} in the {label} arm are few for {len(study.products)} covariate "
                "column(s): odds ratios there tend to be too far from 1, and tests are rough"
            )
    return said


def sentence(study: ResponseStudy) -> str:
    variance = f", CR2 by cluster ({len(set(study.rows.cluster))})" if study.rows.shared else ""
    return (
        f"Logistic regression of {study.observed} on {study.treatment} and "
        f"{listed(study.covariates)}, every covariate by arm{variance}."
    )
