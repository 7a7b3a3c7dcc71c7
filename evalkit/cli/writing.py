"""csv that a spreadsheet cannot take for formulas, written whole or not at all."""

from __future__ import annotations

import csv
import io
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def write_csv(frame: pd.DataFrame, target: Path, *, mode: int = 0o666) -> None:
    """Write a frame as csv that a spreadsheet cannot take for formulas; all of it or nothing."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([harmless(str(name)) for name in frame.columns])
    columns = [[harmless(value) for value in frame[name].tolist()] for name in frame.columns]
    writer.writerows(zip(*columns, strict=True))
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as stream:
            stream.write(text.getvalue().encode("utf-8"))
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def harmless(value: Any) -> str:
    """Return a cell as csv text; text that starts like a formula gets an apostrophe in front."""
    from evalkit.tables import is_number

    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value.is_integer() else repr(value)
    if not isinstance(value, str):
        return str(value)
    return f"'{value}" if value.startswith(FORMULA) and not is_number(value) else value
