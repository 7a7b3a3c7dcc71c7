"""Whether a measure's worked examples come out as stated."""

from __future__ import annotations

import math
from typing import Any
from warnings import catch_warnings, simplefilter

from evalkit.errors import Unverified
from evalkit.instruments.parts import WorkedExample
from evalkit.instruments.spec import Measure

NEAR = 5e-4
"""Examples are stated to three decimals or as published; a tabulated score exactly."""


def example_faults(measure: Measure) -> list[str]:
    """Return what the worked examples say that scoring does not give; empty where all agree."""
    return [
        f"{example.title}: {fault}"
        for example in measure.examples
        for fault in _faults(measure, example)
    ]


def example_frame(measure: Measure, example: WorkedExample) -> Any:
    """Return the answers of an example as a pandas frame of one row."""
    import pandas as pd

    items = measure.items if len(example.answers) == len(measure.items) else measure.asked
    named = {
        f"{measure.column}_{item.column}": [answer]
        for item, answer in zip(items, example.answers, strict=True)
    }
    frame = pd.DataFrame(named, dtype="float64")
    if example.sex is not None:
        frame["sex"] = example.sex
    if example.grade is not None:
        frame["grade"] = example.grade
    return frame


def _faults(measure: Measure, example: WorkedExample) -> list[str]:
    from evalkit.scoring import score

    frame = example_frame(measure, example)
    sex = "sex" if example.sex is not None else None
    grade = "grade" if example.grade is not None else None
    with catch_warnings():
        simplefilter("ignore", Unverified)
        row = score(frame, measure, bands=example.system, sex=sex, grade=grade).iloc[0]
    found = []
    for scale, stated in example.scores:
        given = row[measure.score_column(scale)]
        if not _agree(given, stated, exact=measure.scale(scale).method == "table"):
            found.append(f"{scale} is {given}, stated {stated}")
    for scale, label in example.bands:
        given = row.get(f"{measure.score_column(scale)}_band")
        if (label or None) != (given if isinstance(given, str) else None):
            found.append(f"the band of {scale} is {given}, stated {label}")
    if example.flags is not None:
        text = row[f"{measure.column}__flags"]
        given = [
            x
            for x in (text.split(";") if isinstance(text, str) else [])
            if not x.startswith("prorated:")
        ]
        if given != list(example.flags):
            found.append(f"the flags are {given}, stated {list(example.flags)}")
    return found


def _agree(given: float, stated: float | None, *, exact: bool) -> bool:
    if stated is None or math.isnan(given):
        return stated is None and math.isnan(given)
    decimals = len(f"{stated!r}".partition(".")[2])
    near = 0.0 if exact else max(NEAR, 0.5 * 10.0**-decimals) if decimals > 1 else 1e-9
    return abs(given - stated) <= near + 1e-12
