"""When a wave is due for each person, and when it closes."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.declaration import Wave
    from evalkit.evaluation import Evaluation

    Mask = npt.NDArray[np.bool_]


def is_due(evaluation: Evaluation, people: pd.DataFrame, wave: Wave) -> Mask:
    """Whether a wave was due for each person by the day the data end, its window included."""
    import numpy as np
    import pandas as pd

    as_of = evaluation.declared.data.as_of
    if as_of is None:
        return np.ones(len(people), dtype=bool)
    closes = closing_days(evaluation, people, wave)
    return np.asarray((closes <= pd.Timestamp(as_of)) | closes.isna(), dtype=bool)


def closing_days(
    evaluation: Evaluation, people: pd.DataFrame, wave: Wave
) -> pd.Series[pd.Timestamp]:
    """Return the last day of a wave for each person, its window included; NaT without a start."""
    import pandas as pd

    starts = start_days(evaluation, people)
    closes = {day: _closes(day, wave) for day in starts.dropna().unique()}
    return pd.to_datetime(starts.map(closes))


def _closes(day: pd.Timestamp, wave: Wave) -> pd.Timestamp:
    import pandas as pd

    due: datetime.date = wave.window.after(wave.due.after(day.date()))
    return pd.Timestamp(due)


def due_days(evaluation: Evaluation, people: pd.DataFrame, wave: Wave) -> pd.Series[pd.Timestamp]:
    """Return the day a wave is due for each person, its window left out; NaT without a start."""
    import pandas as pd

    starts = start_days(evaluation, people)
    due = {day: pd.Timestamp(wave.due.after(day.date())) for day in starts.dropna().unique()}
    return pd.to_datetime(starts.map(due))


def start_days(evaluation: Evaluation, people: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """Return the day each person's time starts: allocation, else the start of the programme."""
    import pandas as pd

    start = evaluation.declared.programme.start
    starts = people["allocated_on"]
    return starts.fillna(pd.Timestamp(start)) if start else starts
