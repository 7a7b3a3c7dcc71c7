"""The scored answers about one outcome at one wave, one row a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.returns import NOT_ANSWERED

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.intake import Intake
    from evalkit.targets import Target


def answers_at(intake: Intake, target: Target, wave: str) -> pd.DataFrame:
    """Return score, n (scored answers) and why (missing) by person; several are averaged.

    Of an outcome that is only ordered the middle answer is taken, the higher of two. Where several
    respondents give different reasons, one that says more than silence counts, so
    that the order of the rows does not matter.
    """
    import pandas as pd

    scores = intake.scores
    mine = scores[
        (scores["measure"] == target.measure)
        & (scores["scale"] == target.scale)
        & (scores["wave"] == wave)
        & (scores["informant"] == target.informant)
    ]
    grouped = mine.groupby("person", sort=False)
    table = grouped["score"].agg(score="mean", n="count")
    if target.kind == "ordinal":
        table["score"] = grouped["score"].quantile(interpolation="higher")
    unscored = mine[mine["why_missing"].notna()].sort_values("why_missing")
    silent = unscored["why_missing"] == NOT_ANSWERED
    said = pd.concat([unscored[~silent], unscored[silent]])
    table["why"] = said.groupby("person")["why_missing"].first()
    return table
