"""Item answers of whole sheets that never came back: drawn as scores, then taken from a donor.

Chains over the items of several missing sheets feed on one another, and settle slowly or in the wrong
place. So the scales are drawn first, all waves together, and each missing sheet is then that of
somebody of the same arm and wave who scores nearly so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from evalkit.instruments.spec import Measure

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

MOST_SCALES = 6
"""Scales that a sheet is drawn by, at most: those of the measure that do not follow from others."""
DONORS = 5
"""Sheets one is taken from at random: the nearest in all scales."""
PEOPLE_A_COLUMN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Sheets:
    """The sheets of one imputation: people by waves by items, and which came back."""

    items: Floats
    returned: Bools
    arm: NDArray[np.intp]


def directions(measure: Measure, columns: Mapping[str, str]) -> Floats:
    """Return items by scales: 1 where an item counts in a scale, -1 where it is turned round.

    The first scales of the measure that do not follow from earlier ones; all items alike without any.
    """
    order = list(columns)
    kept: list[Floats] = []
    for scale in measure.scales:
        line = np.zeros(len(order))
        for item in scale.items:
            if item in columns:
                line[order.index(item)] = -1.0 if item in scale.reverse else 1.0
        wider = np.array([*kept, line])
        if line.any() and np.linalg.matrix_rank(wider) == len(wider):
            kept.append(line)
    return np.array(kept[:MOST_SCALES] or [np.ones(len(order))]).T


def fill_sheets(
    sheets: Sheets, lines: Floats, traits: pd.DataFrame, *, by: str | None, cluster: str | None,
    iterations: int, seed: int,
) -> tuple[Floats, pd.DataFrame, tuple[str, ...]]:  # fmt: skip
    """Return the items with every missing sheet filled, the trace of the chain, and what to note.

    Parameters
    ----------
    sheets : one imputation, blanks within returned sheets filled already
    lines : items by scales, as of `directions`
    traits : one row a person: `by`, `cluster` and what else foretells who is lost
    """
    from evalkit import stats

    lines = _that_fit(sheets, lines, traits)
    scores = np.where(sheets.returned[:, :, None], sheets.items @ lines, np.nan)
    found = stats.impute(
        _frame(scores, traits), m=1, iterations=iterations, method="norm", by=by, cluster=cluster,
        seed=seed,
    )  # fmt: skip
    people, waves, scales = scores.shape
    drawn = np.stack([
        found[0][_name(wave, scale)].to_numpy(dtype=float)
        for wave in range(waves) for scale in range(scales)
    ], axis=1).reshape(people, waves, scales)  # fmt: skip
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, 1])))
    filled = sheets.items.copy()
    for wave in range(waves):
        for arm in np.unique(sheets.arm):
            _donate(rng, sheets, filled, drawn[:, wave], wave, sheets.arm == arm)
    return filled, found.trace, tuple(found.notes)


def _that_fit(sheets: Sheets, lines: Floats, traits: pd.DataFrame) -> Floats:
    """Return as many scales as there are people for; one where they are few."""
    counts = [
        int((sheets.returned[:, wave] & (sheets.arm == arm)).sum())
        for wave in range(sheets.returned.shape[1]) for arm in np.unique(sheets.arm)
    ]  # fmt: skip
    room = min(counts) // PEOPLE_A_COLUMN - traits.shape[1]
    most = max(1, room // sheets.returned.shape[1])
    return lines if lines.shape[1] <= most else lines.sum(axis=1, keepdims=True)


def _name(wave: int, scale: int) -> str:
    return f"scale {scale} at {wave}"


def _frame(scores: Floats, traits: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {
        _name(wave, scale): scores[:, wave, scale]
        for wave in range(scores.shape[1])
        for scale in range(scores.shape[2])
    }
    return pd.DataFrame(columns).join(traits.reset_index(drop=True))


def _donate(
    rng: np.random.Generator, sheets: Sheets, filled: Floats, drawn: Floats, wave: int, mine: Bools
) -> None:
    """Give each missing sheet of an arm the items of one of the nearest that came back."""
    donors = np.flatnonzero(mine & sheets.returned[:, wave])
    lost = np.flatnonzero(mine & ~sheets.returned[:, wave])
    if not len(lost):
        return
    spread = drawn[donors].std(axis=0)
    scaled = drawn / np.where(spread > 0, spread, 1.0)
    nearest = min(DONORS, len(donors))
    for start in range(0, len(lost), 500):
        rows = lost[start : start + 500]
        apart = ((scaled[rows, None, :] - scaled[None, donors, :]) ** 2).sum(axis=2)
        near = np.argpartition(apart, nearest - 1, axis=1)[:, :nearest]
        pick = near[np.arange(len(rows)), rng.integers(0, nearest, len(rows))]
        filled[rows, wave] = sheets.items[donors[pick], wave]
