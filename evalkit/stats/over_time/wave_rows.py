"""Rows of people seen at several waves: read, checked for one arm a person, and made a design."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.categories.risk_study import yes_no
from evalkit.stats.over_time.wave_design import wave_design
from evalkit.stats.shared.columns import (
    check_arms,
    check_frame,
    check_roles,
    invalid,
    is_numeric,
    left_out,
    numeric,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import covariate_columns, indicator, levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

Counts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the call named."""

    outcome: str
    treatment: str
    treated: Any
    person: str
    wave: str
    baseline: Any
    covariates: tuple[str, ...]
    cluster: str | None
    binary: bool
    ordered: bool  # the order of the waves enters the model
    baseline_by_wave: bool


@dataclass(frozen=True, slots=True, eq=False)
class WaveRows:
    """The rows analysed: outcome, arm, codes of person, wave and cluster, and the design.

    `cluster` is None where no cluster holds two people. The last columns of `matrix` are the arm
    at each wave, in the order of `waves`. `dropped` counts all rows left out, `dropped_at` those
    of each wave.
    """

    outcome: Floats
    arm: Floats
    person: Codes
    place: Codes
    cluster: Codes | None
    waves: tuple[str, ...]
    names: tuple[str, ...]
    matrix: Floats
    dropped: Counts
    dropped_at: tuple[Counts, ...]
    notes: tuple[str, ...]

    def at(self, place: int) -> Bools:
        """Return which rows are of one wave."""
        found: Bools = self.place == place
        return found

    def people(self, arm: float) -> int:
        """Return how many people of an arm have a row."""
        return len(set(self.person[self.arm == arm]))


def read_waves(data: Any, asked: Asked) -> WaveRows:
    """Return the complete rows and their design, once columns, people and waves are checked."""
    data = _checked_frame(data, asked)
    values = yes_no(data, asked.outcome) if asked.binary else numeric(data, asked.outcome)
    arm = read_arm(data, asked.treatment, asked.treated)
    base, taken = _baseline(data, asked, values)
    reasons = [("used as the baseline", taken), *_reasons(data, asked, values, arm, base)]
    keep, dropped = left_out(reasons, len(data))
    check_arms(arm[keep], dropped)
    _check_people(data, asked, arm, base)
    places, waves, missing, order = _waves(data, asked, keep, taken)
    rows = data.loc[keep]
    cluster = _codes(rows[asked.cluster]) if asked.cluster else None
    person = _codes(rows[asked.person])
    named = [column for name in asked.covariates for column in covariate_columns(data, name, keep)]
    score = None if base is None else (str(asked.baseline), base[keep])
    design = wave_design(
        (asked.treatment, arm[keep]), places, (asked.wave, waves), score, named,
        by_wave=asked.baseline_by_wave,
    )  # fmt: skip
    found = WaveRows(
        outcome=values[keep],
        arm=arm[keep],
        person=person,
        place=places,
        cluster=cluster if _shared(cluster, person) else None,
        waves=waves,
        names=design.names,
        matrix=design.matrix,
        dropped=dropped,
        dropped_at=tuple(
            left_out([(why, mask[at]) for why, mask in reasons], int(at.sum()))[1] for at in order
        ),
        notes=(*design.notes, *missing, *_varying(rows, asked)),
    )
    _check_cells(found, asked)
    return found


def _checked_frame(data: Any, asked: Asked) -> pd.DataFrame:
    check_roles(
        outcome=asked.outcome,
        treatment=asked.treatment,
        person=asked.person,
        wave=asked.wave,
        covariates=asked.covariates,
    )
    used = [asked.outcome, asked.treatment, asked.person, asked.wave, *asked.covariates]
    found = check_frame(data, [*used, *optional_name(asked.cluster)])
    known = found[asked.person].notna() & found[asked.wave].notna()
    twice = found.loc[known, [asked.person, asked.wave]].duplicated()
    if twice.any():
        raise invalid(
            f"{int(twice.sum())} row(s) repeat a person at the same '{asked.wave}'.",
            column=asked.person,
            allowed="one row a person and wave",
            next_step="Keep one of them, or give different people different ids.",
        )
    return found.reset_index(drop=True)


def _baseline(data: pd.DataFrame, asked: Asked, values: Floats) -> tuple[Floats | None, Bools]:
    """Return the baseline score row by row, and the rows it was taken from.

    `baseline` names a column, or else a value of the wave column: the outcome then is the score.
    """
    taken = np.zeros(len(data), dtype=bool)
    if asked.baseline is None:
        return None, taken
    at = indicator(data[asked.wave], asked.baseline).astype(bool)
    column = asked.baseline in list(data.columns)
    if column and at.any():
        raise invalid(
            f"baseline={asked.baseline!r} is a column and also a value of '{asked.wave}'.",
            allowed="one of the two",
            next_step="Rename the column, or leave out the rows of that wave.",
        )
    if column:
        check_roles(
            outcome=asked.outcome, treatment=asked.treatment, person=asked.person,
            wave=asked.wave, baseline=asked.baseline, covariates=asked.covariates,
        )  # fmt: skip
        check_frame(data, [asked.baseline])
        return numeric(data, asked.baseline), taken
    if not at.any():
        raise invalid(
            f"baseline={asked.baseline!r} is neither a column nor a value of '{asked.wave}'.",
            allowed=", ".join(map(str, [*data.columns, *levels(data[asked.wave])])),
        )
    people = data[asked.person].astype(object)
    score = dict(zip(people[at], values[at], strict=True))
    return np.array([score.get(p, np.nan) for p in people], dtype=np.float64), at


