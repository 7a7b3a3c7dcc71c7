"""The allocation list: written from the log, and over nothing but an earlier list of the same log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evalkit.cli.output import refuse_use
from evalkit.cli.writing import harmless, write_csv
from evalkit.errors import EvalkitError, InvalidInput

if TYPE_CHECKING:
    from evalkit.allocation.log import Log

ENDINGS = (".csv", ".xlsx")


def rows_of_log(log: Log) -> list[list[str]]:
    """Return the list as text: unit, cluster, values, arm, place, date; the names first."""
    head = log.head
    cluster = [head["cluster"]] if head["cluster"] else []
    names = [head["reads"], *cluster, *head["columns"], "arm", "place", "date"]
    body = [
        [item.unit, *([item.cluster] if cluster else []), *item.values, item.arm, str(item.n),
         item.date]
        for item in log.given
    ]  # fmt: skip
    return [names, *body]


def check_target(target: Path, log: Log, *, force: bool) -> None:
    """Refuse to write over anything but an earlier list of this log, unless told to."""
    from evalkit.files.allocations import refuse_link

    if target.suffix.lower() not in ENDINGS:
        refuse_use(f"--out: lists are csv or xlsx, and '{target.name}' ends in neither.")
    refuse_link(target)
    if not target.exists() or (force and target.is_file()):
        return
    if not target.is_file() or not _is_earlier(target, rows_of_log(log)):
        raise InvalidInput(
            f"{target} is there already and is not an earlier list of this log: somebody changed it, "
            "or it is another file. Nothing was allocated. Compare the two with --verify, choose "
            "another name with --out, or write over it with --force."
        )


def _is_earlier(target: Path, rows: list[list[str]]) -> bool:
    from evalkit.files.tables import read_table
    from evalkit.tables import rows_of

    try:
        found = rows_of(read_table(target).frame)
    except EvalkitError:
        return False
    due = [[_cell(cell, target) for cell in row] for row in rows[: len(found)]]
    return found == due


def _cell(text: str, target: Path) -> str:
    return harmless(text) if target.suffix.lower() == ".csv" else text


def write_list(target: Path, log: Log) -> None:
    """Write the list whole or not at all."""
    import pandas as pd

    names, *body = rows_of_log(log)
    if target.suffix.lower() == ".csv":
        return write_csv(pd.DataFrame(body, columns=names, dtype=object), target)
    from evalkit.cli.exporting import write_whole
    from evalkit.forms.workbooks import book_of, write_rows

    book = book_of(lambda made: write_rows(made.add_worksheet("allocated"), [names, *body]), "")
    return write_whole(book, target, force=True)
