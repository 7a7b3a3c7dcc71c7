"""`evalkit score`: item answers in a file to scores in a csv file beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from warnings import catch_warnings, simplefilter

import typer

from evalkit.cli.flagging import Flagged, flags_beside, write_flags
from evalkit.cli.options import AsJson, MeasuresFolder, origin
from evalkit.cli.output import guarded, refuse_use, say, write_json
from evalkit.cli.writing import write_csv
from evalkit.errors import InvalidData, InvalidInput, Problem, Unverified, Where

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.instruments.spec import Measure
    from evalkit.tables import RawTable


class OnInvalid(StrEnum):
    """What is done with an answer that is not allowed."""

    stop = "raise"
    missing = "missing"


@dataclass(frozen=True, slots=True)
class Count:
    """Rows with and without a score on one scale, and why without."""

    scale: str
    scored: int
    without: int
    why: tuple[tuple[str, int], ...]


@guarded
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A csv, xlsx or parquet file.")],
    measure: Annotated[str, typer.Option("--measure", help="Id, as in `evalkit measures list`.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Where to write. Default: FILE's name .scored.csv.")
    ] = None,
    on_invalid: Annotated[
        OnInvalid, typer.Option("--on-invalid", help="Stop at, or blank and count, a wrong answer.")
    ] = OnInvalid.stop,
    bands: Annotated[
        str | None, typer.Option("--bands", help="Band system of the measure, or none.")
    ] = None,
    sex: Annotated[
        str | None, typer.Option("--sex", help="Column of sexes, for bands and flags that differ.")
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of an xlsx file.")] = None,
    measures: MeasuresFolder = None,
    as_json: AsJson = False,
) -> None:
    """Score item answers and write them with the scores added, as csv.

    Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers never do.
    """
    import evalkit as ek
    from evalkit.files.tables import read_table

    if not file.name or file.is_dir():
        refuse_use(f"{file} is a folder. Name the file of answers.")
    target = out or file.with_name(f"{file.stem}.scored.csv")
    if target.suffix.lower() != ".csv":
        refuse_use(f"--out: scores are written as csv, and '{target.name}' does not end in .csv.")
    known = ek.measure(measure, measures)
    table = read_table(file, sheet)
    _refuse_to_replace(file, target, known)
    _check(table, known, stop=on_invalid is OnInvalid.stop)
    with catch_warnings(record=True) as unsure:
        simplefilter("always", Unverified)
        scored: pd.DataFrame = ek.score(
            table.frame, measure, bands=bands, sex=sex, on_invalid=on_invalid.value, folder=measures
        )
    made = [scale.id for scale in known.scales if known.score_column(scale.id) in scored]
    counts = [_count(scored, known, scale) for scale in made]
    write_csv(scored, target)
    flagged = _flagged(scored, known, target)
    invalid = f"{known.column}__n_invalid"
    blanked = int(scored[invalid].sum()) if invalid in scored else 0
    if as_json:
        return write_json({"ok": True, "measure": measure, "version": known.version,
                           "source": origin(measure, measures), "out": str(target.resolve()),
                           "rows": len(scored), "blanked": blanked, "scales": counts,
                           "notes": [str(item.message) for item in unsure], "safeguarding": flagged.record()})  # fmt: skip
    _show(len(scored), blanked, counts, target)
    for item in unsure:
        say(f"Note: {item.message}")
    flagged.show()


def _flagged(scored: pd.DataFrame, measure: Measure, target: Path) -> Flagged:
    """List what must reach a person in a file of its own, by person where there is such a column."""
    import pandas as pd

    from evalkit.safeguarding import COLUMNS, safeguarding

    rows = pd.Series(range(2, len(scored) + 2), index=scored.index).astype(str)
    keys = pd.DataFrame({
        name: scored[name] if name in scored else ("row " + rows if name == "person" else "")
        for name in COLUMNS[:4]
    }).reset_index(drop=True)  # fmt: skip
    flags = scored[f"{measure.column}__flags"].reset_index(drop=True)
    return write_flags(safeguarding(keys, flags, measure), flags_beside(target.with_suffix("")))


def _check(table: RawTable, measure: Measure, *, stop: bool) -> None:
    """Hold the answers to the measure as `evalkit check` does, naming file, row and column."""
    from evalkit.returns import item_rules
    from evalkit.rules import find_problems
    from evalkit.scoring.columns import COMMAND, item_columns

    if measure.score_only:
        return
    try:
        columns = item_columns(list(table.frame.columns), measure, ways=COMMAND)
    except InvalidInput as error:
        raise InvalidData([Problem(Where(file=table.name, row=1), str(error))]) from None
    otherwise = "score with --on-invalid missing."
    rules = item_rules(columns, measure, missing_codes={}, otherwise=otherwise)
    problems = find_problems(table, rules) if stop else []
    if problems:
        raise InvalidData(problems)


def _refuse_to_replace(source: Path, target: Path, measure: Measure) -> None:
    """Never write over the answers, nor over a file that is not an earlier file of scores."""
    if not target.exists():
        return
    if target.samefile(source):
        raise InvalidInput(f"{target} is the file of answers. Choose another name with --out.")
    with target.open("rb") as stream:
        first = stream.readline(1_000_000)
    if f"{measure.column}__n_answered".encode() not in first:
        raise InvalidInput(
            f"{target} is there already and does not hold scores of {measure.id}. "
            "Nothing was written. Choose another name with --out."
        )


def _count(scored: pd.DataFrame, measure: Measure, scale: str) -> Count:
    missing = scored[measure.score_column(scale)].isna()
    blank = missing & (scored[f"{measure.column}__n_answered"] == 0)
    reasons = {"no item answered": int(blank.sum()),
               "too few items answered": int((missing & ~blank).sum())}  # fmt: skip
    why = tuple((reason, n) for reason, n in reasons.items() if n)
    return Count(scale, int((~missing).sum()), int(missing.sum()), why)


def _show(rows: int, blanked: int, counts: list[Count], target: Path) -> None:
    say(f"{rows} rows read")
    if blanked:
        say(f"answers not allowed and left out: {blanked} (counted by row in ..__n_invalid)")
    for count in counts:
        why = "; ".join(f"{n} {reason}" for reason, n in count.why)
        without = f", {count.without} without a score ({why})" if count.without else ""
        say(f"  {count.scale}: {count.scored} rows scored{without}")
    say(f"Written: {target.resolve()}")
