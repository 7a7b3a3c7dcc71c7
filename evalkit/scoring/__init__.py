"""Item answers to scale scores, bands and flags, in any frame that narwhals supports.

Blank and NaN become null at the door on every backend, and nothing null is ever given a band: on
some backends NaN compares as larger than every cut-off. pandas frames go through numpy in blocks
of rows, all others through narwhals expressions; both run the rules of `evalkit.scoring.methods`.

blocks.py    Scoring of pandas frames through numpy, in blocks of rows that stay in the processor's cache
cleaning.py  Answers as numbers by expression: null where missing or refused, on every kind of frame
columns.py   Which columns of a frame hold the answers to a measure's items
engines.py   Two engines for one set of scoring rules
lazily.py    Scoring by expression
methods.py   How answers become a score: one short function each, and the table METHODS
plan.py      What one call of score does: scales, bands and flags in order, and the columns it writes
refusals.py  Answers that are not allowed, in words: row, column, what was found, what may be there
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Literal
from warnings import warn

import narwhals as nw

from evalkit.errors import InvalidInput, Problem, Where, nearest
from evalkit.instruments.scale import BandSystem, Scale
from evalkit.instruments.spec import Measure
from evalkit.scoring.cleaning import check_ages, temporary
from evalkit.scoring.columns import Frame, frame_of, item_columns, require_columns
from evalkit.scoring.methods import reverse
from evalkit.scoring.plan import Plan

__all__ = ["check_scores", "item_means", "reverse", "score"]
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
    grade: str | None = None,
    limits: Mapping[str, float] | None = None,
    on_invalid: Literal["raise", "missing"] = "raise",
) -> Any:
    """Score item answers, one row per response.

    Parameters
    ----------
    frame : any frame narwhals supports (pandas, polars eager or lazy, DuckDB, Dask, PyArrow and
        others), one column per item holding the codes of the measure, as numbers or as text that
        is a number. It is never changed.
    measure : the measure; its `items` say which codes are allowed.
    items : item id to column, for items that are not found by name. Optional items that have no
        column count as not answered.
    prefix : the item columns are this text followed by the item id.
    bands : None for the measure's default band system, where two sources agree on it; the id of a
        system to take it whatever its verification (bands that rest on memory are said to be
        unverified in a warning); "none" for no bands.
    age : column of ages in years, for bands that differ by age; people outside the measure's ages
        are an error.
    sex : column of sexes in words (male, female, man, woman, boy, girl, m, f), for bands, flags and
        norms that differ by sex; whoever is neither gets none of these.
    grade : column of US school grades; with `sex`, scales by norm (T scores) are added.
    limits : flag id to the number to use instead of the published one, where local practice differs.
    on_invalid : "raise" or "missing", which blanks answers that are not allowed and counts them.

    Returns
    -------
    The same kind of frame: its columns as they were, then for the measure `sdq-parent-4-17` and
    each scale `sdq_parent_4_17__<scale>` (number) and, where it has the bands asked for,
    `..__<scale>_band` (text), then `..__n_answered` (answers to all items that are always asked),
    `..__n_invalid` (only with on_invalid="missing") and `..__flags`: text joined by semicolons, null
    where none, of `prorated:<scale>` and of the measure's flags as `<kind>:<id>`, with a question
    mark where blanks leave it undetermined. A score that cannot be made is null and has no band.

    Raises
    ------
    InvalidInput : columns are missing or doubtful, an option is unknown, the measure has no items.
    InvalidData : answers or ages that are not allowed, each with its row and column; in a lazy
        frame, which is then run once to look, the number of them in each column.
    """
    _refuse_unscorable(measure)
    _known("on_invalid", on_invalid, ("raise", "missing"))
    _refuse_odd_limits(measure, {} if limits is None else limits)
    table, give_back = frame_of(frame)
    before = table.collect_schema().names()
    found = item_columns(before, measure, items=items, prefix=prefix)
    require_columns(before, [name for name in (age, sex, grade) if name is not None])
    systems = _systems(measure, bands, sex=sex, age=age)
    by_age = any(system.ages for group in systems.values() for system in group)
    plan = Plan(
        measure, columns=found, bands=systems, sex=sex, grade=grade, age=age if by_age else None,
        limits=limits or {}, on_invalid=on_invalid,
    )  # fmt: skip
    _refuse_overwriting(before, [*plan.written, *(temporary(measure, item) for item in found)])
    if age is not None:
        check_ages(table, measure, age)
    return give_back(_run(table, plan, before))


def _run(table: Frame, plan: Plan, before: Sequence[str]) -> Frame:
    if isinstance(table, nw.DataFrame) and table.implementation.is_pandas():
        from evalkit.scoring.blocks import scored_in_blocks

        return scored_in_blocks(table, plan)
    from evalkit.scoring.lazily import scored_by_expression

    return scored_by_expression(table, plan, before)


def item_means(frame: Any, measure: Measure, **how: Any) -> Any:
    """Return the mean of every item over all responses: `item, label, n, mean`.

    For instruments whose items are components to be compared, over sites or partnerships. The frame
    and the keywords are those of `score`. Answers are checked first.
    """
    import pandas as pd

    _refuse_unscorable(measure)
    table, _ = frame_of(frame)
    allowed = ("items", "prefix", "on_invalid")
    for name in how:
        _known("option", name, allowed)
    on_invalid = how.get("on_invalid", "raise")
    _known("on_invalid", on_invalid, ("raise", "missing"))
    columns = item_columns(
        table.collect_schema().names(), measure, items=how.get("items"), prefix=how.get("prefix")
    )
    from evalkit.scoring.cleaning import cleaned, temporary

    clean = cleaned(table, table.collect_schema(), measure, columns, on_invalid=on_invalid)
    rows = []
    for item in measure.items:
        if item.id in columns:
            name = temporary(measure, item.id)
            value = clean.select(nw.col(name).count().alias("n"), nw.col(name).mean().alias("mean"))
            eager = value.collect() if isinstance(value, nw.LazyFrame) else value
            rows.append((item.id, item.label, int(eager["n"][0]), eager["mean"][0]))
    return pd.DataFrame(rows, columns=["item", "label", "n", "mean"])


def check_scores(
    values: Sequence[float | None], measure: Measure, scale: str | None = None
) -> list[int]:
    """Return the positions of finished scores that a scale cannot have.

    `values` are scores, None or NaN where missing; `scale` is a scale id (None: the default). A
    score is refused outside the declared range, off the declared step, or where it is no number.
    A prorated score need not be on a step.
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
    if isinstance(value, bool) or not scale.low <= number <= scale.high or math.isinf(number):
        return False
    if scale.step is None or (scale.prorated and scale.rounding is None):
        return True
    return (number - scale.low) % scale.step == 0