def _reasons(
    data: pd.DataFrame, asked: Asked, values: Floats, arm: Floats, base: Floats | None
) -> list[tuple[str, Bools]]:
    found = [("no outcome", np.isnan(values)), ("no arm", np.isnan(arm))]
    for name, reason in ((asked.person, "no person"), (asked.wave, "no wave")):
        found.append((reason, data[name].isna().to_numpy()))
    if base is not None:
        found.append(("no baseline", np.isnan(base)))
    for name in asked.covariates:
        if is_numeric(data[name]):
            numeric(data, name)
        found.append((f"no {name}", data[name].isna().to_numpy()))
    if asked.cluster is not None:
        found.append(("no cluster", data[asked.cluster].isna().to_numpy()))
    return found


def _check_people(data: pd.DataFrame, asked: Asked, arm: Floats, base: Floats | None) -> None:
    """Refuse a person in two arms, with two baselines, or in two clusters."""
    import pandas as pd

    people = data[asked.person]
    checks: list[tuple[str, Any, str]] = [
        (asked.treatment, arm, "one arm a person, the same at every wave")
    ]
    if base is not None:
        checks.append((str(asked.baseline), base, "one baseline a person"))
    if asked.cluster is not None:
        where = "each person in one cluster; ids that no two clusters share"
        checks.append((asked.cluster, data[asked.cluster], where))
    for name, values, allowed in checks:
        kinds = pd.Series(np.asarray(values)).groupby(people.to_numpy()).nunique()
        if (kinds > 1).any():
            raise invalid(
                f"{int((kinds > 1).sum())} person(s) have more than one value.",
                column=name,
                allowed=allowed,
            )


def _waves(
    data: pd.DataFrame, asked: Asked, keep: Bools, taken: Bools
) -> tuple[Codes, tuple[str, ...], tuple[str, ...], list[Bools]]:
    """Return each kept row's place, the waves' labels, notes, and every wave's rows."""
    import pandas as pd

    series = data[asked.wave]
    ordered = isinstance(series.dtype, pd.CategoricalDtype)
    every = list(series.cat.categories) if ordered else levels(series)
    if asked.ordered and not (ordered or is_numeric(series)):
        raise invalid(
            "correlation='ar1' needs to know the order of the waves.",
            column=asked.wave,
            allowed="numbers, or an ordered category",
        )
    masks = [indicator(series, wave).astype(bool) for wave in every]
    seen = [k for k, mask in enumerate(masks) if (mask & keep).any()]
    missing = tuple(
        f"No row of wave '{_label(every[k])}' can be used, so it has no estimate."
        for k, mask in enumerate(masks)
        if k not in seen and mask.any() and not taken[mask].any()
    )
    places = np.zeros(len(data), dtype=np.intp)
    for place, k in enumerate(seen):
        places[masks[k]] = place
    return places[keep], tuple(_label(every[k]) for k in seen), missing, [masks[k] for k in seen]


def _label(wave: Any) -> str:
    whole = isinstance(wave, float) and wave.is_integer()
    return str(int(wave)) if whole else str(wave)


def _codes(labels: pd.Series[Any]) -> Codes:
    import pandas as pd

    return np.asarray(pd.factorize(labels.astype(object))[0], dtype=np.intp)


def _shared(cluster: Codes | None, person: Codes) -> bool:
    return cluster is not None and len(set(cluster)) < len(set(person))


def _varying(rows: pd.DataFrame, asked: Asked) -> list[str]:
    notes = []
    for name in asked.covariates:
        if (rows.groupby(asked.person, observed=True)[name].nunique() > 1).any():
            notes.append(
                f"'{name}' changes within people: a covariate that the treatment may have changed "
                "takes part of the effect away"
            )
    return notes


def _check_cells(rows: WaveRows, asked: Asked) -> None:
    """Refuse waves whose outcome tells nothing, and an arm that is one cluster."""
    for k, wave in enumerate(rows.waves):
        arms = [rows.outcome[rows.at(k) & (rows.arm == value)] for value in (1.0, 0.0)]
        flat = [np.ptp(values) == 0 for values in arms]
        if asked.binary and any(flat):
            which = "treatment" if flat[0] else "comparison"
            value = arms[0 if flat[0] else 1][0]
            raise CannotEstimate(
                f"At wave '{wave}' '{asked.outcome}' is {value:g} for everybody in the {which} "
                "arm, so the odds ratio has no finite value. Leave that wave out, or use "
                "risk_difference for it."
            )
        if all(flat):
            raise CannotEstimate(
                f"'{asked.outcome}' does not vary within the arms at wave '{wave}', so the "
                "uncertainty there cannot be told. Leave that wave out."
            )
    if rows.cluster is None:
        return
    for value, label in ((1.0, "treatment"), (0.0, "comparison")):
        if len(set(rows.cluster[rows.arm == value])) < 2:
            raise CannotEstimate(
                f"The {label} arm has one cluster: the effect cannot be told apart from that "
                "cluster's own difference."
            )
