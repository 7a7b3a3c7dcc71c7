"""The log of an allocation: append-only lines that show when somebody has bent them.

Each line is JSON: first what anybody may read, then `hmac` and `hash`. The first line says how to
read the log, commits to the seed and holds the rule, sealed, so that block sizes cannot be read
before the end; each further line is one unit, in order of enrolment; a list that is complete ends
with a line that reveals the rule. The hashes chain the lines, so that anybody sees a careless change; the
HMACs are keyed by the seed, so that nobody without it can rebuild the chain. What a log cannot show
by itself is that lines were cut off its end while the list is open: receipts, kept apart, do.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from evalkit.allocation.rule import Enrolled, Rule, arms_of, rule_of
from evalkit.allocation.seal import (
    FIRST,
    can_be_guessed,
    commitment,
    compact,
    line_hash,
    line_hmac,
    seal,
    unseal,
)
from evalkit.errors import InvalidInput
from evalkit.results import Record
from evalkit.tables import listed

FORMAT = "evalkit-allocation-log-1"
RECEIPT = 20
NEEDS = (
    "A list that stays open needs a seed that nobody can guess: make one with --new-seed, or give "
    "32 random characters or more. A short seed is for a list allocated all at once."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given(Record):
    """One unit and what it was given: `n` from 1, its cluster, its values, the arm, the day."""

    n: int
    unit: str
    cluster: str
    values: tuple[str, ...]
    arm: str
    date: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its place in the file from 1, what it says, that as text, its HMAC and hash."""

    place: int
    body: Mapping[str, Any] = field(repr=False)
    text: str = field(repr=False)
    mac: str
    digest: str

    def written(self) -> str:
        """Return the line as it stands in the file."""
        return f'{self.text[:-1]},"hmac":"{self.mac}","hash":"{self.digest}"}}'


@dataclass(frozen=True)
class Log:
    """A log as read: its lines, the first being its head."""

    lines: tuple[Line, ...] = field(repr=False)

    @property
    def head(self) -> Mapping[str, Any]:
        """What the first line says."""
        return self.lines[0].body

    @cached_property
    def given(self) -> tuple[Given, ...]:
        """The units in order of enrolment."""
        return tuple(_given(line.body) for line in self.lines[1:] if "unit" in line.body)

    @property
    def open(self) -> bool:
        """Whether the list was begun as one that more units come to."""
        return bool(self.head["open"])

    @property
    def closed(self) -> bool:
        """Whether the last line says that the list is complete."""
        return "closed" in self.lines[-1].body

    @property
    def units(self) -> int:
        """How many units there are."""
        last = self.lines[-1].body
        return int(last.get("n", last.get("closed", 0)))

    @property
    def receipt(self) -> str:
        """What shows later that nothing was cut off: how many units, and the end of the chain."""
        return f"{self.units}-{self.lines[-1].digest[:RECEIPT]}"

    def text(self, after: int = 0) -> str:
        """Return the lines after the first `after` as text of the file."""
        return "".join(f"{line.written()}\n" for line in self.lines[after:])

    def rule(self, seed: str) -> Rule:
        """Return the rule that the first line holds sealed; raises InvalidInput for a wrong seed."""
        check_seed(self, seed)
        return rule_of(unseal(str(self.head["rule"]), seed))


def _given(body: Mapping[str, Any]) -> Given:
    return Given(
        n=body["n"], unit=body["unit"], cluster=body["cluster"], values=tuple(body["values"]),
        arm=body["arm"], date=body["date"],
    )  # fmt: skip


def begin(rule: Rule, seed: str, *, open: bool, date: str) -> Log:
    """Return a log without units; `open` is whether units come later too.

    Raises InvalidInput for a seed that could be guessed while the list is open.
    """
    from evalkit.stats.planning.allocation_keys import seed_text

    seed = seed_text(seed)
    if open and can_be_guessed(seed):
        raise InvalidInput(NEEDS)
    if open and rule.method == "constrained":
        raise InvalidInput(
            "Method constrained needs all clusters before any is allocated: leave --open out."
        )
    body = {
        "log": FORMAT, "reads": rule.unit, "cluster": rule.cluster, "columns": list(rule.columns),
        "open": open, "date": _day(date), "commitment": commitment(seed),
        "rule": seal(rule.to_dict(), seed),
    }  # fmt: skip
    return Log(tuple(_chained((), [body], seed)))


def add(log: Log, units: Sequence[Enrolled], seed: str, *, date: str) -> Log:
    """Return the log with more units, each given what the seed says for its place.

    Raises InvalidInput for a wrong seed, a list that is closed, a unit that is in the log already,
    a day before the last, and a log whose arms are not those of the seed.
    """
    rule = log.rule(seed)
    _refuse_closed(log)
    names = [item.unit for item in units]
    known = {item.unit: item.arm for item in log.given}
    again = [f"{name} ({known[name]})" for name in names if name in known]
    if again or len(set(names)) < len(names):
        raise InvalidInput(f"In the log already, or given twice: {listed(again or names)}.")
    day = _day(date, after=log.lines[-1].body["date"])
    before = [Enrolled(item.unit, item.cluster, item.values) for item in log.given]
    arms = arms_of(rule, [*before, *units], seed)
    if arms[: len(before)] != [item.arm for item in log.given]:
        raise InvalidInput("The log holds arms that the seed does not give. Run --verify.")
    bodies = [
        {"n": n, "unit": item.unit, "cluster": item.cluster, "values": list(item.values),
         "arm": arm, "date": day}
        for n, (item, arm) in enumerate(
            zip(units, arms[len(before) :], strict=True), start=len(before) + 1
        )
    ]  # fmt: skip
    return Log((*log.lines, *_chained(log.lines, bodies, seed)))


def close(log: Log, seed: str, *, date: str) -> Log:
    """Return the log with a last line: the list is complete, and this was the rule."""
    rule = log.rule(seed)
    _refuse_closed(log)
    day = _day(date, after=log.lines[-1].body["date"])
    body = {"closed": log.units, "date": day, "rule": rule.to_dict()}
    return Log((*log.lines, *_chained(log.lines, [body], seed)))


def check_seed(log: Log, seed: str) -> None:
    """Refuse a seed that is not the one the log commits to."""
    if commitment(seed) != log.head["commitment"]:
        raise InvalidInput(
            "This is not the seed that the log was begun with. Nothing was allocated. "
            "Find the seed of this log, or begin another list with a log of its own."
        )


def _refuse_closed(log: Log) -> None:
    if log.closed:
        raise InvalidInput(
            f"The list is closed, with {log.units} units: no unit can be added. "
            "Begin another list, with a log and a seed of its own."
        )


def _day(text: str, *, after: str = "") -> str:
    try:
        day = datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise InvalidInput(f"'{text}' is not a day. Allowed: a day as 2026-04-30.") from None
    if day < after:
        raise InvalidInput(
            f"{day} is before {after}, the day of the log's last line. Allocation is logged in the "
            "order in which it happens."
        )
    return day


def _chained(
    before: Sequence[Line], bodies: Iterable[Mapping[str, Any]], seed: str
) -> Iterable[Line]:
    link = before[-1].digest if before else FIRST
    for place, body in enumerate(bodies, start=len(before) + 1):
        text = compact(body)
        mac = line_hmac(seed, link, text)
        link = line_hash(link, text, mac)
        yield Line(place, body, text, mac, link)
