"""A study of a yes-or-no outcome: the rows read, their two-by-two table, and the result record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.categories.small_tables import Table
from evalkit.stats.shared.columns import (
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    numeric,
    optional_name,
)
from evalkit.stats.shared.model_rows import FEW_EVENTS, Rows, read_rows

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

FEW_A_STRATUM = 5  # events or non-events, below which effects of strata bias a logistic model


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEffect(Estimate):
    """An effect on the chance of an outcome, with the counts it rests on.

    `risk_treatment` and `risk_comparison` are the chances that the effect compares: averaged over
    the people analysed, everybody in the one arm and everybody in the other; without covariates
    they are the arms' shares, which `mean_treatment` and `mean_comparison` always are. Of a ratio
    `std_error` and `statistic` are on the scale of its natural logarithm. They are None where the
    interval is not built from a standard error.
    """

    events_treatment: int
    events_comparison: int
    risk_treatment: float
    risk_comparison: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What the call named."""

    measure: str
    outcome: str
    treatment: str
    treated: Any
    covariates: tuple[str, ...]
    cluster: str | None
    interact: bool
    estimand: str
    level: float
    strata: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """The rows read: outcome, arm, and the table they make."""

    asked: Asked
    data: pd.DataFrame
    rows: Rows
    outcome: Floats
    table: Table
    strata: Codes | None = None

    @property
    def few(self) -> bool:
        """Return whether an arm has fewer than 10 events or non-events."""
        return min(self.table.cells) < FEW_EVENTS

    @property
    def plain(self) -> bool:
        """Return whether there are no covariates, shared clusters or strata."""
        return self._alone and self.strata is None

    @property
    def _alone(self) -> bool:
        return not self.asked.covariates and not self.rows.shared

    @property
    def mantel_haenszel(self) -> bool:
        """Return whether strata alone are adjusted for, and they or the events are sparse."""
        if self.strata is None or not self._alone or self.asked.estimand != "ATE":
            return False
        return self.few or self.sparse

    @property
    def sparse(self) -> bool:
        """Return whether strata are too sparse for a logistic model with an effect for each.

        So they are where everybody in one has the outcome or nobody has, or events or non-events
        are fewer than 5 a stratum.
        """
        if self.strata is None:
            return False
        people = np.bincount(self.strata)
        events = np.bincount(self.strata, weights=self.outcome)
        smaller = min(events.sum(), (people - events).sum())
        one_way = bool(np.any((events == 0) | (events == people)))
        return one_way or bool(smaller < FEW_A_STRATUM * len(people))

    def alone(self) -> tuple[str, ...]:
        """Return the note on strata that hold one arm only, or that there is one stratum."""
        if self.asked.strata is None:
            return ()
        if self.strata is None:
            return (f"'{self.asked.strata}' has one value among the rows analysed: one stratum",)
        arm = self.rows.arm == 1
        both = np.isin(self.strata, self.strata[arm]) & np.isin(self.strata, self.strata[~arm])
        if both.all():
            return ()
        return (
            f"{len(set(self.strata[~both]))} strata of '{self.asked.strata}' hold one arm only: "
            f"their {int((~both).sum())} rows say nothing of the difference between arms",
        )

    def common(self) -> dict[str, Any]:
        """Return the fields that do not depend on how the effect is estimated."""
        shares = self.table.risks
        return {
            "outcome": self.asked.outcome,
            "measure": None,
            "term": self.asked.treatment,
            "estimand": self.asked.estimand,
            "level": self.asked.level,
            "mean_treatment": shares[0],
            "mean_comparison": shares[1],
            "events_treatment": self.table.events_t,
            "events_comparison": self.table.events_c,
            "adjusted_for": self.asked.covariates,
            **self.rows.counts(),
        }


def read_study(data: Any, asked: Asked) -> Study:
    """Return the study, once its options, columns and arms have been checked."""
    check_level(asked.level)
    choice(asked.estimand, ("ATE", "ATT"), argument="estimand")
    check_roles(
        outcome=asked.outcome, treatment=asked.treatment, covariates=asked.covariates,
        strata=asked.strata,
    )  # fmt: skip
    used = [asked.outcome, asked.treatment, *asked.covariates, *optional_name(asked.cluster)]
    frame = check_frame(data, [*used, *optional_name(asked.strata)])
    values = yes_no(frame, asked.outcome)
    reasons = [("no outcome", np.isnan(values))]
    if asked.strata is not None:
        reasons.append((f"no {asked.strata}", frame[asked.strata].isna().to_numpy()))
    rows = read_rows(
        frame, asked.treatment, asked.treated, asked.covariates, asked.cluster, reasons
    )
    y = values[rows.keep]
    if np.ptp(y) == 0:
        raise CannotEstimate(
            f"'{asked.outcome}' is {y[0]:.0f} in all {len(y)} rows analysed: it does not vary."
        )
    in_arm = rows.arm == 1
    table = Table(
        int(y[in_arm].sum()), int(in_arm.sum()), int(y[~in_arm].sum()), int((~in_arm).sum())
    )
    study = Study(asked, frame, rows, y, table, _strata(frame, rows, asked.strata))
    _check_interact(study)
    return study


def _strata(frame: pd.DataFrame, rows: Rows, name: str | None) -> Codes | None:
    import pandas as pd

    if name is None:
        return None
    codes, found = pd.factorize(frame.loc[rows.keep, name].astype(object))
    return np.asarray(codes, dtype=np.intp) if len(found) > 1 else None


def yes_no(data: pd.DataFrame, name: str) -> Floats:
    """Return a column of 0 and 1 (or true and false), missing as NaN; anything else is refused."""
    values = numeric(data, name)
    other = values[~np.isnan(values) & (values != 0) & (values != 1)]
    if other.size:
        raise invalid(
            f"{other.size} value(s) such as {other[0]:g}.", column=name, allowed="0 and 1"
        )
    return values


def _check_interact(study: Study) -> None:
    if study.asked.interact and (study.few or study.sparse):
        why = few_events(study) if study.few else "Events or non-events are too few in strata"
        raise CannotEstimate(
            f"{why}, too few to let covariates act differently in each arm. Leave out interact."
        )


def few_events(study: Study) -> str:
    """Return the clause that says how few events or non-events there are."""
    a, b, c, d = study.table.cells
    return (
        f"Fewer than {FEW_EVENTS} events or non-events in an arm (treatment {a} with and {b} "
        f"without, comparison {c} with and {d} without)"
    )