def _refuse_unscorable(measure: Measure) -> None:
    if not measure.score_only:
        return
    why = {
        "framework": "is a framework of domains and has no score.",
        "metadata": "is listed for reference and is not scored. " + " ".join(measure.notes),
    }
    finished = "takes finished scores, not item answers. Give its scores instead; "
    what = why.get(measure.kind, finished + "check_scores looks at their range.")
    raise InvalidInput(f"{measure.id} {what}".strip())


def _systems(
    measure: Measure, bands: str | None, *, sex: str | None, age: str | None
) -> dict[str, tuple[BandSystem, ...]]:
    """Return the bands to use by scale id: one system, or one for each sex or age."""
    if bands == NO_BANDS:
        return {}
    if bands is not None:
        _known("bands", bands, (*measure.systems, NO_BANDS))
    named = measure.default_bands if bands is None else bands
    found = {}
    for scale in measure.scales:
        fitting = tuple(x for x in scale.band_systems if x.system == named)
        fitting = tuple(x for x in fitting if bands is not None or x.verification in VERIFIED)
        needs = {"sex": sex is None and any(x.sex for x in fitting),
                 "age": age is None and any(x.ages for x in fitting)}  # fmt: skip
        for name in (name for name, missing in needs.items() if missing and bands is not None):
            what = f"The bands '{bands}' of {measure.id} differ by {name}."
            raise InvalidInput(f"{what} Name the column of each person's {name} with {name}=.")
        if any(needs.values()):
            continue
        if fitting:
            found[scale.id] = fitting
    _warn_of_memory(measure, bands, found)
    return found


def _warn_of_memory(
    measure: Measure, bands: str | None, found: Mapping[str, tuple[BandSystem, ...]]
) -> None:
    """Bands that rest on memory are used where they are named, and said to be unverified."""
    from evalkit.errors import Unverified

    unsure = [
        name for name, systems in found.items() if any(x.verification == "mem" for x in systems)
    ]
    if unsure:
        what = f"the bands '{bands}' of {measure.id} are not verified for {', '.join(unsure)}."
        warn(f"{what} Check them against the manual before use.", Unverified, stacklevel=5)


def _known(option: str, word: str, allowed: Sequence[str]) -> None:
    if word not in allowed:
        what = f"{option}='{word}' is not known."
        near = nearest(str(word), allowed)
        raise InvalidInput(str(Problem(Where(), what, ", ".join(allowed), near)))


def _refuse_odd_limits(measure: Measure, limits: Mapping[str, float]) -> None:
    """Raise InvalidInput where limits are for no flag, or are no numbers to compare with."""
    if not isinstance(limits, Mapping):
        raise InvalidInput(
            f"limits: found {type(limits).__name__}, not a mapping of flag to number."
        )
    for name, limit in limits.items():
        _known("limits", name, [flag.id for flag in measure.flags])
        if isinstance(limit, bool) or not isinstance(limit, Real) or not math.isfinite(limit):
            raise InvalidInput(f"limits: the limit of '{name}' is {limit!r}, not a number.")


def _refuse_overwriting(before: Sequence[str], names: Sequence[str]) -> None:
    taken = [name for name in names if name in before]
    if taken:
        what = f"The frame already has the columns {', '.join(taken)}."
        raise InvalidInput(f"{what} Drop or rename them before scoring again.")
