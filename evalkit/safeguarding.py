"""What answers say that must reach a person, whatever the total: for the team, never for sharing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.instruments.spec import Measure

COLUMNS = ["person", "wave", "informant", "respondent", "measure", "flag", "state", "says"]
RAISED, POSSIBLE = "raised", "possible, with answers missing"
KIND = "safeguarding:"


def safeguarding(keys: pd.DataFrame, flags: pd.Series[str], measure: Measure) -> pd.DataFrame:
    """Return one row for every safeguarding flag of every answer set.

    `keys` holds person, wave, informant and respondent; `flags` is the flags column that `score`
    wrote, in the same order.
    """
    import pandas as pd

    rows = []
    says = {flag.id: flag.says for flag in measure.flags}
    marked = flags[flags.notna()]
    for position, text in zip(marked.index, marked, strict=True):
        for word in (word for word in text.split(";") if word.startswith(KIND)):
            name = word.removeprefix(KIND).removesuffix("?")
            state = POSSIBLE if word.endswith("?") else RAISED
            who = [keys.at[position, column] for column in COLUMNS[:4]]
            rows.append([*who, measure.id, name, state, says[name]])
    return pd.DataFrame(rows, columns=COLUMNS)


def safeguarding_of_scores(
    keys: pd.DataFrame, scores: pd.Series[float], measure: Measure, scale: str
) -> pd.DataFrame:
    """Return the same for scores worked out elsewhere: flags that look at this scale."""
    import pandas as pd

    from evalkit.instruments.checks import COMPARE

    found = []
    for flag in measure.flags:
        if flag.kind == "safeguarding" and scale in _same_total(flag.scale):
            name, limit = flag.limit
            reached = COMPARE[name](scores, limit) & scores.notna()
            rows = keys[reached.to_numpy()][COLUMNS[:4]]
            found.append(
                rows.assign(measure=measure.id, flag=flag.id, state=RAISED, says=flag.says)
            )
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def _same_total(scale: str | None) -> tuple[str, ...]:
    """A finished total answers for its own lower bound too."""
    return (scale or "", (scale or "").removesuffix("-at-least"))
