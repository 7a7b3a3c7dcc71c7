"""The arguments of a judgement person by person, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.persons.change_indices import INDICES, number
from evalkit.stats.shared.columns import invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def direction(higher_is_better: Any) -> float:
    """Return 1 where higher is better, else -1."""
    if not isinstance(higher_is_better, bool | np.bool_):
        raise invalid(f"higher_is_better={higher_is_better!r}.", allowed="True or False")
    return 1.0 if higher_is_better else -1.0


def arm_labels(arm: Any) -> NDArray[Any] | None:
    """Return one label a person, None where missing; None without arms."""
    import pandas as pd

    if arm is None:
        return None
    if isinstance(arm, str):
        raise invalid(f"arm={arm!r} is one label.", allowed="one label for each person")
    labels = [x.item() if isinstance(x, np.generic) else x for x in arm]
    series = pd.Series(labels, dtype=object)
    return np.asarray(series.where(series.notna(), None), dtype=object)


def check_lengths(first: Floats, second: Floats, arms: NDArray[Any] | None) -> None:
    """Refuse scores and arms of different lengths."""
    if len(first) != len(second):
        raise invalid(
            f"pre has {len(first)} scores and post {len(second)}.",
            allowed="arrays of one length, one entry a person",
            next_step="Keep people without a second score in: give it as None.",
        )
    if arms is not None and len(arms) != len(first):
        raise invalid(
            f"arm has {len(arms)} labels for {len(first)} people.",
            allowed="one label for each person",
        )


def least_changes(given: Any, method: str) -> tuple[float | None, float | None]:
    """Return the minimal improvement and deterioration, both without a sign."""
    asked = method not in INDICES
    if given is None:
        if asked:
            raise invalid(
                f"method={method!r} has no minimal_change.",
                allowed="a number, or (improvement, deterioration)",
                next_step="Give a share such as 0.5 for percentage, or points for anchor.",
            )
        return None, None
    pair = given if isinstance(given, tuple | list) else (given, given)
    allowed = "one number, or (improvement, deterioration), "
    allowed += "from 0" if not asked else "above 0"
    allowed += " and at most 1, so 0.5 for half" if method == "percentage" else ""
    if len(pair) != 2:
        raise invalid(f"minimal_change={given!r}.", allowed=allowed)
    low, high = (number(value, "minimal_change", allowed) for value in pair)
    worst, most = min(low, high), max(low, high)
    if worst < 0 or (asked and worst == 0) or (method == "percentage" and most > 1):
        raise invalid(f"minimal_change={given!r}.", allowed=allowed)
    return low, high
