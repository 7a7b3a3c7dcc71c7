"""Signs of answers given without reading: the same answer throughout, and impossible speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record
from evalkit.stats.shared.columns import (
    as_names,
    as_pandas,
    check_frame,
    check_roles,
    invalid,
    numeric,
    vector,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PER_ITEM = 2.0  # seconds: Huang et al. (2012)
ONLY_A_FLAG = (
    "A flag is a reason to look, not to leave anybody out: report results with and without"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnswerFlags(Record):
    """Who was flagged; `to_frame()` is `people`, one row a person in the order given.

    `flagged` in it is true, false, or None where it cannot be judged. `n_judged` people could be,
    `n_flagged` of them were; `rule` says by what.
    """

    n_rows: int
    n_judged: int
    n_flagged: int
    share_flagged: float | None
    rule: str
    notes: tuple[str, ...]
    people: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a person."""
        return self.people.copy()


def straight_lining(
    items: Any, *, reverse: str | Sequence[str], columns: str | Sequence[str] | None = None
) -> AnswerFlags:
    """Return who gave the same answer to every item, although items point both ways.

    Parameters
    ----------
    items : any frame narwhals knows, one row a person and one numeric column an item, in the order
        in which they were asked and as they were answered: nothing reversed; never changed
    reverse : names of the items that point the other way, one at least, and not all
    columns : names of the items; all columns by default

    Returns
    -------
    AnswerFlags
        `people` has `n_answered`, `longest_run` (of identical answers one after another, over
        those given), `share_same` (the share of the commonest answer), `sd` (divisor n - 1) and
        `flagged`: every answer the same. Judged are those with two answers or more in each
        direction; of the others `flagged` is None. An honest middle answer throughout is flagged
        too.

    Raises
    ------
    InvalidInput
        For a column that is missing or not numeric, or items that all point one way.

    References
    ----------
    Meade and Craig (2012), Psychological Methods 17:437-455.
    """
    import pandas as pd

    names = as_names(columns) if columns is not None else tuple(map(str, as_pandas(items).columns))
    turned = as_names(reverse)
    check_roles(columns=names)
    frame = check_frame(items, [*names, *turned])
    backward = np.array([name in turned for name in names])
    if not backward.any() or backward.all() or set(turned) - set(names):
        raise invalid(
            f"reverse names {int(backward.sum())} of {len(names)} items.",
            allowed="one or more of the items, and not all",
            next_step="Where items all point one way the same answer throughout may be true.",
        )
    values = np.column_stack([numeric(frame, name) for name in names])
    there = ~np.isnan(values)
    low, high = _lowest(values), -_lowest(-values)
    judged = (there[:, backward].sum(axis=1) >= 2) & (there[:, ~backward].sum(axis=1) >= 2)
    people = pd.DataFrame(
        {
            "n_answered": there.sum(axis=1),
            "longest_run": _longest_run(values),
            "share_same": _share_same(values),
            "sd": _spread(values, low),
            "flagged": _three_way(low == high, judged),
        }
    )
    rule = "the same answer to every item answered, two or more of them in each direction"
    more = "The same middle answer throughout may be honest"
    return _flags(people, rule, (ONLY_A_FLAG, more))


def fast_answers(seconds: Any, n_items: Any, *, per_item: float = PER_ITEM) -> AnswerFlags:
    """Return who answered faster than items can be read.

    Parameters
    ----------
    seconds : time each person took, more than zero; missing where no time was kept
    n_items : number of items answered: one number, or one a person
    per_item : seconds an item below which nobody can have read it

    Returns
    -------
    AnswerFlags
        `people` has `seconds`, `n_items`, `per_item` (seconds an item) and `flagged`. A person
        without a time, or who answered nothing, cannot be judged: None.

    Raises
    ------
    InvalidInput
        For a time that is not above zero, a negative number of items, or numbers of different
        lengths.

    References
    ----------
    Huang, Curran, Keeney, Poposki and DeShon (2012), Journal of Business and Psychology 27:99-114.
    """
    import pandas as pd

    if not isinstance(per_item, int | float) or not 0 < per_item < np.inf:
        raise invalid(f"per_item={per_item!r}.", allowed="seconds above zero")
    time = vector(seconds, "seconds")
    items = np.full(len(time), float(n_items)) if np.ndim(n_items) == 0 else vector(n_items, "n")
    if len(items) != len(time):
        raise invalid(
            f"{len(time)} times and {len(items)} numbers of items are given.",
            allowed="one number of items, or one a person",
        )
    if np.any(time <= 0):
        raise invalid(f"seconds holds {np.nanmin(time):g}.", allowed="more than zero, or missing")
    if np.any(items < 0):
        raise invalid(f"n_items holds {np.nanmin(items):g}.", allowed="zero or more")
    judged = ~np.isnan(time) & (items > 0)
    pace = np.where(judged, time / np.where(judged, items, 1.0), np.nan)
    people = pd.DataFrame(
        {
            "seconds": time,
            "n_items": items,
            "per_item": pace,
            "flagged": _three_way(pace < per_item, judged),
        }
    )
    return _flags(people, f"fewer than {per_item:g} seconds an item", (ONLY_A_FLAG,))


def _flags(people: pd.DataFrame, rule: str, notes: tuple[str, ...]) -> AnswerFlags:
    judged = int(people["flagged"].notna().sum())
    flagged = int(sum(value is True for value in people["flagged"]))
    return AnswerFlags(
        n_rows=len(people),
        n_judged=judged,
        n_flagged=flagged,
        share_flagged=flagged / judged if judged else None,
        rule=rule,
        notes=notes,
        people=people,
    )


def _three_way(flagged: NDArray[np.bool_], judged: NDArray[np.bool_]) -> Any:
    import pandas as pd

    pairs = zip(flagged.tolist(), judged.tolist(), strict=True)
    return pd.Series([yes if known else None for yes, known in pairs], dtype=object)


def _lowest(values: Floats) -> Floats:
    """Return each row's smallest value, infinite where there is none."""
    lowest: Floats = np.where(np.isnan(values), np.inf, values).min(axis=1)
    return lowest


def _spread(values: Floats, low: Floats) -> Floats:
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    offset = np.where(there, values - np.where(count > 0, low, 0.0)[:, None], 0.0)
    mean = offset.sum(axis=1) / np.maximum(count, 1)
    squares = np.where(there, (offset - mean[:, None]) ** 2, 0.0).sum(axis=1)
    spread: Floats = np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    return spread


def _longest_run(values: Floats) -> NDArray[np.intp]:
    """Return the longest run of identical answers, unanswered items passed over."""
    longest = np.zeros(len(values), dtype=np.intp)
    run, last = longest.copy(), np.full(len(values), np.nan)
    for answers in values.T:
        there = ~np.isnan(answers)
        run = np.where(there, np.where(answers == last, run + 1, 1), run)
        last = np.where(there, answers, last)
        longest = np.maximum(longest, run)
    return longest


def _share_same(values: Floats) -> Floats:
    """Return the share of the commonest answer among those given, NaN where there is none."""
    commonest = np.zeros(len(values))
    for answer in np.unique(values[~np.isnan(values)]):
        commonest = np.maximum(commonest, (values == answer).sum(axis=1))
    count = (~np.isnan(values)).sum(axis=1)
    share: Floats = np.where(count > 0, commonest / np.maximum(count, 1), np.nan)
    return share
