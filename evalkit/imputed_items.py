"""Items imputed, scored by their measure, analysed and pooled in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.results import Estimate, Record, Records

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.instruments.spec import Measure

STRONGEST = 20
"""Columns that each item is imputed from where there are more: those most correlated with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Record):
    """One result by one way of dealing with blank items and missing waves.

    `method` is "as scored" (the measure's own rule for blanks, those without a score left out),
    "all items answered" (no rule: only complete answers) or "items imputed".
    """

    method: str
    estimate: float | None
    std_error: float | None
    df: float | None
    conf_low: float | None
    conf_high: float | None
    n: int
    fmi: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ImputedScores:
    """Answers with their blanks imputed and scored, once an imputation; rows as they came in.

    `frames` hold the columns that came in, items filled, and the scores. `observed` is the frame
    scored as it came, by the measure's own rule for blanks, and `whole` says which rows had every item.
    `counts` is the number of values imputed by item and wave, `trace` the path of the chains.
    """

    measure: str
    frames: tuple[pd.DataFrame, ...]
    observed: pd.DataFrame
    whole: pd.Series[bool]
    counts: dict[str, int]
    notes: tuple[str, ...]
    trace: pd.DataFrame

    def pool(self, analyse: Callable[[pd.DataFrame], Estimate]) -> Estimate:
        """Return the analysis of every completed frame, pooled by Rubin's rules.

        `analyse` takes a scored frame and returns an estimate, as functions of `evalkit.stats` do;
        ratios are pooled as logarithms. Raises CannotEstimate where an analysis gives nothing.
        """
        return self._pooled(analyse)[0]

    def _pooled(self, analyse: Callable[[pd.DataFrame], Estimate]) -> tuple[Estimate, float | None]:
        from evalkit.sensitivity.imputed import pooled

        each = [analyse(frame) for frame in self.frames]
        if any(e.estimate is None for e in each):
            raise CannotEstimate("An analysis of completed answers gives no estimate")
        return pooled(each)

    def compare(self, analyse: Callable[[pd.DataFrame], Estimate]) -> Records[Comparison]:
        """Return one analysis three ways: as scored, of complete answers alone, and imputed."""
        found, fmi = self._pooled(analyse)
        rows = [
            _compared("as scored", analyse, self.observed),
            _compared("all items answered", analyse, self.observed[self.whole]),
            _row("items imputed", found, fmi),
        ]
        return Records(rows)


def _compared(
    method: str, analyse: Callable[[pd.DataFrame], Estimate], frame: pd.DataFrame
) -> Comparison:
    try:
        return _row(method, analyse(frame), None)
    except CannotEstimate as refusal:
        return _row(method, Estimate(notes=(str(refusal),)), None)


def _row(method: str, e: Estimate, fmi: float | None) -> Comparison:
    return Comparison(
        method=method, estimate=e.estimate, std_error=e.std_error, df=e.df, conf_low=e.conf_low,
        conf_high=e.conf_high, n=(e.n_treatment or 0) + (e.n_comparison or 0), fmi=fmi,
        notes=e.notes,
    )  # fmt: skip


