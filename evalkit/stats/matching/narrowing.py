"""Narrow a comparison pool that is too large for one machine's memory, where the data lie.

Rows are looked at lazily through narwhals (DuckDB, Dask, Spark, polars): of the comparison only those
are brought in that some treated row could be matched with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.shared.columns import as_names, check_roles, invalid

if TYPE_CHECKING:
    import narwhals as nw
    import pandas as pd

SLACK = 1.001
"""Blocks are this much wider than what is allowed, so that rounding loses nobody."""
ARM = "evalkit arm"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NarrowedPool(Record):
    """The rows that could be matched, and how many came in.

    `frame` is a pandas frame sorted by the identity: all treated rows and the comparison rows that some
    treated row may have. `n_comparison` counts the comparison before, `n_missing` those of them that
    lack a value asked for and `n_kept` those kept; `n_no_arm` counts rows of neither arm, left out.
    """

    frame: pd.DataFrame
    n_treatment: int
    n_comparison: int
    n_missing: int
    n_kept: int
    n_no_arm: int
    sentence: str


def narrow_pool(
    data: Any,
    *,
    treatment: str,
    identity: str,
    exact: str | Sequence[str] = (),
    near: Mapping[str, float] | None = None,
    columns: str | Sequence[str] | None = None,
    treated: Any = None,
) -> NarrowedPool:
    """Bring in the treated and, of the comparison, those that a treated row could be matched with.

    A comparison row stays where one treated row has its values in every column of `exact` and lies in
    the same or the next block of every column of `near`. Nobody who is within what is allowed is lost,
    so matching with the same exact columns, and a caliper on a score that stands in the data, gives what
    the whole pool would have given. A score fitted afterwards is another one: fit it on a sample
    first and write it into the data as a column.

    Parameters
    ----------
    data : any frame narwhals knows, lazy or not, one row a person; never changed
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    identity : name of a column with one value a row: rows are returned in its order, so that ties in
        matching do not rest on how a database hands out its rows
    exact : columns in which partners must be equal
    near : by column of numbers, how far partners may be apart at most, in the column's own units (of a
        score with `caliper_scale="raw"`, the caliper)
    columns : what is brought in beside the columns named above; None brings in all

    Returns
    -------
    NarrowedPool

    Raises
    ------
    InvalidInput
        For a column that is missing or holds no numbers, and where nothing narrows the pool.
    CannotEstimate
        Where nobody is treated, or no comparison row is left.
    """
    import narwhals as nw

    same, widths = as_names(exact), dict(near or {})
    check_roles(treatment=treatment, identity=identity)
    check_roles(treatment=treatment, exact=same, near=tuple(widths))
    frame = nw.from_native(data).lazy()
    schema = frame.collect_schema()
    named = dict.fromkeys([identity, treatment, *same, *widths])
    wanted = list(schema) if columns is None else [*named, *as_names(columns)]
    _check(schema, list(dict.fromkeys([*named, *wanted])), widths, same)
    frame = frame.with_columns(_arm(schema[treatment], treatment, treated).alias(ARM))
    known = _known(schema, same, widths)
    blocks = {name: f"{ARM} {name}" for name in widths}
    placed = frame.filter(known).with_columns(
        (nw.col(name).cast(nw.Float64) / (width * SLACK)).floor().alias(blocks[name])
        for name, width in widths.items()
    )
    keys = _keys(placed.filter(nw.col(ARM) == 1), same, list(blocks.values()))
    pool = placed.filter(nw.col(ARM) == 0).join(keys, on=[*same, *blocks.values()], how="inner")
    picked = [nw.col(name) for name in dict.fromkeys(wanted)]
    counts = _counts(frame, known)
    if not counts["treated"]:
        raise CannotEstimate(f"No row of '{treatment}' is treated: there is nobody to match.")
    parts = [part.select(picked) for part in (frame.filter(nw.col(ARM) == 1), pool)]
    found = _in_order([part.collect(backend="pandas").to_native() for part in parts], identity)
    kept = len(found) - counts["treated"]
    if not kept:
        raise CannotEstimate(
            "No comparison row has the exact values of a treated row and lies near it: nobody could be "
            "matched. Ask for fewer exact columns, or allow more distance."
        )
    return NarrowedPool(
        frame=found, n_treatment=counts["treated"], n_comparison=counts["comparison"],
        n_missing=counts["comparison"] - counts["known"], n_kept=kept,
        n_no_arm=counts["rows"] - counts["treated"] - counts["comparison"],
        sentence=f"{kept:,} of {counts['comparison']:,} comparison rows could be matched with one of the "
        f"{counts['treated']:,} treated rows; the others are too far from all of them.",
    )  # fmt: skip


def _check(
    schema: Mapping[str, Any], wanted: list[str], widths: Mapping[str, float], same: Sequence[str]
) -> None:
    absent = [name for name in wanted if name not in schema]
    if absent:
        raise invalid(
            f"the data hold no column {', '.join(map(repr, absent))}.",
            allowed=", ".join(map(str, schema)),
        )
    if not widths and not same:
        raise invalid(
            "nothing narrows the pool.", allowed="columns in `exact`, distances in `near`, or both"
        )
    for name, width in widths.items():
        if not isinstance(width, int | float) or not 0 < width < math.inf:
            raise invalid(f"near={{{name!r}: {width!r}}}.", allowed="a distance above 0")
        if not schema[name].is_numeric():
            raise invalid(
                "it holds no numbers.", column=name, allowed="a column of numbers in `near`"
            )


def _arm(kind: Any, treatment: str, treated: Any) -> nw.Expr:
    """Return 1 for treated rows, 0 for comparison rows and -1 for neither."""
    import narwhals as nw

    column = nw.col(treatment)
    if treated is not None:
        yes, no = column == treated, column != treated
    elif kind == nw.Boolean:
        yes, no = column, ~column
    elif kind.is_numeric():
        yes, no = column == 1, column == 0
    else:
        raise invalid(
            "it holds words.", column=treatment,
            allowed="0 and 1, true and false, or two values with `treated`",
        )  # fmt: skip
    given = ~column.is_null()
    other = nw.when(given & no).then(0).otherwise(-1)
    return nw.when(given & yes).then(1).otherwise(other)


def _known(schema: Mapping[str, Any], same: Sequence[str], widths: Mapping[str, float]) -> nw.Expr:
    import narwhals as nw

    parts = [~nw.col(name).is_null() for name in dict.fromkeys([*same, *widths])]
    parts += [nw.col(name).is_finite() for name in widths if schema[name].is_float()]
    return nw.all_horizontal(*parts, ignore_nulls=True)


def _keys(
    treated: nw.LazyFrame[Any], same: Sequence[str], blocks: Sequence[str]
) -> nw.LazyFrame[Any]:
    """Return the cells in which partners of treated rows may lie: their own blocks and the next ones."""
    import narwhals as nw

    keys = treated.select(*same, *blocks).unique()
    for block in blocks:
        moved = [keys.with_columns(nw.col(block) + step) for step in (-1, 0, 1)]
        keys = nw.concat(moved, how="vertical").unique()
    return keys


def _counts(frame: nw.LazyFrame[Any], known: nw.Expr) -> dict[str, int]:
    import narwhals as nw

    arm = nw.col(ARM)
    marked = frame.select(
        rows=nw.when(arm >= -1).then(1).otherwise(0),
        treated=nw.when(arm == 1).then(1).otherwise(0),
        comparison=nw.when(arm == 0).then(1).otherwise(0),
        known=nw.when((arm == 0) & known).then(1).otherwise(0),
    )
    row = marked.select(nw.all().sum()).collect(backend="pandas").to_native().iloc[0]
    return {name: int(row[name]) for name in ("rows", "treated", "comparison", "known")}


def _in_order(parts: list[pd.DataFrame], identity: str) -> pd.DataFrame:
    import pandas as pd

    found = pd.concat(parts, ignore_index=True).sort_values(identity, ignore_index=True)
    twice = found[identity].duplicated() | found[identity].isna()
    if twice.any():
        raise invalid(
            f"{int(twice.sum())} rows brought in share a value or have none.", column=identity,
            allowed="one value a row", next_step="Name a column that tells rows apart.",
        )  # fmt: skip
    return found
