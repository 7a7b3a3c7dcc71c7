"""People by waves for reference-based imputation: read, checked, and who is seen until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.asked_waves import (
    AskedWaves,
    baseline_column,
    from_wave,
    label,
    ordered_waves,
)
from evalkit.stats.shared.columns import (
    check_arms,
    check_frame,
    check_roles,
    invalid,
    left_out,
    numeric,
    optional_name,
    read_arm,
)
from evalkit.stats.shared.design_matrix import (
    covariate_columns,
    treatment_design,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

IMPUTED = "imputed"  # the column of the frames that marks imputed outcomes
BASELINE = "baseline"  # ... that holds the score of the wave taken as the baseline


@dataclass(frozen=True, slots=True, eq=False)
class WavePeople:
    """The people analysed, in an order given by what they answered.

    `outcome` is people by waves, NaN where missing; `arm` 1 and 0; `last` the place of the wave at
    which each is last seen, -1 where never; `matrix` intercept, arm and covariates. `table` has
    one row a person: person, treatment, baseline, covariates, cluster; `place` its order in the
    data. `dropped` counts rows of the data.
    """

    outcome: Floats
    arm: Floats
    last: Codes
    matrix: Floats
    table: pd.DataFrame
    place: Codes
    waves: tuple[Any, ...]
    adjusted: tuple[str, ...]
    dropped: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The waves as text."""
        return tuple(label(wave) for wave in self.waves)


def read_people(data: Any, asked: AskedWaves) -> WavePeople:
    """Return people by waves; raises InvalidInput or CannotEstimate as `reference_based` says."""
    frame = _checked(data, asked)
    values, arm = numeric(frame, asked.outcome), read_arm(frame, asked.treatment, asked.treated)
    waves, places, taken = ordered_waves(frame, asked)
    table = _person_table(frame, asked, values, arm, taken)
    lacking = _lacking(frame, asked, table, at_wave=bool(taken.any()))
    unused = _unused(frame, asked, places, taken)
    keep, dropped = left_out([*lacking, *unused], len(frame))
    known, _ = left_out(lacking, len(frame))
    people = frame.loc[known, asked.person].astype(object).unique()
    table = table.loc[people].reset_index()
    wide = np.full((len(people), len(waves)), np.nan)
    use = keep & (places >= 0)
    at = {person: row for row, person in enumerate(people)}
    rows = np.array([at[p] for p in frame.loc[use, asked.person].astype(object)], dtype=np.intp)
    wide[rows, places[use]] = values[use]
    own = table["_arm"].to_numpy(dtype=np.float64)
    check_arms(own, dropped)
    _check_seen(wide, own, waves, asked)
    return _sorted(wide, own, table.drop(columns="_arm"), waves, dropped, asked)


def _checked(data: Any, asked: AskedWaves) -> pd.DataFrame:
    check_roles(
        outcome=asked.outcome, treatment=asked.treatment, person=asked.person, wave=asked.wave,
        covariates=asked.covariates,
    )  # fmt: skip
    named = [asked.outcome, asked.treatment, asked.person, asked.wave, *asked.covariates]
    frame = check_frame(data, [*named, *optional_name(asked.cluster)]).reset_index(drop=True)
    taken = {IMPUTED, *([BASELINE] if from_wave(frame, asked) else [])}
    for name in [*named, *optional_name(asked.cluster), *baseline_column(frame, asked)]:
        if name in taken:
            raise invalid(
                "this name is taken by a column of the answer.",
                column=name,
                next_step="Rename the column.",
            )
    known = frame[asked.person].notna() & frame[asked.wave].notna()
    twice = int(frame.loc[known, [asked.person, asked.wave]].duplicated().sum())
    if twice:
        raise invalid(
            f"{twice} row(s) repeat a person at the same '{asked.wave}'.",
            column=asked.person,
            allowed="one row a person and wave",
            next_step="Keep one of them, or give different people different ids.",
        )
    return frame


