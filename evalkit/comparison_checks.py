"""Checks of designs without chance allocation: weights, the line of need, and the instrument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.rounding import written
from evalkit.sampling import row_weights

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.checks import CheckContext
    from evalkit.results import Check

REFUSALS = (CannotEstimate, InvalidInput, NotConverged)
NEED = "score of need at the line"


def effective_size(context: CheckContext) -> Check:
    """Whether the weights leave an effective number of people that is not small beside those weighted.

    By Kish: the square of the sum of weights over the sum of their squares.
    """
    rows, least = context.analysed, context.settings.thresholds["least"]
    try:
        weights = row_weights(context.study, rows)
    except REFUSALS as refusal:
        return context.result(None, f"The weights cannot be worked out. {refusal}",
                              shareable="The weights cannot be worked out.")  # fmt: skip
    if weights is None or len(rows) == 0:
        return context.result(True, "Everybody analysed counts alike.")
    arm = rows["treated"].to_numpy(dtype=float)
    shares = []
    for value in (1.0, 0.0):
        mine = weights[(arm == value) & (weights > 0)]
        shares.append(float(mine.sum() ** 2 / (mine**2).sum() / len(mine)) if len(mine) else 0.0)
    share = min(shares)
    said = "The weights leave" if share >= least else "The weights rest on few people: they leave"
    text = f"{said} an effective {written(100 * share, 0)}% of those weighted (limit {100 * least:g}%)."
    plain = (
        "The weights rest on enough people."
        if share >= least
        else "The weights rest on few people."
    )
    return context.result(share >= least, text, share, least, plain)


def density(context: CheckContext) -> Check:
    """Whether as many people lie just on one side of the line as on the other (McCrary 2008)."""
    from evalkit.stats import density_jump

    cutoff = context.study.evaluation.declared.design.cutoff
    assert cutoff is not None
    people = context.study.intake.people
    placed = people[people["entry"].isna() & people["role"].eq(context.target.outcome.role)]
    distance = placed[cutoff.score].astype(float).dropna() - cutoff.at
    least = context.settings.thresholds["least"]
    try:
        found = density_jump(distance.to_numpy())
    except REFUSALS as refusal:
        return context.result(None, f"Crowding at the line cannot be looked at. {refusal}",
                              shareable="Crowding at the line cannot be looked at.")  # fmt: skip
    p = 0.0 if found.p_value is None else found.p_value
    passed = p >= least
    plain = (
        "People do not crowd on one side of the line." if passed
        else "People crowd on one side of the line, as if somebody had chosen."
    )  # fmt: skip
    return context.result(passed, f"{plain.rstrip('.')} (p {p:.3f}).", p, least, plain)


def continuity(context: CheckContext) -> Check:
    """Whether what was known before does not jump at the line: first scores, else the covariates."""
    cutoff = context.study.evaluation.declared.design.cutoff
    assert cutoff is not None
    rows, least = context.analysed.copy(), context.settings.thresholds["least"]
    people = context.study.intake.people
    rows[NEED] = rows["person"].map(people[cutoff.score]).astype(float)
    names = _known_before(context, rows)
    p_values: list[float] = []
    for name in names:
        p = _jump(rows, name, cutoff.at, above=cutoff.treated == "above")
        if p is not None:
            p_values.append(p)
    if not p_values:
        return context.result(None, "Nothing known before can be compared at the line.")
    smallest = min(p_values) * len(p_values)
    what = "First scores do" if names == ["baseline"] else "What was known before does"
    passed = smallest >= least
    plain = f"{what} not jump at the line." if passed else f"{what} jump at the line already."
    return context.result(
        passed, f"{plain.rstrip('.')} (p {min(smallest, 1.0):.3f}).", smallest, least, plain
    )


def _known_before(context: CheckContext, rows: pd.DataFrame) -> list[str]:
    """Return the first score, or without one the plan's covariates that are numbers."""
    if rows["baseline"].notna().mean() >= 0.5:
        return ["baseline"]
    people, found = context.study.intake.people, []
    for name in context.study.evaluation.declared.analysis.covariates:
        if name != "baseline" and people[name].dtype.kind in "fiu":
            rows[name] = rows["person"].map(people[name]).astype(float)
            found.append(name)
    return found


def _jump(rows: pd.DataFrame, name: str, at: float, *, above: bool) -> float | None:
    from evalkit.stats import regression_discontinuity

    known = rows[rows[name].notna()]
    try:
        return regression_discontinuity(
            known, outcome=name, score=NEED, cutoff=at, treated_above=above
        ).p_value
    except REFUSALS:
        return None


def relevance(context: CheckContext) -> Check:
    """Whether the instrument moves people into the programme: the F of the first stage."""
    from evalkit.comparisons import instrumented_fit

    least = context.settings.thresholds["least"]
    try:
        found = instrumented_fit(context.study, context.target, context.followed)
    except REFUSALS as refusal:
        return context.result(None, f"The instrument cannot be looked at. {refusal}",
                              shareable="The instrument cannot be looked at.")  # fmt: skip
    f = found.f_statistic or 0.0
    passed = f >= least
    plain = (
        "The instrument moves people into the programme." if passed
        else "The instrument moves too few people into the programme."
    )  # fmt: skip
    return context.result(
        passed, f"{plain.rstrip('.')} (F {written(f, 1)}, limit {least:g}).", f, least, plain
    )
