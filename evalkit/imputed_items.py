"""Items imputed, scored by their measure, analysed and pooled in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.missing_sheets import Sheets, directions, fill_sheets
from evalkit.results import Estimate, Record, Records

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from evalkit.instruments.spec import Measure

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

STRONGEST = 20
"""Items that each item is imputed from where there are more: those most correlated with it."""
ANSWERS_A_COLUMN = 5
"""At least so many answers to an item in an arm for every column that it is imputed from."""


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
        Totals are worked out from the completed items, never taken from a model themselves (passive). A
        blank within a sheet is matched (predictive mean matching) on the twenty items of the sheet
        that go with it most, fewer where few people answered. A sheet that never came back is that
        of a donor of the same arm and wave, chosen by scales drawn from a normal model of all waves.

    Raises
    ------
    InvalidInput
        For a column that is missing, or not one value a person, a person twice at a wave.
    CannotEstimate
        As `evalkit.stats.impute` says: an item that nobody of an arm answered at a wave.
    """
    from evalkit.scoring import score
    from evalkit.scoring.columns import item_columns
    from evalkit.stats.shared.columns import check_frame

    traits = [name for name in (by, cluster, *auxiliary) if name is not None]
    data = check_frame(frame, [person, *([wave] if wave else []), *traits]).reset_index(drop=True)
    columns = item_columns(list(data.columns), measure, items=items, prefix=prefix)
    asked = list(columns.values())
    answers = score(data, measure, items=columns, **scoring)
    data = _allowed(data, measure, columns)
    people = _people(data, person, wave, traits)
    filled, counts, trace, notes = _completed(
        data, people, columns, measure, traits, by=by, cluster=cluster, m=m,
        iterations=iterations, seed=seed, workers=workers,
    )  # fmt: skip
    frames = tuple(
        score(_long(data, one, asked, people), measure, items=columns, **scoring) for one in filled
    )
    whole = data[asked].notna().all(axis=1)
    return ImputedScores(measure.id, frames, answers, whole, counts, notes, trace)


def _completed(
    data: pd.DataFrame, people: _People, columns: Mapping[str, str], measure: Measure,
    traits: list[str], *, by: str | None, cluster: str | None, m: int, iterations: int, seed: int,
    workers: int,
) -> tuple[list[Floats], dict[str, int], pd.DataFrame, tuple[str, ...]]:  # fmt: skip
    """Return the sheets of every imputation, how many values were imputed, traces and notes.

    Blanks within a sheet are matched on the sheet's other items; sheets that never came back are drawn
    by their scales, all waves together (see `evalkit.missing_sheets`).
    """
    import pandas as pd

    asked = list(columns.values())
    cube = people.cube(data, asked)
    returned: Bools = np.asarray(~np.isnan(cube).all(axis=2))
    table = people.first[traits].reset_index(drop=True)
    codes = table[by].factorize()[0] if by else np.zeros(len(table), dtype=np.intp)
    seeds = np.random.SeedSequence(seed).generate_state(m + 1)
    within, said = _blanks(cube, returned, asked, table, by, m, iterations, int(seeds[0]), workers)
    lines = directions(measure, columns)
    made, traces, notes = [], [], dict.fromkeys(said)
    for n, sheets in enumerate(within):
        filled, trace, more = fill_sheets(
            Sheets(sheets, returned, codes), lines, table, by=by, cluster=cluster,
            iterations=iterations, seed=int(seeds[n + 1]),
        )  # fmt: skip
        made.append(filled)
        traces.append(trace.assign(chain=n + 1))
        notes |= dict.fromkeys(more)
    counts = {
        f"{item} at {name}": int(np.isnan(cube[people.due[:, w], w, i]).sum())
        for w, name in enumerate(people.waves)
        for i, item in enumerate(asked)
    }
    return made, counts, pd.concat(traces, ignore_index=True), tuple(notes)


def _blanks(
    cube: Floats, returned: Bools, asked: list[str], traits: pd.DataFrame, by: str | None, m: int,
    iterations: int, seed: int, workers: int,
) -> tuple[list[Floats], tuple[str, ...]]:  # fmt: skip
    """Return the sheets of every imputation with the blanks of those that came back filled."""
    import pandas as pd

    from evalkit import stats

    made, notes = [cube.copy() for _ in range(m)], dict[str, None]()
    for wave in range(cube.shape[1]):
        rows = returned[:, wave]
        frame = pd.DataFrame(cube[rows, wave], columns=asked)
        if not frame.isna().to_numpy().any():
            continue
        arm = traits.loc[rows, by].reset_index(drop=True) if by else pd.Series(0, frame.index)
        fewest = int(frame.notna().groupby(arm).sum().to_numpy().min())
        most = max(1, min(STRONGEST, fewest // ANSWERS_A_COLUMN))
        found = stats.impute(
            frame.assign(**({by: arm} if by else {})), m=m, iterations=iterations, seed=seed + wave,
            by=by, predictors=most if len(asked) > most + 1 else None, workers=workers,
        )  # fmt: skip
        for n, one in enumerate(found):
            made[n][np.flatnonzero(rows), wave] = one[asked].to_numpy(dtype=float)
        notes |= dict.fromkeys(found.notes)
    return made, tuple(notes)


def _allowed(data: pd.DataFrame, measure: Measure, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return the rows with answers that may not be given left blank, as scoring was told to take them."""
    import pandas as pd

    made = data.copy()
    for item in measure.items:
        if item.id in columns:
            given = pd.to_numeric(data[columns[item.id]], errors="coerce").astype(float)
            known = given.between(item.low, item.high)
            if item.range is None:
                known &= given.isin([code for code, _ in item.codes])
            made[columns[item.id]] = given.where(known)
    return made


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """One row a person and the waves in order of appearance; where each row of the data stands."""

    first: pd.DataFrame
    waves: tuple[Any, ...]
    row: NDArray[np.intp]
    wave: NDArray[np.intp]

    @property
    def due(self) -> Bools:
        """People by waves: whether there is a row."""
        found = np.zeros((len(self.first), len(self.waves)), dtype=bool)
        found[self.row, self.wave] = True
        return found

    def cube(self, data: pd.DataFrame, asked: list[str]) -> Floats:
        """Return people by waves by items, NaN where blank or where there is no row."""
        found = np.full((len(self.first), len(self.waves), len(asked)), np.nan)
        found[self.row, self.wave] = data[asked].to_numpy(dtype=float)
        return found


def _people(data: pd.DataFrame, person: str, wave: str | None, traits: list[str]) -> _People:
    """Return who is in the data; a person twice at a wave, or whose traits change, is refused."""
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
    row, _ = data[person].factorize()
    place, named = waves.factorize()
    return _People(data.drop_duplicates(person), tuple(named), row, place)


def _long(data: pd.DataFrame, filled: Floats, asked: list[str], people: _People) -> pd.DataFrame:
    """Return the rows that came in with their items filled."""
    made = data.copy()
    made[asked] = filled[people.row, people.wave]
    return made