def _person_table(
    frame: pd.DataFrame, asked: AskedWaves, values: Floats, arm: Floats, taken: Bools
) -> pd.DataFrame:
    """Return one row a person with what does not change; refuse what does."""
    import pandas as pd

    people = frame[asked.person].astype(object)
    baseline = baseline_column(frame, asked)
    names = [asked.treatment, *baseline, *asked.covariates, *optional_name(asked.cluster)]
    names = list(dict.fromkeys(names))
    own = frame[names].assign(_arm=arm)
    grouped = own.groupby(people, sort=False)
    for name in ["_arm", *names]:
        changing = int((grouped[name].nunique() > 1).sum())
        if changing:
            raise invalid(
                f"{changing} person(s) have more than one value.",
                column=asked.treatment if name == "_arm" else name,
                allowed="one value a person, the same at every wave",
            )
    table = grouped.first().rename_axis(index=asked.person)
    for name in names:
        if isinstance(frame[name].dtype, pd.CategoricalDtype) or frame[name].dtype == object:
            table[name] = table[name].astype(frame[name].dtype)
    if taken.any():
        score = pd.Series(values[taken], index=people[taken].to_numpy())
        table.insert(1, BASELINE, score.reindex(table.index))
    return table


def _lacking(
    frame: pd.DataFrame, asked: AskedWaves, table: pd.DataFrame, *, at_wave: bool
) -> list[tuple[str, Bools]]:
    """Return what leaves out a person with every row."""
    people = frame[asked.person].astype(object)
    found: list[tuple[str, Bools]] = [("no person", people.isna().to_numpy())]
    columns = {"no arm": "_arm"}
    if asked.baseline is not None:
        columns["no baseline"] = BASELINE if at_wave else str(asked.baseline)
    columns |= {f"no {name}": name for name in asked.covariates}
    if asked.cluster is not None:
        columns["no cluster"] = asked.cluster
    for reason, name in columns.items():
        found.append((reason, people.isin(table.index[table[name].isna()]).to_numpy()))
    return found


def _unused(
    frame: pd.DataFrame, asked: AskedWaves, places: Codes, taken: Bools
) -> list[tuple[str, Bools]]:
    """Return what leaves out a row, though its person stays."""
    none = frame[asked.wave].isna().to_numpy()
    return [("no wave", none), ("a wave not in waves=", (places < 0) & ~taken & ~none)]


def _check_seen(wide: Floats, arm: Floats, waves: Sequence[Any], asked: AskedWaves) -> None:
    seen = ~np.isnan(wide)
    for k, wave in enumerate(waves):
        name = f"'{asked.outcome}' at wave '{label(wave)}'"
        if not seen[:, k].any():
            raise CannotEstimate(
                f"Nobody has {name}. Leave that wave out: name the others in waves=."
            )
        for value, which in ((1.0, "treatment"), (0.0, "comparison")):
            if not seen[arm == value, k].any():
                raise CannotEstimate(
                    f"Nobody in the {which} arm has {name}, so nothing tells what it would have been. "
                    "Leave that wave out: name the others in waves=."
                )
        if np.ptp(wide[seen[:, k], k]) == 0:
            raise CannotEstimate(f"{name} has one value: it does not vary.")
    if seen.all():
        raise CannotEstimate(
            f"No value of '{asked.outcome}' is missing, so there is nothing to impute."
        )


def _sorted(
    wide: Floats,
    arm: Floats,
    table: pd.DataFrame,
    waves: tuple[Any, ...],
    dropped: tuple[tuple[str, int], ...],
    asked: AskedWaves,
) -> WavePeople:
    """Return the people in an order that neither rows nor ids determine, with their design."""
    every = np.ones(len(table), dtype=bool)
    adjusted = [BASELINE] if BASELINE in table.columns else []
    if asked.baseline is not None and not adjusted:
        adjusted = [str(asked.baseline)]
    adjusted += asked.covariates
    columns = [c for name in adjusted for c in covariate_columns(table, name, every)]
    content = [np.nan_to_num(wide, nan=np.inf), *([x[:, None] for _, x in columns])]
    order = np.lexsort(np.hstack([*content[::-1], arm[:, None]]).T)
    ordered = [(name, x[order]) for name, x in columns]
    design = treatment_design((asked.treatment, arm[order]), ordered)
    seen = ~np.isnan(wide[order])
    last = np.where(seen.any(axis=1), wide.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1), -1)
    notes = list(design.notes)
    never = int((last < 0).sum())
    if never:
        notes.append(
            f"{never} people have no outcome at any of the waves: all of theirs are imputed"
        )
    return WavePeople(
        outcome=wide[order], arm=arm[order], last=last, matrix=design.matrix,
        table=table.iloc[order].reset_index(drop=True), place=order, waves=waves,
        adjusted=tuple(adjusted), dropped=dropped, notes=tuple(notes),
    )  # fmt: skip
