"""One run of `evalkit randomise`: what was asked, the log as it is, the log as it will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.cli.allocated_list import check_target, write_list
from evalkit.cli.output import refuse_use
from evalkit.errors import InvalidData, InvalidInput

if TYPE_CHECKING:
    from evalkit.allocation.check import Verdict
    from evalkit.allocation.log import Log
    from evalkit.allocation.rule import Enrolled, Rule
    from evalkit.files.allocations import SeedFile
    from evalkit.tables import RawTable

LIST, LOG = ".allocated.csv", ".allocation-log.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """The seed of a run, and the file that it came from, if from one."""

    text: str
    held: SeedFile | None = None

    def __repr__(self) -> str:
        """Say nothing of the seed."""
        return "Seed(...)"

    @property
    def receipts(self) -> tuple[str, ...]:
        """Those that the seed's file keeps."""
        return self.held.receipts if self.held else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a run was asked: files, units, day; `rule` holds the options given, others left out."""

    file: Path | None
    sheet: str | None
    log: Path
    out: Path
    rule: Mapping[str, Any]
    adds: tuple[str, ...]
    values: Mapping[str, str]
    open: bool
    close: bool
    date: str
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a run did: the log now, the units added, the rule and what must be said."""

    log: Log
    added: int
    rule: Rule
    notes: tuple[str, ...]


def read_seed_option(text: str | None, file: Path | None) -> Seed | None:
    """Return the seed given as text or as a file; None without either."""
    from evalkit.files.allocations import read_seed

    if text is not None and file is not None:
        refuse_use("Give --seed or --seed-file, not both.")
    if file is not None:
        held = read_seed(file)
        return Seed(text=held.seed, held=held)
    if text is not None and not text.strip():
        refuse_use("--seed is empty.")
    return None if text is None else Seed(text=text.strip())


def places(file: Path | None, log: Path | None, out: Path | None) -> tuple[Path, Path]:
    """Return where log and list are: beside FILE, or the list beside the log."""
    for path in (file, log, out):
        if path is not None and (path.is_dir() or not path.name):
            refuse_use(f"{path} is a folder. Name a file.")
        if path is not None and not path.parent.is_dir():
            refuse_use(f"The folder {path.parent} is not there.")
    if file is not None:
        stem = file.with_suffix("")
    elif log is not None:
        stem = log.with_name(log.name.removesuffix(LOG).removesuffix(".jsonl"))
    else:
        refuse_use("Name the FILE of units, or the log with --log.")
    return (
        log or stem.with_name(f"{stem.name}{LOG}"),
        out or stem.with_name(f"{stem.name}{LIST}"),
    )


def run(asked: Asked, seed: Seed) -> Done:
    """Allocate what is new; write log, receipt and list, in this order, or nothing."""
    from evalkit.files.allocations import grow_log, keep_receipt, one_at_a_time

    _refuse_one_place_for_two(asked, seed)
    with one_at_a_time(asked.log):
        before = _log_there(asked, seed)
        log, rule, units = _extended(asked, seed, before)
        check_target(asked.out, log, force=asked.force)
        new = before is None
        grow_log(asked.log, log.text(0 if before is None else len(before.lines)), new=new)
        if seed.held is not None:
            keep_receipt(seed.held, log.receipt)
        write_list(asked.out, log)
    return Done(
        log=log, added=len(units), rule=rule, notes=tuple(_notes(asked, seed, log, rule, units))
    )


def _refuse_one_place_for_two(asked: Asked, seed: Seed) -> None:
    named = [asked.file, asked.log, asked.out, seed.held.path if seed.held else None]
    known = [path.resolve() for path in named if path is not None]
    if len(set(known)) < len(known):
        refuse_use("Units, log, list and seed are different files: give each its own name.")


def _log_there(asked: Asked, seed: Seed) -> Log | None:
    """Return the log that is there, once it is shown to be whole."""
    from evalkit.files.allocations import read_log_text

    if not asked.log.exists():
        if seed.receipts:
            raise InvalidInput(
                f"This seed was used for a list already, and {asked.log.name} is not there. Name its "
                "log with --log. Another list needs a seed of its own (--new-seed): with the same "
                "one, whoever has seen the first list knows the second."
            )
        return None
    log, verdict = check_log(read_log_text(asked.log), asked.log.name, seed, ())
    if log is None or verdict.problems:
        raise InvalidData(verdict.problems)
    return log


