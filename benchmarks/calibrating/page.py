"""docs/calibration.md: what was simulated, what was found, and what to do where it is off."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version

from benchmarks.calibrating.cells import Cell
from benchmarks.calibrating.reasons import reason
from benchmarks.calibrating.runs import Found
from benchmarks.calibrating.tables import TABLES, Table
from evalkit import __version__

LIBRARIES = ("numpy", "scipy", "pandas")
HEAD = """# How often 95% intervals hold the truth

Made by `python benchmarks/calibration.py --runs {runs} --seed {seed} --write docs/calibration.md`; not edited by hand.
{versions}.

Each row is a kind of trial whose truth is known, made and analysed many times with the defaults of `evalkit.stats`. A 95% interval
should hold the truth 95 times in 100. Coverage counts how often it did, under an effect; type I error how often the p-value was at or
below 0.05 in other runs without any effect. ± is one Monte-Carlo standard error: what chance alone does to so many runs. Width is the
mean width of the interval; after ×, for a ratio, its upper end over its lower end (geometric mean). Runs that the method refused (as
too little to go on) are left out and their share stated.

A row is marked with a number where coverage is outside 93.5 to 96.5%, or type I error above 6%, by more than that error; the sentence
with the number says why and what to do instead. Below 93.5% an interval promises too much; above 96.5% it is only wider than need be.
Slow methods had fewer runs, so their rows say less. Among so many rows some are marked by chance. Random numbers follow from the seed
and the words of a row, whatever the number of workers.

{overview}
"""
INTERVALS = (
    "| method | structure | n | runs | coverage % | type I error % | width | |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)
P_VALUES = (
    "| method | structure | n | runs | p ≤ 0.01 % | p ≤ 0.05 % | p ≤ 0.10 % | p ≤ 0.50 % | |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)


def page(found: Mapping[str, Found], *, runs: int, seed: int) -> str:
    """Return the page; `runs` and `seed` are those asked for."""
    head = HEAD.format(
        runs=runs, seed=seed, versions=versions(), overview="\n".join(_overview(found))
    )
    return "\n".join([head, *(_section(table, found) for table in TABLES)])


def versions() -> str:
    """Return the versions the numbers rest on."""
    names = [f"Python {platform.python_version()}", f"evalkit {__version__}"]
    return ", ".join([*names, *(f"{name} {version(name)}" for name in LIBRARIES)])


def row(cell: Cell, found: Found, mark: str) -> str:
    """Return the line of a cell."""
    runs = f"{found.runs:,}"
    if found.refused:
        runs += f" ({100 * found.refused:.1f}% refused)"
    first = [cell.method.words, cell.structure, cell.size, runs]
    if not cell.method.interval:
        return _line([*first, *(_share(found, share) for share in found.below), mark])
    width = f"× {found.width:.2f}" if cell.method.ratio else f"{found.width:.3g}"
    return _line(
        [*first, _share(found, found.coverage), _share(found, found.type_one), width, mark]
    )


def is_off(cell: Cell, found: Found) -> bool:
    """Return whether a row is marked."""
    return found.off(interval=cell.method.interval)


def _line(parts: list[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _share(found: Found, share: float) -> str:
    return f"{100 * share:.1f} ± {100 * found.error(share):.1f}"


def _overview(found: Mapping[str, Found]) -> list[str]:
    lines = ["| table | rows | marked |", "| --- | --- | --- |"]
    for table in TABLES:
        off = sum(is_off(cell, found[cell.name]) for cell in table.cells)
        lines.append(_line([table.title, str(len(table.cells)), str(off or "none")]))
    return lines


def _section(table: Table, found: Mapping[str, Found]) -> str:
    why: dict[str, int] = {}
    lines = []
    for cell in table.cells:
        one, mark = found[cell.name], ""
        if is_off(cell, one):
            text = reason(cell, one)
            mark = f"**{why.setdefault(text, len(why) + 1)}**"
        lines.append(row(cell, one, mark))
    heads = INTERVALS if table.cells[0].method.interval else P_VALUES
    notes = [f"{number}. {text}" for text, number in why.items()]
    parts = [f"## {table.title}", table.simulated, "\n".join([*heads, *lines]), "\n".join(notes)]
    return "\n\n".join(part for part in parts if part) + "\n"
