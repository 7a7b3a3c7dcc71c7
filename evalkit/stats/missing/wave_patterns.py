"""Who drops out for good and who comes back: patterns of missing values over ordered waves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record
from evalkit.stats.missing.patterns import present
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    invalid,
    optional_name,
    read_arm,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]

KINDS = ("complete", "monotone", "intermittent", "never")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WavePatterns(Record):
    """How each person's values run over the waves; `to_frame()` is `counts`.

    `people` has one row a person in the order given: `pattern` (1 where present, 0 where missing,
    in the order of `waves`), `kind`, `last_wave` (the last one present, None for "never") and
    `n_waves` (how many are present). `counts` has `arm, kind, n, share`, the share of the arm's
    people; `arm` is "all", and "treatment" and "comparison" where a treatment was named.
    `by_wave` has `arm, wave, n, n_present, share_present`. `monotone` says whether nobody is
    intermittent.
    """

    waves: tuple[str, ...]
    n_rows: int
    n_no_arm: int
    monotone: bool
    counts: pd.DataFrame = field(repr=False)
    by_wave: pd.DataFrame = field(repr=False)
    people: pd.DataFrame = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return one row an arm and kind."""
        return self.counts.copy()


def wave_patterns(
    data: Any, *, waves: Sequence[str], treatment: str | None = None, treated: Any = None
) -> WavePatterns:
    """Return whether each person's values end for good (monotone) or have gaps (intermittent).

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    waves : names of the columns of one measure, the earliest wave first; leave out waves that
        were not due
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm

    Returns
    -------
    WavePatterns
        Kinds: "complete" (every wave present), "monotone" (present up to some wave and missing
        ever after), "intermittent" (missing before a wave that is present, the first wave
        included) and "never" (no wave present). People without an arm count in "all" only;
        `n_no_arm` says how many.

    Raises
    ------
    InvalidInput
        For fewer than two waves, a column that is not there or one named twice.
    CannotEstimate
        For a frame without rows.
    """
    names = as_names(waves)
    if len(names) < 2:
        raise invalid(f"waves names {len(names)} column(s).", allowed="two or more, in order")
    check_roles(waves=names, treatment=treatment)
    frame = check_frame(data, [*names, *optional_name(treatment)])
    seen = present(frame, names)
    kinds = _kinds(seen)
    groups = {"all": np.ones(len(frame), dtype=bool)}
    unknown = 0
    if treatment is not None:
        arm = read_arm(frame, treatment, treated)
        groups |= {"treatment": arm == 1, "comparison": arm == 0}
        unknown = int(np.isnan(arm).sum())
    return WavePatterns(
        waves=names,
        n_rows=len(frame),
        n_no_arm=unknown,
        monotone="intermittent" not in set(kinds),
        counts=_counts(kinds, groups),
        by_wave=_by_wave(seen, names, groups),
        people=_people(seen, kinds, names),
    )


def _kinds(seen: Bools) -> NDArray[np.str_]:
    comes_back = np.any(~seen[:, :-1] & seen[:, 1:], axis=1)
    ends = [seen.all(axis=1), ~seen.any(axis=1), comes_back]
    kinds: NDArray[np.str_] = np.select(ends, ["complete", "never", "intermittent"], "monotone")
    return kinds


def _counts(kinds: NDArray[np.str_], groups: dict[str, Bools]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (arm, kind, int(np.sum(kinds[inside] == kind)), int(inside.sum()))
        for arm, inside in groups.items()
        for kind in KINDS
    ]
    found = [(arm, kind, n, n / whole if whole else np.nan) for arm, kind, n, whole in rows]
    return pd.DataFrame(found, columns=["arm", "kind", "n", "share"])


def _by_wave(seen: Bools, names: Sequence[str], groups: dict[str, Bools]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (arm, wave, int(inside.sum()), int(seen[inside, place].sum()))
        for arm, inside in groups.items()
        for place, wave in enumerate(names)
    ]
    found = [(arm, wave, n, here, here / n if n else np.nan) for arm, wave, n, here in rows]
    return pd.DataFrame(found, columns=["arm", "wave", "n", "n_present", "share_present"])


def _people(seen: Bools, kinds: NDArray[np.str_], names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    last = seen.shape[1] - 1 - np.argmax(seen[:, ::-1], axis=1)
    ever = np.atleast_1d(seen.any(axis=1)).tolist()
    latest = [names[i] if some else None for i, some in zip(last.tolist(), ever, strict=True)]
    return pd.DataFrame(
        {
            "pattern": ["".join("01"[int(there)] for there in row) for row in seen],
            "kind": kinds.astype(object),
            "last_wave": pd.Series(latest, dtype=object),
            "n_waves": seen.sum(axis=1),
        }
    )