def check_log(
    text: str, name: str, seed: Seed | None, receipts: Sequence[str]
) -> tuple[Log | None, Verdict]:
    """Return a log and the verdict on it, with the receipts that the seed's file keeps."""
    from evalkit.allocation.check import LAST_GOOD, verify

    kept = [*receipts, *(seed.receipts if seed else ())]
    log, verdict = verify(text, name, seed=seed.text if seed else None, receipts=kept)
    if verdict.problems:
        *some, last = verdict.problems
        verdict = replace(verdict, problems=(*some, replace(last, next_step=LAST_GOOD)))
    return log, verdict


def _extended(asked: Asked, seed: Seed, before: Log | None) -> tuple[Log, Rule, list[Enrolled]]:
    from evalkit.allocation.log import add, begin, close
    from evalkit.allocation.units import refuse_too_few

    table = _table(asked)
    if before is None:
        rule = _new_rule(asked, table)
        log = begin(rule, seed.text, open=asked.open, date=asked.date)
    else:
        log, rule = before, before.rule(seed.text)
        _compare(asked, rule, log)
    units = _units(asked, table, rule, log)
    if log.closed and not units and not asked.close:
        return log, rule, units
    if not log.open or asked.close:
        known = len(log.given)
        if not known:
            refuse_too_few(rule, units)
    if units or not asked.close:
        log = add(log, units, seed.text, date=asked.date)
    if not log.open or asked.close:
        log = close(log, seed.text, date=asked.date)
    return log, rule, units


def _table(asked: Asked) -> RawTable | None:
    from evalkit.files.tables import read_table

    return None if asked.file is None else read_table(asked.file, asked.sheet)


def _new_rule(asked: Asked, table: RawTable | None) -> Rule:
    from evalkit.allocation.rule import make_rule
    from evalkit.allocation.units import unit_column

    if asked.close:
        raise InvalidInput(f"{asked.log.name} is not there: there is no list to close.")
    if table is None and not asked.open:
        raise InvalidInput(
            f"{asked.log.name} is not there: --add needs a list that is open. Begin one with --open."
        )
    chosen = dict(asked.rule)
    if table is not None:
        chosen["unit"] = unit_column(table, chosen.get("cluster"), chosen.get("unit"))
    if chosen.get("unit", "unit") == chosen.get("cluster"):
        chosen.pop("cluster")
    return make_rule(**chosen)


def _compare(asked: Asked, rule: Rule, log: Log) -> None:
    """Refuse options that are not those the list was begun with."""
    wrong = []
    for name, value in asked.rule.items():
        due = getattr(rule, name)
        given = tuple(sorted(set(value))) if name == "block" else value
        if given != due and not (name == "cluster" and given == rule.unit and due is None):
            wrong.append(name)
    if asked.open and not log.open:
        wrong.append("open")
    if wrong:
        raise InvalidInput(
            f"Not as the list was begun: {', '.join(wrong)}. A rule never changes: leave these "
            "options out, or begin another list."
        )


def _units(asked: Asked, table: RawTable | None, rule: Rule, log: Log) -> list[Enrolled]:
    from evalkit.allocation.units import enrolled, only_new
    from evalkit.tables import RawTable as Table

    if table is not None:
        return only_new(log, enrolled(table, rule), table.name)
    if not asked.adds:
        return []
    import pandas as pd

    rows = [{rule.unit: unit.strip(), **asked.values} for unit in asked.adds]
    needed = {*rule.columns, *([rule.cluster] if rule.cluster else [])}
    if set(asked.values) != needed:
        listed = " ".join(f"--value {name}=..." for name in sorted(needed)) or "no --value"
        raise InvalidInput(f"--add needs the values that decide, and no other: {listed}.")
    return enrolled(Table("--add", pd.DataFrame(rows, dtype=object)), rule)


def _notes(asked: Asked, seed: Seed, log: Log, rule: Rule, units: Sequence[Enrolled]) -> list[str]:
    from evalkit.allocation.seal import can_be_guessed
    from evalkit.allocation.units import left_empty, remarks

    found = left_empty(rule, log)
    found += [] if asked.open or asked.adds or asked.close else remarks(rule, units, seed.text)
    if seed.held is not None and seed.held.path.resolve().parent == asked.log.resolve().parent:
        found.append(
            "The seed lies in the folder of the log: move it where no recruiter can open it."
        )
    if seed.held is None and not can_be_guessed(seed.text):
        found.append("A seed typed in stays in the history of the terminal: prefer --seed-file.")
    return found