def impute_items(
    frame: Any,
    measure: Measure,
    *,
    m: int = 20,
    iterations: int = 10,
    seed: int,
    person: str = "person",
    wave: str | None = None,
    by: str | None = None,
    cluster: str | None = None,
    auxiliary: Sequence[str] = (),
    items: Mapping[str, str] | None = None,
    prefix: str | None = None,
    workers: int = 1,
    **scoring: Any,
) -> ImputedScores:
    """Impute blank items, score every completed copy, and return them ready to be pooled.

    Parameters
    ----------
    frame : any frame narwhals knows, one row a person (and wave). A wave that was due and never
        came back is a row with blank items; a row that is not there is not due and is not made up.
    measure : scored by its own rules; its items keep their ranges, since values are those observed
    m, iterations, seed, workers : as in `evalkit.stats.impute`
    person, wave : columns; items of all waves are imputed together, each person a row
    by : column of arms, imputed apart; one value a person
    cluster : column of families; one value a person
    auxiliary : further columns known at the start, one value a person, that foretell who is lost
    items, prefix, scoring : as in `evalkit.score`, which is given every completed frame

    Returns
    -------
    ImputedScores
        Totals are worked out from the completed items, never imputed themselves (passive). Each
        item is matched (predictive mean matching) on the twenty columns that go with it most.

    Raises
    ------
    InvalidInput
        For a column that is missing, or not one value a person, a person twice at a wave.
    CannotEstimate
        As `evalkit.stats.impute` says: an item that nobody of an arm answered at a wave.
    """
    from evalkit import stats
    from evalkit.scoring import score
    from evalkit.scoring.columns import item_columns
    from evalkit.stats.shared.columns import check_frame

    traits = [name for name in (by, cluster, *auxiliary) if name is not None]
    data = check_frame(frame, [person, *([wave] if wave else []), *traits]).reset_index(drop=True)
    columns = item_columns(list(data.columns), measure, items=items, prefix=prefix)
    asked = list(columns.values())
    answers = score(data, measure, items=columns, **scoring)
    wide, places = _wide(data, asked, person, wave, traits)
    found = stats.impute(
        wide, m=m, iterations=iterations, seed=seed, by=by, cluster=cluster, method="auto",
        predictors=STRONGEST if wide.shape[1] > STRONGEST + 1 else None, workers=workers,
    )  # fmt: skip
    frames = tuple(
        score(_long(data, one, asked, places), measure, items=columns, **scoring) for one in found
    )
    return ImputedScores(
        measure.id, frames, answers, data[asked].notna().all(axis=1), dict(found.counts),
        found.notes, found.trace,
    )  # fmt: skip


def _wide(
    data: pd.DataFrame, asked: list[str], person: str, wave: str | None, traits: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one row a person with a column an item and wave, and where each row stands in it."""
    import numpy as np
    import pandas as pd

    waves = data[wave] if wave else pd.Series("all", index=data.index)
    if pd.DataFrame({"person": data[person], "wave": waves}).duplicated().any():
        raise InvalidInput(
            f"Somebody stands in the data twice at one wave. Allowed: one row a {person} and wave."
        )
    for name in traits:
        if (data.groupby(person, sort=False)[name].nunique(dropna=False) > 1).any():
            raise InvalidInput(
                f"Column {name} changes from row to row of a {person}. Allowed: one value each."
            )
    people = data[person].drop_duplicates()
    row_of = pd.Series(np.arange(len(people)), index=people.to_numpy())
    places = pd.DataFrame({"row": data[person].map(row_of).to_numpy(), "wave": waves.to_numpy()})
    made: dict[str, Any] = {}
    for name in dict.fromkeys(waves):
        mine = (waves == name).to_numpy()
        values = data.loc[mine, asked].apply(pd.to_numeric).to_numpy(dtype=float)
        block = np.full((len(people), len(asked)), np.nan)
        block[places.loc[mine, "row"].to_numpy()] = values
        made |= {_column(item, name): block[:, n] for n, item in enumerate(asked)}
    first = data.drop_duplicates(person)
    made |= {name: first[name].to_numpy() for name in traits}
    return pd.DataFrame(made), places


def _column(item: str, wave: Any) -> str:
    return f"{item} at {wave}"


def _long(
    data: pd.DataFrame, wide: pd.DataFrame, asked: list[str], places: pd.DataFrame
) -> pd.DataFrame:
    """Return the rows that came in with their items filled."""
    filled = data.copy()
    for name in places["wave"].drop_duplicates():
        mine = (places["wave"] == name).to_numpy()
        rows = places.loc[mine, "row"].to_numpy()
        columns = [_column(item, name) for item in asked]
        filled.loc[mine, asked] = wide[columns].to_numpy()[rows]
    return filled
