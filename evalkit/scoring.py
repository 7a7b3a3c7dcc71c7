"""Item answers to scale scores, bands and flags, in any frame that narwhals supports.

Blank and NaN become null at the door on every backend, and nothing null is ever given a band: on
some backends NaN compares as larger than every cut-off.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw

from evalkit.answers import (
    Frame,
    check_ages,
    cleaned,
    frame_of,
    item_columns,
    require_columns,
    temporary,
)
from evalkit.errors import InvalidInput, Problem, Where, nearest
from evalkit.measure_spec import BandSystem, Item, Measure, Scale

# Far below the smallest distance of a prorated sum from the next half, far above float error.
GUARD = 1e-9
NO_BANDS = "none"
VERIFIED = ("V2", "derived")


def score(
    frame: Any,
    measure: Measure,
    *,
    items: Mapping[str, str] | None = None,
    prefix: str | None = None,
    bands: str | None = None,
    age: str | None = None,
    sex: str | None = None,
    on_invalid: Literal["raise", "missing"] = "raise",
) -> Any:
    """Score item answers, one row per response.

    Parameters
    ----------
    frame : any frame narwhals supports (pandas, polars eager or lazy, pyarrow and others), one
        column per item holding the codes of the measure, as numbers or as text that is a number.
        It is never changed.
    measure : the measure; its `items` say which codes are allowed.
    items : item id to column, for items that are not found by name.
    prefix : the item columns are this text followed by the item id.
    bands : None for the measure's default band system, where two sources agree on it; the id of a
        system to take it whatever its verification; "none" for no bands.
    age : column of ages in years; people outside the measure's ages are an error.
    sex : column of sexes; it must exist. No measure has bands by sex so far.
    on_invalid : "raise" or "missing", which blanks answers that are not allowed and counts them.

    Returns
    -------
    The same kind of frame: its columns as they were, then for the measure `sdq-parent-4-17` and
    each scale `sdq_parent_4_17__<scale>` (number) and, where it has the bands asked for,
    `..__<scale>_band` (text), then `..__n_answered` (answers to all items), `..__n_invalid` (only
    with on_invalid="missing") and `..__flags` (text joined by semicolons, null where none). A
    score that cannot be made is null and has no band.

    Raises
    ------
    InvalidInput : columns are missing or doubtful, an option is unknown, the measure has no items.
    InvalidData : answers or ages that are not allowed, each with its row and column; in a lazy
        frame, which is then run once to look, the number of them in each column.
    """
    if measure.score_only:
        what = f"{measure.id} takes finished scores, not item answers."
        raise InvalidInput(f"{what} Give its scores instead; check_scores looks at their range.")
    _known("on_invalid", on_invalid, ("raise", "missing"))
    systems = _system(measure, bands)
    wanted = _written(measure, systems, counted=on_invalid == "missing")
    table, give_back = frame_of(frame)
    before = table.collect_schema().names()
    found = item_columns(before, measure, items=items, prefix=prefix)
    require_columns(before, [name for name in (age, sex) if name is not None])
    _refuse_overwriting(before, wanted)
    if age is not None:
        check_ages(table, measure, age)
    table = cleaned(table, measure, found, on_invalid=on_invalid)
    # Polars plans a lazy frame as a whole, several times faster than step by step.
    whole = isinstance(table, nw.DataFrame) and table.implementation.is_polars()
    table = _scored(table.lazy() if whole else table, measure)
    table = table.with_columns(*_bands(measure, systems), _flags(measure))
    done = table.select(*before, *wanted)
    return give_back(done.collect() if whole and isinstance(done, nw.LazyFrame) else done)


def check_scores(
    values: Sequence[float | None], measure: Measure, scale: str | None = None
) -> list[int]:
    """Return the positions of finished scores that a scale cannot have.

    `values` are scores, None or NaN where missing; `scale` is a scale id (None: the default). A
    score is refused outside the declared range, off the declared step, or where it is no number.
    """
    declared = measure.scale(scale)
    return [n for n, value in enumerate(values) if not _possible(value, declared)]


def _possible(value: Any, scale: Scale) -> bool:
    if value is None:
        return True
    try:
        number = float(value)
    except (TypeError, ValueError):
        return False
    if math.isnan(number):
        return True
    if isinstance(value, bool) or not scale.low <= number <= scale.high:
        return False
    return scale.step is None or (number - scale.low) % scale.step == 0


@dataclass(frozen=True, slots=True)
class Given:
    """What a method may use: the items, and the columns of cleaned answers and finished scales."""

    items: Mapping[str, Item]
    answers: Mapping[str, str]
    scores: Mapping[str, str]


def reverse(values: Any, low: float, high: float) -> Any:
    """Return low + high - x: the lowest answer becomes the highest. Twice is no change."""
    return low + high - values


def prorated_sum(scale: Scale, given: Given) -> nw.Expr:
    """Sum of the answered items times the number of items over the number answered.

    Missing where fewer than `min_answered` are answered. Halves round up, never to even: the
    product is taken before the quotient, so that a half is exact.
    """
    assert scale.missing is not None and scale.missing.min_answered is not None
    values = [_directed(scale, item, given) for item in scale.items]
    counted = _answered([given.answers[item] for item in scale.items])
    result = nw.sum_horizontal(*values) * float(len(values)) / counted
    if scale.missing.rounding == "half-up":
        result = (result + (0.5 + GUARD)).floor()
    return nw.when(counted >= scale.missing.min_answered).then(result)


def plain_sum(scale: Scale, given: Given) -> nw.Expr:
    """Sum of all items; missing where any is missing."""
    values = [_directed(scale, item, given) for item in scale.items]
    counted = _answered([given.answers[item] for item in scale.items])
    return nw.when(counted == len(values)).then(nw.sum_horizontal(*values))


def sum_of_scales(scale: Scale, given: Given) -> nw.Expr:
    """Sum of finished (already rounded) scales; missing where any is missing."""
    parts = [given.scores[part] for part in scale.of]
    return nw.when(_answered(parts) == len(parts)).then(nw.sum_horizontal(*parts))


def from_table(scale: Scale, given: Given) -> nw.Expr:
    """The value that the measure's table gives for the score of one finished scale."""
    looked_up = nw.col(given.scores[scale.of[0]])
    result: nw.Expr = nw.lit(None, nw.Float64)
    for raw, value in scale.table:
        result = nw.when(looked_up == raw).then(nw.lit(float(value))).otherwise(result)
    return result


