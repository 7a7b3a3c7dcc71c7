"""What a judgement person by person returns: each person's status, the rates, what they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalkit.results import Record, Records
from evalkit.stats.persons.status_rates import StatusRate

if TYPE_CHECKING:
    import pandas as pd

    Norm = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReliableChange(Record):
    """What was concluded for each person, the rates by arm, and the numbers it rests on.

    `pre`, `post`, `change` (post minus pre, NaN without both), `change_share` (percentage only),
    `rci`, `status` and `arm` hold one entry a person in the order given; `to_frame()` is their
    table. `rci` has the sign of the scores: negative where a score fell. `rates` has a row for
    each arm and status, exclusive of each other; `combined` the rows "improved-in-all" and
    "deteriorated-in-all", with and without crossing the cut-off. `sem`, `s_diff`,
    `standard_error` (the denominator of the index) and `threshold` (raw points beyond which a
    change is reliable; None where that differs from person to person) are in score units.
    """

    method: str
    higher_is_better: bool
    level: float
    reliability: float | None = None
    reliability_post: float | None = None
    sd: float | None = None
    sem: float | None = None
    s_diff: float | None = None
    standard_error: float | None = None
    reliability_change: float | None = None
    critical: float | None = None
    threshold: float | None = None
    minimal_improvement: float | None = None
    minimal_deterioration: float | None = None
    cutoff: float | None = None
    cutoff_rule: str | None = None
    clinical: Norm | None = None
    functional: Norm | None = None
    n_all: int
    n_both: int
    n_used: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    rates: Records[StatusRate] = field(repr=False)
    combined: Records[StatusRate] = field(repr=False)
    pre: tuple[float, ...] = field(repr=False)
    post: tuple[float, ...] = field(repr=False)
    change: tuple[float, ...] = field(repr=False)
    change_share: tuple[float, ...] | None = field(repr=False, default=None)
    rci: tuple[float, ...] = field(repr=False)
    status: tuple[str | None, ...] = field(repr=False)
    arm: tuple[Any, ...] | None = field(repr=False, default=None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a person, in the order given; status is None where there is none."""
        import pandas as pd

        names = ("arm", "pre", "post", "change", "change_share", "rci", "status")
        kinds = {"arm": object, "status": object}
        found = {name: getattr(self, name) for name in names}
        return pd.DataFrame(
            {
                name: pd.Series(list(values), dtype=kinds.get(name, float))
                for name, values in found.items()
                if values is not None
            }
        )
