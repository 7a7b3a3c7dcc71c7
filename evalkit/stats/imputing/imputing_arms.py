"""Prepare each arm for its chains: the columns used, the targets, and what cannot be imputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.imputing.cluster_means import varies_within
from evalkit.stats.imputing.imputed_columns import (
    MANY,
    Arm,
    Block,
    Lost,
    Target,
    blocks_of,
    design_of,
    kind_of,
    method_of,
    read_column,
)
from evalkit.stats.imputing.predictor_choice import check_fixed, check_room, chosen_places
from evalkit.stats.shared.columns import invalid
from evalkit.stats.shared.design_matrix import levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

_SHOWS = 5  # clusters of two or more with a value: fewer do not show that a column is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call asked for, checked: the columns that play a part and how each is imputed."""

    by: str | None
    cluster: str | None
    treatment: str | None
    whole: frozenset[str]
    method: str
    methods: dict[str, str]
    bounds: dict[str, tuple[float, float]]
    predictors: Any
    ignore: tuple[str, ...]


def read_columns(data: pd.DataFrame, asked: Asked) -> tuple[list[Lost], list[str]]:
    """Return the columns used, and notes on those that are not.

    Dates, and text with more than 50 different values, cannot be used: whole they are carried
    over, with gaps they are refused.
    """
    columns, notes = [], []
    apart = {asked.by, asked.cluster, *asked.ignore}
    for name in data.columns:
        if name in apart:
            continue
        kind = kind_of(data[name])
        many = kind == "categories" and data[name].nunique() > MANY
        if kind != "other" and not many:
            columns.append(read_column(data, name, kind, whole=name in asked.whole))
            notes += _unseen(data[name], name)
            continue
        what = f"{data[name].nunique()} different values" if many else f"{data[name].dtype} values"
        if data[name].isna().any():
            raise invalid(
                f"holds {what}, some missing, which cannot be imputed.",
                column=name,
                allowed=f"numbers, true and false, or up to {MANY} categories",
                next_step="Leave it as it is with ignore=, or turn dates into a number of days.",
            )
        notes.append(f"'{name}' holds {what}: carried over, and not used as a predictor.")
    return columns, notes


def _unseen(series: pd.Series[Any], name: str) -> list[str]:
    """Return a note on categories that nobody has: declared only, they are never drawn."""
    import pandas as pd

    if not isinstance(series.dtype, pd.CategoricalDtype) or not series.isna().any():
        return []
    seen = set(series.dropna())
    unseen = [str(value) for value in series.dtype.categories if value not in seen]
    listed = ", ".join(unseen)
    return [f"'{name}': nobody observed has {listed}, so it is never imputed."] if unseen else []


def check_whole_roles(data: pd.DataFrame, asked: Asked) -> None:
    """Refuse missing values in the columns of arms and of clusters."""
    for name, part in ((asked.by, "by"), (asked.treatment, "treatment")):
        gaps = 0 if name is None else int(data[name].isna().sum())
        if gaps:
            raise invalid(
                f"is missing in {gaps} row(s); it is {part}=, and the arm is never imputed.",
                column=str(name),
                allowed="an arm for everyone",
                next_step="Find out the arm, or leave those rows out.",
            )
    gaps = 0 if asked.cluster is None else int(data[asked.cluster].isna().sum())
    if gaps:
        raise invalid(
            f"is missing in {gaps} row(s); a cluster is never imputed.",
            column=str(asked.cluster),
            allowed="a cluster for everyone",
            next_step="Give people who share with nobody a cluster of their own.",
        )


def check_bounds(columns: Sequence[Lost], bounds: Mapping[str, tuple[float, float]]) -> None:
    """Refuse bounds of what is no number, and observed values outside them."""
    by_name = {column.name: column for column in columns}
    for name, (low, high) in bounds.items():
        column = by_name.get(name)
        if column is None or column.kind != "number":
            raise invalid("has bounds but is no column of numbers that is used.", column=name)
        known = column.values[~column.missing]
        outside = int(((known < low) | (known > high)).sum())
        if outside:
            raise invalid(
                f"{outside} observed value(s) lie outside the bounds.",
                column=name,
                allowed=f"{low:g} to {high:g}",
                next_step="Mend the values or the bounds.",
            )


