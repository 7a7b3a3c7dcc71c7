"""What an imputation says about itself: what it assumed, and which predictors it did without."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.stats.imputing.equation_chain import Dropped
from evalkit.stats.imputing.imputed_columns import Arm
from evalkit.stats.imputing.imputing_arms import Asked


def about(m: int, used: Mapping[str, str], asked: Asked) -> list[str]:
    """Return what holds of the whole call."""
    notes = [] if used else ["No value is missing: every copy is the data as they came."]
    if m == 1:
        notes.append(
            "One imputation (m=1): the variance between imputations cannot be estimated, so no "
            "standard error can be pooled from it. Use 20 or more."
        )
    categories = [name for name, one in used.items() if one not in ("pmm", "norm")]
    if asked.cluster is not None and categories:
        notes.append(
            f"Categories ({', '.join(categories)}) have no random intercept: how alike a cluster "
            "is enters through the shares of each category among its others."
        )
    norm = [name for name, one in used.items() if one == "norm"]
    cut = [name for name in norm if name in asked.bounds]
    if cut:
        notes.append(f"Drawn from a normal distribution cut off at the bounds: {', '.join(cut)}.")
    rounded = [name for name in norm if name in asked.whole]
    if rounded:
        notes.append(f"Rounded to whole numbers: {', '.join(rounded)}.")
    return notes


def left_out(arm: Arm, dropped: Dropped, models: int) -> list[str]:
    """Return a sentence for each predictor that models had to do without."""
    notes = []
    for (target, name, reason), times in sorted(dropped.items()):
        often = "" if times == models else f" in {times} of {models} models"
        if reason == "fixed":
            why = "the other predictors fix it"
        elif "=" in name:
            why = "among those with a value nobody, or everybody, is in that category"
        else:
            why = "it has one value among those with a value"
        notes.append(
            f"'{name}' was left out as a predictor of '{target}'{arm.words}{often}: {why}."
        )
    return notes