METHODS: dict[str, Callable[[Scale, Given], nw.Expr]] = {
    "sum": plain_sum,
    "prorated-sum": prorated_sum,
    "sum-of-scales": sum_of_scales,
    "table": from_table,
}


def _directed(scale: Scale, item: str, given: Given) -> nw.Expr:
    """An answer as it counts towards the scale: reversed where the scale says so."""
    answer = nw.col(given.answers[item])
    if item not in scale.reverse:
        return answer
    turned: nw.Expr = reverse(answer, given.items[item].low, given.items[item].high)
    return turned


def _answered(columns: Sequence[str]) -> nw.Expr:
    return nw.sum_horizontal(*[(~nw.col(name).is_null()).cast(nw.Int64) for name in columns])


def _scored(table: Frame, measure: Measure) -> Frame:
    """Add the columns of all scales, each after the scales it is made from."""
    answers = {item.id: temporary(measure, item.id) for item in measure.items}
    scores = {scale.id: measure.score_column(scale.id) for scale in measure.scales}
    given = Given({item.id: item for item in measure.items}, answers, scores)
    single = [scale for scale in measure.scales if not scale.of]
    counted = _answered(list(answers.values())).alias(f"{measure.column}__n_answered")
    table = table.with_columns(counted, *[_score(scale, given) for scale in single])
    for scale in measure.scales:
        if scale.of:
            table = table.with_columns(_score(scale, given))
    return table


def _score(scale: Scale, given: Given) -> nw.Expr:
    made = METHODS[scale.method](scale, given)
    return made.cast(nw.Float64).alias(given.scores[scale.id])


def _system(measure: Measure, bands: str | None) -> dict[str, BandSystem]:
    """Return the bands to use by scale id."""
    if bands == NO_BANDS:
        return {}
    if bands is not None:
        _known("bands", bands, (*measure.systems, NO_BANDS))
    named = measure.default_bands if bands is None else bands
    found = {scale.id: scale.band_system(named) for scale in measure.scales if named}
    return {
        scale: system
        for scale, system in found.items()
        if system is not None and (bands is not None or system.verification in VERIFIED)
    }


def _bands(measure: Measure, systems: Mapping[str, BandSystem]) -> list[nw.Expr]:
    return [
        _band(nw.col(measure.score_column(scale)), system).alias(_band_column(measure, scale))
        for scale, system in systems.items()
    ]


def _band(score: nw.Expr, system: BandSystem) -> nw.Expr:
    """The band whose low end a score has reached; a null score reaches none."""
    known = ~score.is_null()
    result: nw.Expr = nw.lit(None, nw.String)
    for band in sorted(system.bands, key=lambda band: band.range[0]):
        reached = known & (score >= band.range[0])
        result = nw.when(reached).then(nw.lit(band.label)).otherwise(result)
    return result


def _flags(measure: Measure) -> nw.Expr:
    """The flags of each response joined by semicolons; null where it has none."""
    flags = [
        nw.when(_is_prorated(measure, scale)).then(nw.lit(f"prorated:{scale.id};"))
        for scale in measure.scales
        if scale.method == "prorated-sum"
    ]
    name = f"{measure.column}__flags"
    if not flags:
        return nw.lit(None, nw.String).alias(name)
    joined = nw.concat_str(*flags, ignore_nulls=True).str.strip_chars(";")
    return nw.when(joined != "").then(joined).alias(name)


def _is_prorated(measure: Measure, scale: Scale) -> nw.Expr:
    counted = _answered([temporary(measure, item) for item in scale.items])
    made = ~nw.col(measure.score_column(scale.id)).is_null()
    return made & (counted < len(scale.items))


def _band_column(measure: Measure, scale: str) -> str:
    return f"{measure.score_column(scale)}_band"


def _written(measure: Measure, systems: Mapping[str, BandSystem], *, counted: bool) -> list[str]:
    """Return the names of the columns that a call adds, in order."""
    names = []
    for scale in measure.scales:
        names.append(measure.score_column(scale.id))
        if scale.id in systems:
            names.append(_band_column(measure, scale.id))
    tail = ("n_answered", "n_invalid", "flags") if counted else ("n_answered", "flags")
    return names + [f"{measure.column}__{name}" for name in tail]


def _known(option: str, word: str, allowed: Sequence[str]) -> None:
    if word not in allowed:
        what = f"{option}='{word}' is not known."
        raise InvalidInput(str(Problem(Where(), what, ", ".join(allowed), nearest(word, allowed))))


def _refuse_overwriting(before: Sequence[str], names: Sequence[str]) -> None:
    taken = [name for name in names if name in before]
    if taken:
        what = f"The frame already has the columns {', '.join(taken)}."
        raise InvalidInput(f"{what} Drop or rename them before scoring again.")
