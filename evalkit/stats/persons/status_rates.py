"""How many people have each status, on the denominators that can be defended."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record, Records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRate(Record):
    """How many people of one arm have one status, on each denominator.

    `share` and its Wilson interval are among the `n_used` people who have a status. For
    "recovered" and "deteriorated-clinically" `share_could` and its interval are among the
    `n_could` of them who started where this can happen: on the clinical side of the cut-off, or
    on the functional side. A share among nobody is None. `n_all` = `n_used` + `n_undefined` +
    `n_no_second` + `n_no_first` + `n_neither`, and `n_both` = `n_used` + `n_undefined`.
    """

    arm: Any = None
    status: str
    n: int
    n_used: int
    share: float | None
    conf_low: float | None
    conf_high: float | None
    n_could: int | None = None
    share_could: float | None = None
    could_low: float | None = None
    could_high: float | None = None
    level: float
    n_all: int
    n_both: int
    n_undefined: int
    n_no_second: int
    n_no_first: int
    n_neither: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Everybody's status, arm, reason for none, and whether they could recover or fall."""

    status: NDArray[Any]
    arms: NDArray[Any] | None
    level: float
    missing: dict[str, Bools]
    could: tuple[Bools, ...] | None

    def rates(self, wanted: dict[str, tuple[str, ...]]) -> Records[StatusRate]:
        """Return a rate for each arm in order of appearance, and each name in `wanted`."""
        everyone = np.ones(len(self.status), dtype=bool)
        groups = [(None, everyone)]
        if self.arms is not None:
            groups = _groups(self.arms)
        return Records(
            self._rate(arm, rows, name, kinds)
            for arm, rows in groups
            for name, kinds in wanted.items()
        )

    def _rate(self, arm: Any, rows: Bools, name: str, kinds: tuple[str, ...]) -> StatusRate:
        n = sum(int((self.status[rows] == kind).sum()) for kind in kinds)
        reasons = [int((rows & missing).sum()) for missing in self.missing.values()]
        used = int(rows.sum()) - sum(reasons)
        low, high = wilson(n, used, self.level)
        return StatusRate(
            arm=arm,
            status=name,
            n=n,
            n_used=used,
            share=n / used if used else None,
            conf_low=low,
            conf_high=high,
            level=self.level,
            n_all=int(rows.sum()),
            n_both=used + reasons[3],
            n_undefined=reasons[3],
            n_no_second=reasons[0],
            n_no_first=reasons[1],
            n_neither=reasons[2],
            **self._among_those_who_could(rows, name, n),
        )

    def _among_those_who_could(self, rows: Bools, name: str, n: int) -> dict[str, Any]:
        places = {"recovered": 0, "deteriorated-clinically": 1}
        if self.could is None or name not in places:
            return {}
        used = ~np.logical_or.reduce(list(self.missing.values()))
        could = int((rows & used & self.could[places[name]]).sum())
        low, high = wilson(n, could, self.level)
        share = n / could if could else None
        return {"n_could": could, "share_could": share, "could_low": low, "could_high": high}


def _groups(arms: NDArray[Any]) -> list[tuple[Any, Bools]]:
    import pandas as pd

    codes, labels = pd.factorize(arms, use_na_sentinel=True)
    found: list[tuple[Any, Bools]] = [(arm, codes == k) for k, arm in enumerate(labels)]
    return [*found, (None, codes == -1)] if np.any(codes == -1) else found


def wilson(n: int, of: int, level: float = 0.95) -> tuple[float | None, float | None]:
    """Return the score interval of a share (Wilson 1927); exactly 0 or 1 at the ends."""
    from scipy.stats import norm

    if of == 0:
        return None, None
    z = float(norm.ppf(0.5 + level / 2))
    share, whole = n / of, 1 + z**2 / of
    centre = share + z**2 / (2 * of)
    half = z * sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    low, high = (centre - half) / whole, (centre + half) / whole
    return (0.0 if n == 0 else low), (1.0 if n == of else high)
