"""The units to allocate, read from a table, with every fault found, and what is new among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from evalkit.allocation.log import Log
from evalkit.allocation.rule import Enrolled, Rule, scheme_of
from evalkit.errors import InvalidData, InvalidInput, Problem, Where, nearest
from evalkit.tables import is_number, listed

if TYPE_CHECKING:
    from evalkit.tables import RawTable

UNITS = ("unit", "person", "family", "site")


def unit_column(table: RawTable, cluster: str | None, named: str | None) -> str:
    """Return the column of units: the one named, else the first there is of unit, person, family, site."""
    columns = list(table.frame.columns)
    found = [name for name in UNITS if name in columns and name != cluster]
    if named is not None:
        return named
    if not found and cluster is None:
        what = "no column says which unit a row is."
        step = "Name it with --unit."
        raise InvalidData([Problem(Where(file=table.name, row=1), what, ", ".join(UNITS), step)])
    return found[0] if found else str(cluster)


def enrolled(table: RawTable, rule: Rule) -> list[Enrolled]:
    """Return the units of a table in its order; raises InvalidData with every fault."""
    columns = [rule.unit, *([rule.cluster] if rule.cluster else []), *rule.columns]
    there = list(table.frame.columns)
    missing = [name for name in columns if name not in there]
    if missing:
        raise InvalidData([_no_column(table.name, name, there) for name in missing])
    problems = [p for name in columns for p in _blanks(table, name)]
    problems += _repeats(table, rule)
    for name in rule.strata:
        problems += _spellings(table, name)
    for name in rule.covariates:
        problems += _not_numbers(table, name)
    if rule.cluster:
        problems += _torn_clusters(table, rule)
    if table.frame.empty:
        what = "the file has a header and no rows: there are no units to allocate."
        problems.append(Problem(Where(file=table.name), what, "one row a unit"))
    if problems:
        raise InvalidData(sorted(problems, key=lambda problem: problem.where.row or 0))
    cells = [table.frame[name].tolist() for name in columns]
    rows = zip(*cells, strict=True)
    if rule.cluster:
        return [Enrolled(row[0], row[1], tuple(row[2:])) for row in rows]
    return [Enrolled(row[0], "", tuple(row[1:])) for row in rows]


def _no_column(file: str, name: str, there: Sequence[str]) -> Problem:
    return Problem(Where(file=file, row=1, column=name), "no such column.", ", ".join(there),
                   nearest(name, there))  # fmt: skip


def _blanks(table: RawTable, name: str) -> Iterator[Problem]:
    column = table.column(name)
    rows = column.index[column == ""].tolist()
    if rows:
        what = f"{len(rows)} cell(s) are blank (row {listed(rows)})."
        yield Problem(Where(file=table.name, row=rows[0], column=name), what, "",
                      "Fill them in: a unit without a value cannot be allocated.")  # fmt: skip


def _repeats(table: RawTable, rule: Rule) -> Iterator[Problem]:
    column = table.column(rule.unit)
    again = column[column.duplicated() & (column != "")]
    first = {value: row for row, value in reversed(list(column.items()))}
    for row, value in again.items():
        what = f"'{value}' stands in row {first[value]} too."
        yield Problem(Where(file=table.name, row=int(str(row)), column=rule.unit), what,
                      "each unit once")  # fmt: skip


def _spellings(table: RawTable, name: str) -> Iterator[Problem]:
    """Find strata that differ in nothing but capitals: one of them is a slip."""
    by_lower: dict[str, str] = {}
    for value in table.column(name).unique():
        other = by_lower.setdefault(value.casefold(), value)
        if other != value:
            what = f"'{other}' and '{value}' differ only in capitals."
            yield Problem(Where(file=table.name, column=name), what, "", "Write them alike.")


def _not_numbers(table: RawTable, name: str) -> Iterator[Problem]:
    for row, value in table.column(name).items():
        if value and not is_number(value):
            where = Where(file=table.name, row=int(str(row)), column=name)
            yield Problem(where, "this is not a number.", "numbers, to balance clusters on")


def _torn_clusters(table: RawTable, rule: Rule) -> Iterator[Problem]:
    frame = table.frame
    first: dict[str, tuple[int, tuple[str, ...]]] = {}
    cells = zip(*(frame[name].tolist() for name in (rule.cluster, *rule.columns)), strict=True)
    for row, (cluster, *values) in zip(frame.index, cells, strict=True):
        there, known = first.setdefault(cluster, (row, tuple(values)))
        for name, one, other in zip(rule.columns, known, values, strict=True):
            if one != other and cluster:
                what = f"{rule.cluster} '{cluster}' is in '{one}' (row {there}) and in '{other}'."
                yield Problem(Where(file=table.name, row=row, column=name), what,
                              "one value for the whole of it")  # fmt: skip


def refuse_too_few(rule: Rule, units: Sequence[Enrolled]) -> None:
    """Refuse a list that is allocated all at once and cannot fill its arms."""
    whole = {item.cluster for item in units} if rule.cluster else {item.unit for item in units}
    kind = rule.cluster or rule.unit
    if len(whole) < len(rule.arms):
        raise InvalidInput(
            f"There is {len(whole)} {kind} for {len(rule.arms)} arms: an arm would stay empty. "
            "Allowed: at least one for each arm. If more are enrolled later, use --open."
        )


def only_new(log: Log, units: Sequence[Enrolled], file: str) -> list[Enrolled]:
    """Return the units that the log does not have; what it has must stand in the file unchanged."""
    by_name = {item.unit: item for item in units}
    problems = []
    lost = [item.unit for item in log.given if item.unit not in by_name]
    if lost:
        what = f"{len(lost)} unit(s) that were allocated are gone: {listed(lost)}."
        step = "Put their rows back: nobody who was allocated leaves the list."
        problems.append(Problem(Where(file=file), what, "", step))
    for item in log.given:
        now = by_name.get(item.unit)
        if now and (now.cluster, now.values) != (item.cluster, item.values):
            what = (f"unit '{item.unit}' was allocated as {listed([*item.values, item.cluster])} "
                    f"and stands here as {listed([*now.values, now.cluster])}.")  # fmt: skip
            step = "Write it as it was: what was used to allocate stays, mistakes too."
            problems.append(Problem(Where(file=file), what, "", step))
    if problems:
        raise InvalidData(problems)
    known = {item.unit for item in log.given}
    return [item for item in units if item.unit not in known]


def left_empty(rule: Rule, log: Log) -> list[str]:
    """Say which arms of a closed list nobody was given: chance may leave one so in a short list."""
    given = {item.arm for item in log.given}
    empty = [arm for arm in rule.arms if arm not in given] if log.closed else []
    if not empty:
        return []
    return [
        f"Nobody was given {listed(empty)}: nothing can be compared. Keep this log; begin again only "
        "with whoever holds the commitment, with blocks no larger than the list, and report both."
    ]


def remarks(rule: Rule, units: Sequence[Enrolled], seed: str) -> list[str]:
    """Say what a list allocated all at once cannot promise: strata too small, clusters tied."""
    if rule.method == "constrained":
        return _tied(rule, units, seed)
    firsts = {item.cluster or item.unit: item for item in reversed(units)}
    sizes = Counter(item.values for item in firsts.values()) if rule.strata else Counter()
    single = [" / ".join(values) for values, size in sizes.items() if size == 1]
    small = sum(1 for size in sizes.values() if 1 < size < sum(rule.ratio))
    found = []
    if single:
        found.append(
            f"{len(single)} of {len(sizes)} strata hold one unit ({listed(single)}). It was "
            "allocated by chance, but nothing in its stratum can be compared with it."
        )
    if small:
        found.append(f"{small} of {len(sizes)} strata hold fewer units than the ratio adds up to.")
    return found


def _tied(rule: Rule, units: Sequence[Enrolled], seed: str) -> list[str]:
    found = scheme_of(rule, units, seed)
    pairs = [f"{one} and {other}" for one, other, _ in found.pairs]
    tied = (
        f"{len(pairs)} pair(s) of clusters are in one arm in more than 75% or fewer than 25% of the "
        f"schemes ({listed(pairs, 3)}): they are as good as tied. A larger --best loosens them."
    )
    return [found.sentence, *([tied] if pairs else [])]
