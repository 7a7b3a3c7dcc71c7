"""The rows on either side of a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_enough, invalid, left_out, numeric, read_arm
from evalkit.stats.thresholds.local_polynomial import Side

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]

FEW_VALUES = 20  # distinct scores on a side below which a score is called discrete


@dataclass(frozen=True, slots=True, eq=False)
class ScoreRows:
    """The rows analysed in order of score: distance (score less cut-off, treated from 0 up).

    Where the programme goes to low scores the distance is cut-off less score, so that the treated
    side is always the upper one, and `score` is minus the score. `keep` marks the rows among all
    that came in.
    """

    keep: Bools
    distance: Floats
    score: Floats
    outcome: Floats
    codes: Codes | None
    dropped: tuple[tuple[str, int], ...]

    @property
    def above(self) -> Bools:
        """Return who is on the treated side."""
        return self.distance >= 0

    def sides(self, cutoff: float = 0.0) -> tuple[Side, Side]:
        """Return the comparison and the treated side of a distance."""
        upper = self.distance >= cutoff
        lower, higher = (
            Side(self.distance[rows] - cutoff, self.outcome[rows],
                 None if self.codes is None else self.codes[rows], self.score[rows])
            for rows in (~upper, upper)
        )  # fmt: skip
        return lower, higher

    def only(self, rows: Bools) -> ScoreRows:
        """Return some of these rows."""
        codes = None if self.codes is None else self.codes[rows]
        return ScoreRows(
            self.keep,
            self.distance[rows],
            self.score[rows],
            self.outcome[rows],
            codes,
            self.dropped,
        )


def check_cutoff(cutoff: Any) -> float:
    """Return the cut-off as a number."""
    number = isinstance(cutoff, int | float | np.integer | np.floating)
    if isinstance(cutoff, bool) or not number or not np.isfinite(cutoff):
        raise invalid(f"cutoff={cutoff!r}.", allowed="a finite number")
    return float(cutoff)


def score_rows(
    data: pd.DataFrame,
    outcome: str,
    score: str,
    cutoff: float,
    treated_above: bool,
    cluster: str | None,
    received: str | None,
    treated: Any,
) -> ScoreRows:
    """Return the complete rows in order of score, counting the others by the first thing they lack.

    Raises CannotEstimate where a side has fewer than two rows, the outcome does not vary, or
    `received` does not follow the score.
    """
    import pandas as pd

    values, scores = numeric(data, outcome), numeric(data, score)
    distance = scores - cutoff if treated_above else cutoff - scores
    reasons = [("no outcome", np.isnan(values)), ("no score", np.isnan(scores))]
    arm = None if received is None else read_arm(data, received, treated)
    if arm is not None:
        reasons.append(("no arm", np.isnan(arm)))
    if cluster is not None:
        reasons.append(("no cluster", data[cluster].isna().to_numpy()))
    keep, dropped = left_out(reasons, len(data))
    _check_range(distance[keep], score, cutoff, dropped)
    if np.ptp(values[keep]) == 0:
        raise CannotEstimate(f"'{outcome}' has one value in the rows analysed: it does not vary.")
    if arm is not None:
        _check_sharp(arm[keep], distance[keep] >= 0, str(received), score)
    order = np.lexsort((values[keep], distance[keep]))
    codes = None
    if cluster is not None:
        found = np.asarray(pd.factorize(data.loc[keep, cluster])[0], dtype=np.intp)[order]
        codes = found if found.max() + 1 < len(found) else None
    signed = (scores if treated_above else -scores)[keep][order]
    return ScoreRows(keep, distance[keep][order], signed, values[keep][order], codes, dropped)


def _check_range(
    distance: Floats, score: str, cutoff: float, dropped: tuple[tuple[str, int], ...]
) -> None:
    upper = int(np.sum(distance >= 0))
    for count, label in ((upper, "treated"), (len(distance) - upper, "comparison")):
        if count == 0 and len(distance):
            raise CannotEstimate(
                f"Nobody's '{score}' is on the {label} side of the cut-off {cutoff:g}: it lies "
                "outside the range of the scores. Check cutoff= and treated_above=."
            )
        check_enough(f"The {label} side of the cut-off", count, dropped)


def _check_sharp(arm: Floats, above: Bools, received: str, score: str) -> None:
    wrong = int(np.sum((arm == 1) != above))
    if wrong:
        raise CannotEstimate(
            f"'{received}' does not follow '{score}' for {wrong} of {len(arm)} people, so the "
            "design is not sharp. For the effect of being on the treated side leave out "
            "treatment=; for that of the programme on those who follow the rule use "
            "complier_effect on people near the cut-off, with the side as the assignment."
        )