def prepared_arms(
    data: pd.DataFrame, columns: Sequence[Lost], asked: Asked
) -> tuple[tuple[Arm, ...], dict[str, str], list[str]]:
    """Return the arms to impute, the method of each column with gaps, and notes."""
    methods = {column.name: method_of(column, asked.method, asked.methods) for column in columns}
    split: list[tuple[Any, Codes]] = [(None, np.arange(len(data)))]
    if asked.by is not None:
        own = data[asked.by]
        split = [
            (_plain(level), np.flatnonzero((own == level).to_numpy(dtype=bool)))
            for level in levels(own)
        ]
    arms, notes = [], []
    for label, rows in split:
        arm, said = _arm(data, columns, methods, label, rows, asked)
        arms.append(arm)
        notes += said
    used = {column.name: methods[column.name] for column in columns if column.missing.any()}
    return tuple(arms), used, notes


def _plain(value: Any) -> Any:
    return getattr(value, "item", lambda: value)()


def _arm(
    data: pd.DataFrame, columns: Sequence[Lost], methods: dict[str, str], label: Any, rows: Codes,
    asked: Asked,
) -> tuple[Arm, list[str]]:  # fmt: skip
    words = "" if label is None else f" in arm {label!r}"
    within = [replace(column, values=column.values[rows]) for column in columns]
    blocks = blocks_of(within, methods, asked.bounds, words)
    design, names = design_of(blocks, len(rows))
    check_fixed(blocks, design, names, words)
    clusters, averaged, notes = _clusters(data, blocks, rows, asked, words)
    places = chosen_places(blocks, design, asked.predictors)
    targets = []
    for block in blocks:
        gaps = block.column.missing
        if not gaps.any():
            continue
        name, own = block.column.name, places[block.column.name]
        known = np.flatnonzero(~gaps)
        values = block.column.values[known]
        extra = np.intersect1d(own, averaged).size
        extra += (
            len(block.places) if clusters is not None and block.method not in ("pmm", "norm") else 0
        )
        check_room(name, len(known), len(own) + extra, words)
        targets.append(Target(block, np.flatnonzero(gaps), known, values, own))
        if np.ptp(values) == 0:
            notes.append(
                f"'{name}' has one value among those observed{words}, and is imputed as it."
            )
    notes += _chosen(places, design.shape[1] - 1, asked.predictors, words)
    arm = Arm(label, rows, np.nan_to_num(design), names, blocks, tuple(targets), clusters, averaged)
    return arm, notes


def _clusters(
    data: pd.DataFrame, blocks: Sequence[Block], rows: Codes, asked: Asked, words: str
) -> tuple[Codes | None, Codes, list[str]]:
    """Return cluster codes (None where nobody shares), the places averaged over them, and notes."""
    import pandas as pd

    nowhere = np.zeros(0, dtype=np.intp)
    if asked.cluster is None:
        return None, nowhere, []
    labels = data[asked.cluster].astype(object).iloc[rows]
    codes = np.asarray(pd.factorize(labels)[0], dtype=np.intp)
    n = int(codes.max()) + 1
    if n == len(codes):
        note = f"Nobody shares a cluster of '{asked.cluster}'{words}: imputed as people alone."
        return None, nowhere, [note]
    if n < 3:
        raise CannotEstimate(
            f"'{asked.cluster}' has {n} cluster(s){words}; how clusters vary cannot be drawn from "
            "fewer than 3. Impute without cluster=, with it as a category."
        )
    averaged = []
    for block in blocks:
        varies, shown = varies_within(block.column.values, codes)
        if block.column.missing.any() and not varies and shown >= _SHOWS and _varied(block):
            raise CannotEstimate(
                f"'{block.column.name}' is the same for everyone in a cluster{words}: it belongs to "
                "the cluster. Fill it from the other members, or impute it in a table with one row "
                "a cluster, and leave it out here with ignore=."
            )
        if varies:
            averaged.append(block.places)
    return codes, np.concatenate([nowhere, *averaged]), []


def _varied(block: Block) -> bool:
    return len(block.seen) > 1 or bool(np.ptp(block.column.values[~block.column.missing]) > 0)


def _chosen(places: Mapping[str, Codes], of: int, predictors: Any, words: str) -> list[str]:
    if predictors is None or isinstance(predictors, Mapping) or not places:
        return []
    counts = [len(own) - 1 for own in places.values()]
    how = "the strongest by correlation with it or with its being missing"
    return [
        f"Each column is predicted from {min(counts)} to {max(counts)} of {of} others{words}: {how}."
    ]
